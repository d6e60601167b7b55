//! The verb `oc4ids`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use indexmap::IndexMap;
use ocds::json::Writer;
use ocds::merge::Rules;
use ocds::oc4ids::{self, Context, Excluded, LeftOut, Problem};
use ocds::package;
use ocds::stream::{self, Index, Process, Wanted};
use serde_json::Value;

use crate::input::{Globals, Input, Progress, batches, values};
use crate::packaging::{Chosen, Metadata};

#[derive(Args)]
pub struct Projects {
    #[command(flatten)]
    input: Input,
    /// OC4IDS projects, or parts of them: what they say wins over what the processes say
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The registered prefix of project ids, such as oc4ids-abc123, put before ids that have none
    #[arg(long)]
    prefix: Option<String>,
    /// Web address of each release, with {ocid} and {id} in it
    #[arg(long, value_name = "URL")]
    release_url: Option<String>,
    /// The moment at which processes are active or closed, RFC 3339 (default: now)
    #[arg(long, value_name = "DATE")]
    now: Option<DateTime<Utc>>,
    /// Also tell each value that did not fit, not only how many
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    metadata: Metadata,
}

/// Makes a project package; whether everything read is in it.
pub fn run(arguments: &Projects, globals: &Globals) -> Result<bool> {
    let now = arguments.now.unwrap_or_else(|| std::time::SystemTime::now().into());
    let data = arguments.data.as_ref().map_or_else(|| Ok(IndexMap::new()), project_data)?;
    let sources = arguments.input.sources(globals)?;
    let progress = Progress::over(&sources);
    let index = Index::read(sources, Wanted::Records, &progress.teller())?;
    let chosen = Chosen::by(index.packages())?;
    let work = Work { index: &index, rules: chosen.rules() };
    let processes = index.processes();
    let mut told = Told { good: true, verbose: arguments.verbose, left_out: BTreeMap::new() };

    // First, which process belongs to which project; then, each project by itself.
    progress.then(2 * processes.len() as u64);
    let mut projects: BTreeMap<String, Vec<&Process>> = BTreeMap::new();
    stream::in_order(
        batches(&index, &processes).into_iter(),
        globals.threads(),
        |batch| batch.iter().map(|process| (process, work.project_of(process))).collect::<Vec<_>>(),
        |found| {
            progress.advance(found.len());
            for (process, project) in found {
                match project {
                    Ok(Some(id)) => projects.entry(id).or_default().push(process),
                    Ok(None) => {
                        told.left_out("a process has no planning.project.id", index.ocid(process.ocid))
                    }
                    Err(error) => told.failed(&error),
                }
            }
            Ok::<(), anyhow::Error>(())
        },
    )?;
    let local = |id: &str| {
        let rest = arguments.prefix.as_deref().and_then(|prefix| id.strip_prefix(prefix)?.strip_prefix('-'));
        rest.unwrap_or(id).to_owned()
    };
    for id in data.keys() {
        // A project without any contracting process.
        projects.entry(local(id)).or_default();
    }
    let by_local: IndexMap<String, &Value> = data.iter().map(|(id, project)| (local(id), project)).collect();

    let (publication, uri, published) = arguments.metadata.publication(index.packages());
    let published = match published.as_deref() {
        None => now,
        Some(text) => text.parse().with_context(|| format!("--published-date {text}"))?,
    };
    let address = arguments.release_url.as_deref().map(|url| {
        move |ocid: &str, id: &str| url.replace("{ocid}", &encoded(ocid)).replace("{id}", &encoded(id))
    });
    let release_url = address.as_ref().map(|address| address as oc4ids::ReleaseUrl<'_>);
    let context = Context { prefix: arguments.prefix.as_deref(), now, release_url };

    let mut out = globals.output();
    let style = globals.style();
    let mut head = Writer::new(style);
    head.begin_object();
    let wrapper = oc4ids::package(&publication, &uri, published, Vec::new());
    for (name, value) in wrapper.as_object().into_iter().flatten().filter(|(name, _)| *name != "projects") {
        head.name(name);
        head.value(value);
    }
    head.name("projects");
    head.begin_array();
    out.write_all(head.bytes())?;
    let mut count = 0;
    stream::in_order(
        projects.iter(),
        globals.threads(),
        |(id, processes)| {
            let made = work.project(by_local.get(id).copied(), processes, &context);
            let made = made.map(|project| {
                let mut writer = Writer::within(style, 2);
                writer.value(&project.value);
                (writer, project.left_out)
            });
            (id, processes.len(), made)
        },
        |(id, steps, made)| {
            progress.advance(steps);
            match made {
                Err(error) => told.failed(&anyhow!("project {id}: {error:#}")),
                Ok((writer, left_out)) => {
                    if count > 0 {
                        out.write_all(b",")?;
                    }
                    count += 1;
                    out.write_all(writer.bytes())?;
                    left_out.iter().for_each(|left_out| told.add(id, left_out));
                }
            }
            Ok::<(), anyhow::Error>(())
        },
    )?;
    let mut end = Writer::within(style, 2);
    end.end_array_of_pieces(count > 0);
    end.end_object();
    end.end_document();
    out.write_all(end.bytes())?;
    out.flush()?;
    told.finish();
    Ok(told.good)
}

/// Projects by their id: an array, JSON Lines, or the projects of packages.
fn project_data(path: &PathBuf) -> Result<IndexMap<String, Value>> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("{name}"))?;
    let mut projects = IndexMap::new();
    let mut add = |project: Value| {
        let Some(id) = project["id"].as_str().map(str::to_owned) else {
            bail!("{name}: a project has no id that is a string");
        };
        if projects.insert(id.clone(), project).is_some() {
            bail!("{name}: two projects have the id {id}");
        }
        Ok(())
    };
    for document in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
        match document.with_context(|| format!("{name}"))? {
            Value::Array(items) => items.into_iter().try_for_each(&mut add)?,
            Value::Object(mut package) if package.contains_key("projects") => {
                match package.shift_remove("projects") {
                    Some(Value::Array(items)) => items.into_iter().try_for_each(&mut add)?,
                    _ => bail!("{name}: projects is not a list"),
                }
            }
            project => add(project)?,
        }
    }
    Ok(projects)
}

