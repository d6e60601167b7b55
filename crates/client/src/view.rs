//! What people see: the base with what is still here laid upon it.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::alert::{Light, light};
use domain::command::{
    FollowUpRow, Lack, ListedProject, ProjectDetail, ProjectList, ProjectListQuery, ProjectRow, RescueCopy,
    Status, Todo, TodoKind, Tray,
};
use domain::follow_up::{FollowUpFile, FollowUpState, Held, Progress, State};
use domain::form::Form;
use domain::place::Position;
use domain::problem::{Code, Problem};
use domain::release::{Basis, fragment, stamp};
use domain::wire::{Base, MunicipalityCard};
use ocds::merge::{Rules, compiled};
use rusqlite::Connection;
use serde_json::Value;
use uuid::Uuid;

use crate::error::Error;
use crate::evidence;
use crate::store::base;
use crate::store::drafts::{self, StoredDraft};
use crate::store::outbox::{self, Queued};
use crate::store::projects::{self, Card, Day, Listed};
use crate::store::{files, forms, meta, reviews};
use crate::sync::link::Link;

/// What a follow-up of one process is laid upon, now and here.
pub(crate) struct Ground {
    municipality: MunicipalityCard,
    pub(crate) ocid: String,
    pub(crate) compiled: Value,
    earlier: Vec<Value>,
    /// Releases of the process that the endpoint had.
    pub(crate) version: u64,
    /// Epoch of the endpoint in which it had them.
    pub(crate) epoch: Option<Uuid>,
    /// Own operations on the process that are under way: the base does not carry them yet.
    pub(crate) after: Vec<Uuid>,
    /// Own operations on the process that the base carries.
    pub(crate) accepted: Vec<Uuid>,
    /// The instant to check against: never before the last release, whatever this equipment's clock says.
    pub(crate) now: DateTime<Utc>,
}

impl Ground {
    /// Nothing known of the process: what was typed is still read and kept.
    pub(crate) fn unknown(municipality: MunicipalityCard, ocid: &str, now: DateTime<Utc>) -> Ground {
        let (compiled, earlier) = (Value::Null, Vec::new());
        Ground {
            municipality,
            ocid: ocid.to_owned(),
            compiled,
            earlier,
            version: 0,
            epoch: None,
            after: Vec::new(),
            accepted: Vec::new(),
            now,
        }
    }

    /// The base of a process with own follow-ups laid upon it in order.
    pub(crate) fn of(
        connection: &Connection,
        municipality: MunicipalityCard,
        folio: &str,
        ocid: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Ground>, Error> {
        let Some(project) = base::project(connection, folio)? else {
            return Ok(None);
        };
        let Some(process) = project.processes.into_iter().find(|process| process.ocid == ocid) else {
            return Ok(None);
        };
        let own = outbox::of_process(connection, ocid)?;
        let mut ground = Ground::unknown(municipality, ocid, now);
        ground.version = process.version;
        ground.epoch = base::pulling(connection)?.epoch;
        ground.rest_on(process.compiled);
        // What stands still, and what waits behind it: a new follow-up that followed one of these would wait too, also
        // when it is the correction that would free them.
        let mut still = HashSet::new();
        for queued in &own {
            let op_id = queued.operation.op_id;
            if queued.is_accepted() {
                ground.accepted.push(op_id);
            } else if !queued.is_under_way()
                || queued.operation.base.after.iter().any(|earlier| still.contains(earlier))
            {
                still.insert(op_id);
            } else {
                ground.after.push(op_id);
                ground.lay(queued);
            }
        }
        Ok(Some(ground))
    }

    /// What a follow-up that is captured now is based on.
    pub(crate) fn base(&self) -> Base {
        Base { server_version: self.version, after: self.after.clone(), epoch: self.epoch }
    }

    /// For the rules of `domain`.
    pub(crate) fn basis(&self) -> Basis<'_> {
        Basis {
            prefix: &self.municipality.prefix,
            ocid: &self.ocid,
            compiled: &self.compiled,
            earlier: &self.earlier,
            offset_minutes: self.municipality.offset_minutes,
            public_url: &self.municipality.public_url,
        }
    }

