//! The encrypted store of a device: `device.db` and `evidence.db`. All SQL of the crate is in this module.
//!
//! One writer behind a mutex, read-only readers. Opening checks the file, keeps a copy before a migration, and sets a
//! file that cannot be read aside, whole; nothing is ever deleted.

pub(crate) mod base;
pub(crate) mod choices;
pub(crate) mod drafts;
pub(crate) mod files;
pub(crate) mod forms;
pub(crate) mod made;
pub(crate) mod meta;
pub(crate) mod opinions;
pub(crate) mod outbox;
pub(crate) mod projects;
pub(crate) mod rescue;
pub(crate) mod reviews;
mod snapshot;
pub(crate) mod versions;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::disk::{Disk, Moment, Trouble};
use domain::problem::{Code, Problem};
use domain::seeded::{self, Bug};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::Error;
use crate::keys::DatabaseKey;
use crate::outside::Outside;

const DEVICE_STEPS: &[M<'_>] = &[
    M::up(include_str!("../migrations/0001_create_tables.sql")),
    M::up(include_str!("../migrations/0002_remember_base_and_author.sql")),
    M::up(include_str!("../migrations/0003_remember_epochs.sql")),
    M::up(include_str!("../migrations/0004_names_of_authors.sql")),
    M::up(include_str!("../migrations/0006_remember_photographs.sql")),
    M::up(include_str!("../migrations/0007_list_projects.sql")),
    M::up(include_str!("../migrations/0008_keep_forms_and_versions.sql")),
    M::up(include_str!("../migrations/0009_review.sql")),
    M::up(include_str!("../migrations/0010_keep_opinions.sql")),
];
const EVIDENCE_STEPS: &[M<'_>] = &[M::up(include_str!("../migrations/evidence/0001_create_chunks.sql"))];
const DEVICE: &str = "device.db";
const EVIDENCE: &str = "evidence.db";
/// Readers kept open; more are opened when needed and closed afterwards.
const IDLE_READERS: usize = 4;

/// An open store.
pub(crate) struct Store {
    path: PathBuf,
    key: DatabaseKey,
    // Before the writer, so that they close first: only a writer that closes last folds the log into the database.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
    blobs: Mutex<Connection>,
    disk: Option<Arc<dyn Disk>>,
    inline: bool,
    session: Uuid,
    changes: AtomicU64,
}

/// Whether there is a database here. As with the key, no answer is not a no.
pub(crate) fn exists(dir: &Path) -> Result<bool, Error> {
    let path = dir.join(DEVICE);
    path.try_exists().map_err(Error::io(path))
}

impl Store {
    /// Opens or makes both databases.
    pub(crate) fn open(
        dir: &Path,
        key: DatabaseKey,
        now: DateTime<Utc>,
        outside: &Outside,
    ) -> Result<Store, Error> {
        let mut writer = open_checked(dir, DEVICE, &key, DEVICE_STEPS, true, now)?;
        if !projects::are_up_to_date(&writer)? {
            transact(&mut writer, |transaction| projects::make_again(transaction))?;
        }
        // Photographs may be gigabytes: their pages are checked when they are read (each chunk is under an HMAC).
        let blobs = open_checked(dir, EVIDENCE, &key, EVIDENCE_STEPS, false, now)?;
        Ok(Store {
            path: dir.join(DEVICE),
            key,
            readers: Mutex::new(Vec::new()),
            writer: Mutex::new(writer),
            blobs: Mutex::new(blobs),
            disk: outside.disk.clone(),
            inline: outside.inline,
            session: domain::random::id(now),
            changes: AtomicU64::new(0),
        })
    }

    /// This opening of the store: what is found from another one was left by a program that ended.
    pub(crate) fn session(&self) -> Uuid {
        self.session
    }

    /// How many transactions this opening of the store has written.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn ask(&self, moment: Moment) -> Result<(), Error> {
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

    /// Runs one transaction. It is on the disk when this returns.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.ask(Moment::Begin)?;
        let mut writer = lock(&self.writer);
        let done = transact(&mut writer, |transaction| {
            let value = work(transaction)?;
            self.ask(Moment::Commit)?;
            Ok(value)
        });
        self.renew(&self.path, &mut writer, &done);
        let value = done?;
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.ask(Moment::Committed)?;
        Ok(value)
    }

    /// Opens a connection anew after an error: once a page could not be read, the cipher refuses everything on the same
    /// connection, for ever, and the window stays open for days.
    fn renew<T>(&self, path: &Path, connection: &mut Connection, done: &Result<T, Error>) {
        if matches!(done, Err(Error::Sqlite(_))) {
            match open_writer(path, &self.key) {
                Ok(fresh) => *connection = fresh,
                Err(error) => tracing::error!(%error, "the store could not be opened again"),
            }
        }
    }

    /// Reads one consistent state.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = lock(&self.readers).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let reader = connect(&self.path, &self.key, flags)?;
                reader.execute_batch("PRAGMA query_only = ON;")?;
                reader
            }
        };
        let value = {
            let snapshot = reader.transaction()?;
            work(&snapshot)
        };
        let mut idle = lock(&self.readers);
        // As the writer: what failed once is not asked again.
        if idle.len() < IDLE_READERS && !matches!(value, Err(Error::Sqlite(_))) {
            idle.push(reader);
        }
        value
    }

    /// The database of bytes.
    pub(crate) fn blobs<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.ask(Moment::Begin)?;
        let mut blobs = lock(&self.blobs);
        let done = work(&mut blobs);
        self.renew(&self.path.with_file_name(EVIDENCE), &mut blobs, &done);
        done
    }
}

