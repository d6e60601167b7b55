//! `closed-codelist`: a code of a closed codelist is exactly one of its codes.

use serde_json::{Value, json};

use super::{Case, Finding, error};
use crate::codelist;

/// The longest list that is told whole.
const MOST_CODES: usize = 20;

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (pointer, list, code) in codes(case, false) {
        let codes = codelist::get(list).map_or(&[][..], |list| list.codes.as_slice());
        // A code that differs only in case is the commonest slip; the sentence can name the right one. A long list
        // helps nobody.
        let meant = codes.iter().filter(|candidate| candidate.code.eq_ignore_ascii_case(code));
        let mut expected: Vec<&str> = meant.map(|code| code.code).collect();
        if expected.is_empty() && codes.len() <= MOST_CODES {
            expected = codes.iter().map(|code| code.code).collect();
        }
        let field = pointer.rsplit('/').find(|step| step.parse::<usize>().is_err()).unwrap_or_default();
        let params = json!({"field": field, "codelist": list, "value": code, "expected": expected});
        found.push(error("closed-codelist", pointer.clone(), params));
    }
    found
}

/// The codes of a release that are not in their codelist: pointer, codelist, code.
pub(super) fn codes<'c>(case: &'c Case<'_>, open: bool) -> Vec<(String, &'static str, &'c str)> {
    let mut unknown = Vec::new();
    for field in &case.walk.fields {
        let Some((list, is_open)) = field.property.and_then(|property| property.codelist.as_ref()) else {
            continue;
        };
        if *is_open != open {
            continue;
        }
        let Some(codelist) = codelist::get(list) else {
            continue;
        };
        let mut look = |pointer: String, value: &'c Value| {
            if let Some(code) = value.as_str().filter(|code| !code.is_empty() && !codelist.contains(code)) {
                unknown.push((pointer, list.as_str(), code));
            }
        };
        match field.value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    look(format!("{}/{index}", field.pointer), item);
                }
            }
            value => look(field.pointer.to_owned(), value),
        }
    }
    unknown
}
