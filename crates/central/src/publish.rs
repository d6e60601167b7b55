//! Publication: from accepted releases to files that any web server can serve.
//!
//! A run follows what changed, not what exists. Files that never change are written first, aliases and pages are
//! replaced by renaming, and the catalogue is switched last: a reader never sees half a run, and a run that is killed
//! anywhere is taken up again by the next one, because its jobs are still queued.

use std::collections::BTreeMap;
use std::fs::{self, File};
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
use crate::store::{Entry, JobKind, Process, Project, PublishedFile, Release, StoredFollowUp, Tx};

pub mod media;
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
    // One publisher at a time on a folder: `serve` and `publish` may both be running.
    let lock = File::create(endpoint.config.data.join("publish.lock")).context("publish.lock")?;
    lock.lock().context("publish.lock")?;
    let jobs = endpoint.store.read()?.jobs(JobKind::Publish, endpoint.now(), BATCH)?;
    if jobs.is_empty() {
        return Ok(None);
    }
    let public = endpoint.config.public();
    let now = endpoint.now();
    let mut note = Note::default();
    let mut done: Vec<(ProjectView, Vec<PublishedFile>)> = Vec::new();
    for job in &jobs {
        endpoint.pushes.give_way(endpoint);
        let Some(view) = view(endpoint, &job.key)? else {
            let tx = endpoint.store.begin()?;
            tx.finish_job(JobKind::Publish, &job.key)?;
            tx.commit()?;
            continue;
        };
        let outcome = match project_files(endpoint, &view, now, &public) {
            Ok(Ok(files)) => {
                note.projects.push(view.project.folio.clone());
                done.push((view, files));
                continue;
            }
            Ok(Err(held)) => held,
            // A project that cannot be written never stops the others.
            Err(error) => HeldBack {
                project: view.project.folio.clone(),
                what: "files".into(),
                findings: vec![refusal("not-written", &format!("{error:#}"))],
            },
        };
        tracing::warn!(project = outcome.project, what = outcome.what, findings = ?outcome.findings, "held back");
        let tx = endpoint.store.begin()?;
        let reason = serde_json::to_string(&outcome.findings)?;
        tx.fail_job(JobKind::Publish, &job.key, &reason, accept::again(endpoint, job.attempts))?;
        tx.commit()?;
        note.held.push(outcome);
    }
    if done.is_empty() {
        return Ok(Some(note));
    }
    switch(endpoint, &done, now)?;
    record(endpoint, &done, &mut note, now)?;
    Ok(Some(note))
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

