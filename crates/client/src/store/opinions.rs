//! What the person of this folder said of the program, and what the endpoint says became of it.

use domain::Finding;
use domain::follow_up::State;
use domain::opinion::{Opinion, OpinionState};
use domain::problem::Problem;
use domain::wire::Operation;
use rusqlite::{Connection, params};

use super::{from_json, to_json};
use crate::error::Error;

/// Keeps what became of an opinion. One that this version of the program cannot read stays in the base: a later one
/// derives it.
pub(super) fn put(connection: &Connection, state: &str) -> Result<(), Error> {
    let Ok(opinion) = from_json::<OpinionState>("an opinion of the endpoint", state) else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT INTO central_opinion (id, op_id, state) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET op_id = excluded.op_id, state = excluded.state",
        )?
        .execute(params![opinion.id.to_string(), opinion.op_id.to_string(), to_json(&opinion)?])?;
    Ok(())
}

/// Takes away what became of one.
pub(super) fn remove(connection: &Connection, record: &str) -> Result<(), Error> {
    connection.execute("DELETE FROM central_opinion WHERE id = ?1", [record])?;
    Ok(())
}

/// An opinion that was written here.
pub(crate) struct Written {
    pub(crate) operation: Operation,
    pub(crate) opinion: Opinion,
    /// On this device: `ready`, `received`, `rejected` or `parked`.
    pub(crate) state: State,
    pub(crate) findings: Vec<Finding>,
    pub(crate) problem: Option<Problem>,
}

/// Those that the person of this folder wrote here, newest first.
pub(crate) fn written(connection: &Connection) -> Result<Vec<Written>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT operation, state, findings, problem FROM outbox
         WHERE kind = 'opinion' AND former_person IS NULL ORDER BY position DESC",
    )?;
    let rows = select.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, Option<String>>(3)?,
        ))
    })?;
    rows.map(|row| {
        let (operation, state, findings, problem) = row?;
        let operation: Operation = from_json("an operation", &operation)?;
        Ok(Written {
            opinion: serde_json::from_value(operation.body.clone())
                .map_err(|_| Error::Stored { what: "an opinion" })?,
            operation,
            state: State::parse(&state).ok_or(Error::Stored { what: "a state" })?,
            findings: from_json("findings", &findings)?,
            problem: problem.map(|text| from_json("a problem", &text)).transpose()?,
        })
    })
    .collect()
}

/// What became of each that the endpoint knows, whatever equipment it was written on.
pub(crate) fn central(connection: &Connection) -> Result<Vec<OpinionState>, Error> {
    let mut select = connection.prepare_cached("SELECT state FROM central_opinion")?;
    let rows = select.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|row| from_json("an opinion of the endpoint", &row?)).collect()
}
