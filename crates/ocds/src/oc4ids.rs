//! OC4IDS 0.9.5 projects from OCDS records: the Open Contracting for Infrastructure Data Standards.
//!
//! A citizen asks about a **project** (a park, a pavement); OCDS speaks of **contracting processes**, of which a
//! project has none, one or several. [`project`] makes a project of the records of its processes, which are joined
//! by `planning.project.id` (project extension), and of what the publisher knows beside them: project data is a
//! partial OC4IDS project, and wins field by field over what is derived. A project carried out by municipal crews
//! comes from data alone, and so do progress and photographs of a process without a contract.
//!
//! ```
//! use ocds::oc4ids::{self, Context};
//! use ocds::package::Publication;
//! use serde_json::json;
//!
//! let record = json!({"ocid": "ocds-abc123-1", "compiledRelease": {
//!     "ocid": "ocds-abc123-1", "id": "ocds-abc123-1-c", "date": "2026-03-02T17:00:00Z", "tag": ["compiled"],
//!     "planning": {"project": {"id": "PP-2026-0107", "title": "Rehabilitación de banquetas"},
//!                  "budget": {"amount": {"amount": 1250000, "currency": "MXN"}}}
//! }});
//! assert_eq!(oc4ids::project_id(&record["compiledRelease"]).as_deref(), Some("PP-2026-0107"));
//!
//! let data = json!({"type": "rehabilitation", "metrics": [
//!     {"id": "physicalProgress", "observations": [{"id": "1", "measure": 40, "unit": {"name": "%"}}]}
//! ]});
//! let now = "2026-05-01T00:00:00Z".parse().unwrap();
//! let context = Context { prefix: Some("oc4ids-abc123"), now, release_url: None };
//! let made = oc4ids::project(Some(&data), &[&record], &context).unwrap();
//! assert_eq!(made.left_out, []);
//! assert_eq!(made.value["id"], "oc4ids-abc123-PP-2026-0107");
//! assert_eq!(made.value["status"], "identification");
//! assert_eq!(made.value["contractingProcesses"][0]["summary"]["status"], "pre-award");
//! assert_eq!(made.value["metrics"][0]["observations"][0]["measure"], 40);
//!
//! let publication = Publication { publisher_name: "Municipio de Ejemplo".to_owned(), ..Publication::default() };
//! let package = oc4ids::package(&publication, "https://example.org/oc4ids.json", now, vec![made.value]);
//! assert_eq!(package["version"], "0.9");
//! ```
//!
//! # Where each field comes from
//!
//! The mapping is that of the OC4IDS guidance (CoST IDS elements), with what it leaves to the publisher decided as
//! follows. A process is read from its compiled release; with several processes, the first that says something is
//! heard, unless said otherwise. Awards that were cancelled or unsuccessful, and cancelled contracts (which is how a
//! mistake is published), have no part in texts, sums, periods, metrics and modifications.
//!
//! | OC4IDS | OCDS |
//! |---|---|
//! | `id` | `planning.project.id`, after [`Context::prefix`] |
//! | `identifiers` | `planning.project.id`, where `id` is another |
//! | `updated` | the latest `date` |
//! | `language` | `language` |
//! | `title`, `description` | `planning.project`, else `tender`, else the process itself |
//! | `purpose` | `planning.rationale` |
//! | `status` | the phase that the processes have reached; `cancelled` and what follows `completion` only from data |
//! | `period` | from the earliest to the latest `contractPeriod` of the summaries |
//! | `sector` | `planning.project.sector.id`, if it is an OC4IDS sector (and the sector it is a part of) |
//! | `additionalClassifications` | `planning.project.sector` and `.additionalClassifications` of all processes |
//! | `locations` | `planning.project.locations` of all processes, else `deliveryLocation` and `deliveryAddress` of items |
//! | `budget.amount` | sum of `planning.budget.amount`, else `planning.project.totalValue` |
//! | `budget.description` | `planning.budget.description` |
//! | `budget.approvalDate` | `dateMet` of the planning milestones of type `approval` |
//! | `budget.budgetBreakdowns` | a group for each process: `planning.budget.budgetBreakdown` |
//! | `parties` | `parties` of all processes; a `buyer` is also `publicAuthority`, a `sourceParty` is `funder` |
//! | `publicAuthority` | the buyer, if there is only one |
//! | `forecasts` | `contracts.agreedMetrics` and `planning.forecasts` |
//! | `metrics` | `contracts.implementation.metrics` |
//! | `milestones` | `planning.milestones` |
//! | `documents` | those of `planning.documents` and `contracts.implementation.documents` that are about the project |
//! | `completion` | once all contracts have ended: `contracts.implementation` `endDate` (else `contracts.period.endDate`), `finalValue` (else the sum of `transactions`) and their details |
//!
//! Of each process, `contractingProcesses` has `id` and in its `summary`:
//!
//! | OC4IDS | OCDS |
//! |---|---|
//! | `ocid` | `ocid` |
//! | `nature` | `construction` if `tender.mainProcurementCategory` is `works` |
//! | `title` | of the only contract, else of the only award, else of the tender, else of the process |
//! | `description` | of the only contract, award or item that has one (of the tender, if there are several), else of the process |
//! | `status` | see [`status`] |
//! | `tender.procurementMethod`, `.procurementMethodDetails`, `.numberOfTenderers`, `.tenderers` | the same fields |
//! | `tender.datePublished` | `datePublished` of the `tenderNotice`, else the date of the first release tagged `tender` |
//! | `tender.costEstimate` | the last `tender.value` while `tender.status` was `planning` or `planned` |
//! | `tender.procuringEntity`, `.administrativeEntity` | the party with that role, if there is only one |
//! | `suppliers` | parties with that role, and `awards.suppliers` |
//! | `contractValue` | sum of `awards.value`, else of `contracts.value` before any amendment |
//! | `contractPeriod` | from the earliest to the latest `awards.contractPeriod`, else `tender.contractPeriod`, else `contracts.period` before any amendment |
//! | `finalValue` | once all contracts have ended, as in `completion` |
//! | `modifications` | `contracts.amendments`, with what changed in the release in which each appears |
//! | `transactions` | `contracts.implementation.transactions` |
//! | `milestones` | of `tender`, `contracts` and `contracts.implementation` |
//! | `documents` | all that are not documents of the project |
//!
//! `releases` are links, so they need an address: that of a linked release, or [`Context::release_url`].
//!
//! What OC4IDS has no place for is not carried over; nor is anything empty, or that its schema refuses. Ids are
//! text. Where two items of a list would have the same id, the second gets the id of its contract or process before
//! it. An organization is never referred to without being in `parties`.

