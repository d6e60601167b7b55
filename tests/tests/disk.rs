//! Disks that fail at the n-th call, for every n, under the programs as they are delivered: the device with its
//! encrypted store and its evidence, the central endpoint with its database, its evidence and its public files. How it
//! is done: `failing-disk`. What was said to be saved is written down here, outside of the programs.
//!
//! The bytes of a cut stay with the system, as when a process is killed: what a disk forgets of them when the power of
//! the whole machine goes is not tested here.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::Client;
use domain::clock::SystemClock;
use domain::command::{AppState, Status, Tray};
use domain::evidence::{EvidenceRef, MediaType};
use domain::receipt::sha256_hex;
use domain::wire::{EvidenceAnswer, Operation};
use journeys::disk::{At, End, FailingDisk, HANDS, How, Place, changes, end, folder, places, sweep};
use journeys::ledger::Ledger;
use journeys::raw::{RawDevice, Said};
use journeys::{
    Central, Device, PASSPHRASE, complaint, own_check, photograph, progress, text, wait_until, with_contract,
};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(180);
/// What is in the background usually had its turn after this.
const PATIENCE: Duration = Duration::from_millis(400);

/// A list of a few projects: what is read of it at every start is little.
fn list(folder: &Path, projects: usize) -> PathBuf {
    let whole = std::fs::read_to_string(journeys::root().join("tests/fixtures/proyectos.csv")).unwrap();
    let some: Vec<&str> = whole.lines().take(projects + 1).collect();
    let path = folder.join("lista.csv");
    std::fs::write(&path, some.join("\n") + "\n").unwrap();
    path
}

/// An endpoint with a few projects, not running.
fn central(folder: &Path, projects: usize) -> Central {
    let central = Central::new(&folder.join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    central.ok(&["load", list(folder, projects).to_str().unwrap()]);
    central
}

fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

/// Opens the store of a device as the next start does. It is never set aside: nothing was damaged.
fn open(device: &Device) -> Client {
    let client = Client::open(&device.data, Arc::new(SystemClock)).unwrap();
    client.unlock(Some(PASSPHRASE)).unwrap_or_else(|problem| panic!("{problem}"));
    let aside: Vec<PathBuf> = journeys::files_under(&device.data)
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("damaged"))
        .collect();
    assert!(aside.is_empty(), "{aside:?}");
    client
}

fn tray(runtime: &Runtime, client: &Client) -> Tray {
    serde_json::from_value(runtime.block_on(client.call("tray", json!({}))).unwrap()).unwrap()
}

/// The files of a device are there, whole: each is read and decoded.
fn whole_files(runtime: &Runtime, client: &Client, hashes: &[String]) {
    for sha256 in hashes {
        let seen = runtime.block_on(client.call("evidence_thumbnail", json!({"sha256": sha256}))).unwrap();
        assert!(seen["url"].is_string(), "{sha256}: {seen}");
    }
}

/// A photograph, as an argument and by its hash.
fn photo(path: &Path, shade: u8) -> (String, String) {
    let path = photograph(path, shade);
    (format!("{}:illustration", path.display()), sha256_hex(&std::fs::read(&path).unwrap()))
}

/// A run of a device's verb under a plan, in a folder with everything it touches.
fn under(disk: &FailingDisk, device: &Device, place: Place, arguments: &[&str]) -> (End, Output) {
    disk.arm(place, false);
    let mut command = device.command(arguments);
    command.envs(disk.environment()).env("LANG", "es_MX.UTF-8").env("LC_ALL", "es_MX.UTF-8");
    let output = command.output().unwrap();
    disk.calm();
    (end(place, &output), output)
}

/// What a verb does to the disk when nothing fails.
fn learn(disk: &FailingDisk, device: &Device, arguments: &[&str]) -> (Vec<u8>, Output) {
    disk.count_anew(false);
    let output = device.command(arguments).envs(disk.environment()).output().unwrap();
    (disk.trace(), output)
}

