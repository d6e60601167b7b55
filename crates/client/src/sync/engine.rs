//! One cycle: offer what waits, fetch what is new, send files. Every step leaves the store in a state from which the
//! next cycle goes on, so it may be cut anywhere.

use std::sync::Arc;

use domain::command::{Connection, Event, Step};
use domain::person::{Action, can};
use domain::problem::{Code, Problem};
use domain::receipt::{Verdict, body_hash, new_salt};
use domain::seeded::{self, Bug};
use domain::wire::{
    DeviceReport, DeviceRow, Operation, OperationKind, Placeholder, PullAnswer, PushAnswer, PushResult,
    SCHEMA, Waiting,
};
use uuid::Uuid;

use super::plan::{self, Outcome, Remedy};
use super::snapshot;
use super::transport::Transport;
use crate::Inner;
use crate::error::Error;
use crate::session::{self, Identity};
use crate::store::{Store, base, blocking, drafts, meta, outbox};

/// Most follow-ups that a report names.
const MAX_REPORTED: usize = 5_000;

/// Runs one cycle. Two at a time never run: the second waits for the first.
pub(crate) async fn run(inner: &Inner) -> Result<(), Error> {
    let _turn = inner.turn.lock().await;
    let was = {
        let mut now = inner.link.now();
        std::mem::replace(&mut now.connection, Connection::Working)
    };
    inner.say_status();
    let result = match cycle(inner, was).await {
        Ok(()) => Ok(()),
        Err(error) => Err(remember(inner, error).await),
    };
    {
        let mut now = inner.link.now();
        now.sending.clear();
        now.connection = if result.is_ok() { Connection::Online } else { Connection::Offline };
        now.problem = result.as_ref().err().cloned();
    }
    inner.say_status();
    Ok(result?)
}

/// Keeps the reasons that only a person can mend, so that they are known after a restart and allow a new code.
async fn remember(inner: &Inner, error: Error) -> Problem {
    let problem = Problem::from(error);
    tracing::info!(problem = %problem, "cycle failed");
    if matches!(problem.code, Code::DeviceRevoked | Code::DeviceForked)
        && let Ok(store) = inner.store()
    {
        let kept = problem.clone();
        let done = blocking(&store, move |store| store.write(|tx| meta::set(tx, meta::STOPPED, &kept))).await;
        if let Err(error) = done {
            tracing::error!(%error, "the reason could not be kept");
        }
    }
    problem
}

async fn cycle(inner: &Inner, was: Connection) -> Result<(), Error> {
    let exchange = Exchange::new(inner).await?;
    if was != Connection::Online {
        exchange.transport.health().await?;
    }
    let role = exchange.identity.person.role;
    let device = exchange.identity.device_id;
    // Who only reads has nothing to offer but what they say of the program.
    let now = inner.clock.now();
    let opines = move |c: &rusqlite::Connection| -> Result<bool, Error> {
        Ok(outbox::last_ready(c, device)? > 0 || outbox::is_due(c, device, now)?)
    };
    let pushes = can(role, Action::Push) || can(role, Action::Opine) && exchange.read(opines).await?;
    let mut problem = None;
    if pushes && let Err(error) = exchange.push().await {
        let reason = Problem::from(error);
        if is_about_the_way(reason.code) {
            return Err(reason.into());
        }
        // One that cannot be taken is no reason not to learn what is new.
        problem = Some(reason);
    }
    let mut offered = exchange.read(move |c| outbox::last_ready(c, device)).await?;
    let offered_again = exchange.pull().await? > 0;
    let now = inner.clock.now();
    // A project that came back brings what was set apart on it.
    if offered_again || pushes && exchange.read(move |c| outbox::is_due(c, device, now)).await? {
        exchange.push().await?;
        offered = exchange.read(move |c| outbox::last_ready(c, device)).await?;
    }
    // What is metered is text; what waits for a better connection stays in its place, and so does how far it was sent.
    if can(role, Action::SendEvidence) {
        let (sent, refused) = exchange.send_files(offered).await?;
        if sent > 0 {
            // With its files there, a follow-up is accepted: show it now and not half a minute later.
            exchange.pull().await?;
        }
        problem = problem.or(refused);
    }
    if let Some(problem) = problem {
        return Err(problem.into());
    }
    if exchange.read(session::stopped).await?.is_some() {
        exchange.write(|tx| meta::remove(tx, meta::STOPPED)).await?;
    }
    Ok(())
}

