//! B5: a device that has nothing fetches every record into its database.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use journeys::wire::Wire;
use journeys::{Central, Device};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::line::{self, Line, drive};
use crate::measure::{Took, Usage, median, run_well, usage};
use crate::page::{Part, megabytes, seconds, table, thousands};
use crate::peers::{Server, node};
use crate::{Bench, input};

const RECORDS: usize = 50_000;
/// Records a second.
const RATE: f64 = 20_000.0;

/// Why the targets are missed, where they are.
const WHY: &str = "";

/// What one run came to.
struct Run {
    device: Took,
    server: Usage,
    /// Bytes towards the server, and back.
    crossed: (u64, u64),
}

/// Everybody's runs, with their name.
struct Measured {
    who: &'static str,
    runs: Vec<Run>,
}

pub fn measure(bench: &Bench) -> Result<Part> {
    let folder = bench.empty("B5")?;
    let records = RECORDS / bench.scale;
    let mut central = Central::new(&folder.join("central"));
    input::load(&central, records)?;
    let mut bare = Central::new(&folder.join("vacio"));
    fs::create_dir_all(&bare.data)?;
    let documents = folder.join("documentos.jsonl");
    let size = export(&central, &documents)?;
    let wire = Wire::start(central.address)?;
    let pouch = bench.peers.pouch.as_ref().ok();
    let filled = pouch.map(|place| fill_pouch(place, &folder, &documents)).transpose()?;

    let mut ours = Measured { who: "avance-device", runs: Vec::new() };
    let mut pouches = Measured { who: "pouchdb (pouchdb-server → LevelDB)", runs: Vec::new() };
    let mut kintos = Measured { who: "Kinto (memoria → kinto-http, sin guardar)", runs: Vec::new() };
    let mut starts = Vec::new();
    for turn in 1..=bench.runs {
        let say = |measured: &Measured| {
            if let Some(run) = measured.runs.last() {
                let rate = records as f64 / run.device.seconds;
                println!(
                    "  {turn}/{} {}: {} ({}/s)",
                    bench.runs,
                    measured.who,
                    seconds(run.device.seconds),
                    thousands(rate)
                );
            }
        };
        if let (Some(place), Some(data)) = (pouch, &filled) {
            pouches.runs.push(fetch_pouch(place, &folder, data, records)?);
            say(&pouches);
        }
        if let Ok(place) = &bench.peers.kinto {
            kintos.runs.push(fetch_kinto(place, &folder, &documents, records)?);
            say(&kintos);
        }
        ours.runs.push(fetch(&mut central, &wire, &folder, records)?);
        say(&ours);
        // The same with nothing to fetch: what opening, enrolling and ending take by themselves.
        let line = Wire::start(bare.address)?;
        starts.push(fetch(&mut bare, &line, &folder, 0)?.device.seconds);
    }
    fs::remove_dir_all(&folder)?;
    Ok(part(bench, records, size, median(starts), &[ours, pouches, kintos]))
}

