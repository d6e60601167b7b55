//! `json`: a text that everybody reads alike.

use serde_json::{Value, json};

use super::{Finding, error, warning};
use crate::json::{Fault, Oddity};
use crate::stream::Cause;

/// `unreadable` · `empty` · `utf-16` · `not-utf-8` · `syntax` · `too-deep` · `too-large` · `repeated-name` ·
/// `huge-number` · `mark` (warning: a byte order mark) · `not-ocds` (neither a package, nor a record, nor a release)
pub(super) const REASONS: &[&str] = &[
    "unreadable",
    "empty",
    "utf-16",
    "not-utf-8",
    "syntax",
    "too-deep",
    "too-large",
    "repeated-name",
    "huge-number",
    "mark",
    "not-ocds",
];

/// What is wrong with a text that cannot be read.
pub(super) fn unreadable(cause: &Cause) -> Finding {
    let params = match cause {
        Cause::Io(cause) => json!({"reason": "unreadable", "value": cause.to_string()}),
        Cause::Empty => json!({"reason": "empty"}),
        Cause::Utf16 => json!({"reason": "utf-16"}),
        Cause::NotUtf8 { line } => json!({"reason": "not-utf-8", "line": line}),
        Cause::NotJson(cause) => {
            let reason = match cause.fault {
                Fault::Empty => "empty",
                Fault::Deep => "too-deep",
                _ => "syntax",
            };
            json!({"reason": reason, "value": cause.fault.to_string(), "line": cause.line, "column": cause.column})
        }
        Cause::TooLarge | Cause::Scattered { .. } => json!({"reason": "too-large"}),
    };
    error("json", "", params)
}

/// What is odd about a text that can be read.
pub(super) fn odd(oddity: &Oddity) -> Finding {
    let params = match oddity {
        Oddity::RepeatedName { name, line, column } => {
            json!({"reason": "repeated-name", "field": name, "line": line, "column": column})
        }
        Oddity::HugeNumber { number, line, column } => {
            json!({"reason": "huge-number", "value": number, "line": line, "column": column})
        }
    };
    error("json", "", params)
}

/// A byte order mark before the text.
pub(super) fn mark() -> Finding {
    warning("json", "", json!({"reason": "mark"}))
}

/// A JSON value that is none of the documents of the standard.
pub(super) fn not_ocds(value: &Value) -> Finding {
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
    };
    error("json", "", json!({"reason": "not-ocds", "value": kind}))
}
