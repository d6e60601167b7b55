//! `declared-fields`: every field is in the standard or in a declared extension.

use serde_json::json;

use super::{Case, Finding, error};

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let unknown = case.walk.fields.iter().filter(|field| field.property.is_none());
    unknown
        .map(|field| {
            let params = json!({"field": field.name, "within": field.within});
            error("declared-fields", field.pointer, params)
        })
        .collect()
}