/// Writes the records as they are in the stream, one a line. Gives their size, bytes.
fn export(central: &Central, path: &Path) -> Result<u64> {
    let database =
        Connection::open_with_flags(central.data.join("central.db"), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut select = database.prepare("SELECT state FROM stream_log WHERE kind = 'project' ORDER BY seq")?;
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    let mut size = 0;
    for state in select.query_map([], |row| row.get::<_, String>(0))? {
        let state = state?;
        size += state.len() as u64;
        writeln!(file, "{state}")?;
    }
    file.flush()?;
    Ok(size)
}

/// A new device is enrolled, which fetches everything, and what it has is counted.
fn fetch(central: &mut Central, wire: &Wire, folder: &Path, records: usize) -> Result<Run> {
    let device = Device::new(&folder.join("equipo"));
    let _ = fs::remove_dir_all(&device.data);
    let code = central.code("Persona que trae", "enlace", "Obras", true);
    central.start();
    wire.crossed();
    let command = device.command(&["enrol", "--server", &wire.url(), "--code", &code]);
    let took = run_well(&command, folder)?;
    let crossed = wire.crossed();
    let server = usage(central.pid().unwrap_or_default())?;
    central.kill();
    let seen = device.json(&["projects", "--json"]);
    let count = seen.as_array().map_or(0, Vec::len);
    if count != records {
        bail!("the device has {count} of {records} records: {}{}", took.said, took.complained);
    }
    Ok(Run { device: took, server, crossed })
}

/// A server of pouchdb with the same records as documents.
fn fill_pouch(place: &Path, folder: &Path, documents: &Path) -> Result<PathBuf> {
    let data = folder.join("pouchdb");
    fs::create_dir_all(&data)?;
    let server = Server::pouch(place, &data, false)?;
    let text = fs::read_to_string(documents)?;
    let lines: Vec<&str> = text.lines().collect();
    let kind = [("content-type", "application/json")];
    let mut requests = vec![line::request("PUT", "/b5", &[], &[])];
    for some in lines.chunks(500) {
        let docs = some
            .iter()
            .map(|line| {
                let mut document: Value = serde_json::from_str(line)?;
                document["_id"] = document["folio"].clone();
                Ok(document)
            })
            .collect::<Result<Vec<_>>>()?;
        let body = json!({"docs": docs}).to_string();
        requests.push(line::request("POST", "/b5/_bulk_docs", &kind, body.as_bytes()));
    }
    drive(server.address, &[requests])?;
    Ok(data)
}

fn fetch_pouch(place: &Path, folder: &Path, data: &Path, records: usize) -> Result<Run> {
    let server = Server::pouch(place, data, false)?;
    // What it has is read once, so that it is as warm as ours.
    Line::open(server.address)?.ask(&line::request("GET", "/b5", &[], &[]))?;
    let wire = Wire::start(server.address)?;
    let local = folder.join("pouchdb-equipo");
    let _ = fs::remove_dir_all(&local);
    let mut command = Command::new(node());
    command.arg(place.join("pouch-fetch.cjs")).arg(format!("{}/b5", wire.url())).arg(&local);
    let took = run_well(&command, folder)?;
    count(&took, records)?;
    Ok(Run { device: took, server: server.usage()?, crossed: wire.crossed() })
}

fn fetch_kinto(place: &Path, folder: &Path, documents: &Path, records: usize) -> Result<Run> {
    let address = SocketAddr::from(([127, 0, 0, 1], journeys::free_port()));
    let python = place.join("bin/python");
    let mut command = Command::new(place.join("bin/kinto"));
    command
        .arg("start")
        .arg("--ini")
        .arg(place.join("kinto.ini"))
        .arg("--port")
        .arg(address.port().to_string());
    let server = Server::start(&mut command, address, &folder.join("kinto.log"))?;
    let mut fill = Command::new(&python);
    fill.arg(place.join("kinto_fill.py")).arg(format!("http://{address}")).arg(documents);
    run_well(&fill, folder)?;
    let wire = Wire::start(server.address)?;
    let mut command = Command::new(python);
    command.arg(place.join("kinto_fetch.py")).arg(wire.url());
    let took = run_well(&command, folder)?;
    count(&took, records)?;
    Ok(Run { device: took, server: server.usage()?, crossed: wire.crossed() })
}

fn count(took: &Took, records: usize) -> Result<()> {
    let found: usize = took.said.trim().parse().with_context(|| took.said.clone())?;
    if found != records {
        bail!("{found} of {records} records arrived");
    }
    Ok(())
}

impl Measured {
    fn seconds(&self) -> f64 {
        median(self.runs.iter().map(|run| run.device.seconds))
    }

    /// Both ways together.
    fn bytes(&self) -> f64 {
        median(self.runs.iter().map(|run| (run.crossed.0 + run.crossed.1) as f64))
    }
}

fn part(bench: &Bench, records: usize, size: u64, start: f64, all: &[Measured]) -> Part {
    let head = [
        "Quién",
        "Registros/s",
        "Tiempo",
        "En la línea",
        "Por registro",
        "CPU del equipo",
        "CPU del servidor",
        "Memoria del equipo",
        "Memoria del servidor",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for measured in all.iter().filter(|measured| !measured.runs.is_empty()) {
        let runs = &measured.runs;
        let most = |read: &dyn Fn(&Run) -> u64| runs.iter().map(read).max().unwrap_or_default();
        rows.push(vec![
            measured.who.to_owned(),
            thousands(records as f64 / measured.seconds()),
            seconds(measured.seconds()),
            megabytes(measured.bytes() as u64),
            format!("{:.0} B", measured.bytes() / records as f64),
            seconds(median(runs.iter().map(|run| run.device.cpu))),
            seconds(median(runs.iter().map(|run| run.server.cpu))),
            megabytes(most(&|run| run.device.peak)),
            megabytes(most(&|run| run.server.peak)),
        ]);
    }
    let ours = &all[0];
    let rate = records as f64 / ours.seconds();
    let mut short = Vec::new();
    let why = if WHY.is_empty() { String::new() } else { format!(". Por qué: {WHY}") };
    if rate < RATE {
        short.push(format!(
            "{} registros por segundo, con arrancar; la meta es {} (llega al {:.0} %){why}",
            thousands(rate),
            thousands(RATE),
            100.0 * rate / RATE
        ));
    }
    for peer in all[1..].iter().filter(|measured| !measured.runs.is_empty()) {
        let share = ours.bytes() / peer.bytes();
        if share > 1.0 / 3.0 {
            short.push(format!(
                "por la línea va el {:.0} % de lo de {}; la meta es 33 %",
                100.0 * share,
                peer.who
            ));
        }
    }
    let mut body = table(1, &rows);
    let without = ours.seconds() - start;
    body.push_str(&format!(
        "{} proyectos cargados de una lista, {} por registro en JSON; {} corridas de cada quien, por turnos: la mediana, y de la \
         memoria el máximo. Lo nuestro es `avance-device enrol` completo, en una carpeta nueva: hacer las dos bases cifradas, \
         derivar la llave de la frase, darse de alta, traer todo por páginas, revisar la cadena de cada corriente, guardar con \
         fsync y contar la lista. Contra un servidor sin proyectos esa misma orden tarda {}: sin ello quedan {}, {} \
         registros por segundo. Al final se cuentan los proyectos del equipo. La cola de publicación está vacía: el servidor no \
         hace otra cosa.\n\n",
        thousands(records as f64),
        thousands(size as f64 / records as f64) + " B",
        bench.runs,
        seconds(start),
        seconds(without),
        thousands(records as f64 / without),
    ));
    match &bench.peers.pouch {
        Ok(_) => body.push_str(
            "pouchdb replica los mismos registros como documentos, de pouchdb-server a un LevelDB en el disco, en páginas de \
             1,000 (las de por sí son de 100); ni cifra ni espera al disco. ",
        ),
        Err(reason) => body.push_str(&format!("pouchdb no se midió: {reason}. ")),
    }
    match &bench.peers.kinto {
        Ok(_) => body.push_str(
            "Kinto guarda en memoria y su cliente trae páginas de 10,000 a una lista en memoria: no escribe nada. \
             A ninguno se le cuenta cargar los datos.\n\n",
        ),
        Err(reason) => body.push_str(&format!("Kinto no se midió: {reason}.\n\n")),
    }
    body.push_str(
        "*En la línea*: bytes de HTTP en ambos sentidos, contados por un relevo entre los dos programas, sin los encabezados de \
         TCP/IP.\n",
    );
    Part::new("B5", "Un equipo nuevo trae 50,000 registros a su base", body, short)
}
