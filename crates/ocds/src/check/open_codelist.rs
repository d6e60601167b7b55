//! `open-codelist` (warning): a code that is not in its open codelist may be a slip.

use serde_json::json;

use super::{Case, Finding, closed_codelist::codes, warning};

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    codes(case, true)
        .into_iter()
        .map(|(pointer, list, code)| {
            warning("open-codelist", pointer, json!({"codelist": list, "value": code}))
        })
        .collect()
}
