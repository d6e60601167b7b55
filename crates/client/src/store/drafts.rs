//! Drafts: what was typed, letter by letter, with its files and the form it was begun with.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use domain::command::{AttachedFile, OriginalFile, PhotoOffer};
use domain::evidence::MediaType;
use domain::follow_up::{FollowUpFile, Stage};
use domain::form::{Form, Values};
use domain::problem::{Code, Problem};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::{at, count, from_json, instant, to_json, uuid};
use crate::error::Error;

/// How long a discarded draft stays.
const DISCARDED_DAYS: TimeDelta = TimeDelta::days(30);

/// A draft as stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredDraft {
    pub(crate) id: Uuid,
    pub(crate) project: String,
    pub(crate) ocid: String,
    pub(crate) stage: Stage,
    pub(crate) form: Form,
    pub(crate) typed: Values,
    /// What the typed values read as when they were last saved.
    pub(crate) content: FollowUpFile,
    pub(crate) missing: u32,
    /// Releases of the process when it was begun; unknown for drafts of an earlier version of the program.
    pub(crate) base_version: Option<u64>,
    /// Epoch of the endpoint in which they were counted.
    pub(crate) base_epoch: Option<Uuid>,
    /// The follow-up that it corrects.
    pub(crate) corrects: Option<Correcting>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) discarded: bool,
    /// In which opening of the store it was last changed; blank for drafts of before that was written down.
    pub(crate) session: String,
}

/// What a draft corrects.
#[derive(Clone, Debug)]
pub(crate) struct Correcting {
    pub(crate) id: Uuid,
    /// Why; blank where nothing public is corrected.
    pub(crate) reason: String,
}

const COLUMNS: &str = "id, project, ocid, stage, form, typed, content, missing, updated_at, discarded_at IS NOT NULL, base_version, base_epoch, corrects, correction_reason, session";

struct Raw {
    texts: [String; 7],
    missing: i64,
    updated_at: String,
    discarded: bool,
    base_version: Option<i64>,
    base_epoch: Option<String>,
    session: String,
    corrects: Option<String>,
    correction_reason: Option<String>,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        texts: [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?],
        missing: row.get(7)?,
        updated_at: row.get(8)?,
        discarded: row.get(9)?,
        base_version: row.get(10)?,
        base_epoch: row.get(11)?,
        corrects: row.get(12)?,
        correction_reason: row.get(13)?,
        session: row.get(14)?,
    })
}

fn read(raw: Raw) -> Result<StoredDraft, Error> {
    let [id, project, ocid, stage, form, typed, content] = raw.texts;
    let correction_reason = raw.correction_reason.unwrap_or_default();
    let corrects = raw.corrects.as_deref().map(uuid).transpose()?;
    Ok(StoredDraft {
        id: uuid(&id)?,
        project,
        ocid,
        stage: Stage::ALL
            .into_iter()
            .find(|s| s.as_str() == stage)
            .ok_or(Error::Stored { what: "a stage" })?,
        form: form_of(&form)?,
        typed: from_json("typed values", &typed)?,
        content: from_json("a draft", &content)?,
        missing: count(raw.missing),
        base_version: raw.base_version.map(i64::unsigned_abs),
        base_epoch: raw.base_epoch.as_deref().map(uuid).transpose()?,
        corrects: corrects.map(|id| Correcting { id, reason: correction_reason }),
        updated_at: instant(&raw.updated_at)?,
        discarded: raw.discarded,
        session: raw.session,
    })
}

/// A form as it was kept.
pub(crate) fn form_of(text: &str) -> Result<Form, Error> {
    Ok(super::forms::whole(from_json("a form", text)?))
}

/// The draft that corrects a follow-up, if there is one that is not discarded.
pub(crate) fn correcting(connection: &Connection, id: Uuid) -> Result<Option<Uuid>, Error> {
    let found: Option<String> = connection
        .prepare_cached(
            "SELECT id FROM draft WHERE corrects = ?1 AND discarded_at IS NULL ORDER BY updated_at DESC LIMIT 1",
        )?
        .query_row([id.to_string()], |row| row.get(0))
        .optional()?;
    found.as_deref().map(uuid).transpose()
}

/// Writes a new draft.
pub(crate) fn insert(connection: &Connection, draft: &StoredDraft) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO draft (id, project, ocid, stage, form, typed, content, missing, base_version, base_epoch,
         created_at, updated_at, corrects, correction_reason, session)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14)",
        params![
            draft.id.to_string(),
            draft.project,
            draft.ocid,
            draft.stage.as_str(),
            to_json(&draft.form)?,
            to_json(&draft.typed)?,
            to_json(&draft.content)?,
            draft.missing,
            draft.base_version.map(|version| version as i64),
            draft.base_epoch.map(|epoch| epoch.to_string()),
            at(draft.updated_at),
            draft.corrects.as_ref().map(|corrects| corrects.id.to_string()),
            draft.corrects.as_ref().map(|corrects| corrects.reason.as_str()),
            draft.session,
        ],
    )?;
    Ok(())
}

