//! `ids`: identifiers are strings, unique in their array, and the same in every release.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Case, Finding, error};
use crate::value::id_text;

/// `not-text` · `missing` (an item that later releases could not refer to) · `repeated`
pub(super) const REASONS: &[&str] = &["not-text", "missing", "repeated"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for field in &case.walk.fields {
        if matches!(field.name, "id" | "awardID") && field.value.is_number() && field.property.is_some() {
            let params = json!({"reason": "not-text", "field": field.name, "value": field.value});
            found.push(error("ids", field.pointer.clone(), params));
        }
        let Some(property) = field.property else { continue };
        let Value::Array(items) = field.value else {
            continue;
        };
        if property.whole_list {
            continue;
        }
        let mut seen = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            let Value::Object(fields) = item else { continue };
            let pointer = format!("{}/{index}", field.pointer);
            match id_text(fields.get("id")) {
                // Organizations are told by party-resolves, which knows more.
                Some(id) if field.name != "parties" && !seen.insert(id.clone()) => {
                    let params = json!({"reason": "repeated", "field": field.name, "value": id});
                    found.push(error("ids", pointer, params));
                }
                Some(_) => {}
                // What the schema requires, the schema tells.
                None if needs_id(field.name) => {
                    found.push(error("ids", pointer, json!({"reason": "missing", "field": field.name})));
                }
                None => {}
            }
        }
    }
    found
}

/// Arrays merged by id, where the schema does not require one.
fn needs_id(array: &str) -> bool {
    matches!(array, "parties" | "amendments" | "relatedProcesses")
}
