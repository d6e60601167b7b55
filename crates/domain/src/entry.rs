//! Tolerant reading of what people type or paste: numbers, money, percentages, dates.

use chrono::{Datelike, Days, NaiveDate};
use rust_decimal::Decimal;
use serde_json::Number;

/// A letter without its accent, for comparing what people typed; none for a combining accent, which some keyboards
/// and systems write apart from its letter. Expects lower case.
pub fn without_accent(letter: char) -> Option<char> {
    Some(match letter {
        'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        '\u{300}'..='\u{36f}' => return None,
        other => other,
    })
}

/// A plain decimal (`12`, `12.5`, `-3`), as JSON writes it; exponents are accepted. Never infinite, never NaN.
pub fn decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    text.parse::<Decimal>().ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// A decimal as a JSON number. Whole numbers stay whole; others take the shortest form that reads back the same.
pub fn json_number(value: Decimal) -> Number {
    let value = value.normalize();
    if value.scale() == 0
        && let Ok(whole) = i64::try_from(value)
    {
        return Number::from(whole);
    }
    value.to_string().parse::<f64>().ok().and_then(Number::from_f64).unwrap_or_else(|| Number::from(0))
}

/// What a person typed as a percentage: `35`, `35 %`, `35,5`, `35.5%`.
pub fn percent(text: &str) -> Option<Decimal> {
    amount(text.trim().trim_end_matches('%'))
}

/// What a person typed or pasted as money: `1,234.56`, `$1,234.56 MXN`, `150.000 €`, `1.234,56`, `1 234`.
///
/// The separator that comes last is the decimal one when it occurs once and is not followed by exactly three digits;
/// with a single separator followed by three digits, `,` and `.` both mean thousands when the currency or a second
/// group says so, and otherwise `,` means thousands and `.` is decimal only if it leaves one or two digits.
pub fn amount(text: &str) -> Option<Decimal> {
    let mut plain = String::with_capacity(text.len());
    let mut negative = false;
    let upper = text.trim().to_uppercase();
    let body = ["MXN", "M.N.", "MN", "EUR", "PESOS"].iter().fold(upper, |body, word| body.replace(word, ""));
    for ch in body.chars() {
        match ch {
            '0'..='9' | '.' | ',' => plain.push(ch),
            '-' | '−' if plain.is_empty() => negative = true,
            '$' | '€' | ' ' | '\u{a0}' | '\u{202f}' | '\'' | '+' => {}
            _ => return None,
        }
    }
    if !plain.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let dots = plain.matches('.').count();
    let commas = plain.matches(',').count();
    let decimal_mark = match (dots, commas) {
        (0, 0) => None,
        (_, 0) => decimal_of(&plain, '.', dots),
        (0, _) => decimal_of(&plain, ',', commas),
        _ => {
            let last_dot = plain.rfind('.').unwrap_or(0);
            let last_comma = plain.rfind(',').unwrap_or(0);
            let (mark, count) = if last_dot > last_comma { ('.', dots) } else { (',', commas) };
            if count > 1 {
                return None;
            }
            Some(mark)
        }
    };
    let (whole, fraction) = match decimal_mark.and_then(|mark| plain.rsplit_once(mark)) {
        Some((whole, fraction)) => (whole, fraction),
        None => (plain.as_str(), ""),
    };
    if !groups_are_of_three(whole) {
        return None;
    }
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    let digits = if digits.is_empty() { "0".to_owned() } else { digits };
    let sign = if negative { "-" } else { "" };
    let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    format!("{sign}{digits}{fraction}").parse().ok()
}

/// With one kind of separator: thousands when it repeats or leaves exactly three digits, decimal otherwise. Nobody
/// writes thousands after a lone zero: `0.125` is an eighth.
fn decimal_of(plain: &str, mark: char, count: usize) -> Option<char> {
    let (before, after) = plain.rsplit_once(mark)?;
    (count == 1 && (after.len() != 3 || before == "0" || before.is_empty())).then_some(mark)
}

fn groups_are_of_three(whole: &str) -> bool {
    let groups: Vec<&str> = whole.split(['.', ',']).collect();
    groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3))
}

/// Months by their names, Spanish then English; three letters are enough.
const MONTHS: [[&str; 2]; 12] = [
    ["enero", "january"],
    ["febrero", "february"],
    ["marzo", "march"],
    ["abril", "april"],
    ["mayo", "may"],
    ["junio", "june"],
    ["julio", "july"],
    ["agosto", "august"],
    ["septiembre", "september"],
    ["octubre", "october"],
    ["noviembre", "november"],
    ["diciembre", "december"],
];
/// Days of the week, from Monday.
const WEEKDAYS: [[&str; 2]; 7] = [
    ["lunes", "monday"],
    ["martes", "tuesday"],
    ["miercoles", "wednesday"],
    ["jueves", "thursday"],
    ["viernes", "friday"],
    ["sabado", "saturday"],
    ["domingo", "sunday"],
];

/// Which of a list of names a word is the beginning of.
fn named(names: &[[&str; 2]], word: &str) -> Option<u32> {
    let begins = |pair: &[&str; 2]| pair.iter().any(|name| name.starts_with(word));
    let place = (word.len() >= 3).then(|| names.iter().position(begins)).flatten()?;
    u32::try_from(place).ok()
}

