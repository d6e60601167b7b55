//! Where a process, and a project, stand: `contractingProcessStatus` and `projectStatus`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use std::borrow::Cow;

use super::Process;
use crate::tag::items;
use crate::value::{date_time, id_text};

const ENDED_TENDER: &[&str] = &["cancelled", "unsuccessful", "withdrawn"];

/// The status of a contracting process (OC4IDS codelist `contractingProcessStatus`): `pre-award`, `active` or
/// `closed`; `None` where what is known meets the conditions of none of them, such as an active award without a
/// contract and without a period.
///
/// The conditions of the codelist overlap: a contract that was terminated early ended, although its period goes on.
/// They are asked in an order in which what is said (a status) comes before what follows from a date: an active
/// contract; an ending of the tender, of all awards or of all contracts; what has not been awarded yet; periods.
///
/// ```
/// let now = "2026-05-01T00:00:00Z".parse().unwrap();
/// let compiled = serde_json::json!({"contracts": [{"id": "1", "status": "active"}]});
/// assert_eq!(ocds::oc4ids::status(&compiled, now), Some("active"));
/// ```
pub fn status(compiled: &Value, now: DateTime<Utc>) -> Option<&'static str> {
    let (awards, contracts) = (&compiled["awards"], &compiled["contracts"]);
    if items(contracts).any(|contract| is(contract, &["active"])) {
        return Some("active");
    }
    if is(&compiled["tender"], ENDED_TENDER)
        || all(awards, &["cancelled", "unsuccessful"])
        || all(contracts, &["terminated", "cancelled"])
    {
        return Some("closed");
    }
    let none = items(awards).chain(items(contracts)).next().is_none();
    let pending = items(awards).chain(items(contracts)).all(|one| is(one, &["pending"]));
    if none || pending || awarded_later(compiled, now) {
        return Some("pre-award");
    }
    let periods = periods(compiled);
    if periods.iter().any(|period| includes(period, now)) {
        return Some("active");
    }
    let past = |period: &&Value| date(&period["endDate"]).is_some_and(|end| end < now);
    (!periods.is_empty() && periods.iter().all(past)).then_some("closed")
}

/// The contracts that were not cancelled: a contract that was captured by mistake is published as cancelled.
pub(super) fn standing(compiled: &Value) -> impl Iterator<Item = &Value> {
    items(&compiled["contracts"]).filter(|contract| !is(contract, &["cancelled"]))
}

/// Whether there are contracts, and all of them have ended.
pub(super) fn all_ended(compiled: &Value, now: DateTime<Utc>) -> bool {
    let mut contracts = standing(compiled).peekable();
    contracts.peek().is_some() && contracts.all(|contract| has_ended(contract, now))
}

/// Whether a project was completed: contracts were made, all of them have ended, and no process goes on.
pub(super) fn is_completed(processes: &[Process<'_>], now: DateTime<Utc>) -> bool {
    let over = |process: &Process<'_>| {
        all_ended(process.compiled, now) || status(process.compiled, now) == Some("closed")
    };
    processes.iter().all(over) && processes.iter().any(|process| all_ended(process.compiled, now))
}

/// The phase of a project, from what was published of its processes. To OC4IDS, implementation starts with the
/// procurement. Never `cancelled`: a tender that is cancelled is often repeated, and only its owner knows.
pub(super) fn of_project(processes: &[Process<'_>], now: DateTime<Utc>) -> Option<&'static str> {
    let any =
        |condition: &dyn Fn(&Value) -> bool| processes.iter().any(|process| condition(process.compiled));
    if processes.is_empty() {
        None
    } else if is_completed(processes, now) {
        Some("completion")
    } else if any(&|compiled| {
        is(&compiled["tender"], &["active", "complete"])
            || items(&compiled["awards"]).chain(items(&compiled["contracts"])).next().is_some()
    }) {
        Some("implementation")
    } else if any(&|compiled| compiled["tender"].is_object() && !is(&compiled["tender"], ENDED_TENDER)) {
        Some("preparation")
    } else {
        any(&|compiled| compiled["tender"].is_null()).then_some("identification")
    }
}

/// Whether an object has one of some statuses.
pub(super) fn is(object: &Value, statuses: &[&str]) -> bool {
    object["status"].as_str().is_some_and(|status| statuses.contains(&status))
}

fn all(list: &Value, statuses: &[&str]) -> bool {
    items(list).next().is_some() && items(list).all(|one| is(one, statuses))
}

fn has_ended(contract: &Value, now: DateTime<Utc>) -> bool {
    is(contract, &["terminated"])
        || is(&contract["implementation"], &["concluded"])
        || date(&contract["implementation"]["endDate"]).is_some_and(|end| end <= now)
}

/// Whether there are awards, and the date of each (or else the award period) is in the future.
fn awarded_later(compiled: &Value, now: DateTime<Utc>) -> bool {
    let period = &compiled["tender"]["awardPeriod"];
    let planned = date(&period["startDate"]).or_else(|| date(&period["endDate"]));
    let later = |award: &Value| date(&award["date"]).or(planned).is_some_and(|date| date > now);
    let awards = &compiled["awards"];
    items(awards).next().is_some() && items(awards).all(later)
}

/// The period of each contract that has not ended, or of each award if there are no contracts: of the contract, else
/// of its award, else of the tender.
fn periods(compiled: &Value) -> Vec<&Value> {
    let has_dates =
        |period: &&Value| date(&period["startDate"]).or_else(|| date(&period["endDate"])).is_some();
    let tender = Some(&compiled["tender"]["contractPeriod"]);
    let awards = || items(&compiled["awards"]).filter(|award| !is(award, &["cancelled", "unsuccessful"]));
    let mut found = Vec::new();
    if items(&compiled["contracts"]).next().is_some() {
        for contract in standing(compiled).filter(|contract| !is(contract, &["terminated"])) {
            let id = id_text(contract.get("awardID")).map(Cow::into_owned);
            let award =
                awards().find(|award| id.is_some() && id_text(award.get("id")).map(Cow::into_owned) == id);
            let of_award = award.map(|award| &award["contractPeriod"]).filter(has_dates);
            found.extend(Some(&contract["period"]).filter(has_dates).or(of_award).or(tender));
        }
    } else {
        found
            .extend(awards().filter_map(|award| Some(&award["contractPeriod"]).filter(has_dates).or(tender)));
    }
    found.retain(has_dates);
    found
}

fn includes(period: &Value, now: DateTime<Utc>) -> bool {
    date(&period["startDate"]).is_none_or(|start| start <= now)
        && date(&period["endDate"]).is_none_or(|end| end >= now)
}

pub(super) fn date(value: &Value) -> Option<DateTime<Utc>> {
    Some(date_time(value.as_str()?)?.with_timezone(&Utc))
}
