/** Evidence: what a photograph offers, how much fits, what waits for a better connection. */
export const evidence = {
  "evidence.attaching": "Adjuntando «{name}» ({at} de {of})…",
  "evidence.offer.both":
    "Esta fotografía dice que se tomó el {date} en {place}. ¿Usar su fecha como fecha de la visita y ese lugar?",
  "evidence.offer.date": "Esta fotografía dice que se tomó el {date}. ¿Usarla como fecha de la visita?",
  "evidence.offer.place": "Esta fotografía dice que se tomó en {place}. ¿Usar ese lugar?",
  "evidence.offer.useBoth": "Usar fecha y lugar",
  "evidence.offer.useDate": "Usar la fecha",
  "evidence.offer.usePlace": "Usar el lugar",
  "evidence.offer.no": "No usar",
  "evidence.offer.of": "Lo que dice {name}",
  "evidence.offer.published": "La copia que se publica no lleva fecha, lugar ni otros datos de la cámara.",
  "evidence.reduced": "Se guardó más pequeña: la fotografía elegida pesaba {size}.",
  "evidence.originalHash": "Huella de la fotografía elegida",
  "sending.textOnly": "Conexión limitada: enviar sólo texto",
  "sending.textOnly.help": "Los seguimientos se envían; los archivos esperan aquí hasta que lo apagues.",
  "sending.textOnly.waiting.one": "{n} archivo ({size}) espera otra conexión.",
  "sending.textOnly.waiting.other": "{n} archivos ({size}) esperan otra conexión.",
  "notice.textOnly":
    "Quedan {size} en el disco y se reservan para el texto: puedes seguir capturando, pero las fotografías se rechazan. Libera espacio.",
  "problem.evidence_too_many":
    "Un seguimiento lleva hasta {limit} archivos y «{file}» ya no cabe. Quita alguno o captura otro seguimiento; lo demás quedó adjunto.",
  "problem.room_for_text_only":
    "«{file}» no cabe: quedan {freeBytes} y se reservan para el texto. Libera {neededBytes} y adjúntalo de nuevo; lo capturado está a salvo.",
} as const;
