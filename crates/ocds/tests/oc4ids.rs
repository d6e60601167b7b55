//! OC4IDS projects: written cases, the official schema and the reference tool, and records with anything in them.
//!
//! `fixtures/oc4ids/{case}.json` is `{note, prefix, releaseUrl, data, records, project, leftOut}`: what goes in, and
//! what must come out. The official files are only read where they are beside the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use jsonschema::Draft;
use ocds::merge::Rules;
use ocds::oc4ids::{self, Context, LeftOut, Project, ProjectError, ReleaseUrl};
use ocds::package::{self, Publication};
use ocds::{schema, value};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};
use serde_json::{Map, Value, json};

const CASES: &[&str] =
    &["planning-only", "full-process", "two-processes", "municipal-crew", "data-overrides", "odd-records"];

fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if folder.exists() {
        return Some(folder);
    }
    println!("not here: the official schemas; nothing to compare");
    None
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn case(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/oc4ids");
    read(&folder.join(name).with_extension("json"))
}

fn now() -> DateTime<Utc> {
    "2026-05-01T00:00:00Z".parse().expect("a date")
}

fn make(case: &Value) -> Result<Project, ProjectError> {
    let template = case["releaseUrl"].as_str().unwrap_or_default();
    let url = |ocid: &str, id: &str| template.replace("{ocid}", ocid).replace("{id}", id);
    let context = Context {
        prefix: case["prefix"].as_str(),
        now: now(),
        release_url: if template.is_empty() { None } else { Some(&url) },
    };
    let records: Vec<&Value> = case["records"].as_array().expect("records").iter().collect();
    oc4ids::project(case.get("data"), &records, &context)
}

fn publication() -> Publication {
    Publication {
        publisher_name: "Municipio de Ejemplo".to_owned(),
        publisher_scheme: Some("MX-RFC".to_owned()),
        publisher_uid: Some("MEJ010101AAA".to_owned()),
        publisher_uri: Some("https://example.org/".to_owned()),
        license: Some("https://creativecommons.org/licenses/by/4.0/".to_owned()),
        publication_policy: None,
    }
}

fn package(projects: Vec<Value>) -> Value {
    oc4ids::package(&publication(), "https://datos.example.org/oc4ids.json", now(), projects)
}

/// The release package of the examples, as a project.
fn example(shared: &Path) -> Project {
    let package = read(&shared.join("ocds/examples/pp-release-package-es.json"));
    let releases = package["releases"].as_array().expect("releases");
    let record = package::record(Rules::profile(), releases, false).expect("a record");
    let url = |ocid: &str, _: &str| format!("https://datos.example.org/ocds/{ocid}.json");
    let context = Context { prefix: Some("oc4ids-abc123"), now: now(), release_url: Some(&url) };
    oc4ids::project(None, &[&record], &context).expect("a project")
}