/// Whether a problem is that of the connection or of this equipment: whatever is asked next fails too.
fn is_about_the_way(code: Code) -> bool {
    matches!(
        code,
        Code::ServerUnreachable
            | Code::ServerNotOurs
            | Code::Unauthenticated
            | Code::DeviceRevoked
            | Code::DeviceForked
            | Code::UpgradeRequired
            | Code::TooManyRequests
            | Code::BodyDamaged
    )
}

/// The equipment of the municipality, asked of the endpoint.
pub(crate) async fn devices(inner: &Inner) -> Result<Vec<DeviceRow>, Error> {
    let exchange = Exchange::new(inner).await?;
    let transport = &exchange.transport;
    exchange.with_token(|token| async move { transport.devices(&token).await }).await
}

/// What a cycle works with.
pub(super) struct Exchange<'i> {
    pub(super) inner: &'i Inner,
    pub(super) store: Arc<Store>,
    pub(super) identity: Identity,
    pub(super) transport: Transport,
}

impl<'i> Exchange<'i> {
    async fn new(inner: &'i Inner) -> Result<Exchange<'i>, Error> {
        let store = inner.store()?;
        let identity = blocking(&store, |store| store.read(session::enrolled)).await?;
        let transport = inner.transport(&identity.server)?;
        Ok(Exchange { inner, store, identity, transport })
    }

    /// Whether files wait: somebody said so, or this run is one of text only.
    pub(super) async fn is_text_only(&self) -> Result<bool, Error> {
        let said = self.read(|c| meta::get(c, meta::TEXT_ONLY)).await?;
        Ok(self.inner.link.is_text_only() || said.unwrap_or(false))
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        blocking(&self.store, |store| store.read(work)).await
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        blocking(&self.store, |store| store.write(work)).await
    }

    /// Asks with an access token; with a new one, once, if the endpoint no longer knows it.
    pub(super) async fn with_token<T, F>(&self, ask: impl Fn(String) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        let device = self.identity.device_id;
        let clock = &*self.inner.clock;
        let tokens = &self.inner.tokens;
        let token = tokens.get(&self.store, clock, &self.transport, device).await?;
        match ask(token.clone()).await {
            Err(problem) if problem.code == Code::Unauthenticated => {
                tokens.forget(&token);
                let token = tokens.get(&self.store, clock, &self.transport, device).await?;
                Ok(ask(token).await?)
            }
            other => Ok(other?),
        }
    }

    /// What this equipment says of itself: the truth as it is on the disk now.
    async fn report(&self) -> Result<DeviceReport, Error> {
        let free_bytes = self.inner.free_bytes();
        self.read(move |connection| report(connection, free_bytes)).await
    }

    /// Offers everything that waits, and ends with an empty push: its report is what is left here, not what was here
    /// before.
    async fn push(&self) -> Result<(), Error> {
        let device = self.identity.device_id;
        let now = self.inner.clock.now();
        if !seeded::is(Bug::ParkedForEver) {
            self.write(move |tx| outbox::unpark(tx, device, now)).await?;
        }
        // What the endpoint lacks is offered from there on, also what it had answered.
        let (mut after, mut asked) = (None, None);
        let mut renumbered = false;
        loop {
            let limit = self.inner.link.now().batch;
            let operations = self.read(move |c| outbox::to_offer(c, device, after, limit)).await?;
            if operations.is_empty() {
                // The gap is filled: back to what waits.
                if after.take().is_some() {
                    continue;
                }
                return self.tell_what_is_left().await;
            }
            let offered = self.offer(operations).await?;
            if let Some(from) = offered.missing_after() {
                if asked.replace(from) != Some(from) {
                    after = Some(from);
                } else if !std::mem::replace(&mut renumbered, true) {
                    // Twice the same gap: the numbers of both sides do not meet. They are made to, once.
                    self.write(move |tx| outbox::number_from(tx, device, from)).await?;
                    (after, asked) = (None, None);
                } else {
                    return Err(Problem::new(Code::Gap).with("last", from).into());
                }
                continue;
            }
            match offered {
                Offered::Answered { recorded, last, held } => {
                    if after.is_some() {
                        after = last;
                    }
                    if let Some(problem) = held {
                        if recorded > 0 {
                            self.tell_what_is_left().await?;
                        }
                        return Err(problem.into());
                    }
                }
                Offered::Again(_) | Offered::Smaller => {}
            }
        }
    }

    /// An empty push: its report is for the coordination. Who only reads makes none.
    async fn tell_what_is_left(&self) -> Result<(), Error> {
        if can(self.identity.person.role, Action::Push) {
            self.offer(Vec::new()).await?;
        }
        Ok(())
    }

    /// One push and what follows from its answer.
    async fn offer(&self, operations: Vec<Operation>) -> Result<Offered, Error> {
        let report = self.report().await?;
        let epoch = self.read(epoch).await?;
        let limit = self.inner.link.now().batch;
        let batch = blocking(&self.store, move |_| plan::batch(operations, limit, epoch, &report)).await?;
        self.inner.link.now().sending = batch.operations.iter().map(|operation| operation.op_id).collect();
        if !batch.operations.is_empty() {
            self.inner.say_status();
            self.tell(batch.operations.iter().map(|operation| (operation, Step::Sending)));
        }
        let (transport, bytes) = (&self.transport, &batch.bytes);
        let before = self.inner.clock.now();
        let answer =
            self.with_token(|token| async move { transport.push(&token, bytes.clone()).await }).await;
        self.inner.link.now().sending.clear();
        match answer {
            Ok(answer) => {
                let (after, theirs) = (self.inner.clock.now(), answer.now);
                blocking(&self.store, move |store| session::measure(store, before, after, theirs)).await?;
                self.inner.link.widen();
                self.settle(batch.operations, answer).await
            }
            Err(error) => self.push_failed(batch.operations, Problem::from(error)).await,
        }
    }

    /// Tells where operations are. A placeholder is nobody's.
    fn tell<'o>(&self, steps: impl Iterator<Item = (&'o Operation, Step)>) {
        for (operation, step) in steps.filter(|(operation, _)| operation.kind != OperationKind::Placeholder) {
            let folio = operation.folio();
            self.inner.say(Event::Operation { op_id: operation.op_id, folio, step });
        }
    }

    /// Writes every result in one transaction.
    async fn settle(&self, operations: Vec<Operation>, answer: PushAnswer) -> Result<Offered, Error> {
        if answer.results.len() != operations.len() {
            return Err(Problem::new(Code::ServerNotOurs)
                .with("server", self.identity.server.clone())
                .into());
        }
        if let (Some(PushResult::Refused { problem, .. }), Some(_)) =
            (answer.results.first(), operations.first())
            && let Remedy::ResendAfter(last) = plan::remedy(problem, operations.len())
        {
            self.tell(operations.iter().map(|operation| (operation, Step::Waiting)));
            return Ok(Offered::Again(last));
        }
        let here = Here {
            device: self.identity.device_id,
            server_key: self.identity.server_key.clone(),
            tz_offset_minutes: self.inner.tz_offset_minutes(),
            clock_offset_ms: self.read(session::clock_offset_ms).await?,
            now: self.inner.clock.now(),
        };
        let (settled, operations) =
            self.write(move |tx| Ok((settle(tx, &operations, &answer, &here)?, operations))).await?;
        let last = operations.last().map(|operation| operation.client_seq);
        self.tell(operations.iter().zip(settled.steps));
        if settled.recorded > 0 {
            self.inner.link.progress();
            self.inner.say(Event::Changed);
        }
        Ok(Offered::Answered { recorded: settled.recorded, last, held: settled.held })
    }

    async fn push_failed(&self, operations: Vec<Operation>, problem: Problem) -> Result<Offered, Error> {
        let size = operations.len();
        self.tell(operations.iter().map(|operation| (operation, Step::Waiting)));
        match plan::remedy(&problem, size) {
            Remedy::ResendAfter(last) => Ok(Offered::Again(last)),
            Remedy::Halve => {
                self.inner.link.now().batch = (size / 2).max(1);
                // At once, unless the endpoint asked for time: which one it is shows in a few requests.
                if problem.params.contains_key("retryAfterSeconds") {
                    Err(problem.into())
                } else {
                    Ok(Offered::Smaller)
                }
            }
            Remedy::SuspectOne => {
                let Some(operation) = operations.into_iter().next() else {
                    return Err(problem.into());
                };
                if self.suspect(operation, &problem).await? {
                    return Ok(Offered::Answered { recorded: 1, last: None, held: None });
                }
                Err(problem.into())
            }
            Remedy::Stop | Remedy::Wait => Err(problem.into()),
        }
    }

    /// An operation failed alone. If the endpoint takes an empty push, the operation is the cause: after a few times
    /// it is set apart, and the rest goes on. Answers whether it was.
    async fn suspect(&self, operation: Operation, problem: &Problem) -> Result<bool, Error> {
        let (op_id, reason) = (operation.op_id, problem.clone());
        let attempts = self.write(move |tx| outbox::refuse(tx, op_id, &reason)).await?;
        if attempts < plan::PATIENCE || operation.kind == OperationKind::Placeholder {
            return Ok(false);
        }
        let (report, epoch) = (self.report().await?, self.read(epoch).await?);
        let probe = plan::batch(Vec::new(), 1, epoch, &report)?;
        let (transport, bytes) = (&self.transport, &probe.bytes);
        self.with_token(|token| async move { transport.push(&token, bytes.clone()).await }).await?;
        let device = self.identity.device_id;
        let (tz, now) = (self.inner.tz_offset_minutes(), self.inner.clock.now());
        let operation = self
            .write(move |tx| {
                let placeholder = placeholder(&operation, now, tz, session::clock_offset_ms(tx)?)?;
                outbox::park(tx, device, &operation, &placeholder, plan::retry_at(now, attempts), now)?;
                Ok(operation)
            })
            .await?;
        self.tell(std::iter::once((&operation, Step::Parked)));
        Ok(true)
    }

    /// Fetches pages until there are no more. Answers how many follow-ups went back to the queue.
    async fn pull(&self) -> Result<usize, Error> {
        let mut offered_again = 0;
        let (mut restarts, mut spoiled) = (0, 0);
        loop {
            let cursor = self.read(|connection| Ok(base::pulling(connection)?.cursor)).await?;
            let (transport, at) = (&self.transport, &cursor);
            let snapshots = spoiled < snapshot::PATIENCE;
            let page =
                self.with_token(|token| async move { transport.pull(&token, at, snapshots).await }).await?;
            let known = self.read(epoch).await?;
            if page.server_epoch != known {
                // The endpoint was restored from a copy: what it says is taken from the start.
                restarts += 1;
                if restarts > 2 {
                    return Err(Problem::new(Code::Unavailable).into());
                }
                self.write(move |tx| restored(tx, page.server_epoch)).await?;
                continue;
            }
            if page.has_more && page.cursor == cursor {
                return Err(Problem::new(Code::ServerNotOurs)
                    .with("server", self.identity.server.clone())
                    .into());
            }
            let more = page.has_more;
            let mut packed = None;
            if let Some(snapshot) = &page.snapshot {
                if !snapshots {
                    let detail = format!("{}: a snapshot that was not asked for", snapshot.stream);
                    return Err(Error::Snapshot(detail));
                }
                packed = self.fetch(snapshot).await?;
                if packed.is_none() {
                    spoiled += 1;
                    continue;
                }
            }
            let applied = match self.apply(page, packed).await {
                Err(Error::Snapshot(reason)) => {
                    // Nothing of it was kept. Perhaps the next is better; in the end every change is asked for.
                    tracing::error!(reason, "a snapshot does not hold what it says");
                    spoiled += 1;
                    continue;
                }
                applied => applied?,
            };
            if applied.changed {
                self.inner.say(Event::Changed);
            }
            if applied.changed || more {
                self.inner.link.progress();
            }
            offered_again += applied.offered_again;
            if !more {
                return Ok(offered_again);
            }
        }
    }

    async fn apply(&self, page: PullAnswer, packed: Option<Vec<u8>>) -> Result<base::Applied, Error> {
        let (now, device) = (self.inner.clock.now(), self.identity.device_id);
        let applied = self
            .write(move |tx| {
                let applied = base::apply(tx, &page, packed.as_deref(), device, now)?;
                let mut identity = session::enrolled(tx)?;
                let before = identity.clone();
                identity.person = page.person;
                if let Some(municipality) = &applied.municipality {
                    identity.municipality = municipality.clone();
                }
                if identity != before {
                    meta::set(tx, meta::IDENTITY, &identity)?;
                }
                Ok(applied)
            })
            .await;
        if let Err(Error::Chain(reason)) = &applied {
            // What is here does not agree with what came. A fresh copy decides; the one in use stays until then. The
            // endpoint may have been restored without a word: what it lacks is offered again.
            tracing::error!(%reason, "history");
            self.write(|tx| base::begin_fresh(tx, true)).await?;
        }
        applied
    }
}