/// Writes what was typed, what it reads as, and when.
pub(crate) fn update(connection: &Connection, draft: &StoredDraft) -> Result<(), Error> {
    connection
        .prepare_cached(
            "UPDATE draft SET typed = ?2, content = ?3, missing = ?4, updated_at = ?5 WHERE id = ?1",
        )?
        .execute(params![
            draft.id.to_string(),
            to_json(&draft.typed)?,
            to_json(&draft.content)?,
            draft.missing,
            at(draft.updated_at)
        ])?;
    Ok(())
}

/// A draft, discarded or not.
pub(crate) fn get(connection: &Connection, id: Uuid) -> Result<StoredDraft, Error> {
    let found = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM draft WHERE id = ?1"))?
        .query_row([id.to_string()], raw)
        .optional()?;
    match found {
        Some(raw) => read(raw),
        None => Err(Problem::new(Code::DraftUnknown).with("id", id.to_string()).into()),
    }
}

/// Every draft, newest first.
pub(crate) fn all(connection: &Connection) -> Result<Vec<StoredDraft>, Error> {
    let mut select =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM draft ORDER BY updated_at DESC, id"))?;
    let rows = select.query_map([], raw)?;
    rows.map(|row| read(row?)).collect()
}

/// Drafts of a project that are not discarded, newest first.
pub(crate) fn of_project(connection: &Connection, folio: &str) -> Result<Vec<StoredDraft>, Error> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM draft WHERE project = ?1 AND discarded_at IS NULL ORDER BY updated_at DESC, id"
    ))?;
    let rows = select.query_map([folio], raw)?;
    rows.map(|row| read(row?)).collect()
}

/// Drafts that are not discarded, by project: `(id, project)`, newest first.
pub(crate) fn by_project(connection: &Connection) -> Result<Vec<(Uuid, String)>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT id, project FROM draft WHERE discarded_at IS NULL ORDER BY updated_at DESC, id",
    )?;
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    rows.map(|row| row.map_err(Error::from).and_then(|(id, project)| Ok((uuid(&id)?, project)))).collect()
}

/// Puts a draft in the tray of discarded ones, or takes it out.
pub(crate) fn set_discarded(
    connection: &Connection,
    id: Uuid,
    when: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let changed = connection.execute(
        "UPDATE draft SET discarded_at = ?2, discard_counted_from = NULL WHERE id = ?1",
        params![id.to_string(), when.map(at)],
    )?;
    if changed == 0 {
        return Err(Problem::new(Code::DraftUnknown).with("id", id.to_string()).into());
    }
    Ok(())
}

/// Takes discarded drafts away after their days. `now` is the endpoint's clock: this equipment's own may be years ahead,
/// and an equipment that meets nobody loses nothing by keeping them. The bytes of their files stay, as of any file that
/// is taken out of a draft.
pub(crate) fn purge(connection: &Connection, now: DateTime<Utc>) -> Result<(), Error> {
    connection
        .prepare_cached("DELETE FROM draft WHERE discarded_at IS NOT NULL AND discard_counted_from < ?1")?
        .execute([at(now.checked_sub_signed(DISCARDED_DAYS).unwrap_or(now))])?;
    connection
        .prepare_cached(
            "UPDATE draft SET discard_counted_from = ?1 WHERE discarded_at IS NOT NULL AND discard_counted_from IS NULL",
        )?
        .execute([at(now)])?;
    Ok(())
}

/// A draft became an operation.
pub(crate) fn remove(connection: &Connection, id: Uuid) -> Result<(), Error> {
    connection.execute("DELETE FROM draft WHERE id = ?1", [id.to_string()])?;
    Ok(())
}

/// Files of a draft, in the order they were attached. Each offers all that it says of itself.
pub(crate) fn files(connection: &Connection, id: Uuid) -> Result<Vec<AttachedFile>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT e.sha256, e.name, e.size, e.media_type, f.document_type, f.title, e.original_sha256, e.original_size,
         e.taken_on, e.taken_in
         FROM draft_file f JOIN evidence e ON e.sha256 = f.sha256 WHERE f.draft_id = ?1 ORDER BY f.position",
    )?;
    let rows = select.query_map([id.to_string()], |row| {
        let original = (row.get::<_, Option<String>>(6)?, row.get::<_, Option<i64>>(7)?);
        let offer = PhotoOffer { date: row.get(8)?, place: row.get(9)? };
        Ok((
            row.get::<_, String>(3)?,
            AttachedFile {
                sha256: row.get(0)?,
                name: row.get(1)?,
                size: row.get::<_, i64>(2)?.unsigned_abs(),
                media_type: MediaType::Pdf,
                document_type: row.get(4)?,
                title: row.get(5)?,
                original: match original {
                    (Some(sha256), Some(size)) => Some(OriginalFile { sha256, size: size.unsigned_abs() }),
                    _ => None,
                },
                offer: Some(offer).filter(|offer| offer.date.is_some() || offer.place.is_some()),
            },
        ))
    })?;
    rows.map(|row| {
        let (media_type, file) = row?;
        let media_type = MediaType::parse(&media_type).ok_or(Error::Stored { what: "a media type" })?;
        Ok(AttachedFile { media_type, ..file })
    })
    .collect()
}

