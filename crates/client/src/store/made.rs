//! What the person of this folder did here about a follow-up of the endpoint: a choice, a review.

use domain::Finding;
use domain::follow_up::State;
use domain::problem::Problem;
use domain::wire::Operation;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::from_json;
use crate::error::Error;

/// An operation that was made here, with its body read.
#[derive(Debug)]
pub(crate) struct MadeHere<Body> {
    pub(crate) operation: Operation,
    pub(crate) body: Body,
    pub(crate) state: State,
    pub(crate) findings: Vec<Finding>,
    pub(crate) problem: Option<Problem>,
}

/// The last of a kind about a follow-up that the person of this folder made here.
pub(super) fn last<Body: DeserializeOwned>(
    connection: &Connection,
    kind: &'static str,
    id: Uuid,
) -> Result<Option<MadeHere<Body>>, Error> {
    let found: Option<(String, String, String, Option<String>)> = connection
        .prepare_cached(
            "SELECT operation, state, findings, problem FROM outbox
             WHERE kind = ?1 AND record_id = ?2 AND former_person IS NULL ORDER BY position DESC LIMIT 1",
        )?
        .query_row(params![kind, id.to_string()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((operation, state, findings, problem)) = found else { return Ok(None) };
    let operation: Operation = from_json("an operation", &operation)?;
    Ok(Some(MadeHere {
        body: serde_json::from_value(operation.body.clone()).map_err(|_| Error::Stored { what: kind })?,
        operation,
        state: State::parse(&state).ok_or(Error::Stored { what: "a state" })?,
        findings: from_json("findings", &findings)?,
        problem: problem.map(|text| from_json("a problem", &text)).transpose()?,
    }))
}
