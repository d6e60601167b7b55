//! The queue: every operation ever made here, in order of capture.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Finding;
use domain::follow_up::{FollowUp, FollowUpState, State};
use domain::problem::{Code, Problem};
use domain::receipt::{Receipt, Verdict};
use domain::wire::Operation;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use uuid::Uuid;

use super::{at, count, from_json, instant, projects, to_json};
use crate::error::Error;

/// Longest time until an operation that was set apart is offered again.
pub(crate) const LONGEST_PARKED: TimeDelta = TimeDelta::hours(6);

/// A follow-up that was marked ready here, with what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub(crate) operation: Operation,
    pub(crate) project: String,
    pub(crate) folio: String,
    /// On this device: `ready`, `received`, `rejected` or `parked`.
    pub(crate) state: State,
    pub(crate) problem: Option<Problem>,
    pub(crate) receipt: Option<Receipt>,
    /// What the endpoint says of it now.
    pub(crate) central: Option<FollowUpState>,
}

impl Queued {
    /// The follow-up inside; operations of this list always have one.
    pub(crate) fn follow_up(&self) -> Result<FollowUp, Error> {
        serde_json::from_value(self.operation.body.clone()).map_err(|_| Error::Stored { what: "a follow-up" })
    }

    /// State as people see it: what the endpoint says last, else what is known here.
    pub(crate) fn word(&self) -> State {
        word(self.state, self.central.as_ref().map(|central| central.state))
    }

    /// Whether the base carries its effect.
    pub(crate) fn is_accepted(&self) -> bool {
        matches!(self.word(), State::Accepted | State::Published | State::Superseded)
    }

    /// Whether it may still have its effect by itself. One that was observed, rejected or withdrawn, or that is in
    /// conflict, has none unless a person acts: it is neither laid on the base nor followed.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.word(), State::Ready | State::Sending | State::Received | State::Parked)
    }
}

/// What the endpoint says last, else what is known here.
pub(crate) fn word(here: State, central: Option<State>) -> State {
    match (here, central) {
        // Waiting to be offered again after a restore: what an old copy said of it does not count.
        (State::Ready | State::Parked, _) | (_, None) => here,
        (_, Some(central)) => central,
    }
}

const COLUMNS: &str = "o.operation, o.project, o.folio, o.state, o.problem, o.receipt, c.state";
const FROM: &str =
    "FROM outbox o LEFT JOIN central_follow_up c ON c.op_id = o.op_id WHERE o.kind = 'follow_up'";

type Raw = (String, String, String, String, Option<String>, Option<String>, Option<String>);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
}

fn read((operation, project, folio, state, problem, receipt, central): Raw) -> Result<Queued, Error> {
    Ok(Queued {
        operation: from_json("an operation", &operation)?,
        project,
        folio,
        state: State::parse(&state).ok_or(Error::Stored { what: "a state" })?,
        problem: problem.map(|text| from_json("a problem", &text)).transpose()?,
        receipt: receipt.map(|text| from_json("a receipt", &text)).transpose()?,
        // A state word of a newer endpoint is not worth hiding the follow-up.
        central: central.and_then(|text| from_json("a follow-up of the endpoint", &text).ok()),
    })
}

fn select(connection: &Connection, rest: &str, params: impl Params) -> Result<Vec<Queued>, Error> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} {FROM} {rest}"))?;
    let rows = statement.query_map(params, raw)?;
    rows.map(|row| read(row?)).collect()
}

/// Every follow-up, newest first.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Queued>, Error> {
    select(connection, "ORDER BY o.position DESC", [])
}

/// Those of a project, newest first.
pub(crate) fn of_project(connection: &Connection, folio: &str) -> Result<Vec<Queued>, Error> {
    select(connection, "AND o.project = ?1 ORDER BY o.position DESC", [folio])
}

