//! Conflicts and choices, rule by rule, on the endpoint itself under a clock that a test moves.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use central::auth::{self, Actor};
use central::base::Loader;
use central::config::{Config, Options};
use central::endpoint::Endpoint;
use central::load::BaseRow;
use central::store::{Device, JobKind, StoredFollowUp};
use central::sync::pull::{Understands, pull};
use central::sync::push::push;
use central::{accept, roots, verify, worker};
use chrono::{DateTime, Duration, Utc};
use domain::clock::Clock;
use domain::conflict::{Conflict, ConflictChoice, Resolution};
use domain::follow_up::{FollowUp, FollowUpFile, FollowUpState, Held, State};
use domain::person::Role;
use domain::problem::Code;
use domain::receipt::Verdict;
use domain::wire::{
    Base, COMMON, DeviceReport, Operation, OperationKind, PROTOCOL, PushRequest, PushResult, SCHEMA,
};
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Default)]
struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> DateTime<Utc> {
        // Every look a second later: nothing may depend on two looks being the same.
        let seconds = self.0.fetch_add(1, Ordering::SeqCst);
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }
}

struct Town {
    endpoint: Endpoint,
    folder: tempfile::TempDir,
}

/// A device and the number of its last operation.
struct Desk {
    actor: Actor,
    last: u64,
}

const OCID: &str = "ocds-000000-p1";

fn row(folio: &str, title: &str) -> BaseRow {
    BaseRow {
        row: 2,
        folio: folio.into(),
        title: title.into(),
        description: None,
        place: None,
        area: None,
        amount: None,
        currency: None,
        url: None,
        date: None,
    }
}

impl Town {
    fn new() -> Town {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { data: Some(folder.path().to_owned()), ..Options::default() };
        let endpoint = Endpoint::open(Config::load(&options).unwrap(), Arc::new(Moved::default())).unwrap();
        let town = Town { endpoint, folder };
        town.load("Obra de muestra");
        town
    }

    fn load(&self, title: &str) {
        let tx = self.endpoint.store.begin().unwrap();
        let mut loader = Loader::new(&self.endpoint, &*tx);
        loader.put(&row("p1", title)).unwrap();
        loader.finish().unwrap();
        tx.commit().unwrap();
    }

    fn desk(&self, name: &str, role: Role, area: &str) -> Desk {
        let tx = self.endpoint.store.begin().unwrap();
        let now = self.endpoint.now();
        let (person, _) = auth::add_person(&*tx, name, role, area, true, now, Duration::hours(1)).unwrap();
        let device = Device {
            id: Uuid::now_v7(),
            person_id: person.card.id.clone(),
            public_key: "00".repeat(32),
            last_seq: 0,
            revoked_at: None,
        };
        tx.add_device(&device, name, "0", now).unwrap();
        tx.commit().unwrap();
        Desk { actor: Actor { device_id: device.id, person }, last: 0 }
    }

    fn offer(&self, desk: &mut Desk, mut operation: Operation) -> PushResult {
        desk.last += 1;
        operation.client_seq = desk.last;
        self.push(desk, operation).unwrap()
    }

    fn push(&self, desk: &Desk, operation: Operation) -> Result<PushResult, Code> {
        let request = PushRequest {
            protocol: PROTOCOL,
            server_epoch: self.endpoint.epoch,
            report: DeviceReport::default(),
            operations: vec![operation],
        };
        let mut answer = push(&self.endpoint, &desk.actor, request).map_err(|failure| failure.0.code)?;
        Ok(answer.results.remove(0))
    }

