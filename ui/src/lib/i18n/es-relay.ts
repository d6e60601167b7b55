/** The relay by USB. */
export const relay = {
  "relay.title": "Relevo por USB",
  "relay.help":
    "Si este equipo no tiene red, guarda un relevo en una memoria USB: lleva lo que está listo para enviar, y sólo la Coordinación puede abrirlo. En otro equipo con red, súbelo desde esta misma pantalla; quien lo lleva no puede leerlo. Trae de vuelta el acuse que se guarda junto al relevo y ábrelo aquí.",
  "relay.here": "Lo de este equipo",
  "relay.waiting.one": "{n} envío por relevar, con {files}.",
  "relay.waiting.other": "{n} envíos por relevar, con {files}.",
  "relay.files.one": "{n} archivo ({size})",
  "relay.files.other": "{n} archivos ({size})",
  "relay.nothing": "Nada por relevar: todo lo marcado como listo tiene su acuse.",
  "relay.unsupported":
    "La Coordinación no acepta relevos, o este equipo todavía no sabe con qué llave sellarlos. Conéctalo una vez a la red.",
  "relay.export": "Guardar relevo…",
  "relay.import": "Abrir acuse…",
  "relay.foreign": "El relevo de otro equipo",
  "relay.upload": "Subir un relevo…",
  "relay.kind": "Relevo (.relevo)",
  "relay.kind.reply": "Acuse de relevo (.acuse)",
  "relay.pick.export": "Guardar el relevo en la memoria USB",
  "relay.pick.upload": "Elegir el relevo que se va a subir",
  "relay.pick.import": "Elegir el acuse que llegó",
  "relay.working.export": "Guardando el relevo…",
  "relay.working.upload": "Subiendo el relevo…",
  "relay.working.import": "Revisando el acuse…",
  "relay.progress": "{done} de {size}",
  "relay.made.one": "Relevo guardado en {path}: {n} envío, {files}. Espera a que la memoria termine antes de quitarla.",
  "relay.made.other":
    "Relevo guardado en {path}: {n} envíos, {files}. Espera a que la memoria termine antes de quitarla.",
  "relay.left.one": "{n} archivo no cupo: irá en el siguiente relevo.",
  "relay.left.other": "{n} archivos no cupieron: irán en el siguiente relevo.",
  "relay.carried": "La Coordinación recibió el relevo. Lleva el acuse al equipo que lo hizo: {path}.",
  "relay.taken.one": "{n} envío recibido, con su acuse verificado.",
  "relay.taken.other": "{n} envíos recibidos, con su acuse verificado.",
  "relay.taken.files.one": "{n} archivo recibido.",
  "relay.taken.files.other": "{n} archivos recibidos.",
  "relay.stay.one": "{n} envío sigue en este equipo.",
  "relay.stay.other": "{n} envíos siguen en este equipo.",
  "relay.last": "Último relevo: {when}, {path}.",
  "relay.last.waiting": "Falta su acuse. Si este equipo vuelve a tener red, envía solo y nada se duplica.",
  "relay.last.answered": "Su acuse se abrió aquí el {when}.",
  "problem.relay_unsupported":
    "La Coordinación no acepta relevos, o este equipo se activó antes de que los aceptara. Lo capturado sigue aquí: conéctalo una vez a la red o pide a Administración que actualice el servidor.",
  "problem.relay_empty":
    "No hay nada que mandar por relevo: todo lo marcado como listo ya tiene su acuse. No se hizo ningún archivo; marca como listo lo que quieras mandar.",
  "problem.relay_unreadable":
    "«{file}» no es un relevo completo o fue alterado. No se registró nada; cópialo otra vez desde la memoria, o haz uno nuevo en el equipo de origen.",
  "problem.relay_foreign":
    "El relevo «{file}» se selló para otro municipio. No se registró nada; llévalo al que le corresponde.",
  "problem.relay_refused":
    "El equipo que hizo el relevo «{file}» fue dado de baja o no está registrado aquí. No se registró nada y lo suyo sigue en ese equipo: pide a su dueño que solicite un código nuevo a Administración.",
  "problem.relay_too_large":
    "El relevo «{file}» pesa {bytes} y el límite es {limitBytes}. No se registró nada; haz otro en el equipo de origen, que lo parte solo.",
  "problem.relay_not_yours":
    "El acuse «{file}» es de otro equipo, o de antes de que éste se activara de nuevo. Nada cambió; ábrelo en el equipo que hizo el relevo.",
} as const;