    pub(crate) fn currency(&self) -> &str {
        &self.municipality.currency
    }

    /// The day it is in the municipality.
    pub(crate) fn today(&self) -> chrono::NaiveDate {
        domain::release::today(self.now, self.municipality.offset_minutes)
    }

    fn rest_on(&mut self, compiled: Value) {
        if let Some(last) = compiled["date"].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok())
        {
            self.now = self.now.max(last.with_timezone(&Utc) + TimeDelta::milliseconds(1));
        }
        self.earlier = if compiled.as_object().is_some_and(|object| !object.is_empty()) {
            vec![compiled.clone()]
        } else {
            Vec::new()
        };
        self.compiled = compiled;
    }

    /// Lays one own follow-up upon it. Best effort: what no longer fits is left for the endpoint to say.
    fn lay(&mut self, queued: &Queued) {
        let Ok(follow_up) = queued.follow_up() else { return };
        let Ok(fragment) = fragment(&follow_up, &self.basis()) else {
            return;
        };
        if fragment.is_empty() {
            return;
        }
        let Ok(release) = stamp(&fragment, &self.basis(), self.earlier.len() as u64 + 1, self.now) else {
            return;
        };
        let mut releases = self.earlier.clone();
        releases.push(release);
        if let Ok(merged) = compiled(Rules::profile(), &releases) {
            self.rest_on(merged.value);
        }
    }
}

/// Progress and place of the latest follow-up of each project, sent or not: own ones first, then what the endpoint
/// accepted.
struct Latest {
    progress: HashMap<String, (Progress, Option<String>)>,
    positions: HashMap<String, Position>,
}

impl Latest {
    fn own(connection: &Connection) -> Result<(Latest, HashMap<String, u32>), Error> {
        let (mut latest, mut positions) = (HashMap::new(), HashMap::new());
        let mut waiting: HashMap<String, u32> = HashMap::new();
        for queued in outbox::unsettled(connection)? {
            if matches!(queued.state, State::Ready | State::Parked) {
                *waiting.entry(queued.project.clone()).or_default() += 1;
            }
            let Ok(follow_up) = queued.follow_up() else { continue };
            let content = follow_up.content;
            if let Some(position) = Position::of_release(&Value::Object(content.release)) {
                positions.insert(queued.project.clone(), position);
            }
            if let Some(progress) = content.progress {
                latest.insert(queued.project, (progress, content.visited_on.map(|day| day.to_string())));
            }
        }
        Ok((Latest { progress: latest, positions }, waiting))
    }

    fn of(&self, folio: &str, card: &Card) -> (Progress, Option<String>) {
        self.progress.get(folio).cloned().unwrap_or_else(|| match &card.progress {
            Some(latest) => (latest.progress, latest.visited_on.map(|day| day.to_string())),
            None => (Progress::default(), None),
        })
    }
}

/// Progress and day of the latest follow-up of a project.
pub(crate) fn latest(connection: &Connection, folio: &str) -> Result<(Progress, Option<String>), Error> {
    let (own, _) = Latest::own(connection)?;
    Ok(own.of(folio, &card_or_folio(connection, folio)?))
}

/// The card of a project. Of one that is no longer in scope its folio is all that is known, and its title as long as it
/// is told that it left.
fn card_or_folio(connection: &Connection, folio: &str) -> Result<Card, Error> {
    if let Some(card) = projects::card(connection, folio)? {
        return Ok(card);
    }
    let title = projects::departed_title(connection, folio)?;
    Ok(unknown_card(title.unwrap_or_else(|| folio.to_owned())))
}

fn unknown_card(title: String) -> Card {
    Card {
        title,
        place: None,
        areas: Vec::new(),
        ocid: String::new(),
        budget: None,
        progress: None,
        position: None,
    }
}

