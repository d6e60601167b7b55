//! How a follow-up becomes an OCDS release (`publication.md`, Units). The device runs it to know beforehand what the
//! central endpoint will find; the central endpoint runs it to publish.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, SecondsFormat, TimeZone, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::evidence::EvidenceRef;
use crate::follow_up::{FollowUp, Percent, check_content};
use crate::receipt::{ReceiptError, canonical, sha256_hex};
use crate::seeded::{self, Bug};
use crate::{Finding, Severity};

/// What a follow-up is laid upon.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// Registered OCDS prefix.
    pub prefix: &'a str,
    /// Process.
    pub ocid: &'a str,
    /// Compiled release of the process.
    pub compiled: &'a Value,
    /// Its releases, oldest first; a device passes the compiled release alone.
    pub earlier: &'a [Value],
    /// Offset of the municipality's legal time from UTC, minutes.
    pub offset_minutes: i32,
    /// Address of the public site, without a final `/`.
    pub public_url: &'a str,
}

impl Basis<'_> {
    /// A day as an OCDS date-time: midnight of the municipality.
    pub fn day(&self, day: NaiveDate) -> String {
        day_at(day, self.offset_minutes)
    }

    /// Ids of the contracts that are neither cancelled nor terminated.
    pub fn active_contracts(&self) -> Vec<String> {
        active_contracts(self.compiled.get("contracts"))
    }
}

/// A day as an OCDS date-time (OCDS 1.1, dates): midnight at a fixed offset from UTC, in minutes.
pub fn day_at(day: NaiveDate, offset_minutes: i32) -> String {
    let zone = FixedOffset::east_opt(offset_minutes * 60).unwrap_or_else(|| Utc.fix());
    day.and_hms_opt(0, 0, 0)
        .and_then(|midnight| zone.from_local_datetime(&midnight).single())
        .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, false))
        .unwrap_or_default()
}

use chrono::Offset as _;

/// An instant as `release.date`: UTC, `Z`, exactly three decimals, so that text order is time order.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Ids of the contracts in an array that are neither cancelled nor terminated.
pub fn active_contracts(contracts: Option<&Value>) -> Vec<String> {
    let list = contracts.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter(|contract| !matches!(contract["status"].as_str(), Some("cancelled" | "terminated")))
        .filter_map(|contract| contract["id"].as_str().map(str::to_owned))
        .collect()
}

/// The fragment of a release: what was captured, its progress and its files. Without ocid, id, date and tag.
/// Empty when nothing of the follow-up belongs in OCDS (internal notes, or progress without a contract).
///
/// # Errors
/// The findings that leave no single meaning: several contracts and none named, or one that does not exist.
pub fn fragment(follow_up: &FollowUp, basis: &Basis<'_>) -> Result<Map<String, Value>, Vec<Finding>> {
    let mut release = follow_up.content.release.clone();
    let contract = contract_of(follow_up, basis)?;
    if let Some(id) = &contract {
        add_progress(&mut release, follow_up, basis, id);
    }
    add_documents(&mut release, follow_up, basis, contract.as_deref());
    Ok(release)
}

/// The contract that progress and photographs belong to; none on a process without one.
fn contract_of(follow_up: &FollowUp, basis: &Basis<'_>) -> Result<Option<String>, Vec<Finding>> {
    let content = &follow_up.content;
    let mut known = basis.active_contracts();
    for id in active_contracts(content.release.get("contracts")) {
        if !known.contains(&id) {
            known.push(id);
        }
    }
    let closed = |id: &String| {
        let list = content.release.get("contracts").and_then(Value::as_array);
        list.into_iter().flatten().any(|contract| {
            contract["id"].as_str() == Some(id)
                && matches!(contract["status"].as_str(), Some("cancelled" | "terminated"))
        })
    };
    if let Some(named) = &content.contract {
        if known.contains(named) {
            return Ok(Some(named.clone()));
        }
        return Err(vec![error("/contract", "contract-unknown", json!({"value": named, "known": known}))]);
    }
    // A contract that this very follow-up ends still takes its figures and files, unless another goes on.
    let ending = known.iter().find(|id| closed(id)).cloned().filter(|_| known.len() == 1);
    known.retain(|id| !closed(id));
    let needs_one = content.progress.is_some() || !follow_up.evidence.is_empty();
    match known.as_slice() {
        [] => Ok(ending),
        [one] => Ok(Some(one.clone())),
        _ if !needs_one => Ok(None),
        _ => Err(vec![error("/contract", "contract-ambiguous", json!({"known": known}))]),
    }
}

