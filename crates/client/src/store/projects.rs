//! The list of projects: derived from the base, with its text index and the light of each. It is kept in the same
//! transactions as what it is derived from, and can be made again at any time.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use domain::alert::{Alert, Facts, Light, Thresholds, Visit, light};
use domain::command::{Departure, Here, ProjectListQuery};
use domain::follow_up::Stage;
use domain::place::{Bounds, Position};
use domain::project::{LatestProgress, ProjectState};
use domain::release::today;
use domain::wire::MunicipalityCard;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{at, base, count, from_json, instant, meta, outbox, to_json};
use crate::error::Error;
use crate::search;

/// Grows when the list must be made again from the base by a new version of the program.
const MADE_BY: u32 = 1;
/// Rows of a page when it is not said, and at most.
const PAGE: (u32, u32) = (100, 1_000);
/// Matches of a text up to which they are sorted by themselves; more are found along the list of folios.
const FEW: usize = 3_000;

/// What the list of projects needs of one, so that it does not read compiled releases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) title: String,
    pub(crate) place: Option<String>,
    pub(crate) areas: Vec<String>,
    pub(crate) ocid: String,
    pub(crate) budget: Option<Value>,
    pub(crate) progress: Option<LatestProgress>,
    #[serde(default)]
    pub(crate) position: Option<Position>,
}

impl Card {
    pub(crate) fn of(project: &ProjectState) -> Card {
        let first = project.processes.first();
        let budget = first.and_then(|process| process.compiled.pointer("/planning/budget/amount"));
        Card {
            title: project.title.clone(),
            place: project.place.clone(),
            areas: project.areas.clone(),
            ocid: first.map(|process| process.ocid.clone()).unwrap_or_default(),
            budget: budget.filter(|amount| amount.is_object()).cloned(),
            progress: project.progress.clone(),
            position: project.processes.iter().find_map(|process| Position::of_release(&process.compiled)),
        }
    }
}

/// The day it is and from when on something is late, as the municipality says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Day {
    pub(crate) today: NaiveDate,
    offset_minutes: i32,
    thresholds: Thresholds,
}

impl Day {
    pub(crate) fn of(municipality: &MunicipalityCard, now: DateTime<Utc>) -> Day {
        let offset_minutes = municipality.offset_minutes;
        Day { today: today(now, offset_minutes), offset_minutes, thresholds: municipality.alerts }
    }

    /// Names the day and the rules: a row with another name is judged again.
    fn name(&self) -> String {
        let Thresholds { follow_up_days, contract_days, behind_points, paid_points } = self.thresholds;
        format!("{} {follow_up_days}/{contract_days}/{behind_points}/{paid_points}", self.today)
    }
}

/// Whether this version of the program made the list.
pub(crate) fn are_up_to_date(connection: &Connection) -> Result<bool, Error> {
    Ok(meta::get::<u32>(connection, meta::LIST_MADE_BY)? == Some(MADE_BY))
}

/// Makes the list from the base.
pub(crate) fn make_again(connection: &Connection) -> Result<(), Error> {
    base::rebuild(connection, base::pulling(connection)?.active, None)?;
    meta::set(connection, meta::LIST_MADE_BY, &MADE_BY)
}