    /// Captures and decides; gives the operation.
    fn follow_up(&self, desk: &mut Desk, content: Value, version: u64, after: &[Uuid]) -> Operation {
        let follow_up = FollowUp {
            id: Uuid::now_v7(),
            project: "p1".into(),
            ocid: OCID.into(),
            form: None,
            content: serde_json::from_value::<FollowUpFile>(content).unwrap(),
            evidence: Vec::new(),
        };
        let base = Base { server_version: version, after: after.to_vec(), epoch: None };
        let mut operation = operation(OperationKind::FollowUp, follow_up.id, json!(follow_up), base);
        operation.client_seq = desk.last + 1;
        let result = self.offer(desk, operation.clone());
        assert_eq!(said(&result).0, Verdict::Received, "{result:?}");
        accept::run(&self.endpoint).unwrap();
        operation
    }

    fn choose(&self, desk: &mut Desk, choice: &ConflictChoice) -> PushResult {
        let base = Base { server_version: choice.version, after: Vec::new(), epoch: None };
        self.offer(desk, operation(OperationKind::Choice, choice.follow_up, json!(choice), base))
    }

    fn stored(&self, operation: &Operation) -> StoredFollowUp {
        self.endpoint.store.read().unwrap().follow_up(operation.record_id).unwrap().unwrap()
    }

    fn state(&self, operation: &Operation) -> State {
        self.stored(operation).state
    }

    fn conflict(&self, operation: &Operation) -> Conflict {
        self.stored(operation).conflict.unwrap()
    }

    fn amount(&self) -> Value {
        let process = self.endpoint.store.read().unwrap().process(OCID).unwrap().unwrap();
        process.compiled["contracts"][0]["value"]["amount"].clone()
    }

    fn version(&self) -> u64 {
        self.endpoint.store.read().unwrap().process(OCID).unwrap().unwrap().version
    }

    /// Every chain holds, and nothing waits to be decided.
    fn is_sound(&self) {
        while worker::once(&self.endpoint).unwrap() {}
        let tx = self.endpoint.store.read().unwrap();
        assert!(tx.jobs(JobKind::Accept, self.endpoint.now(), 10).unwrap().is_empty());
        let published = roots::published(&self.endpoint.config.public()).unwrap();
        assert_eq!(verify::verify(&*tx, &published).unwrap().broken, Vec::<String>::new());
        assert!(self.folder.path().exists());
    }
}

fn operation(kind: OperationKind, record_id: Uuid, body: Value, base: Base) -> Operation {
    Operation {
        op_id: Uuid::now_v7(),
        client_seq: 0,
        kind,
        record_id,
        base,
        salt: "0a".repeat(16),
        body,
        captured_at: "2026-03-12T18:00:00Z".parse().unwrap(),
        tz_offset_minutes: -360,
        clock_offset_ms: 0,
        schema: SCHEMA,
        evidence: Vec::new(),
    }
}

/// What a receipt says, with the rules of its findings.
fn said(result: &PushResult) -> (Verdict, Vec<String>) {
    let PushResult::Recorded { receipt, findings, .. } = result else { panic!("{result:?}") };
    (receipt.body.verdict, findings.iter().map(|finding| finding.rule.clone()).collect())
}

fn refused(result: &PushResult, rule: &str) {
    assert_eq!(said(result), (Verdict::Rejected, vec![rule.to_owned()]));
}

fn contract(amount: u32) -> Value {
    json!({"stage": "contract", "release": {
        "parties": [{"id": "MX-RFC-CMU010203AB1", "name": "Constructora", "roles": ["supplier"],
            "identifier": {"scheme": "MX-RFC", "id": "CMU010203AB1"}}],
        "awards": [{"id": "A", "status": "active", "suppliers": [{"id": "MX-RFC-CMU010203AB1", "name": "Constructora"}]}],
        "contracts": [{"id": "C", "awardID": "A", "status": "active", "title": "Obra",
            "dateSigned": "2026-02-02T00:00:00-06:00", "value": {"amount": amount, "currency": "MXN"}}]}})
}

fn title(text: &str) -> Value {
    json!({"stage": "contract", "release": {"contracts": [{"id": "C", "awardID": "A", "title": text}]}})
}

