//! Sentences for findings, in Spanish of Mexico and English. The library itself has none.
//!
//! Each says what is wrong, why it matters, and what to do; the place is printed beside it. `{name}` stands for a
//! parameter of the finding.

use ocds::check::Finding;
use serde_json::Value;

/// The language of sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// Spanish of Mexico.
    Es,
    /// English.
    En,
}

impl Lang {
    /// One of two texts.
    pub fn pick<'t>(self, es: &'t str, en: &'t str) -> &'t str {
        match self {
            Lang::Es => es,
            Lang::En => en,
        }
    }
}

/// The sentence of a finding.
pub fn sentence(finding: &Finding, lang: Lang) -> String {
    let reason = finding.params.get("reason").and_then(Value::as_str).unwrap_or_default();
    let Some((_, _, es, en)) = find(&finding.rule, reason) else {
        // A rule that somebody added without a sentence: say all there is (a test forbids it).
        return format!("{} {}", finding.rule, Value::Object(finding.params.clone()));
    };
    let mut text = lang.pick(es, en).to_owned();
    for (name, value) in &finding.params {
        let slot = format!("{{{name}}}");
        if text.contains(&slot) {
            text = text.replace(&slot, &plain(value));
        }
    }
    text
}

/// A parameter as people read it.
fn plain(value: &Value) -> String {
    const MOST: usize = 16;
    match value {
        Value::String(text) => text.chars().take(200).collect(),
        Value::Array(items) => {
            let mut shown: Vec<String> =
                items.iter().filter(|item| !item.is_null()).take(MOST).map(plain).collect();
            if items.is_empty() {
                return "…".to_owned();
            }
            if items.len() > MOST {
                shown.push("…".to_owned());
            }
            shown.join(", ")
        }
        Value::Null => "—".to_owned(),
        other => other.to_string(),
    }
}

type Entry = (&'static str, &'static str, &'static str, &'static str);

fn find(rule: &str, reason: &str) -> Option<&'static Entry> {
    SENTENCES
        .iter()
        .find(|(entry, why, ..)| *entry == rule && *why == reason)
        .or_else(|| SENTENCES.iter().find(|(entry, why, ..)| *entry == rule && why.is_empty()))
}

