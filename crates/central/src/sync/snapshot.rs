//! Snapshots: where a stream is long, a device that has nothing of it is given the state of its records at one number
//! and then only what came after, not every state they ever had.
//!
//! A snapshot is a file in `DIR/snapshots`, named by its hash: made once, when somebody needs it, the same for every
//! device, and replaced when what came after has grown long. The database says which there are (`snapshot/{stream}`);
//! a file that is gone is made again. It is made from the log and not from the tables: what a stream never carried
//! cannot be in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::evidence::is_sha256;
use domain::history::{Change, Head};
use domain::person::Action;
use domain::problem::Code;
use domain::receipt::new_salt;
use domain::wire::{MAX_CHANGES, MAX_SNAPSHOT, MAX_SNAPSHOT_RAW, SNAPSHOT_PIECE, Snapshot};
use sha2::{Digest, Sha256};

use crate::auth::Actor;
use crate::backup::private;
use crate::endpoint::Endpoint;
use crate::problem::Answer;
use crate::store::{self, StoreError, Tx};
use crate::sync::pull::scope;

/// Fewest changes of a stream for which a device that has none of them begins with a snapshot: below that, two pages
/// tell it as well.
pub const LONG: u64 = 2 * MAX_CHANGES as u64;
/// How far behind the head the floor lies: a cursor below it is answered as if there were none.
pub const FLOOR: u64 = 10_000;
/// Longest tail after a snapshot that is still given to a device.
pub const TAIL: u64 = 2 * MAX_CHANGES as u64;
/// Snapshots of a stream that are kept: the newest, and the one that somebody may still be fetching.
const KEPT: usize = 2;
/// What is left in the folder without being named is taken away after this time: before, it may be just being made.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);
/// Under which keys the database keeps them.
const KEY: &str = "snapshot/";

fn folder(endpoint: &Endpoint) -> PathBuf {
    endpoint.config.data.join("snapshots")
}

fn name(sha256: &str) -> String {
    format!("{sha256}.zst")
}

/// Whether a device at a number of a stream begins with a snapshot.
fn is_due(at: u64, head: &Head) -> bool {
    let behind = head.seq.saturating_sub(at);
    behind > LONG && (at == 0 || behind > FLOOR)
}

/// The snapshot with which a device goes on, if it needs one: of the first stream in its scope that is due. One that
/// cannot be made (a full disk, a stream that is too large for one) is no reason not to answer: the device is given the
/// changes.
///
/// # Errors
/// The database.
pub fn due(endpoint: &Endpoint, actor: &Actor, at: &BTreeMap<String, u64>) -> Answer<Option<Snapshot>> {
    let tx = endpoint.store.read()?;
    let mut due = Vec::new();
    for stream in scope(&*tx, actor)? {
        if is_due(at.get(&stream).copied().unwrap_or(0), &tx.head(&stream)?) {
            due.push(stream);
        }
    }
    drop(tx);
    for stream in due {
        match of(endpoint, &stream) {
            Ok(snapshot) => return Ok(Some(snapshot)),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(stream, error, "no snapshot was made; the device is given the changes");
            }
        }
    }
    Ok(None)
}

/// A snapshot of a stream whose tail is short: one that is there, or a new one.
fn of(endpoint: &Endpoint, stream: &str) -> Result<Snapshot> {
    let _turn = endpoint.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
    let tx = endpoint.store.read()?;
    let head = tx.head(stream)?;
    let folder = folder(endpoint);
    let there = kept(&*tx, stream)?.into_iter().find(|known| {
        let file = fs::metadata(folder.join(name(&known.sha256)));
        head.seq.saturating_sub(known.head.seq) <= TAIL && file.is_ok_and(|file| file.len() == known.bytes)
    });
    match there {
        Some(snapshot) => Ok(snapshot),
        None => make(endpoint, &*tx, stream, head, &folder),
    }
}

/// What the database says of the snapshots of a stream, newest first.
fn kept(tx: &dyn Tx, stream: &str) -> store::Result<Vec<Snapshot>> {
    tx.meta(&format!("{KEY}{stream}"))?.map_or(Ok(Vec::new()), |text| parse(stream, &text))
}

fn parse(stream: &str, text: &str) -> store::Result<Vec<Snapshot>> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("snapshots of {stream}: {error}")))
}

