/** Words of the form: how a value was read, versions of a draft, what may be a duplicate. */
export const form = {
  "form.understood": "Se leyó como {value}",
  "form.newer":
    "Hay una versión más reciente de este formulario ({version}). Este borrador sigue con la suya; los nuevos usan la reciente.",
  "versions.open": "Versiones",
  "versions.title": "Versiones de este borrador",
  "versions.lead":
    "Cada cierto tiempo, y antes de borrar algo, se guarda cómo estaba este borrador. Al volver a una versión, lo que hay ahora se guarda también.",
  "versions.empty": "Todavía no hay otras versiones: se guardan mientras escribes.",
  "versions.reason.typing": "mientras escribías",
  "versions.reason.session": "al cerrar el programa",
  "versions.reason.cleared": "antes de borrar datos",
  "versions.reason.file": "antes de quitar un archivo",
  "versions.reason.restored": "antes de volver a otra versión",
  "versions.changed.one": "{n} dato distinto: {fields}",
  "versions.changed.other": "{n} datos distintos: {fields}",
  "versions.files": "Otros archivos adjuntos ({count})",
  "versions.same": "Igual que ahora",
  "versions.restore": "Volver a esta",
  "versions.restoreOf": "Volver a esta versión, de {at}",
  "versions.restored": "El borrador volvió a como estaba. Lo anterior quedó en Versiones.",
  "evidence.removed": "«{name}» se quitó de este borrador.",
  "form.undone": "Se deshizo: {fields}",
  "form.redone": "Se rehízo: {fields}",
  "form.empty": "Vaciar esta parte",
  "form.emptied": "Se vació «{part}». Está en Versiones, y se puede deshacer.",
  "followUp.lacking.one": "{n} dato que no existe",
  "followUp.lacking.other": "{n} datos que no existen",
  "followUp.lackingInside": "Con el motivo que se dio. Se queda en el municipio: no se publica.",
  "form.seeOther": "Ver {folio}",
  "keys.repeatPart": "Repetir lo que esté en blanco de la parte, como en el último seguimiento",
  "keys.undo": "Deshacer el último cambio del borrador",
  "keys.redo": "Rehacer lo que se deshizo",
  "rule.possible-duplicate":
    "Ya hay un seguimiento parecido de este proyecto: {folio}. Si es otra visita, sigue adelante.",
  "rule.possible-duplicate.day":
    "Ya hay un seguimiento de este proyecto con fecha {day}: {folio}. Si es otra visita del mismo día, sigue adelante.",
  "rule.possible-duplicate.same":
    "El seguimiento {folio} de este proyecto dice lo mismo. Si ya lo enviaste, descarta este borrador; si no, sigue adelante.",
  "rule.form-unknown":
    "La Coordinación no tiene el formulario «{form}» {version} con que se capturó. Lo capturado está completo; avisa a Administración.",
} as const;
