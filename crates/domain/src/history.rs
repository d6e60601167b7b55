//! The hash chain of a stream: h_n = SHA256(h_{n-1} ‖ SHA256(salt_n ‖ entry_n)).
//!
//! The inner hash is kept apart so that an entry can lawfully be erased: its commitment stays and the chain still holds.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use ts_rs::TS;

use crate::receipt::{ReceiptError, canonical};

/// Head of an empty stream: 32 zero bytes, hexadecimal.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// State of a project ([`crate::project::ProjectState`]).
    Project,
    /// State of a follow-up ([`crate::follow_up::FollowUpState`]).
    FollowUp,
    /// Data of the municipality ([`crate::wire::MunicipalityCard`]).
    Municipality,
    /// A capture form ([`crate::wire::FormState`]), in the stream of the forms only.
    Form,
    /// What became of an opinion ([`crate::opinion::OpinionState`]), in the stream of its author only.
    Opinion,
    /// A rescue file that was opened ([`crate::rescue::RescueOpened`]), in a stream that no device reads.
    Rescue,
    /// A record left this stream; `state` is null.
    Tombstone,
}

/// One entry of a stream: the full authoritative state of one record after a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Stream.
    pub stream: String,
    /// Number in the stream, from 1, without gaps.
    pub seq: u64,
    /// What the record is.
    pub kind: ChangeKind,
    /// Which record.
    pub record_id: String,
    /// When the central endpoint recorded it.
    pub recorded_at: DateTime<Utc>,
    /// Sixteen random bytes, hexadecimal.
    pub salt: String,
    /// Full state of the record.
    #[ts(type = "any")]
    pub state: Value,
}

impl Change {
    /// Inner commitment: SHA256(salt ‖ canonical entry), hexadecimal. The salt itself is not part of the entry.
    pub fn commitment(&self) -> Result<String, ReceiptError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Entry<'a> {
            stream: &'a str,
            seq: u64,
            kind: ChangeKind,
            record_id: &'a str,
            recorded_at: DateTime<Utc>,
            state: &'a Value,
        }
        let entry = Entry {
            stream: &self.stream,
            seq: self.seq,
            kind: self.kind,
            record_id: &self.record_id,
            recorded_at: self.recorded_at,
            state: &self.state,
        };
        crate::receipt::body_hash(&self.salt, &entry)
    }
}

/// The next head of a chain.
pub fn extend(head_hex: &str, commitment_hex: &str) -> Result<String, ReceiptError> {
    let head = hex::decode(head_hex).map_err(|_| ReceiptError::Hex("chain head"))?;
    let commitment = hex::decode(commitment_hex).map_err(|_| ReceiptError::Hex("commitment"))?;
    let mut hasher = Sha256::new();
    hasher.update(head);
    hasher.update(commitment);
    Ok(hex::encode(hasher.finalize()))
}

/// What is wrong with a chain.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChainError {
    /// A number is missing or came out of order.
    #[error("stream {stream}: expected number {expected}, found {found}")]
    Sequence {
        /// Stream.
        stream: String,
        /// The number that should follow.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An entry was altered, or entries were exchanged.
    #[error("stream {stream}: the chain breaks at number {seq}")]
    Broken {
        /// Stream.
        stream: String,
        /// Where.
        seq: u64,
    },
    /// An entry has no canonical bytes.
    #[error(transparent)]
    Bytes(#[from] ReceiptError),
}

/// Position of a reader in a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Number of the last entry; 0 before the first.
    pub seq: u64,
    /// Head of the chain after it, hexadecimal.
    pub chain: String,
}

impl Default for Head {
    fn default() -> Head {
        Head { seq: 0, chain: GENESIS.to_owned() }
    }
}

impl Head {
    /// Takes the next entry: its number must follow and its commitment extends the chain.
    pub fn take(&mut self, change: &Change) -> Result<(), ChainError> {
        if change.seq != self.seq + 1 {
            return Err(ChainError::Sequence {
                stream: change.stream.clone(),
                expected: self.seq + 1,
                found: change.seq,
            });
        }
        self.chain = extend(&self.chain, &change.commitment()?)?;
        self.seq = change.seq;
        Ok(())
    }
}

