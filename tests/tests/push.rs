//! Push, rule by rule, against the real endpoint. Where each rule of the protocol is tried:
//!
//! | rule | test |
//! |---|---|
//! | at most 200 operations, 1 MiB as it travels, 8 MiB raw | [`two_hundred_go_together_each_with_its_own_receipt`], `routes`: `bodies_that_are_too_large_broken_or_not_json_record_nothing` |
//! | device and person are authenticated, their role may push | `routes`: `without_a_valid_token_nothing_is_answered`, `a_revoked_device_is_told_so_and_keeps_what_it_has` |
//! | what is malformed is found before anything is written | [`what_is_malformed_records_nothing_of_its_batch`], `folders`: `what_is_damaged_on_the_way_is_not_recorded` |
//! | operations of earlier programs are accepted, those of later ones wait | [`what_is_malformed_records_nothing_of_its_batch`], `folders`: `operations_of_other_versions_are_never_lost` |
//! | one transaction; scopes are those of now | [`the_scope_that_counts_is_that_of_now`], `scope` |
//! | bases are read and conflicts found in it | `routes`: `disagreeing_follow_ups_wait_for_a_person_and_the_published_value_stays` |
//! | streams are numbered last, without gaps, also by many at once | [`many_at_once_have_one_effect_each`] |
//! | per operation a result with a receipt, in order | [`two_hundred_go_together_each_with_its_own_receipt`] |
//! | same id and body: the stored answer, byte for byte | [`many_at_once_have_one_effect_each`], `routes`: `the_same_operation_twice_has_one_effect_and_one_answer` |
//! | same id, other body: 422 `op_id_reused` | `routes`: `the_same_operation_twice_has_one_effect_and_one_answer` |
//! | number too high: 409 `gap` with the last one | `routes`: `the_same_operation_twice_has_one_effect_and_one_answer` |
//! | new id on a used number: 409 `device_forked` | [`a_placeholder_keeps_the_number_and_the_operation_comes_later`]; the device takes a new identity and drops nothing: `folders`: `a_copied_device_takes_an_identity_of_its_own` |
//! | a database error: 503, nothing recorded, nothing acknowledged | [`an_error_of_the_database_records_nothing_and_acknowledges_nothing`], `folders`: `a_full_disk_of_the_endpoint_loses_nothing` |
//! | the device halves; what fails alone is parked, and holds only what depends on it | [`what_the_endpoint_cannot_store_steps_aside_on_its_device`] |
//! | a placeholder consumes the number; the same id comes later under another | [`a_placeholder_keeps_the_number_and_the_operation_comes_later`] |
//! | 401, 403, 426 and 429 delete nothing | `faults`: `a_refusal_on_the_way_never_deletes_an_operation` |
//! | a finding is a recorded, signed rejection; the body stays on the device | `routes`: `what_cannot_be_accepted_is_recorded_as_rejected_with_its_reason` |
//! | the effect is had exactly once | [`many_at_once_have_one_effect_each`], `kills`, `faults` |

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::path::Path;

use domain::receipt::{Receipt, body_hash};
use domain::wire::{MAX_OPERATIONS, Operation, OperationKind, Placeholder};
use journeys::raw::{RawDevice, Said};
use journeys::{Central, Device, complaint, progress};
use rusqlite::Connection;
use serde_json::{Value, json};

async fn device(central: &Central, area: &str) -> RawDevice {
    RawDevice::enrol(&central.url(), &central.code("Persona de muestra", "enlace", area, true)).await
}

fn database(central: &Central) -> Connection {
    let database = Connection::open(central.data.join("central.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    database
}

/// How much there is of everything that a push may write.
fn written(central: &Central) -> Vec<i64> {
    let database = database(central);
    let tables = ["operation", "follow_up", "evidence_need"];
    let count = |table: &&str| {
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    let mut counts: Vec<i64> = tables.iter().map(count).collect();
    let follow_ups = "SELECT count(*) FROM stream_log WHERE kind = 'follow_up'";
    counts.push(database.query_row(follow_ups, [], |row| row.get(0)).unwrap());
    counts
}

/// From now on the database does not take follow-ups of a project.
fn break_project(central: &Central, folio: &str) {
    let sql = format!(
        "CREATE TRIGGER broken BEFORE INSERT ON follow_up WHEN NEW.project = '{folio}'
         BEGIN SELECT RAISE(ABORT, 'a fault of the test'); END"
    );
    database(central).execute_batch(&sql).unwrap();
}

fn mend(central: &Central) {
    database(central).execute_batch("DROP TRIGGER broken").unwrap();
}

fn results(said: &Said) -> &Vec<Value> {
    assert_eq!(said.status, 200, "{said:?}");
    said.body["results"].as_array().unwrap()
}

/// The receipt of a result, verified against the operation.
fn receipt(device: &RawDevice, operation: &Operation, result: &Value) -> Receipt {
    assert_eq!(result["outcome"], "recorded", "{result}");
    let receipt: Receipt = serde_json::from_value(result["receipt"].clone()).unwrap();
    receipt.verify(&device.enrolled.server_key).unwrap();
    assert_eq!(receipt.body.op_id, operation.op_id);
    assert_eq!(receipt.body.body_hash, body_hash(&operation.salt, &operation.body).unwrap());
    receipt
}

#[tokio::test]
async fn two_hundred_go_together_each_with_its_own_receipt() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let raw = device(&central, "Obras").await;
    let seqs = 1..=MAX_OPERATIONS as u64;
    let batch: Vec<Operation> =
        seqs.map(|n| raw.operation(n, &format!("d1_p{}", 1 + n % 5), &progress((n % 100) as u8))).collect();
    let said = raw.push(batch.clone()).await;
    let receipts: Vec<Receipt> = batch
        .iter()
        .zip(results(&said))
        .map(|(operation, result)| receipt(&raw, operation, result))
        .collect();
    assert_eq!(receipts.len(), MAX_OPERATIONS);
    // In the order of the batch, each at a place of its own.
    assert!(receipts.windows(2).all(|pair| pair[0].body.seq < pair[1].body.seq));
    assert_eq!(written(&central)[..2], [200, 200]);
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));
}

