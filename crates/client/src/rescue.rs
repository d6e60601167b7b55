//! The rescue copy: what is only in a store, sealed beside it for the endpoint alone, so that a forgotten passphrase
//! without a recovery code loses nothing. In the folder of a profile, `rescate/texto` is the text of drafts and outbox,
//! written anew a moment after something changed, and `rescate/{name}` one photograph or document, sealed once.
//!
//! It is for a bad day and must never make a good one worse: it takes no room that a capture could need, and whatever
//! fails in it is shown in the status and nowhere else.

pub(crate) mod back;

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::command::{RescueCopy, RescueMade, RescueState};
use domain::evidence::CHUNK_BYTES;
use domain::problem::{Code, Problem};
use domain::receipt::sha256_hex;
use domain::rescue::{ENDING, FORMAT, Packer, RescueFile, RescueText, piece_name};
use domain::seal::{Foot, Kind, SealError, Sealer};
use ed25519_dalek::SigningKey;
use uuid::Uuid;
use x25519_dalek::PublicKey;

use crate::error::Error;
use crate::session::{self, Identity};
use crate::store::files::StoredFile;
use crate::store::{Store, outbox, rescue as stored};
use crate::sync::engine;
use crate::{Inner, evidence, profiles, relay};

const FOLDER: &str = "rescate";
const TEXT: &str = "texto";
/// How soon after a change it is copied.
const SOON: Duration = Duration::from_secs(2);
/// How soon it is tried again after it failed.
const AGAIN: Duration = Duration::from_secs(30);
/// Room that stays for captures when a text is copied. Photographs are copied only where there is room for many.
const RESERVE: u64 = 16 * 1024 * 1024;
/// Most operations of one copy.
const MOST: usize = 50_000;

/// How far the copy of a client is.
#[derive(Default)]
pub(crate) struct Keeping {
    now: Mutex<Now>,
    /// Taken by whoever copies.
    turn: Mutex<()>,
}

#[derive(Default)]
struct Now {
    /// The opening of the store, and how many changes of it, the copy has seen.
    seen: Option<(Uuid, u64)>,
    /// Hash of what the text says.
    digest: Option<String>,
    behind: Option<Problem>,
    files_left: u32,
    tried: Option<Instant>,
}

impl Keeping {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Copies for ever, a moment after each change.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        tokio::time::sleep(SOON).await;
        let inner = Arc::clone(&inner);
        // A fault in it ends this one copy.
        if let Err(error) = tokio::task::spawn_blocking(move || refresh(&inner)).await {
            tracing::error!(%error, "rescue copy");
        }
    }
}

/// How far it is.
pub(crate) fn copy(inner: &Inner) -> RescueCopy {
    let now = inner.rescue.now();
    RescueCopy { at: copied_at(&inner.dir), behind: now.behind.clone(), files_left: now.files_left }
}

fn copied_at(dir: &Path) -> Option<DateTime<Utc>> {
    let modified = std::fs::metadata(dir.join(FOLDER).join(TEXT)).and_then(|text| text.modified());
    modified.ok().map(DateTime::<Utc>::from)
}

/// Copies if something changed since the last time, or the last time failed a while ago.
pub(crate) fn refresh(inner: &Inner) {
    let Ok(store) = inner.store() else { return };
    let seen = (store.session(), store.changes());
    {
        let now = inner.rescue.now();
        let rests = now.tried.is_none_or(|tried| tried.elapsed() < AGAIN);
        if now.seen == Some(seen) && (now.behind.is_none() || rests) {
            return;
        }
    }
    let _turn = inner.rescue.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let done = write(inner, &store);
    let mut now = inner.rescue.now();
    let before = now.behind.take();
    (now.seen, now.tried, now.files_left) = (Some(seen), Some(Instant::now()), 0);
    match done {
        Ok(Written { digest, files_left, problem }) => {
            (now.digest, now.files_left, now.behind) = (digest.or(now.digest.take()), files_left, problem);
        }
        Err(error) => now.behind = Some(Problem::from(error)),
    }
    let changed = now.behind != before;
    if let Some(problem) = now.behind.as_ref().filter(|_| changed) {
        tracing::warn!(%problem, "the rescue copy is behind");
    }
    drop(now);
    if changed {
        inner.say_status();
    }
}

/// The same before the store is closed, where this program changed something.
pub(crate) fn refresh_at_the_end(inner: &Inner) {
    if inner.store().is_ok_and(|store| store.changes() > 0) {
        refresh(inner);
    }
}

