//! What of a device outlives a forgotten passphrase. While a profile is open, what is only there stands beside its store
//! sealed for the endpoint ([`crate::seal`]): one small file with the text, and one for each photograph or document.
//! Nobody on that machine can read them, and nobody needs the passphrase to copy them into a **rescue file**:
//!
//! ```text
//! magic 8
//! name 16 · length 8 · a sealed file       the text first, whose name is zeros; then the pieces
//! zeros 16 · zeros 8 · SHA-256 32          of everything before: a copy that was cut is told where it is
//! ```
//! Inside the seal the text is a [`RescueText`] as compressed JSON, and a piece is the bytes of one file. The whole is not
//! sealed once more: whoever makes it has no key to sign with, and each of its parts is signed already.

use std::io::{self, Read, Seek, SeekFrom, Write};

use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use x25519_dalek::PublicKey;

use crate::evidence::MediaType;
use crate::follow_up::FollowUpFile;
use crate::form::{Form, Values};
use crate::problem::Problem;
use crate::seal::SealError;
use crate::wire::{DeviceReport, Operation};

/// Version of what is inside.
pub const FORMAT: u32 = 1;
/// Ending of the name of a rescue file.
pub const ENDING: &str = "avance-rescate";
/// Most bytes of a text after decompression.
pub const MAX_TEXT: u64 = 256 * 1024 * 1024;
const MAGIC: &[u8; 8] = b"AVRESC1\n";
const HASH: usize = 32;

/// What is only on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescueText {
    /// Version of what is inside.
    pub format: u32,
    /// The device.
    pub device_id: Uuid,
    /// Of which municipality.
    pub municipality: String,
    /// Clock of the device when it was sealed: a claim.
    pub made_at: DateTime<Utc>,
    /// What the device said of itself.
    pub report: DeviceReport,
    /// What was marked ready, in the order of its numbers, as it would be pushed.
    pub operations: Vec<Operation>,
    /// What was marked ready and set apart: it has no number, so it is not for the endpoint to take.
    pub apart: Vec<RescueApart>,
    /// Drafts.
    pub drafts: Vec<RescueDraft>,
    /// The files that all of these name and the endpoint may lack.
    pub files: Vec<RescueFile>,
}

/// An operation that was set apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescueApart {
    /// The operation.
    pub operation: Operation,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// A draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescueDraft {
    /// Identifier.
    pub id: Uuid,
    /// Folio of its project.
    pub project: String,
    /// Process.
    pub ocid: String,
    /// The form it was begun with.
    pub form: Form,
    /// What was typed, letter for letter.
    pub typed: Values,
    /// What that reads as.
    pub content: FollowUpFile,
    /// Its files.
    pub files: Vec<RescueAttached>,
    /// Earlier states, newest first.
    pub versions: Vec<RescueVersion>,
    /// When it was saved last.
    pub updated_at: DateTime<Utc>,
    /// The follow-up that it corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Uuid>,
    /// Why it corrects it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// An earlier state of a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescueVersion {
    /// Its number.
    pub number: u32,
    /// When it was the newest for the last time.
    pub saved_at: DateTime<Utc>,
    /// What was typed.
    pub typed: Values,
    /// Its files.
    pub files: Vec<RescueAttached>,
}

/// A file as a draft names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescueAttached {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Document type.
    pub document_type: String,
    /// Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A file with the piece that holds its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescueFile {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Kind.
    pub media_type: MediaType,
    /// Name it had.
    pub name: String,
    /// Name of its piece.
    pub piece: Uuid,
}

/// Name of the file among those that were written of a rescue which gives the drafts back: a list of [`RescuedDraft`].
pub const DRAFTS: &str = "borradores.json";

/// A draft on its way back to its author, beside its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescuedDraft {
    /// Identifier it had: it is given back once.
    pub id: Uuid,
    /// Folio of its project.
    pub project: String,
    /// Process.
    pub ocid: String,
    /// The form it was begun with.
    pub form: Form,
    /// What was typed, letter for letter.
    pub typed: Values,
    /// Its files, by their name in the folder.
    pub files: Vec<RescuedFile>,
    /// The follow-up that it corrects: only the equipment that captured that one can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Uuid>,
}

