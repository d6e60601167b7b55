//! The files of everything: packages by month and year, tables, OC4IDS. They are not made at each acceptance but now and
//! then (`bulk_interval_seconds`), and only those in which something changed.
//!
//! All of them are read from the database at one instant between two runs, so they tell the same story. The order is
//! that of any run: versions under their hash, then names by renaming, then the catalogue, then the database. Whoever is
//! killed in between leaves files that nothing names, and the next one makes what is missing.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};
use chrono::TimeDelta;
use ocds::merge::Rules;
use serde_json::Value;

use super::made::{self, Label, Package, Workshop};
use super::{catalog, parts, tables};
use crate::endpoint::Endpoint;
use crate::store::Tx;
use crate::store::parts::{MadeFile, Part, PartKind, Run};

/// Under which key the database keeps of what the files of everything were made, and when.
const MADE_OF: &str = "bulk";
const MADE_AT: &str = "bulk_at";
/// Changes when this module writes something else from the same data.
const FORMAT: u32 = 1;

/// Writes what is due: at most once in an interval, and at once where there is nothing yet.
///
/// # Errors
/// The disk or the database; the last good version stays.
pub fn if_due(endpoint: &Endpoint) -> Result<Option<Done>> {
    let last = endpoint.store.read()?.meta(MADE_AT)?;
    let last = last.and_then(|at| at.parse::<chrono::DateTime<chrono::Utc>>().ok());
    let interval =
        TimeDelta::seconds(i64::try_from(endpoint.config.bulk_interval).unwrap_or(i64::MAX / 1_000));
    // One in the future was set by a clock that was ahead.
    let now = endpoint.now();
    if last.is_some_and(|last| last <= now && now - last < interval) {
        return Ok(None);
    }
    write(endpoint)
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Files of everything that exist now.
    pub files: usize,
    /// How many of them are new or changed.
    pub changed: usize,
}

/// Writes the files of everything in which something changed. None: nothing did.
///
/// # Errors
/// The disk or the database; the last good version stays.
pub fn write(endpoint: &Endpoint) -> Result<Option<Done>> {
    let data = &endpoint.config.data;
    let alone = File::create(data.join("bulk.lock")).context("bulk.lock")?;
    alone.lock().context("bulk.lock")?;
    let public = endpoint.config.public();
    // Between two runs: what one of them publishes is in all of these files, or in none.
    let publisher = super::lock(endpoint)?;
    for kind in [PartKind::Releases, PartKind::Records] {
        if !endpoint.store.read()?.loose(kind)?.is_empty() {
            endpoint.pushes.give_way(endpoint);
            let tx = endpoint.store.begin()?;
            parts::assign(&*tx, kind)?;
            tx.commit()?;
        }
    }
    let tx = endpoint.store.read()?;
    let last = tx.last_change()?;
    drop(publisher);
    let Some(run) = last else { return Ok(None) };
    let terms = terms(endpoint)?;
    let made_of = format!("{terms} {}", run.n);
    let known: BTreeMap<String, MadeFile> =
        tx.made_files()?.into_iter().map(|file| (file.name.clone(), file)).collect();
    let of_parts = |file: &&MadeFile| file.kind != catalog::KIND;
    let whole = known.values().filter(of_parts).all(|file| made::is_there(&public, file));
    if whole && tx.meta(MADE_OF)?.as_deref() == Some(&made_of) {
        return Ok(None);
    }
    let mut workshop = Workshop::open(&public)?;
    let mut files = Vec::new();
    for kind in [PartKind::Releases, PartKind::Records] {
        for part in tx.parts(kind)? {
            files.extend(package(endpoint, &*tx, &mut workshop, kind, &part, &terms, &known)?);
        }
    }
    files.extend(tables::write(endpoint, &*tx, &mut workshop, &run, &made_of)?);
    drop(tx);
    for file in &mut files {
        // What is the same although it was made again did not change.
        if let Some(before) = known.get(&file.name).filter(|before| before.sha256 == file.sha256) {
            file.changed = before.changed;
        }
    }
    switch(endpoint, &public, &files, &known, &made_of)
}

/// What packages say of themselves: where it changes, they are all made again.
fn terms(endpoint: &Endpoint) -> Result<String> {
    let root = &endpoint.config.municipality.public_url;
    let said =
        ocds::package::releases(&endpoint.config.publication(), root, chrono::DateTime::UNIX_EPOCH, vec![]);
    let hash = domain::receipt::sha256_hex(serde_json::to_vec(&said)?.as_slice());
    Ok(format!("{FORMAT} {}", &hash[..16]))
}

