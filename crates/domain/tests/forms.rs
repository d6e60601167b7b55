//! The forms that ship, filled one after the other as a project goes: each makes a follow-up that both sides accept, and
//! together they make a process that stands.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::Severity;
use domain::follow_up::{FollowUp, FollowUpFile, Stage};
use domain::form::{Field, Form, Kind, Values, for_stage};
use domain::release::{Basis, after, assess, fragment, stamp};
use serde_json::{Value, json};
use uuid::Uuid;

const OCID: &str = "ocds-000000-d1_p1";
const PUBLIC: &str = "http://127.0.0.1:8780";

/// A process as the base information makes it, and what is laid upon it.
struct Process {
    releases: Vec<Value>,
}

impl Process {
    fn loaded() -> Process {
        let first = json!({
            "ocid": OCID, "id": format!("{OCID}-1-0"), "date": "2026-01-05T12:00:00.000Z", "tag": ["planning"],
            "initiationType": "tender", "language": "es",
            "buyer": {"id": "M", "name": "Municipio de muestra"},
            "parties": [{"id": "M", "name": "Municipio de muestra", "roles": ["buyer"]}],
            "planning": {"project": {"id": "d1_p1", "title": "Parque de muestra"}},
        });
        Process { releases: vec![first] }
    }

    fn compiled(&self) -> Value {
        ocds::merge::compiled(ocds::merge::Rules::profile(), &self.releases)
            .expect("releases of one process")
            .value
    }

    /// What a capture makes, and the errors that would hold it.
    fn capture(&self, stage: Stage, values: &[(&str, &str)]) -> (FollowUpFile, Vec<String>, Value) {
        let compiled = self.compiled();
        let basis = basis(&compiled);
        let values: Values =
            values.iter().map(|(field, text)| ((*field).to_owned(), (*text).to_owned())).collect();
        let folded = form(stage).fold(&values, &basis, "MXN", today());
        let follow_up = FollowUp {
            id: Uuid::from_u128(self.releases.len() as u128),
            project: "d1_p1".to_owned(),
            ocid: OCID.to_owned(),
            form: Some(form(stage).reference()),
            content: folded.content.clone(),
            evidence: Vec::new(),
        };
        let mut errors: Vec<String> =
            folded.findings.iter().map(|found| format!("{} {}", found.rule, found.pointer)).collect();
        let found = assess(&follow_up, &basis, now());
        errors.extend(found.iter().filter(|found| found.severity == Severity::Error).map(|found| {
            format!(
                "{} {} {:?} field {:?}",
                found.rule,
                found.pointer,
                found.params,
                folded.field_at(&found.pointer)
            )
        }));
        let release = fragment(&follow_up, &basis)
            .ok()
            .and_then(|fragment| {
                stamp(&fragment, &basis, self.releases.len() as u64 + 1, after(&compiled, now())).ok()
            })
            .unwrap_or_default();
        (folded.content, errors, release)
    }

    fn accept(&mut self, stage: Stage, values: &[(&str, &str)]) -> FollowUpFile {
        let (content, errors, release) = self.capture(stage, values);
        assert!(errors.is_empty(), "{stage:?}: {errors:#?}\n{release:#}");
        self.releases.push(release);
        content
    }
}

fn basis(compiled: &Value) -> Basis<'_> {
    Basis {
        prefix: "ocds-000000",
        ocid: OCID,
        compiled,
        earlier: std::slice::from_ref(compiled),
        offset_minutes: -360,
        public_url: PUBLIC,
    }
}

fn form(stage: Stage) -> &'static Form {
    for_stage(stage).expect("every stage has a form")
}

fn now() -> DateTime<Utc> {
    "2026-11-22T18:00:00Z".parse().expect("an instant")
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day")
}

/// Something that fits a field.
fn sample(field: &Field) -> String {
    match field.kind {
        Kind::Text => format!("Muestra de {}", field.id),
        Kind::Notes => format!("Texto de muestra de {}.", field.id),
        Kind::Percent => "40".to_owned(),
        Kind::Money => "1000".to_owned(),
        Kind::Number => "2".to_owned(),
        Kind::Place => "25.6579, -100.4023".to_owned(),
        Kind::Method => "map".to_owned(),
        Kind::Date => "12/3/2026".to_owned(),
        Kind::Rfc => "GOM850301AB1".to_owned(),
        Kind::Code => field.choices.first().map(|choice| choice.code.clone()).unwrap_or_default(),
    }
}