fn make(endpoint: &Endpoint, tx: &dyn Tx, stream: &str, head: Head, folder: &Path) -> Result<Snapshot> {
    fs::create_dir_all(folder)?;
    let temporary = folder.join(format!(".{}", new_salt()));
    let placed = pack(tx, stream, head, &temporary).and_then(|snapshot| {
        fs::rename(&temporary, folder.join(name(&snapshot.sha256)))?;
        File::open(folder)?.sync_all()?;
        Ok(snapshot)
    });
    let snapshot = match placed {
        Ok(snapshot) => snapshot,
        Err(error) => {
            // On a full disk half a snapshot would keep the last bytes from the database.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
    };
    // The file first, then what names it.
    let tx = endpoint.store.begin()?;
    let mut known = kept(&*tx, stream)?;
    known.retain(|known| known.sha256 != snapshot.sha256);
    known.insert(0, snapshot.clone());
    known.truncate(KEPT);
    tx.set_meta(&format!("{KEY}{stream}"), &serde_json::to_string(&known)?)?;
    let mut named = BTreeSet::new();
    for (stream, text) in tx.metas(KEY)? {
        named.extend(parse(&stream, &text)?.into_iter().map(|known| name(&known.sha256)));
    }
    tx.commit()?;
    sweep(folder, &named);
    tracing::info!(stream, seq = snapshot.head.seq, records = snapshot.records, "a snapshot was made");
    Ok(snapshot)
}

/// Takes away what nothing names any more. What cannot be taken away stays for the next time.
fn sweep(folder: &Path, named: &BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let old = modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > FORGOTTEN));
        if old && !named.contains(&*entry.file_name().to_string_lossy()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Writes the last change of every record, one to a line, and says what was written.
fn pack(tx: &dyn Tx, stream: &str, head: Head, to: &Path) -> Result<Snapshot> {
    let mut sink = zstd::stream::Encoder::new(Counted::new(private(to)?), 3)?;
    let (mut records, mut raw_bytes) = (0, 0);
    let mut failed = None;
    let mut add = |change: Change| -> Result<()> {
        let mut line = serde_json::to_vec(&change)?;
        line.push(b'\n');
        raw_bytes += line.len() as u64;
        records += 1;
        sink.write_all(&line)?;
        if raw_bytes > MAX_SNAPSHOT_RAW || sink.get_ref().bytes > MAX_SNAPSHOT {
            bail!("{stream} is too large for a snapshot");
        }
        Ok(())
    };
    tx.latest(stream, head.seq, &mut |change| match add(change) {
        Ok(()) => true,
        Err(error) => {
            failed = Some(error);
            false
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let Counted { to, hasher, bytes } = sink.finish()?;
    to.into_inner().context("the snapshot was not written")?.sync_all()?;
    let sha256 = hex::encode(hasher.finalize());
    Ok(Snapshot { stream: stream.to_owned(), head, sha256, bytes, raw_bytes, records })
}

/// A file whose bytes are hashed and counted as they are written.
struct Counted {
    to: BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
}

impl Counted {
    fn new(file: File) -> Counted {
        Counted { to: BufWriter::new(file), hasher: Sha256::new(), bytes: 0 }
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// One piece of a snapshot of a stream in scope. Of any other there is no telling whether it exists.
///
/// # Errors
/// `not_found`: it is not there (any more), is not in scope, or ends before this piece. The device asks again where it
/// stands.
pub fn piece(endpoint: &Endpoint, actor: &Actor, sha256: &str, n: u64) -> Answer<Vec<u8>> {
    actor.may(Action::Pull)?;
    if !is_sha256(sha256) {
        return Err(Code::NotFound.into());
    }
    let tx = endpoint.store.read()?;
    let mut known = false;
    for stream in scope(&*tx, actor)? {
        known = known || kept(&*tx, &stream)?.iter().any(|snapshot| snapshot.sha256 == sha256);
    }
    drop(tx);
    let start = n.checked_mul(SNAPSHOT_PIECE as u64).filter(|_| known).ok_or(Code::NotFound)?;
    match read(&folder(endpoint).join(name(sha256)), start) {
        Ok(piece) if !piece.is_empty() => Ok(piece),
        Ok(_) => Err(Code::NotFound.into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Code::NotFound.into()),
        Err(error) => {
            tracing::error!(%error, "snapshot");
            Err(Code::Unavailable.into())
        }
    }
}

fn read(path: &Path, start: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut piece = Vec::with_capacity(SNAPSHOT_PIECE);
    file.take(SNAPSHOT_PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_stream_begins_with_a_snapshot_and_a_short_distance_does_not() {
        let head = |seq| Head { seq, ..Head::default() };
        for (at, seq, due) in [
            (0, LONG, false),
            (0, LONG + 1, true),
            (1, LONG + 2, false),
            (5, FLOOR + 5, false),
            (5, FLOOR + 6, true),
            // After a restore a cursor may be ahead.
            (9_999_999, 3, false),
        ] {
            assert_eq!(is_due(at, &head(seq)), due, "{at} of {seq}");
        }
    }

    #[test]
    fn only_what_is_old_and_not_named_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let old = std::time::SystemTime::now() - 2 * FORGOTTEN;
        for (name, aged) in [("named", true), ("forgotten", true), ("being-made", false)] {
            let file = File::create(folder.path().join(name)).unwrap();
            if aged {
                file.set_modified(old).unwrap();
            }
        }
        sweep(folder.path(), &BTreeSet::from(["named".to_owned()]));
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: BTreeSet<_> = left.map(|name| name.to_string_lossy().into_owned()).collect();
        assert_eq!(left, BTreeSet::from(["being-made".to_owned(), "named".to_owned()]));
    }
}
