//! The catalogue of quality checks of the Open Contracting Partnership (Pelican), item by item, and what the rules
//! that come from it share.
//!
//! Most of the catalogue is covered by the fifteen rules, as errors. The rest are warnings, in five rules of their
//! own: [`timeline`](super::timeline), [`status-coherence`](super::status_coherence), [`counts`](super::counts),
//! [`commensurate`](super::commensurate) and [`text`](super::text). The catalogue looks at compiled releases; these
//! rules look at what the process adds up to with this release, and tell only what this release says anew, so that
//! an old fault is not told again with every release.
//!
//! # One field
//!
//! | catalogue | here |
//! |---|---|
//! | field is set (coverage) | a statistic of many releases, not a fault of one; what is asked of each is `schema-required` and `profile-required` |
//! | field is neither null nor empty | `no-placeholder` |
//! | OCID prefix is registered | `ocid-prefix`, against the prefix that the caller names; the list of all prefixes changes and is on the network |
//! | date is realistic | `dates` (`year`) |
//! | e-mail address is valid | `text` (`email`), the form of an address |
//! | identifier scheme is recognized | `text` (`identifier-scheme`), the form of a code of org-id.guide; that list is on the network |
//! | telephone number is possible | `text` (`telephone`), the digits that any number has; the plans of each country need a library of their own |
//! | 250 characters or fewer (documents' descriptions) | `text` (`long-description`) |
//! | document type is coherent | `documents` (`misplaced`), `open-codelist` |
//! | document format is recognized | `documents` (`bad-format`) |
//! | number is not negative | `amounts` (`negative`) |
//! | language code is recognized | `text` (`language`); a region (`es-MX`) passes, since the standard allows it |
//!
//! # Coherence of a process
//!
//! | catalogue | here |
//! |---|---|
//! | start dates aren't after end dates | `dates` (`end-before-start`) |
//! | at most one tenderer for sole sourcing | `status-coherence` (`direct-tenderers`) |
//! | no awards or contracts for incomplete tenders | `award-resolves` (`tender-open`) for active awards of an open tender, else `status-coherence` (`tender-incomplete`) |
//! | no contracts for inactive awards | `award-resolves` (`inactive`) |
//! | no transactions for unsigned contracts | `status-coherence` (`unsigned-payments`) |
//! | no date met for unmet milestones | `dates` (`not-met`) |
//! | monetary values are realistic | `commensurate` (`unrealistic`), in dollars and pesos; other currencies need rates of exchange |
//! | contracting process timeline | `timeline` (`before-tender-end`, `before-award`, `before-signature`) |
//! | release date, milestone dates: nothing past is after the release | `dates` (`after-release`) |
//! | amendment dates | `dates` (`after-release`), `timeline` (`before-amended`) |
//! | document dates | `dates` (`after-release`), `timeline` (`modified-before-published`) |
//!
//! # Consistency and references
//!
//! | catalogue | here |
//! |---|---|
//! | number of tenderers | `counts` (`tenderers`) |
//! | planning budget and tender value, 50–150 % | `commensurate` (`budget`), in one currency: there is no rate of exchange without a network |
//! | contract values and award value, 50–150 % | `commensurate` (`award`), in one currency |
//! | transactions do not exceed the contract | `amounts` (`overpaid`) |
//! | parties are referenced in their roles | `party-resolves` (`unused-role`) |
//! | period's duration | `counts` (`duration`) |
//! | roles of buyer, supplier, tenderer, procuring entity, payer, payee | `party-resolves` (`no-role`) |
//! | names of the same | `party-resolves` (`other-name`) |
//! | references of the same | `party-resolves` (`no-id`, `unknown`, `repeated`) |
//! | award reference | `award-resolves` (`unknown`), `schema-required`, `ids` (`repeated`) |
//!
//! # Datasets and time
//!
//! Not here. Distributions, repetitions, uniqueness of `tender.id` and related processes speak of everything that a
//! source publishes, and a file is rarely that; availability of addresses needs the network; stability of stages,
//! titles and ocids compares two collections of different days.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::Case;
use crate::tag::items;
use crate::value::id_text;

/// Whether this release says something of an object that was not known before: one of the fields `names` is there,
/// and not with the value that it had. For rules that have found a fault: it looks back, which costs.
pub(super) fn says(case: &Case<'_>, pointer: &str, names: &[&str]) -> bool {
    let Some(own) = case.release.pointer(pointer) else {
        return false;
    };
    let said = |name: &&&str| own.get(**name).is_some();
    let mut said = names.iter().filter(said).peekable();
    if said.peek().is_none() {
        return false;
    }
    let was = case.was(pointer);
    said.any(|name| was.and_then(|was| was.get(*name)) != own.get(*name))
}

/// [`says`] for the item of an array of the merged process: where this release says the field, if it does.
pub(super) fn says_of(
    case: &Case<'_>,
    array: &'static str,
    item: &Value,
    field: &'static str,
) -> Option<String> {
    let id = id(item)?;
    let index = items(&case.release[array]).position(|own| self::id(own).as_ref() == Some(&id))?;
    let pointer = format!("/{array}/{index}");
    says(case, &pointer, &[field]).then(|| format!("{pointer}/{field}"))
}

/// The items of an array of this release: the position of each, what this release says of it, and what it is now.
pub(super) fn touched<'c>(
    case: &'c Case<'_>,
    array: &'static str,
) -> impl Iterator<Item = (usize, &'c Value, &'c Value)> {
    let whole = case.after[array].as_array().map_or(&[][..], Vec::as_slice);
    items(&case.release[array]).enumerate().map(move |(index, own)| {
        let id = id(own);
        let same = |item: &&Value| id.is_some() && self::id(item) == id;
        // A release that tells everything tells it in the same order.
        let merged = whole.get(index).filter(same).or_else(|| whole.iter().find(same));
        (index, own, merged.unwrap_or(own))
    })
}

/// The items of an array by their ids.
pub(super) fn by_id(array: &Value) -> HashMap<Cow<'_, str>, &Value> {
    items(array).filter_map(|item| Some((id(item)?, item))).collect()
}

/// The `id` of an object, as text.
pub(super) fn id(object: &Value) -> Option<Cow<'_, str>> {
    id_text(object.get("id"))
}