/// Projects in scope that match a text.
pub(crate) fn projects(connection: &Connection, text: &str) -> Result<Vec<ProjectRow>, Error> {
    rows(connection, projects::all(connection, text)?)
}

fn rows(connection: &Connection, cards: Vec<(String, Card)>) -> Result<Vec<ProjectRow>, Error> {
    let (own, waiting) = Latest::own(connection)?;
    let mut newest: HashMap<String, Uuid> = HashMap::new();
    for (id, project) in drafts::by_project(connection)? {
        newest.entry(project).or_insert(id);
    }
    Ok(cards
        .into_iter()
        .map(|(folio, card)| {
            let (progress, visited_on) = own.of(&folio, &card);
            ProjectRow {
                waiting: waiting.get(&folio).copied().unwrap_or(0),
                draft: newest.get(&folio).copied(),
                title: card.title,
                ocid: card.ocid,
                place: card.place,
                areas: card.areas,
                budget: card.budget,
                physical: progress.physical,
                financial: progress.financial,
                visited_on,
                position: own.positions.get(&folio).copied().or(card.position),
                folio,
            }
        })
        .collect())
}

/// A page of the list, each project with its light.
pub(crate) fn project_list(
    connection: &Connection,
    query: &ProjectListQuery,
    municipality: &MunicipalityCard,
    now: DateTime<Utc>,
) -> Result<ProjectList, Error> {
    let (listed, total) = projects::page(connection, query, &Day::of(municipality, now))?;
    let (mut cards, mut rest) = (Vec::new(), Vec::new());
    for Listed { folio, card, facts, alerts } in listed {
        cards.push((folio, card));
        rest.push((facts, alerts));
    }
    let rows = rows(connection, cards)?
        .into_iter()
        .zip(rest)
        .map(|(row, (facts, alerts))| ListedProject {
            row,
            stage: facts.stage,
            light: light(&alerts),
            last_on: facts.last.map(|day| day.to_string()),
            alerts,
        })
        .collect();
    Ok(ProjectList {
        rows,
        total,
        known: projects::known(connection)?,
        lights: projects::lights(connection)?,
        areas: projects::areas(connection)?,
    })
}

/// One project in the list; by its folio alone if it left the scope.
pub(crate) fn project_row(connection: &Connection, folio: &str) -> Result<ProjectRow, Error> {
    let card = card_or_folio(connection, folio)?;
    rows(connection, vec![(folio.to_owned(), card)])?.pop().ok_or(Error::Stored { what: "a project" })
}

/// One project with its history.
pub(crate) fn project(
    connection: &Connection,
    link: &Link,
    municipality: &MunicipalityCard,
    folio: &str,
    now: DateTime<Utc>,
) -> Result<ProjectDetail, Error> {
    let Some(project) = base::project(connection, folio)? else {
        return Err(Problem::new(Code::ProjectUnknown).with("folio", folio).into());
    };
    let row = project_row(connection, folio)?;
    let ground = Ground::of(connection, municipality.clone(), folio, &row.ocid, now)?;
    let own = outbox::of_project(connection, folio)?;
    let mut follow_ups = Vec::new();
    for draft in drafts::all(connection)?.iter().filter(|draft| draft.project == folio && !draft.discarded) {
        follow_ups.push(row_of_draft(connection, draft, &row.title)?);
    }
    for queued in &own {
        follow_ups.push(row_of_own(connection, link, queued, &row.title)?);
    }
    for state in base::follow_ups(connection, folio)? {
        if !own.iter().any(|queued| queued.operation.op_id == state.op_id) {
            follow_ups.push(row_of_central(state, &row.title));
        }
    }
    follow_ups.sort_by(|a, b| b.at.cmp(&a.at).then(b.id.cmp(&a.id)));
    as_captured(&mut follow_ups, &own);
    Ok(ProjectDetail {
        row,
        project,
        compiled: ground.map(|ground| ground.compiled).unwrap_or_default(),
        follow_ups,
        alerts: projects::listed(connection, folio, &Day::of(municipality, now))?
            .map(|listed| listed.alerts)
            .unwrap_or_default(),
    })
}

