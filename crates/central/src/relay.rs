//! Relays: what a device without any network sealed, and somebody else carried here. Its operations go through the same
//! push as if the device had come itself, its files through the same verification, and the answer is sealed for it.
//!
//! Chunks wait as they came, sealed, in `DIR/relay/{sha256}/{n}`; nothing of a relay is acted upon before all of it was
//! opened once. The reply stays there as `reply`, so that one whose carrier lost it is given again.

use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use domain::evidence::{CHUNK_BYTES, is_sha256};
use domain::problem::{Code, Problem, Retry};
use domain::receipt::sha256_hex;
use domain::relay::{
    FORMAT, Frame, MAX_BYTES, RelayAnswer, RelayBatch, RelayFile, RelayManifest, RelayOffer, RelayReply,
    read_frame,
};
use domain::seal::{self, Foot, Kind, Opener, SealError, Sealer};
use domain::wire::{EvidenceAnswer, EvidenceOffer, PushRequest};
use sha2::{Digest, Sha256};
use x25519_dalek::PublicKey;

use crate::auth::Actor;
use crate::endpoint::Endpoint;
use crate::problem::{Answer, Failure};
use crate::strict;
use crate::sync::{evidence, push as pushing};

/// Most bytes of relays that wait for their last chunk, all together: signed by devices of ours, but carried by anybody.
const MAX_WAITING: u64 = 8 * MAX_BYTES;
/// How long a relay that nobody went on with, or a reply, is kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
const OFFER: &str = "offer.json";
const REPLY: &str = "reply";

fn disk(error: &std::io::Error) -> Failure {
    tracing::error!(%error, "relay");
    Code::Unavailable.into()
}

fn unreadable(detail: &str) -> Failure {
    Problem::new(Code::RelayUnreadable).with("detail", detail).into()
}

fn folder_of(endpoint: &Endpoint, sha256: &str) -> PathBuf {
    endpoint.config.data.join("relay").join(sha256)
}

fn chunks_of(size: u64) -> u64 {
    size.div_ceil(CHUNK_BYTES as u64)
}

/// The device that made a relay, if it may speak: known, its own signature, not revoked. Whoever carries it is not asked
/// who they are.
fn maker(endpoint: &Endpoint, offer: &RelayOffer) -> Answer<Actor> {
    let tx = endpoint.store.read()?;
    let device = tx.device(offer.device_id)?.ok_or(Code::RelayRefused)?;
    let foot = Foot {
        kind: Kind::Relay,
        device: offer.device_id,
        sha256: offer.sha256.clone(),
        size: offer.size,
        signature: offer.signature.clone(),
    };
    foot.verify(&device.public_key).map_err(|_| unreadable("signature"))?;
    if device.revoked_at.is_some() {
        return Err(Code::RelayRefused.into());
    }
    let person = tx.person(&device.person_id)?.ok_or(Code::RelayRefused)?;
    Ok(Actor { device_id: device.id, person })
}

/// A relay is offered: the answer says which chunks to send.
pub fn offer(endpoint: &Endpoint, offer: &RelayOffer) -> Answer<RelayAnswer> {
    if !is_sha256(&offer.sha256) {
        return Err(Problem::new(Code::MalformedRequest).with("detail", "not a hash").into());
    }
    if offer.size > MAX_BYTES {
        let problem = Problem::new(Code::RelayTooLarge);
        return Err(problem.with("bytes", offer.size).with("limitBytes", MAX_BYTES).into());
    }
    if offer.size < seal::HEAD as u64 {
        return Err(unreadable("length"));
    }
    if offer.sealed_for != seal::key_name(&PublicKey::from(&endpoint.opening_key())) {
        return Err(Code::RelayForeign.into());
    }
    maker(endpoint, offer)?;
    let _turn = endpoint.relays();
    let folder = folder_of(endpoint, &offer.sha256);
    if !folder.exists() && forget_old(endpoint)? + offer.size > MAX_WAITING {
        return Err(Problem::new(Code::TooManyRequests).with("retryAfterSeconds", 3_600).into());
    }
    let text = serde_json::to_vec(offer).map_err(|error| disk(&error.into()))?;
    // The last signature that was good: somebody else's over the same bytes must not stand in the way of the right one.
    place(&folder, OFFER, &text)?;
    let there =
        if folder.join(REPLY).exists() { (0..chunks_of(offer.size)).collect() } else { there(&folder) };
    Ok(RelayAnswer { upload_id: offer.sha256.clone(), chunk_size: CHUNK_BYTES as u64, there })
}

