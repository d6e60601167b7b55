//! Physical and financial progress, as percentages (metrics extension).

use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Case, Finding, error, paid};
use crate::tag::items;
use crate::value::{Money, date_time, decimal, id_text};

/// How far, in points, financial progress may be from what was paid: percentages are captured rounded.
const TOLERANCE: Decimal = Decimal::ONE;

/// An observation, with what orders it.
#[derive(Clone, Copy)]
struct Seen<'a> {
    date: Option<DateTime<FixedOffset>>,
    measure: Decimal,
    observation: &'a Value,
}

pub(super) fn check(case: &Case<'_>, pointer: &str, own: &Value, merged: &Value, found: &mut Vec<Finding>) {
    ranges(pointer, own, found);
    falls(case, pointer, own, found);
    disagrees(pointer, own, merged, found);
}

fn ranges(pointer: &str, contract: &Value, found: &mut Vec<Finding>) {
    for (place, list) in [
        ("agreedMetrics", &contract["agreedMetrics"]),
        ("implementation/metrics", &contract["implementation"]["metrics"]),
    ] {
        for (at, metric) in items(list).enumerate() {
            for (nth, observation) in items(&metric["observations"]).enumerate() {
                let percent = observation["unit"]["name"] == "%";
                let Some(measure) = decimal(&observation["measure"]).filter(|_| percent) else {
                    continue;
                };
                if measure < Decimal::ZERO || measure > Decimal::ONE_HUNDRED {
                    let params = json!({"reason": "percent-range", "field": "measure", "value": observation["measure"]});
                    found.push(error(
                        "amounts",
                        format!("{pointer}/{place}/{at}/observations/{nth}"),
                        params,
                    ));
                }
            }
        }
    }
}

/// Physical progress below what stood before, without `notes`.
fn falls(case: &Case<'_>, pointer: &str, own: &Value, found: &mut Vec<Finding>) {
    let nothing = Value::Null;
    let before = case.was(pointer).unwrap_or(&nothing);
    let mut earlier = seen(before, "physicalProgress");
    for (at, metric) in items(&own["implementation"]["metrics"]).enumerate() {
        if id_text(metric.get("id")).as_deref() != Some("physicalProgress") {
            continue;
        }
        let mut now: Vec<(usize, Seen<'_>)> = items(&metric["observations"])
            .enumerate()
            .filter_map(|(nth, observation)| Some((nth, read(observation)?)))
            .collect();
        now.sort_by_key(|(_, seen)| seen.date);
        for (nth, observation) in now {
            let previous = earlier
                .iter()
                .rev()
                .filter(|seen| seen.date <= observation.date)
                .max_by_key(|seen| seen.date);
            let explained =
                observation.observation["notes"].as_str().is_some_and(|notes| !notes.trim().is_empty());
            if let Some(previous) =
                previous.filter(|previous| previous.measure > observation.measure && !explained)
            {
                let params = json!({"reason": "progress-falls", "field": "measure",
                    "value": observation.observation["measure"], "expected": previous.observation["measure"],
                    "date": previous.observation["period"]["endDate"]});
                let pointer = format!("{pointer}/implementation/metrics/{at}/observations/{nth}");
                found.push(error("amounts", pointer, params));
            }
            earlier.push(observation);
        }
    }
}

/// The latest financial progress against payments, when the release measures it. A payment alone contradicts nothing:
/// the progress told before is that of its own day.
fn disagrees(pointer: &str, own: &Value, merged: &Value, found: &mut Vec<Finding>) {
    let touched = items(&own["implementation"]["metrics"])
        .position(|metric| id_text(metric.get("id")).as_deref() == Some("financialProgress"));
    let Some(at) = touched else { return };
    let Some(value) = Money::read(&merged["value"]).filter(|value| value.amount > Decimal::ZERO) else {
        return;
    };
    let Some(paid) = paid(merged).get(&value.currency).copied() else {
        return;
    };
    let latest = seen(merged, "financialProgress").into_iter().max_by_key(|seen| seen.date);
    let (Some(latest), Some(expected)) = (latest, paid.checked_mul(Decimal::ONE_HUNDRED)) else {
        return;
    };
    let expected = expected / value.amount;
    if (latest.measure - expected).abs() > TOLERANCE {
        let params = json!({"reason": "progress-disagrees", "field": "measure",
            "value": latest.observation["measure"], "expected": expected.round_dp(2)});
        found.push(error("amounts", format!("{pointer}/implementation/metrics/{at}"), params));
    }
}

/// The observations of a metric of a contract's implementation, in percent.
fn seen<'a>(contract: &'a Value, metric: &str) -> Vec<Seen<'a>> {
    items(&contract["implementation"]["metrics"])
        .filter(|candidate| id_text(candidate.get("id")).as_deref() == Some(metric))
        .flat_map(|metric| items(&metric["observations"]))
        .filter_map(read)
        .collect()
}

fn read(observation: &Value) -> Option<Seen<'_>> {
    let measure = decimal(&observation["measure"])?;
    let date = observation["period"]["endDate"].as_str().and_then(date_time);
    Some(Seen { date, measure, observation })
}