/// The contract object of the fragment, made if it is missing: `id` and `awardID` are required by the schema.
fn contract_in<'m>(
    release: &'m mut Map<String, Value>,
    basis: &Basis<'_>,
    id: &str,
) -> Option<&'m mut Value> {
    let list = release.entry("contracts").or_insert_with(|| json!([])).as_array_mut()?;
    let place = list.iter().position(|contract| contract["id"].as_str() == Some(id));
    let place = match place {
        Some(place) => place,
        None => {
            let known = basis.compiled["contracts"].as_array().into_iter().flatten();
            let award = known.filter(|c| c["id"].as_str() == Some(id)).find_map(|c| c["awardID"].as_str());
            let mut contract = json!({"id": id});
            if let Some(award) = award {
                contract["awardID"] = json!(award);
            }
            list.push(contract);
            list.len() - 1
        }
    };
    list.get_mut(place)
}

const METRICS: [(&str, &str, &str); 2] = [
    ("physical", "physicalProgress", "Avance físico"),
    ("financial", "financialProgress", "Avance financiero"),
];

fn add_progress(release: &mut Map<String, Value>, follow_up: &FollowUp, basis: &Basis<'_>, contract: &str) {
    let Some(progress) = follow_up.content.progress else {
        return;
    };
    let folio = follow_up.folio();
    let observation = |metric: &str, value: Decimal| {
        let mut observation = json!({
            "id": format!("{metric}-{folio}"),
            "measure": crate::entry::json_number(value),
            "unit": {"name": "%"},
        });
        if let Some(day) = follow_up.content.visited_on {
            observation["period"] = json!({"endDate": basis.day(day)});
        }
        let corrects =
            follow_up.content.corrects.as_ref().map(|folio| format!("Corrige el seguimiento {folio}."));
        let mut notes: Vec<String> = corrects.into_iter().chain(follow_up.content.reason.clone()).collect();
        if seeded::is(Bug::NotesPublished) {
            notes.push(follow_up.content.internal.notes.clone());
        }
        if !notes.is_empty() {
            observation["notes"] = json!(notes.join(" "));
        }
        observation
    };
    let figures: [Percent; 2] =
        [progress.physical.unwrap_or_default(), progress.financial.unwrap_or_default()];
    for ((_, metric, title), figure) in METRICS.into_iter().zip(figures) {
        let item = |value: Decimal| json!({"id": metric, "title": title, "observations": [observation(metric, value)]});
        if figure.planned.is_none() && figure.actual.is_none() {
            continue;
        }
        let Some(contract) = contract_in(release, basis, contract) else {
            return;
        };
        if let Some(value) = figure.planned {
            push(contract, "agreedMetrics", item(value));
        }
        if let Some(value) = figure.actual {
            if !contract["implementation"].is_object() {
                contract["implementation"] = json!({});
            }
            push(&mut contract["implementation"], "metrics", item(value));
        }
    }
}

fn push(object: &mut Value, key: &str, item: Value) {
    // What was captured in its place is not an object: it is left as it is, for the schema to refuse by name.
    if !object.is_object() {
        return;
    }
    match object.get_mut(key).and_then(Value::as_array_mut) {
        Some(list) => list.push(item),
        None => object[key] = json!([item]),
    }
}

