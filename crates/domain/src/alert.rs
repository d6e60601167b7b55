//! What is late, or about to be, and why. Pure: the device lists it without a network and the central endpoint counts
//! it for the coordination, from the same functions, so that both say the same of the same day.
//!
//! Two steps: [`Facts`] is what a project says whatever day it is, small enough to be kept beside the project;
//! [`Facts::alerts`] asks it about a day. A list of thousands reads no compiled release.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ts_rs::TS;

use crate::entry::json_number;
use crate::follow_up::{FollowUpState, Percent, Progress, Stage, State};
use crate::project::ProjectState;

/// From when on something is said. Configuration of the endpoint, which reaches devices with the municipality's card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Thresholds {
    /// Days without a follow-up that are still in order.
    pub follow_up_days: u32,
    /// Days before its end from which a contract is said to be ending.
    pub contract_days: u32,
    /// Points by which physical progress may be below what was planned.
    pub behind_points: u32,
    /// Points by which payments may be ahead of physical progress: an advance payment is no alarm.
    pub paid_points: u32,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { follow_up_days: 30, contract_days: 15, behind_points: 10, paid_points: 10 }
    }
}

impl Thresholds {
    /// Whether nobody configured them.
    pub fn are_those_it_comes_with(&self) -> bool {
        *self == Thresholds::default()
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The due date of a milestone passed and it is not met.
    MilestoneOverdue,
    /// The period of an active contract ended before its works did.
    ContractOverdue,
    /// Physical progress is below what was planned by more than the threshold.
    BehindPlan,
    /// Payments are ahead of physical progress by more than the threshold.
    PaidAhead,
    /// At 100 %, and no acta de entrega-recepción.
    HandoverMissing,
    /// At 100 %, and no finiquito.
    SettlementMissing,
    /// No follow-up in more days than the threshold.
    NoFollowUp,
    /// An active contract ends within the threshold.
    ContractEnding,
}

impl AlertKind {
    /// Every kind, as the snapshot of the wire lists them.
    pub const ALL: [AlertKind; 8] = [
        AlertKind::MilestoneOverdue,
        AlertKind::ContractOverdue,
        AlertKind::BehindPlan,
        AlertKind::PaidAhead,
        AlertKind::HandoverMissing,
        AlertKind::SettlementMissing,
        AlertKind::NoFollowUp,
        AlertKind::ContractEnding,
    ];

    /// The light that it turns on.
    pub fn light(self) -> Light {
        match self {
            AlertKind::NoFollowUp => Light::Silent,
            AlertKind::ContractEnding => Light::Soon,
            _ => Light::Late,
        }
    }
}

/// The semáforo of a project, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// Atrasado.
    Late,
    /// Sin seguimiento.
    Silent,
    /// Por vencer.
    Soon,
    /// Al corriente.
    Ok,
}

impl Light {
    /// Worst first.
    pub const ALL: [Light; 4] = [Light::Late, Light::Silent, Light::Soon, Light::Ok];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Light::Late => "late",
            Light::Silent => "silent",
            Light::Soon => "soon",
            Light::Ok => "ok",
        }
    }
}

/// One alert with its cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// Process, where there is one.
    pub ocid: String,
    /// Where in its compiled release (JSON Pointer); blank when it is about the project as a whole.
    pub pointer: String,
    /// Days that it has been so; of what is about to end, the days that are left.
    pub days: i64,
    /// Values of the cause, for the sentence.
    #[ts(type = "Record<string, any>")]
    pub params: BTreeMap<String, Value>,
}

impl Alert {
    /// Sorts by urgency: worst light first; then what has been so the longest, or ends the soonest.
    pub fn urgency(&self) -> (Light, i64) {
        let light = self.kind.light();
        (light, if light == Light::Soon { self.days } else { -self.days })
    }
}

/// The light of a project with these alerts.
pub fn light(alerts: &[Alert]) -> Light {
    alerts.iter().map(|alert| alert.kind.light()).min().unwrap_or(Light::Ok)
}

/// A follow-up as far as alerts need it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visit {
    /// Day of the visit; of the capture where none was said.
    pub on: NaiveDate,
    /// Its figures.
    pub progress: Progress,
}

impl Visit {
    /// Of a follow-up that the endpoint knows; none when it does not count: it was refused, or taken back.
    pub fn of(state: &FollowUpState, offset_minutes: i32) -> Option<Visit> {
        let counts = !matches!(state.state, State::Rejected | State::Withdrawn | State::Superseded);
        counts.then(|| Visit {
            on: state.visited_on.unwrap_or_else(|| crate::release::today(state.captured_at, offset_minutes)),
            progress: state.progress.unwrap_or_default(),
        })
    }
}

