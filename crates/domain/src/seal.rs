//! Sealed files: only one key opens them, and they say who made them.
//!
//! ```text
//! magic 8 · kind 1 · name of the recipient's key 8 · ephemeral key 32      the head
//! pieces of 64 KiB, each with its tag; the last one says that it is        XChaCha20-Poly1305, STREAM
//! device 16 · signature 64 · check 8                                       the foot
//! ```
//! The key is HKDF-SHA256 of an X25519 exchange between a key made for this one file and the recipient's, bound to the
//! head. A file that was cut, joined or changed does not open. The foot signs the hash of everything before it, so the
//! recipient knows whose file it is before taking a byte of it, and whoever carries it does not need a key. The check is for
//! damage alone: with it whoever carries a file that a stick spoiled is told so where they are.
//!
//! Pieces, because a file holds hundreds of photographs and must not stand in memory. Not `age`: its files say nothing of
//! who made them, and the primitives are the ones that the stores use already.

use std::io::{self, Read, Write};

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::stream::{DecryptorBE32, EncryptorBE32};
use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::receipt::{ReceiptError, sign, verify};

const MAGIC: &[u8; 8] = b"AVANCE1\n";
const NAME: usize = 8;
/// Bytes before the first piece.
pub const HEAD: usize = 8 + 1 + NAME + 32;
/// Bytes after the last.
pub const FOOT: usize = 16 + 64 + CHECK;
const CHECK: usize = 8;
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;

/// What a sealed file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From a device, for the endpoint.
    Relay,
    /// From the endpoint, for a device.
    Reply,
    /// From a device, for the endpoint: what would be lost with a forgotten passphrase.
    Rescue,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Kind::Relay => b'R',
            Kind::Reply => b'A',
            Kind::Rescue => b'S',
        }
    }
}

/// Why a sealed file does not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It is not one, or not of the kind that was expected.
    #[error("not a file of this kind")]
    NotOne,
    /// It was sealed for another key.
    #[error("sealed for another key")]
    OtherKey,
    /// It is not whole, or was changed.
    #[error("cut or changed")]
    Broken,
    /// The disk.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// The key that opens what is sealed for whoever holds a signing key: derived from it, so that there is one secret to
/// keep and one to put into a backup.
pub fn opening_key(signing: &SigningKey) -> StaticSecret {
    let mut seed = Zeroizing::new([0u8; 32]);
    let secret = Zeroizing::new(signing.to_bytes());
    expand(&*secret, b"", &[b"avance-abierto sealing key 1"], &mut *seed);
    StaticSecret::from(*seed)
}

/// The public half of [`opening_key`], hexadecimal.
pub fn sealing_key(signing: &SigningKey) -> String {
    hex::encode(PublicKey::from(&opening_key(signing)).as_bytes())
}

/// Reads a key to seal for from hexadecimal.
///
/// # Errors
/// It is not one.
pub fn read_sealing_key(text: &str) -> Result<PublicKey, ReceiptError> {
    let mut bytes = [0u8; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| ReceiptError::Hex("sealing key"))?;
    Ok(PublicKey::from(bytes))
}

/// Short name of a key to seal for, hexadecimal: tells whose a file is without opening it.
pub fn key_name(key: &PublicKey) -> String {
    hex::encode(name_of(key))
}

fn name_of(key: &PublicKey) -> [u8; NAME] {
    let mut name = [0u8; NAME];
    name.copy_from_slice(&Sha256::digest(key.as_bytes())[..NAME]);
    name
}

fn expand(secret: &[u8], salt: &[u8], info: &[&[u8]], into: &mut [u8]) {
    let derived = Hkdf::<Sha256>::new(Some(salt), secret).expand_multi_info(info, into);
    debug_assert!(derived.is_ok(), "HKDF gives up to 8160 bytes");
}

/// Key and nonce of one file. A shared secret that the other side alone decided is refused.
fn secrets(own: &StaticSecret, other: &PublicKey, head: &[u8]) -> Option<Zeroizing<[u8; 51]>> {
    let shared = own.diffie_hellman(other);
    let mut made = Zeroizing::new([0u8; 51]);
    expand(shared.as_bytes(), b"avance-abierto seal 1", &[head], &mut *made);
    shared.was_contributory().then_some(made)
}

fn split(made: &[u8; 51]) -> (Zeroizing<[u8; 32]>, [u8; 19]) {
    let (mut key, mut nonce) = (Zeroizing::new([0u8; 32]), [0u8; 19]);
    key.copy_from_slice(&made[..32]);
    nonce.copy_from_slice(&made[32..]);
    (key, nonce)
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, SealError::Broken)
}