/// Puts what was captured here in the order in which it was, `own`, whatever the clock of this equipment said
/// meanwhile. Among those of others, whose order is theirs to claim, the places stay.
fn as_captured(rows: &mut [FollowUpRow], own: &[Queued]) {
    let order = |row: &FollowUpRow| own.iter().position(|queued| queued.operation.record_id == row.id);
    let (places, mut mine): (Vec<usize>, Vec<(usize, FollowUpRow)>) = rows
        .iter()
        .enumerate()
        .filter_map(|(place, row)| order(row).map(|order| (place, (order, row.clone()))))
        .unzip();
    mine.sort_by_key(|(order, _)| *order);
    for (place, (_, row)) in places.into_iter().zip(mine) {
        rows[place] = row;
    }
}

/// The person's follow-ups in order, what was discarded, and where their projects are.
pub(crate) struct Own {
    pub(crate) rows: Vec<FollowUpRow>,
    discarded: Vec<FollowUpRow>,
    places: BTreeMap<String, String>,
}

/// The person's follow-ups.
pub(crate) fn own(connection: &Connection, link: &Link) -> Result<Own, Error> {
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    let mut titles: HashMap<String, String> = HashMap::new();
    let mut title = |folio: &str| -> Result<String, Error> {
        if let Some(title) = titles.get(folio) {
            return Ok(title.clone());
        }
        let card = card_or_folio(connection, folio)?;
        titles.insert(folio.to_owned(), card.title.clone());
        places.extend(card.place.map(|place| (folio.to_owned(), place)));
        Ok(card.title)
    };
    let (mut rows, mut discarded) = (Vec::new(), Vec::new());
    for draft in drafts::all(connection)? {
        let row = row_of_draft(connection, &draft, &title(&draft.project)?)?;
        if draft.discarded { discarded.push(row) } else { rows.push(row) }
    }
    for queued in outbox::all(connection)? {
        rows.push(row_of_own(connection, link, &queued, &title(&queued.project)?)?);
    }
    let rank = |state: State| match state {
        State::Draft => 0,
        State::Ready | State::Sending | State::Parked => 1,
        _ => 2,
    };
    // Within each, as they were read: what was captured last comes first, whatever the clock said.
    rows.sort_by_key(|row| rank(row.state));
    Ok(Own { rows, discarded, places })
}

/// The person's follow-ups, and what waits for the person.
pub(crate) fn tray(
    connection: &Connection,
    link: &Link,
    enrolled: Option<&(MunicipalityCard, DateTime<Utc>)>,
) -> Result<Tray, Error> {
    let Own { rows, discarded, mut places } = own(connection, link)?;
    let mut waiting = Vec::new();
    if let Some((municipality, now)) = enrolled {
        let urgent = projects::urgent(connection, MOST_TODO, &Day::of(municipality, *now))?;
        places.extend(
            urgent.iter().filter_map(|listed| Some((listed.folio.clone(), listed.card.place.clone()?))),
        );
        waiting = todo(&rows, &attended(connection)?, urgent, *now);
    }
    Ok(Tray { counts: counts(rows.iter().map(|row| row.state)), rows, discarded, todo: waiting, places })
}

/// Most projects with alerts that the tray lists; the list of projects has them all.
const MOST_TODO: u32 = 500;

/// Follow-ups that came back and about which something is on its way: an answer, or a correction.
struct Attended {
    answered: HashSet<Uuid>,
    corrected: HashSet<String>,
}

fn attended(connection: &Connection) -> Result<Attended, Error> {
    let corrected = outbox::unsettled(connection)?
        .iter()
        .filter_map(|queued| queued.follow_up().ok()?.content.corrects)
        .collect();
    Ok(Attended { answered: reviews::on_their_way(connection)?, corrected })
}

