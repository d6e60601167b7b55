//! Files appear whole or not at all: written beside their place, flushed, renamed.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use domain::seeded::{self, Bug};

/// Writes a file that does not change once the catalogue names it. Until then one that is there was left by a run that
/// was killed: the same bytes are kept, others (the configuration changed meanwhile) are replaced.
pub fn once(path: &Path, bytes: &[u8]) -> Result<()> {
    match fs::read(path) {
        Ok(known) if known == bytes => Ok(()),
        Ok(_) => replace(path, bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => replace(path, bytes),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Puts a file in the place of what was there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut temporary = folder.join(format!(".tmp-{}", domain::receipt::new_salt()));
    if seeded::is(Bug::HalfWrittenFile) {
        temporary = path.to_owned();
    }
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()
    };
    write()
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Makes a file that does not change found under another name too, in the place of what was there.
pub fn alias(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().context("a file has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let temporary = folder.join(format!(".tmp-{}", domain::receipt::new_salt()));
    let link = || -> std::io::Result<()> {
        // The same bytes twice on the disk only where the disk knows no links.
        if fs::hard_link(from, &temporary).is_err() {
            fs::copy(from, &temporary)?;
            File::open(&temporary)?.sync_all()?;
        }
        fs::rename(&temporary, to)?;
        // Of two names of the same file, renaming leaves both.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        File::open(folder)?.sync_all()
    };
    link()
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
        .with_context(|| format!("cannot write {}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_appear_whole_and_leave_nothing_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        once(&path, b"1").unwrap();
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        once(&path, b"1").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
        once(&path, b"2").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2");
        replace(&path, b"3").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"3");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let other = folder.path().join("c/d.json");
        for _ in 0..2 {
            alias(&path, &other).unwrap();
            assert_eq!(fs::read(&other).unwrap(), b"3");
            assert_eq!(fs::read_dir(other.parent().unwrap()).unwrap().count(), 1);
        }
        // What replaces the one leaves the other as it was.
        replace(&path, b"4").unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"3");
    }
}