#[test]
fn the_first_start_of_a_device_can_fail_anywhere() {
    let folder = folder();
    let disk_of = |hand: usize| {
        let own = folder.path().join(hand.to_string());
        let disk = FailingDisk::new(&folder.path().join(format!("{hand}.control")), &own);
        (disk, Device::new(&own.join("equipo")))
    };
    let (disk, device) = disk_of(HANDS);
    let (trace, output) = learn(&disk, &device, &["status"]);
    assert_eq!(output.status.code(), Some(1), "not activated yet: {}", complaint(&output));
    let hands: Vec<_> = (0..HANDS).map(disk_of).collect();
    sweep("first start of a device", trace.len(), &places(&trace), |hand, place| {
        let (disk, device) = &hands[hand];
        let _ = std::fs::remove_dir_all(device.data.parent().unwrap());
        let (end, output) = under(disk, device, place, &["status"]);
        assert_ne!(end, End::Done, "{}", text(&output));
        // What was left opens with the same passphrase.
        let client = open(device);
        assert!(matches!(client.unlock(None), Ok(AppState::NotEnrolled { .. })));
        client.close();
        disk.fired()
    });
}

/// An endpoint and a device enrolled there that has captured one follow-up with a photograph and sent nothing.
fn enrolled(folder: &Path, ledger: &mut Ledger) -> (Central, Device, String) {
    let mut central = central(folder, 5);
    central.start();
    let device = Device::new(&folder.join("plantilla/equipo"));
    std::fs::create_dir_all(&device.data).unwrap();
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras de muestra", true));
    let (file, sha256) = photo(&folder.join("primera.jpg"), 1);
    ledger.capture(&device, "d1_p1", progress(10), &[file]);
    (central, device, sha256)
}

#[test]
fn a_capture_that_meets_a_read_that_fails_keeps_what_was_there() {
    let folder = folder();
    let runtime = Runtime::new().unwrap();
    let mut ledger = Ledger::default();
    let (_central, device, earlier) = enrolled(folder.path(), &mut ledger);
    let template = device.data.parent().unwrap().to_owned();
    let (_, second) = photo(&template.join("segunda.jpg"), 2);
    std::fs::write(template.join("captura.json"), progress(20).to_string()).unwrap();
    let disk_of = |hand: usize| {
        let own = folder.path().join(hand.to_string());
        (FailingDisk::new(&folder.path().join(format!("{hand}.control")), &own), own)
    };
    let capture = |own: &Path| {
        let file = own.join("captura.json").display().to_string();
        let photo = format!("{}:illustration", own.join("segunda.jpg").display());
        ["capture", "--project", "d1_p2", "--file", &file, "--evidence", &photo].map(str::to_owned)
    };
    let (disk, own) = disk_of(HANDS);
    copy(&template, &own);
    let arguments = capture(&own);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (trace, output) = learn(&disk, &Device::new(&own.join("equipo")), &arguments);
    assert!(output.status.success(), "{}", complaint(&output));
    // Calls that change something are the next test's, on one folder that keeps what they did to it.
    let reads: Vec<Place> = places(&trace)
        .into_iter()
        .filter(|place| place.how == How::Once && !changes(trace[usize::try_from(place.n).unwrap() - 1]))
        .collect();
    let hands: Vec<_> = (0..HANDS).map(disk_of).collect();
    sweep("capture, calls that read", trace.len(), &reads, |hand, place| {
        let (disk, own) = &hands[hand];
        copy(&template, own);
        let device = Device::new(&own.join("equipo"));
        let arguments = capture(own);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (end, output) = under(disk, &device, place, &arguments);
        let client = open(&device);
        let rows = tray(&runtime, &client).rows;
        let expected = if end == End::Done { 2 } else { 1 };
        // At the very end of the program, what was refused may be there all the same; never twice.
        assert!(rows.len() == expected || end != End::Done && rows.len() == 2, "{end:?}: {rows:?}");
        whole_files(&runtime, &client, std::slice::from_ref(&earlier));
        if rows.len() == 2 {
            whole_files(&runtime, &client, std::slice::from_ref(&second));
            let folio = text(&output);
            assert!(end != End::Done || rows.iter().any(|row| row.folio == folio), "{folio}: {rows:?}");
        }
        client.close();
        disk.fired()
    });
}