/// What a project says whatever day it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// Stage that it reached.
    pub stage: Option<Stage>,
    /// Nothing more is expected: closed, or without a contract that could go on.
    pub ended: bool,
    /// Day of the last follow-up.
    pub last: Option<NaiveDate>,
    /// Day from which a first one is waited for.
    pub since: Option<NaiveDate>,
    /// Latest figures.
    pub physical: Option<Percent>,
    /// Latest reported financial progress.
    pub financial: Option<Percent>,
    /// Day of those figures.
    pub figures_on: Option<NaiveDate>,
    /// First day known at 100 %.
    pub whole_on: Option<NaiveDate>,
    processes: Vec<Process>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Process {
    ocid: String,
    milestones: Vec<Due>,
    contracts: Vec<Due>,
    /// Paid of what was contracted, percent.
    paid: Option<Decimal>,
    handover: bool,
    settlement: bool,
    /// Has a contract that counts.
    contracted: bool,
}

/// Something with a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Due {
    pointer: String,
    title: String,
    on: NaiveDate,
}

/// Documents that tell of the handover of the works: Mexico's, and core OCDS's.
const HANDOVER: [&str; 2] = ["physicalReception", "completionCertificate"];
const SETTLEMENT: [&str; 1] = ["settlement"];

/// The alerts of a project on a day.
pub fn alerts(
    project: &ProjectState,
    follow_ups: &[FollowUpState],
    today: NaiveDate,
    offset_minutes: i32,
    thresholds: &Thresholds,
) -> Vec<Alert> {
    let visits: Vec<Visit> = follow_ups.iter().filter_map(|state| Visit::of(state, offset_minutes)).collect();
    Facts::of(project, &visits, offset_minutes).alerts(today, thresholds)
}

impl Facts {
    /// Reads them out of a project and its follow-ups. `offset_minutes` is that of the municipality's legal time.
    pub fn of(project: &ProjectState, visits: &[Visit], offset_minutes: i32) -> Facts {
        let mut facts = Facts::default();
        let accepted = project.progress.as_ref().map(|latest| Visit {
            on: latest
                .visited_on
                .unwrap_or_else(|| crate::release::today(latest.accepted_at, offset_minutes)),
            progress: latest.progress,
        });
        facts.see(accepted.iter().chain(visits));
        let whole = facts.is_whole();
        let mut first = None;
        let (mut open, mut settled, mut any, mut failed) = (false, true, false, false);
        for process in &project.processes {
            let compiled = &process.compiled;
            let read = Process::of(&process.ocid, compiled, offset_minutes);
            let statuses: Vec<&str> = items(&compiled["contracts"])
                .map(|(_, c)| c["status"].as_str().unwrap_or("active"))
                .collect();
            any |= !statuses.is_empty();
            open |= statuses.iter().any(|status| !matches!(*status, "cancelled" | "terminated"));
            settled &= read.handover && read.settlement;
            failed |= matches!(
                compiled["tender"]["status"].as_str(),
                Some("cancelled" | "unsuccessful" | "withdrawn")
            );
            let date = day(&compiled["date"], offset_minutes);
            first = first.into_iter().chain(date).min();
            facts.stage = facts.stage.max(stage_of(compiled));
            facts.processes.push(read);
        }
        facts.since = first;
        let closed = any && (!open || whole && settled);
        facts.ended = closed || (!any && failed);
        if closed {
            facts.stage = Some(Stage::Closure);
        }
        facts
    }

