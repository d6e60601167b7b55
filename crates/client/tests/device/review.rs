//! Reviews on the device: what was observed reaches the form, an answer and a correction leave without a network, and
//! whoever reviews sees what changes.

use base64::Engine as _;
use client::Client;
use domain::history::ChangeKind;
use domain::person::Role;
use domain::problem::Code;
use domain::wire::{Operation, OperationKind};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::endpoint::{Data, Endpoint};
use crate::{FOLIO, call, enrolled, photo, progress};

/// Says in the stream what became of a follow-up, with the rounds of its review.
fn say(endpoint: &Endpoint, operation: &Operation, state: &str, held: bool, rounds: Value) {
    let mut said = Data::state_of(operation, state);
    if held {
        said["held"] = json!({"why": "review"});
    }
    let mut content = operation.body["content"].clone();
    content["internal"] = json!({});
    said["review"] = json!({"since": "2026-11-22T10:00:00Z", "rounds": rounds, "content": content});
    endpoint.data().add("area:obras", ChangeKind::FollowUp, &operation.record_id.to_string(), said);
}

fn observes(op: u128) -> Value {
    json!({"opId": Uuid::from_u128(op), "decision": "observe", "role": "coordinacion", "area": "Coordinación",
        "at": "2026-11-22T12:00:00Z", "observations":
        [{"at": "/progress/physical/actual", "text": "La foto muestra menos.", "due": "2026-12-01"}]})
}

async fn review_of(client: &Client, id: Uuid) -> Value {
    call(client, "reviews", json!({"id": id})).await[0].clone()
}

async fn todo(client: &Client) -> Vec<Value> {
    let tray = call(client, "tray", json!({})).await;
    let todo = tray["todo"].as_array().unwrap().iter().filter(|item| item["kind"] == "observed");
    todo.cloned().collect()
}

/// Captures with the form and a photograph, and sends it. Gives its operation.
async fn captured(client: &Client, endpoint: &Endpoint) -> Operation {
    let new = call(client, "draft_new", json!({"folio": FOLIO, "stage": "implementation"})).await;
    let values = json!({"visitedOn": "20/11/2026", "physicalPlanned": "50", "physicalActual": " 33,5 %",
        "notes": "nota de adentro"});
    let known: Vec<&str> = new["form"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["fields"].as_array().unwrap())
        .map(|field| field["id"].as_str().unwrap())
        .collect();
    let values: serde_json::Map<String, Value> = values
        .as_object()
        .unwrap()
        .iter()
        .filter(|(id, _)| known.contains(&id.as_str()))
        .map(|(id, text)| (id.clone(), text.clone()))
        .collect();
    call(client, "draft_save", json!({"id": new["id"], "values": values})).await;
    let base64 = base64::engine::general_purpose::STANDARD.encode(photo(7));
    let file = json!({"id": new["id"], "name": "obra.jpg", "base64": base64});
    call(client, "evidence_add_bytes", file).await;
    call(client, "draft_ready", json!({"id": new["id"]})).await;
    client.sync_once().await.unwrap();
    endpoint.data().log.last().unwrap().clone()
}

fn act(operation: &Operation, version: u32, decision: &str) -> Value {
    json!({"followUp": operation.record_id, "version": version, "decision": decision})
}