/// Work on the store outside of the threads that wait for the network.
pub(crate) async fn blocking<T: Send + 'static>(
    store: &Arc<Store>,
    work: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if store.inline {
        return work(store);
    }
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || work(&store)).await?
}

/// A poisoned lock means that a panic crossed it; the transaction it held was rolled back, so the connection is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path, key: &DatabaseKey, flags: OpenFlags) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, flags)?;
    if !seeded::is(Bug::StoreInPlain) {
        connection.execute_batch(&key.pragma())?;
    }
    // Temporary tables and sorts stay in memory: a temporary file would not be encrypted.
    connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;")?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn open_writer(path: &Path, key: &DatabaseKey) -> Result<Connection, Error> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, key, flags)?;
    // The first statement that touches the file: here a damaged first page shows.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn transact<T>(
    writer: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

fn open_checked(
    dir: &Path,
    name: &str,
    key: &DatabaseKey,
    steps: &'static [M<'static>],
    check: bool,
    now: DateTime<Utc>,
) -> Result<Connection, Error> {
    let path = dir.join(name);
    let look = || open_and_migrate(&path, key, steps, check, now);
    let first = look();
    // A page that the disk did not read looks the same as one that is damaged, once. What is damaged stays so.
    let again = if matches!(&first, Err(error) if error.is_corruption()) { look() } else { first };
    match again {
        Err(error) if error.is_corruption() && path.exists() => {
            tracing::error!(%error, path = %path.display(), "the store cannot be read and is set aside");
            let aside = set_aside(&path, now)?;
            Err(Problem::new(Code::StoreSetAside).with("path", aside.display().to_string()).into())
        }
        other => other,
    }
}

fn open_and_migrate(
    path: &Path,
    key: &DatabaseKey,
    steps: &'static [M<'static>],
    check: bool,
    now: DateTime<Utc>,
) -> Result<Connection, Error> {
    let existed = path.exists();
    let mut connection = open_writer(path, key)?;
    if existed && check {
        let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            tracing::error!(verdict, "quick_check");
            let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(damaged, Some(verdict)).into());
        }
    }
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > 0 && usize::try_from(version).is_ok_and(|version| version < steps.len()) {
        keep_copy(&connection, path, version, now)?;
    }
    Migrations::from_slice(steps).to_latest(&mut connection)?;
    Ok(connection)
}

