//! `avance-central restore`: a backup into a new folder, all or nothing.
//!
//! Everything is unpacked, verified and made ready in a folder of its own inside the data folder; only then it is moved
//! into place, the database last. Inside and not beside, because the account of the service may own nothing but the
//! data folder, and because a rename must not cross a mount.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use domain::clock::Clock;
use domain::seeded::{self, Bug};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zip::ZipArchive;

use crate::backup::{self, DATABASE, FORMAT, MANIFEST, Manifest, Progress, VERSION};
use crate::config::{Config, Options};
use crate::endpoint::Endpoint;
use crate::store::Store;
use crate::store::sqlite::Sqlite;
use crate::verify::{self, Verdict};
use crate::words::say;
use crate::{publish, roots};

/// Where it is made ready.
const STAGE: &str = ".restoring";
/// Largest manifest: some millions of files.
const MAX_MANIFEST: u64 = 1 << 30;
/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the backup said of itself.
    pub manifest: Manifest,
    /// The epoch that begins.
    pub epoch: Uuid,
    /// What the history and the daily roots say.
    pub verdict: Verdict,
}

/// What was begun and has to go if it does not come to its end.
struct Unfinished {
    stage: PathBuf,
    /// The data folder, if it is of our making.
    made: Option<PathBuf>,
    /// What was moved into place.
    moved: Vec<PathBuf>,
    done: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.stage);
        if self.done {
            return;
        }
        for path in &self.moved {
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
        if let Some(made) = &self.made {
            let _ = fs::remove_dir(made);
        }
    }
}

/// Restores the backup `from` into the data folder of `options`.
///
/// # Errors
/// The folder has something in it, the file is not a whole backup, something inside is not what the manifest says, the
/// disk is full. Then the folder is as it was.
pub fn restore(
    options: &Options,
    from: &Path,
    clock: Arc<dyn Clock>,
    progress: Progress<'_>,
) -> Result<Restored> {
    let Some(data) = options.data.clone() else {
        bail!("{}", say("falta --data CARPETA", "--data DIR is needed"));
    };
    unpack(options, &data, from, clock, progress).map_err(|error| {
        if !backup::is_full(&error) {
            return error;
        }
        error.context(say(
            format!("no hay espacio en el disco de {}: no se restauró nada", data.display()),
            format!("the disk of {} has no room: nothing was restored", data.display()),
        ))
    })
}

fn unpack(
    options: &Options,
    data: &Path,
    from: &Path,
    clock: Arc<dyn Clock>,
    progress: Progress<'_>,
) -> Result<Restored> {
    let file = File::open(from).with_context(|| {
        say(format!("no se puede leer {}", from.display()), format!("cannot read {}", from.display()))
    })?;
    let whole = |detail: String| {
        anyhow::anyhow!(
            "{}",
            say(
                format!(
                    "{} no es un respaldo completo: está cortado, dañado o es otra cosa. No se cambió nada. ({detail})",
                    from.display()
                ),
                format!(
                    "{} is not a whole backup: it is cut, damaged or something else. Nothing was changed. ({detail})",
                    from.display()
                ),
            )
        )
    };
    let mut archive = ZipArchive::new(file).map_err(|error| whole(error.to_string()))?;
    let manifest = manifest(&mut archive).map_err(|error| whole(format!("{error:#}")))?;
    if manifest.version > VERSION {
        let version = manifest.version;
        bail!(
            "{}",
            say(
                format!("el respaldo es de una versión posterior ({version}): actualiza avance-central"),
                format!("the backup is of a later version ({version}): update avance-central"),
            )
        );
    }
    let mut unfinished = begin(data)?;
    let stage = unfinished.stage.clone();
    let total = manifest.files.iter().map(|file| file.bytes).sum();
    let mut done = 0;
    for packed in &manifest.files {
        let target = stage.join(&packed.path);
        let mut entry = archive.by_name(&packed.path).map_err(|error| whole(error.to_string()))?;
        let found = extract(&mut entry, &target, packed.bytes, &mut |bytes| {
            done += bytes;
            progress(done, total);
        });
        let found = match found {
            Ok(found) => found,
            // What cannot be read of the archive is its damage; what cannot be written is the disk's.
            Err(Failed::Reading(error)) => return Err(whole(format!("{}: {error}", packed.path))),
            Err(Failed::Writing(error)) => {
                return Err(error).with_context(|| format!("cannot write {}", target.display()));
            }
        };
        if found != (packed.bytes, packed.sha256.clone()) {
            return Err(whole(format!("{}: SHA-256 {} ≠ {}", packed.path, found.1, packed.sha256)));
        }
    }
    let (epoch, verdict) = ready(options, &stage, &manifest, clock)?;
    settle(data, &mut unfinished)?;
    Ok(Restored { manifest, epoch, verdict })
}

