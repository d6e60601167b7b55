//! Reviews, rule by rule, on the endpoint itself: who decides, what follows, what waits and for how long.

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
use central::{review, roots, verify, worker};
use chrono::{DateTime, Duration, Utc};
use domain::clock::Clock;
use domain::follow_up::{FollowUp, FollowUpState, FormRef, Held, State};
use domain::person::Role;
use domain::receipt::Verdict;
use domain::review::{Decision, Observation, ReviewAct};
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
        DateTime::from_timestamp(1_790_000_000 + self.0.fetch_add(1, Ordering::SeqCst), 0).unwrap()
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

impl Town {
    fn new(policy: &str) -> Town {
        let town = Town::open(tempfile::tempdir().unwrap(), policy);
        let tx = town.endpoint.store.begin().unwrap();
        let mut loader = Loader::new(&town.endpoint, &*tx);
        let row = BaseRow {
            row: 2,
            folio: "p1".into(),
            title: "Obra de muestra".into(),
            description: None,
            place: None,
            area: Some("Obras".into()),
            amount: None,
            currency: None,
            url: None,
            date: None,
        };
        loader.put(&row).unwrap();
        loader.finish().unwrap();
        tx.commit().unwrap();
        town
    }

    fn open(folder: tempfile::TempDir, policy: &str) -> Town {
        std::fs::write(folder.path().join("avance.toml"), format!("review = {policy}\n")).unwrap();
        let options = Options { data: Some(folder.path().to_owned()), ..Options::default() };
        let endpoint = Endpoint::open(Config::load(&options).unwrap(), Arc::new(Moved::default())).unwrap();
        Town { endpoint, folder }
    }

    /// The same folder under another policy, as after a restart.
    fn under(self, policy: &str) -> Town {
        let Town { endpoint, folder } = self;
        drop(endpoint);
        let town = Town::open(folder, policy);
        review::look_again(&town.endpoint).unwrap();
        town
    }

    fn desk(&self, name: &str, role: Role, area: &str) -> Desk {
        self.enrol(name, role, area, true)
    }

    fn enrol(&self, name: &str, role: Role, area: &str, trained: bool) -> Desk {
        let tx = self.endpoint.store.begin().unwrap();
        let now = self.endpoint.now();
        let (person, _) = auth::add_person(&*tx, name, role, area, trained, now, Duration::hours(1)).unwrap();
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
        let request = PushRequest {
            protocol: PROTOCOL,
            server_epoch: self.endpoint.epoch,
            report: DeviceReport::default(),
            operations: vec![operation],
        };
        push(&self.endpoint, &desk.actor, request).unwrap().results.remove(0)
    }

    /// Captures; the background has decided when this returns.
    fn capture(&self, desk: &mut Desk, content: Value) -> FollowUp {
        let follow_up = follow_up(content);
        let version = self.version();
        let base = Base { server_version: version, after: Vec::new(), epoch: None };
        let operation = operation(OperationKind::FollowUp, follow_up.id, json!(follow_up), base);
        assert_eq!(said(&self.offer(desk, operation)).0, Verdict::Received);
        self.work();
        follow_up
    }

    fn say(&self, desk: &mut Desk, act: &ReviewAct) -> PushResult {
        let result =
            self.offer(desk, operation(OperationKind::Review, act.follow_up, json!(act), Base::default()));
        self.work();
        result
    }

    fn done(&self, desk: &mut Desk, act: &ReviewAct) {
        assert_eq!(said(&self.say(desk, act)), (Verdict::Received, vec![]), "{act:?}");
    }

    fn work(&self) {
        while worker::once(&self.endpoint).unwrap() {}
    }

    fn stored(&self, follow_up: &FollowUp) -> StoredFollowUp {
        self.endpoint.store.read().unwrap().follow_up(follow_up.id).unwrap().unwrap()
    }

    fn stands(&self, follow_up: &FollowUp) -> (State, Option<Held>) {
        let stored = self.stored(follow_up);
        (stored.state, stored.held)
    }