#[test]
fn the_written_cases() {
    let mut wrong = Vec::new();
    for name in CASES {
        let case = case(name);
        let made = make(&case).expect("a project");
        let left_out = serde_json::to_value(&made.left_out).expect("JSON");
        let pretty = |value: &Value| serde_json::to_string_pretty(value).expect("JSON");
        for (part, is, expected) in
            [("project", &made.value, &case["project"]), ("leftOut", &left_out, &case["leftOut"])]
        {
            if is != expected {
                wrong.push(format!("{name}, {part}: {}", pretty(is)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_project_needs_an_id() {
    let context = Context { prefix: Some("oc4ids-abc123"), now: now(), release_url: None };
    let make = |data: Option<&Value>, records: &[&Value]| {
        oc4ids::project(data, records, &context).map(|made| made.value["id"].clone())
    };
    assert_eq!(make(None, &[]), Err(ProjectError::NoId));
    assert_eq!(make(Some(&json!({"id": " ", "title": "x"})), &[]), Err(ProjectError::NoId));
    assert_eq!(make(Some(&json!([])), &[]), Err(ProjectError::NotAnObject));
    let compiled = json!({"ocid": "ocds-abc123-1", "planning": {"project": {"id": "7"}}});
    assert_eq!(make(None, &[&compiled]), Ok(json!("oc4ids-abc123-7")));
    assert_eq!(make(Some(&Value::Null), &[&compiled]), Ok(json!("oc4ids-abc123-7")));
    assert_eq!(make(Some(&json!({"id": "otro"})), &[&compiled]), Ok(json!("otro")));
    for (own, id) in [
        ("oc4ids-xyz789-7", "oc4ids-xyz789-7"),
        ("oc4ids-xyz", "oc4ids-abc123-oc4ids-xyz"),
        ("oc4ids-ñññ-1", "oc4ids-abc123-oc4ids-ñññ-1"),
    ] {
        let compiled = json!({"ocid": "ocds-abc123-1", "planning": {"project": {"id": own}}});
        assert_eq!(make(None, &[&compiled]), Ok(json!(id)));
    }
    assert_eq!(oc4ids::project_id(&json!({"planning": {"project": {"id": 7}}})).as_deref(), Some("7"));
    for nothing in [json!(null), json!({"planning": {"project": {"id": ""}}}), json!({"planning": [1]})] {
        assert_eq!(oc4ids::project_id(&nothing), None);
    }
}

#[test]
fn the_status_of_a_process() {
    let past = json!({"startDate": "2026-01-01T00:00:00Z", "endDate": "2026-02-01T00:00:00Z"});
    let present = json!({"startDate": "2026-01-01T00:00:00Z", "endDate": "2026-12-01T00:00:00Z"});
    let (yesterday, tomorrow) = ("2026-04-30T00:00:00Z", "2026-05-02T00:00:00Z");
    let cases = [
        (Some("pre-award"), json!({})),
        (Some("pre-award"), json!({"tender": {"status": "complete"}})),
        (Some("pre-award"), json!({"awards": [{"status": "pending"}], "contracts": [{"status": "pending"}]})),
        (Some("pre-award"), json!({"awards": [{"status": "active", "date": tomorrow}]})),
        (
            Some("pre-award"),
            json!({"awards": [{"status": "active"}], "tender": {"awardPeriod": {"startDate": tomorrow}}}),
        ),
        (None, json!({"awards": [{"status": "active", "date": yesterday}]})),
        (None, json!({"awards": [{"status": "active"}, {"status": "pending"}]})),
        (Some("closed"), json!({"tender": {"status": "withdrawn"}})),
        (Some("closed"), json!({"awards": [{"status": "cancelled"}, {"status": "unsuccessful"}]})),
        (Some("closed"), json!({"contracts": [{"status": "terminated"}, {"status": "cancelled"}]})),
        (Some("closed"), json!({"contracts": [{"status": "terminated", "period": present}]})),
        (Some("active"), json!({"contracts": [{"status": "terminated"}, {"status": "active"}]})),
        (Some("active"), json!({"tender": {"status": "cancelled"}, "contracts": [{"status": "active"}]})),
        (Some("active"), json!({"contracts": [{"period": present}, {"period": past}]})),
        (Some("closed"), json!({"contracts": [{"period": past}]})),
        (Some("closed"), json!({"contracts": [{"period": past}], "tender": {"contractPeriod": present}})),
        (
            Some("active"),
            json!({"contracts": [{"awardID": 1, "period": {}}], "awards": [{"id": "1", "contractPeriod": present}]}),
        ),
        (Some("active"), json!({"awards": [{"status": "active"}], "tender": {"contractPeriod": present}})),
        (Some("active"), json!({"contracts": [{"period": {"startDate": yesterday}}]})),
        (None, json!({"contracts": [{"period": {"startDate": tomorrow}}]})),
    ];
    for (expected, compiled) in cases {
        assert_eq!(oc4ids::status(&compiled, now()), expected, "{compiled}");
    }
}

/// The official schema, and ours, say the same once there are no words in it.
#[test]
fn our_statement_of_the_schema_is_the_official_one() {
    let Some(shared) = shared() else { return };
    let official = read(&shared.join("ocds/oc4ids/0.9-dev/schema/project-level/project-schema.json"));
    assert_eq!(without_words(&official, false), *schema::project());
}

fn without_words(value: &Value, names: bool) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| {
                names
                    || !(matches!(name.as_str(), "title" | "description" | "versionId") && value.is_string())
            })
            .map(|(name, value)| {
                let names = !names && matches!(name.as_str(), "properties" | "definitions");
                (name.clone(), without_words(value, names))
            })
            .collect::<Map<String, Value>>()
            .into(),
        Value::Array(items) => items.iter().map(|item| without_words(item, false)).collect(),
        other => other.clone(),
    }
}

/// The official schema of packages; without it, ours of projects.
fn errors(projects: &[Value]) -> Vec<String> {
    let options = || {
        jsonschema::options()
            .with_draft(Draft::Draft4)
            .should_validate_formats(true)
            .with_format("date-time", value::is_date_time)
    };
    let told = |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    match shared() {
        None => {
            let validator = options().build(schema::project()).expect("our schema");
            projects.iter().flat_map(|project| validator.iter_errors(project)).map(told).collect()
        }
        Some(shared) => {
            let folder = shared.join("ocds/oc4ids/0.9-dev/schema/project-level");
            let mut whole = read(&folder.join("project-package-schema.json"));
            let mut project = read(&folder.join("project-schema.json"));
            let root = project.as_object_mut().expect("a schema");
            let definitions = root.shift_remove("definitions").expect("definitions");
            root.shift_remove("id");
            whole["definitions"] = definitions;
            whole["properties"]["projects"]["items"] = project;
            whole.as_object_mut().expect("a schema").shift_remove("id");
            let validator = options().build(&whole).expect("the official schema");
            validator.iter_errors(&package(projects.to_vec())).map(told).collect()
        }
    }
}

/// What has nothing in it, and fields that the schema does not have.
fn faults(value: &Value, schema: &Value, pointer: &str, found: &mut Vec<String>) {
    let resolved = schema["$ref"].as_str().and_then(|at| schema::project().pointer(&at[1..]));
    let schema = resolved.unwrap_or(schema);
    match value {
        Value::Null => found.push(format!("{pointer}: null")),
        Value::String(text) if text.trim().is_empty() => found.push(format!("{pointer}: blank")),
        Value::Array(items) => {
            if items.is_empty() {
                found.push(format!("{pointer}: empty"));
            }
            for (at, item) in items.iter().enumerate() {
                faults(item, &schema["items"], &format!("{pointer}/{at}"), found);
            }
        }
        Value::Object(fields) => {
            if fields.is_empty() {
                found.push(format!("{pointer}: empty"));
            }
            for (name, value) in fields {
                let pointer = format!("{pointer}/{name}");
                match schema["properties"].get(name) {
                    Some(schema) => faults(value, schema, &pointer, found),
                    None if pointer.contains("/dimensions/") => {}
                    None => found.push(format!("{pointer}: undeclared")),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn what_is_made_is_valid() {
    let mut projects: Vec<Value> =
        CASES.iter().map(|name| make(&case(name)).expect("a project").value).collect();
    if let Some(shared) = shared() {
        let made = example(&shared);
        assert_eq!(made.left_out, []);
        assert_eq!(made.value["id"], "oc4ids-abc123-PP-2023-S4-0107");
        let summary = &made.value["contractingProcesses"][0]["summary"];
        assert_eq!(summary["status"], "active");
        assert_eq!(summary["contractValue"], json!({"amount": 1190000.0, "currency": "MXN"}));
        assert_eq!(summary["contractPeriod"]["endDate"], "2024-08-30T05:59:59Z");
        assert_eq!(made.value["locations"][0]["geometry"]["type"], "Point");
        assert_eq!(made.value["publicAuthority"]["id"], "MX-SPGG");
        projects.push(made.value);
    }
    assert_eq!(errors(&projects), Vec::<String>::new());
    let mut found = Vec::new();
    for project in &projects {
        faults(project, schema::project(), "", &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
    reference(projects);
}

/// The reference tool finds nothing: no error, no additional field, no code outside of a closed list, no
/// reference that leads nowhere, no amount without currency.
fn reference(projects: Vec<Value>) {
    let python = Command::new("python3").arg("--version").output();
    let Some(check) = shared().map(|shared| shared.join("tools/oracle/check")) else { return };
    if !check.exists() || python.is_err() {
        println!("not here: the reference tools");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("projects.json");
    fs::write(&path, package(projects).to_string()).expect("written");
    let output = Command::new(check).arg(&path).output().expect("the reference tools start");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let (_, report) = text.split_once('\n').expect("a report after the first line");
    let report: Value = serde_json::from_str(report).unwrap_or_else(|error| panic!("{error}: {text}"));
    let names: Vec<&String> = report.as_object().expect("a report").keys().collect();
    assert!(names.iter().all(|name| *name == "additional_open_codelist_values"), "{text}");
}

/// Values that have no business where they are put.
fn odd() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(""),
        json!(" "),
        json!("x"),
        json!("1"),
        json!(1),
        json!(-2.5),
        json!(1e300),
        json!(true),
        json!([]),
        json!({}),
        json!([null]),
        json!([{}]),
        json!([{"id": 1}, {"id": "1"}]),
        json!({"id": 1}),
        json!({"id": {"id": 1}}),
        json!("active"),
        json!("cancelled"),
        json!("2026-01-01T00:00:00Z"),
        json!({"amount": 1, "currency": "MXN"}),
        json!({"amount": "1", "currency": "USD"}),
    ])
}

/// The places of a document, below its root.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    if !pointer.is_empty() {
        found.push(pointer.to_owned());
    }
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, &format!("{pointer}/{name}"), found));
        }
        Value::Array(items) => {
            let all = items.iter().enumerate();
            all.for_each(|(at, value)| places(value, &format!("{pointer}/{at}"), found));
        }
        _ => {}
    }
}

#[test]
fn records_with_anything_in_them_make_a_valid_project_or_none() {
    let cases: Vec<Value> = CASES.iter().map(|name| case(name)).collect();
    let at: Vec<Vec<String>> = cases
        .iter()
        .map(|case| {
            let mut found = Vec::new();
            places(&case["records"], "/records", &mut found);
            places(&case["data"], "/data", &mut found);
            found
        })
        .collect();
    let changes = prop::collection::vec((any::<prop::sample::Index>(), odd(), any::<bool>()), 1..12);
    let strategy = (0..cases.len(), changes);
    let mut made = 0;
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let seed = TestRng::deterministic_rng(config.rng_algorithm);
    let validator = jsonschema::options()
        .with_draft(Draft::Draft4)
        .should_validate_formats(true)
        .with_format("date-time", value::is_date_time)
        .build(schema::project())
        .expect("our schema");
    TestRunner::new_with_rng(config, seed)
        .run(&strategy, |(which, changes)| {
            let mut case = cases[which].clone();
            for (index, value, doubled) in changes {
                let place: &String = index.get(&at[which]);
                let Some(target) = case.pointer_mut(place) else { continue };
                *target = if doubled { json!([target.clone(), value, target.clone()]) } else { value };
            }
            if !case["records"].is_array() {
                case["records"] = json!([case["records"]]);
            }
            match make(&case) {
                Ok(project) => {
                    prop_assert!(project.value["id"].as_str().is_some_and(|id| !id.is_empty()));
                    let told: Vec<String> =
                        validator.iter_errors(&project.value).map(|error| error.to_string()).collect();
                    prop_assert!(told.is_empty(), "{told:?}");
                    let mut found = Vec::new();
                    faults(&project.value, schema::project(), "", &mut found);
                    prop_assert!(found.is_empty(), "{found:?}");
                    prop_assert_eq!(make(&case), Ok(project), "the same again");
                }
                Err(ProjectError::NoId) => {
                    let own = case["data"].get("id").and_then(Value::as_str);
                    prop_assert!(own.is_none_or(|id| id.trim().is_empty()));
                }
                Err(ProjectError::NotAnObject) => {
                    prop_assert!(case.get("data").is_some_and(|data| !data.is_object() && !data.is_null()));
                }
            }
            Ok(())
        })
        .expect("no record breaks it");
    for case in &cases {
        made += usize::from(make(case).is_ok());
    }
    assert_eq!(made, cases.len());
}

#[test]
fn releases_need_an_address() {
    let record = json!({
        "ocid": "ocds-abc123-1",
        "releases": [{"id": "1", "date": "2026-01-01T00:00:00Z", "tag": ["planning"]}],
        "compiledRelease": {"ocid": "ocds-abc123-1", "planning": {"project": {"id": "7"}}}
    });
    let url = |_: &str, id: &str| format!("sin dirección {id}");
    let made = |release_url: Option<ReleaseUrl<'_>>| {
        let context = Context { prefix: None, now: now(), release_url };
        oc4ids::project(None, &[&record], &context).expect("a project")
    };
    let none = made(None);
    assert_eq!(none.left_out, [LeftOut::Releases { ocid: "ocds-abc123-1".to_owned(), count: 1 }]);
    assert_eq!(none.value["contractingProcesses"][0].get("releases"), None);
    let bad = serde_json::to_value(made(Some(&url)).left_out).expect("JSON");
    assert_eq!(bad[0]["field"]["problem"], "format");
    assert_eq!(bad[1]["field"]["problem"]["missing"], "url");
}
