//! Relay: work of this equipment in a sealed file that somebody else carries to the endpoint, and the answer that comes
//! back the same way. Any equipment carries any relay: what is inside is for the endpoint alone.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::command::{Event, RelayCarried, RelayMade, RelayState, RelayTaken, Step};
use domain::evidence::CHUNK_BYTES;
use domain::follow_up::State;
use domain::person::{Action, can};
use domain::problem::{Code, Problem};
use domain::receipt::sha256_hex;
use domain::relay::{
    ENDING, FORMAT, Frame, MAX_BYTES, MAX_REPLY, REPLY_ENDING, RelayManifest, RelayOffer, RelayReply,
    write_frame,
};
use domain::seal::{self, Foot, Head, Kind, Opener, SealError, Sealer};
use domain::wire::{
    EvidenceOffer, MAX_COMPRESSED, MAX_OPERATIONS, Operation, OperationKind, PushAnswer, PushResult,
};
use rusqlite::Connection;

use crate::Inner;
use crate::error::Error;
use crate::session::{self, Identity};
use crate::store::files::StoredFile;
use crate::store::{Store, files, meta, outbox};
use crate::sync::engine::{self, Here};
use crate::sync::plan;
use crate::sync::transport::Transport;

/// Room in a relay for what is not a file.
const TEXT: u64 = 64 * 1024 * 1024;
/// Most operations of one relay; a week without a network has a few hundred.
const MOST: usize = 10_000;
/// Shortest time between two words about how far it is.
const BETWEEN: Duration = Duration::from_millis(250);
/// How often a request that was not answered is made again, and how soon. The endpoint may be opening hundreds of
/// photographs meanwhile.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_secs(2);

/// What a relay would take along now.
pub(crate) fn state(inner: &Inner) -> Result<RelayState, Error> {
    let now = inner.clock.now();
    inner.store()?.read(|connection| {
        let identity = session::enrolled(connection)?;
        let waiting = files::to_relay(connection)?;
        Ok(RelayState {
            supported: recipient(&identity).is_ok(),
            operations: outbox::ready(connection)?,
            files: u32::try_from(waiting.len()).unwrap_or(u32::MAX),
            bytes: waiting.iter().map(|file| file.size).sum(),
            last: meta::get(connection, meta::RELAY)?,
            name: name(&identity, now),
        })
    })
}

fn name(identity: &Identity, now: DateTime<Utc>) -> String {
    let device = identity.device_id.simple().to_string();
    // The end of the id: its beginning is the time at which it was made, and devices are enrolled by the dozen.
    format!("avance-{}-{}.{ENDING}", &device[24..], now.format("%Y%m%d-%H%M%S"))
}

pub(crate) fn recipient(identity: &Identity) -> Result<x25519_dalek::PublicKey, Problem> {
    let key = identity.municipality.sealing_key.as_deref();
    key.and_then(|key| seal::read_sealing_key(key).ok())
        .ok_or_else(|| Problem::new(Code::RelayUnsupported).with("server", identity.server.clone()))
}