/// Rule, reason, Spanish, English.
#[rustfmt::skip]
const SENTENCES: &[Entry] = &[
    ("json", "unreadable",
     "No se puede leer ({value}). Revisa el nombre y los permisos.",
     "It cannot be read ({value}). Check its name and permissions."),
    ("json", "empty",
     "No contiene JSON; está vacío. ¿Se interrumpió la descarga? Consíguelo de nuevo.",
     "There is no JSON in it; it is empty. Was the download cut? Get it again."),
    ("json", "utf-16",
     "El texto está en UTF-16, que casi ningún lector de datos abiertos espera. Guárdalo como UTF-8.",
     "The text is UTF-16, which hardly any reader of open data expects. Save it as UTF-8."),
    ("json", "not-utf-8",
     "El texto no es UTF-8 (línea {line}): los acentos se leerían mal. Guárdalo como UTF-8, o di en qué está con --encoding.",
     "The text is not UTF-8 (line {line}): accents would be misread. Save it as UTF-8, or say what it is with --encoding."),
    ("json", "syntax",
     "No es JSON que se pueda leer (línea {line}, columna {column}: {value}). Corrígelo en ese lugar; mientras tanto, nadie puede leerlo.",
     "This is not JSON that can be read (line {line}, column {column}: {value}). Correct it there; until then nobody can read it."),
    ("json", "too-deep",
     "Los datos están anidados a más profundidad de la que leen los programas (línea {line}, columna {column}). Ningún documento del estándar lo está: revisa cómo se generó.",
     "The data are nested deeper than programs read (line {line}, column {column}). No document of the standard is: look at how it was made."),
    ("json", "too-large",
     "Una versión, o lo que el paquete dice de sí mismo, no cabe en la memoria. Divide el archivo.",
     "A release, or what the package says about itself, does not fit in memory. Split the file."),
    ("json", "repeated-name",
     "«{field}» aparece dos veces en el mismo objeto (línea {line}, columna {column}); unos lectores toman el primer valor y otros el último. Deja uno.",
     "“{field}” stands twice in the same object (line {line}, column {column}); some readers take the first value, others the last. Keep one."),
    ("json", "huge-number",
     "El número {value} (línea {line}, columna {column}) es mayor de lo que leen los programas. Corrígelo; lo que lo contiene no se revisó.",
     "The number {value} (line {line}, column {column}) is larger than programs read. Correct it; what holds it was not checked."),
    ("json", "mark",
     "El archivo empieza con una marca de orden de bytes (BOM), que JSON no admite; algunos lectores lo rechazan. Guárdalo como UTF-8 sin BOM.",
     "The file begins with a byte order mark (BOM), which JSON does not allow; some readers refuse it. Save it as UTF-8 without BOM."),
    ("json", "not-ocds",
     "Esto no es un paquete, ni un registro, ni una versión (release): es otro JSON ({value}). Revisa que sea el archivo correcto.",
     "This is neither a package, nor a record, nor a release: it is some other JSON ({value}). Check that it is the right file."),

    ("schema-required", "",
     "Falta «{field}», que el estándar exige aquí. Agrégalo.",
     "“{field}” is missing, and the standard requires it here. Add it."),
    ("schema-type", "",
     "«{field}» tiene un tipo de dato que el estándar no admite; se espera: {expected}. Corrige el valor o quítalo.",
     "“{field}” has a type that the standard does not allow; expected: {expected}. Correct the value or leave it out."),
    ("schema-format", "",
     "«{value}» no tiene la forma que pide «{field}» ({expected}). Una fecha lleva hora y zona (2026-03-02T17:00:00Z); una dirección, solo caracteres permitidos en la web.",
     "“{value}” does not have the form that “{field}” needs ({expected}). A date carries time and zone (2026-03-02T17:00:00Z); an address, only characters allowed on the web."),
    ("schema-enum", "",
     "«{value}» no es una de las claves admitidas en «{field}»: {expected}. Usa una de ellas, tal como está escrita.",
     "“{value}” is not one of the codes allowed in “{field}”: {expected}. Use one of them, exactly as written."),
    ("schema-pattern", "",
     "«{value}» no sigue el patrón de «{field}» ({expected}). Escríbelo de esa forma.",
     "“{value}” does not follow the pattern of “{field}” ({expected}). Write it that way."),
    ("schema-min-length", "",
     "«{field}» está vacío. Escribe el dato o quita el campo.",
     "“{field}” is empty. Write the value or leave the field out."),
    ("schema-min-items", "",
     "La lista «{field}» necesita al menos {expected} elemento. Agrégalo o quita la lista.",
     "The list “{field}” needs at least {expected} item. Add it or leave the list out."),
    ("schema-min-properties", "",
     "«{field}» no contiene ningún dato. Escribe alguno o quita el campo.",
     "“{field}” holds nothing. Add something or leave the field out."),
    ("schema-unique-items", "",
     "La lista «{field}» repite un elemento idéntico; quien lee lo contaría dos veces. Deja uno solo.",
     "The list “{field}” repeats an identical item, which readers would count twice. Keep only one."),
    ("schema-one-of", "",
     "«{field}» debe contener solo versiones completas o solo enlaces a ellas. Elige una de las dos formas para toda la lista.",
     "“{field}” must hold only whole releases or only links to them. Choose one form for the whole list."),
    ("schema-other", "",
     "«{field}» no cumple el esquema del estándar. Compáralo con la referencia de OCDS 1.1.",
     "“{field}” does not follow the schema of the standard. Compare it with the OCDS 1.1 reference."),

    ("ocid-prefix", "malformed",
     "«{value}» no es un OCID: empieza con el prefijo registrado en minúsculas y sigue un identificador propio sin espacios (por ejemplo, {expected}-PP-2026-0107). Corrígelo antes de publicar; después no puede cambiar.",
     "“{value}” is not an OCID: it starts with the registered prefix in lower case and goes on with an identifier of yours without spaces (for example, {expected}-PP-2026-0107). Correct it before publishing; afterwards it cannot change."),
    ("ocid-prefix", "other-prefix",
     "«{value}» no usa el prefijo registrado, {expected}; con otro, el proceso parecería de otra institución. Usa el registrado.",
     "“{value}” does not use the registered prefix, {expected}; with another, the process would look like somebody else's. Use the registered one."),
    ("ocid-prefix", "changed",
     "El OCID «{value}» no es el de las versiones anteriores, {expected}; el historial se partiría en dos. Usa el mismo.",
     "The OCID “{value}” is not that of the earlier releases, {expected}; the history would split in two. Use the same one."),
    ("release-id-unique", "repeated",
     "Otra versión publicada del mismo proceso ya tiene el identificador «{value}»; lo publicado no se sustituye. Da a esta uno nuevo.",
     "Another release of the same process already has the id “{value}”; what is published is not replaced. Give this one a new id."),
    ("release-id-unique", "unusable",
     "El identificador «{value}» tiene espacios o «#», que el estándar no admite porque forma parte de una dirección web. Quítalos.",
     "The id “{value}” has spaces or “#”, which the standard does not allow because it becomes part of a web address. Remove them."),
    ("release-date-increasing", "not-utc",
     "La fecha «{value}» no está en tiempo universal; las versiones se ordenan por el texto de la fecha y quedarían revueltas. Escribe {expected}.",
     "The date “{value}” is not in universal time; releases are ordered by the text of the date and would be shuffled. Write {expected}."),
    ("release-date-increasing", "not-after",
     "La fecha «{value}» no es posterior a la de la versión anterior ({expected}); al compilar, sus datos podrían perderse. Usa el momento de aceptación.",
     "The date “{value}” is not after that of the previous release ({expected}); when compiled, its data could be lost. Use the moment of acceptance."),
    ("release-date-increasing", "future",
     "La fecha «{value}» está en el futuro (ahora son las {expected}). Revisa el reloj del servidor; no uses la fecha de la visita.",
     "The date “{value}” is in the future (it is now {expected}). Check the clock of the server; do not use the date of the visit."),
    ("tag-matches-sections", "no-section",
     "La etiqueta «{value}» anuncia una sección que esta versión no trae. Lo que trae corresponde a: {expected}.",
     "The tag “{value}” announces a section that this release does not have. What it has corresponds to: {expected}."),
    ("tag-matches-sections", "needs-earlier",
     "La etiqueta «{value}» dice que algo cambió, pero no hay una versión anterior con esa sección. Usa: {expected}.",
     "The tag “{value}” says that something changed, but no earlier release has that section. Use: {expected}."),
    ("tag-matches-sections", "already-there",
     "La etiqueta «{value}» es de la primera vez, y una versión anterior ya tiene esa sección. Usa: {expected}.",
     "The tag “{value}” is for the first time, and an earlier release already has that section. Use: {expected}."),
    ("tag-matches-sections", "no-amendment",
     "La etiqueta «{value}» necesita una modificación formal en «amendments». Agrégala, o usa: {expected}.",
     "The tag “{value}” needs a formal amendment in “amendments”. Add it, or use: {expected}."),
    ("tag-matches-sections", "no-status",
     "La etiqueta «{value}» necesita que el estatus pase a cancelado, retirado o terminado. Cambia el estatus, o usa: {expected}.",
     "The tag “{value}” needs the status to become cancelled, withdrawn or terminated. Change the status, or use: {expected}."),
    ("tag-matches-sections", "not-for-releases",
     "La etiqueta «{value}» es solo de versiones compiladas. Usa: {expected}.",
     "The tag “{value}” is only for compiled releases. Use: {expected}."),
    ("tag-matches-sections", "missing",
     "Esta versión estrena la sección «{value}» y ninguna etiqueta lo dice; quien filtra por etiqueta no la vería. Usa: {expected}.",
     "This release is the first with the section “{value}” and no tag says so; whoever filters by tag would miss it. Use: {expected}."),
    ("party-resolves", "no-id",
     "La organización de «{field}» no tiene «id», así que no se sabe cuál de «parties» es. Copia su «id» de ahí.",
     "The organization in “{field}” has no “id”, so nobody can tell which of “parties” it is. Copy its “id” from there."),
    ("party-resolves", "unknown",
     "«{field}» se refiere a la organización «{value}», que no está en «parties». Agrégala ahí o corrige el «id».",
     "“{field}” refers to the organization “{value}”, which is not in “parties”. Add it there or correct the “id”."),
    ("party-resolves", "repeated",
     "La organización «{value}» está dos veces en «parties»; no se sabría cuál vale. Deja una, con todas sus funciones.",
     "The organization “{value}” is in “parties” twice; nobody could tell which counts. Keep one, with all its roles."),
    ("party-resolves", "other-name",
     "«{field}» la llama «{value}» y «parties» la llama «{expected}». Usa el mismo nombre en ambos lugares.",
     "“{field}” calls it “{value}” and “parties” calls it “{expected}”. Use the same name in both places."),
    ("party-resolves", "no-role",
     "A la organización «{value}» le falta la función «{expected}» en «parties». Escribe siempre la lista completa de funciones: al compilar sustituye a la anterior.",
     "The organization “{value}” lacks the role “{expected}” in “parties”. Always write the whole list of roles: when merged it replaces the one before."),
    ("party-resolves", "unused-role",
     "La organización «{value}» tiene la función «{expected}», pero nada se refiere a ella así. Agrega la referencia o quita la función.",
     "The organization “{value}” has the role “{expected}”, but nothing refers to it as such. Add the reference or remove the role."),
    ("award-resolves", "unknown",
     "El contrato dice venir de la adjudicación «{value}», que no existe ni aquí ni en versiones anteriores. Publica la adjudicación o corrige «awardID».",
     "The contract says that it comes from the award “{value}”, which is neither here nor in earlier releases. Publish the award or correct “awardID”."),
    ("award-resolves", "inactive",
     "El contrato viene de la adjudicación «{value}», cuyo estatus es «{status}». Activa la adjudicación, o cancela el contrato.",
     "The contract comes from the award “{value}”, whose status is “{status}”. Make the award active, or cancel the contract."),
    ("award-resolves", "tender-open",
     "La adjudicación «{value}» está activa y la licitación sigue en estatus «{status}». Concluye primero la licitación («complete»).",
     "The award “{value}” is active while the tender is still “{status}”. Close the tender first (“complete”)."),
    ("closed-codelist", "",
     "«{value}» no es una clave de la lista cerrada {codelist}; los programas que leen los datos la rechazan. Usa una clave de la lista, tal como está escrita ({expected}).",
     "“{value}” is not a code of the closed codelist {codelist}; programs that read the data refuse it. Use a code of the list, exactly as written ({expected})."),
    ("ids", "not-text",
     "El identificador {value} es un número; escríbelo entre comillas, para que sea el mismo en todas las versiones.",
     "The identifier {value} is a number; write it in quotes, so that it is the same in every release."),
    ("ids", "missing",
     "Un elemento de «{field}» no tiene «id»; la siguiente versión no podría actualizarlo y lo duplicaría. Dale uno y consérvalo.",
     "An item of “{field}” has no “id”; the next release could not update it and would duplicate it. Give it one and keep it."),
    ("ids", "repeated",
     "El identificador «{value}» se repite en «{field}»; al compilar, un elemento borraría al otro. Da a cada uno el suyo.",
     "The identifier “{value}” is repeated in “{field}”; when merged, one item would overwrite the other. Give each its own."),
    ("ids", "varies",
     "El identificador «{value}» es «{expected}» escrito de otro modo; al compilar quedarían dos elementos de «{field}» que son el mismo. Escríbelo como antes.",
     "The identifier “{value}” is “{expected}” written differently; when merged, two items of “{field}” would be the same one. Write it as before."),
    ("no-placeholder", "null",
     "«{field}» es nulo y no hay nada que borrar. Quita el campo.",
     "“{field}” is null and there is nothing to delete. Leave the field out."),
    ("no-placeholder", "empty",
     "«{field}» está vacío; parecería que el dato existe. Quita el campo.",
     "“{field}” is empty; it would look as if there were data. Leave the field out."),
    ("no-placeholder", "filler",
     "«{value}» no es un dato. Quita «{field}» hasta que se conozca.",
     "“{value}” is not data. Leave “{field}” out until it is known."),
    ("dates", "year",
     "El año de «{value}» no es creíble (1990–2049). Revisa la fecha.",
     "The year of “{value}” is not plausible (1990–2049). Check the date."),
    ("dates", "end-before-start",
     "El periodo termina ({value}) antes de empezar ({expected}). Corrige una de las dos fechas.",
     "The period ends ({value}) before it starts ({expected}). Correct one of the two dates."),
    ("dates", "not-met",
     "El hito tiene fecha de cumplimiento ({value}) y su estatus no dice que se cumplió. Cambia el estatus a «met» o «partiallyMet», o quita la fecha.",
     "The milestone has a date on which it was met ({value}) and its status does not say so. Make it “met” or “partiallyMet”, or remove the date."),
    ("dates", "after-release",
     "«{field}» ({value}) es posterior a esta versión ({expected}), y solo puede ser de algo ya ocurrido. Corrige la fecha; lo previsto va en otros campos.",
     "“{field}” ({value}) is after this release ({expected}), and it can only be of something that has happened. Correct the date; plans go in other fields."),
    ("dates", "not-reviewed",
     "Cambió lo revisado y «dateModified» no avanzó desde {expected}. Escribe la fecha de esta revisión.",
     "What was reviewed changed and “dateModified” did not advance from {expected}. Write the date of this review."),
    ("amounts", "negative",
     "«{field}» es negativo ({value}). Una corrección no se resta: se corrige el importe original, con su motivo.",
     "“{field}” is negative ({value}). A correction is not subtracted: correct the original amount, with its reason."),
    ("amounts", "no-currency",
     "El importe {value} de «{field}» no dice su moneda. Agrega «currency» (MXN).",
     "The amount {value} of “{field}” does not say its currency. Add “currency” (MXN)."),
    ("amounts", "too-large",
     "El importe {value} de «{field}» tiene más cifras de las que puede tener una cantidad de dinero. Revísalo.",
     "The amount {value} of “{field}” has more digits than an amount of money can have. Check it."),
    ("amounts", "min-above-value",
     "El monto mínimo ({value}) es mayor que el monto de la licitación ({expected}). Corrige uno de los dos.",
     "The minimum value ({value}) is above the value of the tender ({expected}). Correct one of the two."),
    ("amounts", "overpaid",
     "Los pagos suman {value} {currency} y el contrato es de {expected}. Registra el convenio modificatorio con el nuevo monto, o corrige los pagos.",
     "Payments add up to {value} {currency} and the contract is for {expected}. Record the amendment with the new value, or correct the payments."),
    ("amounts", "percent-range",
     "Un avance de {value} % no es posible: va de 0 a 100. Corrige la medición.",
     "Progress of {value} % is not possible: it goes from 0 to 100. Correct the measure."),
    ("amounts", "progress-falls",
     "El avance físico ({value} %) es menor que el anterior ({expected} %, {date}). Si es una corrección, escribe el motivo en «notes».",
     "Physical progress ({value} %) is below the one before ({expected} %, {date}). If it is a correction, write the reason in “notes”."),
    ("amounts", "progress-disagrees",
     "El avance financiero ({value} %) no coincide con lo pagado, que es {expected} % del contrato. Revisa los pagos o el avance.",
     "Financial progress ({value} %) does not agree with what was paid, which is {expected} % of the contract. Check the payments or the progress."),
    ("documents", "no-title",
     "El documento no tiene título; en la página pública nadie sabría qué es. Escríbelo.",
     "The document has no title; on the public page nobody would know what it is. Write one."),
    ("documents", "no-url",
     "El documento no tiene dirección electrónica; nadie podrá abrirlo. Agrégala si existe.",
     "The document has no web address; nobody will be able to open it. Add it if there is one."),
    ("documents", "bad-url",
     "«{value}» no es una dirección web que se pueda abrir. Empieza con https:// y sustituye espacios y acentos (%20, %C3%B1).",
     "“{value}” is not a web address that can be opened. Start with https:// and replace spaces and accents (%20, %C3%B1)."),
    ("documents", "bad-format",
     "«{value}» no es un tipo de archivo registrado (IANA). Para un PDF es application/pdf; para una foto, image/jpeg.",
     "“{value}” is not a registered media type (IANA). A PDF is application/pdf; a photograph, image/jpeg."),
    ("documents", "misplaced",
     "Un documento de tipo «{value}» no va en la sección «{section}», sino en: {expected}. Muévelo o cambia su tipo.",
     "A document of type “{value}” does not belong in “{section}” but in: {expected}. Move it or change its type."),
    ("declared-fields", "",
     "«{field}» no existe en el estándar ni en las extensiones declaradas, así que nadie lo leería. Corrige el nombre o quítalo.",
     "“{field}” is neither in the standard nor in the declared extensions, so nobody would read it. Correct the name or remove it."),
    ("package", "not-a-package",
     "No es un paquete: no tiene «releases» ni «records». Publica las versiones y los historiales dentro de un paquete.",
     "This is not a package: it has neither “releases” nor “records”. Publish releases and records in a package."),
    ("package", "missing",
     "Al paquete le falta «{field}». Sin él no se sabe de quién son los datos o cómo pueden usarse; agrégalo.",
     "The package lacks “{field}”. Without it nobody can tell whose the data are or how they may be used; add it."),
    ("package", "version",
     "El paquete dice ser de la versión {value} del estándar; la que se publica es {expected}. Corrígela.",
     "The package says it follows version {value} of the standard; the one published is {expected}. Correct it."),
    ("package", "undeclared-extension",
     "El paquete no declara la extensión {expected}; sus campos contarían como desconocidos. Agrégala a «extensions».",
     "The package does not declare the extension {expected}; its fields would count as unknown. Add it to “extensions”."),
    ("package", "mixed",
     "El historial de {expected} contiene una versión de {value}. Sepáralas.",
     "The record of {expected} holds a release of {value}. Separate them."),
    ("package", "order",
     "La versión del {value} está después de la del {expected}. Ordénalas de la más antigua a la más reciente, sin fechas repetidas.",
     "The release of {value} comes after that of {expected}. Order them from oldest to newest, without repeated dates."),
    ("package", "stale",
     "«{field}» no es lo que suman las versiones del historial. Vuelve a compilarlo.",
     "“{field}” is not what the releases of the record add up to. Compile it again."),
    ("package", "unmergeable",
     "«{field}» no se puede comprobar: las versiones del historial se contradicen en el tipo de un campo. Corrígelas.",
     "“{field}” cannot be verified: the releases of the record contradict each other in the type of a field. Correct them."),
    ("package", "future",
     "El paquete dice haberse publicado en el futuro ({value}). Revisa el reloj del servidor.",
     "The package says it was published in the future ({value}). Check the clock of the server."),
    ("no-personal-data", "curp",
     "«{field}» contiene una CURP. Es un dato personal: bórralo, vuelve a publicar y avisa a transparencia.",
     "“{field}” contains a CURP (personal identity code). It is personal data: delete it, publish again and tell the transparency unit."),
    ("no-personal-data", "rfc",
     "«{field}» contiene el RFC de una persona física. Es un dato personal: bórralo; la empresa se identifica con su RFC de 12 caracteres.",
     "“{field}” contains the tax code (RFC) of a natural person. It is personal data: delete it; a company has one of 12 characters."),
    ("no-personal-data", "clabe",
     "«{field}» contiene una cuenta bancaria (CLABE). Bórrala; un pago se identifica con su folio.",
     "“{field}” contains a bank account (CLABE). Delete it; a payment is identified by its folio."),
    ("no-personal-data", "email",
     "«{field}» contiene un correo electrónico. Solo el contacto institucional («contactPoint») puede llevarlo; quítalo de aquí.",
     "“{field}” contains an e-mail address. Only the institutional contact (“contactPoint”) may carry one; remove it from here."),
    ("no-personal-data", "telephone",
     "«{field}» contiene un teléfono. Solo el contacto institucional («contactPoint») puede llevarlo; quítalo de aquí.",
     "“{field}” contains a telephone number. Only the institutional contact (“contactPoint”) may carry one; remove it from here."),
    ("open-codelist", "",
     "«{value}» no está en la lista {codelist}. Si no es una clave propia y documentada, usa una de la lista.",
     "“{value}” is not in the codelist {codelist}. Unless it is a documented code of yours, use one of the list."),
    ("deprecated-field", "",
     "«{field}» está en desuso en el estándar; los lectores nuevos no lo buscan. Usa el campo que lo sustituye.",
     "“{field}” is retired in the standard; new readers do not look for it. Use the field that replaces it."),
    ("profile-required", "",
     "El proceso no tiene «{field}», que aquí se pide en todos. Agrégalo en esta versión o en la siguiente.",
     "The process has no “{field}”, which is asked of every process here. Add it in this release or the next."),
    ("timeline", "before-tender-end",
     "«{field}» ({value}) es anterior al cierre de la licitación ({expected}); parecería que se decidió antes de recibir todas las propuestas. Corrige una de las dos fechas.",
     "“{field}” ({value}) is before the end of the tender ({expected}); it would look as if it was decided before all bids were in. Correct one of the two dates."),
    ("timeline", "before-award",
     "El contrato se firmó ({value}) antes de adjudicarse ({expected}). Corrige la fecha de la firma o la de la adjudicación.",
     "The contract was signed ({value}) before it was awarded ({expected}). Correct the date of the signature or that of the award."),
    ("timeline", "before-signature",
     "Hay un pago ({value}) anterior a la firma del contrato ({expected}); parecería que se pagó sin contrato. Corrige una de las dos fechas.",
     "There is a payment ({value}) before the contract was signed ({expected}); it would look as if it was paid without one. Correct one of the two dates."),
    ("timeline", "before-amended",
     "La modificación ({value}) es anterior a lo que modifica ({expected}). Corrige una de las dos fechas.",
     "The amendment ({value}) is before what it amends ({expected}). Correct one of the two dates."),
    ("timeline", "modified-before-published",
     "El documento dice haberse modificado ({value}) antes de publicarse ({expected}). Si no ha cambiado desde entonces, quita «dateModified»; si cambió, corrige la fecha.",
     "The document says it was modified ({value}) before it was published ({expected}). If it has not changed since, remove “dateModified”; if it has, correct the date."),
    ("status-coherence", "tender-incomplete",
     "La licitación está en estatus «{status}» y hay una adjudicación o un contrato que salió de ella. Concluye la licitación («complete»), o cancela lo que no procedió.",
     "The tender is “{status}” and there is an award or a contract that came from it. Close the tender (“complete”), or cancel what did not go ahead."),
    ("status-coherence", "direct-tenderers",
     "La contratación es directa y dice tener {value} licitantes. Si se invitó a varios, el método es «selective» o «limited»; si no, corrige el número.",
     "The procurement is direct and says it has {value} tenderers. If several were invited, the method is “selective” or “limited”; otherwise, correct the number."),
    ("status-coherence", "unsigned-payments",
     "Hay pagos de un contrato en estatus «{status}», que es el de los que no se han firmado. Corrige el estatus («active» o, si ya terminó, «terminated»), o los pagos.",
     "There are payments on a contract that is “{status}”, which means it was not signed. Correct the status (“active” or, if it has ended, “terminated”), or the payments."),
    ("counts", "tenderers",
     "Dice que hubo {value} licitantes y la lista tiene {expected}; no se sabría cuántos compitieron. Completa la lista o corrige el número.",
     "It says that there were {value} tenderers and the list has {expected}; nobody could tell how many competed. Complete the list or correct the number."),
    ("counts", "duration",
     "El periodo dice durar {value} días y entre sus fechas hay {expected}. Corrige las fechas o quita «durationInDays», que se puede calcular.",
     "The period says it lasts {value} days and there are {expected} between its dates. Correct the dates or remove “durationInDays”, which can be worked out."),
    ("commensurate", "budget",
     "La licitación es de {value} {currency} y el presupuesto de {expected}: se apartan más de la mitad. Revisa los ceros y la moneda; si las cifras son esas, explica el cambio en «planning.rationale».",
     "The tender is for {value} {currency} and the budget is {expected}: they are more than half apart. Check the zeros and the currency; if the figures are right, explain the change in “planning.rationale”."),
    ("commensurate", "award",
     "Los contratos de la adjudicación «{award}» suman {value} {currency} y se adjudicaron {expected}: se apartan más de la mitad. Revisa los ceros, y que cada contrato diga la adjudicación de la que viene.",
     "The contracts of award “{award}” add up to {value} {currency} and {expected} was awarded: they are more than half apart. Check the zeros, and that each contract names the award it comes from."),
    ("commensurate", "unrealistic",
     "{value} {currency} es más de lo que vale cualquier contrato (se esperan {expected} a lo más); los totales perderían sentido. Revisa los ceros y la moneda.",
     "{value} {currency} is more than any contract is worth (at most {expected} is expected); totals would make no sense. Check the zeros and the currency."),
    ("text", "long-description",
     "La descripción del documento tiene {value} caracteres y se recomiendan {expected} a lo más, para que quepa en una lista. Resúmela; lo demás ya lo dice el documento.",
     "The description of the document has {value} characters and at most {expected} are advised, so that it fits in a list. Shorten it; the document says the rest."),
    ("text", "language",
     "«{value}» no es una clave de idioma (ISO 639-1, dos letras minúsculas); los lectores de pantalla no sabrían cómo leer el texto. Español es «es»; inglés, «en».",
     "“{value}” is not a language code (ISO 639-1, two lower-case letters); screen readers would not know how to read the text. Spanish is “es”; English, “en”."),
    ("text", "identifier-scheme",
     "«{value}» no tiene la forma de una clave de org-id.guide (país y registro, como MX-RFC); nadie sabría en qué registro buscar el identificador. Usa la clave de esa lista.",
     "“{value}” does not have the form of a code of org-id.guide (country and register, such as MX-RFC); nobody could tell in which register to look the identifier up. Use the code of that list."),
    ("text", "email",
     "El correo de contacto no tiene la forma usuario@dominio; nadie podría escribir a él. Deja una sola dirección, sin espacios.",
     "The e-mail address of the contact does not have the form user@domain; nobody could write to it. Leave one address, without spaces."),
    ("text", "telephone",
     "«{field}» no tiene los dígitos de un número al que se pueda llamar (de 7 a 15). Escribe uno solo, con lada (+52 81 0000 0000); la extensión, al final.",
     "“{field}” does not have the digits of a number that can be called (7 to 15). Write one only, with its area code (+52 81 0000 0000); the extension, at the end."),
];

