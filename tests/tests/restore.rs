//! A backup of the running endpoint, the loss of the endpoint, and what devices give back. What was acknowledged is
//! written down here, outside of both programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use journeys::raw::RawDevice;
use journeys::{
    Central, Device, complaint, own_check, photograph, progress, project_list, wait_until, with_contract,
};
use serde_json::{Value, json};

/// A central endpoint with the list, serving.
fn serving(data: &Path) -> Central {
    let mut central = Central::new(data);
    std::fs::create_dir_all(&central.data).expect("the folder can be made");
    central.ok(&["load", project_list().0.to_str().expect("UTF-8")]);
    central.start();
    central
}

/// What each device holds a receipt for: operation → (folio, hash of its body).
fn ledger(devices: &[&Device]) -> BTreeMap<String, (String, String)> {
    let mut ledger = BTreeMap::new();
    for device in devices {
        for row in device.json(&["receipts", "--json"]).as_array().expect("a list") {
            let Some(operation) = row["receipt"]["opId"].as_str() else { continue };
            assert_eq!(row["valid"], true, "{row}");
            let (folio, hash) = (row["folio"].as_str(), row["receipt"]["bodyHash"].as_str());
            let kept = (folio.expect("a folio").to_owned(), hash.expect("a hash").to_owned());
            assert!(ledger.insert(operation.to_owned(), kept).is_none(), "{row} twice");
        }
    }
    ledger
}

/// What the endpoint recorded: operation → hash of its body. Its keys are unique in the table; folios are counted.
fn recorded(central: &Central) -> BTreeMap<String, (String, String)> {
    let database = rusqlite::Connection::open(central.data.join("central.db")).expect("the database");
    let mut select = database
        .prepare(
            "SELECT o.op_id, f.folio, o.body_hash FROM operation o LEFT JOIN follow_up f ON f.op_id = o.op_id
             WHERE o.kind = 'follow_up'",
        )
        .expect("the tables");
    let rows = select
        .query_map([], |row| Ok((row.get::<_, String>(0)?, (row.get(1)?, row.get(2)?))))
        .expect("the rows");
    rows.map(|row| row.expect("a row with its follow-up")).collect()
}

/// How often each operation begins in the log: as received, in one stream.
fn in_the_log(central: &Central) -> BTreeMap<String, BTreeSet<String>> {
    let database = rusqlite::Connection::open(central.data.join("central.db")).expect("the database");
    let mut select = database
        .prepare(
            "SELECT json_extract(state, '$.opId'), record_id FROM stream_log WHERE kind = 'follow_up'
             AND json_extract(state, '$.state') = 'received'",
        )
        .expect("the tables");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("the rows");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let (operation, record): (String, String) = row.expect("a row");
        found.entry(operation).or_default().insert(record);
    }
    found
}

/// The published releases by path, without the date at which they were accepted.
fn releases(central: &Central) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut files = Vec::new();
    for file in central.catalog() {
        let path = central.public(file["path"].as_str().expect("a path").trim_start_matches('/'));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(domain::receipt::sha256_hex(&bytes), file["sha256"], "{}", path.display());
        if file["kind"] == "release" {
            let mut package: Value = serde_json::from_slice(&bytes).expect("a package");
            let release = package["releases"][0].as_object_mut().expect("a release");
            release.remove("date");
            found.insert(file["path"].to_string(), json!(release));
        }
        files.push(path);
    }
    own_check(&files);
    found
}

/// What a device shows of its projects.
fn seen(device: &Device) -> Value {
    let mut projects = device.json(&["projects", "--json"]);
    for project in projects.as_array_mut().expect("a list") {
        for key in ["waiting", "draft"] {
            project.as_object_mut().expect("an object").remove(key);
        }
    }
    projects
}

/// Both devices show the same.
fn converge(one: &Device, two: &Device) {
    one.ok(&["send"]);
    two.ok(&["send"]);
    let (one, two) = (seen(one), seen(two));
    for (one, two) in one.as_array().expect("a list").iter().zip(two.as_array().expect("a list")) {
        assert_eq!(one, two);
    }
    assert_eq!(one.as_array().map(Vec::len), two.as_array().map(Vec::len));
}

