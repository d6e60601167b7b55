//! Snapshots of long streams: what is in them, who is given one, how long one lasts.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use central::auth::Actor;
use central::config::{Config, Options};
use central::endpoint::Endpoint;
use central::problem::Failure;
use central::store::{Device, Entry, Person, StoredOperation};
use central::sync::pull::{Understands, pull};
use central::sync::snapshot::{FLOOR, LONG, TAIL, piece};
use domain::clock::SystemClock;
use domain::history::{Change, ChangeKind, Head};
use domain::person::{PersonCard, Role};
use domain::problem::Code;
use domain::receipt::sha256_hex;
use domain::wire::{PullAnswer, SNAPSHOT_PIECE, Snapshot, area_stream};
use serde_json::{Value, json};
use uuid::Uuid;

const SNAPSHOTS: Understands = Understands { snapshots: true, forms: false, opinions: false };

fn endpoint(folder: &Path) -> Endpoint {
    let options = Options {
        data: Some(folder.join("central")),
        municipality: Some("Municipio".into()),
        ..Options::default()
    };
    Endpoint::open(Config::load(&options).unwrap(), Arc::new(SystemClock)).unwrap()
}

fn actor(area: &str, role: Role) -> Actor {
    let card = PersonCard {
        id: area.into(),
        name: "Persona de muestra".into(),
        role,
        area: area.into(),
        trained: true,
    };
    Actor { device_id: Uuid::now_v7(), person: Person { card, area_id: area.into() } }
}

/// Appends `count` changes to the stream of an área, turn by turn about `records` records.
fn grow(endpoint: &Endpoint, area: &str, records: u64, count: u64) {
    let tx = endpoint.store.begin().unwrap();
    let before = tx.head(&area_stream(area)).unwrap().seq;
    let entry = |n: u64| Entry {
        stream: area_stream(area),
        kind: ChangeKind::Project,
        record_id: format!("p{}", n % records),
        state: json!({"folio": format!("p{}", n % records), "n": n}),
    };
    tx.append((before..before + count).map(entry).collect(), endpoint.now()).unwrap();
    tx.commit().unwrap();
}

fn take_away(endpoint: &Endpoint, area: &str, record: &str) {
    let tx = endpoint.store.begin().unwrap();
    tx.append(vec![central::accept::tombstone(&area_stream(area), record)], endpoint.now()).unwrap();
    tx.commit().unwrap();
}

/// The bytes of a snapshot, as a device fetches them.
fn fetch(endpoint: &Endpoint, actor: &Actor, snapshot: &Snapshot) -> Vec<u8> {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < snapshot.bytes {
        bytes
            .extend(piece(endpoint, actor, &snapshot.sha256, (bytes.len() / SNAPSHOT_PIECE) as u64).unwrap());
    }
    assert_eq!(sha256_hex(&bytes), snapshot.sha256);
    let end = bytes.len().div_ceil(SNAPSHOT_PIECE) as u64;
    assert_eq!(code(piece(endpoint, actor, &snapshot.sha256, end)), Code::NotFound);
    bytes
}

fn code<T: std::fmt::Debug>(answer: Result<T, Failure>) -> Code {
    answer.unwrap_err().0.code
}

/// Its lines.
fn records(snapshot: &Snapshot, bytes: &[u8]) -> Vec<Change> {
    let raw = zstd::decode_all(bytes).unwrap();
    assert_eq!(raw.len() as u64, snapshot.raw_bytes);
    let lines: Vec<Change> = raw
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len() as u64, snapshot.records);
    assert!(lines.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    lines
}

/// Every page after a cursor: what came, and the last cursor.
fn rest(endpoint: &Endpoint, actor: &Actor, mut cursor: String, snapshots: bool) -> (Vec<Change>, String) {
    let mut changes = Vec::new();
    loop {
        let page =
            pull(endpoint, actor, &cursor, Understands { snapshots, ..Understands::default() }).unwrap();
        assert_eq!(page.snapshot, None);
        changes.extend(page.changes);
        cursor = page.cursor;
        if !page.has_more {
            return (changes, cursor);
        }
    }
}

fn first(endpoint: &Endpoint, actor: &Actor) -> (PullAnswer, Snapshot) {
    let page = pull(endpoint, actor, "", SNAPSHOTS).unwrap();
    let snapshot = page.snapshot.clone().unwrap_or_else(|| panic!("a snapshot: {page:?}"));
    (page, snapshot)
}

/// What is known after changes: the state of each record.
fn fold(changes: &[Change]) -> BTreeMap<String, Value> {
    let mut known = BTreeMap::new();
    for change in changes {
        match change.kind {
            ChangeKind::Tombstone => known.remove(&change.record_id),
            _ => known.insert(change.record_id.clone(), change.state.clone()),
        };
    }
    known
}

