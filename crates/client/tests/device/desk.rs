//! The desk of an enlace: the list of projects with its lights (E2), what waits for the person (E12), what left.

use chrono::TimeDelta;
use domain::history::ChangeKind;
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, project};
use crate::{FOLIO, TestClock, call, enrolled, open_at, progress};

fn folios(list: &Value) -> Vec<&str> {
    list["rows"].as_array().unwrap().iter().map(|row| row["folio"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn e2_the_list_has_the_light_of_each_project_and_its_cause() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(50), &[]).unwrap();
    let list = call(&client, "project_list", json!({"urgent": true})).await;
    assert_eq!((folios(&list), &list["total"]), (vec!["d2_p2", FOLIO], &json!(2)));
    assert_eq!(list["lights"], json!({"ok": 1, "silent": 1}));
    // Of the first nothing is known since January; of the other there is a follow-up, which was not sent yet.
    let (silent, fine) = (&list["rows"][0], &list["rows"][1]);
    assert_eq!((&silent["light"], &silent["alerts"][0]["kind"]), (&json!("silent"), &json!("no_follow_up")));
    assert!(silent["alerts"][0]["days"].as_i64().is_some_and(|days| days > 300));
    assert_eq!(
        (&fine["light"], &fine["alerts"], &fine["lastOn"]),
        (&json!("ok"), &json!([]), &json!("2026-11-20"))
    );
    let silent = call(&client, "project_list", json!({"light": "silent"})).await;
    assert_eq!((folios(&silent), &silent["total"], &silent["known"]), (vec!["d2_p2"], &json!(1), &json!(2)));
    assert_eq!(folios(&call(&client, "project_list", json!({"here": "waiting"})).await), [FOLIO]);
    assert_eq!(folios(&call(&client, "project_list", json!({"offset": 1, "limit": 1})).await), ["d2_p2"]);
    let detail = call(&client, "project", json!({"folio": "d2_p2"})).await;
    assert_eq!(detail["alerts"][0]["kind"], "no_follow_up");
}

#[tokio::test]
async fn e2_search_finds_folio_title_colonia_and_provider() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let mut state = project("PP-2023-S4-0107", "Pavimentación de la calle Ñandú", 1);
    state["place"] = json!("Colonia Santa Fe");
    state["processes"][0]["compiled"]["awards"][0]["suppliers"] =
        json!([{"id": "P1", "name": "Constructora Órbita S.A. de C.V."}]);
    endpoint.data().add("area:obras", ChangeKind::Project, "PP-2023-S4-0107", state);
    client.sync_once().await.unwrap();
    for text in
        ["pp-2023", "107", "PAVIMENTACION nandu", "santa fe", "orbita", "constr sa", "calle cen santa"]
    {
        let list = call(&client, "project_list", json!({"text": text})).await;
        let expected: &[&str] = if text.contains("cen") { &[] } else { &["PP-2023-S4-0107"] };
        assert_eq!(folios(&list), expected, "{text}");
    }
    // Nothing that is typed is an operator of the index.
    for text in ["\" OR *", "NEAR(", "a AND -", "search:x", "'; DROP TABLE project"] {
        call(&client, "project_list", json!({"text": text})).await;
    }
    assert_eq!(call(&client, "project_list", json!({})).await["total"], 3);
}

#[tokio::test]
async fn e2_a_project_that_left_is_told_until_it_is_read_and_nothing_of_it_is_found() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    call(&client, "draft_new", json!({"folio": FOLIO, "stage": "implementation"})).await;
    assert_eq!(call(&client, "departures", json!({})).await, json!([]));
    endpoint.data().add("area:obras", ChangeKind::Tombstone, FOLIO, Value::Null);
    client.sync_once().await.unwrap();
    let left = call(&client, "departures", json!({})).await;
    assert_eq!(
        (&left[0]["folio"], &left[0]["here"], left.as_array().unwrap().len()),
        (&json!(FOLIO), &json!(1), 1)
    );
    assert_eq!(folios(&call(&client, "project_list", json!({"text": "d1"})).await), Vec::<&str>::new());
    let tray = call(&client, "tray", json!({})).await;
    assert_eq!((&tray["counts"], &tray["rows"][0]["title"]), (&json!({"draft": 1}), &left[0]["title"]));
    call(&client, "departures_seen", json!({})).await;
    assert_eq!(call(&client, "departures", json!({})).await, json!([]));
    assert_eq!(call(&client, "tray", json!({})).await["rows"][0]["title"], FOLIO);
}

#[tokio::test]
async fn e12_what_waits_is_listed_with_days_and_cause_and_goes_when_it_is_done() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let todo = call(&client, "tray", json!({})).await["todo"].clone();
    assert_eq!(todo.as_array().unwrap().len(), 2);
    let causes = |todo: &Value| (todo["kind"].clone(), todo["alerts"][0]["kind"].clone());
    assert_eq!(causes(&todo[0]), (json!("alert"), json!("no_follow_up")));
    assert!(todo[0]["days"].as_i64().is_some_and(|days| days > 300));
    // What is behind its plan waits still, with another cause.
    client.capture_file(FOLIO, progress(5), &[]).unwrap();
    client.capture_file("d2_p2", progress(50), &[]).unwrap();
    let todo = call(&client, "tray", json!({})).await["todo"].clone();
    assert_eq!((todo.as_array().unwrap().len(), &todo[0]["project"]), (1, &json!(FOLIO)));
    assert_eq!((causes(&todo[0]).1, &todo[0]["light"]), (json!("behind_plan"), &json!("late")));
    client.capture_file(FOLIO, progress(50), &[]).unwrap();
    assert_eq!(call(&client, "tray", json!({})).await["todo"], json!([]));
}

#[tokio::test]
async fn e12_the_light_changes_with_the_day() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    drop(enrolled(dir.path(), &endpoint).await);
    let clock = TestClock::default();
    let client = open_at(dir.path(), &clock);
    client.capture_file(FOLIO, progress(50), &[]).unwrap();
    let light =
        async || call(&client, "project_list", json!({"text": FOLIO})).await["rows"][0]["light"].clone();
    assert_eq!(light().await, "ok");
    clock.forward(TimeDelta::days(28));
    assert_eq!(light().await, "ok", "30 days after the visit");
    clock.forward(TimeDelta::days(1));
    assert_eq!(light().await, "silent");
    assert_eq!(call(&client, "project_list", json!({})).await["lights"], json!({"silent": 2}));
}
