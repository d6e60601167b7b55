//! `deprecated-field` (warning): the standard keeps the field only for old data.

use serde_json::json;

use super::{Case, Finding, warning};

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    case.walk
        .fields
        .iter()
        .filter(|field| field.property.is_some_and(|property| property.deprecated))
        .map(|field| warning("deprecated-field", field.pointer, json!({"field": field.name})))
        .collect()
}
