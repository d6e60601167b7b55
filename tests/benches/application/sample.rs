//! The store of an equipment that has worked for a while: enrolled at a real endpoint, its follow-ups captured, sent and
//! accepted. Made once for each size and kept.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use client::Client;
use domain::clock::SystemClock;
use journeys::proxy::Dice;
use journeys::{Central, Device, PASSPHRASE, progress, wait_until};
use serde_json::Value;

const WORKS: [&str; 12] = [
    "Parque",
    "Banqueta",
    "Luminarias",
    "Cancha",
    "Drenaje",
    "Señalización",
    "Plaza",
    "Ciclovía",
    "Huerto",
    "Biblioteca",
    "Jardín",
    "Cisterna",
];

/// Folio of a project of the sample.
pub fn folio(number: usize) -> String {
    format!("d{}_p{number}", number % 20)
}

/// The data folder of an equipment with so many projects, and so many follow-ups of each of the first `reported`, all of
/// them published.
pub fn equipment(folder: &Path, projects: usize, reported: usize, each: usize) -> Result<PathBuf> {
    let place = folder.join(format!("muestra-{projects}-{reported}-{each}"));
    let (data, done) = (place.join("equipo"), place.join("hecho"));
    if done.exists() {
        return Ok(data);
    }
    println!("» muestra: {projects} proyectos, {} seguimientos (datos hechos por programa)", reported * each);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    let mut central = Central::new(&place.join("central"));
    fs::create_dir_all(&central.data)?;
    let list = place.join("proyectos.csv");
    fs::write(&list, csv(projects)?)?;
    central.ok(&["load", list.to_str().context("una carpeta en UTF-8")?]);
    // The first publication of everything is no part of this.
    rusqlite::Connection::open(central.data.join("central.db"))?.execute("DELETE FROM job", [])?;
    central.start();
    let device = Device::new(&data);
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras de muestra", true));
    device.ok(&["send"]);
    let known = device.json(&["projects", "--json"]).as_array().map_or(0, Vec::len);
    if known != projects {
        return Err(anyhow!("el equipo recibió {known} de {projects} proyectos"));
    }
    for round in 0..each {
        capture(&data, reported, round)?;
        // What is sent is decided before the next is captured: nobody reports five times in one day.
        device.ok(&["send"]);
        let wanted = (reported * (round + 1)) as u64;
        wait_until("la Coordinación aceptó todo", Duration::from_secs(3_600), || {
            let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).unwrap_or_default();
            status["queued"] == 0 && status["followUps"]["published"].as_u64() == Some(wanted)
        });
        device.ok(&["send"]);
    }
    central.kill();
    fs::write(done, "")?;
    Ok(data)
}

/// One more follow-up of each of the first projects.
fn capture(data: &Path, reported: usize, round: usize) -> Result<()> {
    let client = Client::open(data, Arc::new(SystemClock)).map_err(|problem| anyhow!("{problem:?}"))?;
    client.unlock(Some(PASSPHRASE)).map_err(|problem| anyhow!("{problem:?}"))?;
    for number in 0..reported {
        let mut follow_up = progress(u8::try_from(10 + round * 10)?);
        follow_up["visitedOn"] = serde_json::json!(format!("2026-{:02}-12", 3 + round));
        let file = serde_json::from_value(follow_up)?;
        client
            .capture_file(&folio(number), file, &[])
            .map_err(|problem| anyhow!("{}: {problem:?}", folio(number)))?;
    }
    client.close();
    Ok(())
}

/// A list as a municipality would load it.
fn csv(projects: usize) -> Result<String> {
    let mut dice = Dice::new(7);
    let mut text = String::from("folio,titulo,descripcion,area,lugar,monto,moneda,fecha\n");
    for number in 0..projects {
        let amount = 50_000 + dice.below(900_000);
        writeln!(
            text,
            "{},{} de muestra {number},Dato hecho por programa,,Colonia {},{amount},MXN,",
            folio(number),
            WORKS[dice.below(WORKS.len())],
            dice.below(60)
        )?;
    }
    Ok(text)
}
