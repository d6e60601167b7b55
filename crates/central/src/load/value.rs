//! One cell as an amount, a currency, a day or an address. Stricter than [`domain::entry`], which reads what a person
//! types in front of the result: here nobody looks at each of five thousand rows, so what can be read in two ways is
//! reported instead of read.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::mapping::Numbers;

/// Why a cell is not an amount.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum AmountFault {
    /// It does not read as a number.
    Format,
    /// It reads as a number in two ways: `1.234`.
    Ambiguous,
    /// Not a number, or infinite.
    NotFinite,
    /// More digits than any budget has.
    TooLarge,
}

/// What an amount may carry before or after, and the currency it says. `$` alone says none. Longest first.
const SIGNS: [(&str, Option<&str>); 14] = [
    ("PESOS MEXICANOS", Some("MXN")),
    ("PESOS", Some("MXN")),
    ("DOLARES", Some("USD")),
    ("DÓLARES", Some("USD")),
    ("EUROS", Some("EUR")),
    ("M.N.", Some("MXN")),
    ("MX$", Some("MXN")),
    ("US$", Some("USD")),
    ("MXN", Some("MXN")),
    ("EUR", Some("EUR")),
    ("USD", Some("USD")),
    ("MN", Some("MXN")),
    ("€", Some("EUR")),
    ("$", None),
];

/// An amount as text, and the currency it says.
pub(super) fn amount(text: &str, numbers: Numbers) -> Result<(Decimal, Option<&'static str>), AmountFault> {
    let upper = text.trim().to_uppercase();
    let mut body = upper.as_str();
    let mut currency = None;
    let mut negative = false;
    if let Some(inner) = body.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        // How accountants write a negative.
        (body, negative) = (inner.trim(), true);
    }
    let mut signed = false;
    loop {
        let before = body;
        for (sign, code) in SIGNS {
            if let Some(rest) = body.strip_prefix(sign).or_else(|| body.strip_suffix(sign)) {
                body = rest.trim();
                currency = currency.or(code);
                break;
            }
        }
        if !signed && let Some(rest) = body.strip_prefix(['-', '−', '+']) {
            negative |= !body.starts_with('+');
            signed = true;
            body = rest.trim();
        }
        if body == before {
            break;
        }
    }
    if ["NAN", "INF", "INFINITY", "INFINITO", "∞", "1.#INF", "1.#QNAN", "1.#IND"].contains(&body) {
        return Err(AmountFault::NotFinite);
    }
    let value = match numbers {
        Numbers::Mx => grouped(body, ',', '.'),
        Numbers::Eu => grouped(body, '.', ','),
        Numbers::Auto => either(body),
    }?;
    Ok((if negative { -value } else { value }, currency))
}

fn is_blank_group(ch: char) -> bool {
    matches!(ch, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’')
}

/// A number whose thousands and decimals are known beforehand.
fn grouped(body: &str, thousands: char, decimal: char) -> Result<Decimal, AmountFault> {
    let (whole, fraction) = match body.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (body, None),
    };
    let groups: Vec<&str> = whole.split(|ch: char| ch == thousands || is_blank_group(ch)).collect();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let sizes = groups.len() == 1
        || (groups.first().is_some_and(|group| group.len() <= 3)
            && groups.iter().skip(1).all(|group| group.len() == 3));
    if !sizes || !groups.iter().all(|group| digits(group)) || !fraction.is_none_or(digits) {
        return Err(AmountFault::Format);
    }
    // `1.234` where `.` is the decimal mark is more often a thousand from the other side of the sea than 1.234 pesos.
    if groups.len() == 1
        && whole.len() <= 3
        && whole != "0"
        && fraction.is_some_and(|fraction| fraction.len() == 3)
    {
        return Err(AmountFault::Ambiguous);
    }
    let whole = groups.concat();
    if whole.trim_start_matches('0').len() > 15 {
        return Err(AmountFault::TooLarge);
    }
    // Beyond what fits, decimals are rounded.
    let text = fraction.map_or(whole.clone(), |fraction| format!("{whole}.{fraction}"));
    text.parse().map_err(|_| AmountFault::Format)
}

/// A number in either style.
fn either(body: &str) -> Result<Decimal, AmountFault> {
    let marks = |mark: char| body.matches(mark).count();
    let last = body.rfind(['.', ',']);
    match (marks('.'), marks(','), last) {
        (0, 0, _) => grouped(body, ',', '.'),
        // Repeated: thousands.
        (0, 2.., _) => grouped(body, ',', '.'),
        (2.., 0, _) => grouped(body, '.', ','),
        // Once, with three digits after it: thousands, as `domain::entry::amount` has it, where the groups allow it.
        (0, 1, Some(at)) if thousands(body, at) => grouped(body, ',', '.'),
        (1, 0, Some(at)) if thousands(body, at) => grouped(body, '.', ','),
        (0, 1, _) => grouped(body, '.', ','),
        (1, 0, _) => grouped(body, ',', '.'),
        // Both: the last one is the decimal mark.
        (_, _, Some(at)) if body[at..].starts_with('.') => grouped(body, ',', '.'),
        _ => grouped(body, '.', ','),
    }
}