/// What this equipment says of itself, also in what somebody else carries.
pub(crate) fn report(
    connection: &rusqlite::Connection,
    free_bytes: Option<u64>,
) -> Result<DeviceReport, Error> {
    let mut waiting = Vec::new();
    for draft in drafts::all(connection)?.into_iter().filter(|draft| !draft.discarded) {
        waiting.push(Waiting {
            folio: domain::follow_up::folio(draft.id),
            project: draft.project,
            state: domain::follow_up::State::Draft,
        });
    }
    for (folio, project, state) in outbox::waiting(connection)? {
        waiting.push(Waiting { folio, project, state });
    }
    waiting.truncate(MAX_REPORTED);
    Ok(DeviceReport {
        app_version: crate::VERSION.to_owned(),
        waiting,
        clock_offset_ms: session::clock_offset_ms(connection)?,
        free_bytes,
    })
}

/// What results are settled with: who this equipment is, whose receipts it believes, and when.
pub(crate) struct Here {
    pub(crate) device: Uuid,
    pub(crate) server_key: String,
    pub(crate) tz_offset_minutes: i32,
    pub(crate) clock_offset_ms: i64,
    pub(crate) now: chrono::DateTime<chrono::Utc>,
}

/// What became of a batch: how many moved on, the reason of the first that stays, and where each is now.
pub(crate) struct Settled {
    pub(crate) recorded: usize,
    pub(crate) held: Option<Problem>,
    pub(crate) steps: Vec<Step>,
}

