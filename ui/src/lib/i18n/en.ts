import { evidence } from "./en-evidence";
import { map } from "./en-map";
import { opinion } from "./en-opinion";
import { relay } from "./en-relay";
import { rescue } from "./en-rescue";
import { review } from "./en-review";
import type { es } from "./es";
import { desk } from "./en-desk";
import { form } from "./en-form";
import { people } from "./en-people";
import { screens } from "./en-screens";

/** English. Its type is that of the Spanish keys: a sentence that is missing does not compile. */
const problems = {
  "problem.malformed_request":
    "The central office did not understand what this program sent ({detail}). What you captured is still on this equipment; copy the diagnostics and send them to the administration.",
  "problem.unauthenticated":
    "The session with the central office ended. It renews itself at the next sending; nothing was lost.",
  "problem.device_revoked":
    "The central office does not recognise this equipment. Nothing was lost: ask for a new code and try again.",
  "problem.forbidden":
    "Your profile does not include this action ({action}). Ask the administration to look at it; nothing was lost.",
  "problem.not_found":
    "That no longer exists at the central office. Go back to the list and open it again; nothing of this equipment was lost.",
  "problem.method_not_allowed":
    "The central office does not accept that operation: its version and this program's differ. Ask the administration to update this equipment; nothing was lost.",
  "problem.code_unknown":
    "The code “{code}” does not exist. Check that it is typed as on your sheet, or ask the administration for a new one; this equipment is still as it was.",
  "problem.code_used":
    "This code was already used on other equipment ({usedAt}). Ask the administration for a new one, one for each equipment; this one is still as it was.",
  "problem.code_expired":
    "This code expired ({expiredAt}). Ask the administration for a new one; this equipment is still as it was.",
  "problem.gap":
    "The central office lacks earlier sendings of this equipment (it has up to {last}). They are sent again by themselves; nothing was lost.",
  "problem.kind_unknown":
    "The central office does not know this kind of operation yet ({opId}). It is saved here and tried again by itself; the rest goes on.",
  "problem.conflict_unknown": "There is no open conflict of the follow-up {folio}. Nothing changed; update the list.",
  "problem.choice_waiting":
    "There is already a choice on {folio} stored on this equipment, to be sent. Send now and wait for the result.",
  "problem.choice_outdated":
    "What stands changed while you chose on {folio}. See the new values and choose again; nothing was kept.",
  "problem.reason_needed":
    "The reason or the text is missing, or has more than {limit} characters. Write it or shorten it; nothing was kept.",
  "problem.device_forked":
    "Another copy of this equipment is sending under the same identity (sending {clientSeq}). What you captured here is kept: ask for a new code for this equipment.",
  "problem.op_id_reused":
    "The central office already has this sending with other content ({opId}). It was set aside whole on this equipment and the rest goes on; copy the diagnostics and send them to the administration.",
  "problem.too_large":
    "What was sent is over the central office's limit ({limitBytes}). It is still saved on this equipment; copy the diagnostics and send them to the administration.",
  "problem.broken_compression":
    "The data reached the central office damaged. They are whole on this equipment; copy the diagnostics if it happens again.",
  "problem.body_damaged":
    "What travelled between this equipment and the central office arrived damaged and was not used. Everything is still here and is tried again by itself; if it repeats, tell whoever looks after the network.",
  "problem.upgrade_required":
    "This program is older than the central office asks for (at least {minimum}). Update it to send; what you captured waits here and is not lost.",
  "problem.too_many_requests":
    "The central office is receiving many sendings. This one is tried again by itself in {retryAfterSeconds} s; nothing was lost.",
  "problem.unavailable": "The central office could not answer now. Nothing was recorded; it is tried again by itself.",
  "problem.fault":
    "Something failed and was noted under number {reportId}. What you captured is saved on this equipment; copy the diagnostics and send them to the administration.",
  "problem.project_lost":
    "The central office was restored from a backup that does not have the project {folio} yet. The follow-up is still on this equipment and is sent by itself once it is loaded again; tell the administration.",
  "problem.follow_up_lost":
    "The central endpoint was restored from a backup and the follow-up {folio} is not back yet. The choice is still on this equipment and is sent by itself once the equipment that captured it sends it again.",
  "problem.out_of_scope":
    "Project {folio} is assigned to another area. The follow-up is still on this equipment, set apart, and is sent by itself if the project is assigned to yours again; if not, tell the coordination.",
  "problem.project_unknown":
    "Project {folio} is not on this equipment. Send now to refresh the list and try again; nothing was lost.",
  "problem.process_ambiguous":
    "This project has several contracting processes ({ocids}). Say which one the follow-up belongs to; nothing was kept.",
  "problem.process_unknown":
    "Process {ocid} does not belong to this project. Choose one of those in its file; what was written is still here.",
  "problem.has_errors":
    "The follow-up still has data to correct ({findings}). It stays a draft; look at the marked fields.",
  "problem.draft_unknown":
    "This draft is no longer on this equipment. Look in My tray, also among the discarded ones, which are kept for 30 days.",
  "problem.follow_up_file_invalid":
    "The file “{file}” is not a follow-up: {detail}. Correct it and try again; nothing was loaded.",
  "problem.file_unreadable":
    "“{file}” could not be read ({detail}). Check that it exists and that you can open it; the rest was attached.",
  "problem.evidence_not_readable":
    "“{file}” is not a photograph or PDF that can be opened. JPG, PNG, WebP and PDF are accepted; convert it and attach it again. The rest is as it was.",
  "problem.evidence_too_large":
    "“{file}” is {bytes} and the limit is {limitBytes}. Make it smaller and attach it again; the rest stayed as it was.",
  "problem.evidence_type_unknown":
    "“{type}” is not a document type of the list. Choose another one for “{file}”; the rest is as it was.",
  "problem.evidence_hash_mismatch":
    "A file reached the central office incomplete. It is sent again by itself; the original is still on this equipment.",
  "problem.not_enrolled":
    "This equipment is not activated yet. Type the code the administration gave you; what is stored is still here.",
  "problem.already_enrolled":
    "This equipment is already activated for {person}. No other code is needed; nothing changed.",
  "problem.passphrase_needed": "The data of this equipment are locked and whole. Type your passphrase to open them.",
  "problem.passphrase_wrong":
    "That is not the passphrase of this equipment. Check capitals and spaces; the data are safe.",
  "problem.passphrase_too_short":
    "The passphrase needs at least {minimum} characters. Add another word; nothing changed.",
  "problem.recovery_mistyped":
    "The recovery code is not whole or has another character. Copy it again from the printed page: eight groups of four. Nothing was lost and this attempt does not count.",
  "problem.recovery_wrong":
    "That recovery code is not the one of this profile, or another was made later. Look at the latest page and wait {retryAfterSeconds} s before trying again; what is stored is untouched.",
  "problem.recovery_wait":
    "There were wrong recovery codes. Wait {retryAfterSeconds} s and try again; what is stored is untouched.",
  "problem.recovery_none":
    "No recovery code was made for this profile. Look for its passphrase, which alone opens it; what is stored is still on this equipment.",
  "problem.profile_unknown": "There is no profile called «{name}» on this equipment. Check the name; nothing was lost.",
  "problem.profile_name_invalid":
    "The name of a profile cannot be blank nor have more than {limit} characters. Write another; nothing was made.",
  "problem.keyring_locked":
    "The keyring of the system is locked and the key to your data is in it. Unlock it or type your passphrase; nothing was lost.",
  "problem.store_in_use":
    "Another Avance Abierto window has the data of this equipment open. Close it and try again; nothing was lost.",
  "problem.store_set_aside":
    "The data of this equipment could not be read and were set aside whole in {path}. Nothing was deleted: tell the administration, to recover them.",
  "problem.disk_full": "The disk is full: {freeBytes} left. What was saved is safe; free some room and try again.",
  "problem.disk_failing":
    "The disk of this equipment did not read or keep what was asked of it. What was saved is still there; try again and, if it happens again, tell the administration: the disk may be failing.",
  "problem.folder_read_only":
    "{path} cannot be written. Ask for permission to write in that folder; what was saved is safe.",
  "problem.server_unreachable":
    "There is no connection with the central office. What you captured is saved on this equipment and is sent by itself when the network is back.",
  "problem.server_not_ours":
    "Another page answered at {server}, perhaps the login page of the Wi-Fi. Sign in to that network and try again; nothing was lost.",
  "problem.receipt_invalid":
    "The receipt does not match the key of the central office ({opId}). The follow-up stays here as not received; tell the administration.",
  "problem.history_broken":
    "The history that arrived does not follow from the one on this equipment ({detail}). What is yours is still here, untouched. Tell the administration before going on.",
  "rule.follow-up-unreadable":
    "The central office could not read this follow-up. Update the program and capture it again; what you wrote is still here.",
  "rule.follow-up-repeated": "There is a follow-up with this same identifier already. Capture it again.",
  "rule.project-unknown": "The central office does not have the project “{value}”. Check its folio.",
  "rule.project-outside-area":
    "The project “{value}” belongs to another área. Ask the coordination to assign it to yours.",
  "rule.process-unknown": "The process “{value}” is not one of this project. Choose one from its file.",
  "rule.choice-unreadable": "The central office could not read this choice. Update the program and choose again.",
  "rule.choice-unknown": "The central office does not have that follow-up. Refresh the list.",
  "rule.choice-not-allowed": "The coordination chooses; whoever captured the follow-up can only withdraw it.",
  "rule.choice-closed":
    "It is no longer in conflict: somebody chose before, or there is no difference any more. Look at what stands now.",
  "rule.choice-outdated": "The process changed (it is version {version} now). See the new values and choose again.",
  "rule.conflict-kept": "It was chosen to keep what stands: {reason}",
  "rule.evidence-not-publishable": "The file cannot be turned into a public copy. Attach it in another format.",
  "problem.no_progress":
    "{waiting} follow-ups have not moved for {seconds} s. They are still saved here; they are tried again by themselves.",
  "problem.server_address_invalid":
    "“{server}” is not an address. Type it with https:// and the name the administration gave you; nothing changed.",
  "problem.command_invalid":
    "The window asked for something this program does not know ({name}). Close and open Avance Abierto; what you captured is saved.",
  "problem.unknown":
    "“{code}” happened. What you captured is saved on this equipment; copy the diagnostics and send them to the administration.",
} as const;

