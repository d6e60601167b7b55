//! Canonical bytes, hashes and the signed receipt.

use chrono::{DateTime, Utc};
use ed25519_dalek::{Signer, SigningKey, Verifier, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ts_rs::TS;
use uuid::Uuid;

/// Why bytes could not be made or trusted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReceiptError {
    /// The value has no canonical form (a number that is not finite).
    #[error("no canonical form: {0}")]
    Canonical(String),
    /// A key, a hash or a signature is not hexadecimal of the right length.
    #[error("{0} is not valid hexadecimal")]
    Hex(&'static str),
    /// The signature was not made by this key over these bytes.
    #[error("the signature does not verify")]
    Signature,
}

/// Canonical JSON (RFC 8785): the only bytes that are ever hashed or signed.
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, ReceiptError> {
    serde_json_canonicalizer::to_vec(value).map_err(|error| ReceiptError::Canonical(error.to_string()))
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Hash of a body: SHA-256(salt ‖ canonical body). The salt keeps a guessable body from being confirmed by its hash.
pub fn body_hash<T: Serialize>(salt_hex: &str, body: &T) -> Result<String, ReceiptError> {
    let salt = hex::decode(salt_hex).map_err(|_| ReceiptError::Hex("salt"))?;
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(canonical(body)?);
    Ok(hex::encode(hasher.finalize()))
}

/// Sixteen random bytes, hexadecimal.
///
/// # Panics
/// If the operating system has no source of randomness, where nothing safe can be done.
pub fn new_salt() -> String {
    let mut salt = [0u8; 16];
    crate::random::fill(&mut salt).expect("the operating system gives random bytes");
    hex::encode(salt)
}

/// What the central endpoint decided when it recorded an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is in the history; acceptance follows.
    Received,
    /// It is in the history as refused, with the findings beside it.
    Rejected,
}

/// What is signed (`sync.md`, Receipts). The signature is over the canonical bytes of exactly this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptBody {
    /// The operation.
    pub op_id: Uuid,
    /// Folio of the follow-up, as people speak it.
    pub folio: String,
    /// SHA-256(salt ‖ canonical body), hexadecimal.
    pub body_hash: String,
    /// SHA-256 of every file, in the order of the follow-up.
    pub evidence: Vec<String>,
    /// Stream in which it was recorded.
    pub stream: String,
    /// Its number in that stream.
    pub seq: u64,
    /// Head of the chain after it, hexadecimal.
    pub chain: String,
    /// When the central endpoint recorded it.
    pub recorded_at: DateTime<Utc>,
    /// Which key signed.
    pub key_id: String,
    /// Received or rejected.
    pub verdict: Verdict,
}

/// A receipt: what was recorded, and the central endpoint's signature over it. Verifiable without a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// What is signed.
    #[serde(flatten)]
    pub body: ReceiptBody,
    /// Ed25519 signature, hexadecimal.
    pub signature: String,
}

impl Receipt {
    /// Signs a receipt.
    pub fn sign(body: ReceiptBody, key: &SigningKey) -> Result<Receipt, ReceiptError> {
        let signature = sign(&canonical(&body)?, key);
        Ok(Receipt { body, signature })
    }

    /// Checks the signature with the endpoint's public key (hexadecimal).
    pub fn verify(&self, public_key_hex: &str) -> Result<(), ReceiptError> {
        verify(&canonical(&self.body)?, &self.signature, public_key_hex)
    }
}

/// Short name of a public key: the first 16 hexadecimal digits of its hash.
pub fn key_id(key: &VerifyingKey) -> String {
    sha256_hex(key.as_bytes())[..16].to_owned()
}

/// Ed25519 signature, hexadecimal.
pub fn sign(bytes: &[u8], key: &SigningKey) -> String {
    hex::encode(key.sign(bytes).to_bytes())
}

/// Checks an Ed25519 signature; key and signature in hexadecimal.
pub fn verify(bytes: &[u8], signature_hex: &str, public_key_hex: &str) -> Result<(), ReceiptError> {
    let key = public_key(public_key_hex)?;
    let signature: [u8; 64] = hex::decode(signature_hex)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ReceiptError::Hex("signature"))?;
    key.verify(bytes, &ed25519_dalek::Signature::from_bytes(&signature)).map_err(|_| ReceiptError::Signature)
}

/// Reads a public key from hexadecimal.
pub fn public_key(public_key_hex: &str) -> Result<VerifyingKey, ReceiptError> {
    let bytes: [u8; 32] = hex::decode(public_key_hex)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ReceiptError::Hex("public key"))?;
    VerifyingKey::from_bytes(&bytes).map_err(|_| ReceiptError::Hex("public key"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn receipt(key: &SigningKey) -> Receipt {
        let body = ReceiptBody {
            op_id: Uuid::from_u128(7),
            folio: "S-00000-00007".into(),
            body_hash: body_hash(&"00".repeat(16), &json!({"b": 1, "a": 2})).unwrap(),
            evidence: vec![sha256_hex(b"photo")],
            stream: "common".into(),
            seq: 3,
            chain: "ab".repeat(32),
            recorded_at: DateTime::UNIX_EPOCH,
            key_id: key_id(&key.verifying_key()),
            verdict: Verdict::Received,
        };
        Receipt::sign(body, key).unwrap()
    }

    #[test]
    fn a_receipt_verifies_and_any_change_breaks_it() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = hex::encode(key.verifying_key().as_bytes());
        let good = receipt(&key);
        assert_eq!(good.verify(&public), Ok(()));

        let text = serde_json::to_value(&good).unwrap();
        for (field, value) in [
            ("seq", json!(4)),
            ("folio", json!("S-00000-00008")),
            ("evidence", json!([])),
            ("verdict", json!("rejected")),
            ("bodyHash", json!("00")),
        ] {
            let mut changed = text.clone();
            changed[field] = value;
            let changed: Receipt = serde_json::from_value(changed).unwrap();
            assert_eq!(changed.verify(&public), Err(ReceiptError::Signature), "{field}");
        }
        let other = SigningKey::from_bytes(&[8; 32]);
        assert!(good.verify(&hex::encode(other.verifying_key().as_bytes())).is_err());
    }

    #[test]
    fn canonical_bytes_ignore_key_order_and_salt_matters() {
        let a = json!({"b": [1, 2.50, "á"], "a": null});
        let b = json!({"a": null, "b": [1.0, 2.5, "á"]});
        assert_eq!(canonical(&a).unwrap(), canonical(&b).unwrap());
        assert_ne!(body_hash("00", &a).unwrap(), body_hash("01", &a).unwrap());
    }
}