/// Whether a follow-up waits for its author: it came back, or what is public of it is asked about.
fn came_back(row: &FollowUpRow, attended: &Attended) -> bool {
    let asked = row
        .central
        .as_ref()
        .and_then(|central| central.review.as_ref())
        .is_some_and(|review| !review.open().is_empty());
    let back =
        row.state == State::Observed || (asked && matches!(row.state, State::Accepted | State::Published));
    back && !attended.answered.contains(&row.id) && !attended.corrected.contains(&row.folio)
}

/// What waits for the person: what somebody must choose or mend first, then projects by urgency.
fn todo(rows: &[FollowUpRow], attended: &Attended, urgent: Vec<Listed>, now: DateTime<Utc>) -> Vec<Todo> {
    let review = |row: &FollowUpRow| row.central.as_ref()?.review.clone();
    let of_follow_up = |kind: TodoKind, row: &FollowUpRow| Todo {
        kind,
        project: row.project.clone(),
        title: row.title.clone(),
        id: Some(row.id),
        folio: Some(row.folio.clone()),
        days: {
            let back = review(row).and_then(|review| review.rounds.last().map(|round| round.at));
            (now - back.unwrap_or(row.at)).num_days().max(0)
        },
        due: review(row)
            .and_then(|review| review.open().iter().filter_map(|observation| observation.due).min())
            .map(|day| day.to_string()),
        light: Light::Late,
        alerts: Vec::new(),
        findings: row.central.as_ref().map_or(0, |central| central.findings.len() as u32),
    };
    let mut todo: Vec<Todo> = rows
        .iter()
        .filter_map(|row| match row.state {
            State::Conflict => Some(of_follow_up(TodoKind::Conflict, row)),
            _ if came_back(row, attended) => Some(of_follow_up(TodoKind::Observed, row)),
            _ => None,
        })
        .collect();
    todo.sort_by_key(|todo| (todo.kind, -todo.days));
    todo.extend(urgent.into_iter().map(|listed| Todo {
        kind: TodoKind::Alert,
        project: listed.folio,
        title: listed.card.title,
        id: None,
        folio: None,
        days: listed.alerts.first().map_or(0, |alert| alert.days),
        due: None,
        light: light(&listed.alerts),
        alerts: listed.alerts,
        findings: 0,
    }));
    todo
}

fn counts(states: impl Iterator<Item = State>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for state in states {
        *counts.entry(state.as_str().to_owned()).or_default() += 1;
    }
    counts
}

fn progress_of(content: &FollowUpFile) -> Progress {
    content.progress.unwrap_or_default()
}

fn row_of_draft(connection: &Connection, draft: &StoredDraft, title: &str) -> Result<FollowUpRow, Error> {
    let files = drafts::files(connection, draft.id)?;
    let progress = progress_of(&draft.content);
    Ok(FollowUpRow {
        id: draft.id,
        folio: domain::follow_up::folio(draft.id),
        project: draft.project.clone(),
        title: title.to_owned(),
        stage: draft.stage,
        state: State::Draft,
        visited_on: draft.content.visited_on.map(|day| day.to_string()),
        physical: progress.physical,
        financial: progress.financial,
        at: draft.updated_at,
        own: true,
        missing: draft.missing,
        files: files.len() as u32,
        files_waiting: files.len() as u32,
        bytes_waiting: files.iter().map(|file| file.size).sum(),
        problem: None,
        central: None,
        lacking: lacks(Some(&draft.form), &draft.content),
    })
}

/// What a follow-up says does not exist, in the words of its form.
fn lacks(form: Option<&Form>, content: &FollowUpFile) -> Vec<Lack> {
    let said = form.map(|form| form.lacks(&content.internal.lacking)).unwrap_or_default();
    said.into_iter().map(|(field, reason)| Lack { field, reason }).collect()
}

