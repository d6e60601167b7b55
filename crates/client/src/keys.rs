//! The key of the database: random, never in a plain file. `keys.json` holds it wrapped by a passphrase (Argon2id and
//! XChaCha20-Poly1305), by a printed recovery code if one was made, and, where the administration asks for it, by a
//! secret kept in the system's keyring.

mod attempts;
pub(crate) mod recovery;

use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use chrono::{DateTime, Utc};
use domain::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::Error;

/// Shortest passphrase of a new store, characters.
pub(crate) const MIN_PASSPHRASE: usize = 8;
/// Service under which the keyring keeps our secret.
const SERVICE: &str = "avance-abierto";
const FILE: &str = "keys.json";

/// The raw key of the database. Wiped from memory when dropped.
pub(crate) struct DatabaseKey(Zeroizing<[u8; 32]>);

impl DatabaseKey {
    /// The statement that opens a database with this key.
    pub(crate) fn pragma(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(hex::encode(*self.0));
        Zeroizing::new(format!("PRAGMA key = \"x'{}'\";", *digits))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct KeyFile {
    version: u32,
    store: Uuid,
    wraps: Vec<Wrap>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Wrap {
    Passphrase { cost: Cost, salt: String, nonce: String, sealed: String },
    Keyring { nonce: String, sealed: String },
    Recovery { cost: Cost, salt: String, nonce: String, sealed: String },
}

/// Cost of Argon2id; kept beside the wrap, so that it can be raised without locking anybody out.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    /// 64 MiB and three passes: about 0.2 s on an office PC. Without optimisation the same takes many seconds, so
    /// debug builds use the lowest cost OWASP names; either build opens what the other made.
    pub(crate) const NEW: Cost = if cfg!(debug_assertions) {
        Cost { memory_kib: 19 * 1024, passes: 2 }
    } else {
        Cost { memory_kib: 64 * 1024, passes: 3 }
    };

    /// The least there is: for a simulation, which opens thousands of stores that hold nothing.
    #[cfg(debug_assertions)]
    pub const NONE: Cost = Cost { memory_kib: 8, passes: 1 };

    fn derive(self, passphrase: &str, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
        // The file is outside input: a cost that would eat the machine is refused.
        if self.memory_kib > 1024 * 1024 || self.passes > 16 {
            return Err(Error::Crypto("the cost in keys.json is out of range"));
        }
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32))
            .map_err(|_| Error::Crypto("the cost in keys.json is out of range"))?;
        let mut key = Zeroizing::new([0u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
            .map_err(|_| Error::Crypto("Argon2id"))?;
        Ok(key)
    }
}

/// Whether a store has a key already. A disk that does not answer is not a folder without one: a new key in its place
/// would make the database unreadable for ever.
pub(crate) fn exist(dir: &Path) -> Result<bool, Error> {
    let path = dir.join(FILE);
    path.try_exists().map_err(Error::io(path))
}

/// Makes the key of a new store. The caller has seen that there is neither a key nor a database here.
///
/// A passphrase is always asked: a store that only a keyring can open is lost with the keyring.
pub(crate) fn create(dir: &Path, passphrase: &str, cost: Cost) -> Result<DatabaseKey, Error> {
    long_enough(passphrase)?;
    let mut key = Zeroizing::new([0u8; 32]);
    random(&mut *key)?;
    let store = uuid::Builder::from_random_bytes(random_bytes()?).into_uuid();
    let mut file =
        KeyFile { version: 1, store, wraps: vec![with_passphrase(store, &key, passphrase, cost)?] };
    if keyring_wanted()
        && let Err(reason) = add_keyring(&mut file, &key)
    {
        // The passphrase still opens the store, so this is not a reason to stop.
        tracing::warn!(%reason, "the keyring could not keep the key");
    }
    write_atomically(&dir.join(FILE), &serde_json::to_vec_pretty(&file)?)?;
    Ok(DatabaseKey(key))
}

/// Whether a new passphrase may be one.
pub(crate) fn long_enough(passphrase: &str) -> Result<(), Error> {
    if passphrase.chars().count() < MIN_PASSPHRASE {
        return Err(Problem::new(Code::PassphraseTooShort).with("minimum", MIN_PASSPHRASE).into());
    }
    Ok(())
}

fn with_passphrase(store: Uuid, key: &[u8; 32], passphrase: &str, cost: Cost) -> Result<Wrap, Error> {
    let salt = random_bytes()?;
    let wrapping = cost.derive(passphrase, &salt)?;
    let (nonce, sealed) = seal(&wrapping, key, &label(store, "passphrase"))?;
    Ok(Wrap::Passphrase { cost, salt: hex::encode(salt), nonce, sealed })
}

/// Another passphrase for the same key. The recovery code and the keyring go on opening it.
pub(crate) fn change_passphrase(
    dir: &Path,
    old: &str,
    new: &str,
    cost: Cost,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    long_enough(new)?;
    let mut file = read(dir)?;
    let key = open_with_passphrase(dir, &file, old, now)?;
    replace_passphrase(dir, &mut file, &key, new, cost)
}

fn replace_passphrase(
    dir: &Path,
    file: &mut KeyFile,
    key: &DatabaseKey,
    new: &str,
    cost: Cost,
) -> Result<(), Error> {
    let wrap = with_passphrase(file.store, &key.0, new, cost)?;
    file.wraps.retain(|wrap| !matches!(wrap, Wrap::Passphrase { .. }));
    file.wraps.insert(0, wrap);
    write_atomically(&dir.join(FILE), &serde_json::to_vec_pretty(file)?)
}

fn read(dir: &Path) -> Result<KeyFile, Error> {
    let path = dir.join(FILE);
    let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(Code::FileUnreadable)
            .with("file", path.display().to_string())
            .with("detail", error.to_string())
            .into()
    })
}

