//! Conflicts on the device: both values without a network, and the choice as an operation of the queue.

use chrono::TimeDelta;
use client::Client;
use domain::history::ChangeKind;
use domain::person::Role;
use domain::problem::Code;
use domain::wire::{Operation, OperationKind};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::endpoint::{Data, Endpoint};
use crate::{FOLIO, TestClock, call, enrolled, open_at, progress};

const STANDS: Uuid = Uuid::from_u128(900);

/// The record of a conflict of an operation, as the stream carries it.
fn conflict(held: &Operation, version: u64, chosen: Option<Value>) -> Value {
    let author = |op_id: Uuid, area: &str| json!({"opId": op_id, "folio": "S-00000-00000", "role": "enlace", "area": area, "capturedAt": held.captured_at});
    let mut conflict = json!({"version": version, "since": "2026-11-22T18:00:00Z", "held": author(held.op_id, "Obras"),
        "standing": [{"release": "r2", "version": 2, "acceptedAt": "2026-11-22T17:00:00Z", "author": author(STANDS, "Parques")}],
        "overlaps": [{"path": "/contracts/id=C1/title", "standing": "Una", "offered": "Otra", "release": "r2"}]});
    if let Some(chosen) = chosen {
        conflict["chosen"] = chosen;
    }
    conflict
}

/// Says in the stream that an operation is in conflict, or was.
fn say(endpoint: &Endpoint, operation: &Operation, state: &str, conflict: Value) {
    let mut state = Data::state_of(operation, state);
    state["conflict"] = conflict;
    endpoint.data().add("area:obras", ChangeKind::FollowUp, &operation.record_id.to_string(), state);
}

async fn conflicts(client: &Client) -> Vec<Value> {
    call(client, "conflicts", json!({})).await.as_array().unwrap().clone()
}

fn request(operation: &Operation, resolution: &str, version: u64) -> Value {
    json!({"id": operation.record_id, "resolution": resolution, "reason": " El acta. ", "version": version})
}

#[tokio::test]
async fn an_author_sees_both_values_and_may_only_withdraw() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    client.sync_once().await.unwrap();
    let held = endpoint.data().log[0].clone();
    say(&endpoint, &held, "conflict", conflict(&held, 2, None));
    // A name that this person may not see is not kept, whoever sends it.
    endpoint.data().names.insert(STANDS, "Otra persona".into());
    client.sync_once().await.unwrap();
    let rows = conflicts(&client).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["conflict"]["overlaps"][0]["standing"], "Una");
    assert_eq!(rows[0]["conflict"]["overlaps"][0]["offered"], "Otra");
    assert_eq!(rows[0]["names"], json!({held.op_id.to_string(): "Persona Uno"}));
    assert_eq!(rows[0]["may"], json!(["keep"]));

    let refused = |code, payload| {
        let client = client.clone();
        async move {
            let problem = client.call("choose", payload).await.unwrap_err();
            assert_eq!(problem.code, code, "{problem}");
        }
    };
    refused(Code::Forbidden, request(&held, "apply", 2)).await;
    refused(Code::ChoiceOutdated, request(&held, "keep", 1)).await;
    let mut unexplained = request(&held, "keep", 2);
    unexplained["reason"] = json!("  ");
    refused(Code::ReasonNeeded, unexplained).await;
    let mut other = request(&held, "keep", 2);
    other["id"] = json!(Uuid::from_u128(1));
    refused(Code::ConflictUnknown, other).await;
    assert_eq!(client.status().unwrap().marked, 1);
}

