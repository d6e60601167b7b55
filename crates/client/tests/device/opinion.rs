//! What the person says of the program: kept without a network, sent with the rest, told back; a draft that stays.

use chrono::TimeDelta;
use client::Client;
use domain::history::ChangeKind;
use domain::person::Role;
use domain::problem::Code;
use domain::wire::{Operation, OperationKind, opinions_stream};
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::{FOLIO, TestClock, call, enrolled, open, open_at, progress};

fn problem(text: &str) -> Value {
    json!({"topic": "problem", "impact": "hinders", "text": text, "screen": "projects", "diagnostics": "version: 1"})
}

async fn rows(client: &Client) -> Vec<Value> {
    call(client, "opinions", json!({})).await["rows"].as_array().unwrap().clone()
}

async fn words(client: &Client) -> Vec<String> {
    rows(client).await.iter().map(|row| row["word"].as_str().unwrap().to_owned()).collect()
}

/// Says in the person's stream what became of an opinion.
fn tell(endpoint: &Endpoint, operation: &Operation, steps: Value) {
    let mut data = endpoint.data();
    let stream = opinions_stream("p1");
    if !data.scope.contains(&stream) {
        data.scope.push(stream.clone());
    }
    let body = &operation.body;
    let state = json!({"id": operation.record_id, "opId": operation.op_id, "folio": operation.folio(),
        "topic": body["topic"], "impact": body["impact"], "receivedAt": operation.captured_at, "steps": steps});
    data.add(&stream, ChangeKind::Opinion, &operation.record_id.to_string(), state);
}

#[tokio::test]
async fn it_is_kept_offline_and_its_author_learns_what_became_of_it() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    assert_eq!(call(&client, "opinions", json!({})).await, json!({"rows": [], "draft": null}));
    endpoint.data().faults.push = Some(Code::Unavailable);
    let sent = call(&client, "opinion_send", problem("  La lista tarda \n")).await;
    assert!(client.sync_once().await.is_err());
    drop(client);

    // It is on the disk: another start of the program finds it.
    let client = open(dir.path());
    let row = rows(&client).await.remove(0);
    assert_eq!((&row["folio"], &row["word"]), (&sent["folio"], &json!("waiting")));
    assert_eq!((&row["text"], &row["impact"]), (&json!("La lista tarda"), &json!("hinders")));
    assert_eq!(client.status().unwrap().here, 1);

    endpoint.data().faults.push = None;
    client.sync_once().await.unwrap();
    assert_eq!(words(&client).await, ["received"]);
    assert_eq!(client.status().unwrap().here, 0);
    let operation = endpoint.data().log[0].clone();
    assert_eq!(
        (operation.kind, operation.folio()),
        (OperationKind::Opinion, sent["folio"].as_str().unwrap().into())
    );
    // Of what waits here the coordination was told nothing about it.
    assert!(endpoint.data().reports.iter().all(|report| report["waiting"] == json!([])));
    assert!(endpoint.data().pulls.iter().all(|query| query["opinions"] == "true"));

    let step = |word: &str| json!({"standing": word, "role": "administracion", "at": "2026-11-23T18:00:00Z"});
    tell(&endpoint, &operation, json!([]));
    client.sync_once().await.unwrap();
    assert_eq!(words(&client).await, ["received"]);
    tell(&endpoint, &operation, json!([step("analysing")]));
    client.sync_once().await.unwrap();
    assert_eq!(words(&client).await, ["analysing"]);
    let mut applied = step("applied");
    applied["version"] = json!("0.2.0");
    tell(&endpoint, &operation, json!([step("analysing"), applied]));
    client.sync_once().await.unwrap();
    let row = rows(&client).await.remove(0);
    assert_eq!((&row["word"], &row["steps"][1]["version"]), (&json!("applied"), &json!("0.2.0")));

    // A word of a later version hides nothing that is known.
    tell(&endpoint, &operation, json!([step("archived")]));
    client.sync_once().await.unwrap();
    assert_eq!(words(&client).await, ["applied"]);
    // The stream leaves the scope: what is here stays the person's.
    endpoint.data().scope.retain(|stream| stream != &opinions_stream("p1"));
    client.sync_once().await.unwrap();
    assert_eq!(words(&client).await, ["received"]);
}

#[tokio::test]
async fn what_was_written_on_another_equipment_has_its_folio_and_no_text() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    call(&client, "opinion_send", problem("Aquí")).await;
    client.sync_once().await.unwrap();
    let mut elsewhere = endpoint.data().log[0].clone();
    elsewhere.record_id = uuid::Uuid::from_u128(77);
    elsewhere.op_id = uuid::Uuid::from_u128(78);
    tell(&endpoint, &elsewhere, json!([]));
    client.sync_once().await.unwrap();
    let rows = rows(&client).await;
    let row = rows.iter().find(|row| row["folio"] == elsewhere.folio()).unwrap();
    assert_eq!((rows.len(), &row["text"], &row["word"]), (2, &Value::Null, &json!("received")));
}

