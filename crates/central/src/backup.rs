//! `avance-central backup`: everything that is needed to go on, in one file, while the endpoint runs.
//!
//! The file is a ZIP (any system opens one) with these names:
//!
//! * `central.db`: the database at one instant
//! * `signing.key`, and every other plain file of the data folder (`avance.toml`, other secrets)
//! * `evidence/{aa}/{sha256}`: the originals whose bytes were verified
//! * `public/evidencia/…`, `public/ocds/releases/…`, `public/ocds/records/{ocid}/…`: what is public and never changes
//! * `manifest.json`, last: what is inside, each file with its size and SHA-256
//!
//! What can be made from those is not inside: pages, catalogue, aliases and the files of the daily roots are made
//! again by `restore`. Copied beside a database of another instant, a catalogue would name files that are not there.
//! Chunks of files that are still arriving are not inside either: their devices send them again.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use domain::evidence::MediaType;
use domain::history::Head;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::config::Config;
use crate::endpoint::signing_key;
use crate::store::sqlite::{self, Sqlite};
use crate::store::{Store, StoreError};
use crate::words::say;

/// What the file says it is.
pub const FORMAT: &str = "avance-central-backup";
/// Version of the format that this program writes, and the highest it reads.
pub const VERSION: u32 = 1;
/// Name of the manifest in the archive.
pub const MANIFEST: &str = "manifest.json";
/// Name of the database, in the archive and in the data folder.
pub const DATABASE: &str = "central.db";
/// Files of the data folder that belong to the running process, not to what it knows.
const OF_THE_PROCESS: [&str; 6] =
    [DATABASE, "central.db-wal", "central.db-shm", "listen", "publish.lock", "bulk.lock"];
/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

/// What a backup has inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Program that made it.
    pub program: String,
    /// When the database was copied.
    pub made_at: DateTime<Utc>,
    /// Municipality: identifier and name.
    pub municipality_id: String,
    /// Its name.
    pub municipality: String,
    /// Epoch of the endpoint.
    pub epoch: Uuid,
    /// How much of each thing there is.
    pub counts: Counts,
    /// Head of each stream.
    pub heads: BTreeMap<String, Head>,
    /// Files that the database names and that were not there, or were damaged: they are not inside.
    #[serde(default)]
    pub missing: Vec<String>,
    /// The files inside.
    pub files: Vec<Packed>,
}

/// How much of each thing there is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Projects.
    pub projects: u64,
    /// Follow-ups, in any state.
    pub follow_ups: u64,
    /// Files that the catalogue names.
    pub published: u64,
    /// Files of evidence.
    pub evidence: u64,
}

/// A file inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// Name, with `/` between its parts.
    pub path: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// How far a long copy is: bytes done, of how many.
pub type Progress<'p> = &'p mut dyn FnMut(u64, u64);

/// Removes what was begun, unless it was finished.
struct Unfinished(Vec<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        for path in &self.0 {
            // The second and third are the log that the database may have beside it.
            for suffix in ["", "-wal", "-shm", "-journal"] {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                let _ = fs::remove_file(name);
            }
        }
    }
}

/// Makes a backup of a data folder in the file `to`.
///
/// # Errors
/// There is no endpoint in the folder, `to` exists and `force` is not set, `to` is inside the folder, the disk is full.
/// Then no file is left, and one that was there is as it was.
pub fn make(
    config: &Config,
    to: &Path,
    force: bool,
    now: DateTime<Utc>,
    progress: Progress<'_>,
) -> Result<Manifest> {
    pack(config, to, force, now, progress).map_err(|error| {
        if !is_full(&error) {
            return error;
        }
        error.context(say(
            format!("no hay espacio para el respaldo en el disco de {}: no se guardó nada ahí", to.display()),
            format!("the disk of {} has no room for the backup: nothing was stored there", to.display()),
        ))
    })
}

/// Whether the disk was full.
pub(crate) fn is_full(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let disk = cause.downcast_ref::<std::io::Error>();
        disk.is_some_and(|disk| disk.kind() == std::io::ErrorKind::StorageFull)
            || matches!(cause.downcast_ref(), Some(StoreError::Full))
    })
}