    fn version(&self) -> u64 {
        self.endpoint.store.read().unwrap().process(OCID).unwrap().unwrap().version
    }

    fn amount(&self) -> Value {
        let process = self.endpoint.store.read().unwrap().process(OCID).unwrap().unwrap();
        process.compiled["contracts"][0]["value"]["amount"].clone()
    }

    /// What a device is told of a follow-up, change by change, with the names that come with it.
    fn told(&self, desk: &Desk, follow_up: &FollowUp) -> (Vec<Value>, Vec<String>) {
        let answer = pull(&self.endpoint, &desk.actor, "", Understands::default()).unwrap();
        assert!(!answer.has_more);
        let own = answer.changes.iter().filter(|change| change.record_id == follow_up.id.to_string());
        (own.map(|change| change.state.clone()).collect(), answer.names.into_values().collect())
    }

    /// Every chain holds, and nothing waits to be decided.
    fn is_sound(&self) {
        self.work();
        let tx = self.endpoint.store.read().unwrap();
        assert!(tx.jobs(JobKind::Accept, self.endpoint.now(), 10).unwrap().is_empty());
        let published = roots::published(&self.endpoint.config.public()).unwrap();
        assert_eq!(verify::verify(&*tx, &published).unwrap().broken, Vec::<String>::new());
    }
}

fn follow_up(content: Value) -> FollowUp {
    FollowUp {
        id: Uuid::now_v7(),
        project: "p1".into(),
        ocid: OCID.into(),
        form: Some(FormRef { id: "contract".into(), version: 1 }),
        content: serde_json::from_value(content).unwrap(),
        evidence: Vec::new(),
    }
}

