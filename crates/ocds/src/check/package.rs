//! `package`: the wrapper of published releases and records, and records that are whole.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{Case, Finding, Given, Severity, error, rules, warning};
use crate::merge::{self, Compiling, Rules};
use crate::schema;
use crate::tag::{Section, items};
use crate::value::{MAX_DEPTH, date_time, is_deeper_than};

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
    if is_deeper_than(package, MAX_DEPTH) {
        return schema::validate_wrapper(package, "releases");
    }
    let count = |name: &str| items(&package[name]).len();
    let mut found = wrapper(package, count("records").max(count("releases")), now);
    let mut add = |at: String, own: Vec<Finding>| {
        found.extend(own.into_iter().map(|finding| finding.below(&at)));
    };
    if package.get("records").is_some() {
        for (index, record) in items(&package["records"]).enumerate() {
            add(format!("/records/{index}"), check_record(record, prefix, now));
        }
        return found;
    }
    let mut processes: IndexMap<&str, Vec<(usize, &Value)>> = IndexMap::new();
    for (index, release) in items(&package["releases"]).enumerate() {
        processes.entry(release["ocid"].as_str().unwrap_or_default()).or_default().push((index, release));
    }
    for process in processes.values() {
        let releases: Vec<&Value> = process.iter().map(|(_, release)| *release).collect();
        for ((index, _), own) in process.iter().zip(super::process(&releases, prefix, now)) {
            add(format!("/releases/{index}"), own);
        }
    }
    found
}

pub(super) fn wrapper(package: &Value, count: usize, now: DateTime<Utc>) -> Vec<Finding> {
    let name = match (package.get("records"), package.get("releases")) {
        (Some(_), _) => "records",
        (None, Some(_)) => "releases",
        (None, None) => return vec![error("package", "", json!({"reason": "not-a-package"}))],
    };
    let mut found = schema::validate_wrapper(package, name);
    if package[name].is_array() && count == 0 {
        let params = json!({"field": name, "expected": 1});
        found.push(error("schema-min-items", format!("/{name}"), params));
    }
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
    found
}

/// Whether all the releases of a process are at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// A record: what is not there does not exist.
    Whole,
    /// A package or a list: earlier releases may be somewhere else.
    Unknown,
}

/// Checks each release of a process with those that come before it in date. `known` is what the schema found in each.
pub(super) fn check_process(
    releases: &[&Value],
    mut known: Vec<Vec<Finding>>,
    history: History,
    prefix: Option<&str>,
    now: DateTime<Utc>,
) -> Vec<Vec<Finding>> {
    let mut order: Vec<usize> = (0..releases.len()).collect();
    order.sort_by_key(|index| releases[*index]["date"].as_str());
    let sorted: Vec<&Value> = order.iter().map(|index| releases[*index]).collect();
    let begins = history == History::Whole || sorted.first().is_some_and(|release| is_first(release));
    let mut compiling = Compiling::default();
    for (at, index) in order.into_iter().enumerate() {
        let release = releases[index];
        let found = &mut known[index];
        if sorted[..at].iter().any(|earlier| is_same(earlier, release)) {
            let params = json!({"field": "releases"});
            found.push(error("schema-unique-items", "", params));
        }
        let before = compiling.add(Rules::profile(), release);
        let given = Given { prefix, now, earlier: &sorted[..at] };
        rules(Case::new(release, given, before.as_ref(), compiling.whole(), &mut String::new()), found);
        if !begins {
            found.iter_mut().filter(|finding| needs_history(finding)).for_each(|finding| {
                finding.severity = Severity::Warning;
            });
        }
    }
    known
}

/// Whether two releases are the same. What tells releases apart is looked at first.
fn is_same(a: &Value, b: &Value) -> bool {
    a["id"] == b["id"] && a["date"] == b["date"] && a == b
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

pub(super) fn check_record(record: &Value, prefix: Option<&str>, now: DateTime<Utc>) -> Vec<Finding> {
    let mut found = schema::validate_record(record);
    if is_deeper_than(record, MAX_DEPTH) {
        return found;
    }
    let Some(releases) = record["releases"].as_array() else {
        return found;
    };
    // Linked releases are somewhere else: nothing can be compared.
    if releases.iter().any(|release| release.get("url").is_some()) {
        return found;
    }
    let mut tell = |pointer: String, params: Value| found.push(error("package", pointer, params));
    for (index, release) in releases.iter().enumerate() {
        if release["ocid"] != record["ocid"] {
            let params = json!({"reason": "mixed", "value": release["ocid"], "expected": record["ocid"]});
            tell(format!("/releases/{index}/ocid"), params);
        }
    }
    for (index, pair) in releases.windows(2).enumerate() {
        if pair[0]["date"].as_str() >= pair[1]["date"].as_str() {
            let params = json!({"reason": "order", "value": pair[1]["date"], "expected": pair[0]["date"]});
            tell(format!("/releases/{}", index + 1), params);
        }
    }
    if record.get("compiledRelease").is_none() {
        tell(String::new(), json!({"reason": "missing", "field": "compiledRelease"}));
    }
    let merges = [
        ("compiledRelease", merge::compiled as fn(&Rules, &[Value]) -> _),
        ("versionedRelease", merge::versioned),
    ];
    for (field, merge) in merges {
        let Some(given) = record.get(field) else { continue };
        match merge(Rules::profile(), releases) {
            Ok(merged) if merged.value == *given => {}
            Ok(_) => tell(format!("/{field}"), json!({"reason": "stale", "field": field})),
            Err(_) => tell(format!("/{field}"), json!({"reason": "unmergeable", "field": field})),
        }
    }
    let known = (0..releases.len()).map(|index| located(&mut found, &format!("/releases/{index}"))).collect();
    let releases: Vec<&Value> = releases.iter().collect();
    for (index, own) in check_process(&releases, known, History::Whole, prefix, now).into_iter().enumerate() {
        found.extend(own.into_iter().map(|finding| finding.below(&format!("/releases/{index}"))));
    }
    found
}