mod fit;
mod modifications;
mod parties;
mod process;
mod status;
mod total;
mod whole;

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::ident::is_prefix;
use crate::package::Publication;
use crate::tag::items;
use crate::value::id_text;
use fit::{Fit, is_blank, lay_fields, put};
pub use status::status;

/// What is the same for all projects of a publisher.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The registered prefix of project ids (`oc4ids-abc123`), put before ids that do not begin with one. Without
    /// it, the project id of OCDS is the id, which OC4IDS only takes if it begins with a registered prefix.
    pub prefix: Option<&'a str>,
    /// The present, on which statuses depend.
    pub now: DateTime<Utc>,
    /// The address of the package in which a release is published.
    pub release_url: Option<ReleaseUrl<'a>>,
}

/// Makes a web address of an `ocid` and a release `id`.
pub type ReleaseUrl<'a> = &'a (dyn Fn(&str, &str) -> String + Sync);

/// A project, and what did not get into it.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// The OC4IDS project.
    pub value: Value,
    /// What was left out. Nothing of it prevents publication.
    pub left_out: Vec<LeftOut>,
}

/// Where something comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The project data that the caller gave.
    Data,
    /// The compiled release of a process, by its ocid.
    Process(String),
    /// The processes together.
    Project,
}

/// Something that is not in the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LeftOut {
    /// A process is not in the project at all.
    Process {
        /// Position in the records given.
        at: usize,
        /// Its ocid, if it has one.
        ocid: Option<String>,
        /// Why.
        why: Excluded,
    },
    /// A value did not fit.
    Field {
        /// Where it comes from.
        origin: Origin,
        /// JSON Pointer to it, in project data or in the compiled release.
        pointer: String,
        /// Why.
        problem: Problem,
    },
    /// There is no sum: values in several currencies, one that cannot be read, or too many digits.
    Sum {
        /// The project, or one process.
        origin: Origin,
        /// JSON Pointer to the field that is missing, in the project or in the contracting process.
        field: &'static str,
    },
    /// A field for one organization is missing because there are several.
    Several {
        /// The project, or one process.
        origin: Origin,
        /// JSON Pointer to the field that is missing, in the project or in the contracting process.
        field: &'static str,
    },
    /// A process says something else than one before it, which was heard.
    Different {
        /// The process that was not heard.
        ocid: String,
        /// JSON Pointer to the field, in the project.
        field: &'static str,
    },
    /// Releases are not linked because they have no address.
    Releases {
        /// The process.
        ocid: String,
        /// How many.
        count: usize,
    },
}