/// Every field of a form that is not a further copy, filled, with what a story says instead.
fn whole(stage: Stage, story: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut values: BTreeMap<String, String> = form(stage)
        .groups
        .iter()
        .filter(|group| group.copy_of.is_none())
        .flat_map(|group| &group.fields)
        .map(|field| (field.id.clone(), sample(field)))
        .collect();
    values.extend(story.iter().map(|(field, text)| ((*field).to_owned(), (*text).to_owned())));
    values.into_iter().collect()
}

fn accept_whole(process: &mut Process, stage: Stage, story: &[(&str, &str)]) -> FollowUpFile {
    let values = whole(stage, story);
    let values: Vec<(&str, &str)> =
        values.iter().map(|(field, text)| (field.as_str(), text.as_str())).collect();
    process.accept(stage, &values)
}

#[test]
fn every_stage_has_a_form_whose_fields_have_one_name() {
    for stage in Stage::ALL {
        let names: Vec<&str> = form(stage).fields().map(|field| field.id.as_str()).collect();
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len(), "{stage:?}");
        assert!(form(stage).fields().all(|field| !field.path.contains('{')), "{stage:?}");
    }
}

#[test]
fn the_whole_life_of_a_project_is_captured_with_the_forms() {
    let mut process = Process::loaded();
    accept_whole(
        &mut process,
        Stage::Planning,
        &[
            ("budgetAmount", "1,000"),
            ("breakdownAmount", "600"),
            ("breakdownId-2", "61401"),
            ("breakdownDescription-2", "Otra partida"),
            ("breakdownAmount-2", "400"),
            ("sourceName-2", "muestra de SOURCENAME"),
            ("milestoneStatus", "met"),
            ("milestoneMet", "12/3/2026"),
        ],
    );
    let planning = process.compiled();
    let lines = &planning["planning"]["budget"]["budgetBreakdown"];
    assert_eq!(lines.as_array().map(Vec::len), Some(2), "{lines:#}");
    assert_eq!(
        lines[0]["sourceParty"]["id"], lines[1]["sourceParty"]["id"],
        "one source, written in two ways"
    );

    accept_whole(
        &mut process,
        Stage::Tender,
        &[
            ("tenderStatus", "active"),
            ("procurementMethod", "open"),
            ("tenderStart", "1/3/2026"),
            ("enquiryEnd", "5/3/2026"),
            ("tenderEnd", "10/3/2026"),
            ("awardDay", "20/3/2026"),
            ("contractStart", "1/4/2026"),
            ("contractEnd", "30/9/2026"),
            ("numberOfTenderers", "2"),
            ("tendererName", "Obras de muestra, S.A."),
            ("tendererRfc", "OMU010203AB1"),
            ("tendererName-2", "Caminos de muestra, S.A."),
            ("milestoneStatus", "scheduled"),
            ("milestoneMet", ""),
        ],
    );
    accept_whole(
        &mut process,
        Stage::Award,
        &[
            ("awardStatus", "active"),
            ("awardDate", "20/3/2026"),
            ("contractStart", "1/4/2026"),
            ("contractEnd", "30/9/2026"),
            ("supplierName", "OBRAS DE MUESTRA, S.A."),
            ("supplierRfc", "OMU-010203-AB1"),
            ("tenderStatus", "complete"),
        ],
    );
    accept_whole(
        &mut process,
        Stage::Contract,
        &[
            ("contractStatus", "active"),
            ("contractSigned", "25/3/2026"),
            ("contractStart", "1/4/2026"),
            ("contractEnd", "30/9/2026"),
            ("contractAmount", "1000"),
            ("contractId", "OP-2026-031"),
            ("supplierName", ""),
            ("supplierRfc", ""),
            ("guaranteeDate", "25/3/2026"),
            ("guaranteeEnd", "25/3/2027"),
            ("amendmentDate", "1/5/2026"),
        ],
    );
    let contracted = process.compiled();
    assert_eq!(contracted["awards"].as_array().map(Vec::len), Some(1), "{:#}", contracted["awards"]);
    assert_eq!(contracted["contracts"][0]["awardID"], contracted["awards"][0]["id"]);
    let supplier = &contracted["awards"][0]["suppliers"][0]["id"];
    let tenderers = contracted["tender"]["tenderers"].as_array().expect("two bidders");
    assert!(tenderers.iter().any(|tenderer| &tenderer["id"] == supplier), "the winner is one of the bidders");

    let paid = accept_whole(
        &mut process,
        Stage::Implementation,
        &[
            ("visitedOn", "1/8/2026"),
            ("physicalActual", "40"),
            ("financialActual", "40"),
            ("contractId", ""),
            ("contractTitle", ""),
            ("contractAmount", ""),
            ("contractSigned", ""),
            ("supplierName", ""),
            ("supplierRfc", ""),
            ("worksStatus", "ongoing"),
            ("milestoneStatus", "met"),
            ("milestoneMet", "1/8/2026"),
            ("milestoneDue", "1/8/2026"),
            ("paymentAmount", "300"),
            ("paymentDate", "15/7/2026"),
            ("paymentId-2", "2"),
            ("paymentDate-2", "30/7/2026"),
            ("paymentAmount-2", "100"),
        ],
    );
    assert_eq!(paid.release["contracts"][0]["id"], "OP-2026-031");
    accept_whole(
        &mut process,
        Stage::Closure,
        &[
            ("visitedOn", "30/9/2026"),
            ("physicalActual", "100"),
            ("financialActual", ""),
            ("endDate", "30/9/2026"),
            ("finalValue", "1000"),
            ("contractStatus", "terminated"),
            ("contractId", ""),
        ],
    );
    let closed = process.compiled();
    assert_eq!(closed["contracts"].as_array().map(Vec::len), Some(1));
    let implementation = &closed["contracts"][0]["implementation"];
    assert_eq!(implementation["status"], "concluded");
    assert_eq!(implementation["transactions"].as_array().map(Vec::len), Some(2));
    let actual = implementation["metrics"][0]["observations"].as_array().expect("two visits");
    assert_eq!(
        actual.last().map(|observation| &observation["measure"]),
        Some(&json!(100)),
        "{implementation:#}"
    );
    let tags: Vec<&Value> = process.releases.iter().map(|release| &release["tag"]).collect();
    assert!(
        tags[5].to_string().contains("contractTermination")
            || tags[6].to_string().contains("contractTermination"),
        "{tags:?}"
    );
}

