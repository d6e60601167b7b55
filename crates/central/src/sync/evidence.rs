//! Evidence arrives in chunks, in any order, each with its digest; the whole is verified before anything relies on it.
//!
//! Chunks are files in `DIR/evidence/incoming/{sha256}/{n}`: any node that shares the folder can take any of them, and
//! nothing has to be remembered in between.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use domain::evidence::{CHUNK_BYTES, MAX_BYTES, MediaType, is_sha256};
use domain::person::Action;
use domain::problem::{Code, Problem};
use domain::receipt::sha256_hex;
use domain::seeded::{self, Bug};
use domain::wire::{EvidenceAnswer, EvidenceOffer};
use sha2::{Digest, Sha256};

use crate::auth::Actor;
use crate::endpoint::Endpoint;
use crate::problem::Answer;
use crate::store::{Evidence, EvidenceUser, JobKind};

fn incoming(endpoint: &Endpoint, sha256: &str) -> PathBuf {
    endpoint.config.data.join("evidence").join("incoming").join(sha256)
}

fn disk(error: &std::io::Error) -> Problem {
    tracing::error!(%error, "evidence");
    Problem::new(Code::Unavailable)
}

/// Whether a file is here: marked so, and its bytes really are. After a database was restored without its folder of
/// evidence, the mark alone would keep devices from ever sending the bytes again.
fn verified(endpoint: &Endpoint, evidence: &Evidence) -> bool {
    evidence.verified_at.is_some() && endpoint.evidence_path(&evidence.sha256).exists()
}

/// A device offers a file: the answer says which chunks to send. Only a file that one of the person's own follow-ups
/// names is spoken about: there is no asking whether somebody else's file exists.
pub fn offer(endpoint: &Endpoint, actor: &Actor, offer: &EvidenceOffer) -> Answer<EvidenceAnswer> {
    actor.may(Action::SendEvidence)?;
    if !is_sha256(&offer.sha256) || MediaType::parse(&offer.media_type).is_none() {
        return Err(Problem::new(Code::MalformedRequest)
            .with("detail", "not a hash or not a kind of file")
            .into());
    }
    if offer.size == 0 || offer.size > MAX_BYTES {
        return Err(Problem::new(Code::EvidenceTooLarge)
            .with("bytes", offer.size)
            .with("limitBytes", MAX_BYTES)
            .into());
    }
    let tx = endpoint.store.begin()?;
    let users = tx.evidence_users(&offer.sha256)?;
    let own = users.iter().find(|user| user.person_id == actor.person.card.id);
    let Some(own) = own else {
        return Err(Code::NotFound.into());
    };
    if own.size != offer.size {
        let detail = format!("the follow-up says {} bytes", own.size);
        return Err(Problem::new(Code::MalformedRequest).with("detail", detail).into());
    }
    let known = tx.evidence(&offer.sha256)?;
    if known.as_ref().is_some_and(|known| verified(endpoint, known)) {
        return Ok(EvidenceAnswer::Have);
    }
    if known.is_none_or(|known| known.verified_at.is_some() || known.size != offer.size) {
        tx.put_evidence(&Evidence {
            sha256: offer.sha256.clone(),
            size: offer.size,
            media_type: offer.media_type.clone(),
            verified_at: None,
        })?;
        tx.commit()?;
    }
    Ok(EvidenceAnswer::Upload {
        upload_id: offer.sha256.clone(),
        chunk_size: CHUNK_BYTES as u64,
        there: there(&incoming(endpoint, &offer.sha256)),
    })
}

/// The upload that a path names, if it is this device's.
fn upload(endpoint: &Endpoint, actor: &Actor, upload_id: &str) -> Answer<Evidence> {
    actor.may(Action::SendEvidence)?;
    if !is_sha256(upload_id) {
        return Err(Code::NotFound.into());
    }
    let tx = endpoint.store.read()?;
    let own = tx.evidence_users(upload_id)?.iter().any(|user| user.person_id == actor.person.card.id);
    match tx.evidence(upload_id)? {
        Some(evidence) if own => Ok(evidence),
        _ => Err(Code::NotFound.into()),
    }
}

fn there(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut chunks: Vec<u64> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    chunks.sort_unstable();
    chunks
}