/// Whether the only mark of a number, at this place, may be one of thousands: `39.094`, not `0.125` nor `1234.567`.
fn thousands(body: &str, at: usize) -> bool {
    body.len() - at == 4 && at <= 3 && &body[..at] != "0"
}

/// A number of a workbook: the shortest decimal that reads back the same, without the dust of binary arithmetic
/// (`1234.5600000000002`) beyond a millionth.
pub(super) fn amount_of_number(number: f64) -> Result<Decimal, AmountFault> {
    if !number.is_finite() {
        return Err(AmountFault::NotFinite);
    }
    if number.abs() >= 1e15 {
        return Err(AmountFault::TooLarge);
    }
    let value: Decimal = number.to_string().parse().map_err(|_| AmountFault::Format)?;
    Ok(value.round_dp(6).normalize())
}

/// A number of a workbook as text: `7744`, not `7744.0`.
pub(super) fn text_of_number(number: f64) -> String {
    number.to_string()
}

/// Whether a text is a currency code of ISO 4217, as the standard lists them.
pub(super) fn is_currency(code: &str) -> bool {
    ocds::codelist::get("currency").is_some_and(|list| list.contains(code))
}

/// Why a cell is not a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum DateFault {
    /// It is not written as a day.
    Format,
    /// There is no such day: 31 February.
    NoSuchDay,
    /// A day no project of ours can have.
    Range,
}

/// A day: `2026-03-12`, with or without a time, or `12/03/2026`, `12-3-2026`, `12.03.2026`, day before month. A year
/// of two digits is not read: `03-04-05` is three different days.
pub(super) fn date(text: &str) -> Result<NaiveDate, DateFault> {
    let day_part = text.trim().split(['T', 't', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = day_part.split(['/', '-', '.']).collect();
    let number = |part: &str, longest: usize| {
        let digits =
            !part.is_empty() && part.len() <= longest && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse::<u32>().map_err(|_| DateFault::Format) } else { Err(DateFault::Format) }
    };
    let (year, month, day) = match parts.as_slice() {
        [year, month, day] if year.len() == 4 => (year, month, day),
        [day, month, year] if year.len() == 4 => (year, month, day),
        _ => return Err(DateFault::Format),
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let year = i32::try_from(year).map_err(|_| DateFault::Format)?;
    in_range(NaiveDate::from_ymd_opt(year, month, day).ok_or(DateFault::NoSuchDay)?)
}

/// A day between 1900 and 2100.
pub(super) fn in_range(date: NaiveDate) -> Result<NaiveDate, DateFault> {
    if (1900..=2100).contains(&date.year()) { Ok(date) } else { Err(DateFault::Range) }
}

/// Whether a text is a web address that may be published as a link: `http` or `https`, a host, no blanks, no
/// credentials.
pub(super) fn is_url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "0"));
    let name_fits = |ch: char| ch.is_alphanumeric() || matches!(ch, '.' | '-');
    !name.is_empty()
        && name.chars().all(name_fits)
        && name.chars().any(char::is_alphanumeric)
        && port.parse::<u16>().is_ok()
        && !text
            .chars()
            .any(|ch| ch.is_whitespace() || ch.is_control() || matches!(ch, '<' | '>' | '"' | '\\'))
}