/// Those of a process that the person of this folder made, oldest first.
pub(crate) fn of_process(connection: &Connection, ocid: &str) -> Result<Vec<Queued>, Error> {
    select(connection, "AND o.ocid = ?1 AND o.former_person IS NULL ORDER BY o.position", [ocid])
}

/// Those that are under way: the base does not carry their effect yet. Oldest first.
pub(crate) fn unsettled(connection: &Connection) -> Result<Vec<Queued>, Error> {
    select(
        connection,
        "AND (o.state IN ('ready', 'parked') OR (o.state = 'received' AND coalesce(c.word, 'received') = 'received'))
         ORDER BY o.position",
        [],
    )
}

/// One, by the id of its follow-up.
pub(crate) fn of_record(connection: &Connection, id: Uuid) -> Result<Option<Queued>, Error> {
    Ok(select(connection, "AND o.record_id = ?1", [id.to_string()])?.pop())
}

/// State of every follow-up, without its content: `(operation, here, at the endpoint)`.
pub(crate) fn words(connection: &Connection) -> Result<Vec<(Uuid, State, Option<State>)>, Error> {
    let mut statement = connection.prepare_cached(&format!("SELECT o.op_id, o.state, c.word {FROM}"))?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?))
    })?;
    rows.map(|row| {
        let (op_id, state, word) = row?;
        let state = State::parse(&state).ok_or(Error::Stored { what: "a state" })?;
        Ok((super::uuid(&op_id)?, state, word.and_then(|word| State::parse(&word))))
    })
    .collect()
}

/// Number of the next operation of a device.
pub(crate) fn next_seq(connection: &Connection, device: Uuid) -> Result<u64, Error> {
    let last: i64 = connection.query_row(
        "SELECT coalesce(max(client_seq), 0) FROM outbox WHERE device_id = ?1",
        [device.to_string()],
        |row| row.get(0),
    )?;
    Ok(last.unsigned_abs() + 1)
}

/// Queues an operation.
pub(crate) fn insert(
    connection: &Connection,
    device: Uuid,
    operation: &Operation,
    follow_up: &FollowUp,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    write(connection, device, operation, [&follow_up.project, &follow_up.ocid, &follow_up.folio()], now)?;
    for (position, file) in follow_up.evidence.iter().enumerate() {
        connection.execute(
            "INSERT INTO outbox_file (op_id, position, sha256) VALUES (?1, ?2, ?3)",
            params![operation.op_id.to_string(), position as i64, file.sha256],
        )?;
    }
    Ok(())
}

/// Queues an operation without files, about a project, a process and a follow-up.
pub(crate) fn write(
    connection: &Connection,
    device: Uuid,
    operation: &Operation,
    [project, ocid, folio]: [&str; 3],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO outbox (op_id, device_id, client_seq, kind, record_id, project, ocid, folio, operation, state, queued_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'ready', ?10)",
        params![
            operation.op_id.to_string(),
            device.to_string(),
            operation.client_seq as i64,
            operation.kind.as_str(),
            operation.record_id.to_string(),
            project,
            ocid,
            folio,
            to_json(operation)?,
            at(now),
        ],
    )?;
    projects::stale(connection, project)
}

/// Operations to offer, in the order of their numbers: those that wait, or after a gap every one after `last`.
pub(crate) fn to_offer(
    connection: &Connection,
    device: Uuid,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<Operation>, Error> {
    let filter = match after {
        Some(_) => "client_seq > ?2",
        None => "state = 'ready' AND client_seq > ?2",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT operation FROM outbox WHERE device_id = ?1 AND {filter} ORDER BY client_seq LIMIT ?3"
    ))?;
    let rows = statement
        .query_map(params![device.to_string(), after.unwrap_or(0) as i64, limit as i64], |row| {
            row.get::<_, String>(0)
        })?;
    rows.map(|row| from_json("an operation", &row?)).collect()
}

