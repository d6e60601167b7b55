//! What the endpoint makes of what it receives, one round of its background at a time, under a clock that the test
//! moves: what waits, what stands, and what readers of the public files see meanwhile.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use central::auth::{self, Actor};
use central::base::Loader;
use central::config::{Config, Options};
use central::endpoint::Endpoint;
use central::load::BaseRow;
use central::sync::evidence;
use central::sync::pull::{Understands, pull};
use central::sync::push::push;
use central::worker;
use chrono::{DateTime, Duration, Utc};
use domain::clock::Clock;
use domain::evidence::EvidenceRef;
use domain::follow_up::{FollowUp, Held, State};
use domain::history::Head;
use domain::person::Role;
use domain::receipt::sha256_hex;
use domain::wire::{
    Base, DeviceReport, EnrolRequest, EvidenceOffer, Operation, OperationKind, PROTOCOL, PushRequest,
    PushResult, SCHEMA,
};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use uuid::Uuid;

/// A word planted in everything internal.
const CANARY: &str = "canario-interno-7391";

static START: LazyLock<DateTime<Utc>> = LazyLock::new(|| "2026-11-22T18:00:00Z".parse().unwrap());

/// Seconds after the start.
#[derive(Default)]
struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> DateTime<Utc> {
        *START + Duration::seconds(self.0.load(Ordering::SeqCst))
    }
}

/// An endpoint in this process, with somebody who sends.
struct Room {
    endpoint: Endpoint,
    clock: Arc<Moved>,
    actor: Actor,
    sent: u64,
    /// Gone with the room.
    _folder: tempfile::TempDir,
}

impl Room {
    fn new() -> Room {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Moved::default());
        let options = Options { data: Some(folder.path().join("central")), ..Options::default() };
        let endpoint = Endpoint::open(Config::load(&options).unwrap(), clock.clone()).unwrap();
        let tx = endpoint.store.begin().unwrap();
        let (name, role) = ("Persona de muestra", Role::Enlace);
        let made = auth::add_person(&*tx, name, role, "Obras", true, endpoint.now(), Duration::hours(24));
        tx.commit().unwrap();
        let (person, code) = made.unwrap();
        let key = SigningKey::from_bytes(&[3; 32]);
        let request = EnrolRequest {
            code,
            public_key: hex::encode(key.verifying_key().as_bytes()),
            device_name: String::new(),
            app_version: String::new(),
            protocol: PROTOCOL,
        };
        let device_id = auth::enrol(&endpoint, &request).unwrap().device_id;
        let room = Room { endpoint, clock, actor: Actor { device_id, person }, sent: 0, _folder: folder };
        room.load("p1", None);
        room
    }

    fn load(&self, folio: &str, area: Option<&str>) {
        let row = BaseRow {
            row: 2,
            folio: folio.into(),
            title: format!("Proyecto {folio}"),
            description: None,
            place: None,
            area: area.map(str::to_owned),
            amount: Some("1000".parse().unwrap()),
            currency: Some("MXN".into()),
            url: None,
            date: None,
        };
        let tx = self.endpoint.store.begin().unwrap();
        let mut loader = Loader::new(&self.endpoint, &*tx);
        loader.put(&row).unwrap();
        loader.finish().unwrap();
        tx.commit().unwrap();
    }

    /// Sends a follow-up with its files named; gives its id.
    fn send(&mut self, content: Value, files: &[&[u8]]) -> Uuid {
        let named = files.iter().map(|bytes| EvidenceRef {
            sha256: sha256_hex(bytes),
            size: bytes.len() as u64,
            media_type: domain::evidence::MediaType::Jpeg,
            document_type: "illustration".into(),
            title: None,
            reduced_from: None,
        });
        let follow_up = FollowUp {
            id: Uuid::now_v7(),
            project: "p1".into(),
            ocid: "ocds-000000-p1".into(),
            form: None,
            content: serde_json::from_value(content).unwrap(),
            evidence: named.collect(),
        };
        self.sent += 1;
        let operation = Operation {
            op_id: Uuid::now_v7(),
            client_seq: self.sent,
            kind: OperationKind::FollowUp,
            record_id: follow_up.id,
            base: Base { server_version: 1, after: Vec::new(), epoch: Some(self.endpoint.epoch) },
            salt: domain::receipt::new_salt(),
            body: serde_json::to_value(&follow_up).unwrap(),
            captured_at: self.endpoint.now(),
            tz_offset_minutes: -360,
            clock_offset_ms: 0,
            schema: SCHEMA,
            evidence: follow_up.evidence.iter().map(|file| file.sha256.clone()).collect(),
        };
        let request = PushRequest {
            protocol: PROTOCOL,
            server_epoch: self.endpoint.epoch,
            report: DeviceReport::default(),
            operations: vec![operation],
        };
        let answer = push(&self.endpoint, &self.actor, request).unwrap();
        assert!(matches!(answer.results[0], PushResult::Recorded { .. }), "{answer:?}");
        follow_up.id
    }

    /// Sends the bytes of a file, or others in their place.
    fn upload(&self, file: &[u8], bytes: &[u8]) -> Result<(), Value> {
        let told = |failure: central::problem::Failure| json!(failure.0.code);
        let sha256 = sha256_hex(file);
        let offer = EvidenceOffer {
            sha256: sha256.clone(),
            size: file.len() as u64,
            media_type: "image/jpeg".into(),
        };
        evidence::offer(&self.endpoint, &self.actor, &offer).map_err(told)?;
        evidence::chunk(&self.endpoint, &self.actor, &sha256, 0, &sha256_hex(bytes), bytes).map_err(told)?;
        evidence::complete(&self.endpoint, &self.actor, &sha256).map_err(told)
    }

    /// Works until there is nothing to do.
    fn work(&self) {
        while worker::once(&self.endpoint).unwrap() {}
    }

    fn state(&self, id: Uuid) -> (State, Option<Held>) {
        let stored = self.endpoint.store.read().unwrap().follow_up(id).unwrap().unwrap();
        (stored.state, stored.held)
    }

    fn public(&self, path: &str) -> PathBuf {
        self.endpoint.config.public().join(path)
    }

    /// The files that a catalogue names, each there and with the hash it says.
    fn named(&self, catalogue: &Path) -> Vec<(String, PathBuf)> {
        let catalogue: Value = serde_json::from_slice(&fs::read(catalogue).unwrap()).unwrap();
        let file = |file: &Value| {
            let path = file["path"].as_str().unwrap();
            let there = self.public(&path[1..]);
            let bytes = fs::read(&there).unwrap_or_else(|error| panic!("{path} is named: {error}"));
            assert_eq!(sha256_hex(&bytes), file["sha256"], "{path}");
            (file["kind"].as_str().unwrap().to_owned(), there)
        };
        catalogue["files"].as_array().unwrap().iter().map(file).collect()
    }

    /// The releases and records that the catalogue names, by its parts.
    fn catalogue(&self) -> Vec<String> {
        let parts = self.named(&self.public("ocds/catalog.json"));
        let parts = parts.into_iter().filter(|(kind, _)| kind == "catalog");
        let files = parts.flat_map(|(_, part)| self.named(&part));
        files.map(|(_, path)| path.to_str().unwrap().to_owned()).collect()
    }
}

