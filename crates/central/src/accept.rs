//! Deciding a received follow-up: accepted and made a release, or held with a reason.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::Severity;
use domain::conflict::{Author, Conflict, Since, Standing};
use domain::follow_up::{FollowUp, Held, State};
use domain::history::ChangeKind;
use domain::project::LatestProgress;
use domain::release::{fragment, stamp};
use domain::review::Review;
use domain::seeded::{self, Bug};
use ocds::merge::{Rules, compiled};
use serde_json::Value;
use uuid::Uuid;

use crate::endpoint::Endpoint;
use crate::publish::media;
use crate::review;
use crate::state;
use crate::store::{
    Entry, Job, JobKind, LONGEST_WAIT, Process, Project, Release, Result, StoreError, StoredFollowUp, Tx,
};

/// Most follow-ups decided in one round of the worker.
const BATCH: usize = 200;
/// Most of them in one transaction.
const TOGETHER: usize = 32;
/// How long the background holds the writer at a time, about: whoever sends waits for it.
pub(crate) const HOLD: Duration = Duration::from_millis(10);

/// Decides what is queued. Several share a transaction, and each has a savepoint of its own: one that fails never stops
/// the others. Between two transactions what comes in goes first. Gives how many were accepted.
pub fn run(endpoint: &Endpoint) -> Result<usize> {
    let jobs = endpoint.store.read()?.jobs(JobKind::Accept, endpoint.now(), BATCH)?;
    let mut accepted = 0;
    for some in jobs.chunks(TOGETHER) {
        // Pictures are decoded before the writer is taken: nobody waits for them.
        let ready: Vec<Ready<'_>> = some.iter().map(|job| Ready::make(endpoint, job)).collect();
        let mut left = ready.as_slice();
        while let Some(first) = left.first() {
            endpoint.pushes.give_way(endpoint);
            let decided = decide(endpoint, left).or_else(|error| {
                tracing::warn!(%error, "follow-ups could not be decided together");
                decide(endpoint, std::slice::from_ref(first))
            });
            let done = decided.or_else(|error| {
                let tx = endpoint.store.begin()?;
                fail(endpoint, &*tx, first.job, &error.to_string())?;
                tx.commit()?;
                Ok::<_, StoreError>(Done { taken: 1, accepted: 0 })
            })?;
            accepted += done.accepted;
            left = &left[done.taken..];
        }
    }
    Ok(accepted)
}

/// A job with what is known of it before the writer is taken.
struct Ready<'j> {
    job: &'j Job,
    /// None where the key is no follow-up at all.
    id: Option<Uuid>,
    /// Files of which no public copy can be made, or why that cannot be told.
    unpublishable: Result<Vec<domain::Finding>>,
}

