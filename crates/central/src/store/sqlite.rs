//! The embedded database: SQLite, WAL, `synchronous=FULL`. One writer; readers on their own connections.
//!
//! A long file on purpose: it is the one implementation of [`Tx`], a statement or two to a method, in the order of the
//! trait. Cutting it would only hide where a statement is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::disk::{Disk, Moment, Trouble};
use domain::follow_up::State;
use domain::history::{Change, ChangeKind, Head};
use domain::person::{PersonCard, Role, area_id};
use domain::wire::{DeviceReport, DeviceRow};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use rusqlite_migration::{M, Migrations};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Device, Enrolment, Entry, Evidence, EvidenceUser, Job, JobKind, LONGEST_WAIT, Person, Process, Project,
    PublishedFile, Release, Result, Store, StoreError, StoredFollowUp, StoredOperation, Tx, waiting_of,
};

mod copy;
mod opinions;
mod parts;
pub use copy::copy;

const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("../../migrations/sqlite/0001_create_central.sql")),
    M::up(include_str!("../../migrations/sqlite/0002_keep_conflicts.sql")),
    M::up(include_str!("../../migrations/sqlite/0003_index_waiting.sql")),
    M::up(include_str!("../../migrations/sqlite/0004_review.sql")),
    M::up(include_str!("../../migrations/sqlite/0005_keep_opinions.sql")),
    M::up(include_str!("../../migrations/sqlite/0007_files_of_everything.sql")),
];

/// The embedded store.
pub struct Sqlite {
    path: PathBuf,
    municipality: String,
    writer: Mutex<Connection>,
    /// Idle readers; one is made when none is free.
    readers: Mutex<Vec<Connection>>,
    disk: Option<Arc<dyn Disk>>,
}

impl Sqlite {
    /// Opens the database of a data folder, making or migrating it.
    ///
    /// # Errors
    /// The file cannot be opened, is of a later version, or does not pass its check.
    pub fn open(path: &Path, municipality: &str) -> Result<Sqlite> {
        let mut writer = Connection::open(path)?;
        tune(&writer)?;
        Migrations::from_slice(MIGRATIONS).to_latest(&mut writer).map_err(|error| match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => StoreError::from(err),
            other => StoreError::Database(other.to_string()),
        })?;
        Ok(Sqlite {
            path: path.to_owned(),
            municipality: municipality.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
            disk: None,
        })
    }

    /// The same on a disk that is passed in.
    #[must_use]
    pub fn on(mut self, disk: Option<Arc<dyn Disk>>) -> Sqlite {
        self.disk = disk;
        self
    }

    fn ask(&self, moment: Moment) -> Result<()> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        disk.at(moment).map_err(|trouble| {
            let code = match trouble {
                Trouble::Busy => rusqlite::ffi::SQLITE_BUSY,
                Trouble::Full => rusqlite::ffi::SQLITE_FULL,
                Trouble::Failing => rusqlite::ffi::SQLITE_IOERR,
            };
            rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None).into()
        })
    }

    fn reader(&self) -> Result<Connection> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(connection) = idle {
            return Ok(connection);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        tune(&connection)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }
}

fn tune(connection: &Connection) -> Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(20))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// SQLite says "full" only of the database file itself on a disk without a free block. A quota that is used up, the
/// largest file a disk allows, and a disk without room for the index of the log are told with these.
const NO_ROOM: [i32; 2] = [rusqlite::ffi::SQLITE_IOERR_WRITE, rusqlite::ffi::SQLITE_IOERR_SHMSIZE];

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode;
        if error.sqlite_error().is_some_and(|error| NO_ROOM.contains(&error.extended_code)) {
            return StoreError::Full;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                StoreError::ReadOnly
            }
            _ => StoreError::Database(error.to_string()),
        }
    }
}

impl Store for Sqlite {
    fn begin(&self) -> Result<Box<dyn Tx + '_>> {
        self.ask(Moment::Begin)?;
        let connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Box::new(SqliteTx { store: self, held: Held::Writer(connection), open: true }))
    }

    fn read(&self) -> Result<Box<dyn Tx + '_>> {
        let connection = self.reader()?;
        connection.execute_batch("BEGIN DEFERRED")?;
        Ok(Box::new(SqliteTx { store: self, held: Held::Reader(Some(connection)), open: true }))
    }
}

enum Held<'s> {
    Writer(MutexGuard<'s, Connection>),
    Reader(Option<Connection>),
}

struct SqliteTx<'s> {
    store: &'s Sqlite,
    held: Held<'s>,
    open: bool,
}

impl Drop for SqliteTx<'_> {
    fn drop(&mut self) {
        if self.open
            && let Ok(connection) = self.connection()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be undone");
        }
        if let Held::Reader(connection) = &mut self.held
            && let Some(connection) = connection.take()
        {
            self.store.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn parse_time(text: &str) -> Result<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|error| StoreError::Corrupt(format!("time {text}: {error}")))
}

fn parse_time_opt(text: Option<String>) -> Result<Option<DateTime<Utc>>> {
    text.as_deref().map(parse_time).transpose()
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn parse_uuid(text: &str) -> Result<Uuid> {
    text.parse().map_err(|error| StoreError::Corrupt(format!("id {text}: {error}")))
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn natural(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

impl SqliteTx<'_> {
    fn connection(&self) -> Result<&Connection> {
        match &self.held {
            Held::Writer(connection) => Ok(connection),
            Held::Reader(Some(connection)) => Ok(connection),
            Held::Reader(None) => Err(StoreError::Database("the transaction has ended".into())),
        }
    }

    fn m(&self) -> &str {
        &self.store.municipality
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        Ok(self.connection()?.prepare_cached(sql)?.execute(values)?)
    }

    fn one<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.connection()?.prepare_cached(sql)?.query_row(values, read).optional()?)
    }

    fn all<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection()?.prepare_cached(sql)?;
        let rows = statement.query_map(values, read)?;
        Ok(rows.collect::<rusqlite::Result<Vec<T>>>()?)
    }

    fn one_follow_up(&self, column: &str, value: &str) -> Result<Option<StoredFollowUp>> {
        let sql = format!("{FOLLOW_UP} WHERE municipality_id = ?1 AND {column} = ?2");
        self.one(&sql, params![self.m(), value], FollowUpText::read)?.map(FollowUpText::parse).transpose()
    }
}