fn progress(visited_on: &str, actual: u8) -> Value {
    json!({
        "stage": "implementation", "visitedOn": visited_on,
        "progress": {"physical": {"planned": 50, "actual": actual}},
        "internal": {"notes": format!("Nota interna {CANARY}")},
    })
}

fn with_contract(visited_on: &str, actual: u8) -> Value {
    let mut follow_up = progress(visited_on, actual);
    follow_up["release"] = json!({
        "awards": [{"id": "A-1", "status": "active", "title": "Obra de muestra"}],
        "contracts": [{"id": "C-1", "awardID": "A-1", "status": "active", "title": "Obra de muestra",
            "value": {"amount": 1000, "currency": "MXN"}}],
    });
    follow_up
}

/// A photograph with a word in its metadata.
fn photograph() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([9, (x / 2) as u8, y as u8]));
    let mut jpeg = Vec::new();
    picture.write_to(&mut std::io::Cursor::new(&mut jpeg), image::ImageFormat::Jpeg).unwrap();
    let secret = format!("Exif\0\0{CANARY}");
    let mut tagged = jpeg[..2].to_vec();
    tagged.extend([0xFF, 0xE1]);
    tagged.extend(u16::try_from(secret.len() + 2).unwrap().to_be_bytes());
    tagged.extend(secret.as_bytes());
    tagged.extend(&jpeg[2..]);
    tagged
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_under(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_follow_up_waits_for_its_file_and_only_for_the_right_one() {
    let mut room = Room::new();
    let photo = photograph();
    let id = room.send(with_contract("2026-03-12", 10), &[&photo]);
    room.work();
    let waits = (State::Received, Some(Held::MissingFiles { count: 1, bytes: photo.len() as u64 }));
    assert_eq!(room.state(id), waits);
    // A piece that arrived as it was sent, and is not of this file.
    let mut other = photo.clone();
    other[300] ^= 1;
    assert_eq!(room.upload(&photo, &other).unwrap_err(), "evidence_hash_mismatch");
    room.work();
    assert_eq!(room.state(id), waits);
    room.upload(&photo, &photo).unwrap();
    room.work();
    assert_eq!(room.state(id), (State::Published, None));
    assert_eq!(fs::read(room.endpoint.evidence_path(&sha256_hex(&photo))).unwrap(), photo);
}

#[test]
fn nothing_internal_is_in_any_public_file() {
    let mut room = Room::new();
    let photo = photograph();
    let id = room.send(with_contract("2026-03-12", 10), &[&photo]);
    room.upload(&photo, &photo).unwrap();
    room.work();
    assert_eq!(room.state(id), (State::Published, None));
    let files = files_under(&room.public(""));
    let evidence = format!("evidencia/{}.jpg", sha256_hex(&photo));
    assert!(files.iter().any(|path| path.ends_with(&evidence)), "{files:?}");
    let releases = files.iter().filter(|path| path.starts_with(room.public("ocds/releases"))).count();
    assert_eq!(releases, 2, "the list's and the follow-up's: {files:?}");
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} has an internal word", path.display());
    }
}