impl<'j> Ready<'j> {
    fn make(endpoint: &Endpoint, job: &'j Job) -> Ready<'j> {
        let id = job.key.parse::<Uuid>().ok();
        let unpublishable = id.map_or(Ok(Vec::new()), |id| unpublishable_files(endpoint, id));
        Ready { job, id, unpublishable }
    }
}

/// What a transaction of decisions did.
struct Done {
    /// How many of those that were ready had their turn.
    taken: usize,
    accepted: usize,
}

/// Decides those that are ready, until the writer was held for long enough. An error: none of them was.
fn decide(endpoint: &Endpoint, ready: &[Ready<'_>]) -> Result<Done> {
    let tx = endpoint.store.begin()?;
    let since = Instant::now();
    let mut done = Done { taken: 0, accepted: 0 };
    for one in ready {
        tx.mark()?;
        let decided = match (one.id, &one.unpublishable) {
            (Some(id), Ok(unpublishable)) => {
                decide_one(endpoint, &*tx, id, unpublishable.clone()).map_err(|error| error.to_string())
            }
            (Some(_), Err(error)) => Err(error.to_string()),
            (None, _) => {
                tx.finish_job(JobKind::Accept, &one.job.key)?;
                Ok(false)
            }
        };
        match decided {
            Ok(accepted) => {
                tx.keep()?;
                done.accepted += usize::from(accepted);
            }
            Err(error) => {
                tx.take_back()?;
                fail(endpoint, &*tx, one.job, &error)?;
            }
        }
        done.taken += 1;
        if since.elapsed() >= HOLD {
            break;
        }
    }
    tx.commit()?;
    Ok(done)
}

fn fail(endpoint: &Endpoint, tx: &dyn Tx, job: &Job, error: &str) -> Result<()> {
    tracing::error!(follow_up = job.key, error, "a follow-up could not be decided; it will be tried again");
    tx.fail_job(JobKind::Accept, &job.key, error, again(endpoint, job.attempts))
}

/// When a job that failed is tried again: doubling from two seconds to an hour.
pub fn again(endpoint: &Endpoint, attempts: u32) -> DateTime<Utc> {
    endpoint.now() + TimeDelta::seconds((2i64 << attempts.min(11)).min(LONGEST_WAIT))
}

/// Decides one. Gives whether it was accepted.
fn decide_one(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    id: Uuid,
    unpublishable: Vec<domain::Finding>,
) -> Result<bool> {
    let now = endpoint.now();
    let key = id.to_string();
    let mut entries = Vec::new();
    let mut accepted = false;
    if let Some(stored) = tx.follow_up(id)?
        && matches!(stored.state, State::Received | State::Conflict)
        && let Some(project) = tx.project(&stored.follow_up.project)?
        && let Some(process) = tx.process(&stored.follow_up.ocid)?
    {
        let before = (stored.state, stored.held.clone(), stored.conflict.clone());
        let decision = Decision { endpoint, tx, now, project, process, stored, unpublishable };
        let (stored, project, mut more) = decision.make()?;
        accepted = stored.state == State::Accepted;
        if (stored.state, stored.held.clone(), stored.conflict.clone()) != before {
            tx.update_follow_up(&stored)?;
            entries.append(&mut more);
            entries.extend(state::follow_up_entries(&endpoint.config.municipality, Some(&project), &stored)?);
        }
        if accepted {
            tx.queue(JobKind::Publish, &project.folio, now)?;
        }
        if stored.state != State::Received {
            for waiting in tx.waiting_after(&stored.person_id)? {
                tx.queue(JobKind::Accept, &waiting.to_string(), now)?;
            }
        }
        queue_corrections(endpoint, tx, &stored.follow_up, now)?;
    }
    // A held follow-up leaves the queue: what releases it (a file, an earlier one, a person) queues it again.
    tx.finish_job(JobKind::Accept, &key)?;
    tx.append(entries, now)?;
    Ok(accepted)
}

/// After a restore the correction of a follow-up may have come back before it, and waits for it: it is decided next.
pub(crate) fn queue_corrections(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    follow_up: &FollowUp,
    at: DateTime<Utc>,
) -> Result<()> {
    if !endpoint.restored {
        return Ok(());
    }
    let folio = follow_up.folio();
    for other in tx.follow_ups(&follow_up.project)? {
        let corrects = other.follow_up.content.corrects.as_deref() == Some(&folio);
        if corrects && other.state == State::Received {
            tx.queue(JobKind::Accept, &other.follow_up.id.to_string(), at)?;
        }
    }
    Ok(())
}

/// Files of a follow-up that are here and of which no public copy can be made. Known before it is accepted, so that
/// its author can attach another; afterwards it would hold back its whole project.
fn unpublishable_files(endpoint: &Endpoint, id: Uuid) -> Result<Vec<domain::Finding>> {
    let Some(stored) = endpoint.store.read()?.follow_up(id)? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (index, file) in stored.follow_up.evidence.iter().enumerate() {
        // A disk that does not read says nothing about the file: it is tried again, and not sent back to its author.
        let bytes = match std::fs::read(endpoint.evidence_path(&file.sha256)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(StoreError::File(error.to_string())),
        };
        if let Err(error) = media::published_copy(&bytes, file.media_type) {
            found.push(domain::Finding {
                pointer: format!("/evidence/{index}"),
                rule: "evidence-not-publishable".into(),
                severity: Severity::Error,
                params: [("detail".to_owned(), Value::String(format!("{error:#}")))].into_iter().collect(),
            });
        }
    }
    Ok(found)
}

/// A follow-up that is being decided, with everything it is decided on.
pub struct Decision<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// The transaction.
    pub tx: &'a dyn Tx,
    /// Its instant.
    pub now: DateTime<Utc>,
    /// The project.
    pub project: Project,
    /// The process as it is now.
    pub process: Process,
    /// The follow-up.
    pub stored: StoredFollowUp,
    /// Files of which no public copy can be made.
    pub unpublishable: Vec<domain::Finding>,
}

impl Decision<'_> {
    fn make(mut self) -> Result<(StoredFollowUp, Project, Vec<Entry>)> {
        // What is in conflict waited for nothing else any more when it was decided.
        if self.stored.state == State::Received {
            self.stored.held = self.held()?;
            if self.stored.held.is_some() {
                return Ok((self.stored, self.project, Vec::new()));
            }
        }
        // The process may have changed since it was received: what was right then may not be now.
        let basis = state::basis(&self.endpoint.config.municipality, &self.process);
        let mut findings = domain::release::assess(&self.stored.follow_up, &basis, self.now);
        let publishable = self.unpublishable.is_empty();
        findings.append(&mut self.unpublishable);
        if publishable && !seeded::is(Bug::LastWriterWins) {
            // What cannot be published is never in conflict: a choice to apply it then needs no pictures, and has its
            // whole effect in one transaction.
            self.stored.conflict = self.conflict()?;
            if self.stored.conflict.is_some() {
                self.stored.state = State::Conflict;
                return Ok((self.stored, self.project, Vec::new()));
            }
        }
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            self.stored.findings = findings;
            self.stored.state = State::Observed;
            self.stored.decided_at = Some(self.now);
            return Ok((self.stored, self.project, Vec::new()));
        }
        self.stored.findings = findings;
        // Only what nothing is wrong with is shown to somebody.
        if let Some(held) = review::held(&self.endpoint.config.review, self.tx, &self.stored)? {
            self.stored.state = State::Received;
            self.stored.held = Some(held);
            self.stored.review.get_or_insert_with(|| Review::begun(self.now));
            return Ok((self.stored, self.project, Vec::new()));
        }
        self.accepted()
    }

    /// Makes it a release. Gives the entries that tell what else changed by it.
    pub fn accepted(mut self) -> Result<(StoredFollowUp, Project, Vec<Entry>)> {
        let entries = self.accept()?;
        Ok((self.stored, self.project, entries))
    }

    /// What it must wait for before it can be decided at all.
    fn held(&self) -> Result<Option<Held>> {
        let (count, bytes) = self.tx.missing_files(self.stored.follow_up.id)?;
        if count > 0 && !seeded::is(Bug::FilesNotWaitedFor) {
            return Ok(Some(Held::MissingFiles { count, bytes }));
        }
        let corrects = self.stored.follow_up.content.corrects.as_deref();
        for op_id in &self.stored.base.after {
            match self.tx.follow_up_of_op(*op_id)? {
                // Somebody else's operation is no predecessor of this one.
                Some(earlier) if earlier.person_id != self.stored.person_id => {}
                // A correction does not wait for what it corrects.
                _ if seeded::is(Bug::OrderNotKept) => {}
                Some(earlier) if corrects == Some(&earlier.follow_up.folio()) => {}
                Some(earlier)
                    if matches!(earlier.state, State::Accepted | State::Published | State::Superseded) => {}
                // Somebody chose against it: what came after it is decided by itself, upon what stands.
                Some(earlier)
                    if review::is_rejected(&earlier)
                        || earlier.conflict.as_ref().is_some_and(|conflict| conflict.chosen.is_some()) => {}
                Some(earlier) => {
                    return Ok(Some(Held::AfterHeld { folio: earlier.follow_up.folio() }));
                }
                // Parked on its device, or refused as unreadable: it waits for a person or for the next offer.
                None => {
                    return Ok(Some(Held::AfterHeld { folio: op_id.to_string() }));
                }
            }
        }
        // Only after a restore: its correction came back first, or both are decided in one round. Once the earlier one
        // was looked at, whatever came of that, the correction waits no longer.
        if let Some(folio) = corrects {
            let undecided = match self.tx.follow_up_by_folio(folio)? {
                None => true,
                Some(earlier) => {
                    self.endpoint.restored && earlier.state == State::Received && earlier.held.is_none()
                }
            };
            if undecided {
                return Ok(Some(Held::AfterHeld { folio: folio.to_owned() }));
            }
        }
        Ok(None)
    }

    /// The record of where it disagrees with what others added since its base, if it does.
    fn conflict(&self) -> Result<Option<Conflict>> {
        let releases = self.tx.releases(&self.process.ocid)?;
        let mut since = Vec::new();
        for release in releases.iter().filter(|release| release.sequence > self.stored.base.server_version) {
            since.push(Since {
                release: &release.id,
                fragment: &release.fragment,
                known: self.knew(release)?,
            });
        }
        let overlaps = domain::conflict::find(&since, &self.stored.follow_up.content.release);
        if overlaps.is_empty() {
            return Ok(None);
        }
        let mut standing = Vec::new();
        for release in &releases {
            if overlaps.iter().any(|overlap| overlap.release == release.id) {
                let other = release.follow_up.map(|id| self.tx.follow_up(id)).transpose()?.flatten();
                standing.push(Standing {
                    release: release.id.clone(),
                    version: release.sequence,
                    accepted_at: release.date,
                    author: other.map(|other| self.author(&other)).transpose()?.flatten(),
                });
            }
        }
        let held = self.author(&self.stored)?.ok_or_else(|| {
            StoreError::Corrupt(format!("the author of {} is not there", self.stored.follow_up.folio()))
        })?;
        let known = self.stored.conflict.as_ref();
        Ok(Some(Conflict {
            version: self.process.version,
            since: known.map_or(self.now, |known| known.since),
            held,
            standing,
            overlaps,
            chosen: None,
        }))
    }

    /// Whether the author knew a release when this was captured. One's own chain never conflicts with itself: what the
    /// same device sent before was known to it. What it sent later stands like anybody's: an earlier value must not
    /// come back over it.
    fn knew(&self, release: &Release) -> Result<bool> {
        let Some(other) = release.follow_up.map(|id| self.tx.follow_up(id)).transpose()?.flatten() else {
            return Ok(false);
        };
        if self.stored.follow_up.content.corrects.as_deref() == Some(&other.follow_up.folio())
            || (other.person_id == self.stored.person_id && self.stored.base.after.contains(&other.op_id))
        {
            return Ok(true);
        }
        if other.device_id != self.stored.device_id {
            return Ok(false);
        }
        let number =
            |op_id| Ok::<_, StoreError>(self.tx.operation(op_id)?.map_or(0, |known| known.client_seq));
        Ok(number(other.op_id)? < number(self.stored.op_id)?)
    }

    fn author(&self, stored: &StoredFollowUp) -> Result<Option<Author>> {
        Ok(self.tx.person(&stored.person_id)?.map(|person| Author {
            op_id: stored.op_id,
            folio: stored.follow_up.folio(),
            role: person.card.role,
            area: person.card.area,
            captured_at: stored.captured_at,
        }))
    }

    fn accept(&mut self) -> Result<Vec<Entry>> {
        let municipality = &self.endpoint.config.municipality;
        self.stored.state = State::Accepted;
        self.stored.decided_at = Some(self.now);
        let mut entries = Vec::new();
        let fragment = {
            let basis = state::basis(municipality, &self.process);
            fragment(&self.stored.follow_up, &basis).map_err(|findings| {
                StoreError::Corrupt(format!("assessed and not buildable: {findings:?}"))
            })?
        };
        if !fragment.is_empty() {
            let follow_up = Some(self.stored.follow_up.id);
            let id = add_release(self.tx, self.endpoint, &mut self.process, fragment, follow_up, self.now)?;
            self.stored.release_id = Some(id);
        }
        self.advance_progress();
        self.tx.put_project(&self.project)?;
        if let Some(folio) = &self.stored.follow_up.content.corrects
            && let Some(mut corrected) = self.tx.follow_up_by_folio(folio)?
            && corrected.state.may_become(State::Superseded)
        {
            corrected.state = State::Superseded;
            self.tx.update_follow_up(&corrected)?;
            entries.extend(state::follow_up_entries(municipality, Some(&self.project), &corrected)?);
        }
        entries.extend(state::project_entries(self.tx, municipality, &self.project)?);
        Ok(entries)
    }

    /// The current value is that of the latest visit, then of the latest acceptance.
    fn advance_progress(&mut self) {
        let content = &self.stored.follow_up.content;
        let Some(progress) = content.progress else { return };
        let newer = self.project.progress.as_ref().is_none_or(|known| {
            // What it corrects may have had the wrong day.
            content.visited_on >= known.visited_on || content.corrects.as_ref() == Some(&known.follow_up)
        });
        if newer || seeded::is(Bug::LateArrivalWins) {
            let mut merged = progress;
            if let Some(known) = &self.project.progress {
                merged.physical = progress.physical.or(known.progress.physical);
                merged.financial = progress.financial.or(known.progress.financial);
            }
            self.project.progress = Some(LatestProgress {
                progress: merged,
                visited_on: content.visited_on,
                accepted_at: self.now,
                follow_up: self.stored.follow_up.folio(),
            });
        }
    }
}

