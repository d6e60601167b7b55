//! The sentence of each problem: what happened, where and why, what to do, what was not lost.

use domain::problem::Code;

/// The sentence of a code: Spanish, English.
pub(crate) fn sentence(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::MalformedRequest => (
            "La Coordinación no entendió lo que este equipo envió ({detail}). Lo capturado sigue aquí. Actualiza el programa y vuelve a enviar.",
            "The central endpoint did not understand what this equipment sent ({detail}). What was captured is still here. Update the program and send again.",
        ),
        Code::Unauthenticated => (
            "La Coordinación pidió a este equipo que se identifique otra vez. Nada se perdió; se reintenta al enviar.",
            "The central endpoint asked this equipment to identify itself again. Nothing was lost; it is tried again when sending.",
        ),
        Code::DeviceRevoked => (
            "La Coordinación no reconoce este equipo o le retiró el acceso. Nada se perdió: pide un código nuevo y activa otra vez esta misma carpeta con «enrol».",
            "The central endpoint does not know this equipment or has revoked it. Nothing was lost: ask for a new code and activate this same folder again with `enrol`.",
        ),
        Code::Forbidden => (
            "Tu función no permite hacer esto ({action}). Lo capturado sigue en este equipo. Si debería permitirlo, avisa a la administración.",
            "Your role does not allow this ({action}). What was captured is still on this equipment. If it should, tell the administration.",
        ),
        Code::NotFound => (
            "No existe lo que se pidió. Revisa el folio; nada cambió.",
            "What was asked for does not exist. Check the folio; nothing changed.",
        ),
        Code::MethodNotAllowed => (
            "La dirección del servidor responde, pero no a esta operación. Revisa la dirección y actualiza el programa; lo capturado sigue aquí.",
            "The address answers, but not to this operation. Check the address and update the program; what was captured is still here.",
        ),
        Code::CodeUnknown => (
            "El código «{code}» no existe. Revísalo letra por letra o pide otro a la administración. Este equipo sigue como estaba.",
            "The code “{code}” does not exist. Check it letter by letter or ask the administration for another. This equipment is still as it was.",
        ),
        Code::CodeUsed => (
            "Este código ya se usó en otro equipo ({usedAt}). Cada código sirve una vez: pide uno nuevo a la administración. Este equipo sigue como estaba.",
            "This code was already used on another equipment ({usedAt}). Each code works once: ask the administration for a new one. This equipment is still as it was.",
        ),
        Code::CodeExpired => (
            "Este código venció ({expiredAt}). Pide uno nuevo a la administración. Este equipo sigue como estaba.",
            "This code expired ({expiredAt}). Ask the administration for a new one. This equipment is still as it was.",
        ),
        Code::Gap => (
            "A la Coordinación le faltan seguimientos anteriores al que se envió (tiene hasta el {last}). Siguen en este equipo y se ofrecen solos otra vez, en orden.",
            "The central endpoint lacks follow-ups before the one that was sent (it has up to {last}). They are still on this equipment and are offered again in order.",
        ),
        Code::DeviceForked => (
            "Hay otra copia de esta carpeta que ya envió con la misma identidad (número {clientSeq}). Nada se perdió: pide un código nuevo y activa otra vez esta carpeta con «enrol»; lo pendiente saldrá con la identidad nueva.",
            "Another copy of this folder has already sent with the same identity (number {clientSeq}). Nothing was lost: ask for a new code and activate this folder again with `enrol`; what waits goes out under the new identity.",
        ),
        Code::OpIdReused => (
            "La Coordinación ya tiene otro contenido con el identificador {opId}. El seguimiento sigue aquí, apartado; avisa a la administración.",
            "The central endpoint already has other content under the identifier {opId}. The follow-up is still here, set apart; tell the administration.",
        ),
        Code::TooLarge => (
            "Lo enviado pasa del límite de la Coordinación ({limitMegabytes} MB). Sigue en este equipo; se intenta en partes más pequeñas.",
            "What was sent is over the endpoint's limit ({limitMegabytes} MB). It is still on this equipment and is tried again in smaller parts.",
        ),
        Code::BrokenCompression => (
            "Lo enviado llegó dañado. Sigue en este equipo y se reintenta.",
            "What was sent arrived damaged. It is still on this equipment and is tried again.",
        ),
        Code::BodyDamaged => (
            "Lo que viajó entre este equipo y la Coordinación llegó dañado; no se usó nada de ello. Todo sigue en este equipo y se reintenta. Si se repite, avisa a quien cuida la red.",
            "What travelled between this equipment and the central endpoint arrived damaged; none of it was used. Everything is still on this equipment and is tried again. If it repeats, tell whoever looks after the network.",
        ),
        Code::UpgradeRequired => (
            "Este programa es más antiguo de lo que la Coordinación admite (mínimo {minimum}). Lo capturado sigue aquí: actualiza el programa y vuelve a enviar.",
            "This program is older than the central endpoint admits (minimum {minimum}). What was captured is still here: update the program and send again.",
        ),
        Code::KindUnknown => (
            "La Coordinación todavía no conoce esta clase de operación ({opId}). Sigue guardada en este equipo y se envía otra vez cuando se actualice el servidor; lo demás sigue su camino.",
            "The central endpoint does not know this kind of operation yet ({opId}). It is stored on this equipment and is sent again when the endpoint is updated; the rest goes on.",
        ),
        Code::ConflictUnknown => (
            "No hay un conflicto abierto del seguimiento {folio}. Consulta la lista con «conflicts»; nada cambió.",
            "There is no open conflict of the follow-up {folio}. See the list with `conflicts`; nothing changed.",
        ),
        Code::ChoiceWaiting => (
            "Ya hay una elección sobre {folio} guardada en este equipo, por enviar. Envíala con «send» y consulta el resultado.",
            "There is already a choice on {folio} stored on this equipment, to be sent. Send it with `send` and see the result.",
        ),
        Code::ChoiceOutdated => (
            "Lo vigente cambió mientras elegías sobre {folio}. Consulta los valores nuevos con «conflicts» y elige otra vez; no se guardó nada.",
            "What stands changed while you chose on {folio}. See the new values with `conflicts` and choose again; nothing was kept.",
        ),
        Code::ReasonNeeded => (
            "Falta el motivo de la elección, o pasa de {limit} caracteres. Escríbelo con --reason; no se guardó nada.",
            "The reason of the choice is missing, or has more than {limit} characters. Write it with --reason; nothing was kept.",
        ),
        Code::ReviewWaiting => (
            "Ya hay una revisión o respuesta sobre {folio} guardada en este equipo, por enviar. Envíala con «send» y consulta el resultado.",
            "There is already a review or an answer on {folio} stored on this equipment, to be sent. Send it with `send` and see the result.",
        ),
        Code::ReviewOutdated => (
            "Alguien decidió o respondió sobre {folio} mientras tanto. Mira lo que dijo y decide otra vez; no se guardó nada.",
            "Somebody decided or answered on {folio} meanwhile. See what they said and decide again; nothing was kept.",
        ),
        Code::ReviewClosed => (
            "El seguimiento {folio} ya no está en un estado que se pueda decidir así; no se guardó nada. Consulta su estado con «tray».",
            "The follow-up {folio} can no longer be decided like this; nothing was kept. See its state with `tray`.",
        ),
        Code::ReviewOwn => (
            "El seguimiento {folio} lo capturaste tú: lo revisa otra persona de la Coordinación. Nada cambió; espera su decisión.",
            "You captured the follow-up {folio}: somebody else of the coordination reviews it. Nothing changed; wait for their decision.",
        ),
        Code::CorrectionClosed => (
            "El seguimiento {folio} todavía no se puede corregir con otro: espera a que la Coordinación lo acepte, lo observe o lo rechace. Nada cambió.",
            "The follow-up {folio} cannot be corrected by another yet: wait until the coordination accepts, observes or rejects it. Nothing changed.",
        ),
        Code::OpinionIncomplete => (
            "Falta el texto, o pasa de {limit} caracteres; de un problema falta decir qué tanto estorba. Escríbelo y vuelve a intentar. No se guardó nada.",
            "The text is missing or over {limit} characters; of a problem, how much it is in the way. Write it and try again. Nothing was kept.",
        ),
        Code::RescueNone => (
            "El perfil «{name}» no tiene copia de rescate: no se había activado, o su servidor no las acepta. No se hizo ningún archivo y lo guardado sigue como está. Busca el código de recuperación impreso, o pide a la administración uno para activar este equipo.",
            "The profile «{name}» has no rescue copy: it was not activated, or its endpoint takes none. No file was made, and what is stored stays as it is. Look for the printed recovery code, or ask the administration for one to enrol this equipment.",
        ),
        Code::RescueUnreadable => (
            "La copia de rescate está dañada en este disco ({file}). No se hizo ningún archivo: pide a Administración que revise el disco antes de seguir usándolo.",
            "The rescue copy is damaged on this disk ({file}). No file was made: ask Administration to look at the disk before it is used on.",
        ),
        Code::RemovedTooRecently => (
            "El perfil «{name}» se quitó hace poco. Espera {days} días para borrarlo para siempre; mientras, sigue guardado y se puede restaurar.",
            "The profile “{name}” was removed lately. Wait {days} days to delete it for good; until then it is still stored and can be brought back.",
        ),
        Code::TooManyRequests => (
            "La Coordinación recibe demasiado en este momento. Nada se perdió; se reintenta en {retryAfterSeconds} s.",
            "The central endpoint is receiving too much right now. Nothing was lost; it is tried again in {retryAfterSeconds} s.",
        ),
        Code::Unavailable => (
            "La Coordinación no pudo guardar en este momento y no registró nada. Todo sigue en este equipo y se reintenta.",
            "The central endpoint could not store right now and recorded nothing. Everything is still on this equipment and is tried again.",
        ),
        Code::Fault => (
            "Algo falló que nadie previó (reporte {reportId} {detail}). Lo capturado sigue guardado. Repite la operación; si vuelve a fallar, envía este número a la administración.",
            "Something failed that nobody foresaw (report {reportId} {detail}). What was captured is still stored. Try again; if it fails again, send this number to the administration.",
        ),
        Code::ProjectLost => (
            "La Coordinación se restauró de un respaldo que todavía no tiene el proyecto «{folio}». El seguimiento sigue aquí y se envía solo cuando lo carguen otra vez; avisa a la administración.",
            "The central endpoint was restored from a backup that does not have the project “{folio}” yet. The follow-up is still here and is sent by itself once it is loaded again; tell the administration.",
        ),
        Code::FollowUpLost => (
            "La Coordinación se restauró de un respaldo y el seguimiento {folio} todavía no regresa. La elección sigue aquí y se envía sola cuando el equipo que lo capturó lo mande otra vez.",
            "The central endpoint was restored from a backup and the follow-up {folio} is not back yet. The choice is still here and is sent by itself once the equipment that captured it sends it again.",
        ),
        Code::OutOfScope => (
            "El proyecto «{folio}» está asignado a otra área. El seguimiento sigue aquí, apartado, y sale solo si lo asignan otra vez a la tuya; «tray --to CARPETA» lo copia en archivos.",
            "The project “{folio}” is assigned to another area. The follow-up is still here, set apart, and leaves by itself if it is assigned to yours again; `tray --to DIR` copies it to files.",
        ),
        Code::ProjectUnknown => (
            "El proyecto «{folio}» no está entre los de tu área. Revisa el folio con «projects», o envía para traer los proyectos nuevos. No se guardó nada de este seguimiento.",
            "The project “{folio}” is not among those of your area. Check the folio with `projects`, or send to fetch new projects. Nothing of this follow-up was kept.",
        ),
        Code::ProcessAmbiguous => (
            "El proyecto tiene varios procesos de contratación. Escribe en «ocid» cuál es: {ocids}. No se guardó nada.",
            "The project has several contracting processes. Write in `ocid` which one it is: {ocids}. Nothing was kept.",
        ),
        Code::ProcessUnknown => (
            "El proceso «{ocid}» no es de este proyecto. Sus procesos son: {ocids}. Escribe uno de ellos en «ocid»; no se guardó nada.",
            "The process “{ocid}” is not one of this project. Its processes are: {ocids}. Write one of them in `ocid`; nothing was kept.",
        ),
        Code::HasErrors => (
            "El seguimiento tiene errores y no se puso en la lista de envío. Corrige lo siguiente y vuelve a capturar:",
            "The follow-up has errors and was not queued. Mend the following and capture again:",
        ),
        Code::DraftUnknown => (
            "El borrador {id} ya no existe. Búscalo entre los enviados. Nada se perdió.",
            "The draft {id} no longer exists. Look for it among those sent. Nothing was lost.",
        ),
        Code::FollowUpFileInvalid => (
            "«{file}» no es un archivo de seguimiento: {detail}. Corrígelo y vuelve a capturar; no se guardó nada.",
            "“{file}” is not a follow-up file: {detail}. Mend it and capture again; nothing was kept.",
        ),
        Code::FileUnreadable => (
            "No se pudo leer «{file}»: {detail}. Revisa que exista y que tengas permiso; no se guardó nada.",
            "“{file}” could not be read: {detail}. Check that it exists and that you may read it; nothing was kept.",
        ),
        Code::EvidenceNotReadable => (
            "«{file}» no se puede adjuntar: {found}. Se aceptan fotografías JPEG, PNG o WebP y documentos PDF. No se guardó nada. Conviértelo y vuelve a capturar.",
            "“{file}” cannot be attached: {found}. JPEG, PNG or WebP photographs and PDF documents are accepted. Nothing was kept. Convert it and capture again.",
        ),
        Code::EvidenceTooLarge => (
            "«{file}» pesa {megabytes} MB y el límite es {limitMegabytes} MB. Redúcelo y vuelve a capturar; no se guardó nada.",
            "“{file}” has {megabytes} MB and the limit is {limitMegabytes} MB. Make it smaller and capture again; nothing was kept.",
        ),
        Code::EvidenceTooMany => (
            "Un seguimiento lleva hasta {limit} archivos y «{file}» ya no cabe. Captura otro seguimiento para los demás; no se guardó nada.",
            "A follow-up has up to {limit} files and “{file}” is one too many. Capture another follow-up for the others; nothing was kept.",
        ),
        Code::RoomForTextOnly => (
            "«{file}» no cabe: quedan {freeMegabytes} MB y ese espacio se guarda para el texto. Libera {neededMegabytes} MB y adjúntalo otra vez; lo capturado está completo.",
            "There is no room for “{file}”: {freeMegabytes} MB are left, and they are kept for text. Free {neededMegabytes} MB and attach it again; what was captured is whole.",
        ),
        Code::MapUnreadable => (
            "El archivo del mapa «{file}» no se pudo leer ({detail}). Pide a la administración uno nuevo; el mapa se muestra sin calles y lo demás funciona igual.",
            "The file of the map “{file}” could not be read ({detail}). Ask the administration for a new one; the map is shown without streets and the rest works as ever.",
        ),
        Code::EvidenceTypeUnknown => (
            "«{type}» no es un tipo de documento de la lista (archivo «{file}»). Para una fotografía usa «illustration» o «physicalProgressReport». No se guardó nada.",
            "“{type}” is not a document type of the list (file “{file}”). For a photograph use `illustration` or `physicalProgressReport`. Nothing was kept.",
        ),
        Code::EvidenceHashMismatch => (
            "Un archivo llegó distinto de como salió. El original sigue aquí y se envía otra vez solo.",
            "A file arrived different from how it left. The original is still here and is sent again.",
        ),
        Code::NotEnrolled => (
            "Esta carpeta todavía no tiene un equipo activado. Actívalo con «enrol» y el código que da la administración. Lo que haya en ella sigue igual.",
            "This folder has no activated equipment yet. Activate it with `enrol` and the code the administration gives. What is in it is still as it was.",
        ),
        Code::AlreadyEnrolled => (
            "Esta carpeta ya es el equipo de {person}. Para otra persona usa otra carpeta. Nada cambió.",
            "This folder is already the equipment of {person}. For another person use another folder. Nothing changed.",
        ),
        Code::PassphraseNeeded => (
            "Hace falta la frase de acceso: escríbela en AVANCE_PASSPHRASE o en un archivo con --passphrase-file. Los datos siguen cifrados y completos.",
            "The passphrase is needed: set AVANCE_PASSPHRASE or give a file with --passphrase-file. The data are still encrypted and whole.",
        ),
        Code::PassphraseWrong => (
            "La frase de acceso no es la de esta carpeta. Revisa mayúsculas y acentos; los datos siguen cifrados y completos.",
            "The passphrase is not the one of this folder. Check capitals and accents; the data are still encrypted and whole.",
        ),
        Code::PassphraseTooShort => (
            "La frase de acceso es muy corta: usa al menos {minimum} caracteres. No se creó nada.",
            "The passphrase is too short: use at least {minimum} characters. Nothing was made.",
        ),
        Code::RecoveryMistyped => (
            "El código de recuperación no está completo o tiene un carácter distinto. Cópialo otra vez de la hoja impresa: son ocho grupos de cuatro. Nada se perdió y este intento no cuenta.",
            "The recovery code is not whole or has another character. Copy it again from the printed page: eight groups of four. Nothing was lost and this attempt does not count.",
        ),
        Code::RecoveryWrong => (
            "Ese código de recuperación no es el de este perfil, o después se hizo otro. Revisa la hoja más reciente y espera {retryAfterSeconds} s para intentar de nuevo; lo guardado sigue intacto.",
            "That recovery code is not the one of this profile, or another was made later. Look at the latest page and wait {retryAfterSeconds} s before trying again; what is stored is untouched.",
        ),
        Code::RecoveryWait => (
            "Hubo códigos de recuperación equivocados. Espera {retryAfterSeconds} s y vuelve a intentar; lo guardado sigue intacto.",
            "There were wrong recovery codes. Wait {retryAfterSeconds} s and try again; what is stored is untouched.",
        ),
        Code::RecoveryNone => (
            "Para este perfil no se hizo código de recuperación. Sin él sólo la frase lo abre; lo guardado sigue en este equipo. Busca la frase de acceso.",
            "No recovery code was made for this profile. Without it only its passphrase opens it; what is stored is still on this equipment. Look for the passphrase.",
        ),
        Code::RelayUnsupported => (
            "Este servidor no acepta relevos, o este equipo se activó antes de que los aceptara ({server}). Lo capturado sigue aquí: conéctalo una vez a la red o pide a Administración que actualice el servidor.",
            "This endpoint takes no relays, or this equipment was enrolled before it did ({server}). What was captured is still here: connect it to the network once, or ask Administration to update the endpoint.",
        ),
        Code::RelayEmpty => (
            "No hay nada que mandar por relevo: todo lo marcado como listo ya tiene su acuse. No se hizo ningún archivo. Captura lo que quieras mandar.",
            "There is nothing for a relay: everything that was marked ready has its receipt. No file was made. Capture what you want to send.",
        ),
        Code::RelayUnreadable => (
            "«{file}» no es un relevo completo o fue alterado ({detail}). No se registró nada; cópialo otra vez desde la memoria, o haz uno nuevo en el equipo de origen.",
            "«{file}» is not a whole relay, or it was changed ({detail}). Nothing was recorded; copy it again from the stick, or make a new one on its own equipment.",
        ),
        Code::RelayForeign => (
            "El relevo «{file}» se selló para el servidor de otro municipio. No se registró nada; llévalo al que le corresponde.",
            "The relay «{file}» was sealed for the endpoint of another municipality. Nothing was recorded; take it to its own.",
        ),
        Code::RelayRefused => (
            "El equipo que hizo el relevo «{file}» fue dado de baja o no está registrado aquí. No se registró nada y lo suyo sigue en ese equipo: avisa a su dueño que pida un código nuevo a Administración.",
            "The equipment that made the relay «{file}» was revoked or is not registered here. Nothing was recorded and its work is still on it: tell its owner to ask Administration for a new code.",
        ),
        Code::RelayTooLarge => (
            "El relevo «{file}» pesa {bytes} bytes y el límite es {limitBytes}. No se registró nada; haz otro en el equipo de origen, que lo parte solo.",
            "The relay «{file}» has {bytes} bytes and the limit is {limitBytes}. Nothing was recorded; make another on its own equipment, which splits it by itself.",
        ),
        Code::RelayNotYours => (
            "El acuse «{file}» es de otro equipo, o de antes de que éste se activara de nuevo. Nada cambió; ábrelo en el equipo que hizo el relevo.",
            "The answer «{file}» belongs to other equipment, or is of before this one was enrolled again. Nothing changed; open it on the equipment that made the relay.",
        ),
        Code::ProfileUnknown => (
            "En este equipo no hay un perfil llamado «{name}». Revisa el nombre con «profiles»; «enrol --profile» hace uno nuevo. Nada se perdió.",
            "There is no profile called «{name}» on this equipment. See the names with `profiles`; `enrol --profile` makes a new one. Nothing was lost.",
        ),
        Code::ProfileNameInvalid => (
            "El nombre de un perfil no puede ir en blanco ni pasar de {limit} caracteres. Escribe otro; no se hizo nada.",
            "The name of a profile cannot be blank nor have more than {limit} characters. Write another; nothing was made.",
        ),
        Code::PassphraseWait => (
            "Hubo varias frases equivocadas. Espera {retryAfterSeconds} s y vuelve a intentar; lo guardado sigue intacto.",
            "There were several wrong passphrases. Wait {retryAfterSeconds} s and try again; what is stored is untouched.",
        ),
        Code::ProfileNameTaken => (
            "En este equipo ya hay un perfil llamado «{name}». Escribe otro nombre; no se cambió nada.",
            "There already is a profile called «{name}» on this equipment. Write another name; nothing changed.",
        ),
        Code::KeyringLocked => (
            "El llavero del sistema está cerrado o no tiene la llave. Ábrelo, o usa la frase de acceso; los datos siguen cifrados y completos.",
            "The system's keyring is locked or does not have the key. Open it, or use the passphrase; the data are still encrypted and whole.",
        ),
        Code::StoreInUse => (
            "Otra ventana u otro comando tiene abierta esta carpeta. Ciérralo y vuelve a intentar; nada se perdió.",
            "Another window or command has this folder open. Close it and try again; nothing was lost.",
        ),
        Code::StoreSetAside => (
            "La base de datos no se pudo leer y se apartó entera en «{path}»; no se borró nada. Repite el comando para empezar con una vacía y entrega ese archivo a la administración.",
            "The database could not be read and was set aside whole in “{path}”; nothing was deleted. Repeat the command to start with an empty one and hand that file to the administration.",
        ),
        Code::DiskFull => (
            "No hay espacio en el disco (quedan {freeMegabytes} MB). Lo guardado antes está completo; libera espacio y repite.",
            "The disk is full ({freeMegabytes} MB left). What was stored before is whole; free some room and repeat.",
        ),
        Code::DiskFailing => (
            "El disco de este equipo no leyó o no guardó lo que se le pidió. Lo guardado antes sigue ahí; repite y, si vuelve a pasar, avisa a la administración: el disco puede estar fallando.",
            "The disk of this equipment did not read or keep what was asked of it. What was stored before is still there; try again and, if it happens again, tell the administration: the disk may be failing.",
        ),
        Code::FolderReadOnly => (
            "No se puede escribir en «{path}». Pide permiso de escritura o usa otra carpeta; no se cambió nada.",
            "“{path}” cannot be written. Ask for permission to write or use another folder; nothing was changed.",
        ),
        Code::ServerUnreachable => (
            "No hay conexión con la Coordinación en {server} ({detail}). Lo capturado está guardado en este equipo y se enviará cuando haya conexión. Vuelve a enviar entonces.",
            "The central endpoint at {server} does not answer ({detail}). What was captured is stored on this equipment and will be sent when there is a connection. Send again then.",
        ),
        Code::ServerNotOurs => (
            "En {server} respondió algo que no es la Coordinación (quizá una página de acceso a la red). Revisa la dirección o inicia sesión en la red; lo capturado sigue aquí.",
            "Something answered at {server} that is not the central endpoint (perhaps a network's login page). Check the address or sign in to the network; what was captured is still here.",
        ),
        Code::ReceiptInvalid => (
            "La Coordinación contestó con un acuse que no se puede comprobar (operación {opId}). El seguimiento sigue aquí como no enviado; avisa a la administración.",
            "The central endpoint answered with a receipt that does not verify (operation {opId}). The follow-up is still here as not sent; tell the administration.",
        ),
        Code::HistoryBroken => (
            "La historia que llegó no continúa la que hay aquí ({detail}): alguien la alteró o el servidor falló. Lo tuyo sigue aquí sin tocar; avisa a la administración antes de seguir.",
            "The history that arrived does not follow from the one here ({detail}): somebody altered it or the endpoint is at fault. What is yours is untouched; tell the administration before going on.",
        ),
        Code::NoProgress => (
            "El envío no avanzó en {seconds} s. Quedan {waiting} seguimientos en este equipo, guardados; vuelve a enviar más tarde.",
            "Sending made no progress in {seconds} s. {waiting} follow-ups are left on this equipment, stored; send again later.",
        ),
        Code::ServerAddressInvalid => (
            "«{server}» no es una dirección que se pueda usar. Escríbela como https://avance.municipio.gob.mx; sin https sólo se acepta este mismo equipo. No se cambió nada.",
            "“{server}” is not an address that can be used. Write it like https://avance.municipio.gob.mx; without https only this very machine is accepted. Nothing was changed.",
        ),
        Code::CommandInvalid => (
            "No se entendió «{name}»: {detail}. Consulta --help; nada cambió.",
            "“{name}” was not understood: {detail}. See --help; nothing changed.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words by which the sentences tell what to do, at the beginning of a clause, or that it heals by itself.
    const DO: [&str; 2] = [
        "actualiza abre ábrelo activa actívalo avisa busca búscalo captura cierra ciérralo consulta conéctalo conviértelo \
         copia cópialo corrige corrígelo cópialo elige envía envíala escribe escríbela escríbelo espera guarda haz indica \
         inicia libera llévalo mira para pide redúcelo repite revisa revísalo usa vuelve",
        "activate ask capture check choose close connect convert copy free hand look make mend open see send set sign take \
         tell try update use wait write for repeat",
    ];
    const HEALS: [&[&str]; 2] = [
        &["se reintenta", "solo", "solos", "se intenta", "envía otra vez", "sale solo", "sola"],
        &["tried again", "by itself", "again", "is sent"],
    ];
    /// Words by which they tell what was not lost.
    const KEPT: [&[&str]; 2] = [
        &[
            "sigue",
            "guardad",
            "conserva",
            "perdió",
            "pierde",
            "no se guardó",
            "no se registró",
            "no registró nada",
            "no se cambió",
            "no se hizo",
            "no se borró",
            "no se creó",
            "no se puso",
            "no se usó",
            "nada cambi",
            "complet",
            "intact",
            "sin tocar",
            "funciona igual",
        ],
        &[
            "still",
            "stored",
            "kept",
            "nothing",
            "whole",
            "untouched",
            "no file was made",
            "works as",
            "not lost",
            "was not queued",
            "set apart",
        ],
    ];

    #[test]
    fn every_problem_says_what_to_do_and_what_was_not_lost() {
        for code in Code::ALL {
            let (es, en) = sentence(*code);
            for (language, words) in [es, en].into_iter().enumerate() {
                let words = words.to_lowercase();
                let clauses = words.split(['.', ';', ':', ',', '?', '(', ')']).flat_map(|clause| {
                    clause
                        .split(" y ")
                        .flat_map(|part| part.split(" o "))
                        .flat_map(|part| part.split(" and "))
                });
                let does = clauses.flat_map(|clause| clause.split(" or ")).any(|clause| {
                    let first = clause.split_whitespace().next().unwrap_or_default();
                    DO[language].split_whitespace().any(|verb| verb == first)
                });
                let heals = HEALS[language].iter().any(|heals| words.contains(heals));
                assert!(does || heals, "{code:?} does not say what to do: {words}");
                let kept = KEPT[language].iter().any(|kept| words.contains(kept));
                assert!(kept, "{code:?} does not say what was not lost: {words}");
            }
        }
    }
}
