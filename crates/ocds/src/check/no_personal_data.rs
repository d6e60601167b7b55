//! `no-personal-data`: nothing that identifies or reaches a person in what is published.
//!
//! What is published is an allow-list by field class, which belongs to the caller. This rule looks for what slips
//! through it in text: CURP, the RFC of a natural person, CLABE, e-mail addresses and telephone numbers. The contact
//! point of an organization may have the last two. The finding never repeats what it found.

use serde_json::{Value, json};

use super::{Case, Finding, error};

/// `curp` · `rfc` · `clabe` · `email` · `telephone`
pub(super) const REASONS: &[&str] = &["curp", "rfc", "clabe", "email", "telephone"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for field in &case.walk.fields {
        // Fourteen digits that nobody needs to look at.
        if field.property.is_some_and(|property| property.is_date) && is_only_date(field.value) {
            continue;
        }
        let mut look = |pointer: &dyn Fn() -> String, text: &str| {
            for reason in detect(text) {
                if reason == "email" || reason == "telephone" {
                    let is_contact = field.within == "ContactPoint" && field.name != "name";
                    let is_address = matches!(field.name, "url" | "uri") && reason == "telephone";
                    let is_code = matches!(field.name, "id" | "ocid" | "awardID" | "projectID")
                        && reason == "telephone";
                    if is_contact || is_address || is_code {
                        continue;
                    }
                }
                let params = json!({"reason": reason, "field": field.name});
                found.push(error("no-personal-data", pointer(), params));
            }
        };
        match field.value {
            Value::String(text) => look(&|| field.pointer.to_owned(), text),
            // A number with 18 digits is an account, not an amount; JSON numbers that long lose digits anyway.
            Value::Number(number) => look(&|| field.pointer.to_owned(), &number.to_string()),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if let Some(text) = item.as_str() {
                        look(&|| format!("{}/{index}", field.pointer), text);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether a value has only the characters of a date.
fn is_only_date(value: &Value) -> bool {
    let is_of_date = |byte: u8| byte.is_ascii_digit() || b"-:.+TZ".contains(&byte);
    value.as_str().is_some_and(|text| text.len() <= 35 && text.bytes().all(is_of_date) && text.contains('T'))
}

/// What kinds of personal data a text has.
pub(super) fn detect(text: &str) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    // A date of birth has six digits, a telephone number eight. Most texts have fewer, and are done with.
    if digits >= 6 {
        codes(text, digits, &mut kinds);
    }
    if text.contains('@') && text.split_whitespace().any(is_email) {
        kinds.push("email");
    }
    if digits >= 8 && has_telephone(text) {
        kinds.push("telephone");
    }
    kinds
}

/// CURP, RFC and CLABE, as one word or in groups: 012 345 67890123456 7, GOMA-850301-9K2.
fn codes(text: &str, digits: usize, kinds: &mut Vec<&'static str>) {
    let mut add = |kind| {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    };
    // In bytes: Ñ has two.
    let long_enough = |word: &&str| (13..=36).contains(&word.len());
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '&').filter(long_enough) {
        let upper = word.to_uppercase();
        if is_curp(&upper) {
            add("curp");
        } else if is_personal_rfc(&upper) {
            add("rfc");
        } else if is_clabe(word) {
            add("clabe");
        }
    }
    if digits >= 18 && text.contains(['-', ' ']) && in_groups(text) {
        add("clabe");
    }
    if text.contains('-') {
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '-') {
            if word.matches('-').count() == 2 && is_personal_rfc(&word.replace('-', "").to_uppercase()) {
                add("rfc");
            }
        }
    }
}

/// Whether a text has a CLABE written in groups. What hangs on letters is an identifier: `PP-00123-4-012345678901`.
fn in_groups(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-');
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let run = &rest[start..];
        let end = run.find(|c| !is_part(c)).unwrap_or(run.len());
        let hangs = rest[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/'));
        let digits: String = run[..end].chars().filter(char::is_ascii_digit).collect();
        if !hangs && is_clabe(&digits) {
            return true;
        }
        rest = &run[end..];
    }
    false
}

fn fits(text: &str, shape: &str) -> bool {
    text.chars().count() == shape.len()
        && text.chars().zip(shape.bytes()).all(|(c, kind)| match kind {
            b'A' => c.is_ascii_uppercase() || matches!(c, 'Ñ' | '&'),
            b'9' => c.is_ascii_digit(),
            b'S' => matches!(c, 'H' | 'M' | 'X'),
            _ => c.is_ascii_alphanumeric(),
        })
}

/// Month and day of six digits `yymmdd`.
fn is_day(text: &str) -> bool {
    let number =
        |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<u32>().ok());
    matches!((number(2..4), number(4..6)), (Some(1..=12), Some(1..=31)))
}

/// Four letters, birth date, sex, state and consonants, two characters.
fn is_curp(word: &str) -> bool {
    fits(word, "AAAA999999SAAAAA*9") && word.get(4..10).is_some_and(is_day)
}

