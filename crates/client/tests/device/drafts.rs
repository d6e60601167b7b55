//! Earlier states of a draft, what may be a duplicate, and forms that came with the changes.

use chrono::TimeDelta;
use client::Client;
use domain::form::Form;
use domain::history::ChangeKind;
use domain::wire::FORMS;
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::{FOLIO, TestClock, call, enrolled, open, open_at, photo, progress};

async fn draft(client: &Client, stage: &str) -> Value {
    call(client, "draft_new", json!({"folio": FOLIO, "stage": stage})).await
}

async fn save(client: &Client, draft: &Value, values: Value) -> Value {
    call(client, "draft_save", json!({"id": draft["id"], "values": values})).await
}

async fn versions(client: &Client, draft: &Value) -> Vec<Value> {
    let list = call(client, "draft_versions", json!({"id": draft["id"]})).await;
    list["versions"].as_array().unwrap().clone()
}

/// The warning of a duplicate in an answer.
fn duplicate(draft: &Value) -> Option<&Value> {
    let findings = draft["findings"].as_array().unwrap();
    findings.iter().map(|found| &found["finding"]).find(|finding| finding["rule"] == "possible-duplicate")
}

#[tokio::test]
async fn e4_what_another_session_left_is_a_version_and_going_back_loses_nothing() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client, "implementation").await;
    save(&client, &new, json!({"physicalActual": "10", "notes": "antes del apagón"})).await;
    save(&client, &new, json!({"physicalActual": "11"})).await;
    assert_eq!(versions(&client, &new).await.len(), 0, "one session, a moment ago");
    drop(client);

    // The newest state is what is shown; it becomes a version when somebody goes on from it.
    let client = open(dir.path());
    let again = call(&client, "draft_open", json!({"id": new["id"]})).await;
    assert_eq!(again["values"]["physicalActual"], "11");
    save(&client, &new, json!({"physicalActual": "12"})).await;
    save(&client, &new, json!({"physicalActual": "13"})).await;
    let kept = versions(&client, &new).await;
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!((kept[0]["reason"].as_str(), kept[0]["number"].as_u64()), (Some("session"), Some(1)));
    assert_eq!(kept[0]["values"]["physicalActual"], "11");
    assert_eq!(kept[0]["changed"], json!(["physicalActual"]));

    // Going back, and back again: nothing that was typed is gone.
    let back = call(&client, "draft_version_restore", json!({"id": new["id"], "number": 1})).await;
    assert_eq!(
        (&back["values"]["physicalActual"], &back["values"]["notes"]),
        (&json!("11"), &json!("antes del apagón"))
    );
    let kept = versions(&client, &new).await;
    assert_eq!(
        (kept[0]["reason"].as_str(), &kept[0]["values"]["physicalActual"]),
        (Some("restored"), &json!("13"))
    );
    let forth =
        call(&client, "draft_version_restore", json!({"id": new["id"], "number": kept[0]["number"]})).await;
    assert_eq!(forth["values"]["physicalActual"], "13");
    let unknown =
        client.call("draft_version_restore", json!({"id": new["id"], "number": 99})).await.unwrap_err();
    assert_eq!(unknown.code, domain::problem::Code::DraftUnknown);
}