/// The package of a part, if something in it changed; what is known of it otherwise.
fn package(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    workshop: &mut Workshop,
    kind: PartKind,
    part: &Part,
    terms: &str,
    known: &BTreeMap<String, MadeFile>,
) -> Result<Vec<MadeFile>> {
    let word = kind.as_str();
    let name = format!("/ocds/{word}-{}-{}", part.period, part.n);
    let made_of = format!("{terms} {} {}", part.members, part.releases);
    let names = ["json", "json.gz", "jsonl.gz"].map(|ending| format!("{name}.{ending}"));
    let public = endpoint.config.public();
    let present = names.iter().filter_map(|name| known.get(name));
    let present: Vec<MadeFile> =
        present.filter(|file| file.made_of == made_of && made::is_there(&public, file)).cloned().collect();
    if present.len() == names.len() {
        return Ok(present);
    }
    let publication = endpoint.config.publication();
    let uri = format!("{}{name}.json", endpoint.config.municipality.public_url);
    // Until when it goes: that of its last release, so that the same releases are the same bytes.
    let empty = match kind {
        PartKind::Releases => ocds::package::releases(&publication, &uri, part.latest, Vec::new()),
        _ => ocds::package::records(&publication, &uri, part.latest, Vec::new()),
    };
    let mut package = Package::begin(workshop, &empty)?;
    if kind == PartKind::Releases {
        let mut failure = None;
        tx.releases_of_part(part, &mut |body| {
            failure = package.add(body, body).err();
            failure.is_none()
        })?;
        failure.map_or(Ok(()), Err)?;
    } else {
        for ocid in tx.processes_of_part(kind, part)? {
            endpoint.pushes.give_way(endpoint);
            let releases = tx.releases(&ocid)?.into_iter().filter(|release| release.published_at.is_some());
            let bodies: Vec<Value> = releases.map(|release| release.body).collect();
            let record =
                ocds::package::record(Rules::profile(), &bodies, false).with_context(|| ocid.clone())?;
            // A line is what a process is now: only packages hold lists of releases.
            package.add(&record.to_string(), &record["compiledRelease"].to_string())?;
        }
    }
    let count = package.count();
    let kind = if kind == PartKind::Releases { "release-package" } else { "record-package" };
    let [plain, zipped, lines] = package.finish()?;
    if zipped.bytes() > 10_000_000 {
        tracing::warn!(name, bytes = zipped.bytes(), "a package is larger than 10 MB zipped");
    }
    let [a, b, c] = names;
    let label = |name: String| Label { name, kind, count, changed: part.latest, made_of: made_of.clone() };
    Ok(vec![
        workshop.place(label(a), plain)?,
        workshop.place(label(b), zipped)?,
        workshop.place(label(c), lines)?,
    ])
}

/// Names, then the catalogue, then the database; at last what nothing names any more goes.
fn switch(
    endpoint: &Endpoint,
    public: &Path,
    files: &[MadeFile],
    known: &BTreeMap<String, MadeFile>,
    made_of: &str,
) -> Result<Option<Done>> {
    let _publisher = super::lock(endpoint)?;
    let gone: Vec<&MadeFile> = known
        .values()
        .filter(|file| file.kind != catalog::KIND && files.iter().all(|other| other.name != file.name))
        .collect();
    for file in files {
        made::name(public, file, known.get(&file.name))?;
    }
    let tx = endpoint.store.read()?;
    let mut named: BTreeMap<String, MadeFile> =
        tx.made_files()?.into_iter().map(|file| (file.name.clone(), file)).collect();
    let at = tx.last_change()?.map_or_else(|| (endpoint.now(), 0), |run: Run| (run.at, run.n));
    drop(tx);
    gone.iter().for_each(|file| {
        named.remove(&file.name);
    });
    named.extend(files.iter().map(|file| (file.name.clone(), file.clone())));
    let named: Vec<MadeFile> = named.into_values().collect();
    catalog::write(endpoint, &named, at)?;
    for file in &gone {
        let path = made::on_disk(public, &file.name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
    }
    let changed: Vec<&MadeFile> = files.iter().filter(|file| known.get(&file.name) != Some(*file)).collect();
    endpoint.pushes.give_way(endpoint);
    let tx = endpoint.store.begin()?;
    for file in &changed {
        tx.put_made_file(file)?;
    }
    for file in &gone {
        tx.forget_made_file(&file.name)?;
    }
    tx.set_meta(MADE_OF, made_of)?;
    tx.set_meta(MADE_AT, &domain::release::instant(endpoint.now()))?;
    tx.commit()?;
    made::forget(public, &named)?;
    let is_other = |file: &&&MadeFile| known.get(&file.name).is_none_or(|old| old.sha256 != file.sha256);
    Ok(Some(Done { files: files.len(), changed: changed.iter().filter(is_other).count() }))
}
