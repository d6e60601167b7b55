//! `release-date-increasing`: release dates are UTC, later than every earlier release, and not in the future.

use chrono::Utc;
use serde_json::json;

use super::{Case, Finding, error};
use crate::value::date_time;

/// `not-utc` · `not-after` · `future`
pub(super) const REASONS: &[&str] = &["not-utc", "not-after", "future"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(text) = case.release["date"].as_str() else {
        return Vec::new();
    };
    // The schema tells what is no date.
    let Some(date) = date_time(text) else {
        return Vec::new();
    };
    let finding = |reason: &str, expected: &str| {
        vec![error(
            "release-date-increasing",
            "/date",
            json!({"reason": reason, "value": text, "expected": expected}),
        )]
    };
    if !text.ends_with('Z') {
        let utc = date.with_timezone(&Utc).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        return finding("not-utc", &utc);
    }
    if date > case.ctx.now {
        return finding("future", &case.ctx.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    }
    // Merging orders by text, readers by instant: both must increase.
    let latest = case.ctx.earlier.iter().filter_map(|release| release["date"].as_str()).max();
    match latest {
        Some(latest) if text <= latest || date_time(latest).is_some_and(|latest| date <= latest) => {
            finding("not-after", latest)
        }
        _ => Vec::new(),
    }
}
