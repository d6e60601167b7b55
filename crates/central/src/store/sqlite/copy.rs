//! A copy of the database of a running endpoint.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{Result, StoreError};

/// Pages copied between two calls of `step`.
const PAGES: i32 = 2_000;

/// Copies the database at `from`, as it is at one instant, into the file `to`. `step` is told how much is done, of how
/// much.
///
/// The instant is held by a read transaction on the source: with the log of WAL others go on writing, and the copy
/// neither waits for them nor begins again at each of their commits, which without it would never end on a busy day.
/// Copying the files instead would need the endpoint stopped: the database and its log do not change together.
///
/// # Errors
/// The source cannot be read, the disk is full, or the copy does not pass the database's own check.
pub fn copy(from: &Path, to: &Path, step: &mut dyn FnMut(u64, u64)) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    source.busy_timeout(Duration::from_secs(20))?;
    source.pragma_update(None, "query_only", true)?;
    let mut target = Connection::open(to)?;
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
    {
        let backup = Backup::new(&source, &mut target)?;
        loop {
            let result = backup.step(PAGES)?;
            let progress = backup.progress();
            let total = u64::try_from(progress.pagecount).unwrap_or(0);
            step(total.saturating_sub(u64::try_from(progress.remaining).unwrap_or(0)), total);
            match result {
                StepResult::Done => break,
                StepResult::More => {}
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
    source.execute_batch("COMMIT")?;
    let verdict: String = target.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Corrupt(verdict));
    }
    // One file, without a log beside it: it goes into an archive.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    target.close().map_err(|(_, error)| StoreError::from(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_one_instant_of_a_database_that_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let writer = Connection::open(&from).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        writer.execute_batch("CREATE TABLE pair (a INTEGER, b TEXT)").unwrap();
        let add = |n: i64| {
            writer.execute("INSERT INTO pair VALUES (?1, hex(randomblob(60000)))", [n]).unwrap();
        };
        (0..200).for_each(add);
        let (mut steps, mut last) = (0, (0, 0));
        copy(&from, &to, &mut |done, total| {
            // Somebody writes between two steps of the copy.
            add(1_000 + steps);
            steps += 1;
            last = (done, total);
        })
        .unwrap();
        assert!(steps > 2 && last.0 == last.1 && last.1 > 0, "{steps} steps, {last:?}");
        let copied = Connection::open(&to).unwrap();
        let count: i64 = copied.query_row("SELECT count(*) FROM pair", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 200, "nothing of what was written after the instant");
        assert!(!folder.path().join("b.db-wal").exists());
    }

    #[test]
    fn what_is_no_database_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("a.db");
        assert!(copy(&from, &folder.path().join("b.db"), &mut |_, _| {}).is_err());
        std::fs::write(&from, "this is no database, and long enough to be looked at as one".repeat(30))
            .unwrap();
        assert!(copy(&from, &folder.path().join("c.db"), &mut |_, _| {}).is_err());
    }
}