fn published(devices: &[(&Device, u64)]) {
    wait_until("everything is published", Duration::from_secs(60), || {
        devices.iter().all(|(device, count)| {
            let _ = device.run(&["send"]);
            device.count("published") == *count
        })
    });
}

fn backup(central: &Central, file: &Path) {
    central.ok(&["backup", "--to", file.to_str().expect("UTF-8")]);
}

fn restore(central: &Central, file: &Path) -> std::process::Output {
    central.run(&["restore", "--from", file.to_str().expect("UTF-8")])
}

#[test]
fn what_was_acknowledged_after_the_backup_comes_back_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut central = serving(&folder.path().join("central"));
    let one = Device::new(&folder.path().join("uno"));
    let two = Device::new(&folder.path().join("dos"));
    one.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras de muestra", true));
    two.enrol(&central, &central.code("Otra de muestra", "campo", "Campo de muestra", true));
    let photo = |shade: u8| {
        let path = photograph(&folder.path().join(format!("foto-{shade}.jpg")), shade);
        vec![format!("{}:illustration", path.display())]
    };
    one.capture("d1_p1", &with_contract("OP-1", 50_000, 20), &photo(10));
    two.capture("d1_p3", &with_contract("OP-3", 48_000, 30), &photo(20));
    published(&[(&one, 1), (&two, 1)]);

    // The backup, of the running endpoint, while one device goes on sending.
    let file = folder.path().join("respaldo.zip");
    let sender = {
        let device = Device::new(&one.data);
        std::thread::spawn(move || {
            for n in 1..=6 {
                device.capture("d1_p1", &progress(20 + n), &[]);
                device.ok(&["send"]);
            }
        })
    };
    std::thread::sleep(Duration::from_millis(300));
    backup(&central, &file);
    sender.join().expect("the sender");
    let at_backup = {
        let copy = Central::at(&folder.path().join("mirada"), central.address);
        assert!(restore(&copy, &file).status.success());
        recorded(&copy).len()
    };

    // After it: more of both, with files, new contracts, and one that needs the other's.
    two.capture("d1_p3", &progress(45), &photo(30));
    two.capture("d1_p5", &with_contract("OP-5", 12_000, 5), &photo(40));
    two.capture("d1_p5", &progress(15), &[]);
    one.capture("d1_p2", &with_contract("OP-2", 70_000, 10), &[]);
    published(&[(&one, 8), (&two, 4)]);
    let kept = ledger(&[&one, &two]);
    assert_eq!(kept.len(), 12);
    assert!(at_backup < kept.len(), "the backup is older than the ledger");
    assert_eq!(recorded(&central), kept);
    let out = releases(&central);
    converge(&one, &two);

    // The endpoint is lost. While it is away one captures, and does not know.
    central.kill();
    let late = one.capture("d1_p2", &progress(25), &[]);
    let mut central = Central::at(&folder.path().join("restaurada"), central.address);
    let output = restore(&central, &file);
    assert!(output.status.success(), "{}", complaint(&output));
    let said = journeys::text(&output);
    assert!(said.contains("common\t") && said.ends_with("0 breaks"), "{said}");
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));
    releases(&central);
    assert_eq!(recorded(&central).len(), at_backup);
    central.start();
    published(&[(&one, 9), (&two, 4)]);

    // Every operation of the ledger is there, once, with the same hash; and the one nobody had acknowledged.
    let again = recorded(&central);
    for (operation, row) in &kept {
        assert_eq!(again.get(operation), Some(row), "{operation}");
    }
    assert_eq!(again.len(), kept.len() + 1);
    assert!(again.values().any(|(folio, _)| *folio == late));
    let log = in_the_log(&central);
    assert!(
        kept.keys().all(|operation| log.get(operation).is_some_and(|records| records.len() == 1)),
        "{log:?}"
    );
    assert_eq!(ledger(&[&one, &two]).keys().collect::<Vec<_>>(), again.keys().collect::<Vec<_>>());

    // What was public is public again with the same content, and nothing is doubled.
    let mut public = releases(&central);
    let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).expect("JSON");
    assert_eq!(status["followUps"], json!({"published": 13}));
    for (path, release) in &out {
        assert_eq!(public.remove(path).as_ref(), Some(release), "{path}");
    }
    assert_eq!(public.len(), 1, "the late one: {public:?}");
    for shade in [10u8, 20, 30, 40] {
        let bytes = std::fs::read(folder.path().join(format!("foto-{shade}.jpg"))).expect("the photograph");
        let sha256 = domain::receipt::sha256_hex(&bytes);
        let original = central.data.join("evidence").join(&sha256[..2]).join(&sha256);
        assert_eq!(std::fs::read(original).expect("the original"), bytes);
        assert!(central.public(&format!("evidencia/{sha256}.jpg")).exists());
    }
    let verified = central.ok(&["verify"]);
    assert!(verified.ends_with("0 breaks"), "{verified}");

    // The views converge, and a receipt that was renewed keeps the one before as evidence.
    published(&[(&one, 9), (&two, 4)]);
    converge(&one, &two);
    let earlier: Vec<Value> = [&one, &two]
        .into_iter()
        .flat_map(|device| device.json(&["receipts", "--json"]).as_array().cloned().unwrap_or_default())
        .filter(|row| row["earlier"].as_array().is_some_and(|earlier| !earlier.is_empty()))
        .collect();
    assert_eq!(earlier.len(), kept.len() - at_backup, "{earlier:?}");
    for row in &earlier {
        assert_eq!(row["earlier"][0]["bodyHash"], row["receipt"]["bodyHash"]);
        assert_ne!(row["earlier"][0]["signature"], row["receipt"]["signature"]);
    }
    for device in [&one, &two] {
        device.ok(&["receipts", "--verify"]);
        assert_eq!(device.json(&["status", "--json"])["here"], 0);
    }
}

