//! The follow-up: an immutable fragment of an OCDS release, its progress, its evidence and its internal notes.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;
use uuid::Uuid;

use crate::evidence::EvidenceRef;
use crate::{Finding, Severity};

/// Stage of the process the person reports on; it chooses the form and never the release tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Planeación.
    Planning,
    /// Licitación, invitación o adjudicación directa.
    Tender,
    /// Adjudicación.
    Award,
    /// Contratación.
    Contract,
    /// Ejecución.
    Implementation,
    /// Cierre.
    Closure,
}

impl Stage {
    /// Every stage, in the order of a project's life.
    pub const ALL: [Stage; 6] = [
        Stage::Planning,
        Stage::Tender,
        Stage::Award,
        Stage::Contract,
        Stage::Implementation,
        Stage::Closure,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Planning => "planning",
            Stage::Tender => "tender",
            Stage::Award => "award",
            Stage::Contract => "contract",
            Stage::Implementation => "implementation",
            Stage::Closure => "closure",
        }
    }
}

/// Planned against actual, percent 0–100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Percent {
    /// What should have been reached by the visit.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "percent")]
    #[ts(type = "number | null", optional)]
    pub planned: Option<Decimal>,
    /// What was reached.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "percent")]
    #[ts(type = "number | null", optional)]
    pub actual: Option<Decimal>,
}

/// Percentages are JSON numbers in the documented file; they are decimals here so that 33.3 stays 33.3.
mod percent {
    use super::*;
    use serde::{Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(decimal) => crate::entry::json_number(*decimal).serialize(serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        let Some(value) = Option::<Value>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let text = match &value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            Value::Null => return Ok(None),
            _ => return Err(D::Error::custom("a percentage is a number from 0 to 100")),
        };
        crate::entry::decimal(&text)
            .map(Some)
            .ok_or_else(|| D::Error::custom(format!("«{text}» is not a percentage")))
    }
}

/// A day, refused by naming what was written: chrono's own sentence does not say it.
fn day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d");
    day.map(Some).map_err(|_| serde::de::Error::custom(format!("visitedOn: «{text}» (yyyy-mm-dd)")))
}

/// Physical and financial progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Progress {
    /// Avance físico.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub physical: Option<Percent>,
    /// Avance financiero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub financial: Option<Percent>,
}

/// What stays inside the municipality. It is outside of the fragment, so it cannot be published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Internal {
    /// Notes for the municipality.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// The values of internal fields of the form, by field id.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[ts(type = "Record<string, any>")]
    pub fields: Map<String, Value>,
    /// Why a field of the form has no datum, by field id: a code of `schemas/capture/lacking.json`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[ts(type = "Record<string, string>")]
    pub lacking: BTreeMap<String, String>,
}

/// Which form a follow-up was captured with; a draft keeps its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FormRef {
    /// Form.
    pub id: String,
    /// Its version.
    pub version: u32,
}

/// A follow-up as the follow-up file states it. Only `stage` and one of `progress` or `release` are required.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FollowUpFile {
    /// Stage reported on.
    pub stage: Stage,
    /// Day of the visit, `yyyy-mm-dd`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "day")]
    #[ts(type = "string | null", optional)]
    pub visited_on: Option<NaiveDate>,
    /// Physical and financial progress, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub progress: Option<Progress>,
    /// Why a figure is lower than before, or differs from what was expected. Published with the observation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
    /// Fragment of an OCDS release: parties, awards, contracts, … (OCDS 1.1 release schema).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[ts(type = "Record<string, any>")]
    pub release: Map<String, Value>,
    /// Never published.
    #[serde(default)]
    pub internal: Internal,
    /// The process, where the project has more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ocid: Option<String>,
    /// The contract the progress belongs to, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub contract: Option<String>,
    /// Folio of the follow-up this one corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub corrects: Option<String>,
}

/// Body of an operation of kind `follow_up`: immutable, hashed, receipted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FollowUp {
    /// Identifier made on the device (UUIDv7); [`folio`] derives what people speak.
    pub id: Uuid,
    /// Folio of the project.
    pub project: String,
    /// Process, always resolved by the device.
    pub ocid: String,
    /// Form it was captured with; none when it came from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub form: Option<FormRef>,
    /// What was captured.
    pub content: FollowUpFile,
    /// Files, in the order they were attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceRef>,
}

impl FollowUp {
    /// The folio people speak.
    pub fn folio(&self) -> String {
        folio(self.id)
    }
}

/// Folio of a follow-up: `S-` and ten Crockford base-32 characters in two groups, from the last 50 bits of its id
/// (random bits of a UUIDv7). No I, L, O or U, so that it survives a telephone call.
pub fn folio(id: Uuid) -> String {
    folio_with('S', id)
}

/// The same with another letter in front, for what is no follow-up.
pub(crate) fn folio_with(letter: char, id: Uuid) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let bits = id.as_u128() & ((1 << 50) - 1);
    let mut text = format!("{letter}-");
    for place in (0..10).rev() {
        let index = ((bits >> (place * 5)) & 31) as usize;
        text.push(char::from(ALPHABET[index]));
        if place == 5 {
            text.push('-');
        }
    }
    text
}