/// Writes the files of a project: evidence, releases, records, page. Nothing names the new ones yet.
fn project_files(
    endpoint: &Endpoint,
    view: &ProjectView,
    now: DateTime<Utc>,
    public: &std::path::Path,
) -> Result<std::result::Result<Vec<PublishedFile>, HeldBack>> {
    let folio = &view.project.folio;
    if let Some(held) = check(endpoint, view, now) {
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
    let page = site::project_page(endpoint, view, now)?;
    write::replace(&public.join("proyectos").join(folio).join("index.html"), page.as_bytes())?;
    Ok(Ok(files))
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
///
/// # Errors
/// The disk or the database.
pub fn rebuild(endpoint: &Endpoint) -> Result<()> {
    let public = endpoint.config.public();
    let now = endpoint.now();
    let (projects, files) = {
        let tx = endpoint.store.read()?;
        (tx.projects()?, tx.published_files()?)
    };
    for file in files.iter().filter(|file| file.kind == "record") {
        let source = public.join(file.path.trim_start_matches('/'));
        // One that the backup did not find either: said there.
        if source.exists() {
            let bytes = fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
            write::replace(&public.join(format!("ocds/records/{}.json", file.ocid)), &bytes)?;
        }
    }
    for project in projects.into_iter().filter(|project| project.published_at.is_some()) {
        let Some(mut view) = view(endpoint, &project.folio)? else { continue };
        // What was accepted and not out yet is the next run's, with its files.
        view.follow_ups.retain(|stored| stored.state != State::Accepted);
        for (_, releases) in &mut view.processes {
            releases.retain(|release| release.published_at.is_some());
        }
        let page = site::project_page(endpoint, &view, now)?;
        write::replace(&public.join("proyectos").join(&project.folio).join("index.html"), page.as_bytes())?;
    }
    switch(endpoint, &[], now)
}

/// The pages and the catalogue that name everything; the catalogue last.
fn switch(endpoint: &Endpoint, done: &[(ProjectView, Vec<PublishedFile>)], now: DateTime<Utc>) -> Result<()> {
    let public = endpoint.config.public();
    let tx = endpoint.store.read()?;
    let mut catalog: BTreeMap<String, PublishedFile> =
        tx.published_files()?.into_iter().map(|file| (file.path.clone(), file)).collect();
    for file in done.iter().flat_map(|(_, files)| files) {
        if file.kind == "record" {
            catalog.retain(|_, known| known.kind != "record" || known.ocid != file.ocid);
        }
        catalog.insert(file.path.clone(), file.clone());
    }
    let fresh: Vec<&str> = done.iter().map(|(view, _)| view.project.folio.as_str()).collect();
    let mut projects = tx.projects()?;
    projects.retain(|project| project.published_at.is_some() || fresh.contains(&project.folio.as_str()));
    let mut listed = Vec::with_capacity(projects.len());
    for project in projects {
        let processes = tx.processes(&project.folio)?;
        listed.push((project, processes));
    }
    drop(tx);
    for (path, page) in site::common_pages(endpoint, &listed, now)? {
        write::replace(&public.join(path), page.as_bytes())?;
    }
    let municipality = &endpoint.config.municipality;
    let files: Vec<Value> = catalog
        .values()
        .map(|file| {
            json!({
                "path": file.path, "kind": file.kind, "ocid": file.ocid, "count": file.count, "bytes": file.bytes,
                "sha256": file.sha256, "changed": domain::release::instant(file.changed),
            })
        })
        .collect();
    let catalog = json!({
        "publisher": municipality.name,
        "license": endpoint.config.license,
        "publicationPolicy": endpoint.config.policy_url,
        "dataAt": domain::release::instant(now),
        "history": format!("/{}", crate::roots::INDEX),
        "files": files,
    });
    write::replace(&public.join("ocds/catalog.json"), &pretty(&catalog)?)
}

/// Once the files are out: releases and follow-ups are published, and devices learn it. In several transactions, so
/// that whoever sends does not wait for all of it; the note is in the first, because the files are named already. What
/// a run that is killed between them leaves over is queued, and the next run finds its files as they are.
fn record(
    endpoint: &Endpoint,
    done: &[(ProjectView, Vec<PublishedFile>)],
    note: &mut Note,
    now: DateTime<Utc>,
) -> Result<()> {
    let processes = done.iter().flat_map(|(view, _)| &view.processes);
    let fresh = processes.flat_map(|(_, releases)| releases).filter(|release| release.published_at.is_none());
    note.releases.extend(fresh.map(|release| release.id.clone()));
    let mut note = Some(serde_json::to_value(&*note)?);
    let mut left = done;
    while !left.is_empty() {
        endpoint.pushes.give_way(endpoint);
        let tx = endpoint.store.begin()?;
        let since = Instant::now();
        let mut entries = Vec::new();
        while let Some(((view, files), rest)) = left.split_first() {
            record_one(endpoint, &*tx, view, files, &mut entries, now)?;
            left = rest;
            if since.elapsed() >= HOLD {
                break;
            }
        }
        tx.append(entries, now)?;
        if let Some(note) = note.take() {
            tx.add_run(&note, now)?;
        }
        tx.commit()?;
    }
    Ok(())
}

fn record_one(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    view: &ProjectView,
    files: &[PublishedFile],
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