#[tokio::test]
async fn e13_an_endpoint_that_does_not_know_opinions_holds_nothing_else_back() {
    // One of before refuses it alone, with the word for it; one of long before could not even read the batch.
    for code in [Code::KindUnknown, Code::MalformedRequest] {
        let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
        drop(enrolled(dir.path(), &endpoint).await);
        let clock = TestClock::default();
        let client = open_at(dir.path(), &clock);
        let sent = call(&client, "opinion_send", problem("La lista tarda")).await;
        client.capture_file(FOLIO, progress(1), &[]).unwrap();
        if code == Code::KindUnknown {
            let id = rows(&client).await[0]["id"].as_str().unwrap().parse().unwrap();
            endpoint.data().faults.refuse = Some((id, code));
        } else {
            endpoint.data().faults.no_kind = Some((OperationKind::Opinion, code));
        }
        for _ in 0..4 {
            let _ = client.sync_once().await;
        }
        let status = client.status().unwrap();
        assert_eq!((status.marked, status.received, status.here), (2, 1, 1), "{code:?} {status:?}");
        let row = rows(&client).await.remove(0);
        assert_eq!((&row["word"], &row["problem"]["code"]), (&json!("waiting"), &json!(code.as_str())));
        // It learns: the opinion comes, once, under a new number.
        endpoint.data().faults.no_kind = None;
        endpoint.data().faults.refuse = None;
        clock.forward(TimeDelta::hours(7));
        client.sync_once().await.unwrap();
        client.sync_once().await.unwrap();
        assert_eq!(client.status().unwrap().here, 0);
        assert_eq!(words(&client).await, ["received"]);
        let log = endpoint.data().log.clone();
        let arrived: Vec<&Operation> =
            log.iter().filter(|operation| operation.kind == OperationKind::Opinion).collect();
        assert_eq!((arrived.len(), arrived[0].folio()), (1, sent["folio"].as_str().unwrap().to_owned()));
    }
}

#[tokio::test]
async fn a_lost_reply_and_a_restored_endpoint_have_the_effect_of_once() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    call(&client, "opinion_send", problem("La lista tarda")).await;
    endpoint.data().faults.lose_replies = 1;
    let _ = client.sync_once().await;
    client.sync_once().await.unwrap();
    assert_eq!(endpoint.data().log.len(), 1);
    let operation = endpoint.data().log[0].clone();
    tell(&endpoint, &operation, json!([]));
    client.sync_once().await.unwrap();

    // Restored from a copy that knows it: nothing is offered. From one that does not: it is offered again.
    endpoint.data().epoch = uuid::Uuid::from_u128(2);
    client.sync_once().await.unwrap();
    assert_eq!(endpoint.data().log.len(), 1);
    let stream = opinions_stream("p1");
    endpoint.data().changes.retain(|change| change.stream != stream);
    endpoint.data().heads.remove(&stream);
    endpoint.data().forget(3);
    client.sync_once().await.unwrap();
    let log = endpoint.data().log.clone();
    assert_eq!((log.len(), log[0].op_id), (1, operation.op_id));
    assert_eq!(words(&client).await, ["received"]);
}

#[tokio::test]
async fn what_is_begun_stays_until_it_is_sent_and_half_of_it_is_not_sent() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let draft = json!({"topic": "suggestion", "impact": null, "text": "Que la lista", "screen": "projects", "diagnostics": false});
    call(&client, "opinion_keep", draft.clone()).await;
    drop(client);
    let client = open(dir.path());
    assert_eq!(call(&client, "opinions", json!({})).await["draft"], draft);

    let mut halves = Vec::new();
    for (field, value) in [
        ("text", json!(" ")),
        ("text", json!("x".repeat(4_001))),
        ("impact", Value::Null),
        ("topic", json!("opinion")),
        ("screen", json!("proyectos/d1 p1")),
        ("diagnostics", json!("x".repeat(8_001))),
    ] {
        let mut half = problem("La lista tarda");
        half[field] = value;
        halves.push(half);
    }
    for half in halves {
        let refused = client.call("opinion_send", half.clone()).await.unwrap_err();
        assert_eq!(refused.code, Code::OpinionIncomplete, "{half}");
    }
    let unknown =
        client.call("opinion_send", json!({"topic": "complaint", "text": "x", "screen": "tray"})).await;
    assert_eq!(unknown.unwrap_err().code, Code::CommandInvalid);
    assert_eq!(call(&client, "opinions", json!({})).await["draft"], draft, "nothing was lost by it");
    assert_eq!(rows(&client).await, Vec::<Value>::new());

    let suggestion = json!({"topic": "suggestion", "text": "Que la lista recuerde", "screen": "projects"});
    call(&client, "opinion_send", suggestion).await;
    assert_eq!(call(&client, "opinions", json!({})).await["draft"], Value::Null);
    let blank = json!({"topic": null, "impact": null, "text": " ", "screen": "tray", "diagnostics": true});
    call(&client, "opinion_keep", draft).await;
    call(&client, "opinion_keep", blank).await;
    assert_eq!(call(&client, "opinions", json!({})).await["draft"], Value::Null, "a blank text is forgotten");
}

#[tokio::test]
async fn who_only_reads_has_opinions_too() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    endpoint.data().role = Role::Auditoria;
    let client = enrolled(dir.path(), &endpoint).await;
    client.sync_once().await.unwrap();
    assert_eq!(endpoint.data().pushes, 0, "there is nothing to offer");
    call(&client, "opinion_send", problem("La lista tarda")).await;
    client.sync_once().await.unwrap();
    assert_eq!(endpoint.data().log.len(), 1);
    assert_eq!(endpoint.data().pushes, 1, "it reports nothing else");
    assert_eq!(words(&client).await, ["received"]);
}
