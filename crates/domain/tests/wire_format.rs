//! A snapshot of everything that travels or is stored as JSON, and a round trip of each: changing the wire is a
//! visible act (`cargo insta review`, or `INSTA_UPDATE=always`).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use chrono::{DateTime, NaiveDate, Utc};
use domain::alert::{Alert, AlertKind, Light, Thresholds};
use domain::conflict::{Author, Chosen, Conflict, ConflictChoice, Overlap, Resolution, Standing};
use domain::evidence::{EvidenceRef, MediaType, PhotoSize};
use domain::follow_up::{
    FollowUp, FollowUpFile, FollowUpState, FormRef, Held, Internal, Percent, Progress, Stage, State,
};
use domain::history::{Change, ChangeKind, Head};
use domain::opinion::{Opinion, OpinionImpact, OpinionStanding, OpinionState, OpinionStep, OpinionTopic};
use domain::person::{PersonCard, Role};
use domain::problem::{Code, Problem};
use domain::project::{LatestProgress, ProcessState, ProjectState};
use domain::receipt::{Receipt, ReceiptBody, Verdict};
use domain::relay::{RelayAnswer, RelayBatch, RelayFile, RelayManifest, RelayOffer, RelayReply};
use domain::review::{Decision, Observation, Review, ReviewAct, Round};
use domain::wire::*;
use domain::{Finding, Severity};
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Keeps the snapshot and reads it back: what was written is what is read.
fn kept<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{name}");
    insta::assert_json_snapshot!(name, value);
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n)
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + seconds, 250_000_000).unwrap()
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn person() -> PersonCard {
    PersonCard {
        id: id(1).to_string(),
        name: "Persona de muestra".into(),
        role: Role::Enlace,
        area: "Obras de muestra".into(),
        trained: true,
    }
}

fn municipality() -> MunicipalityCard {
    MunicipalityCard {
        id: "municipio".into(),
        name: "Municipio de muestra".into(),
        prefix: "ocds-000000".into(),
        prefix_registered: false,
        currency: "MXN".into(),
        offset_minutes: -360,
        public_url: "https://pp.example.org".into(),
        photo: PhotoSize { longest: 2048, quality: 85 },
        alerts: Thresholds { follow_up_days: 45, ..Thresholds::default() },
        sealing_key: Some("5e".repeat(32)),
    }
}

fn file() -> EvidenceRef {
    EvidenceRef {
        sha256: "ab".repeat(32),
        size: 1234,
        media_type: MediaType::Jpeg,
        document_type: "illustration".into(),
        title: Some("Antes".into()),
        reduced_from: Some("cd".repeat(32)),
    }
}

fn progress() -> Progress {
    let half = Percent { planned: Some(Decimal::from(50)), actual: Some(Decimal::new(333, 1)) };
    Progress { physical: Some(half), financial: Some(Percent { planned: None, actual: Some(Decimal::ZERO) }) }
}

fn follow_up() -> FollowUp {
    FollowUp {
        id: id(2),
        project: "d1_p1".into(),
        ocid: "ocds-000000-d1_p1".into(),
        form: Some(FormRef { id: "implementation".into(), version: 1 }),
        content: FollowUpFile {
            stage: Stage::Implementation,
            visited_on: NaiveDate::from_ymd_opt(2026, 3, 12),
            progress: Some(progress()),
            reason: Some("Se demolió un tramo.".into()),
            release: map(
                json!({"contracts": [{"id": "1", "awardID": "1", "value": {"amount": 1234.5, "currency": "MXN"}}]}),
            ),
            internal: Internal {
                notes: "Nota".into(),
                fields: map(json!({"supplierRfc": "X"})),
                lacking: [("contractSigned".into(), "requested".into())].into(),
            },
            ocid: Some("ocds-000000-d1_p1".into()),
            contract: Some("1".into()),
            corrects: Some("S-00000-00001".into()),
        },
        evidence: vec![file()],
    }
}

