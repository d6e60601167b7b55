//! Several people at one window: who sits there, what is locked, and what a window may do for a forgotten passphrase.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use client::{Client, People};
use domain::problem::{Code, Problem};
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::{FOLIO, PASSPHRASE, TestClock};

const OTHER: &str = "otra frase distinta";

fn people(data: &Path, clock: &TestClock) -> People {
    People::open(data, Arc::new(clock.clone())).unwrap()
}

async fn call(people: &People, name: &str, payload: Value) -> Value {
    people.call(name, payload).await.unwrap_or_else(|problem| panic!("{name}: {problem}"))
}

async fn refused(people: &People, name: &str, payload: Value) -> Problem {
    match people.call(name, payload).await {
        Ok(answer) => panic!("{name} was answered: {answer}"),
        Err(problem) => problem,
    }
}

async fn enrol(people: &People, endpoint: &Endpoint) -> Value {
    let request = json!({"server": endpoint.url(), "code": "OTRO-CODIGO", "device": "PC de muestra"});
    let state = call(people, "enrol", request).await;
    assert_eq!(state["stage"], "ready", "{state}");
    state
}

/// A draft with a note; its identifier.
async fn draft(people: &People, note: &str) -> Value {
    let draft = call(people, "draft_new", json!({"folio": FOLIO, "stage": "implementation"})).await;
    call(people, "draft_save", json!({"id": draft["id"], "values": {"notes": note}})).await;
    draft["id"].clone()
}

/// What is only here, as the tray says.
async fn drafts(people: &People) -> usize {
    call(people, "tray", json!({})).await["rows"].as_array().unwrap().len()
}

#[tokio::test]
async fn e14_two_people_take_turns_at_one_window() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let clock = TestClock::default();
    let pc = people(dir.path(), &clock);
    // An equipment that nobody used asks for nothing but a passphrase.
    let state = call(&pc, "app_state", json!({})).await;
    assert_eq!(state, json!({"stage": "locked", "new": true, "profile": null}));
    assert_eq!(call(&pc, "profiles", json!({})).await, json!([]));
    call(&pc, "unlock", json!({"passphrase": PASSPHRASE})).await;
    let state = enrol(&pc, &endpoint).await;
    assert_eq!((&state["profile"], &state["recovery"]), (&json!("Perfil 1"), &json!("none")));
    let first = draft(&pc, "de la primera").await;

    // Another person is added, and what the first had is closed.
    for (name, passphrase, code) in [
        ("perfil 1", OTHER, Code::ProfileNameTaken),
        (" ", OTHER, Code::ProfileNameInvalid),
        ("Luz de muestra", "corta", Code::PassphraseTooShort),
    ] {
        let request = json!({"name": name, "passphrase": passphrase});
        assert_eq!(refused(&pc, "profile_add", request).await.code, code);
    }
    assert_eq!(drafts(&pc).await, 1, "nobody got up for nothing");
    clock.forward(TimeDelta::hours(1));
    let added = json!({"name": "Luz de muestra", "passphrase": OTHER});
    let state = call(&pc, "profile_add", added).await;
    assert_eq!((&state["stage"], &state["profile"]), (&json!("not_enrolled"), &json!("Luz de muestra")));
    enrol(&pc, &endpoint).await;
    assert_eq!(drafts(&pc).await, 0);
    assert_eq!(refused(&pc, "draft_open", json!({"id": first})).await.code, Code::DraftUnknown);
    draft(&pc, "de Luz").await;
    draft(&pc, "otra de Luz").await;

    // The list says who there is and when they were here, without a passphrase.
    let state = call(&pc, "profile_leave", json!({})).await;
    let cards = state["profiles"].as_array().unwrap().clone();
    assert_eq!(state["stage"], "choose");
    let said = |n: usize| (cards[n]["name"].clone(), cards[n]["usedAt"].clone());
    assert_eq!(said(0), (json!("Perfil 1"), json!("2026-11-22T18:00:00Z")));
    assert_eq!(said(1), (json!("Luz de muestra"), json!("2026-11-22T19:00:00Z")));
    assert_eq!(call(&pc, "app_state", json!({})).await, state);
    for name in ["tray", "status", "lock"] {
        assert_eq!(refused(&pc, name, json!({})).await.code, Code::PassphraseNeeded, "{name}");
    }
    for id in ["..", "", "perfiles", "nadie"] {
        assert_eq!(refused(&pc, "profile_choose", json!({"id": id})).await.code, Code::ProfileUnknown);
    }

    // Each opens only what is their own.
    let state = call(&pc, "profile_choose", json!({"id": cards[0]["id"]})).await;
    assert_eq!(state, json!({"stage": "locked", "new": false, "profile": "Perfil 1"}));
    assert_eq!(refused(&pc, "unlock", json!({"passphrase": OTHER})).await.code, Code::PassphraseWrong);
    call(&pc, "unlock", json!({"passphrase": PASSPHRASE})).await;
    assert_eq!(drafts(&pc).await, 1);
    let taken = refused(&pc, "profile_rename", json!({"name": "LUZ de muestra"})).await;
    assert_eq!((taken.code, &taken.params["name"]), (Code::ProfileNameTaken, &json!("Luz de muestra")));
    let state = call(&pc, "profile_rename", json!({"name": "  Ana   de muestra"})).await;
    assert_eq!(state["profile"], "Ana de muestra");
    assert_eq!(
        call(&pc, "profile_rename", json!({"name": "ANA de muestra"})).await["profile"],
        "ANA de muestra"
    );
    call(&pc, "profile_choose", json!({"id": cards[1]["id"]})).await;
    call(&pc, "unlock", json!({"passphrase": OTHER})).await;
    assert_eq!(drafts(&pc).await, 2);
    // The folder of whoever got up is free.
    drop(Client::open(dir.path(), Arc::new(clock.clone())).unwrap());
    drop(pc);

    // With several people, a start asks who it is.
    let pc = people(dir.path(), &clock);
    let state = call(&pc, "app_state", json!({})).await;
    assert_eq!(state["profiles"][0]["name"], "ANA de muestra");
    assert_eq!(state["profiles"][0]["usedAt"], "2026-11-22T19:00:00Z", "a new name forgets nothing");
    assert_eq!(pc.unlock(Some(PASSPHRASE)).unwrap_err().code, Code::PassphraseNeeded);
}

