//! Files that are made of many processes. Each version is written beside, put under its hash, where it never changes,
//! and only then found under its name: whoever reads a version by the catalogue reads it whole, also while the next one
//! takes its place.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::write;
use crate::store::parts::MadeFile;

/// Folder of the versions, from the root of the public site.
pub const FOLDER: &str = "versiones";
/// How long a version stays after another took its place: whoever began to read by the catalogue comes to the end.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// What a version is called for: its name, and what it is.
#[derive(Clone, Debug)]
pub struct Label {
    /// Where it is always found, from the root of the public site, with its first `/`.
    pub name: String,
    /// Kind, as in the catalogue.
    pub kind: &'static str,
    /// How many things are in it.
    pub count: u64,
    /// Until when they go.
    pub changed: DateTime<Utc>,
    /// What tells whether it is still the present one.
    pub made_of: String,
}

impl Label {
    fn file(self, sha256: String, bytes: u64) -> MadeFile {
        let Label { name, kind, count, changed, made_of } = self;
        let path = format!("/{FOLDER}/{}/{}", &sha256[..16], name.rsplit('/').next().unwrap_or(&name));
        MadeFile { name, path, kind: kind.to_owned(), count, bytes, sha256, changed, made_of }
    }
}

/// Where a path of the site is on the disk.
pub fn on_disk(public: &Path, path: &str) -> PathBuf {
    public.join(path.trim_start_matches('/'))
}

/// Puts bytes under their hash. Nothing finds them by their name yet.
pub fn keep(public: &Path, label: Label, bytes: &[u8]) -> Result<MadeFile> {
    let file = label.file(domain::receipt::sha256_hex(bytes), bytes.len() as u64);
    write::once(&on_disk(public, &file.path), bytes)?;
    Ok(file)
}

/// Makes the present version found under its name.
pub fn name(public: &Path, file: &MadeFile, before: Option<&MadeFile>) -> Result<()> {
    let target = on_disk(public, &file.name);
    if before.is_some_and(|before| before.sha256 == file.sha256) && target.exists() {
        return Ok(());
    }
    write::alias(&on_disk(public, &file.path), &target)
}

/// Whether a version and its name are where they should be.
pub fn is_there(public: &Path, file: &MadeFile) -> bool {
    [&file.path, &file.name].iter().all(|path| on_disk(public, path).exists())
}

/// Removes versions that nothing names and that are old enough that nobody reads them any more.
pub fn forget(public: &Path, named: &[MadeFile]) -> Result<()> {
    let folder = public.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| format!("cannot read {}", folder.display()))?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let is_named = named.iter().any(|file| on_disk(public, &file.path).starts_with(&path));
        let written = entry.metadata()?.modified()?;
        let is_old = SystemTime::now().duration_since(written).is_ok_and(|age| age > KEPT);
        if entry.file_type()?.is_dir() && !is_named && is_old {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Where versions are written until they are whole. One at a time on a folder.
pub struct Workshop {
    public: PathBuf,
    folder: PathBuf,
    made: u32,
}

impl Workshop {
    /// Opens it; what a run that was killed left in it is thrown away.
    pub fn open(public: &Path) -> Result<Workshop> {
        let folder = public.join(FOLDER).join(".taller");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Workshop { public: public.to_owned(), folder, made: 0 })
    }

    /// A path in it that nothing has yet.
    pub fn path(&mut self) -> PathBuf {
        self.made += 1;
        self.folder.join(self.made.to_string())
    }

    /// Begins a file.
    pub fn begin(&mut self) -> Result<Out> {
        let path = self.path();
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Out { path, file: BufWriter::with_capacity(1 << 16, file), hash: Sha256::new(), bytes: 0 })
    }

    /// Puts a whole file under its hash.
    pub fn place(&self, label: Label, whole: Whole) -> Result<MadeFile> {
        let file = label.file(whole.sha256, whole.bytes);
        let target = on_disk(&self.public, &file.path);
        if target.exists() {
            fs::remove_file(&whole.path)
                .with_context(|| format!("cannot remove {}", whole.path.display()))?;
            return Ok(file);
        }
        let folder = target.parent().context("a file has a folder")?;
        let place = || -> io::Result<()> {
            fs::create_dir_all(folder)?;
            fs::rename(&whole.path, &target)?;
            File::open(folder)?.sync_all()?;
            File::open(self.public.join(FOLDER))?.sync_all()
        };
        place().with_context(|| format!("cannot write {}", target.display()))?;
        Ok(file)
    }

    /// A file that somebody else wrote in it.
    pub fn whole(path: &Path) -> Result<Whole> {
        let read = || -> io::Result<Whole> {
            let mut file = File::open(path)?;
            let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; 1 << 16]);
            loop {
                let read = file.read(&mut piece)?;
                if read == 0 {
                    break;
                }
                hash.update(&piece[..read]);
                bytes += read as u64;
            }
            file.sync_all()?;
            Ok(Whole { path: path.to_owned(), sha256: hex::encode(hash.finalize()), bytes })
        };
        read().with_context(|| format!("cannot read {}", path.display()))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A file that is being written.
pub struct Out {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Out {
    /// Its bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends it: its bytes are on the disk.
    pub fn finish(self) -> Result<Whole> {
        let Out { path, file, hash, bytes } = self;
        let end =
            || -> io::Result<()> { file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all() };
        end().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Whole { path, sha256: hex::encode(hash.finalize()), bytes })
    }
}

/// A file that is whole and not in its place.
pub struct Whole {
    path: PathBuf,
    sha256: String,
    bytes: u64,
}

impl Whole {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A package that is written item by item, plain and zipped, with the same items as lines beside it.
pub struct Package {
    plain: Out,
    zipped: GzEncoder<Out>,
    lines: GzEncoder<Out>,
    count: u64,
}

impl Package {
    /// Begins with what a package without items says; its last field is the empty list.
    pub fn begin(workshop: &mut Workshop, empty: &Value) -> Result<Package> {
        let text = empty.to_string();
        let head = text.strip_suffix("]}").context("a package ends with its list")?;
        // Without a time of writing in the header: the same items are the same bytes.
        let zip = |out| GzEncoder::new(out, Compression::default());
        let mut package = Package {
            plain: workshop.begin()?,
            zipped: zip(workshop.begin()?),
            lines: zip(workshop.begin()?),
            count: 0,
        };
        package.put(head)?;
        Ok(package)
    }

    fn put(&mut self, text: &str) -> Result<()> {
        self.plain.write_all(text.as_bytes())?;
        self.zipped.write_all(text.as_bytes())?;
        Ok(())
    }

    /// Adds an item, and what stands for it among the lines.
    pub fn add(&mut self, item: &str, line: &str) -> Result<()> {
        self.put(if self.count == 0 { "\n" } else { ",\n" })?;
        self.put(item)?;
        self.lines.write_all(line.as_bytes())?;
        self.lines.write_all(b"\n")?;
        self.count += 1;
        Ok(())
    }

    /// How many items it has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Bytes of the zipped one so far, about.
    pub fn zipped(&self) -> u64 {
        self.zipped.get_ref().bytes()
    }

    /// Ends it: plain, zipped, and the lines.
    pub fn finish(mut self) -> Result<[Whole; 3]> {
        self.put("\n]}\n")?;
        Ok([self.plain.finish()?, self.zipped.finish()?.finish()?, self.lines.finish()?.finish()?])
    }
}