fn finding() -> Finding {
    Finding {
        pointer: "/progress/physical/actual".into(),
        rule: "percent-range".into(),
        severity: Severity::Error,
        params: map(json!({"value": "101"})),
    }
}

fn conflict() -> Conflict {
    let author = |n: u128, role, area: &str| Author {
        op_id: id(n),
        folio: "S-00000-00002".into(),
        role,
        area: area.into(),
        captured_at: at(0),
    };
    Conflict {
        version: 3,
        since: at(2),
        held: author(3, Role::Campo, "Obras de muestra"),
        standing: vec![
            Standing {
                release: "ocds-000000-d1_p1-2-0123456789ab".into(),
                version: 2,
                accepted_at: at(1),
                author: Some(author(9, Role::Enlace, "Otra área")),
            },
            Standing {
                release: "ocds-000000-d1_p1-3-0123456789ab".into(),
                version: 3,
                accepted_at: at(2),
                author: None,
            },
        ],
        overlaps: vec![Overlap {
            path: "/contracts/id=1/value/amount".into(),
            standing: json!(5),
            offered: json!(6),
            release: "ocds-000000-d1_p1-2-0123456789ab".into(),
        }],
        chosen: Some(Chosen {
            op_id: id(10),
            choice: choice(),
            role: Role::Coordinacion,
            area: "Coordinación".into(),
            by_author: false,
            at: at(6),
        }),
    }
}

fn choice() -> ConflictChoice {
    ConflictChoice {
        follow_up: id(2),
        standing: vec!["ocds-000000-d1_p1-2-0123456789ab".into()],
        version: 3,
        resolution: Resolution::Keep,
        reason: "El acta dice cinco.".into(),
    }
}

fn opinion() -> Opinion {
    Opinion {
        id: id(2),
        topic: OpinionTopic::Problem,
        impact: Some(OpinionImpact::Hinders),
        text: "La lista de proyectos tarda".into(),
        screen: "projects".into(),
        diagnostics: Some("Avance Abierto\nversion: 0.1.0".into()),
    }
}

fn act() -> ReviewAct {
    ReviewAct {
        follow_up: id(2),
        version: 1,
        decision: Decision::Observe,
        observations: vec![Observation {
            at: "/progress/physical/actual".into(),
            text: "La fotografía muestra menos".into(),
            due: NaiveDate::from_ymd_opt(2026, 3, 20),
        }],
        reason: None,
    }
}

fn review() -> Review {
    let ReviewAct { observations, .. } = act();
    let round = |op: u128, decision, observations, reason: Option<&str>, role, area: &str| Round {
        op_id: id(op),
        decision,
        observations,
        reason: reason.map(str::to_owned),
        role,
        area: area.into(),
        at: at(op as i64),
    };
    Review {
        since: at(5),
        rounds: vec![
            round(20, Decision::Observe, observations, None, Role::Coordinacion, "Coordinación"),
            round(
                21,
                Decision::Answer,
                Vec::new(),
                Some("Es de otro tramo"),
                Role::Enlace,
                "Obras de muestra",
            ),
        ],
        content: Some(Box::new(domain::review::shown(&follow_up().content))),
    }
}

fn receipt() -> Receipt {
    Receipt {
        body: ReceiptBody {
            op_id: id(3),
            folio: "S-00000-00002".into(),
            body_hash: "cd".repeat(32),
            evidence: vec!["ab".repeat(32)],
            stream: COMMON.into(),
            seq: 7,
            chain: "ef".repeat(32),
            recorded_at: at(1),
            key_id: "0123456789abcdef".into(),
            verdict: Verdict::Received,
        },
        signature: "00".repeat(64),
    }
}

fn operation(kind: OperationKind, body: Value) -> Operation {
    Operation {
        op_id: id(3),
        client_seq: 1,
        kind,
        record_id: id(2),
        base: Base { server_version: 1, after: vec![id(4)], epoch: Some(id(6)) },
        salt: "0a".repeat(16),
        body,
        captured_at: at(0),
        tz_offset_minutes: -360,
        clock_offset_ms: -1500,
        schema: SCHEMA,
        evidence: vec!["ab".repeat(32)],
    }
}