#[tokio::test]
async fn e4_what_is_cleared_and_files_taken_out_come_back() {
    use base64::Engine as _;
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client, "implementation").await;
    let base64 = base64::engine::general_purpose::STANDARD.encode(photo(1));
    let with = json!({"id": new["id"], "name": "a.jpg", "base64": base64});
    let file = call(&client, "evidence_add_bytes", with).await["files"][0].clone();
    save(&client, &new, json!({"paymentId": "E-1", "paymentAmount": "100", "physicalActual": "5"})).await;
    save(&client, &new, json!({"paymentId": "", "paymentAmount": ""})).await;
    call(&client, "evidence_remove", json!({"id": new["id"], "sha256": file["sha256"]})).await;
    let kept = versions(&client, &new).await;
    let reasons: Vec<&str> = kept.iter().map(|version| version["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["file", "cleared"]);
    assert_eq!(kept[1]["values"]["paymentId"], "E-1");
    assert_eq!(kept[0]["filesChanged"], true);
    // The file alone, without its words.
    let again = json!({"id": new["id"], "sha256": file["sha256"], "documentType": file["documentType"], "title": "Vista"});
    let back = call(&client, "evidence_again", again).await;
    assert_eq!((&back["files"][0]["sha256"], &back["files"][0]["title"]), (&file["sha256"], &json!("Vista")));
    let never = json!({"id": new["id"], "sha256": "0".repeat(64), "documentType": "illustration"});
    assert_eq!(client.call("evidence_again", never).await.unwrap_err().code, domain::problem::Code::NotFound);
    // All of it, as it was.
    let whole =
        call(&client, "draft_version_restore", json!({"id": new["id"], "number": kept[1]["number"]})).await;
    assert_eq!(whole["values"]["paymentAmount"], "100");
    assert_eq!(whole["files"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn e4_versions_are_bounded_and_one_of_each_day_stays() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    drop(enrolled(dir.path(), &endpoint).await);
    let clock = TestClock::default();
    let client = open_at(dir.path(), &clock);
    let new = draft(&client, "implementation").await;
    for day in 0..3 {
        for n in 0..30 {
            clock.forward(TimeDelta::minutes(4));
            save(&client, &new, json!({"notes": format!("día {day}, vez {n}")})).await;
        }
        clock.forward(TimeDelta::hours(22));
    }
    let kept = versions(&client, &new).await;
    assert!((20..=23).contains(&kept.len()), "{}", kept.len());
    let saved = |version: &Value| version["savedAt"].as_str().unwrap()[..10].to_owned();
    let mut days: Vec<String> = kept.iter().map(saved).collect();
    days.dedup();
    assert_eq!(days.len(), 3, "{days:?}");
    assert_eq!(kept.first().unwrap()["reason"], "typing");
}

#[tokio::test]
async fn e3_a_possible_duplicate_is_told_and_never_held() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let first = draft(&client, "implementation").await;
    let values = json!({"visitedOn": "20/11/2026", "physicalPlanned": "40", "physicalActual": "33"});
    let alone = save(&client, &first, values.clone()).await;
    assert_eq!(duplicate(&alone), None);
    let second = draft(&client, "implementation").await;
    assert_eq!(
        duplicate(&save(&client, &second, json!({"visitedOn": "19/11/2026"})).await),
        None,
        "another day"
    );
    let told = save(&client, &second, json!({"visitedOn": "viernes"})).await;
    let finding = duplicate(&told).unwrap_or_else(|| panic!("{told}"));
    assert_eq!((&finding["params"]["id"], &finding["params"]["state"]), (&first["id"], &json!("draft")));
    assert_eq!((&finding["severity"], &finding["params"]["reason"]), (&json!("warning"), &json!("day")));
    let same = save(&client, &second, values).await;
    assert_eq!(duplicate(&same).unwrap()["params"]["reason"], "same");

    // Sent, it is still told, and the second goes too.
    call(&client, "draft_ready", json!({"id": first["id"]})).await;
    let told = call(&client, "draft_open", json!({"id": second["id"]})).await;
    assert_eq!(duplicate(&told).unwrap()["params"]["state"], "ready", "{told}");
    call(&client, "draft_ready", json!({"id": second["id"]})).await;
    // Another stage of the same day is no duplicate.
    let other = draft(&client, "closure").await;
    assert_eq!(duplicate(&save(&client, &other, json!({"visitedOn": "20/11/2026"})).await), None);
}

#[tokio::test]
async fn e3_what_was_understood_is_told() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client, "implementation").await;
    let typed = json!({"visitedOn": "ayer", "physicalActual": "35 %", "financialActual": ".5", "contractAmount": "$1,234.56 MXN",
        "milestoneDue": "12 mar", "paymentAmount": "100", "physicalPlanned": "mucho"});
    let understood = save(&client, &new, typed).await["understood"].clone();
    let expected = json!({"visitedOn": "2026-11-21", "physicalActual": "35", "financialActual": "0.5", "contractAmount": "1234.56",
        "milestoneDue": "2026-03-12"});
    assert_eq!(understood, expected);
}

