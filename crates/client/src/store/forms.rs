//! Capture forms that came from the endpoint, beside those that ship with the program.

use domain::follow_up::{FormRef, Stage};
use domain::form::{Form, for_stage, shipped};
use domain::wire::FormState;
use rusqlite::{Connection, params};

use super::{from_json, to_json};
use crate::error::Error;

/// Keeps a form. One that this version of the program cannot read stays in the base: a later one derives it.
pub(super) fn put(connection: &Connection, state: &str) -> Result<(), Error> {
    let Ok(state) = from_json::<FormState>("a form", state) else {
        return Ok(());
    };
    let source = to_json(&state.source)?;
    let form = match Form::parse(&source) {
        Ok(form) => form,
        Err(error) => {
            tracing::warn!(form = state.record_id(), %error, "a form that this program cannot draw");
            return Ok(());
        }
    };
    connection
        .prepare_cached(
            "INSERT INTO form (id, version, stage, source) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id, version) DO UPDATE SET stage = excluded.stage, source = excluded.source",
        )?
        .execute(params![state.id, state.version, form.stage.as_str(), source])?;
    Ok(())
}

/// Takes a form away by the name of its record.
pub(super) fn remove(connection: &Connection, record: &str) -> Result<(), Error> {
    connection.execute("DELETE FROM form WHERE id || '/' || version = ?1", [record])?;
    Ok(())
}

/// The form that a new draft of a stage gets: the newest of those that ship and those that came.
pub(crate) fn newest(connection: &Connection, stage: Stage) -> Result<Option<Form>, Error> {
    let ships = for_stage(stage);
    let mut select = connection.prepare_cached(
        "SELECT source FROM form WHERE stage = ?1 AND version > ?2 ORDER BY version DESC LIMIT 1",
    )?;
    let above = ships.map_or(0, |form| form.version);
    let mut rows = select.query(params![stage.as_str(), above])?;
    match rows.next()? {
        Some(row) => {
            let source: String = row.get(0)?;
            Ok(Some(Form::parse(&source).map_err(|_| Error::Stored { what: "a form" })?))
        }
        None => Ok(ships.cloned()),
    }
}

/// The form that a follow-up names, or else the one of its stage that ships: most fields are in every version.
pub(crate) fn named(
    connection: &Connection,
    named: Option<&FormRef>,
    stage: Stage,
) -> Result<Option<Form>, Error> {
    let Some(named) = named else { return Ok(for_stage(stage).cloned()) };
    if let Some(form) = shipped().iter().find(|form| form.reference() == *named) {
        return Ok(Some(form.clone()));
    }
    let mut select = connection.prepare_cached("SELECT source FROM form WHERE id = ?1 AND version = ?2")?;
    let mut rows = select.query(params![named.id, named.version])?;
    let came = match rows.next()? {
        Some(row) => Form::parse(&row.get::<_, String>(0)?).ok(),
        None => None,
    };
    Ok(came.or_else(|| for_stage(stage).cloned()))
}

/// A form as it was begun, with what follows from a filled group: the copy in a draft of before has only what is shown.
pub(super) fn whole(form: Form) -> Form {
    let same =
        |other: &&Form| other.id == form.id && other.version == form.version && other.stage == form.stage;
    shipped().iter().find(same).cloned().unwrap_or(form)
}