struct Written {
    digest: Option<String>,
    files_left: u32,
    /// Why some files are not in it.
    problem: Option<Problem>,
}

fn write(inner: &Inner, store: &Store) -> Result<Written, Error> {
    let nothing = Written { digest: None, files_left: 0, problem: None };
    // Nothing can be captured before.
    let Some(identity) = store.read(session::identity)? else { return Ok(nothing) };
    let recipient = relay::recipient(&identity)?;
    let key = store.read(session::signing_key)?;
    let (text, files) = text_of(inner, store, &identity, &recipient, &key)?;
    let digest =
        sha256_hex(&serde_json::to_vec(&(&text.operations, &text.apart, &text.drafts, &text.files))?);
    let folder = inner.dir.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    let known = inner.rescue.now().digest.clone();
    let place = folder.join(TEXT);
    // Also when somebody took the file away.
    if known.as_ref() != Some(&digest) || !place.is_file() {
        let small =
            zstd::stream::encode_all(serde_json::to_vec(&text)?.as_slice(), 3).map_err(Error::io(&place))?;
        room_for(inner, small.len() as u64, RESERVE)?;
        seal(&place, identity.device_id, &recipient, &key, |sealer| {
            sealer.write_all(&small).map_err(Error::io(&place))
        })?;
    }
    let mut left = 0;
    let mut problem = None;
    for (file, named) in files.iter().zip(&text.files) {
        let place = folder.join(named.piece.simple().to_string());
        if place.is_file() {
            continue;
        }
        if let Err(error) = piece(inner, store, file, &place, &identity, &recipient, &key) {
            left += 1;
            problem.get_or_insert(Problem::from(error));
        }
    }
    // After the text: what it no longer names was received, or is in no draft any more.
    let named = |name: &str| {
        name == TEXT
            || Uuid::parse_str(name).is_ok_and(|name| text.files.iter().any(|file| file.piece == name))
    };
    for entry in std::fs::read_dir(&folder).map_err(Error::io(&folder))?.flatten() {
        if entry.file_name().to_str().is_none_or(|name| !named(name))
            && let Err(error) = std::fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "a piece of the rescue copy stays");
        }
    }
    Ok(Written { digest: Some(digest), files_left: left, problem })
}

/// What is only here. The files are those of the text, in its order.
fn text_of(
    inner: &Inner,
    store: &Store,
    identity: &Identity,
    recipient: &PublicKey,
    key: &SigningKey,
) -> Result<(RescueText, Vec<StoredFile>), Error> {
    let free = inner.free_bytes();
    let device = identity.device_id;
    store.read(|c| {
        let files = stored::files(c)?;
        let named = files.iter().map(|file| RescueFile {
            sha256: file.sha256.clone(),
            size: file.size,
            media_type: file.media_type,
            name: file.name.clone(),
            piece: piece_name(key, recipient, &file.sha256),
        });
        let text = RescueText {
            format: FORMAT,
            device_id: device,
            municipality: identity.municipality.id.clone(),
            made_at: inner.clock.now(),
            report: engine::report(c, free)?,
            operations: outbox::to_offer(c, device, None, MOST)?,
            apart: stored::apart(c)?,
            drafts: stored::drafts(c)?,
            files: named.collect(),
        };
        Ok((text, files))
    })
}

fn room_for(inner: &Inner, size: u64, reserve: u64) -> Result<(), Error> {
    match inner.free_bytes() {
        Some(free) if free < size + reserve => {
            Err(Problem::new(Code::DiskFull).with("freeBytes", free).into())
        }
        _ => Ok(()),
    }
}

fn piece(
    inner: &Inner,
    store: &Store,
    file: &StoredFile,
    place: &Path,
    identity: &Identity,
    recipient: &PublicKey,
    key: &SigningKey,
) -> Result<(), Error> {
    room_for(inner, file.size, evidence::WARN)?;
    seal(place, identity.device_id, recipient, key, |sealer| {
        for n in 0..file.size.div_ceil(CHUNK_BYTES as u64) {
            sealer.write_all(&relay::piece(store, file, n)?).map_err(Error::io(place))?;
        }
        Ok(())
    })
}