const FOLLOW_UP: &str = "SELECT op_id, device_id, person_id, area_id, state, held, body, base, captured_at, recorded_at, \
     decided_at, findings, conflict, release_id, review FROM follow_up";

/// The columns of a follow-up as text, before they are parsed outside of rusqlite's closures.
struct FollowUpText {
    ids: [String; 4],
    state: String,
    held: Option<String>,
    body: String,
    base: String,
    captured_at: String,
    recorded_at: String,
    decided_at: Option<String>,
    findings: String,
    conflict: Option<String>,
    release_id: Option<String>,
    review: Option<String>,
}

impl FollowUpText {
    fn read(row: &Row<'_>) -> rusqlite::Result<FollowUpText> {
        Ok(FollowUpText {
            ids: [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?],
            state: row.get(4)?,
            held: row.get(5)?,
            body: row.get(6)?,
            base: row.get(7)?,
            captured_at: row.get(8)?,
            recorded_at: row.get(9)?,
            decided_at: row.get(10)?,
            findings: row.get(11)?,
            conflict: row.get(12)?,
            release_id: row.get(13)?,
            review: row.get(14)?,
        })
    }

    fn parse(self) -> Result<StoredFollowUp> {
        let [op_id, device_id, person_id, area_id] = self.ids;
        Ok(StoredFollowUp {
            follow_up: parse(&self.body)?,
            op_id: parse_uuid(&op_id)?,
            device_id: parse_uuid(&device_id)?,
            person_id,
            area_id,
            state: State::parse(&self.state)
                .ok_or_else(|| StoreError::Corrupt(format!("state {}", self.state)))?,
            held: self.held.as_deref().map(parse).transpose()?,
            base: parse(&self.base)?,
            captured_at: parse_time(&self.captured_at)?,
            recorded_at: parse_time(&self.recorded_at)?,
            decided_at: parse_time_opt(self.decided_at)?,
            findings: parse(&self.findings)?,
            conflict: self.conflict.as_deref().map(parse).transpose()?,
            review: self.review.as_deref().map(parse).transpose()?,
            release_id: self.release_id,
        })
    }
}

fn person_of(
    id: String,
    name: String,
    role: &str,
    area_id: String,
    area: String,
    trained: bool,
) -> Result<Person> {
    let role = Role::parse(role).ok_or_else(|| StoreError::Corrupt(format!("role {role}")))?;
    Ok(Person { card: PersonCard { id, name, role, area, trained }, area_id })
}

type ProjectText = (String, String, Option<String>, String, Option<String>, String, Option<String>);

fn project_text(row: &Row<'_>) -> rusqlite::Result<ProjectText> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
}

fn project_of(
    (folio, title, place, areas, progress, base_digest, published_at): ProjectText,
) -> Result<Project> {
    Ok(Project {
        folio,
        title,
        place,
        areas: parse(&areas)?,
        progress: progress.as_deref().map(parse).transpose()?,
        base_digest,
        published_at: parse_time_opt(published_at)?,
    })
}

fn kind_text(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Project => "project",
        ChangeKind::FollowUp => "follow_up",
        ChangeKind::Municipality => "municipality",
        ChangeKind::Form => "form",
        ChangeKind::Opinion => "opinion",
        ChangeKind::Rescue => "rescue",
        ChangeKind::Tombstone => "tombstone",
    }
}

fn kind_of(text: &str) -> Result<ChangeKind> {
    use ChangeKind::{FollowUp, Form, Municipality, Opinion, Project, Rescue, Tombstone};
    [Project, FollowUp, Municipality, Form, Opinion, Rescue, Tombstone]
        .into_iter()
        .find(|kind| kind_text(*kind) == text)
        .ok_or_else(|| StoreError::Corrupt(format!("kind {text}")))
}

/// The columns of a change as text, before they are parsed outside of rusqlite's closures.
type ChangeText = (i64, [String; 5]);

fn change_text(row: &Row<'_>) -> rusqlite::Result<ChangeText> {
    Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?]))
}

fn change_of(stream: &str, (seq, [kind, record_id, recorded_at, salt, state]): ChangeText) -> Result<Change> {
    Ok(Change {
        stream: stream.to_owned(),
        seq: natural(seq),
        kind: kind_of(&kind)?,
        record_id,
        recorded_at: parse_time(&recorded_at)?,
        salt,
        state: parse(&state)?,
    })
}

