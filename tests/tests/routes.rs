//! Every route against what it must not accept: a problem with a code, and nothing half-done.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use domain::wire::{MAX_COMPRESSED, MAX_RAW};
use ed25519_dalek::SigningKey;
use journeys::raw::{RawDevice, enrol};
use journeys::{Central, progress, project_list, with_contract};
use serde_json::{Value, json};

fn endpoint(folder: &Path) -> Central {
    let mut central = Central::new(&folder.join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    central.ok(&["load", project_list().0.to_str().unwrap()]);
    central.start();
    central
}

fn follow_ups(central: &Central) -> Value {
    let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).unwrap();
    status["followUps"].clone()
}

#[tokio::test]
async fn codes_are_used_once_and_a_lost_reply_burns_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let central = endpoint(folder.path());
    let code = central.code("Persona de muestra", "enlace", "Obras de muestra", true);
    assert_eq!(code.len(), 10, "the code alone: «{code}»");
    let url = central.url();
    let key = SigningKey::from_bytes(&[1; 32]);
    let other = SigningKey::from_bytes(&[2; 32]);
    enrol(&url, "0000000000", &key).await.problem(404, "code_unknown");
    enrol(&url, "", &key).await.problem(404, "code_unknown");
    let first = enrol(&url, &code.to_lowercase(), &key).await;
    assert_eq!(first.status, 200, "{first:?}");
    // The same code from the same key: the same answer again.
    assert_eq!(enrol(&url, &code, &key).await.bytes, first.bytes);
    enrol(&url, &code, &other).await.problem(409, "code_used");
    let devices: Value = serde_json::from_str(&central.ok(&["devices", "--json"])).unwrap();
    assert_eq!(devices.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_revoked_device_is_told_so_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let central = endpoint(folder.path());
    let raw =
        RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "enlace", "Obras", true)).await;
    let device = journeys::Device::new(&folder.path().join("equipo"));
    device.enrol(&central, &central.code("Otra de muestra", "enlace", "Obras", true));
    device.capture("d1_p1", &progress(10), &[]);
    let devices: Value = serde_json::from_str(&central.ok(&["devices", "--json"])).unwrap();
    for row in devices.as_array().unwrap() {
        central.ok(&["devices", "--revoke", row["deviceId"].as_str().unwrap()]);
    }
    assert!(!central.run(&["devices", "--revoke", "00000000-0000-0000-0000-000000000000"]).status.success());
    raw.get("sync/pull").await.problem(401, "unauthenticated");
    raw.sign_in().await.problem(401, "device_revoked");
    let sent = device.run(&["send"]);
    assert_eq!(sent.status.code(), Some(2));
    let reason = journeys::complaint(&sent);
    assert!(reason.contains("no reconoce este equipo") || reason.contains("does not know this"), "{reason}");
    assert_eq!(device.count("ready"), 1);
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let central = endpoint(folder.path());
    let mut raw =
        RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "enlace", "Obras", true)).await;
    // An enlace is not the coordination.
    raw.get("devices").await.problem(403, "forbidden");
    let reader =
        RawDevice::enrol(&central.url(), &central.code("Quien audita", "auditoria", "Contraloría", false))
            .await;
    reader.push(Vec::new()).await.problem(403, "forbidden");
    assert_eq!(reader.get("devices").await.status, 200);
    raw.token = "0".repeat(64);
    for route in ["sync/pull", "devices", "evidence/x"] {
        raw.get(route).await.problem(401, "unauthenticated");
    }
    raw.push(Vec::new()).await.problem(401, "unauthenticated");
    raw.post("evidence", &json!({})).await.problem(401, "unauthenticated");
    // What carries a relay is not signed in: only what an enrolled device signed is taken.
    raw.post("relay", &json!({})).await.problem(400, "malformed_request");
    raw.get("relay").await.problem(405, "method_not_allowed");
    for upload in ["0".repeat(64), "..%2F..%2Fsigning.key".into()] {
        raw.put_bytes(&format!("relay/{upload}/0"), &[], vec![1]).await.problem(404, "not_found");
        raw.post(&format!("relay/{upload}/complete"), &Value::Null).await.problem(404, "not_found");
    }
    raw.get("nowhere").await.problem(404, "not_found");
    raw.get("sync/push").await.problem(405, "method_not_allowed");
    // A nonce is good once, for its own device.
    let signed = raw.sign_in().await;
    assert_eq!(signed.status, 200);
    let wrong = json!({"deviceId": raw.enrolled.device_id, "nonce": "00", "signature": "00"});
    raw.post("auth/token", &wrong).await.problem(401, "unauthenticated");
    raw.post("auth/token", &json!({"deviceId": "x"})).await.problem(400, "malformed_request");
}