/// Takes one chunk, sealed as it is. Sending it again changes nothing.
pub fn chunk(endpoint: &Endpoint, upload_id: &str, n: u64, digest: &str, bytes: &[u8]) -> Answer<()> {
    let (folder, offer) = offered(endpoint, upload_id)?;
    if folder.join(REPLY).exists() {
        return Ok(());
    }
    let start = n.checked_mul(CHUNK_BYTES as u64).filter(|start| *start < offer.size);
    let Some(start) = start else {
        return Err(Problem::new(Code::MalformedRequest).with("detail", format!("no chunk {n}")).into());
    };
    let found = sha256_hex(bytes);
    if bytes.len() as u64 != (offer.size - start).min(CHUNK_BYTES as u64) || found != digest {
        let problem = Problem::new(Code::EvidenceHashMismatch);
        return Err(problem.with("expected", digest).with("found", found).into());
    }
    place(&folder, &n.to_string(), bytes)
}

/// Opens a relay that is whole, acts upon it, and gives the sealed reply.
pub fn complete(endpoint: &Endpoint, upload_id: &str) -> Answer<Vec<u8>> {
    // One at a time: a carrier whose patience ended asks again while the first is still at work, and waits for it here.
    let _turn = endpoint.relays();
    let (folder, offer) = offered(endpoint, upload_id)?;
    let actor = maker(endpoint, &offer)?;
    let reply = folder.join(REPLY);
    if reply.exists() {
        return fs::read(&reply).map_err(|error| disk(&error));
    }
    let look = || -> Answer<RelayManifest> {
        check_whole(&folder, &offer)?;
        let manifest = look_through(endpoint, &folder, &offer)?;
        Ok(manifest)
    };
    let manifest = look().inspect_err(|failure| {
        // What cannot be one is not kept; what the disk could not read is.
        if failure.0.retry != Retry::Later {
            let _ = fs::remove_dir_all(&folder);
        }
    })?;
    let answer = act(endpoint, &actor, &folder, &offer, &manifest)?;
    let sealed = seal_reply(endpoint, &actor, &manifest, &answer)?;
    place(&folder, REPLY, &sealed)?;
    for n in 0..chunks_of(offer.size) {
        let _ = fs::remove_file(folder.join(n.to_string()));
    }
    tracing::info!(device = %actor.device_id, relay = upload_id, "relay taken");
    Ok(sealed)
}

/// The folder and the offer of an upload that a path names.
fn offered(endpoint: &Endpoint, upload_id: &str) -> Answer<(PathBuf, RelayOffer)> {
    if !is_sha256(upload_id) {
        return Err(Code::NotFound.into());
    }
    let folder = folder_of(endpoint, upload_id);
    let text = match fs::read(folder.join(OFFER)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Code::NotFound.into()),
        Err(error) => return Err(disk(&error)),
    };
    let offer = serde_json::from_slice(&text).map_err(|error| disk(&error.into()))?;
    Ok((folder, offer))
}

fn there(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut chunks: Vec<u64> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    chunks.sort_unstable();
    chunks
}

/// Puts a file in its place, whole.
fn place(folder: &Path, name: &str, bytes: &[u8]) -> Answer<()> {
    let temporary = folder.join(format!(".{name}.{}", domain::receipt::new_salt()));
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, folder.join(name))
    };
    write().map_err(|error| {
        // On a full disk half a chunk would keep the last bytes from the database.
        let _ = fs::remove_file(&temporary);
        disk(&error)
    })
}

/// Forgets what nobody went on with. Gives how many bytes of the others wait.
fn forget_old(endpoint: &Endpoint) -> Answer<u64> {
    let mut waiting = 0;
    for entry in fs::read_dir(endpoint.config.data.join("relay")).into_iter().flatten().flatten() {
        let touched = entry.metadata().and_then(|metadata| metadata.modified());
        let age = touched.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        if age.is_ok_and(|age| age > KEPT) {
            fs::remove_dir_all(entry.path()).map_err(|error| disk(&error))?;
        } else if !entry.path().join(REPLY).exists()
            && let Some((_, offer)) = entry.file_name().to_str().and_then(|name| offered(endpoint, name).ok())
        {
            waiting += offer.size;
        }
    }
    Ok(waiting)
}

