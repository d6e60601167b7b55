//! Push: what devices offer is recorded exactly once, answered with a receipt, and decided afterwards.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::conflict::{ConflictChoice, MAX_REASON};
use domain::follow_up::{FollowUp, State};
use domain::history::ChangeKind;
use domain::opinion::{self, Opinion};
use domain::person::{Action, area_id, can};
use domain::problem::{Code, Problem};
use domain::receipt::{Receipt, ReceiptBody, Verdict, body_hash, key_id};
use domain::review::ReviewAct;
use domain::seeded::{self, Bug};
use domain::wire::{
    Base, DeviceReport, MAX_OPERATIONS, Operation, OperationKind, PROTOCOL, Placeholder, PushAnswer,
    PushRequest, PushResult, SCHEMA,
};
use domain::{Finding, Severity};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::accept;
use crate::auth::Actor;
use crate::choose::{Choosing, Offered, choose};
use crate::endpoint::Endpoint;
use crate::problem::Answer;
use crate::review::{self, Reviewing, review};
use crate::state;
use crate::store::{Entry, JobKind, Project, StoreError, StoredFollowUp, StoredOperation, Tx};
use crate::sync::group::Recorded;

/// Most releases that a choice cites: what is in the history is bounded.
const MAX_STANDING: usize = 1_000;

/// Records a batch in one transaction, which it may share with others, and answers each operation.
///
/// # Errors
/// A batch that is not one (too many operations, an unknown protocol), or a first operation that cannot follow: then
/// nothing is recorded. A later one that cannot follow is refused alone, with everything after it.
pub fn push(endpoint: &Endpoint, actor: &Actor, request: PushRequest) -> Answer<PushAnswer> {
    actor.may(needed(&request.operations))?;
    if request.protocol > PROTOCOL {
        return Err(Problem::new(Code::UpgradeRequired).with("speaks", PROTOCOL).into());
    }
    if request.operations.len() > MAX_OPERATIONS {
        let problem = Problem::new(Code::MalformedRequest);
        return Err(problem.with("detail", format!("more than {MAX_OPERATIONS} operations")).into());
    }
    let _under_way = endpoint.pushes.come();
    let PushRequest { report, operations, .. } = request;
    // Everything that needs no row is checked before the transaction begins, and what only needs to read one too.
    let mut checked: Vec<Checked> = operations.into_iter().map(check).collect::<Result<_, Problem>>()?;
    foresee(endpoint, &mut checked)?;
    let (device_id, count) = (actor.device_id, checked.len());
    let work = move |endpoint: &Endpoint, tx: &dyn Tx| batch(endpoint, tx, device_id, &report, &checked);
    endpoint.pushes.take(endpoint, count, Box::new(work))
}

/// What somebody must be allowed who offers these. Who only reads has opinions too, and nothing else to offer.
fn needed(operations: &[Operation]) -> Action {
    let opines =
        |operation: &Operation| matches!(operation.kind, OperationKind::Opinion | OperationKind::Placeholder);
    if !operations.is_empty() && operations.iter().all(opines) { Action::Opine } else { Action::Push }
}

