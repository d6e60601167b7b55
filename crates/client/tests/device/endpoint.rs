//! An endpoint of a few lines, enough to speak the protocol, with faults that a test switches on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use chrono::{DateTime, Utc};
use domain::history::{Change, ChangeKind, Head};
use domain::person::Role;
use domain::problem::{Code, Problem};
use domain::receipt::{Receipt, ReceiptBody, Verdict, body_hash, key_id, new_salt, sha256_hex};
use domain::wire::{
    EvidenceAnswer, Operation, OperationKind, PushAnswer, PushRequest, PushResult, SERVICE, SNAPSHOT_PIECE,
    Snapshot,
};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use uuid::Uuid;

/// What the endpoint does wrong.
#[derive(Default)]
pub struct Faults {
    /// Receipts name other bytes.
    pub tamper_receipts: bool,
    /// Receipts are signed with another key than the one that was given at enrolment.
    pub forge_receipts: bool,
    /// A page carries a change that was altered after its chain was made.
    pub alter_changes: bool,
    /// Answers every push with this.
    pub push: Option<Code>,
    /// Refuses operations of this follow-up, one by one, with this.
    pub refuse: Option<(Uuid, Code)>,
    /// An operation of another device of the same person consumes no number.
    pub known_needs_no_number: bool,
    /// A project that is another área's.
    pub out_of_scope: Option<&'static str>,
    /// Does not speak of this file.
    pub no_such_file: Option<String>,
    /// Codes belong to this person, not to p1.
    pub person: Option<&'static str>,
    /// Says 200 with a login page to everything.
    pub login_page: bool,
    /// Drops this many chunks after reading them.
    pub lose_chunks: u32,
    /// Answers 503 to a push with more operations than this.
    pub most: Option<usize>,
    /// Knows no token, this many times.
    pub forget_tokens: u32,
    /// Answers this to a push with an operation of this kind.
    pub no_kind: Option<(OperationKind, Code)>,
    /// Records but answers 500, this many times: the reply is lost.
    pub lose_replies: u32,
    /// Drops this many pieces of snapshots, from the second on.
    pub lose_pieces: u32,
    /// Turns a bit of this many pieces.
    pub damage_pieces: u32,
    /// Does not have the snapshot any more that it named, this many times.
    pub no_snapshots: u32,
    /// Leaves a record out of this many snapshots.
    pub short_snapshots: u32,
}

pub struct Data {
    pub faults: Faults,
    pub log: Vec<Operation>,
    /// Pushes, however empty.
    pub pushes: u32,
    /// Offers of files.
    pub offers: u32,
    pub reports: Vec<Value>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub chunks: BTreeMap<(String, u64), Vec<u8>>,
    pub chunk_requests: u32,
    pub changes: Vec<Change>,
    pub heads: BTreeMap<String, Head>,
    pub scope: Vec<String>,
    /// Last number of each device.
    pub last_seq: BTreeMap<Uuid, u64>,
    pub epoch: Uuid,
    /// Role of whoever a code or a page is for.
    pub role: Role,
    /// Names that a page carries.
    pub names: BTreeMap<Uuid, String>,
    /// Begins `area:obras` with a snapshot for who says that it can.
    pub snapshots: bool,
    /// Snapshots by hash.
    pub packed: BTreeMap<String, Vec<u8>>,
    /// Pieces that were asked for.
    pub pieces: Vec<u64>,
    /// What pulls are answered with as `Sync-Hint`.
    pub hint: Option<&'static str>,
    /// Queries of pulls.
    pub pulls: Vec<BTreeMap<String, String>>,
    answers: BTreeMap<Uuid, (Uuid, PushResult)>,
    key: SigningKey,
    public_keys: Vec<String>,
}

#[derive(Clone)]
pub struct Endpoint {
    data: Arc<Mutex<Data>>,
    url: String,
}

