//! What was lost is offered again, in its author's name and under numbers that both sides understand; what cannot go
//! now waits without a noise.

use std::collections::BTreeSet;
use std::time::Duration;

use client::Client;
use domain::problem::Code;
use domain::receipt::sha256_hex;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::endpoint::Endpoint;
use crate::{FOLIO, call, enrolled, photo, progress};

fn code(endpoint: &Endpoint) -> Value {
    json!({"server": endpoint.url(), "code": "NUEVO-00001", "device": ""})
}

/// The endpoint no longer knows this equipment, and it learned so.
async fn revoked(client: &Client, endpoint: &Endpoint) {
    endpoint.data().faults.push = Some(Code::DeviceRevoked);
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::DeviceRevoked);
    endpoint.data().faults.push = None;
}

#[tokio::test]
async fn a_draft_of_before_a_restore_says_which_versions_it_counted() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = call(&client, "draft_new", json!({"folio": FOLIO, "stage": "implementation"})).await;
    endpoint.data().forget(2);
    client.sync_once().await.unwrap();
    // One of now and one of before, over the same number of releases.
    client.capture_file(FOLIO, progress(5), &[]).unwrap();
    let values = json!({"id": new["id"], "values": {"visitedOn": "12/03/2026", "physicalActual": "7"}});
    call(&client, "draft_save", values).await;
    call(&client, "draft_ready", json!({"id": new["id"]})).await;
    client.sync_once().await.unwrap();
    let data = endpoint.data();
    let bases: Vec<_> = data.log.iter().map(|o| (o.base.server_version, o.base.epoch)).collect();
    assert_eq!(bases, [(1, Some(Uuid::from_u128(2))), (1, Some(Uuid::from_u128(1)))]);
}

#[tokio::test]
async fn a_receipt_that_is_renewed_keeps_the_one_before() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(5), &[]).unwrap();
    client.sync_once().await.unwrap();
    let first = client.receipts().unwrap()[0].2.clone();
    assert!(first.valid && first.earlier.is_empty());
    // The answer that it had already is no renewal.
    client.sync_once().await.unwrap();
    {
        // Somebody else's came back first and has its number now.
        let mut data = endpoint.data();
        let mut other = data.log[0].clone();
        other.op_id = Uuid::from_u128(99);
        data.forget(2);
        data.log.push(other);
    }
    client.sync_once().await.unwrap();
    let renewed = client.receipts().unwrap()[0].2.clone();
    assert!(renewed.valid);
    assert_ne!(renewed.receipt, first.receipt);
    assert_eq!(renewed.earlier, first.receipt.into_iter().collect::<Vec<_>>());
}

/// The follow-up with this folio, as the tray has it.
async fn row(client: &Client, folio: &str) -> Value {
    let tray = call(client, "tray", json!({})).await;
    let rows = tray["rows"].as_array().unwrap();
    rows.iter().find(|row| row["folio"] == folio).unwrap().clone()
}

#[tokio::test]
async fn a_restore_that_nobody_told_of_is_filled_too() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    client.sync_once().await.unwrap();
    endpoint.data().accept_all();
    client.sync_once().await.unwrap();
    // Both projects stay, the follow-up is gone, and the epoch is the same.
    endpoint.data().rewind(2, 0);
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::HistoryBroken);
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.received, status.here), (1, 0));
    assert_eq!(endpoint.data().log.len(), 1);
}

#[tokio::test]
async fn what_an_earlier_identity_sent_is_offered_again_under_this_one() {
    // The endpoint may or may not spend a number on what it knows from the earlier identity.
    for needs_no_number in [false, true] {
        let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
        let client = enrolled(dir.path(), &endpoint).await;
        endpoint.data().faults.known_needs_no_number = needs_no_number;
        client.capture_file(FOLIO, progress(1), &[]).unwrap();
        client.capture_file(FOLIO, progress(2), &[]).unwrap();
        client.sync_once().await.unwrap();
        client.capture_file(FOLIO, progress(3), &[]).unwrap();
        // The endpoint lost the second, and this equipment with it.
        endpoint.data().rewind(2, 1);
        revoked(&client, &endpoint).await;
        call(&client, "enrol", code(&endpoint)).await;
        client.capture_file(FOLIO, progress(4), &[]).unwrap();
        let status = client.sync_once().await.unwrap();
        assert_eq!((status.received, status.here), (4, 0), "{needs_no_number}");
        let check = |numbers: &[u64]| {
            let data = endpoint.data();
            let ids: BTreeSet<_> = data.log.iter().map(|o| o.op_id).collect();
            assert_eq!((data.log.len(), ids.len()), (4, 4), "{needs_no_number}");
            let found: Vec<_> = data.log.iter().map(|o| o.client_seq).collect();
            assert_eq!(found, numbers, "{needs_no_number}");
        };
        check(if needs_no_number { &[1, 1, 2, 3] } else { &[1, 1, 3, 4] });

        // All of it is lost, also what has no number under this identity.
        endpoint.data().rewind(2, 0);
        endpoint.data().epoch = Uuid::from_u128(2);
        let status = client.sync_once().await.unwrap();
        assert_eq!((status.received, status.here), (4, 0), "{needs_no_number}");
        check(&[1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn a_code_of_somebody_else_changes_no_authorship() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    let person = |state: Value| state["person"]["id"].as_str().unwrap().to_owned();
    let refused = async || {
        endpoint.data().faults.person = Some("p2");
        let problem = client.call("enrol", code(&endpoint)).await.unwrap_err();
        endpoint.data().faults.person = None;
        assert_eq!(problem.code, Code::AlreadyEnrolled);
        assert_eq!(problem.params["person"], "Persona Uno");
        assert_eq!(person(call(&client, "app_state", json!({})).await), "p1");
    };
    revoked(&client, &endpoint).await;
    refused().await;
    assert_eq!(client.status().unwrap().here, 1);
    // The identity of before is whole: were it known again, it would send.
    assert_eq!(client.sync_once().await.unwrap().received, 1);
    assert_eq!(endpoint.data().last_seq.len(), 1);

    let draft = call(&client, "draft_new", json!({"folio": FOLIO, "stage": "implementation"})).await;
    revoked(&client, &endpoint).await;
    refused().await;
    call(&client, "draft_discard", json!({"id": draft["id"]})).await;

    // Nothing unsent is left: the folder may be somebody else's, who sends nothing of it as their own.
    endpoint.data().faults.person = Some("p2");
    assert_eq!(person(call(&client, "enrol", code(&endpoint)).await), "p2");
    endpoint.data().forget(2);
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.here, endpoint.data().log.len()), (0, 0));
    client.capture_file(FOLIO, progress(2), &[]).unwrap();
    client.sync_once().await.unwrap();
    assert!(endpoint.data().log[0].base.after.is_empty());

    // Its author comes back, and what the endpoint lost with them.
    revoked(&client, &endpoint).await;
    endpoint.data().faults.person = None;
    assert_eq!(person(call(&client, "enrol", code(&endpoint)).await), "p1");
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.here, endpoint.data().log.len()), (0, 2));
}