/// What is there of an upload.
pub fn status(endpoint: &Endpoint, actor: &Actor, upload_id: &str) -> Answer<EvidenceAnswer> {
    let evidence = upload(endpoint, actor, upload_id)?;
    if verified(endpoint, &evidence) {
        return Ok(EvidenceAnswer::Have);
    }
    Ok(EvidenceAnswer::Upload {
        upload_id: upload_id.to_owned(),
        chunk_size: CHUNK_BYTES as u64,
        there: there(&incoming(endpoint, upload_id)),
    })
}

/// Takes one chunk. Sending it again changes nothing.
pub fn chunk(
    endpoint: &Endpoint,
    actor: &Actor,
    upload_id: &str,
    n: u64,
    digest: &str,
    bytes: &[u8],
) -> Answer<()> {
    let evidence = upload(endpoint, actor, upload_id)?;
    if verified(endpoint, &evidence) {
        return Ok(());
    }
    let start = n.checked_mul(CHUNK_BYTES as u64).filter(|start| *start < evidence.size);
    let Some(start) = start else {
        return Err(Problem::new(Code::MalformedRequest).with("detail", format!("no chunk {n}")).into());
    };
    let expected = (evidence.size - start).min(CHUNK_BYTES as u64);
    if bytes.len() as u64 != expected || sha256_hex(bytes) != digest {
        let problem = Problem::new(Code::EvidenceHashMismatch)
            .with("expected", digest)
            .with("found", sha256_hex(bytes));
        return Err(problem.into());
    }
    let folder = incoming(endpoint, upload_id);
    let temporary = folder.join(format!(".{n}.{}", domain::receipt::new_salt()));
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(&folder)?;
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, folder.join(n.to_string()))
    };
    write().map_err(|error| {
        // On a full disk half a chunk would keep the last bytes from the database.
        let _ = fs::remove_file(&temporary);
        disk(&error).into()
    })
}

/// Puts the chunks together and verifies the whole. Follow-ups that waited for it are decided again.
pub fn complete(endpoint: &Endpoint, actor: &Actor, upload_id: &str) -> Answer<()> {
    let evidence = upload(endpoint, actor, upload_id)?;
    if verified(endpoint, &evidence) {
        return Ok(());
    }
    let folder = incoming(endpoint, upload_id);
    let target = endpoint.evidence_path(upload_id);
    if !target.exists() {
        let chunks = evidence.size.div_ceil(CHUNK_BYTES as u64);
        let temporary = folder.join(format!(".whole.{}", domain::receipt::new_salt()));
        let found = assemble(&folder, chunks, &temporary).map_err(|error| {
            let _ = fs::remove_file(&temporary);
            match error.kind() {
                std::io::ErrorKind::NotFound => Problem::new(Code::EvidenceHashMismatch)
                    .with("expected", upload_id)
                    .with("found", "incomplete"),
                _ => disk(&error),
            }
        })?;
        if found != upload_id && !seeded::is(Bug::WholeFileUnchecked) {
            // The chunks agree with their own digests and not with the whole: nothing of them can be trusted.
            let _ = fs::remove_dir_all(&folder);
            let problem =
                Problem::new(Code::EvidenceHashMismatch).with("expected", upload_id).with("found", found);
            return Err(problem.into());
        }
        let place = || -> std::io::Result<()> {
            let parent = target.parent().unwrap_or(&folder);
            fs::create_dir_all(parent)?;
            fs::rename(&temporary, &target)?;
            File::open(parent)?.sync_all()?;
            // The folder itself may be new.
            File::open(parent.parent().unwrap_or(parent))?.sync_all()
        };
        place().map_err(|error| disk(&error))?;
    }
    let now = endpoint.now();
    let tx = endpoint.store.begin()?;
    tx.put_evidence(&Evidence { verified_at: Some(now), ..evidence })?;
    for EvidenceUser { follow_up, .. } in tx.evidence_users(upload_id)? {
        tx.queue(JobKind::Accept, &follow_up.to_string(), now)?;
    }
    tx.commit()?;
    let _ = fs::remove_dir_all(&folder);
    endpoint.wake.notify_one();
    Ok(())
}

fn assemble(folder: &Path, chunks: u64, into: &Path) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut whole = File::create(into)?;
    for n in 0..chunks {
        let mut bytes = Vec::with_capacity(CHUNK_BYTES);
        File::open(folder.join(n.to_string()))?.read_to_end(&mut bytes)?;
        hasher.update(&bytes);
        whole.write_all(&bytes)?;
    }
    whole.sync_all()?;
    Ok(hex::encode(hasher.finalize()))
}