fn contract(amount: u32) -> Value {
    json!({"stage": "contract", "internal": {"notes": "sólo para nosotros"}, "release": {
        "parties": [{"id": "MX-RFC-CMU010203AB1", "name": "Constructora", "roles": ["supplier"],
            "identifier": {"scheme": "MX-RFC", "id": "CMU010203AB1"}}],
        "awards": [{"id": "A", "status": "active", "suppliers": [{"id": "MX-RFC-CMU010203AB1", "name": "Constructora"}]}],
        "contracts": [{"id": "C", "awardID": "A", "status": "active", "title": "Obra",
            "dateSigned": "2026-02-02T00:00:00-06:00", "value": {"amount": amount, "currency": "MXN"}}]}})
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

fn act(follow_up: &FollowUp, version: u32, decision: Decision) -> ReviewAct {
    let observes = decision == Decision::Observe;
    let observation = Observation {
        at: "/release/contracts/0/value/amount".into(),
        text: "No es el del contrato firmado".into(),
        due: "2026-12-15".parse().ok(),
    };
    ReviewAct {
        follow_up: follow_up.id,
        version,
        decision,
        observations: observes.then_some(observation).into_iter().collect(),
        reason: matches!(decision, Decision::Reject | Decision::Answer)
            .then(|| "Así dice la hoja 3".to_owned()),
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

const WAITS: (State, Option<Held>) = (State::Received, Some(Held::Review));

#[test]
fn c3_what_waits_is_accepted_and_published_without_more() {
    let town = Town::new("\"everything\"");
    let mut enlace = town.desk("Autora de muestra", Role::Enlace, "Obras");
    let mut desk = town.desk("Revisora de muestra", Role::Coordinacion, "Coordinación");
    let before = town.version();
    let one = town.capture(&mut enlace, contract(100));
    assert_eq!(town.stands(&one), WAITS);
    assert_eq!(town.version(), before, "nothing is public before somebody looked");
    town.done(&mut desk, &act(&one, 0, Decision::Accept));
    assert_eq!(town.stands(&one), (State::Published, None));
    assert_eq!(town.amount(), json!(100));
    refused(&town.say(&mut desk, &act(&one, 1, Decision::Reject)), "review-closed");
    refused(&town.say(&mut desk, &act(&one, 1, Decision::Accept)), "review-closed");
    town.is_sound();
}

#[test]
fn c3_only_the_coordination_reviews_and_nobody_their_own() {
    let town = Town::new("\"everything\"");
    let mut enlace = town.desk("Autora de muestra", Role::Enlace, "Obras");
    let mut other = town.desk("Otra de muestra", Role::Enlace, "Obras");
    let mut away = town.desk("Lejana de muestra", Role::Enlace, "Parques");
    let mut desk = town.desk("Revisora de muestra", Role::Coordinacion, "Obras");
    let mut administration = town.desk("Administradora de muestra", Role::Administracion, "Innovación");
    let one = town.capture(&mut enlace, contract(100));
    let own = town.capture(&mut desk, contract(200));
    for decision in [Decision::Accept, Decision::Observe, Decision::Reject] {
        refused(&town.say(&mut enlace, &act(&one, 0, decision)), "review-not-allowed");
        refused(&town.say(&mut other, &act(&one, 0, decision)), "review-not-allowed");
        // Of what is outside of the scope nothing is told.
        refused(&town.say(&mut away, &act(&one, 0, decision)), "review-unknown");
        refused(&town.say(&mut desk, &act(&own, 0, decision)), "review-own");
    }
    assert_eq!((town.stands(&one), town.stands(&own)), (WAITS, WAITS));
    town.done(&mut administration, &act(&own, 0, Decision::Observe));
    // An answer is its author's alone.
    refused(&town.say(&mut administration, &act(&own, 1, Decision::Answer)), "review-not-allowed");
    refused(&town.say(&mut other, &act(&own, 1, Decision::Answer)), "review-not-allowed");
    town.done(&mut desk, &act(&own, 1, Decision::Answer));
    town.is_sound();
}

#[test]
fn c4_an_observation_goes_to_its_author_and_the_answer_comes_back() {
    let town = Town::new("\"everything\"");
    let mut enlace = town.desk("Autora de muestra", Role::Enlace, "Obras");
    let mut desk = town.desk("Revisora de muestra", Role::Coordinacion, "Coordinación");
    let one = town.capture(&mut enlace, contract(100));
    refused(&town.say(&mut enlace, &act(&one, 0, Decision::Answer)), "review-closed");
    town.done(&mut desk, &act(&one, 0, Decision::Observe));
    assert_eq!(town.stands(&one), (State::Observed, None));
    let (told, names) = town.told(&enlace, &one);
    let last: FollowUpState = serde_json::from_value(told.last().unwrap().clone()).unwrap();
    let observed = last.findings.iter().find(|finding| finding.rule == "review-observed").unwrap();
    assert_eq!(observed.pointer, "/release/contracts/0/value/amount");
    let review = last.review.unwrap();
    assert_eq!(review.open()[0].due, "2026-12-15".parse().ok());
    assert_eq!(names, Vec::<String>::new(), "an enlace is told no names");
    // Nobody decides over what somebody else just said.
    refused(&town.say(&mut desk, &act(&one, 0, Decision::Reject)), "review-outdated");
    town.done(&mut enlace, &act(&one, 1, Decision::Answer));
    assert_eq!(town.stands(&one), WAITS);
    let (told, names) = town.told(&desk, &one);
    assert!(names.contains(&"Autora de muestra".to_owned()), "{names:?}");
    let last: FollowUpState = serde_json::from_value(told.last().unwrap().clone()).unwrap();
    let review = last.review.unwrap();
    assert_eq!(review.rounds[1].reason.as_deref(), Some("Así dice la hoja 3"));
    let observed = last.findings.iter().any(|finding| finding.rule == "review-observed");
    assert!(!observed, "an answered observation is no finding any more");
    let content = review.content.clone().unwrap();
    assert_eq!(content.release["contracts"][0]["value"]["amount"], json!(100));
    // What is internal is in no stream, at no time.
    assert!(!json!(told).to_string().contains("sólo para nosotros"));
    let waited = review.waited(None, town.endpoint.now());
    assert!(waited.coordination > 0 && waited.author > 0, "{waited:?}");
    town.done(&mut desk, &act(&one, 2, Decision::Accept));
    let (told, _) = town.told(&enlace, &one);
    let last: FollowUpState = serde_json::from_value(told.last().unwrap().clone()).unwrap();
    assert_eq!(last.state, State::Published);
    let review = last.review.unwrap();
    assert_eq!((review.rounds.len(), review.content), (3, None));
    // Every step is in the chained history, one change each.
    let steps: Vec<usize> =
        told.iter().map(|state| state["review"]["rounds"].as_array().map_or(0, Vec::len)).collect();
    assert!(steps.is_sorted() && [1, 2, 3].iter().all(|n| steps.contains(n)), "{steps:?}");
    town.is_sound();
}

#[test]
fn a_rejection_needs_a_reason_and_holds_nothing_else_back() {
    let town = Town::new("\"everything\"");
    let mut enlace = town.desk("Autora de muestra", Role::Enlace, "Obras");
    let mut desk = town.desk("Revisora de muestra", Role::Coordinacion, "Coordinación");
    let one = town.capture(&mut enlace, contract(100));
    let operation_of = town.stored(&one).op_id;
    let after = follow_up(contract(120));
    let base = Base { server_version: town.version(), after: vec![operation_of], epoch: None };
    town.offer(&mut enlace, operation(OperationKind::FollowUp, after.id, json!(after), base));
    town.work();
    assert!(matches!(town.stands(&after).1, Some(Held::AfterHeld { .. })));
    let without = ReviewAct { reason: None, ..act(&one, 0, Decision::Reject) };
    refused(&town.say(&mut desk, &without), "review-unreadable");
    town.done(&mut desk, &act(&one, 0, Decision::Reject));
    let stored = town.stored(&one);
    let rule = stored.findings.last().map(|finding| finding.rule.as_str());
    assert_eq!((stored.state, rule), (State::Rejected, Some("review-rejected")));
    assert_eq!(town.stands(&after), WAITS, "what came after is decided by itself");
    refused(&town.say(&mut desk, &act(&one, 1, Decision::Accept)), "review-closed");
    town.is_sound();
}

#[test]
fn errors_are_found_before_anybody_has_to_look() {
    let town = Town::new("\"everything\"");
    let mut untrained = town.enrol("Nueva de muestra", Role::Enlace, "Obras", false);
    let mut desk = town.desk("Revisora de muestra", Role::Coordinacion, "Coordinación");
    // A contract that the process does not have: only upon the process of now that is wrong.
    let wrong = json!({"stage": "implementation", "visitedOn": "2026-03-12", "contract": "C-9",
        "progress": {"physical": {"actual": 10}}});
    let follow_up = follow_up(wrong);
    let base = Base { server_version: 0, after: Vec::new(), epoch: None };
    let offered = operation(OperationKind::FollowUp, follow_up.id, json!(follow_up), base);
    assert_eq!(said(&town.offer(&mut untrained, offered)).0, Verdict::Received);
    town.work();
    assert_eq!(town.stored(&follow_up).state, State::Observed, "{:?}", town.stored(&follow_up).held);
    let good = town.capture(&mut untrained, contract(100));
    assert_eq!(town.stands(&good), (State::Received, Some(Held::Untrained)));
    town.done(&mut desk, &act(&good, 0, Decision::Accept));
    assert_eq!(town.stands(&good), (State::Published, None));
    town.is_sound();
}

#[test]
fn the_policy_says_what_waits_and_a_new_one_lets_it_go() {
    let town = Town::new("[\"contract\"]");
    let mut enlace = town.desk("Autora de muestra", Role::Enlace, "Obras");
    let waits = town.capture(&mut enlace, contract(100));
    let mut tender =
        follow_up(json!({"stage": "tender", "release": {"planning": {"rationale": "La pidió la colonia"}}}));
    tender.form = None;
    let base = Base { server_version: town.version(), after: Vec::new(), epoch: None };
    town.offer(&mut enlace, operation(OperationKind::FollowUp, tender.id, json!(tender), base));
    town.work();
    assert_eq!(town.stands(&waits), WAITS);
    assert_eq!(town.stands(&tender), (State::Published, None));
    let town = town.under("\"automatic\"");
    town.work();
    assert_eq!(town.stands(&waits), (State::Published, None));
    town.is_sound();
}

#[test]
fn without_a_policy_nothing_waits_and_nothing_is_said_of_reviews() {
    let town = Town::new("\"automatic\"");
    let mut enlace = town.desk("Autora de muestra", Role::Enlace, "Obras");
    let one = town.capture(&mut enlace, contract(100));
    assert_eq!(town.stands(&one), (State::Published, None));
    // A program of before reads what it always read.
    let (told, _) = town.told(&enlace, &one);
    assert!(told.iter().all(|state| state.get("review").is_none()), "{told:?}");
    for state in told {
        assert_eq!(serde_json::from_value::<FollowUpState>(state).unwrap().review, None);
    }
}

#[test]
fn what_is_public_stays_until_its_correction_comes() {
    let town = Town::new("\"automatic\"");
    let mut enlace = town.desk("Autora de muestra", Role::Enlace, "Obras");
    let mut desk = town.desk("Revisora de muestra", Role::Coordinacion, "Coordinación");
    let one = town.capture(&mut enlace, contract(100));
    town.done(&mut desk, &act(&one, 0, Decision::Observe));
    assert_eq!(town.stands(&one), (State::Published, None));
    assert_eq!(town.amount(), json!(100));
    town.done(&mut enlace, &act(&one, 1, Decision::Answer));
    assert_eq!(town.stands(&one), (State::Published, None));
    town.done(&mut desk, &act(&one, 2, Decision::Observe));
    let mut corrected = contract(90);
    corrected["corrects"] = json!(one.folio());
    let two = town.capture(&mut enlace, corrected);
    assert_eq!(town.stands(&two), (State::Published, None));
    assert_eq!(town.stands(&one).0, State::Superseded);
    assert_eq!(town.amount(), json!(90));
    let releases = town.endpoint.store.read().unwrap().releases(OCID).unwrap();
    let amount = |body: &Value| body["contracts"][0]["value"]["amount"].as_u64();
    let amounts: Vec<u64> = releases.iter().filter_map(|release| amount(&release.body)).collect();
    assert_eq!(amounts, [100, 90], "the former release stays");
    assert_eq!(town.stored(&one).review.unwrap().rounds.len(), 3);
    town.is_sound();
}

#[test]
fn what_cannot_be_read_or_means_nothing_is_in_the_history_and_changes_nothing() {
    let town = Town::new("\"everything\"");
    let mut enlace = town.desk("Autora de muestra", Role::Enlace, "Obras");
    let mut desk = town.desk("Revisora de muestra", Role::Coordinacion, "Coordinación");
    let one = town.capture(&mut enlace, contract(100));
    let bodies = [
        json!({"followUp": one.id, "version": 0, "decision": "accept", "other": 1}),
        json!({"followUp": one.id, "version": 0, "decision": "approve"}),
        json!({"followUp": one.id, "version": -1, "decision": "accept"}),
        json!({"followUp": one.id, "version": 0, "decision": "observe"}),
        json!({"followUp": Uuid::now_v7(), "version": 0, "decision": "accept"}),
        json!([]),
    ];
    for body in bodies {
        let offered = operation(OperationKind::Review, one.id, body, Base::default());
        refused(&town.offer(&mut desk, offered), "review-unreadable");
    }
    let nobody = follow_up(contract(1));
    refused(&town.say(&mut desk, &act(&nobody, 0, Decision::Accept)), "review-unknown");
    assert_eq!(town.stands(&one), WAITS);
    let told = pull(&town.endpoint, &desk.actor, "", Understands::default()).unwrap();
    assert!(told.scope.contains(&COMMON.to_owned()));
    let kept = told.changes.iter().filter(|change| change.state["review"]["decision"] == "accept").count();
    assert_eq!(kept, 1, "a refused decision says what it was");
    town.is_sound();
}
