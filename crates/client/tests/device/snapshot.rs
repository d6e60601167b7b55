//! A long stream begins with a snapshot, which is believed as little as anything else that comes.

use std::path::Path;

use client::Client;
use domain::history::ChangeKind;
use domain::problem::Code;
use domain::wire::SNAPSHOT_PIECE;
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, project};
use crate::{FOLIO, call, enrolled, open, progress};

/// An endpoint whose stream is long: projects that changed, one that left, and words that do not compress, so that the
/// snapshot has several pieces.
async fn long() -> Endpoint {
    let endpoint = Endpoint::start().await;
    {
        let mut data = endpoint.data();
        data.snapshots = true;
        for n in 0..180 {
            for version in 1..=2 {
                let folio = format!("d3_p{n}");
                let mut state = project(&folio, &format!("Título {n} de {version}"), version);
                let words: String = (0..100).map(|_| domain::receipt::new_salt()).collect();
                state["processes"][0]["compiled"]["description"] = json!(words);
                data.add("area:obras", ChangeKind::Project, &folio, state);
            }
        }
        data.add("area:obras", ChangeKind::Tombstone, "d3_p7", Value::Null);
    }
    endpoint
}

/// What is known of the projects: the same, however it came.
async fn known(client: &Client) -> Value {
    call(client, "projects", json!({})).await
}

/// The same endpoint read change by change.
async fn read_in_full(dir: &Path, endpoint: &Endpoint) -> Value {
    endpoint.data().snapshots = false;
    let client = open(&dir.join("in-full"));
    call(&client, "enrol", json!({"server": endpoint.url(), "code": "NUEVO-00001", "device": ""})).await;
    endpoint.data().snapshots = true;
    known(&client).await
}

/// Pages that were asked for; each has one change.
fn pages(endpoint: &Endpoint) -> usize {
    endpoint.data().pulls.len()
}

#[tokio::test]
async fn a_new_device_fetches_the_present_state_and_follows_from_there() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), long().await);
    let client = enrolled(&dir.path().join("one"), &endpoint).await;
    let pieces = endpoint.data().pieces.clone();
    assert!(pieces.len() > 1 && pieces.iter().enumerate().all(|(n, piece)| *piece == n as u64), "{pieces:?}");
    let packed: Vec<usize> = endpoint.data().packed.values().map(Vec::len).collect();
    assert_eq!(packed.len(), 1);
    assert_eq!(packed[0].div_ceil(SNAPSHOT_PIECE), pieces.len());
    // d1_p1, d2_p2 of the common stream, and 180 without the one that left.
    let rows = known(&client).await;
    assert_eq!(rows.as_array().unwrap().len(), 181);
    let row = rows.as_array().unwrap().iter().find(|row| row["folio"] == "d3_p5").unwrap();
    assert_eq!(row["title"], "Título 5 de 2");
    assert_eq!(rows, read_in_full(dir.path(), &endpoint).await);

    // What comes later is checked against the chain that the snapshot ended with.
    let changed = project("d3_p5", "Título 5 de 3", 3);
    endpoint.data().add("area:obras", ChangeKind::Project, "d3_p5", changed);
    client.capture_file("d3_p5", progress(4), &[]).unwrap();
    assert_eq!(client.sync_once().await.unwrap().received, 1);
    let changed = call(&client, "projects", json!({"text": "d3_p5"})).await;
    assert_eq!(changed[0]["title"], "Título 5 de 3");
    assert_eq!(endpoint.data().pieces.len(), pieces.len(), "the snapshot is fetched once");
    endpoint.data().add("area:obras", ChangeKind::Project, "d3_p5", project("d3_p5", "Cuatro", 4));
    endpoint.data().faults.alter_changes = true;
    assert_eq!(client.sync_once().await.unwrap_err().code, Code::HistoryBroken);
}

#[tokio::test]
async fn a_line_that_breaks_costs_a_piece_and_not_the_whole() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), long().await);
    endpoint.data().faults.lose_pieces = 1;
    let client = enrolled(dir.path(), &endpoint).await;
    assert!(known(&client).await.as_array().unwrap().is_empty(), "nothing of half a snapshot is shown");
    assert_eq!(endpoint.data().pieces, [0, 1]);
    client.sync_once().await.unwrap();
    assert_eq!(known(&client).await.as_array().unwrap().len(), 181);
    let again = endpoint.data().pieces[2..].to_vec();
    assert!(again[0] == 1 && again.windows(2).all(|pair| pair[1] == pair[0] + 1), "{again:?}");
}

#[tokio::test]
async fn what_was_captured_before_the_snapshot_came_is_still_sent() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(3), &[]).unwrap();
    drop(client);
    // Restored from a copy: the fresh copy of the device begins with a snapshot.
    endpoint.data().forget(2);
    endpoint.data().snapshots = true;
    let client = open(dir.path());
    let status = client.sync_once().await.unwrap();
    assert_eq!((status.received, status.here), (1, 0));
    assert!(!endpoint.data().pieces.is_empty());
    assert_eq!(known(&client).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_snapshot_that_is_damaged_gone_or_short_is_asked_for_again() {
    for fault in 0..3 {
        let (dir, endpoint) = (tempfile::tempdir().unwrap(), long().await);
        match fault {
            0 => endpoint.data().faults.damage_pieces = 1,
            1 => endpoint.data().faults.no_snapshots = 1,
            _ => endpoint.data().faults.short_snapshots = 1,
        }
        let client = enrolled(&dir.path().join("one"), &endpoint).await;
        assert_eq!(known(&client).await.as_array().unwrap().len(), 181, "{fault}");
        assert!(pages(&endpoint) < 20, "{fault}: the second snapshot was taken");
        assert!(endpoint.data().pieces.iter().filter(|piece| **piece == 0).count() == 2, "{fault}");
    }
}

#[tokio::test]
async fn without_a_good_snapshot_every_change_is_read() {
    for fault in 0..3 {
        let (dir, endpoint) = (tempfile::tempdir().unwrap(), long().await);
        match fault {
            0 => endpoint.data().faults.damage_pieces = u32::MAX,
            1 => endpoint.data().faults.no_snapshots = u32::MAX,
            _ => endpoint.data().faults.short_snapshots = u32::MAX,
        }
        let client = enrolled(dir.path(), &endpoint).await;
        assert_eq!(known(&client).await.as_array().unwrap().len(), 181, "{fault}");
        assert!(pages(&endpoint) > 360, "{fault}");
        assert_eq!(endpoint.data().pieces.iter().filter(|piece| **piece == 0).count(), 2, "{fault}");
    }
}