#[test]
fn the_current_progress_is_that_of_the_latest_visit() {
    let mut room = Room::new();
    let current = |room: &Room| {
        let project = room.endpoint.store.read().unwrap().project("p1").unwrap().unwrap();
        let latest = project.progress.unwrap();
        (
            latest.visited_on.unwrap().to_string(),
            latest.progress.physical.unwrap().actual.unwrap().to_string(),
        )
    };
    room.send(progress("2026-03-12", 40), &[]);
    room.work();
    // It was captured without a network before the other, and arrives after it.
    room.clock.0.fetch_add(60, Ordering::SeqCst);
    let late = room.send(progress("2026-03-01", 10), &[]);
    room.work();
    assert_eq!(room.state(late), (State::Published, None), "it is kept and shown as what it is");
    assert_eq!(current(&room), ("2026-03-12".into(), "40".into()));
    room.send(progress("2026-03-20", 45), &[]);
    room.work();
    assert_eq!(current(&room), ("2026-03-20".into(), "45".into()));
}

#[test]
fn everybody_reads_their_streams_to_the_end_and_no_others() {
    let room = Room::new();
    let mut cursor = String::new();
    let mut heads: BTreeMap<String, Head> =
        ["area:obras", "common"].map(|stream| (stream.to_owned(), Head::default())).into();
    let mut read = || {
        loop {
            let page = pull(&room.endpoint, &room.actor, &cursor, Understands::default()).unwrap();
            assert_eq!(page.scope, ["area:obras", "common"]);
            for change in &page.changes {
                heads.get_mut(&change.stream).unwrap().take(change).unwrap();
            }
            cursor = page.cursor;
            if !page.has_more {
                assert_eq!(heads, page.heads);
                break page.changes.len();
            }
        }
    };
    // Its own stream is the shorter one, and grows later.
    assert_eq!(read(), 2, "the municipality and its project");
    room.load("p2", Some("Parques"));
    assert_eq!(read(), 0, "somebody else's");
    room.load("p3", Some("Obras"));
    assert_eq!(read(), 1);
    room.load("p4", None);
    room.load("p5", Some("Obras"));
    assert_eq!(read(), 2);
}

#[test]
fn the_catalogue_names_only_what_is_there() {
    let room = Room::new();
    room.load("p2", None);
    // The folder of one process cannot be made: something else has its name.
    let blocked = room.public("ocds/releases/ocds-000000-p1");
    fs::create_dir_all(blocked.parent().unwrap()).unwrap();
    fs::write(&blocked, "otra cosa").unwrap();
    room.work();
    let named = room.catalogue();
    assert_eq!(named.len(), 2, "release and record of the other: {named:?}");
    assert!(named.iter().all(|path| path.contains("ocds-000000-p2")), "{named:?}");
    // Its time comes again, and the reason is gone.
    fs::remove_file(&blocked).unwrap();
    room.clock.0.fetch_add(3_600, Ordering::SeqCst);
    room.work();
    assert_eq!(room.catalogue().len(), 4);
}

#[test]
fn who_reads_a_public_file_reads_one_version_of_it() {
    let room = Room::new();
    room.work();
    for path in ["ocds/catalog.json", "index.html"] {
        let whole = fs::read(room.public(path)).unwrap();
        // Slow: a part of it before the next run, the rest after it.
        let mut reader = fs::File::open(room.public(path)).unwrap();
        let mut read = vec![0; 40];
        reader.read_exact(&mut read).unwrap();
        room.load(&format!("p{}", whole.len()), None);
        room.work();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == whole, "{path} changed under its reader");
        assert_ne!(fs::read(room.public(path)).unwrap(), whole, "{path} is new for the next reader");
    }
}
