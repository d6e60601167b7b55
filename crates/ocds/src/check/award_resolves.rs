//! `award-resolves`: a contract comes from an award that stands, and an award from a tender that has closed.

use serde_json::{Value, json};

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
    let tender = case.after["tender"]["status"].as_str();
    if let Some(status) = tender.filter(|status| matches!(*status, "planning" | "planned" | "active")) {
        for (index, award) in items(&case.release["awards"]).enumerate() {
            let merged = case.is(&format!("/awards/{index}")).unwrap_or(award);
            if merged["status"] == "active" {
                let value = id_text(award.get("id")).map_or(Value::Null, Value::String);
                let params = json!({"reason": "tender-open", "value": value, "status": status});
                found.push(error("award-resolves", format!("/awards/{index}/status"), params));
            }
        }
    }
    found
}