#[test]
fn enrolment_and_tokens() {
    kept(
        "health",
        &Health { service: SERVICE.into(), version: "0.1.0".into(), protocol: PROTOCOL, now: at(0) },
    );
    kept(
        "enrol_request",
        &EnrolRequest {
            code: "ABCDE12345".into(),
            public_key: "11".repeat(32),
            device_name: "Equipo".into(),
            app_version: "0.1.0".into(),
            protocol: PROTOCOL,
        },
    );
    kept(
        "enrol_answer",
        &EnrolAnswer {
            device_id: id(5),
            person: person(),
            municipality: municipality(),
            server_key: "22".repeat(32),
            server_epoch: id(6),
        },
    );
    kept("nonce_request", &NonceRequest { device_id: id(5) });
    kept("nonce_answer", &NonceAnswer { nonce: "33".repeat(16) });
    kept(
        "token_request",
        &TokenRequest { device_id: id(5), nonce: "33".repeat(16), signature: "44".repeat(64) },
    );
    kept("token_answer", &TokenAnswer { token: "55".repeat(32), expires_at: at(900), now: at(0) });
    assert_eq!(nonce_bytes(id(5), "33"), format!("avance-abierto token {} 33", id(5)).into_bytes());
}

#[test]
fn push() {
    let waiting = Waiting { folio: "S-00000-00002".into(), project: "d1_p1".into(), state: State::Ready };
    let placeholder = Placeholder { parked: id(3), body_hash: "cd".repeat(32) };
    kept(
        "push_request",
        &PushRequest {
            protocol: PROTOCOL,
            server_epoch: id(6),
            report: DeviceReport {
                app_version: "0.1.0".into(),
                waiting: vec![waiting],
                clock_offset_ms: -1500,
                free_bytes: Some(1_000_000),
            },
            operations: vec![
                operation(OperationKind::FollowUp, serde_json::to_value(follow_up()).unwrap()),
                operation(OperationKind::Placeholder, serde_json::to_value(placeholder).unwrap()),
                operation(OperationKind::Choice, serde_json::to_value(choice()).unwrap()),
                operation(OperationKind::Review, serde_json::to_value(act()).unwrap()),
                operation(OperationKind::Opinion, serde_json::to_value(opinion()).unwrap()),
            ],
        },
    );
    kept(
        "push_answer",
        &PushAnswer {
            server_epoch: id(6),
            now: at(2),
            results: vec![
                PushResult::Recorded {
                    op_id: id(3),
                    receipt: Box::new(receipt()),
                    findings: vec![finding()],
                },
                PushResult::Placed { op_id: id(7) },
                PushResult::Refused { op_id: id(8), problem: Problem::new(Code::Gap).with("last", 1) },
            ],
        },
    );
}

#[test]
fn a_kind_of_a_later_version_is_still_an_operation() {
    let mut later = serde_json::to_value(operation(OperationKind::Choice, json!({}))).unwrap();
    later["kind"] = json!("training_result");
    assert_eq!(serde_json::from_value::<Operation>(later).unwrap().kind, OperationKind::Unknown);
}

