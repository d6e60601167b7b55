//! `commensurate` (warning): amounts that follow from one another are of the same size. Only amounts in one currency
//! are compared, since there is no rate of exchange without a network.

use std::borrow::Cow;
use std::collections::HashMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::quality::{id, says};
use super::{Case, Finding, warning};
use crate::tag::items;
use crate::value::{Money, id_text};

/// `budget` (the tender against the planned budget) · `award` (the contracts of an award against it) · `unrealistic`
/// (more than any contract is worth)
pub(super) const REASONS: &[&str] = &["budget", "award", "unrealistic"];

/// What five thousand million dollars, the most that the catalogue believes, are at most, by currency. The peso has
/// not been below 26 to the dollar. Other currencies have moved too far for one figure.
const MOST: &[(&str, f64)] = &[("USD", 5e9), ("MXN", 130e9)];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    budget(case, &mut found);
    awards(case, &mut found);
    for value in case.objects("Value") {
        let (Some(amount), Some(currency)) =
            (value.value["amount"].as_f64(), value.value["currency"].as_str())
        else {
            continue;
        };
        let most = MOST.iter().find(|(code, most)| *code == currency && amount > *most);
        if let Some((_, most)) = most.filter(|_| says(case, value.pointer, &["amount"])) {
            let params = json!({"reason": "unrealistic", "field": value.field, "value": value.value["amount"],
                "expected": *most as u64, "currency": currency});
            found.push(warning("commensurate", value.pointer, params));
        }
    }
    found
}

fn budget(case: &Case<'_>, found: &mut Vec<Finding>) {
    let tender = case.release["tender"].get("value").is_some();
    if !tender && case.release["planning"]["budget"].get("amount").is_none() {
        return;
    }
    let planned = &case.after["planning"]["budget"]["amount"];
    let value = &case.after["tender"]["value"];
    let (Some(planned), Some(value)) = (Money::read(planned), Money::read(value)) else {
        return;
    };
    if are_commensurate(&planned, &value) {
        return;
    }
    let place = if says(case, "/tender", &["value"]) {
        "/tender/value"
    } else if says(case, "/planning/budget", &["amount"]) {
        "/planning/budget/amount"
    } else {
        return;
    };
    let params = json!({"reason": "budget", "field": "value", "value": value.amount, "expected": planned.amount,
        "currency": planned.currency});
    found.push(warning("commensurate", place, params));
}

/// The contracts of each award, when this release says what an award or a contract is worth.
fn awards(case: &Case<'_>, found: &mut Vec<Finding>) {
    let prices = |array: &str| items(&case.release[array]).any(|own| own.get("value").is_some());
    if !prices("awards") && !prices("contracts") {
        return;
    }
    // By award: the sum of its contracts; `None` once there is one that cannot be added.
    let mut sums: HashMap<Cow<'_, str>, Option<Money>> = HashMap::new();
    for contract in items(&case.after["contracts"]).filter(|contract| contract["status"] != "cancelled") {
        let (Some(award), Some(value)) = (id_text(contract.get("awardID")), Money::read(&contract["value"]))
        else {
            continue;
        };
        sums.entry(award)
            .and_modify(|sum| {
                *sum = sum.take().filter(|sum| sum.currency == value.currency).and_then(|sum| {
                    Some(Money { amount: sum.amount.checked_add(value.amount)?, currency: sum.currency })
                });
            })
            .or_insert_with(|| Some(value.clone()));
    }
    for award in items(&case.after["awards"]) {
        let Some(id) = id(award) else { continue };
        let (Some(Some(sum)), Some(value)) = (sums.get(&id), Money::read(&award["value"])) else {
            continue;
        };
        if are_commensurate(&value, sum) {
            continue;
        }
        let Some(place) = priced(case, &id) else { continue };
        let params = json!({"reason": "award", "field": "value", "value": sum.amount, "expected": value.amount,
            "currency": value.currency, "award": id});
        found.push(warning("commensurate", place, params));
    }
}

/// Where this release says what an award or one of its contracts is worth.
fn priced(case: &Case<'_>, award: &str) -> Option<String> {
    let places = |array: &'static str, of: fn(&Value) -> Option<Cow<'_, str>>| {
        items(&case.release[array])
            .enumerate()
            .filter(move |(_, own)| of(own).as_deref() == Some(award))
            .map(move |(index, _)| format!("/{array}/{index}"))
    };
    places("contracts", |contract| id_text(contract.get("awardID")))
        .chain(places("awards", id))
        .find(|pointer| says(case, pointer, &["value"]))
        .map(|pointer| format!("{pointer}/value"))
}

/// Whether an amount is between half and one and a half times another. Amounts in other currencies, and those of
/// nothing, are not compared.
fn are_commensurate(base: &Money, other: &Money) -> bool {
    if base.currency != other.currency || base.amount <= Decimal::ZERO || other.amount <= Decimal::ZERO {
        return true;
    }
    let twice = other.amount.checked_add(other.amount);
    let thrice = base.amount.checked_add(base.amount).and_then(|twice| twice.checked_add(base.amount));
    match (twice, thrice) {
        (Some(twice), Some(thrice)) => base.amount <= twice && twice <= thrice,
        // More digits than a decimal holds: `amounts` tells.
        _ => true,
    }
}