/// Puts a project in the list, or what is new of it.
pub(super) fn put(connection: &Connection, record: &str, project: &ProjectState) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT id, search, card FROM project WHERE record_id = ?1 OR folio = ?2 ORDER BY record_id <> ?1",
    )?;
    let rows = select.query_map(params![record, project.folio], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let mut known = rows.collect::<Result<Vec<_>, _>>()?.into_iter();
    let first = known.next();
    for (id, search, _) in known {
        take_out(connection, id, &search)?;
    }
    let search = search_text(project);
    let card = Card::of(project);
    outbox::welcome(connection, &project.folio, first.is_some())?;
    let id = if let Some((id, before, _)) = &first {
        connection
            .prepare_cached(
                "UPDATE project SET record_id = ?2, folio = ?3, card = ?4, search = ?5, facts = '', lit_on = ''
                 WHERE id = ?1",
            )?
            .execute(params![id, record, project.folio, to_json(&card)?, search])?;
        // Most changes are of progress: the words are the same.
        if *before != search {
            unindex(connection, *id, before)?;
            index(connection, *id, &search)?;
        }
        *id
    } else {
        connection.prepare_cached("DELETE FROM departure WHERE folio = ?1")?.execute([&project.folio])?;
        connection
            .prepare_cached("INSERT INTO project (record_id, folio, card, search) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![record, project.folio, to_json(&card)?, search])?;
        let id = connection.last_insert_rowid();
        index(connection, id, &search)?;
        id
    };
    let before = first.map(|(_, _, card)| from_json::<Card>("a project", &card)).transpose()?;
    if before.is_none_or(|before| before.areas != card.areas) {
        connection.prepare_cached("DELETE FROM project_area WHERE project = ?1")?.execute([id])?;
        for area in &card.areas {
            connection
                .prepare_cached(
                    "INSERT INTO project_area (area, project) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                )?
                .execute(params![area, id])?;
        }
    }
    Ok(())
}

/// Takes a project out of the list: it is another área's now. That it was here is told until the person has read it.
pub(super) fn remove(connection: &Connection, record: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let row = connection
        .prepare_cached("SELECT id, search, folio, card FROM project WHERE record_id = ?1")?
        .query_row([record], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .optional()?;
    let Some((id, search, folio, card)) = row else {
        return Ok(());
    };
    take_out(connection, id, &search)?;
    depart(connection, &folio, &from_json::<Card>("a project", &card)?.title, now)
}

/// What was in the list: to know after it was made again what left it.
pub(super) fn titles(connection: &Connection) -> Result<HashMap<String, String>, Error> {
    let mut select = connection.prepare("SELECT folio, card ->> '$.title' FROM project")?;
    let rows = select
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default())))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Tells of those that were in the list and are not.
pub(super) fn compare(
    connection: &Connection,
    before: HashMap<String, String>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let after = titles(connection)?;
    for (folio, title) in before.into_iter().filter(|(folio, _)| !after.contains_key(folio)) {
        depart(connection, &folio, &title, now)?;
    }
    Ok(())
}

fn depart(connection: &Connection, folio: &str, title: &str, now: DateTime<Utc>) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO departure (folio, title, left_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (folio) DO UPDATE SET title = excluded.title, left_at = excluded.left_at",
        )?
        .execute(params![folio, title, at(now)])?;
    Ok(())
}

/// Empties the list with its index.
pub(super) fn clear(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch(
        "DELETE FROM project_area; DELETE FROM project; INSERT INTO project_text (project_text) VALUES ('rebuild');",
    )?;
    Ok(())
}

fn take_out(connection: &Connection, id: i64, search: &str) -> Result<(), Error> {
    unindex(connection, id, search)?;
    connection.prepare_cached("DELETE FROM project WHERE id = ?1")?.execute([id])?;
    Ok(())
}

fn index(connection: &Connection, id: i64, search: &str) -> Result<(), Error> {
    connection
        .prepare_cached("INSERT INTO project_text (rowid, search) VALUES (?1, ?2)")?
        .execute(params![id, search])?;
    Ok(())
}

/// The index keeps no text of its own: it must be told what it held.
fn unindex(connection: &Connection, id: i64, search: &str) -> Result<(), Error> {
    connection
        .prepare_cached("INSERT INTO project_text (project_text, rowid, search) VALUES ('delete', ?1, ?2)")?
        .execute(params![id, search])?;
    Ok(())
}

/// What a project is found by: folio, title, place, and who was awarded something.
fn search_text(project: &ProjectState) -> String {
    let mut text = format!(
        "{} {} {}",
        search::folio(&project.folio),
        project.title,
        project.place.as_deref().unwrap_or_default()
    );
    let mut seen = HashSet::new();
    for process in &project.processes {
        let awards = process.compiled["awards"].as_array().into_iter().flatten();
        for supplier in awards.flat_map(|award| award["suppliers"].as_array().into_iter().flatten()) {
            if let Some(name) = supplier["name"].as_str().filter(|name| seen.insert(*name)) {
                text.push(' ');
                text.push_str(name);
            }
        }
    }
    search::fold(&text)
}

/// Something of a project changed that alerts depend on.
pub(crate) fn stale(connection: &Connection, folio: &str) -> Result<(), Error> {
    connection
        .prepare_cached("UPDATE project SET facts = '', lit_on = '' WHERE folio = ?1 AND facts <> ''")?
        .execute([folio])?;
    Ok(())
}

/// So it did of any of them.
pub(crate) fn all_stale(connection: &Connection) -> Result<(), Error> {
    connection.execute("UPDATE project SET facts = '', lit_on = '' WHERE facts <> ''", [])?;
    Ok(())
}