/// Takes the folder, which must be new or empty.
fn begin(data: &Path) -> Result<Unfinished> {
    if seeded::is(Bug::RestoreOverData) {
        fs::remove_dir_all(data)?;
    }
    let made = !data.exists();
    if made {
        fs::create_dir_all(data).with_context(|| {
            say(
                format!("no se puede hacer la carpeta {}", data.display()),
                format!("cannot make the folder {}", data.display()),
            )
        })?;
    }
    let stage = data.join(STAGE);
    let entry = fs::read_dir(data).with_context(|| format!("cannot read {}", data.display()))?.next();
    if let Some(entry) = entry {
        let path = entry?.path();
        let data = data.display();
        bail!(
            "{}",
            if path == stage {
                say(
                    format!(
                        "en {data} hay una restauración en curso o que se interrumpió. Si no hay otra corriendo, borra {} y repite.",
                        path.display()
                    ),
                    format!(
                        "in {data} a restore is under way or was interrupted. If no other is running, delete {} and repeat.",
                        path.display()
                    ),
                )
            } else {
                say(
                    format!(
                        "{data} no está vacía (tiene {}): sólo se restaura en una carpeta nueva o vacía. Cambia de nombre la \
                         que hay, sin borrarla, y repite.",
                        path.display()
                    ),
                    format!(
                        "{data} is not empty (it has {}): a backup is restored into a new or empty folder only. Rename the \
                         one that is there, without deleting it, and repeat.",
                        path.display()
                    ),
                )
            }
        );
    }
    // Fails if another restore took it in between.
    fs::create_dir(&stage).with_context(|| format!("cannot make {}", stage.display()))?;
    Ok(Unfinished { stage, made: made.then(|| data.to_owned()), moved: Vec::new(), done: false })
}

/// The manifest, once it agrees with the names in the archive and none of them leads out of the folder.
fn manifest(archive: &mut ZipArchive<File>) -> Result<Manifest> {
    let mut text = String::new();
    archive.by_name(MANIFEST)?.take(MAX_MANIFEST).read_to_string(&mut text)?;
    let manifest: Manifest = serde_json::from_str(&text)?;
    if manifest.format != FORMAT {
        bail!("format {}", manifest.format);
    }
    let mut named = BTreeSet::from([MANIFEST]);
    for packed in &manifest.files {
        let plain = Path::new(&packed.path).components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || packed.path.contains(['\\', ':', '\0']) || packed.path.is_empty() {
            bail!("the name {:?}", packed.path);
        }
        if !named.insert(&packed.path) {
            bail!("{} twice", packed.path);
        }
    }
    if let Some(needed) = [DATABASE, "signing.key"].into_iter().find(|needed| !named.contains(needed)) {
        bail!("{needed} is missing");
    }
    for name in archive.file_names() {
        let name = name?;
        if !named.contains(name.as_ref()) {
            bail!("{name} is not in the manifest");
        }
    }
    Ok(manifest)
}

enum Failed {
    Reading(std::io::Error),
    Writing(std::io::Error),
}

