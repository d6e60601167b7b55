//! Drafts keep every letter; what is marked ready is whole or is not there.

use client::Client;
use domain::history::ChangeKind;
use domain::problem::{Code, Problem};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, project};
use crate::{FOLIO, call, enrolled, open, photo, progress};

async fn draft(client: &Client) -> Value {
    call(client, "draft_new", json!({"folio": FOLIO, "stage": "implementation"})).await
}

async fn save(client: &Client, draft: &Value, values: Value) -> Value {
    call(client, "draft_save", json!({"id": draft["id"], "values": values})).await
}

fn rules(draft: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = draft["findings"].as_array().unwrap();
    findings.iter().map(|f| (text(&f["field"]), text(&f["finding"]["rule"]))).collect()
}

#[tokio::test]
async fn what_was_typed_is_there_after_the_program_died() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client).await;
    assert!(new["missing"].as_u64().unwrap() > 0);
    save(&client, &new, json!({"visitedOn": "20/11/2026", "physicalActual": " 33,5 %"})).await;
    save(&client, &new, json!({"physicalActual": "abc", "financialActual": "10"})).await;
    // Dropped without a word, as after a kill.
    drop(client);
    let client = open(dir.path());
    let again = call(&client, "draft_open", json!({"id": new["id"]})).await;
    assert_eq!(
        again["values"],
        json!({"visitedOn": "20/11/2026", "physicalActual": "abc", "financialActual": "10"})
    );
    assert!(rules(&again).contains(&("physicalActual".into(), "percent-format".into())), "{again}");
    assert_eq!(again["folio"], new["folio"]);
    let cleared = save(&client, &new, json!({"financialActual": "  "})).await;
    assert!(cleared["values"].get("financialActual").is_none());
    let rows = call(&client, "projects", json!({"text": "JARDIN  n"})).await;
    assert_eq!((rows[0]["folio"].as_str(), rows[0]["draft"].clone()), (Some(FOLIO), new["id"].clone()));
}

#[tokio::test]
async fn a_draft_with_errors_stays_a_draft_and_a_good_one_becomes_an_operation() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client).await;
    save(&client, &new, json!({"visitedOn": "2031-01-01", "physicalActual": "33"})).await;
    let refused = client.call("draft_ready", json!({"id": new["id"]})).await.unwrap_err();
    assert_eq!(refused.code, Code::HasErrors);
    assert_eq!(refused.params["findings"][0]["field"], "visitedOn", "{refused}");
    assert_eq!(call(&client, "tray", json!({})).await["counts"], json!({"draft": 1}));

    let values = json!({"visitedOn": "20/11/2026", "physicalPlanned": "40", "physicalActual": "33", "financialPlanned": "30",
        "financialActual": "20"});
    let saved = save(&client, &new, values).await;
    let sent = client.call("draft_ready", json!({"id": new["id"]})).await;
    let sent = sent.unwrap_or_else(|problem| panic!("{problem} {saved}"));
    assert_eq!(sent["folio"], new["folio"]);
    let tray = call(&client, "tray", json!({})).await;
    assert_eq!(tray["counts"], json!({"ready": 1}));
    assert_eq!(tray["rows"][0]["id"], new["id"]);
    assert_eq!(
        client.call("draft_open", json!({"id": new["id"]})).await.unwrap_err().code,
        Code::DraftUnknown
    );

    // The next draft shows it as the last value, and the project has it laid on its base.
    let next = draft(&client).await;
    assert_eq!(next["last"]["physicalActual"], "33");
    assert_eq!(next["lastOn"], "2026-11-20");
    let detail = call(&client, "project", json!({"folio": FOLIO})).await;
    assert!(detail["compiled"].to_string().contains("physicalProgress"), "{detail}");
    assert_eq!(detail["followUps"].as_array().unwrap().len(), 2);
    assert_eq!(detail["row"]["waiting"], 1);
}

#[tokio::test]
async fn a_discarded_draft_can_be_taken_back() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client).await;
    save(&client, &new, json!({"physicalActual": "5"})).await;
    call(&client, "draft_discard", json!({"id": new["id"]})).await;
    let tray = call(&client, "tray", json!({})).await;
    assert_eq!((tray["rows"].as_array().unwrap().len(), tray["discarded"].as_array().unwrap().len()), (0, 1));
    let back = call(&client, "draft_restore", json!({"id": new["id"]})).await;
    assert_eq!(back["values"]["physicalActual"], "5");
}

#[tokio::test]
async fn files_of_a_draft() {
    use base64::Engine as _;
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client).await;
    let base64 = base64::engine::general_purpose::STANDARD.encode(photo(1));
    let with =
        call(&client, "evidence_add_bytes", json!({"id": new["id"], "name": "a.jpg", "base64": base64}))
            .await;
    let file = with["files"][0].clone();
    assert_eq!(
        (file["documentType"].as_str(), file["mediaType"].as_str()),
        (Some("illustration"), Some("image/jpeg"))
    );
    let small = call(&client, "evidence_thumbnail", json!({"sha256": file["sha256"]})).await;
    assert!(small["url"].as_str().unwrap().starts_with("data:image/jpeg;base64,"));
    let set = json!({"id": new["id"], "sha256": file["sha256"], "documentType": "physicalProgressReport", "title": " Vista "});
    assert_eq!(call(&client, "evidence_set", set).await["files"][0]["title"], "Vista");
    let bad = json!({"id": new["id"], "sha256": file["sha256"], "documentType": "selfie"});
    assert_eq!(client.call("evidence_set", bad).await.unwrap_err().code, Code::EvidenceTypeUnknown);
    let none = call(&client, "evidence_remove", json!({"id": new["id"], "sha256": file["sha256"]})).await;
    assert_eq!(none["files"], json!([]));
}

