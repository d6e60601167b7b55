//! `tag-matches-sections`: tags say what the release contributes.

use serde_json::{Value, json};

use super::{Case, Finding, error};
use crate::tag::{self, Section};

/// `no-section` (the release has nothing of what the tag says) · `needs-earlier` (an update of nothing) ·
/// `already-there` (a first time that is not the first) · `no-amendment` · `no-status` · `not-for-releases` ·
/// `missing` (a section that appears for the first time has no tag)
pub(super) const REASONS: &[&str] = &[
    "no-section",
    "needs-earlier",
    "already-there",
    "no-amendment",
    "no-status",
    "not-for-releases",
    "missing",
];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let nothing = Value::Null;
    let before = case.before.unwrap_or(&nothing);
    let derived = tag::derive(case.release, case.before);
    let mut found = Vec::new();
    let tags: Vec<&str> = tag::items(&case.release["tag"]).filter_map(Value::as_str).collect();
    for (index, tag) in tags.iter().enumerate() {
        if let Some(reason) = fault(tag, case.release, before, &derived) {
            let params = json!({"reason": reason, "value": tag, "expected": derived});
            found.push(error("tag-matches-sections", format!("/tag/{index}"), params));
        }
    }
    // An amendment, cancellation or ending also speaks for its section.
    let speaks_for = |section: Section| tags.iter().any(|tag| tag.starts_with(section.tag()));
    for section in Section::ALL {
        if section.is_in(case.release) && !section.is_in(before) && !speaks_for(section) {
            let params = json!({"reason": "missing", "value": section.tag(), "expected": derived});
            found.push(error("tag-matches-sections", "/tag", params));
        }
    }
    found
}

fn fault(tag: &str, release: &Value, before: &Value, derived: &[String]) -> Option<&'static str> {
    if tag == "compiled" {
        return Some("not-for-releases");
    }
    if derived.iter().any(|expected| expected == tag) {
        return None;
    }
    let section = Section::ALL.into_iter().find(|section| tag.starts_with(section.tag()))?;
    let first_time = tag == section.tag();
    // A contract that only names itself can still be said to end, or to be amended earlier: other reasons tell.
    let is_named = section == Section::Contract && tag::items(&release["contracts"]).next().is_some();
    if !section.is_in(release) && (first_time || !is_named) {
        return Some("no-section");
    }
    if first_time {
        return section.is_in(before).then_some("already-there");
    }
    if tag.ends_with("Amendment") && !has_amendment(section, release) {
        return Some("no-amendment");
    }
    if tag.ends_with("Cancellation") || tag == "contractTermination" {
        return Some("no-status");
    }
    (!section.is_in(before)).then_some("needs-earlier")
}

/// Whether the release has an amendment of the section, new or told again.
fn has_amendment(section: Section, release: &Value) -> bool {
    let amended = |object: &Value| tag::items(&object["amendments"]).next().is_some();
    match section {
        Section::Tender => amended(&release["tender"]),
        Section::Contract => tag::items(&release["contracts"]).any(amended),
        _ => false,
    }
}
