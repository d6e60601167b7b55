//! Conflicts as the endpoint shows them, the names that go with them, and the choices made here.

use std::collections::BTreeMap;

use domain::conflict::ConflictChoice;
use domain::follow_up::FollowUpState;
use domain::person::{Action, Role, can};
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::from_json;
use super::made::{self, MadeHere};
use crate::error::Error;

/// Follow-ups that are or were in conflict.
pub(crate) fn conflicts(connection: &Connection) -> Result<Vec<FollowUpState>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT state FROM central_follow_up WHERE json_extract(state, '$.conflict') IS NOT NULL",
    )?;
    let rows = select.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|row| from_json("a follow-up of the endpoint", &row?)).collect()
}

/// One of them, by its id.
pub(crate) fn conflict(connection: &Connection, id: Uuid) -> Result<Option<FollowUpState>, Error> {
    let state: Option<String> = connection
        .prepare_cached(
            "SELECT state FROM central_follow_up WHERE id = ?1 AND json_extract(state, '$.conflict') IS NOT NULL",
        )?
        .query_row([id.to_string()], |row| row.get(0))
        .optional()?;
    state.map(|state| from_json("a follow-up of the endpoint", &state)).transpose()
}

/// The last choice about a follow-up that the person of this folder made here.
pub(crate) fn last(connection: &Connection, id: Uuid) -> Result<Option<MadeHere<ConflictChoice>>, Error> {
    made::last(connection, "choice", id)
}

/// Keeps the names that came with a page, or takes away all of them from who may no longer see any.
pub(crate) fn keep_names(
    connection: &Connection,
    role: Role,
    names: &BTreeMap<Uuid, String>,
) -> Result<(), Error> {
    if !can(role, Action::SeeNames) {
        connection.execute("DELETE FROM author_name", [])?;
        return Ok(());
    }
    for (op_id, name) in names {
        connection
            .prepare_cached(
                "INSERT INTO author_name (op_id, name) VALUES (?1, ?2)
                 ON CONFLICT (op_id) DO UPDATE SET name = excluded.name",
            )?
            .execute(params![op_id.to_string(), name])?;
    }
    Ok(())
}

/// The name that goes with an operation, if it may be known here.
pub(crate) fn name(connection: &Connection, op_id: Uuid) -> Result<Option<String>, Error> {
    Ok(connection
        .prepare_cached("SELECT name FROM author_name WHERE op_id = ?1")?
        .query_row([op_id.to_string()], |row| row.get(0))
        .optional()?)
}

/// Whether the person of this folder made an operation here.
pub(crate) fn is_own(connection: &Connection, op_id: Uuid) -> Result<bool, Error> {
    Ok(connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM outbox WHERE op_id = ?1 AND former_person IS NULL)",
        [op_id.to_string()],
        |row| row.get(0),
    )?)
}
