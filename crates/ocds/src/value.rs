//! Dates, money and JSON Pointers.

use std::borrow::Cow;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde_json::Value;

/// An amount of money (OCDS 1.1, "Value"): `{amount, currency}`. Sums are exact, which those of binary fractions are
/// not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// The amount, in units of the currency (pesos, not cents); it may be negative.
    pub amount: Decimal,
    /// ISO 4217 code, as it was given: see [`crate::codelist::get`]`("currency")`.
    pub currency: String,
}

impl Money {
    /// Reads an OCDS value; `None` without an amount that is a number or without a currency.
    pub fn read(value: &Value) -> Option<Money> {
        let currency = value.get("currency")?.as_str()?.to_owned();
        Some(Money { amount: decimal(value.get("amount")?)?, currency })
    }
}

/// A JSON number as an exact decimal: `0.1` is a tenth. `None` if it is no number, or is beyond a decimal (29 digits).
pub fn decimal(value: &Value) -> Option<Decimal> {
    let Value::Number(number) = value else { return None };
    let text = number.to_string();
    Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
}

/// Whether a text is a date-time (OCDS 1.1, "Date formats") as the reference tools take it: RFC 3339 with seconds and
/// offset, a day that exists, hours up to 23. Where RFC 3339 allows a leap second and the year 0000, they do not.
pub fn is_date_time(text: &str) -> bool {
    date_time(text).is_some()
}

/// Reads a date-time, keeping its offset; `None` where [`is_date_time`] says no. Fractions of a second count to the
/// nanosecond.
pub fn date_time(text: &str) -> Option<DateTime<FixedOffset>> {
    let bytes = text.as_bytes();
    // chrono takes a space between date and time, and an offset such as +24:00; RFC 3339 does not.
    let shape = bytes.len() >= 20
        && text.is_ascii()
        && bytes[..19].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => byte.eq_ignore_ascii_case(&b'T'),
            13 | 16 => *byte == b':',
            _ => byte.is_ascii_digit(),
        });
    if !shape || &bytes[..4] == b"0000" || &bytes[17..19] == b"60" {
        return None;
    }
    let end = &bytes[bytes.len() - 6..];
    let offset_fits = bytes[bytes.len() - 1].eq_ignore_ascii_case(&b'z')
        || (matches!(end[0], b'+' | b'-') && end[3] == b':' && &end[1..3] <= b"23".as_slice());
    if !offset_fits {
        return None;
    }
    DateTime::parse_from_rfc3339(&text.to_ascii_uppercase()).ok()
}

/// The levels of objects and arrays that merging and checking go down. `serde_json` reads no text deeper than 128, but
/// a value built in memory can be any depth, and even copying one of some thousands exhausts a stack.
pub(crate) const MAX_DEPTH: usize = 256;

/// Whether a value has objects or arrays more than so many levels deep.
pub(crate) fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let goes_on = |below: &Value| levels == 0 || is_deeper_than(below, levels - 1);
    match value {
        Value::Object(fields) => fields.values().any(goes_on),
        Value::Array(items) => items.iter().any(goes_on),
        _ => false,
    }
}

/// Escapes one step of a JSON Pointer (RFC 6901): `a/b~c` is `a~1b~0c`.
pub fn escape(step: &str) -> String {
    let mut escaped = String::with_capacity(step.len());
    push_escaped(&mut escaped, step);
    escaped
}

/// Adds one step to a JSON Pointer, after its slash.
pub(crate) fn push_escaped(pointer: &mut String, step: &str) {
    if !step.contains(['~', '/']) {
        return pointer.push_str(step);
    }
    for character in step.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// An `id` as text, so that `1` and `"1"` are the same, as in merging (OCDS 1.1, "Identifier merge"); `None` for what
/// identifies nothing: no value, `null`, a truth value, an object, an array. Text is not
/// copied.
pub fn id_text(value: Option<&Value>) -> Option<Cow<'_, str>> {
    match value? {
        Value::String(id) => Some(Cow::Borrowed(id)),
        Value::Number(id) => Some(Cow::Owned(id.to_string())),
        _ => None,
    }
}
