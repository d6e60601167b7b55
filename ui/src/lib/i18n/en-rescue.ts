import type { rescue as spanish } from "./es-rescue";

/** Passphrase and code lost: the rescue file, and profiles that are removed. */
export const rescue: Record<keyof typeof spanish, string> = {
  "rescue.lost": "I lost my passphrase and my code",
  "rescue.title": "Rescue what was not sent",
  "rescue.lead":
    "Without passphrase and code nobody can open the profile “{name}”, not even Administration. What was sent is safe. What was not sent —drafts, follow-ups and files— has a sealed copy that only the endpoint opens.",
  "rescue.step.save": "Save the rescue file on a USB stick. Whoever carries it cannot read it.",
  "rescue.step.carry":
    "Give it to Administration. What was ready is recorded in your name; drafts are given back to you in a folder, and you take them back in “My profile”.",
  "rescue.step.again":
    "Ask for an activation code and add yourself as another person on this equipment. This profile stays closed until somebody removes it.",
  "rescue.copy": "Last copy: {when}, {files}.",
  "rescue.files.one": "{n} file; {size} in all",
  "rescue.files.other": "{n} files; {size} in all",
  "rescue.nothing":
    "This profile has no rescue copy: it was never activated, or its endpoint is of a version that takes none.",
  "rescue.save": "Save the rescue file…",
  "rescue.working": "Saving…",
  "rescue.kind": "Rescue file (.avance-rescate)",
  "rescue.pick": "Save the rescue file",
  "rescue.made":
    "Saved in {path} ({files}). It is what was unsent at that moment: {when}. Wait until the stick is done before you take it out.",
  "rescue.damaged.one": "{n} file is damaged on this disk and is not in it.",
  "rescue.damaged.other": "{n} files are damaged on this disk and are not in it.",
  "rescue.status": "Rescue copy",
  "rescue.status.behind": "Behind",
  "rescue.behind": "The rescue copy is behind.",
  "rescue.behind.room":
    "There is little room on the disk and it is kept for what you capture: make room and it catches up by itself.",
  "rescue.behind.unsupported":
    "The endpoint is of a version that opens no rescues, or this equipment has not connected since it does.",
  "rescue.behind.means":
    "What you capture is stored as always. Only if you forget your passphrase and have no code either, the newest of it could not be rescued.",
  "rescue.left.one": "{n} file is not in it.",
  "rescue.left.other": "{n} files are not in it.",
  "remove.do": "Remove the profile {name}…",
  "remove.title": "Remove the profile “{name}”?",
  "remove.unknown":
    "The profile is closed: how much of it was not sent cannot be known. If its owner forgot the passphrase, save the rescue file first.",
  "remove.kept":
    "It is not deleted: it stays among the removed profiles, closed with the same passphrase, and anybody can bring it back. After 30 days it can be deleted for good; it never is by itself.",
  "remove.sure": "Remove the profile",
  "remove.cancel": "Leave it as it is",
  "remove.done": "The profile “{name}” was removed. It is among the removed profiles.",
  "removed.title.one": "{n} removed profile",
  "removed.title.other": "{n} removed profiles",
  "removed.when": "Removed: {when}",
  "removed.back": "Bring back",
  "removed.back.done": "The profile “{name}” is in the list again, with the same passphrase.",
  "removed.delete": "Delete for good…",
  "removed.delete.in.one": "It can be deleted in {n} day",
  "removed.delete.in.other": "It can be deleted in {n} days",
  "removed.delete.title": "Delete “{name}” for good?",
  "removed.delete.sure":
    "Everything that this profile has not sent is lost, and so is its rescue copy. There is no way to undo it.",
  "removed.delete.do": "Delete for good",
  "removed.delete.done": "The profile “{name}” was deleted.",
  "back.title": "Rescued drafts",
  "back.help":
    "If you lost the passphrase of another profile and Administration opened your rescue file, choose here the file borradores.json that it gave you. They come back as they were, with their photographs, each of them once.",
  "back.do": "Take drafts back…",
  "back.working": "Taking back…",
  "back.pick": "Choose borradores.json",
  "back.kind": "Rescued drafts (.json)",
  "back.done.one": "{n} draft is in your tray again.",
  "back.done.other": "{n} drafts are in your tray again.",
  "back.files.one": "With {n} file.",
  "back.files.other": "With {n} files.",
  "back.already.one": "{n} had been taken back before.",
  "back.already.other": "{n} had been taken back before.",
  "back.left": "This could not be taken back; it is still in the folder that you were given:",
  "problem.rescue_none":
    "The profile “{name}” has no rescue copy: it was never activated, or its endpoint takes none. No file was made, and what is stored stays as it is. Look for the printed recovery code, or ask Administration for one to enrol this equipment.",
  "problem.rescue_unreadable":
    "The rescue copy is damaged on this disk ({file}). No file was made. Ask Administration to look at the disk before it is used on.",
  "problem.removed_too_recently":
    "The profile “{name}” was removed lately. Wait {days} days to delete it for good; until then it is still stored and can be brought back.",
};