#[tokio::test]
async fn e10_an_observation_is_answered_without_changing_a_value() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let sent = captured(&client, &endpoint).await;
    say(&endpoint, &sent, "observed", false, json!([observes(70)]));
    client.sync_once().await.unwrap();
    let waits = todo(&client).await;
    assert_eq!((waits.len(), &waits[0]["due"]), (1, &json!("2026-12-01")));
    let row = review_of(&client, sent.record_id).await;
    assert_eq!((&row["may"], &row["correct"]), (&json!(["answer"]), &json!(true)));
    assert_eq!(row["labels"]["/progress/physical/actual"]["es"].as_str().map(str::is_empty), Some(false));

    endpoint.data().faults.push = Some(Code::Unavailable);
    let mut silent = act(&sent, 1, "answer");
    let result = call(&client, "review", json!({"acts": [silent.clone()]})).await;
    assert_eq!(result[0]["problem"]["code"], "reason_needed");
    silent["reason"] = json!("  Es del otro tramo. ");
    let mut stale = silent.clone();
    stale["version"] = json!(0);
    let results = call(&client, "review", json!({"acts": [stale, silent.clone(), silent]})).await;
    let codes: Vec<&Value> =
        results.as_array().unwrap().iter().map(|result| &result["problem"]["code"]).collect();
    assert_eq!(codes, [&json!("review_outdated"), &Value::Null, &json!("review_waiting")]);
    let row = review_of(&client, sent.record_id).await;
    assert_eq!((&row["may"], &row["correct"]), (&json!([]), &json!(false)));
    assert_eq!(
        (&row["act"]["state"], &row["act"]["reason"]),
        (&json!("ready"), &json!("Es del otro tramo."))
    );
    assert_eq!(todo(&client).await, Vec::<Value>::new(), "it is attended, only not sent");
    assert!(client.sync_once().await.is_err());

    endpoint.data().faults.push = None;
    client.sync_once().await.unwrap();
    let answer = endpoint.data().log.last().unwrap().clone();
    assert_eq!((answer.kind, answer.record_id), (OperationKind::Review, sent.record_id));
    assert_eq!(answer.body["reason"], "Es del otro tramo.");
    assert_eq!(endpoint.data().log.len(), 2);
    let answered = json!({"opId": answer.op_id, "decision": "answer", "reason": "Es del otro tramo.",
        "role": "enlace", "area": "Obras", "at": "2026-11-22T13:00:00Z"});
    say(&endpoint, &sent, "received", true, json!([observes(70), answered]));
    client.sync_once().await.unwrap();
    let row = review_of(&client, sent.record_id).await;
    assert_eq!((&row["act"], &row["may"]), (&Value::Null, &json!([])));
    assert_eq!(row["waited"], json!({"coordination": 2 * 3600 + 5 * 3600, "author": 3600}));

    // A fresh copy of the streams shows it among the rounds: it is not offered again.
    endpoint.data().epoch = Uuid::from_u128(9);
    client.sync_once().await.unwrap();
    client.sync_once().await.unwrap();
    assert_eq!(endpoint.data().log.len(), 2);
}

