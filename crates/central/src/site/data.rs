//! The pages about the data: where to get them, and what each field is.

use std::path::PathBuf;

use anyhow::Result;
use askama::Template;
use chrono::{DateTime, Utc};

use super::{Frame, moment};
use crate::endpoint::Endpoint;
use crate::store::parts::MadeFile;

struct Download {
    href: String,
    name: String,
    what: &'static str,
    size: String,
    until: String,
}

struct Group {
    title: &'static str,
    about: &'static str,
    id: &'static str,
    files: Vec<Download>,
}

#[derive(Template)]
#[template(path = "data.html")]
struct DataPage {
    frame: Frame,
    groups: Vec<Group>,
}

/// The page that says where to get the data.
///
/// # Errors
/// If the template cannot be written.
pub fn page(
    endpoint: &Endpoint,
    named: &[MadeFile],
    at: DateTime<Utc>,
    run: u64,
) -> Result<(PathBuf, String)> {
    let offset = endpoint.config.municipality.offset_minutes;
    let groups = [
        (
            "tablas",
            "Para abrir en una hoja de cálculo",
            "El estado vigente de cada proceso: un libro de Excel, o una tabla CSV por tema.",
            &["xlsx", "csv"][..],
        ),
        (
            "oc4ids",
            "Proyectos (OC4IDS)",
            "Un proyecto, con todo lo que lo compone, en el estándar de infraestructura abierta.",
            &["project-package"][..],
        ),
        (
            "ocds",
            "Contrataciones (OCDS)",
            "Las versiones publicadas por mes y los historiales por año. Una versión nunca cambia de archivo.",
            &["release-package", "record-package"][..],
        ),
    ];
    let groups = groups.map(|(id, title, about, kinds)| {
        let mut files: Vec<Download> = named
            .iter()
            .filter(|file| kinds.contains(&file.kind.as_str()))
            .map(|file| Download {
                href: format!("..{}", file.name),
                name: file.name.rsplit('/').next().unwrap_or_default().to_owned(),
                what: what(file),
                size: size(file.bytes),
                until: moment(file.changed, offset),
            })
            .collect();
        // The workbook before the tables it has in it.
        files.sort_by_key(|file| !file.name.ends_with(".xlsx"));
        Group { title, about, id, files }
    });
    let mut frame = Frame::new(endpoint, at, run, "../");
    frame.address = format!("{}/datos/", endpoint.config.municipality.public_url);
    let page = DataPage { frame, groups: groups.into() };
    Ok((PathBuf::from("datos/index.html"), page.render()?))
}

fn what(file: &MadeFile) -> &'static str {
    let lines = file.name.ends_with(".jsonl.gz");
    match file.kind.as_str() {
        "xlsx" => "Libro de Excel",
        "csv" if file.name.ends_with("/diccionario.csv") => "Qué es cada columna",
        "csv" if file.name.ends_with("/acerca_de.csv") => "De qué son las tablas",
        "csv" => "Tabla",
        _ if lines => "Un renglón por elemento, comprimido",
        _ if file.name.ends_with(".gz") => "Paquete, comprimido",
        _ => "Paquete",
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

struct Described {
    path: &'static str,
    title: String,
}

struct Table {
    name: &'static str,
    id: String,
    fields: Vec<Described>,
}

#[derive(Template)]
#[template(path = "dictionary.html")]
struct DictionaryPage {
    frame: Frame,
    tables: Vec<Table>,
}

/// The page that says what each field is, from the schemas.
///
/// # Errors
/// If the template cannot be written.
pub fn dictionary(endpoint: &Endpoint, at: DateTime<Utc>, run: u64) -> Result<(PathBuf, String)> {
    let mut tables: Vec<Table> = Vec::new();
    for field in ocds::flatten::fields() {
        let [title, _] = field.titles;
        let described = Described { path: field.path, title };
        match tables.iter_mut().find(|table| table.name == field.table) {
            Some(table) => table.fields.push(described),
            None => tables.push(Table {
                name: field.table,
                id: domain::person::area_id(if field.table.is_empty() { "proceso" } else { field.table }),
                fields: vec![described],
            }),
        }
    }
    let mut frame = Frame::new(endpoint, at, run, "../");
    frame.address = format!("{}/diccionario/", endpoint.config.municipality.public_url);
    Ok((PathBuf::from("diccionario/index.html"), DictionaryPage { frame, tables }.render()?))
}