fn pack(
    config: &Config,
    to: &Path,
    force: bool,
    now: DateTime<Utc>,
    progress: Progress<'_>,
) -> Result<Manifest> {
    let data = &config.data;
    if !data.join(DATABASE).is_file() {
        bail!(
            "{}",
            say(
                format!("en {} no hay un servidor central que respaldar", data.display()),
                format!("there is no central endpoint in {} to back up", data.display()),
            )
        );
    }
    let (folder, name) = place(data, to, force)?;
    let salt = domain::receipt::new_salt();
    let temporary = folder.join(format!(".{name}.{salt}.tmp"));
    let copied = folder.join(format!(".{name}.{salt}.db"));
    let _unfinished = Unfinished(vec![temporary.clone(), copied.clone()]);

    // The database first, then the files that this copy names. Files of evidence and published files are named by
    // their content, are there before the database says so, and are never taken away: whatever the copy names is
    // there now. The other way round, a file that arrived in between would be named and missing.
    private(&copied)?;
    let bytes = fs::metadata(data.join(DATABASE))?.len();
    sqlite::copy(&data.join(DATABASE), &copied, &mut |done, pages| {
        progress(bytes / pages.max(1) * done, bytes);
    })
    .context("central.db")?;
    let (mut manifest, named) = read_names(config, &copied, now)?;

    let key = data.join("signing.key");
    let signs = key.is_file().then(|| signing_key(&key)).transpose()?;
    let signs = signs.map(|key| hex::encode(key.verifying_key().as_bytes()));
    if signs.is_none() || signs != named.public_key {
        bail!(
            "{}",
            say(
                format!(
                    "{} falta o no es la llave de esta base de datos: sin ella el respaldo no sirve",
                    key.display()
                ),
                format!(
                    "{} is missing or is not the key of this database: without it the backup is no use",
                    key.display()
                ),
            )
        );
    }

    let total = fs::metadata(&copied)?.len() + named.evidence.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
    let mut archive = Archive {
        zip: ZipWriter::new(private(&temporary)?),
        packed: Vec::new(),
        missing: Vec::new(),
        done: 0,
        total,
        progress,
    };
    for path in plain_files(data)? {
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let name = name.with_context(|| format!("{} has no plain name", path.display()))?;
        archive.add(&path, &name, None)?;
    }
    for (sha256, _, kind) in &named.evidence {
        let (aa, extension) = (&sha256[..2.min(sha256.len())], if kind.is_image() { "jpg" } else { "pdf" });
        let name = format!("evidence/{aa}/{sha256}");
        archive.add(&data.join(&name), &name, Some(sha256))?;
        let name = format!("public/evidencia/{sha256}.{extension}");
        let path = data.join(&name);
        // None until its follow-up is published.
        if path.is_file() {
            archive.add(&path, &name, None)?;
        }
    }
    for (path, sha256) in &named.published {
        let name = format!("public{path}");
        archive.add(&data.join(&name), &name, Some(sha256))?;
    }
    archive.add(&copied, DATABASE, None)?;
    manifest.missing = std::mem::take(&mut archive.missing);
    manifest.files = std::mem::take(&mut archive.packed);
    archive.zip.start_file(MANIFEST, options(true))?;
    serde_json::to_writer_pretty(&mut archive.zip, &manifest)?;
    let file = archive.zip.finish()?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, to).with_context(|| format!("cannot write {}", to.display()))?;
    File::open(&folder)?.sync_all()?;
    Ok(manifest)
}

/// The folder and the name of the file to make, once it is sure that it may be made there.
fn place(data: &Path, to: &Path, force: bool) -> Result<(PathBuf, String)> {
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = to.file_name().and_then(|name| name.to_str());
    let (true, Some(name)) = (folder.is_dir() && !to.is_dir(), name) else {
        bail!(
            "{}",
            say(
                format!("{} no es un archivo que se pueda hacer: falta su carpeta, o es una", to.display()),
                format!(
                    "{} is not a file that can be made: its folder is missing, or it is one",
                    to.display()
                ),
            )
        );
    };
    let folder = folder.canonicalize()?;
    if folder.starts_with(data.canonicalize()?) {
        bail!(
            "{}",
            say(
                format!(
                    "{} está dentro de la carpeta de datos y se perdería con ella: ponlo en otra, de preferencia en otro disco",
                    to.display()
                ),
                format!(
                    "{} is inside the data folder and would be lost with it: put it in another, preferably on another disk",
                    to.display()
                ),
            )
        );
    }
    if !force && to.exists() {
        bail!(
            "{}",
            say(
                format!("{} ya existe: elige otro nombre, o --force para reemplazarlo", to.display()),
                format!("{} exists: choose another name, or --force to replace it", to.display()),
            )
        );
    }
    Ok((folder, name.to_owned()))
}

/// A new file that only its owner reads.
pub(crate) fn private(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| {
        say(format!("no se puede escribir {}", path.display()), format!("cannot write {}", path.display()))
    })
}