#[test]
fn a_long_stream_is_told_by_its_present_state_and_its_tail() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = endpoint(folder.path());
    let reader = actor("obras", Role::Enlace);
    grow(&endpoint, "obras", 300, LONG);
    // Two pages tell it as well.
    assert_eq!(pull(&endpoint, &reader, "", SNAPSHOTS).unwrap().snapshot, None);
    take_away(&endpoint, "obras", "p7");
    take_away(&endpoint, "obras", "p8");
    grow(&endpoint, "obras", 300, 9);

    let (page, snapshot) = first(&endpoint, &reader);
    assert!(page.changes.is_empty() && page.has_more);
    assert_eq!(page.heads[&snapshot.stream], snapshot.head);
    let lines = records(&snapshot, &fetch(&endpoint, &reader, &snapshot));
    let (all, whole) = rest(&endpoint, &reader, String::new(), false);
    let of_area: Vec<Change> =
        all.iter().filter(|change| change.stream == snapshot.stream).cloned().collect();
    assert_eq!(
        of_area.len() as u64,
        LONG + 11,
        "a device that does not speak of snapshots is given every change"
    );
    assert_eq!(fold(&lines), fold(&of_area));
    assert!(!fold(&lines).contains_key("p7"));
    // Each is one of the changes, unaltered, and none that a later one took the place of.
    assert!(lines.iter().all(|line| of_area.contains(line)));
    assert!(lines.len() < 300 + 1 && (lines.len() as u64) < LONG);

    // The tail goes on from its head: the chain is the stream's own.
    grow(&endpoint, "obras", 300, 20);
    let (tail, after) = rest(&endpoint, &reader, page.cursor, true);
    let mut head = snapshot.head.clone();
    let tail: Vec<&Change> = tail.iter().filter(|change| change.stream == snapshot.stream).collect();
    for change in &tail {
        head.take(change).unwrap();
    }
    assert_eq!(tail.len(), 20);
    assert_eq!(head, endpoint.store.read().unwrap().head(&snapshot.stream).unwrap());
    // Both ways end at the same place: neither is given anything again.
    let (more, _) = rest(&endpoint, &reader, whole, true);
    assert_eq!(more.len(), 20);
    assert!(rest(&endpoint, &reader, after, true).0.is_empty());
}

#[test]
fn a_snapshot_is_made_once_and_again_when_its_tail_is_long() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = endpoint(folder.path());
    let path =
        |snapshot: &Snapshot| endpoint.config.data.join("snapshots").join(format!("{}.zst", snapshot.sha256));
    let readers = [actor("obras", Role::Enlace), actor("obras", Role::Campo)];
    grow(&endpoint, "obras", 50, LONG + 1);
    let (_, one) = first(&endpoint, &readers[0]);
    let written = std::fs::metadata(path(&one)).unwrap().modified().unwrap();
    grow(&endpoint, "obras", 50, TAIL);
    let (page, same) = first(&endpoint, &readers[1]);
    assert_eq!(same, one);
    assert_eq!(std::fs::metadata(path(&one)).unwrap().modified().unwrap(), written);
    assert_eq!(
        rest(&endpoint, &readers[1], page.cursor, true).0.len() as u64,
        TAIL + 1,
        "and the municipality"
    );

    grow(&endpoint, "obras", 50, 1);
    let (_, two) = first(&endpoint, &readers[0]);
    assert_eq!(two.head.seq, LONG + TAIL + 2);
    // Whoever was fetching the one before may go on.
    fetch(&endpoint, &readers[1], &one);
    fetch(&endpoint, &readers[1], &two);
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60 * 60 * 24);
    std::fs::File::options().append(true).open(path(&one)).unwrap().set_modified(long_ago).unwrap();
    grow(&endpoint, "obras", 50, TAIL + 1);
    let (_, three) = first(&endpoint, &readers[0]);
    assert_eq!(code(piece(&endpoint, &readers[0], &one.sha256, 0)), Code::NotFound);
    assert!(!path(&one).exists() && path(&two).exists() && path(&three).exists());

    // One whose file was lost (a restored backup does not have it) is made again.
    std::fs::remove_file(path(&three)).unwrap();
    assert_eq!(code(piece(&endpoint, &readers[0], &three.sha256, 0)), Code::NotFound);
    let (_, again) = first(&endpoint, &readers[0]);
    assert_eq!(fold(&records(&again, &fetch(&endpoint, &readers[0], &again))).len(), 50);
}

