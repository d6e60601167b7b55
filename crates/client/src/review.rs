//! Reviewing on the device, with or without a network: what waits and what changed by it for whoever reviews, what was
//! observed and its answer for its author, and the correction, which is a new follow-up that names the old one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::command::{Correct, Draft, FieldFinding, OwnAct, ReviewRow, ReviewSent};
use domain::conflict::MAX_REASON;
use domain::follow_up::{FollowUp, FollowUpFile, FollowUpState, State};
use domain::form::{Form, Text, Values};
use domain::person::{Action, area_id, can};
use domain::problem::{Code, Problem};
use domain::project::ProjectState;
use domain::receipt::new_salt;
use domain::release::Basis;
use domain::review::{self, Changed, Decision, OBSERVED, ReviewAct, can_be};
use domain::wire::{Base, Operation, OperationKind, SCHEMA};
use domain::{Finding, Severity};
use rusqlite::Connection;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::capture::{self, Moment};
use crate::error::Error;
use crate::session::{self, Identity};
use crate::store::drafts::{self, Correcting, StoredDraft};
use crate::store::made::MadeHere;
use crate::store::reviews;
use crate::store::{Store, base, choices, files, outbox, projects};
use crate::view::Ground;

/// Reviews that this equipment knows: what waits longest first, then what waits for its author, then the rest, newest
/// first. With an id only that of one follow-up, also before anything was said of it, and with what changed by it.
pub(crate) fn list(
    connection: &Connection,
    id: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Vec<ReviewRow>, Error> {
    let identity = session::enrolled(connection)?;
    let states = match id {
        Some(id) => reviews::state(connection, id)?.into_iter().collect(),
        None => reviews::all(connection)?,
    };
    let mut rows = states
        .into_iter()
        .map(|state| row(connection, &identity, state, id.is_some(), now))
        .collect::<Result<Vec<_>, _>>()?;
    let rank = |row: &ReviewRow| match row.central.state {
        State::Received => 0,
        State::Observed => 1,
        _ => 2,
    };
    rows.sort_by(|a, b| {
        let (of_a, of_b) = (rank(a), rank(b));
        let by_time = if of_a == 0 { a.since.cmp(&b.since) } else { b.since.cmp(&a.since) };
        of_a.cmp(&of_b).then(by_time).then(a.central.id.cmp(&b.central.id))
    });
    Ok(rows)
}

fn row(
    connection: &Connection,
    identity: &Identity,
    mut central: FollowUpState,
    whole: bool,
    now: DateTime<Utc>,
) -> Result<ReviewRow, Error> {
    let own = choices::is_own(connection, central.op_id)?;
    let made = reviews::last(connection, central.id)?;
    let on_its_way = made.as_ref().is_some_and(|made| is_on_its_way(made, &central));
    let content = central.review.as_mut().and_then(|review| review.content.take());
    let mut changes = Vec::new();
    if whole {
        let content = match content {
            Some(content) => Some(*content),
            None => own_follow_up(connection, &central)?.map(|follow_up| review::shown(&follow_up.content)),
        };
        if let Some(content) = content.filter(|_| review::shows_content(central.state)) {
            changes = changes_of(connection, &central, &content)?;
        }
    }
    let card = projects::card(connection, &central.project)?;
    let mut areas = projects::areas(connection)?;
    areas.push(identity.person.area.clone());
    let named = areas.into_iter().find(|name| area_id(name) == central.area);
    let waited = central.review.as_ref().map(|review| {
        // What its correction took the place of is not waited for; since when is not told, so as of its last round.
        let open =
            matches!(central.state, State::Received | State::Observed | State::Accepted | State::Published);
        let ended = review.rounds.last().map(|round| round.at).filter(|_| !open);
        review.waited(ended, now)
    });
    Ok(ReviewRow {
        title: card.map_or_else(|| central.project.clone(), |card| card.title),
        area: named.unwrap_or_else(|| central.area.clone()),
        own,
        since: central.review.as_ref().map_or(central.captured_at, |review| {
            review.rounds.last().map_or(review.since, |round| round.at)
        }),
        names: names(connection, identity, &central)?,
        may: if on_its_way { Vec::new() } else { may(identity, &central, own) },
        correct: own && !on_its_way && is_corrected_by_another(central.state),
        act: made.filter(|made| !is_among(&central, made.operation.op_id)).map(|made| OwnAct {
            decision: made.body.decision,
            observations: made.body.observations,
            reason: made.body.reason,
            at: made.operation.captured_at,
            state: made.state,
            findings: made.findings,
            problem: made.problem,
        }),
        labels: labels(&central, &changes),
        changes,
        waited,
        central,
    })
}

/// What a person may say now. The endpoint decides by who they are there; the same author on another equipment is only
/// known to it.
fn may(identity: &Identity, central: &FollowUpState, own: bool) -> Vec<Decision> {
    let role = identity.person.role;
    let last = central.review.as_ref().and_then(|review| review.last());
    [Decision::Accept, Decision::Observe, Decision::Reject, Decision::Answer]
        .into_iter()
        .filter(|decision| can_be(*decision, central.state, last))
        .filter(|decision| match decision {
            Decision::Answer => own && can(role, Action::Answer),
            _ => !own && can(role, Action::Review),
        })
        .collect()
}

fn is_among(central: &FollowUpState, op_id: Uuid) -> bool {
    central.review.as_ref().is_some_and(|review| review.rounds.iter().any(|round| round.op_id == op_id))
}

/// Not at the endpoint yet, or there and what it did is not here yet.
fn is_on_its_way(made: &MadeHere<ReviewAct>, central: &FollowUpState) -> bool {
    match made.state {
        State::Ready | State::Parked => true,
        State::Received => !is_among(central, made.operation.op_id),
        _ => false,
    }
}

/// The states in which what was sent is corrected by another follow-up. Of one that is only received nothing was said
/// yet, and its correction could not take its place.
fn is_corrected_by_another(state: State) -> bool {
    matches!(state, State::Observed | State::Accepted | State::Published | State::Rejected)
}

/// The names that may be known here: one's own always, others' as the endpoint gave them.
fn names(
    connection: &Connection,
    identity: &Identity,
    central: &FollowUpState,
) -> Result<BTreeMap<Uuid, String>, Error> {
    let rounds = central.review.iter().flat_map(|review| &review.rounds).map(|round| round.op_id);
    let mut names = BTreeMap::new();
    for op_id in rounds.chain([central.op_id]) {
        let name = if choices::is_own(connection, op_id)? {
            Some(identity.person.name.clone())
        } else if can(identity.person.role, Action::SeeNames) {
            choices::name(connection, op_id)?
        } else {
            None
        };
        names.extend(name.map(|name| (op_id, name)));
    }
    Ok(names)
}

/// What the form of the stage calls the fields that changes and observations point at.
fn labels(central: &FollowUpState, changes: &[Changed]) -> BTreeMap<String, Text> {
    let Some(form) = domain::form::for_stage(central.stage) else { return BTreeMap::new() };
    let rounds = central.review.iter().flat_map(|review| &review.rounds);
    let observed = rounds.flat_map(|round| &round.observations).map(|observation| &observation.at);
    changes
        .iter()
        .map(|changed| &changed.at)
        .chain(observed)
        .filter_map(|at| {
            let field = form.fields().find(|field| field.path == *at)?;
            Some((at.clone(), field.title.clone()))
        })
        .collect()
}

fn own_follow_up(connection: &Connection, central: &FollowUpState) -> Result<Option<FollowUp>, Error> {
    outbox::of_record(connection, central.id)?.map(|queued| queued.follow_up()).transpose()
}

/// What a follow-up changes of what stands accepted.
fn changes_of(
    connection: &Connection,
    central: &FollowUpState,
    content: &FollowUpFile,
) -> Result<Vec<Changed>, Error> {
    let project: Option<ProjectState> = base::project(connection, &central.project)?;
    let compiled = project.as_ref().and_then(|project| {
        project.processes.iter().find(|process| process.ocid == central.ocid).map(|process| &process.compiled)
    });
    let latest = project.as_ref().and_then(|project| project.progress.as_ref());
    Ok(review::changes(content, compiled.unwrap_or(&Value::Null), latest))
}

/// Queues decisions or answers, each by itself: one that cannot be taken does not stop the others.
pub(crate) fn say(store: &Store, moment: Moment, acts: Vec<ReviewAct>) -> Result<Vec<ReviewSent>, Error> {
    let mut sent = Vec::with_capacity(acts.len());
    for mut act in acts {
        act.reason = act.reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        for observation in &mut act.observations {
            observation.text = observation.text.trim().to_owned();
        }
        let id = act.follow_up;
        let problem = match queue(store, moment, &act) {
            Ok(()) => None,
            Err(Error::Problem(problem)) => Some(*problem),
            Err(error) => return Err(error),
        };
        sent.push(ReviewSent { id, folio: domain::follow_up::folio(id), problem });
    }
    Ok(sent)
}

fn queue(store: &Store, moment: Moment, act: &ReviewAct) -> Result<(), Error> {
    if act.senseless().is_some() {
        return Err(Problem::new(Code::ReasonNeeded).with("limit", MAX_REASON).into());
    }
    store.write(|tx| {
        let identity = session::enrolled(tx)?;
        let folio = domain::follow_up::folio(act.follow_up);
        let refuse = |code: Code| Err(Problem::new(code).with("folio", folio.clone()).into());
        let Some(central) = reviews::state(tx, act.follow_up)? else {
            return Err(Problem::new(Code::NotFound).into());
        };
        if reviews::last(tx, act.follow_up)?.is_some_and(|made| is_on_its_way(&made, &central)) {
            return refuse(Code::ReviewWaiting);
        }
        let own = choices::is_own(tx, central.op_id)?;
        if own && act.decision != Decision::Answer {
            return refuse(Code::ReviewOwn);
        }
        // A decision is about what the person saw. The endpoint holds to that too: here it is only said sooner.
        let known = central.review.as_ref().map_or(0, |review| review.version());
        if act.version != known {
            return refuse(Code::ReviewOutdated);
        }
        let last = central.review.as_ref().and_then(|review| review.last());
        if !can_be(act.decision, central.state, last) {
            return refuse(Code::ReviewClosed);
        }
        if !may(&identity, &central, own).contains(&act.decision) {
            let action = if act.decision == Decision::Answer { Action::Answer } else { Action::Review };
            return Err(Problem::new(Code::Forbidden).with("action", format!("{action:?}")).into());
        }
        let operation = Operation {
            op_id: domain::random::id(moment.captured_at),
            client_seq: outbox::next_seq(tx, identity.device_id)?,
            kind: OperationKind::Review,
            record_id: act.follow_up,
            base: Base { server_version: 0, after: Vec::new(), epoch: base::pulling(tx)?.epoch },
            salt: new_salt(),
            body: serde_json::to_value(act)?,
            captured_at: moment.captured_at,
            tz_offset_minutes: moment.tz_offset_minutes,
            clock_offset_ms: session::clock_offset_ms(tx)?,
            schema: SCHEMA,
            evidence: Vec::new(),
        };
        let about = [central.project.as_str(), &central.ocid, &central.folio];
        outbox::write(tx, identity.device_id, &operation, about, moment.captured_at)
    })
}

/// Starts a draft that corrects a follow-up: what was typed and its files are there already. One that was started
/// before is opened.
pub(crate) fn correct(store: &Store, moment: Moment, request: Correct) -> Result<Draft, Error> {
    let reason = request.reason.trim();
    let id = store.write(|tx| {
        let identity = session::enrolled(tx)?;
        let queued = outbox::of_record(tx, request.id)?;
        let queued = match queued {
            Some(queued) if choices::is_own(tx, queued.operation.op_id)? => queued,
            _ => return Err(Problem::new(Code::NotFound).into()),
        };
        // What the endpoint could not even read as a follow-up is none that another could name.
        let state = queued.central.as_ref().map(|central| central.state);
        let Some(state) = state.filter(|_| is_corrected_by_another(queued.word())) else {
            return Err(Problem::new(Code::CorrectionClosed).with("folio", queued.folio).into());
        };
        if let Some(id) = drafts::correcting(tx, request.id)? {
            return Ok(id);
        }
        let public = matches!(state, State::Accepted | State::Published);
        if (public && reason.is_empty()) || reason.chars().count() > MAX_REASON {
            return Err(Problem::new(Code::ReasonNeeded).with("limit", MAX_REASON).into());
        }
        let follow_up = queued.follow_up()?;
        capture::process_of(tx, &follow_up.project, Some(&follow_up.ocid))?;
        let ground = capture::ground(tx, &identity, &follow_up.project, &follow_up.ocid, moment)?;
        let (form, typed) = match reviews::typed(tx, request.id)? {
            Some(known) => known,
            None => read_back(&follow_up, &ground)?,
        };
        let folded = form.fold(&typed, &ground.basis(), ground.currency(), ground.today());
        let id = domain::random::id(moment.captured_at);
        drafts::insert(
            tx,
            &StoredDraft {
                id,
                project: follow_up.project.clone(),
                ocid: follow_up.ocid.clone(),
                stage: follow_up.content.stage,
                form,
                typed,
                content: folded.content,
                missing: folded.missing,
                base_version: Some(ground.version),
                base_epoch: ground.epoch,
                corrects: Some(Correcting { id: request.id, reason: reason.to_owned() }),
                updated_at: moment.captured_at,
                discarded: false,
                session: store.session().to_string(),
            },
        )?;
        for file in &follow_up.evidence {
            if files::get(tx, &file.sha256)?.is_some() {
                drafts::attach(tx, id, &file.sha256, &file.document_type)?;
                drafts::describe(tx, id, &file.sha256, &file.document_type, file.title.as_deref())?;
                drafts::answer(tx, id, &file.sha256)?;
            }
        }
        Ok(id)
    })?;
    capture::draft_open(store, moment, id)
}

/// What a follow-up would have been typed as that was captured from a file, or by a program that did not keep it: what
/// its fields find in it.
fn read_back(follow_up: &FollowUp, ground: &Ground) -> Result<(Form, Values), Error> {
    let content = &follow_up.content;
    let form = domain::form::for_stage(content.stage).ok_or(Error::Stored { what: "a form" })?;
    let sent = Value::Object(content.release.clone());
    let basis = Basis { compiled: &sent, ..ground.basis() };
    let progress = content.progress.unwrap_or_default();
    let visited_on = content.visited_on.map(|day| day.to_string());
    let mut typed = capture::last_values(form, &basis, &progress, visited_on.as_deref());
    for field in form.fields() {
        let plain = match field.path.as_str() {
            "/reason" => content.reason.clone(),
            "/contract" => content.contract.clone(),
            "/internal/notes" => Some(content.internal.notes.clone()),
            _ => None,
        };
        typed.extend(plain.filter(|text| !text.is_empty()).map(|text| (field.id.clone(), text)));
        let kept = content.internal.fields.get(&field.id);
        typed.extend(kept.map(|value| {
            (field.id.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }));
        if let Some(reason) = content.internal.lacking.get(&field.id) {
            typed.insert(field.lack_key(), reason.clone());
        }
    }
    Ok((form.clone(), typed))
}

/// What was observed of the follow-up that a draft corrects, beside the fields of its form. Warnings: they hold nothing
/// back, the person says when they are attended.
pub(crate) fn observed(
    connection: &Connection,
    draft: &StoredDraft,
    ground: &Ground,
) -> Result<Vec<FieldFinding>, Error> {
    let Some(correcting) = &draft.corrects else { return Ok(Vec::new()) };
    let Some(central) = reviews::state(connection, correcting.id)? else { return Ok(Vec::new()) };
    let Some(review) = central.review else { return Ok(Vec::new()) };
    // Where a value was in what was sent, which is what was observed; the draft may look otherwise by now.
    let (form, typed) = reviews::typed(connection, correcting.id)?
        .unwrap_or_else(|| (draft.form.clone(), draft.typed.clone()));
    let folded = form.fold(&typed, &ground.basis(), ground.currency(), ground.today());
    Ok(review
        .open()
        .iter()
        .map(|observation| {
            let mut params = Map::from_iter([("text".to_owned(), observation.text.clone().into())]);
            if let Some(due) = observation.due {
                params.insert("due".to_owned(), due.to_string().into());
                params.insert("reason".to_owned(), "due".into());
            }
            FieldFinding {
                field: folded.field_at(&observation.at).map(str::to_owned),
                finding: Finding {
                    pointer: observation.at.clone(),
                    rule: OBSERVED.to_owned(),
                    severity: Severity::Warning,
                    params,
                },
            }
        })
        .collect())
}