/// The chunks of a relay one after another.
struct Chunks<'f> {
    folder: &'f Path,
    next: u64,
    open: Option<File>,
}

impl<'f> Chunks<'f> {
    fn of(folder: &'f Path) -> Chunks<'f> {
        Chunks { folder, next: 0, open: None }
    }
}

impl Read for Chunks<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if let Some(file) = &mut self.open {
                match file.read(into)? {
                    0 => self.open = None,
                    read => return Ok(read),
                }
            }
            match File::open(self.folder.join(self.next.to_string())) {
                Ok(file) => self.open = Some(file),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
                Err(error) => return Err(error),
            }
            self.next += 1;
        }
    }
}

/// What was signed is what is here.
fn check_whole(folder: &Path, offer: &RelayOffer) -> Answer<()> {
    let mut hasher = Sha256::new();
    let mut size = 0;
    let mut chunks = Chunks::of(folder);
    let mut piece = vec![0u8; 64 * 1024];
    loop {
        match chunks.read(&mut piece).map_err(|error| disk(&error))? {
            0 => break,
            read => {
                hasher.update(&piece[..read]);
                size += read as u64;
            }
        }
    }
    if size < offer.size {
        // Not an answer for good: the missing chunks may still come.
        let problem = Problem::new(Code::EvidenceHashMismatch);
        return Err(problem.with("expected", offer.sha256.clone()).with("found", "incomplete").into());
    }
    if hex::encode(hasher.finalize()) != offer.sha256 {
        return Err(unreadable("hash"));
    }
    Ok(())
}

fn open<'f>(endpoint: &Endpoint, folder: &'f Path, offer: &RelayOffer) -> Answer<Opener<Chunks<'f>>> {
    let opened = Opener::begin(Chunks::of(folder), Kind::Relay, offer.size, &endpoint.opening_key());
    opened.map_err(|error| match error {
        SealError::Disk(error) => disk(&error),
        SealError::OtherKey => Code::RelayForeign.into(),
        other => unreadable(&other.to_string()),
    })
}

fn next(from: &mut Opener<Chunks<'_>>) -> Answer<Option<Frame>> {
    read_frame(from).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => unreadable(&error.to_string()),
        _ => disk(&error),
    })
}

/// Opens a relay from its beginning to its end without acting on anything.
fn look_through(endpoint: &Endpoint, folder: &Path, offer: &RelayOffer) -> Answer<RelayManifest> {
    let mut from = open(endpoint, folder, offer)?;
    let Some(Frame::Manifest(manifest)) = next(&mut from)? else {
        return Err(unreadable("manifest"));
    };
    if manifest.format > FORMAT {
        return Err(Problem::new(Code::UpgradeRequired).with("speaks", FORMAT).into());
    }
    if manifest.device_id != offer.device_id {
        return Err(unreadable("device"));
    }
    if manifest.municipality != endpoint.config.municipality.id {
        return Err(Code::RelayForeign.into());
    }
    seal::read_sealing_key(&manifest.reply_to).map_err(|_| unreadable("replyTo"))?;
    while let Some(frame) = next(&mut from)? {
        match frame {
            Frame::Manifest(_) => return Err(unreadable("manifest")),
            Frame::Batch(bytes) => {
                batch(&bytes)?;
            }
            Frame::Chunk { file, n, bytes } => {
                let file = manifest.files.get(file as usize).ok_or_else(|| unreadable("chunk"))?;
                let start = u64::from(n) * CHUNK_BYTES as u64;
                let expected = file.size.saturating_sub(start).min(CHUNK_BYTES as u64);
                if bytes.is_empty() || bytes.len() as u64 != expected {
                    return Err(unreadable("chunk"));
                }
            }
        }
    }
    Ok(*manifest)
}

fn batch(bytes: &[u8]) -> Answer<PushRequest> {
    let raw = crate::http::decompress(bytes)?;
    let value = strict::parse(&raw).map_err(|error| unreadable(&error.to_string()))?;
    serde_json::from_value(value).map_err(|error| unreadable(&error.to_string()))
}

/// What an answer to the device is, and what only says that this endpoint could not do it now: then nothing is answered
/// and the carrier asks again.
fn kept(problem: Problem) -> Answer<Problem> {
    match problem.code {
        Code::Unavailable | Code::Fault | Code::TooManyRequests => Err(problem.into()),
        Code::DeviceRevoked => Err(Code::RelayRefused.into()),
        _ => Ok(problem),
    }
}