#[test]
fn pull() {
    let change = |kind, record_id: &str, state: Value| Change {
        stream: COMMON.into(),
        seq: 1,
        kind,
        record_id: record_id.into(),
        recorded_at: at(1),
        salt: "0b".repeat(16),
        state,
    };
    let project = ProjectState {
        folio: "d1_p1".into(),
        title: "Banquetas".into(),
        areas: vec!["Obras de muestra".into()],
        place: Some("d1".into()),
        processes: vec![ProcessState {
            ocid: "ocds-000000-d1_p1".into(),
            version: 2,
            compiled: json!({"id": "x"}),
        }],
        progress: Some(LatestProgress {
            progress: progress(),
            visited_on: NaiveDate::from_ymd_opt(2026, 3, 12),
            accepted_at: at(3),
            follow_up: "S-00000-00002".into(),
        }),
        url: Some("https://pp.example.org/proyectos/d1_p1/".into()),
    };
    kept("project_state", &project);
    kept("form_state", &FormState { id: "closure".into(), version: 3, source: json!({"$id": "closure"}) });
    let step = |standing, version: Option<&str>, reason: Option<&str>, area: Option<&str>| OpinionStep {
        standing,
        version: version.map(str::to_owned),
        reason: reason.map(str::to_owned),
        role: Role::Coordinacion,
        area: area.map(str::to_owned),
        at: at(7),
    };
    let opinion = OpinionState {
        id: id(12),
        op_id: id(13),
        folio: domain::opinion::folio(id(12)),
        topic: OpinionTopic::Problem,
        impact: Some(OpinionImpact::Hinders),
        received_at: at(6),
        steps: vec![
            step(OpinionStanding::Analysing, None, None, None),
            step(OpinionStanding::Declined, None, Some("Ya se puede con Ctrl+B"), Some("Coordinación")),
            step(OpinionStanding::Applied, Some("0.2.0"), None, Some("Coordinación")),
        ],
    };
    kept("opinion_state", &opinion);
    kept("change_of_an_opinion", &change(ChangeKind::Opinion, &id(12).to_string(), json!({"id": id(12)})));
    kept("change_of_a_form", &change(ChangeKind::Form, "closure/3", json!({"id": "closure"})));
    let mut state = FollowUpState {
        id: id(2),
        op_id: id(3),
        folio: "S-00000-00002".into(),
        project: "d1_p1".into(),
        ocid: "ocds-000000-d1_p1".into(),
        area: "obras-de-muestra".into(),
        stage: Stage::Implementation,
        state: State::Received,
        held: Some(Held::MissingFiles { count: 2, bytes: 3_100_000 }),
        captured_at: at(0),
        visited_on: NaiveDate::from_ymd_opt(2026, 3, 12),
        progress: Some(progress()),
        evidence: vec![file()],
        findings: vec![finding()],
        conflict: Some(Box::new(conflict())),
        review: None,
        release_id: None,
        url: None,
    };
    kept("follow_up_state_held", &state);
    state.conflict = None;
    state.held = Some(Held::Review);
    state.review = Some(Box::new(review()));
    kept("follow_up_state_review", &state);
    state.review = None;
    state.held = Some(Held::AfterHeld { folio: "S-00000-00001".into() });
    state.release_id = Some("ocds-000000-d1_p1-2-0123456789ab".into());
    state.url = Some("https://pp.example.org/proyectos/d1_p1/".into());
    state.state = State::Published;
    kept("follow_up_state_published", &state);
    kept(
        "pull_answer",
        &PullAnswer {
            server_epoch: id(6),
            now: at(4),
            person: person(),
            scope: vec![area_stream("obras-de-muestra"), COMMON.into()],
            changes: vec![
                change(ChangeKind::Municipality, "municipio", serde_json::to_value(municipality()).unwrap()),
                change(ChangeKind::Project, "d1_p1", json!({})),
                change(ChangeKind::FollowUp, &id(2).to_string(), json!({})),
                change(ChangeKind::Tombstone, "d1_p1", Value::Null),
            ],
            names: BTreeMap::from([(id(3), "Persona de muestra".to_owned())]),
            heads: BTreeMap::from([(COMMON.to_owned(), Head { seq: 4, chain: "ef".repeat(32) })]),
            cursor: "opaque".into(),
            has_more: false,
            snapshot: None,
        },
    );
    kept(
        "snapshot",
        &Snapshot {
            stream: COMMON.into(),
            head: Head { seq: 4_000, chain: "ef".repeat(32) },
            sha256: "ab".repeat(32),
            bytes: 300_000,
            raw_bytes: 4_000_000,
            records: 1_200,
        },
    );
    // The bytes that are hashed are part of the wire too.
    insta::assert_json_snapshot!(
        "commitment",
        change(ChangeKind::Project, "d1_p1", json!({"b": 1.0, "a": "á"})).commitment().unwrap()
    );
}

