//! Files: their bytes in `evidence.db`, what is known of them in `device.db`.

use chrono::{DateTime, Utc};
use domain::evidence::{CHUNK_BYTES, MediaType};
use domain::problem::Problem;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use uuid::Uuid;

use super::{at, count, to_json};
use crate::error::Error;
use crate::evidence::Checked;

/// A file of the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredFile {
    pub(crate) sha256: String,
    pub(crate) size: u64,
    pub(crate) media_type: MediaType,
    pub(crate) name: String,
}

/// Keeps the bytes of a file. Bytes that are there already stay as they are: same hash, same bytes.
pub(crate) fn put_bytes(blobs: &mut Connection, sha256: &str, bytes: &[u8]) -> Result<(), Error> {
    let transaction = blobs.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO evidence_chunk (sha256, n, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (sha256, n) DO NOTHING",
        )?;
        for (n, piece) in bytes.chunks(CHUNK_BYTES).enumerate() {
            insert.execute(params![sha256, n as i64, piece])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// A range of the bytes of a file; shorter at its end, empty after it.
pub(crate) fn get_range(blobs: &Connection, sha256: &str, start: u64, length: u64) -> Result<Vec<u8>, Error> {
    let piece = CHUNK_BYTES as u64;
    let end = start.saturating_add(length);
    let mut found = Vec::new();
    let mut select = blobs.prepare_cached(
        "SELECT n, bytes FROM evidence_chunk WHERE sha256 = ?1 AND n BETWEEN ?2 AND ?3 ORDER BY n",
    )?;
    let first = (start / piece) as i64;
    let last = (end.saturating_sub(1) / piece).min(i64::MAX as u64) as i64;
    let mut rows = select.query(params![sha256, first, last])?;
    while let Some(row) = rows.next()? {
        let n = row.get::<_, i64>(0)?.unsigned_abs();
        let bytes = row.get_ref(1)?.as_blob().map_err(|_| Error::Stored { what: "a file" })?;
        let from = start.saturating_sub(n * piece).min(bytes.len() as u64) as usize;
        let to = end.saturating_sub(n * piece).min(bytes.len() as u64) as usize;
        found.extend_from_slice(bytes.get(from..to).unwrap_or_default());
    }
    Ok(found)
}

/// Writes the row that names a file whose bytes are kept.
pub(crate) fn insert(connection: &Connection, checked: &Checked, now: DateTime<Utc>) -> Result<(), Error> {
    let Checked { file, original, facts, .. } = checked;
    connection.execute(
        "INSERT INTO evidence (sha256, size, media_type, name, added_at, original_sha256, original_size, taken_on,
         taken_in) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (sha256) DO NOTHING",
        params![
            file.sha256,
            file.size as i64,
            file.media_type.as_str(),
            file.name,
            at(now),
            original.as_ref().map(|original| original.sha256.as_str()),
            original.as_ref().map(|original| original.size as i64),
            facts.taken_on.map(|day| day.to_string()),
            facts.taken_in.map(|place| place.text()),
        ],
    )?;
    Ok(())
}

/// What is known of a file.
pub(crate) fn get(connection: &Connection, sha256: &str) -> Result<Option<StoredFile>, Error> {
    connection
        .query_row("SELECT sha256, size, media_type, name FROM evidence WHERE sha256 = ?1", [sha256], stored)
        .optional()?
        .transpose()
}

pub(super) fn stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<Result<StoredFile, Error>> {
    let media_type: String = row.get(2)?;
    let (sha256, size, name) = (row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get(3)?);
    Ok(MediaType::parse(&media_type)
        .map(|media_type| StoredFile { sha256, size, media_type, name })
        .ok_or(Error::Stored { what: "a media type" }))
}

const TO_SEND: &str =
    "FROM evidence e JOIN outbox_file f ON f.sha256 = e.sha256 JOIN outbox o ON o.op_id = f.op_id
     WHERE e.confirmed_at IS NULL AND o.state = 'received' AND o.former_person IS NULL";

/// Files of received follow-ups that the endpoint has not confirmed, small to large: a photograph should not wait for
/// a scanned contract.
pub(crate) fn to_send(connection: &Connection) -> Result<Vec<StoredFile>, Error> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT DISTINCT e.sha256, e.size, e.media_type, e.name {TO_SEND} ORDER BY e.size, e.sha256"
    ))?;
    let rows = select.query_map([], stored)?;
    rows.map(|row| row?).collect()
}

/// Files that a relay takes along: those to send, and those of the operations it takes. Small to large.
pub(crate) fn to_relay(connection: &Connection) -> Result<Vec<StoredFile>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT DISTINCT e.sha256, e.size, e.media_type, e.name
         FROM evidence e JOIN outbox_file f ON f.sha256 = e.sha256 JOIN outbox o ON o.op_id = f.op_id
         WHERE e.confirmed_at IS NULL AND o.former_person IS NULL
         AND (o.state = 'received' OR (o.state = 'ready' AND o.client_seq > 0)) ORDER BY e.size, e.sha256",
    )?;
    let rows = select.query_map([], stored)?;
    rows.map(|row| row?).collect()
}

