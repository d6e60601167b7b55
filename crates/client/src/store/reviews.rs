//! Reviews as the endpoint shows them, what was decided and answered here, and what follow-ups were typed as.

use std::collections::HashSet;

use domain::follow_up::FollowUpState;
use domain::form::{Form, Values};
use domain::review::ReviewAct;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::made::{self, MadeHere};
use super::{from_json, to_json, uuid};
use crate::error::Error;

/// Follow-ups that are or were under review.
pub(crate) fn all(connection: &Connection) -> Result<Vec<FollowUpState>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT state FROM central_follow_up WHERE json_extract(state, '$.review') IS NOT NULL",
    )?;
    let rows = select.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|row| from_json("a follow-up of the endpoint", &row?)).collect()
}

/// What the endpoint says of a follow-up.
pub(crate) fn state(connection: &Connection, id: Uuid) -> Result<Option<FollowUpState>, Error> {
    let state: Option<String> = connection
        .prepare_cached("SELECT state FROM central_follow_up WHERE id = ?1")?
        .query_row([id.to_string()], |row| row.get(0))
        .optional()?;
    state.map(|state| from_json("a follow-up of the endpoint", &state)).transpose()
}

/// The last thing about a follow-up that the person of this folder decided or answered here.
pub(crate) fn last(connection: &Connection, id: Uuid) -> Result<Option<MadeHere<ReviewAct>>, Error> {
    made::last(connection, "review", id)
}

/// Follow-ups about which something that was decided or answered here is not at the endpoint yet.
pub(crate) fn on_their_way(connection: &Connection) -> Result<HashSet<Uuid>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT record_id FROM outbox
         WHERE kind = 'review' AND state IN ('ready', 'parked') AND former_person IS NULL",
    )?;
    let rows = select.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|id| uuid(&id?)).collect()
}

/// Keeps what a follow-up was typed as.
pub(crate) fn keep_typed(
    connection: &Connection,
    id: Uuid,
    form: &Form,
    typed: &Values,
) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO typed (follow_up, form, typed) VALUES (?1, ?2, ?3)
         ON CONFLICT (follow_up) DO UPDATE SET form = excluded.form, typed = excluded.typed",
        params![id.to_string(), to_json(form)?, to_json(typed)?],
    )?;
    Ok(())
}

/// What a follow-up was typed as; none of one that came from a file or from a program of before.
pub(crate) fn typed(connection: &Connection, id: Uuid) -> Result<Option<(Form, Values)>, Error> {
    let found: Option<(String, String)> = connection
        .prepare_cached("SELECT form, typed FROM typed WHERE follow_up = ?1")?
        .query_row([id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((form, typed)) = found else { return Ok(None) };
    Ok(Some((super::drafts::form_of(&form)?, from_json("typed values", &typed)?)))
}