/// Number of the last operation that a device can offer; 0 if there is none.
pub(crate) fn last_ready(connection: &Connection, device: Uuid) -> Result<u64, Error> {
    let last: i64 = connection.query_row(
        "SELECT coalesce(max(client_seq), 0) FROM outbox WHERE state = 'ready' AND device_id = ?1 AND client_seq > 0",
        [device.to_string()],
        |row| row.get(0),
    )?;
    Ok(last.unsigned_abs())
}

/// Receipts of an operation that later ones took the place of, oldest first.
pub(crate) fn earlier_receipts(connection: &Connection, op_id: Uuid) -> Result<Vec<Receipt>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT receipt FROM earlier_receipt WHERE op_id = ?1 ORDER BY replaced_at, receipt",
    )?;
    let rows = select.query_map([op_id.to_string()], |row| row.get::<_, String>(0))?;
    rows.map(|row| from_json("a receipt", &row?)).collect()
}

/// Recorded, with a receipt that was verified. One that it had before is kept beside.
pub(crate) fn record(
    connection: &Connection,
    op_id: Uuid,
    receipt: &Receipt,
    findings: &[Finding],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let state = match receipt.body.verdict {
        Verdict::Received => State::Received,
        Verdict::Rejected => State::Rejected,
    };
    connection.execute(
        "INSERT INTO earlier_receipt (op_id, replaced_at, receipt)
         SELECT op_id, ?3, receipt FROM outbox WHERE op_id = ?1 AND receipt <> ?2
         ON CONFLICT (op_id, receipt) DO NOTHING",
        params![op_id.to_string(), to_json(receipt)?, at(now)],
    )?;
    connection.execute(
        "UPDATE outbox SET state = ?2, receipt = ?3, findings = ?4, problem = NULL, retry_at = NULL, answered_at = ?5
         WHERE op_id = ?1",
        params![op_id.to_string(), state.as_str(), to_json(receipt)?, to_json(&findings)?, at(now)],
    )?;
    if state == State::Rejected {
        let project: String = connection.query_row(
            "SELECT project FROM outbox WHERE op_id = ?1",
            [op_id.to_string()],
            |row| row.get(0),
        )?;
        projects::stale(connection, &project)?;
    }
    Ok(())
}

/// A placeholder took its number.
pub(crate) fn placed(connection: &Connection, op_id: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    connection.execute(
        "UPDATE outbox SET state = 'received', problem = NULL, answered_at = ?2 WHERE op_id = ?1 AND kind = 'placeholder'",
        params![op_id.to_string(), at(now)],
    )?;
    Ok(())
}

/// Not taken: it stays, with the reason. Answers how often that happened.
pub(crate) fn refuse(connection: &Connection, op_id: Uuid, problem: &Problem) -> Result<u32, Error> {
    connection.execute(
        "UPDATE outbox SET problem = ?2, attempts = attempts + 1 WHERE op_id = ?1",
        params![op_id.to_string(), to_json(problem)?],
    )?;
    let attempts: Option<i64> = connection
        .query_row("SELECT attempts FROM outbox WHERE op_id = ?1", [op_id.to_string()], |row| row.get(0))
        .optional()?;
    Ok(count(attempts.unwrap_or(0)))
}

/// Sets an operation apart so that the rest goes on: `placeholder` takes its number, and the operation waits for
/// another until `retry_at`.
pub(crate) fn park(
    connection: &Connection,
    device: Uuid,
    operation: &Operation,
    placeholder: &Operation,
    retry_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let op_id = operation.op_id.to_string();
    let [project, ocid, folio] = connection.query_row(
        "SELECT project, ocid, folio FROM outbox WHERE op_id = ?1",
        [&op_id],
        |row| Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?]),
    )?;
    // Numbers below zero are nobody's: they never count for the next one.
    connection.execute(
        "UPDATE outbox SET state = 'parked', client_seq = -position, retry_at = ?2 WHERE op_id = ?1",
        params![op_id, at(retry_at)],
    )?;
    write(connection, device, placeholder, [&project, &ocid, &folio], now)
}

