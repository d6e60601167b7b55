//! Files appear whole or not at all: written beside their place, flushed, renamed.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Writes a file that never changes. One that is there already must have the same bytes.
pub fn immutable(path: &Path, bytes: &[u8]) -> Result<()> {
    match fs::read(path) {
        Ok(known) if known == bytes => Ok(()),
        Ok(_) => bail!("{} is published already with other bytes", path.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => replace(path, bytes),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Puts a file in the place of what was there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let temporary = folder.join(format!(".tmp-{}", domain::receipt::new_salt()));
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
    fn what_is_published_never_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        immutable(&path, b"1").unwrap();
        immutable(&path, b"1").unwrap();
        assert!(immutable(&path, b"2").is_err());
        replace(&path, b"3").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"3");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
