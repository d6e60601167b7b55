//! E5: whoever captures knows before sending whether it will be accepted. Ten thousand drafts over every form, good, at
//! the edge and bad, as the equipment looks at them; then the same follow-ups before a real endpoint in this process.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use central::auth::{self, Actor};
use central::base::Loader;
use central::config::{Config, Options};
use central::endpoint::Endpoint;
use central::load::BaseRow;
use central::store::Process;
use central::sync::push::push;
use central::{accept, state};
use chrono::{DateTime, Duration, Utc};
use domain::clock::Clock;
use domain::follow_up::{FollowUp, State};
use domain::form::{Field, Form, Kind, Required, Values, shipped};
use domain::person::Role;
use domain::receipt::Verdict;
use domain::wire::{
    Base, DeviceReport, EnrolRequest, MAX_OPERATIONS, Operation, OperationKind, PROTOCOL, PushRequest,
    PushResult, SCHEMA,
};
use domain::{Finding, Severity};
use ed25519_dalek::SigningKey;
use journeys::proxy::Dice;

/// Projects, each with a process that grows by what is accepted of it.
const PROJECTS: usize = 1_000;
/// Drafts of each project, one after the other.
const ROUNDS: usize = 10;

/// A day after the other, from a day of the sample.
struct Days(AtomicI64);

impl Clock for Days {
    fn now(&self) -> DateTime<Utc> {
        let first: DateTime<Utc> = "2026-11-02T18:00:00Z".parse().expect("an instant");
        first + Duration::seconds(self.0.load(Ordering::SeqCst))
    }
}

/// An endpoint in this process, and an equipment of a trained person that sends to it.
struct Room {
    endpoint: Endpoint,
    clock: Arc<Days>,
    actor: Actor,
    sent: u64,
    /// Gone with the room.
    _folder: tempfile::TempDir,
}

impl Room {
    fn new() -> Room {
        // What is measured is no disk: in memory where there is a place for it.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let clock = Arc::new(Days(AtomicI64::new(0)));
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
        let tx = endpoint.store.begin().unwrap();
        let mut loader = Loader::new(&endpoint, &*tx);
        for n in 0..PROJECTS {
            let row = BaseRow {
                row: n as u64 + 2,
                folio: folio(n),
                title: format!("Proyecto de muestra {n}"),
                description: None,
                place: None,
                area: Some("Obras".into()),
                amount: Some("1000000".parse().unwrap()),
                currency: Some("MXN".into()),
                url: None,
                date: None,
            };
            loader.put(&row).unwrap();
        }
        loader.finish().unwrap();
        tx.commit().unwrap();
        Room { endpoint, clock, actor: Actor { device_id, person }, sent: 0, _folder: folder }
    }

    /// The processes as the equipment has them after its last fetch.
    fn processes(&self) -> Vec<Process> {
        let tx = self.endpoint.store.read().unwrap();
        (0..PROJECTS).map(|n| tx.process(&ocid(n)).unwrap().unwrap()).collect()
    }

    /// Sends as an equipment would; gives the verdict of each and the rules of its errors.
    fn send(&mut self, drafts: &[&Drafted]) -> Vec<(Verdict, BTreeSet<String>)> {
        let mut verdicts = Vec::new();
        for some in drafts.chunks(MAX_OPERATIONS) {
            let operations = some.iter().map(|draft| {
                self.sent += 1;
                Operation {
                    op_id: domain::random::id(self.endpoint.now()),
                    client_seq: self.sent,
                    kind: OperationKind::FollowUp,
                    record_id: draft.follow_up.id,
                    base: Base {
                        server_version: draft.version,
                        after: Vec::new(),
                        epoch: Some(self.endpoint.epoch),
                    },
                    salt: domain::receipt::new_salt(),
                    body: serde_json::to_value(&draft.follow_up).unwrap(),
                    captured_at: self.endpoint.now(),
                    tz_offset_minutes: -360,
                    clock_offset_ms: 0,
                    schema: SCHEMA,
                    evidence: Vec::new(),
                }
            });
            let request = PushRequest {
                protocol: PROTOCOL,
                server_epoch: self.endpoint.epoch,
                report: DeviceReport::default(),
                operations: operations.collect(),
            };
            for result in push(&self.endpoint, &self.actor, request).unwrap().results {
                let PushResult::Recorded { receipt, findings, .. } = result else {
                    panic!("not recorded: {result:?}");
                };
                verdicts.push((receipt.body.verdict, errors(&findings)));
            }
        }
        verdicts
    }

