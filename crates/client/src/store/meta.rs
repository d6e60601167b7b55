//! Single values: identity, device key, cursor.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{from_json, to_json};
use crate::error::Error;

/// Names of the values.
pub(crate) const IDENTITY: &str = "identity";
pub(crate) const DEVICE_KEY: &str = "device_key";
/// Key of an enrolment that is under way beside an identity that stopped.
pub(crate) const NEXT_KEY: &str = "next_device_key";
pub(crate) const CLOCK_OFFSET: &str = "clock_offset_ms";
pub(crate) const SERVER_EPOCH: &str = "server_epoch";
pub(crate) const PULL: &str = "pull";
pub(crate) const LAST_PULL: &str = "last_pull";
/// Version of the program's list of projects that made the one that is here.
pub(crate) const LIST_MADE_BY: &str = "list_made_by";
pub(crate) const STOPPED: &str = "stopped";
/// Whether files wait because the connection is metered.
pub(crate) const TEXT_ONLY: &str = "text_only";
/// The last relay that was made here, and whether its answer came.
pub(crate) const RELAY: &str = "relay";

/// Drafts of a rescue that were given back.
pub(crate) const GIVEN_BACK: &str = "given_back";
/// Minutes without a key or a pointer after which the window locks itself.
pub(crate) const LOCK_MINUTES: &str = "lock_minutes";
/// What the person is writing of the program.
pub(crate) const OPINION_DRAFT: &str = "opinion_draft";
/// Whether the person has the recovery code in use on paper.
pub(crate) const RECOVERY_KEPT: &str = "recovery_kept";

/// A value, if it was ever written.
pub(crate) fn get<T: DeserializeOwned>(connection: &Connection, key: &str) -> Result<Option<T>, Error> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    text.map(|text| from_json("a setting", &text)).transpose()
}

/// Writes a value.
pub(crate) fn set<T: Serialize>(connection: &Connection, key: &str, value: &T) -> Result<(), Error> {
    connection
        .prepare_cached("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")?
        .execute(params![key, to_json(value)?])?;
    Ok(())
}

/// Takes a value away.
pub(crate) fn remove(connection: &Connection, key: &str) -> Result<(), Error> {
    connection.execute("DELETE FROM meta WHERE key = ?1", [key])?;
    Ok(())
}
