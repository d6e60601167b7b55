//! From what was typed to a follow-up, field by field.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use super::{Class, Derive, Field, Form, Kind, Required, When};
use crate::follow_up::{FollowUp, FollowUpFile, Stage};
use crate::place::Position;
use crate::receipt::sha256_hex;
use crate::release::{Basis, assess};
use crate::{Finding, Severity};

/// Which field a place of the follow-up was captured in: pointer and field, in the order of the form.
type Places = Vec<(String, String)>;

/// What was typed, by field id.
pub type Values = BTreeMap<String, String>;

/// Typed values read into a follow-up.
#[derive(Clone, Debug)]
pub struct Folded {
    /// The follow-up they make so far.
    pub content: FollowUpFile,
    /// What is missing or cannot be read; the pointer is that of the field.
    pub findings: Vec<Finding>,
    /// Required fields that are still blank.
    pub missing: u32,
    /// How a number, an amount or a day was read, where it was not typed that way: `1234.56`, `2026-03-12`.
    pub understood: BTreeMap<String, String>,
    places: Places,
}

impl Folded {
    /// Everything that is wrong with a draft that reads as this: what could not be read, then what both sides check in
    /// the follow-up it makes. Without an error here the central endpoint finds none either, upon the same process.
    pub fn assess(&self, follow_up: &FollowUp, basis: &Basis<'_>, now: DateTime<Utc>) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        for finding in assess(follow_up, basis, now) {
            // A field that is said to be blank or unreadable is not also said to be missing from what it makes. A
            // warning hides no error: the error is what holds the draft.
            let hides = |known: &Finding| {
                known.pointer == finding.pointer
                    && (known.severity == Severity::Error || finding.severity == Severity::Warning)
            };
            if !findings.iter().any(hides) {
                findings.push(finding);
            }
        }
        findings
    }

    /// The field a pointer into the follow-up belongs to: the field at that place, or else the nearest above or below.
    pub fn field_at(&self, pointer: &str) -> Option<&str> {
        let exact = self.places.iter().find(|(place, _)| place == pointer);
        let within = || {
            self.places
                .iter()
                .filter(|(place, _)| inside(pointer, place))
                .max_by_key(|(place, _)| place.len())
        };
        let under = || self.places.iter().find(|(place, _)| inside(place, pointer));
        exact.or_else(within).or_else(under).map(|(_, field)| field.as_str())
    }
}

