//! What the person says of the program: written with or without a network, queued like a follow-up, told back.

use std::collections::HashMap;

use domain::command::{OpinionDraft, OpinionNew, OpinionRow, OpinionWord, Opinions, Sent};
use domain::follow_up::State;
use domain::opinion::{MAX_TEXT, Opinion, OpinionStanding, OpinionState};
use domain::person::{Action, can};
use domain::problem::{Code, Problem};
use domain::receipt::new_salt;
use domain::wire::{Base, Operation, OperationKind, SCHEMA};
use rusqlite::Connection;
use uuid::Uuid;

use crate::capture::Moment;
use crate::error::Error;
use crate::session;
use crate::store::{Store, base, meta, opinions, outbox};

/// Longest draft that is kept, in characters: more than can be sent, so that what is too long can be shortened.
const MAX_DRAFT: usize = 4 * MAX_TEXT;

/// Everything the person said, newest first, and what they are writing.
pub(crate) fn list(connection: &Connection) -> Result<Opinions, Error> {
    let mut central: HashMap<Uuid, OpinionState> =
        opinions::central(connection)?.into_iter().map(|state| (state.id, state)).collect();
    let mut rows = Vec::new();
    for written in opinions::written(connection)? {
        let state = central.remove(&written.opinion.id);
        let opinion = written.opinion;
        rows.push(OpinionRow {
            folio: opinion.folio(),
            word: word(written.state, state.as_ref()),
            at: written.operation.captured_at,
            steps: state.map(|state| state.steps).unwrap_or_default(),
            problem: written.problem,
            findings: if written.state == State::Rejected { written.findings } else { Vec::new() },
            id: opinion.id,
            topic: opinion.topic,
            impact: opinion.impact,
            text: Some(opinion.text),
            screen: Some(opinion.screen),
            diagnostics: opinion.diagnostics,
        });
    }
    // What the same person wrote on another equipment: its text is there.
    rows.extend(central.into_values().map(|state| OpinionRow {
        word: word(State::Received, Some(&state)),
        id: state.id,
        folio: state.folio,
        topic: state.topic,
        impact: state.impact,
        text: None,
        screen: None,
        diagnostics: None,
        at: state.received_at,
        steps: state.steps,
        problem: None,
        findings: Vec::new(),
    }));
    rows.sort_by(|a, b| b.at.cmp(&a.at).then(b.id.cmp(&a.id)));
    Ok(Opinions { rows, draft: meta::get(connection, meta::OPINION_DRAFT)? })
}

/// What the endpoint says last, else what is known here.
fn word(here: State, central: Option<&OpinionState>) -> OpinionWord {
    match (here, central) {
        // Waiting to be offered again after a restore: what an old copy said of it does not count.
        (State::Ready | State::Sending | State::Parked, _) => OpinionWord::Waiting,
        (_, Some(state)) => match state.standing() {
            OpinionStanding::Received => OpinionWord::Received,
            OpinionStanding::Analysing => OpinionWord::Analysing,
            OpinionStanding::Applied => OpinionWord::Applied,
            OpinionStanding::Declined => OpinionWord::Declined,
        },
        (State::Rejected, None) => OpinionWord::Refused,
        (_, None) => OpinionWord::Received,
    }
}

/// Keeps what is being written, or forgets it when nothing is.
pub(crate) fn keep(store: &Store, draft: &OpinionDraft) -> Result<(), Error> {
    if draft.text.chars().count() > MAX_DRAFT {
        return Err(Problem::new(Code::OpinionIncomplete).with("limit", MAX_TEXT).into());
    }
    store.write(|tx| {
        if draft.text.trim().is_empty() {
            meta::remove(tx, meta::OPINION_DRAFT)
        } else {
            meta::set(tx, meta::OPINION_DRAFT, draft)
        }
    })
}

/// Queues an opinion; the draft goes with it.
pub(crate) fn send(store: &Store, moment: Moment, request: OpinionNew) -> Result<Sent, Error> {
    let said = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let opinion = Opinion {
        id: domain::random::id(moment.captured_at),
        topic: request.topic,
        impact: request.impact,
        text: said(request.text).unwrap_or_default(),
        screen: request.screen,
        diagnostics: request.diagnostics.and_then(said),
    };
    if let Some(detail) = opinion.senseless() {
        tracing::info!(detail, "an opinion that is not complete");
        return Err(Problem::new(Code::OpinionIncomplete).with("limit", MAX_TEXT).into());
    }
    store.write(|tx| {
        let identity = session::enrolled(tx)?;
        if !can(identity.person.role, Action::Opine) {
            return Err(Problem::new(Code::Forbidden).with("action", format!("{:?}", Action::Opine)).into());
        }
        let folio = opinion.folio();
        let operation = Operation {
            op_id: domain::random::id(moment.captured_at),
            client_seq: outbox::next_seq(tx, identity.device_id)?,
            kind: OperationKind::Opinion,
            record_id: opinion.id,
            base: Base { server_version: 0, after: Vec::new(), epoch: base::pulling(tx)?.epoch },
            salt: new_salt(),
            body: serde_json::to_value(&opinion)?,
            captured_at: moment.captured_at,
            tz_offset_minutes: moment.tz_offset_minutes,
            clock_offset_ms: session::clock_offset_ms(tx)?,
            schema: SCHEMA,
            evidence: Vec::new(),
        };
        // It is about no project and no process.
        outbox::write(tx, identity.device_id, &operation, ["", "", &folio], moment.captured_at)?;
        meta::remove(tx, meta::OPINION_DRAFT)?;
        Ok(Sent { folio })
    })
}