#[tokio::test]
async fn e3_a_new_form_is_for_new_drafts_and_one_that_cannot_be_read_is_passed_over() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let old = draft(&client, "implementation").await;
    save(&client, &old, json!({"physicalActual": "10"})).await;
    let version = old["form"]["version"].as_u64().unwrap();

    let mut source: Value =
        serde_json::from_str(include_str!("../../../../schemas/capture/implementation.json")).unwrap();
    source["x-version"] = json!(version + 1);
    source["x-title"]["es"] = json!("Ejecución de muestra");
    Form::parse(&source.to_string()).unwrap();
    let mut later = source.clone();
    later["x-version"] = json!(version + 2);
    later["properties"]["notes"]["x-kind"] = json!("hologram");
    {
        let mut data = endpoint.data();
        data.scope.push(FORMS.to_owned());
        let record = |n| format!("implementation/{n}");
        let state = |n, source: &Value| json!({"id": "implementation", "version": n, "source": source});
        data.add(FORMS, ChangeKind::Form, &record(version + 1), state(version + 1, &source));
        data.add(FORMS, ChangeKind::Form, &record(version + 2), state(version + 2, &later));
    }
    client.sync_once().await.unwrap();
    let new = draft(&client, "implementation").await;
    assert_eq!((&new["form"]["version"], &new["newerForm"]), (&json!(version + 1), &Value::Null));
    assert_eq!(new["form"]["title"]["es"], "Ejecución de muestra");
    let kept = call(&client, "draft_open", json!({"id": old["id"]})).await;
    assert_eq!((&kept["form"]["version"], &kept["newerForm"]), (&json!(version), &json!(version + 1)));
    assert_eq!(kept["values"]["physicalActual"], "10");
    let cards = call(&client, "app_state", json!({})).await;
    let of_stage = |card: &&Value| card["stage"] == "implementation";
    let card = cards["forms"].as_array().unwrap().iter().find(of_stage).unwrap().clone();
    assert_eq!(card["version"], version + 1);

    // A fresh copy of the streams keeps it; it goes with its stream.
    drop(client);
    let client = open(dir.path());
    assert_eq!(draft(&client, "implementation").await["form"]["version"], version + 1);
    endpoint.data().scope.retain(|stream| stream != FORMS);
    client.sync_once().await.unwrap();
    assert_eq!(draft(&client, "implementation").await["form"]["version"], version);
    assert_eq!(call(&client, "draft_open", json!({"id": new["id"]})).await["form"]["version"], version + 1);
}

#[tokio::test]
async fn e7_what_does_not_exist_is_told_with_its_reason_in_what_was_captured_here() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client, "planning").await;
    let field = new["form"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["fields"].as_array().unwrap());
    let field = field.clone().find(|field| field["mayLack"] == true).unwrap().clone();
    let lack = format!("~{}", field["id"].as_str().unwrap());
    save(&client, &new, json!({(lack): "notYet"})).await;
    let tray = call(&client, "tray", json!({})).await;
    let row = tray["rows"].as_array().unwrap().iter().find(|row| row["id"] == new["id"]).unwrap();
    assert_eq!(row["lacking"].as_array().unwrap().len(), 1, "{row}");
    assert_eq!(row["lacking"][0]["field"], field["title"]);
    assert_eq!(row["lacking"][0]["reason"]["es"], "Todavía no existe");

    // Sent too; also of a field that the form does not have, by its name, and with a reason that nobody knows.
    let mut file = progress(10);
    file.internal.lacking = [("milestoneDue", "requested"), ("otro", "porque-no")]
        .map(|(id, code)| (id.into(), code.into()))
        .into();
    let sent = client.capture_file(FOLIO, file, &[]).unwrap();
    let tray = call(&client, "tray", json!({})).await;
    let row = tray["rows"].as_array().unwrap().iter().find(|row| row["folio"] == json!(sent.folio)).unwrap();
    let titles: Vec<(&str, &str)> = row["lacking"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lack| (lack["field"]["en"].as_str().unwrap(), lack["reason"]["en"].as_str().unwrap()))
        .collect();
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert_eq!(titles[0].1, "It was asked for and has not come");
    assert_eq!(titles[1], ("otro", "porque-no"));
}