#[test]
fn only_who_reads_the_stream_learns_that_there_is_a_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = endpoint(folder.path());
    grow(&endpoint, "obras", 50, LONG + 1);
    grow(&endpoint, "parques", 50, LONG + 1);
    let (_, snapshot) = first(&endpoint, &actor("obras", Role::Enlace));
    let other = actor("parques", Role::Enlace);
    let (_, theirs) = first(&endpoint, &other);
    assert_ne!(theirs.stream, snapshot.stream);
    let unknown = sha256_hex(b"no such snapshot");
    let hidden = piece(&endpoint, &other, &snapshot.sha256, 0).unwrap_err().0;
    assert_eq!(hidden, piece(&endpoint, &other, &unknown, 0).unwrap_err().0);
    assert_eq!(hidden.code, Code::NotFound);
    for name in ["", "..", "../central.db", &snapshot.sha256[1..]] {
        assert_eq!(code(piece(&endpoint, &other, name, 0)), Code::NotFound, "{name}");
    }
    assert_eq!(code(piece(&endpoint, &other, &theirs.sha256, u64::MAX)), Code::NotFound);
    // Who reads every área is given one after the other.
    let all = actor("coordinacion", Role::Coordinacion);
    let (page, one) = first(&endpoint, &all);
    let page = pull(&endpoint, &all, &page.cursor, SNAPSHOTS).unwrap();
    let two = page.snapshot.clone().unwrap();
    assert_eq!((one, two), (snapshot, theirs));
    assert_eq!(rest(&endpoint, &all, page.cursor, true).0.len(), 1, "the municipality");
}

#[test]
fn names_go_beside_a_snapshot_to_who_may_see_them() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = endpoint(folder.path());
    let (op_id, device_id) = (Uuid::now_v7(), Uuid::now_v7());
    let tx = endpoint.store.begin().unwrap();
    let made = central::auth::add_person(
        &*tx,
        "Quien capturó",
        Role::Enlace,
        "Obras",
        true,
        endpoint.now(),
        chrono::Duration::hours(1),
    );
    let person_id = made.unwrap().0.card.id;
    let device =
        Device { id: device_id, person_id, public_key: String::new(), last_seq: 1, revoked_at: None };
    tx.add_device(&device, "Equipo", "0", endpoint.now()).unwrap();
    let operation = StoredOperation {
        op_id,
        device_id,
        client_seq: 1,
        kind: "follow_up".into(),
        body_hash: String::new(),
        answer: String::new(),
    };
    tx.add_operation(&operation, endpoint.now()).unwrap();
    let author = json!({"opId": op_id, "folio": "S-1", "role": "enlace", "area": "Obras",
        "capturedAt": "2026-03-12T18:00:00Z"});
    let conflict = json!({"version": 1, "since": "2026-03-12T18:00:00Z", "held": author, "standing": [],
        "overlaps": []});
    let entry = Entry {
        stream: area_stream("obras"),
        kind: ChangeKind::FollowUp,
        record_id: "f1".into(),
        state: json!({"conflict": conflict}),
    };
    tx.append(vec![entry], endpoint.now()).unwrap();
    tx.commit().unwrap();
    grow(&endpoint, "obras", 20, LONG);
    let (page, snapshot) = first(&endpoint, &actor("coordinacion", Role::Coordinacion));
    assert_eq!(page.names, BTreeMap::from([(op_id, "Quien capturó".to_owned())]));
    let (page, same) = first(&endpoint, &actor("obras", Role::Enlace));
    assert!(page.names.is_empty());
    assert_eq!(same, snapshot);
    let packed = fetch(&endpoint, &actor("obras", Role::Enlace), &snapshot);
    let raw = String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
    assert!(raw.contains(&op_id.to_string()) && !raw.contains("Quien capturó"));
}

#[test]
fn who_is_far_behind_begins_with_a_snapshot_too() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = endpoint(folder.path());
    let reader = actor("obras", Role::Enlace);
    grow(&endpoint, "obras", 20, 3);
    let (known, cursor) = rest(&endpoint, &reader, String::new(), true);
    assert_eq!(known.len(), 4);
    grow(&endpoint, "obras", 20, FLOOR);
    assert_eq!(pull(&endpoint, &reader, &cursor, SNAPSHOTS).unwrap().snapshot, None);
    grow(&endpoint, "obras", 20, 1);
    let page = pull(&endpoint, &reader, &cursor, SNAPSHOTS).unwrap();
    assert_eq!(page.snapshot.unwrap().records, 20);
    assert_eq!(rest(&endpoint, &reader, page.cursor, true).0.len(), 0);
}

#[test]
fn a_folder_that_cannot_be_written_costs_the_snapshot_and_not_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = endpoint(folder.path());
    let reader = actor("obras", Role::Enlace);
    grow(&endpoint, "obras", 20, LONG + 1);
    std::fs::write(endpoint.config.data.join("snapshots"), "a file where the folder should be").unwrap();
    let (changes, _) = rest(&endpoint, &reader, String::new(), true);
    assert_eq!(changes.len() as u64, LONG + 2);
    let mut head = Head::default();
    changes.iter().filter(|c| c.stream == area_stream("obras")).for_each(|c| head.take(c).unwrap());
    assert_eq!(head.seq, LONG + 1);
}
