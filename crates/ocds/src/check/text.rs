//! `text` (warning): short texts in the form that readers expect: descriptions, languages, schemes and contacts.

use serde_json::json;

use super::quality::says;
use super::{Case, Finding, warning};

/// `long-description` (of a document) · `language` (not a code of ISO 639-1) · `identifier-scheme` (not the form of a
/// code of org-id.guide) · `email` · `telephone` (neither is repeated in the finding)
pub(super) const REASONS: &[&str] =
    &["long-description", "language", "identifier-scheme", "email", "telephone"];

/// The most characters of a document's description.
const LONGEST: usize = 250;

/// ISO 639-1, each code and a space.
const LANGUAGES: &[u8] = b"aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv \
cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik \
io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my \
na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr \
ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu ";

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for field in &case.walk.fields {
        let reason = match (field.within, field.name) {
            ("Document", "description") => "long-description",
            ("Release" | "Document", "language") => "language",
            ("Identifier", "scheme") => "identifier-scheme",
            ("ContactPoint", "email") => "email",
            ("ContactPoint", "telephone" | "faxNumber") => "telephone",
            _ => continue,
        };
        // What is empty, `no-placeholder` tells.
        let Some(text) = field.value.as_str().filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        let good = match reason {
            "long-description" => text.len() <= LONGEST || text.chars().count() <= LONGEST,
            "language" => is_language(text),
            "identifier-scheme" => is_scheme(text),
            "email" => is_email(text),
            _ => is_telephone(text),
        };
        let parent = field.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        if good || !says(case, parent, &[field.name]) {
            continue;
        }
        let mut params = json!({"reason": reason, "field": field.name});
        match reason {
            "long-description" => {
                params["value"] = json!(text.chars().count());
                params["expected"] = json!(LONGEST);
            }
            "email" | "telephone" => {}
            _ => params["value"] = json!(text),
        }
        found.push(warning("text", field.pointer, params));
    }
    found
}

/// A code of ISO 639-1 in lower case, with or without a region or script (BCP 47), as the standard allows.
fn is_language(text: &str) -> bool {
    let code = text.split('-').next().unwrap_or_default().as_bytes();
    code.len() == 2 && LANGUAGES.chunks(3).any(|known| known.starts_with(code))
}

/// A country or `X` and a letter, and a list of it: `MX-RFC`, `XI-LEI`.
fn is_scheme(text: &str) -> bool {
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_uppercase());
    text.split_once('-').is_some_and(|(place, list)| {
        place.len() == 2
            && letters(place)
            && list.split(['-', '_']).all(|part| {
                !part.is_empty()
                    && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            })
    })
}

/// `user@host.domain`, the address of RFC 2822 without its comments and quotes, which nobody writes.
fn is_email(text: &str) -> bool {
    let Some((user, host)) = text.rsplit_once('@') else {
        return false;
    };
    let in_user = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let in_host = |c: char| c.is_alphanumeric() || c == '-';
    let parts = |text: &str, fits: &dyn Fn(char) -> bool| {
        text.split('.').all(|part| !part.is_empty() && part.chars().all(fits))
    };
    host.contains('.') && parts(user, &in_user) && parts(host, &in_host)
}

/// The digits that a number that can be called from elsewhere has (ITU-T E.164), with the signs that group them. An
/// extension may follow.
fn is_telephone(text: &str) -> bool {
    let number = text.split(|c: char| c.is_alphabetic() || matches!(c, ',' | ';' | '#')).next();
    let number = number.unwrap_or_default();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let is_sign = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-()./".contains(c);
    (7..=15).contains(&digits) && number.chars().all(is_sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (fits, good, bad) in [
            (
                is_language as fn(&str) -> bool,
                &["es", "zu", "es-MX", "aa"][..],
                &["ES", "spa", "español", "e", "xx", "s ", "-", "s"][..],
            ),
            (
                is_scheme,
                &["MX-RFC", "XI-LEI", "CA-CRA_ACR", "US-EIN"],
                &["RFC", "mx-rfc", "MX-", "MX-RFC ", "MEX-RFC", "MX RFC", "-"],
            ),
            (
                is_email,
                &["obras@ejemplo.example.org", "o'b.ras+1@e.mx", "obras@año.mx"],
                &[
                    "obras",
                    "obras@ejemplo",
                    "@ejemplo.mx",
                    "obras@",
                    "a b@e.mx",
                    "a@e.mx; b@e.mx",
                    "a..b@e.mx",
                ],
            ),
            (
                is_telephone,
                &["+52 81 8400 4400", "(81) 8400-4400", "8400-4400 ext. 12", "81.8400.4400", "84004400, 12"],
                &["", "12", "ext. 12345678", "81 8400 4400 81 8400 4401", "8400 4400 * 5", "conmutador"],
            ),
        ] {
            good.iter().for_each(|text| assert!(fits(text), "{text}"));
            bad.iter().for_each(|text| assert!(!fits(text), "{text}"));
        }
    }

    #[test]
    fn languages_are_those_of_the_catalogue() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/ocds/quality-checks/language.csv");
        let Ok(text) = std::fs::read_to_string(path) else {
            return;
        };
        let theirs: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        let ours = std::str::from_utf8(LANGUAGES).expect("letters");
        assert_eq!(ours.split_whitespace().collect::<Vec<_>>(), theirs);
    }
}