const rules = {
  "rule.unknown": "Rule “{rule}” is not met at {label}: {value}. Tell the administration.",

  "rule.percent-range": "{value} is not between 0 and 100. Type the percentage, for example 35.",
  "rule.visit-date-needed": "There is progress without a visit date. Type the day the works were looked at.",
  "rule.visit-in-future":
    "The visit ({value}) is after today ({today}). Type the day the works were already looked at.",
  "rule.visit-too-old": "The visit ({value}) is before 1990. Check the year.",
  "rule.nothing-captured": "There is nothing to report yet. Type a progress, a milestone, a contract or a payment.",
  "rule.reserved-field": "“{field}” is written by the central office alone. Take it out of the file.",
  "rule.contract-ambiguous": "The project has several contracts ({known}). Say which one the progress belongs to.",
  "rule.contract-unknown": "Contract “{value}” is not in the project's file ({known}). Check the number.",
  "rule.correction-unknown": "Follow-up “{value}”, to be corrected, is not in the project's file. Check its folio.",

  "rule.field-required": "{label} is missing. Write it.",
  "rule.percent-format": "“{value}” cannot be read as a percentage. Type a number, for example 35 or 35.5.",
  "rule.number-format": "“{value}” cannot be read as a quantity. Type a number, for example 12.5.",
  "rule.amount-format": "“{value}” cannot be read as an amount. Type, for example, 1,234.56.",
  "rule.amount-negative": "The amount {value} is below zero. Type it without a sign.",
  "rule.date-format": "“{value}” is not a day of the calendar. Type day/month/year, 12/3, today or yesterday.",
  "rule.code-unknown": "“{value}” is not in the list. Choose one of those shown.",
  "rule.rfc-format":
    "The RFC “{value}” has {length} characters or not the expected shape (12 for a company, 13 for a natural person). Check it; if you do not have it, leave it blank.",
  "rule.text-too-long": "The text has {length} characters and the limit is {limit}. Shorten it.",
  "rule.contract-needed":
    "This belongs to a contract and the project does not have exactly one that is active. Fill in “Contract” with its number.",

  "rule.schema-enum": "{label}: “{value}” is not one of the values allowed ({expected}). Choose one of them.",
  "rule.schema-format": "{label}: “{value}” is not in the format of the standard ({expected}). Correct it.",
  "rule.schema-min-items": "{label} needs at least {expected} items. Add those that are missing.",
  "rule.schema-min-length": "{label} is empty. Type it or take it out.",
  "rule.schema-min-properties": "{label} is empty. Type at least one value or take it out.",
  "rule.schema-one-of": "{label} follows none of the shapes of the standard. Tell the administration.",
  "rule.schema-other": "{label} does not follow the structure of the standard. Tell the administration.",
  "rule.schema-pattern": "{label}: “{value}” does not follow the expected pattern ({expected}). Correct it.",
  "rule.schema-required": "“{field}”, which the standard asks for, is missing. Write it.",
  "rule.schema-type": "{label}: “{value}” is not of the type of the standard ({expected}). Correct it.",
  "rule.schema-unique-items": "{label} has repeated items. Keep one of each. Leave one of each.",

  "rule.json": "The file is not JSON that all programs read alike. Tell the administration.",
  "rule.ocid-prefix":
    "The identifier of the process, “{value}”, does not carry the prefix of the municipality ({expected}). Tell the administration.",
  "rule.ocid-prefix.malformed":
    "“{value}” does not look like the identifier of a process (ocds-xxxxxx-…). Tell the administration.",
  "rule.ocid-prefix.other-prefix":
    "“{value}” carries the prefix of another institution; that of the municipality is {expected}. Tell the administration.",
  "rule.ocid-prefix.changed":
    "The identifier of the process changed from {expected} to {value}; it must stay the same. Tell the administration.",
  "rule.release-id-unique": "Version “{value}” is already in the history of the process. Tell the administration.",
  "rule.release-id-unique.repeated":
    "Version “{value}” is already in the history of the process. Tell the administration.",
  "rule.release-id-unique.unusable":
    "“{value}” cannot be the identifier of a published version. Tell the administration.",
  "rule.release-date-increasing":
    "The date of the version ({value}) is not after the one before ({expected}). Tell the administration.",
  "rule.release-date-increasing.not-utc":
    "The date of the version ({value}) is not in universal time. Tell the administration.",
  "rule.release-date-increasing.not-after":
    "The date of the version ({value}) is not after the one before ({expected}). Tell the administration.",
  "rule.release-date-increasing.future": "The date of the version ({value}) is in the future. Tell the administration.",
  "rule.tag-matches-sections":
    "Tag “{value}” does not match what the version contains ({expected}). Tell the administration.",
  "rule.tag-matches-sections.no-section":
    "Tag “{value}” announces a section that is not there; {expected} fits. Tell the administration.",
  "rule.tag-matches-sections.needs-earlier":
    "Tag “{value}” supposes an earlier version that does not exist; {expected} fits. Tell the administration.",
  "rule.tag-matches-sections.already-there":
    "Tag “{value}” is for a first version and there is one already; {expected} fits. Tell the administration.",
  "rule.tag-matches-sections.no-amendment":
    "Tag “{value}” asks for an amendment that is not there. Tell the administration.",
  "rule.tag-matches-sections.no-status": "Tag “{value}” asks for a status that is not there. Tell the administration.",
  "rule.tag-matches-sections.not-for-releases":
    "Tag “{value}” is not used in a published version. Tell the administration.",
  "rule.tag-matches-sections.missing":
    "Tag “{value}”, of a section that is there, is missing. Tell the administration.",
  "rule.party-resolves": "Organization “{value}” is not one of the parties of the process. Check its name.",
  "rule.party-resolves.no-id": "{label}: the organization has no identifier. Write its name or its RFC.",
  "rule.party-resolves.unknown": "Organization “{value}” is not among the parties of the process. Check its name.",
  "rule.party-resolves.repeated": "Organization “{value}” is among the parties twice. Leave only one.",
  "rule.party-resolves.other-name":
    "The organization is called “{value}” here and “{expected}” among the parties. Use one name.",
  "rule.party-resolves.no-role":
    "Organization “{value}” takes part here and does not have the role “{expected}”. Tell the administration.",
  "rule.party-resolves.unused-role":
    "Organization “{value}” has the role “{expected}” and is not in that section. Tell the administration.",
  "rule.award-resolves":
    "The contract names award “{value}”, which is not in the process. Capture the award first, or check its number.",
  "rule.award-resolves.unknown":
    "The contract names award “{value}”, which is not in the process. Capture the award first, or check its number.",
  "rule.award-resolves.inactive": "The contract names award “{value}”, whose status is “{status}”. Check the status.",
  "rule.award-resolves.tender-open":
    "There is an award “{value}” while the tender is still open (“{status}”). Check the status.",
  "rule.closed-codelist": "“{value}” is not a code of the list “{codelist}”. Is it “{expected}”? Check it.",
  "rule.ids": "{label}: identifier “{value}” cannot be used. Write another.",
  "rule.ids.not-text": "{label}: identifier {value} must be written as text. Tell the administration.",
  "rule.ids.missing": "{label}: an item has no identifier. Write it.",
  "rule.ids.repeated": "Identifier “{value}” is already used in this list. Type another one.",
  "rule.ids.varies": "Identifier “{value}” is already there, written “{expected}”. Type it the same way.",
  "rule.no-placeholder": "{label}: “{value}” stands in the place of a value. Type it or leave it blank.",
  "rule.no-placeholder.null": "{label} takes away a value that never existed. Leave it out.",
  "rule.no-placeholder.empty": "{label} is empty. Type the value or leave it out.",
  "rule.no-placeholder.filler": "{label}: “{value}” says nothing. Type the value or leave the field blank.",
  "rule.dates": "{label}: the date {value} is not possible. Check the date.",
  "rule.dates.year": "{label}: the date {value} is outside 1990–2049. Check the year.",
  "rule.dates.end-before-start": "The end ({value}) is before the start ({expected}). Check the dates.",
  "rule.dates.not-met":
    "The milestone has a date met ({value}) and its status is “{status}”. Change the status or take the date out.",
  "rule.dates.after-release":
    "{label}: the date {value} is after the sending ({expected}) and speaks of something that already happened. Check the date.",
  "rule.dates.not-reviewed": "The value changed and its review date ({value}) did not advance. Update it.",
  "rule.amounts": "{label}: the amount {value} is not possible. Check the amount.",
  "rule.amounts.negative": "{label}: {value} is below zero. Type the amount without a sign.",
  "rule.amounts.no-currency": "{label}: the amount {value} does not say its currency. Tell the administration.",
  "rule.amounts.too-large": "{label}: {value} is too large for an amount. Check the zeros.",
  "rule.amounts.min-above-value": "The minimum ({value}) is above the amount ({expected}). Check both.",
  "rule.amounts.overpaid":
    "Payments add up to {value} and the contract is {expected}. Check the payment or record the amendment.",
  "rule.amounts.percent-range": "{label}: {value} is not between 0 and 100. Write the percentage, for example 35.",
  "rule.amounts.progress-falls":
    "Progress ({value} %) is below that of the last follow-up ({expected} %). If it is right, say why in “Reason, if progress fell”.",
  "rule.amounts.progress-disagrees":
    "Financial progress ({value} %) does not agree with what was paid over the contract's amount ({expected} %). Check which one is behind.",
  "rule.documents": "The document is not complete. Check it.",
  "rule.documents.no-title": "The title of the document is missing. Write it.",
  "rule.documents.no-url": "The address of the document is missing. Tell the administration.",
  "rule.documents.bad-url":
    "The address “{value}” of the document cannot be opened from the internet. Tell the administration.",
  "rule.documents.bad-format":
    "The format “{value}” of the document is not a known kind of file. Tell the administration.",
  "rule.documents.misplaced": "A document of type “{value}” does not belong in this section. Choose another type.",
  "rule.declared-fields":
    "“{field}” is not a field of the standard or of the declared extensions ({within}). Remove it or ask the administration to add it.",
  "rule.package": "The published package is not complete. Tell the administration.",
  "rule.package.not-a-package": "The file is not a package of releases or records. Tell the administration.",
  "rule.package.missing": "The package lacks “{field}”. Tell the administration.",
  "rule.package.version": "The package says version “{value}”; it should be “{expected}”. Tell the administration.",
  "rule.package.undeclared-extension":
    "The package uses extension {expected} and does not declare it. Tell the administration.",
  "rule.package.mixed": "The record of {expected} has a version of {value}. Tell the administration.",
  "rule.package.order": "The versions are not oldest first ({value} after {expected}). Tell the administration.",
  "rule.package.stale": "The compiled record is not the sum of its versions ({field}). Tell the administration.",
  "rule.package.unmergeable": "The versions of the record cannot be added up ({field}). Tell the administration.",
  "rule.package.future": "The date of publication ({value}) is in the future. Tell the administration.",
  "rule.no-personal-data": "{label} has personal data. Take them out; internal notes are not published.",
  "rule.no-personal-data.curp": "{label} has a CURP. Take it out; if needed, write it in the internal notes.",
  "rule.no-personal-data.rfc": "{label} has the RFC of a natural person. Take it out; it cannot be published.",
  "rule.no-personal-data.clabe": "{label} has a bank account number (CLABE). Take it out; it cannot be published.",
  "rule.no-personal-data.email":
    "{label} has an e-mail address. Take it out; if needed, write it in the internal notes.",
  "rule.no-personal-data.telephone":
    "{label} has a telephone number. Take it out; if needed, write it in the internal notes.",
  "rule.open-codelist": "“{value}” is not in the list “{codelist}”. It can be used; check that it is not a slip.",
  "rule.deprecated-field": "“{field}” is no longer used in the standard. Tell the administration.",
  "rule.profile-required": "The project's file lacks “{field}”, which this municipality publishes. Capture it.",
  "rule.timeline": "{label}: the date {value} does not fit the others of the process ({expected}). Check the dates.",
  "rule.timeline.before-tender-end": "{label}: {value} is before the end of the tender ({expected}). Check the dates.",
  "rule.timeline.before-award":
    "The contract was signed ({value}) before it was awarded ({expected}). Check the dates.",
  "rule.timeline.before-signature":
    "There is a payment ({value}) before the contract was signed ({expected}). Check the dates.",
  "rule.timeline.before-amended": "The amendment ({value}) is before what it amends ({expected}). Check the dates.",
  "rule.timeline.modified-before-published":
    "The document was modified ({value}) before it was published ({expected}). Check the dates.",
  "rule.status-coherence": "{label} does not fit the status “{status}”. Check the status.",
  "rule.status-coherence.tender-incomplete":
    "There is an award or a contract, and the tender is “{status}”. Check the status.",
  "rule.status-coherence.direct-tenderers":
    "The procurement is direct and says it has {value} tenderers. Check the number.",
  "rule.status-coherence.unsigned-payments":
    "There are payments on a contract that is “{status}”, so not signed. Check the status.",
  "rule.counts": "{label}: it says {value} and there are {expected}. Check which it is.",
  "rule.counts.tenderers": "It says that there were {value} tenderers and the list has {expected}. Check which it is.",
  "rule.counts.duration":
    "The period says it lasts {value} days and there are {expected} between its dates. Check which it is.",
  "rule.commensurate": "{label}: the amount {value} does not fit {expected}. Check the zeros.",
  "rule.commensurate.budget": "The tender is for {value} and the budget is {expected}. Check the zeros.",
  "rule.commensurate.award": "The contracts add up to {value} and {expected} was awarded. Check the zeros.",
  "rule.commensurate.unrealistic": "{label}: {value} {currency} is more than any contract is worth. Check the zeros.",
  "rule.text": "{label} does not have the form expected. Check it.",
  "rule.text.long-description":
    "The description of the document has {value} characters; at most {expected} are advised. Shorten it.",
  "rule.text.language": "“{value}” is not a language code. Spanish is “es”; English, “en”. Check it.",
  "rule.text.identifier-scheme":
    "“{value}” does not have the form of the code of a register, such as MX-RFC. Check it.",
  "rule.text.email": "The e-mail address of the contact does not have the form user@domain. Check it.",
  "rule.text.telephone": "{label} does not have the digits of a telephone number (7 to 15). Check it.",
} as const;

export const en: Record<keyof typeof es, string> = {
  ...problems,
  ...rules,
  ...screens,
  ...desk,
  ...form,
  ...evidence,
  ...map,
  ...opinion,
  ...relay,
  ...rescue,
  ...people,
  ...review,
};