/// Thirteen characters: that of a company has twelve. The tax authority's generic ones name nobody.
fn is_personal_rfc(word: &str) -> bool {
    let generic = matches!(word, "XAXX010101000" | "XEXX010101000");
    let digits: String = word.chars().skip(4).take(6).collect();
    !generic && fits(word, "AAAA999999***") && is_day(&digits)
}

/// Eighteen digits of a bank account, the last of which checks the others.
fn is_clabe(word: &str) -> bool {
    if word.len() != 18 || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let digits: Vec<u32> = word.bytes().map(|byte| u32::from(byte - b'0')).collect();
    let sum: u32 =
        digits[..17].iter().zip([3, 7, 1].iter().cycle()).map(|(digit, weight)| digit * weight % 10).sum();
    digits[17] == (10 - sum % 10) % 10
}

fn is_email(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let word = word.strip_prefix("mailto:").unwrap_or(word);
    let Some((user, host)) = word.split_once('@') else {
        return false;
    };
    let host = host.split(['/', '?', ',', ';', '>', ')']).next().unwrap_or_default();
    // The address of a page may have an @ in its path (https://ejemplo.mx/@obra).
    let is_user = !user.is_empty() && !user.contains('/');
    is_user
        && host.rsplit_once('.').is_some_and(|(name, end)| {
            !name.is_empty() && end.len() >= 2 && end.chars().all(char::is_alphabetic)
        })
}

/// Ten digits in the groups in which Mexican numbers are written, or after a word that announces them.
fn has_telephone(text: &str) -> bool {
    const ANNOUNCED_BY: &[&str] = &["tel", "cel", "móvil", "movil", "whatsapp", "llam", "marca al", "teléf"];
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit()
            || (at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'.'))
        {
            at += 1;
            continue;
        }
        let mut end = at;
        let mut after_digits = at;
        let mut groups = vec![0_usize];
        while end < bytes.len() {
            match bytes[end] {
                byte if byte.is_ascii_digit() => {
                    if let Some(group) = groups.last_mut() {
                        *group += 1;
                    }
                    after_digits = end + 1;
                }
                b' ' | b'-' | b'(' | b')' => {
                    if groups.last().is_some_and(|group| *group > 0) {
                        groups.push(0);
                    }
                }
                _ => break,
            }
            end += 1;
        }
        groups.retain(|group| *group > 0);
        let international = at > 0 && bytes[at - 1] == b'+';
        let total: usize = groups.iter().sum();
        let in_a_word = bytes.get(after_digits).is_some_and(u8::is_ascii_alphanumeric);
        let announced = || {
            let before = text.get(..at).unwrap_or_default();
            let window: Vec<char> = before.chars().rev().take(24).collect();
            let window = window.into_iter().rev().collect::<String>().to_lowercase();
            ANNOUNCED_BY.iter().any(|word| window.contains(word))
        };
        let grouped = matches!(groups.as_slice(), [2, 4, 4] | [3, 3, 4] | [2, 2, 2, 2, 2] | [52, ..])
            || matches!(groups.as_slice(), [2, 2, 4, 4] | [2, 3, 3, 4]);
        let is_number = (international && (10..=13).contains(&total))
            || (grouped && !in_a_word)
            || ((matches!(total, 8 | 10 | 12) || groups.first() == Some(&10)) && announced());
        if is_number && !in_a_word {
            return true;
        }
        at = end.max(at + 1);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_is_found() {
        for (text, kind) in [
            ("Beneficiaria GOMA850301MNLRRN09 del apoyo", "curp"),
            ("Pagado a GOMA8503019K2", "rfc"),
            ("RFC goma-850301-9k2", "rfc"),
            ("Cuenta 032180000118359719", "clabe"),
            ("Cuenta 032 180 00011835971 9", "clabe"),
            ("(032-180-00011835971-9)", "clabe"),
            ("Escribir a ana.gomez@ejemplo.com.mx.", "email"),
            ("Llamar al 8184004400 por la tarde", "telephone"),
            ("Residente: 81 8400 4400", "telephone"),
            ("(81) 8400-4400", "telephone"),
            ("+528184004400", "telephone"),
        ] {
            assert_eq!(detect(text), [kind], "{text}");
        }
    }

    #[test]
    fn numbers_of_other_kinds_are_not() {
        for text in [
            "MSP8201019A1",
            "XAXX010101000",
            "OP-2024-031",
            "ocds-abc123-PP-2023-S4-0107-2024-07-02T17:00:00Z",
            "850 m² de banqueta entre las calles 5 y 12",
            "2026-03-02",
            "Contrato 1234567890",
            "1190000.00",
            "https://www.ejemplo.mx/@obra",
            "Etapa 2 2024 2025",
            "032180000118359718",
            "0123456789abcdef",
            "PP-03218-0-000118359719",
            "https://ejemplo.mx/032-180-000118359719",
        ] {
            assert_eq!(detect(text), Vec::<&str>::new(), "{text}");
        }
    }
}
