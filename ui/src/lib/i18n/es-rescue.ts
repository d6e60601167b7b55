/** Frase y código perdidos: el archivo de rescate, y los perfiles que se quitan. */
export const rescue = {
  "rescue.lost": "Perdí mi frase y mi código",
  "rescue.title": "Rescatar lo que falta enviar",
  "rescue.lead":
    "Sin frase y sin código nadie puede abrir el perfil «{name}», ni siquiera Administración. Lo que ya se envió está a salvo. Lo que falta de enviar —borradores, envíos y archivos— tiene una copia sellada que sólo el servidor abre.",
  "rescue.step.save": "Guarda el archivo de rescate en una memoria USB. Quien lo lleve no puede leerlo.",
  "rescue.step.carry":
    "Entrégalo a Administración. Lo que estaba listo se registra a tu nombre; los borradores te los devuelven en una carpeta, y los recuperas en «Mi perfil».",
  "rescue.step.again":
    "Pide un código de activación y agrégate como otra persona en este equipo. Este perfil se queda cerrado hasta que alguien lo quite.",
  "rescue.copy": "Última copia: {when}, {files}.",
  "rescue.files.one": "{n} archivo; en total, {size}",
  "rescue.files.other": "{n} archivos; en total, {size}",
  "rescue.nothing":
    "Este perfil no tiene copia de rescate: nunca se activó, o su servidor es de una versión que no las acepta.",
  "rescue.save": "Guardar el archivo de rescate…",
  "rescue.working": "Guardando…",
  "rescue.kind": "Archivo de rescate (.avance-rescate)",
  "rescue.pick": "Guardar el archivo de rescate",
  "rescue.made":
    "Guardado en {path} ({files}). Es lo que estaba sin enviar en ese momento: {when}. Espera a que la memoria termine antes de quitarla.",
  "rescue.damaged.one": "{n} archivo está dañado en este disco y no va.",
  "rescue.damaged.other": "{n} archivos están dañados en este disco y no van.",
  "rescue.status": "Copia de rescate",
  "rescue.status.behind": "Atrasada",
  "rescue.behind": "La copia de rescate está atrasada.",
  "rescue.behind.room":
    "En el disco queda poco lugar y se guarda para lo que captures: libera espacio y se pondrá al día sola.",
  "rescue.behind.unsupported":
    "El servidor es de una versión que no abre rescates, o este equipo no se ha conectado desde que los abre.",
  "rescue.behind.means":
    "Lo que capturas está guardado como siempre. Sólo si olvidas tu frase y tampoco tienes el código, lo más nuevo no se podría rescatar.",
  "rescue.left.one": "Falta {n} archivo en ella.",
  "rescue.left.other": "Faltan {n} archivos en ella.",
  "remove.do": "Quitar el perfil {name}…",
  "remove.title": "¿Quitar el perfil «{name}»?",
  "remove.unknown":
    "El perfil está cerrado: no se puede saber cuánto tiene sin enviar. Si su dueño olvidó su frase, guarda antes el archivo de rescate.",
  "remove.kept":
    "No se borra: queda en «Perfiles quitados», cerrado con su misma frase, y cualquiera puede restaurarlo. Después de 30 días se podrá borrar para siempre; nunca se borra solo.",
  "remove.sure": "Quitar el perfil",
  "remove.cancel": "Dejarlo como está",
  "remove.done": "El perfil «{name}» se quitó. Está en «Perfiles quitados».",
  "removed.title.one": "{n} perfil quitado",
  "removed.title.other": "{n} perfiles quitados",
  "removed.when": "Quitado: {when}",
  "removed.back": "Restaurar",
  "removed.back.done": "El perfil «{name}» está otra vez en la lista, con su misma frase.",
  "removed.delete": "Borrar para siempre…",
  "removed.delete.in.one": "Se podrá borrar dentro de {n} día",
  "removed.delete.in.other": "Se podrá borrar dentro de {n} días",
  "removed.delete.title": "¿Borrar «{name}» para siempre?",
  "removed.delete.sure":
    "Se pierde todo lo que ese perfil tenga sin enviar, también su copia de rescate. No hay manera de deshacerlo.",
  "removed.delete.do": "Borrar para siempre",
  "removed.delete.done": "El perfil «{name}» se borró.",
  "back.title": "Borradores rescatados",
  "back.help":
    "Si perdiste la frase de otro perfil y Administración abrió tu archivo de rescate, elige aquí el archivo borradores.json que te dio. Vuelven como estaban, con sus fotografías, cada uno una sola vez.",
  "back.do": "Recuperar borradores…",
  "back.working": "Recuperando…",
  "back.pick": "Elegir borradores.json",
  "back.kind": "Borradores rescatados (.json)",
  "back.done.one": "{n} borrador está otra vez en tu bandeja.",
  "back.done.other": "{n} borradores están otra vez en tu bandeja.",
  "back.files.one": "Con {n} archivo.",
  "back.files.other": "Con {n} archivos.",
  "back.already.one": "{n} ya se había recuperado.",
  "back.already.other": "{n} ya se habían recuperado.",
  "back.left": "Esto no se pudo recuperar; sigue en la carpeta que te dieron:",
  "problem.rescue_none":
    "El perfil «{name}» no tiene copia de rescate: nunca se activó, o su servidor no las acepta. No se hizo ningún archivo y lo guardado sigue como está. Busca el código de recuperación impreso, o pide a Administración uno para activar este equipo.",
  "problem.rescue_unreadable":
    "La copia de rescate está dañada en este disco ({file}). No se hizo ningún archivo. Pide a Administración que revise el disco antes de seguir usándolo.",
  "problem.removed_too_recently":
    "El perfil «{name}» se quitó hace poco. Espera {days} días para borrarlo para siempre; mientras, sigue guardado y se puede restaurar.",
} as const;