#[test]
fn a_device_that_was_enrolled_after_the_backup_keeps_everything_until_it_is_enrolled_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut central = serving(&folder.path().join("central"));
    let file = folder.path().join("respaldo.zip");
    backup(&central, &file);
    // The person too is of after the backup.
    let device = Device::new(&folder.path().join("equipo"));
    let new = |central: &Central| central.code("Persona de muestra", "enlace", "Obras de muestra", true);
    device.enrol(&central, &new(&central));
    let photo = photograph(&folder.path().join("foto.jpg"), 50);
    let photo = vec![format!("{}:illustration", photo.display())];
    device.capture("d1_p1", &with_contract("OP-1", 50_000, 20), &photo);
    device.capture("d1_p1", &progress(30), &[]);
    published(&[(&device, 2)]);
    let kept = ledger(&[&device]);
    let out = releases(&central);
    central.kill();
    device.capture("d1_p1", &progress(40), &[]);

    let mut central = Central::at(&folder.path().join("restaurada"), central.address);
    assert!(restore(&central, &file).status.success());
    central.start();
    for _ in 0..2 {
        let refused = device.run(&["send"]);
        assert_eq!(refused.status.code(), Some(2));
        let reason = complaint(&refused);
        assert!(
            reason.contains("no reconoce este equipo") || reason.contains("does not know this equipment"),
            "{reason}"
        );
    }
    // Nothing is lost from its view, nor from its queue.
    assert_eq!((device.count("published"), device.count("ready")), (2, 1));
    assert_eq!(ledger(&[&device]), kept);
    assert!(recorded(&central).is_empty());

    device.enrol(&central, &new(&central));
    published(&[(&device, 3)]);
    let again = recorded(&central);
    assert_eq!(again.len(), 3);
    assert!(kept.iter().all(|(operation, row)| again.get(operation) == Some(row)), "{again:?}");
    let public = releases(&central);
    assert!(out.iter().all(|(path, release)| public.get(path) == Some(release)), "{public:?}");
    let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).expect("JSON");
    assert_eq!(status["followUps"], json!({"published": 3}));
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));
}

