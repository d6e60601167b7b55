//! The public pages: templates checked when compiled, no JavaScript, readable at 360 pixels and on paper.

use std::path::PathBuf;

use anyhow::Result;
use askama::Template;
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use domain::follow_up::{Percent, State};
use domain::release::public_path;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::publish::ProjectView;
use crate::store::{Process, Project};

pub mod runs;

/// Projects on one page of the index.
const PAGE: usize = 200;

/// What every page says of itself.
struct Frame {
    municipality: String,
    registered: bool,
    prefix: String,
    license: String,
    policy: String,
    data_at: String,
    /// Number of the run that made the page.
    run: u64,
    /// Way to the root: `../../` from a project's page, so that the site also works from a folder.
    root: &'static str,
}

impl Frame {
    fn new(endpoint: &Endpoint, now: DateTime<Utc>, run: u64, root: &'static str) -> Frame {
        let municipality = &endpoint.config.municipality;
        Frame {
            municipality: municipality.name.clone(),
            registered: municipality.prefix_registered,
            prefix: municipality.prefix.clone(),
            license: endpoint.config.license.clone(),
            policy: endpoint.config.policy_url.clone(),
            data_at: moment(now, municipality.offset_minutes),
            run,
            root,
        }
    }
}

/// One bar of progress: planned against actual.
struct Bar {
    name: &'static str,
    planned: Option<String>,
    actual: Option<String>,
    planned_width: String,
    actual_width: String,
}

struct Fact {
    name: &'static str,
    value: String,
}

struct Contract {
    id: String,
    title: String,
    suppliers: String,
    amount: String,
    signed: String,
    status: &'static str,
    paid: String,
}

struct Milestone {
    title: String,
    status: &'static str,
    due: String,
    met: String,
}

struct Photo {
    src: String,
    alt: String,
}

struct Document {
    href: String,
    title: String,
}

struct Version {
    date: String,
    what: String,
    href: String,
}

#[derive(Template)]
#[template(path = "project.html")]
struct ProjectPage {
    frame: Frame,
    folio: String,
    title: String,
    description: String,
    facts: Vec<Fact>,
    bars: Vec<Bar>,
    progress_on: String,
    contracts: Vec<Contract>,
    milestones: Vec<Milestone>,
    photos: Vec<Photo>,
    documents: Vec<Document>,
    versions: Vec<Version>,
    records: Vec<Document>,
}

#[derive(Template)]
#[template(path = "index.html")]
struct IndexPage {
    frame: Frame,
    total: usize,
    amount: String,
    started: usize,
    rows: Vec<Row>,
    page: usize,
    pages: usize,
    previous: Option<String>,
    next: Option<String>,
}

struct Row {
    href: String,
    folio: String,
    title: String,
    place: String,
    amount: String,
    progress: String,
    width: String,
}

/// What the pages that name everything say of a project: little enough that all projects are in memory at once.
pub struct Listed {
    project: Project,
    /// Budget of its first process, in words.
    amount: String,
    /// Budget of each process, by currency.
    budgets: Vec<(String, Decimal)>,
}