/// Records a batch in a transaction that somebody else commits.
fn batch(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    device_id: Uuid,
    report: &DeviceReport,
    checked: &[Checked],
) -> Answer<Recorded> {
    // After the writer was obtained: nothing else is recorded between this instant and the commit, but what shares it.
    let now = endpoint.now();
    let device = tx.device(device_id)?.ok_or(Code::DeviceRevoked)?;
    if device.revoked_at.is_some() {
        return Err(Code::DeviceRevoked.into());
    }
    let person = tx.person(&device.person_id)?.ok_or(Code::DeviceRevoked)?;
    let actor = Actor { device_id, person };
    let mut recorder = Recorder {
        endpoint,
        tx,
        actor: &actor,
        app_version: &report.app_version,
        now,
        last: device.last_seq,
        pending: Vec::new(),
        entries: Vec::new(),
    };
    let mut results: Vec<Option<PushResult>> = Vec::with_capacity(checked.len());
    let mut stopped: Option<Problem> = None;
    for (index, operation) in checked.iter().enumerate() {
        if let Some(problem) = &stopped {
            results.push(Some(PushResult::Refused {
                op_id: operation.operation.op_id,
                problem: problem.clone(),
            }));
            continue;
        }
        match recorder.take(operation)? {
            Taken::Known(result) => results.push(Some(result)),
            Taken::New => results.push(None),
            // What is behind one that waits for what was lost, or whose project is another área's now, may go on: it is
            // refused alone, also as the first.
            Taken::Refused(problem)
                if index == 0
                    && !matches!(problem.code, Code::ProjectLost | Code::FollowUpLost | Code::OutOfScope) =>
            {
                return Err(problem.into());
            }
            Taken::Refused(problem) => {
                results.push(Some(PushResult::Refused {
                    op_id: operation.operation.op_id,
                    problem: problem.clone(),
                }));
                stopped = Some(problem);
            }
        }
    }
    let last = recorder.last;
    let mut fresh = recorder.finish()?.into_iter();
    let received = fresh.len() > 0;
    let results: Vec<PushResult> =
        results.into_iter().filter_map(|result| result.or_else(|| fresh.next())).collect();
    tx.report_device(device_id, report, now)?;
    tx.advance_device(device_id, last, received, now)?;
    Ok(Recorded { answer: PushAnswer { server_epoch: endpoint.epoch, now, results }, received })
}

/// An operation whose own parts agree.
struct Checked {
    operation: Operation,
    body_hash: String,
    body: Body,
    foreseen: Option<Foreseen>,
}

/// What is found in a follow-up upon a version of its process, on a day.
struct Foreseen {
    version: u64,
    today: NaiveDate,
    findings: Vec<Finding>,
}

/// Looks at follow-ups upon the process as it is now, before the writer is taken: it is what takes longest. It holds
/// only if the process still has that version then. What is not good is looked at again in the transaction: rejecting
/// is for good, and is done upon what is there at its instant.
fn foresee(endpoint: &Endpoint, checked: &mut [Checked]) -> Answer<()> {
    let municipality = &endpoint.config.municipality;
    let now = endpoint.now();
    let today = domain::release::today(now, municipality.offset_minutes);
    let mut tx = None;
    for one in checked {
        let Body::FollowUp(follow_up) = &one.body else { continue };
        if !one.operation.base.after.is_empty() {
            continue;
        }
        if tx.is_none() {
            tx = Some(endpoint.store.read()?);
        }
        let Some(tx) = &tx else { continue };
        let process = tx.process(&follow_up.ocid)?;
        let Some(process) = process.filter(|process| process.version == one.operation.base.server_version)
        else {
            continue;
        };
        let findings = domain::release::assess(follow_up, &state::basis(municipality, &process), now);
        if findings.iter().all(|finding| finding.severity != Severity::Error) {
            one.foreseen = Some(Foreseen { version: process.version, today, findings });
        }
    }
    Ok(())
}

enum Body {
    FollowUp(Box<FollowUp>),
    Placeholder,
    Choice(ConflictChoice),
    Review(ReviewAct),
    Opinion(Opinion),
    /// Its schema is of a later version than this program.
    Newer,
    /// So is its kind: nothing else of the device has to wait for it.
    UnknownKind,
    /// It cannot be read as what it says it is: recorded as rejected, with the reason.
    Unreadable(String),
}