#[test]
fn evidence_devices_and_problems() {
    kept(
        "evidence_offer",
        &EvidenceOffer { sha256: "ab".repeat(32), size: 1234, media_type: "image/jpeg".into() },
    );
    kept("evidence_have", &EvidenceAnswer::Have);
    kept(
        "evidence_upload",
        &EvidenceAnswer::Upload { upload_id: "ab".repeat(32), chunk_size: 1_048_576, there: vec![0, 2] },
    );
    kept(
        "device_row",
        &DeviceRow {
            device_id: id(5),
            device: "Equipo".into(),
            person: "Persona de muestra".into(),
            role: Role::Campo,
            area: "Obras de muestra".into(),
            waiting: vec![Waiting {
                folio: "S-00000-00002".into(),
                project: "d1_p1".into(),
                state: State::Draft,
            }],
            last_contact: Some(at(5)),
            last_receipt: None,
            clock_offset_ms: 0,
            app_version: "0.1.0".into(),
            free_bytes: None,
            revoked: false,
        },
    );
    let codes: Vec<Value> = Code::ALL.iter().map(|code| json!([code, code.status(), code.retry()])).collect();
    insta::assert_json_snapshot!("problem_codes", codes);
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), json!(code.as_str()));
        let problem = Problem::new(*code).with("x", 1);
        assert_eq!(
            serde_json::from_value::<Problem>(serde_json::to_value(&problem).unwrap()).unwrap(),
            problem
        );
    }
    insta::assert_json_snapshot!("states", State::ALL);
    insta::assert_json_snapshot!("roles", Role::ALL);
    insta::assert_json_snapshot!("stages", Stage::ALL);
}

#[test]
fn relays() {
    let files = vec![EvidenceOffer { sha256: "ab".repeat(32), size: 1234, media_type: "image/jpeg".into() }];
    kept(
        "relay_manifest",
        &RelayManifest {
            format: domain::relay::FORMAT,
            device_id: id(5),
            municipality: "municipio".into(),
            made_at: at(0),
            reply_to: "5e".repeat(32),
            files,
        },
    );
    let problem = Problem::new(Code::Gap).with("last", 3);
    let answer =
        PushAnswer { server_epoch: id(9), now: at(1), results: vec![PushResult::Placed { op_id: id(10) }] };
    kept(
        "relay_reply",
        &RelayReply {
            format: domain::relay::FORMAT,
            relay: "cd".repeat(32),
            taken_at: at(1),
            batches: vec![
                RelayBatch { operations: vec![id(10)], answer: Some(answer), problem: None },
                RelayBatch { operations: vec![id(11)], answer: None, problem: Some(problem.clone()) },
            ],
            files: vec![
                RelayFile { sha256: "ab".repeat(32), problem: None },
                RelayFile { sha256: "ac".repeat(32), problem: Some(problem) },
            ],
        },
    );
    kept(
        "relay_offer",
        &RelayOffer {
            device_id: id(5),
            sha256: "cd".repeat(32),
            size: 1_200_000,
            sealed_for: "ef".repeat(8),
            signature: "01".repeat(64),
        },
    );
    kept("relay_answer", &RelayAnswer { upload_id: "cd".repeat(32), chunk_size: 1_048_576, there: vec![0] });
}

#[test]
fn alerts() {
    let params = [("title".to_owned(), json!("Colado")), ("on".to_owned(), json!("2026-03-05"))];
    kept(
        "alert",
        &Alert {
            kind: AlertKind::MilestoneOverdue,
            ocid: "ocds-000000-d1_p1".into(),
            pointer: "/contracts/0/milestones/0".into(),
            days: 5,
            params: params.into(),
        },
    );
    insta::assert_json_snapshot!("alert_kinds", AlertKind::ALL);
    insta::assert_json_snapshot!("lights", Light::ALL);
    for light in Light::ALL {
        assert_eq!(serde_json::to_value(light).unwrap(), json!(light.as_str()));
    }
}
