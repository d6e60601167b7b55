//! The catalogue: which files there are, with their hashes. Its parts name the releases and records of up to a thousand
//! processes each, so that a run writes those of what it changed; the one that names the parts is switched last.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::made::{self, Label};
use super::parts::Filling;
use super::write;
use crate::endpoint::Endpoint;
use crate::store::parts::{Loose, MadeFile, PartKind};
use crate::store::{PublishedFile, Tx};

/// Kind of its parts.
pub const KIND: &str = "catalog";

/// What a run changes of the catalogue: to be kept in the database once it is switched.
#[derive(Default)]
pub struct Changed {
    /// Parts.
    pub parts: Vec<MadeFile>,
    /// Processes that came into one.
    pub members: Vec<(Loose, u64)>,
}

impl Changed {
    /// Keeps it.
    ///
    /// # Errors
    /// The database.
    pub fn keep(&self, tx: &dyn Tx) -> Result<()> {
        for (loose, n) in &self.members {
            tx.put_in_part(PartKind::Catalog, loose, *n)?;
        }
        for part in &self.parts {
            tx.put_made_file(part)?;
        }
        Ok(())
    }
}

/// Writes the parts in which the given files are, with them. Nothing names them yet.
///
/// `all`: every part, whatever changed.
///
/// # Errors
/// The disk or the database.
pub fn parts(endpoint: &Endpoint, tx: &dyn Tx, fresh: &[&PublishedFile], all: bool) -> Result<Changed> {
    let public = endpoint.config.public();
    let parts = tx.parts(PartKind::Catalog)?;
    let mut filling = Filling::of(PartKind::Catalog, &parts);
    let mut changed = Changed::default();
    // Those published before there were parts; then those that are published now.
    let mut homes: BTreeMap<String, u64> = BTreeMap::new();
    for loose in tx.loose(PartKind::Catalog)? {
        let n = filling.take(&loose);
        homes.insert(loose.ocid.clone(), n);
        changed.members.push((loose, n));
    }
    for file in fresh {
        if homes.contains_key(&file.ocid) {
            continue;
        }
        let n = match tx.catalog_part(&file.ocid)? {
            Some(n) => n,
            None => {
                let loose = Loose { ocid: file.ocid.clone(), sequence: 0, period: String::new(), bytes: 0 };
                let n = filling.take(&loose);
                changed.members.push((loose, n));
                n
            }
        };
        homes.insert(file.ocid.clone(), n);
    }
    let known = tx.made_files()?;
    let mut touched: BTreeSet<u64> = homes.values().copied().collect();
    for part in &parts {
        let name = name(part.n);
        if all || !known.iter().any(|file| file.name == name && made::is_there(&public, file)) {
            touched.insert(part.n);
        }
    }
    let newcomers: BTreeSet<&str> = changed.members.iter().map(|(loose, _)| loose.ocid.as_str()).collect();
    for n in touched {
        let mut files: BTreeMap<String, PublishedFile> =
            tx.files_of_part(n)?.into_iter().map(|file| (file.path.clone(), file)).collect();
        // What was published before there were parts is not in one yet.
        for ocid in newcomers.iter().filter(|ocid| homes.get(**ocid) == Some(&n)) {
            files.extend(tx.files_of_process(ocid)?.into_iter().map(|file| (file.path.clone(), file)));
        }
        for file in fresh.iter().filter(|file| homes.get(&file.ocid) == Some(&n)) {
            if file.kind == "record" {
                files.retain(|_, known| known.kind != "record" || known.ocid != file.ocid);
            }
            files.insert(file.path.clone(), (*file).clone());
        }
        changed.parts.push(part(endpoint, &public, n, &files)?);
    }
    Ok(changed)
}

fn name(n: u64) -> String {
    format!("/ocds/catalog-{n}.json")
}

fn part(
    endpoint: &Endpoint,
    public: &Path,
    n: u64,
    files: &BTreeMap<String, PublishedFile>,
) -> Result<MadeFile> {
    let latest = files.values().map(|file| file.changed).max().unwrap_or(DateTime::UNIX_EPOCH);
    let processes: BTreeSet<&str> = files.values().map(|file| file.ocid.as_str()).collect();
    let entries: Vec<Value> = files
        .values()
        .map(|file| {
            json!({
                "path": file.path, "kind": file.kind, "ocid": file.ocid, "count": file.count, "bytes": file.bytes,
                "sha256": file.sha256, "changed": domain::release::instant(file.changed),
            })
        })
        .collect();
    let body = json!({
        "publisher": endpoint.config.municipality.name,
        "license": endpoint.config.license,
        "dataAt": domain::release::instant(latest),
        "files": entries,
    });
    let label = Label {
        name: name(n),
        kind: KIND,
        count: processes.len() as u64,
        changed: latest,
        made_of: String::new(),
    };
    made::keep(public, label, &super::pretty(&body)?)
}

