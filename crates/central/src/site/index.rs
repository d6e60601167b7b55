//! The pages that list projects: all of them, and those of a stage, an área, a place; each in pages, so that they are
//! read without a script. `proyectos.json` is the same for the script that searches, which only adds to them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use askama::Template;
use chrono::{DateTime, Utc};
use domain::place::Position;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::stage::Stage;
use super::{Frame, decimal, format_money, money, percent};
use crate::endpoint::Endpoint;
use crate::store::{Process, Project};

/// Projects on one page.
const PAGE: usize = 200;

/// What the pages that name everything say of a project: little enough that all projects are in memory at once.
pub struct Listed {
    project: Project,
    stage: Stage,
    position: Option<Position>,
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
            stage: Stage::of(&project, processes),
            position: processes.iter().find_map(|process| Position::of_release(&process.compiled)),
            project,
            amount: budgets.clone().next().map(money).unwrap_or_default(),
            budgets: budgets.filter_map(amount).collect(),
        }
    }

    fn actual(&self) -> Option<Decimal> {
        self.project.progress.as_ref().and_then(|latest| latest.progress.physical?.actual)
    }
}

struct Row {
    href: String,
    folio: String,
    title: String,
    place: String,
    stage: &'static str,
    amount: String,
    progress: String,
    width: String,
}

struct Choice {
    href: String,
    title: String,
    count: usize,
    width: usize,
}

struct Dot {
    x: String,
    y: String,
    kind: &'static str,
}

/// A map without anything to load: where the projects are, to each other.
struct Map {
    width: u32,
    height: u32,
    dots: Vec<Dot>,
}

#[derive(Template)]
#[template(path = "index.html")]
struct IndexPage {
    frame: Frame,
    heading: String,
    /// Whether it is the list of all projects: with what only that has.
    whole: bool,
    total: usize,
    amount: String,
    started: usize,
    stages: Vec<Choice>,
    areas: Vec<Choice>,
    places: Vec<Choice>,
    map: Option<Map>,
    rows: Vec<Row>,
    page: usize,
    pages: usize,
    previous: Option<String>,
    next: Option<String>,
    ld: String,
}

/// A list that has pages of its own: where, called what, and which projects.
struct List<'a> {
    /// From the root: empty, `etapa/en-obra/`.
    place: String,
    heading: String,
    projects: Vec<&'a Listed>,
}

/// Every page that lists projects; the first page of all of them comes last.
///
/// # Errors
/// If the template cannot be written.
pub fn pages(
    endpoint: &Endpoint,
    listed: &[Listed],
    now: DateTime<Utc>,
    run: u64,
) -> Result<Vec<(PathBuf, String)>> {
    let mut pages = vec![
        (PathBuf::from("proyectos.json"), searchable(listed)?),
        (PathBuf::from("buscar.js"), include_str!("../../templates/buscar.js").to_owned()),
    ];
    let mut lists: Vec<List<'_>> = Stage::ALL
        .iter()
        .map(|stage| List {
            place: format!("etapa/{}/", stage.slug()),
            heading: format!("Proyectos: {}", stage.title().to_lowercase()),
            projects: listed.iter().filter(|one| one.stage == *stage).collect(),
        })
        .collect();
    let areas = named(listed, |one| one.project.areas.iter().map(String::as_str).collect());
    let places = named(listed, |one| one.project.place.as_deref().into_iter().collect());
    for (word, names) in [("area", &areas), ("lugar", &places)] {
        lists.extend(names.iter().map(|(slug, (name, projects))| List {
            place: format!("{word}/{slug}/"),
            heading: format!("Proyectos: {name}"),
            projects: projects.clone(),
        }));
    }
    lists.push(List {
        place: String::new(),
        heading: "Proyectos del presupuesto participativo".to_owned(),
        projects: listed.iter().collect(),
    });
    let choices = Choices { areas: &areas, places: &places, listed };
    for list in &lists {
        let count = list.projects.len().div_ceil(PAGE).max(1);
        for page in (1..=count).rev() {
            pages.push(list_page(endpoint, list, &choices, (page, count), now, run)?);
        }
    }
    Ok(pages)
}

/// Projects by a name that several may share, in an address and as it is written.
type Named<'a> = BTreeMap<String, (&'a str, Vec<&'a Listed>)>;

fn named<'a>(listed: &'a [Listed], names: impl Fn(&'a Listed) -> Vec<&'a str>) -> Named<'a> {
    let mut found: Named<'a> = BTreeMap::new();
    for one in listed {
        for name in names(one) {
            let slug = domain::person::area_id(name);
            if !slug.is_empty() {
                found.entry(slug).or_insert((name, Vec::new())).1.push(one);
            }
        }
    }
    found
}

struct Choices<'a> {
    areas: &'a Named<'a>,
    places: &'a Named<'a>,
    listed: &'a [Listed],
}