/// Parked operations whose time has come, oldest first. A time farther away than any that is ever given was set by a
/// clock that was ahead and is not waited for. What was set apart because its project is another área's waits for the
/// project.
fn due(connection: &Connection, device: Uuid, until: DateTime<Utc>) -> Result<Vec<(String, String)>, Error> {
    let mut select = connection.prepare(
        "SELECT op_id, operation FROM outbox WHERE state = 'parked' AND device_id = ?1
         AND (coalesce(retry_at, '') <= ?2 OR retry_at > ?3)
         AND (json_extract(problem, '$.code') IS NOT ?4
              OR EXISTS (SELECT 1 FROM project WHERE project.folio = outbox.project)) ORDER BY position",
    )?;
    let farthest = until.checked_add_signed(LONGEST_PARKED).unwrap_or(until);
    let rows = select.query_map(
        params![device.to_string(), at(until), at(farthest), Code::OutOfScope.as_str()],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a parked operation may go now.
pub(crate) fn is_due(connection: &Connection, device: Uuid, until: DateTime<Utc>) -> Result<bool, Error> {
    Ok(!due(connection, device, until)?.is_empty())
}

/// The endpoint says of a project that it is this área's: what was set apart because it was not need not wait for its
/// time, and where the project was not here at all, nothing that was set apart on it. It may have gone and come back
/// between two looks of this device.
pub(crate) fn welcome(connection: &Connection, project: &str, was_here: bool) -> Result<(), Error> {
    connection
        .prepare_cached(
            "UPDATE outbox SET retry_at = NULL WHERE project = ?1 AND state = 'parked'
             AND (NOT ?2 OR json_extract(problem, '$.code') = ?3)",
        )?
        .execute(params![project, was_here, Code::OutOfScope.as_str()])?;
    Ok(())
}

/// Gives parked operations whose time has come a new number at the end of the queue. Answers how many.
pub(crate) fn unpark(connection: &Connection, device: Uuid, until: DateTime<Utc>) -> Result<usize, Error> {
    let parked = due(connection, device, until)?;
    for (op_id, operation) in &parked {
        let seq = next_seq(connection, device)?;
        renumber(connection, op_id, operation, device, seq)?;
    }
    Ok(parked.len())
}

fn renumber(
    connection: &Connection,
    op_id: &str,
    operation: &str,
    device: Uuid,
    seq: u64,
) -> Result<(), Error> {
    let mut operation: Operation = from_json("an operation", operation)?;
    operation.client_seq = seq;
    connection.execute(
        "UPDATE outbox SET state = 'ready', retry_at = NULL, device_id = ?2, client_seq = ?3, operation = ?4 WHERE op_id = ?1",
        params![op_id, device.to_string(), seq as i64, to_json(&operation)?],
    )?;
    Ok(())
}

/// A folder that is enrolled again has a new identity: what the endpoint never recorded is numbered from 1 under it.
pub(crate) fn adopt(connection: &Connection, device: Uuid) -> Result<(), Error> {
    // A placeholder is a number without content; the number it held belongs to the old identity.
    connection.execute(
        "DELETE FROM outbox WHERE kind = 'placeholder' AND state = 'ready' AND device_id <> ?1",
        [device.to_string()],
    )?;
    let mut select = connection.prepare(
        "SELECT op_id, operation FROM outbox WHERE (state IN ('ready', 'parked') AND device_id <> ?1)
         OR (state = 'ready' AND client_seq < 1) ORDER BY position",
    )?;
    let rows = select
        .query_map([device.to_string()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let waiting: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    for (op_id, operation) in &waiting {
        let seq = next_seq(connection, device)?;
        renumber(connection, op_id, operation, device, seq)?;
    }
    Ok(())
}

/// What the endpoint said it had and does not show (any more) is offered again; a choice it shows in the record of the
/// conflict that it closed, a review among the rounds, an opinion in its author's stream. What went under this device keeps its number, which the endpoint may ask for in its order;
/// what went under an earlier identity gets a number of this one.
pub(crate) fn offer_again(connection: &Connection, device: Uuid) -> Result<usize, Error> {
    let again = connection.execute(
        "UPDATE outbox SET state = 'ready', attempts = 0
         WHERE kind <> 'placeholder' AND state IN ('received', 'rejected') AND former_person IS NULL
         AND op_id NOT IN (SELECT op_id FROM central_follow_up)
         AND op_id NOT IN (SELECT op_id FROM central_opinion)
         AND op_id NOT IN (SELECT json_extract(state, '$.conflict.chosen.opId') FROM central_follow_up
                           WHERE json_extract(state, '$.conflict.chosen.opId') IS NOT NULL)
         AND op_id NOT IN (SELECT json_extract(round.value, '$.opId')
                           FROM central_follow_up, json_each(state, '$.review.rounds') AS round)",
        [],
    )?;
    adopt(connection, device)?;
    projects::all_stale(connection)?;
    Ok(again)
}

/// The endpoint asked for what follows `last`, was offered it, and still asks: it knew those under other numbers. They
/// need none here, and what waits is numbered from where the endpoint stands.
pub(crate) fn number_from(connection: &Connection, device: Uuid, last: u64) -> Result<(), Error> {
    let mut select = connection.prepare(
        "SELECT op_id, operation FROM outbox WHERE device_id = ?1 AND client_seq > ?2 AND state = 'ready' ORDER BY client_seq",
    )?;
    let rows = select.query_map(params![device.to_string(), last as i64], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let waiting: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    connection.execute(
        "UPDATE outbox SET client_seq = -position WHERE device_id = ?1 AND client_seq > ?2",
        params![device.to_string(), last as i64],
    )?;
    for ((op_id, operation), seq) in waiting.iter().zip(last + 1..) {
        renumber(connection, op_id, operation, device, seq)?;
    }
    Ok(())
}

/// An operation by its id, with its state here, whatever its kind.
pub(crate) fn by_op(connection: &Connection, op_id: Uuid) -> Result<Option<(Operation, State)>, Error> {
    let row: Option<(String, String)> = connection
        .prepare_cached("SELECT operation, state FROM outbox WHERE op_id = ?1 AND former_person IS NULL")?
        .query_row([op_id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    row.map(|(operation, state)| {
        let state = State::parse(&state).ok_or(Error::Stored { what: "a state" })?;
        Ok((from_json("an operation", &operation)?, state))
    })
    .transpose()
}

/// An operation that was set apart after a relay took it along was recorded all the same, under the number that its
/// placeholder holds: it takes the number back, or the endpoint would see two operations with it.
pub(crate) fn take_back(connection: &Connection, op_id: Uuid) -> Result<(), Error> {
    let held: Option<(String, i64)> = connection
        .query_row(
            "SELECT op_id, client_seq FROM outbox WHERE kind = 'placeholder' AND state = 'ready'
             AND json_extract(operation, '$.body.parked') = ?1",
            [op_id.to_string()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    if let Some((placeholder, seq)) = held {
        connection.execute("DELETE FROM outbox WHERE op_id = ?1", [placeholder])?;
        connection.execute(
            "UPDATE outbox SET client_seq = ?2 WHERE op_id = ?1 AND client_seq < 1",
            params![op_id.to_string(), seq],
        )?;
    }
    Ok(())
}

/// Whether something of the person of this folder is only here: a draft, an operation without a receipt, a file.
pub(crate) fn has_unsent(connection: &Connection) -> Result<bool, Error> {
    Ok(connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM draft WHERE discarded_at IS NULL)
             OR EXISTS (SELECT 1 FROM outbox WHERE kind <> 'placeholder' AND state IN ('ready', 'parked'))
             OR EXISTS (SELECT 1 FROM evidence e JOIN outbox_file f ON f.sha256 = e.sha256
                        JOIN outbox o ON o.op_id = f.op_id
                        WHERE e.confirmed_at IS NULL AND o.state = 'received' AND o.former_person IS NULL)",
        [],
        |row| row.get(0),
    )?)
}

/// The folder is enrolled for another person: what is here stays its author's. If they made some of it themselves
/// earlier, it is theirs again.
pub(crate) fn hand_over(connection: &Connection, from: &str, to: &str) -> Result<(), Error> {
    connection.execute(
        "UPDATE outbox SET former_person = nullif(coalesce(former_person, ?1), ?2)",
        params![from, to],
    )?;
    Ok(())
}

/// Folio and project of every follow-up, and of every choice on one, that the endpoint has not recorded. Not of opinions:
/// the coordination sees this list, and whether somebody has an opinion is their own affair until it arrives.
pub(crate) fn waiting(connection: &Connection) -> Result<Vec<(String, String, State)>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT folio, project, state FROM outbox
         WHERE kind NOT IN ('placeholder', 'opinion') AND state IN ('ready', 'parked') ORDER BY position",
    )?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))?;
    rows.map(|row| {
        let (folio, project, state) = row?;
        Ok((folio, project, State::parse(&state).ok_or(Error::Stored { what: "a state" })?))
    })
    .collect()
}

/// How many operations wait to be offered.
pub(crate) fn ready(connection: &Connection) -> Result<u32, Error> {
    let sql = "SELECT count(*) FROM outbox WHERE kind <> 'placeholder' AND state = 'ready'";
    Ok(connection.query_row(sql, [], |row| Ok(count(row.get(0)?)))?)
}

/// How many follow-ups and choices were marked ready, and how many of them have a receipt.
pub(crate) fn marked_and_received(connection: &Connection) -> Result<(u32, u32), Error> {
    Ok(connection.query_row(
        "SELECT count(*), coalesce(sum(state IN ('received', 'rejected')), 0) FROM outbox WHERE kind <> 'placeholder'",
        [],
        |row| Ok((count(row.get(0)?), count(row.get(1)?))),
    )?)
}

/// Every operation that has a receipt, newest first: folio, project, operation, receipt.
pub(crate) fn receipts(connection: &Connection) -> Result<Vec<(String, String, Operation, Receipt)>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT folio, project, operation, receipt FROM outbox WHERE receipt IS NOT NULL ORDER BY position DESC",
    )?;
    let rows = select.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
    })?;
    rows.map(|row| {
        let (folio, project, operation, receipt) = row?;
        Ok((folio, project, from_json("an operation", &operation)?, from_json("a receipt", &receipt)?))
    })
    .collect()
}

