//! `dates`: plausible years, periods that end after they begin, and nothing that has happened before it did.

use chrono::{DateTime, Datelike, FixedOffset};
use serde_json::{Value, json};

use super::{Case, Finding, error};
use crate::schema::shape::Object;
use crate::value::date_time;

/// `year` (1990–2049) · `end-before-start` · `not-met` (`dateMet` without a status that says so) · `after-release`
/// (something that has happened, dated after the release) · `not-reviewed` (a change that keeps or lowers
/// `dateModified`)
pub(super) const REASONS: &[&str] = &["year", "end-before-start", "not-met", "after-release", "not-reviewed"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let release_date = read(case.release.get("date"));
    for field in &case.walk.fields {
        // The schema tells what is no date.
        let Some(date) = field.property.filter(|property| property.is_date).and(read(Some(field.value)))
        else {
            continue;
        };
        let mut tell = |reason: &str, expected: Value| {
            let params =
                json!({"reason": reason, "field": field.name, "value": field.value, "expected": expected});
            found.push(error("dates", field.pointer, params));
        };
        if !(1990..2050).contains(&date.year()) {
            tell("year", json!([1990, 2049]));
        } else if let Some(release) = release_date
            && has_happened(field.within, field.name, field.pointer)
            // A day known without its hour is often written as the end of that day: days are compared, where it happened.
            && date.date_naive() > release.with_timezone(date.offset()).date_naive()
        {
            tell("after-release", case.release["date"].clone());
        }
    }
    for period in case.objects("Period") {
        let merged = case.is(period.pointer).unwrap_or(period.value);
        let (start, end) = (read(merged.get("startDate")), read(merged.get("endDate")));
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            let params = json!({"reason": "end-before-start", "field": "endDate", "value": merged["endDate"], "expected": merged["startDate"]});
            found.push(error("dates", period.pointer, params));
        }
    }
    for milestone in case.objects("Milestone") {
        check_milestone(case, milestone, &mut found);
    }
    for document in case.objects("Document") {
        reviewed(case, document, &[], &mut found);
    }
    found
}

fn check_milestone(case: &Case<'_>, milestone: &Object<'_>, found: &mut Vec<Finding>) {
    let merged = case.is(milestone.pointer).unwrap_or(milestone.value);
    if merged["dateMet"].is_string() && !matches!(merged["status"].as_str(), Some("met" | "partiallyMet")) {
        let params = json!({"reason": "not-met", "field": "dateMet", "value": merged["dateMet"], "status": merged["status"]});
        found.push(error("dates", milestone.pointer, params));
    }
    reviewed(case, milestone, &["status", "dateMet", "dueDate"], found);
}

/// Whether `dateModified` advances with the changes to the fields that a review decides.
fn reviewed(case: &Case<'_>, object: &Object<'_>, decided: &[&str], found: &mut Vec<Finding>) {
    let Some(was) = case.was(object.pointer) else {
        return;
    };
    let Some(before) = read(was.get("dateModified")) else {
        return;
    };
    let now = read(object.fields.get("dateModified"));
    let changed = decided
        .iter()
        .any(|name| object.fields.get(*name).is_some_and(|value| Some(value) != was.get(*name)));
    let at_fault = match now {
        Some(now) => now < before || (changed && now == before),
        None => changed && object.fields.get("dateModified").is_none(),
    };
    if at_fault {
        let params = json!({"reason": "not-reviewed", "field": "dateModified",
            "value": object.value["dateModified"], "expected": was["dateModified"]});
        found.push(error("dates", object.pointer, params));
    }
}

/// Fields that only speak of the past.
fn has_happened(within: &str, name: &str, pointer: &str) -> bool {
    match name {
        "dateMet" | "dateSigned" | "dateModified" | "datePublished" => true,
        "date" => matches!(within, "Transaction" | "Award" | "Amendment"),
        // A measure of progress is taken on a visit; planned measures (agreedMetrics) are of the future.
        "endDate" => pointer.contains("/implementation/metrics/"),
        _ => false,
    }
}

fn read(value: Option<&Value>) -> Option<DateTime<FixedOffset>> {
    date_time(value?.as_str()?)
}
