//! Conflicts: what this person sees of them, and the choice, which is an operation of the queue like any other.

use std::collections::BTreeMap;

use domain::command::{Choose, ConflictRow, OwnChoice, Sent};
use domain::conflict::{Conflict, ConflictChoice, MAX_REASON, Resolution};
use domain::follow_up::{FollowUpState, State};
use domain::person::{Action, can};
use domain::problem::{Code, Problem};
use domain::receipt::new_salt;
use domain::wire::{Base, Operation, OperationKind, SCHEMA};
use rusqlite::Connection;
use uuid::Uuid;

use crate::capture::Moment;
use crate::error::Error;
use crate::session::{self, Identity};
use crate::store::{Store, base, choices, outbox, projects};

/// Every conflict that this equipment is shown: open ones first, then newest first.
pub(crate) fn list(connection: &Connection) -> Result<Vec<ConflictRow>, Error> {
    let identity = session::enrolled(connection)?;
    let mut rows = choices::conflicts(connection)?
        .into_iter()
        .filter_map(|state| row(connection, &identity, state).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    rows.sort_by(|a, b| {
        (a.state != State::Conflict)
            .cmp(&(b.state != State::Conflict))
            .then(b.conflict.since.cmp(&a.conflict.since))
            .then(b.id.cmp(&a.id))
    });
    Ok(rows)
}

fn row(
    connection: &Connection,
    identity: &Identity,
    state: FollowUpState,
) -> Result<Option<ConflictRow>, Error> {
    let Some(conflict) = state.conflict else { return Ok(None) };
    let card = projects::card(connection, &state.project)?;
    let last = choices::last(connection, state.id)?;
    let closed_it = |op_id| conflict.chosen.as_ref().is_some_and(|chosen| chosen.op_id == op_id);
    let on_its_way = last.as_ref().is_some_and(|made| matches!(made.state, State::Ready | State::Parked));
    let may = if state.state == State::Conflict && !on_its_way {
        may(connection, identity, &conflict)?
    } else {
        Vec::new()
    };
    let own = last.filter(|made| !closed_it(made.operation.op_id)).map(|made| OwnChoice {
        resolution: made.body.resolution,
        reason: made.body.reason,
        at: made.operation.captured_at,
        state: made.state,
        findings: made.findings,
        problem: made.problem,
    });
    Ok(Some(ConflictRow {
        id: state.id,
        folio: state.folio,
        title: card.map_or_else(|| state.project.clone(), |card| card.title),
        project: state.project,
        ocid: state.ocid,
        state: state.state,
        names: names(connection, identity, &conflict)?,
        conflict: *conflict,
        may,
        own,
    }))
}

/// The names that may be known here: one's own always, others' as the endpoint gave them.
fn names(
    connection: &Connection,
    identity: &Identity,
    conflict: &Conflict,
) -> Result<BTreeMap<Uuid, String>, Error> {
    let standing = conflict.standing.iter().filter_map(|standing| standing.author.as_ref());
    let authors = standing.chain([&conflict.held]).map(|author| author.op_id);
    let mut names = BTreeMap::new();
    for op_id in authors.chain(conflict.chosen.as_ref().map(|chosen| chosen.op_id)) {
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

/// What this person may choose. The endpoint decides by who they are there; the same author on another equipment is
/// only known to it.
fn may(connection: &Connection, identity: &Identity, conflict: &Conflict) -> Result<Vec<Resolution>, Error> {
    let role = identity.person.role;
    if can(role, Action::Choose) {
        return Ok(vec![Resolution::Keep, Resolution::Apply]);
    }
    let withdraws = can(role, Action::Withdraw) && choices::is_own(connection, conflict.held.op_id)?;
    Ok(if withdraws { vec![Resolution::Keep] } else { Vec::new() })
}

/// Queues a choice.
pub(crate) fn choose(store: &Store, moment: Moment, request: Choose) -> Result<Sent, Error> {
    let reason = request.reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Problem::new(Code::ReasonNeeded).with("limit", MAX_REASON).into());
    }
    store.write(|tx| {
        let identity = session::enrolled(tx)?;
        let unknown = |folio: String| Problem::new(Code::ConflictUnknown).with("folio", folio);
        let known = choices::conflict(tx, request.id)?;
        let Some(state) = known.filter(|state| state.state == State::Conflict) else {
            return Err(unknown(domain::follow_up::folio(request.id)).into());
        };
        let Some(conflict) = state.conflict else { return Err(unknown(state.folio).into()) };
        if let Some(made) = choices::last(tx, request.id)?
            && matches!(made.state, State::Ready | State::Parked)
        {
            return Err(Problem::new(Code::ChoiceWaiting).with("folio", state.folio).into());
        }
        if !may(tx, &identity, &conflict)?.contains(&request.resolution) {
            let action = match request.resolution {
                Resolution::Keep => Action::Withdraw,
                Resolution::Apply => Action::Choose,
            };
            return Err(Problem::new(Code::Forbidden).with("action", format!("{action:?}")).into());
        }
        // A choice is about what the person saw. The endpoint holds to that too: here it is only said sooner.
        if request.version != conflict.version {
            return Err(Problem::new(Code::ChoiceOutdated).with("folio", state.folio).into());
        }
        let choice = ConflictChoice {
            follow_up: request.id,
            standing: conflict.cited(),
            version: request.version,
            resolution: request.resolution,
            reason: reason.to_owned(),
        };
        let operation = Operation {
            op_id: domain::random::id(moment.captured_at),
            client_seq: outbox::next_seq(tx, identity.device_id)?,
            kind: OperationKind::Choice,
            record_id: request.id,
            base: Base {
                server_version: request.version,
                after: Vec::new(),
                epoch: base::pulling(tx)?.epoch,
            },
            salt: new_salt(),
            body: serde_json::to_value(&choice)?,
            captured_at: moment.captured_at,
            tz_offset_minutes: moment.tz_offset_minutes,
            clock_offset_ms: session::clock_offset_ms(tx)?,
            schema: SCHEMA,
            evidence: Vec::new(),
        };
        let about = [state.project.as_str(), &state.ocid, &state.folio];
        outbox::write(tx, identity.device_id, &operation, about, moment.captured_at)?;
        Ok(Sent { folio: state.folio.clone() })
    })
}
