//! Publication: from accepted releases to files that any web server can serve.
//!
//! A run follows what changed, not what exists. Files that never change are written first, aliases and pages are
//! replaced by renaming, and the catalogue is switched last: a reader never sees half a run, and a run that is killed
//! anywhere is taken up again by the next one, because its jobs are still queued.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use domain::follow_up::State;
use domain::release::public_path;
use domain::seeded::{self, Bug};
use domain::{Finding, Severity};
use serde::Serialize;
use serde_json::{Value, json};

use crate::accept::{self, HOLD};
use crate::endpoint::Endpoint;
use crate::site;
use crate::state::{follow_up_entries, project_entries};
use crate::store::parts::Run;
use crate::store::{Entry, JobKind, Process, Project, PublishedFile, Release, StoredFollowUp, Tx};

pub mod bulk;
mod catalog;
mod made;
pub mod media;
mod parts;
mod tables;
pub(crate) mod write;

/// Most projects in one run; the rest is the next run's.
const BATCH: usize = 500;

/// What a run did: the note that explains it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Projects whose files changed.
    pub projects: Vec<String>,
    /// Releases published, by id.
    pub releases: Vec<String>,
    /// What was held back, and by which rule.
    pub held: Vec<HeldBack>,
}

/// Something a run did not publish.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBack {
    /// Project.
    pub project: String,
    /// Release, or file.
    pub what: String,
    /// Why.
    pub findings: Vec<Finding>,
}

/// Everything of one project that a run needs, read at one instant.
pub struct ProjectView {
    /// The project.
    pub project: Project,
    /// Its processes with their releases, oldest first.
    pub processes: Vec<(Process, Vec<Release>)>,
    /// Accepted and published follow-ups, oldest first.
    pub follow_ups: Vec<StoredFollowUp>,
}

/// Publishes what is queued. Gives the note, or none when there was nothing to do.
///
/// # Errors
/// The disk or the database; the last good version stays.
pub fn run(endpoint: &Endpoint) -> Result<Option<Note>> {
    let _alone = lock(endpoint)?;
    let jobs = endpoint.store.read()?.jobs(JobKind::Publish, endpoint.now(), BATCH)?;
    if jobs.is_empty() {
        return Ok(None);
    }
    let public = endpoint.config.public();
    let now = endpoint.now();
    let mut note = Note::default();
    let mut done: Vec<Written> = Vec::new();
    // What is held back again was told the first time.
    let mut is_news = false;
    let n = endpoint.store.read()?.runs(1)?.first().map_or(0, |run| run.n) + 1;
    for job in &jobs {
        endpoint.pushes.give_way(endpoint);
        let Some(view) = view(endpoint, &job.key)? else {
            let tx = endpoint.store.begin()?;
            tx.finish_job(JobKind::Publish, &job.key)?;
            tx.commit()?;
            continue;
        };
        let outcome = match project_files(endpoint, view, (now, n), &public) {
            Ok(Ok(written)) => {
                note.projects.push(written.view.project.folio.clone());
                done.push(written);
                continue;
            }
            Ok(Err(held)) => held,
            // A project that cannot be written never stops the others.
            Err(error) => HeldBack {
                project: job.key.clone(),
                what: "files".into(),
                findings: vec![refusal("not-written", &format!("{error:#}"))],
            },
        };
        tracing::warn!(project = outcome.project, what = outcome.what, findings = ?outcome.findings, "held back");
        let tx = endpoint.store.begin()?;
        let reason = serde_json::to_string(&outcome.findings)?;
        tx.fail_job(JobKind::Publish, &job.key, &reason, accept::again(endpoint, job.attempts))?;
        tx.commit()?;
        is_news |= job.attempts == 0;
        note.held.push(outcome);
    }
    if done.is_empty() && !is_news {
        return Ok(Some(note));
    }
    let views = done.iter().flat_map(|written| &written.view.processes).flat_map(|(_, releases)| releases);
    let fresh = views.filter(|release| release.published_at.is_none());
    note.releases.extend(fresh.map(|release| release.id.clone()));
    let this = Run { n, at: now, note: serde_json::to_value(&note)? };
    let told = switch(endpoint, &done, &this).and_then(|changed| record(endpoint, &done, &this, &changed));
    match told {
        // That nothing could be written is known already; that it cannot be told either is no other trouble.
        Err(error) if done.is_empty() => {
            tracing::warn!(error = format!("{error:#}"), "what was held back could not be told");
        }
        told => told?,
    }
    Ok(Some(note))
}

/// A project whose files are written, and nothing names them yet.
struct Written {
    view: ProjectView,
    files: Vec<PublishedFile>,
    page: String,
}