    /// Takes in the follow-ups: the last day, the latest figures, and since when the works are whole.
    fn see<'a>(&mut self, visits: impl Iterator<Item = &'a Visit>) {
        let (mut physical_on, mut financial_on) = (None, None);
        for visit in visits {
            self.last = self.last.max(Some(visit.on));
            let figure = |value: Option<Percent>| value.filter(|value| value.actual.is_some());
            if let Some(value) = figure(visit.progress.physical)
                && physical_on <= Some(visit.on)
            {
                (self.physical, physical_on) = (Some(value), Some(visit.on));
            }
            if let Some(value) = figure(visit.progress.financial)
                && financial_on <= Some(visit.on)
            {
                (self.financial, financial_on) = (Some(value), Some(visit.on));
            }
            let whole = visit.progress.physical.and_then(|value| value.actual);
            if whole.is_some_and(|actual| actual >= Decimal::ONE_HUNDRED) {
                self.whole_on = Some(self.whole_on.map_or(visit.on, |before| before.min(visit.on)));
            }
        }
        self.figures_on = physical_on.max(financial_on);
    }

    fn actual(&self) -> Option<Decimal> {
        self.physical.and_then(|value| value.actual)
    }

    fn is_whole(&self) -> bool {
        self.actual().is_some_and(|actual| actual >= Decimal::ONE_HUNDRED)
    }

    /// The alerts on a day, most urgent first.
    pub fn alerts(&self, today: NaiveDate, thresholds: &Thresholds) -> Vec<Alert> {
        let mut found = Vec::new();
        let whole = self.is_whole();
        for process in &self.processes {
            process.dues(today, whole, thresholds, &mut found);
            if whole && process.contracted {
                self.papers(process, today, &mut found);
            }
        }
        if !self.ended && !whole {
            self.silence(today, thresholds, &mut found);
        }
        self.figures(today, thresholds, &mut found);
        found.sort_by_key(Alert::urgency);
        found
    }

    fn silence(&self, today: NaiveDate, thresholds: &Thresholds, found: &mut Vec<Alert>) {
        let Some(from) = self.last.or(self.since) else { return };
        let days = (today - from).num_days();
        if days > i64::from(thresholds.follow_up_days) {
            let params = [("last", json!(self.last)), ("limit", json!(thresholds.follow_up_days))];
            found.push(alert(AlertKind::NoFollowUp, "", String::new(), days, params));
        }
    }

    fn figures(&self, today: NaiveDate, thresholds: &Thresholds, found: &mut Vec<Alert>) {
        let (Some(actual), Some(on)) = (self.actual(), self.figures_on) else { return };
        let days = (today - on).num_days().max(0);
        let planned = self.physical.and_then(|value| value.planned);
        if let Some(planned) = planned
            && planned - actual > Decimal::from(thresholds.behind_points)
        {
            let params = [
                ("planned", number(planned)),
                ("actual", number(actual)),
                ("points", number(planned - actual)),
            ];
            found.push(alert(AlertKind::BehindPlan, "", String::new(), days, params));
        }
        // What was paid, where payments are known; else what was reported of it.
        let paid = self.processes.iter().filter_map(|process| Some((process.paid?, &process.ocid))).max();
        let reported = self.financial.and_then(|value| value.actual);
        let (paid, ocid) = match (paid, reported) {
            (Some((paid, ocid)), _) => (paid, ocid.as_str()),
            (None, Some(reported)) => (reported, ""),
            (None, None) => return,
        };
        if paid - actual > Decimal::from(thresholds.paid_points) {
            let params =
                [("paid", number(paid)), ("actual", number(actual)), ("points", number(paid - actual))];
            let pointer = if ocid.is_empty() { "" } else { "/contracts" };
            found.push(alert(AlertKind::PaidAhead, ocid, pointer.to_owned(), days, params));
        }
    }

    fn papers(&self, process: &Process, today: NaiveDate, found: &mut Vec<Alert>) {
        let on = self.whole_on.or(self.figures_on).unwrap_or(today);
        let days = (today - on).num_days().max(0);
        for (there, kind) in [
            (process.handover, AlertKind::HandoverMissing),
            (process.settlement, AlertKind::SettlementMissing),
        ] {
            if !there {
                found.push(alert(kind, &process.ocid, "/contracts".to_owned(), days, [("on", json!(on))]));
            }
        }
    }
}

impl Process {
    fn of(ocid: &str, compiled: &Value, offset_minutes: i32) -> Process {
        let mut read = Process { ocid: ocid.to_owned(), ..Process::default() };
        read.milestones(&compiled["planning"], "/planning", offset_minutes);
        read.milestones(&compiled["tender"], "/tender", offset_minutes);
        read.papers(&compiled["planning"]);
        read.papers(&compiled["tender"]);
        for (_, award) in items(&compiled["awards"]) {
            read.papers(award);
        }
        let (mut value, mut spent) = (Decimal::ZERO, None);
        for (at, contract) in items(&compiled["contracts"]) {
            let pointer = format!("/contracts/{at}");
            let implementation = &contract["implementation"];
            // Papers of a contract that was ended count: it may be the one that was finished.
            read.papers(contract);
            read.papers(implementation);
            let status = contract["status"].as_str().unwrap_or("active");
            if status == "cancelled" {
                continue;
            }
            read.contracted = true;
            let award = items(&compiled["awards"])
                .find(|(_, award)| award["id"] == contract["awardID"] && !award["id"].is_null());
            let own = contract["value"].as_object().is_some();
            let worth = if own {
                &contract["value"]
            } else {
                award.map_or(&Value::Null, |(_, award)| &award["value"])
            };
            value += amount(worth).unwrap_or_default();
            for (_, transaction) in items(&implementation["transactions"]) {
                // Amounts in another currency cannot be added; what cannot be known is not said.
                if transaction["value"]["currency"] == worth["currency"]
                    && let Some(amount) = amount(&transaction["value"])
                {
                    spent = Some(spent.unwrap_or(Decimal::ZERO) + amount);
                }
            }
            if status == "terminated" {
                continue;
            }
            read.milestones(contract, &pointer, offset_minutes);
            read.milestones(implementation, &format!("{pointer}/implementation"), offset_minutes);
            if let Some(on) = day(&contract["period"]["endDate"], offset_minutes) {
                let title = named(contract);
                read.contracts.push(Due { pointer: format!("{pointer}/period/endDate"), title, on });
            }
        }
        read.paid = spent
            .filter(|_| value > Decimal::ZERO)
            .map(|spent| (spent * Decimal::ONE_HUNDRED / value).round_dp(1));
        read
    }

