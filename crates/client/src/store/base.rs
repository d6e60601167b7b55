//! The base: what the central endpoint sent, checked against its chain, and the lists derived from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::follow_up::FollowUpState;
use domain::history::{Change, ChangeKind, Head};
use domain::project::ProjectState;
use domain::seeded::{self, Bug};
use domain::wire::{MunicipalityCard, PullAnswer};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{at, from_json, meta, projects, to_json};
use crate::error::Error;

/// Where pulling stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pulling {
    /// Copy of the streams in use.
    pub(crate) active: i64,
    /// Copy that is being filled; the same one, unless a fresh copy is under way.
    pub(crate) filling: i64,
    /// Cursor of the copy that is being filled; empty at its start.
    pub(crate) cursor: String,
    /// Whether to offer again, when the fresh copy is complete, what it lacks.
    pub(crate) offer_again: bool,
    /// Epoch of the endpoint that the copy in use came from.
    #[serde(default)]
    pub(crate) epoch: Option<Uuid>,
}

/// Where pulling stands.
pub(crate) fn pulling(connection: &Connection) -> Result<Pulling, Error> {
    Ok(meta::get(connection, meta::PULL)?.unwrap_or_default())
}

/// Begins a fresh copy from the start of every stream. The one in use stays in use until the fresh one is complete.
pub(crate) fn begin_fresh(connection: &Connection, offer_again: bool) -> Result<(), Error> {
    let mut state = pulling(connection)?;
    connection.execute("DELETE FROM stream_head WHERE generation <> ?1", [state.active])?;
    state.filling = state.active.max(state.filling) + 1;
    state.cursor.clear();
    state.offer_again |= offer_again;
    meta::set(connection, meta::PULL, &state)
}

/// What a page did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Lists may look different.
    pub(crate) changed: bool,
    /// The municipality's data, if it came.
    pub(crate) municipality: Option<MunicipalityCard>,
    /// Follow-ups that go back to the queue.
    pub(crate) offered_again: usize,
}