#[test]
fn captures_that_meet_a_write_that_fails_are_sent_once() {
    let folder = folder();
    let runtime = Runtime::new().unwrap();
    let mut ledger = Ledger::default();
    let (mut central, device, first) = enrolled(folder.path(), &mut ledger);
    central.kill();
    let own = device.data.parent().unwrap().to_owned();
    let disk = FailingDisk::new(&folder.path().join("control"), &own);
    let mut hashes = vec![first];
    let mut runs: BTreeMap<How, u64> = BTreeMap::new();
    for how in [How::Once, How::Torn, How::Cut] {
        // Every call that changes something, until there is none left to fail.
        for n in 1.. {
            let place = Place { n, how };
            let at = At(place);
            let (file, sha256) = photo(&own.join(format!("{how:?}-{n}.jpg")), u8::try_from(n % 256).unwrap());
            // No two photographs are the same file.
            let path = file.rsplit_once(':').unwrap().0;
            let mut bytes = std::fs::read(path).unwrap();
            bytes.extend(format!("{how:?} {n} {sha256}").bytes());
            std::fs::write(path, &bytes).unwrap();
            let sha256 = sha256_hex(&bytes);
            let mut follow_up = progress(20);
            let words = ledger.mark(&mut follow_up, "equipo");
            let json = own.join("captura.json");
            std::fs::write(&json, follow_up.to_string()).unwrap();
            let project = format!("d1_p{}", n % 5 + 1);
            disk.arm(place, true);
            let arguments =
                ["capture", "--project", &project, "--file", json.to_str().unwrap(), "--evidence", &file];
            let mut command = device.command(&arguments);
            let output = command.envs(disk.environment()).output().unwrap();
            let (fired, reached) = (disk.fired(), disk.trace().len() as u64);
            disk.calm();
            let end = end(place, &output);
            assert!(fired || end == End::Done, "{place:?}: {end:?} without a fault: {}", complaint(&output));
            let client = open(&device);
            let rows = tray(&runtime, &client).rows;
            let fresh = rows.len() - ledger.len();
            assert!(fresh == 1 || fresh == 0 && end != End::Done, "{end:?} and {fresh} more");
            let folio = if fresh == 1 {
                // Newest first.
                rows[0].folio.clone()
            } else {
                let file: domain::follow_up::FollowUpFile = serde_json::from_value(follow_up).unwrap();
                let evidence = [(PathBuf::from(path), "illustration".to_owned())];
                client.capture_file(&project, file, &evidence).unwrap().folio
            };
            assert!(end != End::Done || text(&output) == folio, "{} is not {folio}", text(&output));
            ledger.note(&folio, words, std::slice::from_ref(&file));
            whole_files(&runtime, &client, std::slice::from_ref(&sha256));
            hashes.push(sha256);
            client.close();
            drop(at);
            *runs.entry(how).or_default() += 1;
            if !fired && reached < n {
                break;
            }
        }
    }
    println!("capture, calls that change something, runs: {runs:?}, {} captured", ledger.len());
    assert!(runs.values().all(|runs| *runs > 10), "{runs:?}");
    let client = open(&device);
    whole_files(&runtime, &client, &hashes);
    client.close();
    drop(client);
    central.start();
    wait_until("everything is published", LIMIT, || {
        device.run(&["send"]).status.success() && device.count("published") == ledger.len() as u64
    });
    device.ok(&["send"]);
    ledger.print_receipts(&device);
    wait_until("the queue of the endpoint is empty", LIMIT, || status(&central)["queued"] == 0);
    ledger.settle(&central, "published");
    own_check(&central.packages());
}

fn status(central: &Central) -> Value {
    serde_json::from_str(&central.ok(&["status", "--json"])).unwrap()
}