#[test]
fn a_project_that_was_loaded_after_the_backup_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).expect("the folder can be made");
    let list = |name: &str, row: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("folio,titulo,monto\n{row}\n")).expect("the list");
        path.to_str().expect("UTF-8").to_owned()
    };
    let (first, second) = (list("1.csv", "UNO,Proyecto uno,1000"), list("2.csv", "DOS,Proyecto dos,2000"));
    central.ok(&["load", &first]);
    central.start();
    let (one, two) = (Device::new(&folder.path().join("uno")), Device::new(&folder.path().join("dos")));
    one.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras de muestra", true));
    two.enrol(&central, &central.code("Otra de muestra", "campo", "Campo de muestra", true));
    let file = folder.path().join("respaldo.zip");
    backup(&central, &file);
    central.ok(&["load", &second]);
    for device in [&one, &two] {
        device.ok(&["send"]);
        device.capture("DOS", &progress(10), &[]);
    }
    one.capture("UNO", &with_contract("OP-1", 500, 20), &[]);
    published(&[(&one, 2), (&two, 1)]);
    let kept = ledger(&[&one, &two]);
    central.kill();

    let mut central = Central::at(&folder.path().join("restaurada"), central.address);
    assert!(restore(&central, &file).status.success());
    central.start();
    // Both wait with the reason; nothing is rejected for the endpoint's loss, and what is behind goes on.
    std::thread::scope(|scope| {
        for device in [&one, &two] {
            scope.spawn(|| {
                let refused = device.run(&["send"]);
                assert_eq!(refused.status.code(), Some(2));
                assert!(complaint(&refused).contains("DOS"), "{}", complaint(&refused));
            });
        }
    });
    assert_eq!((one.count("parked"), one.count("published")), (1, 1));
    assert_eq!((two.count("ready"), two.count("rejected")), (1, 0));
    assert_eq!(recorded(&central).len(), 1);
    assert_eq!(ledger(&[&one, &two]), kept, "the receipt of before is still its own");
    central.ok(&["load", &second]);
    // The one at the front goes by itself; the one that stepped aside has its own time.
    published(&[(&two, 1)]);
    assert_eq!(recorded(&central).len(), 2);
}

/// The answer to an operation that was recorded.
fn recorded_by(said: &journeys::raw::Said) -> &Value {
    assert_eq!(said.status, 200, "{}", said.body);
    assert_eq!(said.body["results"][0]["outcome"], "recorded", "{}", said.body);
    &said.body["results"][0]["receipt"]
}

/// Asks for a token of the endpoint that answers now.
async fn sign_in(device: &mut RawDevice) {
    let said = device.sign_in().await;
    device.token = said.body["token"].as_str().unwrap_or_else(|| panic!("{said:?}")).to_owned();
}

/// State of a follow-up at the endpoint, once it is the one that is waited for.
fn becomes(central: &Central, folio: &str, state: &str) {
    let database = rusqlite::Connection::open(central.data.join("central.db")).expect("the database");
    wait_until(&format!("{folio} is {state}"), Duration::from_secs(20), || {
        let found: Option<String> = database
            .query_row("SELECT state FROM follow_up WHERE folio = ?1", [folio], |row| row.get(0))
            .ok();
        found.as_deref() == Some(state)
    });
}