    fn milestones(&mut self, holder: &Value, pointer: &str, offset_minutes: i32) {
        for (at, milestone) in items(&holder["milestones"]) {
            let met = milestone["status"] == "met" || milestone["dateMet"].is_string();
            if !met && let Some(on) = day(&milestone["dueDate"], offset_minutes) {
                let pointer = format!("{pointer}/milestones/{at}");
                self.milestones.push(Due { pointer, title: named(milestone), on });
            }
        }
    }

    fn papers(&mut self, holder: &Value) {
        for (_, document) in items(&holder["documents"]) {
            let kind = document["documentType"].as_str().unwrap_or_default();
            self.handover |= HANDOVER.contains(&kind);
            self.settlement |= SETTLEMENT.contains(&kind);
        }
    }

    fn dues(&self, today: NaiveDate, whole: bool, thresholds: &Thresholds, found: &mut Vec<Alert>) {
        let due = |kind, due: &Due, days| {
            let params = [("title", json!(due.title)), ("on", json!(due.on))];
            alert(kind, &self.ocid, due.pointer.clone(), days, params)
        };
        for milestone in self.milestones.iter().filter(|milestone| milestone.on < today) {
            found.push(due(AlertKind::MilestoneOverdue, milestone, (today - milestone.on).num_days()));
        }
        // Works that are done have no deadline any more.
        for contract in self.contracts.iter().filter(|_| !whole) {
            let left = (contract.on - today).num_days();
            if left < 0 {
                found.push(due(AlertKind::ContractOverdue, contract, -left));
            } else if left <= i64::from(thresholds.contract_days) {
                found.push(due(AlertKind::ContractEnding, contract, left));
            }
        }
    }
}

fn alert<const N: usize>(
    kind: AlertKind,
    ocid: &str,
    pointer: String,
    days: i64,
    params: [(&str, Value); N],
) -> Alert {
    let params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Alert { kind, ocid: ocid.to_owned(), pointer, days, params }
}

fn number(value: Decimal) -> Value {
    Value::Number(json_number(value))
}

/// The furthest stage that a compiled release tells of.
fn stage_of(compiled: &Value) -> Option<Stage> {
    let has = |key: &str| match &compiled[key] {
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        _ => false,
    };
    let running = items(&compiled["contracts"])
        .any(|(_, contract)| contract["implementation"].as_object().is_some_and(|object| !object.is_empty()));
    Some(if running {
        Stage::Implementation
    } else if has("contracts") {
        Stage::Contract
    } else if has("awards") {
        Stage::Award
    } else if has("tender") {
        Stage::Tender
    } else {
        Stage::Planning
    })
}

fn items(list: &Value) -> impl Iterator<Item = (usize, &Value)> {
    list.as_array().into_iter().flatten().enumerate()
}

fn named(item: &Value) -> String {
    let text = |key: &str| item[key].as_str().filter(|text| !text.is_empty());
    text("title").or_else(|| text("id")).unwrap_or_default().to_owned()
}

fn amount(value: &Value) -> Option<Decimal> {
    value["amount"].as_number().and_then(|number| number.to_string().parse().ok())
}

/// A day out of a date-time, as the municipality counts days; also out of a plain date.
fn day(value: &Value, offset_minutes: i32) -> Option<NaiveDate> {
    let text = value.as_str()?;
    if let Ok(at) = DateTime::<FixedOffset>::parse_from_rfc3339(text) {
        return Some(crate::release::today(at.with_timezone(&Utc), offset_minutes));
    }
    text.get(..10)?.parse().ok()
}
