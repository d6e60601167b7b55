//! The rescue copy of what is only here, and profiles that are taken away.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use client::{Client, Outside, People, profiles, rescue};
use domain::clock::Clock as _;
use domain::problem::Code;
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::{FOLIO, PASSPHRASE, TestClock, call, enrolled, open, photo, progress};

/// Room on the disk of the test of a full one, bytes.
static FREE: AtomicU64 = AtomicU64::new(u64::MAX);

fn copied(dir: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(dir.join("rescate/texto")).and_then(|text| text.modified()).ok()
}

fn pieces(dir: &Path) -> usize {
    std::fs::read_dir(dir.join("rescate")).map_or(0, |entries| entries.count().saturating_sub(1))
}

/// The same folder once more, which tells when it is copied.
fn reopened(dir: &Path, outside: &Outside) -> Client {
    let client = Client::open_with(dir, outside.clone()).unwrap();
    client.unlock(Some(PASSPHRASE)).unwrap();
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_a_nearly_full_disk_leaves_the_copy_behind_and_never_a_capture() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    enrolled(dir.path(), &endpoint).await.close();
    const MIB: u64 = 1024 * 1024;
    let outside = Outside {
        free_bytes: |_| Some(FREE.load(Ordering::Relaxed)),
        ..Outside::machine(Arc::new(TestClock::default()))
    };
    let before = copied(dir.path()).unwrap();
    let client = reopened(dir.path(), &outside);
    let files = tempfile::tempdir().unwrap();
    let capture = |shade: u8| {
        let path = files.path().join(format!("{shade}.jpg"));
        std::fs::write(&path, photo(shade)).unwrap();
        client.capture_file(FOLIO, progress(shade.into()), &[(path, "illustration".into())]).unwrap();
    };
    let looked = || async {
        // As the background does it.
        client.start_background();
        let before = call(&client, "status", json!({})).await["rescue"].clone();
        for _ in 0..100 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let now = call(&client, "status", json!({})).await["rescue"].clone();
            if now != before {
                // The text is there a moment before what is said of the whole.
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                return call(&client, "status", json!({})).await["rescue"].clone();
            }
        }
        before
    };
    endpoint.data().faults.login_page = true;
    // For a photograph, not for another of its copy.
    FREE.store(60 * MIB, Ordering::Relaxed);
    capture(1);
    let said = looked().await;
    assert_eq!((&said["behind"]["code"], &said["filesLeft"]), (&json!("disk_full"), &json!(1)), "{said}");
    assert_eq!(pieces(dir.path()), 0);
    let text = copied(dir.path()).unwrap();
    assert!(text > before, "the text went all the same");
    // For text alone: a capture goes on, and the copy that is there stays.
    FREE.store(8 * MIB, Ordering::Relaxed);
    client.capture_file(FOLIO, progress(2), &[]).unwrap();
    let said = looked().await;
    assert_eq!(said["behind"]["code"], "disk_full", "{said}");
    assert_eq!(copied(dir.path()), Some(text));
    rescue::export(dir.path(), files.path(), TestClock::default().now()).unwrap();
    // Room again: it catches up.
    FREE.store(2_000 * MIB, Ordering::Relaxed);
    client.capture_file(FOLIO, progress(3), &[]).unwrap();
    let said = looked().await;
    assert!(said["behind"].is_null(), "{said}");
    assert!(pieces(dir.path()) == 1 && copied(dir.path()).unwrap() > text);
}