impl Tx for SqliteTx<'_> {
    fn commit(mut self: Box<Self>) -> Result<()> {
        self.store.ask(Moment::Commit)?;
        self.connection()?.execute_batch("COMMIT")?;
        self.open = false;
        self.store.ask(Moment::Committed)
    }

    fn mark(&self) -> Result<()> {
        self.run("SAVEPOINT mark", [])?;
        Ok(())
    }

    fn keep(&self) -> Result<()> {
        self.run("RELEASE mark", [])?;
        Ok(())
    }

    fn take_back(&self) -> Result<()> {
        self.run("ROLLBACK TO mark", [])?;
        self.keep()
    }

    fn meta(&self, key: &str) -> Result<Option<String>> {
        self.one(
            "SELECT value FROM meta WHERE municipality_id = ?1 AND key = ?2",
            params![self.m(), key],
            |row| row.get(0),
        )
    }

    fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        self.run(
            "INSERT INTO meta (municipality_id, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (municipality_id, key) DO UPDATE SET value = excluded.value",
            params![self.m(), key, value],
        )?;
        Ok(())
    }

    fn ensure_area(&self, name: &str) -> Result<String> {
        let id = area_id(name);
        self.run(
            "INSERT INTO area (municipality_id, id, name) VALUES (?1, ?2, ?3) ON CONFLICT (municipality_id, id) DO NOTHING",
            params![self.m(), id, name.trim()],
        )?;
        Ok(id)
    }

    fn area_name(&self, id: &str) -> Result<Option<String>> {
        self.one(
            "SELECT name FROM area WHERE municipality_id = ?1 AND id = ?2",
            params![self.m(), id],
            |row| row.get(0),
        )
    }

    fn add_person(&self, person: &Person, now: DateTime<Utc>) -> Result<()> {
        let card = &person.card;
        self.run(
            "INSERT INTO person (municipality_id, id, name, role, area_id, trained, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![self.m(), card.id, card.name, card.role.as_str(), person.area_id, card.trained, time(now)],
        )?;
        Ok(())
    }

    fn person(&self, id: &str) -> Result<Option<Person>> {
        let found = self.one(
            "SELECT p.id, p.name, p.role, p.area_id, a.name, p.trained FROM person p
             JOIN area a ON a.municipality_id = p.municipality_id AND a.id = p.area_id
             WHERE p.municipality_id = ?1 AND p.id = ?2",
            params![self.m(), id],
            |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get::<_, String>(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                ))
            },
        )?;
        found
            .map(|(id, name, role, area_id, area, trained)| {
                person_of(id, name, &role, area_id, area, trained)
            })
            .transpose()
    }

    fn people(&self) -> Result<Vec<Person>> {
        self.all(
            "SELECT p.id, p.name, p.role, p.area_id, a.name, p.trained FROM person p
             JOIN area a ON a.municipality_id = p.municipality_id AND a.id = p.area_id
             WHERE p.municipality_id = ?1 ORDER BY a.name, p.name, p.id",
            params![self.m()],
            |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get::<_, String>(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                ))
            },
        )?
        .into_iter()
        .map(|(id, name, role, area_id, area, trained)| person_of(id, name, &role, area_id, area, trained))
        .collect()
    }

    fn set_trained(&self, id: &str) -> Result<()> {
        self.run(
            "UPDATE person SET trained = 1 WHERE municipality_id = ?1 AND id = ?2",
            params![self.m(), id],
        )?;
        Ok(())
    }

    fn person_named(&self, name: &str, role: Role, area_id: &str) -> Result<Option<String>> {
        self.one(
            "SELECT id FROM person WHERE municipality_id = ?1 AND name = ?2 AND role = ?3 AND area_id = ?4",
            params![self.m(), name, role.as_str(), area_id],
            |row| row.get(0),
        )
    }

    fn add_code(
        &self,
        code_hash: &str,
        person_id: &str,
        now: DateTime<Utc>,
        expires: DateTime<Utc>,
    ) -> Result<()> {
        self.run(
            "INSERT INTO enrolment (municipality_id, code_hash, person_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![self.m(), code_hash, person_id, time(now), time(expires)],
        )?;
        Ok(())
    }

    fn code(&self, code_hash: &str) -> Result<Option<Enrolment>> {
        let found = self.one(
            "SELECT person_id, expires_at, used_at, device_id FROM enrolment WHERE municipality_id = ?1 AND code_hash = ?2",
            params![self.m(), code_hash],
            |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?, row.get::<_, Option<String>>(3)?)),
        )?;
        let Some((person_id, expires_at, used_at, device_id)) = found else {
            return Ok(None);
        };
        Ok(Some(Enrolment {
            person_id,
            expires_at: parse_time(&expires_at)?,
            used_at: parse_time_opt(used_at)?,
            device_id: device_id.as_deref().map(parse_uuid).transpose()?,
        }))
    }

    fn use_code(&self, code_hash: &str, device_id: Uuid, now: DateTime<Utc>) -> Result<()> {
        self.run(
            "UPDATE enrolment SET used_at = ?3, device_id = ?4 WHERE municipality_id = ?1 AND code_hash = ?2",
            params![self.m(), code_hash, time(now), device_id.to_string()],
        )?;
        Ok(())
    }

    fn add_device(&self, device: &Device, name: &str, app_version: &str, now: DateTime<Utc>) -> Result<()> {
        self.run(
            "INSERT INTO device (municipality_id, id, person_id, name, public_key, app_version, enrolled_at, last_contact)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
            params![self.m(), device.id.to_string(), device.person_id, name, device.public_key, app_version, time(now)],
        )?;
        Ok(())
    }

    fn device(&self, id: Uuid) -> Result<Option<Device>> {
        // SQLite has one writer (BEGIN IMMEDIATE), so the row is locked already; PostgreSQL adds FOR UPDATE here.
        let found = self.one(
            "SELECT person_id, public_key, last_seq, revoked_at FROM device WHERE municipality_id = ?1 AND id = ?2",
            params![self.m(), id.to_string()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?, row.get::<_, Option<String>>(3)?)),
        )?;
        let Some((person_id, public_key, last_seq, revoked_at)) = found else {
            return Ok(None);
        };
        Ok(Some(Device {
            id,
            person_id,
            public_key,
            last_seq: natural(last_seq),
            revoked_at: parse_time_opt(revoked_at)?,
        }))
    }

    fn revoke_device(&self, id: Uuid, now: DateTime<Utc>) -> Result<bool> {
        let changed = self.run(
            "UPDATE device SET revoked_at = COALESCE(revoked_at, ?3) WHERE municipality_id = ?1 AND id = ?2",
            params![self.m(), id.to_string(), time(now)],
        )?;
        self.run(
            "DELETE FROM access_token WHERE municipality_id = ?1 AND device_id = ?2",
            params![self.m(), id.to_string()],
        )?;
        Ok(changed > 0)
    }

    fn report_device(&self, id: Uuid, report: &DeviceReport, now: DateTime<Utc>) -> Result<()> {
        self.run(
            "UPDATE device SET last_contact = ?3, app_version = ?4, waiting = ?5, clock_offset_ms = ?6, free_bytes = ?7
             WHERE municipality_id = ?1 AND id = ?2",
            params![
                self.m(),
                id.to_string(),
                time(now),
                report.app_version,
                json(&report.waiting)?,
                report.clock_offset_ms,
                report.free_bytes.map(number)
            ],
        )?;
        Ok(())
    }

    fn contact_device(&self, id: Uuid, now: DateTime<Utc>) -> Result<()> {
        self.run(
            "UPDATE device SET last_contact = ?3 WHERE municipality_id = ?1 AND id = ?2",
            params![self.m(), id.to_string(), time(now)],
        )?;
        Ok(())
    }

    fn advance_device(&self, id: Uuid, last_seq: u64, receipt: bool, now: DateTime<Utc>) -> Result<()> {
        self.run(
            "UPDATE device SET last_seq = ?3, last_receipt = CASE WHEN ?4 THEN ?5 ELSE last_receipt END
             WHERE municipality_id = ?1 AND id = ?2",
            params![self.m(), id.to_string(), number(last_seq), receipt, time(now)],
        )?;
        Ok(())
    }

    fn devices(&self) -> Result<Vec<DeviceRow>> {
        let rows = self.all(
            "SELECT d.id, d.name, p.name, p.role, a.name, d.waiting, d.last_contact, d.last_receipt, d.clock_offset_ms,
                    d.app_version, d.free_bytes, d.revoked_at
             FROM device d
             JOIN person p ON p.municipality_id = d.municipality_id AND p.id = d.person_id
             JOIN area a ON a.municipality_id = p.municipality_id AND a.id = p.area_id
             WHERE d.municipality_id = ?1 ORDER BY a.name, p.name, d.name, d.id",
            params![self.m()],
            |row| {
                let texts: [String; 6] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                let times: [Option<String>; 3] = [row.get(6)?, row.get(7)?, row.get(11)?];
                Ok((texts, times, row.get::<_, i64>(8)?, row.get::<_, String>(9)?, row.get::<_, Option<i64>>(10)?))
            },
        )?;
        rows.into_iter()
            .map(
                |(
                    [id, device, person, role, area, waiting],
                    [contact, receipt, revoked],
                    clock_offset_ms,
                    app_version,
                    free,
                )| {
                    Ok(DeviceRow {
                        device_id: parse_uuid(&id)?,
                        device,
                        person,
                        role: Role::parse(&role)
                            .ok_or_else(|| StoreError::Corrupt(format!("role {role}")))?,
                        area,
                        waiting: waiting_of(&waiting)?,
                        last_contact: parse_time_opt(contact)?,
                        last_receipt: parse_time_opt(receipt)?,
                        clock_offset_ms,
                        app_version,
                        free_bytes: free.map(natural),
                        revoked: revoked.is_some(),
                    })
                },
            )
            .collect()
    }

    fn add_nonce(&self, nonce: &str, device_id: Uuid, expires: DateTime<Utc>) -> Result<()> {
        self.run(
            "INSERT INTO nonce (municipality_id, nonce, device_id, expires_at) VALUES (?1, ?2, ?3, ?4)",
            params![self.m(), nonce, device_id.to_string(), time(expires)],
        )?;
        Ok(())
    }

    fn take_nonce(&self, nonce: &str, device_id: Uuid, now: DateTime<Utc>) -> Result<bool> {
        self.run(
            "DELETE FROM nonce WHERE municipality_id = ?1 AND expires_at < ?2",
            params![self.m(), time(now)],
        )?;
        let taken = self.run(
            "DELETE FROM nonce WHERE municipality_id = ?1 AND nonce = ?2 AND device_id = ?3",
            params![self.m(), nonce, device_id.to_string()],
        )?;
        Ok(taken > 0)
    }

    fn add_token(
        &self,
        token_hash: &str,
        device_id: Uuid,
        now: DateTime<Utc>,
        expires: DateTime<Utc>,
    ) -> Result<()> {
        self.run(
            "DELETE FROM access_token WHERE municipality_id = ?1 AND expires_at < ?2",
            params![self.m(), time(now)],
        )?;
        self.run(
            "INSERT INTO access_token (municipality_id, token_hash, device_id, expires_at) VALUES (?1, ?2, ?3, ?4)",
            params![self.m(), token_hash, device_id.to_string(), time(expires)],
        )?;
        Ok(())
    }

    fn token(&self, token_hash: &str, now: DateTime<Utc>) -> Result<Option<Uuid>> {
        let found: Option<String> = self.one(
            "SELECT device_id FROM access_token WHERE municipality_id = ?1 AND token_hash = ?2 AND expires_at >= ?3",
            params![self.m(), token_hash, time(now)],
            |row| row.get(0),
        )?;
        found.as_deref().map(parse_uuid).transpose()
    }

    fn project(&self, folio: &str) -> Result<Option<Project>> {
        self.one(
            "SELECT folio, title, place, areas, progress, base_digest, published_at FROM project
             WHERE municipality_id = ?1 AND folio = ?2",
            params![self.m(), folio],
            project_text,
        )?
        .map(project_of)
        .transpose()
    }

    fn projects(&self) -> Result<Vec<Project>> {
        self.all(
            "SELECT folio, title, place, areas, progress, base_digest, published_at FROM project
             WHERE municipality_id = ?1 ORDER BY folio",
            params![self.m()],
            project_text,
        )?
        .into_iter()
        .map(project_of)
        .collect()
    }

    fn put_project(&self, project: &Project) -> Result<()> {
        self.run(
            "INSERT INTO project (municipality_id, folio, title, place, areas, progress, base_digest, published_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (municipality_id, folio) DO UPDATE SET title = excluded.title, place = excluded.place,
               areas = excluded.areas, progress = excluded.progress, base_digest = excluded.base_digest,
               published_at = excluded.published_at",
            params![
                self.m(),
                project.folio,
                project.title,
                project.place,
                json(&project.areas)?,
                project.progress.as_ref().map(json).transpose()?,
                project.base_digest,
                project.published_at.map(time)
            ],
        )?;
        Ok(())
    }

    fn processes(&self, folio: &str) -> Result<Vec<Process>> {
        self.all(
            "SELECT ocid, folio, version, compiled FROM process WHERE municipality_id = ?1 AND folio = ?2 ORDER BY ocid",
            params![self.m(), folio],
            |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?, row.get::<_, String>(3)?)),
        )?
        .into_iter()
        .map(|(ocid, folio, version, compiled)| {
            Ok(Process { ocid, folio, version: natural(version), compiled: parse(&compiled)? })
        })
        .collect()
    }

    fn process(&self, ocid: &str) -> Result<Option<Process>> {
        let found = self.one(
            "SELECT ocid, folio, version, compiled FROM process WHERE municipality_id = ?1 AND ocid = ?2",
            params![self.m(), ocid],
            |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?, row.get::<_, String>(3)?)),
        )?;
        let Some((ocid, folio, version, compiled)) = found else {
            return Ok(None);
        };
        Ok(Some(Process { ocid, folio, version: natural(version), compiled: parse(&compiled)? }))
    }

    fn versions(&self, folio: &str) -> Result<Vec<(String, u64)>> {
        self.all(
            "SELECT ocid, version FROM process WHERE municipality_id = ?1 AND folio = ?2 ORDER BY ocid",
            params![self.m(), folio],
            |row| Ok((row.get(0)?, natural(row.get::<_, i64>(1)?))),
        )
    }

    fn put_process(&self, process: &Process) -> Result<()> {
        self.run(
            "INSERT INTO process (municipality_id, ocid, folio, version, compiled) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (municipality_id, ocid) DO UPDATE SET version = excluded.version, compiled = excluded.compiled",
            params![self.m(), process.ocid, process.folio, number(process.version), json(&process.compiled)?],
        )?;
        Ok(())
    }

    fn add_release(&self, release: &Release) -> Result<()> {
        self.run(
            "INSERT INTO release (municipality_id, ocid, sequence, id, date, fragment, body, follow_up_id, published_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                self.m(),
                release.ocid,
                number(release.sequence),
                release.id,
                time(release.date),
                json(&release.fragment)?,
                json(&release.body)?,
                release.follow_up.map(|id| id.to_string()),
                release.published_at.map(time)
            ],
        )?;
        Ok(())
    }

    fn releases(&self, ocid: &str) -> Result<Vec<Release>> {
        let rows = self.all(
            "SELECT sequence, id, date, fragment, body, follow_up_id, published_at FROM release
             WHERE municipality_id = ?1 AND ocid = ?2 ORDER BY sequence",
            params![self.m(), ocid],
            |row| {
                let texts: [String; 4] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
                let options: [Option<String>; 2] = [row.get(5)?, row.get(6)?];
                Ok((row.get::<_, i64>(0)?, texts, options))
            },
        )?;
        rows.into_iter()
            .map(|(sequence, [id, date, fragment, body], [follow_up, published])| {
                Ok(Release {
                    ocid: ocid.to_owned(),
                    sequence: natural(sequence),
                    id,
                    date: parse_time(&date)?,
                    fragment: parse(&fragment)?,
                    body: parse(&body)?,
                    follow_up: follow_up.as_deref().map(parse_uuid).transpose()?,
                    published_at: parse_time_opt(published)?,
                })
            })
            .collect()
    }

    fn mark_published(&self, ocid: &str, up_to: u64, now: DateTime<Utc>) -> Result<()> {
        self.run(
            "UPDATE release SET published_at = ?4
             WHERE municipality_id = ?1 AND ocid = ?2 AND sequence <= ?3 AND published_at IS NULL",
            params![self.m(), ocid, number(up_to), time(now)],
        )?;
        Ok(())
    }

    fn add_follow_up(&self, stored: &StoredFollowUp) -> Result<()> {
        let follow_up = &stored.follow_up;
        self.run(
            "INSERT INTO follow_up (municipality_id, id, op_id, device_id, person_id, area_id, project, ocid, folio, state,
               held, body, base, captured_at, recorded_at, decided_at, findings, conflict, release_id, review)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
            params![
                self.m(),
                follow_up.id.to_string(),
                stored.op_id.to_string(),
                stored.device_id.to_string(),
                stored.person_id,
                stored.area_id,
                follow_up.project,
                follow_up.ocid,
                follow_up.folio(),
                stored.state.as_str(),
                stored.held.as_ref().map(json).transpose()?,
                json(follow_up)?,
                json(&stored.base)?,
                time(stored.captured_at),
                time(stored.recorded_at),
                stored.decided_at.map(time),
                json(&stored.findings)?,
                stored.conflict.as_ref().map(json).transpose()?,
                stored.release_id,
                stored.review.as_ref().map(json).transpose()?
            ],
        )?;
        for (position, file) in follow_up.evidence.iter().enumerate() {
            self.run(
                "INSERT INTO evidence_need (municipality_id, follow_up_id, position, sha256, size) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![self.m(), follow_up.id.to_string(), number(position as u64), file.sha256, number(file.size)],
            )?;
        }
        Ok(())
    }

    fn update_follow_up(&self, stored: &StoredFollowUp) -> Result<()> {
        self.run(
            "UPDATE follow_up SET state = ?3, held = ?4, decided_at = ?5, findings = ?6, conflict = ?7, release_id = ?8, review = ?9
             WHERE municipality_id = ?1 AND id = ?2",
            params![
                self.m(),
                stored.follow_up.id.to_string(),
                stored.state.as_str(),
                stored.held.as_ref().map(json).transpose()?,
                stored.decided_at.map(time),
                json(&stored.findings)?,
                stored.conflict.as_ref().map(json).transpose()?,
                stored.release_id,
                stored.review.as_ref().map(json).transpose()?
            ],
        )?;
        Ok(())
    }

    fn follow_up(&self, id: Uuid) -> Result<Option<StoredFollowUp>> {
        self.one_follow_up("id", &id.to_string())
    }

    fn follow_up_of_op(&self, op_id: Uuid) -> Result<Option<StoredFollowUp>> {
        self.one_follow_up("op_id", &op_id.to_string())
    }

    fn follow_up_by_folio(&self, folio: &str) -> Result<Option<StoredFollowUp>> {
        self.one_follow_up("folio", folio)
    }

    fn follow_ups(&self, project: &str) -> Result<Vec<StoredFollowUp>> {
        let sql = format!("{FOLLOW_UP} WHERE municipality_id = ?1 AND project = ?2 ORDER BY recorded_at, id");
        let rows = self.all(&sql, params![self.m(), project], FollowUpText::read)?;
        rows.into_iter().map(FollowUpText::parse).collect()
    }

    fn any_follow_up(&self, project: &str, state: State) -> Result<bool> {
        let found = self.one(
            "SELECT 1 FROM follow_up WHERE municipality_id = ?1 AND project = ?2 AND state = ?3 LIMIT 1",
            params![self.m(), project, state.as_str()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    fn in_conflict(&self, ocid: &str) -> Result<Vec<Uuid>> {
        let rows: Vec<String> = self.all(
            "SELECT id FROM follow_up WHERE municipality_id = ?1 AND state = 'conflict' AND ocid = ?2
             ORDER BY recorded_at, id",
            params![self.m(), ocid],
            |row| row.get(0),
        )?;
        rows.iter().map(|id| parse_uuid(id)).collect()
    }

    fn waiting_after(&self, person_id: &str) -> Result<Vec<Uuid>> {
        let rows: Vec<String> = self.all(
            "SELECT id FROM follow_up WHERE municipality_id = ?1 AND state = 'received' AND person_id = ?2
               AND held IS NOT NULL AND held LIKE '%after_held%'
             ORDER BY recorded_at, id",
            params![self.m(), person_id],
            |row| row.get(0),
        )?;
        rows.iter().map(|id| parse_uuid(id)).collect()
    }

    fn waiting_for_review(&self) -> Result<Vec<Uuid>> {
        let rows: Vec<String> = self.all(
            "SELECT id FROM follow_up WHERE municipality_id = ?1 AND state = 'received'
               AND json_extract(held, '$.why') = 'review' ORDER BY recorded_at, id",
            params![self.m()],
            |row| row.get(0),
        )?;
        rows.iter().map(|id| parse_uuid(id)).collect()
    }

    fn received_of(&self, person_id: &str) -> Result<Vec<Uuid>> {
        let rows: Vec<String> = self.all(
            "SELECT id FROM follow_up WHERE municipality_id = ?1 AND state = 'received' AND person_id = ?2
             ORDER BY recorded_at, id",
            params![self.m(), person_id],
            |row| row.get(0),
        )?;
        rows.iter().map(|id| parse_uuid(id)).collect()
    }

    fn counts(&self) -> Result<BTreeMap<String, u64>> {
        let rows = self.all(
            "SELECT state, COUNT(*) FROM follow_up WHERE municipality_id = ?1 GROUP BY state",
            params![self.m()],
            |row| Ok((row.get(0)?, natural(row.get::<_, i64>(1)?))),
        )?;
        Ok(rows.into_iter().collect())
    }

    fn operation(&self, op_id: Uuid) -> Result<Option<StoredOperation>> {
        let found = self.one(
            "SELECT device_id, client_seq, kind, body_hash, answer FROM operation WHERE municipality_id = ?1 AND op_id = ?2",
            params![self.m(), op_id.to_string()],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )?;
        let Some((device_id, client_seq, kind, body_hash, answer)) = found else {
            return Ok(None);
        };
        let device_id = parse_uuid(&device_id)?;
        Ok(Some(StoredOperation {
            op_id,
            device_id,
            client_seq: natural(client_seq),
            kind,
            body_hash,
            answer,
        }))
    }

    fn add_operation(&self, operation: &StoredOperation, now: DateTime<Utc>) -> Result<()> {
        self.run(
            "INSERT INTO operation (municipality_id, op_id, device_id, client_seq, kind, body_hash, answer, recorded_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                self.m(),
                operation.op_id.to_string(),
                operation.device_id.to_string(),
                number(operation.client_seq),
                operation.kind,
                operation.body_hash,
                operation.answer,
                time(now)
            ],
        )?;
        Ok(())
    }

    fn append(&self, entries: Vec<Entry>, now: DateTime<Utc>) -> Result<Vec<Head>> {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|a, b| entries[*a].stream.cmp(&entries[*b].stream));
        let mut heads: BTreeMap<String, Head> = BTreeMap::new();
        let mut placed = vec![Head::default(); entries.len()];
        // Milliseconds are what is stored: the hash must be over what will be read again.
        let now = parse_time(&time(now))?;
        let mut entries: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
        for index in order {
            let Some(entry) = entries[index].take() else { continue };
            let mut head = match heads.remove(&entry.stream) {
                Some(head) => head,
                None => self.head(&entry.stream)?,
            };
            let change = Change {
                stream: entry.stream,
                seq: head.seq + 1,
                kind: entry.kind,
                record_id: entry.record_id,
                recorded_at: now,
                salt: domain::receipt::new_salt(),
                state: entry.state,
            };
            head.take(&change).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            self.run(
                "INSERT INTO stream_log (municipality_id, stream, seq, kind, record_id, recorded_at, salt, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    self.m(),
                    change.stream,
                    number(change.seq),
                    kind_text(change.kind),
                    change.record_id,
                    time(now),
                    change.salt,
                    json(&change.state)?
                ],
            )?;
            placed[index] = head.clone();
            heads.insert(change.stream, head);
        }
        for (stream, head) in &heads {
            self.run(
                "INSERT INTO stream_head (municipality_id, stream, seq, chain) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (municipality_id, stream) DO UPDATE SET seq = excluded.seq, chain = excluded.chain",
                params![self.m(), stream, number(head.seq), head.chain],
            )?;
        }
        Ok(placed)
    }

    fn head(&self, stream: &str) -> Result<Head> {
        let found = self.one(
            "SELECT seq, chain FROM stream_head WHERE municipality_id = ?1 AND stream = ?2",
            params![self.m(), stream],
            |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)),
        )?;
        Ok(found.map_or_else(Head::default, |(seq, chain)| Head { seq: natural(seq), chain }))
    }

    fn streams(&self) -> Result<Vec<String>> {
        self.all(
            "SELECT stream FROM stream_head WHERE municipality_id = ?1 ORDER BY stream",
            params![self.m()],
            |row| row.get(0),
        )
    }

    fn changes(&self, stream: &str, after: u64, limit: usize) -> Result<Vec<Change>> {
        let rows = self.all(
            "SELECT seq, kind, record_id, recorded_at, salt, state FROM stream_log
             WHERE municipality_id = ?1 AND stream = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4",
            params![self.m(), stream, number(after), number(limit as u64)],
            change_text,
        )?;
        rows.into_iter().map(|text| change_of(stream, text)).collect()
    }

    fn latest(&self, stream: &str, at: u64, each: &mut dyn FnMut(Change) -> bool) -> Result<()> {
        // A tombstone takes away every record of its name, whatever its kind.
        let mut statement = self.connection()?.prepare_cached(
            "WITH last AS (SELECT record_id, kind, MAX(seq) AS seq FROM stream_log
                           WHERE municipality_id = ?1 AND stream = ?2 AND seq <= ?3 GROUP BY record_id, kind)
             SELECT l.seq, l.kind, l.record_id, l.recorded_at, l.salt, l.state FROM last
             JOIN stream_log l ON l.municipality_id = ?1 AND l.stream = ?2 AND l.seq = last.seq
             LEFT JOIN last gone ON gone.record_id = last.record_id AND gone.kind = 'tombstone'
             WHERE last.kind <> 'tombstone' AND (gone.seq IS NULL OR gone.seq < last.seq) ORDER BY l.seq",
        )?;
        let mut rows = statement.query(params![self.m(), stream, number(at)])?;
        while let Some(row) = rows.next()? {
            if !each(change_of(stream, change_text(row)?)?) {
                break;
            }
        }
        Ok(())
    }

    fn evidence(&self, sha256: &str) -> Result<Option<Evidence>> {
        let found = self.one(
            "SELECT size, media_type, verified_at FROM evidence WHERE municipality_id = ?1 AND sha256 = ?2",
            params![self.m(), sha256],
            |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, Option<String>>(2)?)),
        )?;
        let Some((size, media_type, verified_at)) = found else {
            return Ok(None);
        };
        Ok(Some(Evidence {
            sha256: sha256.to_owned(),
            size: natural(size),
            media_type,
            verified_at: parse_time_opt(verified_at)?,
        }))
    }

    fn put_evidence(&self, evidence: &Evidence) -> Result<()> {
        self.run(
            "INSERT INTO evidence (municipality_id, sha256, size, media_type, verified_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (municipality_id, sha256) DO UPDATE SET size = excluded.size, verified_at = excluded.verified_at",
            params![
                self.m(),
                evidence.sha256,
                number(evidence.size),
                evidence.media_type,
                evidence.verified_at.map(time)
            ],
        )?;
        Ok(())
    }

    fn evidence_files(&self) -> Result<Vec<Evidence>> {
        let rows = self.all(
            "SELECT sha256, size, media_type, verified_at FROM evidence
             WHERE municipality_id = ?1 AND verified_at IS NOT NULL ORDER BY sha256",
            params![self.m()],
            |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get::<_, Option<String>>(3)?)),
        )?;
        rows.into_iter()
            .map(|(sha256, size, media_type, verified_at)| {
                let verified_at = parse_time_opt(verified_at)?;
                Ok(Evidence { sha256, size: natural(size), media_type, verified_at })
            })
            .collect()
    }

    fn metas(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        self.all(
            "SELECT substr(key, length(?2) + 1), value FROM meta
             WHERE municipality_id = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key",
            params![self.m(), prefix],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    fn begin_epoch(&self, ended: Uuid, epoch: Uuid, now: DateTime<Utc>) -> Result<()> {
        self.run(
            "INSERT INTO meta (municipality_id, key, value)
             SELECT municipality_id, 'known/' || ?2 || '/' || ocid, CAST(version AS TEXT) FROM process
             WHERE municipality_id = ?1
             ON CONFLICT (municipality_id, key) DO UPDATE SET value = excluded.value",
            params![self.m(), ended.to_string()],
        )?;
        self.run("DELETE FROM access_token WHERE municipality_id = ?1", params![self.m()])?;
        self.run("DELETE FROM nonce WHERE municipality_id = ?1", params![self.m()])?;
        self.set_meta("restored_at", &time(now))?;
        self.set_meta("epoch", &epoch.to_string())
    }

    fn known_in(&self, ended: Uuid, ocid: &str) -> Result<u64> {
        let known = self.meta(&format!("known/{ended}/{ocid}"))?;
        known.map_or(Ok(0), |text| {
            text.parse().map_err(|_| StoreError::Corrupt(format!("version {text} of {ocid}")))
        })
    }

    fn evidence_users(&self, sha256: &str) -> Result<Vec<EvidenceUser>> {
        let rows: Vec<(String, String, i64)> = self.all(
            "SELECT DISTINCT f.id, f.person_id, n.size FROM evidence_need n
             JOIN follow_up f ON f.municipality_id = n.municipality_id AND f.id = n.follow_up_id
             WHERE n.municipality_id = ?1 AND n.sha256 = ?2 ORDER BY f.id",
            params![self.m(), sha256],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        rows.into_iter()
            .map(|(follow_up, person_id, size)| {
                Ok(EvidenceUser { follow_up: parse_uuid(&follow_up)?, person_id, size: natural(size) })
            })
            .collect()
    }

    fn missing_files(&self, follow_up: Uuid) -> Result<(u32, u64)> {
        let found = self.one(
            "SELECT COUNT(*), COALESCE(SUM(n.size), 0) FROM evidence_need n
             LEFT JOIN evidence e ON e.municipality_id = n.municipality_id AND e.sha256 = n.sha256 AND e.verified_at IS NOT NULL
             WHERE n.municipality_id = ?1 AND n.follow_up_id = ?2 AND e.sha256 IS NULL",
            params![self.m(), follow_up.to_string()],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )?;
        let (count, bytes) = found.unwrap_or_default();
        Ok((u32::try_from(count).unwrap_or(u32::MAX), natural(bytes)))
    }

    fn queue(&self, kind: JobKind, key: &str, now: DateTime<Utc>) -> Result<()> {
        self.run(
            "INSERT INTO job (municipality_id, kind, key, queued_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (municipality_id, kind, key) DO UPDATE SET attempts = 0, last_error = NULL, queued_at = excluded.queued_at",
            params![self.m(), kind.as_str(), key, time(now)],
        )?;
        Ok(())
    }

    fn jobs(&self, kind: JobKind, now: DateTime<Utc>, limit: usize) -> Result<Vec<Job>> {
        let farthest = now.checked_add_signed(TimeDelta::seconds(LONGEST_WAIT)).unwrap_or(now);
        self.all(
            "SELECT key, attempts FROM job
             WHERE municipality_id = ?1 AND kind = ?2 AND (queued_at <= ?3 OR queued_at > ?5)
             ORDER BY attempts, queued_at, key LIMIT ?4",
            params![self.m(), kind.as_str(), time(now), number(limit as u64), time(farthest)],
            |row| Ok(Job { kind, key: row.get(0)?, attempts: row.get(1)? }),
        )
    }

    fn queued(&self) -> Result<u64> {
        let found =
            self.one("SELECT COUNT(*) FROM job WHERE municipality_id = ?1", params![self.m()], |row| {
                row.get::<_, i64>(0)
            })?;
        Ok(natural(found.unwrap_or(0)))
    }

    fn finish_job(&self, kind: JobKind, key: &str) -> Result<()> {
        self.run(
            "DELETE FROM job WHERE municipality_id = ?1 AND kind = ?2 AND key = ?3",
            params![self.m(), kind.as_str(), key],
        )?;
        Ok(())
    }

    fn fail_job(&self, kind: JobKind, key: &str, error: &str, again: DateTime<Utc>) -> Result<()> {
        self.run(
            "UPDATE job SET attempts = attempts + 1, last_error = ?4, queued_at = ?5
             WHERE municipality_id = ?1 AND kind = ?2 AND key = ?3",
            params![self.m(), kind.as_str(), key, error, time(again)],
        )?;
        Ok(())
    }

    fn published_files(&self) -> Result<Vec<PublishedFile>> {
        let rows = self.all(
            "SELECT path, kind, ocid, count, bytes, sha256, changed FROM published_file WHERE municipality_id = ?1 ORDER BY path",
            params![self.m()],
            |row| {
                let texts: [String; 5] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(5)?, row.get(6)?];
                Ok((texts, row.get::<_, i64>(3)?, row.get::<_, i64>(4)?))
            },
        )?;
        rows.into_iter()
            .map(|([path, kind, ocid, sha256, changed], count, bytes)| {
                let changed = parse_time(&changed)?;
                Ok(PublishedFile {
                    path,
                    kind,
                    ocid,
                    count: natural(count),
                    bytes: natural(bytes),
                    sha256,
                    changed,
                })
            })
            .collect()
    }

    fn put_published_file(&self, file: &PublishedFile) -> Result<()> {
        if file.kind == "record" {
            self.run(
                "DELETE FROM published_file WHERE municipality_id = ?1 AND ocid = ?2 AND kind = 'record'",
                params![self.m(), file.ocid],
            )?;
        }
        self.run(
            "INSERT INTO published_file (municipality_id, path, kind, ocid, count, bytes, sha256, changed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (municipality_id, path) DO NOTHING",
            params![
                self.m(),
                file.path,
                file.kind,
                file.ocid,
                number(file.count),
                number(file.bytes),
                file.sha256,
                time(file.changed)
            ],
        )?;
        Ok(())
    }

    fn add_run(&self, note: &Value, now: DateTime<Utc>) -> Result<u64> {
        let last: Option<i64> = self
            .one("SELECT MAX(n) FROM run WHERE municipality_id = ?1", params![self.m()], |row| {
                row.get::<_, Option<i64>>(0)
            })?
            .flatten();
        let n = natural(last.unwrap_or(0)) + 1;
        self.run(
            "INSERT INTO run (municipality_id, n, finished_at, note) VALUES (?1, ?2, ?3, ?4)",
            params![self.m(), number(n), time(now), json(note)?],
        )?;
        Ok(n)
    }
}
