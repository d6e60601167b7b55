import type { relay as es } from "./es-relay";

/** The relay by USB. */
export const relay: Record<keyof typeof es, string> = {
  "relay.title": "Relay by USB",
  "relay.help":
    "If this equipment has no network, save a relay on a USB stick: it takes along what is ready to send, and only the Coordination can open it. On other equipment with a network, upload it from this same screen; whoever carries it cannot read it. Bring back the answer that is saved beside the relay and open it here.",
  "relay.here": "What is on this equipment",
  "relay.waiting.one": "{n} item to relay, with {files}.",
  "relay.waiting.other": "{n} items to relay, with {files}.",
  "relay.files.one": "{n} file ({size})",
  "relay.files.other": "{n} files ({size})",
  "relay.nothing": "Nothing to relay: everything that was marked ready has its receipt.",
  "relay.unsupported":
    "The Coordination takes no relays, or this equipment does not know yet which key to seal them with. Connect it to the network once.",
  "relay.export": "Save a relay…",
  "relay.import": "Open an answer…",
  "relay.foreign": "The relay of other equipment",
  "relay.upload": "Upload a relay…",
  "relay.kind": "Relay (.relevo)",
  "relay.kind.reply": "Answer to a relay (.acuse)",
  "relay.pick.export": "Save the relay on the USB stick",
  "relay.pick.upload": "Choose the relay to upload",
  "relay.pick.import": "Choose the answer that came",
  "relay.working.export": "Saving the relay…",
  "relay.working.upload": "Uploading the relay…",
  "relay.working.import": "Checking the answer…",
  "relay.progress": "{done} of {size}",
  "relay.made.one": "Relay saved in {path}: {n} item, {files}. Wait until the stick is done before you pull it out.",
  "relay.made.other": "Relay saved in {path}: {n} items, {files}. Wait until the stick is done before you pull it out.",
  "relay.left.one": "{n} file did not fit: it goes with the next relay.",
  "relay.left.other": "{n} files did not fit: they go with the next relay.",
  "relay.carried": "The Coordination took the relay. Take the answer to the equipment that made it: {path}.",
  "relay.taken.one": "{n} item received, its receipt verified.",
  "relay.taken.other": "{n} items received, their receipts verified.",
  "relay.taken.files.one": "{n} file received.",
  "relay.taken.files.other": "{n} files received.",
  "relay.stay.one": "{n} item is still on this equipment.",
  "relay.stay.other": "{n} items are still on this equipment.",
  "relay.last": "Last relay: {when}, {path}.",
  "relay.last.waiting":
    "Its answer is missing. If this equipment has a network again, it sends by itself and nothing is doubled.",
  "relay.last.answered": "Its answer was opened here on {when}.",
  "problem.relay_unsupported":
    "The Coordination takes no relays, or this equipment was enrolled before it did. What was captured is still here: connect it to the network once, or ask Administration to update the endpoint.",
  "problem.relay_empty":
    "There is nothing for a relay: everything that was marked ready has its receipt. No file was made; mark as ready what you want to send.",
  "problem.relay_unreadable":
    "«{file}» is not a whole relay, or it was changed. Nothing was recorded; copy it again from the stick, or make a new one on its own equipment.",
  "problem.relay_foreign":
    "The relay «{file}» was sealed for another municipality. Nothing was recorded; take it to its own.",
  "problem.relay_refused":
    "The equipment that made the relay «{file}» was revoked or is not registered here. Nothing was recorded and its work is still on it: tell its owner to ask Administration for a new code.",
  "problem.relay_too_large":
    "The relay «{file}» has {bytes} and the limit is {limitBytes}. Nothing was recorded; make another on its own equipment, which splits it by itself.",
  "problem.relay_not_yours":
    "The answer «{file}» belongs to other equipment, or is of before this one was enrolled again. Nothing changed; open it on the equipment that made the relay.",
};