#[tokio::test]
async fn e14_nothing_of_who_got_up_reaches_who_comes_next() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let pc = people(dir.path(), &TestClock::default());
    call(&pc, "unlock", json!({"passphrase": PASSPHRASE})).await;
    enrol(&pc, &endpoint).await;
    let mut events = pc.events();
    draft(&pc, "de la primera").await;
    tokio::time::timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap();
    pc.start_background();
    call(&pc, "profile_add", json!({"name": "Luz", "passphrase": OTHER})).await;
    let mut events = pc.events();
    tokio::time::sleep(Duration::from_millis(300)).await;
    while let Ok(event) = events.try_recv() {
        let event = serde_json::to_value(event).unwrap();
        assert!(event["status"]["here"].as_u64().is_none_or(|here| here == 0), "{event}");
    }
    // And hers do.
    enrol(&pc, &endpoint).await;
    let mut events = pc.events();
    draft(&pc, "de Luz").await;
    tokio::time::timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn e14_a_locked_window_reads_and_sends_nothing() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let pc = people(dir.path(), &TestClock::default());
    call(&pc, "unlock", json!({"passphrase": PASSPHRASE})).await;
    enrol(&pc, &endpoint).await;
    let id = draft(&pc, "CANARIO").await;
    endpoint.data().faults.push = Some(Code::Unavailable);
    let values = json!({"visitedOn": "20/11/2026", "physicalActual": "20", "physicalPlanned": "50"});
    call(&pc, "draft_save", json!({"id": id, "values": values})).await;
    call(&pc, "draft_ready", json!({"id": id})).await;
    pc.start_background();
    wait("it was offered", || endpoint.data().pushes > 0).await;

    let state = call(&pc, "lock", json!({})).await;
    assert_eq!(state, json!({"stage": "locked", "new": false, "profile": "Perfil 1"}));
    assert_eq!(call(&pc, "app_state", json!({})).await, state);
    for name in ["tray", "status", "send_now", "recovery_kept"] {
        assert_eq!(refused(&pc, name, json!({})).await.code, Code::PassphraseNeeded, "{name}");
    }
    endpoint.data().faults.push = None;
    let before = endpoint.data().pushes;
    // Long enough for the shortest wait between two attempts.
    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert_eq!(endpoint.data().pushes, before, "a locked window sends nothing");
    assert_eq!(endpoint.data().log.len(), 0);
    // Another program cannot take the folder: it is still of this window.
    assert_eq!(
        People::open(dir.path(), Arc::new(TestClock::default())).err().unwrap().code,
        Code::StoreInUse
    );

    call(&pc, "unlock", json!({"passphrase": PASSPHRASE})).await;
    wait("it goes on by itself", || endpoint.data().log.len() == 1).await;
}