/// A file of a draft on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescuedFile {
    /// Its name in the folder.
    pub file: String,
    /// As the draft names it.
    #[serde(flatten)]
    pub attached: RescueAttached,
}

/// That a rescue file was opened: state of a record of [`crate::wire::RESCUES`], named by the SHA-256 of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescueOpened {
    /// The device it is of.
    pub device_id: Uuid,
    /// Clock of the device when it was sealed.
    pub made_at: DateTime<Utc>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// Operations in it.
    pub operations: u32,
    /// How many of them are recorded, by it or by another way.
    pub recorded: u32,
    /// Files that the endpoint has, of those that they name.
    pub files: u32,
    /// Drafts, and follow-ups that were not taken, that were written to be captured again.
    pub drafts: u32,
}

/// Name of the piece of a file: the same each time, so that a piece is made once; and secret, because the hash of a
/// photograph would tell who holds another copy of it that it is here.
pub fn piece_name(key: &SigningKey, recipient: &PublicKey, sha256: &str) -> Uuid {
    let hash = Sha256::new()
        .chain_update(b"avance-abierto rescue piece 1")
        .chain_update(key.to_bytes())
        .chain_update(recipient.as_bytes())
        .chain_update(sha256.as_bytes())
        .finalize();
    let mut name = [0u8; 16];
    name.copy_from_slice(&hash[..16]);
    uuid::Builder::from_bytes(name).into_uuid()
}

/// Puts sealed files into a rescue file.
pub struct Packer<W: Write> {
    out: W,
    hasher: Sha256,
}

impl<W: Write> Packer<W> {
    /// Begins one.
    ///
    /// # Errors
    /// What it is written to.
    pub fn begin(out: W) -> io::Result<Packer<W>> {
        let mut packer = Packer { out, hasher: Sha256::new() };
        packer.put(MAGIC)?;
        Ok(packer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)
    }

    /// Adds a sealed file of a length.
    ///
    /// # Errors
    /// What it is read from, also when it gives fewer bytes; what it is written to.
    pub fn add(&mut self, name: Uuid, size: u64, from: impl Read) -> io::Result<()> {
        self.put(name.as_bytes())?;
        self.put(&size.to_be_bytes())?;
        let mut from = from.take(size);
        let (mut piece, mut done) = (vec![0u8; 64 * 1024], 0);
        loop {
            match from.read(&mut piece)? {
                0 => break,
                read => {
                    self.put(&piece[..read])?;
                    done += read as u64;
                }
            }
        }
        if done < size { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Ends it.
    ///
    /// # Errors
    /// What it is written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.put(&[0u8; 24])?;
        let hash = self.hasher.finalize_reset();
        self.out.write_all(&hash)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A sealed file inside a rescue file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name; zeros for the text.
    pub name: Uuid,
    /// Where it begins.
    pub start: u64,
    /// How many bytes it has.
    pub size: u64,
}

/// What is in a rescue file, once it is known to be whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// SHA-256 of everything before the hash at its end, hexadecimal: names the file.
    pub sha256: String,
    /// The text.
    pub text: Part,
    /// The pieces.
    pub pieces: Vec<Part>,
}

impl Packed {
    /// Reads a rescue file from its beginning to its end.
    ///
    /// # Errors
    /// It is not one, it is not whole, or the disk.
    pub fn read(file: &mut (impl Read + Seek)) -> Result<Packed, SealError> {
        let size = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        let mut magic = [0u8; 8];
        let begins = file.read_exact(&mut magic).is_ok();
        if !begins || magic != *MAGIC {
            return Err(SealError::NotOne);
        }
        let before = size.checked_sub(HASH as u64).filter(|before| *before >= 8).ok_or(SealError::Broken)?;
        let mut hasher = Sha256::new();
        hasher.update(magic);
        let mut left = before - 8;
        let mut piece = vec![0u8; 64 * 1024];
        while left > 0 {
            let some = left.min(piece.len() as u64) as usize;
            file.read_exact(&mut piece[..some])?;
            hasher.update(&piece[..some]);
            left -= some as u64;
        }
        let mut found = [0u8; HASH];
        file.read_exact(&mut found)?;
        let hash = hasher.finalize();
        if hash[..] != found[..] {
            return Err(SealError::Broken);
        }
        let mut parts = Packed::walk(file, before)?.into_iter();
        let text = parts.next().filter(|part| part.name.is_nil()).ok_or(SealError::Broken)?;
        Ok(Packed { sha256: hex::encode(&hash[..]), text, pieces: parts.collect() })
    }

