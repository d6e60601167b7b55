//! `package`: the wrapper of published releases and records, and records that are whole.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{Context, Finding, Severity, error, rules, warning};
use crate::merge::{self, Rules};
use crate::schema;
use crate::tag::{Section, items};
use crate::value::date_time;

/// `not-a-package` · `missing` (a field of the wrapper) · `version` · `undeclared-extension` (warning) · `mixed` (releases of
/// another process in a record) · `order` · `stale` (the compiled or versioned release is not what the releases add
/// up to) · `unmergeable` · `future`
pub(super) const REASONS: &[&str] = &[
    "not-a-package",
    "missing",
    "version",
    "undeclared-extension",
    "mixed",
    "order",
    "stale",
    "unmergeable",
    "future",
];

pub(super) fn check(package: &Value, prefix: Option<&str>, now: DateTime<Utc>) -> Vec<Finding> {
    let is_record = package.get("records").is_some();
    if !is_record && package.get("releases").is_none() {
        return vec![error("package", "", json!({"reason": "not-a-package"}))];
    }
    let mut found = if is_record {
        schema::validate_record_package(package)
    } else {
        schema::validate_release_package(package)
    };
    wrapper(package, now, &mut found);
    if is_record {
        for (index, record) in items(&package["records"]).enumerate() {
            check_record(record, &format!("/records/{index}"), prefix, now, &mut found);
        }
    } else {
        check_embedded(&package["releases"], "/releases", History::Unknown, prefix, now, &mut found);
    }
    found
}

fn wrapper(package: &Value, now: DateTime<Utc>, found: &mut Vec<Finding>) {
    // What the standard requires, the schema tells; these are required here.
    for path in items(&schema::profile()["requiredInPackage"]).filter_map(|field| field["path"].as_str()) {
        if package.pointer(path).is_none_or(Value::is_null) {
            let params = json!({"reason": "missing", "field": path.trim_start_matches('/')});
            found.push(error("package", "", params));
        }
    }
    if package["version"].as_str().is_some_and(|version| version != "1.1") {
        let params =
            json!({"reason": "version", "field": "version", "value": package["version"], "expected": "1.1"});
        found.push(error("package", "/version", params));
    }
    if package["extensions"].is_array() {
        for url in schema::extensions() {
            if !items(&package["extensions"]).any(|declared| declared == url) {
                let params =
                    json!({"reason": "undeclared-extension", "field": "extensions", "expected": url});
                // Only matters for the fields of that extension, but the profile is declared whole.
                found.push(warning("package", "/extensions", params));
            }
        }
    }
    if package["publishedDate"].as_str().and_then(date_time).is_some_and(|date| date > now) {
        let params = json!({"reason": "future", "field": "publishedDate", "value": package["publishedDate"]});
        found.push(error("package", "/publishedDate", params));
    }
}

/// Whether all the releases of a process are at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// A record: what is not there does not exist.
    Whole,
    /// A package or a list: earlier releases may be somewhere else.
    Unknown,
}

/// Checks each release with those of its process that come before it in date. `known` is what the schema found in
/// each.
pub(super) fn check_releases(
    releases: &[Value],
    mut known: Vec<Vec<Finding>>,
    history: History,
    prefix: Option<&str>,
    now: DateTime<Utc>,
) -> Vec<Vec<Finding>> {
    let mut processes: IndexMap<&str, Vec<(usize, &Value)>> = IndexMap::new();
    for (index, release) in releases.iter().enumerate() {
        processes.entry(release["ocid"].as_str().unwrap_or_default()).or_default().push((index, release));
    }
    for (_, mut process) in processes {
        process.sort_by(|(_, a), (_, b)| a["date"].as_str().cmp(&b["date"].as_str()));
        let begins = process.first().is_some_and(|(_, release)| is_first(release));
        let mut earlier: Vec<Value> = Vec::new();
        for (index, release) in process {
            rules(release, &Context { prefix, earlier: &earlier, now }, &mut known[index]);
            if history == History::Unknown && !begins {
                known[index].iter_mut().filter(|finding| needs_history(finding)).for_each(|finding| {
                    finding.severity = Severity::Warning;
                });
            }
            earlier.push(release.clone());
        }
    }
    known
}