/// An endpoint, and a device with two follow-ups and their photographs that the endpoint has already: whoever starts
/// from the device's folder as it was before sending repeats what it did, as after a reply that was lost.
struct Side {
    central: Central,
    template: PathBuf,
    ledger: Ledger,
    hashes: Vec<String>,
    disk: FailingDisk,
    own: PathBuf,
    runtime: Runtime,
}

impl Side {
    fn new(folder: &Path) -> Side {
        std::fs::create_dir_all(folder).unwrap();
        let mut ledger = Ledger::default();
        let (central, device, first) = enrolled(folder, &mut ledger);
        let (file, second) = photo(&folder.join("segunda.jpg"), 2);
        ledger.capture(&device, "d1_p2", progress(20), &[file]);
        let template = device.data.parent().unwrap().to_owned();
        let own = folder.join("copia");
        let disk = FailingDisk::new(&folder.join("control"), &own);
        let runtime = Runtime::new().unwrap();
        let mut side = Side { central, template, ledger, hashes: vec![first, second], disk, own, runtime };
        let device = side.device();
        wait_until("both are published", LIMIT, || {
            device.run(&["send"]).status.success() && device.count("published") == 2
        });
        side.ledger.print_receipts(&device);
        side
    }

    /// The device as it was before it sent anything; the endpoint has lost the bytes of its files and asks for them.
    fn device(&self) -> Device {
        copy(&self.template, &self.own);
        for path in self.kept() {
            let _ = std::fs::remove_file(path);
        }
        Device::new(&self.own.join("equipo"))
    }

    /// Where the endpoint keeps the files.
    fn kept(&self) -> Vec<PathBuf> {
        let evidence = self.central.data.join("evidence");
        self.hashes.iter().map(|sha256| evidence.join(&sha256[..2]).join(sha256)).collect()
    }
}

#[test]
fn a_send_can_fail_anywhere() {
    let folder = folder();
    let sides: Vec<_> = (0..HANDS).map(|hand| Side::new(&folder.path().join(hand.to_string()))).collect();
    let device = sides[0].device();
    let (trace, output) = learn(&sides[0].disk, &device, &["send"]);
    assert!(output.status.success(), "{}", complaint(&output));
    let sides: Vec<_> = sides.into_iter().map(std::sync::Mutex::new).collect();
    sweep("send", trace.len(), &places(&trace), |hand, place| {
        let mut side = sides[hand].lock().unwrap();
        let device = side.device();
        let (end, _) = under(&side.disk, &device, place, &["send"]);
        let fired = side.disk.fired();
        let client = open(&device);
        // What it knows already is true, and one more cycle is all it takes.
        assert!(client.receipts().unwrap().iter().all(|(.., receipt)| receipt.valid));
        let before = client.status().unwrap();
        assert!(end != End::Done || all_there(&before), "{before:?}");
        let after = side.runtime.block_on(client.sync_once()).unwrap_or_else(|problem| panic!("{problem}"));
        assert!(all_there(&after), "{after:?}");
        let states: Vec<_> = tray(&side.runtime, &client).rows.iter().map(|row| row.state.as_str()).collect();
        assert_eq!(states, ["published"; 2]);
        client.close();
        drop(client);
        for (path, sha256) in side.kept().iter().zip(&side.hashes) {
            assert_eq!(sha256_hex(&std::fs::read(path).unwrap()), *sha256, "{}", path.display());
        }
        // Byte for byte the receipts that were printed before.
        let Side { ledger, .. } = &mut *side;
        ledger.print_receipts(&device);
        fired
    });
    for side in sides {
        let side = side.into_inner().unwrap();
        side.ledger.settle(&side.central, "published");
        own_check(&side.central.packages());
    }
}

fn all_there(status: &Status) -> bool {
    status.marked == 2 && status.received == 2 && status.files == 2 && status.files_received == 2
}

