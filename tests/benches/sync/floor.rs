//! What the database alone can do: the rows that the endpoint wrote for what it received, written again by one writer
//! into a database of the same tables with the same waiting for the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params, params_from_iter};

/// What came out.
pub struct Floor {
    /// Follow-ups a second.
    pub rate: f64,
    /// Rows written for each follow-up.
    pub rows: f64,
}

/// Rows of one follow-up.
struct Received {
    device: Value,
    recorded_at: Value,
    operation: Vec<Value>,
    follow_up: Vec<Value>,
    /// As it was received, in each stream.
    log: Vec<Vec<Value>>,
    id: Value,
}

/// Reads what an endpoint received, and writes it again, `size` follow-ups to a transaction.
pub fn measure(database: &Path, folder: &Path, size: usize) -> Result<Floor> {
    let theirs = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let received = read(&theirs)?;
    if received.is_empty() {
        bail!("nothing was received");
    }
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    let ours = Connection::open(folder.join("piso.db"))?;
    // As the endpoint's own connection.
    ours.pragma_update(None, "journal_mode", "WAL")?;
    ours.pragma_update(None, "synchronous", "FULL")?;
    ours.pragma_update(None, "foreign_keys", true)?;
    ours.set_prepared_statement_cache_capacity(128);
    let mut tables = theirs.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    for sql in tables.query_map([], |row| row.get::<_, String>(0))? {
        ours.execute_batch(&sql?)?;
    }
    for table in ["device", "stream_head"] {
        for row in rows(&theirs, &format!("SELECT * FROM {table}"))? {
            insert(&ours, table, &row)?;
        }
    }
    let mut written = 0;
    let start = Instant::now();
    for some in received.chunks(size) {
        ours.execute_batch("BEGIN IMMEDIATE")?;
        written += transaction(&ours, some)?;
        ours.execute_batch("COMMIT")?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let count = received.len() as f64;
    Ok(Floor { rate: count / seconds, rows: written as f64 / count })
}

fn transaction(ours: &Connection, some: &[Received]) -> Result<usize> {
    let mut written = 0;
    // The last row of each stream says where its counter is.
    let mut heads: BTreeMap<String, Value> = BTreeMap::new();
    for one in some {
        insert(ours, "follow_up", &one.follow_up)?;
        ours.prepare_cached(
            "INSERT INTO job (municipality_id, kind, key, queued_at) VALUES (?1, 'accept', ?2, ?3)",
        )?
        .execute(params![one.operation[0], one.id, one.recorded_at])?;
        written += 2;
    }
    for one in some {
        for row in &one.log {
            insert(ours, "stream_log", row)?;
            if let Value::Text(stream) = &row[1] {
                heads.insert(stream.clone(), row[2].clone());
            }
            written += 1;
        }
    }
    for (stream, seq) in &heads {
        ours.prepare_cached("UPDATE stream_head SET seq = ?2 WHERE stream = ?1")?
            .execute(params![stream, seq])?;
        written += 1;
    }
    for one in some {
        insert(ours, "operation", &one.operation)?;
        written += 1;
    }
    if let Some(last) = some.last() {
        for sql in [
            "UPDATE device SET last_contact = ?2, waiting = '[]' WHERE id = ?1",
            "UPDATE device SET last_seq = last_seq + 1, last_receipt = ?2 WHERE id = ?1",
        ] {
            ours.prepare_cached(sql)?.execute(params![last.device, last.recorded_at])?;
            written += 1;
        }
    }
    Ok(written)
}

/// Writes a row into every column of a table.
fn insert(ours: &Connection, table: &str, row: &[Value]) -> Result<()> {
    let marks = vec!["?"; row.len()].join(", ");
    let sql = format!("INSERT INTO {table} VALUES ({marks})");
    ours.prepare_cached(&sql)?.execute(params_from_iter(row))?;
    Ok(())
}

fn rows(database: &Connection, sql: &str) -> Result<Vec<Vec<Value>>> {
    let mut select = database.prepare(sql)?;
    let columns = select.column_count();
    let rows = select.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What was received, as it was when it was: what the background made of it since is left out.
fn read(theirs: &Connection) -> Result<Vec<Received>> {
    let key = |value: &Value| match value {
        Value::Text(text) => Ok(text.clone()),
        other => bail!("{other:?} is not a key"),
    };
    let mut logs: BTreeMap<String, Vec<Vec<Value>>> = BTreeMap::new();
    let first = "SELECT * FROM stream_log WHERE kind = 'follow_up' AND state LIKE '%\"state\":\"received\"%' ORDER BY seq";
    for row in rows(theirs, first)? {
        let of_record = logs.entry(key(&row[4])?).or_default();
        // The first time in each stream.
        if of_record.iter().all(|known| known[1] != row[1]) {
            of_record.push(row);
        }
    }
    let mut follow_ups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut row in rows(theirs, "SELECT * FROM follow_up")? {
        row[9] = Value::Text("received".into());
        // Decided at, and the release it became.
        row[15] = Value::Null;
        row[18] = Value::Null;
        follow_ups.insert(key(&row[2])?, row);
    }
    let mut received = Vec::new();
    // A request is of one device and has one instant.
    for operation in rows(theirs, "SELECT * FROM operation ORDER BY recorded_at, device_id, client_seq")? {
        let follow_up = follow_ups.remove(&key(&operation[1])?).context("an operation without follow-up")?;
        let id = follow_up[1].clone();
        let log = logs.remove(&key(&id)?).context("a follow-up that no stream tells of")?;
        received.push(Received {
            device: operation[2].clone(),
            recorded_at: operation[7].clone(),
            operation,
            follow_up,
            log,
            id,
        });
    }
    Ok(received)
}
