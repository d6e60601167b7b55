//! `status-coherence` (warning): what a status or method says, and what is beside it.

use serde_json::{Value, json};

use super::quality::{says, touched};
use super::{Case, Finding, warning};
use crate::tag::items;

/// `tender-incomplete` (awards or contracts of a tender that is not complete) · `direct-tenderers` (several tenderers
/// in a direct procurement) · `unsigned-payments` (payments on a contract that was not signed)
pub(super) const REASONS: &[&str] = &["tender-incomplete", "direct-tenderers", "unsigned-payments"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(pointer) = incomplete(case) {
        let params = json!({"reason": "tender-incomplete", "field": "status",
            "status": case.after["tender"]["status"]});
        found.push(warning("status-coherence", pointer, params));
    }
    let tender = &case.after["tender"];
    if tender["procurementMethod"] == "direct"
        && let Some(tenderers) = tender["numberOfTenderers"].as_u64()
        && tenderers > 1
        && says(case, "/tender", &["procurementMethod", "numberOfTenderers"])
    {
        let params = json!({"reason": "direct-tenderers", "field": "numberOfTenderers", "value": tenderers});
        found.push(warning("status-coherence", "/tender/numberOfTenderers", params));
    }
    for (index, own, contract) in touched(case, "contracts") {
        if let Some(pointer) = unsigned(case, index, own, contract) {
            let params =
                json!({"reason": "unsigned-payments", "field": "transactions", "status": contract["status"]});
            found.push(warning("status-coherence", pointer, params));
        }
    }
    found
}

/// Where this release contradicts a tender that is not complete. One place: the cause is one.
fn incomplete(case: &Case<'_>) -> Option<String> {
    let open = match case.after["tender"]["status"].as_str()? {
        "planning" | "planned" | "active" => true,
        "cancelled" | "unsuccessful" | "withdrawn" => false,
        _ => return None,
    };
    // Active awards of an open tender are errors of `award-resolves`, and their contracts follow from them.
    let active = |award: &Value| award["status"] == "active";
    if open && items(&case.after["awards"]).any(active) {
        return None;
    }
    let awarded = |award: &Value| !matches!(award["status"].as_str(), Some("cancelled" | "unsuccessful"));
    let contracted = |contract: &Value| contract["status"] != "cancelled";
    // What has no status says that it exists by being there for the first time.
    let told = |pointer: &str| says(case, pointer, &["status"]) || case.was(pointer).is_none();
    let awards = touched(case, "awards").filter(|(.., award)| awarded(award));
    let contracts = touched(case, "contracts").filter(|(.., contract)| contracted(contract));
    let mut places = awards
        .map(|(index, ..)| format!("/awards/{index}"))
        .chain(contracts.map(|(index, ..)| format!("/contracts/{index}")));
    places.find(|pointer| told(pointer)).or_else(|| {
        let stands =
            items(&case.after["awards"]).any(awarded) || items(&case.after["contracts"]).any(contracted);
        (stands && says(case, "/tender", &["status"])).then(|| "/tender/status".to_owned())
    })
}

/// Where this release pays on a contract that was not signed, or says so of one with payments. A payment of nothing
/// is a payment that was taken back.
fn unsigned(case: &Case<'_>, index: usize, own: &Value, contract: &Value) -> Option<String> {
    if !matches!(contract["status"].as_str(), Some("pending" | "cancelled")) {
        return None;
    }
    let mut payments = items(&contract["implementation"]["transactions"]);
    if !payments.any(|payment| payment["value"]["amount"].as_f64() != Some(0.0)) {
        return None;
    }
    let pointer = format!("/contracts/{index}");
    if own["implementation"].get("transactions").is_some()
        && says(case, &format!("{pointer}/implementation"), &["transactions"])
    {
        return Some(format!("{pointer}/implementation/transactions"));
    }
    says(case, &pointer, &["status"]).then(|| format!("{pointer}/status"))
}