fn inside(pointer: &str, outer: &str) -> bool {
    !outer.is_empty() && pointer.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// Rule ids of this module.
pub const RULES: &[&str] = &[
    "field-required",
    "percent-format",
    "amount-format",
    "amount-negative",
    "number-format",
    "date-format",
    "code-unknown",
    "rfc-format",
    "text-too-long",
    "contract-needed",
    "place-format",
    "place-swapped",
    "place-outside",
];

impl Form {
    /// Reads what was typed. Blank fields are left out; a value that cannot be read is a finding and is left out of
    /// the follow-up, but stays in the draft as typed.
    pub fn fold(&self, values: &Values, basis: &Basis<'_>, currency: &str, today: NaiveDate) -> Folded {
        let mut document = json!({"stage": self.stage});
        let mut findings = Vec::new();
        let mut missing = 0;
        let mut places = Vec::new();
        let mut understood = BTreeMap::new();
        let typed = |id: &str| values.get(id).map(|text| text.trim()).filter(|text| !text.is_empty());
        for group in &self.groups {
            let filled = group.fields.iter().any(|field| typed(&field.id).is_some());
            for field in &group.fields {
                let Some(text) = typed(&field.id) else {
                    if let Some(reason) = typed(&field.lack_key()).filter(|_| field.may_lack) {
                        if self.lacking.iter().any(|known| known.code == reason) {
                            set(&mut document, &format!("/internal/lacking/{}", field.id), json!(reason));
                        } else {
                            findings.push(finding(&field.path, "code-unknown", json!({"value": reason})));
                            places.push((field.path.clone(), field.id.clone()));
                        }
                        continue;
                    }
                    let when = |when: &When| {
                        typed(&when.field).is_some_and(|code| when.is.iter().any(|wanted| wanted == code))
                    };
                    let wanted = match field.required {
                        Required::Always => true,
                        Required::Group => filled,
                        Required::Never => false,
                    } || field.required_when.as_ref().is_some_and(when);
                    if wanted {
                        missing += 1;
                        findings.push(finding(&field.path, "field-required", json!({"field": field.id})));
                        places.push((field.path.clone(), field.id.clone()));
                    }
                    continue;
                };
                places.push((field.path.clone(), field.id.clone()));
                if let Some(plain) = plain(field, text, today).filter(|plain| plain != text) {
                    understood.insert(field.id.clone(), plain);
                }
                match read(field, text, basis, today) {
                    Ok(Read::Internal(value)) => {
                        set(&mut document, &format!("/internal/fields/{}", field.id), value);
                    }
                    Ok(Read::Public(value)) => {
                        // What goes with a value without being typed: its currency, the list an identifier is from.
                        match (field.kind, field.path.rsplit_once('/')) {
                            (Kind::Money, Some((value, _))) => {
                                set(&mut document, &format!("{value}/currency"), json!(currency))
                            }
                            (Kind::Rfc, Some((identifier, _))) => {
                                set(&mut document, &format!("{identifier}/scheme"), json!("MX-RFC"))
                            }
                            _ => {}
                        }
                        set(&mut document, &field.path, value);
                    }
                    Err((rule, params)) => findings.push(finding(&field.path, rule, params)),
                }
            }
            if filled {
                for derived in &group.derive {
                    if let Some(value) = derive(derived, values, basis) {
                        set(&mut document, &derived.path, value);
                        if let Some(from) = &derived.from {
                            places.push((derived.path.clone(), from.clone()));
                        }
                    }
                }
            }
        }
        lay_on_award(&mut document, basis);
        self.lay_on_contract(&mut document, basis, &mut findings, &mut places, values);
        parties::settle(&mut document, basis, &mut findings, &mut places);
        let content = serde_json::from_value(document).unwrap_or_else(|_| empty(self.stage));
        Folded { content, findings, missing, understood, places }
    }

    /// A milestone or a payment without a contract of the same form goes to the one active contract of the process.
    /// A milestone of a process without a contract is one of its planning; a payment needs a contract.
    fn lay_on_contract(
        &self,
        document: &mut Value,
        basis: &Basis<'_>,
        findings: &mut Vec<Finding>,
        places: &mut Places,
        values: &Values,
    ) {
        const CONTRACT: &str = "/release/contracts/0";
        if document.pointer(CONTRACT).is_none() || document.pointer("/release/contracts/0/id").is_some() {
            return;
        }
        let finds_its_own =
            |field: &Field| field.path == "/release/contracts/0/id" && field.required == Required::Always;
        if self.fields().any(finds_its_own) {
            return;
        }
        let active = basis.active_contracts();
        if let [one] = active.as_slice() {
            set(document, "/release/contracts/0/id", json!(one));
            let known = basis.compiled["contracts"].as_array().into_iter().flatten();
            if let Some(award) = known.filter(|c| c["id"] == json!(one)).find_map(|c| c["awardID"].as_str()) {
                set(document, "/release/contracts/0/awardID", json!(award));
            }
            return;
        }
        let implementation =
            document.pointer("/release/contracts/0/implementation").cloned().unwrap_or_default();
        let contract_fields_typed = self.fields().any(|field| {
            field.path.starts_with(CONTRACT)
                && !field.path.contains("/implementation/milestones")
                && values.get(&field.id).is_some_and(|text| !text.trim().is_empty())
        });
        if let Some(release) = document["release"].as_object_mut() {
            release.remove("contracts");
        }
        if let Some(milestones) = implementation.get("milestones") {
            set(document, "/release/planning/milestones", milestones.clone());
            for (place, _) in places.iter_mut() {
                *place = place.replace("/contracts/0/implementation/milestones", "/planning/milestones");
            }
        }
        // A contract that is being captured and lacks its number has that finding already.
        let number_missing = findings.iter().any(|found| found.pointer == "/release/contracts/0/id");
        if contract_fields_typed && !number_missing {
            let place =
                places.iter().find(|(place, _)| place.starts_with(CONTRACT)).map(|(place, _)| place.clone());
            let place = place.unwrap_or_else(|| CONTRACT.to_owned());
            findings.push(finding(&place, "contract-needed", json!({"active": active})));
        }
        if document["release"].as_object().is_some_and(Map::is_empty)
            && let Some(object) = document.as_object_mut()
        {
            object.remove("release");
        }
    }
}

/// A contract that is captured belongs to the award that the process has for it: that of the contract if it is known,
/// or else the one active award that no other contract names. Without one, the form's own award stays.
fn lay_on_award(document: &mut Value, basis: &Basis<'_>) {
    let Some(id) = document.pointer("/release/contracts/0/id").cloned() else { return };
    let list = |name: &str| basis.compiled[name].as_array().into_iter().flatten();
    let of_contract =
        list("contracts").find(|contract| contract["id"] == id).map(|contract| contract["awardID"].clone());
    let free = || {
        let named = |award: &Value| list("contracts").any(|contract| contract["awardID"] == award["id"]);
        let mut free = list("awards").filter(|award| award["status"] == "active" && !named(award));
        free.next().filter(|_| free.next().is_none()).map(|award| award["id"].clone())
    };
    let Some(award) = of_contract.filter(|award| award.is_string()).or_else(free) else { return };
    set(document, "/release/contracts/0/awardID", award.clone());
    if document.pointer("/release/awards/0").is_some() {
        set(document, "/release/awards/0/id", award);
    }
}

fn empty(stage: Stage) -> FollowUpFile {
    FollowUpFile {
        stage,
        visited_on: None,
        progress: None,
        reason: None,
        release: Map::new(),
        internal: Default::default(),
        ocid: None,
        contract: None,
        corrects: None,
    }
}

enum Read {
    Public(Value),
    Internal(Value),
}

fn read(
    field: &Field,
    text: &str,
    basis: &Basis<'_>,
    today: NaiveDate,
) -> Result<Read, (&'static str, Value)> {
    if text.chars().count() > field.max_length as usize {
        return Err(("text-too-long", json!({"limit": field.max_length, "length": text.chars().count()})));
    }
    let value = match field.kind {
        Kind::Text | Kind::Notes => json!(text),
        Kind::Percent => {
            let number = crate::entry::percent(text).ok_or(("percent-format", json!({"value": text})))?;
            json!(crate::entry::json_number(number))
        }
        Kind::Money => {
            let amount = crate::entry::amount(text).ok_or(("amount-format", json!({"value": text})))?;
            if amount.is_sign_negative() && !amount.is_zero() {
                return Err(("amount-negative", json!({"value": text})));
            }
            json!(crate::entry::json_number(amount))
        }
        Kind::Number => {
            let number =
                crate::entry::amount(text).filter(|number| !number.is_sign_negative() || number.is_zero());
            json!(crate::entry::json_number(number.ok_or(("number-format", json!({"value": text})))?))
        }
        Kind::Date => {
            let day = crate::entry::date(text, today).ok_or(("date-format", json!({"value": text})))?;
            // The follow-up's own day stays a day; inside a release it is a date-time (OCDS 1.1, dates).
            if field.path.starts_with("/release") { json!(basis.day(day)) } else { json!(day.to_string()) }
        }
        Kind::Code => {
            if !field.choices.iter().any(|choice| choice.code == text) {
                return Err(("code-unknown", json!({"value": text})));
            }
            json!(text)
        }
        Kind::Place => {
            let typed = Position::read(text).ok_or(("place-format", json!({"value": text})))?;
            if !typed.is_on_earth() {
                let proposed = typed.swapped();
                return Err(if proposed.is_on_earth() {
                    ("place-swapped", json!({"value": text, "proposed": proposed.text()}))
                } else {
                    ("place-format", json!({"value": text}))
                });
            }
            typed.geometry()
        }
        Kind::Method => {
            if !crate::place::METHODS.contains(&text) {
                return Err(("code-unknown", json!({"value": text})));
            }
            json!(text)
        }
        Kind::Rfc => {
            let rfc: String =
                text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().to_uppercase();
            match rfc_person(&rfc) {
                None => {
                    return Err(("rfc-format", json!({"value": text, "length": rfc.chars().count()})));
                }
                // The RFC of a natural person is personal data: it stays inside (`publication.md`, Corrections).
                Some(true) => return Ok(Read::Internal(json!(rfc))),
                Some(false) => json!(rfc),
            }
        }
    };
    Ok(match field.class {
        Class::Public => Read::Public(value),
        // The notes have a place of their own; other internal values are kept by field id.
        Class::Internal if field.path == "/internal/notes" => Read::Public(value),
        Class::Internal => Read::Internal(value),
    })
}

/// A number, an amount or a day as a machine would write it; none when it cannot be read.
fn plain(field: &Field, text: &str, today: NaiveDate) -> Option<String> {
    match field.kind {
        Kind::Percent => crate::entry::percent(text).map(|number| number.normalize().to_string()),
        Kind::Money | Kind::Number => crate::entry::amount(text).map(|number| number.normalize().to_string()),
        Kind::Date => crate::entry::date(text, today).map(|day| day.to_string()),
        Kind::Text | Kind::Notes | Kind::Code | Kind::Rfc | Kind::Place | Kind::Method => None,
    }
}

/// Whether a text has the shape of an RFC: `Some(true)` for a natural person (13), `Some(false)` for a legal one (12).
pub fn rfc_person(rfc: &str) -> Option<bool> {
    let chars: Vec<char> = rfc.chars().collect();
    let letters = match chars.len() {
        12 => 3,
        13 => 4,
        _ => return None,
    };
    let (name, rest) = chars.split_at(letters);
    let (date, key) = rest.split_at(6);
    let name_ok = name.iter().all(|c| c.is_ascii_uppercase() || matches!(c, 'Ñ' | '&'));
    let key_ok = key.iter().all(char::is_ascii_alphanumeric);
    let digits: String = date.iter().collect();
    let date_ok = digits.len() == 6
        && digits.bytes().all(|b| b.is_ascii_digit())
        && NaiveDate::parse_from_str(&format!("20{digits}"), "%Y%m%d").is_ok();
    (name_ok && date_ok && key_ok).then_some(letters == 4)
}

fn derive(derived: &Derive, values: &Values, basis: &Basis<'_>) -> Option<Value> {
    if let Some(value) = &derived.value {
        return Some(value.clone());
    }
    if let Some(known) = &derived.known {
        return basis.compiled.pointer(known).cloned();
    }
    let text = values.get(derived.from.as_deref()?)?.trim();
    if text.is_empty() {
        return None;
    }
    Some(match &derived.slug {
        None => json!(text),
        Some(prefix) => {
            let slug = crate::person::area_id(text);
            // Two texts that differ only in what a slug loses must not become one identifier.
            let mark = &sha256_hex(text.to_lowercase().as_bytes())[..6];
            let short: String = slug.chars().take(24).collect();
            json!(format!("{prefix}{}-{mark}", short.trim_end_matches('-')))
        }
    })
}

fn finding(pointer: &str, rule: &str, params: Value) -> Finding {
    let params = match params {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    Finding { pointer: pointer.to_owned(), rule: rule.to_owned(), severity: Severity::Error, params }
}

/// Sets a value at a JSON Pointer, making objects, and arrays where the segment is a number.
pub(super) fn set(document: &mut Value, pointer: &str, value: Value) {
    let mut place = document;
    for segment in pointer.split('/').skip(1) {
        place = match segment.parse::<usize>() {
            Ok(index) => {
                if !place.is_array() {
                    *place = json!([]);
                }
                let Value::Array(items) = place else { return };
                while items.len() <= index {
                    items.push(json!({}));
                }
                &mut items[index]
            }
            Err(_) => {
                if !place.is_object() {
                    *place = json!({});
                }
                &mut place[segment]
            }
        };
    }
    *place = value;
}

mod parties;

#[cfg(test)]
mod tests;