#[test]
fn a_direct_award_says_why() {
    let process = Process::loaded();
    let mut values = vec![
        ("tenderId", "AD-1"),
        ("tenderTitle", "Muestra"),
        ("tenderStatus", "complete"),
        ("procurementMethod", "direct"),
        ("mainProcurementCategory", "works"),
        ("tenderAmount", "5"),
    ];
    let (_, errors, _) = process.capture(Stage::Tender, &values);
    assert_eq!(errors, ["field-required /release/tender/procurementMethodRationale"]);
    values.push(("procurementMethodRationale", "Monto menor al umbral."));
    let (_, errors, _) = process.capture(Stage::Tender, &values);
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn what_lacks_is_said_with_a_reason_and_stays_inside() {
    let process = Process::loaded();
    let values = vec![("processTitle", "Muestra"), ("~budgetAmount", "notYet")];
    let (content, errors, release) = process.capture(Stage::Planning, &values);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(content.internal.lacking.get("budgetAmount").map(String::as_str), Some("notYet"));
    assert!(!release.to_string().contains("notYet"));
    let (_, errors, _) =
        process.capture(Stage::Planning, &[("processTitle", "Muestra"), ("~budgetAmount", "because")]);
    assert_eq!(errors, ["code-unknown /release/planning/budget/amount/amount"]);
    // An identifier cannot lack: the standard has no place without it.
    let (_, errors, _) = process.capture(Stage::Contract, &[("~contractId", "notYet")]);
    assert!(
        errors.iter().any(|error| error.starts_with("field-required /release/contracts/0/id")),
        "{errors:?}"
    );
    // What is typed is the datum, whatever was said before.
    let (content, errors, _) = process.capture(
        Stage::Planning,
        &[("processTitle", "Muestra"), ("~budgetAmount", "notYet"), ("budgetAmount", "5")],
    );
    assert!(errors.is_empty() && content.internal.lacking.is_empty(), "{errors:?}");
}

#[test]
fn a_field_shows_what_the_process_says_at_its_place() {
    let mut process = Process::loaded();
    process.accept(Stage::Planning, &[("processTitle", "Muestra"), ("budgetAmount", "1,234.50")]);
    let compiled = process.compiled();
    let known = |id: &str| {
        let field = form(Stage::Planning).fields().find(|field| field.id == id).expect("a field");
        field.known(&basis(&compiled))
    };
    assert_eq!(known("budgetAmount").as_deref(), Some("1234.5"));
    assert_eq!(known("processTitle").as_deref(), Some("Muestra"));
    assert_eq!(known("breakdownAmount"), None);
}

fn source(stage: &str) -> Value {
    let path = format!("{}/../../schemas/capture/{stage}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("a form that ships")).expect("JSON")
}

/// Where a form is wrong.
fn wrong(form: &Value) -> Vec<String> {
    match domain::form::check(&form.to_string()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| fault.pointer).collect(),
    }
}

#[test]
fn every_form_that_ships_could_travel() {
    for stage in Stage::ALL {
        let checked = domain::form::check(&source(stage.as_str()).to_string());
        assert_eq!(checked.as_ref().map_err(Vec::clone), Ok(form(stage)), "{stage:?}");
    }
}

#[test]
fn a_form_that_is_wrong_is_refused_with_its_place() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 25] = [
        ("/x-version", |form| form["x-version"] = json!(0)),
        ("/x-version", |form| form["x-version"] = json!("2")),
        ("/x-stage", |form| form["x-stage"] = json!("fiesta")),
        ("/$id", |form| form["$id"] = json!("ñandú/1")),
        ("/x-title/en", |form| form["x-title"]["en"] = json!(" ")),
        ("/x-groups/0/fields/0", |form| form["x-groups"][0]["fields"][0] = json!("nadie")),
        ("/properties/notes", |form| form["x-groups"][6]["fields"] = json!([])),
        ("/x-groups/3/times", |form| form["x-groups"][3]["times"] = json!(1_000_000)),
        ("/x-groups/4/derive/0/from", |form| form["x-groups"][4]["derive"][0]["from"] = json!("notes")),
        ("/x-groups/4/derive/0/path", |form| {
            form["x-groups"][4]["derive"][0]["path"] = json!("/release/awards/999999999999/id");
        }),
        ("/properties/visitedOn/x-kind", |form| {
            form["properties"]["visitedOn"]["x-kind"] = json!("hologram")
        }),
        ("/properties/notes/x-class", |form| form["properties"]["notes"]["x-class"] = json!("public")),
        ("/properties/contractTitle/x-path", |form| {
            form["properties"]["contractTitle"]["x-path"] = json!("/release/contracts/0/apodo");
        }),
        ("/properties/contractTitle/x-path", |form| {
            form["properties"]["contractTitle"]["x-path"] = json!("/release/contracts/99999999999/title");
        }),
        ("/properties/contractAmount/x-path", |form| {
            form["properties"]["contractAmount"]["x-path"] = json!("/release/contracts/0/title");
        }),
        ("/properties/worksStatus/x-codelist", |form| {
            form["properties"]["worksStatus"]["x-codelist"] = json!("noExiste");
        }),
        ("/properties/milestoneMet/x-required-when/is", |form| {
            form["properties"]["milestoneMet"]["x-required-when"]["is"] = json!(["quizás"]);
        }),
        ("/properties/paymentId/x-path", |form| {
            form["properties"]["paymentId"]["x-path"] =
                json!("/release/contracts/0/implementation/transactions/0/id");
        }),
        ("/properties/contractTitle/x-path", |form| {
            form["properties"]["contractTitle"]["x-path"] = json!("/release/tag");
        }),
        ("/x-groups/4/derive/1/path", |form| {
            form["x-groups"][4]["derive"][1]["path"] = json!("/release/buyer/name");
        }),
        ("/properties/supplierName/x-path", |form| {
            form["properties"]["supplierName"]["x-path"] =
                form["properties"]["contractTitle"]["x-path"].clone();
        }),
        ("/properties/paymentId-2", |form| {
            form["properties"]["paymentId-2"] = form["properties"]["contractTitle"].clone();
            form["properties"]["paymentId-2"]["x-path"] = json!("/release/contracts/0/description");
            form["x-groups"][4]["fields"].as_array_mut().unwrap().push(json!("paymentId-2"));
        }),
        ("/x-groups", |form| form["x-groups"][1]["id"] = json!("progress")),
        ("/properties/place/x-path", |form| {
            form["properties"]["place"]["x-path"] =
                json!("/release/planning/project/locations/0/description");
        }),
        ("/properties/notes/x-required", |form| {
            form["properties"]["notes"].as_object_mut().unwrap().remove("x-required");
        }),
    ];
    assert_eq!(wrong(&source("implementation")), Vec::<String>::new());
    for (place, change) in cases {
        let mut form = source("implementation");
        change(&mut form);
        let found = wrong(&form);
        let there = |pointer: &String| pointer == place || place.starts_with(&format!("{pointer}/"));
        assert!(found.iter().any(there), "{place}: {found:?}");
    }
    assert_eq!(domain::form::check("{").map_err(|faults| faults.len()), Err(1));
}