/// State of a follow-up; the same word in code, on the wire and (translated) on screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Borrador.
    Draft,
    /// Listo para enviar.
    Ready,
    /// Enviando.
    Sending,
    /// Recibido, with a receipt.
    Received,
    /// Aceptado: published by the next run.
    Accepted,
    /// Publicado.
    Published,
    /// Con observaciones: back to its author.
    Observed,
    /// Rechazado.
    Rejected,
    /// En conflicto: somebody chooses; the published value stays.
    Conflict,
    /// Apartado: cannot be processed; the rest goes on.
    Parked,
    /// Retirado.
    Withdrawn,
    /// Sustituido by its correction.
    Superseded,
}

impl State {
    /// Every state, in the order of a follow-up's life.
    pub const ALL: [State; 12] = [
        State::Draft,
        State::Ready,
        State::Sending,
        State::Received,
        State::Accepted,
        State::Published,
        State::Observed,
        State::Rejected,
        State::Conflict,
        State::Parked,
        State::Withdrawn,
        State::Superseded,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Ready => "ready",
            State::Sending => "sending",
            State::Received => "received",
            State::Accepted => "accepted",
            State::Published => "published",
            State::Observed => "observed",
            State::Rejected => "rejected",
            State::Conflict => "conflict",
            State::Parked => "parked",
            State::Withdrawn => "withdrawn",
            State::Superseded => "superseded",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether the central endpoint may move a follow-up from here to `next` (`product.md`, States).
    pub fn may_become(self, next: State) -> bool {
        use State::*;
        match self {
            Draft => matches!(next, Ready),
            Ready => matches!(next, Draft | Sending),
            Sending => matches!(next, Ready | Received | Rejected | Parked),
            Received => matches!(next, Accepted | Observed | Rejected | Conflict | Parked | Withdrawn),
            // By a choice; or by itself, when what stood against it does no longer, or its author corrects it.
            // What nothing stands against any more may still wait for somebody to review it.
            Conflict => matches!(next, Received | Accepted | Observed | Rejected | Withdrawn | Superseded),
            Parked => matches!(next, Received | Rejected | Withdrawn),
            Accepted => matches!(next, Published | Withdrawn | Superseded),
            Published => matches!(next, Withdrawn | Superseded),
            // Its author answers, or whoever reviews thinks better of it.
            Observed => matches!(next, Received | Rejected | Superseded | Withdrawn),
            Rejected | Withdrawn | Superseded => false,
        }
    }
}

/// Why a received follow-up is not accepted yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Held {
    /// Files are still on their way.
    MissingFiles {
        /// How many.
        count: u32,
        /// How many bytes they have.
        bytes: u64,
    },
    /// The author has not finished the training: the coordination decides.
    Untrained,
    /// It follows one of the author's that is not accepted.
    AfterHeld {
        /// Folio of that one.
        folio: String,
    },
    /// Nothing is wrong with it: somebody of the coordination has to look at it.
    Review,
}

/// Authoritative state of a follow-up, as the stream carries it. Internal notes and names are not in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FollowUpState {
    /// Identifier.
    pub id: Uuid,
    /// Operation that brought it.
    pub op_id: Uuid,
    /// Folio.
    pub folio: String,
    /// Folio of the project.
    pub project: String,
    /// Process.
    pub ocid: String,
    /// Área that captured it.
    pub area: String,
    /// Stage.
    pub stage: Stage,
    /// State.
    pub state: State,
    /// Why it waits, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub held: Option<Held>,
    /// When the device says it was captured.
    pub captured_at: DateTime<Utc>,
    /// Day of the visit.
    #[ts(type = "string | null")]
    pub visited_on: Option<NaiveDate>,
    /// Progress.
    pub progress: Option<Progress>,
    /// Hash of every file with its type.
    pub evidence: Vec<EvidenceRef>,
    /// Errors and warnings found by the central endpoint.
    #[ts(type = "any[]")]
    pub findings: Vec<Finding>,
    /// Where and with whom it disagreed, and what was chosen; stays after the choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub conflict: Option<Box<crate::conflict::Conflict>>,
    /// Its review; none while nobody has to look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub review: Option<Box<crate::review::Review>>,
    /// The release it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub release_id: Option<String>,
    /// Where that release is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub url: Option<String>,
}