#[test]
fn the_first_start_of_an_endpoint_can_fail_anywhere() {
    let folder = folder();
    let disk_of = |hand: usize| {
        let own = folder.path().join(hand.to_string());
        let disk = FailingDisk::new(&folder.path().join(format!("{hand}.control")), &own);
        let mut central = Central::new(&own.join("central"));
        central.environment = disk.environment();
        (disk, central)
    };
    let (disk, central) = disk_of(HANDS);
    central.ok(&["status"]);
    let trace = disk.trace();
    let hands: Vec<_> = (0..HANDS).map(disk_of).collect();
    sweep("first start of an endpoint", trace.len(), &places(&trace), |hand, place| {
        let (disk, central) = &hands[hand];
        let _ = std::fs::remove_dir_all(central.data.parent().unwrap());
        disk.arm(place, false);
        let output = central.run(&["status"]);
        disk.calm();
        let fired = disk.fired();
        end(place, &output);
        central.ok(&["status"]);
        assert!(central.ok(&["verify"]).ends_with("0 breaks"));
        fired
    });
}

/// What devices hand in to an endpoint whose disk fails, by hand: each follow-up with a photograph of its own.
struct Load {
    raw: RawDevice,
    photo: Vec<u8>,
    /// Follow-ups in the order of their numbers.
    operations: Vec<Operation>,
    /// What was answered to each.
    kept: BTreeMap<uuid::Uuid, Option<Value>>,
    database: PathBuf,
}

impl Load {
    async fn new(folder: &Path, central: &Central) -> Load {
        let code = central.code("Persona de muestra", "enlace", "Obras de muestra", true);
        let raw = RawDevice::enrol(&central.url(), &code).await;
        let photo = std::fs::read(photograph(&folder.join("foto.jpg"), 3)).unwrap();
        let database = central.data.join("central.db");
        Load { raw, photo, operations: Vec::new(), kept: BTreeMap::new(), database }
    }

    /// The photograph of a follow-up: the same picture, another file.
    fn file(&self, number: u64) -> Vec<u8> {
        let mut bytes = self.photo.clone();
        bytes.extend(number.to_be_bytes());
        bytes
    }

    /// The next follow-up: it has a contract, so that it is a release, and a photograph.
    fn capture(&mut self, projects: u64) -> Operation {
        let number = self.operations.len() as u64 + 1;
        // A contract of its own: whichever is decided first, none stands in another's way.
        let (project, contract) = (format!("d1_p{}", number % projects + 1), format!("C-{number}"));
        let mut content = with_contract(&contract, u32::try_from(1_000 + number).unwrap(), 10);
        content["contract"] = json!(contract);
        let mut operation = self.raw.operation(number, &project, &content);
        let bytes = self.file(number);
        let file = EvidenceRef {
            sha256: sha256_hex(&bytes),
            size: bytes.len() as u64,
            media_type: MediaType::Jpeg,
            document_type: "illustration".into(),
            title: None,
            reduced_from: None,
        };
        operation.evidence = vec![file.sha256.clone()];
        operation.body["evidence"] = json!([file]);
        self.operations.push(operation.clone());
        self.kept.insert(operation.op_id, None);
        operation
    }

    /// Hands one in, as the client does: the text, then the file. Nothing if the endpoint said «later», or is gone.
    async fn hand_in(&mut self, operation: &Operation) -> Option<()> {
        let json = [("content-type", "application/json")];
        let batch = self.raw.batch(vec![operation.clone()]).to_string().into_bytes();
        let said = self.ask(reqwest::Method::POST, "sync/push", &json, batch).await?;
        let answer = said.body["results"][0].clone();
        self.keep(operation, answer);
        let bytes = self.file(operation.client_seq);
        let sha256 = &operation.evidence[0];
        let offer = json!({"sha256": sha256, "size": bytes.len(), "mediaType": "image/jpeg"});
        let said = self.ask(reqwest::Method::POST, "evidence", &json, offer.to_string().into_bytes()).await?;
        match serde_json::from_value(said.body).unwrap() {
            EvidenceAnswer::Have => {}
            EvidenceAnswer::Upload { upload_id, there, .. } => {
                if there.is_empty() {
                    let digest = [("x-chunk-sha256", sha256.as_str())];
                    let path = format!("evidence/{upload_id}/0");
                    self.ask(reqwest::Method::PUT, &path, &digest, bytes).await?;
                }
                let path = format!("evidence/{upload_id}/complete");
                self.ask(reqwest::Method::POST, &path, &json, Vec::new()).await?;
            }
        }
        Some(())
    }