/// What a person typed as a date: `2026-03-12`, `12/03/2026`, `12-3-26`, `12/3`, `12 mar`, `12 de marzo de 2026` (without
/// a year this one, or the last one when that would be in the future), `lunes` (the latest one, today included), `hoy`,
/// `ayer`, `today`, `yesterday`. Day before month.
pub fn date(text: &str, today: NaiveDate) -> Option<NaiveDate> {
    let text: String = text.trim().to_lowercase().chars().filter_map(without_accent).collect();
    match text.as_str() {
        "hoy" | "today" => return Some(today),
        "ayer" | "yesterday" => return today.checked_sub_days(Days::new(1)),
        "anteayer" | "antier" => return today.checked_sub_days(Days::new(2)),
        _ => {}
    }
    let parts: Vec<&str> = text
        .split(['/', '-', '.', ',', ' '])
        .filter(|part| !matches!(*part, "" | "de" | "del" | "el" | "of" | "pasado" | "last"))
        .collect();
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()));
    // Septiembre is also written with `set`.
    let month_named = |part: &str| if part == "set" { Some(9) } else { Some(named(&MONTHS, part)? + 1) };
    let month = |part: &str| number(part).or_else(|| month_named(part));
    let year = |part: &str| {
        let year = match (part.len(), number(part)?) {
            (2, short) => 2000 + short,
            (4, full) => full,
            _ => return None,
        };
        i32::try_from(year).ok()
    };
    match parts.as_slice() {
        [day] => {
            let back = today.weekday().num_days_from_monday() + 7 - named(&WEEKDAYS, day)?;
            today.checked_sub_days(Days::new(u64::from(back % 7)))
        }
        [year, month, day] if year.len() == 4 && number(year).is_some() => {
            NaiveDate::from_ymd_opt(number(year)?.try_into().ok()?, number(month)?, number(day)?)
        }
        [name, day, of] if number(name).is_none() => {
            NaiveDate::from_ymd_opt(year(of)?, month_named(name)?, number(day)?)
        }
        [day, of, in_year] => NaiveDate::from_ymd_opt(year(in_year)?, month(of)?, number(day)?),
        [one, two] => {
            let (day, month) = match number(one) {
                Some(day) => (day, month(two)?),
                None => (number(two)?, month_named(one)?),
            };
            let this_year = NaiveDate::from_ymd_opt(today.year(), month, day);
            match this_year {
                Some(date) if date <= today => Some(date),
                _ => NaiveDate::from_ymd_opt(today.year() - 1, month, day).or(this_year),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str) -> Option<String> {
        amount(text).map(|value| value.normalize().to_string())
    }

    #[test]
    fn money_as_people_write_it() {
        for (text, value) in [
            ("1,234.56", "1234.56"),
            ("$1,234.56 MXN", "1234.56"),
            ("150.000 €", "150000"),
            ("39.094 €", "39094"),
            ("1.234,56", "1234.56"),
            ("1 234", "1234"),
            ("50000", "50000"),
            ("1,234,567", "1234567"),
            ("12.5", "12.5"),
            ("12,5", "12.5"),
            ("-5", "-5"),
            ("0.125", "0.125"),
            ("0,500", "0.5"),
            (".5", "0.5"),
            ("1,234.56 pesos", "1234.56"),
        ] {
            assert_eq!(money(text).as_deref(), Some(value), "{text}");
        }
        for text in ["", "NaN", "inf", "1e9x", "12.34.5", "abc", "1,23,456", "€"] {
            assert_eq!(money(text), None, "{text}");
        }
    }

    #[test]
    fn dates_as_people_write_them() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let read = |text: &str| date(text, today).map(|d| d.to_string());
        assert_eq!(read("12/3").as_deref(), Some("2026-03-12"));
        assert_eq!(read("12/12").as_deref(), Some("2025-12-12"));
        assert_eq!(read("hoy").as_deref(), Some("2026-11-22"));
        assert_eq!(read("Ayer").as_deref(), Some("2026-11-21"));
        assert_eq!(read("2026-03-12").as_deref(), Some("2026-03-12"));
        assert_eq!(read("12-3-26").as_deref(), Some("2026-03-12"));
        // 22 November 2026 is a Sunday.
        for (text, day) in [
            ("12 mar", "2026-03-12"),
            ("12 de marzo", "2026-03-12"),
            ("12 de Septiembre de 2025", "2025-09-12"),
            ("12-set", "2026-09-12"),
            ("mar 12", "2026-03-12"),
            ("March 12, 2026", "2026-03-12"),
            ("24 dic", "2025-12-24"),
            ("lunes", "2026-11-16"),
            ("mar", "2026-11-17"),
            ("miércoles", "2026-11-18"),
            ("el sábado pasado", "2026-11-21"),
            ("domingo", "2026-11-22"),
            ("friday", "2026-11-20"),
        ] {
            assert_eq!(read(text).as_deref(), Some(day), "{text}");
        }
        for bad in [
            "12 xyz",
            "lu",
            "+1/3",
            "31 feb",
            "12 mar 26 5",
            "mar mar",
            "31/02/2026",
            "32/1",
            "x",
            "",
            "2026",
            "1/1/126",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn typed_text_never_panics(text in "\\PC{0,24}") {
            let _ = amount(&text);
            let _ = percent(&text);
            let _ = date(&text, NaiveDate::from_ymd_opt(2026, 2, 28).unwrap());
        }

        #[test]
        fn grouped_amounts_read_back(cents in 0i64..1_000_000_000_000) {
            let value = Decimal::new(cents, 2);
            let whole = (cents / 100).to_string();
            let mut grouped = String::new();
            for (index, ch) in whole.chars().enumerate() {
                if index > 0 && (whole.len() - index) % 3 == 0 { grouped.push(','); }
                grouped.push(ch);
            }
            let text = format!("${grouped}.{:02} MXN", cents % 100);
            prop_assert_eq!(amount(&text), Some(value));
        }
    }
}