/// Findings about the content that need no release: percentages in range, a visit that is not in the future,
/// something captured at all. Pointers are into the follow-up file.
pub fn check_content(content: &FollowUpFile, today: NaiveDate) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut error = |pointer: &str, rule: &str, params: Value| {
        let params = match params {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        findings.push(Finding {
            pointer: pointer.to_owned(),
            rule: rule.to_owned(),
            severity: Severity::Error,
            params,
        });
    };
    let progress = content.progress.unwrap_or_default();
    let values = [
        ("/progress/physical/planned", progress.physical.and_then(|p| p.planned)),
        ("/progress/physical/actual", progress.physical.and_then(|p| p.actual)),
        ("/progress/financial/planned", progress.financial.and_then(|p| p.planned)),
        ("/progress/financial/actual", progress.financial.and_then(|p| p.actual)),
    ];
    for (pointer, value) in values {
        if let Some(value) = value
            && (value < Decimal::ZERO || value > Decimal::ONE_HUNDRED)
        {
            error(pointer, "percent-range", serde_json::json!({"value": value.to_string()}));
        }
    }
    let has_progress = values.iter().any(|(_, value)| value.is_some());
    if has_progress && content.visited_on.is_none() {
        error("/visitedOn", "visit-date-needed", Value::Null);
    }
    if let Some(visited) = content.visited_on {
        if visited > today {
            error(
                "/visitedOn",
                "visit-in-future",
                serde_json::json!({"value": visited.to_string(), "today": today.to_string()}),
            );
        }
        if visited < NaiveDate::from_ymd_opt(1990, 1, 1).unwrap_or(NaiveDate::MIN) {
            error("/visitedOn", "visit-too-old", serde_json::json!({"value": visited.to_string()}));
        }
    }
    if !has_progress && content.release.is_empty() {
        error("", "nothing-captured", Value::Null);
    }
    for key in content.release.keys() {
        if RESERVED.contains(&key.as_str()) {
            error(&format!("/release/{key}"), "reserved-field", serde_json::json!({"field": key}));
        }
    }
    findings
}

/// Fields of a release that the central endpoint alone writes.
pub const RESERVED: [&str; 6] = ["ocid", "id", "date", "tag", "initiationType", "buyer"];

/// Rule ids of [`check_content`], [`crate::release`] and a device's own warnings, beside those of `ocds::check::RULES`.
pub const RULES: &[&str] = &[
    "percent-range",
    "visit-date-needed",
    "visit-in-future",
    "visit-too-old",
    "nothing-captured",
    "reserved-field",
    "contract-ambiguous",
    "contract-unknown",
    "correction-unknown",
    "possible-duplicate",
];

/// Rule ids that only the central endpoint can decide.
pub const CENTRAL_RULES: &[&str] = &[
    "form-unknown",
    "follow-up-unreadable",
    "follow-up-repeated",
    "project-unknown",
    "project-outside-area",
    "process-unknown",
    "evidence-not-publishable",
    "choice-unreadable",
    "choice-unknown",
    "choice-not-allowed",
    "choice-closed",
    "choice-outdated",
    "conflict-kept",
    "review-unreadable",
    "review-unknown",
    "review-not-allowed",
    "review-own",
    "review-closed",
    "review-outdated",
    "review-observed",
    "review-rejected",
    "opinion-unreadable",
    "opinion-repeated",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn file(json: Value) -> Result<FollowUpFile, serde_json::Error> {
        serde_json::from_value(json)
    }

    #[test]
    fn a_minimal_file_is_read_and_unknown_fields_are_refused() {
        let ok = file(serde_json::json!({"stage": "implementation", "visitedOn": "2026-03-12",
            "progress": {"physical": {"planned": 40, "actual": 33.3}}}))
        .unwrap();
        assert_eq!(ok.progress.unwrap().physical.unwrap().actual, Some(Decimal::new(333, 1)));
        assert!(file(serde_json::json!({"stage": "implementation", "progres": {}})).is_err());
        assert!(file(serde_json::json!({"stage": "works"})).is_err());
        assert!(file(serde_json::json!({"stage": "closure", "visitedOn": "31/02/2026"})).is_err());
        let text = serde_json::to_string(&ok).unwrap();
        assert!(text.contains("33.3"), "{text}");
        assert_eq!(serde_json::from_str::<FollowUpFile>(&text).unwrap(), ok);
    }

    #[test]
    fn findings_name_the_field() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let bad = file(serde_json::json!({"stage": "implementation", "visitedOn": "2027-01-01",
            "progress": {"financial": {"actual": -5}, "physical": {"actual": 101}}, "release": {"ocid": "x"}}))
        .unwrap();
        let rules: Vec<_> = check_content(&bad, today).into_iter().map(|f| (f.pointer, f.rule)).collect();
        assert!(rules.contains(&("/progress/physical/actual".into(), "percent-range".into())));
        assert!(rules.contains(&("/progress/financial/actual".into(), "percent-range".into())));
        assert!(rules.contains(&("/visitedOn".into(), "visit-in-future".into())));
        assert!(rules.contains(&("/release/ocid".into(), "reserved-field".into())));
        let empty = file(serde_json::json!({"stage": "planning"})).unwrap();
        assert_eq!(check_content(&empty, today)[0].rule, "nothing-captured");
    }

    #[test]
    fn folios_are_short_and_follow_the_id() {
        assert_eq!(folio(Uuid::from_u128(0)), "S-00000-00000");
        assert_eq!(folio(Uuid::from_u128(33)), "S-00000-00011");
        assert_ne!(folio(Uuid::from_u128(u128::MAX)), folio(Uuid::from_u128(u128::MAX - 1)));
    }

    #[test]
    fn final_states_stay() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
            assert!(!State::Rejected.may_become(state));
        }
        assert!(State::Received.may_become(State::Accepted));
        assert!(!State::Published.may_become(State::Accepted));
    }
}