#[tokio::test]
async fn e9_a_correction_begins_with_what_was_sent_and_says_what_it_corrects() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let sent = captured(&client, &endpoint).await;
    let id = json!({"id": sent.record_id});
    let problem = client.call("correct", id.clone()).await.unwrap_err();
    assert_eq!(problem.code, Code::CorrectionClosed, "nothing was said of it yet");
    say(&endpoint, &sent, "observed", false, json!([observes(70)]));
    client.sync_once().await.unwrap();
    let offers = endpoint.data().offers;
    let draft = call(&client, "correct", id.clone()).await;
    assert_eq!(draft["values"]["physicalActual"], " 33,5 %", "as it was typed");
    assert_eq!(draft["files"][0]["sha256"], sent.evidence[0]);
    assert_eq!(draft["corrects"]["folio"], domain::follow_up::folio(sent.record_id));
    let observed: Vec<&Value> = draft["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["finding"]["rule"] == "review-observed")
        .collect();
    assert_eq!((observed.len(), &observed[0]["field"]), (1, &json!("physicalActual")));
    assert_eq!(observed[0]["finding"]["params"]["due"], "2026-12-01");
    // The one that was begun is gone on with.
    assert_eq!(call(&client, "correct", id).await["id"], draft["id"]);

    call(&client, "draft_save", json!({"id": draft["id"], "values": {"physicalActual": "28"}})).await;
    call(&client, "draft_ready", json!({"id": draft["id"]})).await;
    assert_eq!(todo(&client).await, Vec::<Value>::new(), "its correction is on its way");
    client.sync_once().await.unwrap();
    let corrected = endpoint.data().log.last().unwrap().clone();
    assert_ne!(corrected.record_id, sent.record_id);
    assert_eq!(corrected.body["content"]["corrects"], domain::follow_up::folio(sent.record_id));
    assert_eq!(corrected.body["content"]["progress"]["physical"]["actual"], 28);
    assert_eq!(corrected.evidence, sent.evidence);
    assert_eq!(corrected.body["content"]["internal"].get("fields"), None);
    assert_eq!(endpoint.data().offers, offers, "the file is not sent twice");

    // Both stay in the tray with their states.
    endpoint.data().decide(&corrected, "accepted");
    say(&endpoint, &sent, "superseded", false, json!([observes(70)]));
    client.sync_once().await.unwrap();
    let tray = call(&client, "tray", json!({})).await;
    assert_eq!((&tray["counts"]["accepted"], &tray["counts"]["superseded"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn e9_what_is_public_is_corrected_with_a_reason_that_stays_inside() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    // From a file: there is nothing that was typed, and its values are read back.
    client.capture_file(FOLIO, progress(30), &[]).unwrap();
    client.sync_once().await.unwrap();
    let sent = endpoint.data().log[0].clone();
    endpoint.data().decide(&sent, "published");
    client.sync_once().await.unwrap();
    let without = client.call("correct", json!({"id": sent.record_id})).await.unwrap_err();
    assert_eq!(without.code, Code::ReasonNeeded);
    let request = json!({"id": sent.record_id, "reason": "Se midió mal."});
    let draft = call(&client, "correct", request).await;
    assert_eq!(draft["values"]["physicalActual"], "30");
    assert_eq!(draft["corrects"]["reason"], "Se midió mal.");
    call(&client, "draft_save", json!({"id": draft["id"], "values": {"physicalActual": "35"}})).await;
    call(&client, "draft_ready", json!({"id": draft["id"]})).await;
    client.sync_once().await.unwrap();
    let content = endpoint.data().log[1].body["content"].clone();
    assert_eq!(content["internal"]["fields"]["correctionReason"], "Se midió mal.");
    assert_eq!(content["corrects"], domain::follow_up::folio(sent.record_id));
    // What somebody else captured is not corrected here.
    let other = client.call("correct", json!({"id": Uuid::from_u128(5)})).await.unwrap_err();
    assert_eq!(other.code, Code::NotFound);
}

#[tokio::test]
async fn a_request_on_what_is_public_waits_for_its_author() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let sent = captured(&client, &endpoint).await;
    say(&endpoint, &sent, "published", false, json!([observes(70)]));
    client.sync_once().await.unwrap();
    assert_eq!(todo(&client).await.len(), 1);
    let row = review_of(&client, sent.record_id).await;
    assert_eq!((&row["may"], &row["correct"]), (&json!(["answer"]), &json!(true)));
}

#[tokio::test]
async fn c3_the_coordination_sees_what_changes_and_decides_without_a_network() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    endpoint.data().role = Role::Coordinacion;
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(10), &[]).unwrap();
    client.sync_once().await.unwrap();
    let own = endpoint.data().log[0].clone();
    say(&endpoint, &own, "received", true, json!([]));
    // What somebody else captured: of another device, so it is in no queue here.
    let mut other = own.clone();
    (other.op_id, other.record_id) = (Uuid::from_u128(80), Uuid::from_u128(81));
    other.body["content"]["release"] =
        json!({"contracts": [{"id": "C1", "awardID": "A1", "title": "Otra obra", "status": "active"}]});
    say(&endpoint, &other, "received", true, json!([]));
    endpoint.data().names.insert(other.op_id, "Otra persona".into());
    client.sync_once().await.unwrap();

    let rows = call(&client, "reviews", json!({})).await;
    assert_eq!(rows.as_array().unwrap().len(), 2);
    let row = review_of(&client, other.record_id).await;
    assert_eq!(row["may"], json!(["accept", "observe", "reject"]));
    assert_eq!(row["names"][other.op_id.to_string()], "Otra persona");
    let changed: Vec<(&Value, &Value, &Value)> = row["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|changed| (&changed["at"], &changed["before"], &changed["after"]))
        .collect();
    assert!(
        changed.contains(&(&json!("/release/contracts/0/title"), &json!("Obra"), &json!("Otra obra"))),
        "{changed:?}"
    );
    assert!(!changed.iter().any(|(at, ..)| *at == "/release/contracts/0/status"), "{changed:?}");
    assert_eq!(review_of(&client, own.record_id).await["may"], json!([]), "nobody their own");

    endpoint.data().faults.push = Some(Code::Unavailable);
    let acts = [act(&own, 0, "accept"), act(&other, 0, "accept")];
    let results = call(&client, "review", json!({"acts": acts})).await;
    assert_eq!(results[0]["problem"]["code"], "review_own");
    assert_eq!((&results[1]["problem"], &results[1]["id"]), (&Value::Null, &json!(other.record_id)));
    endpoint.data().faults.push = None;
    client.sync_once().await.unwrap();
    let last = endpoint.data().log.last().unwrap().clone();
    assert_eq!((last.kind, &last.body["decision"]), (OperationKind::Review, &json!("accept")));
}

#[tokio::test]
async fn whoever_does_not_review_is_not_asked_to() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(10), &[]).unwrap();
    client.sync_once().await.unwrap();
    let mut other = endpoint.data().log[0].clone();
    (other.op_id, other.record_id) = (Uuid::from_u128(80), Uuid::from_u128(81));
    say(&endpoint, &other, "received", true, json!([]));
    client.sync_once().await.unwrap();
    assert_eq!(review_of(&client, other.record_id).await["may"], json!([]));
    let results = call(&client, "review", json!({"acts": [act(&other, 0, "accept")]})).await;
    assert_eq!(results[0]["problem"]["code"], "forbidden");
}
