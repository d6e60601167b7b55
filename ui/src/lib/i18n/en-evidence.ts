import type { evidence as es } from "./es-evidence";

export const evidence: Record<keyof typeof es, string> = {
  "evidence.attaching": "Attaching “{name}” ({at} of {of})…",
  "evidence.offer.both":
    "This photograph says that it was taken on {date} at {place}. Use its day as the day of the visit, and that place?",
  "evidence.offer.date": "This photograph says that it was taken on {date}. Use it as the day of the visit?",
  "evidence.offer.place": "This photograph says that it was taken at {place}. Use that place?",
  "evidence.offer.useBoth": "Use day and place",
  "evidence.offer.useDate": "Use the day",
  "evidence.offer.usePlace": "Use the place",
  "evidence.offer.no": "Do not use",
  "evidence.offer.of": "What {name} says",
  "evidence.offer.published": "The copy that is published carries no day, place or other data of the camera.",
  "evidence.reduced": "It was kept smaller: the photograph that was chosen had {size}.",
  "evidence.originalHash": "Hash of the photograph that was chosen",
  "sending.textOnly": "Metered connection: send text only",
  "sending.textOnly.help": "Follow-ups are sent; files wait here until you turn it off.",
  "sending.textOnly.waiting.one": "{n} file ({size}) waits for another connection.",
  "sending.textOnly.waiting.other": "{n} files ({size}) wait for another connection.",
  "notice.textOnly":
    "{size} are left on the disk, and they are kept for text: you can go on capturing, but photographs are refused. Free some room.",
  "problem.evidence_too_many":
    "A follow-up has up to {limit} files and “{file}” is one too many. Remove one or capture another follow-up; the others are attached.",
  "problem.room_for_text_only":
    "There is no room for “{file}”: {freeBytes} are left, and they are kept for text. Free {neededBytes} and attach it again; what was captured is safe.",
};
