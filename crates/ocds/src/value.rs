//! Dates, money and JSON Pointers.

use std::borrow::Cow;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeZone};
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
    // Read here and not by chrono, which takes a space between date and time and an offset such as +24:00, and needs
    // five times as long: a release has twenty dates, which several rules read.
    let number = |from: usize, length: usize| {
        bytes.get(from..from + length)?.iter().try_fold(0, |number: u32, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
        })
    };
    let is = |at: usize, expected: u8| bytes.get(at).is_some_and(|byte| byte.eq_ignore_ascii_case(&expected));
    if ![(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')].iter().all(|(at, byte)| is(*at, *byte)) {
        return None;
    }
    let year = number(0, 4).filter(|year| *year > 0)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(5, 2)?, number(8, 2)?)?;
    let mut at = 19;
    let mut nanoseconds = 0;
    if is(at, b'.') {
        let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let counted = digits.min(9);
        nanoseconds = number(at + 1, counted).filter(|_| digits > 0)? * 10_u32.pow(9 - counted as u32);
        at += 1 + digits;
    }
    let time = date.and_hms_nano_opt(number(11, 2)?, number(14, 2)?, number(17, 2)?, nanoseconds)?;
    let offset = match &bytes[at..] {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(at + 1, 2)?, number(at + 4, 2)?);
            let seconds =
                i32::try_from(hours * 3600 + minutes * 60).ok().filter(|_| hours < 24 && minutes < 60)?;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    FixedOffset::east_opt(offset)?.from_local_datetime(&time).single()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// chrono reads whatever is read here alike.
        #[test]
        fn dates_are_those_of_chrono(text in "(19|20)[0-9][0-9]-[01][0-9]-[0-3][0-9]T[012][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,12})?(Z|[+-][012][0-9]:[0-6][0-9])") {
            let ours = date_time(&text);
            let theirs = DateTime::parse_from_rfc3339(&text).ok();
            // An offset of a day or more is no offset.
            let is_offset = text.ends_with('Z') || &text[text.len() - 5..text.len() - 3] < "24";
            prop_assert_eq!(ours, theirs.filter(|_| is_offset), "{}", text);
        }
    }
}
