//! `no-placeholder`: what is not known is left out. `null` only deletes.

use serde_json::{Value, json};

use super::{Case, Finding, error};

/// `null` (deletes nothing) · `empty` (`""`, `[]` or `{}`) · `filler` ("N/A", "Sin dato", year 1)
pub(super) const REASONS: &[&str] = &["null", "empty", "filler"];

/// What people type when a form insists, in lower case.
const FILLERS: &[&str] = &[
    "-",
    "--",
    "---",
    ".",
    "...",
    "?",
    "n/a",
    "n / a",
    "n.a",
    "n.a.",
    "n/d",
    "n.d.",
    "s/d",
    "s/n dato",
    "no aplica",
    "no disponible",
    "no especificado",
    "null",
    "nulo",
    "pendiente de captura",
    "por definir",
    "sin dato",
    "sin datos",
    "sin especificar",
    "sin información",
    "sin informacion",
    "tbd",
    "unknown",
    "xxx",
    "xxxx",
    "desconocido",
    "undefined",
    "not available",
    "not applicable",
];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for field in &case.walk.fields {
        look(case, field.value, || field.pointer.to_owned(), field.name, &mut found);
        // Items that are objects are walked on their own.
        if let Value::Array(items) = field.value {
            for (index, item) in items.iter().enumerate() {
                if !item.is_object() || item.as_object().is_some_and(serde_json::Map::is_empty) {
                    look(case, item, || format!("{}/{index}", field.pointer), field.name, &mut found);
                }
            }
        }
    }
    found
}

fn look(case: &Case<'_>, value: &Value, pointer: impl Fn() -> String, name: &str, found: &mut Vec<Finding>) {
    let reason = match value {
        Value::Null if case.was(&pointer()).is_none() => "null",
        Value::String(text) if text.trim().is_empty() => "empty",
        Value::String(text) if is_filler(text) => "filler",
        Value::Array(items) if items.is_empty() => "empty",
        Value::Object(fields) if fields.is_empty() => "empty",
        _ => return,
    };
    found.push(error("no-placeholder", pointer(), json!({"reason": reason, "field": name, "value": value})));
}

fn is_filler(text: &str) -> bool {
    let text = text.trim();
    // Longer texts say something.
    if text.len() > 24 {
        return text.starts_with("0001-01-01T");
    }
    // The letters of these words have as many bytes in upper case.
    let says = |filler: &&str| filler.len() == text.len() && text.to_lowercase() == *filler;
    text.starts_with("0001-01-01") || FILLERS.iter().any(says)
}