/// Why a process is not in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Excluded {
    /// It is neither a record with a compiled release nor a compiled release.
    NotCompiled,
    /// It has no `ocid`.
    NoOcid,
    /// It has no `planning.project.id`.
    NoProject,
    /// It belongs to another project, named here.
    OtherProject(String),
    /// A record of the same process came before it.
    Repeated,
}

/// Why a value did not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Problem {
    /// OC4IDS has no such field (only told of project data).
    Undeclared,
    /// It is not of the type it must have.
    Type,
    /// It is no date-time, URI or e-mail address.
    Format,
    /// It is not in a closed codelist.
    Code,
    /// An object lacks this field, without which it says nothing.
    Missing(String),
}

/// Why there is no project.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum ProjectError {
    /// Project data is not a JSON object.
    #[error("project data is not an object")]
    NotAnObject,
    /// Neither the project data nor any process says which project it is.
    #[error("the project has no id")]
    NoId,
}

/// Makes a project of project data (a partial OC4IDS project) and of the records of its processes, each
/// `{ocid, releases, compiledRelease}` or a compiled release.
///
/// All processes must belong to one project, that of the first; others are left out. With project data,
/// objects are laid over what is derived field by field, lists of objects with `id` item by item, and other
/// lists replace what is derived. `null` says nothing.
///
/// # Errors
/// [`ProjectError`].
pub fn project(
    data: Option<&Value>,
    records: &[&Value],
    context: &Context<'_>,
) -> Result<Project, ProjectError> {
    let mut left_out = Vec::new();
    let data = match data {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(data)) => Fit::new(&Origin::Data, &mut left_out).project(data, true),
        Some(_) => return Err(ProjectError::NotAnObject),
    };
    let (processes, local) = select(records, &mut left_out);
    let given = data.get("id").and_then(Value::as_str).map(str::to_owned);
    let id = given.or_else(|| Some(prefixed(local.as_deref()?, context.prefix))).ok_or(ProjectError::NoId)?;

    let mut derived = whole::derive(&processes, context, &mut left_out);
    if let Some(local) = local.filter(|local| *local != id) {
        put(&mut derived, "identifiers", vec![json!({"id": local})]);
    }
    put(&mut derived, "id", id);
    lay_fields(&mut derived, data);
    parties::resolve(&mut derived);
    // Each part was held against the schema where it came from; this puts the fields in order, and what fits together
    // of parts that each fit.
    let value = Fit::new(&Origin::Project, &mut left_out).project(&derived, false);
    Ok(Project { value: Value::Object(value), left_out })
}

/// The project to which a process belongs: `planning.project.id` of its compiled release (project extension), as
/// text. For bringing together the records of each project.
pub fn project_id(compiled: &Value) -> Option<String> {
    id_text(compiled["planning"]["project"].get("id")).map(Cow::into_owned).filter(|id| !is_blank(id))
}