    /// Decides everything that was received.
    fn decide(&self) {
        while accept::run(&self.endpoint).unwrap() > 0 {}
    }
}

fn folio(n: usize) -> String {
    format!("m{n}")
}

fn ocid(n: usize) -> String {
    format!("ocds-000000-m{n}")
}

fn errors(findings: &[Finding]) -> BTreeSet<String> {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| finding.rule.clone()).collect()
}

/// A draft as the equipment reads it.
struct Drafted {
    form: &'static Form,
    values: Values,
    follow_up: FollowUp,
    version: u64,
    /// What the person is shown.
    shown: Vec<Finding>,
    /// What both sides look at, alone.
    both: Vec<Finding>,
}

impl Drafted {
    fn make(dice: &mut Dice, room: &Room, number: usize, process: &Process) -> Drafted {
        let forms = shipped();
        let form = &forms[dice.below(forms.len())];
        let now = room.endpoint.now();
        let basis = state::basis(&room.endpoint.config.municipality, process);
        let values = values(dice, form, &basis.active_contracts());
        let today = domain::release::today(now, basis.offset_minutes);
        let folded = form.fold(&values, &basis, "MXN", today);
        let follow_up = FollowUp {
            id: domain::random::id(now),
            project: folio(number),
            ocid: process.ocid.clone(),
            form: Some(form.reference()),
            content: folded.content.clone(),
            evidence: Vec::new(),
        };
        let shown = folded.assess(&follow_up, &basis, now);
        let both = domain::release::assess(&follow_up, &basis, now);
        Drafted { form, values, follow_up, version: process.version, shown, both }
    }
}

/// What somebody typed in a form: the plausible, with something at the edge or wrong in every other draft.
fn values(dice: &mut Dice, form: &Form, contracts: &[String]) -> Values {
    let careless = dice.below(2) == 0;
    let mut typed = Values::new();
    let mut before = false;
    for group in &form.groups {
        // A further copy is shown once the one before it has something.
        let shown = group.copy_of.is_none() || before;
        before = shown && (!group.optional || dice.below(5) == 0);
        if !before {
            continue;
        }
        for field in &group.fields {
            let wanted = field.required != Required::Never;
            if (!wanted && dice.below(2) > 0) || (careless && dice.below(20) == 0) {
                continue;
            }
            if field.may_lack && dice.below(30) == 0 {
                let reason = &form.lacking[dice.below(form.lacking.len())];
                typed.insert(field.lack_key(), reason.code.clone());
                continue;
            }
            let text = match contracts.first() {
                // Most of the time it is about the contract that there is.
                Some(known) if field.id == "contractId" && dice.below(8) > 0 => known.clone(),
                _ if careless && dice.below(7) == 0 => odd(dice, field),
                _ => good(dice, field),
            };
            typed.insert(field.id.clone(), text);
        }
    }
    typed
}

fn one<'a>(dice: &mut Dice, of: &[&'a str]) -> &'a str {
    of[dice.below(of.len())]
}