/// Does what the relay brings, as the device that made it. Done twice it has the effect of once.
fn act(
    endpoint: &Endpoint,
    actor: &Actor,
    folder: &Path,
    offer: &RelayOffer,
    manifest: &RelayManifest,
) -> Answer<RelayReply> {
    let mut reply = RelayReply {
        format: FORMAT,
        relay: offer.sha256.clone(),
        taken_at: endpoint.now(),
        batches: Vec::new(),
        files: Vec::new(),
    };
    let mut from = open(endpoint, folder, offer)?;
    let mut at: Option<Arriving<'_>> = None;
    while let Some(frame) = next(&mut from)? {
        match frame {
            Frame::Manifest(_) => {}
            Frame::Batch(bytes) => {
                let request = batch(&bytes)?;
                let operations = request.operations.iter().map(|operation| operation.op_id).collect();
                let (answer, problem) = match pushing::push(endpoint, actor, request) {
                    Ok(answer) => (Some(answer), None),
                    Err(Failure(problem)) => (None, Some(kept(problem)?)),
                };
                reply.batches.push(RelayBatch { operations, answer, problem });
            }
            Frame::Chunk { file, n, bytes } => {
                if at.as_ref().is_none_or(|arriving| arriving.place != file) {
                    reply.files.extend(at.take().map(|last| last.end(endpoint, actor)).transpose()?);
                    let Some(offer) = manifest.files.get(file as usize) else {
                        return Err(unreadable("chunk"));
                    };
                    at = Some(Arriving::begin(endpoint, actor, file, offer)?);
                }
                if let Some(arriving) = &mut at {
                    arriving.take(endpoint, actor, u64::from(n), &bytes)?;
                }
            }
        }
    }
    reply.files.extend(at.take().map(|last| last.end(endpoint, actor)).transpose()?);
    Ok(reply)
}

/// A file whose chunks are coming.
struct Arriving<'m> {
    place: u32,
    file: &'m EvidenceOffer,
    /// Chunks that are here already; none at all while the endpoint has the file.
    there: Option<Vec<u64>>,
    problem: Option<Problem>,
}

impl<'m> Arriving<'m> {
    fn begin(
        endpoint: &Endpoint,
        actor: &Actor,
        place: u32,
        file: &'m EvidenceOffer,
    ) -> Answer<Arriving<'m>> {
        let (there, problem) = match evidence::offer(endpoint, actor, file) {
            Ok(EvidenceAnswer::Have) => (None, None),
            Ok(EvidenceAnswer::Upload { there, .. }) => (Some(there), None),
            // Its follow-up was not taken, for one.
            Err(Failure(problem)) => (None, Some(kept(problem)?)),
        };
        Ok(Arriving { place, file, there, problem })
    }

    fn take(&mut self, endpoint: &Endpoint, actor: &Actor, n: u64, bytes: &[u8]) -> Answer<()> {
        let wanted = self.problem.is_none() && self.there.as_ref().is_some_and(|there| !there.contains(&n));
        if wanted
            && let Err(Failure(problem)) =
                evidence::chunk(endpoint, actor, &self.file.sha256, n, &sha256_hex(bytes), bytes)
        {
            self.problem = Some(kept(problem)?);
        }
        Ok(())
    }

    fn end(mut self, endpoint: &Endpoint, actor: &Actor) -> Answer<RelayFile> {
        if self.problem.is_none()
            && self.there.is_some()
            && let Err(Failure(problem)) = evidence::complete(endpoint, actor, &self.file.sha256)
        {
            self.problem = Some(kept(problem)?);
        }
        Ok(RelayFile { sha256: self.file.sha256.clone(), problem: self.problem })
    }
}

fn seal_reply(
    endpoint: &Endpoint,
    actor: &Actor,
    manifest: &RelayManifest,
    reply: &RelayReply,
) -> Answer<Vec<u8>> {
    let recipient = seal::read_sealing_key(&manifest.reply_to).map_err(|_| unreadable("replyTo"))?;
    let seal = || -> std::io::Result<Vec<u8>> {
        let small = zstd::stream::encode_all(serde_json::to_vec(reply)?.as_slice(), 3)?;
        let mut sealer = Sealer::begin(Vec::new(), Kind::Reply, &recipient)?;
        sealer.write_all(&small)?;
        Ok(sealer.finish(actor.device_id, endpoint.signing())?.0)
    };
    seal().map_err(|error| disk(&error))
}