/// Makes a relay in a file, or in a folder under a name of its own. Nothing that is here changes by it: what it takes
/// along waits until its answer, or the network, comes.
pub(crate) fn export(inner: &Inner, to: &Path) -> Result<RelayMade, Error> {
    let store = inner.store()?;
    let now = inner.clock.now();
    let identity = store.read(session::enrolled)?;
    let recipient = recipient(&identity)?;
    if let Some(stopped) = store.read(session::stopped)? {
        return Err(stopped.into());
    }
    if !can(identity.person.role, Action::Push) {
        return Err(Problem::new(Code::Forbidden).with("action", "Push").into());
    }
    let device = identity.device_id;
    store.write(|tx| outbox::unpark(tx, device, now))?;
    let (operations, waiting) =
        store.read(|c| Ok((outbox::to_offer(c, device, None, MOST)?, files::to_relay(c)?)))?;
    let free_bytes = inner.free_bytes();
    let batches = batches(&store, operations, free_bytes)?;
    let all = waiting.len();
    let chosen = that_fit(waiting);
    if batches.is_empty() && chosen.is_empty() {
        return Err(Code::RelayEmpty.into());
    }
    let path = if to.is_dir() { to.join(name(&identity, now)) } else { to.to_owned() };
    let size: u64 = chosen.iter().map(|file| file.size).sum();
    let room = (inner.outside.free_bytes)(path.parent().unwrap_or(to));
    let needed = size + batches.iter().map(|(bytes, _)| bytes.len() as u64).sum::<u64>();
    if let Some(free) = room.filter(|free| *free < needed + needed / 1_000 + 64 * 1024) {
        return Err(Problem::new(Code::DiskFull).with("freeBytes", free).into());
    }
    let key = store.read(session::signing_key)?;
    let manifest = RelayManifest {
        format: FORMAT,
        device_id: device,
        municipality: identity.municipality.id.clone(),
        made_at: now,
        reply_to: seal::sealing_key(&key),
        files: chosen.iter().map(offer).collect(),
    };
    let operations: usize = batches.iter().map(|(_, count)| count).sum();
    let foot = whole(&path, |file| {
        let io = |error| Error::io(&path)(error);
        let mut sealer = Sealer::begin(BufWriter::new(file), Kind::Relay, &recipient).map_err(io)?;
        write_frame(&mut sealer, &Frame::Manifest(Box::new(manifest))).map_err(io)?;
        for (bytes, _) in batches {
            write_frame(&mut sealer, &Frame::Batch(bytes)).map_err(io)?;
        }
        let meter = Meter::default();
        let mut done = 0;
        for (place, file) in (0u32..).zip(&chosen) {
            for n in 0..file.size.div_ceil(CHUNK_BYTES as u64) {
                let bytes = piece(&store, file, n)?;
                done += bytes.len() as u64;
                let n = u32::try_from(n).unwrap_or(u32::MAX);
                write_frame(&mut sealer, &Frame::Chunk { file: place, n, bytes }).map_err(io)?;
                meter.tell(done, size, |done, size| inner.say(Event::RelayProgress { done, size }));
            }
        }
        Ok(sealer.finish(device, &key).map_err(io)?.1)
    })?;
    let made = RelayMade {
        path: path.display().to_string(),
        sha256: foot.sha256,
        made_at: now,
        operations: u32::try_from(operations).unwrap_or(u32::MAX),
        files: u32::try_from(chosen.len()).unwrap_or(u32::MAX),
        files_left: u32::try_from(all - chosen.len()).unwrap_or(u32::MAX),
        bytes: foot.size + seal::FOOT as u64,
        answered_at: None,
    };
    store.write(|tx| meta::set(tx, meta::RELAY, &made))?;
    Ok(made)
}

fn offer(file: &StoredFile) -> EvidenceOffer {
    EvidenceOffer {
        sha256: file.sha256.clone(),
        size: file.size,
        media_type: file.media_type.as_str().to_owned(),
    }
}

/// Operations in batches exactly as they would be pushed, each with how many it has. Placeholders travel, and count for
/// nobody.
fn batches(
    store: &Store,
    mut operations: Vec<Operation>,
    free_bytes: Option<u64>,
) -> Result<Vec<(Vec<u8>, usize)>, Error> {
    let (epoch, report) = store.read(|c| Ok((engine::epoch(c)?, engine::report(c, free_bytes)?)))?;
    let mut batches = Vec::new();
    while !operations.is_empty() {
        let some = operations.iter().take(MAX_OPERATIONS).cloned().collect();
        let batch = plan::batch(some, MAX_OPERATIONS, epoch, &report)?;
        if batch.bytes.len() > MAX_COMPRESSED {
            // No push would take it either, and nothing behind it can go before it.
            if batches.is_empty() {
                return Err(Problem::new(Code::TooLarge).with("limitBytes", MAX_COMPRESSED).into());
            }
            break;
        }
        operations.drain(..batch.operations.len());
        let people = |operation: &&Operation| operation.kind != OperationKind::Placeholder;
        batches.push((batch.bytes, batch.operations.iter().filter(people).count()));
    }
    Ok(batches)
}