#[tokio::test]
async fn what_is_malformed_records_nothing_of_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let raw = device(&central, "Obras").await;
    let good = || raw.operation(1, "d1_p1", &progress(10));
    let nothing = written(&central);
    for spoil in [
        (|operation| operation.salt = "0a".repeat(15)) as fn(&mut Operation),
        |operation| operation.salt = "zz".repeat(16),
        |operation| operation.client_seq = 0,
        |operation| operation.kind = OperationKind::Placeholder,
    ] {
        let mut bad = raw.operation(2, "d1_p2", &progress(10));
        spoil(&mut bad);
        raw.push(vec![good(), bad]).await.problem(400, "malformed_request");
        assert_eq!(written(&central), nothing);
    }
    // The same operation twice in one batch: the first stands, the second is refused alone.
    let one = good();
    let said = raw.push(vec![one.clone(), one.clone()]).await;
    receipt(&raw, &one, &results(&said)[0]);
    assert_eq!(results(&said)[1]["problem"]["code"], "malformed_request");
    assert_eq!(written(&central)[0], 1);
    // A program of before is heard.
    let mut older = raw.batch(vec![raw.operation(2, "d1_p2", &progress(10))]);
    older["protocol"] = json!(0);
    assert_eq!(results(&raw.post("sync/push", &older).await)[0]["outcome"], "recorded");
}

#[tokio::test]
async fn an_error_of_the_database_records_nothing_and_acknowledges_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let raw = device(&central, "Obras").await;
    let batch: Vec<Operation> =
        (1..=3).map(|n| raw.operation(n, &format!("d1_p{n}"), &progress(10))).collect();
    let nothing = written(&central);
    break_project(&central, "d1_p2");
    let said = raw.push(batch.clone()).await;
    said.problem(503, "unavailable");
    assert_eq!(said.body["results"], Value::Null);
    assert_eq!(written(&central), nothing, "the first was taken back with the second");
    // Not its number either.
    let after = raw.push(vec![raw.operation(2, "d1_p1", &progress(10))]).await;
    after.problem(409, "gap");
    assert_eq!(after.body["params"]["last"], 0);
    mend(&central);
    let said = raw.push(batch.clone()).await;
    for (operation, result) in batch.iter().zip(results(&said)) {
        receipt(&raw, operation, result);
    }
    assert_eq!(written(&central)[..2], [3, 3]);
}

