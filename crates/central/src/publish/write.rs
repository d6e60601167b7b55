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
    }
}
