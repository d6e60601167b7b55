//! Nothing lost, nothing twice, nothing believed without proof.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::command::Connection;
use domain::history::ChangeKind;
use domain::problem::Code;
use domain::wire::OperationKind;
use serde_json::json;

use crate::endpoint::{Endpoint, project};
use crate::{FOLIO, TestClock, call, enrolled, open, open_at, photo, progress};

#[tokio::test]
async fn what_was_captured_without_a_network_arrives_once_and_in_order() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    for n in 1..=5 {
        client.capture_file(FOLIO, progress(n), &[]).unwrap();
    }
    endpoint.data().faults.lose_replies = 1;
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::ServerUnreachable);
    assert_eq!(client.status().unwrap().received, 0);
    // The reply was lost after the commit; the same operations are offered again, also after a restart.
    drop(client);
    let client = open(dir.path());
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.received, status.marked, status.here), (5, 5, 0));
    assert_eq!(status.connection, Connection::Online);
    {
        let data = endpoint.data();
        assert_eq!(data.log.iter().map(|o| o.client_seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(data.log.iter().map(|o| o.op_id).collect::<BTreeSet<_>>().len(), 5);
        // Each names its own earlier ones on the same process, which the device had not seen accepted.
        assert_eq!(data.log[4].base.after, data.log[..4].iter().map(|o| o.op_id).collect::<Vec<_>>());
        assert_eq!(data.log[4].base.server_version, 1);
        // The last report is what is left here: nothing.
        assert_eq!(data.reports.last().unwrap()["waiting"], json!([]));
    }
    assert!(client.receipts().unwrap().iter().all(|(.., view)| view.valid));

    endpoint.data().accept_all();
    assert_eq!(client.sync_once().await.unwrap().counts.get("accepted"), Some(&5));
    client.capture_file(FOLIO, progress(6), &[]).unwrap();
    client.sync_once().await.unwrap();
    assert!(endpoint.data().log[5].base.after.is_empty());
}

#[tokio::test]
async fn a_receipt_that_does_not_verify_is_not_believed() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    endpoint.data().faults.tamper_receipts = true;
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::ReceiptInvalid);
    let status = client.status().unwrap();
    assert_eq!((status.received, status.here), (0, 1));
    assert!(client.receipts().unwrap().is_empty());
}

#[tokio::test]
async fn a_receipt_that_somebody_else_signed_is_not_believed() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    // It says all the right things.
    endpoint.data().faults.forge_receipts = true;
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::ReceiptInvalid);
    let status = client.status().unwrap();
    assert_eq!((status.received, status.here), (0, 1));
    assert!(client.receipts().unwrap().is_empty());
}

#[tokio::test]
async fn a_history_that_was_altered_is_refused_and_what_is_here_stays() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    client.sync_once().await.unwrap();
    endpoint.data().add("area:obras", ChangeKind::Project, "d1_p1", project("d1_p1", "Título nuevo", 2));
    endpoint.data().faults.alter_changes = true;
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::HistoryBroken);
    // A fresh copy is no better; the old one stays in use.
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::HistoryBroken);
    assert_eq!(call(&client, "projects", json!({})).await.as_array().unwrap().len(), 2);
    assert_eq!(client.status().unwrap().received, 1);
    endpoint.data().faults.alter_changes = false;
    client.sync_once().await.unwrap();
    let rows = call(&client, "projects", json!({"text": "titulo"})).await;
    assert_eq!(rows[0]["title"], "Título nuevo");
}

#[tokio::test]
async fn one_that_cannot_be_taken_steps_aside_and_comes_back() {
    steps_aside_and_comes_back(TimeDelta::hours(7)).await;
}

/// The time of the next attempt was written with a clock that was a year ahead; nobody waits a year for it.
#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_it_aside() {
    steps_aside_and_comes_back(TimeDelta::days(-365)).await;
}

async fn steps_aside_and_comes_back(meanwhile: TimeDelta) {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    drop(enrolled(dir.path(), &endpoint).await);
    let clock = TestClock::default();
    let client = open_at(dir.path(), &clock);
    let first = client.capture_file(FOLIO, progress(1), &[]).unwrap();
    client.capture_file(FOLIO, progress(2), &[]).unwrap();
    let tray = call(&client, "tray", json!({})).await;
    let row = tray["rows"].as_array().unwrap().iter().find(|row| row["folio"] == first.folio).unwrap();
    let bad = row["id"].as_str().unwrap().parse().unwrap();
    endpoint.data().faults.refuse = Some((bad, Code::Forbidden));
    client.sync_once().await.unwrap();
    let status = client.status().unwrap();
    assert_eq!((status.received, status.counts.get("parked")), (1, Some(&1)), "{status:?}");
    {
        let data = endpoint.data();
        let kinds: Vec<_> = data.log.iter().map(|o| (o.client_seq, o.kind)).collect();
        assert_eq!(kinds, [(1, OperationKind::Placeholder), (2, OperationKind::FollowUp)]);
    }
    endpoint.data().faults.refuse = None;
    clock.forward(meanwhile);
    client.sync_once().await.unwrap();
    let status = client.status().unwrap();
    assert_eq!((status.received, status.here), (2, 0));
    assert_eq!(endpoint.data().log[2].client_seq, 3);
}

#[tokio::test]
async fn problems_of_the_endpoint_delete_nothing() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    for code in
        [Code::Unavailable, Code::Forbidden, Code::UpgradeRequired, Code::TooManyRequests, Code::TooLarge]
    {
        endpoint.data().faults.push = Some(code);
        assert_eq!(client.sync_once().await.unwrap_err().code, code);
        assert_eq!(client.status().unwrap().here, 1, "{code:?}");
    }
    endpoint.data().faults.push = None;
    endpoint.data().faults.login_page = true;
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::ServerNotOurs);
    endpoint.data().faults.login_page = false;
    assert_eq!(client.sync_once().await.unwrap().here, 0);
}