/// Section of the release a document belongs to, by its type (EDCA catalogue of document types).
fn section_of(document_type: &str) -> &'static str {
    match document_type {
        "request"
        | "marketStudies"
        | "needsAssessment"
        | "feasibilityStudy"
        | "environmentalImpact"
        | "projectPlan"
        | "procurementPlan" => "planning",
        "contractSigned" | "contractNotice" | "contractAnnexe" | "contractGuarantees"
        | "contractSchedule" | "contractText" | "contractAmendment" => "contract",
        _ => "implementation",
    }
}

fn add_documents(
    release: &mut Map<String, Value>,
    follow_up: &FollowUp,
    basis: &Basis<'_>,
    contract: Option<&str>,
) {
    let folio = follow_up.folio();
    for (index, file) in follow_up.evidence.iter().enumerate() {
        let document = json!({
            "id": format!("{folio}-{}", index + 1),
            "documentType": file.document_type,
            "title": title_of(file),
            "url": format!("{}{}", basis.public_url, public_path(file)),
            "format": published_type(file),
            "language": "es",
        });
        match (section_of(&file.document_type), contract) {
            ("planning", _) => {
                let planning = release.entry("planning").or_insert_with(|| json!({}));
                push(planning, "documents", document);
            }
            ("contract", Some(id)) => {
                if let Some(contract) = contract_in(release, basis, id) {
                    push(contract, "documents", document);
                }
            }
            (_, Some(id)) => {
                if let Some(contract) = contract_in(release, basis, id) {
                    if !contract["implementation"].is_object() {
                        contract["implementation"] = json!({});
                    }
                    push(&mut contract["implementation"], "documents", document);
                }
            }
            // On a process without a contract, photographs are not part of OCDS (they are shown with the project).
            (_, None) => {}
        }
    }
}

/// Progress and files of a follow-up as the contract would have them, `{id: "-", agreedMetrics, implementation: {metrics,
/// documents}, documents}`: for OC4IDS, which has a place for them also where a project has no contract. Null if there
/// are none.
pub fn for_the_project(follow_up: &FollowUp, basis: &Basis<'_>) -> Value {
    let mut release = Map::new();
    add_progress(&mut release, follow_up, basis, "-");
    add_documents(&mut release, follow_up, basis, Some("-"));
    release.get_mut("contracts").and_then(|list| list.get_mut(0)).map(Value::take).unwrap_or_default()
}

fn title_of(file: &EvidenceRef) -> String {
    if let Some(title) = &file.title {
        return title.clone();
    }
    let known = ocds::codelist::get("documentType").and_then(|list| list.code(&file.document_type));
    known
        .map_or(if file.media_type.is_image() { "Fotografía" } else { "Documento" }, |code| code.title_es)
        .to_owned()
}

/// Where the published copy of a file is, from the root of the public site. Named by the hash of the original, which
/// the receipt names too: a published photograph can be traced to its acuse.
pub fn public_path(file: &EvidenceRef) -> String {
    let extension = if file.media_type.is_image() { "jpg" } else { "pdf" };
    format!("/evidencia/{}.{extension}", file.sha256)
}

/// Kind of the published copy: photographs are re-encoded as JPEG without metadata.
fn published_type(file: &EvidenceRef) -> &'static str {
    if file.media_type.is_image() { "image/jpeg" } else { "application/pdf" }
}

