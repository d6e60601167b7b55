import type { form as es } from "./es-form";

export const form: Record<keyof typeof es, string> = {
  "form.understood": "Read as {value}",
  "form.newer":
    "There is a more recent version of this form ({version}). This draft goes on with its own; new ones use the recent one.",
  "versions.open": "Versions",
  "versions.title": "Versions of this draft",
  "versions.lead":
    "Every so often, and before something is cleared, the state of this draft is kept. Going back to a version keeps what is there now, too.",
  "versions.empty": "There are no other versions yet: they are kept while you type.",
  "versions.reason.typing": "while you were typing",
  "versions.reason.session": "when the program was closed",
  "versions.reason.cleared": "before values were cleared",
  "versions.reason.file": "before a file was taken out",
  "versions.reason.restored": "before going back to another version",
  "versions.changed.one": "{n} value differs: {fields}",
  "versions.changed.other": "{n} values differ: {fields}",
  "versions.files": "Other files attached ({count})",
  "versions.same": "The same as now",
  "versions.restore": "Go back to this",
  "versions.restoreOf": "Go back to this version, of {at}",
  "versions.restored": "The draft is back as it was. What it was before is in Versions.",
  "evidence.removed": "“{name}” was taken out of this draft.",
  "form.undone": "Undone: {fields}",
  "form.redone": "Done again: {fields}",
  "form.empty": "Empty this part",
  "form.emptied": "“{part}” was emptied. It is in Versions, and can be undone.",
  "followUp.lacking.one": "{n} datum that does not exist",
  "followUp.lacking.other": "{n} data that do not exist",
  "followUp.lackingInside": "With the reason that was given. It stays in the municipality: it is not published.",
  "form.seeOther": "See {folio}",
  "keys.repeatPart": "Repeat what is blank in the part, as in the last follow-up",
  "keys.undo": "Undo the last change of the draft",
  "keys.redo": "Do again what was undone",
  "rule.possible-duplicate":
    "There is a similar follow-up of this project already: {folio}. If this is another visit, go on.",
  "rule.possible-duplicate.day":
    "There is a follow-up of this project dated {day} already: {folio}. If this is another visit of that day, go on.",
  "rule.possible-duplicate.same":
    "Follow-up {folio} of this project says the same. If you sent it already, discard this draft; if not, go on.",
  "rule.form-unknown":
    "The Coordination does not have the form “{form}” {version} this was captured with. What was captured is whole; tell the Administration.",
};