fn description(text: &str) -> Value {
    json!({"stage": "contract", "release": {"contracts": [{"id": "C", "awardID": "A", "description": text}]}})
}

fn choice(held: &Operation, conflict: &Conflict, resolution: Resolution) -> ConflictChoice {
    ConflictChoice {
        follow_up: held.record_id,
        standing: conflict.cited(),
        version: conflict.version,
        resolution,
        reason: "Lo dice el acta.".into(),
    }
}

/// Two authors who disagree on an amount, the coordination, and the operation that is held.
fn disagreement() -> (Town, Desk, Desk, Desk, Operation) {
    let town = Town::new();
    let mut one = town.desk("Uno", Role::Enlace, "Obras");
    let mut two = town.desk("Dos", Role::Campo, "Parques");
    let coordination = town.desk("Tres", Role::Coordinacion, "Coordinación");
    town.follow_up(&mut one, contract(50_000), 1, &[]);
    let held = town.follow_up(&mut two, contract(60_000), 1, &[]);
    assert_eq!((town.state(&held), town.amount()), (State::Conflict, json!(50_000)));
    (town, one, two, coordination, held)
}

#[test]
fn the_record_says_both_values_who_and_upon_what() {
    let (town, one, _, coordination, held) = disagreement();
    let conflict = town.conflict(&held);
    assert_eq!((conflict.version, conflict.held.op_id), (2, held.op_id));
    assert_eq!((conflict.held.role, conflict.held.area.as_str()), (Role::Campo, "Parques"));
    assert_eq!(conflict.overlaps.len(), 1);
    let overlap = &conflict.overlaps[0];
    assert_eq!(overlap.path, "/contracts/id=C/value/amount");
    assert_eq!((&overlap.standing, &overlap.offered), (&json!(50_000), &json!(60_000)));
    let standing = conflict.standing[0].author.as_ref().unwrap();
    assert_eq!((standing.area.as_str(), &overlap.release), ("Obras", &conflict.standing[0].release));

    // Both authors and the coordination are told; names only where they may be seen.
    for (desk, names) in [(&one, 0), (&coordination, 2)] {
        let page = pull(&town.endpoint, &desk.actor, "", Understands::default()).unwrap();
        let last =
            page.changes.iter().rfind(|change| change.record_id == held.record_id.to_string()).unwrap();
        let state: FollowUpState = serde_json::from_value(last.state.clone()).unwrap();
        assert_eq!(*state.conflict.unwrap(), conflict);
        assert_eq!(page.names.len(), names, "{:?}", page.names);
        assert!(!json!(page.changes).to_string().contains("Dos"), "a name in a stream");
    }
    town.is_sound();
}

#[test]
fn who_may_choose_and_what() {
    let (town, mut one, mut two, _, held) = disagreement();
    let conflict = town.conflict(&held);
    // The other party chooses nothing; the author only withdraws.
    refused(&town.choose(&mut one, &choice(&held, &conflict, Resolution::Keep)), "choice-not-allowed");
    refused(&town.choose(&mut one, &choice(&held, &conflict, Resolution::Apply)), "choice-not-allowed");
    refused(&town.choose(&mut two, &choice(&held, &conflict, Resolution::Apply)), "choice-not-allowed");
    // Who reads and verifies pushes nothing at all.
    let auditor = town.desk("Cuatro", Role::Auditoria, "Contraloría");
    let keep = choice(&held, &conflict, Resolution::Keep);
    let mut offered = operation(OperationKind::Choice, held.record_id, json!(keep), Base::default());
    offered.client_seq = 1;
    assert_eq!(town.push(&auditor, offered).unwrap_err(), Code::Forbidden);
    assert_eq!((town.conflict(&held), town.state(&held)), (conflict.clone(), State::Conflict));

    let done = town.choose(&mut two, &choice(&held, &conflict, Resolution::Keep));
    assert_eq!(said(&done), (Verdict::Received, vec![]));
    let chosen = town.conflict(&held).chosen.unwrap();
    assert_eq!((town.state(&held), chosen.by_author), (State::Withdrawn, true));
    assert_eq!((town.amount(), town.version()), (json!(50_000), 2));
    town.is_sound();
}