    fn walk(file: &mut (impl Read + Seek), before: u64) -> Result<Vec<Part>, SealError> {
        let (mut parts, mut at) = (Vec::new(), 8);
        loop {
            file.seek(SeekFrom::Start(at))?;
            let (mut name, mut size) = ([0u8; 16], [0u8; 8]);
            file.read_exact(&mut name).map_err(|_| SealError::Broken)?;
            file.read_exact(&mut size).map_err(|_| SealError::Broken)?;
            let part = Part { name: Uuid::from_bytes(name), start: at + 24, size: u64::from_be_bytes(size) };
            if part.size == 0 {
                let is_end = part.start == before && part.name.is_nil();
                return if is_end { Ok(parts) } else { Err(SealError::Broken) };
            }
            at = part.start.checked_add(part.size).filter(|end| *end < before).ok_or(SealError::Broken)?;
            parts.push(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn packed(parts: &[(Uuid, &[u8])]) -> Vec<u8> {
        let mut packer = Packer::begin(Vec::new()).unwrap();
        parts.iter().for_each(|(name, bytes)| packer.add(*name, bytes.len() as u64, *bytes).unwrap());
        packer.finish().unwrap()
    }

    #[test]
    fn what_was_packed_is_found_again_and_a_cut_or_changed_file_is_told() {
        let piece = Uuid::from_u128(7);
        let whole = packed(&[(Uuid::nil(), b"texto"), (piece, &[9; 70_000])]);
        let read = Packed::read(&mut Cursor::new(&whole)).unwrap();
        assert_eq!((read.text.start, read.text.size), (32, 5));
        let [found] = read.pieces.as_slice() else { panic!("{read:?}") };
        assert_eq!((found.name, found.size), (piece, 70_000));
        assert_eq!(whole[found.start as usize..][..70_000], [9; 70_000]);
        for length in [0, 7] {
            let read = Packed::read(&mut Cursor::new(&whole[..length]));
            assert!(matches!(read, Err(SealError::NotOne)), "{length}: {read:?}");
        }
        for length in (8..whole.len()).step_by(977).chain([8, 31, 39, 40, whole.len() - 1]) {
            let read = Packed::read(&mut Cursor::new(&whole[..length]));
            assert!(matches!(read, Err(SealError::Broken)), "{length}: {read:?}");
        }
        for place in [9, 31, 33, 60, 30_000, whole.len() - 40, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert!(matches!(Packed::read(&mut Cursor::new(&changed)), Err(SealError::Broken)), "{place}");
        }
        // Whole, and not begun with the text, or with nothing in it.
        for parts in [&[(piece, &b"x"[..])][..], &[]] {
            assert!(matches!(Packed::read(&mut Cursor::new(packed(parts))), Err(SealError::Broken)));
        }
        let short = Packer::begin(Vec::new()).unwrap().add(piece, 5, &b"abc"[..]);
        assert_eq!(short.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn the_name_of_a_piece_is_the_same_each_time_and_of_one_device_and_one_endpoint() {
        let key = |n: u8| SigningKey::from_bytes(&[n; 32]);
        let endpoint = |n: u8| PublicKey::from(&crate::seal::opening_key(&key(n)));
        let name = piece_name(&key(1), &endpoint(2), "ab");
        assert_eq!(name, piece_name(&key(1), &endpoint(2), "ab"));
        for other in [
            piece_name(&key(3), &endpoint(2), "ab"),
            piece_name(&key(1), &endpoint(3), "ab"),
            piece_name(&key(1), &endpoint(2), "ac"),
        ] {
            assert_ne!(name, other);
        }
    }
}