#[tokio::test]
async fn bodies_that_are_too_large_broken_or_not_json_record_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let central = endpoint(folder.path());
    let raw =
        RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "enlace", "Obras", true)).await;
    let zstd = [("content-encoding", "zstd"), ("content-type", "application/json")];
    raw.post_bytes("sync/push", &[], vec![b' '; MAX_COMPRESSED + 1]).await.problem(413, "too_large");
    raw.post_bytes("sync/push", &zstd, b"(\xb5/\xfd broken".to_vec())
        .await
        .problem(400, "broken_compression");
    // A bomb: small as it travels, over the limit when it comes out.
    let bomb = zstd::stream::encode_all(vec![b' '; MAX_RAW * 4].as_slice(), 3).unwrap();
    assert!(bomb.len() < 100_000);
    raw.post_bytes("sync/push", &zstd, bomb).await.problem(413, "too_large");
    raw.post_bytes("sync/push", &[("content-encoding", "gzip")], vec![1])
        .await
        .problem(400, "broken_compression");
    for body in ["", "x", "[]", "{}", r#"{"protocol":1,"protocol":1}"#, &"[".repeat(100_000)] {
        raw.post_bytes("sync/push", &[], body.as_bytes().to_vec()).await.problem(400, "malformed_request");
    }
    let mut newer = raw.batch(Vec::new());
    newer["protocol"] = json!(99);
    raw.post("sync/push", &newer).await.problem(426, "upgrade_required");
    let many = (1..=201).map(|n| raw.operation(n, "d1_p1", &progress(1))).collect();
    raw.push(many).await.problem(400, "malformed_request");
    raw.get("sync/pull?cursor=forged.cursor").await.problem(400, "malformed_request");
    assert_eq!(follow_ups(&central), json!({}));
}

#[tokio::test]
async fn the_same_operation_twice_has_one_effect_and_one_answer() {
    let folder = tempfile::tempdir().unwrap();
    let central = endpoint(folder.path());
    let raw =
        RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "enlace", "Obras", true)).await;
    let one = raw.operation(1, "d1_p1", &progress(10));
    let first = raw.push(vec![one.clone()]).await;
    assert_eq!(first.body["results"][0]["outcome"], "recorded", "{first:?}");
    let again = raw.push(vec![one.clone()]).await;
    assert_eq!(first.body["results"].to_string(), again.body["results"].to_string());
    let mut changed = one.clone();
    changed.body["content"]["visitedOn"] = json!("2026-03-11");
    raw.push(vec![changed]).await.problem(422, "op_id_reused");
    let gap = raw.push(vec![raw.operation(3, "d1_p1", &progress(10))]).await;
    gap.problem(409, "gap");
    assert_eq!(gap.body["params"]["last"], 1);
    raw.push(vec![raw.operation(1, "d1_p2", &progress(10))]).await.problem(409, "device_forked");
    // A later one that cannot follow is refused alone; what came before it stands.
    let mixed = raw
        .push(vec![raw.operation(2, "d1_p2", &progress(10)), raw.operation(4, "d1_p2", &progress(11))])
        .await;
    assert_eq!(mixed.body["results"][0]["outcome"], "recorded", "{mixed:?}");
    assert_eq!(mixed.body["results"][1]["outcome"], "refused");
    assert_eq!(mixed.body["results"][1]["problem"]["code"], "gap");
    let total: u64 = follow_ups(&central).as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(total, 2);
}