#[test]
fn keeping_closes_it_with_the_reason_and_both_values_stay() {
    let (town, _, _, mut coordination, held) = disagreement();
    let before = town.conflict(&held);
    let offered = choice(&held, &before, Resolution::Keep);
    assert_eq!(said(&town.choose(&mut coordination, &offered)).0, Verdict::Received);
    let stored = town.stored(&held);
    assert_eq!((stored.state, stored.findings[0].rule.as_str()), (State::Rejected, "conflict-kept"));
    let after = stored.conflict.unwrap();
    assert_eq!((&after.overlaps, &after.standing), (&before.overlaps, &before.standing));
    let chosen = after.chosen.unwrap();
    assert_eq!(
        (chosen.choice.clone(), chosen.role, chosen.by_author),
        (offered.clone(), Role::Coordinacion, false)
    );
    assert_eq!((town.amount(), town.version()), (json!(50_000), 2));
    // Twice: it is closed, whatever is chosen now.
    refused(&town.choose(&mut coordination, &offered), "choice-closed");
    refused(&town.choose(&mut coordination, &choice(&held, &before, Resolution::Apply)), "choice-closed");
    assert_eq!(town.amount(), json!(50_000));
    town.is_sound();
}

#[test]
fn applying_makes_a_release_on_top_of_what_stands() {
    let (town, _, _, mut coordination, held) = disagreement();
    let conflict = town.conflict(&held);
    let done = town.choose(&mut coordination, &choice(&held, &conflict, Resolution::Apply));
    assert_eq!(said(&done).0, Verdict::Received);
    let stored = town.stored(&held);
    assert_eq!((stored.state, town.amount(), town.version()), (State::Accepted, json!(60_000), 3));
    assert!(stored.release_id.is_some_and(|id| id.starts_with(&format!("{OCID}-3-"))));
    assert_eq!(stored.conflict.unwrap().overlaps, conflict.overlaps);
    town.is_sound();
    assert_eq!(town.state(&held), State::Published);
    // Nobody chooses on what was never in conflict, or is no follow-up at all.
    let tx = town.endpoint.store.read().unwrap();
    let first = tx.follow_ups("p1").unwrap().remove(0);
    drop(tx);
    let mut other = choice(&held, &conflict, Resolution::Apply);
    other.follow_up = first.follow_up.id;
    refused(&town.choose(&mut coordination, &other), "choice-closed");
    other.follow_up = Uuid::now_v7();
    refused(&town.choose(&mut coordination, &other), "choice-unknown");
    assert_eq!(town.version(), 3);
    town.is_sound();
}

#[test]
fn a_choice_on_an_outdated_view_has_no_effect_and_the_conflict_shows_the_new_values() {
    let (town, mut one, _, mut coordination, held) = disagreement();
    let old = town.conflict(&held);
    town.follow_up(&mut one, contract(55_000), 2, &[]);
    for resolution in [Resolution::Apply, Resolution::Keep] {
        refused(&town.choose(&mut coordination, &choice(&held, &old, resolution)), "choice-outdated");
    }
    assert_eq!((town.state(&held), town.amount()), (State::Conflict, json!(55_000)));
    accept::run(&town.endpoint).unwrap();
    let new = town.conflict(&held);
    assert_eq!((new.version, new.since, &new.overlaps[0].standing), (3, old.since, &json!(55_000)));
    assert_ne!(new.standing, old.standing);
    // A view that never was: the right version with other releases.
    let mut forged = choice(&held, &new, Resolution::Apply);
    forged.standing = old.cited();
    refused(&town.choose(&mut coordination, &forged), "choice-outdated");
    // On the view of now it is applied, on top of every change since.
    assert_eq!(
        said(&town.choose(&mut coordination, &choice(&held, &new, Resolution::Apply))).0,
        Verdict::Received
    );
    assert_eq!((town.amount(), town.version()), (json!(60_000), 4));
    town.is_sound();
}