/// When the last receipt came.
pub(crate) fn last_receipt(connection: &Connection) -> Result<Option<DateTime<Utc>>, Error> {
    let text: Option<String> =
        connection.query_row("SELECT max(answered_at) FROM outbox WHERE receipt IS NOT NULL", [], |row| {
            row.get(0)
        })?;
    text.map(|text| instant(&text)).transpose()
}

/// Why the first follow-up that was not taken was not.
pub(crate) fn first_problem(connection: &Connection) -> Result<Option<Problem>, Error> {
    let text: Option<String> = connection
        .query_row(
            "SELECT problem FROM outbox WHERE state IN ('ready', 'parked') AND problem IS NOT NULL ORDER BY position LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()?;
    text.map(|text| from_json("a problem", &text)).transpose()
}

/// Whether a follow-up of a project with this folio is known, here or at the endpoint.
pub(crate) fn knows_folio(connection: &Connection, project: &str, folio: &str) -> Result<bool, Error> {
    Ok(connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM outbox WHERE project = ?1 AND folio = ?2 AND kind = 'follow_up')
             OR EXISTS (SELECT 1 FROM central_follow_up WHERE project = ?1 AND json_extract(state, '$.folio') = ?2)",
        params![project, folio],
        |row| row.get(0),
    )?)
}