/// Writes the results of a batch, one for each operation, whichever way they came.
pub(crate) fn settle(
    connection: &rusqlite::Connection,
    operations: &[Operation],
    answer: &PushAnswer,
    here: &Here,
) -> Result<Settled, Error> {
    let mut settled = Settled { recorded: 0, held: None, steps: Vec::with_capacity(operations.len()) };
    let mut blocked = false;
    if answer.server_epoch != epoch(connection)? {
        restored(connection, answer.server_epoch)?;
    }
    for (index, (operation, result)) in operations.iter().zip(&answer.results).enumerate() {
        let step = match plan::judge(operation, result, &here.server_key) {
            Outcome::Recorded(receipt, findings) => {
                outbox::record(connection, operation.op_id, &receipt, &findings, here.now)?;
                settled.recorded += 1;
                match receipt.body.verdict {
                    Verdict::Received => Step::Received,
                    Verdict::Rejected => Step::Rejected,
                }
            }
            Outcome::Placed => {
                outbox::placed(connection, operation.op_id, here.now)?;
                settled.recorded += 1;
                Step::Received
            }
            // After one that was not taken no other can be: the same reason is given for all of them.
            Outcome::Stays(problem) if blocked && !plan::shares(&problem, operation) => Step::Waiting,
            Outcome::Stays(problem) => {
                blocked = true;
                let attempts = outbox::refuse(connection, operation.op_id, &problem)?;
                let behind = index + 1 < operations.len();
                // After these the number may be in use already: never place another operation there.
                let used = matches!(problem.code, Code::ReceiptInvalid | Code::DeviceForked);
                let may_move = operation.kind != OperationKind::Placeholder && !used;
                if may_move && plan::steps_aside(&problem, attempts, behind) {
                    let placeholder =
                        placeholder(operation, here.now, here.tz_offset_minutes, here.clock_offset_ms)?;
                    let retry_at = plan::retry_at(here.now, attempts);
                    outbox::park(connection, here.device, operation, &placeholder, retry_at, here.now)?;
                    settled.recorded += 1;
                    Step::Parked
                } else {
                    settled.held.get_or_insert(problem);
                    Step::Refused
                }
            }
        };
        settled.steps.push(step);
    }
    Ok(settled)
}