/// Applies a page: scope, changes, chain and cursor, all or nothing (the caller's transaction). `packed` are the bytes
/// of the snapshot that the page names, if it names one.
pub(crate) fn apply(
    connection: &Connection,
    page: &PullAnswer,
    packed: Option<&[u8]>,
    device: Uuid,
    now: DateTime<Utc>,
) -> Result<Applied, Error> {
    let mut state = pulling(connection)?;
    let generation = state.filling;
    let mut touched: BTreeSet<(String, &'static str)> = BTreeSet::new();
    let mut applied = Applied::default();
    purge(connection, generation, &page.scope, &mut touched)?;
    super::choices::keep_names(connection, page.person.role, &page.names)?;
    if let Some(snapshot) = &page.snapshot {
        let packed = packed.ok_or_else(|| Error::Snapshot(format!("{}: not fetched", snapshot.stream)))?;
        applied.municipality = super::snapshot::lay(connection, generation, snapshot, packed, &mut touched)?;
    }

    let mut heads: BTreeMap<String, Head> = BTreeMap::new();
    for change in &page.changes {
        if !heads.contains_key(&change.stream) {
            let head = head(connection, generation, &change.stream)?;
            heads.insert(change.stream.clone(), head);
        }
        let Some(head) = heads.get_mut(&change.stream) else {
            continue;
        };
        head.take(change)?;
        if change.seq == 1 {
            set_head(connection, generation, &change.stream, head)?;
        }
        keep(connection, generation, change, &mut touched)?;
        if change.kind == ChangeKind::Municipality {
            applied.municipality = serde_json::from_value(change.state.clone()).ok().or(applied.municipality);
        }
    }
    for (stream, head) in &heads {
        set_head(connection, generation, stream, head)?;
    }
    if !seeded::is(Bug::HistoryUnchecked) {
        check_heads(connection, generation, page)?;
    }

    state.cursor.clone_from(&page.cursor);
    applied.changed = !touched.is_empty();
    if generation == state.active {
        for (record, kind) in &touched {
            derive(connection, generation, record, kind, now)?;
        }
    } else if !page.has_more {
        connection.execute("DELETE FROM stream_head WHERE generation <> ?1", [generation])?;
        state.active = generation;
        rebuild(connection, generation, Some(now))?;
        applied.changed = true;
        if state.offer_again && !seeded::is(Bug::LostNotOfferedAgain) {
            applied.offered_again = super::outbox::offer_again(connection, device)?;
            super::files::unconfirm_all(connection)?;
            state.offer_again = false;
        }
    }
    if generation == state.active {
        state.epoch = Some(page.server_epoch);
    }
    meta::set(connection, meta::PULL, &state)?;
    meta::set(connection, meta::LAST_PULL, &now)?;
    super::drafts::purge(connection, page.now)?;
    Ok(applied)
}

/// Takes away the streams that are no longer in scope.
fn purge(
    connection: &Connection,
    generation: i64,
    scope: &[String],
    touched: &mut BTreeSet<(String, &'static str)>,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached("SELECT stream FROM stream_head WHERE generation = ?1")?;
    let streams: Vec<String> = select.query_map([generation], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for stream in streams.iter().filter(|stream| !scope.contains(stream)) {
        take_away(connection, generation, stream, touched)?;
    }
    Ok(())
}

/// Takes away a stream with its records.
pub(super) fn take_away(
    connection: &Connection,
    generation: i64,
    stream: &str,
    touched: &mut BTreeSet<(String, &'static str)>,
) -> Result<(), Error> {
    let mut select = connection
        .prepare_cached("SELECT record_id, kind FROM base_record WHERE generation = ?1 AND stream = ?2")?;
    let rows =
        select.query_map(params![generation, stream], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    for row in rows {
        let (record, kind) = row?;
        touched.extend(kind_named(&kind).map(|kind| (record, kind)));
    }
    connection.execute(
        "DELETE FROM stream_head WHERE generation = ?1 AND stream = ?2",
        params![generation, stream],
    )?;
    Ok(())
}

/// The endpoint says where each stream ends: where we are at the same number, the chain must be the same.
fn check_heads(connection: &Connection, generation: i64, page: &PullAnswer) -> Result<(), Error> {
    for (stream, theirs) in &page.heads {
        let ours = head(connection, generation, stream)?;
        if ours.seq > theirs.seq {
            let error = domain::history::ChainError::Sequence {
                stream: stream.clone(),
                expected: ours.seq,
                found: theirs.seq,
            };
            return Err(error.into());
        }
        if ours.seq == theirs.seq && ours.chain != theirs.chain {
            return Err(domain::history::ChainError::Broken { stream: stream.clone(), seq: ours.seq }.into());
        }
    }
    Ok(())
}

pub(super) fn head(connection: &Connection, generation: i64, stream: &str) -> Result<Head, Error> {
    let found = connection
        .prepare_cached("SELECT seq, chain FROM stream_head WHERE generation = ?1 AND stream = ?2")?
        .query_row(params![generation, stream], |row| {
            Ok(Head { seq: row.get::<_, i64>(0)?.unsigned_abs(), chain: row.get(1)? })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

pub(super) fn set_head(
    connection: &Connection,
    generation: i64,
    stream: &str,
    head: &Head,
) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO stream_head (generation, stream, seq, chain) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (generation, stream) DO UPDATE SET seq = excluded.seq, chain = excluded.chain",
        )?
        .execute(params![generation, stream, head.seq as i64, head.chain])?;
    Ok(())
}

/// Kinds of records as the database names them.
const KINDS: [&str; 5] = ["project", "follow_up", "municipality", "form", "opinion"];

fn kind_name(kind: ChangeKind) -> Option<&'static str> {
    match kind {
        ChangeKind::Project => Some("project"),
        ChangeKind::FollowUp => Some("follow_up"),
        ChangeKind::Municipality => Some("municipality"),
        ChangeKind::Form => Some("form"),
        ChangeKind::Opinion => Some("opinion"),
        // Rescues are in a stream that no device is given.
        ChangeKind::Rescue | ChangeKind::Tombstone => None,
    }
}

fn kind_named(text: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|kind| *kind == text)
}

pub(super) fn keep(
    connection: &Connection,
    generation: i64,
    change: &Change,
    touched: &mut BTreeSet<(String, &'static str)>,
) -> Result<(), Error> {
    let Some(kind) = kind_name(change.kind) else {
        for kind in KINDS {
            let removed = connection
                .prepare_cached(
                    "DELETE FROM base_record WHERE generation = ?1 AND stream = ?2 AND kind = ?3 AND record_id = ?4",
                )?
                .execute(params![generation, change.stream, kind, change.record_id])?;
            if removed > 0 {
                touched.insert((change.record_id.clone(), kind));
            }
        }
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT INTO base_record (generation, stream, kind, record_id, seq, recorded_at, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (generation, stream, kind, record_id)
             DO UPDATE SET seq = excluded.seq, recorded_at = excluded.recorded_at, state = excluded.state",
        )?
        .execute(params![
            generation,
            change.stream,
            kind,
            change.record_id,
            change.seq as i64,
            at(change.recorded_at),
            to_json(&change.state)?
        ])?;
    touched.insert((change.record_id.clone(), kind));
    Ok(())
}

/// Brings the derived rows of one record up to date. A record in several streams is as its latest change says.
fn derive(
    connection: &Connection,
    generation: i64,
    record: &str,
    kind: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let state: Option<String> = connection
        .prepare_cached(
            "SELECT state FROM base_record WHERE generation = ?1 AND record_id = ?2 AND kind = ?3
             ORDER BY recorded_at DESC LIMIT 1",
        )?
        .query_row(params![generation, record, kind], |row| row.get(0))
        .optional()?;
    match (kind, state) {
        ("project", Some(state)) => put_project(connection, record, &state),
        ("project", None) => projects::remove(connection, record, now),
        ("follow_up", Some(state)) => put_follow_up(connection, &state),
        ("form", Some(state)) => super::forms::put(connection, &state),
        ("form", None) => super::forms::remove(connection, record),
        ("opinion", Some(state)) => super::opinions::put(connection, &state),
        ("opinion", None) => super::opinions::remove(connection, record),
        ("follow_up", None) => {
            connection.execute("DELETE FROM central_follow_up WHERE id = ?1", [record])?;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn put_project(connection: &Connection, record: &str, state: &str) -> Result<(), Error> {
    // A state this version cannot read stays in the base; a later version derives it.
    match from_json::<ProjectState>("a project", state) {
        Ok(project) => projects::put(connection, record, &project),
        Err(_) => Ok(()),
    }
}

fn put_follow_up(connection: &Connection, state: &str) -> Result<(), Error> {
    let Ok(follow_up) = from_json::<FollowUpState>("a follow-up of the endpoint", state) else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT INTO central_follow_up (id, op_id, project, ocid, word, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET op_id = excluded.op_id, project = excluded.project, ocid = excluded.ocid,
             word = excluded.word, state = excluded.state",
        )?
        .execute(params![
            follow_up.id.to_string(),
            follow_up.op_id.to_string(),
            follow_up.project,
            follow_up.ocid,
            follow_up.state.as_str(),
            state,
        ])?;
    projects::stale(connection, &follow_up.project)
}

/// Derives everything again. With an instant, what left the list by it is told.
pub(super) fn rebuild(
    connection: &Connection,
    generation: i64,
    now: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let before = if now.is_some() { projects::titles(connection)? } else { HashMap::new() };
    projects::clear(connection)?;
    connection
        .execute_batch("DELETE FROM central_follow_up; DELETE FROM form; DELETE FROM central_opinion;")?;
    let mut select = connection.prepare(
        "SELECT record_id, kind, state FROM base_record
         WHERE generation = ?1 AND kind IN ('project', 'follow_up', 'form', 'opinion') ORDER BY recorded_at",
    )?;
    let mut rows = select.query([generation])?;
    while let Some(row) = rows.next()? {
        let (record, kind, state): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        match kind.as_str() {
            "project" => put_project(connection, &record, &state)?,
            "form" => super::forms::put(connection, &state)?,
            "opinion" => super::opinions::put(connection, &state)?,
            _ => put_follow_up(connection, &state)?,
        }
    }
    match now {
        Some(now) => projects::compare(connection, before, now),
        None => Ok(()),
    }
}

/// One project, whole.
pub(crate) fn project(connection: &Connection, folio: &str) -> Result<Option<ProjectState>, Error> {
    let generation = pulling(connection)?.active;
    let state: Option<String> = connection
        .prepare_cached(
            "SELECT b.state FROM base_record b JOIN project p ON p.record_id = b.record_id
             WHERE b.generation = ?1 AND b.kind = 'project' AND p.folio = ?2 ORDER BY b.recorded_at DESC LIMIT 1",
        )?
        .query_row(params![generation, folio], |row| row.get(0))
        .optional()?;
    state.map(|state| from_json("a project", &state)).transpose()
}

/// Follow-ups of a project that the endpoint knows, newest capture first.
pub(crate) fn follow_ups(connection: &Connection, folio: &str) -> Result<Vec<FollowUpState>, Error> {
    let mut select = connection.prepare_cached("SELECT state FROM central_follow_up WHERE project = ?1")?;
    let rows = select.query_map([folio], |row| row.get::<_, String>(0))?;
    let mut found = rows
        .map(|row| from_json::<FollowUpState>("a follow-up of the endpoint", &row?))
        .collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|a, b| b.captured_at.cmp(&a.captured_at).then(b.id.cmp(&a.id)));
    Ok(found)
}