/// Something that a careful person types.
fn good(dice: &mut Dice, field: &Field) -> String {
    let number = dice.below(90) + 1;
    let text = match field.kind {
        // An identifier comes back in later follow-ups of the same process, as people number contracts and payments.
        Kind::Text if field.id.ends_with("Id") => format!("N-{}", dice.below(40) + 1),
        Kind::Text | Kind::Notes => format!("Muestra de {} {number}", field.id),
        Kind::Percent => return number.to_string(),
        Kind::Money => format!("{}", number * 1_000),
        Kind::Number => return number.to_string(),
        // Beginnings before ends, and both in the past, so that most of it can be.
        Kind::Date if field.id.ends_with("End") || field.id == "endDate" => {
            format!("2026-10-{:02}", 1 + dice.below(28))
        }
        Kind::Date if field.id.contains("Due") => format!("2026-{:02}-15", 1 + dice.below(9)),
        Kind::Date => format!("2026-{:02}-{:02}", 1 + dice.below(9), 1 + dice.below(28)),
        Kind::Code => field.choices[dice.below(field.choices.len())].code.clone(),
        Kind::Rfc => format!("CMU010203A{:02}", dice.below(100)),
        Kind::Place => format!("25.6{number:02}, -100.3{number:02}"),
        Kind::Method => domain::place::METHODS[dice.below(domain::place::METHODS.len())].to_owned(),
    };
    text.chars().take(field.max_length as usize).collect()
}

/// Something at the edge of what can be read, or beyond it.
fn odd(dice: &mut Dice, field: &Field) -> String {
    let length = field.max_length as usize;
    match field.kind {
        Kind::Text | Kind::Notes => match dice.below(9) {
            0 => "á".repeat(length),
            1 => "x".repeat(length + 1),
            2 => "   ".to_owned(),
            3 => "Llamar al 81 1234 5678".to_owned(),
            4 => "Escribir a alguien@ejemplo.mx".to_owned(),
            5 => "CURP GOMC850301HNLRRR09".to_owned(),
            6 => "<b>Obra</b> & «calle»\n\u{202e}fin".to_owned(),
            7 => "/".to_owned(),
            _ => "Ñandú 2,5 m² – 100 %".to_owned(),
        },
        Kind::Percent => one(
            dice,
            &["0", "100", "100.0 %", "99.999999999", "100.01", "-1", "-0", "mucho", "1e2", "٣٥", ".5"],
        )
        .to_owned(),
        Kind::Money => one(
            dice,
            &[
                "0",
                "0.001",
                "$1,234.56 MXN",
                "1.234,56",
                "-5",
                "-0",
                "99999999999999999999",
                "79228162514264337593543950335",
                "1e9",
                "mil",
            ],
        )
        .to_owned(),
        Kind::Number => one(dice, &["0", "0.0000001", "-3", "12 piezas", "123456789012345678"]).to_owned(),
        Kind::Date => one(
            dice,
            &[
                "hoy",
                "ayer",
                "12/3",
                "31/02/2026",
                "29/02/2024",
                "1/1/2031",
                "31/12/9999",
                "1/1/1899",
                "2026-3-1",
                "mañana",
                "12 de marzo de 2026",
            ],
        )
        .to_owned(),
        Kind::Code => one(dice, &["noSuchCode", "", "ACTIVE", "active "]).to_owned(),
        Kind::Rfc => one(
            dice,
            &["GOM85", "cmu-010203-ab1", "CMU019903AB1", "GOMC850301AB1", "ÑÑÑ010203&&1", "XAXX010101000"],
        )
        .to_owned(),
        Kind::Place => one(
            dice,
            &["-100.40, 25.65", "25.65", "91, 181", "25°39'N 100°24'W", "0, 0", "aquí", "25.65,-100.40,5"],
        )
        .to_owned(),
        Kind::Method => one(dice, &["magic", "map ", ""]).to_owned(),
    }
}