impl Endpoint {
    pub async fn start() -> Endpoint {
        let data = Data {
            faults: Faults::default(),
            log: Vec::new(),
            pushes: 0,
            offers: 0,
            reports: Vec::new(),
            files: BTreeMap::new(),
            chunks: BTreeMap::new(),
            chunk_requests: 0,
            changes: Vec::new(),
            heads: BTreeMap::new(),
            scope: vec!["common".into(), "area:obras".into()],
            last_seq: BTreeMap::new(),
            epoch: Uuid::from_u128(1),
            role: Role::Enlace,
            names: BTreeMap::new(),
            snapshots: false,
            packed: BTreeMap::new(),
            pieces: Vec::new(),
            hint: None,
            pulls: Vec::new(),
            answers: BTreeMap::new(),
            key: SigningKey::from_bytes(&[5; 32]),
            public_keys: Vec::new(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let endpoint = Endpoint { data: Arc::new(Mutex::new(data)), url };
        endpoint.data().add(
            "area:obras",
            ChangeKind::Project,
            "d1_p1",
            project("d1_p1", "Jardín de la Ñ", 1),
        );
        endpoint.data().add("common", ChangeKind::Project, "d2_p2", project("d2_p2", "Banquetas", 1));
        let router = Router::new()
            .route("/api/v1/health", get(health))
            .route("/api/v1/enrol", post(enrol))
            .route("/api/v1/auth/nonce", post(|| async { axum::Json(json!({"nonce": "abcd"})) }))
            .route("/api/v1/auth/token", post(token))
            .route("/api/v1/sync/push", post(push))
            .route("/api/v1/sync/pull", get(pull))
            .route("/api/v1/sync/snapshot/{sha256}/{n}", get(piece))
            .route("/api/v1/evidence", post(offer))
            .route("/api/v1/evidence/{upload}/{n}", put(chunk))
            .route("/api/v1/evidence/{upload}/complete", post(complete))
            .with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        endpoint
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }
}

impl Data {
    pub fn add(&mut self, stream: &str, kind: ChangeKind, record_id: &str, state: Value) {
        let head = self.heads.entry(stream.to_owned()).or_default();
        let change = Change {
            stream: stream.to_owned(),
            seq: head.seq + 1,
            kind,
            record_id: record_id.to_owned(),
            recorded_at: now(),
            salt: new_salt(),
            state,
        };
        head.take(&change).unwrap();
        self.changes.push(change);
    }

    /// The last change of every record of `area:obras`.
    fn snapshot(&mut self) -> Snapshot {
        let stream = "area:obras";
        let mut last = BTreeMap::new();
        for change in self.changes.iter().filter(|change| change.stream == stream) {
            match change.kind {
                ChangeKind::Tombstone => last.remove(&change.record_id),
                _ => last.insert(change.record_id.clone(), change.clone()),
            };
        }
        let mut last: Vec<Change> = last.into_values().collect();
        last.sort_by_key(|change| change.seq);
        let records = last.len() as u64;
        if self.faults.short_snapshots > 0 {
            self.faults.short_snapshots -= 1;
            last.pop();
        }
        let lines: String = last.iter().map(|change| format!("{}\n", json!(change))).collect();
        let packed = zstd::encode_all(lines.as_bytes(), 3).unwrap();
        let (sha256, bytes) = (sha256_hex(&packed), packed.len() as u64);
        self.packed.insert(sha256.clone(), packed);
        let (raw_bytes, head) = (lines.len() as u64, self.heads[stream].clone());
        Snapshot { stream: stream.into(), head, sha256, bytes, raw_bytes, records }
    }

    fn record(&mut self, device: Uuid, operation: &Operation) -> PushResult {
        let last = self.last_seq.get(&device).copied().unwrap_or(0);
        let op_id = operation.op_id;
        if let Some((of, answer)) = self.answers.get(&op_id) {
            if *of != device && operation.client_seq == last + 1 && !self.faults.known_needs_no_number {
                self.last_seq.insert(device, last + 1);
            }
            return answer.clone();
        }
        if let Some((refused, code)) = self.faults.refuse
            && refused == operation.record_id
        {
            let problem = Problem::new(code);
            return PushResult::Refused { op_id, problem };
        }
        if self.faults.out_of_scope.is_some_and(|folio| operation.body["project"] == folio) {
            let folio = operation.body["project"].clone();
            return PushResult::Refused {
                op_id,
                problem: Problem::new(Code::OutOfScope).with("folio", folio),
            };
        }
        if operation.client_seq != last + 1 {
            let problem = if operation.client_seq > last {
                Problem::new(Code::Gap).with("last", last)
            } else {
                Problem::new(Code::DeviceForked).with("clientSeq", operation.client_seq)
            };
            return PushResult::Refused { op_id, problem };
        }
        self.last_seq.insert(device, last + 1);
        self.log.push(operation.clone());
        let answer = match operation.kind {
            OperationKind::Placeholder => PushResult::Placed { op_id: operation.op_id },
            OperationKind::Unknown => {
                let problem = Problem::new(Code::KindUnknown);
                PushResult::Refused { op_id, problem }
            }
            OperationKind::FollowUp
            | OperationKind::Choice
            | OperationKind::Review
            | OperationKind::Opinion => {
                let folio = operation.folio();
                let body = ReceiptBody {
                    op_id: operation.op_id,
                    folio: folio.clone(),
                    body_hash: if self.faults.tamper_receipts {
                        "00".repeat(32)
                    } else {
                        body_hash(&operation.salt, &operation.body).unwrap()
                    },
                    evidence: operation.evidence.clone(),
                    stream: "area:obras".into(),
                    seq: self.log.len() as u64,
                    chain: "00".repeat(32),
                    recorded_at: now(),
                    key_id: key_id(&self.key.verifying_key()),
                    verdict: Verdict::Received,
                };
                let other = SigningKey::from_bytes(&[6; 32]);
                let key = if self.faults.forge_receipts { &other } else { &self.key };
                let receipt = Box::new(Receipt::sign(body, key).unwrap());
                PushResult::Recorded { op_id: operation.op_id, receipt, findings: Vec::new() }
            }
        };
        self.answers.insert(op_id, (device, answer.clone()));
        answer
    }

    /// Accepts what was recorded, as the stream says it.
    pub fn accept_all(&mut self) {
        for operation in self.log.clone() {
            if operation.kind == OperationKind::FollowUp {
                self.decide(&operation, "accepted");
            }
        }
    }

    /// Says in the stream what was decided of an operation.
    pub fn decide(&mut self, operation: &Operation, state: &str) {
        let state = Data::state_of(operation, state);
        self.add("area:obras", ChangeKind::FollowUp, &operation.record_id.to_string(), state);
    }

    /// The state of a follow-up as a stream says it.
    pub fn state_of(operation: &Operation, state: &str) -> Value {
        let body = &operation.body;
        json!({"id": operation.record_id, "opId": operation.op_id,
                "folio": domain::follow_up::folio(operation.record_id), "project": body["project"], "ocid": body["ocid"],
                "area": "obras", "stage": body["content"]["stage"], "state": state, "capturedAt": operation.captured_at,
                "visitedOn": body["content"]["visitedOn"], "progress": body["content"]["progress"], "evidence": [], "findings": []})
    }

    /// As after a restore from an empty copy.
    pub fn forget(&mut self, epoch: u128) {
        self.epoch = Uuid::from_u128(epoch);
        self.log.clear();
        self.answers.clear();
        self.files.clear();
        self.last_seq.clear();
    }

    /// As after a restore that nobody told it of: streams, operations and numbers end where they did then.
    pub fn rewind(&mut self, changes: usize, operations: usize) {
        self.changes.truncate(changes);
        self.heads.clear();
        for change in &self.changes {
            self.heads.entry(change.stream.clone()).or_default().take(change).unwrap();
        }
        for lost in self.log.split_off(operations) {
            if let Some((device, _)) = self.answers.remove(&lost.op_id) {
                let last = self.last_seq.entry(device).or_default();
                *last = (*last).min(lost.client_seq - 1);
            }
        }
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-22T18:00:00Z".parse().unwrap()
}

pub fn project(folio: &str, title: &str, version: u64) -> Value {
    let ocid = format!("ocds-000000-{folio}");
    json!({"folio": folio, "title": title, "areas": ["obras"], "place": "Centro", "processes": [{"ocid": ocid, "version": version,
        "compiled": {"ocid": ocid, "id": format!("{ocid}-x"), "date": "2026-01-01T00:00:00.000Z", "tag": ["compiled"],
            "initiationType": "tender", "buyer": {"id": "MX-M", "name": "Municipio"},
            "parties": [{"id": "MX-M", "name": "Municipio", "roles": ["buyer"]}],
            "tender": {"id": "T1", "title": title, "status": "complete"},
            "awards": [{"id": "A1", "status": "active", "title": "Obra"}],
            "contracts": [{"id": "C1", "awardID": "A1", "status": "active", "title": "Obra"}],
            "planning": {"budget": {"amount": {"amount": 1000, "currency": "MXN"}}}}}]})
}

fn problem(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.code.status()).unwrap();
    let body = serde_json::to_vec(&problem).unwrap();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}

async fn health(State(endpoint): State<Endpoint>) -> Response {
    if endpoint.data().faults.login_page {
        return axum::response::Html("<html>Acceso a la red</html>").into_response();
    }
    axum::Json(json!({"service": SERVICE, "version": "0", "protocol": 1, "now": now()})).into_response()
}

async fn enrol(State(endpoint): State<Endpoint>, axum::Json(request): axum::Json<Value>) -> Response {
    let mut data = endpoint.data();
    let public_key = request["publicKey"].as_str().unwrap().to_owned();
    if let Some(known) = data.public_keys.last()
        && *known != public_key
        && request["code"] == "ABCDE-12345"
    {
        return problem(Problem::new(Code::CodeUsed));
    }
    if data.public_keys.last() != Some(&public_key) {
        data.public_keys.push(public_key);
    }
    let device = Uuid::from_u128(70 + data.public_keys.len() as u128);
    let person = data.faults.person.unwrap_or("p1");
    axum::Json(json!({"deviceId": device,
        "person": {"id": person, "name": "Persona Uno", "role": data.role.as_str(), "area": "Obras", "trained": true},
        "municipality": {"id": "m", "name": "Municipio", "prefix": "ocds-000000", "prefixRegistered": false, "currency": "MXN",
            "offsetMinutes": -360, "publicUrl": "http://127.0.0.1/p", "sealingKey": domain::seal::sealing_key(&data.key)},
        "serverKey": hex::encode(data.key.verifying_key().as_bytes()), "serverEpoch": data.epoch}))
    .into_response()
}

async fn token(axum::Json(request): axum::Json<Value>) -> Response {
    // Whose it is can be read in it.
    axum::Json(json!({"token": request["deviceId"], "expiresAt": now() + chrono::TimeDelta::minutes(15), "now": now()}))
        .into_response()
}

async fn push(State(endpoint): State<Endpoint>, headers: HeaderMap, body: Bytes) -> Response {
    let mut data = endpoint.data();
    data.pushes += 1;
    let bearer = headers[header::AUTHORIZATION].to_str().unwrap();
    let device: Uuid = bearer.strip_prefix("Bearer ").unwrap().parse().unwrap();
    let request: PushRequest = serde_json::from_slice(&zstd::decode_all(&body[..]).unwrap()).unwrap();
    if let Some(code) = data.faults.push {
        return problem(Problem::new(code));
    }
    if data.faults.forget_tokens > 0 {
        data.faults.forget_tokens -= 1;
        return problem(Problem::new(Code::Unauthenticated));
    }
    if let Some((kind, code)) = data.faults.no_kind
        && request.operations.iter().any(|operation| operation.kind == kind)
    {
        return problem(Problem::new(code));
    }
    if data.faults.most.is_some_and(|most| request.operations.len() > most) {
        return problem(Problem::new(Code::Unavailable));
    }
    data.reports.push(serde_json::to_value(&request.report).unwrap());
    let mut results: Vec<PushResult> = Vec::new();
    for operation in &request.operations {
        // Behind one of another área nothing else is looked at.
        let stopped = results.iter().find_map(|result| match result {
            PushResult::Refused { problem, .. } if problem.code == Code::OutOfScope => Some(problem.clone()),
            _ => None,
        });
        results.push(match stopped {
            Some(problem) => PushResult::Refused { op_id: operation.op_id, problem },
            None => data.record(device, operation),
        });
    }
    if data.faults.lose_replies > 0 && !request.operations.is_empty() {
        data.faults.lose_replies -= 1;
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let answer = PushAnswer { server_epoch: data.epoch, now: now(), results };
    let packed = zstd::encode_all(&serde_json::to_vec(&answer).unwrap()[..], 1).unwrap();
    ([(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "zstd")], packed).into_response()
}

async fn pull(State(endpoint): State<Endpoint>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let mut data = endpoint.data();
    let person = data.faults.person.unwrap_or("p1");
    data.pulls.push(query.clone());
    // One change a page, so that every pull crosses pages; after a snapshot, none of those it stands for.
    let (from, done) = query["cursor"].split_once('+').unwrap_or((&query["cursor"], "0"));
    let (from, mut done): (usize, u64) = (from.parse().unwrap_or(0), done.parse().unwrap_or(0));
    let asked = query.get("snapshots").is_some_and(|value| value == "true");
    let snapshot = (data.snapshots && asked && query["cursor"].is_empty()).then(|| data.snapshot());
    if let Some(snapshot) = &snapshot {
        done = snapshot.head.seq;
    }
    let todo = |from: usize| {
        let changes = data.changes.iter().enumerate().skip(from);
        changes.filter(move |(_, change)| change.stream != "area:obras" || change.seq > done)
    };
    let (cursor, mut changes): (usize, Vec<Change>) = match todo(from).next() {
        Some((at, change)) if snapshot.is_none() => (at + 1, vec![change.clone()]),
        _ => (from.min(data.changes.len()), Vec::new()),
    };
    let has_more = todo(cursor).next().is_some() || snapshot.is_some();
    if data.faults.alter_changes {
        changes.iter_mut().for_each(|change| change.state["title"] = json!("otro"));
    }
    changes.retain(|change| data.scope.contains(&change.stream));
    let cursor = if done > 0 { format!("{cursor}+{done}") } else { cursor.to_string() };
    let heads: BTreeMap<_, _> = data.heads.iter().filter(|(stream, _)| data.scope.contains(stream)).collect();
    let hint = data.hint.map(|hint| [("sync-hint", hint)]);
    let answer = axum::Json(json!({"serverEpoch": data.epoch, "now": now(),
        "person": {"id": person, "name": "Persona Uno", "role": data.role.as_str(), "area": "Obras", "trained": true},
        "scope": data.scope, "changes": changes, "names": data.names, "heads": heads, "cursor": cursor, "hasMore": has_more,
        "snapshot": snapshot}));
    hint.map_or_else(|| answer.clone().into_response(), |hint| (hint, answer.clone()).into_response())
}

async fn piece(
    State(endpoint): State<Endpoint>,
    Path((sha256, n)): Path<(String, u64)>,
) -> Result<Vec<u8>, Response> {
    let mut data = endpoint.data();
    data.pieces.push(n);
    if data.faults.no_snapshots > 0 {
        data.faults.no_snapshots -= 1;
        return Err(problem(Problem::new(Code::NotFound)));
    }
    if data.faults.lose_pieces > 0 && n > 0 {
        data.faults.lose_pieces -= 1;
        return Err(StatusCode::BAD_GATEWAY.into_response());
    }
    let mut piece = data.packed[&sha256].chunks(SNAPSHOT_PIECE).nth(n as usize).unwrap().to_vec();
    if data.faults.damage_pieces > 0 {
        data.faults.damage_pieces -= 1;
        piece[7] ^= 1;
    }
    Ok(piece)
}

async fn offer(State(endpoint): State<Endpoint>, axum::Json(offer): axum::Json<Value>) -> Response {
    let mut data = endpoint.data();
    data.offers += 1;
    let sha256 = offer["sha256"].as_str().unwrap().to_owned();
    if data.faults.no_such_file.as_ref() == Some(&sha256) {
        return problem(Problem::new(Code::NotFound));
    }
    if data.files.contains_key(&sha256) {
        return axum::Json(EvidenceAnswer::Have).into_response();
    }
    let there = data.chunks.keys().filter(|(upload, _)| *upload == sha256).map(|(_, n)| *n).collect();
    // Chunks of a few bytes, so that a small photograph has many.
    axum::Json(EvidenceAnswer::Upload { upload_id: sha256, chunk_size: 300, there }).into_response()
}

async fn chunk(
    State(endpoint): State<Endpoint>,
    Path((upload, n)): Path<(String, u64)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut data = endpoint.data();
    data.chunk_requests += 1;
    assert_eq!(headers["x-chunk-sha256"].to_str().unwrap(), sha256_hex(&body));
    if data.faults.lose_chunks > 0 && n > 0 {
        data.faults.lose_chunks -= 1;
        return StatusCode::BAD_GATEWAY.into_response();
    }
    data.chunks.insert((upload, n), body.to_vec());
    taken()
}

async fn complete(State(endpoint): State<Endpoint>, Path(upload): Path<String>) -> Response {
    let mut data = endpoint.data();
    let whole: Vec<u8> = data
        .chunks
        .iter()
        .filter(|((name, _), _)| *name == upload)
        .flat_map(|(_, bytes)| bytes.clone())
        .collect();
    if sha256_hex(&whole) != upload {
        return problem(Problem::new(Code::EvidenceHashMismatch));
    }
    data.files.insert(upload, whole);
    taken()
}

/// The endpoint's answer without a body carries the digest of nothing.
fn taken() -> Response {
    (StatusCode::NO_CONTENT, [(domain::wire::BODY_SHA256, sha256_hex(b""))]).into_response()
}