/// Seals a file beside its place and puts it there when it is whole and on the disk.
fn seal(
    place: &Path,
    device: Uuid,
    recipient: &PublicKey,
    key: &SigningKey,
    fill: impl FnOnce(&mut Sealer<BufWriter<&File>>) -> Result<(), Error>,
) -> Result<(), Error> {
    relay::whole(place, |file| {
        let mut sealer =
            Sealer::begin(BufWriter::new(file), Kind::Rescue, recipient).map_err(Error::io(place))?;
        fill(&mut sealer)?;
        sealer.finish(device, key).map_err(Error::io(place))?;
        Ok(())
    })?;
    #[cfg(unix)]
    if let Some(folder) = place.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))?;
    }
    Ok(())
}

/// The pieces of a folder by their name.
fn pieces(dir: &Path) -> Vec<(Uuid, PathBuf)> {
    let entries = std::fs::read_dir(dir.join(FOLDER)).into_iter().flatten().flatten();
    let piece = |path: PathBuf| Some((Uuid::parse_str(path.file_name()?.to_str()?).ok()?, path));
    let mut pieces: Vec<_> = entries.filter_map(|entry| piece(entry.path())).collect();
    pieces.sort();
    pieces
}

/// What a rescue file of a folder would have.
pub(crate) fn state(dir: &Path, now: DateTime<Utc>) -> RescueState {
    let size = |path: &Path| std::fs::metadata(path).map(|file| file.len()).unwrap_or(0);
    let pieces = pieces(dir);
    let bytes: u64 = pieces.iter().map(|(_, path)| size(path)).sum();
    RescueState {
        at: copied_at(dir),
        files: u32::try_from(pieces.len()).unwrap_or(u32::MAX),
        bytes: bytes + size(&dir.join(FOLDER).join(TEXT)),
        name: name(dir, now),
    }
}

/// Named after the profile, as people of this machine know it.
fn name(dir: &Path, now: DateTime<Utc>) -> String {
    let plain = |c: char| if c.is_alphanumeric() { domain::entry::without_accent(c) } else { Some('-') };
    let profile: String = profiles::name_of(dir).to_lowercase().chars().filter_map(plain).collect();
    format!("{}-{}.{ENDING}", profile.trim_matches('-'), now.format("%Y%m%d-%H%M%S"))
}

/// Makes a rescue file of the folder of a profile, in a file or in a folder under a name of its own. Needs no
/// passphrase, and changes nothing here.
///
/// # Errors
/// `rescue_none`, `rescue_unreadable` when the copy on this disk is damaged, `disk_full`, `folder_read_only`.
pub fn export(dir: &Path, to: &Path, now: DateTime<Utc>) -> Result<RescueMade, Problem> {
    Ok(exported(dir, to, now)?)
}

fn exported(dir: &Path, to: &Path, now: DateTime<Utc>) -> Result<RescueMade, Error> {
    let text = dir.join(FOLDER).join(TEXT);
    let Some(at) = copied_at(dir) else {
        return Err(Problem::new(Code::RescueNone).with("name", profiles::name_of(dir)).into());
    };
    let broken = |error: SealError| -> Error {
        match error {
            SealError::Disk(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                Error::io(&text)(error)
            }
            _ => Problem::new(Code::RescueUnreadable).with("file", text.display().to_string()).into(),
        }
    };
    look(&text).map_err(broken)?;
    let path = if to.is_dir() { to.join(name(dir, now)) } else { to.to_owned() };
    let (mut files, mut damaged) = (0, 0);
    let bytes = relay::whole(&path, |file| {
        let io = |error| Error::io(&path)(error);
        let mut packer = Packer::begin(BufWriter::new(file)).map_err(io)?;
        let add = |packer: &mut Packer<_>, name: Uuid, from: &Path| -> std::io::Result<()> {
            let from = File::open(from)?;
            packer.add(name, from.metadata()?.len(), BufReader::new(from))
        };
        add(&mut packer, Uuid::nil(), &text).map_err(io)?;
        for (name, piece) in pieces(dir) {
            match look(&piece) {
                Ok(()) => {
                    add(&mut packer, name, &piece).map_err(io)?;
                    files += 1;
                }
                // It was received meanwhile.
                Err(SealError::Disk(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::warn!(%error, piece = %piece.display(), "a piece of the rescue copy is damaged");
                    damaged += 1;
                }
            }
        }
        packer.finish().map_err(io)?;
        Ok(file.metadata().map_err(io)?.len())
    })?;
    Ok(RescueMade { path: path.display().to_string(), at, files, damaged, bytes })
}

/// Whether a sealed file is as its device left it, as far as can be told without a key.
fn look(path: &Path) -> Result<(), SealError> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    Foot::read(BufReader::new(file), Kind::Rescue, size).map(|_| ())
}
