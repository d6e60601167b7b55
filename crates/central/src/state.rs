//! The authoritative state of records, as streams carry it.

use domain::follow_up::FollowUpState;
use domain::history::ChangeKind;
use domain::person::area_id;
use domain::project::{ProcessState, ProjectState};
use domain::release::Basis;
use domain::wire::{COMMON, MunicipalityCard, area_stream};
use serde_json::Value;

use crate::store::{Entry, Process, Project, Result, StoreError, StoredFollowUp, Tx};

/// Streams a project is carried by: one per área, or the common one until it is assigned.
pub fn streams_of(areas: &[String]) -> Vec<String> {
    if areas.is_empty() {
        return vec![COMMON.to_owned()];
    }
    let mut streams: Vec<String> = areas.iter().map(|area| area_stream(&area_id(area))).collect();
    streams.sort();
    streams.dedup();
    streams
}

/// What a follow-up of this process is laid upon. `earlier` is the compiled release alone, exactly as on a device:
/// both sides find the same.
pub fn basis<'a>(municipality: &'a MunicipalityCard, process: &'a Process) -> Basis<'a> {
    Basis {
        prefix: &municipality.prefix,
        ocid: &process.ocid,
        compiled: &process.compiled,
        earlier: std::slice::from_ref(&process.compiled),
        offset_minutes: municipality.offset_minutes,
        public_url: &municipality.public_url,
    }
}

/// Address of a project's public page.
pub fn page_url(municipality: &MunicipalityCard, folio: &str) -> String {
    format!("{}/proyectos/{folio}/", municipality.public_url)
}

/// State of a project with its processes.
pub fn project_state(
    tx: &dyn Tx,
    municipality: &MunicipalityCard,
    project: &Project,
) -> Result<ProjectState> {
    let processes = tx.processes(&project.folio)?;
    Ok(ProjectState {
        folio: project.folio.clone(),
        title: project.title.clone(),
        areas: project.areas.clone(),
        place: project.place.clone(),
        processes: processes
            .into_iter()
            .map(|process| ProcessState {
                ocid: process.ocid,
                version: process.version,
                compiled: process.compiled,
            })
            .collect(),
        progress: project.progress.clone(),
        url: project.published_at.map(|_| page_url(municipality, &project.folio)),
    })
}

/// State of a follow-up: no internal notes, no names.
pub fn follow_up_state(municipality: &MunicipalityCard, stored: &StoredFollowUp) -> FollowUpState {
    let follow_up = &stored.follow_up;
    let published = stored.state == domain::follow_up::State::Published;
    FollowUpState {
        id: follow_up.id,
        op_id: stored.op_id,
        folio: follow_up.folio(),
        project: follow_up.project.clone(),
        ocid: follow_up.ocid.clone(),
        area: stored.area_id.clone(),
        stage: follow_up.content.stage,
        state: stored.state,
        held: stored.held.clone(),
        captured_at: stored.captured_at,
        visited_on: follow_up.content.visited_on,
        progress: follow_up.content.progress,
        evidence: follow_up.evidence.clone(),
        findings: stored.findings.clone(),
        conflict: stored.conflict.clone().map(Box::new),
        review: stored.review.clone().map(|mut review| {
            review.content = domain::review::shows_content(stored.state)
                .then(|| Box::new(domain::review::shown(&follow_up.content)));
            Box::new(review)
        }),
        release_id: stored.release_id.clone(),
        url: published.then(|| page_url(municipality, &follow_up.project)),
    }
}

/// Entries that tell every stream of a project about a record.
pub fn entries(
    streams: &[String],
    kind: ChangeKind,
    record_id: &str,
    state: &impl serde::Serialize,
) -> Result<Vec<Entry>> {
    let state: Value = serde_json::to_value(state).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(streams
        .iter()
        .map(|stream| Entry {
            stream: stream.clone(),
            kind,
            record_id: record_id.to_owned(),
            state: state.clone(),
        })
        .collect())
}

/// Entries of a project's present state.
pub fn project_entries(
    tx: &dyn Tx,
    municipality: &MunicipalityCard,
    project: &Project,
) -> Result<Vec<Entry>> {
    let state = project_state(tx, municipality, project)?;
    entries(&streams_of(&project.areas), ChangeKind::Project, &project.folio, &state)
}

/// Streams that carry a follow-up: those of its project and always that of its author's área: a project may be assigned
/// elsewhere, and whoever captured must still learn what became of it.
pub fn follow_up_streams(project: Option<&Project>, stored: &StoredFollowUp) -> Vec<String> {
    let mut streams = project.map(|project| streams_of(&project.areas)).unwrap_or_default();
    // So must whoever captured what stands against it.
    let others = stored.conflict.iter().flat_map(|conflict| &conflict.standing);
    let others = others.filter_map(|standing| standing.author.as_ref()).map(|author| area_id(&author.area));
    for area in std::iter::once(stored.area_id.clone()).chain(others) {
        let own = area_stream(&area);
        // Everybody reads the common stream; one more copy would say nothing new.
        if !streams.contains(&own) && !streams.iter().any(|stream| stream == COMMON) {
            streams.push(own);
        }
    }
    streams
}

/// Entries of a follow-up's present state, in every stream that carries it.
pub fn follow_up_entries(
    municipality: &MunicipalityCard,
    project: Option<&Project>,
    stored: &StoredFollowUp,
) -> Result<Vec<Entry>> {
    let streams = follow_up_streams(project, stored);
    let state = follow_up_state(municipality, stored);
    entries(&streams, ChangeKind::FollowUp, &stored.follow_up.id.to_string(), &state)
}