async fn wait(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn e14_how_long_a_window_stays_open_is_of_each_person() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let pc = people(dir.path(), &TestClock::default());
    call(&pc, "unlock", json!({"passphrase": PASSPHRASE})).await;
    assert_eq!(enrol(&pc, &endpoint).await["lock_minutes"], 15);
    assert_eq!(call(&pc, "set_lock_after", json!({"minutes": 5})).await["lock_minutes"], 5);
    for minutes in [0, 241] {
        let problem = refused(&pc, "set_lock_after", json!({"minutes": minutes})).await;
        assert_eq!(problem.code, Code::CommandInvalid);
    }
    call(&pc, "lock", json!({})).await;
    assert_eq!(call(&pc, "unlock", json!({"passphrase": PASSPHRASE})).await["lock_minutes"], 5);
    call(&pc, "profile_add", json!({"name": "Luz", "passphrase": OTHER})).await;
    assert_eq!(enrol(&pc, &endpoint).await["lock_minutes"], 15);
}

#[tokio::test]
async fn p7_the_window_makes_a_recovery_code_and_opens_with_it() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let clock = TestClock::default();
    let pc = people(dir.path(), &clock);
    call(&pc, "unlock", json!({"passphrase": PASSPHRASE})).await;
    enrol(&pc, &endpoint).await;
    draft(&pc, "sigue aquí").await;
    assert_eq!(refused(&pc, "recovery_kept", json!({})).await.code, Code::RecoveryNone);
    let wrong = refused(&pc, "recovery_new", json!({"passphrase": OTHER})).await;
    assert_eq!(wrong.code, Code::PassphraseWrong);
    let made = call(&pc, "recovery_new", json!({"passphrase": PASSPHRASE})).await;
    let code = made["code"].as_str().unwrap().to_owned();
    assert_eq!(code.split('-').count(), 8);
    assert!(made["base64"].as_str().unwrap().starts_with("JVBERi"), "a PDF");
    // Until somebody says that it is on paper, it is asked again.
    assert_eq!(call(&pc, "app_state", json!({})).await["recovery"], "made");
    assert_eq!(call(&pc, "recovery_kept", json!({})).await["recovery"], "kept");

    // Locked, and the passphrase is forgotten: not even many wrong ones are in the way of the code.
    call(&pc, "lock", json!({})).await;
    for expected in [None, None, Some(2)] {
        let wrong = refused(&pc, "unlock", json!({"passphrase": "no me acuerdo"})).await;
        assert_eq!(wrong.code, Code::PassphraseWrong);
        assert_eq!(wrong.params.get("retryAfterSeconds").and_then(Value::as_u64), expected);
    }
    let early = refused(&pc, "unlock", json!({"passphrase": PASSPHRASE})).await;
    assert_eq!(early.code, Code::PassphraseWait);
    let slip = json!({"code": &code[1..], "passphrase": OTHER});
    assert_eq!(refused(&pc, "recover", slip).await.code, Code::RecoveryMistyped);
    let state = call(&pc, "recover", json!({"code": code.to_lowercase(), "passphrase": OTHER})).await;
    assert_eq!((&state["stage"], &state["recovery"]), (&json!("ready"), &json!("kept")));
    assert_eq!(drafts(&pc).await, 1);
    call(&pc, "lock", json!({})).await;
    call(&pc, "unlock", json!({"passphrase": OTHER})).await;

    // The passphrase changes with the one in force, and another code takes the place of the first.
    let change = |old: &str, new: &str| json!({"old": old, "new": new});
    for (old, new, code) in
        [(PASSPHRASE, "la siguiente", Code::PassphraseWrong), (OTHER, "corta", Code::PassphraseTooShort)]
    {
        assert_eq!(refused(&pc, "passphrase_change", change(old, new)).await.code, code);
    }
    call(&pc, "passphrase_change", change(OTHER, "la siguiente")).await;
    call(&pc, "recovery_new", json!({"passphrase": "la siguiente"})).await;
    assert_eq!(call(&pc, "app_state", json!({})).await["recovery"], "made");
    call(&pc, "lock", json!({})).await;
    let old = refused(&pc, "recover", json!({"code": code, "passphrase": OTHER})).await;
    assert_eq!(old.code, Code::RecoveryWrong);
    call(&pc, "unlock", json!({"passphrase": "la siguiente"})).await;
    assert_eq!(drafts(&pc).await, 1);
}

#[tokio::test]
async fn a_map_that_is_dropped_in_is_for_everybody_of_the_equipment() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/map/muestra.pmtiles");
    std::fs::copy(sample, dir.path().join("mapa.pmtiles")).unwrap();
    let pc = people(dir.path(), &TestClock::default());
    call(&pc, "unlock", json!({"passphrase": PASSPHRASE})).await;
    call(&pc, "profile_add", json!({"name": "Luz", "passphrase": OTHER})).await;
    enrol(&pc, &endpoint).await;
    assert!(call(&pc, "map_info", json!({})).await["tiles"].is_object());
}
