//! The page of a project: what, where, how much, who, how far, what is missing, and on which evidence.

use anyhow::Result;
use askama::Template;
use chrono::{DateTime, Utc};
use domain::follow_up::{Percent, State};
use domain::place::Position;
use domain::release::public_path;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::code::code;
use super::stage::Stage;
use super::{Frame, date_text, day, decimal, format_money, moment, money, percent};
use crate::endpoint::Endpoint;
use crate::publish::ProjectView;
use crate::state::page_url;
use crate::store::Process;

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
    period: String,
    status: &'static str,
    paid: String,
}

struct Milestone {
    title: String,
    status: &'static str,
    is_met: bool,
    due: String,
    met: String,
}

struct Photo {
    src: String,
    alt: String,
    said: String,
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
    stage: &'static str,
    facts: Vec<Fact>,
    position: Option<String>,
    bars: Vec<Bar>,
    progress_on: String,
    /// What is still to come, in sentences.
    missing: Vec<String>,
    contracts: Vec<Contract>,
    milestones: Vec<Milestone>,
    photos: Vec<Photo>,
    documents: Vec<Document>,
    versions: Vec<Version>,
    records: Vec<Document>,
    code: Option<(String, usize)>,
    ld: String,
}

/// The page of a project, as a run makes it.
///
/// # Errors
/// If the template cannot be written.
pub fn page(endpoint: &Endpoint, view: &ProjectView, now: DateTime<Utc>, run: u64) -> Result<String> {
    let offset = endpoint.config.municipality.offset_minutes;
    let project = &view.project;
    let processes: Vec<Process> = view.processes.iter().map(|(process, _)| process.clone()).collect();
    let first = processes.first().map(|process| &process.compiled).unwrap_or(&Value::Null);
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
    let (photos, documents) = evidence_of(view, offset);
    let progress = project.progress.as_ref();
    let physical = progress.and_then(|latest| latest.progress.physical);
    let superseded = view.follow_ups.iter().filter(|stored| stored.state == State::Superseded).count();
    let mut facts = Vec::new();
    let mut fact = |name: &'static str, value: String| {
        if !value.is_empty() {
            facts.push(Fact { name, value });
        }
    };
    let suppliers: Vec<String> = contracts
        .iter()
        .map(|contract: &Contract| contract.suppliers.clone())
        .filter(|name| !name.is_empty())
        .collect();
    fact("Dónde", project.place.clone().unwrap_or_default());
    fact("Presupuesto aprobado", money(&first["planning"]["budget"]["amount"]));
    fact("Contratado", total(&processes, contracted));
    fact("Pagado", total(&processes, paid));
    fact("Quién responde por él", project.areas.join(", "));
    fact("Quién lo ejecuta", suppliers.join("; "));
    fact("Seguimientos publicados", (view.follow_ups.len() - superseded).to_string());
    fact("Última revisión", progress.map(|latest| moment(latest.accepted_at, offset)).unwrap_or_default());

    // One made up from the title says nothing more than the title.
    let description = first["description"].as_str().unwrap_or_default();
    let made_up = description.starts_with(&project.title)
        && (description.ends_with(')') || description == project.title);
    let description = if made_up { "" } else { description };
    let stage = Stage::of(project, &processes);
    let url = page_url(&endpoint.config.municipality, &project.folio);
    let mut frame = Frame::new(endpoint, now, run, "../../");
    frame.address = url.clone();
    frame.about = about(project.place.as_deref(), stage, &first["planning"]["budget"]["amount"], physical);
    frame.picture = photos.first().map(|photo| {
        let path = photo.src.trim_start_matches("../..");
        format!("{}{path}", endpoint.config.municipality.public_url)
    });
    let position = processes.iter().find_map(|process| Position::of_release(&process.compiled));
    let mut ld = json!({
        "@context": "https://schema.org", "@type": "Project", "name": project.title, "identifier": project.folio,
        "url": url, "description": frame.about,
        "parentOrganization": {"@type": "GovernmentOrganization", "name": endpoint.config.municipality.name},
    });
    if let Some(at) = position {
        ld["location"] = json!({"@type": "Place", "name": project.place,
            "geo": {"@type": "GeoCoordinates", "latitude": at.latitude, "longitude": at.longitude}});
    }
    let page = ProjectPage {
        folio: project.folio.clone(),
        title: project.title.clone(),
        description: description.to_owned(),
        stage: stage.title(),
        facts,
        position: position.map(|at| format!("{:.5}, {:.5}", at.latitude, at.longitude)),
        bars: vec![
            bar("Avance físico", physical),
            bar("Avance financiero", progress.and_then(|latest| latest.progress.financial)),
        ],
        progress_on: progress.and_then(|latest| latest.visited_on).map(day).unwrap_or_default(),
        missing: missing(stage, physical, &milestones, &contracts),
        contracts,
        milestones,
        photos,
        documents,
        versions,
        records,
        code: code(&frame.address),
        ld: super::in_script(&ld),
        frame,
    };
    Ok(page.render()?)
}

