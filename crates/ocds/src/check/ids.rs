//! `ids`: identifiers are strings, unique in their array, and the same in every release.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::quality::id;
use super::{Case, Finding, error, warning};
use crate::value::id_text;

/// `not-text` · `missing` (an item that later releases could not refer to) · `repeated` · `varies` (warning: a new id
/// that is one told earlier but for case or spaces, so that the item would be there twice)
pub(super) const REASONS: &[&str] = &["not-text", "missing", "repeated", "varies"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for field in &case.walk.fields {
        if matches!(field.name, "id" | "awardID") && field.value.is_number() && field.property.is_some() {
            let params = json!({"reason": "not-text", "field": field.name, "value": field.value});
            found.push(error("ids", field.pointer, params));
        }
        let Some(property) = field.property else { continue };
        let Value::Array(items) = field.value else {
            continue;
        };
        if property.whole_list {
            continue;
        }
        varying(case, field.pointer, field.name, items, &mut found);
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

/// New ids that are hardly new.
fn varying(case: &Case<'_>, at: &str, name: &str, items: &[Value], found: &mut Vec<Finding>) {
    // Lists of codes, which most arrays are, have no ids.
    if !items.iter().any(Value::is_object) {
        return;
    }
    let Some(Value::Array(before)) = case.was(at) else {
        return;
    };
    for (index, item) in items.iter().enumerate() {
        let Some(own) = id(item) else { continue };
        let is_own = |was: &Value| id(was).as_ref() == Some(&own);
        if before.get(index).is_some_and(is_own) || before.iter().any(is_own) {
            continue;
        }
        let same = |was: &&Value| id(was).is_some_and(|was| was.trim().eq_ignore_ascii_case(own.trim()));
        if let Some(was) = before.iter().find(same) {
            let params = json!({"reason": "varies", "field": name, "value": own, "expected": was["id"]});
            found.push(warning("ids", format!("{at}/{index}"), params));
        }
    }
}

/// Arrays merged by id, where the schema does not require one.
fn needs_id(array: &str) -> bool {
    matches!(array, "parties" | "amendments" | "relatedProcesses")
}