/// Stamps a fragment: ocid, id, date, tag, the buyer and every party it mentions, with the whole set of roles.
///
/// `sequence` is the number of the release in its process, from 1. The id is content-addressed:
/// `{ocid}-{sequence}-{first 12 hex of the hash of the fragment}`.
///
/// # Errors
/// If the fragment has no canonical form.
pub fn stamp(
    fragment: &Map<String, Value>,
    basis: &Basis<'_>,
    sequence: u64,
    accepted_at: DateTime<Utc>,
) -> Result<Value, ReceiptError> {
    let hash = sha256_hex(&canonical(fragment)?);
    let mut release = Map::new();
    release.insert("ocid".into(), json!(basis.ocid));
    release
        .insert("id".into(), json!(ocds::ident::ReleaseId::content_addressed(basis.ocid, sequence, &hash)));
    release.insert("date".into(), json!(instant(accepted_at)));
    release.insert("tag".into(), json!([]));
    release.insert("initiationType".into(), json!("tender"));
    release.insert("language".into(), json!("es"));
    if let Some(buyer) = basis.compiled.get("buyer") {
        release.insert("buyer".into(), buyer.clone());
    }
    for (key, value) in fragment {
        release.insert(key.clone(), value.clone());
    }
    let mut release = Value::Object(release);
    add_parties(&mut release, basis.compiled);
    let before = (!basis.earlier.is_empty()).then_some(basis.compiled);
    release["tag"] = json!(ocds::tag::derive(&release, before));
    Ok(release)
}

/// Which role each reference in a release gives (OCDS 1.1, organization roles).
const REFERENCES: [(&str, &str); 5] = [
    ("/buyer", "buyer"),
    ("/tender/procuringEntity", "procuringEntity"),
    ("/tender/tenderers", "tenderer"),
    ("/awards/*/suppliers", "supplier"),
    ("/planning/budget/budgetBreakdown/*/sourceParty", "funder"),
];

/// Completes `parties`: every organization mentioned is there, as captured or as known, and its roles are the whole
/// set, because merging replaces the array.
fn add_parties(release: &mut Value, compiled: &Value) {
    let mut wanted: Vec<(String, &str)> = Vec::new();
    for (pointer, role) in REFERENCES {
        collect(release, pointer, &mut |reference| {
            if let Some(id) = reference["id"].as_str() {
                wanted.push((id.to_owned(), role));
            }
        });
    }
    for pointer in [
        "/contracts/*/implementation/transactions/*/payer",
        "/contracts/*/implementation/transactions/*/payee",
    ] {
        let role = if pointer.ends_with("payer") { "payer" } else { "payee" };
        collect(release, pointer, &mut |reference| {
            if let Some(id) = reference["id"].as_str() {
                wanted.push((id.to_owned(), role));
            }
        });
    }
    let known = compiled["parties"].as_array().cloned().unwrap_or_default();
    let known = |id: &str| known.iter().find(|party| party["id"].as_str() == Some(id)).cloned();
    let mut parties = match release["parties"].take() {
        Value::Array(parties) => parties,
        Value::Null => Vec::new(),
        // Not an array: left as it is, for the schema to refuse by name.
        other => {
            release["parties"] = other;
            return;
        }
    };
    for (id, _) in &wanted {
        if !parties.iter().any(|party| party["id"].as_str() == Some(id))
            && let Some(party) = known(id)
        {
            parties.push(party);
        }
    }
    for party in &mut parties {
        let Some(id) = party["id"].as_str().map(str::to_owned) else {
            continue;
        };
        let mut roles: Vec<String> = Vec::new();
        let before = known(&id).map(|party| party["roles"].clone()).unwrap_or(Value::Null);
        for list in [&before, &party["roles"]] {
            for role in list.as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !roles.iter().any(|known| known == role) {
                    roles.push(role.to_owned());
                }
            }
        }
        for (_, role) in wanted.iter().filter(|(wanted, _)| *wanted == id) {
            if !roles.iter().any(|known| known == role) {
                roles.push((*role).to_owned());
            }
        }
        if !roles.is_empty() && party.is_object() {
            party["roles"] = json!(roles);
        }
    }
    if parties.is_empty() {
        if let Some(object) = release.as_object_mut() {
            object.remove("parties");
        }
    } else {
        release["parties"] = Value::Array(parties);
    }
}