/// Unwraps the key of a store: with the passphrase, or from the keyring when none is given.
pub(crate) fn open(dir: &Path, passphrase: Option<&str>, now: DateTime<Utc>) -> Result<DatabaseKey, Error> {
    let file = read(dir)?;
    match passphrase {
        Some(passphrase) => open_with_passphrase(dir, &file, passphrase, now),
        None => open_with_keyring(&file),
    }
}

/// After several wrong ones in a row, each costs a longer wait.
fn open_with_passphrase(
    dir: &Path,
    file: &KeyFile,
    passphrase: &str,
    now: DateTime<Utc>,
) -> Result<DatabaseKey, Error> {
    attempts::attempt(dir, &attempts::PASSPHRASES, now, || {
        for wrap in &file.wraps {
            if let Wrap::Passphrase { cost, salt, nonce, sealed } = wrap {
                let salt = hex::decode(salt).map_err(|_| Error::Crypto("the salt in keys.json"))?;
                let wrapping = cost.derive(passphrase, &salt)?;
                let key = unseal(&wrapping, nonce, sealed, &label(file.store, "passphrase"));
                return Ok(key.map(DatabaseKey));
            }
        }
        Ok(None)
    })
}

fn open_with_keyring(file: &KeyFile) -> Result<DatabaseKey, Error> {
    for wrap in &file.wraps {
        if let Wrap::Keyring { nonce, sealed } = wrap {
            // A locked keyring answers "no such entry"; the entry exists, because this wrap names it. No new key is
            // ever made here: it would make the database unreadable for ever.
            let secret = ring::get(&file.store.to_string()).map_err(|reason| {
                tracing::info!(%reason, "the keyring did not give the key");
                Problem::new(Code::KeyringLocked)
            })?;
            let wrapping: Zeroizing<[u8; 32]> =
                Zeroizing::new(secret.as_slice().try_into().map_err(|_| Problem::new(Code::KeyringLocked))?);
            return unseal(&wrapping, nonce, sealed, &label(file.store, "keyring"))
                .map(DatabaseKey)
                .ok_or_else(|| Code::KeyringLocked.into());
        }
    }
    Err(Code::PassphraseNeeded.into())
}

/// Opt-in: on a PC that several people use with one system account, an open keyring would open every profile.
fn keyring_wanted() -> bool {
    std::env::var("AVANCE_KEYRING")
        .is_ok_and(|value| matches!(value.as_str(), "1" | "on" | "yes" | "si" | "sí"))
}

