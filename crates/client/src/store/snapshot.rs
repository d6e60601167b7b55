//! A stream that begins with a snapshot: the state of its records at one number, line by line.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};

use domain::history::{Change, ChangeKind};
use domain::wire::{MunicipalityCard, Snapshot};
use rusqlite::Connection;

use super::base::{head, keep, set_head, take_away};
use crate::error::Error;

/// Longest line: as much as a whole page of changes may have.
const MAX_LINE: u64 = 64 * 1024 * 1024;
/// Largest window of the compression that is accepted (a power of two): what it needs is memory.
const WINDOW_LOG: u32 = 23;

/// Lays a snapshot in place of what is here of its stream, and gives the municipality's data if it has them. Its bytes
/// have the hash that the endpoint named; its head is where the chain is checked from. All or nothing: the caller's
/// transaction.
pub(super) fn lay(
    connection: &Connection,
    generation: i64,
    snapshot: &Snapshot,
    packed: &[u8],
    touched: &mut BTreeSet<(String, &'static str)>,
) -> Result<Option<MunicipalityCard>, Error> {
    let stream = &snapshot.stream;
    let unfit = |what: &str| Error::Snapshot(format!("{stream}: {what}"));
    if head(connection, generation, stream)?.seq > snapshot.head.seq {
        return Err(unfit("it is older than what is here"));
    }
    take_away(connection, generation, stream, touched)?;
    set_head(connection, generation, stream, &snapshot.head)?;
    let mut decoder = zstd::stream::read::Decoder::new(packed).map_err(|_| unfit("not zstd"))?;
    decoder.window_log_max(WINDOW_LOG).map_err(|_| unfit("not zstd"))?;
    let mut lines = BufReader::new(decoder.take(snapshot.raw_bytes.saturating_add(1)));
    let mut municipality = None;
    let (mut raw_bytes, mut records, mut last) = (0, 0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        let read = read.map_err(|error| unfit(&error.to_string()))?;
        if read == 0 {
            break;
        }
        raw_bytes += read as u64;
        records += 1;
        let change: Change = serde_json::from_slice(&line).map_err(|error| unfit(&error.to_string()))?;
        let follows = change.seq > last && change.seq <= snapshot.head.seq;
        if change.stream != *stream || !follows || change.kind == ChangeKind::Tombstone {
            return Err(unfit(&format!("number {} of {} does not belong there", change.seq, change.stream)));
        }
        last = change.seq;
        keep(connection, generation, &change, touched)?;
        if change.kind == ChangeKind::Municipality {
            municipality = serde_json::from_value(change.state).ok();
        }
    }
    if (raw_bytes, records) != (snapshot.raw_bytes, snapshot.records) {
        return Err(unfit(&format!("{records} records in {raw_bytes} bytes")));
    }
    Ok(municipality)
}