#[tokio::test]
async fn a_capture_that_fails_leaves_nothing_behind() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let good = dir.path().join("buena.jpg");
    let bad = dir.path().join("mala.jpg");
    std::fs::write(&good, photo(1)).unwrap();
    std::fs::write(&bad, b"<svg/>").unwrap();
    let fails = |code: Code, result: Result<domain::command::Sent, Problem>| {
        assert_eq!(result.err().map(|problem| problem.code), Some(code));
    };
    let with = |paths: &[(&std::path::Path, &str)]| {
        let paths: Vec<_> =
            paths.iter().map(|(path, kind)| (path.to_path_buf(), (*kind).to_owned())).collect();
        client.capture_file(FOLIO, progress(20), &paths)
    };
    fails(Code::EvidenceNotReadable, with(&[(&good, "illustration"), (&bad, "illustration")]));
    fails(Code::EvidenceTypeUnknown, with(&[(&good, "foto")]));
    fails(Code::FileUnreadable, with(&[(&dir.path().join("no"), "illustration")]));
    fails(
        Code::HasErrors,
        client.capture_file(FOLIO, progress(101), &[(good.clone(), "illustration".into())]),
    );
    fails(Code::ProjectUnknown, client.capture_file("otro", progress(20), &[]));
    let mut elsewhere = progress(20);
    elsewhere.ocid = Some("ocds-000000-d2_p2".into());
    fails(Code::ProcessUnknown, client.capture_file(FOLIO, elsewhere, &[]));
    let mut corrects = progress(20);
    corrects.corrects = Some("S-00000-00000".into());
    fails(Code::HasErrors, client.capture_file(FOLIO, corrects, &[]));
    let status = client.status().unwrap();
    assert_eq!((status.marked, status.files, status.here), (0, 0, 0));

    let first = with(&[(&good, "illustration"), (&good, "illustration")]).unwrap();
    let mut corrects = progress(21);
    corrects.corrects = Some(first.folio);
    client.capture_file(FOLIO, corrects, &[]).unwrap();
    let status = client.status().unwrap();
    assert_eq!((status.marked, status.files, status.received), (2, 1, 0));
}

#[tokio::test]
async fn a_draft_is_based_on_what_was_there_when_it_was_begun() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let publish = |version| {
        let state = project(FOLIO, "Jardín de la Ñ", version);
        endpoint.data().add("area:obras", ChangeKind::Project, FOLIO, state);
    };
    let values = json!({"visitedOn": "20/11/2026", "physicalPlanned": "40", "physicalActual": "33", "financialPlanned": "30",
        "financialActual": "20"});
    let first = draft(&client).await;
    let second = draft(&client).await;
    // A colleague publishes, and it comes here before the draft is ready.
    publish(2);
    client.sync_once().await.unwrap();
    save(&client, &first, values.clone()).await;
    call(&client, "draft_ready", json!({"id": first["id"]})).await;
    client.capture_file(FOLIO, progress(34), &[]).unwrap();
    client.sync_once().await.unwrap();
    {
        let data = endpoint.data();
        let versions: Vec<_> = data.log.iter().map(|o| o.base.server_version).collect();
        // What is captured at once is based on what is there now.
        assert_eq!(versions, [1, 2]);
        assert!(data.log[0].base.after.is_empty());
    }
    // Own follow-ups that were accepted meanwhile are named: nobody disagrees with themselves.
    endpoint.data().accept_all();
    publish(4);
    client.sync_once().await.unwrap();
    save(&client, &second, values).await;
    call(&client, "draft_ready", json!({"id": second["id"]})).await;
    client.sync_once().await.unwrap();
    let data = endpoint.data();
    assert_eq!(data.log[2].base.server_version, 1);
    assert_eq!(data.log[2].base.after, [data.log[0].op_id, data.log[1].op_id]);
}

#[tokio::test]
async fn nothing_follows_what_stands_still() {
    let compiled = async |client: &Client| {
        let detail = call(client, "project", json!({"folio": FOLIO})).await;
        detail["compiled"].to_string().contains("physicalProgress")
    };
    for state in ["observed", "conflict", "rejected", "withdrawn", "superseded"] {
        let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
        let client = enrolled(dir.path(), &endpoint).await;
        client.capture_file(FOLIO, progress(1), &[]).unwrap();
        client.sync_once().await.unwrap();
        assert!(compiled(&client).await);
        let first = endpoint.data().log[0].clone();
        endpoint.data().decide(&first, state);
        client.sync_once().await.unwrap();
        assert!(!compiled(&client).await, "{state}");
        assert_eq!(draft(&client).await["last"].get("physicalActual"), None, "{state}");
        client.capture_file(FOLIO, progress(2), &[]).unwrap();
        client.sync_once().await.unwrap();
        assert!(endpoint.data().log[1].base.after.is_empty(), "{state}");
    }
}

#[tokio::test]
async fn a_correction_does_not_wait_behind_what_waits_for_it() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let first = client.capture_file(FOLIO, progress(1), &[]).unwrap();
    client.capture_file(FOLIO, progress(2), &[]).unwrap();
    client.sync_once().await.unwrap();
    let wrong = endpoint.data().log[0].clone();
    endpoint.data().decide(&wrong, "observed");
    client.sync_once().await.unwrap();
    let mut correction = progress(3);
    correction.corrects = Some(first.folio);
    client.capture_file(FOLIO, correction, &[]).unwrap();
    client.capture_file(FOLIO, progress(4), &[]).unwrap();
    client.sync_once().await.unwrap();
    let data = endpoint.data();
    assert_eq!(data.log[1].base.after, [wrong.op_id]);
    assert!(data.log[2].base.after.is_empty());
    assert_eq!(data.log[3].base.after, [data.log[2].op_id]);
}