#[tokio::test]
async fn a_restored_endpoint_is_given_again_what_it_lost() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let path = dir.path().join("a.jpg");
    std::fs::write(&path, photo(3)).unwrap();
    client.capture_file(FOLIO, progress(1), &[(path, "illustration".into())]).unwrap();
    client.capture_file(FOLIO, progress(2), &[]).unwrap();
    client.sync_once().await.unwrap();
    assert_eq!(endpoint.data().files.len(), 1);
    endpoint.data().forget(2);
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.received, status.here, status.files_received), (2, 0, 1));
    let data = endpoint.data();
    assert_eq!((data.log.len(), data.files.len()), (2, 1));
}

#[tokio::test]
async fn a_file_that_was_cut_goes_on_where_it_was() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let path = dir.path().join("a.jpg");
    std::fs::write(&path, photo(3)).unwrap();
    client.capture_file(FOLIO, progress(1), &[(path, "illustration".into())]).unwrap();
    endpoint.data().faults.lose_chunks = 2;
    for _ in 0..2 {
        client.sync_once().await.unwrap_err();
        let status = client.status().unwrap();
        assert_eq!((status.received, status.files_received, status.files), (1, 0, 1));
        assert!(status.bytes_waiting > 0);
    }
    let row = call(&client, "tray", json!({})).await["rows"][0].clone();
    assert_eq!((row["state"].as_str(), row["filesWaiting"].as_u64()), (Some("received"), Some(1)));
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.files_received, status.bytes_waiting), (1, 0));
    let data = endpoint.data();
    let chunks = photo(3).len().div_ceil(300) as u32;
    assert_eq!(data.chunk_requests, chunks + 2);
    assert_eq!(data.files.values().next().unwrap(), &photo(3));
}

#[tokio::test]
async fn a_stream_out_of_scope_leaves_the_device_but_own_work_stays() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = call(&client, "draft_new", json!({"folio": FOLIO, "stage": "implementation"})).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    endpoint.data().scope = vec!["common".into()];
    endpoint.data().faults.push = Some(Code::Forbidden);
    client.sync_once().await.unwrap_err();
    endpoint.data().faults.push = None;
    client.sync_once().await.unwrap();
    let rows = call(&client, "projects", json!({})).await;
    assert_eq!(
        rows.as_array().unwrap().iter().map(|row| row["folio"].as_str().unwrap()).collect::<Vec<_>>(),
        ["d2_p2"]
    );
    // The draft of a project that left still opens and takes letters; it says why it cannot be sent.
    let values = json!({"id": new["id"], "values": {"physicalActual": "7"}});
    assert_eq!(call(&client, "draft_save", values).await["values"]["physicalActual"], "7");
    let refused = client.call("draft_ready", json!({"id": new["id"]})).await.unwrap_err();
    assert_eq!(refused.code, Code::ProjectUnknown);
    assert_eq!(call(&client, "tray", json!({})).await["counts"], json!({"draft": 1, "received": 1}));
}

#[tokio::test]
async fn a_revoked_equipment_keeps_its_work_and_takes_a_new_code() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    client.sync_once().await.unwrap();
    client.capture_file(FOLIO, progress(2), &[]).unwrap();
    let again = json!({"server": endpoint.url(), "code": "NUEVO-00001", "device": ""});
    assert_eq!(client.call("enrol", again.clone()).await.unwrap_err().code, Code::AlreadyEnrolled);
    endpoint.data().faults.push = Some(Code::DeviceRevoked);
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::DeviceRevoked);
    assert_eq!(client.status().unwrap().here, 1);
    endpoint.data().faults.push = None;
    call(&client, "enrol", again).await;
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.received, status.here), (2, 0));
    // A new device starts from number 1.
    assert_eq!(endpoint.data().log.iter().map(|o| o.client_seq).collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn the_scheduler_sends_by_itself() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let mut events = client.events();
    client.start_background();
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    let sent = async {
        while client.status().unwrap().received == 0 {
            events.recv().await.ok();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), sent).await.unwrap();
    assert!(client.status().unwrap().next_attempt.is_some() || endpoint.data().log.len() == 1);
}

#[tokio::test]
async fn the_timer_is_armed_again_after_a_failure() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    endpoint.data().faults.push = Some(Code::TooManyRequests);
    let before = endpoint.data().pushes;
    let until = async |done: &dyn Fn() -> bool| {
        let look = async {
            while !done() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), look).await.unwrap();
    };
    client.start_background();
    until(&|| endpoint.data().pushes > before).await;
    // The endpoint is well again, and nobody touches the program.
    endpoint.data().faults.push = None;
    until(&|| client.status().unwrap().received == 1).await;
}

#[tokio::test]
async fn a_batch_that_is_too_much_is_halved_at_once() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    for n in 1..=7 {
        client.capture_file(FOLIO, progress(n), &[]).unwrap();
    }
    endpoint.data().faults.most = Some(2);
    assert_eq!(client.sync_once().await.unwrap().received, 7);
    assert_eq!(endpoint.data().log.len(), 7);
}

#[tokio::test]
async fn a_token_that_ended_is_asked_for_again_once() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    endpoint.data().faults.forget_tokens = 1;
    assert_eq!(client.sync_once().await.unwrap().received, 1);
    endpoint.data().faults.forget_tokens = 2;
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::Unauthenticated);
}
