//! How values are written in cells.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// What is in a cell.
#[derive(Clone, Debug)]
pub(super) enum Cell<'a> {
    Text(Cow<'a, str>),
    Number(&'a Number),
    Boolean(bool),
    /// Figures and semicolons, such as coordinates: no spreadsheet takes it for a formula.
    Figures(String),
    /// A position in an array.
    Position(u64),
}

impl<'a> Cell<'a> {
    /// Objects, and arrays that cannot be joined, are written as JSON.
    pub(super) fn of(value: &'a Value) -> Cell<'a> {
        match value {
            Value::String(text) => Cell::Text(Cow::Borrowed(text)),
            Value::Number(number) => Cell::Number(number),
            Value::Bool(boolean) => Cell::Boolean(*boolean),
            Value::Array(items) => match joined(items) {
                Some(text) if items.iter().all(Value::is_number) => Cell::Figures(text),
                Some(text) => Cell::Text(Cow::Owned(text)),
                None => Cell::Text(Cow::Owned(value.to_string())),
            },
            Value::Null | Value::Object(_) => Cell::Text(Cow::Owned(value.to_string())),
        }
    }
}

/// Scalars with a semicolon between them; `None` if they could not be told apart again: one is `null`, or has a
/// semicolon or a line break in it, or the whole is empty or begins as JSON does.
fn joined(items: &[Value]) -> Option<String> {
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            joined.push(';');
        }
        match item {
            Value::String(text) if text.contains([';', '\n', '\r']) => return None,
            Value::String(text) => joined.push_str(text),
            Value::Number(number) => joined.push_str(&number.to_string()),
            Value::Bool(boolean) => joined.push_str(if *boolean { "true" } else { "false" }),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        }
    }
    (!joined.is_empty() && !joined.starts_with('[')).then_some(joined)
}

/// Text without the characters that XML forbids and that break readers of CSV (NUL above all): each becomes
/// U+FFFD. Borrowed if there are none.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(is_forbidden) {
        Cow::Owned(text.replace(is_forbidden, "\u{FFFD}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Characters that XML 1.0 cannot carry.
fn is_forbidden(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\u{FFFE}' | '\u{FFFF}' => true,
        other => other < ' ',
    }
}

/// Whether a spreadsheet that opens a CSV file may take a text for a formula (OWASP, "CSV Injection").
pub(super) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// The number that a workbook can hold, if what it shows is what the JSON says: Excel keeps the 53 bits of a
/// double, and of an integer shows 15 digits.
pub(super) fn exact(number: &Number) -> Option<f64> {
    let text = number.to_string();
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0').trim_end_matches('0').len();
    let vanishes = value == 0.0 && digits > 0;
    let is_fraction = text.contains(['.', 'e', 'E']);
    let same = || Number::from_f64(value).is_some_and(|again| again.to_string() == text);
    (!vanishes && (digits <= 15 || (is_fraction && same()))).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(value: &Value) -> String {
        match Cell::of(value) {
            Cell::Text(text) => text.into_owned(),
            Cell::Figures(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lists_are_joined_where_they_can_be_told_apart() {
        for (value, expected) in [
            (json!(["buyer", "payer"]), "buyer;payer"),
            (json!([-99.1332, 19.4326]), "-99.1332;19.4326"),
            (json!(["a", true, 1]), "a;true;1"),
            (json!(["a", ""]), "a;"),
            (json!([""]), r#"[""]"#),
            (json!(["a;b", "c"]), r#"["a;b","c"]"#),
            (json!(["a", null]), r#"["a",null]"#),
            (json!(["[a]"]), r#"["[a]"]"#),
            (json!([[1, 2], [3]]), "[[1,2],[3]]"),
            (json!({"a": 1}), r#"{"a":1}"#),
        ] {
            assert_eq!(text(&value), expected);
        }
    }

    #[test]
    fn only_lists_of_numbers_are_figures() {
        assert!(matches!(Cell::of(&json!([-1, 2])), Cell::Figures(_)));
        assert!(matches!(Cell::of(&json!(["-1", 2])), Cell::Text(_)));
    }

    #[test]
    fn numbers_are_numbers_where_nothing_is_lost() {
        let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
        for (text, expected) in [
            ("0", Some(0.0)),
            ("-12.5", Some(-12.5)),
            ("1250000", Some(1_250_000.0)),
            ("123456789012345", Some(123_456_789_012_345.0)),
            ("1234567890123456", None),
            ("9007199254740993", None),
            ("18446744073709551615", None),
            ("0.30000000000000004", Some(0.300_000_000_000_000_04)),
            ("1e300", Some(1e300)),
        ] {
            assert_eq!(exact(&number(text)), expected, "{text}");
        }
    }

    #[test]
    fn forbidden_characters_are_replaced() {
        assert!(matches!(clean("línea\n\tuno\r\n"), Cow::Borrowed(_)));
        assert_eq!(clean("a\u{0}b\u{1b}c\u{ffff}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }
}
