//! Two people disagree without a network, and somebody chooses: real programs, from the capture to the public file.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use domain::wire::OperationKind;
use journeys::proxy::{Act, Fault, Proxy};
use journeys::raw::RawDevice;
use journeys::{Central, Device, Host, complaint, own_check, wait_until, with_contract};
use serde_json::{Value, json};

/// Long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
const PROJECT: &str = "d1_p1";
const OCID: &str = "ocds-000000-d1_p1";

/// A municipality where everybody has seen a contract of 50 000.
struct Town {
    folder: tempfile::TempDir,
    central: Central,
    /// Where the coordination's device connects.
    line: Proxy,
    one: Device,
    two: Device,
    coordination: Device,
}

impl Town {
    fn new() -> Town {
        let folder = tempfile::tempdir().unwrap();
        let central = Central::ready(&folder.path().join("central"));
        let line = Proxy::start(central.address);
        let device = |name: &str| {
            Device::new(&folder.path().join(name)).with("LANG", "es_MX.UTF-8").with("LC_ALL", "es_MX.UTF-8")
        };
        let (one, two, coordination) = (device("uno"), device("dos"), device("tres"));
        one.enrol(&central, &central.code("Persona Uno", "enlace", "Obras", true));
        two.enrol(&central, &central.code("Persona Dos", "campo", "Parques", true));
        let code = central.code("Persona Tres", "coordinacion", "Coordinación", true);
        coordination.enrol_at(&line.url(), &code);
        let town = Town { folder, central, line, one, two, coordination };
        town.one.capture(PROJECT, &with_contract("OP-1", 50_000, 20), &[]);
        town.settled(&[(&town.one, "published", 1)]);
        town.everybody_sends();
        town
    }

    /// Sends until each device has so many follow-ups of its own in a state.
    fn settled(&self, expected: &[(&Device, &str, u64)]) {
        for (device, state, count) in expected {
            wait_until(&format!("{count} are {state}"), LIMIT, || {
                device.ok(&["send"]);
                device.count(state) == *count
            });
        }
    }

    fn everybody_sends(&self) {
        for device in [&self.one, &self.two, &self.coordination] {
            device.ok(&["send"]);
        }
    }

    /// What is published of the contract, and how many releases there are.
    fn public(&self) -> (Value, usize) {
        let mut record = self.central.record(OCID);
        let releases = record["releases"].as_array().unwrap().len();
        (record["compiledRelease"]["contracts"][0].take(), releases)
    }

    fn amount(&self) -> Value {
        self.public().0["value"]["amount"].clone()
    }

    /// How many choices the endpoint recorded, whatever became of them.
    fn choices(&self) -> i64 {
        let database = rusqlite::Connection::open(self.central.data.join("central.db")).unwrap();
        let sql = "SELECT count(*) FROM operation WHERE kind = 'choice'";
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The chains hold and what is published is valid.
    fn is_sound(&self) {
        let verified = self.central.ok(&["verify"]);
        assert!(verified.ends_with("0 breaks"), "{verified}");
        own_check(&self.central.packages());
        for device in [&self.one, &self.two, &self.coordination] {
            device.ok(&["receipts", "--verify"]);
        }
    }
}

/// A change of that contract.
fn change(fields: Value) -> Value {
    let mut contract = json!({"id": "OP-1", "awardID": "adj-OP-1"});
    contract.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"stage": "contract", "release": {"contracts": [contract]}})
}

fn amount(amount: u32) -> Value {
    change(json!({"value": {"amount": amount, "currency": "MXN"}}))
}

fn conflicts(device: &Device) -> Vec<Value> {
    device.json(&["conflicts", "--json"]).as_array().unwrap().clone()
}

/// The one conflict about a follow-up.
fn conflict(device: &Device, folio: &str) -> Value {
    let found: Vec<Value> = conflicts(device).into_iter().filter(|row| row["folio"] == folio).collect();
    assert_eq!(found.len(), 1, "{folio}: {found:?}");
    found[0].clone()
}