/// One publisher at a time on a folder: `serve` and `publish` may both be running. Held until it is dropped.
fn lock(endpoint: &Endpoint) -> Result<File> {
    let lock = File::create(endpoint.config.data.join("publish.lock")).context("publish.lock")?;
    lock.lock().context("publish.lock")?;
    Ok(lock)
}

fn refusal(rule: &str, detail: &str) -> Finding {
    Finding {
        pointer: String::new(),
        rule: rule.into(),
        severity: Severity::Error,
        params: [("detail".to_owned(), json!(detail))].into_iter().collect(),
    }
}

fn view(endpoint: &Endpoint, folio: &str) -> Result<Option<ProjectView>> {
    let tx = endpoint.store.read()?;
    let Some(project) = tx.project(folio)? else {
        return Ok(None);
    };
    let mut processes = Vec::new();
    for process in tx.processes(folio)? {
        let releases = tx.releases(&process.ocid)?;
        processes.push((process, releases));
    }
    let mut follow_ups = tx.follow_ups(folio)?;
    // One that was replaced before it was ever accepted was never public; one that was stays in the history.
    follow_ups.retain(|stored| match stored.state {
        State::Accepted | State::Published => true,
        State::Superseded => stored.release_id.is_some(),
        _ => false,
    });
    Ok(Some(ProjectView { project, processes, follow_ups }))
}

/// Writes the files of a project: evidence, releases, records. Nothing names the new ones yet.
fn project_files(
    endpoint: &Endpoint,
    view: ProjectView,
    (now, run): (DateTime<Utc>, u64),
    public: &Path,
) -> Result<std::result::Result<Written, HeldBack>> {
    let folio = &view.project.folio;
    if let Some(held) = check(endpoint, &view, now) {
        return Ok(Err(held));
    }
    for file in view.follow_ups.iter().flat_map(|stored| &stored.follow_up.evidence) {
        let target = public.join(public_path(file).trim_start_matches('/'));
        if target.exists() {
            continue;
        }
        let source = endpoint.evidence_path(&file.sha256);
        let original = fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
        match media::published_copy(&original, file.media_type) {
            Ok(bytes) => write::once(&target, &bytes)?,
            Err(error) => {
                return Ok(Err(HeldBack {
                    project: folio.clone(),
                    what: file.sha256.clone(),
                    findings: vec![refusal("evidence-not-publishable", &format!("{error:#}"))],
                }));
            }
        }
    }
    let publication = endpoint.config.publication();
    let root = &endpoint.config.municipality.public_url;
    let mut files = Vec::new();
    for (process, releases) in &view.processes {
        let ocid = &process.ocid;
        let fresh: Vec<&Release> = releases.iter().filter(|release| release.published_at.is_none()).collect();
        // A process without a new release keeps its files as they are: what is public never changes, whatever the
        // configuration says today.
        let Some(last) = fresh.last() else { continue };
        for release in &fresh {
            let path = format!("/ocds/releases/{ocid}/{}.json", release.id);
            let uri = format!("{root}{path}");
            let package =
                ocds::package::releases(&publication, &uri, release.date, vec![release.body.clone()]);
            let bytes = pretty(&package)?;
            let written = write::once(&public.join(&path[1..]), &bytes);
            if !seeded::is(Bug::IndexBeforeFiles) {
                written?;
            }
            files.push(named(path, "release", ocid, &bytes, release.date));
        }
        let bodies: Vec<Value> = releases.iter().map(|release| release.body.clone()).collect();
        let record = ocds::package::record(ocds::merge::Rules::profile(), &bodies, false)
            .map_err(|error| anyhow::anyhow!("{ocid}: {error}"))?;
        let path = format!("/ocds/records/{ocid}/{}.json", last.sequence);
        let package = ocds::package::records(&publication, &format!("{root}{path}"), last.date, vec![record]);
        let bytes = pretty(&package)?;
        write::once(&public.join(&path[1..]), &bytes)?;
        write::replace(&public.join(format!("ocds/records/{ocid}.json")), &bytes)?;
        files.push(named(path, "record", ocid, &bytes, last.date));
    }
    let page = site::project_page(endpoint, &view, now, run)?;
    Ok(Ok(Written { view, files, page }))
}

fn named(path: String, kind: &str, ocid: &str, bytes: &[u8], changed: DateTime<Utc>) -> PublishedFile {
    PublishedFile {
        path,
        kind: kind.to_owned(),
        ocid: ocid.to_owned(),
        count: 1,
        bytes: bytes.len() as u64,
        sha256: domain::receipt::sha256_hex(bytes),
        changed,
    }
}