/// What the copy of the database names.
struct Named {
    /// Evidence: SHA-256, bytes, kind.
    evidence: Vec<(String, u64, MediaType)>,
    /// Files the catalogue names: path from the root of the public site, SHA-256.
    published: Vec<(String, String)>,
    public_key: Option<String>,
}

/// What the copy of the database says: the manifest without its files, and what it names.
fn read_names(config: &Config, copied: &Path, now: DateTime<Utc>) -> Result<(Manifest, Named)> {
    let store = Sqlite::open(copied, &config.municipality.id)?;
    let tx = store.read()?;
    let Some(epoch) = tx.meta("epoch")? else {
        let id = &config.municipality.id;
        bail!(
            "{}",
            say(
                format!(
                    "la base de datos no tiene nada del municipio «{id}»: revisa municipality_id en avance.toml"
                ),
                format!(
                    "the database has nothing of the municipality «{id}»: check municipality_id in avance.toml"
                ),
            )
        );
    };
    let mut heads = BTreeMap::new();
    for stream in tx.streams()? {
        let head = tx.head(&stream)?;
        heads.insert(stream, head);
    }
    let mut evidence = Vec::new();
    for file in tx.evidence_files()? {
        let kind = MediaType::parse(&file.media_type)
            .with_context(|| format!("{} of {}", file.media_type, file.sha256))?;
        evidence.push((file.sha256, file.size, kind));
    }
    let published: Vec<_> = tx.published_files()?.into_iter().map(|file| (file.path, file.sha256)).collect();
    let card = tx.meta("municipality")?.unwrap_or_default();
    let name = serde_json::from_str::<domain::wire::MunicipalityCard>(&card).map(|card| card.name);
    let manifest = Manifest {
        format: FORMAT.into(),
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").into(),
        made_at: now,
        municipality_id: config.municipality.id.clone(),
        municipality: name.unwrap_or_else(|_| config.municipality.name.clone()),
        epoch: epoch.parse().context("the stored epoch is not one")?,
        counts: Counts {
            projects: tx.projects()?.len() as u64,
            follow_ups: tx.counts()?.values().sum(),
            published: published.len() as u64,
            evidence: evidence.len() as u64,
        },
        heads,
        missing: Vec::new(),
        files: Vec::new(),
    };
    let public_key = tx.meta("public_key")?;
    Ok((manifest, Named { evidence, published, public_key }))
}

/// Plain files of the data folder itself: the key, the configuration, whatever secret comes later. Named by what is
/// left out, so that one that a later version adds is not forgotten.
fn plain_files(data: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(data).with_context(|| format!("cannot read {}", data.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with('.');
        if entry.file_type()?.is_file() && !hidden && !OF_THE_PROCESS.iter().any(|known| name == *known) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

struct Archive<'p> {
    zip: ZipWriter<File>,
    packed: Vec<Packed>,
    missing: Vec<String>,
    done: u64,
    total: u64,
    progress: Progress<'p>,
}

impl Archive<'_> {
    /// Adds a file piece by piece. With `expected`, one that is not there or has other bytes is named as missing: the
    /// rest is worth keeping, and a restored endpoint asks devices for what it lacks.
    fn add(&mut self, path: &Path, name: &str, expected: Option<&str>) -> Result<()> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && expected.is_some() => {
                self.missing.push(name.to_owned());
                return Ok(());
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        // Photographs and PDFs are compressed already.
        let dense = name.starts_with("evidence/") || name.starts_with("public/evidencia/");
        self.zip.start_file(name, options(!dense))?;
        let mut hasher = Sha256::new();
        let mut piece = vec![0; PIECE];
        let mut bytes = 0u64;
        loop {
            let read = file.read(&mut piece).with_context(|| format!("cannot read {}", path.display()))?;
            let Some(some) = piece.get(..read).filter(|some| !some.is_empty()) else { break };
            hasher.update(some);
            self.zip.write_all(some)?;
            bytes += read as u64;
            self.done += read as u64;
            (self.progress)(self.done, self.total.max(self.done));
        }
        let sha256 = hex::encode(hasher.finalize());
        if expected.is_some_and(|expected| expected != sha256) {
            self.zip.abort_file()?;
            self.missing.push(name.to_owned());
            return Ok(());
        }
        self.packed.push(Packed { path: name.to_owned(), bytes, sha256 });
        Ok(())
    }
}

fn options(compress: bool) -> SimpleFileOptions {
    let method = if compress { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    SimpleFileOptions::default().compression_method(method).large_file(true).unix_permissions(0o600)
}