#[tokio::test]
async fn what_cannot_be_accepted_is_recorded_as_rejected_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let central = endpoint(folder.path());
    let raw =
        RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "enlace", "Obras", true)).await;
    let mut seq = 0;
    let mut offer = |project: &str, content: Value| {
        seq += 1;
        raw.operation(seq, project, &content)
    };
    let mut negative = with_contract("C-1", 5, 10);
    negative["release"]["contracts"][0]["value"]["amount"] = json!(-5);
    let mut no_such_day = with_contract("C-2", 5, 10);
    no_such_day["release"]["contracts"][0]["dateSigned"] = json!("2026-02-31T00:00:00Z");
    let mut corrects = progress(10);
    corrects["corrects"] = json!("S-00000-00000");
    let mut unreadable = offer("d1_p1", progress(1));
    unreadable.body["content"]["stage"] = json!("works");
    let cases = [
        (offer("no-such", progress(10)), "project-unknown"),
        (offer("d1_p1", negative), "amounts"),
        (offer("d1_p1", no_such_day), "schema-format"),
        (offer("d1_p1", progress(101)), "percent-range"),
        (offer("d1_p1", corrects), "correction-unknown"),
    ];
    let said = raw.push(vec![unreadable]).await;
    assert_eq!(said.body["results"][0]["findings"][0]["rule"], "follow-up-unreadable", "{said:?}");
    for (operation, rule) in cases {
        let said = raw.push(vec![operation]).await;
        let result = &said.body["results"][0];
        assert_eq!(result["receipt"]["verdict"], "rejected", "{rule}: {said:?}");
        let rules: Vec<&str> =
            result["findings"].as_array().unwrap().iter().filter_map(|f| f["rule"].as_str()).collect();
        assert!(
            rules.iter().any(|found| *found == rule || (rule == "amounts" && found.starts_with("schema"))),
            "{rule}: {rules:?}"
        );
        let receipt: domain::receipt::Receipt = serde_json::from_value(result["receipt"].clone()).unwrap();
        receipt.verify(&raw.enrolled.server_key).unwrap();
    }
    assert_eq!(central.record("ocds-000000-d1_p1")["releases"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn evidence_is_taken_from_its_own_device_and_only_whole() {
    let folder = tempfile::tempdir().unwrap();
    let central = endpoint(folder.path());
    let raw =
        RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "enlace", "Obras", true)).await;
    let other =
        RawDevice::enrol(&central.url(), &central.code("Otra de muestra", "enlace", "Otra", true)).await;
    let photo = journeys::photograph(&folder.path().join("foto.jpg"), 9);
    let bytes = std::fs::read(photo).unwrap();
    let sha256 = domain::receipt::sha256_hex(&bytes);
    let offer = json!({"sha256": sha256, "size": bytes.len(), "mediaType": "image/jpeg"});
    // Nobody named it yet.
    raw.post("evidence", &offer).await.problem(404, "not_found");
    let mut operation = raw.operation(1, "d1_p1", &progress(10));
    let file = json!({"sha256": sha256, "size": bytes.len(), "mediaType": "image/jpeg", "documentType": "illustration"});
    operation.body["evidence"] = json!([file]);
    operation.evidence = vec![sha256.clone()];
    let said = raw.push(vec![operation]).await;
    assert_eq!(said.body["results"][0]["receipt"]["verdict"], "received", "{said:?}");
    // No asking whether somebody else's file exists.
    other.post("evidence", &offer).await.problem(404, "not_found");
    let said = raw.post("evidence", &offer).await;
    assert_eq!(said.body["state"], "upload", "{said:?}");
    let path = format!("evidence/{sha256}/0");
    raw.put_bytes(&path, &[("x-chunk-sha256", "00")], bytes.clone())
        .await
        .problem(422, "evidence_hash_mismatch");
    raw.put_bytes(&path, &[("x-chunk-sha256", &sha256)], bytes[1..].to_vec())
        .await
        .problem(422, "evidence_hash_mismatch");
    raw.put_bytes(&format!("evidence/{sha256}/7"), &[("x-chunk-sha256", &sha256)], bytes.clone())
        .await
        .problem(400, "malformed_request");
    raw.put_bytes("evidence/..%2F..%2Fx/0", &[("x-chunk-sha256", &sha256)], bytes.clone())
        .await
        .problem(404, "not_found");
    raw.post(&format!("evidence/{sha256}/complete"), &Value::Null)
        .await
        .problem(422, "evidence_hash_mismatch");
    assert_eq!(follow_ups(&central), json!({"received": 1}));
    for _ in 0..2 {
        assert_eq!(raw.put_bytes(&path, &[("x-chunk-sha256", &sha256)], bytes.clone()).await.status, 204);
    }
    assert_eq!(raw.post(&format!("evidence/{sha256}/complete"), &Value::Null).await.status, 204);
    assert_eq!(raw.post("evidence", &offer).await.body["state"], "have");
    journeys::wait_until("it is published", std::time::Duration::from_secs(10), || {
        follow_ups(&central) == json!({"published": 1})
    });
}