/// Checks the releases of a package or record, whose place in the document is `at`.
fn check_embedded(
    releases: &Value,
    at: &str,
    history: History,
    prefix: Option<&str>,
    now: DateTime<Utc>,
    found: &mut Vec<Finding>,
) {
    let releases = releases.as_array().map_or(&[][..], Vec::as_slice);
    let known = (0..releases.len()).map(|index| located(found, &format!("{at}/{index}"))).collect();
    for (index, own) in check_releases(releases, known, history, prefix, now).into_iter().enumerate() {
        found.extend(own.into_iter().map(|mut finding| {
            finding.pointer.insert_str(0, &format!("{at}/{index}"));
            finding
        }));
    }
}

/// Takes out what the schema found inside a release, so that the rules can say it better.
fn located(found: &mut Vec<Finding>, at: &str) -> Vec<Finding> {
    let mut own = Vec::new();
    found.retain(|finding| {
        let below = finding.pointer.strip_prefix(at).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        if let Some(rest) = below {
            own.push(Finding { pointer: rest.to_owned(), ..finding.clone() });
        }
        below.is_none()
    });
    own
}

/// Whether a release looks like the first of its process: it opens planning, tender or award, and updates nothing.
/// One that opens a contract or its implementation usually has an award before it.
fn is_first(release: &Value) -> bool {
    let tags = || items(&release["tag"]).filter_map(Value::as_str);
    let opens = |tag: &str| Section::ALL.iter().any(|section| tag == section.tag());
    tags().any(|tag| matches!(tag, "planning" | "tender" | "award")) && tags().all(opens)
}

/// Whether a finding may only mean that earlier releases are somewhere else.
fn needs_history(finding: &Finding) -> bool {
    let reason = finding.params.get("reason").and_then(Value::as_str).unwrap_or_default();
    matches!(
        (finding.rule.as_str(), reason),
        ("tag-matches-sections", "needs-earlier" | "missing" | "no-section")
            | ("party-resolves" | "award-resolves", "unknown")
            | ("party-resolves", "no-role")
            | ("no-placeholder", "null")
            | ("amounts", "no-currency")
            | ("dates", "not-met")
            | ("documents", "no-title")
    )
}

fn check_record(
    record: &Value,
    at: &str,
    prefix: Option<&str>,
    now: DateTime<Utc>,
    found: &mut Vec<Finding>,
) {
    let Some(releases) = record["releases"].as_array() else {
        return;
    };
    // Linked releases are somewhere else: nothing can be compared.
    if releases.iter().any(|release| release.get("url").is_some()) {
        return;
    }
    let mut tell = |pointer: String, params: Value| found.push(error("package", pointer, params));
    for (index, release) in releases.iter().enumerate() {
        if release["ocid"] != record["ocid"] {
            let params = json!({"reason": "mixed", "value": release["ocid"], "expected": record["ocid"]});
            tell(format!("{at}/releases/{index}/ocid"), params);
        }
    }
    for (index, pair) in releases.windows(2).enumerate() {
        if pair[0]["date"].as_str() >= pair[1]["date"].as_str() {
            let params = json!({"reason": "order", "value": pair[1]["date"], "expected": pair[0]["date"]});
            tell(format!("{at}/releases/{}", index + 1), params);
        }
    }
    let merged = [
        ("compiledRelease", merge::compiled(Rules::profile(), releases)),
        ("versionedRelease", merge::versioned(Rules::profile(), releases)),
    ];
    for (field, merged) in merged {
        let Some(given) = record.get(field) else {
            if field == "compiledRelease" {
                tell(at.to_owned(), json!({"reason": "missing", "field": field}));
            }
            continue;
        };
        match merged {
            Ok(merged) if merged.value == *given => {}
            Ok(_) => tell(format!("{at}/{field}"), json!({"reason": "stale", "field": field})),
            Err(_) => tell(format!("{at}/{field}"), json!({"reason": "unmergeable", "field": field})),
        }
    }
    check_embedded(&record["releases"], &format!("{at}/releases"), History::Whole, prefix, now, found);
}