/// As many files as fit, whole, small to large.
fn that_fit(waiting: Vec<StoredFile>) -> Vec<StoredFile> {
    let mut size = TEXT;
    let fits = |file: &StoredFile| {
        // Of each chunk its frame, of each 64 KiB its tag.
        size += file.size + file.size / 2_048 + 64;
        size <= MAX_BYTES
    };
    waiting.into_iter().take_while(fits).collect()
}

pub(crate) fn piece(store: &Store, file: &StoredFile, n: u64) -> Result<Vec<u8>, Error> {
    let start = n * CHUNK_BYTES as u64;
    let bytes = store.blobs(|blobs| files::get_range(blobs, &file.sha256, start, CHUNK_BYTES as u64))?;
    if bytes.len() as u64 != (file.size - start).min(CHUNK_BYTES as u64) {
        return Err(Error::Stored { what: "the bytes of a file" });
    }
    Ok(bytes)
}

/// Writes a file beside its place and puts it there when it is whole and on the disk: a stick is pulled out early.
pub(crate) fn whole<T>(path: &Path, write: impl FnOnce(&File) -> Result<T, Error>) -> Result<T, Error> {
    let mut part = path.as_os_str().to_owned();
    part.push(".parte");
    let part = PathBuf::from(part);
    let file = File::create(&part).map_err(Error::io(&part))?;
    let written = write(&file).and_then(|value| {
        file.sync_all().map_err(Error::io(&part))?;
        std::fs::rename(&part, path).map_err(Error::io(path))?;
        Ok(value)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Says how far something is: not too often, and at its end.
#[derive(Default)]
struct Meter(Mutex<Option<Instant>>);

impl Meter {
    fn tell(&self, done: u64, size: u64, say: impl FnOnce(u64, u64)) {
        let Ok(mut told) = self.0.lock() else { return };
        if done >= size || told.is_none_or(|told| told.elapsed() >= BETWEEN) {
            *told = Some(Instant::now());
            say(done, size);
        }
    }
}

/// Takes the relay in a file to the endpoint and saves the answer beside it. What is there already is not sent again.
pub(crate) async fn carry(
    transport: &Transport,
    path: &Path,
    say: impl Fn(u64, u64),
) -> Result<RelayCarried, Problem> {
    let named = |problem: Problem| match problem.code {
        Code::RelayUnreadable | Code::RelayForeign | Code::RelayRefused | Code::RelayTooLarge => {
            problem.with("file", file_name(path))
        }
        _ => problem,
    };
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read_offer(&owned)).await.map_err(Error::from)?;
    let offer = read.map_err(|error| named(error.into()))?;
    let answer = patiently(|| transport.offer_relay(&offer)).await.map_err(|problem| match problem.code {
        // It knows no such route.
        Code::NotFound | Code::MethodNotAllowed => {
            Problem::new(Code::RelayUnsupported).with("server", transport.address())
        }
        _ => named(problem),
    })?;
    let chunk_size = answer.chunk_size;
    if chunk_size == 0 || chunk_size > MAX_BYTES {
        return Err(Problem::new(Code::ServerNotOurs).with("server", transport.address()));
    }
    let length = |n: u64| offer.size.saturating_sub(n.saturating_mul(chunk_size)).min(chunk_size);
    let meter = Meter::default();
    let mut done: u64 = answer.there.iter().map(|n| length(*n)).sum();
    meter.tell(done, offer.size, &say);
    for n in (0..offer.size.div_ceil(chunk_size)).filter(|n| !answer.there.contains(n)) {
        let (owned, start, size) = (path.to_owned(), n * chunk_size, length(n));
        let read = move || read_range(&owned, start, size);
        let bytes = tokio::task::spawn_blocking(read).await.map_err(Error::from)??;
        let digest = sha256_hex(&bytes);
        patiently(|| transport.relay_chunk(&answer.upload_id, n, bytes.clone(), &digest)).await?;
        done += size;
        meter.tell(done, offer.size, &say);
    }
    let reply = patiently(|| transport.complete_relay(&answer.upload_id)).await.map_err(named)?;
    let target = path.with_extension(REPLY_ENDING);
    let saved = target.clone();
    let save = move || whole(&saved, |mut file| file.write_all(&reply).map_err(Error::io(&saved)));
    tokio::task::spawn_blocking(save).await.map_err(Error::from)??;
    Ok(RelayCarried { path: target.display().to_string(), bytes: offer.size + seal::FOOT as u64 })
}

/// Asks again where no answer came: the same question twice does no harm anywhere in a relay.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<T, Problem>>,
{
    let mut attempt = 1;
    loop {
        match ask().await {
            Err(problem)
                if attempt < ATTEMPTS
                    && matches!(problem.code, Code::ServerUnreachable | Code::BodyDamaged)
                    && !problem.params.contains_key("refused") =>
            {
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn unreadable(path: &Path, error: &SealError) -> Error {
    let (code, detail) = match error {
        SealError::Disk(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof
            ) =>
        {
            (Code::RelayUnreadable, "cut or changed".to_owned())
        }
        SealError::Disk(error) => (Code::FileUnreadable, error.to_string()),
        SealError::OtherKey => (Code::RelayNotYours, String::new()),
        other => (Code::RelayUnreadable, other.to_string()),
    };
    Problem::new(code).with("file", file_name(path)).with("detail", detail).into()
}

fn opened(path: &Path) -> Result<(BufReader<File>, u64), Error> {
    let open = || -> std::io::Result<_> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok((BufReader::new(file), size))
    };
    open().map_err(|error| unreadable(path, &SealError::Disk(error)))
}

/// What is said of a relay before it is sent: its foot, and whose it is from its head.
fn read_offer(path: &Path) -> Result<RelayOffer, Error> {
    let (mut file, size) = opened(path)?;
    if size > MAX_BYTES + seal::FOOT as u64 {
        return Err(Problem::new(Code::RelayTooLarge)
            .with("file", file_name(path))
            .with("bytes", size)
            .with("limitBytes", MAX_BYTES)
            .into());
    }
    let mut read = || -> Result<(Head, Foot), SealError> {
        let foot = Foot::read(&mut file, Kind::Relay, size)?;
        file.rewind()?;
        let mut head = [0u8; seal::HEAD];
        file.read_exact(&mut head)?;
        Ok((Head::read(&head, Kind::Relay)?, foot))
    };
    let (head, foot) = read().map_err(|error| unreadable(path, &error))?;
    Ok(RelayOffer {
        device_id: foot.device,
        sha256: foot.sha256,
        size: foot.size,
        sealed_for: head.sealed_for,
        signature: foot.signature,
    })
}

fn read_range(path: &Path, start: u64, size: u64) -> Result<Vec<u8>, Error> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(size).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| unreadable(path, &SealError::Disk(error)))
}

/// Takes a relay to the endpoint of this equipment.
pub(crate) async fn upload(inner: &Inner, path: &Path) -> Result<RelayCarried, Error> {
    let identity = inner.store()?.read(session::enrolled)?;
    let transport = inner.transport(&identity.server)?;
    let say = |done, size| inner.say(Event::RelayProgress { done, size });
    Ok(carry(&transport, path, say).await?)
}

/// Reads the answer to a relay of this device: every receipt is verified as if it had come by the network, in one
/// transaction.
pub(crate) fn import(inner: &Inner, path: &Path) -> Result<RelayTaken, Error> {
    let store = inner.store()?;
    let (identity, key) = store.read(|c| Ok((session::enrolled(c)?, session::signing_key(c)?)))?;
    let reply = read_reply(path, &identity, &key)?;
    let now = inner.clock.now();
    let here = Here {
        device: identity.device_id,
        server_key: identity.server_key,
        tz_offset_minutes: inner.tz_offset_minutes(),
        clock_offset_ms: store.read(session::clock_offset_ms)?,
        now,
    };
    let taken = store.write(|tx| {
        let mut taken = RelayTaken { received: 0, waiting: 0, files: 0, problem: None };
        for batch in &reply.batches {
            match &batch.answer {
                Some(answer) => settle(tx, answer, &here, &mut taken)?,
                None => {
                    taken.waiting += u32::try_from(batch.operations.len()).unwrap_or(u32::MAX);
                    taken.problem = taken.problem.take().or_else(|| batch.problem.clone());
                }
            }
        }
        for file in &reply.files {
            match &file.problem {
                None => {
                    files::confirm(tx, &file.sha256, now)?;
                    taken.files += 1;
                }
                // Its follow-up was not taken: it says so itself.
                Some(problem) if problem.code == Code::NotFound => {}
                Some(problem) => {
                    files::set_problem(tx, &file.sha256, problem)?;
                    taken.problem.get_or_insert_with(|| problem.clone());
                }
            }
        }
        if let Some(last) = meta::get::<RelayMade>(tx, meta::RELAY)?.filter(|last| last.sha256 == reply.relay)
        {
            meta::set(tx, meta::RELAY, &RelayMade { answered_at: Some(now), ..last })?;
        }
        Ok(taken)
    })?;
    inner.link.progress();
    Ok(taken)
}

/// Results of one batch. What moved on by another way since the relay was made is not set back by a refusal in it.
fn settle(
    connection: &Connection,
    answer: &PushAnswer,
    here: &Here,
    taken: &mut RelayTaken,
) -> Result<(), Error> {
    let (mut operations, mut results, mut parked) = (Vec::new(), Vec::new(), Vec::new());
    for result in &answer.results {
        let Some((operation, state)) = outbox::by_op(connection, result.op_id())? else { continue };
        let refused = matches!(result, PushResult::Refused { .. });
        if refused && state != State::Ready {
            continue;
        }
        if state == State::Parked {
            parked.push(operation.op_id);
        }
        operations.push(operation);
        results.push(result.clone());
    }
    let answer = PushAnswer { results, ..answer.clone() };
    let settled = engine::settle(connection, &operations, &answer, here)?;
    for op_id in parked {
        let is_back = |state: State| matches!(state, State::Received | State::Rejected);
        if outbox::by_op(connection, op_id)?.is_some_and(|(_, state)| is_back(state)) {
            outbox::take_back(connection, op_id)?;
        }
    }
    for (operation, step) in operations.iter().zip(&settled.steps) {
        if operation.kind != OperationKind::Placeholder {
            match step {
                Step::Received | Step::Rejected => taken.received += 1,
                _ => taken.waiting += 1,
            }
        }
    }
    let reason = answer.results.iter().find_map(|result| match result {
        PushResult::Refused { problem, .. } => Some(problem.clone()),
        _ => None,
    });
    taken.problem = taken.problem.take().or(settled.held).or(reason);
    Ok(())
}

/// Opens an answer: of this device, signed by its endpoint.
fn read_reply(
    path: &Path,
    identity: &Identity,
    key: &ed25519_dalek::SigningKey,
) -> Result<RelayReply, Error> {
    let wrong = |detail: &str| -> Error {
        Problem::new(Code::RelayUnreadable).with("file", file_name(path)).with("detail", detail).into()
    };
    let (mut file, size) = opened(path)?;
    if size > MAX_REPLY {
        return Err(wrong("length"));
    }
    let foot = Foot::read(&mut file, Kind::Reply, size).map_err(|error| unreadable(path, &error))?;
    if foot.device != identity.device_id {
        return Err(Problem::new(Code::RelayNotYours).with("file", file_name(path)).into());
    }
    foot.verify(&identity.server_key).map_err(|_| wrong("signature"))?;
    let mut read = || -> Result<Vec<u8>, SealError> {
        file.rewind()?;
        let mut small = Vec::new();
        Opener::begin(&mut file, Kind::Reply, foot.size, &seal::opening_key(key))?.read_to_end(&mut small)?;
        let mut raw = Vec::new();
        let decoder = zstd::stream::read::Decoder::new(small.as_slice())?;
        decoder.take(MAX_REPLY + 1).read_to_end(&mut raw)?;
        Ok(raw)
    };
    let raw = read().map_err(|error| unreadable(path, &error))?;
    if raw.len() as u64 > MAX_REPLY {
        return Err(wrong("length"));
    }
    let reply: RelayReply = serde_json::from_slice(&raw).map_err(|error| wrong(&error.to_string()))?;
    if reply.format > FORMAT {
        return Err(Problem::new(Code::UpgradeRequired).with("minimum", reply.format).into());
    }
    Ok(reply)
}