#[tokio::test]
async fn disagreeing_follow_ups_wait_for_a_person_and_the_published_value_stays() {
    let folder = tempfile::tempdir().unwrap();
    let central = endpoint(folder.path());
    let url = central.url();
    let one = RawDevice::enrol(&url, &central.code("Persona de muestra", "enlace", "Obras", true)).await;
    let two = RawDevice::enrol(&url, &central.code("Otra de muestra", "enlace", "Parques", true)).await;
    let untrained = RawDevice::enrol(&url, &central.code("Sin capacitación", "enlace", "Obras", false)).await;
    let published = |count: u64| {
        journeys::wait_until("published", std::time::Duration::from_secs(10), || {
            follow_ups(&central)["published"] == count
        });
    };
    one.push(vec![one.operation(1, "d1_p1", &with_contract("C-1", 50_000, 10))]).await;
    published(1);
    // Both were based on version 1; the same contract with another amount.
    two.push(vec![two.operation(1, "d1_p1", &with_contract("C-1", 60_000, 20))]).await;
    journeys::wait_until("held", std::time::Duration::from_secs(10), || {
        follow_ups(&central)["conflict"] == 1
    });
    assert_eq!(
        central.record("ocds-000000-d1_p1")["compiledRelease"]["contracts"][0]["value"]["amount"],
        50_000
    );
    // Equal values and disjoint paths are nobody's business.
    two.push(vec![two.operation(2, "d1_p1", &with_contract("C-1", 50_000, 30))]).await;
    published(2);
    // Without training it waits for the coordination.
    untrained.push(vec![untrained.operation(1, "d1_p2", &progress(10))]).await;
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(follow_ups(&central), json!({"published": 2, "conflict": 1, "received": 1}));
}

#[tokio::test]
async fn what_follows_something_undecided_is_received_and_decided_in_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let central = endpoint(folder.path());
    let raw =
        RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "campo", "Obras", true)).await;
    let contract = raw.operation(1, "d1_p1", &with_contract("C-1", 50_000, 10));
    // Captured without a network, laid upon the contract that is still on the same device.
    let mut paid = progress(20);
    paid["contract"] = json!("C-1");
    paid["release"] = json!({"contracts": [{"id": "C-1", "awardID": "adj-C-1", "implementation": {"transactions": [
        {"id": "1", "date": "2026-03-01T00:00:00-06:00", "value": {"amount": 20_000, "currency": "MXN"}},
    ]}}]});
    paid["progress"]["financial"]["actual"] = json!(40);
    let mut payment = raw.operation(2, "d1_p1", &paid);
    payment.base.after = vec![contract.op_id];
    let said = raw.push(vec![contract, payment.clone()]).await;
    for result in said.body["results"].as_array().unwrap() {
        assert_eq!(result["receipt"]["verdict"], "received", "{said:?}");
    }
    journeys::wait_until("both are published", std::time::Duration::from_secs(10), || {
        follow_ups(&central) == json!({"published": 2})
    });
    let compiled = central.record("ocds-000000-d1_p1")["compiledRelease"].take();
    assert_eq!(compiled["contracts"][0]["implementation"]["transactions"][0]["value"]["amount"], 20_000);

    // Alone, without saying what it follows, what is wrong upon the version it knew is refused.
    let mut alone = raw.operation(3, "d1_p2", &paid);
    alone.base.server_version = 1;
    let said = raw.push(vec![alone]).await;
    assert_eq!(said.body["results"][0]["receipt"]["verdict"], "rejected", "{said:?}");

    // What follows an operation that never came waits with its reason, and nothing else waits with it.
    let mut orphan = raw.operation(4, "d1_p3", &progress(5));
    orphan.base.after = vec![uuid::Uuid::now_v7()];
    raw.push(vec![orphan, raw.operation(5, "d1_p4", &progress(5))]).await;
    journeys::wait_until("the other one is published", std::time::Duration::from_secs(10), || {
        follow_ups(&central) == json!({"published": 3, "rejected": 1, "received": 1})
    });
}

