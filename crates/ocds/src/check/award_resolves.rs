//! `award-resolves`: a contract comes from an award that stands, and an award from a tender that has closed.

use serde_json::{Value, json};

use super::quality::{id, says};
use super::{Case, Finding, error};
use crate::tag::items;
use crate::value::id_text;

/// `unknown` (no such award) · `inactive` · `tender-open`
pub(super) const REASONS: &[&str] = &["unknown", "inactive", "tender-open"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let award =
        |id: &str| items(&case.after["awards"]).find(|award| id_text(award.get("id")).as_deref() == Some(id));
    for (index, contract) in items(&case.release["contracts"]).enumerate() {
        let Some(id) = id_text(contract.get("awardID")) else {
            continue;
        };
        let pointer = format!("/contracts/{index}/awardID");
        let Some(award) = award(&id) else {
            found.push(error("award-resolves", pointer, json!({"reason": "unknown", "value": id})));
            continue;
        };
        // Correcting a mistake cancels both: a contract that no longer stands may name an award that does not either.
        let merged = case.is(&format!("/contracts/{index}")).unwrap_or(contract);
        let stands = !matches!(merged["status"].as_str(), Some("cancelled" | "terminated"));
        if let Some(status) = award["status"].as_str().filter(|status| *status != "active" && stands) {
            let params = json!({"reason": "inactive", "value": id, "status": status});
            found.push(error("award-resolves", pointer, params));
        }
    }
    ended_awards(case, &mut found);
    let tender = case.after["tender"]["status"].as_str();
    if let Some(status) = tender.filter(|status| matches!(*status, "planning" | "planned" | "active")) {
        let told = found.len();
        for (index, award) in items(&case.release["awards"]).enumerate() {
            let merged = case.is(&format!("/awards/{index}")).unwrap_or(award);
            if merged["status"] == "active" {
                let value = id_text(award.get("id")).map_or(Value::Null, |id| json!(id));
                let params = json!({"reason": "tender-open", "value": value, "status": status});
                found.push(error("award-resolves", format!("/awards/{index}/status"), params));
            }
        }
        // A tender that opens again under an award told earlier.
        let standing = || items(&case.after["awards"]).find(|award| award["status"] == "active");
        if found.len() == told
            && says(case, "/tender", &["status"])
            && let Some(award) = standing()
        {
            let params = json!({"reason": "tender-open", "value": id(award), "status": status});
            found.push(error("award-resolves", "/tender/status", params));
        }
    }
    found
}

/// Awards that this release ends while a contract told earlier still stands on them.
fn ended_awards(case: &Case<'_>, found: &mut Vec<Finding>) {
    for (index, award) in items(&case.release["awards"]).enumerate() {
        let Some(status) = award["status"].as_str().filter(|status| *status != "active") else {
            continue;
        };
        let pointer = format!("/awards/{index}");
        let Some(award) = id(award).filter(|_| says(case, &pointer, &["status"])) else {
            continue;
        };
        // The contracts of this release are told by their own awardID.
        let is_here = |contract: &Value| {
            items(&case.release["contracts"]).any(|own| id(own).is_some() && id(own) == id(contract))
        };
        let stands =
            |contract: &Value| !matches!(contract["status"].as_str(), Some("cancelled" | "terminated"));
        let of_award = |contract: &&Value| id_text(contract.get("awardID")).as_ref() == Some(&award);
        let mut contracts = items(&case.after["contracts"]).filter(of_award);
        if contracts.any(|contract| stands(contract) && !is_here(contract)) {
            let params = json!({"reason": "inactive", "value": award, "status": status});
            found.push(error("award-resolves", format!("{pointer}/status"), params));
        }
    }
}