/// Attaches a file after the others; attaching it again changes only its type.
pub(crate) fn attach(
    connection: &Connection,
    id: Uuid,
    sha256: &str,
    document_type: &str,
) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO draft_file (draft_id, position, sha256, document_type)
         VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM draft_file WHERE draft_id = ?1), ?2, ?3)
         ON CONFLICT (draft_id, sha256) DO UPDATE SET document_type = excluded.document_type",
        params![id.to_string(), sha256, document_type],
    )?;
    Ok(())
}

/// Changes type and title of a file.
pub(crate) fn describe(
    connection: &Connection,
    id: Uuid,
    sha256: &str,
    document_type: &str,
    title: Option<&str>,
) -> Result<(), Error> {
    connection.execute(
        "UPDATE draft_file SET document_type = ?3, title = ?4 WHERE draft_id = ?1 AND sha256 = ?2",
        params![id.to_string(), sha256, document_type, title],
    )?;
    Ok(())
}

/// Files of a draft whose offers were answered.
pub(crate) fn answered(connection: &Connection, id: Uuid) -> Result<HashSet<String>, Error> {
    let mut select =
        connection.prepare_cached("SELECT sha256 FROM draft_file WHERE draft_id = ?1 AND answered = 1")?;
    let rows = select.query_map([id.to_string()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Somebody answered what a file offers.
pub(crate) fn answer(connection: &Connection, id: Uuid, sha256: &str) -> Result<(), Error> {
    connection.execute(
        "UPDATE draft_file SET answered = 1 WHERE draft_id = ?1 AND sha256 = ?2",
        params![id.to_string(), sha256],
    )?;
    Ok(())
}

/// Takes a file out of a draft. Its bytes stay.
pub(crate) fn detach(connection: &Connection, id: Uuid, sha256: &str) -> Result<(), Error> {
    connection.execute(
        "DELETE FROM draft_file WHERE draft_id = ?1 AND sha256 = ?2",
        params![id.to_string(), sha256],
    )?;
    Ok(())
}

/// Marks a draft as changed now.
pub(crate) fn touch(connection: &Connection, id: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    connection.execute("UPDATE draft SET updated_at = ?2 WHERE id = ?1", params![id.to_string(), at(now)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite_migration::Migrations;

    use super::*;

    #[test]
    fn e12_a_discarded_draft_goes_after_30_days_of_the_endpoint() {
        let mut connection = Connection::open_in_memory().unwrap();
        Migrations::from_slice(super::super::DEVICE_STEPS).to_latest(&mut connection).unwrap();
        let insert = "INSERT INTO draft (id, project, ocid, stage, form, typed, content, missing, created_at, updated_at)
             VALUES (?1, 'p', 'o', 'planning', '{}', '{}', '{}', 0, '', '')";
        let (kept, discarded) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for id in [kept, discarded] {
            connection.execute(insert, [id.to_string()]).unwrap();
        }
        let there =
            || -> i64 { connection.query_row("SELECT count(*) FROM draft", [], |row| row.get(0)).unwrap() };
        let day = |days: i64| DateTime::from_timestamp(1_790_000_000 + days * 86_400, 0).unwrap();
        // This equipment's own clock, years behind, does not count.
        set_discarded(&connection, discarded, Some(day(-2000))).unwrap();
        for days in [0, 30] {
            purge(&connection, day(days)).unwrap();
            assert_eq!(there(), 2, "day {days}");
        }
        // Taken back and discarded again: it is counted anew.
        set_discarded(&connection, discarded, None).unwrap();
        set_discarded(&connection, discarded, Some(day(31))).unwrap();
        for days in [31, 61] {
            purge(&connection, day(days)).unwrap();
            assert_eq!(there(), 2, "day {days}");
        }
        purge(&connection, day(62)).unwrap();
        assert_eq!(there(), 1);
        assert!(
            connection.query_row("SELECT 1 FROM draft WHERE id = ?1", [kept.to_string()], |_| Ok(())).is_ok()
        );
    }
}