fn names(row: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        row["names"].as_object().unwrap().values().map(|name| name.as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// A verb that is refused, and why.
fn refused(device: &Device, arguments: &[&str]) -> String {
    let output = device.run(arguments);
    assert!(!output.status.success(), "{arguments:?} was done");
    complaint(&output)
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[test]
fn what_does_not_meet_merges_without_anybody_noticing() {
    let mut town = Town::new();
    town.central.kill();
    town.one.capture(PROJECT, &change(json!({"title": "Banqueta norte"})), &[]);
    town.two.capture(PROJECT, &change(json!({"description": "Incluye rampas"})), &[]);
    // The same value twice is no disagreement.
    town.one.capture(PROJECT, &amount(52_000), &[]);
    town.two.capture(PROJECT, &amount(52_000), &[]);
    town.central.start();
    town.settled(&[(&town.two, "published", 2), (&town.one, "published", 3)]);
    town.everybody_sends();
    for device in [&town.one, &town.two, &town.coordination] {
        assert_eq!(conflicts(device), Vec::<Value>::new());
        assert_eq!(device.count("conflict"), 0);
        assert_eq!(device.ok(&["conflicts"]), "");
    }
    let (contract, releases) = town.public();
    assert_eq!(
        (&contract["title"], &contract["description"]),
        (&json!("Banqueta norte"), &json!("Incluye rampas"))
    );
    assert_eq!((&contract["value"]["amount"], releases), (&json!(52_000), 6));
    town.is_sound();
}

#[test]
fn a_disagreement_is_shown_whole_and_the_choice_has_its_effect_once() {
    let mut town = Town::new();
    town.central.kill();
    town.one.capture(PROJECT, &amount(55_000), &[]);
    let held = town.two.capture(PROJECT, &amount(60_000), &[]);
    let behind = town.two.capture(PROJECT, &change(json!({"description": "Incluye rampas"})), &[]);
    town.central.start();
    town.settled(&[(&town.one, "published", 2), (&town.two, "conflict", 1)]);
    town.everybody_sends();

    // What stands stays; what follows the one that is held waits, with its reason.
    assert_eq!((town.amount(), town.public().1), (json!(55_000), 3));
    assert_eq!((town.two.count("received"), town.two.count("published")), (1, 0));
    let mut host = Host::start(&town.two.data);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let detail = runtime.block_on(host.call("project", json!({"folio": PROJECT}))).unwrap();
    let row =
        detail["followUps"].as_array().unwrap().iter().find(|row| row["folio"] == behind).unwrap().clone();
    assert_eq!(row["central"]["held"], json!({"why": "after_held", "folio": held}));
    host.kill();

    // Both authors and the coordination see both values, who, and when; names only where they may be seen.
    let seen = conflict(&town.coordination, &held);
    for (device, may, known) in [
        (&town.one, json!([]), vec!["Persona Uno"]),
        (&town.two, json!(["keep"]), vec!["Persona Dos"]),
        (&town.coordination, json!(["keep", "apply"]), vec!["Persona Dos", "Persona Uno"]),
    ] {
        let row = conflict(device, &held);
        assert_eq!((&row["conflict"], &row["state"]), (&seen["conflict"], &json!("conflict")));
        assert_eq!((&row["may"], names(&row)), (&may, known.into_iter().map(str::to_owned).collect()));
    }
    let record = &seen["conflict"];
    assert_eq!(record["overlaps"].as_array().unwrap().len(), 1, "{record}");
    let overlap = &record["overlaps"][0];
    assert_eq!(overlap["path"], "/contracts/id=OP-1/value/amount");
    assert_eq!((&overlap["standing"], &overlap["offered"]), (&json!(55_000), &json!(60_000)));
    let stands = &record["standing"][0];
    assert_eq!((&record["held"]["role"], &record["held"]["area"]), (&json!("campo"), &json!("Parques")));
    assert_eq!((&stands["author"]["role"], &stands["author"]["area"]), (&json!("enlace"), &json!("Obras")));
    for when in [&record["held"]["capturedAt"], &stands["author"]["capturedAt"], &stands["acceptedAt"]] {
        assert!(when.is_string(), "{record}");
    }
    let words = town.coordination.ok(&["conflicts"]);
    for word in [held.as_str(), "55000", "60000", "Persona Uno", "Persona Dos", "Obras", "Parques"] {
        assert!(words.contains(word), "{word}: {words}");
    }

    // Neither party applies; whoever writes past the program is refused by the endpoint.
    let choose =
        |resolution: &'static str| ["choose", held.as_str(), resolution, "--reason", "Lo dice el acta"];
    for (device, resolution) in [(&town.one, "--keep"), (&town.one, "--apply"), (&town.two, "--apply")] {
        let reason = refused(device, &choose(resolution));
        assert!(reason.contains("Tu función no permite"), "{reason}");
        assert_eq!(device.json(&["status", "--json"])["here"], 0);
    }
    runtime.block_on(async {
        let code = town.central.code("Persona Cuatro", "enlace", "Obras", true);
        let raw = RawDevice::enrol(&town.central.url(), &code).await;
        let mut operation = raw.operation(1, PROJECT, &amount(1));
        operation.kind = OperationKind::Choice;
        operation.record_id = serde_json::from_value(seen["id"].clone()).unwrap();
        operation.body = json!({"followUp": seen["id"], "standing": [stands["release"]], "version": record["version"],
            "resolution": "apply", "reason": "Porque sí"});
        let said = raw.push(vec![operation]).await;
        let result = &said.body["results"][0];
        assert_eq!(result["receipt"]["verdict"], "rejected", "{said:?}");
        assert_eq!(result["findings"][0]["rule"], "choice-not-allowed");
    });
    assert_eq!((town.amount(), town.choices()), (json!(55_000), 1));

    // Chosen on what no longer stands: refused clearly, and the conflict stays open with what stands now.
    town.one.capture(PROJECT, &change(json!({"title": "Banqueta norte"})), &[]);
    town.settled(&[(&town.one, "published", 3)]);
    town.coordination.ok(&choose("--apply"));
    town.coordination.ok(&["send"]);
    let now = conflict(&town.coordination, &held);
    assert_eq!((&now["state"], &now["own"]["state"]), (&json!("conflict"), &json!("rejected")));
    assert_eq!(now["own"]["findings"][0]["rule"], "choice-outdated");
    let words = town.coordination.ok(&["conflicts"]);
    assert!(words.contains("mira los valores nuevos y elige otra vez"), "{words}");
    assert_eq!((town.amount(), town.choices()), (json!(55_000), 2));
    wait_until("the conflict says what stands now", LIMIT, || {
        town.coordination.ok(&["send"]);
        let row = conflict(&town.coordination, &held);
        row["conflict"]["version"] != record["version"] && row["may"] == json!(["keep", "apply"])
    });

    // Chosen again without a network; another choice has to wait for this one.
    town.central.kill();
    town.coordination.ok(&choose("--apply"));
    let reason = refused(&town.coordination, &choose("--keep"));
    assert!(reason.contains("por enviar"), "{reason}");
    assert_eq!(conflict(&town.coordination, &held)["own"]["state"], "ready");
    assert_eq!(conflict(&town.coordination, &held)["may"], json!([]));
    let again = Device { data: town.folder.path().join("copia"), ..town.coordination.clone() };
    copy(&town.coordination.data, &again.data);
    town.central.start();
    // Its answer is lost, it is offered again, and once more from a copy of the folder: one effect.
    let mut lost = false;
    town.line.decide(move |request| {
        if lost || !request.path.contains("/sync/push") {
            return Act::Carry;
        }
        lost = true;
        Act::Do(Fault::LoseReply)
    });
    town.coordination.ok(&["send"]);
    assert!(town.line.hits().contains_key(&Fault::LoseReply), "{:?}", town.line.hits());
    town.line.heal();
    again.ok(&["send"]);
    again.ok(&["receipts", "--verify"]);
    town.settled(&[(&town.two, "published", 2)]);
    town.everybody_sends();
    assert_eq!(town.choices(), 3);
    let (contract, releases) = town.public();
    assert_eq!((&contract["value"]["amount"], releases), (&json!(60_000), 6), "{contract}");
    assert_eq!(
        (&contract["title"], &contract["description"]),
        (&json!("Banqueta norte"), &json!("Incluye rampas"))
    );

    // Both values and the choice stay, for everybody, also after a restart.
    let closed = conflict(&town.coordination, &held);
    assert_eq!(
        (&closed["state"], &closed["own"], &closed["may"]),
        (&json!("published"), &Value::Null, &json!([]))
    );
    assert_eq!(names(&closed), ["Persona Dos", "Persona Tres", "Persona Uno"]);
    let chosen = &closed["conflict"]["chosen"];
    assert_eq!(
        (&chosen["choice"]["resolution"], &chosen["choice"]["reason"]),
        (&json!("apply"), &json!("Lo dice el acta"))
    );
    assert_eq!((&chosen["role"], &chosen["byAuthor"]), (&json!("coordinacion"), &json!(false)));
    assert_eq!(closed["conflict"]["overlaps"], record["overlaps"]);
    town.central.kill();
    town.central.start();
    town.everybody_sends();
    for device in [&town.one, &town.two, &town.coordination] {
        assert_eq!(conflict(device, &held)["conflict"], closed["conflict"]);
    }
    let amounts: Vec<Value> = town.central.record(OCID)["releases"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|release| release.pointer("/contracts/0/value/amount").cloned())
        .collect();
    assert_eq!(amounts, [50_000, 55_000, 60_000]);
    town.is_sound();
}

#[test]
fn what_stands_is_kept_by_the_author_or_by_the_coordination_and_the_rest_goes_on() {
    let mut town = Town::new();
    town.central.kill();
    town.one.capture(PROJECT, &amount(55_000), &[]);
    let first = town.two.capture(PROJECT, &amount(60_000), &[]);
    town.two.capture(PROJECT, &change(json!({"description": "Incluye rampas"})), &[]);
    town.central.start();
    town.settled(&[(&town.one, "published", 2), (&town.two, "conflict", 1)]);
    // Its author takes it back; what waited behind it is decided by itself.
    town.two.ok(&["choose", &first, "--keep", "--reason", "Leí mal el contrato"]);
    town.settled(&[(&town.two, "published", 1), (&town.two, "withdrawn", 1)]);
    assert_eq!(town.amount(), json!(55_000));

    town.everybody_sends();
    town.central.kill();
    town.one.capture(PROJECT, &amount(56_000), &[]);
    let second = town.two.capture(PROJECT, &amount(61_000), &[]);
    town.central.start();
    town.settled(&[(&town.one, "published", 3), (&town.two, "conflict", 1)]);
    town.everybody_sends();
    town.coordination.ok(&["choose", &second, "--keep", "--reason", "El acta dice 56 000"]);
    town.coordination.ok(&["send"]);
    town.settled(&[(&town.two, "rejected", 1)]);
    // Whoever saw both says the next word without a conflict.
    town.two.capture(PROJECT, &amount(57_000), &[]);
    town.settled(&[(&town.two, "published", 2)]);
    town.everybody_sends();
    let (contract, releases) = town.public();
    assert_eq!(
        (&contract["value"]["amount"], &contract["description"]),
        (&json!(57_000), &json!("Incluye rampas"))
    );
    assert_eq!(releases, 6);
    for device in [&town.one, &town.two, &town.coordination] {
        for (folio, state, by_author, reason, values) in [
            (&first, "withdrawn", true, "Leí mal el contrato", [55_000, 60_000]),
            (&second, "rejected", false, "El acta dice 56 000", [56_000, 61_000]),
        ] {
            let row = conflict(device, folio);
            let chosen = &row["conflict"]["chosen"];
            assert_eq!((&row["state"], &chosen["byAuthor"]), (&json!(state), &json!(by_author)));
            assert_eq!(chosen["choice"]["reason"], reason);
            let overlap = &row["conflict"]["overlaps"][0];
            assert_eq!(json!([overlap["standing"], overlap["offered"]]), json!(values));
        }
    }
    town.is_sound();
}

#[test]
fn a_choice_comes_back_after_a_restore_once_what_it_is_about_is_back() {
    let mut town = Town::new();
    town.one.capture(PROJECT, &amount(55_000), &[]);
    let held = town.two.capture(PROJECT, &amount(60_000), &[]);
    town.settled(&[(&town.one, "published", 2)]);
    let file = town.folder.path().join("respaldo.zip");
    let file = file.to_str().unwrap();
    town.central.ok(&["backup", "--to", file]);
    town.settled(&[(&town.two, "conflict", 1)]);
    town.coordination.ok(&["send"]);
    town.coordination.ok(&["choose", &held, "--apply", "--reason", "Lo dice el acta"]);
    town.coordination.ok(&["send"]);
    town.settled(&[(&town.two, "published", 1)]);
    town.coordination.ok(&["send"]);
    assert_eq!(conflict(&town.coordination, &held)["state"], "published");
    assert_eq!((town.amount(), town.choices()), (json!(60_000), 1));

    // The backup has neither what was held nor the choice. The choice comes first: it waits, with its reason.
    town.central.kill();
    let restored = Central::at(&town.folder.path().join("restaurada"), town.central.address);
    restored.ok(&["restore", "--from", file]);
    town.central = restored;
    town.central.start();
    let reason = refused(&town.coordination, &["send"]);
    assert!(reason.contains(&held) && reason.contains("todavía no regresa"), "{reason}");
    assert_eq!(town.choices(), 0);
    wait_until("the choice has its effect again", LIMIT, || {
        town.two.ok(&["send"]);
        town.coordination.run(&["send"]).status.success() && town.two.count("published") == 1
    });
    town.everybody_sends();
    let (contract, releases) = town.public();
    assert_eq!((&contract["value"]["amount"], releases, town.choices()), (&json!(60_000), 4, 1));
    for device in [&town.one, &town.two, &town.coordination] {
        let row = conflict(device, &held);
        assert_eq!(row["conflict"]["chosen"]["choice"]["reason"], "Lo dice el acta");
        assert_eq!(row["own"], Value::Null);
    }
    town.is_sound();
}