#[test]
fn e5_what_the_equipment_lets_through_is_accepted() {
    let mut room = Room::new();
    let began = Instant::now();
    let (mut clean, mut dirty, mut told) = (BTreeMap::new(), 0, BTreeSet::new());
    for round in 0..ROUNDS {
        room.clock.0.store(round as i64 * 86_400, Ordering::SeqCst);
        let processes = room.processes();
        // Half on each of two processors: reading and checking is most of what this takes.
        let half = |part: usize| {
            let mut dice = Dice::new((round * 2 + part) as u64);
            let some = processes.iter().enumerate().skip(part).step_by(2);
            some.map(|(n, process)| Drafted::make(&mut dice, &room, n, process)).collect::<Vec<_>>()
        };
        let drafts: Vec<Drafted> = std::thread::scope(|scope| {
            let other = scope.spawn(|| half(1));
            let mut all = half(0);
            all.extend(other.join().unwrap());
            all
        });

        let is_wrong = |draft: &&Drafted| !errors(&draft.shown).is_empty();
        for draft in drafts.iter().filter(is_wrong) {
            dirty += 1;
            told.extend(errors(&draft.shown));
        }
        // What the equipment lets through, a little later by the endpoint's clock.
        room.clock.0.fetch_add(5, Ordering::SeqCst);
        let good: Vec<&Drafted> = drafts.iter().filter(|draft| !is_wrong(draft)).collect();
        for (draft, (verdict, rules)) in good.iter().zip(room.send(&good)) {
            assert_eq!(
                (verdict, &rules),
                (Verdict::Received, &BTreeSet::new()),
                "{}: {:#?}",
                draft.form.id,
                draft.values
            );
        }
        room.decide();
        let tx = room.endpoint.store.read().unwrap();
        for draft in good {
            let stored = tx.follow_up(draft.follow_up.id).unwrap().unwrap();
            assert_eq!(
                (stored.state, &stored.held, errors(&stored.findings)),
                (State::Accepted, &None, BTreeSet::new()),
                "{}: {:#?}",
                draft.form.id,
                draft.values
            );
            *clean.entry(draft.form.id.as_str()).or_insert(0) += 1;
        }
        drop(tx);

        // What both sides find wrong, sent all the same by something that is not the equipment's own program: rejected,
        // for the same rules. A part is enough: each is looked at three times.
        let wrong: Vec<&Drafted> =
            drafts.iter().filter(|draft| !errors(&draft.both).is_empty()).step_by(4).collect();
        let now = room.processes();
        let wrong: Vec<&Drafted> = wrong
            .into_iter()
            .filter(|draft| now.iter().any(|p| p.ocid == draft.follow_up.ocid && p.version == draft.version))
            .collect();
        for (draft, (verdict, rules)) in wrong.iter().zip(room.send(&wrong)) {
            assert_eq!((verdict, rules), (Verdict::Rejected, errors(&draft.both)), "{:#?}", draft.values);
            // And whoever captured was told of each place, by that rule or because the field cannot be read at all.
            for finding in draft.both.iter().filter(|finding| finding.severity == Severity::Error) {
                let here = draft.shown.iter().find(|shown| shown.pointer == finding.pointer);
                assert!(here.is_some_and(|shown| shown.severity == Severity::Error), "{finding:?}");
            }
        }
        if round == 0 {
            println!("a round of {PROJECTS} in {:?}", began.elapsed());
        }
    }
    let accepted: usize = clean.values().sum();
    println!(
        "{} drafts in {:?}: {clean:?} accepted, {dirty} held on the equipment by {told:?}",
        PROJECTS * ROUNDS,
        began.elapsed()
    );
    assert_eq!(accepted + dirty, 10_000);
    assert!(
        clean.len() == shipped().len() && clean.values().all(|count| *count >= 20) && accepted > 1_500,
        "{clean:?}"
    );
    assert!(dirty > 2_000 && told.len() >= 15, "{dirty} {told:?}");
    // Every rule that can hold a draft has its sentence on both sides: `sentences` looks at each list.
    let known: BTreeSet<&str> = (ocds::check::RULES.iter())
        .chain(domain::follow_up::RULES)
        .chain(domain::form::RULES)
        .copied()
        .collect();
    assert!(told.iter().all(|rule| known.contains(rule.as_str())), "{told:?}");
}