impl Listed {
    /// Of a project and its processes.
    pub fn new(project: Project, processes: &[Process]) -> Listed {
        let budgets = processes.iter().map(|process| &process.compiled["planning"]["budget"]["amount"]);
        let amount =
            |value: &Value| Some((value["currency"].as_str()?.to_owned(), decimal(&value["amount"])?));
        Listed {
            project,
            amount: budgets.clone().next().map(money).unwrap_or_default(),
            budgets: budgets.filter_map(amount).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    frame: Frame,
    /// Public key of the endpoint, hexadecimal.
    key: String,
}

#[derive(Template)]
#[template(path = "policy.html")]
struct PolicyPage {
    frame: Frame,
}

/// The page of a project.
///
/// # Errors
/// If the template cannot be written.
pub fn project_page(endpoint: &Endpoint, view: &ProjectView, now: DateTime<Utc>, run: u64) -> Result<String> {
    let offset = endpoint.config.municipality.offset_minutes;
    let project = &view.project;
    let first = view.processes.first().map(|(process, _)| &process.compiled).unwrap_or(&Value::Null);
    let mut contracts = Vec::new();
    let mut milestones = Vec::new();
    let mut versions = Vec::new();
    let mut records = Vec::new();
    for (process, releases) in &view.processes {
        contracts.extend(contracts_of(&process.compiled));
        milestones.extend(milestones_of(&process.compiled));
        for release in releases.iter().rev() {
            versions.push(Version {
                date: moment(release.date, offset),
                what: tags(&release.body),
                href: format!("../../ocds/releases/{}/{}.json", release.ocid, release.id),
            });
        }
        records.push(Document {
            href: format!("../../ocds/records/{}.json", process.ocid),
            title: format!("Historial público (OCDS) de {}", process.ocid),
        });
    }
    let mut photos = Vec::new();
    let mut documents = Vec::new();
    for stored in view.follow_ups.iter().rev() {
        let visited = stored
            .follow_up
            .content
            .visited_on
            .map(day)
            .unwrap_or_else(|| moment(stored.recorded_at, offset));
        for file in &stored.follow_up.evidence {
            let src = format!("../..{}", public_path(file));
            if file.media_type.is_image() {
                photos.push(Photo {
                    src,
                    alt: format!("Evidencia del seguimiento {} ({visited})", stored.follow_up.folio()),
                });
            } else {
                let title = file.title.clone().unwrap_or_else(|| "Documento".into());
                documents.push(Document { href: src, title: format!("{title} ({visited})") });
            }
        }
    }
    let progress = project.progress.as_ref();
    let superseded = view.follow_ups.iter().filter(|stored| stored.state == State::Superseded).count();
    let mut facts = Vec::new();
    let mut fact = |name: &'static str, value: String| {
        if !value.is_empty() {
            facts.push(Fact { name, value });
        }
    };
    fact("Dónde", project.place.clone().unwrap_or_default());
    fact("Presupuesto aprobado", money(&first["planning"]["budget"]["amount"]));
    fact("Quién lo lleva a cabo", project.areas.join(", "));
    fact(
        "Quién lo ejecuta",
        contracts
            .iter()
            .map(|c: &Contract| c.suppliers.clone())
            .filter(|s| !s.is_empty())
            .collect::<Vec<_>>()
            .join("; "),
    );
    fact("Seguimientos publicados", (view.follow_ups.len() - superseded).to_string());
    let page = ProjectPage {
        frame: Frame::new(endpoint, now, run, "../../"),
        folio: project.folio.clone(),
        title: project.title.clone(),
        description: first["description"]
            .as_str()
            .filter(|text| *text != project.title)
            .unwrap_or_default()
            .to_owned(),
        facts,
        bars: vec![
            bar("Avance físico", progress.and_then(|latest| latest.progress.physical)),
            bar("Avance financiero", progress.and_then(|latest| latest.progress.financial)),
        ],
        progress_on: progress.and_then(|latest| latest.visited_on).map(day).unwrap_or_default(),
        contracts,
        milestones,
        photos,
        documents,
        versions,
        records,
    };
    Ok(page.render()?)
}

/// The pages that name everything: index (in pages), policy, style sheet. The first page of the index comes last.
///
/// # Errors
/// If a template cannot be written.
pub fn common_pages(
    endpoint: &Endpoint,
    listed: &[Listed],
    now: DateTime<Utc>,
    run: u64,
) -> Result<Vec<(PathBuf, String)>> {
    let mut pages = vec![
        (PathBuf::from("estilo.css"), include_str!("../templates/estilo.css").to_owned()),
        (
            PathBuf::from("politica-de-publicacion/index.html"),
            PolicyPage { frame: Frame::new(endpoint, now, run, "../") }.render()?,
        ),
        (
            PathBuf::from("verificar/index.html"),
            VerifyPage { frame: Frame::new(endpoint, now, run, "../"), key: endpoint.public_key() }
                .render()?,
        ),
        (PathBuf::from("verificar/verificar.js"), include_str!("../templates/verificar.js").to_owned()),
    ];
    let mut totals: std::collections::BTreeMap<&str, Decimal> = std::collections::BTreeMap::new();
    for (currency, amount) in listed.iter().flat_map(|one| &one.budgets) {
        let total = totals.entry(currency).or_default();
        *total = total.saturating_add(*amount);
    }
    let amount =
        totals.iter().map(|(currency, total)| format_money(*total, currency)).collect::<Vec<_>>().join(" + ");
    let count = listed.len().div_ceil(PAGE).max(1);
    for page in (1..=count).rev() {
        let root = if page == 1 { "" } else { "../../" };
        let chunk = listed.iter().skip((page - 1) * PAGE).take(PAGE);
        let rows = chunk
            .map(|Listed { project, amount, .. }| {
                let actual = project.progress.as_ref().and_then(|latest| latest.progress.physical?.actual);
                Row {
                    href: format!("{root}proyectos/{}/", project.folio),
                    folio: project.folio.clone(),
                    title: project.title.clone(),
                    place: project.place.clone().unwrap_or_default(),
                    amount: amount.clone(),
                    progress: actual.map(percent).unwrap_or_default(),
                    width: actual.unwrap_or_default().normalize().to_string(),
                }
            })
            .collect();
        let address = |page: usize| {
            if page == 1 { format!("{root}./") } else { format!("{root}pagina/{page}/") }
        };
        let html = IndexPage {
            frame: Frame::new(endpoint, now, run, root),
            total: listed.len(),
            amount: amount.clone(),
            started: listed.iter().filter(|one| one.project.progress.is_some()).count(),
            rows,
            page,
            pages: count,
            previous: (page > 1).then(|| address(page - 1)),
            next: (page < count).then(|| address(page + 1)),
        }
        .render()?;
        let path = if page == 1 {
            PathBuf::from("index.html")
        } else {
            PathBuf::from(format!("pagina/{page}/index.html"))
        };
        pages.push((path, html));
    }
    Ok(pages)
}

fn bar(name: &'static str, figures: Option<Percent>) -> Bar {
    let figures = figures.unwrap_or_default();
    let width = |value: Option<Decimal>| value.unwrap_or_default().normalize().to_string();
    Bar {
        name,
        planned_width: width(figures.planned),
        actual_width: width(figures.actual),
        planned: figures.planned.map(percent),
        actual: figures.actual.map(percent),
    }
}

fn contracts_of(compiled: &Value) -> Vec<Contract> {
    let awards = compiled["awards"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    compiled["contracts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|contract| {
            let award = awards.iter().find(|award| award["id"] == contract["awardID"]);
            let suppliers: Vec<String> = award
                .and_then(|award| award["suppliers"].as_array())
                .into_iter()
                .flatten()
                .map(|supplier| text(&supplier["name"]))
                .collect();
            let mut paid = Decimal::ZERO;
            let transactions = contract["implementation"]["transactions"].as_array();
            for transaction in transactions.into_iter().flatten() {
                paid = paid.saturating_add(decimal(&transaction["value"]["amount"]).unwrap_or_default());
            }
            let currency = contract["value"]["currency"].as_str().unwrap_or("MXN");
            Contract {
                id: text(&contract["id"]),
                title: text(&contract["title"]),
                suppliers: suppliers.join(", "),
                amount: money(&contract["value"]),
                signed: date_text(&contract["dateSigned"]),
                status: match contract["status"].as_str() {
                    Some("pending") => "Pendiente",
                    Some("active") => "Activo",
                    Some("cancelled") => "Cancelado",
                    Some("terminated") => "Terminado",
                    _ => "",
                },
                paid: if paid.is_zero() { String::new() } else { format_money(paid, currency) },
            }
        })
        .collect()
}

fn milestones_of(compiled: &Value) -> Vec<Milestone> {
    let planning = compiled["planning"]["milestones"].as_array().into_iter().flatten();
    let contracts = compiled["contracts"].as_array().into_iter().flatten();
    let works =
        contracts.filter_map(|contract| contract["implementation"]["milestones"].as_array()).flatten();
    planning
        .chain(works)
        .map(|milestone| Milestone {
            title: milestone["title"].as_str().unwrap_or_default().to_owned(),
            status: match milestone["status"].as_str() {
                Some("scheduled") => "Programado",
                Some("met") => "Cumplido",
                Some("notMet") => "No cumplido",
                Some("partiallyMet") => "Parcialmente cumplido",
                _ => "",
            },
            due: date_text(&milestone["dueDate"]),
            met: date_text(&milestone["dateMet"]),
        })
        .collect()
}

/// What a version contributed, in words.
fn tags(release: &Value) -> String {
    let word = |tag: &str| match tag {
        "planning" => "Información base",
        "planningUpdate" => "Cambio en la información base",
        "tender" => "Licitación",
        "tenderUpdate" => "Cambio en la licitación",
        "award" => "Adjudicación",
        "awardUpdate" => "Cambio en la adjudicación",
        "awardCancellation" => "Adjudicación cancelada",
        "contract" => "Contrato",
        "contractUpdate" => "Cambio en el contrato",
        "contractAmendment" => "Convenio modificatorio",
        "contractTermination" => "Fin del contrato",
        "implementation" => "Primer avance",
        "implementationUpdate" => "Avance",
        _ => "Otro cambio",
    };
    // Planned progress is kept with the contract (agreedMetrics): to a reader that is progress, not another contract.
    let beside = ["id", "awardID", "agreedMetrics", "implementation"];
    let mut contracts = release["contracts"].as_array().into_iter().flatten().filter_map(Value::as_object);
    let only_progress = contracts.all(|contract| contract.keys().all(|key| beside.contains(&key.as_str())));
    let tags = release["tag"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let tags = tags.filter(|tag| !(only_progress && *tag == "contractUpdate"));
    tags.map(word).collect::<Vec<_>>().join(" · ")
}

fn decimal(value: &Value) -> Option<Decimal> {
    domain::entry::decimal(&value.as_number()?.to_string())
}

fn money(value: &Value) -> String {
    match decimal(&value["amount"]) {
        Some(amount) => format_money(amount, value["currency"].as_str().unwrap_or("MXN")),
        None => String::new(),
    }
}

/// `$1,234.50 MXN`: the way amounts are written in Mexico; other currencies by their code.
fn format_money(amount: Decimal, currency: &str) -> String {
    let text = format!("{:.2}", amount.round_dp(2));
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("−", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let symbol = if currency == "MXN" { "$" } else { "" };
    format!("{sign}{symbol}{grouped}.{cents} {currency}")
}

fn percent(value: Decimal) -> String {
    format!("{} %", value.round_dp(1).normalize())
}

const MONTHS: [&str; 12] =
    ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"];

fn day(date: NaiveDate) -> String {
    use chrono::Datelike;
    let month = MONTHS.get(date.month0() as usize).copied().unwrap_or_default();
    format!("{} {month} {}", date.day(), date.year())
}

/// A date of OCDS as a day: the one it is at its own offset.
fn date_text(value: &Value) -> String {
    let parsed = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    parsed.map(|at| day(at.date_naive())).unwrap_or_default()
}

fn moment(at: DateTime<Utc>, offset_minutes: i32) -> String {
    match FixedOffset::east_opt(offset_minutes * 60) {
        Some(zone) => {
            let local = at.with_timezone(&zone);
            format!("{}, {}", day(local.date_naive()), local.format("%H:%M"))
        }
        None => day(at.date_naive()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_as_they_are_written_in_mexico() {
        assert_eq!(format_money(Decimal::new(123_456_750, 2), "MXN"), "$1,234,567.50 MXN");
        assert_eq!(format_money(Decimal::from(999), "EUR"), "999.00 EUR");
        assert_eq!(percent(Decimal::new(3330, 2)), "33.3 %");
        assert_eq!(day(NaiveDate::from_ymd_opt(2026, 3, 12).unwrap()), "12 mar 2026");
        assert_eq!(date_text(&serde_json::json!("2026-03-12T00:00:00-06:00")), "12 mar 2026");
    }
}