#[tokio::test]
async fn a_choice_is_made_without_a_network_and_sent_once() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    endpoint.data().role = Role::Coordinacion;
    endpoint.data().names.insert(STANDS, "Otra persona".into());
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    client.sync_once().await.unwrap();
    let held = endpoint.data().log[0].clone();
    say(&endpoint, &held, "conflict", conflict(&held, 2, None));
    client.sync_once().await.unwrap();
    assert_eq!(conflicts(&client).await[0]["names"][STANDS.to_string()], "Otra persona");

    endpoint.data().faults.login_page = true;
    endpoint.data().faults.push = Some(Code::Unavailable);
    let sent = call(&client, "choose", request(&held, "apply", 2)).await;
    assert_eq!(sent["folio"], domain::follow_up::folio(held.record_id));
    let again = client.call("choose", request(&held, "keep", 2)).await.unwrap_err();
    assert_eq!(again.code, Code::ChoiceWaiting);
    let row = conflicts(&client).await.remove(0);
    assert_eq!((&row["own"]["state"], &row["own"]["reason"]), (&json!("ready"), &json!("El acta.")));
    assert_eq!(row["may"], json!([]));
    assert!(client.sync_once().await.is_err());
    let status = client.status().unwrap();
    assert_eq!((status.marked, status.received, status.here), (2, 1, 1));

    endpoint.data().faults.login_page = false;
    endpoint.data().faults.push = None;
    // The reply is lost once: it is recorded once.
    endpoint.data().faults.lose_replies = 1;
    assert!(client.sync_once().await.is_err());
    client.sync_once().await.unwrap();
    let choice = endpoint.data().log[1].clone();
    assert_eq!(endpoint.data().log.len(), 2);
    assert_eq!(
        (choice.kind, choice.record_id, choice.client_seq),
        (OperationKind::Choice, held.record_id, 2)
    );
    assert_eq!(
        choice.body,
        json!({"followUp": held.record_id, "standing": ["r2"], "version": 2, "resolution": "apply", "reason": "El acta."})
    );
    let receipts = client.receipts().unwrap();
    assert_eq!(receipts.len(), 2);
    assert!(receipts.iter().all(|(folio, _, view)| *folio == sent["folio"] && view.valid));

    // It closed the conflict: both values and the choice stay in the list.
    let chosen = json!({"opId": choice.op_id, "choice": choice.body, "role": "coordinacion", "area": "Obras",
        "byAuthor": true, "at": "2026-11-22T18:00:00Z"});
    say(&endpoint, &held, "accepted", conflict(&held, 2, Some(chosen)));
    client.sync_once().await.unwrap();
    let row = conflicts(&client).await.remove(0);
    assert_eq!((&row["state"], &row["own"], &row["may"]), (&json!("accepted"), &Value::Null, &json!([])));
    assert_eq!(row["conflict"]["chosen"]["choice"]["reason"], "El acta.");
    let closed = client.call("choose", request(&held, "keep", 2)).await.unwrap_err();
    assert_eq!(closed.code, Code::ConflictUnknown);

    // Who may no longer see names no longer has them.
    endpoint.data().role = Role::Enlace;
    client.sync_once().await.unwrap();
    assert_eq!(conflicts(&client).await[0]["names"].get(STANDS.to_string()), None);
}

#[tokio::test]
async fn an_endpoint_that_does_not_know_choices_holds_nothing_else_back() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    endpoint.data().role = Role::Coordinacion;
    drop(enrolled(dir.path(), &endpoint).await);
    let clock = TestClock::default();
    let client = open_at(dir.path(), &clock);
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    client.sync_once().await.unwrap();
    let held = endpoint.data().log[0].clone();
    say(&endpoint, &held, "conflict", conflict(&held, 2, None));
    client.sync_once().await.unwrap();
    call(&client, "choose", request(&held, "apply", 2)).await;
    client.capture_file("d2_p2", progress(2), &[]).unwrap();
    // An endpoint of before refuses a batch with a word that it cannot read.
    endpoint.data().faults.no_kind = Some((OperationKind::Choice, Code::MalformedRequest));
    for _ in 0..4 {
        let _ = client.sync_once().await;
    }
    let status = client.status().unwrap();
    assert_eq!((status.marked, status.received, status.here), (3, 2, 1), "{status:?}");
    assert_eq!(conflicts(&client).await[0]["own"]["state"], "parked");
    // It learns: the choice comes, under a new number.
    endpoint.data().faults.no_kind = None;
    clock.forward(TimeDelta::hours(7));
    client.sync_once().await.unwrap();
    assert_eq!(client.status().unwrap().here, 0);
    let last = endpoint.data().log.last().unwrap().clone();
    assert_eq!((last.kind, last.record_id), (OperationKind::Choice, held.record_id));
}
