//! Every rule has a fixture that breaks it and one that does not: `fixtures/rules/{rule}/{bad,good}.json`.
//!
//! A fixture file is a list of cases: `{note, earlier, release}` or `{note, package}`, and for a bad one `expect`,
//! the reason and pointer of the finding where they matter.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use ocds::check::{self, Context, Finding, REASONS, RULES, Severity};
use serde_json::Value;

/// Without a fixture: a keyword that the schemas of the standard do not use, so that nothing can break it; and what is
/// wrong with a text before it is a document (`tests/command.rs`).
const UNREACHABLE: &[&str] = &["schema-other", "json"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules")
}

fn now() -> DateTime<Utc> {
    "2026-05-01T00:00:00Z".parse().expect("a date")
}

fn cases(rule: &str, file: &str) -> Vec<Value> {
    let path = folder().join(rule).join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases: Vec<Value> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(!cases.is_empty(), "{rule}/{file} has no cases");
    cases
}

fn check(case: &Value) -> Vec<Finding> {
    if let Some(package) = case.get("package") {
        return check::package(package, Some("ocds-abc123"), now());
    }
    let earlier = case["earlier"].as_array().expect("earlier releases");
    check::release(&case["release"], &Context { prefix: Some("ocds-abc123"), earlier, now: now() })
}

fn reachable() -> impl Iterator<Item = &'static str> {
    RULES.iter().copied().filter(|rule| !UNREACHABLE.contains(rule))
}

#[test]
fn what_breaks_a_rule_is_found() {
    for rule in reachable() {
        let mut reasons = BTreeSet::new();
        for case in cases(rule, "bad.json") {
            let found = check(&case);
            let expect = &case["expect"];
            let matches = |finding: &&Finding| {
                finding.rule == rule
                    && expect.get("reason").is_none_or(|reason| finding.params.get("reason") == Some(reason))
                    && expect.get("pointer").is_none_or(|pointer| *pointer == finding.pointer)
            };
            assert!(found.iter().any(|finding| matches(&finding)), "{rule}: {}: {found:#?}", case["note"]);
            reasons.extend(expect["reason"].as_str().map(str::to_owned));
        }
        let known = REASONS.iter().find(|(of, _)| *of == rule).map_or(&[][..], |(_, reasons)| reasons);
        for reason in known {
            assert!(reasons.contains(*reason), "{rule}: no fixture for {reason}");
        }
    }
}

#[test]
fn nothing_is_found_in_what_is_right() {
    for rule in reachable() {
        for case in cases(rule, "good.json") {
            assert_eq!(check(&case), [], "{rule}: {}", case["note"]);
        }
    }
}

#[test]
fn every_folder_is_a_rule() {
    for entry in fs::read_dir(folder()).expect("the fixtures are here") {
        let name = entry.expect("a folder can be listed").file_name();
        assert!(RULES.iter().any(|rule| *rule == name), "{name:?} is not a rule");
    }
}

#[test]
fn each_finding_names_a_rule_and_a_place_that_exists() {
    for rule in reachable() {
        for case in cases(rule, "bad.json") {
            let document = case.get("package").unwrap_or(&case["release"]);
            for finding in check(&case) {
                assert!(RULES.contains(&finding.rule.as_str()), "{}", finding.rule);
                let parent = finding.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                let there = document.pointer(&finding.pointer).or_else(|| document.pointer(parent));
                // A total may be wrong through a part told in an earlier release.
                let is_total = finding.pointer.ends_with("/implementation/transactions");
                assert!(there.is_some() || is_total, "{rule}: {finding:?}");
                let known = REASONS.iter().find(|(of, _)| *of == finding.rule);
                if let Some((_, reasons)) = known {
                    let reason = finding.params.get("reason").and_then(Value::as_str);
                    assert!(reason.is_some_and(|reason| reasons.contains(&reason)), "{finding:?}");
                }
            }
        }
    }
}

#[test]
fn a_package_may_hold_only_the_latest_releases() {
    let record =
        &cases("package", "good.json").into_iter().find(|case| case["package"].get("records").is_some());
    let mut package = record.as_ref().expect("a record package")["package"].clone();
    let releases = package["records"][0]["releases"].take();
    package["releases"] =
        Value::Array(releases.as_array().expect("embedded").iter().skip(3).cloned().collect());
    package.as_object_mut().expect("a package").shift_remove("records");
    let found = check::package(&package, Some("ocds-abc123"), now());
    assert!(!found.is_empty(), "its award is somewhere else");
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning), "{found:#?}");
}

#[test]
fn findings_survive_json() {
    let case = &cases("amounts", "bad.json")[0];
    let found = check(case);
    let text = serde_json::to_string(&found).expect("findings are JSON");
    assert!(text.contains("\"severity\":\"error\""), "{text}");
    assert_eq!(serde_json::from_str::<Vec<Finding>>(&text).expect("and back"), found);
    assert!(Severity::Error < Severity::Warning);
}

#[test]
fn nothing_panics_on_documents_of_the_wrong_shape() {
    let context = Context { prefix: Some("ocds-abc123"), earlier: &[], now: now() };
    for text in [
        "null",
        "[]",
        "7",
        "\"x\"",
        "{}",
        r#"{"releases": 7}"#,
        r#"{"records": [7, {"releases": {}}]}"#,
        r#"{"ocid": 1, "id": [], "date": {}, "tag": "x", "parties": {"id": 1}, "buyer": [], "planning": [1]}"#,
        r#"{"contracts": [1, null, {"id": {}, "implementation": [], "value": 3}], "awards": {"0": 1}}"#,
        r#"{"ocid": "ñandú-ñ", "date": "2026-13-99T99:99:99Z", "tender": {"value": {"amount": 1e400}}}"#,
    ] {
        let Ok(document) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        check::release(&document, &context);
        check::package(&document, None, now());
        check::release(&document, &Context { earlier: std::slice::from_ref(&document), ..context });
    }
}