/// Stamps a fragment as the next release of a process and compiles the process anew. Gives the release's id.
pub fn add_release(
    tx: &dyn Tx,
    endpoint: &Endpoint,
    process: &mut Process,
    fragment: serde_json::Map<String, Value>,
    follow_up: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<String> {
    let earlier = tx.releases(&process.ocid)?;
    let date = domain::release::after(&process.compiled, now);
    let sequence = earlier.last().map_or(1, |last| last.sequence + 1);
    let mut bodies: Vec<Value> = earlier.into_iter().map(|release| release.body).collect();
    let mut basis = state::basis(&endpoint.config.municipality, process);
    if bodies.is_empty() {
        basis.earlier = &[];
    }
    let body = stamp(&fragment, &basis, sequence, date)?;
    let id = body["id"].as_str().unwrap_or_default().to_owned();
    bodies.push(body.clone());
    let merged =
        compiled(Rules::profile(), &bodies).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    process.version = sequence;
    process.compiled = merged.value;
    tx.put_process(process)?;
    tx.add_release(&Release {
        ocid: process.ocid.clone(),
        sequence,
        id: id.clone(),
        date,
        fragment,
        body,
        follow_up,
        published_at: None,
    })?;
    // What is in conflict on this process is looked at again: its record says what stands now.
    for held in tx.in_conflict(&process.ocid)? {
        tx.queue(JobKind::Accept, &held.to_string(), now)?;
    }
    Ok(id)
}

/// Entry that removes a record from a stream it no longer belongs to.
pub fn tombstone(stream: &str, record_id: &str) -> Entry {
    Entry {
        stream: stream.to_owned(),
        kind: ChangeKind::Tombstone,
        record_id: record_id.to_owned(),
        state: Value::Null,
    }
}
