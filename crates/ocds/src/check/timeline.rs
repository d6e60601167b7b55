//! `timeline` (warning): a tender ends before it is awarded, an award comes before its contract, a contract before its
//! payments, and nothing is amended before it exists.
//!
//! Dates that name one day, or are less than a day apart, are taken for the same: a day known without its hour is
//! written as its first second by some and as its last by others.

use serde_json::{Value, json};

use super::quality::{by_id, says, says_of, touched};
use super::{Case, Finding, warning};
use crate::tag::items;
use crate::value::{date_time, id_text};

/// `before-tender-end` (award, signature or start of the contract) · `before-award` (signature) · `before-signature`
/// (payment) · `before-amended` (an amendment dated before what it amends) · `modified-before-published` (document)
pub(super) const REASONS: &[&str] =
    &["before-tender-end", "before-award", "before-signature", "before-amended", "modified-before-published"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    stages(case, &mut found);
    for (index, own, contract) in touched(case, "contracts") {
        payments(case, index, own, contract, &mut found);
        amendments(case, own, &contract["dateSigned"], || format!("/contracts/{index}"), &mut found);
    }
    for (index, own, award) in touched(case, "awards") {
        amendments(case, own, &award["date"], || format!("/awards/{index}"), &mut found);
    }
    let opens = &case.after["tender"]["tenderPeriod"]["startDate"];
    amendments(case, &case.release["tender"], opens, || "/tender".to_owned(), &mut found);
    documents(case, &mut found);
    found
}

/// End of the tender, awards, signatures. Only the releases that date one of them are looked at.
fn stages(case: &Case<'_>, found: &mut Vec<Finding>) {
    let tender = &case.release["tender"];
    let dates = |array: &str, field: &str| items(&case.release[array]).any(|own| own.get(field).is_some());
    let (awarded, signed) = (dates("awards", "date"), dates("contracts", "dateSigned"));
    let moves_end = tender["tenderPeriod"].get("endDate").is_some();
    if !awarded && !signed && !moves_end && tender.get("contractPeriod").is_none() {
        return;
    }
    let mut tell = |reason: &str, field: &str, pointer: Option<String>, value: &Value, expected: &Value| {
        let Some(pointer) = pointer else { return };
        // A date that is moved may contradict many others: it is told once.
        if !found.iter().any(|finding: &Finding| finding.pointer == pointer) {
            let params = json!({"reason": reason, "field": field, "value": value, "expected": expected});
            found.push(warning("timeline", pointer, params));
        }
    };
    let said =
        |pointer: &str, field: &str| says(case, pointer, &[field]).then(|| format!("{pointer}/{field}"));
    let end = &case.after["tender"]["tenderPeriod"]["endDate"];
    if end.is_string() {
        let starts = &case.after["tender"]["contractPeriod"]["startDate"];
        if precedes(starts, end) {
            let place = said("/tender/contractPeriod", "startDate")
                .or_else(|| said("/tender/tenderPeriod", "endDate"));
            tell("before-tender-end", "startDate", place, starts, end);
        }
        for (array, field, looks) in
            [("awards", "date", awarded || moves_end), ("contracts", "dateSigned", signed || moves_end)]
        {
            for item in items(&case.after[array]).filter(|item| looks && precedes(&item[field], end)) {
                let place =
                    says_of(case, array, item, field).or_else(|| said("/tender/tenderPeriod", "endDate"));
                tell("before-tender-end", field, place, &item[field], end);
            }
        }
    }
    if awarded || signed {
        let awards = by_id(&case.after["awards"]);
        for contract in items(&case.after["contracts"]).filter(|_| !awards.is_empty()) {
            let Some(award) = id_text(contract.get("awardID")).and_then(|id| awards.get(&id)) else {
                continue;
            };
            if precedes(&contract["dateSigned"], &award["date"]) {
                let place = says_of(case, "contracts", contract, "dateSigned")
                    .or_else(|| says_of(case, "awards", award, "date"));
                tell("before-award", "dateSigned", place, &contract["dateSigned"], &award["date"]);
            }
        }
    }
}

/// Payments against the signature: those of this release, or all if this release dates the signature.
fn payments(case: &Case<'_>, index: usize, own: &Value, contract: &Value, found: &mut Vec<Finding>) {
    let signed = &contract["dateSigned"];
    if !signed.is_string() {
        return;
    }
    let told = found.len();
    let params = |value: &Value| json!({"reason": "before-signature", "field": "date", "value": value, "expected": signed});
    for (nth, transaction) in items(&own["implementation"]["transactions"]).enumerate() {
        let pointer = || format!("/contracts/{index}/implementation/transactions/{nth}");
        if precedes(&transaction["date"], signed) && says(case, &pointer(), &["date"]) {
            found.push(warning("timeline", format!("{}/date", pointer()), params(&transaction["date"])));
        }
    }
    if own.get("dateSigned").is_none() || found.len() > told {
        return;
    }
    let mut paid = items(&contract["implementation"]["transactions"]).map(|transaction| &transaction["date"]);
    if let Some(date) = paid.find(|date| precedes(date, signed))
        && says(case, &format!("/contracts/{index}"), &["dateSigned"])
    {
        found.push(warning("timeline", format!("/contracts/{index}/dateSigned"), params(date)));
    }
}

/// The amendments of an object of this release, against the date of what they amend.
fn amendments(
    case: &Case<'_>,
    own: &Value,
    since: &Value,
    at: impl Fn() -> String,
    found: &mut Vec<Finding>,
) {
    let list = items(&own["amendments"]).enumerate();
    let places = list.map(|(nth, amendment)| (Some(nth), amendment)).chain([(None, &own["amendment"])]);
    for (nth, amendment) in places {
        if !precedes(&amendment["date"], since) {
            continue;
        }
        let pointer = match nth {
            Some(nth) => format!("{}/amendments/{nth}", at()),
            None => format!("{}/amendment", at()),
        };
        if says(case, &pointer, &["date"]) {
            let params = json!({"reason": "before-amended", "field": "date", "value": amendment["date"], "expected": since});
            found.push(warning("timeline", format!("{pointer}/date"), params));
        }
    }
}

fn documents(case: &Case<'_>, found: &mut Vec<Finding>) {
    for document in case.objects("Document") {
        if !document.fields.contains_key("dateModified") && !document.fields.contains_key("datePublished") {
            continue;
        }
        let merged = case.is(document.pointer).unwrap_or(document.value);
        let (published, modified) = (&merged["datePublished"], &merged["dateModified"]);
        if precedes(modified, published) && says(case, document.pointer, &["dateModified", "datePublished"]) {
            let params = json!({"reason": "modified-before-published", "field": "dateModified",
                "value": modified, "expected": published});
            found.push(warning("timeline", document.pointer, params));
        }
    }
}

/// Whether a date is a day or more before another. What is no date precedes nothing.
fn precedes(date: &Value, other: &Value) -> bool {
    let (Some(date), Some(other)) = (date.as_str(), other.as_str()) else {
        return false;
    };
    // Nearly all are in order, and their days tell so without reading them.
    if date.get(..10) >= other.get(..10) {
        return false;
    }
    let (Some(date), Some(other)) = (date_time(date), date_time(other)) else {
        return false;
    };
    other.signed_duration_since(date).num_hours() >= 24
}
