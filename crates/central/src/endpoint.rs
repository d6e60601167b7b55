//! What every verb and every handler works with: configuration, store, clock, signing key.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, NaiveDate, Utc};
use domain::clock::Clock;
use domain::disk::Disk;
use domain::history::ChangeKind;
use domain::wire::{MAX_CHANGES, MunicipalityCard};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::store::{Entry, Store, sqlite::Sqlite};
use crate::sync::group::Group;
use crate::words::say;

/// The central endpoint of one municipality, opened on its data folder.
pub struct Endpoint {
    /// Configuration in force.
    pub config: Config,
    /// The database.
    pub store: Box<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Pushes that wait for the writer.
    pub pushes: Group,
    /// Wakes the worker when there is something to do.
    pub wake: tokio::sync::Notify,
    /// Changes when a backup is restored.
    pub epoch: Uuid,
    /// Whether what is here once came out of a backup: what it does not know may have been lost.
    pub restored: bool,
    /// Whether what a handler decides runs where it was called, and not on a thread that may wait: for a simulation,
    /// which has one thread and its own order of things.
    pub inline: bool,
    /// Most changes in one page of a pull.
    pub page: usize,
    /// Day of the last root this process wrote, so that the worker does not ask the database every second.
    pub(crate) rooted: Mutex<Option<NaiveDate>>,
    /// Held by whoever makes a snapshot: the others wait for it and use the same.
    pub(crate) snapshots: Mutex<()>,
    relays: Mutex<()>,
    signing: SigningKey,
}

impl Endpoint {
    /// Opens a data folder, making what is missing: database, signing key, epoch, and the municipality's own record
    /// in the common stream, which is appended again whenever the configuration changed.
    ///
    /// What was said of the municipality is remembered: a verb that is run without it (`load` beside a `serve` that
    /// got flags) works with the same name, prefix and addresses.
    ///
    /// # Errors
    /// The folder cannot be written, the database cannot be opened, the signing key is not that of the database, or
    /// the OCDS prefix is another than that of the processes that exist.
    pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Endpoint> {
        Endpoint::open_on(config, clock, None)
    }

    /// The same with a disk that is passed in: a simulation decides when it fails.
    ///
    /// # Errors
    /// As [`Endpoint::open`].
    pub fn open_on(
        mut config: Config,
        clock: Arc<dyn Clock>,
        disk: Option<Arc<dyn Disk>>,
    ) -> Result<Endpoint> {
        let data = config.data.clone();
        fs::create_dir_all(&data).with_context(|| {
            say(
                format!("no se puede hacer la carpeta {}", data.display()),
                format!("cannot make the folder {}", data.display()),
            )
        })?;
        fs::create_dir_all(data.join("public")).context("cannot make the folder of the public files")?;
        fs::create_dir_all(data.join("evidence")).context("cannot make the folder of the evidence")?;
        let store = Sqlite::open(&data.join("central.db"), &config.municipality.id).with_context(|| {
            say(
                format!("no se puede abrir la base de datos de {}", data.display()),
                format!("cannot open the database in {}", data.display()),
            )
        })?;
        let store = store.on(disk);
        let key_path = data.join("signing.key");
        let tx = store.begin()?;
        let known_key = tx.meta("public_key")?;
        if known_key.is_some() && matches!(key_path.try_exists(), Ok(false)) {
            let path = key_path.display();
            bail!(
                "{}",
                say(
                    format!(
                        "falta {path} y la base de datos se hizo con esa llave: devuélvela desde el respaldo. Con una \
                         llave nueva ningún equipo aceptaría sus acuses."
                    ),
                    format!(
                        "{path} is missing and the database was made with it: restore it from the backup. With a new \
                         key every device would refuse its receipts."
                    ),
                )
            );
        }
        let signing = signing_key(&key_path)?;
        let public_key = hex::encode(signing.verifying_key().as_bytes());
        match known_key {
            Some(known) if known != public_key => {
                let path = key_path.display();
                bail!(
                    "{}",
                    say(
                        format!("{path} no es la llave de esta base de datos: pon la del mismo respaldo"),
                        format!("{path} is not the key of this database: restore the one of the same backup"),
                    )
                );
            }
            Some(_) => {}
            None => tx.set_meta("public_key", &public_key)?,
        }
        let now = clock.now();
        let said = Said {
            municipality: config.municipality.clone(),
            license: config.license.clone(),
            policy_url: config.policy_url.clone(),
        };
        let before: Option<Said> = tx
            .meta("said")?
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .context("the stored configuration")?;
        if let Some(before) = before {
            if config.given
                && before.municipality.prefix != said.municipality.prefix
                && !tx.projects()?.is_empty()
            {
                let (known, other) = (&before.municipality.prefix, &said.municipality.prefix);
                bail!(
                    "{}",
                    say(
                        format!(
                            "esta carpeta ya tiene procesos con el prefijo {known}; no puede seguir con {other}. Pon el \
                             primero en ocds_prefix, o empieza una carpeta nueva."
                        ),
                        format!(
                            "this data folder has processes with the prefix {known}; it cannot go on with {other}. Set \
                             ocds_prefix to the first, or begin a new folder."
                        ),
                    )
                );
            }
            if !config.given {
                config.municipality = before.municipality;
                config.license = before.license;
                config.policy_url = before.policy_url;
            } else if before != said {
                tx.set_meta("said", &serde_json::to_string(&said)?)?;
            }
        } else {
            tx.set_meta("said", &serde_json::to_string(&said)?)?;
        }
        let epoch = match tx.meta("epoch")? {
            Some(text) => text.parse().context("the stored epoch is not one")?,
            None => {
                let epoch = domain::random::id(now);
                tx.set_meta("epoch", &epoch.to_string())?;
                epoch
            }
        };
        let restored = tx.meta("restored_at")?.is_some();
        config.municipality.sealing_key = Some(domain::seal::sealing_key(&signing));
        let card = serde_json::to_value(&config.municipality)?;
        let text = card.to_string();
        if tx.meta("municipality")?.as_deref() != Some(&text) {
            tx.set_meta("municipality", &text)?;
            let entry = Entry {
                stream: domain::wire::COMMON.into(),
                kind: ChangeKind::Municipality,
                record_id: config.municipality.id.clone(),
                state: card,
            };
            tx.append(vec![entry], now)?;
        }
        tx.commit()?;
        Ok(Endpoint {
            config,
            store: Box::new(store),
            clock,
            pushes: Group::default(),
            wake: tokio::sync::Notify::new(),
            epoch,
            restored,
            inline: false,
            page: MAX_CHANGES,
            rooted: Mutex::new(None),
            snapshots: Mutex::new(()),
            relays: Mutex::new(()),
            signing,
        })
    }