fn check(operation: Operation) -> Result<Checked, Problem> {
    let malformed = |detail: String| {
        Problem::new(Code::MalformedRequest).with("opId", operation.op_id.to_string()).with("detail", detail)
    };
    if operation.salt.len() != 32 {
        return Err(malformed("the salt does not have 16 bytes".into()));
    }
    let body_hash =
        body_hash(&operation.salt, &operation.body).map_err(|error| malformed(error.to_string()))?;
    if operation.client_seq == 0 {
        return Err(malformed("clientSeq begins at 1".into()));
    }
    let body = match operation.kind {
        OperationKind::Placeholder => match Placeholder::deserialize(&operation.body) {
            Ok(_) => Body::Placeholder,
            Err(error) => return Err(malformed(error.to_string())),
        },
        OperationKind::Unknown => Body::UnknownKind,
        _ if operation.schema > SCHEMA => Body::Newer,
        OperationKind::Opinion => match Opinion::deserialize(&operation.body) {
            Ok(opinion) => match crate::opinions::nonsense(&operation, &opinion) {
                None => Body::Opinion(opinion),
                Some(detail) => Body::Unreadable(detail),
            },
            Err(error) => Body::Unreadable(error.to_string()),
        },
        OperationKind::Review => match ReviewAct::deserialize(&operation.body) {
            Ok(act) => match nonsense(&operation, &act) {
                None => Body::Review(act),
                Some(detail) => Body::Unreadable(detail),
            },
            Err(error) => Body::Unreadable(error.to_string()),
        },
        OperationKind::Choice => match ConflictChoice::deserialize(&operation.body) {
            Ok(choice) => match senseless(&operation, &choice) {
                None => Body::Choice(choice),
                Some(detail) => Body::Unreadable(detail),
            },
            Err(error) => Body::Unreadable(error.to_string()),
        },
        OperationKind::FollowUp => match FollowUp::deserialize(&operation.body) {
            Ok(follow_up) => match disagreement(&operation, &follow_up) {
                None => Body::FollowUp(Box::new(follow_up)),
                Some(detail) => Body::Unreadable(detail),
            },
            Err(error) => Body::Unreadable(error.to_string()),
        },
    };
    Ok(Checked { operation, body_hash, body, foreseen: None })
}

fn senseless(operation: &Operation, choice: &ConflictChoice) -> Option<String> {
    if choice.follow_up != operation.record_id {
        return Some("recordId is not the follow-up".into());
    }
    if !operation.evidence.is_empty() {
        return Some("a choice has no files".into());
    }
    let length = choice.reason.chars().count();
    if choice.reason.trim().is_empty() || length > MAX_REASON {
        return Some(format!("a reason of {length} characters"));
    }
    (choice.standing.len() > MAX_STANDING).then(|| format!("{} releases", choice.standing.len()))
}

fn nonsense(operation: &Operation, act: &ReviewAct) -> Option<String> {
    if act.follow_up != operation.record_id {
        return Some("recordId is not the follow-up".into());
    }
    if !operation.evidence.is_empty() {
        return Some("a review has no files".into());
    }
    act.senseless()
}

fn disagreement(operation: &Operation, follow_up: &FollowUp) -> Option<String> {
    if follow_up.id != operation.record_id {
        return Some("recordId is not the id of the follow-up".into());
    }
    let files: Vec<&String> = follow_up.evidence.iter().map(|file| &file.sha256).collect();
    if files != operation.evidence.iter().collect::<Vec<_>>() {
        return Some("evidence does not name the files of the follow-up".into());
    }
    let wrong = follow_up.evidence.iter().find(|file| {
        !domain::evidence::is_sha256(&file.sha256)
            || file.size == 0
            || file.size > domain::evidence::MAX_BYTES
            || file.reduced_from.as_deref().is_some_and(|hash| !domain::evidence::is_sha256(hash))
    });
    wrong.map(|file| format!("the file {} is not acceptable", file.sha256))
}

/// What is known of a follow-up when it arrives.
struct Assessed {
    project: Option<Project>,
    findings: Vec<Finding>,
    rejected: bool,
    /// Releases of its process that the device knew.
    known: u64,
}

enum Taken {
    /// It was recorded before: the stored answer.
    Known(PushResult),
    /// It is recorded now; its answer is made when the streams have their numbers.
    New,
    /// It cannot be recorded.
    Refused(Problem),
}

/// An operation recorded in this transaction, whose receipt waits for its number in the stream.
struct Pending {
    operation: StoredOperation,
    /// What its receipt says; none for a placeholder.
    said: Option<Said>,
}

/// What a receipt says beside its number in the stream.
struct Said {
    /// Index of the entry whose number it takes.
    place: usize,
    folio: String,
    evidence: Vec<String>,
    verdict: Verdict,
    findings: Vec<Finding>,
}

struct Recorder<'a> {
    endpoint: &'a Endpoint,
    tx: &'a dyn Tx,
    actor: &'a Actor,
    app_version: &'a str,
    now: DateTime<Utc>,
    last: u64,
    pending: Vec<Pending>,
    entries: Vec<Entry>,
}