    /// Asks. What is not done is only ever «later»: never that it is wrong, never that it is unknown.
    async fn ask(
        &self,
        method: reqwest::Method,
        route: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Option<Said> {
        let said = self.raw.attempt(method, route, headers, body).await?;
        if said.status.is_success() {
            return Some(said);
        }
        let code = said.body["code"].as_str().unwrap_or_default();
        assert!(matches!(code, "unavailable" | "fault"), "{route}: {said:?}");
        None
    }

    /// Writes an acknowledgement down. The second of the same operation is the first, byte for byte.
    fn keep(&mut self, operation: &Operation, answer: Value) {
        assert_eq!(answer["outcome"], "recorded", "{answer}");
        assert_eq!(answer["receipt"]["verdict"], "received", "{answer}");
        let kept = self.kept.get_mut(&operation.op_id).unwrap();
        assert_eq!(*kept.get_or_insert_with(|| answer.clone()), answer);
    }

    /// The endpoint's database, to read. Nobody keeps it open: after a cut it is found as it was left.
    fn database(&self) -> Connection {
        Connection::open_with_flags(&self.database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
    }

    /// What the endpoint says of one. Where it was cut just now there may be no answer.
    fn state(&self, operation: &Operation) -> Option<String> {
        let sql = "SELECT state FROM follow_up WHERE op_id = ?1";
        self.database().query_row(sql, [operation.op_id.to_string()], |row| row.get(0)).ok()
    }

    /// Waits a little for one to be published, and longer on a slow machine: until the fault had its turn.
    async fn published(
        &self,
        operation: &Operation,
        patience: Duration,
        had_its_turn: impl Fn() -> bool,
    ) -> bool {
        let since = Instant::now();
        while since.elapsed() < patience || (since.elapsed() < patience * 10 && !had_its_turn()) {
            if self.state(operation).as_deref() == Some("published") {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// At the end, on a disk that is well: every follow-up is there once, with the acknowledgement that was given, its
    /// file, and published; nothing else is.
    async fn settle(&mut self, central: &mut Central) {
        central.kill();
        central.environment.clear();
        central.start();
        for some in self.operations.clone().chunks(100) {
            let said = self.raw.push(some.to_vec()).await;
            for (n, operation) in some.iter().enumerate() {
                self.keep(operation, said.body["results"][n].clone());
            }
        }
        let total = self.operations.len();
        // What failed several times behind is tried again after minutes.
        wait_until("everything is published", LIMIT * 3, || {
            let status = status(central);
            status["followUps"] == json!({"published": total}) && status["queued"] == 0
        });
        let sql = "SELECT count(*), count(DISTINCT op_id) FROM operation";
        let database = self.database();
        let counts: (i64, i64) = database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(counts, (total as i64, total as i64));
        for operation in &self.operations {
            let sql = "SELECT body_hash FROM operation WHERE op_id = ?1 AND client_seq = ?2";
            let key = rusqlite::params![operation.op_id.to_string(), operation.client_seq as i64];
            let hash: String = database.query_row(sql, key, |row| row.get(0)).unwrap();
            let answer = self.kept[&operation.op_id].as_ref().unwrap();
            assert_eq!(answer["receipt"]["bodyHash"], json!(hash));
            let sha256 = &operation.evidence[0];
            let path = central.data.join("evidence").join(&sha256[..2]).join(sha256);
            assert_eq!(sha256_hex(&std::fs::read(path).unwrap()), *sha256);
        }
        assert!(central.ok(&["verify"]).ends_with("0 breaks"));
        own_check(&central.packages());
        let log = std::fs::read_to_string(central.data.with_extension("log")).unwrap();
        // The library of workbooks panics where its scratch files fail; who calls it makes an error of that, and the
        // files are made again.
        let ours = |line: &str| line.contains("panicked") && !line.contains("rust_xlsxwriter");
        assert!(!log.lines().any(ours), "{log}");
    }
}

/// An endpoint that serves on a disk that can fail, what is handed in to it, and the calls that one follow-up takes from
/// its arrival to its publication, the most of several.
async fn serving(folder: &Path, projects: u64, changes: bool) -> (Central, FailingDisk, Load, Vec<u8>) {
    let mut central = central(folder, usize::try_from(projects).unwrap());
    let disk = FailingDisk::new(&folder.join("control"), &central.data);
    central.environment = disk.environment();
    central.start();
    let mut load = Load::new(folder, &central).await;
    let mut trace = Vec::new();
    for _ in 0..4 {
        disk.count_anew(changes);
        let operation = load.capture(projects);
        assert_eq!(load.hand_in(&operation).await, Some(()));
        assert!(load.published(&operation, LIMIT, || true).await);
        let calls = disk.trace();
        if calls.len() > trace.len() {
            trace = calls;
        }
    }
    (central, disk, load, trace)
}

/// Projects of the endpoints under load: enough that none has a long history.
const PROJECTS: u64 = 8;

#[tokio::test]
async fn an_endpoint_goes_on_after_a_call_that_fails() {
    let folder = folder();
    let (mut central, disk, mut load, trace) = serving(folder.path(), PROJECTS, false).await;
    let mut fired = 0;
    for n in 1..=trace.len() as u64 {
        let at = At(Place { n, how: How::Once });
        let operation = load.capture(PROJECTS);
        disk.arm(at.0, false);
        // The same process goes on: once more is enough, whatever failed. What works behind may meet the fault instead.
        let mut tries = 0;
        while load.hand_in(&operation).await.is_none() {
            assert!(central.ended().is_none(), "it does not end");
            tries += 1;
            assert!(tries < 3, "it does not go on");
        }
        load.published(&operation, PATIENCE, || disk.fired()).await;
        disk.calm();
        fired += u64::from(disk.fired());
        central.packages();
        drop(at);
    }
    println!("serve, a call that fails once: {} calls, {fired} faults happened", trace.len());
    assert!(fired * 10 >= trace.len() as u64 * 9, "{fired}");
    load.settle(&mut central).await;
}

#[tokio::test]
async fn an_endpoint_goes_on_after_a_disk_that_was_full_or_cut() {
    let folder = folder();
    let (mut central, disk, mut load, trace) = serving(folder.path(), PROJECTS, true).await;
    let mut fired: BTreeMap<How, u64> = BTreeMap::new();
    let all: Vec<Place> = places(&trace).into_iter().filter(|place| place.how != How::Once).collect();
    for place in &all {
        let at = At(*place);
        let operation = load.capture(PROJECTS);
        disk.arm(*place, true);
        if load.hand_in(&operation).await.is_some() {
            load.published(&operation, PATIENCE, || disk.fired()).await;
        }
        disk.calm();
        *fired.entry(place.how).or_default() += u64::from(disk.fired());
        if place.how == How::Cut && disk.fired() {
            wait_until("it is gone", LIMIT, || central.ended().is_some());
        }
        // Whoever reads the public files meanwhile finds each that is named, whole.
        central.packages();
        if let Some(code) = central.ended() {
            assert!(place.how == How::Cut && code.is_none(), "{code:?}");
            central.kill();
            central.start();
        }
        assert_eq!(load.hand_in(&operation).await, Some(()), "with room again it takes what is offered");
        load.published(&operation, PATIENCE, || disk.fired()).await;
        drop(at);
    }
    println!(
        "serve, full or cut: {} calls that change something, {} planned, {fired:?} happened",
        trace.len(),
        all.len()
    );
    assert!(fired.values().sum::<u64>() * 10 >= all.len() as u64 * 8, "{fired:?}");
    load.settle(&mut central).await;
}