    /// The key that signs receipts.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// Its public half, hexadecimal.
    pub fn public_key(&self) -> String {
        hex::encode(self.signing.verifying_key().as_bytes())
    }

    /// Key of the cursors' seal: derived, so that there is one secret to keep.
    pub fn cursor_key(&self) -> Zeroizing<Vec<u8>> {
        use sha2::{Digest, Sha256};
        let mut hasher = Sha256::new();
        hasher.update(b"avance-abierto cursor ");
        hasher.update(self.signing.to_bytes());
        Zeroizing::new(hasher.finalize().to_vec())
    }

    /// The key that opens what devices seal for this endpoint. Derived, for the same reason.
    pub fn opening_key(&self) -> x25519_dalek::StaticSecret {
        domain::seal::opening_key(&self.signing)
    }

    /// Held by whoever takes a relay: one at a time.
    pub(crate) fn relays(&self) -> MutexGuard<'_, ()> {
        self.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the original bytes of a file are kept. They are private.
    pub fn evidence_path(&self, sha256: &str) -> PathBuf {
        self.config.data.join("evidence").join(&sha256[..2.min(sha256.len())]).join(sha256)
    }

    /// The present instant, cut to the milliseconds that are stored.
    pub fn now(&self) -> DateTime<Utc> {
        let now = self.clock.now();
        DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
    }
}

/// What was last said of the municipality, kept in the database.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Said {
    municipality: MunicipalityCard,
    license: String,
    policy_url: String,
}

/// Reads the signing key, or makes it on a first start: readable by its owner only, never overwritten.
pub(crate) fn signing_key(path: &Path) -> Result<SigningKey> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let bytes = Zeroizing::new(hex::decode(text.trim()).context("signing.key is not hexadecimal")?);
            let bytes: [u8; 32] =
                bytes.as_slice().try_into().context("signing.key does not have 32 bytes")?;
            Ok(SigningKey::from_bytes(&bytes))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut seed = Zeroizing::new([0u8; 32]);
            domain::random::fill(seed.as_mut_slice())
                .map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
            write_key(path, &seed).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(SigningKey::from_bytes(&seed))
        }
        Err(error) => Err(error).context("cannot read signing.key"),
    }
}

/// Puts a new key in its place, whole: half a key would keep the endpoint from ever starting again. Whoever makes one
/// holds the writer of the database, so there is nobody else who would.
fn write_key(path: &Path, seed: &[u8; 32]) -> std::io::Result<()> {
    let temporary = path.with_extension("key.new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(hex::encode(seed).as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    // The database is about to name it: it must not outlive its key.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