/// Writes one file, piece by piece; gives its size and SHA-256.
fn extract(
    entry: &mut impl Read,
    target: &Path,
    expected: u64,
    step: &mut dyn FnMut(u64),
) -> std::result::Result<(u64, String), Failed> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(Failed::Writing)?;
    }
    let public = target.components().any(|part| part.as_os_str() == "public");
    let mut file = if public {
        File::create_new(target).map_err(Failed::Writing)?
    } else {
        backup::private(target)
            .map_err(|error| Failed::Writing(std::io::Error::other(format!("{error:#}"))))?
    };
    // Not a byte more than the manifest says: a small archive can unpack to anything.
    let mut entry = entry.take(expected.saturating_add(1));
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut bytes = 0u64;
    loop {
        let read = entry.read(&mut piece).map_err(Failed::Reading)?;
        let Some(some) = piece.get(..read).filter(|some| !some.is_empty()) else { break };
        hasher.update(some);
        file.write_all(some).map_err(Failed::Writing)?;
        bytes += read as u64;
        step(read as u64);
    }
    file.sync_all().map_err(Failed::Writing)?;
    Ok((bytes, hex::encode(hasher.finalize())))
}

/// Begins the new epoch in what was unpacked, makes again what is made, and reads the history once.
fn ready(
    options: &Options,
    stage: &Path,
    manifest: &Manifest,
    clock: Arc<dyn Clock>,
) -> Result<(Uuid, Verdict)> {
    let options = Options { data: Some(stage.to_owned()), ..options.clone() };
    let config = Config::load(&options)?;
    if config.municipality.id != manifest.municipality_id {
        let (id, other) = (&manifest.municipality_id, &config.municipality.id);
        bail!(
            "{}",
            say(
                format!(
                    "el respaldo es del municipio «{id}» y la configuración dice «{other}»: dala con --config"
                ),
                format!(
                    "the backup is of the municipality «{id}» and the configuration says «{other}»: give it with --config"
                ),
            )
        );
    }
    let epoch = domain::random::id(clock.now());
    {
        let store = Sqlite::open(&stage.join(DATABASE), &config.municipality.id)?;
        let tx = store.begin()?;
        let mut heads = BTreeMap::new();
        for stream in tx.streams()? {
            let head = tx.head(&stream)?;
            heads.insert(stream, head);
        }
        if heads != manifest.heads {
            bail!(
                "{}",
                say(
                    "la base de datos del respaldo no es la que dice su manifiesto; no se cambió nada",
                    "the database of the backup is not the one its manifest tells of; nothing was changed",
                )
            );
        }
        // Devices compare it with the one they know: it is how they notice, read everything anew, and offer again
        // what this copy does not have.
        tx.begin_epoch(manifest.epoch, epoch, clock.now())?;
        tx.commit()?;
    }
    let endpoint = Endpoint::open(config, clock)?;
    publish::rebuild(&endpoint)?;
    roots::put_back(&endpoint)?;
    let published = roots::published(&endpoint.config.public())?;
    let verdict = verify::verify(&*endpoint.store.read()?, &published)?;
    Ok((epoch, verdict))
}

/// Moves everything into place, the database last: without it the folder is no endpoint. Only a power cut between two
/// renames leaves part of it, and then the next restore says that the folder is not empty.
fn settle(data: &Path, unfinished: &mut Unfinished) -> Result<()> {
    let stage = unfinished.stage.clone();
    let mut names = Vec::new();
    for entry in fs::read_dir(&stage)? {
        names.push(entry?.file_name());
    }
    names.sort_by_key(|name| (name == DATABASE, name.clone()));
    for name in names {
        let target = data.join(&name);
        fs::rename(stage.join(&name), &target)
            .with_context(|| format!("cannot write {}", target.display()))?;
        unfinished.moved.push(target);
    }
    File::open(data)?.sync_all()?;
    unfinished.done = true;
    Ok(())
}

#[cfg(test)]
mod tests;