/// A text cut to so many characters, with `…` where it was cut.
pub(super) fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str, numbers: Numbers) -> Result<String, AmountFault> {
        amount(text, numbers)
            .map(|(value, currency)| format!("{} {}", value.normalize(), currency.unwrap_or("-")))
    }

    #[test]
    fn amounts_as_lists_write_them() {
        use Numbers::{Auto, Eu, Mx};
        for (text, numbers, value) in [
            ("50000", Mx, "50000 -"),
            ("$1,234.56 MXN", Mx, "1234.56 MXN"),
            ("$ 1,234,567.5 M.N.", Mx, "1234567.5 MXN"),
            ("1234.5678", Mx, "1234.5678 -"),
            ("0.125", Mx, "0.125 -"),
            ("1 234 567.00", Mx, "1234567 -"),
            ("150.000 €", Eu, "150000 EUR"),
            ("1.007.166 €", Eu, "1007166 EUR"),
            ("1.234,56", Eu, "1234.56 -"),
            ("39094", Eu, "39094 -"),
            ("EUR 12,5", Eu, "12.5 EUR"),
            ("1.234,56", Auto, "1234.56 -"),
            ("1,234.56", Auto, "1234.56 -"),
            ("39.094 €", Auto, "39094 EUR"),
            ("1,234,567", Auto, "1234567 -"),
            ("12.5", Auto, "12.5 -"),
            ("0.125", Auto, "0.125 -"),
            ("1234.567", Auto, "1234.567 -"),
            ("480000.00", Auto, "480000 -"),
            ("US$ 10", Auto, "10 USD"),
            ("-5", Mx, "-5 -"),
            ("-$5", Mx, "-5 -"),
            ("$-5.00", Mx, "-5 -"),
            ("(5)", Eu, "-5 -"),
        ] {
            assert_eq!(money(text, numbers).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_amount_is_not_read_as_one() {
        use AmountFault::{Ambiguous, Format, NotFinite, TooLarge};
        use Numbers::{Auto, Eu, Mx};
        for (text, numbers, fault) in [
            ("1.234", Mx, Ambiguous),
            ("1,234", Eu, Ambiguous),
            ("150.000 €", Mx, Ambiguous),
            ("1.007.166", Mx, Format),
            ("1,23,456", Mx, Format),
            ("1 2 3", Mx, Format),
            ("1.5E+06", Mx, Format),
            ("1234.", Mx, Format),
            ("por definir", Auto, Format),
            ("$", Auto, Format),
            ("--5", Auto, Format),
            ("5-", Auto, Format),
            ("1,2.3,4", Auto, Format),
            ("50000 a 60000", Auto, Format),
            ("NaN", Mx, NotFinite),
            ("-inf", Auto, NotFinite),
            ("Infinity", Eu, NotFinite),
            ("1234567890123456", Mx, TooLarge),
            ("99999999999999999999999999999999999999", Auto, TooLarge),
        ] {
            assert_eq!(money(text, numbers), Err(fault), "{text}");
        }
    }

    #[test]
    fn where_both_read_it_the_loader_agrees_with_what_people_type() {
        for text in [
            "1,234.56",
            "150.000 €",
            "1.234,56",
            "50000",
            "1,234,567",
            "12.5",
            "12,5",
            "39.094",
            "1,234",
            "-5",
        ] {
            let read = amount(text, Numbers::Auto).map(|(value, _)| value).ok();
            assert_eq!(read, domain::entry::amount(text), "{text}");
        }
    }

    #[test]
    fn numbers_of_a_workbook() {
        for (number, value) in
            [(50000.0, "50000"), (0.1 + 0.2, "0.3"), (1234.5600000000002, "1234.56"), (-5.0, "-5")]
        {
            assert_eq!(amount_of_number(number).unwrap().to_string(), value);
        }
        assert_eq!(amount_of_number(f64::NAN), Err(AmountFault::NotFinite));
        assert_eq!(amount_of_number(f64::INFINITY), Err(AmountFault::NotFinite));
        assert_eq!(amount_of_number(1e300), Err(AmountFault::TooLarge));
        assert_eq!(text_of_number(7744.0), "7744");
    }

    #[test]
    fn days() {
        for text in
            ["2026-03-12", "12/03/2026", "12-3-2026", "12.03.2026", "2026-03-12T10:00:00", "2026-03-12 10:00"]
        {
            assert_eq!(date(text).map(|day| day.to_string()).as_deref(), Ok("2026-03-12"), "{text}");
        }
        for (text, fault) in [
            ("31/02/2026", DateFault::NoSuchDay),
            ("03/25/2026", DateFault::NoSuchDay),
            ("12-3-26", DateFault::Format),
            ("hoy", DateFault::Format),
            ("46000", DateFault::Format),
            ("12/3", DateFault::Format),
            ("+2/03/2026", DateFault::Format),
            ("0001-01-01", DateFault::Range),
        ] {
            assert_eq!(date(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn addresses() {
        for good in ["https://www10.ava.es/a/6/b/7744", "HTTP://x.mx", "https://año.example:8443/p?q=1#z"] {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "www.example.org",
            "https://",
            "https:///x",
            "https://a b.mx",
            "ftp://x.mx",
            "https://user:pass@x.mx",
            "https://x.mx/\"><script>",
            "https://x.mx:99999/",
            "https://.../",
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }

    #[test]
    fn long_values_are_cut_by_characters() {
        assert_eq!(cut("ñandú", 5), "ñandú");
        assert_eq!(cut("ñandú!", 5), "ñand…");
    }
}