fn add_keyring(file: &mut KeyFile, key: &[u8; 32]) -> Result<(), Error> {
    let mut wrapping = Zeroizing::new([0u8; 32]);
    random(&mut *wrapping)?;
    ring::set(&file.store.to_string(), &*wrapping).map_err(|_| Error::Crypto("no keyring"))?;
    let (nonce, sealed) = seal(&wrapping, key, &label(file.store, "keyring"))?;
    file.wraps.push(Wrap::Keyring { nonce, sealed });
    Ok(())
}

/// What a wrap is for, so that one cannot be put in another's place.
fn label(store: Uuid, kind: &str) -> String {
    format!("avance-abierto {store} {kind}")
}

fn random_bytes() -> Result<[u8; 16], Error> {
    let mut bytes = [0u8; 16];
    random(&mut bytes)?;
    Ok(bytes)
}

fn random(bytes: &mut [u8]) -> Result<(), Error> {
    domain::random::fill(bytes).map_err(|_| Error::Crypto("no source of randomness"))
}

fn seal(wrapping: &[u8; 32], key: &[u8; 32], label: &str) -> Result<(String, String), Error> {
    let mut nonce = [0u8; 24];
    random(&mut nonce)?;
    let sealed = XChaCha20Poly1305::new(wrapping.into())
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: key, aad: label.as_bytes() })
        .map_err(|_| Error::Crypto("XChaCha20-Poly1305"))?;
    Ok((hex::encode(nonce), hex::encode(sealed)))
}

fn unseal(wrapping: &[u8; 32], nonce: &str, sealed: &str, label: &str) -> Option<Zeroizing<[u8; 32]>> {
    let nonce: [u8; 24] = hex::decode(nonce).ok()?.try_into().ok()?;
    let sealed = hex::decode(sealed).ok()?;
    let key = XChaCha20Poly1305::new(wrapping.into())
        .decrypt(XNonce::from_slice(&nonce), Payload { msg: &sealed, aad: label.as_bytes() })
        .ok()?;
    let key = Zeroizing::new(key);
    Some(Zeroizing::new(key.as_slice().try_into().ok()?))
}

/// Writes a file so that after a power cut there is the old one or the new one, never half of it.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    use std::io::Write as _;
    let mut temporary: PathBuf = path.to_owned();
    temporary.set_extension("json.new");
    let mut file = std::fs::File::create(&temporary).map_err(Error::io(&temporary))?;
    file.write_all(bytes).map_err(Error::io(&temporary))?;
    file.sync_all().map_err(Error::io(&temporary))?;
    std::fs::rename(&temporary, path).map_err(Error::io(path))?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder_file = std::fs::File::open(folder).map_err(Error::io(folder))?;
        folder_file.sync_all().map_err(Error::io(folder))?;
    }
    Ok(())
}

/// The system's keyring. Without D-Bus it fails at once.
mod ring {
    use keyring_core::{Entry, Error};
    use zeroize::Zeroizing;

    #[cfg(target_os = "linux")]
    fn entry(user: &str) -> Result<Entry, Error> {
        use keyring_core::api::CredentialStoreApi as _;
        zbus_secret_service_keyring_store::Store::new()?.build(super::SERVICE, user, None)
    }

    #[cfg(not(target_os = "linux"))]
    fn entry(user: &str) -> Result<Entry, Error> {
        Entry::new(super::SERVICE, user)
    }

    pub(super) fn get(user: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        entry(user)?.get_secret().map(Zeroizing::new)
    }

