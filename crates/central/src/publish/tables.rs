//! Everything that is published, for whoever wants one file: tables (CSV, a workbook) and the projects as OC4IDS. Read
//! one project at a time; what is in memory is that one, and the list of columns.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};

use anyhow::{Context, Result};
use domain::follow_up::State;
use ocds::flatten::{self, Headers, Lang, Layout, Options};
use ocds::merge::Rules;
use serde_json::{Map, Value, json};

use super::made::{Label, Package, Workshop};
use crate::endpoint::Endpoint;
use crate::state;
use crate::store::parts::{MadeFile, Run};
use crate::store::{Process, StoredFollowUp, Tx};

/// From how many zipped bytes on the next project begins another file.
const ZIPPED: u64 = 9_000_000;

/// Writes them all, as of a run.
///
/// # Errors
/// The disk or the database.
pub fn write(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    workshop: &mut Workshop,
    run: &Run,
    made_of: &str,
) -> Result<Vec<MadeFile>> {
    let label = |name: String, kind: &'static str, count: u64| Label {
        name,
        kind,
        count,
        changed: run.at,
        made_of: made_of.to_owned(),
    };
    let root = &endpoint.config.municipality.public_url;
    let prefix = format!("oc4ids-{}", endpoint.config.municipality.prefix.trim_start_matches("ocds-"));
    let release_url = |ocid: &str, id: &str| format!("{root}/ocds/releases/{ocid}/{id}.json");
    let context =
        ocds::oc4ids::Context { prefix: Some(&prefix), now: run.at, release_url: Some(&release_url) };
    let published = tx.projects()?.into_iter().filter(|project| project.published_at.is_some());
    let folios: Vec<String> = published.map(|project| project.folio).collect();

    let mut made = Vec::new();
    let (mut layout, mut processes) = (Layout::default(), 0);
    let mut lines = workshop.begin()?;
    let mut projects = Projects { endpoint, run, open: None, finished: 0 };
    for folio in &folios {
        endpoint.pushes.give_way(endpoint);
        let mut records = Vec::new();
        let mut known = Vec::new();
        for process in tx.processes(folio)? {
            let releases = tx.releases(&process.ocid)?;
            let bodies = releases.into_iter().filter(|release| release.published_at.is_some());
            let bodies: Vec<Value> = bodies.map(|release| release.body).collect();
            if bodies.is_empty() {
                continue;
            }
            let record = ocds::package::record(Rules::profile(), &bodies, false)
                .with_context(|| process.ocid.clone())?;
            let compiled = &record["compiledRelease"];
            layout.observe(compiled);
            serde_json::to_writer(&mut lines, compiled)?;
            lines.write_all(b"\n")?;
            processes += 1;
            records.push(record);
            known.push(process);
        }
        let records: Vec<&Value> = records.iter().collect();
        let data = beside(endpoint, &records, known.first(), &tx.follow_ups(folio)?);
        match ocds::oc4ids::project(Some(&data), &records, &context) {
            Ok(project) => {
                for left_out in &project.left_out {
                    tracing::debug!(folio, ?left_out, "not in OC4IDS");
                }
                if let Some(whole) = projects.add(workshop, &project.value)? {
                    made.extend(placed(workshop, &label, whole)?);
                }
            }
            // Without a process there is nothing that OC4IDS could be made of.
            Err(error) => tracing::warn!(folio, %error, "not in OC4IDS"),
        }
    }
    if let Some(whole) = projects.end()? {
        made.extend(placed(workshop, &label, whole)?);
    }
    let lines = lines.finish()?;
    if processes > 0 {
        made.extend(tables(endpoint, workshop, run, &layout, lines.path(), &label)?);
    }
    Ok(made)
}

/// Files of projects: a name without its ending, how many, the files.
type Finished = (String, u64, [super::made::Whole; 3]);

fn placed(
    workshop: &Workshop,
    label: &dyn Fn(String, &'static str, u64) -> Label,
    (name, count, [plain, zipped, lines]): Finished,
) -> Result<Vec<MadeFile>> {
    Ok(vec![
        workshop.place(label(format!("{name}.json"), "project-package", count), plain)?,
        workshop.place(label(format!("{name}.json.gz"), "project-package", count), zipped)?,
        workshop.place(label(format!("{name}.jsonl.gz"), "project-package", count), lines)?,
    ])
}

/// The OC4IDS packages: one, and another where it would be too large.
struct Projects<'a> {
    endpoint: &'a Endpoint,
    run: &'a Run,
    open: Option<(String, Package)>,
    finished: u32,
}

impl Projects<'_> {
    /// Adds a project; gives a file that is full.
    fn add(&mut self, workshop: &mut Workshop, project: &Value) -> Result<Option<Finished>> {
        let (_, package) = match &mut self.open {
            Some(open) => open,
            closed => {
                let name = match self.finished {
                    0 => "/oc4ids/projects".to_owned(),
                    n => format!("/oc4ids/projects-{}", n + 1),
                };
                let config = &self.endpoint.config;
                let uri = format!("{}{name}.json", config.municipality.public_url);
                let empty = ocds::oc4ids::package(&config.publication(), &uri, self.run.at, Vec::new());
                closed.insert((name, Package::begin(workshop, &empty)?))
            }
        };
        let text = project.to_string();
        package.add(&text, &text)?;
        if package.zipped() > ZIPPED { self.end() } else { Ok(None) }
    }

    fn end(&mut self) -> Result<Option<Finished>> {
        let Some((name, package)) = self.open.take() else { return Ok(None) };
        self.finished += 1;
        let count = package.count();
        Ok(Some((name, count, package.finish()?)))
    }
}