#[tokio::test]
async fn a_placeholder_keeps_the_number_and_the_operation_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let raw = device(&central, "Obras").await;
    let mut parked = raw.operation(1, "d1_p1", &progress(10));
    let body =
        Placeholder { parked: parked.op_id, body_hash: body_hash(&parked.salt, &parked.body).unwrap() };
    let mut placeholder = raw.operation(1, "d1_p1", &progress(10));
    placeholder.kind = OperationKind::Placeholder;
    placeholder.body = json!(body);
    let next = raw.operation(2, "d1_p2", &progress(20));
    let said = raw.push(vec![placeholder.clone(), next.clone()]).await;
    assert_eq!(results(&said)[0], json!({"outcome": "placed", "opId": placeholder.op_id}));
    receipt(&raw, &next, &results(&said)[1]);
    let again = raw.push(vec![placeholder.clone(), next.clone()]).await;
    assert_eq!(again.body["results"].to_string(), said.body["results"].to_string());
    assert_eq!(written(&central)[..2], [2, 1], "it has no effect");
    // The number is used, by whatever was there.
    raw.push(vec![raw.operation(1, "d1_p3", &progress(30))]).await.problem(409, "device_forked");
    raw.push(vec![parked.clone()]).await.problem(409, "device_forked");
    // The operation itself, as it was, under a later one.
    parked.client_seq = 3;
    let said = raw.push(vec![parked.clone()]).await;
    receipt(&raw, &parked, &results(&said)[0]);
    assert_eq!(written(&central)[..2], [3, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_have_one_effect_each() {
    const TIMES: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let one = device(&central, "Obras").await;
    let two = device(&central, "Parques").await;
    // Both on the same process, each batch many times, at the same time.
    let batch = |raw: &RawDevice| -> Vec<Operation> {
        (1..=5).map(|n| raw.operation(n, "d1_p1", &progress(n as u8))).collect()
    };
    let batches = [batch(&one), batch(&two)];
    let (first, second) = tokio::join!(at_once(&one, &batches[0], TIMES), at_once(&two, &batches[1], TIMES));
    for (raw, said, batch) in [(&one, first, &batches[0]), (&two, second, &batches[1])] {
        let answers: BTreeSet<String> = said.iter().map(|said| said.body["results"].to_string()).collect();
        assert_eq!(answers.len(), 1, "one answer, however often it was asked for");
        for (operation, result) in batch.iter().zip(results(&said[0])) {
            receipt(raw, operation, result);
        }
    }
    assert_eq!(written(&central)[..2], [10, 10]);
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));
}

/// The same push many times at once.
async fn at_once(raw: &RawDevice, batch: &[Operation], times: usize) -> Vec<Said> {
    let body = raw.batch(batch.to_vec());
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..times {
        let (url, token, body) = (raw.url.clone(), raw.token.clone(), body.clone());
        running.spawn(async move {
            let request = reqwest::Client::new().post(format!("{url}/api/v1/sync/push"));
            Said::read(request.bearer_auth(token).json(&body).send().await.unwrap()).await
        });
    }
    running.join_all().await
}

fn assign(central: &Central, folder: &Path, area: &str) {
    let path = folder.join("lista.csv");
    let list = format!(
        "folio,titulo,descripcion,area,lugar,monto,moneda,fecha\n\
         m_1,Obra de muestra,Inventada,{area},Centro,\"50,000.00\",MXN,\n"
    );
    std::fs::write(&path, list).unwrap();
    central.ok(&["load", path.to_str().unwrap()]);
}

#[tokio::test]
async fn the_scope_that_counts_is_that_of_now() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    assign(&central, folder.path(), "Obras");
    let raw = device(&central, "Obras").await;
    let other = device(&central, "Parques").await;
    let batch = vec![raw.operation(1, "m_1", &progress(10)), raw.operation(2, "d1_p1", &progress(20))];
    let nothing = written(&central);
    // Between its capture and its offer the project went to another área.
    assign(&central, folder.path(), "Parques");
    let said = raw.push(batch.clone()).await;
    for result in results(&said) {
        assert_eq!(result["problem"]["code"], "out_of_scope", "{said:?}");
        assert_eq!(result["problem"]["params"]["folio"], "m_1");
    }
    assert_eq!(written(&central), nothing, "neither accepted nor told to the other área");
    let said = other.push(vec![other.operation(1, "m_1", &progress(30))]).await;
    assert_eq!(results(&said)[0]["outcome"], "recorded");
    // It is theirs again: the same operations are taken.
    assign(&central, folder.path(), "Obras");
    let said = raw.push(batch.clone()).await;
    for (operation, result) in batch.iter().zip(results(&said)) {
        receipt(&raw, operation, result);
    }
    assert_eq!(written(&central)[..2], [3, 3]);
}

#[test]
fn what_the_endpoint_cannot_store_steps_aside_on_its_device() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras", true));
    let bad = device.capture("d1_p2", &progress(10), &[]);
    device.capture("d1_p3", &progress(20), &[]);
    break_project(&central, "d1_p2");
    let since = std::time::Instant::now();
    while device.count("published") == 0 {
        let sent = device.run(&["send"]);
        assert!(since.elapsed() < std::time::Duration::from_secs(150), "{}", complaint(&sent));
    }
    assert_eq!(device.count("parked"), 1);
    let tray = device.json(&["tray", "--json"]);
    let rows: Vec<_> =
        tray.as_array().unwrap().iter().map(|one| (&one["row"]["folio"], &one["row"]["state"])).collect();
    assert_eq!(rows, [(&json!(bad), &json!("parked"))]);
    assert_eq!(tray[0]["row"]["problem"]["code"], "unavailable");
    let kinds: Vec<(i64, String)> = {
        let database = database(&central);
        let mut select =
            database.prepare("SELECT client_seq, kind FROM operation ORDER BY client_seq").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(kinds, [(1, "placeholder".into()), (2, "follow_up".into())]);
}