fn pretty(package: &Value) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(package)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The last look before anything is written: each new release against the schema and the rules.
fn check(endpoint: &Endpoint, view: &ProjectView, now: DateTime<Utc>) -> Option<HeldBack> {
    for (_, releases) in &view.processes {
        let bodies: Vec<Value> = releases.iter().map(|release| release.body.clone()).collect();
        for (index, release) in
            releases.iter().enumerate().filter(|(_, release)| release.published_at.is_none())
        {
            let context = ocds::check::Context {
                prefix: Some(&endpoint.config.municipality.prefix),
                earlier: &bodies[..index],
                // A release accepted in the same millisecond as another is dated after it.
                now: now.max(release.date),
            };
            let mut findings = ocds::check::release(&release.body, &context);
            findings.retain(|finding| finding.severity == Severity::Error);
            if !findings.is_empty() {
                return Some(HeldBack {
                    project: view.project.folio.clone(),
                    what: release.id.clone(),
                    findings,
                });
            }
        }
    }
    None
}

/// Makes again what can be made from the database and from the files that never change: the present record of each
/// process, the pages and the catalogue. After a restore: those of the backup's day would name what it does not have.
/// The files of everything are made by whoever publishes next.
///
/// # Errors
/// The disk or the database.
pub fn rebuild(endpoint: &Endpoint) -> Result<()> {
    let public = endpoint.config.public();
    let now = endpoint.now();
    let (projects, files, runs) = {
        let tx = endpoint.store.read()?;
        (tx.projects()?, tx.published_files()?, tx.runs(usize::MAX)?)
    };
    for file in files.iter().filter(|file| file.kind == "record") {
        let source = public.join(file.path.trim_start_matches('/'));
        // One that the backup did not find either: said there.
        if source.exists() {
            let bytes = fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
            write::replace(&public.join(format!("ocds/records/{}.json", file.ocid)), &bytes)?;
        }
    }
    let last = runs.first().map_or(0, |run| run.n);
    for run in &runs {
        let (path, page) = site::runs::page(endpoint, &*endpoint.store.read()?, run)?;
        write::replace(&public.join(path), page.as_bytes())?;
    }
    for project in projects.into_iter().filter(|project| project.published_at.is_some()) {
        let Some(mut view) = view(endpoint, &project.folio)? else { continue };
        // What was accepted and not out yet is the next run's, with its files.
        view.follow_ups.retain(|stored| stored.state != State::Accepted);
        for (_, releases) in &mut view.processes {
            releases.retain(|release| release.published_at.is_some());
        }
        let page = site::project_page(endpoint, &view, now, last)?;
        write::replace(&page_path(&public, &project.folio), page.as_bytes())?;
    }
    let tx = endpoint.store.read()?;
    for (path, page) in common_pages(endpoint, &*tx, &[], &runs, now)? {
        write::replace(&public.join(path), page.as_bytes())?;
    }
    let changed = catalog::parts(endpoint, &*tx, &[], true)?;
    drop(tx);
    for part in &changed.parts {
        made::name(&public, part, None)?;
    }
    catalog::write(endpoint, &changed.parts, (now, last))?;
    let tx = endpoint.store.begin()?;
    // What the backup's day had of the files of everything is not here.
    for file in tx.made_files()? {
        tx.forget_made_file(&file.name)?;
    }
    changed.keep(&*tx)?;
    tx.commit()?;
    Ok(())
}

/// Writes a page unless the one that is there says the same: it keeps saying when that was made, and by which run.
fn write_page(path: &Path, page: &str) -> Result<()> {
    let known = fs::read_to_string(path).unwrap_or_default();
    if site::substance(&known) == site::substance(page) {
        return Ok(());
    }
    write::replace(path, page.as_bytes())
}