#[tokio::test]
async fn a_device_enrolled_again_offers_what_it_already_sent_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let central = endpoint(folder.path());
    let first =
        RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "campo", "Obras", true)).await;
    let operation = first.operation(1, "d1_p1", &progress(10));
    let recorded = first.push(vec![operation.clone()]).await;
    central.ok(&["devices", "--revoke", &first.enrolled.device_id.to_string()]);
    // The reply was lost: the same operation, under the new identity, then a new one.
    let again =
        RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "campo", "Obras", true)).await;
    let said = again.push(vec![operation.clone(), again.operation(2, "d1_p2", &progress(10))]).await;
    assert_eq!(said.body["results"][0].to_string(), recorded.body["results"][0].to_string());
    assert_eq!(said.body["results"][1]["outcome"], "recorded", "{said:?}");
    // Somebody else cannot ask with it.
    let other =
        RawDevice::enrol(&central.url(), &central.code("Otra de muestra", "campo", "Obras", true)).await;
    other.push(vec![operation]).await.problem(422, "op_id_reused");
    journeys::wait_until("both are published", std::time::Duration::from_secs(10), || {
        follow_ups(&central) == json!({"published": 2})
    });
}

#[tokio::test]
async fn another_configuration_changes_nothing_that_is_public_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = endpoint(folder.path());
    let raw =
        RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "campo", "Obras", true)).await;
    raw.push(vec![raw.operation(1, "d1_p1", &with_contract("C-1", 50_000, 10))]).await;
    journeys::wait_until("published", std::time::Duration::from_secs(10), || {
        follow_ups(&central) == json!({"published": 1})
    });
    let before: Vec<(std::path::PathBuf, Vec<u8>)> = journeys::files_under(&central.public("ocds/releases"))
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    central.kill();
    std::fs::write(central.data.join("avance.toml"), "license = \"https://example.org/otra-licencia\"\n")
        .unwrap();
    central.start();
    // Progress without a contract makes no release: the record stays, the page changes.
    raw.push(vec![raw.operation(2, "d1_p2", &progress(33)), raw.operation(3, "d1_p1", &progress(44))]).await;
    journeys::wait_until("published", std::time::Duration::from_secs(10), || {
        follow_ups(&central) == json!({"published": 3})
    });
    for (path, bytes) in before {
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{}", path.display());
    }
    // Another prefix would give every process a second name.
    let refused = central.run(&["--ocds-prefix", "ocds-abc123", "status"]);
    assert!(!refused.status.success() && journeys::complaint(&refused).contains("ocds-000000"));
    // Without its key the database signs nothing.
    central.kill();
    std::fs::rename(central.data.join("signing.key"), central.data.join("elsewhere")).unwrap();
    let refused = central.run(&["status"]);
    assert!(!refused.status.success() && journeys::complaint(&refused).contains("signing.key"));
    assert!(!central.data.join("signing.key").exists());
}