/// A project package: `{uri, publishedDate, version, publisher, license, publicationPolicy, projects}`. `uri` is the
/// address of the package; the standard wants at least one project, and each only once.
pub fn package(
    publication: &Publication,
    uri: &str,
    published: DateTime<Utc>,
    projects: Vec<Value>,
) -> Value {
    let mut publisher = Map::new();
    put(&mut publisher, "name", publication.publisher_name.as_str());
    put(&mut publisher, "scheme", publication.publisher_scheme.as_deref());
    put(&mut publisher, "uid", publication.publisher_uid.as_deref());
    put(&mut publisher, "uri", publication.publisher_uri.as_deref());
    let mut package = Map::new();
    package.insert("uri".to_owned(), json!(uri));
    package.insert("publishedDate".to_owned(), json!(published.to_rfc3339_opts(SecondsFormat::Secs, true)));
    package.insert("version".to_owned(), json!("0.9"));
    package.insert("publisher".to_owned(), Value::Object(publisher));
    put(&mut package, "license", publication.license.as_deref());
    put(&mut package, "publicationPolicy", publication.publication_policy.as_deref());
    package.insert("projects".to_owned(), Value::Array(projects));
    Value::Object(package)
}

/// A contracting process, as its record tells it.
struct Process<'a> {
    ocid: String,
    compiled: &'a Value,
    /// The releases that the record has in it, oldest first.
    releases: Vec<&'a Value>,
    /// The releases to which the record links.
    linked: Vec<&'a Value>,
}

/// The processes of the project of the first record that has one, and what OCDS calls that project.
fn select<'a>(records: &[&'a Value], left_out: &mut Vec<LeftOut>) -> (Vec<Process<'a>>, Option<String>) {
    let mut project: Option<String> = None;
    let (mut processes, mut seen) = (Vec::new(), HashSet::new());
    for (at, record) in records.iter().enumerate() {
        let compiled = record.get("compiledRelease");
        let compiled = compiled.or_else(|| record.get("releases").is_none().then_some(*record));
        let id =
            |value: &Value| id_text(value.get("ocid")).map(Cow::into_owned).filter(|ocid| !is_blank(ocid));
        let ocid = compiled.and_then(id).or_else(|| id(record));
        let mut exclude = |ocid: Option<String>, why| left_out.push(LeftOut::Process { at, ocid, why });
        let Some(compiled) = compiled.filter(|compiled| compiled.is_object()) else {
            exclude(ocid, Excluded::NotCompiled);
            continue;
        };
        let Some(ocid) = ocid else {
            exclude(None, Excluded::NoOcid);
            continue;
        };
        match (&project, project_id(compiled)) {
            (_, None) => exclude(Some(ocid), Excluded::NoProject),
            (Some(one), Some(other)) if *one != other => {
                exclude(Some(ocid), Excluded::OtherProject(other));
            }
            _ if !seen.insert(ocid.clone()) => exclude(Some(ocid), Excluded::Repeated),
            (_, own) => {
                project = own;
                let (linked, mut releases): (Vec<&Value>, Vec<&Value>) =
                    items(&record["releases"]).partition(|release| release.get("url").is_some());
                releases.sort_by(|a, b| a["date"].as_str().cmp(&b["date"].as_str()));
                processes.push(Process { ocid, compiled, releases, linked });
            }
        }
    }
    (processes, project)
}

/// A project id with a registered prefix before it, unless it begins with one.
fn prefixed(local: &str, prefix: Option<&str>) -> String {
    let has_prefix = local.strip_prefix("oc4ids-").is_some_and(|rest| {
        rest.get(..6).is_some_and(|code| is_prefix(&format!("ocds-{code}"))) && rest[6..].starts_with('-')
    });
    match prefix {
        Some(prefix) if !has_prefix => format!("{prefix}-{local}"),
        _ => local.to_owned(),
    }
}