/// What of the follow-ups of a project is not in its processes: progress and files of a time without a contract.
fn beside(
    endpoint: &Endpoint,
    records: &[&Value],
    process: Option<&Process>,
    follow_ups: &[StoredFollowUp],
) -> Value {
    let Some(process) = process else { return Value::Null };
    let in_ocds: String = records.iter().map(|record| record["compiledRelease"].to_string()).collect();
    let is_new = |item: &Value| item["id"].as_str().is_some_and(|id| !in_ocds.contains(&format!("\"{id}\"")));
    let basis = state::basis(&endpoint.config.municipality, process);
    let mut data: Map<String, Value> = Map::new();
    let published = follow_ups.iter().filter(|stored| stored.state == State::Published);
    for stored in published {
        let said = domain::release::for_the_project(&stored.follow_up, &basis);
        let items = |list: &Value| list.as_array().cloned().unwrap_or_default();
        for (place, name) in [("/agreedMetrics", "forecasts"), ("/implementation/metrics", "metrics")] {
            for metric in items(said.pointer(place).unwrap_or(&Value::Null)) {
                let observations: Vec<Value> =
                    items(&metric["observations"]).into_iter().filter(is_new).collect();
                lay_metric(&mut data, name, &metric, observations);
            }
        }
        for place in ["/documents", "/implementation/documents"] {
            let documents = items(said.pointer(place).unwrap_or(&Value::Null));
            let fresh: Vec<Value> = documents.into_iter().filter(is_new).collect();
            if !fresh.is_empty()
                && let Some(list) = data.entry("documents").or_insert_with(|| json!([])).as_array_mut()
            {
                list.extend(fresh);
            }
        }
    }
    if data.is_empty() { Value::Null } else { Value::Object(data) }
}

fn lay_metric(data: &mut Map<String, Value>, name: &str, metric: &Value, observations: Vec<Value>) {
    if observations.is_empty() {
        return;
    }
    let list = data.entry(name).or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else { return };
    let known = list.iter().position(|known| known["id"] == metric["id"]);
    match known.and_then(|at| list[at]["observations"].as_array_mut()) {
        Some(series) => series.extend(observations),
        None => list.push(json!({
            "id": metric["id"], "title": metric["title"], "observations": observations,
        })),
    }
}

/// The second pass: what was written as lines, as tables.
fn tables(
    endpoint: &Endpoint,
    workshop: &mut Workshop,
    run: &Run,
    layout: &Layout,
    lines: &std::path::Path,
    label: &dyn Fn(String, &'static str, u64) -> Label,
) -> Result<Vec<MadeFile>> {
    let about = about(endpoint, run);
    // Programs join tables by paths; people read a workbook by titles.
    let folder = workshop.path();
    let csv = Options { about: about.clone(), ..Options::default() };
    let book = workshop.path();
    let xlsx = Options { headers: Headers::Titles(Lang::Es), about, ..Options::default() };
    let mut writers = [flatten::csv(&folder, layout, &csv)?, flatten::xlsx(&book, layout, &xlsx)?];
    for line in BufReader::new(File::open(lines)?).lines() {
        let compiled: Value = serde_json::from_str(&line?)?;
        for writer in &mut writers {
            writer.write(&compiled)?;
        }
    }
    let [csv, xlsx] = writers;
    let mut made = Vec::new();
    for table in csv.finish()?.tables {
        for part in table.parts {
            let whole = Workshop::whole(&folder.join(&part))?;
            made.push(workshop.place(label(format!("/csv/{part}"), "csv", table.rows), whole)?);
        }
    }
    let report = xlsx.finish()?;
    for warning in &report.warnings {
        tracing::warn!(?warning, "datos.xlsx");
    }
    let rows = report.tables.first().map_or(0, |table| table.rows);
    made.push(workshop.place(label("/datos.xlsx".into(), "xlsx", rows), Workshop::whole(&book)?)?);
    Ok(made)
}

/// What tables say of themselves.
fn about(endpoint: &Endpoint, run: &Run) -> Vec<[String; 2]> {
    let config = &endpoint.config;
    let root = &config.municipality.public_url;
    let mut about = vec![
        ["Quién publica".to_owned(), config.municipality.name.clone()],
        ["Datos al".to_owned(), domain::release::instant(run.at)],
        ["Corrida que los produjo".to_owned(), format!("{root}/corridas/{}.html", run.n)],
        [
            "Qué contiene".to_owned(),
            "El estado vigente de cada proceso publicado (OCDS 1.1, compiledRelease)".into(),
        ],
        ["Licencia".to_owned(), config.license.clone()],
        ["Política de publicación".to_owned(), config.policy_url.clone()],
        ["Diccionario".to_owned(), format!("{root}/diccionario/")],
    ];
    if !config.municipality.prefix_registered {
        let prefix = &config.municipality.prefix;
        about.push(["Datos de prueba".into(), format!("El prefijo {prefix} no está registrado")]);
    }
    about
}