/// IANA media type of a file by its name.
pub fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("json") => "application/json",
        Some("gz") => "application/gzip",
        Some("csv") => "text/csv",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}

/// Writes the catalogue itself, as of an instant and the run that it was: from here on readers find what it names.
///
/// # Errors
/// The disk.
pub fn write(endpoint: &Endpoint, named: &[MadeFile], (at, run): (DateTime<Utc>, u64)) -> Result<()> {
    let public = endpoint.config.public();
    let files: Vec<Value> = named
        .iter()
        .map(|file| {
            json!({
                "path": file.path, "alias": file.name, "kind": file.kind, "mediaType": media_type(&file.name),
                "count": file.count, "bytes": file.bytes, "sha256": file.sha256,
                "changed": domain::release::instant(file.changed),
            })
        })
        .collect();
    let catalog = json!({
        "publisher": endpoint.config.municipality.name,
        "license": endpoint.config.license,
        "publicationPolicy": endpoint.config.policy_url,
        "dataAt": domain::release::instant(at),
        "history": format!("/{}", crate::roots::INDEX),
        "files": files,
    });
    let (path, page) = crate::site::data::page(endpoint, named, at, run)?;
    super::write_page(&public.join(path), &page)?;
    write::once(&public.join("ocds/dcat.jsonld"), &super::pretty(&dcat(endpoint, named, at))?)?;
    write::once(&public.join("ocds/catalog.json"), &super::pretty(&catalog)?)
}

/// The same for catalogues of data (DCAT 3): a data set in each form, with where to get it.
fn dcat(endpoint: &Endpoint, named: &[MadeFile], at: DateTime<Utc>) -> Value {
    let root = &endpoint.config.municipality.public_url;
    let municipality = &endpoint.config.municipality.name;
    let sets = [
        (
            "ocds",
            "Contrataciones del presupuesto participativo (OCDS)",
            &["release-package", "record-package"][..],
        ),
        ("oc4ids", "Proyectos del presupuesto participativo (OC4IDS)", &["project-package"][..]),
        ("tablas", "Proyectos y contrataciones en tablas (CSV y XLSX)", &["csv", "xlsx"][..]),
    ];
    let publisher = json!({"@type": "foaf:Agent", "foaf:name": municipality});
    let datasets: Vec<Value> = sets
        .iter()
        .map(|(id, title, kinds)| {
            let distributions: Vec<Value> = named
                .iter()
                .filter(|file| kinds.contains(&file.kind.as_str()))
                .map(|file| {
                    json!({
                        "@type": "dcat:Distribution",
                        "dct:title": file.name.rsplit('/').next(),
                        "dcat:downloadURL": {"@id": format!("{root}{}", file.name)},
                        "dcat:mediaType": {"@id":
                            format!("https://www.iana.org/assignments/media-types/{}", media_type(&file.name))},
                        "dcat:byteSize": file.bytes.to_string(),
                        "spdx:checksum": {"@type": "spdx:Checksum",
                            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
                            "spdx:checksumValue": file.sha256},
                        "dct:modified": domain::release::instant(file.changed),
                        "dct:license": {"@id": endpoint.config.license},
                    })
                })
                .collect();
            json!({
                "@id": format!("{root}/datos/#{id}"), "@type": "dcat:Dataset", "dct:title": title,
                "dct:publisher": publisher, "dct:language": "es",
                "dct:modified": domain::release::instant(at),
                "dct:license": {"@id": endpoint.config.license},
                "dcat:distribution": distributions,
            })
        })
        .collect();
    json!({
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/", "spdx": "http://spdx.org/rdf/terms#",
        },
        "@id": format!("{root}/ocds/dcat.jsonld"),
        "@type": "dcat:Catalog",
        "dct:title": format!("Datos abiertos del presupuesto participativo: {municipality}"),
        "dct:publisher": publisher,
        "dct:modified": domain::release::instant(at),
        "dct:license": {"@id": endpoint.config.license},
        "dcat:dataset": datasets,
    })
}