#[tokio::test]
async fn files_that_wait_are_unsent_too() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let path = dir.path().join("a.jpg");
    std::fs::write(&path, photo(3)).unwrap();
    client.capture_file(FOLIO, progress(1), &[(path, "illustration".into())]).unwrap();
    endpoint.data().faults.no_such_file = Some(sha256_hex(&photo(3)));
    client.sync_once().await.unwrap();
    assert_eq!(client.status().unwrap().here, 0);
    revoked(&client, &endpoint).await;
    endpoint.data().faults.person = Some("p2");
    let problem = client.call("enrol", code(&endpoint)).await.unwrap_err();
    assert_eq!(problem.code, Code::AlreadyEnrolled);
}

#[tokio::test]
async fn a_program_that_is_too_old_sets_nothing_apart() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let first = client.capture_file(FOLIO, progress(1), &[]).unwrap();
    client.capture_file(FOLIO, progress(2), &[]).unwrap();
    let id = row(&client, &first.folio).await["id"].as_str().unwrap().parse().unwrap();
    endpoint.data().faults.refuse = Some((id, Code::UpgradeRequired));
    for _ in 0..5 {
        let pushes = endpoint.data().pushes;
        assert_eq!(client.sync_once().await.unwrap_err().code, Code::UpgradeRequired);
        assert_eq!(endpoint.data().pushes, pushes + 1);
    }
    let status = client.status().unwrap();
    assert_eq!(status.counts.get("ready"), Some(&2), "{status:?}");
    assert_eq!(row(&client, &first.folio).await["problem"]["code"], "upgrade_required");
    assert!(endpoint.data().log.is_empty());
    endpoint.data().faults.refuse = None;
    assert_eq!(client.sync_once().await.unwrap().received, 2);
}

#[tokio::test]
async fn a_file_that_is_not_spoken_of_waits_and_the_others_go() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let paths: Vec<_> = (3..6u8)
        .map(|shade| {
            let path = dir.path().join(format!("{shade}.jpg"));
            std::fs::write(&path, photo(shade)).unwrap();
            (path, "illustration".to_owned())
        })
        .collect();
    client.capture_file(FOLIO, progress(1), &paths).unwrap();
    endpoint.data().faults.no_such_file = Some(sha256_hex(&photo(4)));
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.files_received, status.files), (2, 3));
    assert_eq!(status.connection, domain::command::Connection::Online);
    assert_eq!(status.problem.unwrap().code, Code::NotFound);
    endpoint.data().faults.no_such_file = None;
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.files_received, status.problem), (3, None));
}

#[tokio::test]
async fn what_cannot_go_now_is_not_tried_without_a_pause() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let path = dir.path().join("a.jpg");
    std::fs::write(&path, photo(3)).unwrap();
    client.capture_file(FOLIO, progress(1), &[(path, "illustration".into())]).unwrap();
    endpoint.data().faults.no_such_file = Some(sha256_hex(&photo(3)));
    client.sync_once().await.ok();
    let stays = client.capture_file(FOLIO, progress(2), &[]).unwrap();
    let id = row(&client, &stays.folio).await["id"].as_str().unwrap().parse().unwrap();
    endpoint.data().faults.refuse = Some((id, Code::Forbidden));
    let before = endpoint.data().pushes;
    client.start_background();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let cycles = endpoint.data().pushes - before;
    assert!((1..=10).contains(&cycles), "{cycles}");
}
