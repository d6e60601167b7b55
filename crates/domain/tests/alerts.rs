//! Each alert with a project that has it, and the same project a little better, which has none (E12).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use chrono::NaiveDate;
use domain::alert::{Alert, AlertKind, Light, Thresholds, alerts, light};
use domain::follow_up::FollowUpState;
use domain::project::ProjectState;
use serde_json::{Value, json};

const OFFSET: i32 = -360;
const OCID: &str = "ocds-000000-d1_p1";

fn on(day: &str) -> NaiveDate {
    day.parse().unwrap()
}

/// A project under way with a follow-up of the 1st of March: in order on the 10th.
fn project(compiled: &Value) -> ProjectState {
    let mut whole = json!({
        "ocid": OCID, "date": "2026-01-05T18:00:00Z",
        "awards": [{"id": "A1", "value": {"amount": 1000, "currency": "MXN"}}],
        "contracts": [{"id": "C1", "awardID": "A1", "status": "active", "title": "Banqueta"}],
    });
    for (key, value) in compiled.as_object().unwrap() {
        whole[key] = value.clone();
    }
    serde_json::from_value(json!({"folio": "d1_p1", "title": "Banqueta", "areas": ["Obras"],
        "processes": [{"ocid": OCID, "version": 1, "compiled": whole}]}))
    .unwrap()
}

fn contract(more: Value) -> ProjectState {
    let mut contract = json!({"id": "C1", "awardID": "A1", "status": "active", "title": "Banqueta"});
    for (key, value) in more.as_object().unwrap() {
        contract[key] = value.clone();
    }
    project(&json!({"contracts": [contract]}))
}

fn follow_up(state: &str, visited_on: &str, planned: u32, actual: u32) -> FollowUpState {
    serde_json::from_value(json!({"id": "01900000-0000-7000-8000-000000000002",
        "opId": "01900000-0000-7000-8000-000000000003", "folio": "S-00000-00001", "project": "d1_p1", "ocid": OCID,
        "area": "Obras", "stage": "implementation", "state": state, "capturedAt": "2026-03-01T18:00:00Z",
        "visitedOn": visited_on, "progress": {"physical": {"planned": planned, "actual": actual}},
        "evidence": [], "findings": []}))
    .unwrap()
}

fn under_way() -> Vec<FollowUpState> {
    vec![follow_up("published", "2026-03-01", 50, 50)]
}

fn whole() -> Vec<FollowUpState> {
    vec![follow_up("published", "2026-03-01", 100, 100)]
}

fn found(project: &ProjectState, follow_ups: &[FollowUpState], today: &str) -> Vec<Alert> {
    alerts(project, follow_ups, on(today), OFFSET, &Thresholds::default())
}

/// Days of the only alert, of this kind.
fn only(kind: AlertKind, found: &[Alert]) -> i64 {
    let kinds: Vec<_> = found.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [kind], "{found:?}");
    found[0].days
}

#[test]
fn e12_a_project_that_is_up_to_date_has_nothing() {
    let found = found(&project(&json!({})), &under_way(), "2026-03-10");
    assert_eq!((found.as_slice(), light(&found)), ([].as_slice(), Light::Ok));
}

#[test]
fn e12_no_follow_up_in_more_days_than_the_threshold() {
    let project = project(&json!({}));
    assert!(found(&project, &under_way(), "2026-03-31").is_empty(), "the 30th day is in order");
    let late = found(&project, &under_way(), "2026-04-01");
    assert_eq!(only(AlertKind::NoFollowUp, &late), 31);
    assert_eq!((light(&late), &late[0].params["last"]), (Light::Silent, &json!("2026-03-01")));
    // The thresholds are the endpoint's.
    let patient = Thresholds { follow_up_days: 60, ..Thresholds::default() };
    assert!(alerts(&project, &under_way(), on("2026-04-01"), OFFSET, &patient).is_empty());
    // One that never had a follow-up waits from its first release; one that was refused is none.
    assert_eq!(only(AlertKind::NoFollowUp, &found(&project, &[], "2026-02-14")), 40);
    let refused = [follow_up("rejected", "2026-02-10", 1, 1)];
    assert_eq!(only(AlertKind::NoFollowUp, &found(&project, &refused, "2026-02-14")), 40);
    // Nothing more is expected of one without a contract that could go on.
    assert!(found(&contract(json!({"status": "terminated"})), &under_way(), "2026-09-01").is_empty());
}

