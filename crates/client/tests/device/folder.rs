//! The folder: its lock, its key, what is on the disk, what happens to a damaged file.

use std::sync::Arc;

use client::Client;
use domain::command::AppState;
use domain::problem::Code;
use serde_json::json;

use crate::endpoint::Endpoint;
use crate::{FOLIO, PASSPHRASE, TestClock, call, enrolled, open, progress};

#[test]
fn a_first_start_asks_for_a_passphrase_and_the_next_needs_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let client = Client::open(dir.path(), clock.clone()).unwrap();
    assert_eq!(client.unlock(None).unwrap_err().code, Code::PassphraseNeeded);
    assert_eq!(client.unlock(Some("corta")).unwrap_err().code, Code::PassphraseTooShort);
    assert!(matches!(client.unlock(Some(PASSPHRASE)).unwrap(), AppState::NotEnrolled { .. }));
    drop(client);
    let client = Client::open(dir.path(), clock).unwrap();
    assert_eq!(client.unlock(Some("otra frase de paso")).unwrap_err().code, Code::PassphraseWrong);
    assert_eq!(client.unlock(None).unwrap_err().code, Code::PassphraseNeeded);
    assert_eq!(client.status().unwrap_err().code, Code::PassphraseNeeded);
    client.unlock(Some(PASSPHRASE)).unwrap();
}

#[test]
fn a_database_without_its_keys_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    std::fs::rename(dir.path().join("keys.json"), dir.path().join("elsewhere")).unwrap();
    let before = std::fs::read(dir.path().join("device.db")).unwrap();
    let client = Client::open(dir.path(), Arc::new(TestClock::default())).unwrap();
    for passphrase in [None, Some(PASSPHRASE)] {
        assert_eq!(client.unlock(passphrase).unwrap_err().code, Code::FileUnreadable);
    }
    assert!(!dir.path().join("keys.json").exists());
    assert_eq!(std::fs::read(dir.path().join("device.db")).unwrap(), before);
}

#[tokio::test]
async fn nothing_on_the_disk_can_be_read_without_the_key() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let mut file = progress(20);
    file.internal.notes = "CANARIO-INTERNO".into();
    let photo = dir.path().join("foto.jpg");
    std::fs::write(&photo, crate::photo(9)).unwrap();
    client.capture_file(FOLIO, file, &[(photo.clone(), "illustration".into())]).unwrap();
    drop(client);
    let secret = crate::photo(9);
    std::fs::remove_file(photo).unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for canary in
            [&b"CANARIO-INTERNO"[..], b"Banquetas", b"SQLite format 3", b"Persona Uno", &secret[100..140]]
        {
            assert!(!bytes.windows(canary.len()).any(|window| window == canary));
        }
    }
}

#[test]
fn two_programs_cannot_have_one_folder_and_a_killed_one_leaves_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    // As a killed process leaves it: the file is there, nobody holds it.
    std::fs::write(dir.path().join("lock"), "pid 1").unwrap();
    let first = Client::open(dir.path(), clock.clone()).unwrap();
    assert_eq!(Client::open(dir.path(), clock.clone()).err().unwrap().code, Code::StoreInUse);
    let second = first.clone();
    drop(first);
    assert!(Client::open(dir.path(), clock.clone()).is_err());
    drop(second);
    assert!(Client::open(dir.path(), clock).is_ok());
}

#[tokio::test]
async fn the_folder_is_free_as_soon_as_the_last_client_is_gone_although_work_went_on() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.start_background();
    tokio::task::yield_now().await;
    drop(client);
    let client = open(dir.path());
    assert_eq!(call(&client, "app_state", json!({})).await["stage"], "ready");
}

#[tokio::test]
async fn a_closed_client_writes_nothing_more_and_opens_again_with_everything() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.start_background();
    tokio::task::yield_now().await;
    client.close();
    assert_eq!(call(&client, "app_state", json!({})).await["stage"], "locked");
    client.unlock(Some(PASSPHRASE)).unwrap();
    assert_eq!(call(&client, "app_state", json!({})).await["stage"], "ready");
}

#[test]
fn a_damaged_database_is_set_aside_whole() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let path = dir.path().join("device.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[40..90].fill(7);
    bytes[middle..middle + 50].fill(7);
    std::fs::write(&path, &bytes).unwrap();
    let client = Client::open(dir.path(), Arc::new(TestClock::default())).unwrap();
    let problem = client.unlock(Some(PASSPHRASE)).unwrap_err();
    assert_eq!(problem.code, Code::StoreSetAside);
    assert_eq!(std::fs::read(problem.params["path"].as_str().unwrap()).unwrap(), bytes);
    // The same key opens the new, empty one.
    assert!(matches!(client.unlock(Some(PASSPHRASE)).unwrap(), AppState::NotEnrolled { .. }));
}

#[tokio::test]
async fn commands_are_typed() {
    let dir = tempfile::tempdir().unwrap();
    let client = open(dir.path());
    for (name, payload) in [("rm", json!({})), ("draft_save", json!({"id": 3})), ("projects", json!("x"))] {
        assert_eq!(client.call(name, payload).await.unwrap_err().code, Code::CommandInvalid, "{name}");
    }
    assert_eq!(client.call("tray", json!({})).await.unwrap()["rows"], json!([]));
    let request = json!({"folio": FOLIO, "stage": "implementation"});
    assert_eq!(client.call("draft_new", request).await.unwrap_err().code, Code::NotEnrolled);
}