/// Whether a light is not of this day.
pub(crate) fn is_stale(connection: &Connection, day: &Day) -> Result<bool, Error> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM project WHERE lit_on < ?1) OR EXISTS (SELECT 1 FROM project WHERE lit_on > ?1)")?
        .query_row([day.name()], |row| row.get(0))?)
}

/// Judges every project whose light is not of this day.
pub(crate) fn refresh(connection: &Connection, day: &Day) -> Result<(), Error> {
    let name = day.name();
    let mut select =
        connection.prepare_cached("SELECT id, folio, facts FROM project WHERE lit_on < ?1 OR lit_on > ?1")?;
    let rows = select.query_map([&name], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let waiting: Vec<(i64, String, String)> = rows.collect::<Result<_, _>>()?;
    for (id, folio, kept) in waiting {
        let facts = read_facts(connection, &folio, &kept, day)?;
        let alerts = facts.alerts(day.today, &day.thresholds);
        let stage = facts.stage.map(Stage::as_str).unwrap_or_default();
        connection
            .prepare_cached(
                "UPDATE project SET facts = ?2, stage = ?3, light = ?4, urgency = ?5, lit_on = ?6 WHERE id = ?1",
            )?
            .execute(params![
                id,
                if kept.is_empty() { to_json(&facts)? } else { kept },
                stage,
                light(&alerts).as_str(),
                urgency(&alerts),
                name
            ])?;
    }
    Ok(())
}

/// One number to sort by: the most urgent first.
fn urgency(alerts: &[Alert]) -> i64 {
    const SPAN: i64 = 1_000_000;
    let (light, days) = alerts.first().map_or((Light::Ok, 0), Alert::urgency);
    let rank = Light::ALL.iter().position(|other| *other == light).unwrap_or_default() as i64;
    rank * SPAN + SPAN / 2 + days.clamp(-SPAN / 2 + 1, SPAN / 2 - 1)
}

/// Facts as they are kept, or read again out of the project, what the endpoint knows of its follow-ups, and what is
/// still on this equipment.
fn read_facts(connection: &Connection, folio: &str, kept: &str, day: &Day) -> Result<Facts, Error> {
    if !kept.is_empty() {
        return from_json("what is known of a project", kept);
    }
    let Some(project) = base::project(connection, folio)? else {
        return Ok(Facts::default());
    };
    let known = base::follow_ups(connection, folio)?;
    let mut visits: Vec<Visit> =
        known.iter().rev().filter_map(|state| Visit::of(state, day.offset_minutes)).collect();
    for queued in outbox::of_project(connection, folio)?.iter().rev().filter(|queued| queued.is_under_way()) {
        let content = queued.follow_up()?.content;
        let captured = today(queued.operation.captured_at, day.offset_minutes);
        visits.push(Visit {
            on: content.visited_on.unwrap_or(captured),
            progress: content.progress.unwrap_or_default(),
        });
    }
    Ok(Facts::of(&project, &visits, day.offset_minutes))
}

/// A project as the list shows it.
pub(crate) struct Listed {
    pub(crate) folio: String,
    pub(crate) card: Card,
    pub(crate) facts: Facts,
    pub(crate) alerts: Vec<Alert>,
}

/// What is known of one project on a day; blank facts when it is not here.
pub(crate) fn listed(connection: &Connection, folio: &str, day: &Day) -> Result<Option<Listed>, Error> {
    let row: Option<(String, String)> = connection
        .prepare_cached("SELECT card, facts FROM project WHERE folio = ?1")?
        .query_row([folio], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    row.map(|(card, facts)| {
        let facts = read_facts(connection, folio, &facts, day)?;
        let alerts = facts.alerts(day.today, &day.thresholds);
        Ok(Listed { folio: folio.to_owned(), card: from_json("a project", &card)?, facts, alerts })
    })
    .transpose()
}

/// The most urgent projects of a day.
pub(crate) fn urgent(connection: &Connection, limit: u32, day: &Day) -> Result<Vec<Listed>, Error> {
    let mut select = connection
        .prepare_cached("SELECT folio FROM project WHERE light IN ('late', 'silent', 'soon') ORDER BY urgency, folio LIMIT ?1")?;
    let folios: Vec<String> = select.query_map([limit], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let listed = folios.iter().map(|folio| listed(connection, folio, day));
    Ok(listed.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// A page of the list and how many match.
pub(crate) fn page(
    connection: &Connection,
    query: &ProjectListQuery,
    day: &Day,
) -> Result<(Vec<Listed>, u32), Error> {
    let matches = matching(connection, &query.text)?;
    let limit = if query.limit == 0 { PAGE.0 } else { query.limit.min(PAGE.1) };
    let window = (query.offset as usize, limit as usize);
    let (folios, total) = match matches {
        Some(matches) if matches.len() <= FEW => few(connection, query, &matches, window)?,
        matches => many(connection, query, matches, window)?,
    };
    let listed = folios.iter().map(|folio| listed(connection, folio, day));
    Ok((listed.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect(), count(total)))
}

/// Ids of the projects that have every word; none when no word is asked for.
fn matching(connection: &Connection, text: &str) -> Result<Option<Vec<i64>>, Error> {
    let Some(expression) = search::expression(text) else {
        return Ok(None);
    };
    let mut select =
        connection.prepare_cached("SELECT rowid FROM project_text WHERE project_text MATCH ?1")?;
    let ids = select.query_map([expression], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(Some(ids))
}

/// The conditions of a query, with their values.
fn conditions(query: &ProjectListQuery) -> (String, Vec<Sql>) {
    let (mut sql, mut values) = (String::new(), Vec::new());
    let mut add = |condition: &str, value: Option<String>| {
        sql.push_str(condition);
        values.extend(value.map(Sql::Text));
    };
    if let Some(light) = query.light {
        add(" AND p.light = ?", Some(light.as_str().to_owned()));
    }
    if let Some(stage) = query.stage {
        add(" AND p.stage = ?", Some(stage.as_str().to_owned()));
    }
    if let Some(area) = &query.area {
        add(" AND p.id IN (SELECT project FROM project_area WHERE area = ?)", Some(area.clone()));
    }
    match query.here {
        Some(Here::Draft) => {
            add(" AND p.folio IN (SELECT project FROM draft WHERE discarded_at IS NULL)", None);
        }
        Some(Here::Waiting) => add(
            " AND p.folio IN (SELECT project FROM outbox WHERE kind = 'follow_up' AND state IN ('ready', 'parked'))",
            None,
        ),
        None => {}
    }
    (sql, values)
}

fn order(query: &ProjectListQuery) -> &'static str {
    if query.urgent { "p.urgency, p.folio" } else { "p.folio" }
}

/// Few matches: they are sorted by themselves. The folio that was typed whole comes first.
fn few(
    connection: &Connection,
    query: &ProjectListQuery,
    matches: &[i64],
    (offset, limit): (usize, usize),
) -> Result<(Vec<String>, i64), Error> {
    let (conditions, values) = conditions(query);
    let sql = format!(
        "SELECT p.folio FROM project p WHERE p.id IN (SELECT value FROM json_each(?)) {conditions} ORDER BY {}",
        order(query)
    );
    let mut select = connection.prepare_cached(&sql)?;
    let values = std::iter::once(Sql::Text(to_json(&matches)?)).chain(values);
    let rows = select.query_map(params_from_iter(values), |row| row.get(0))?;
    let mut folios: Vec<String> = rows.collect::<Result<_, _>>()?;
    let typed = search::fold(&search::folio(&query.text));
    folios.sort_by_key(|folio| search::fold(&search::folio(folio)) != typed);
    let total = folios.len() as i64;
    Ok((folios.into_iter().skip(offset).take(limit).collect(), total))
}

/// Many matches, or all: along the list, which is sorted already, until the page is full. Where nothing but the text
/// chooses, how many there are is known without walking on.
fn many(
    connection: &Connection,
    query: &ProjectListQuery,
    matches: Option<Vec<i64>>,
    (offset, limit): (usize, usize),
) -> Result<(Vec<String>, i64), Error> {
    let (conditions, values) = conditions(query);
    let matches: Option<HashSet<i64>> = matches.map(|ids| ids.into_iter().collect());
    let known = match (&matches, conditions.is_empty()) {
        (Some(matches), true) => Some(matches.len() as i64),
        (None, true) => Some(i64::from(known(connection)?)),
        _ => None,
    };
    let sql = format!("SELECT p.id, p.folio FROM project p WHERE 1 {conditions} ORDER BY {}", order(query));
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    let (mut folios, mut total) = (Vec::new(), 0_i64);
    while let Some(row) = rows.next()? {
        if matches.as_ref().is_some_and(|matches| row.get(0).is_ok_and(|id: i64| !matches.contains(&id))) {
            continue;
        }
        total += 1;
        if total as usize > offset && folios.len() < limit {
            folios.push(row.get(1)?);
        }
        if folios.len() == limit && known.is_some() {
            break;
        }
    }
    Ok((folios, known.unwrap_or(total)))
}

/// How many projects are here.
pub(crate) fn known(connection: &Connection) -> Result<u32, Error> {
    Ok(connection
        .prepare_cached("SELECT count(*) FROM project")?
        .query_row([], |row| Ok(count(row.get(0)?)))?)
}

/// How many with each light.
pub(crate) fn lights(connection: &Connection) -> Result<BTreeMap<String, u32>, Error> {
    let mut select =
        connection.prepare_cached("SELECT light, count(*) FROM project WHERE light <> '' GROUP BY light")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, count(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Áreas of the projects that are here.
pub(crate) fn areas(connection: &Connection) -> Result<Vec<String>, Error> {
    // From one área to the next: there are few, and the rows of each may be thousands.
    let mut next = connection.prepare_cached("SELECT min(area) FROM project_area WHERE area > ?1")?;
    let mut areas: Vec<String> = Vec::new();
    while let Some(area) =
        next.query_row([areas.last().map_or("", String::as_str)], |row| row.get::<_, Option<String>>(0))?
    {
        areas.push(area);
    }
    Ok(areas)
}

/// Every project that has every word, by folio.
pub(crate) fn all(connection: &Connection, text: &str) -> Result<Vec<(String, Card)>, Error> {
    let matches = matching(connection, text)?.map(|ids| ids.into_iter().collect::<HashSet<i64>>());
    let mut select = connection.prepare_cached("SELECT id, folio, card FROM project ORDER BY folio")?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if matches.as_ref().is_none_or(|matches| row.get(0).is_ok_and(|id: i64| matches.contains(&id))) {
            found.push((row.get(1)?, from_json("a project", &row.get::<_, String>(2)?)?));
        }
    }
    Ok(found)
}

/// Degrees around what the projects span that still are the municipality: some five kilometres.
const AROUND: f64 = 0.05;
/// Fewer projects than this span nothing worth saying.
const ENOUGH: u32 = 3;

/// How far the projects reach that say where they are, and a little more; nothing where too few do.
pub(crate) fn span(connection: &Connection) -> Result<Option<Bounds>, Error> {
    let mut extent: Option<Bounds> = None;
    let mut count = 0;
    for (_, card) in all(connection, "")? {
        if let Some(position) = card.position {
            extent.get_or_insert(Bounds::around(position)).take(position);
            count += 1;
        }
    }
    Ok(extent.filter(|_| count >= ENOUGH).map(|extent| extent.wider(AROUND)))
}

/// The card of one project.
pub(crate) fn card(connection: &Connection, folio: &str) -> Result<Option<Card>, Error> {
    let card: Option<String> = connection
        .prepare_cached("SELECT card FROM project WHERE folio = ?1")?
        .query_row([folio], |row| row.get(0))
        .optional()?;
    card.map(|card| from_json("a project", &card)).transpose()
}

/// Title of a project that left, as long as it is told.
pub(crate) fn departed_title(connection: &Connection, folio: &str) -> Result<Option<String>, Error> {
    Ok(connection
        .prepare_cached("SELECT title FROM departure WHERE folio = ?1")?
        .query_row([folio], |row| row.get(0))
        .optional()?)
}

/// Projects that left and have not been read of, the last first.
pub(crate) fn departures(connection: &Connection) -> Result<Vec<Departure>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT folio, title, left_at,
            (SELECT count(*) FROM draft d WHERE d.project = departure.folio AND d.discarded_at IS NULL)
            + (SELECT count(*) FROM outbox o WHERE o.project = departure.folio AND o.kind = 'follow_up'
               AND o.state IN ('ready', 'parked'))
         FROM departure ORDER BY left_at DESC, folio",
    )?;
    let rows = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, count(row.get(3)?))))?;
    rows.map(|row| {
        let (folio, title, left_at, here) = row?;
        Ok(Departure { folio, title, left_at: instant(&left_at)?, here })
    })
    .collect()
}

/// They were read: nothing of another área stays.
pub(crate) fn forget_departures(connection: &Connection) -> Result<(), Error> {
    connection.execute("DELETE FROM departure", [])?;
    Ok(())
}