/// A copy of the file before its structure changes; encrypted, because the file is. The folder lock is held and this
/// is the only connection, so after a full checkpoint the file is the whole database.
fn keep_copy(connection: &Connection, path: &Path, version: i64, now: DateTime<Utc>) -> Result<(), Error> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let copy = beside(path, &format!("v{version}-{}", stamp(now)));
    std::fs::copy(path, &copy).map_err(Error::io(&copy))?;
    Ok(())
}

/// Renames a database and its companions. The program starts with a new one; the old one stays for whoever can mend it.
fn set_aside(path: &Path, now: DateTime<Utc>) -> Result<PathBuf, Error> {
    let aside = beside(path, &format!("damaged-{}", stamp(now)));
    for suffix in ["-wal", "-shm"] {
        let from = path.with_file_name(suffixed(path, suffix));
        if from.exists() {
            std::fs::rename(&from, aside.with_file_name(suffixed(&aside, suffix)))
                .map_err(Error::io(&from))?;
        }
    }
    std::fs::rename(path, &aside).map_err(Error::io(path))?;
    Ok(aside)
}

fn suffixed(path: &Path, suffix: &str) -> String {
    format!("{}{suffix}", path.file_name().unwrap_or_default().to_string_lossy())
}

fn beside(path: &Path, what: &str) -> PathBuf {
    path.with_file_name(suffixed(path, &format!(".{what}")))
}

fn stamp(now: DateTime<Utc>) -> String {
    now.format("%Y%m%dT%H%M%SZ").to_string()
}

/// JSON out of a column.
pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| {
        tracing::error!(what, %error, "stored JSON cannot be read");
        Error::Stored { what }
    })
}

/// JSON into a column.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    Ok(serde_json::to_string(value)?)
}

/// An instant into a column: text order is time order.
pub(crate) fn at(instant: DateTime<Utc>) -> String {
    domain::release::instant(instant)
}

/// An instant out of a column.
pub(crate) fn instant(text: &str) -> Result<DateTime<Utc>, Error> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| Error::Stored { what: "an instant" })
}

/// An identifier out of a column.
pub(crate) fn uuid(text: &str) -> Result<uuid::Uuid, Error> {
    uuid::Uuid::parse_str(text).map_err(|_| Error::Stored { what: "an identifier" })
}

/// A count out of SQL.
pub(crate) fn count(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_both_databases_are_valid() {
        assert!(Migrations::from_slice(DEVICE_STEPS).validate().is_ok());
        assert!(Migrations::from_slice(EVIDENCE_STEPS).validate().is_ok());
    }

    #[test]
    fn a_draft_of_before_its_base_was_kept_has_none() {
        let mut connection = Connection::open_in_memory().unwrap();
        Migrations::from_slice(&DEVICE_STEPS[..1]).to_latest(&mut connection).unwrap();
        let id = uuid::Uuid::from_u128(7);
        let form = to_json(domain::form::shipped().first().unwrap()).unwrap();
        connection
            .execute(
                "INSERT INTO draft (id, project, ocid, stage, form, typed, content, missing, created_at, updated_at)
                 VALUES (?1, 'p', 'o', 'implementation', ?2, '{}', '{\"stage\": \"implementation\"}', 0,
                         '2026-11-22T18:00:00Z', '2026-11-22T18:00:00Z')",
                [id.to_string(), form],
            )
            .unwrap();
        Migrations::from_slice(DEVICE_STEPS).to_latest(&mut connection).unwrap();
        assert_eq!(drafts::get(&connection, id).unwrap().base_version, None);
    }

    #[test]
    fn names_of_what_is_set_aside() {
        let path = Path::new("/d/device.db");
        assert_eq!(beside(path, "damaged-x"), Path::new("/d/device.db.damaged-x"));
        assert_eq!(suffixed(path, "-wal"), "device.db-wal");
    }
}
