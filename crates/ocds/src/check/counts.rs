//! `counts` (warning): a number that says how many is how many there are.

use serde_json::{Value, json};

use super::quality::says;
use super::{Case, Finding, warning};
use crate::value::date_time;

/// `tenderers` (`numberOfTenderers` is not the length of `tenderers`) · `duration` (`durationInDays` is not what lies
/// between the dates)
pub(super) const REASONS: &[&str] = &["tenderers", "duration"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let tender = &case.after["tender"];
    if let (Some(number), Some(tenderers)) =
        (tender["numberOfTenderers"].as_u64(), tender["tenderers"].as_array())
        && tenderers.len() as u64 != number
        && says(case, "/tender", &["numberOfTenderers", "tenderers"])
    {
        let params = json!({"reason": "tenderers", "field": "numberOfTenderers", "value": number,
            "expected": tenderers.len()});
        found.push(warning("counts", "/tender/numberOfTenderers", params));
    }
    for period in case.objects("Period") {
        let merged = case.is(period.pointer).unwrap_or(period.value);
        let Some(told) = merged["durationInDays"].as_i64() else {
            continue;
        };
        let Some(days) = days(merged) else { continue };
        // Both days are counted in a contract, and only what lies between them by the standard.
        if days.abs_diff(told) > 1
            && says(case, period.pointer, &["durationInDays", "startDate", "endDate", "maxExtentDate"])
        {
            let params =
                json!({"reason": "duration", "field": "durationInDays", "value": told, "expected": days});
            found.push(warning("counts", period.pointer, params));
        }
    }
    found
}

/// Days from the start of a period to its end, or to its latest possible end if it has no other.
fn days(period: &Value) -> Option<i64> {
    let read = |field: &str| date_time(period[field].as_str()?);
    let (start, end) = (read("startDate")?, read("endDate").or_else(|| read("maxExtentDate"))?);
    Some(end.signed_duration_since(start).num_days())
}