    pub(super) fn set(user: &str, secret: &[u8]) -> Result<(), Error> {
        entry(user)?.set_secret(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSPHRASE: &str = "una frase de paso";
    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn code(result: Result<DatabaseKey, Error>) -> Code {
        match result {
            Ok(_) => panic!("a key came out"),
            Err(error) => Problem::from(error).code,
        }
    }

    #[test]
    fn only_the_passphrase_opens_and_the_key_is_not_on_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(code(create(dir.path(), "corta", Cost::NEW)), Code::PassphraseTooShort);
        assert!(!exist(dir.path()).unwrap());
        let made = create(dir.path(), PASSPHRASE, Cost::NEW).unwrap();
        let opened = open(dir.path(), Some(PASSPHRASE), NOW).unwrap();
        assert_eq!(*made.0, *opened.0);
        assert_eq!(code(open(dir.path(), Some("otra frase"), NOW)), Code::PassphraseWrong);
        assert_eq!(code(open(dir.path(), None, NOW)), Code::PassphraseNeeded);
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert!(!text.contains(&hex::encode(*made.0)) && !text.contains(PASSPHRASE));
    }

    #[test]
    fn guessing_a_passphrase_costs_a_longer_wait_each_time() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), PASSPHRASE, Cost::NEW).unwrap();
        let problem = |passphrase: &str, now| match open(dir.path(), Some(passphrase), now) {
            Ok(_) => panic!("a key came out"),
            Err(error) => Problem::from(error),
        };
        let seconds = |problem: &Problem| problem.retry_after().map(|wait| wait.as_secs());
        // Two slips of the hand cost nothing.
        for _ in 0..2 {
            let slip = problem("otra frase", NOW);
            assert_eq!((slip.code, seconds(&slip)), (Code::PassphraseWrong, None));
        }
        let mut now = NOW;
        for wait in [2, 4, 8] {
            let wrong = problem("otra frase", now);
            assert_eq!((wrong.code, seconds(&wrong)), (Code::PassphraseWrong, Some(wait)));
            // Until then not even the right one, so that a machine cannot guess faster.
            let early = problem(PASSPHRASE, now + chrono::TimeDelta::seconds(1));
            assert_eq!((early.code, seconds(&early)), (Code::PassphraseWait, Some(wait - 1)));
            now += chrono::TimeDelta::seconds(i64::try_from(wait).unwrap());
        }
        open(dir.path(), Some(PASSPHRASE), now).unwrap();
        assert_eq!(seconds(&problem("otra frase", now)), None, "the count begins again");
        let far = serde_json::json!({"wrong": 40, "until": "2199-01-01T00:00:00Z"});
        std::fs::write(dir.path().join("passphrase.json"), far.to_string()).unwrap();
        open(dir.path(), Some(PASSPHRASE), now).unwrap();
        std::fs::write(dir.path().join("passphrase.json"), "{").unwrap();
        open(dir.path(), Some(PASSPHRASE), now).unwrap();
        // A passphrase that is changed is asked for as when opening.
        let change = |old: &str| change_passphrase(dir.path(), old, "la siguiente frase", Cost::NEW, now);
        for wait in [None, None, Some(2)] {
            assert_eq!(seconds(&Problem::from(change("otra frase").unwrap_err())), wait);
        }
        assert_eq!(Problem::from(change(PASSPHRASE).unwrap_err()).code, Code::PassphraseWait);
    }

    #[test]
    fn a_disk_that_does_not_answer_is_not_an_empty_folder() {
        let dir = tempfile::tempdir().unwrap();
        // Below a file there is nothing to look at: the system answers with an error, as of a disk that fails.
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(exist(&file).is_err());
        assert!(crate::store::exists(&file).is_err());
    }

    #[test]
    fn a_keyring_that_does_not_answer_never_makes_a_new_key() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), PASSPHRASE, Cost::NEW).unwrap();
        let path = dir.path().join(FILE);
        let mut file: KeyFile = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let (nonce, sealed) = seal(&[7; 32], &[8; 32], &label(file.store, "keyring")).unwrap();
        file.wraps.push(Wrap::Keyring { nonce, sealed });
        let before = serde_json::to_vec_pretty(&file).unwrap();
        std::fs::write(&path, &before).unwrap();
        assert_eq!(code(open(dir.path(), None, NOW)), Code::KeyringLocked);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_wrap_cannot_be_put_in_anothers_place() {
        let store = Uuid::now_v7();
        let (nonce, sealed) = seal(&[1; 32], &[2; 32], &label(store, "keyring")).unwrap();
        assert!(unseal(&[1; 32], &nonce, &sealed, &label(store, "passphrase")).is_none());
        assert!(unseal(&[1; 32], &nonce, &sealed, &label(store, "keyring")).is_some());
    }

    #[test]
    fn an_absurd_cost_in_the_file_is_refused() {
        let cost = Cost { memory_kib: u32::MAX, passes: 1 };
        assert!(cost.derive(PASSPHRASE, &[0; 16]).is_err());
    }
}