#[test]
fn applying_keeps_what_others_changed_elsewhere_meanwhile() {
    let (town, mut one, _, mut coordination, held) = disagreement();
    let old = town.conflict(&held);
    town.follow_up(&mut one, description("Con banqueta"), 2, &[]);
    // A list that changed the title of the project is a change of the process too.
    town.load("Obra con otro nombre");
    accept::run(&town.endpoint).unwrap();
    let now = town.conflict(&held);
    assert_eq!((now.version, &now.overlaps), (4, &old.overlaps));
    refused(&town.choose(&mut coordination, &choice(&held, &old, Resolution::Apply)), "choice-outdated");
    town.choose(&mut coordination, &choice(&held, &now, Resolution::Apply));
    let process = town.endpoint.store.read().unwrap().process(OCID).unwrap().unwrap();
    let contract = &process.compiled["contracts"][0];
    assert_eq!(
        (&contract["value"]["amount"], &contract["description"]),
        (&json!(60_000), &json!("Con banqueta"))
    );
    town.is_sound();
}

#[test]
fn when_what_stands_says_the_same_there_is_no_conflict_any_more() {
    let (town, mut one, _, mut coordination, held) = disagreement();
    let old = town.conflict(&held);
    town.follow_up(&mut one, contract(60_000), 2, &[]);
    accept::run(&town.endpoint).unwrap();
    let stored = town.stored(&held);
    assert_eq!((stored.state, stored.conflict), (State::Accepted, None));
    refused(&town.choose(&mut coordination, &choice(&held, &old, Resolution::Keep)), "choice-closed");
    assert_eq!(town.amount(), json!(60_000));
    town.is_sound();
}

#[test]
fn what_its_author_sent_later_is_not_overwritten_by_what_was_held() {
    let (town, _, mut two, mut coordination, held) = disagreement();
    // Seen: 50 000 stands. A new follow-up of the same device does not rest on the one that is held.
    town.follow_up(&mut two, contract(70_000), 2, &[]);
    accept::run(&town.endpoint).unwrap();
    let now = town.conflict(&held);
    assert_eq!((&now.overlaps[0].standing, town.amount()), (&json!(70_000), json!(70_000)));
    assert_eq!(now.standing[0].author.as_ref().unwrap().area, "Parques");
    town.choose(&mut coordination, &choice(&held, &now, Resolution::Keep));
    assert_eq!(town.amount(), json!(70_000));
    town.is_sound();
}

#[test]
fn what_waited_behind_it_is_decided_in_its_turn() {
    for (resolution, amount) in [(Resolution::Keep, 50_000), (Resolution::Apply, 60_000)] {
        let (town, _, mut two, mut coordination, held) = disagreement();
        let disjoint = town.follow_up(&mut two, description("Con banqueta"), 1, &[held.op_id]);
        let again = town.follow_up(&mut two, title("Otra obra"), 1, &[held.op_id, disjoint.op_id]);
        for waiting in [&disjoint, &again] {
            let stored = town.stored(waiting);
            assert_eq!(stored.state, State::Received);
            assert!(matches!(stored.held, Some(Held::AfterHeld { .. })), "{:?}", stored.held);
        }
        town.choose(&mut coordination, &choice(&held, &town.conflict(&held), resolution));
        town.is_sound();
        assert_eq!(town.state(&disjoint), State::Published);
        assert_eq!(town.amount(), json!(amount));
        // Upon what stands: what disagrees with it by itself is a conflict of its own; after its own chain it is none.
        let expected = if resolution == Resolution::Keep { State::Conflict } else { State::Published };
        assert_eq!(town.state(&again), expected, "{resolution:?}");
    }
}

