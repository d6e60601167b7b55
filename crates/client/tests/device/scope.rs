//! A project that becomes another área's: what was captured on it stays, is not sent, can be read, and goes when the
//! project comes back.

use chrono::TimeDelta;
use domain::command::Connection;
use domain::follow_up::{FollowUpFile, State};
use domain::history::ChangeKind;
use domain::problem::Code;
use domain::wire::OperationKind;
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, project};
use crate::{FOLIO, TestClock, call, enrolled, open_at, photo, progress};

#[tokio::test]
async fn what_is_another_areas_now_waits_apart_and_comes_back_by_itself() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    drop(enrolled(&dir.path().join("data"), &endpoint).await);
    let clock = TestClock::default();
    let client = open_at(&dir.path().join("data"), &clock);
    let picture = dir.path().join("a.jpg");
    std::fs::write(&picture, photo(3)).unwrap();
    let first = client.capture_file(FOLIO, progress(1), &[(picture, "illustration".into())]).unwrap().folio;
    client.capture_file(FOLIO, progress(2), &[]).unwrap();
    client.capture_file("d2_p2", progress(3), &[]).unwrap();
    client.capture_file(FOLIO, progress(4), &[]).unwrap();
    let draft = call(&client, "draft_new", json!({"folio": FOLIO, "stage": "implementation"})).await;
    let typed = json!({"id": draft["id"], "values": {"physicalActual": "7,x", "notes": "a medias"}});
    call(&client, "draft_save", typed).await;

    endpoint.data().add("area:obras", ChangeKind::Tombstone, FOLIO, Value::Null);
    endpoint.data().faults.out_of_scope = Some(FOLIO);
    let status = client.sync_once().await.unwrap();
    assert_eq!(status.connection, Connection::Online, "nothing failed");
    assert_eq!((status.received, status.marked, status.counts.get("parked")), (1, 4, Some(&3)), "{status:?}");
    assert_eq!(status.problem.unwrap().code, Code::OutOfScope);
    let offered: Vec<_> = {
        let data = endpoint.data();
        use OperationKind::{FollowUp, Placeholder};
        let kinds: Vec<_> = data.log.iter().map(|o| (o.client_seq, o.kind)).collect();
        assert_eq!(kinds, [(1, Placeholder), (2, Placeholder), (3, FollowUp), (4, Placeholder)]);
        data.log.iter().map(|o| o.op_id).collect()
    };

    // Neither later, nor after a restart, nor by hand: it is not offered.
    drop(client);
    clock.forward(TimeDelta::hours(7));
    let client = open_at(&dir.path().join("data"), &clock);
    call(&client, "send_now", json!({})).await;
    client.sync_once().await.unwrap();
    assert_eq!(endpoint.data().log.iter().map(|o| o.op_id).collect::<Vec<_>>(), offered);

    // It is listed with its reason, read, and copied to files from which it can be captured again.
    let unsent = client.unsent().unwrap();
    let states: Vec<_> = unsent.iter().map(|one| (one.row.state, one.row.project.as_str())).collect();
    assert_eq!(states[0], (State::Draft, FOLIO));
    assert_eq!(states[1..], [(State::Parked, FOLIO); 3]);
    let reason = |one: &client::Unsent| one.row.problem.as_ref().map(|problem| problem.code);
    assert!(unsent[1..].iter().all(|one| reason(one) == Some(Code::OutOfScope)));
    let copies = dir.path().join("copias");
    for one in &unsent {
        let path = client.export(one, &copies).unwrap();
        let file: FollowUpFile = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(file, one.content);
    }
    let values = std::fs::read(copies.join(format!("{}.typed.json", unsent[0].row.folio))).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&values).unwrap()["physicalActual"], "7,x");
    assert_eq!(std::fs::read(copies.join(format!("{first}-1.jpg"))).unwrap(), photo(3));

    // The draft takes letters still; it cannot be made ready.
    let more = json!({"id": draft["id"], "values": {"notes": "a medias, y algo más"}});
    assert_eq!(call(&client, "draft_save", more).await["values"]["notes"], "a medias, y algo más");
    let refused = client.call("draft_ready", json!({"id": draft["id"]})).await.unwrap_err();
    assert_eq!(refused.code, Code::ProjectUnknown);

    endpoint.data().faults.out_of_scope = None;
    endpoint.data().add("area:obras", ChangeKind::Project, FOLIO, project(FOLIO, "Jardín de la Ñ", 1));
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.received, status.counts.get("parked"), status.here), (4, None, 1), "{status:?}");
    assert_eq!((status.problem, status.files_received), (None, 1));
    let data = endpoint.data();
    let seqs: Vec<_> = data.log.iter().map(|o| o.client_seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7]);
    let actual = |at: usize| data.log[at].body["content"]["progress"]["physical"]["actual"].as_f64();
    assert_eq!([actual(4), actual(5), actual(6)], [Some(1.0), Some(2.0), Some(4.0)]);
}

#[tokio::test]
async fn a_project_that_is_still_shown_here_is_asked_about_again_only_later() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    drop(enrolled(dir.path(), &endpoint).await);
    let clock = TestClock::default();
    let client = open_at(dir.path(), &clock);
    client.capture_file(FOLIO, progress(1), &[]).unwrap();
    endpoint.data().faults.out_of_scope = Some(FOLIO);
    for _ in 0..3 {
        client.sync_once().await.unwrap();
    }
    assert_eq!(endpoint.data().log.len(), 1, "one placeholder, and no storm");
    clock.forward(TimeDelta::hours(7));
    endpoint.data().faults.out_of_scope = None;
    assert_eq!(client.sync_once().await.unwrap().received, 1);
}