#[tokio::test]
async fn what_comes_back_vouches_only_for_what_was_in_the_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut central = serving(&folder.path().join("central"));
    let enrol = async |name: &str| {
        RawDevice::enrol(&central.url(), &central.code(name, "enlace", "Obras de muestra", true)).await
    };
    let (mut one, mut two) = (enrol("Una persona").await, enrol("Otra persona").await);
    let file = folder.path().join("respaldo.zip");
    backup(&central, &file);
    // Lost: a contract of one, and its correction by the other, who knew it.
    let first = one.operation(1, "d1_p1", &with_contract("OP-1", 50_000, 20));
    let folio = recorded_by(&one.push(vec![first.clone()]).await)["folio"].clone();
    let folio = folio.as_str().expect("a folio").to_owned();
    becomes(&central, &folio, "published");
    let mut correction = with_contract("OP-1", 60_000, 20);
    correction["corrects"] = json!(folio);
    let mut second = two.operation(1, "d1_p1", &correction);
    second.base.server_version = 2;
    let answer = two.push(vec![second.clone()]).await;
    let corrected = recorded_by(&answer)["folio"].as_str().expect("a folio").to_owned();
    becomes(&central, &corrected, "published");
    becomes(&central, &folio, "superseded");
    central.kill();

    let mut central = Central::at(&folder.path().join("restaurada"), central.address);
    assert!(restore(&central, &file).status.success());
    central.start();
    // A third wrote another contract's price in the meantime; its release takes the number that was lost.
    let three = RawDevice::enrol(
        &central.url(),
        &central.code("Tercera persona", "enlace", "Obras de muestra", true),
    )
    .await;
    let answer = three.push(vec![three.operation(1, "d1_p2", &with_contract("OP-2", 70_000, 20))]).await;
    let other = recorded_by(&answer)["folio"].as_str().expect("a folio").to_owned();
    becomes(&central, &other, "published");
    // The correction comes back before what it corrects: it is received, and waits.
    sign_in(&mut two).await;
    let answer = two.push(vec![second]).await;
    assert_eq!(recorded_by(&answer)["verdict"], "received");
    sign_in(&mut one).await;
    // One that knew two releases of d1_p2, of which the backup has one: the one that is there now it never saw.
    let mut blind = one.operation(2, "d1_p2", &with_contract("OP-2", 80_000, 20));
    blind.base.server_version = 2;
    let folio_of_blind = domain::follow_up::folio(blind.record_id);
    let answer = one.push(vec![first, blind]).await;
    assert_eq!(recorded_by(&answer)["folio"], folio.as_str());
    assert_eq!(answer.body["results"][1]["receipt"]["verdict"], "received");
    becomes(&central, &folio_of_blind, "conflict");
    becomes(&central, &other, "published");
    becomes(&central, &folio, "superseded");
    becomes(&central, &corrected, "published");
    let record = central.record("ocds-000000-d1_p1");
    assert_eq!(record["compiledRelease"]["contracts"][0]["value"]["amount"], 60_000);
}

#[test]
fn a_damaged_backup_or_a_folder_with_something_in_it_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut central = serving(&folder.path().join("central"));
    let status = |central: &Central| -> Value {
        serde_json::from_str(&central.ok(&["status", "--json"])).expect("JSON")
    };
    wait_until("the list is public", Duration::from_secs(20), || status(&central)["queued"] == 0);
    let public = central.packages();
    let file = folder.path().join("respaldo.zip");
    backup(&central, &file);
    let again = central.run(&["backup", "--to", file.to_str().expect("UTF-8")]);
    assert!(!again.status.success() && complaint(&again).contains("--force"), "{}", complaint(&again));
    central.ok(&["backup", "--force", "--to", file.to_str().expect("UTF-8")]);
    let refused = restore(&central, &file);
    assert!(!refused.status.success());
    central.kill();
    let verified = central.ok(&["verify"]);
    assert!(verified.ends_with("0 breaks"), "{verified}");
    // An empty endpoint would be sound too: what was there is there.
    assert_eq!(status(&central)["projects"], project_list().1);
    assert_eq!(central.packages(), public);

    let bytes = std::fs::read(&file).expect("the backup");
    let damaged = folder.path().join("cortado.zip");
    std::fs::write(&damaged, &bytes[..bytes.len() * 2 / 3]).expect("the folder can be written");
    let other = Central::at(&folder.path().join("otra"), central.address);
    let refused = restore(&other, &damaged);
    assert!(!refused.status.success());
    let reason = complaint(&refused);
    assert!(reason.contains("No se cambió nada") || reason.contains("Nothing was changed"), "{reason}");
    assert!(!other.data.exists());
}
