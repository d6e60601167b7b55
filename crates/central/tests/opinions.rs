//! Opinions on the endpoint itself: kept once, told to their author alone, decided with what their author needs to know,
//! and published nowhere.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use central::auth::{self, Actor};
use central::config::{Config, Options};
use central::endpoint::Endpoint;
use central::opinions::{Decided, Decision, Whom, decide};
use central::store::Device;
use central::sync::pull::{Understands, pull};
use central::sync::push::push;
use central::{roots, verify};
use chrono::Duration;
use domain::clock::SystemClock;
use domain::history::{Change, ChangeKind};
use domain::opinion::{Opinion, OpinionImpact, OpinionStanding, OpinionTopic, StepFault};
use domain::person::Role;
use domain::problem::Code;
use domain::receipt::Verdict;
use domain::wire::{
    Base, DeviceReport, Operation, OperationKind, PROTOCOL, PushRequest, PushResult, SCHEMA, opinions_stream,
};
use serde_json::{Value, json};
use uuid::Uuid;

const CANARY: &str = "canario que nadie publica";

struct Town {
    endpoint: Endpoint,
    _folder: tempfile::TempDir,
}

/// A device and the number of its last operation.
struct Desk {
    actor: Actor,
    last: u64,
}

impl Town {
    fn new() -> Town {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { data: Some(folder.path().to_owned()), ..Options::default() };
        let endpoint = Endpoint::open(Config::load(&options).unwrap(), Arc::new(SystemClock)).unwrap();
        Town { endpoint, _folder: folder }
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

    fn push(&self, desk: &Desk, operations: Vec<Operation>) -> Result<Vec<PushResult>, Code> {
        let report = DeviceReport { app_version: "9.9.9".into(), ..DeviceReport::default() };
        let request =
            PushRequest { protocol: PROTOCOL, server_epoch: self.endpoint.epoch, report, operations };
        match push(&self.endpoint, &desk.actor, request) {
            Ok(answer) => Ok(answer.results),
            Err(failure) => Err(failure.0.code),
        }
    }

    fn offer(&self, desk: &mut Desk, mut operation: Operation) -> PushResult {
        desk.last += 1;
        operation.client_seq = desk.last;
        self.push(desk, vec![operation]).unwrap().remove(0)
    }

    fn pull(&self, desk: &Desk, opinions: bool) -> (Vec<String>, Vec<Change>) {
        let understands = Understands { opinions, ..Understands::default() };
        let answer = pull(&self.endpoint, &desk.actor, "", understands).unwrap();
        assert!(!answer.has_more);
        (answer.scope, answer.changes)
    }

    /// What its author is told of an opinion, change by change.
    fn told(&self, desk: &Desk) -> Vec<Value> {
        let (_, changes) = self.pull(desk, true);
        let own = changes.into_iter().filter(|change| change.kind == ChangeKind::Opinion);
        own.map(|change| change.state).collect()
    }

    fn decide(
        &self,
        folio: &str,
        standing: OpinionStanding,
        version: Option<&str>,
        reason: Option<&str>,
    ) -> Decided {
        decide(&self.endpoint, &Decision { folio, standing, version, reason, by: None }).unwrap()
    }
}

fn opinion() -> Opinion {
    Opinion {
        id: Uuid::now_v7(),
        topic: OpinionTopic::Problem,
        impact: Some(OpinionImpact::Blocks),
        text: CANARY.into(),
        screen: "projects".into(),
        diagnostics: Some("version: 0.1.0".into()),
    }
}

fn operation(record_id: Uuid, body: Value) -> Operation {
    Operation {
        op_id: Uuid::now_v7(),
        client_seq: 0,
        kind: OperationKind::Opinion,
        record_id,
        base: Base::default(),
        salt: domain::receipt::new_salt(),
        body,
        captured_at: "2026-03-12T18:00:00Z".parse().unwrap(),
        tz_offset_minutes: -360,
        clock_offset_ms: 0,
        schema: SCHEMA,
        evidence: Vec::new(),
    }
}

fn said(result: &PushResult) -> (Verdict, String) {
    match result {
        PushResult::Recorded { receipt, .. } => (receipt.body.verdict, receipt.body.folio.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_kept_once_and_its_author_alone_is_told() {
    let town = Town::new();
    let mut author = town.desk("Uno", Role::Enlace, "Obras");
    let other = town.desk("Dos", Role::Enlace, "Obras");
    let coordination = town.desk("Tres", Role::Coordinacion, "Coordinación");
    let first = opinion();
    let folio = first.folio();
    let offered = operation(first.id, json!(first));
    let answer = town.offer(&mut author, offered.clone());
    assert_eq!(said(&answer), (Verdict::Received, folio.clone()));
    // The same again, as after a lost reply: the same answer, and nothing more.
    let again = Operation { client_seq: 1, ..offered };
    assert_eq!(town.push(&author, vec![again]).unwrap(), vec![answer]);
    let stored = town.endpoint.store.read().unwrap().opinions().unwrap();
    assert_eq!((stored.len(), &stored[0].opinion), (1, &first));
    assert_eq!(stored[0].app_version, "9.9.9");

    let told = town.told(&author);
    assert_eq!((told.len(), &told[0]["folio"], &told[0]["steps"]), (1, &json!(folio), &json!([])));
    assert!(!told[0].to_string().contains("canario"), "the text is in no stream");
    // Nobody else reads it, whatever their role; a device of before is not given what it cannot read.
    let stream = opinions_stream(&author.actor.person.card.id);
    for (desk, asks) in [(&other, true), (&coordination, true), (&coordination, false), (&author, false)] {
        let (scope, changes) = town.pull(desk, asks);
        assert!(!scope.contains(&stream), "{scope:?}");
        assert!(changes.iter().all(|change| change.kind != ChangeKind::Opinion), "{changes:?}");
    }

    // Another operation with the same id changes nothing.
    let mut forged = first;
    forged.text = "otra cosa".into();
    let result = town.offer(&mut author, operation(forged.id, json!(forged)));
    assert_eq!(said(&result).0, Verdict::Rejected);
    let stored = town.endpoint.store.read().unwrap().opinions().unwrap();
    assert_eq!((stored.len(), stored[0].opinion.text.as_str()), (1, CANARY));
}

#[test]
fn what_makes_no_sense_is_refused_with_its_reason_where_nobody_else_reads_it() {
    let town = Town::new();
    let mut author = town.desk("Uno", Role::Campo, "Obras");
    let other = town.desk("Dos", Role::Enlace, "Obras");
    let good = || json!(opinion());
    let mut wrong = Vec::new();
    for (field, value) in [
        ("text", json!("  ")),
        ("text", json!("x".repeat(4_001))),
        ("impact", Value::Null),
        ("topic", json!("suggestion")),
        ("topic", json!("complaint")),
        ("screen", json!("../etc")),
        ("diagnostics", json!("x".repeat(8_001))),
        ("name", json!("Persona")),
    ] {
        let mut body = good();
        body[field] = value;
        wrong.push(operation(body["id"].as_str().unwrap().parse().unwrap(), body));
    }
    wrong.push(operation(Uuid::now_v7(), good()));
    for offered in wrong {
        let result = town.offer(&mut author, offered);
        let PushResult::Recorded { receipt, findings, .. } = &result else { panic!("{result:?}") };
        assert_eq!(
            (receipt.body.verdict, findings[0].rule.as_str()),
            (Verdict::Rejected, "opinion-unreadable")
        );
    }
    assert_eq!(town.endpoint.store.read().unwrap().opinions().unwrap(), vec![]);
    // What was refused is in the history, and not where the área reads.
    assert_eq!(town.told(&author).len(), 9);
    assert_eq!(
        town.pull(&other, true).1.iter().filter(|change| change.state["findings"].is_array()).count(),
        0
    );
    // One of a later schema waits on its device.
    let mut later = operation(Uuid::now_v7(), good());
    later.client_seq = author.last + 1;
    later.schema = SCHEMA + 1;
    assert_eq!(town.push(&author, vec![later]), Err(Code::UpgradeRequired));
}

#[test]
fn who_only_reads_may_opine_and_nothing_else() {
    let town = Town::new();
    let mut auditor = town.desk("Cuatro", Role::Auditoria, "Contraloría");
    let first = opinion();
    let result = town.offer(&mut auditor, operation(first.id, json!(first)));
    assert_eq!(said(&result).0, Verdict::Received);
    assert_eq!(town.push(&auditor, vec![]), Err(Code::Forbidden));
    let mut other = operation(Uuid::now_v7(), json!({}));
    (other.kind, other.client_seq) = (OperationKind::FollowUp, 2);
    let mut second = operation(Uuid::now_v7(), json!({}));
    second.client_seq = 3;
    assert_eq!(town.push(&auditor, vec![other, second]), Err(Code::Forbidden));
}

#[test]
fn a_decision_says_what_its_author_needs_and_twice_is_once() {
    use OpinionStanding::*;
    let town = Town::new();
    let mut author = town.desk("Uno", Role::Enlace, "Obras");
    town.desk("Tres", Role::Coordinacion, "Coordinación");
    town.desk("Cuatro", Role::Auditoria, "Contraloría");
    let first = opinion();
    let folio = first.folio();
    town.offer(&mut author, operation(first.id, json!(first)));
    assert_eq!(town.decide("R-00000-00000", Analysing, None, None), Decided::Unknown);
    assert_eq!(town.decide(&folio, Declined, None, None), Decided::Unfit(StepFault::ReasonNeeded));
    assert_eq!(town.decide(&folio, Applied, None, Some("x")), Decided::Unfit(StepFault::VersionNeeded));
    assert_eq!(town.decide(&folio, Analysing, Some("1"), None), Decided::Unfit(StepFault::VersionUnfit));
    assert_eq!(town.decide(&folio, Received, None, None), Decided::Same);
    assert_eq!(town.told(&author).len(), 1);

    assert_eq!(town.decide(&folio.to_lowercase(), Analysing, None, None), Decided::New);
    assert_eq!(town.decide(&folio, Analysing, None, None), Decided::Same);
    let by = |by: &'static str| {
        let decision = Decision {
            folio: &folio,
            standing: Declined,
            version: None,
            reason: Some(" Ya se puede "),
            by: Some(by),
        };
        decide(&town.endpoint, &decision).unwrap()
    };
    assert_eq!(by("Nadie"), Decided::Who(Whom::Nobody));
    assert_eq!(by("Cuatro"), Decided::Who(Whom::NotAllowed));
    assert_eq!(by("tres"), Decided::New);
    assert_eq!(by("Tres"), Decided::Same);
    town.desk("Tres", Role::Administracion, "Sistemas");
    assert_eq!(by("Tres"), Decided::Who(Whom::Several));
    assert_eq!(town.decide(&folio, Applied, Some("0.2.0"), None), Decided::New);

    let told = town.told(&author);
    assert_eq!(told.len(), 4, "its arrival and three decisions");
    let steps = told[3]["steps"].as_array().unwrap();
    let words: Vec<_> = steps.iter().map(|step| step["standing"].as_str().unwrap()).collect();
    assert_eq!(words, ["analysing", "declined", "applied"]);
    assert_eq!((&steps[1]["role"], &steps[1]["area"]), (&json!("coordinacion"), &json!("Coordinación")));
    assert_eq!((&steps[1]["reason"], &steps[2]["version"]), (&json!("Ya se puede"), &json!("0.2.0")));
    assert!(!told[3].to_string().contains("Tres"), "who decided is not told by name");
    // Here it is known.
    let stored = town.endpoint.store.read().unwrap().opinion(first.id).unwrap().unwrap();
    assert!(stored.steps[1].person_id.is_some() && stored.steps[0].person_id.is_none());
    assert_eq!(stored.standing(), Applied);

    // The chains hold; the signed root of the day, which is public, does not even say that somebody opines.
    roots::write(&town.endpoint).unwrap();
    let published = roots::published(&town.endpoint.config.public()).unwrap();
    assert_eq!(published.len(), 1);
    assert!(!published[0].text.contains("opinions"), "{}", published[0].text);
    let tx = town.endpoint.store.read().unwrap();
    assert_eq!(verify::verify(&*tx, &published).unwrap().broken, Vec::<String>::new());
}