/// Root over the heads of every stream on a day: SHA-256 of the canonical object `{stream: {seq, chain}}`.
pub fn daily_root(heads: &BTreeMap<String, Head>) -> Result<String, ReceiptError> {
    Ok(crate::receipt::sha256_hex(&canonical(heads)?))
}

/// What a daily root says: where every stream ended when it was written. Whoever kept one can tell later whether the
/// history up to there is still the same; it says nothing of what the history contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RootBody {
    /// Day, UTC.
    pub date: NaiveDate,
    /// When it was taken.
    pub recorded_at: DateTime<Utc>,
    /// Head of each stream then.
    pub streams: BTreeMap<String, Head>,
    /// [`daily_root`] of them.
    pub root: String,
    /// Public key of the endpoint that signed, hexadecimal.
    pub public_key: String,
}

/// A daily root with the endpoint's signature over its canonical bytes. Verifiable without a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DailyRoot {
    /// What is signed.
    #[serde(flatten)]
    pub body: RootBody,
    /// Ed25519 signature, hexadecimal.
    pub signature: String,
}

impl DailyRoot {
    /// The root of a day, signed.
    pub fn sign(
        date: NaiveDate,
        recorded_at: DateTime<Utc>,
        streams: BTreeMap<String, Head>,
        key: &SigningKey,
    ) -> Result<DailyRoot, ReceiptError> {
        let root = daily_root(&streams)?;
        let public_key = hex::encode(key.verifying_key().as_bytes());
        let body = RootBody { date, recorded_at, streams, root, public_key };
        let signature = crate::receipt::sign(&canonical(&body)?, key);
        Ok(DailyRoot { body, signature })
    }

    /// Checks that the root is that of its heads and that the endpoint with this key signed it.
    pub fn verify(&self, public_key_hex: &str) -> Result<(), ReceiptError> {
        if daily_root(&self.body.streams)? != self.body.root {
            return Err(ReceiptError::Signature);
        }
        crate::receipt::verify(&canonical(&self.body)?, &self.signature, public_key_hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(seq: u64, state: Value) -> Change {
        Change {
            stream: "common".into(),
            seq,
            kind: ChangeKind::Project,
            record_id: "p1".into(),
            recorded_at: DateTime::UNIX_EPOCH,
            salt: "0a".repeat(16),
            state,
        }
    }

    #[test]
    fn the_chain_detects_change_deletion_and_reordering() {
        let entries = [change(1, json!({"a": 1})), change(2, json!({"a": 2})), change(3, json!({"a": 3}))];
        let fold = |changes: &[&Change]| -> Result<Head, ChainError> {
            let mut head = Head::default();
            for change in changes {
                head.take(change)?;
            }
            Ok(head)
        };
        let whole = fold(&[&entries[0], &entries[1], &entries[2]]).unwrap();
        assert_eq!(whole.seq, 3);
        let altered = change(2, json!({"a": 9}));
        assert_ne!(fold(&[&entries[0], &altered, &entries[2]]).unwrap().chain, whole.chain);
        assert!(matches!(
            fold(&[&entries[0], &entries[2]]),
            Err(ChainError::Sequence { expected: 2, found: 3, .. })
        ));
        assert!(fold(&[&entries[1], &entries[0], &entries[2]]).is_err());
    }

    #[test]
    fn a_daily_root_is_believed_only_as_it_was_signed() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = hex::encode(key.verifying_key().as_bytes());
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let heads = BTreeMap::from([("common".to_owned(), Head { seq: 3, chain: "ab".repeat(32) })]);
        let good = DailyRoot::sign(day, DateTime::UNIX_EPOCH, heads, &key).unwrap();
        assert_eq!(good.verify(&public), Ok(()));
        let text = serde_json::to_string(&good).unwrap();
        assert_eq!(serde_json::from_str::<DailyRoot>(&text).unwrap(), good);
        for (from, to) in
            [("\"seq\":3", "\"seq\":2"), ("2026-11-22", "2026-11-21"), (&good.body.root[..8], "00000000")]
        {
            let altered: DailyRoot = serde_json::from_str(&text.replacen(from, to, 1)).unwrap();
            assert_eq!(altered.verify(&public), Err(ReceiptError::Signature), "{from}");
        }
        let other = SigningKey::from_bytes(&[8; 32]);
        assert!(good.verify(&hex::encode(other.verifying_key().as_bytes())).is_err());
    }
}
