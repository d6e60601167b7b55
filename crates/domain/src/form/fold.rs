//! From what was typed to a follow-up, field by field.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::{Class, Derive, Field, Form, Kind, Required};
use crate::follow_up::{FollowUpFile, Stage};
use crate::receipt::sha256_hex;
use crate::release::Basis;
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
    places: Places,
}

impl Folded {
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
    "date-format",
    "code-unknown",
    "rfc-format",
    "text-too-long",
    "contract-needed",
];

impl Form {
    /// Reads what was typed. Blank fields are left out; a value that cannot be read is a finding and is left out of
    /// the follow-up, but stays in the draft as typed.
    pub fn fold(&self, values: &Values, basis: &Basis<'_>, currency: &str, today: NaiveDate) -> Folded {
        let mut document = json!({"stage": self.stage});
        let mut findings = Vec::new();
        let mut missing = 0;
        let mut places = Vec::new();
        let typed = |id: &str| values.get(id).map(|text| text.trim()).filter(|text| !text.is_empty());
        for group in &self.groups {
            let filled = group.fields.iter().any(|field| typed(&field.id).is_some());
            for field in &group.fields {
                let Some(text) = typed(&field.id) else {
                    let wanted = match field.required {
                        Required::Always => true,
                        Required::Group => filled,
                        Required::Never => false,
                    };
                    if wanted {
                        missing += 1;
                        findings.push(finding(&field.path, "field-required", json!({"field": field.id})));
                        places.push((field.path.clone(), field.id.clone()));
                    }
                    continue;
                };
                places.push((field.path.clone(), field.id.clone()));
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
                    if let Some(value) = derive(derived, values) {
                        set(&mut document, &derived.path, value);
                        if let Some(from) = &derived.from {
                            places.push((derived.path.clone(), from.clone()));
                        }
                    }
                }
            }
        }
        self.lay_on_contract(&mut document, basis, &mut findings, &mut places, values);
        let content = serde_json::from_value(document).unwrap_or_else(|_| empty(self.stage));
        Folded { content, findings, missing, places }
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

fn derive(derived: &Derive, values: &Values) -> Option<Value> {
    if let Some(value) = &derived.value {
        return Some(value.clone());
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
fn set(document: &mut Value, pointer: &str, value: Value) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::{for_stage, shipped};

    const COMPILED: &str = r#"{"buyer": {"id": "M", "name": "Municipio"}, "parties": []}"#;

    fn fold(values: &[(&str, &str)], compiled: &Value) -> Folded {
        let basis = Basis {
            prefix: "ocds-000000",
            ocid: "ocds-000000-d1_p1",
            compiled,
            earlier: std::slice::from_ref(compiled),
            offset_minutes: -360,
            public_url: "http://127.0.0.1:8780",
        };
        let values = values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let form = for_stage(Stage::Implementation).unwrap();
        form.fold(&values, &basis, "MXN", NaiveDate::from_ymd_opt(2026, 11, 22).unwrap())
    }

    #[test]
    fn every_shipped_form_is_whole() {
        for form in shipped() {
            for field in form.fields() {
                assert!(!field.title.es.is_empty() && !field.help.en.is_empty(), "{}", field.id);
                assert!(field.kind != Kind::Code || !field.choices.is_empty(), "{}", field.id);
                assert_eq!(
                    field.class == Class::Internal,
                    field.path.starts_with("/internal"),
                    "{}",
                    field.id
                );
            }
        }
    }

    #[test]
    fn a_whole_capture_makes_parties_award_contract_and_payment() {
        let compiled: Value = serde_json::from_str(COMPILED).unwrap();
        let folded = fold(
            &[
                ("visitedOn", "ayer"),
                ("physicalPlanned", "40 %"),
                ("physicalActual", "35,5"),
                ("contractId", "OP-2026-031"),
                ("contractAmount", "$1,234.50 MXN"),
                ("supplierName", "Constructora de muestra"),
                ("supplierRfc", "CMU-010203-AB1"),
                ("contractSigned", "12/3/2026"),
                ("paymentId", "1"),
                ("paymentAmount", "500"),
                ("paymentDate", "hoy"),
                ("notes", "sólo para nosotros"),
            ],
            &compiled,
        );
        assert!(folded.findings.is_empty(), "{:?}", folded.findings);
        let release = Value::Object(folded.content.release.clone());
        assert_eq!(release["contracts"][0]["awardID"], release["awards"][0]["id"]);
        assert_eq!(release["contracts"][0]["value"], json!({"amount": 1234.5, "currency": "MXN"}));
        assert_eq!(release["awards"][0]["suppliers"][0]["id"], release["parties"][0]["id"]);
        assert_eq!(release["contracts"][0]["dateSigned"], "2026-03-12T00:00:00-06:00");
        assert_eq!(folded.content.internal.notes, "sólo para nosotros");
        assert!(!release.to_string().contains("sólo para nosotros"));
        assert_eq!(folded.field_at("/release/contracts/0/value/amount"), Some("contractAmount"));
        assert_eq!(folded.field_at("/release/contracts/0/value"), Some("contractAmount"));
    }

    #[test]
    fn what_cannot_be_read_is_a_finding_at_its_field() {
        let compiled: Value = serde_json::from_str(COMPILED).unwrap();
        let folded = fold(
            &[
                ("visitedOn", "31/02/2026"),
                ("physicalActual", "mucho"),
                ("contractAmount", "-5"),
                ("supplierRfc", "X"),
            ],
            &compiled,
        );
        let at = |field: &str| -> Vec<&str> {
            let found = folded.findings.iter().filter(|f| folded.field_at(&f.pointer) == Some(field));
            found.map(|f| f.rule.as_str()).collect()
        };
        assert_eq!(at("visitedOn"), ["date-format"]);
        assert_eq!(at("physicalActual"), ["percent-format"]);
        assert_eq!(at("contractAmount"), ["amount-negative"]);
        assert_eq!(at("supplierRfc"), ["rfc-format"]);
        assert_eq!(at("contractId"), ["field-required"]);
    }

    #[test]
    fn a_payment_needs_a_contract_and_takes_the_only_active_one() {
        let none: Value = serde_json::from_str(COMPILED).unwrap();
        let payment = [
            ("visitedOn", "hoy"),
            ("physicalActual", "10"),
            ("paymentId", "1"),
            ("paymentAmount", "5"),
            ("paymentDate", "hoy"),
        ];
        let folded = fold(&payment, &none);
        assert!(folded.findings.iter().any(|f| f.rule == "contract-needed"), "{:?}", folded.findings);
        let one = json!({"contracts": [{"id": "C1", "awardID": "A1", "status": "active"}, {"id": "C0", "awardID": "A0", "status": "terminated"}]});
        let folded = fold(&payment, &one);
        assert!(folded.findings.is_empty(), "{:?}", folded.findings);
        assert_eq!(folded.content.release["contracts"][0]["id"], "C1");
        assert_eq!(folded.content.release["contracts"][0]["awardID"], "A1");
    }

    #[test]
    fn the_rfc_of_a_natural_person_stays_inside() {
        let compiled: Value = serde_json::from_str(COMPILED).unwrap();
        let folded = fold(
            &[
                ("visitedOn", "hoy"),
                ("physicalActual", "1"),
                ("contractId", "1"),
                ("contractAmount", "5"),
                ("supplierName", "Persona de muestra"),
                ("supplierRfc", "PEMU010203AB1"),
                ("contractSigned", "hoy"),
            ],
            &compiled,
        );
        assert!(!Value::Object(folded.content.release.clone()).to_string().contains("PEMU010203AB1"));
        assert_eq!(folded.content.internal.fields["supplierRfc"], "PEMU010203AB1");
        assert_eq!(rfc_person("GOM8503019"), None);
    }
}