#[test]
fn e12_a_milestone_that_was_due() {
    let due = |more: Value| {
        let mut milestone = json!({"id": "M1", "title": "Colado", "dueDate": "2026-03-05T00:00:00-06:00"});
        for (key, value) in more.as_object().unwrap() {
            milestone[key] = value.clone();
        }
        contract(json!({"implementation": {"milestones": [milestone]}}))
    };
    assert!(found(&due(json!({})), &under_way(), "2026-03-05").is_empty(), "its own day is in time");
    let late = found(&due(json!({})), &under_way(), "2026-03-10");
    assert_eq!(only(AlertKind::MilestoneOverdue, &late), 5);
    assert_eq!((light(&late), &late[0].params["title"]), (Light::Late, &json!("Colado")));
    assert_eq!(late[0].pointer, "/contracts/0/implementation/milestones/0");
    assert!(found(&due(json!({"status": "met"})), &under_way(), "2026-03-10").is_empty());
    assert!(found(&due(json!({"dateMet": "2026-03-04T00:00:00Z"})), &under_way(), "2026-03-10").is_empty());
}

#[test]
fn e12_a_contract_that_ends_or_has_ended() {
    let project = contract(json!({"period": {"endDate": "2026-03-20T00:00:00-06:00"}}));
    assert!(found(&project, &under_way(), "2026-03-04").is_empty(), "16 days are left");
    let soon = found(&project, &under_way(), "2026-03-05");
    assert_eq!((only(AlertKind::ContractEnding, &soon), light(&soon)), (15, Light::Soon));
    assert_eq!(only(AlertKind::ContractEnding, &found(&project, &under_way(), "2026-03-20")), 0);
    let late = found(&project, &under_way(), "2026-03-22");
    assert_eq!((only(AlertKind::ContractOverdue, &late), light(&late)), (2, Light::Late));
    assert_eq!((late[0].ocid.as_str(), late[0].pointer.as_str()), (OCID, "/contracts/0/period/endDate"));
}

#[test]
fn e12_progress_below_what_was_planned() {
    let project = project(&json!({}));
    let with = |actual| found(&project, &[follow_up("received", "2026-03-01", 50, actual)], "2026-03-04");
    assert!(with(40).is_empty(), "10 points are allowed");
    let late = with(39);
    assert_eq!((only(AlertKind::BehindPlan, &late), light(&late)), (3, Light::Late));
    let params = &late[0].params;
    assert_eq!(
        [&params["planned"], &params["actual"], &params["points"]],
        [&json!(50), &json!(39), &json!(11)]
    );
}

#[test]
fn e12_payments_ahead_of_the_works() {
    let paid = |amount: u32, currency: &str| {
        let value = json!({"amount": amount, "currency": currency});
        contract(json!({"implementation": {"transactions": [{"id": "T1", "value": value}]}}))
    };
    assert!(found(&paid(600, "MXN"), &under_way(), "2026-03-10").is_empty());
    let ahead = found(&paid(610, "MXN"), &under_way(), "2026-03-10");
    assert_eq!(only(AlertKind::PaidAhead, &ahead), 9);
    assert_eq!(ahead[0].params["points"].as_f64(), Some(11.0));
    assert!(
        found(&paid(610, "USD"), &under_way(), "2026-03-10").is_empty(),
        "what cannot be added is not said"
    );
}

#[test]
fn e12_papers_that_are_missing_at_the_end() {
    let with = |documents: &[&str]| {
        let documents: Vec<_> =
            documents.iter().enumerate().map(|(id, kind)| json!({"id": id, "documentType": kind})).collect();
        found(&contract(json!({"implementation": {"documents": documents}})), &whole(), "2026-03-10")
    };
    let kinds =
        |found: Vec<Alert>| found.into_iter().map(|alert| (alert.kind, alert.days)).collect::<Vec<_>>();
    assert_eq!(kinds(with(&[])), [(AlertKind::HandoverMissing, 9), (AlertKind::SettlementMissing, 9)]);
    assert_eq!(only(AlertKind::SettlementMissing, &with(&["physicalReception"])), 9);
    assert_eq!(only(AlertKind::HandoverMissing, &with(&["settlement"])), 9);
    assert!(with(&["completionCertificate", "settlement"]).is_empty());
}

#[test]
fn e12_the_most_urgent_first() {
    let milestone = |id: &str, due: &str| json!({"id": id, "title": id, "dueDate": due});
    let project = contract(json!({"period": {"endDate": "2026-04-10T00:00:00-06:00"}, "milestones": [
        milestone("M1", "2026-03-30T00:00:00-06:00"), milestone("M2", "2026-03-05T00:00:00-06:00")]}));
    let found = found(&project, &under_way(), "2026-04-05");
    let order: Vec<_> = found.iter().map(|alert| (alert.kind, alert.days)).collect();
    assert_eq!(
        order,
        [
            (AlertKind::MilestoneOverdue, 31),
            (AlertKind::MilestoneOverdue, 6),
            (AlertKind::NoFollowUp, 35),
            (AlertKind::ContractEnding, 5)
        ]
    );
    assert_eq!(light(&found), Light::Late);
}

#[test]
fn e12_dates_that_cannot_be_read_say_nothing() {
    let project = contract(json!({"period": {"endDate": "mañana"}, "milestones": [{"dueDate": 7}, "x"],
        "implementation": {"transactions": [{"value": {"amount": "mil"}}, null]}}));
    assert!(found(&project, &under_way(), "2026-03-10").is_empty());
}