/// The project in a sentence, for whoever shares its address.
fn about(place: Option<&str>, stage: Stage, budget: &Value, physical: Option<Percent>) -> String {
    let mut parts = vec![stage.title().to_owned()];
    if let Some(actual) = physical.and_then(|figures| figures.actual) {
        parts.push(format!("avance físico {}", percent(actual)));
    }
    let amount = money(budget);
    if !amount.is_empty() {
        parts.push(format!("presupuesto {amount}"));
    }
    parts.extend(place.map(str::to_owned));
    format!("{}.", parts.join(" · "))
}

fn evidence_of(view: &ProjectView, offset: i32) -> (Vec<Photo>, Vec<Document>) {
    let (mut photos, mut documents) = (Vec::new(), Vec::new());
    for stored in view.follow_ups.iter().rev() {
        let visited = stored.follow_up.content.visited_on.map(day);
        let visited = visited.unwrap_or_else(|| moment(stored.recorded_at, offset));
        for file in &stored.follow_up.evidence {
            let src = format!("../..{}", public_path(file));
            if file.media_type.is_image() {
                photos.push(Photo {
                    src,
                    alt: format!("Evidencia del seguimiento {} ({visited})", stored.follow_up.folio()),
                    said: visited.clone(),
                });
            } else {
                let title = file.title.clone().unwrap_or_else(|| "Documento".into());
                documents.push(Document { href: src, title: format!("{title} ({visited})") });
            }
        }
    }
    (photos, documents)
}

/// What is still to come. Nothing is said that is not known.
fn missing(
    stage: Stage,
    physical: Option<Percent>,
    milestones: &[Milestone],
    contracts: &[Contract],
) -> Vec<String> {
    let mut missing = Vec::new();
    match stage {
        Stage::Done => {}
        Stage::Planned => missing.push("Que se asigne quién hará la obra.".to_owned()),
        Stage::Tender => missing.push("Que termine la licitación y se firme el contrato.".to_owned()),
        Stage::Contracted => missing.push("Que la obra comience.".to_owned()),
        Stage::Works => {
            if let Some(actual) = physical.and_then(|figures| figures.actual) {
                missing.push(format!("El {} de la obra.", percent(Decimal::ONE_HUNDRED - actual)));
            }
        }
    }
    for milestone in milestones.iter().filter(|milestone| !milestone.is_met) {
        let due =
            if milestone.due.is_empty() { String::new() } else { format!(" (para el {})", milestone.due) };
        missing.push(format!("{}{due}.", milestone.title));
    }
    if stage == Stage::Done && contracts.iter().any(|contract| contract.status == "Activo") {
        missing.push("El cierre administrativo del contrato.".to_owned());
    }
    missing
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

fn standing(compiled: &Value) -> impl Iterator<Item = &Value> {
    let contracts = compiled["contracts"].as_array().into_iter().flatten();
    contracts.filter(|contract| contract["status"] != "cancelled")
}

/// Amounts of one kind in all processes, by currency, in words; empty where there are none.
fn total(processes: &[Process], amounts: fn(&Value) -> Vec<(String, Decimal)>) -> String {
    let mut totals: std::collections::BTreeMap<String, Decimal> = std::collections::BTreeMap::new();
    for (currency, amount) in processes.iter().flat_map(|process| amounts(&process.compiled)) {
        let total = totals.entry(currency).or_default();
        *total = total.saturating_add(amount);
    }
    totals.retain(|_, total| !total.is_zero());
    let words = totals.iter().map(|(currency, total)| format_money(*total, currency));
    words.collect::<Vec<_>>().join(" + ")
}

fn amount_of(value: &Value) -> Option<(String, Decimal)> {
    Some((value["currency"].as_str().unwrap_or("MXN").to_owned(), decimal(&value["amount"])?))
}

fn contracted(compiled: &Value) -> Vec<(String, Decimal)> {
    standing(compiled).filter_map(|contract| amount_of(&contract["value"])).collect()
}

fn paid(compiled: &Value) -> Vec<(String, Decimal)> {
    let transactions =
        standing(compiled).filter_map(|contract| contract["implementation"]["transactions"].as_array());
    transactions.flatten().filter_map(|transaction| amount_of(&transaction["value"])).collect()
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
                period: {
                    let [start, end] =
                        ["startDate", "endDate"].map(|name| date_text(&contract["period"][name]));
                    match (start.is_empty(), end.is_empty()) {
                        (false, false) => format!("{start} – {end}"),
                        (true, false) => format!("hasta {end}"),
                        (false, true) => format!("desde {start}"),
                        (true, true) => String::new(),
                    }
                },
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
            is_met: milestone["status"] == "met",
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
