//! `ocid-prefix`: the ocid has the registered prefix, and never changes.

use serde_json::json;

use super::{Case, Finding, error};
use crate::ident::Ocid;

/// `malformed` · `other-prefix` · `changed`
pub(super) const REASONS: &[&str] = &["malformed", "other-prefix", "changed"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    // A missing ocid is the schema's business.
    let Some(text) = case.release["ocid"].as_str() else {
        return Vec::new();
    };
    let finding = |reason: &str, expected: &str| {
        vec![error("ocid-prefix", "/ocid", json!({"reason": reason, "value": text, "expected": expected}))]
    };
    match (text.parse::<Ocid>(), case.ctx.prefix) {
        (Err(_), prefix) => return finding("malformed", prefix.unwrap_or("ocds-xxxxxx")),
        (Ok(ocid), Some(prefix)) if ocid.prefix() != prefix => return finding("other-prefix", prefix),
        _ => {}
    }
    let earlier =
        case.ctx.earlier.iter().filter_map(|release| release["ocid"].as_str()).find(|ocid| *ocid != text);
    earlier.map_or_else(Vec::new, |ocid| finding("changed", ocid))
}