/// Visits what a pointer with `*` for any item points to; a final array is visited item by item.
fn collect(value: &Value, pointer: &str, visit: &mut impl FnMut(&Value)) {
    let Some(rest) = pointer.strip_prefix('/') else {
        match value {
            Value::Array(items) => items.iter().for_each(visit),
            Value::Null => {}
            one => visit(one),
        }
        return;
    };
    let (key, rest) = match rest.split_once('/') {
        Some((key, _)) => (key, &rest[key.len()..]),
        None => (rest, ""),
    };
    if key == "*" {
        for item in value.as_array().into_iter().flatten() {
            collect(item, rest, visit);
        }
    } else if let Some(inner) = value.get(key) {
        collect(inner, rest, visit);
    }
}

/// What both sides find in a follow-up: its content, its fragment and the release it would become now. Pointers are
/// into the follow-up file (`/progress/…`, `/visitedOn`, `/release/…`).
pub fn assess(follow_up: &FollowUp, basis: &Basis<'_>, now: DateTime<Utc>) -> Vec<Finding> {
    let today = today(now, basis.offset_minutes);
    let mut findings = check_content(&follow_up.content, today);
    // A clock that stepped back, or another release of the same second: the release will be dated after the last one
    // whatever the clock says, so that is when it is checked.
    let now = after(basis.compiled, now);
    for (index, file) in follow_up.evidence.iter().enumerate() {
        // The page of the project shows titles even where the release has no place for the document.
        for reason in file.title.as_deref().map(ocds::check::personal_data).unwrap_or_default() {
            let pointer = format!("/evidence/{index}/title");
            findings.push(error(&pointer, "no-personal-data", json!({"reason": reason, "field": "title"})));
        }
    }
    if findings.iter().any(|finding| finding.rule == "reserved-field") {
        return findings;
    }
    let fragment = match fragment(follow_up, basis) {
        Ok(fragment) => fragment,
        Err(more) => {
            findings.extend(more);
            return findings;
        }
    };
    if fragment.is_empty() {
        return findings;
    }
    match stamp(&fragment, basis, basis.earlier.len() as u64 + 1, now) {
        Ok(release) => {
            let context = ocds::check::Context { prefix: Some(basis.prefix), earlier: basis.earlier, now };
            for mut finding in ocds::check::release(&release, &context) {
                finding.pointer = captured_pointer(&finding.pointer, &release);
                findings.push(finding);
            }
        }
        Err(unreadable) => {
            findings.push(error("/release", "schema-type", json!({"detail": unreadable.to_string()})));
        }
    }
    findings
}

/// The instant of a release laid upon a process: now, or just after its last release (OCDS 1.1, release date).
pub fn after(compiled: &Value, now: DateTime<Utc>) -> DateTime<Utc> {
    let last = compiled["date"].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    last.map_or(now, |last| now.max(last.with_timezone(&Utc) + Duration::milliseconds(1)))
}

/// The day it is in the municipality.
pub fn today(now: DateTime<Utc>, offset_minutes: i32) -> NaiveDate {
    let zone = FixedOffset::east_opt(offset_minutes * 60).unwrap_or_else(|| Utc.fix());
    now.with_timezone(&zone).date_naive()
}

/// From a place in the release to the place in the follow-up file where it was captured.
fn captured_pointer(pointer: &str, release: &Value) -> String {
    for (list, kind) in [("/agreedMetrics/", "planned"), ("/implementation/metrics/", "actual")] {
        if let Some((before, after)) = pointer.split_once(list) {
            let index = after.split('/').next().unwrap_or_default();
            let metric = release.pointer(&format!("{before}{list}{index}/id")).and_then(Value::as_str);
            if let Some((name, ..)) = METRICS.into_iter().find(|(_, id, _)| Some(*id) == metric) {
                return format!("/progress/{name}/{kind}");
            }
        }
    }
    format!("/release{pointer}")
}

fn error(pointer: &str, rule: &str, params: Value) -> Finding {
    let params = match params {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    Finding { pointer: pointer.to_owned(), rule: rule.to_owned(), severity: Severity::Error, params }
}
