//! What each run of the publisher did: a page, the list of them, and the feed. Made from the note that is kept, so that
//! they can be made again. Of what was held back the rule and the place are told, never the value: it may be the very
//! thing that must not be published.

use std::path::PathBuf;

use anyhow::Result;
use askama::Template;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Frame, moment};
use crate::endpoint::Endpoint;
use crate::store::Tx;
use crate::store::parts::Run;

/// Runs in the list and in the feed.
pub const LISTED: usize = 100;

struct Changed {
    folio: String,
    title: String,
    /// Releases of it, each with its address.
    releases: Vec<(String, String)>,
}

struct Held {
    project: String,
    what: String,
    /// The sentence, the rule, and where.
    reasons: Vec<(&'static str, String, String)>,
}

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    n: u64,
    at: String,
    changed: Vec<Changed>,
    held: Vec<Held>,
}

struct Listed {
    n: u64,
    at: String,
    /// RFC 3339.
    instant: String,
    what: String,
    projects: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    runs: Vec<Listed>,
}

#[derive(Template)]
#[template(path = "cambios.xml")]
struct Feed {
    root: String,
    municipality: String,
    license: String,
    updated: String,
    runs: Vec<Listed>,
}

/// The page of a run, its place, and its text.
///
/// # Errors
/// The database, or the template.
pub fn page(endpoint: &Endpoint, tx: &dyn Tx, run: &Run) -> Result<(PathBuf, String)> {
    let offset = endpoint.config.municipality.offset_minutes;
    let mut changed = Vec::new();
    for folio in texts(&run.note["projects"]) {
        let title = tx.project(folio)?.map(|project| project.title).unwrap_or_default();
        changed.push(Changed { folio: folio.to_owned(), title, releases: Vec::new() });
    }
    for id in texts(&run.note["releases"]) {
        // `{ocid}-{number}-{hash}`, and an ocid ends with the folio.
        let Some(ocid) = id.rsplitn(3, '-').nth(2) else { continue };
        let prefix = &endpoint.config.municipality.prefix;
        let folio = ocid.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('-'));
        if let Some(one) = changed.iter_mut().find(|one| Some(one.folio.as_str()) == folio) {
            one.releases.push((id.to_owned(), format!("../ocds/releases/{ocid}/{id}.json")));
        }
    }
    let held = run.note["held"].as_array().into_iter().flatten().map(|held| Held {
        project: held["project"].as_str().unwrap_or_default().to_owned(),
        what: match held["what"].as_str() {
            Some("files") | None => String::new(),
            Some(what) => what.to_owned(),
        },
        reasons: held["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|finding| {
                let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
                (sentence(finding["rule"].as_str().unwrap_or_default()), text("rule"), text("pointer"))
            })
            .collect(),
    });
    let page = RunPage {
        frame: Frame::new(endpoint, run.at, run.n, "../"),
        n: run.n,
        at: moment(run.at, offset),
        changed,
        held: held.collect(),
    };
    Ok((PathBuf::from(format!("corridas/{}.html", run.n)), page.render()?))
}

/// The list of the last runs, the newest first, and the feed.
///
/// # Errors
/// The database, or a template.
pub fn lists(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    runs: &[Run],
    now: DateTime<Utc>,
) -> Result<Vec<(PathBuf, String)>> {
    let n = runs.first().map_or(0, |run| run.n);
    let listed =
        || -> Result<Vec<Listed>> { runs.iter().take(LISTED).map(|run| of(endpoint, tx, run)).collect() };
    let config = &endpoint.config;
    let list = RunsPage { frame: Frame::new(endpoint, now, n, "../"), runs: listed()? };
    let feed = Feed {
        root: config.municipality.public_url.clone(),
        municipality: config.municipality.name.clone(),
        license: config.license.clone(),
        updated: domain::release::instant(runs.first().map_or(now, |run| run.at)),
        runs: listed()?,
    };
    Ok(vec![
        (PathBuf::from("corridas/index.html"), list.render()?),
        (PathBuf::from("cambios.atom"), feed.render()?),
    ])
}

/// Most projects named in one entry of a list.
const NAMED: usize = 20;

fn of(endpoint: &Endpoint, tx: &dyn Tx, run: &Run) -> Result<Listed> {
    let folios = texts(&run.note["projects"]);
    let held = run.note["held"].as_array().map_or(0, Vec::len);
    let mut what = match folios.len() {
        0 => "Ningún proyecto cambió".to_owned(),
        1 => "Cambió 1 proyecto".to_owned(),
        n => format!("Cambiaron {n} proyectos"),
    };
    match held {
        0 => {}
        1 => what.push_str("; 1 quedó retenido"),
        n => what.push_str(&format!("; {n} quedaron retenidos")),
    }
    let mut projects = Vec::new();
    for folio in folios.into_iter().take(NAMED) {
        let title = tx.project(folio)?.map(|project| project.title).unwrap_or_default();
        projects.push((folio.to_owned(), title));
    }
    Ok(Listed {
        n: run.n,
        at: moment(run.at, endpoint.config.municipality.offset_minutes),
        instant: domain::release::instant(run.at),
        what,
        projects,
    })
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a rule asks for, to whoever reads why something is not public yet.
fn sentence(rule: &str) -> &'static str {
    match rule {
        "ocid-prefix" => "El identificador del proceso no lleva el prefijo del municipio.",
        "release-id-unique" => "Esa versión ya existe.",
        "release-date-increasing" => "La fecha de la versión no es posterior a la anterior.",
        "tag-matches-sections" => "La etiqueta no corresponde a lo que la versión contiene.",
        "party-resolves" => "Una organización no está, o no coincide, en la lista de organizaciones.",
        "award-resolves" => "El contrato nombra una adjudicación que no existe o no está activa.",
        "closed-codelist" => "Un código no está en la lista cerrada del estándar.",
        "ids" => "Un identificador falta, se repite o no es texto.",
        "no-placeholder" => "Hay un relleno en lugar de un dato.",
        "dates" => "Las fechas no concuerdan.",
        "amounts" => "Los montos no concuerdan.",
        "documents" => "A un documento le falta el título o una dirección válida.",
        "declared-fields" => "Hay un campo que el estándar y las extensiones declaradas no tienen.",
        "package" => "Al paquete le falta algo que todo paquete lleva.",
        "no-personal-data" => "Hay algo que parece un dato personal; no se publica.",
        "evidence-not-publishable" => "De un archivo de evidencia no se pudo hacer la copia pública.",
        "not-written" => "Sus archivos no se pudieron escribir; se intentará otra vez.",
        _ if rule.starts_with("schema-") => "No cumple el esquema del estándar.",
        _ => "No cumple una regla de publicación.",
    }
}
