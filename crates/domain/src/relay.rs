//! What a device without any network sends in a sealed file that somebody else carries, and what comes back.
//!
//! Inside the seal ([`crate::seal`]) a relay is a row of frames, `kind 1 · length 4 · bytes`: first the [`RelayManifest`],
//! then batches of operations (each a [`crate::wire::PushRequest`], compressed, as it would be pushed), then the files in
//! chunks. The answer is one [`RelayReply`], compressed.

use std::io::{self, Read, Write};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::evidence::{CHUNK_BYTES, is_sha256};
use crate::problem::Problem;
use crate::wire::{EvidenceOffer, MAX_COMPRESSED, PushAnswer};

/// Version of what is inside a relay.
pub const FORMAT: u32 = 1;
/// Largest relay, bytes: a stick with FAT32 takes no file of 4 GiB.
pub const MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Ending of the name of a relay.
pub const ENDING: &str = "relevo";
/// Ending of the name of its answer.
pub const REPLY_ENDING: &str = "acuse";
/// Most bytes of a reply after decompression.
pub const MAX_REPLY: u64 = 64 * 1024 * 1024;
/// Most bytes of a manifest: the names of as many files as fit into a relay.
const MAX_MANIFEST: usize = 4 * 1024 * 1024;

/// What the first frame says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayManifest {
    /// Version of what is inside.
    pub format: u32,
    /// The device whose operations these are.
    pub device_id: Uuid,
    /// Which municipality.
    pub municipality: String,
    /// Clock of the device when it was made: a claim.
    pub made_at: DateTime<Utc>,
    /// Key to seal the answer for (X25519 public key, hexadecimal).
    pub reply_to: String,
    /// The files whose chunks follow.
    pub files: Vec<EvidenceOffer>,
}

/// What the endpoint answers to a relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayReply {
    /// Version of what is inside.
    pub format: u32,
    /// SHA-256 of the relay (without its foot) that this answers, hexadecimal.
    pub relay: String,
    /// When the endpoint took it.
    pub taken_at: DateTime<Utc>,
    /// One for each batch, in order.
    pub batches: Vec<RelayBatch>,
    /// One for each file.
    pub files: Vec<RelayFile>,
}

/// What became of a batch of operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayBatch {
    /// The operations that were in it, in order.
    pub operations: Vec<Uuid>,
    /// What a push of it would have been answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<PushAnswer>,
    /// Why it was not taken at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayFile {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Why it was not taken; the endpoint has it, verified, when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// `POST /api/v1/relay`: the foot of a relay and the name in its head. Whoever carries it needs nothing else: the
/// signature is that of the device that made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayOffer {
    /// The device that made it.
    pub device_id: Uuid,
    /// SHA-256 of everything before the foot, hexadecimal.
    pub sha256: String,
    /// How many bytes those are.
    pub size: u64,
    /// Short name of the key it is sealed for.
    pub sealed_for: String,
    /// Signature of the device over the above, hexadecimal.
    pub signature: String,
}

/// Answer to the offer of a relay: `PUT /api/v1/relay/{upload_id}/{n}` sends a chunk, and
/// `POST /api/v1/relay/{upload_id}/complete` answers the sealed reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayAnswer {
    /// Names the upload.
    pub upload_id: String,
    /// Bytes per chunk.
    pub chunk_size: u64,
    /// Chunks already there; every one when the reply is ready.
    pub there: Vec<u64>,
}

/// One frame.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// What follows.
    Manifest(Box<RelayManifest>),
    /// A compressed batch of operations.
    Batch(Vec<u8>),
    /// Chunk `n` of the file at a place of the manifest's list.
    Chunk {
        /// Its place there.
        file: u32,
        /// Which chunk.
        n: u32,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// Writes a frame.
///
/// # Errors
/// What it is written to.
pub fn write_frame(to: &mut impl Write, frame: &Frame) -> io::Result<()> {
    let mut put = |kind: u8, parts: &[&[u8]]| {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        to.write_all(&[kind])?;
        to.write_all(&u32::try_from(length).map_err(|_| unreadable("a frame"))?.to_be_bytes())?;
        parts.iter().try_for_each(|part| to.write_all(part))
    };
    match frame {
        Frame::Manifest(manifest) => put(b'M', &[&serde_json::to_vec(manifest)?]),
        Frame::Batch(bytes) => put(b'B', &[bytes]),
        Frame::Chunk { file, n, bytes } => put(b'C', &[&file.to_be_bytes(), &n.to_be_bytes(), bytes]),
    }
}

/// Reads the next frame; none at the end.
///
/// # Errors
/// `InvalidData` for what is no frame, and what it is read from.
pub fn read_frame(from: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut kind = [0u8; 1];
    if from.read(&mut kind)? == 0 {
        return Ok(None);
    }
    let mut length = [0u8; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    let most = match kind[0] {
        b'M' => MAX_MANIFEST,
        b'B' => MAX_COMPRESSED,
        b'C' => CHUNK_BYTES + 8,
        _ => return Err(unreadable("kind of frame")),
    };
    if length > most {
        return Err(unreadable("length of frame"));
    }
    let mut bytes = vec![0u8; length];
    from.read_exact(&mut bytes)?;
    Ok(Some(match kind[0] {
        b'M' => {
            let manifest: RelayManifest = serde_json::from_slice(&bytes)?;
            if manifest.files.iter().any(|file| !is_sha256(&file.sha256)) {
                return Err(unreadable("hash of a file"));
            }
            Frame::Manifest(Box::new(manifest))
        }
        b'B' => Frame::Batch(bytes),
        _ => {
            let number = |at: usize| {
                let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
                four.map(u32::from_be_bytes).ok_or_else(|| unreadable("chunk"))
            };
            let (file, n) = (number(0)?, number(4)?);
            Frame::Chunk { file, n, bytes: bytes.split_off(8) }
        }
    }))
}

fn unreadable(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written_and_nothing_else_is_one() {
        let manifest = RelayManifest {
            format: FORMAT,
            device_id: Uuid::from_u128(7),
            municipality: "municipio".into(),
            made_at: DateTime::UNIX_EPOCH,
            reply_to: "ab".repeat(32),
            files: vec![EvidenceOffer { sha256: "0f".repeat(32), size: 3, media_type: "image/png".into() }],
        };
        let frames = [
            Frame::Manifest(Box::new(manifest)),
            Frame::Batch(vec![1, 2, 3]),
            Frame::Chunk { file: 0, n: 1, bytes: vec![9; CHUNK_BYTES] },
        ];
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| write_frame(&mut bytes, frame).unwrap());
        let mut from = bytes.as_slice();
        for frame in &frames {
            assert_eq!(read_frame(&mut from).unwrap().as_ref(), Some(frame));
        }
        assert_eq!(read_frame(&mut from).unwrap(), None);
        for bad in [
            &b"X\0\0\0\0"[..],
            b"B\xFF\xFF\xFF\xFF",
            b"B\0\0\0\x05ab",
            b"C\0\0\0\x03abc",
            b"M\0\0\0\x02{}",
            b"B\0",
        ] {
            let mut bad = bad;
            assert!(read_frame(&mut bad).is_err());
        }
    }
}