impl Recorder<'_> {
    fn take(&mut self, checked: &Checked) -> Answer<Taken> {
        let operation = &checked.operation;
        let again = self.pending.iter().any(|pending| pending.operation.op_id == operation.op_id);
        if again {
            let problem = Problem::new(Code::MalformedRequest).with("opId", operation.op_id.to_string());
            return Ok(Taken::Refused(problem.with("detail", "twice in one batch")));
        }
        if let Some(known) = self.tx.operation(operation.op_id)? {
            let same_person = known.device_id == self.actor.device_id
                || self
                    .tx
                    .device(known.device_id)?
                    .is_some_and(|device| device.person_id == self.actor.person.card.id);
            if known.body_hash != checked.body_hash || !same_person {
                return Ok(Taken::Refused(
                    Problem::new(Code::OpIdReused).with("opId", operation.op_id.to_string()),
                ));
            }
            // Offered again under a new identity of its device (revoked and enrolled again, or a restored backup): the
            // effect was had, the number is consumed.
            if known.device_id != self.actor.device_id && operation.client_seq == self.last + 1 {
                self.last = operation.client_seq;
            }
            let answer = serde_json::from_str(&known.answer)
                .map_err(|error| StoreError::Corrupt(format!("answer of {}: {error}", operation.op_id)))?;
            return Ok(Taken::Known(answer));
        }
        if operation.client_seq > self.last + 1 && !seeded::is(Bug::GapAccepted) {
            return Ok(Taken::Refused(Problem::new(Code::Gap).with("last", self.last)));
        }
        if operation.client_seq <= self.last {
            return Ok(Taken::Refused(
                Problem::new(Code::DeviceForked).with("clientSeq", operation.client_seq),
            ));
        }
        let said = match &checked.body {
            Body::Placeholder => None,
            // Not refused for good: it waits on its device until this endpoint can read it.
            Body::Newer => {
                return Ok(Taken::Refused(Problem::new(Code::UpgradeRequired).with("speaks", SCHEMA)));
            }
            Body::UnknownKind => {
                let problem = Problem::new(Code::KindUnknown).with("opId", operation.op_id.to_string());
                return Ok(Taken::Refused(problem));
            }
            Body::Unreadable(detail) => {
                let rule = match operation.kind {
                    OperationKind::Choice => "choice-unreadable",
                    OperationKind::Review => "review-unreadable",
                    OperationKind::Opinion => opinion::UNREADABLE,
                    _ => "follow-up-unreadable",
                };
                let finding = refusal("/", rule, json!({"detail": detail}));
                Some(self.refuse(operation, None, vec![finding]))
            }
            Body::Choice(choice) => match self.choose(operation, choice)? {
                Ok(said) => Some(said),
                Err(problem) => return Ok(Taken::Refused(problem)),
            },
            Body::Review(act) => match self.review(operation, act)? {
                Ok(said) => Some(said),
                Err(problem) => return Ok(Taken::Refused(problem)),
            },
            Body::Opinion(opinion) => Some(self.opine(operation, opinion)?),
            Body::FollowUp(follow_up) => match self.record(checked, follow_up)? {
                Ok(said) => Some(said),
                Err(problem) => return Ok(Taken::Refused(problem)),
            },
        };
        self.last = operation.client_seq;
        self.pending.push(Pending {
            operation: StoredOperation {
                op_id: operation.op_id,
                device_id: self.actor.device_id,
                client_seq: operation.client_seq,
                kind: operation.kind.as_str().into(),
                body_hash: checked.body_hash.clone(),
                answer: String::new(),
            },
            said,
        });
        Ok(Taken::New)
    }

    /// A choice has its whole effect here, or none and its reasons. The inner error: what it is about was lost with the
    /// backup, it stays on its device until that is back and decided.
    fn choose(&mut self, operation: &Operation, choice: &ConflictChoice) -> Answer<Result<Said, Problem>> {
        let is_back = |stored: StoredFollowUp| stored.state != State::Received;
        if self.is_of_before(operation) && !self.tx.follow_up(choice.follow_up)?.is_some_and(is_back) {
            let folio = domain::follow_up::folio(choice.follow_up);
            return Ok(Err(Problem::new(Code::FollowUpLost).with("folio", folio)));
        }
        let offered = Offered { op_id: operation.op_id, person: &self.actor.person, choice };
        match choose(self.endpoint, self.tx, &offered, self.now)? {
            Choosing::Refused(findings) => {
                Ok(Ok(self.refuse(operation, Some(("choice", json!(choice))), findings)))
            }
            Choosing::Done(entries) => Ok(Ok(self.tell(operation, entries))),
        }
    }

    /// So has a review. The inner error as of a choice; of before a restore its earlier rounds may be out there too.
    fn review(&mut self, operation: &Operation, act: &ReviewAct) -> Answer<Result<Said, Problem>> {
        let is_back =
            |stored: StoredFollowUp| stored.review.map_or(0, |review| review.version()) >= act.version;
        if self.is_of_before(operation) && !self.tx.follow_up(act.follow_up)?.is_some_and(is_back) {
            let folio = domain::follow_up::folio(act.follow_up);
            return Ok(Err(Problem::new(Code::FollowUpLost).with("folio", folio)));
        }
        let offered = review::Offered { op_id: operation.op_id, person: &self.actor.person, act };
        Ok(Ok(match review(self.endpoint, self.tx, &offered, self.now)? {
            Reviewing::Refused(findings) => self.refuse(operation, Some(("review", json!(act))), findings),
            Reviewing::Done(entries) => self.tell(operation, entries),
        }))
    }

    /// An opinion is kept, and its author's stream says that it is there.
    fn opine(&mut self, operation: &Operation, opinion: &Opinion) -> Answer<Said> {
        let offered = crate::opinions::Offered {
            operation,
            device_id: self.actor.device_id,
            person: &self.actor.person,
            app_version: self.app_version,
            opinion,
        };
        Ok(match crate::opinions::keep(self.tx, &offered, self.now)? {
            Some(entry) => self.tell(operation, vec![entry]),
            None => {
                let params = json!({"id": opinion.id.to_string()});
                self.refuse(operation, None, vec![refusal("/id", opinion::REPEATED, params)])
            }
        })
    }

    /// What is no follow-up of its own and had its effect: its receipt takes the number of the follow-up's entry.
    fn tell(&mut self, operation: &Operation, entries: Vec<Entry>) -> Said {
        let place = self.entries.len();
        self.entries.extend(entries);
        Said {
            place,
            folio: operation.folio(),
            evidence: Vec::new(),
            verdict: Verdict::Received,
            findings: Vec::new(),
        }
    }

    /// What is refused without being a follow-up of its own (its body cannot be read, or it is a choice or a review) is
    /// in the history too, in its author's stream, with its reasons.
    fn refuse(&mut self, operation: &Operation, act: Option<(&str, Value)>, findings: Vec<Finding>) -> Said {
        let folio = operation.folio();
        let (stream, kind) = match operation.kind {
            // Not where the área reads.
            OperationKind::Opinion => {
                (domain::wire::opinions_stream(&self.actor.person.card.id), ChangeKind::Opinion)
            }
            _ => (domain::wire::area_stream(&self.actor.person.area_id), ChangeKind::FollowUp),
        };
        let place = self.entries.len();
        let mut state =
            json!({"opId": operation.op_id, "folio": folio, "state": State::Rejected, "findings": findings});
        if let Some((name, body)) = act {
            // A follow-up has notes that belong in no stream; of a choice or a review there is nothing to keep back.
            state[name] = body;
        }
        self.entries.push(Entry {
            stream,
            kind,
            // Named by its operation: the id it claims may be that of a good follow-up.
            record_id: operation.op_id.to_string(),
            state,
        });
        Said { place, folio, evidence: operation.evidence.clone(), verdict: Verdict::Rejected, findings }
    }

    /// Records a follow-up. The inner error: what it needs was lost with the backup or is another área's now; it stays
    /// on its device.
    fn record(&mut self, checked: &Checked, follow_up: &FollowUp) -> Answer<Result<Said, Problem>> {
        let operation = &checked.operation;
        let Assessed { project, findings, rejected, known } = match self.assess(checked, follow_up)? {
            Ok(assessed) => assessed,
            Err(problem) => return Ok(Err(problem)),
        };
        let verdict = if rejected { Verdict::Rejected } else { Verdict::Received };
        if self.tx.follow_up(follow_up.id)?.is_some() {
            let finding = refusal("/id", "follow-up-repeated", json!({"id": follow_up.id.to_string()}));
            return Ok(Ok(self.refuse(operation, None, vec![finding])));
        }
        let stored = StoredFollowUp {
            follow_up: follow_up.clone(),
            op_id: operation.op_id,
            device_id: self.actor.device_id,
            person_id: self.actor.person.card.id.clone(),
            area_id: self.actor.person.area_id.clone(),
            state: if rejected { State::Rejected } else { State::Received },
            held: None,
            base: Base { server_version: known, ..operation.base.clone() },
            captured_at: operation.captured_at,
            recorded_at: self.now,
            decided_at: rejected.then_some(self.now),
            findings: findings.clone(),
            conflict: None,
            review: None,
            release_id: None,
        };
        self.tx.add_follow_up(&stored)?;
        if rejected {
            // What followed it learns why it waits.
            for waiting in self.tx.waiting_after(&stored.person_id)? {
                self.tx.queue(JobKind::Accept, &waiting.to_string(), self.now)?;
            }
        } else {
            self.tx.queue(JobKind::Accept, &follow_up.id.to_string(), self.now)?;
        }
        // After it: it is decided first.
        let next = self.now + TimeDelta::milliseconds(1);
        accept::queue_corrections(self.endpoint, self.tx, follow_up, next)?;
        let place = self.entries.len();
        self.entries.extend(state::follow_up_entries(
            &self.endpoint.config.municipality,
            project.as_ref(),
            &stored,
        )?);
        let (folio, evidence) = (follow_up.folio(), operation.evidence.clone());
        Ok(Ok(Said { place, folio, evidence, verdict, findings }))
    }

    /// Whether an operation is of before this endpoint was restored: what it names may have been lost with the rest.
    /// Rejecting is for good, and it would be for the endpoint's own loss.
    fn is_of_before(&self, operation: &Operation) -> bool {
        self.endpoint.restored && operation.base.epoch != Some(self.endpoint.epoch)
    }

    /// How many of the releases that are here now the device knew. Of an epoch that a restore ended, those that were
    /// in the backup: what came since under the same numbers may be others. A number this endpoint never had vouches
    /// for nothing.
    fn known(&self, operation: &Operation, ocid: &str, version: u64) -> Answer<u64> {
        let said = operation.base.server_version;
        Ok(match operation.base.epoch {
            Some(ended) if ended != self.endpoint.epoch => {
                said.min(self.tx.known_in(ended, ocid)?).min(version)
            }
            _ if said > version => 0,
            _ => said,
        })
    }

    /// What the device could not know (the project, the scope), and what it found too.
    ///
    /// Rejecting is for good, so it is only done for what nothing can change: content that is wrong by itself, or a
    /// release that is wrong upon the very version the device knew. When something is still undecided before it, or the
    /// process has moved on, the follow-up is received and decided in its turn.
    fn assess(&self, checked: &Checked, follow_up: &FollowUp) -> Answer<Result<Assessed, Problem>> {
        let operation = &checked.operation;
        let of_before = self.is_of_before(operation);
        let refused = |project, finding| {
            if of_before {
                return Err(Problem::new(Code::ProjectLost).with("folio", follow_up.project.clone()));
            }
            Ok(Assessed { project, findings: vec![finding], rejected: true, known: 0 })
        };
        let Some(project) = self.tx.project(&follow_up.project)? else {
            let finding = refusal("/project", "project-unknown", json!({"value": follow_up.project}));
            return Ok(refused(None, finding));
        };
        let own_area = &self.actor.person.area_id;
        let inside = project.areas.is_empty()
            || project.areas.iter().any(|area| area_id(area) == *own_area)
            || can(self.actor.person.card.role, Action::SeeEveryArea);
        if !inside {
            // Not rejected, which is for good: scopes change, and its author captured it when the project was theirs or
            // will have it again. Nothing outside the scope is recorded; it stays on its device.
            return Ok(Err(Problem::new(Code::OutOfScope).with("folio", follow_up.project.clone())));
        }
        let versions = self.tx.versions(&project.folio)?;
        let version =
            versions.into_iter().find(|(ocid, _)| *ocid == follow_up.ocid).map(|(_, version)| version);
        let Some(version) = version else {
            let finding = refusal("/ocid", "process-unknown", json!({"value": follow_up.ocid}));
            return Ok(refused(Some(project), finding));
        };
        let municipality = &self.endpoint.config.municipality;
        let today = domain::release::today(self.now, municipality.offset_minutes);
        let settled =
            !of_before && operation.base.after.is_empty() && operation.base.server_version == version;
        let foreseen = checked.foreseen.as_ref();
        let mut findings = match foreseen.filter(|seen| seen.version == version && seen.today == today) {
            _ if !settled => domain::follow_up::check_content(&follow_up.content, today),
            Some(seen) => seen.findings.clone(),
            None => match self.tx.process(&follow_up.ocid)? {
                Some(process) => {
                    domain::release::assess(follow_up, &state::basis(municipality, &process), self.now)
                }
                None => return Err(StoreError::Corrupt(format!("{} is gone", follow_up.ocid)).into()),
            },
        };
        let mut rejected = findings.iter().any(|finding| finding.severity == Severity::Error);
        if let Some(folio) = &follow_up.content.corrects {
            let known = self.tx.follow_up_by_folio(folio)?;
            // Lost with the rest, it comes back from its own device: until then the correction waits.
            let waits = known.is_none() && of_before;
            if !waits && known.is_none_or(|known| known.follow_up.project != follow_up.project) {
                findings.push(refusal("/corrects", "correction-unknown", json!({"value": folio})));
                rejected = true;
            }
        }
        if let Some(form) = &follow_up.form
            && !crate::forms::is_known(self.tx, form)?
        {
            // Nothing is held for it: what the form asked for is in the content, which was checked. It is told because
            // nobody here can say any more what its internal fields meant.
            let mut finding =
                refusal("/form", "form-unknown", json!({"form": form.id, "version": form.version}));
            finding.severity = Severity::Warning;
            findings.push(finding);
        }
        let known = self.known(operation, &follow_up.ocid, version)?;
        Ok(Ok(Assessed { project: Some(project), findings, rejected, known }))
    }

    /// Takes the numbers of the streams, last of all, and makes the answers.
    fn finish(self) -> Answer<Vec<PushResult>> {
        let streams: Vec<String> = self.entries.iter().map(|entry| entry.stream.clone()).collect();
        let heads = self.tx.append(self.entries, self.now)?;
        let key = self.endpoint.signing();
        let key_id = key_id(&key.verifying_key());
        let mut results = Vec::with_capacity(self.pending.len());
        for pending in self.pending {
            let mut operation = pending.operation;
            let result = match pending.said {
                None => PushResult::Placed { op_id: operation.op_id },
                Some(Said { place, folio, evidence, verdict, findings }) => {
                    let head = heads.get(place).cloned().unwrap_or_default();
                    let body = ReceiptBody {
                        op_id: operation.op_id,
                        folio,
                        body_hash: operation.body_hash.clone(),
                        evidence,
                        stream: streams.get(place).cloned().unwrap_or_default(),
                        seq: head.seq,
                        chain: head.chain,
                        recorded_at: self.now,
                        key_id: key_id.clone(),
                        verdict,
                    };
                    let receipt = Receipt::sign(body, key).map_err(StoreError::from)?;
                    PushResult::Recorded { op_id: operation.op_id, receipt: Box::new(receipt), findings }
                }
            };
            operation.answer =
                serde_json::to_string(&result).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            self.tx.add_operation(&operation, self.now)?;
            results.push(result);
        }
        Ok(results)
    }
}

fn refusal(pointer: &str, rule: &str, params: Value) -> Finding {
    let params = match params {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    Finding { pointer: pointer.to_owned(), rule: rule.to_owned(), severity: Severity::Error, params }
}
