//! The daily root: once a day (UTC) the heads of every stream are signed and published next to the data, so that
//! whoever kept one can later tell that the history was not rewritten. But those of opinions, which are internal.
//!
//! A root is taken at the first look of the worker on that day and never again: it is kept in the database with its
//! bytes, and a file that is there is left as it is, also one that somebody put there from an earlier life of the
//! folder. `verify` says by date which of them no longer fits.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use domain::history::DailyRoot;
use serde_json::json;

use crate::endpoint::Endpoint;
use crate::publish::write;

/// Folder, from the root of the public site.
pub const FOLDER: &str = "historia";
/// List of the roots, from the root of the public site.
pub const INDEX: &str = "historia/index.json";
/// Under which keys the database keeps them.
pub const KEPT: &str = "root/";

/// Name of the file of a day.
fn name(date: &str) -> String {
    format!("raiz-{date}.json")
}

/// Writes the root of today if there is none, and puts back what is missing of the earlier ones. Gives whether today's
/// was taken now.
///
/// # Errors
/// The disk or the database.
pub fn write(endpoint: &Endpoint) -> Result<bool> {
    let now = endpoint.now();
    let today = now.date_naive();
    if endpoint.rooted.lock().is_ok_and(|day| *day == Some(today)) {
        return Ok(false);
    }
    let key = format!("{KEPT}{today}");
    let tx = endpoint.store.begin()?;
    let taken = tx.meta(&key)?.is_none();
    if taken {
        let mut heads = BTreeMap::new();
        // Of opinions nothing is public, not even whether a person has any.
        for stream in tx.streams()?.into_iter().filter(|stream| !domain::wire::is_opinions(stream)) {
            let head = tx.head(&stream)?;
            heads.insert(stream, head);
        }
        let root = DailyRoot::sign(today, now, heads, endpoint.signing())?;
        let mut text = serde_json::to_string_pretty(&root)?;
        text.push('\n');
        tx.set_meta(&key, &text)?;
    }
    tx.commit()?;
    put_back(endpoint)?;
    if let Ok(mut day) = endpoint.rooted.lock() {
        *day = Some(today);
    }
    Ok(taken)
}

/// Writes the files of the roots that are kept, where they are missing, and the list of them.
///
/// # Errors
/// The disk or the database.
pub fn put_back(endpoint: &Endpoint) -> Result<()> {
    let kept = endpoint.store.read()?.metas(KEPT)?;
    let public = endpoint.config.public();
    for (date, text) in &kept {
        let path = public.join(FOLDER).join(name(date));
        if !path.exists() {
            write::replace(&path, text.as_bytes())?;
        }
    }
    // After the files it names.
    write::once(&public.join(INDEX), &index(&kept)?)
}

fn index(kept: &[(String, String)]) -> Result<Vec<u8>> {
    let roots: Vec<_> = kept
        .iter()
        .rev()
        .map(|(date, text)| {
            let path = format!("/{FOLDER}/{}", name(date));
            json!({"date": date, "path": path, "sha256": domain::receipt::sha256_hex(text.as_bytes())})
        })
        .collect();
    let mut bytes = serde_json::to_vec_pretty(&json!({"roots": roots}))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A root as its file has it.
pub struct Published {
    /// Day of its name.
    pub date: String,
    /// Bytes.
    pub text: String,
}

/// Every root that is in the public folder, by date.
///
/// # Errors
/// The folder cannot be read.
pub fn published(public: &Path) -> Result<Vec<Published>> {
    let folder = public.join(FOLDER);
    let mut found = Vec::new();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    for entry in entries {
        let entry = entry?;
        let file = entry.file_name();
        let date = file.to_str().and_then(|name| name.strip_prefix("raiz-")?.strip_suffix(".json"));
        if let Some(date) = date {
            let bytes =
                fs::read(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            found.push(Published { date: date.to_owned(), text });
        }
    }
    found.sort_by(|a, b| a.date.cmp(&b.date));
    Ok(found)
}