/// What an offer led to.
enum Offered {
    /// Answered: how many moved on, the last number offered, and the reason of the first that stays.
    Answered { recorded: usize, last: Option<u64>, held: Option<Problem> },
    /// The endpoint misses what follows this number.
    Again(u64),
    /// It could not take so many at a time.
    Smaller,
}

impl Offered {
    /// The number after which the endpoint misses operations, if that is why it took no more.
    fn missing_after(&self) -> Option<u64> {
        match self {
            Offered::Again(last) => Some(*last),
            Offered::Answered { held: Some(problem), .. } => match plan::remedy(problem, 0) {
                Remedy::ResendAfter(last) => Some(last),
                _ => None,
            },
            Offered::Answered { .. } | Offered::Smaller => None,
        }
    }
}

pub(crate) fn epoch(connection: &rusqlite::Connection) -> Result<Uuid, Error> {
    Ok(meta::get(connection, meta::SERVER_EPOCH)?.unwrap_or_default())
}

/// The endpoint was restored from a copy.
fn restored(connection: &rusqlite::Connection, epoch: Uuid) -> Result<(), Error> {
    tracing::warn!(%epoch, "the endpoint was restored from a copy");
    meta::set(connection, meta::SERVER_EPOCH, &epoch)?;
    base::begin_fresh(connection, true)
}

/// Takes the number of an operation that is set apart.
fn placeholder(
    operation: &Operation,
    now: chrono::DateTime<chrono::Utc>,
    tz_offset_minutes: i32,
    clock_offset_ms: i64,
) -> Result<Operation, Error> {
    let op_id = domain::random::id(now);
    let body =
        Placeholder { parked: operation.op_id, body_hash: body_hash(&operation.salt, &operation.body)? };
    Ok(Operation {
        op_id,
        client_seq: operation.client_seq,
        kind: OperationKind::Placeholder,
        record_id: op_id,
        base: Default::default(),
        salt: new_salt(),
        body: serde_json::to_value(&body)?,
        captured_at: now,
        tz_offset_minutes,
        clock_offset_ms,
        schema: SCHEMA,
        evidence: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