/// The bytes that the foot signs: purpose, device, hash and length.
fn signed(kind: Kind, device: Uuid, sha256: &str, size: u64) -> Vec<u8> {
    let purpose = match kind {
        Kind::Relay => "relay",
        Kind::Reply => "reply",
        Kind::Rescue => "rescue",
    };
    format!("avance-abierto {purpose} {device} {sha256} {size}").into_bytes()
}

/// Of everything before it, foot included.
fn check_of(sha256: &[u8], device: Uuid, signature: &[u8]) -> [u8; CHECK] {
    let whole = Sha256::new().chain_update(sha256).chain_update(device.as_bytes()).chain_update(signature);
    let mut check = [0u8; CHECK];
    check.copy_from_slice(&whole.finalize()[..CHECK]);
    check
}

/// Writes a sealed file, piece by piece.
pub struct Sealer<W: Write> {
    out: W,
    kind: Kind,
    hasher: Sha256,
    size: u64,
    cipher: EncryptorBE32<XChaCha20Poly1305>,
    plain: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    /// Begins one for the holder of a key.
    ///
    /// # Errors
    /// The disk; no source of randomness; a key that is not one.
    pub fn begin(out: W, kind: Kind, recipient: &PublicKey) -> io::Result<Sealer<W>> {
        let mut seed = Zeroizing::new([0u8; 32]);
        crate::random::fill(&mut *seed).map_err(|error| io::Error::other(error.to_string()))?;
        let ephemeral = StaticSecret::from(*seed);
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        head.push(kind.byte());
        head.extend_from_slice(&name_of(recipient));
        head.extend_from_slice(PublicKey::from(&ephemeral).as_bytes());
        let (key, nonce) = split(&*secrets(&ephemeral, recipient, &head).ok_or_else(broken)?);
        let mut sealer = Sealer {
            out,
            kind,
            hasher: Sha256::new(),
            size: 0,
            cipher: EncryptorBE32::new((&*key).into(), (&nonce).into()),
            plain: Zeroizing::new(Vec::with_capacity(PIECE)),
        };
        sealer.put(&head)?;
        Ok(sealer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Writes the last piece and the foot. Gives what it was written to and what an offer of it says.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(mut self, device: Uuid, key: &SigningKey) -> io::Result<(W, Foot)> {
        // `encrypt_last` takes the cipher; another takes its place, which nothing uses.
        let idle = EncryptorBE32::new((&[0u8; 32]).into(), (&[0u8; 19]).into());
        let cipher = std::mem::replace(&mut self.cipher, idle);
        let last = cipher.encrypt_last(self.plain.as_slice()).map_err(|_| broken())?;
        self.put(&last)?;
        let hash = self.hasher.finalize_reset();
        let sha256 = hex::encode(hash.as_slice());
        let signature = sign(&signed(self.kind, device, &sha256, self.size), key);
        let bytes = hex::decode(&signature).map_err(|_| broken())?;
        self.out.write_all(device.as_bytes())?;
        self.out.write_all(&bytes)?;
        self.out.write_all(&check_of(&hash, device, &bytes))?;
        self.out.flush()?;
        Ok((self.out, Foot { kind: self.kind, device, sha256, size: self.size, signature }))
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.plain.len() == PIECE {
            // Only when more comes: the last piece is another kind of piece.
            let sealed = self.cipher.encrypt_next(self.plain.as_slice()).map_err(|_| broken())?;
            self.put(&sealed)?;
            self.plain.clear();
        }
        let taken = bytes.len().min(PIECE - self.plain.len());
        self.plain.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the foot of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foot {
    /// What the file is.
    pub kind: Kind,
    /// The device that made it, or whom it answers.
    pub device: Uuid,
    /// SHA-256 of everything before the foot, hexadecimal.
    pub sha256: String,
    /// How many bytes those are.
    pub size: u64,
    /// Ed25519 signature, hexadecimal.
    pub signature: String,
}

impl Foot {
    /// Reads a whole file once, for its hash. `size` is that of the file, foot included.
    ///
    /// # Errors
    /// It is not one, it is not whole, or the disk.
    pub fn read(mut file: impl Read, kind: Kind, size: u64) -> Result<Foot, SealError> {
        let before = size
            .checked_sub(FOOT as u64)
            .filter(|before| *before >= (HEAD + TAG) as u64)
            .ok_or(SealError::NotOne)?;
        let mut head = [0u8; HEAD];
        file.read_exact(&mut head)?;
        Head::read(&head, kind)?;
        let mut hasher = Sha256::new();
        hasher.update(head);
        let mut rest = (&mut file).take(before - HEAD as u64);
        let mut piece = vec![0u8; PIECE];
        loop {
            match rest.read(&mut piece)? {
                0 => break,
                read => hasher.update(&piece[..read]),
            }
        }
        let mut foot = [0u8; FOOT];
        file.read_exact(&mut foot).map_err(|_| SealError::Broken)?;
        let mut device = [0u8; 16];
        device.copy_from_slice(&foot[..16]);
        let (device, signature) = (Uuid::from_bytes(device), &foot[16..FOOT - CHECK]);
        let hash = hasher.finalize();
        if foot[FOOT - CHECK..] != check_of(&hash, device, signature) {
            return Err(SealError::Broken);
        }
        let (sha256, signature) = (hex::encode(hash.as_slice()), hex::encode(signature));
        Ok(Foot { kind, device, sha256, size: before, signature })
    }

    /// Whether the holder of a key made the file.
    ///
    /// # Errors
    /// No.
    pub fn verify(&self, public_key_hex: &str) -> Result<(), ReceiptError> {
        verify(&signed(self.kind, self.device, &self.sha256, self.size), &self.signature, public_key_hex)
    }
}

/// What the head of a file says to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Short name of the key that opens it, hexadecimal.
    pub sealed_for: String,
}

impl Head {
    /// Reads it.
    ///
    /// # Errors
    /// It is not a file of this kind.
    pub fn read(head: &[u8; HEAD], kind: Kind) -> Result<Head, SealError> {
        if head[..8] != *MAGIC || head[8] != kind.byte() {
            return Err(SealError::NotOne);
        }
        Ok(Head { sealed_for: hex::encode(&head[9..9 + NAME]) })
    }
}

/// Reads what is inside, piece by piece. What it gives was verified; that it is whole is only known at its end.
pub struct Opener<R: Read> {
    from: R,
    /// Bytes of pieces that are still to come.
    left: u64,
    cipher: Option<DecryptorBE32<XChaCha20Poly1305>>,
    plain: Zeroizing<Vec<u8>>,
    at: usize,
}

impl<R: Read> Opener<R> {
    /// Opens one with the recipient's key. `size` is that of everything before the foot.
    ///
    /// # Errors
    /// It is of another kind or for another key, or the disk.
    pub fn begin(mut from: R, kind: Kind, size: u64, key: &StaticSecret) -> Result<Opener<R>, SealError> {
        let left =
            size.checked_sub(HEAD as u64).filter(|left| *left >= TAG as u64).ok_or(SealError::NotOne)?;
        let mut head = [0u8; HEAD];
        from.read_exact(&mut head)?;
        if Head::read(&head, kind)?.sealed_for != key_name(&PublicKey::from(key)) {
            return Err(SealError::OtherKey);
        }
        let mut ephemeral = [0u8; 32];
        ephemeral.copy_from_slice(&head[9 + NAME..]);
        let made = secrets(key, &PublicKey::from(ephemeral), &head).ok_or(SealError::Broken)?;
        let (key, nonce) = split(&made);
        let cipher = Some(DecryptorBE32::new((&*key).into(), (&nonce).into()));
        Ok(Opener { from, left, cipher, plain: Zeroizing::new(Vec::new()), at: 0 })
    }

    fn next_piece(&mut self) -> io::Result<()> {
        let length = self.left.min((PIECE + TAG) as u64);
        let mut sealed = vec![0u8; length as usize];
        self.from.read_exact(&mut sealed)?;
        self.left -= length;
        let opened = if self.left == 0 {
            self.cipher.take().ok_or_else(broken)?.decrypt_last(sealed.as_slice())
        } else {
            self.cipher.as_mut().ok_or_else(broken)?.decrypt_next(sealed.as_slice())
        };
        self.plain = Zeroizing::new(opened.map_err(|_| broken())?);
        self.at = 0;
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            if self.left == 0 {
                return Ok(0);
            }
            self.next_piece()?;
        }
        let rest = &self.plain[self.at..];
        let given = rest.len().min(into.len());
        into[..given].copy_from_slice(&rest[..given]);
        self.at += given;
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> SigningKey {
        SigningKey::from_bytes(&[n; 32])
    }

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let recipient = read_sealing_key(&sealing_key(&key(1))).unwrap();
        let mut sealer = Sealer::begin(Vec::new(), Kind::Relay, &recipient).unwrap();
        sealer.write_all(plain).unwrap();
        let (bytes, foot) = sealer.finish(Uuid::from_u128(7), &key(2)).unwrap();
        assert_eq!(Foot::read(bytes.as_slice(), Kind::Relay, bytes.len() as u64).unwrap(), foot);
        bytes
    }

    fn opened(bytes: &[u8], with: &SigningKey) -> Result<Vec<u8>, SealError> {
        let foot = Foot::read(bytes, Kind::Relay, bytes.len() as u64)?;
        let signer = hex::encode(key(2).verifying_key().as_bytes());
        foot.verify(&signer).map_err(|_| SealError::Broken)?;
        pieces(&bytes[..bytes.len() - FOOT], with)
    }

    /// Without the foot's help: the pieces alone must notice too.
    fn pieces(before: &[u8], with: &SigningKey) -> Result<Vec<u8>, SealError> {
        let mut plain = Vec::new();
        Opener::begin(before, Kind::Relay, before.len() as u64, &opening_key(with))?
            .read_to_end(&mut plain)?;
        Ok(plain)
    }

    #[test]
    fn what_was_sealed_opens_with_its_key_alone_whatever_its_length() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 17] {
            let plain: Vec<u8> = (0..length).map(|n| (n % 253) as u8).collect();
            let bytes = sealed(&plain);
            assert_eq!(opened(&bytes, &key(1)).unwrap(), plain, "{length}");
            assert!(matches!(opened(&bytes, &key(3)), Err(SealError::OtherKey)));
        }
        assert_ne!(sealed(b"same"), sealed(b"same"));
    }