#[tokio::test]
async fn e14_a_damaged_copy_is_told_apart_from_none() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let to = tempfile::tempdir().unwrap();
    let now = TestClock::default().now();
    let export = || rescue::export(dir.path(), to.path(), now);
    let never = open(dir.path());
    never.close();
    drop(never);
    assert_eq!(export().unwrap_err().code, Code::RescueNone);
    let client = enrolled(dir.path(), &endpoint).await;
    let path = to.path().join("foto.jpg");
    std::fs::write(&path, photo(3)).unwrap();
    client.capture_file(FOLIO, progress(3), &[(path, "illustration".into())]).unwrap();
    client.close();
    let made = export().unwrap();
    assert_eq!((made.files, made.damaged), (1, 0));
    assert_eq!(std::fs::metadata(&made.path).unwrap().len(), made.bytes);
    // A piece that the disk spoiled does not keep the rest.
    for entry in std::fs::read_dir(dir.path().join("rescate")).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("texto") {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[90] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let made = export().unwrap();
    assert_eq!((made.files, made.damaged), (0, 1));
    let text = dir.path().join("rescate/texto");
    let bytes = std::fs::read(&text).unwrap();
    std::fs::write(&text, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(export().unwrap_err().code, Code::RescueUnreadable);
}

async fn ask(people: &People, name: &str, payload: Value) -> Value {
    people.call(name, payload).await.unwrap()
}

async fn names(people: &People) -> Vec<String> {
    let cards = ask(people, "profiles", json!({})).await;
    cards.as_array().unwrap().iter().map(|card| card["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e14_a_profile_is_taken_away_whole_and_comes_back_with_its_passphrase() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let people = People::open(dir.path(), Arc::new(clock.clone())).unwrap();
    ask(&people, "unlock", json!({"passphrase": PASSPHRASE})).await;
    std::fs::write(dir.path().join("mapa.pmtiles"), b"de todos").unwrap();
    // Whoever sits there is not taken away, open or not.
    for _ in 0..2 {
        let refused = people.call("profile_remove", json!({"id": "primero"})).await.unwrap_err();
        assert_eq!(refused.code, Code::StoreInUse);
        ask(&people, "lock", json!({})).await;
    }
    let add = json!({"name": "Luz de muestra", "passphrase": PASSPHRASE});
    ask(&people, "profile_add", add).await;
    let state = ask(&people, "profile_remove", json!({"id": "primero"})).await;
    assert_eq!(state["stage"], "choose");
    assert_eq!(names(&people).await, ["Luz de muestra"]);
    assert!(!dir.path().join("device.db").exists() && !dir.path().join("keys.json").exists());
    assert!(dir.path().join("mapa.pmtiles").exists(), "what is everybody's stays");
    let removed = ask(&people, "profiles_removed", json!({})).await;
    let id = removed[0]["id"].clone();
    assert_eq!((&removed[0]["name"], &removed[0]["daysLeft"]), (&json!("Perfil 1"), &json!(30)));

    // The folder is free: somebody else takes it, by the same name. Both stay.
    ask(&people, "profile_leave", json!({})).await;
    ask(&people, "profile_add", json!({"name": "Perfil 1", "passphrase": "otra frase distinta"})).await;
    ask(&people, "profile_leave", json!({})).await;
    assert_eq!(
        people.call("profile_delete", json!({"id": id})).await.unwrap_err().code,
        Code::RemovedTooRecently
    );
    assert_eq!(
        people.call("profile_delete", json!({"id": "../.."})).await.unwrap_err().code,
        Code::ProfileUnknown
    );
    ask(&people, "profile_bring_back", json!({"id": id})).await;
    assert_eq!(names(&people).await, ["Perfil 1", "Luz de muestra", "Perfil 1 (2)"]);
    ask(&people, "profile_choose", json!({"id": id})).await;
    assert_eq!(ask(&people, "unlock", json!({"passphrase": PASSPHRASE})).await["stage"], "not_enrolled");

    // Away once more, and after its days for good: only when somebody says so.
    ask(&people, "profile_leave", json!({})).await;
    ask(&people, "profile_remove", json!({"id": id})).await;
    clock.forward(TimeDelta::days(31));
    let removed = ask(&people, "profiles_removed", json!({})).await;
    assert_eq!(removed[0]["daysLeft"], 0);
    let left = ask(&people, "profile_delete", json!({"id": removed[0]["id"]})).await;
    assert_eq!(left, json!([]));
    assert_eq!(std::fs::read_dir(dir.path().join("quitados")).unwrap().count(), 0);
    assert_eq!(names(&people).await, ["Perfil 1", "Luz de muestra"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_a_removal_that_was_cut_is_ended_before_anybody_uses_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    drop(open(dir.path()));
    std::fs::write(dir.path().join("perfil.json"), json!({"name": "Ana de muestra"}).to_string()).unwrap();
    // As a program leaves it that ended after the keys were moved.
    let away = dir.path().join("quitados/x");
    std::fs::create_dir_all(&away).unwrap();
    let note = json!({"name": "Ana de muestra", "removed_at": clock.now(), "moving": true});
    std::fs::write(away.join("quitado.json"), note.to_string()).unwrap();
    std::fs::rename(dir.path().join("keys.json"), away.join("keys.json")).unwrap();
    // Half of it opens for nobody.
    let half = Client::open(dir.path(), Arc::new(clock.clone())).unwrap();
    assert_eq!(half.unlock(Some(PASSPHRASE)).unwrap_err().code, Code::FileUnreadable);
    drop(half);
    assert!(profiles::list(dir.path()).unwrap().is_empty());
    assert!(away.join("device.db").exists() && !dir.path().join("device.db").exists());
    let people = People::open(dir.path(), Arc::new(clock)).unwrap();
    ask(&people, "profile_leave", json!({})).await;
    ask(&people, "profile_bring_back", json!({"id": "x"})).await;
    ask(&people, "profile_choose", json!({"id": "x"})).await;
    assert_eq!(ask(&people, "unlock", json!({"passphrase": PASSPHRASE})).await["stage"], "not_enrolled");
}