fn row_of_own(
    connection: &Connection,
    link: &Link,
    queued: &Queued,
    title: &str,
) -> Result<FollowUpRow, Error> {
    let follow_up = queued.follow_up()?;
    let files = files::counts_of(connection, queued.operation.op_id)?;
    let progress = progress_of(&follow_up.content);
    let now = link.now();
    let sending = now.sending.contains(&queued.operation.op_id) && queued.state == State::Ready;
    let state = if sending { State::Sending } else { queued.word() };
    let waits = matches!(state, State::Ready | State::Parked);
    let lacking = if follow_up.content.internal.lacking.is_empty() {
        Vec::new()
    } else {
        let form = forms::named(connection, follow_up.form.as_ref(), follow_up.content.stage)?;
        lacks(form.as_ref(), &follow_up.content)
    };
    Ok(FollowUpRow {
        id: follow_up.id,
        folio: queued.folio.clone(),
        project: queued.project.clone(),
        title: title.to_owned(),
        stage: follow_up.content.stage,
        state,
        visited_on: follow_up.content.visited_on.map(|day| day.to_string()),
        physical: progress.physical,
        financial: progress.financial,
        at: queued.operation.captured_at,
        own: true,
        missing: 0,
        files: files.files,
        files_waiting: files.waiting,
        bytes_waiting: files.bytes,
        problem: queued.problem.clone().or_else(|| now.problem.clone().filter(|_| waits)),
        central: queued.central.clone(),
        lacking,
    })
}

fn row_of_central(state: FollowUpState, title: &str) -> FollowUpRow {
    let progress = state.progress.unwrap_or_default();
    let (files_waiting, bytes_waiting) = match &state.held {
        Some(Held::MissingFiles { count, bytes }) => (*count, *bytes),
        _ => (0, 0),
    };
    FollowUpRow {
        id: state.id,
        folio: state.folio.clone(),
        project: state.project.clone(),
        title: title.to_owned(),
        stage: state.stage,
        state: state.state,
        visited_on: state.visited_on.map(|day| day.to_string()),
        physical: progress.physical,
        financial: progress.financial,
        at: state.captured_at,
        own: false,
        missing: 0,
        files: state.evidence.len() as u32,
        files_waiting,
        bytes_waiting,
        problem: None,
        central: Some(state),
        lacking: Vec::new(),
    }
}

/// What the status bar says.
pub(crate) fn status(connection: &Connection, link: &Link, free_bytes: Option<u64>) -> Result<Status, Error> {
    let own = outbox::words(connection)?;
    let drafts = drafts::by_project(connection)?.len() as u32;
    let (marked, received) = outbox::marked_and_received(connection)?;
    let files = files::counts_of_all(connection)?;
    let held = outbox::first_problem(connection)?.or(files::first_problem(connection)?);
    let now = link.now();
    let mut counts = counts(own.iter().map(|(op_id, here, central)| match here {
        State::Ready if now.sending.contains(op_id) => State::Sending,
        _ => outbox::word(*here, *central),
    }));
    if drafts > 0 {
        counts.insert(State::Draft.as_str().to_owned(), drafts);
    }
    Ok(Status {
        connection: now.connection,
        problem: now.problem.clone().or(held),
        next_attempt: now.next_attempt,
        counts,
        here: drafts + marked.saturating_sub(received),
        received,
        marked,
        files_received: files.files.saturating_sub(files.waiting),
        files: files.files,
        bytes_waiting: files.bytes,
        last_receipt: outbox::last_receipt(connection)?,
        last_pull: meta::get(connection, meta::LAST_PULL)?,
        clock_offset_ms: crate::session::clock_offset_ms(connection)?,
        free_bytes,
        room: evidence::room(free_bytes),
        text_only: meta::get(connection, meta::TEXT_ONLY)?.unwrap_or(false),
        rescue: RescueCopy::default(),
    })
}
