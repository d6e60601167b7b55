//! `amounts`: money with currency and never negative, payments within the contract, and progress that agrees with
//! what was paid and does not fall without a reason.

mod progress;

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Case, Finding, error};
use crate::tag::items;
use crate::value::{Money, decimal};

/// `negative` · `no-currency` · `too-large` (more digits than money has) · `min-above-value` · `overpaid` (payments
/// above the contract) · `percent-range` · `progress-falls` (without `notes` that say why) · `progress-disagrees`
/// (financial progress that is not what was paid)
pub(super) const REASONS: &[&str] = &[
    "negative",
    "no-currency",
    "too-large",
    "min-above-value",
    "overpaid",
    "percent-range",
    "progress-falls",
    "progress-disagrees",
];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for value in case.objects("Value") {
        let amount = &value.value["amount"];
        let merged = case.is(value.pointer).unwrap_or(value.value);
        let reason = match decimal(amount) {
            None if amount.is_number() => "too-large",
            Some(amount) if amount < Decimal::ZERO => "negative",
            Some(_) if !merged["currency"].is_string() => "no-currency",
            _ => continue,
        };
        let params = json!({"reason": reason, "field": value.field, "value": amount});
        found.push(error("amounts", value.pointer, params));
    }
    for field in case
        .walk
        .fields
        .iter()
        .filter(|field| matches!(field.name, "quantity" | "numberOfTenderers" | "durationInDays"))
    {
        if decimal(field.value).is_some_and(|number| number < Decimal::ZERO) {
            let params = json!({"reason": "negative", "field": field.name, "value": field.value});
            found.push(error("amounts", field.pointer, params));
        }
    }
    let tender = &case.after["tender"];
    if let (Some(least), Some(value)) = (Money::read(&tender["minValue"]), Money::read(&tender["value"]))
        && least.currency == value.currency
        && least.amount > value.amount
        && case.release["tender"].is_object()
    {
        let params = json!({"reason": "min-above-value", "field": "minValue",
            "value": tender["minValue"]["amount"], "expected": tender["value"]["amount"]});
        found.push(error("amounts", "/tender/minValue", params));
    }
    for index in 0..items(&case.release["contracts"]).len() {
        let pointer = format!("/contracts/{index}");
        let own = &case.release["contracts"][index];
        let merged = case.is(&pointer).unwrap_or(own);
        overpaid(&pointer, own, merged, &mut found);
        progress::check(case, &pointer, own, merged, &mut found);
    }
    found
}

/// Payments, in the currency of the contract, against its present value (which includes its amendments).
fn overpaid(pointer: &str, own: &Value, merged: &Value, found: &mut Vec<Finding>) {
    let touches = own.get("value").is_some() || own["implementation"]["transactions"].is_array();
    let Some(value) = Money::read(&merged["value"]).filter(|_| touches) else {
        return;
    };
    // A contract that no longer stands may be left with a value below what was paid before.
    if merged["status"] == "cancelled" {
        return;
    }
    if let Some(paid) = paid(merged).get(&value.currency)
        && *paid > value.amount
    {
        let params = json!({"reason": "overpaid", "field": "transactions", "value": paid, "expected": value.amount,
            "currency": value.currency});
        found.push(error("amounts", format!("{pointer}/implementation/transactions"), params));
    }
}

/// What was paid on a contract, by currency.
fn paid(contract: &Value) -> HashMap<String, Decimal> {
    let mut paid: HashMap<String, Decimal> = HashMap::new();
    for transaction in items(&contract["implementation"]["transactions"]) {
        if let Some(money) = Money::read(&transaction["value"]) {
            let sum = paid.entry(money.currency).or_default();
            *sum = sum.checked_add(money.amount).unwrap_or(Decimal::MAX);
        }
    }
    paid
}