#[test]
fn what_cannot_stand_on_the_process_any_more_is_not_applied() {
    let (town, mut one, mut two, mut coordination, _) = disagreement();
    // Nothing wrong by itself: the progress of a contract, and a title of its award that another changed too.
    let award =
        |title: &str| json!({"stage": "contract", "release": {"awards": [{"id": "A", "title": title}]}});
    let mut progress = award("Fallo con avance");
    progress["contract"] = json!("C");
    progress["visitedOn"] = json!("2026-03-10");
    progress["progress"] = json!({"physical": {"actual": 10}});
    town.follow_up(&mut one, award("Fallo"), 2, &[]);
    let held = town.follow_up(&mut two, progress, 2, &[]);
    assert_eq!(town.state(&held), State::Conflict);
    let closed = json!({"stage": "contract", "release": {"contracts": [{"id": "C", "awardID": "A", "status": "terminated"}]}});
    town.follow_up(&mut one, closed, 3, &[]);
    accept::run(&town.endpoint).unwrap();
    let now = town.conflict(&held);
    refused(&town.choose(&mut coordination, &choice(&held, &now, Resolution::Apply)), "contract-unknown");
    assert_eq!(town.conflict(&held), now);
    assert_eq!(
        said(&town.choose(&mut coordination, &choice(&held, &now, Resolution::Keep))).0,
        Verdict::Received
    );
    town.is_sound();
}

#[test]
fn a_choice_is_recorded_once_and_its_answer_given_again() {
    let (town, _, _, mut coordination, held) = disagreement();
    let apply = choice(&held, &town.conflict(&held), Resolution::Apply);
    let mut offered = operation(OperationKind::Choice, held.record_id, json!(apply), Base::default());
    offered.client_seq = 1;
    let first = town.push(&coordination, offered.clone()).unwrap();
    assert_eq!(town.push(&coordination, offered.clone()).unwrap(), first);
    assert_eq!(town.version(), 3);
    let PushResult::Recorded { receipt, .. } = &first else { panic!("{first:?}") };
    receipt.verify(&hex::encode(town.endpoint.signing().verifying_key().as_bytes())).unwrap();
    assert_eq!(receipt.body.folio, domain::follow_up::folio(held.record_id));
    // The receipt names the entry that tells of the choice.
    let tx = town.endpoint.store.read().unwrap();
    let entry = tx.changes(&receipt.body.stream, receipt.body.seq - 1, 1).unwrap().remove(0);
    drop(tx);
    assert_eq!(entry.state["conflict"]["chosen"]["opId"], json!(offered.op_id));
    assert_eq!(entry.stream, COMMON);
    offered.body["reason"] = json!("Otra razón.");
    assert_eq!(town.push(&coordination, offered.clone()).unwrap_err(), Code::OpIdReused);

    // Wrong by itself: recorded as rejected. A kind of a later version: not recorded, and the number stays free.
    coordination.last = 1;
    let mut silent = apply.clone();
    silent.reason = " ".into();
    refused(&town.choose(&mut coordination, &silent), "choice-unreadable");
    let body = json!({"followUp": held.record_id, "resolution": "split"});
    let broken = operation(OperationKind::Choice, held.record_id, body, Base::default());
    refused(&town.offer(&mut coordination, broken), "choice-unreadable");
    let elsewhere = operation(OperationKind::Choice, Uuid::now_v7(), json!(apply), Base::default());
    refused(&town.offer(&mut coordination, elsewhere), "choice-unreadable");
    let mut later = operation(OperationKind::Unknown, held.record_id, json!({}), Base::default());
    later.client_seq = 5;
    assert_eq!(town.push(&coordination, later).unwrap_err(), Code::KindUnknown);
    refused(&town.choose(&mut coordination, &apply), "choice-closed");
    town.is_sound();
}