fn list_page(
    endpoint: &Endpoint,
    list: &List<'_>,
    choices: &Choices<'_>,
    (page, pages): (usize, usize),
    now: DateTime<Utc>,
    run: u64,
) -> Result<(PathBuf, String)> {
    let own = |page: usize| match page {
        1 => list.place.clone(),
        page => format!("{}pagina/{page}/", list.place),
    };
    let root = "../".repeat(own(page).matches('/').count());
    let mut totals: BTreeMap<&str, Decimal> = BTreeMap::new();
    for (currency, amount) in list.projects.iter().flat_map(|one| &one.budgets) {
        let total = totals.entry(currency).or_default();
        *total = total.saturating_add(*amount);
    }
    let amount: Vec<String> = totals.iter().map(|(currency, total)| format_money(*total, currency)).collect();
    let rows = list.projects.iter().skip((page - 1) * PAGE).take(PAGE).map(|one| {
        let actual = one.actual();
        Row {
            href: format!("{root}proyectos/{}/", one.project.folio),
            folio: one.project.folio.clone(),
            title: one.project.title.clone(),
            place: one.project.place.clone().unwrap_or_default(),
            stage: one.stage.title(),
            amount: one.amount.clone(),
            progress: actual.map(percent).unwrap_or_default(),
            width: actual.unwrap_or_default().normalize().to_string(),
        }
    });
    let whole = list.place.is_empty();
    let most = choices.listed.len().max(1);
    let stages = Stage::ALL.iter().map(|stage| {
        let count = choices.listed.iter().filter(|one| one.stage == *stage).count();
        Choice {
            href: format!("{root}etapa/{}/", stage.slug()),
            title: stage.title().to_owned(),
            count,
            width: count * 100 / most,
        }
    });
    let names = |word: &str, names: &Named<'_>| -> Vec<Choice> {
        let choice = |(slug, (name, projects)): (&String, &(&str, Vec<&Listed>))| Choice {
            href: format!("{root}{word}/{slug}/"),
            title: (*name).to_owned(),
            count: projects.len(),
            width: 0,
        };
        names.iter().map(choice).collect()
    };
    let address = |page: usize| match own(page).as_str() {
        "" => format!("{root}./"),
        own => format!("{root}{own}"),
    };
    let municipality = &endpoint.config.municipality;
    let mut frame = Frame::new(endpoint, now, run, &root);
    frame.address = format!("{}/{}", municipality.public_url, own(page));
    frame.about =
        format!("{}: qué se hace, dónde, cuánto cuesta y cuánto va. {}.", list.heading, municipality.name);
    let ld = json!({
        "@context": "https://schema.org", "@type": "Dataset",
        "name": format!("Presupuesto participativo: {}", municipality.name),
        "description": "Proyectos del presupuesto participativo, con su avance, contratos y evidencia (OCDS, OC4IDS).",
        "url": format!("{}/", municipality.public_url),
        "license": endpoint.config.license,
        "creator": {"@type": "GovernmentOrganization", "name": municipality.name},
        "dateModified": domain::release::instant(now),
        "inLanguage": "es-MX", "isAccessibleForFree": true,
        "distribution": [{
            "@type": "DataDownload", "encodingFormat": "application/json",
            "contentUrl": format!("{}/oc4ids/projects.json", municipality.public_url),
        }],
    });
    let html = IndexPage {
        heading: list.heading.clone(),
        whole,
        total: list.projects.len(),
        amount: amount.join(" + "),
        started: list.projects.iter().filter(|one| one.project.progress.is_some()).count(),
        stages: stages.collect(),
        areas: names("area", choices.areas),
        places: names("lugar", choices.places),
        map: if page == 1 { map(&list.projects) } else { None },
        rows: rows.collect(),
        page,
        pages,
        previous: (page > 1).then(|| address(page - 1)),
        next: (page < pages).then(|| address(page + 1)),
        ld: super::in_script(&ld),
        frame,
    }
    .render()?;
    Ok((PathBuf::from(format!("{}index.html", own(page))), html))
}

/// What the script searches: one line to a project, and no more than the lists say.
fn searchable(listed: &[Listed]) -> Result<String> {
    let mut text = "[".to_owned();
    for (index, one) in listed.iter().enumerate() {
        let line = json!({
            "folio": one.project.folio, "title": one.project.title, "place": one.project.place,
            "areas": one.project.areas, "stage": one.stage.title(), "amount": one.amount,
            "progress": one.actual().map(|actual| actual.normalize().to_string()),
        });
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&serde_json::to_string(&line)?);
    }
    text.push_str("\n]\n");
    Ok(text)
}

/// Of the projects that have a place: none where that are fewer than two, which say nothing of each other.
fn map(projects: &[&Listed]) -> Option<Map> {
    let placed: Vec<(Position, Stage)> =
        projects.iter().filter_map(|one| Some((one.position?, one.stage))).collect();
    let (first, rest) = placed.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let (mut west, mut east) = (first.0.longitude, first.0.longitude);
    let (mut south, mut north) = (first.0.latitude, first.0.latitude);
    for (at, _) in rest {
        (west, east) = (west.min(at.longitude), east.max(at.longitude));
        (south, north) = (south.min(at.latitude), north.max(at.latitude));
    }
    // A degree of longitude is shorter than one of latitude, by the latitude.
    let squeeze = ((south + north) / 2.0).to_radians().cos().max(0.05);
    let (across, up) = (((east - west) * squeeze).max(1e-4), (north - south).max(1e-4));
    const SIDE: f64 = 560.0;
    const EDGE: f64 = 20.0;
    let scale = SIDE / across.max(up * 1.4);
    let size = |length: f64| length * scale + 2.0 * EDGE;
    let dots = placed.iter().map(|(at, stage)| Dot {
        x: format!("{:.1}", EDGE + (at.longitude - west) * squeeze * scale),
        y: format!("{:.1}", EDGE + (north - at.latitude) * scale),
        kind: match stage {
            Stage::Done => "done",
            Stage::Works => "works",
            _ => "before",
        },
    });
    Some(Map { width: size(across).round() as u32, height: size(up).round() as u32, dots: dots.collect() })
}