#[cfg(test)]
mod tests {
    use ocds::check::{REASONS, RULES};

    use super::*;

    #[test]
    fn every_rule_and_reason_has_its_sentences() {
        for rule in RULES {
            let reasons = REASONS.iter().find(|(of, _)| of == rule).map_or(&[""][..], |(_, reasons)| reasons);
            for reason in reasons {
                let known = SENTENCES.iter().any(|(entry, why, es, en)| {
                    entry == rule && why == reason && es.len() > 20 && en.len() > 20 && es != en
                });
                assert!(known, "{rule} {reason}");
            }
        }
        assert!(SENTENCES.iter().all(|(rule, ..)| RULES.contains(rule)));
    }

    #[test]
    fn parameters_are_filled_in() {
        let finding: Finding = serde_json::from_value(serde_json::json!({
            "pointer": "/tender/status", "rule": "closed-codelist", "severity": "error",
            "params": {"value": "Active", "codelist": "tenderStatus", "expected": ["active", null]}
        }))
        .expect("a finding");
        let text = sentence(&finding, Lang::Es);
        assert!(
            text.contains("«Active»") && text.contains("tenderStatus") && text.contains("(active)"),
            "{text}"
        );
        assert!(!sentence(&finding, Lang::En).contains('{'));
    }
}