    #[test]
    fn cut_or_changed_anywhere_it_does_not_open() {
        let bytes = sealed(&vec![5; 2 * PIECE + 100]);
        for length in (0..bytes.len()).step_by(1_021).chain([bytes.len() - 1]) {
            assert!(opened(&bytes[..length], &key(1)).is_err(), "cut at {length}");
            assert!(pieces(&bytes[..length], &key(1)).is_err(), "pieces cut at {length}");
        }
        for place in (0..bytes.len()).step_by(509).chain([8, 9, 20, HEAD - 1, HEAD, bytes.len() - 1]) {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert!(opened(&changed, &key(1)).is_err(), "changed at {place}");
            if place < bytes.len() - FOOT {
                assert!(pieces(&changed[..bytes.len() - FOOT], &key(1)).is_err(), "piece changed at {place}");
            }
        }
        // Whole pieces left out or in another order, which no tag of a single piece would notice.
        let piece = PIECE + TAG;
        let (head, rest) = bytes[..bytes.len() - FOOT].split_at(HEAD);
        let swapped = [head, &rest[piece..2 * piece], &rest[..piece], &rest[2 * piece..]].concat();
        assert!(pieces(&swapped, &key(1)).is_err());
        assert!(pieces(&[head, &rest[piece..]].concat(), &key(1)).is_err());
        assert!(pieces(&[head, &rest[..2 * piece]].concat(), &key(1)).is_err());
    }

    #[test]
    fn whoever_repairs_the_check_still_has_no_signature() {
        let bytes = sealed(b"work");
        let mut foot = Foot::read(bytes.as_slice(), Kind::Relay, bytes.len() as u64).unwrap();
        let signer = hex::encode(key(2).verifying_key().as_bytes());
        assert_eq!(foot.verify(&signer), Ok(()));
        foot.device = Uuid::from_u128(8);
        let signature = hex::decode(&foot.signature).unwrap();
        let hash = hex::decode(&foot.sha256).unwrap();
        let mut other = bytes.clone();
        let at = bytes.len() - FOOT;
        other[at..at + 16].copy_from_slice(foot.device.as_bytes());
        other[bytes.len() - CHECK..].copy_from_slice(&check_of(&hash, foot.device, &signature));
        let read = Foot::read(other.as_slice(), Kind::Relay, other.len() as u64).unwrap();
        assert_eq!(read, foot);
        assert!(read.verify(&signer).is_err());
    }

    #[test]
    fn a_key_that_decides_the_secret_alone_is_refused() {
        assert!(Sealer::begin(Vec::new(), Kind::Relay, &PublicKey::from([0u8; 32])).is_err());
    }
}