/// A part of a web address, percent-encoded (RFC 3986).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

struct Work<'w> {
    index: &'w Index,
    rules: &'w Rules,
}

impl Work<'_> {
    /// The record of a process: the one that was read, or one made of its releases.
    fn record(&self, process: &Process) -> Result<Value> {
        let mut releases = Vec::new();
        let mut record = None;
        let told = values(self.index, &process.entries, &mut |_, value| {
            let tags = value["tag"].as_array().map_or(&[][..], Vec::as_slice);
            if value.get("releases").is_some() || value.get("compiledRelease").is_some() {
                record = Some(value);
            } else if tags.iter().any(|tag| tag == "compiled") {
                record.get_or_insert(value);
            } else {
                releases.push(value);
            }
        });
        if let Some(first) = told.into_iter().next() {
            bail!(first);
        }
        match record {
            Some(record) if record.get("compiledRelease").is_some() || record.get("releases").is_none() => {
                Ok(record)
            }
            Some(record) => {
                let releases = record["releases"].as_array().cloned().unwrap_or_default();
                Ok(package::record(self.rules, &releases, false)?)
            }
            None => Ok(package::record(self.rules, &releases, false)?),
        }
    }

    fn project_of(&self, process: &Process) -> Result<Option<String>> {
        let Some(ocid) = self.index.ocid(process.ocid) else {
            let entry = process.entries.first().copied().unwrap_or_default();
            bail!("{}: this has no ocid", self.index.place(entry));
        };
        let record = self.record(process).with_context(|| ocid.to_owned())?;
        Ok(oc4ids::project_id(record.get("compiledRelease").unwrap_or(&record)))
    }

    fn project(
        &self,
        data: Option<&Value>,
        processes: &[&Process],
        context: &Context<'_>,
    ) -> Result<oc4ids::Project> {
        let records: Vec<Value> =
            processes.iter().map(|process| self.record(process)).collect::<Result<_>>()?;
        Ok(oc4ids::project(data, &records.iter().collect::<Vec<_>>(), context)?)
    }
}

/// What did not get into the package.
struct Told {
    good: bool,
    verbose: bool,
    /// How often, by what.
    left_out: BTreeMap<String, (usize, String)>,
}

impl Told {
    fn failed(&mut self, error: &anyhow::Error) {
        eprintln!("ocds: {error:#}");
        self.good = false;
    }

    fn left_out(&mut self, what: &str, place: Option<&str>) {
        let place = place.unwrap_or_default();
        if self.verbose {
            eprintln!("ocds: {place}: {what}");
        }
        self.left_out.entry(what.to_owned()).or_insert_with(|| (0, place.to_owned())).0 += 1;
    }

    fn add(&mut self, project: &str, left_out: &LeftOut) {
        let (what, place) = match left_out {
            LeftOut::Process { ocid, why, .. } => {
                let why = match why {
                    Excluded::NotCompiled => "a record has no compiled release",
                    Excluded::NoOcid => "a record has no ocid",
                    Excluded::NoProject => "a process has no planning.project.id",
                    Excluded::OtherProject(_) => "a process belongs to another project",
                    Excluded::Repeated => "a process has two records; the first counts",
                };
                (why.to_owned(), ocid.clone())
            }
            LeftOut::Field { pointer, problem, .. } => {
                let why = match problem {
                    Problem::Undeclared => "OC4IDS has no such field".to_owned(),
                    Problem::Type => "a value is not of the type that OC4IDS asks for".to_owned(),
                    Problem::Format => "a value is no date, address or e-mail address".to_owned(),
                    Problem::Code => "a code is not in a closed codelist of OC4IDS".to_owned(),
                    Problem::Missing(name) => format!("an object has no {name}"),
                };
                let field = pointer.split('/').filter(|step| step.parse::<usize>().is_err());
                (format!("{why}: {}", field.collect::<Vec<_>>().join("/")), None)
            }
            LeftOut::Sum { field, .. } => {
                (format!("there is no sum for {field}: currencies or amounts differ"), None)
            }
            LeftOut::Several { field, .. } => {
                (format!("{field} can name one organization, and there are several"), None)
            }
            LeftOut::Different { ocid, field } => (
                format!("processes of one project say different things in {field}; the first counts"),
                Some(ocid.clone()),
            ),
            LeftOut::Releases { ocid, .. } => {
                ("releases are not linked: give --release-url".to_owned(), Some(ocid.clone()))
            }
        };
        self.left_out(&what, Some(place.as_deref().unwrap_or(project)));
    }

    /// What was left out, each thing once.
    fn finish(&self) {
        for (what, (count, place)) in &self.left_out {
            eprintln!("ocds: left out, {count} times, first in {place}: {what}");
        }
    }
}