/// Whether a file waits that the endpoint has not turned away: there is reason to hurry.
pub(crate) fn is_awaited(connection: &Connection) -> Result<bool, Error> {
    let sql = format!("SELECT EXISTS (SELECT 1 {TO_SEND} AND e.problem IS NULL)");
    Ok(connection.query_row(&sql, [], |row| row.get(0))?)
}

/// The endpoint has the file, verified.
pub(crate) fn confirm(connection: &Connection, sha256: &str, now: DateTime<Utc>) -> Result<(), Error> {
    connection.execute(
        "UPDATE evidence SET confirmed_at = ?2, problem = NULL WHERE sha256 = ?1",
        params![sha256, at(now)],
    )?;
    Ok(())
}

/// After a backup was restored the endpoint may have lost files too: each is offered again, and what is there is not
/// sent twice. Those of an earlier person of this folder cannot be: they are not this person's to send.
pub(crate) fn unconfirm_all(connection: &Connection) -> Result<(), Error> {
    connection.execute(
        "UPDATE evidence SET confirmed_at = NULL WHERE sha256 IN (SELECT f.sha256 FROM outbox_file f
         JOIN outbox o ON o.op_id = f.op_id WHERE o.former_person IS NULL)",
        [],
    )?;
    Ok(())
}

/// Why a file was not taken.
pub(crate) fn set_problem(connection: &Connection, sha256: &str, problem: &Problem) -> Result<(), Error> {
    connection
        .execute("UPDATE evidence SET problem = ?2 WHERE sha256 = ?1", params![sha256, to_json(problem)?])?;
    Ok(())
}

/// Why the first file that was not taken was not.
pub(crate) fn first_problem(connection: &Connection) -> Result<Option<Problem>, Error> {
    let text: Option<String> = connection
        .query_row(
            "SELECT problem FROM evidence WHERE confirmed_at IS NULL AND problem IS NOT NULL LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()?;
    text.map(|text| super::from_json("a problem", &text)).transpose()
}

/// Files of an operation: how many, how many wait, and their bytes. A rejected follow-up sends no files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileCounts {
    pub(crate) files: u32,
    pub(crate) waiting: u32,
    pub(crate) bytes: u64,
}

const COUNTS: &str = "count(*), coalesce(sum(e.confirmed_at IS NULL AND o.state <> 'rejected'), 0),
    coalesce(sum(iif(e.confirmed_at IS NULL AND o.state <> 'rejected', e.size, 0)), 0)";

fn counts(row: &rusqlite::Row<'_>) -> rusqlite::Result<FileCounts> {
    Ok(FileCounts {
        files: count(row.get(0)?),
        waiting: count(row.get(1)?),
        bytes: row.get::<_, i64>(2)?.unsigned_abs(),
    })
}

/// Of one operation.
pub(crate) fn counts_of(connection: &Connection, op_id: Uuid) -> Result<FileCounts, Error> {
    let sql = format!(
        "SELECT {COUNTS} FROM outbox_file f JOIN evidence e ON e.sha256 = f.sha256
         JOIN outbox o ON o.op_id = f.op_id WHERE f.op_id = ?1"
    );
    Ok(connection.prepare_cached(&sql)?.query_row([op_id.to_string()], counts)?)
}

/// Of every operation; a file that two follow-ups name counts once.
pub(crate) fn counts_of_all(connection: &Connection) -> Result<FileCounts, Error> {
    let sql = format!(
        "SELECT {COUNTS} FROM evidence e JOIN (SELECT f.sha256, min(o.state) AS state FROM outbox_file f
         JOIN outbox o ON o.op_id = f.op_id WHERE o.kind = 'follow_up' AND o.state <> 'rejected' GROUP BY f.sha256) o ON o.sha256 = e.sha256"
    );
    Ok(connection.prepare_cached(&sql)?.query_row([], counts)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cross_pieces() {
        let mut blobs = Connection::open_in_memory().unwrap();
        blobs.execute_batch(include_str!("../../migrations/evidence/0001_create_chunks.sql")).unwrap();
        let bytes: Vec<u8> = (0..CHUNK_BYTES * 2 + 100).map(|i| (i % 251) as u8).collect();
        put_bytes(&mut blobs, "h", &bytes).unwrap();
        put_bytes(&mut blobs, "h", &bytes).unwrap();
        let range =
            |start: usize, length: usize| get_range(&blobs, "h", start as u64, length as u64).unwrap();
        assert_eq!(range(0, bytes.len()), bytes);
        assert_eq!(range(0, usize::MAX >> 1), bytes);
        assert_eq!(range(CHUNK_BYTES - 3, 7), bytes[CHUNK_BYTES - 3..CHUNK_BYTES + 4]);
        assert_eq!(range(2 * CHUNK_BYTES, CHUNK_BYTES).len(), 100);
        assert!(range(bytes.len() + 5, 10).is_empty());
    }
}
