//! Earlier states of a draft. The newest state is the draft itself; what is here is what it was before something that a
//! person may regret, and every few minutes while it is typed.

use chrono::{DateTime, TimeDelta, Utc};
use domain::command::{AttachedFile, VersionReason};
use domain::form::Values;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::drafts::{self, StoredDraft};
use super::{at, count, from_json, instant, to_json};
use crate::error::Error;

/// How much typing one version covers.
const EVERY: TimeDelta = TimeDelta::minutes(3);
/// Versions that are kept for being the latest; of earlier ones, the last of each day.
const LATEST: usize = 20;
/// Days of which one version is kept.
const DAYS: usize = 30;

/// A file as it was in a draft: only what the draft said of it, so that what is known of files can grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeptFile {
    pub(crate) sha256: String,
    pub(crate) document_type: String,
    pub(crate) title: Option<String>,
}

impl KeptFile {
    /// The files of a draft, to be kept or to be held against those that were.
    pub(crate) fn all(files: Vec<AttachedFile>) -> Vec<KeptFile> {
        let one = |file: AttachedFile| KeptFile {
            sha256: file.sha256,
            document_type: file.document_type,
            title: file.title,
        };
        files.into_iter().map(one).collect()
    }
}

/// One state of a draft as stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredVersion {
    pub(crate) number: u32,
    /// When it was the newest for the last time.
    pub(crate) saved_at: DateTime<Utc>,
    pub(crate) reason: VersionReason,
    pub(crate) typed: Values,
    pub(crate) files: Vec<KeptFile>,
}

fn word(reason: VersionReason) -> &'static str {
    match reason {
        VersionReason::Typing => "typing",
        VersionReason::Session => "session",
        VersionReason::Cleared => "cleared",
        VersionReason::File => "file",
        VersionReason::Restored => "restored",
    }
}

fn reason_of(word: &str) -> VersionReason {
    use VersionReason::{Cleared, File, Restored, Session, Typing};
    [Session, Cleared, File, Restored]
        .into_iter()
        .find(|reason| self::word(*reason) == word)
        .unwrap_or(Typing)
}

/// The versions of a draft, newest first.
pub(crate) fn of(connection: &Connection, draft: Uuid) -> Result<Vec<StoredVersion>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT number, saved_at, reason, typed, files FROM draft_version WHERE draft_id = ?1 ORDER BY number DESC",
    )?;
    let rows = select.query_map([draft.to_string()], |row| {
        let texts: [String; 4] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
        Ok((row.get::<_, i64>(0)?, texts))
    })?;
    rows.map(|row| {
        let (number, [saved_at, reason, typed, files]) = row?;
        Ok(StoredVersion {
            number: count(number),
            saved_at: instant(&saved_at)?,
            reason: reason_of(&reason),
            typed: from_json("typed values", &typed)?,
            files: from_json("files of a draft", &files)?,
        })
    })
    .collect()
}

/// When a version of a draft was last kept, or else when the draft was begun.
fn last_kept(connection: &Connection, draft: Uuid) -> Result<DateTime<Utc>, Error> {
    let text: String = connection
        .prepare_cached(
            "SELECT coalesce((SELECT kept_at FROM draft_version WHERE draft_id = ?1 ORDER BY number DESC LIMIT 1),
             (SELECT created_at FROM draft WHERE id = ?1))",
        )?
        .query_row([draft.to_string()], |row| row.get(0))?;
    instant(&text)
}

/// Called before a draft is changed, in the transaction that changes it: keeps the state it is in when that is called
/// for by what is about to happen, by another session having left it, or by the time since the last one.
pub(crate) fn before(
    connection: &Connection,
    draft: &StoredDraft,
    session: Uuid,
    happens: Option<VersionReason>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let other_session = draft.session != session.to_string();
    let since = now - last_kept(connection, draft.id)?;
    let reason = match happens {
        Some(reason) => Some(reason),
        // A draft of before versions says nothing of its session; it is what somebody left, too.
        None if other_session => Some(VersionReason::Session),
        // A clock that went back must not put it off.
        None if since > EVERY || since < TimeDelta::zero() => Some(VersionReason::Typing),
        None => None,
    };
    if other_session {
        connection
            .prepare_cached("UPDATE draft SET session = ?2 WHERE id = ?1")?
            .execute(params![draft.id.to_string(), session.to_string()])?;
    }
    match reason {
        Some(reason) => keep(connection, draft, reason, now),
        None => Ok(()),
    }
}

/// Keeps the state a draft is in, unless the last version is the same or there is nothing in it.
fn keep(
    connection: &Connection,
    draft: &StoredDraft,
    reason: VersionReason,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let files = KeptFile::all(drafts::files(connection, draft.id)?);
    let versions = of(connection, draft.id)?;
    let same = |version: &StoredVersion| version.typed == draft.typed && version.files == files;
    if versions.first().is_some_and(same) || (draft.typed.is_empty() && files.is_empty()) {
        return Ok(());
    }
    let number = versions.first().map_or(0, |version| version.number) + 1;
    connection
        .prepare_cached(
            "INSERT INTO draft_version (draft_id, number, saved_at, kept_at, reason, typed, files)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            draft.id.to_string(),
            number,
            at(draft.updated_at),
            at(now),
            word(reason),
            to_json(&draft.typed)?,
            to_json(&files)?,
        ])?;
    let mut days = Vec::new();
    // The new one is not in the list: one place is its own.
    for version in versions.iter().skip(LATEST - 1) {
        let day = version.saved_at.date_naive();
        if days.contains(&day) || days.len() == DAYS {
            connection
                .prepare_cached("DELETE FROM draft_version WHERE draft_id = ?1 AND number = ?2")?
                .execute(params![draft.id.to_string(), version.number])?;
        } else {
            days.push(day);
        }
    }
    Ok(())
}