/// Removes the lists of áreas and places that no project has any more, once nothing leads to them.
fn forget_lists(public: &Path, pages: &[(std::path::PathBuf, String)]) -> Result<()> {
    for word in ["area", "lugar"] {
        let folder = public.join(word);
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry?.path();
            let is_named = pages.iter().any(|(page, _)| public.join(page).starts_with(&path));
            if !is_named {
                fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
    }
    Ok(())
}

fn page_path(public: &Path, folio: &str) -> std::path::PathBuf {
    public.join("proyectos").join(folio).join("index.html")
}

/// The pages that name everything, with the projects that a run has just written.
fn common_pages(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    done: &[Written],
    runs: &[Run],
    now: DateTime<Utc>,
) -> Result<Vec<(std::path::PathBuf, String)>> {
    let fresh: Vec<&str> = done.iter().map(|written| written.view.project.folio.as_str()).collect();
    let mut projects = tx.projects()?;
    projects.retain(|project| project.published_at.is_some() || fresh.contains(&project.folio.as_str()));
    let mut listed = Vec::with_capacity(projects.len());
    for project in projects {
        let processes = tx.processes(&project.folio)?;
        listed.push(site::Listed::new(project, &processes));
    }
    let run = runs.first().map_or(0, |run| run.n);
    let mut pages = site::runs::lists(endpoint, tx, runs, now)?;
    pages.extend(site::common_pages(endpoint, &listed, now, run)?);
    Ok(pages)
}

/// The pages and the catalogue that name everything; the catalogue last. Gives what of the catalogue is new.
fn switch(endpoint: &Endpoint, done: &[Written], run: &Run) -> Result<catalog::Changed> {
    let public = endpoint.config.public();
    let tx = endpoint.store.read()?;
    let known = tx.made_files()?;
    let files: Vec<&PublishedFile> = done.iter().flat_map(|written| &written.files).collect();
    let changed = catalog::parts(endpoint, &*tx, &files, false)?;
    let mut runs = vec![run.clone()];
    runs.extend(tx.runs(site::runs::LISTED)?);
    // Before the pages that name it.
    let (path, page) = site::runs::page(endpoint, &*tx, run)?;
    write::replace(&public.join(path), page.as_bytes())?;
    for written in done {
        write::replace(&page_path(&public, &written.view.project.folio), written.page.as_bytes())?;
    }
    let pages = common_pages(endpoint, &*tx, done, &runs, run.at)?;
    for (path, page) in &pages {
        // The index always says until when the data go.
        if path == Path::new("index.html") {
            write::once(&public.join(path), page.as_bytes())?;
        } else {
            write_page(&public.join(path), page)?;
        }
    }
    forget_lists(&public, &pages)?;
    drop(tx);
    let mut named: BTreeMap<&str, &crate::store::parts::MadeFile> =
        known.iter().map(|file| (file.name.as_str(), file)).collect();
    for part in &changed.parts {
        made::name(&public, part, named.get(part.name.as_str()).copied())?;
        named.insert(&part.name, part);
    }
    let named: Vec<_> = named.into_values().cloned().collect();
    catalog::write(endpoint, &named, (run.at, run.n))?;
    Ok(changed)
}

/// Once the files are out: releases and follow-ups are published, and devices learn it. In several transactions, so
/// that whoever sends does not wait for all of it; the note is in the first, because the files are named already. What
/// a run that is killed between them leaves over is queued, and the next run finds its files as they are.
fn record(endpoint: &Endpoint, done: &[Written], run: &Run, changed: &catalog::Changed) -> Result<()> {
    let mut told = false;
    let mut left = done;
    while !(left.is_empty() && told) {
        endpoint.pushes.give_way(endpoint);
        let tx = endpoint.store.begin()?;
        let since = Instant::now();
        let mut entries = Vec::new();
        while let Some((written, rest)) = left.split_first() {
            record_one(endpoint, &*tx, written, &mut entries, run.at)?;
            left = rest;
            if since.elapsed() >= HOLD {
                break;
            }
        }
        tx.append(entries, run.at)?;
        if !told {
            tx.add_run(&run.note, run.at)?;
            changed.keep(&*tx)?;
            told = true;
        }
        tx.commit()?;
    }
    Ok(())
}

fn record_one(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    Written { view, files, .. }: &Written,
    entries: &mut Vec<Entry>,
    now: DateTime<Utc>,
) -> Result<()> {
    let municipality = &endpoint.config.municipality;
    let folio = &view.project.folio;
    for file in files {
        tx.put_published_file(file)?;
    }
    for (process, releases) in &view.processes {
        if let Some(last) = releases.last() {
            tx.mark_published(&process.ocid, last.sequence, now)?;
        }
    }
    let Some(mut project) = tx.project(folio)? else {
        return Ok(());
    };
    for stored in view.follow_ups.iter().filter(|stored| stored.state == State::Accepted) {
        // Read again: it may have been replaced by its correction since.
        let Some(mut stored) = tx.follow_up(stored.follow_up.id)? else {
            continue;
        };
        if stored.state.may_become(State::Published) && stored.state == State::Accepted {
            stored.state = State::Published;
            tx.update_follow_up(&stored)?;
            entries.extend(follow_up_entries(municipality, Some(&project), &stored)?);
        }
    }
    if project.published_at.is_none() {
        project.published_at = Some(now);
        tx.put_project(&project)?;
        entries.extend(project_entries(tx, municipality, &project)?);
    }
    tx.finish_job(JobKind::Publish, folio)?;
    // What was accepted while this run was writing is the next run's.
    let seen: usize = view.processes.iter().map(|(_, releases)| releases.len()).sum();
    let present: u64 = tx.versions(folio)?.into_iter().map(|(_, releases)| releases).sum();
    if present != seen as u64 || tx.any_follow_up(folio, State::Accepted)? {
        tx.queue(JobKind::Publish, folio, now)?;
    }
    Ok(())
}
