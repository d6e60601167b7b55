//! B4: follow-ups of 1 KB, recorded before they are answered.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Result, bail};
use domain::receipt::{Verdict, sha256_hex};
use domain::wire::{BODY_SHA256, Operation, PushAnswer, PushResult, TokenAnswer};
use journeys::Central;
use journeys::raw::RawDevice;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::floor::{self, Floor};
use crate::line::{self, Driven, Line, drive};
use crate::measure::{Usage, median, percentile, spread, usage};
use crate::page::{Part, figures, megabytes, millis, table, thousands};
use crate::peers::Server;
use crate::{Bench, input};

/// Projects of the municipality: a multiple of the devices, so that each has its own.
const PROJECTS: usize = 800;
const DEVICES: usize = 16;
/// What the design gives for ODK Central, follow-ups a second, at its best; it was not measured here.
const ODK: f64 = 138.0;
/// Longest wait of 99 of 100 requests, milliseconds.
const WAIT: f64 = 150.0;

/// Why it is not met, where it is not.
const WORK: &str = "lo que cuesta no es el disco: cada seguimiento se lee, se revisa contra su proceso (esquema, reglas y \
     suma: cerca de 1 ms de un núcleo cuando el equipo conocía la última versión, y en esta carga la primera vez de cada \
     proyecto lo es), se encadena y se firma. El piso y pouchdb no hacen nada de eso; y la recepción, el trabajo de fondo y \
     la carga misma se reparten los mismos núcleos";

/// How the work comes in.
struct Load {
    id: &'static str,
    what: &'static str,
    connections: usize,
    /// Follow-ups in a request.
    size: usize,
    /// Requests of each connection.
    requests: usize,
    /// Why something is not met, if it is not.
    why: &'static str,
}

impl Load {
    fn follow_ups(&self) -> usize {
        self.connections * self.size * self.requests
    }
}

fn loads(scale: usize) -> [Load; 4] {
    [
        Load {
            id: "B4a",
            what: "lotes de 100, 4 conexiones",
            connections: 4,
            size: 100,
            requests: (25 / scale).max(2),
            why: WORK,
        },
        Load {
            id: "B4b",
            what: "de uno en uno, 1 conexión",
            connections: 1,
            size: 1,
            requests: 500 / scale,
            why: WORK,
        },
        Load {
            id: "B4c",
            what: "de uno en uno, 4 conexiones",
            connections: 4,
            size: 1,
            requests: 500 / scale,
            why: WORK,
        },
        Load {
            id: "B4d",
            what: "de uno en uno, 16 conexiones",
            connections: 16,
            size: 1,
            requests: 250 / scale,
            why: WORK,
        },
    ]
}

/// What one run came to.
struct Run {
    driven: Driven,
    taken: Usage,
    follow_ups: usize,
}

impl Run {
    fn rate(&self) -> f64 {
        self.follow_ups as f64 / self.driven.seconds
    }
}

/// Every run of a load.
#[derive(Default)]
struct Measured {
    ours: Vec<Run>,
    floors: Vec<Floor>,
    /// As it is installed, and waiting for the disk.
    pouch: [Vec<Run>; 2],
    /// Follow-ups that the background had decided when the last answer came.
    decided: Vec<f64>,
}

/// Operations by connection and request.
type Work = Vec<Vec<Vec<Operation>>>;

struct Stage<'a> {
    bench: &'a Bench,
    folder: std::path::PathBuf,
    template: std::path::PathBuf,
    address: SocketAddr,
    devices: Vec<RawDevice>,
    runtime: Runtime,
}

pub fn measure(bench: &Bench) -> Result<Part> {
    let folder = bench.empty("B4")?;
    let template = folder.join("plantilla");
    let runtime = Runtime::new()?;
    let mut central = Central::new(&template);
    input::load(&central, PROJECTS)?;
    let codes: Vec<String> =
        (0..DEVICES).map(|n| central.code(&format!("Persona {n}"), "enlace", "Obras", true)).collect();
    central.start();
    let url = central.url();
    let devices = codes.iter().map(|code| runtime.block_on(RawDevice::enrol(&url, code))).collect();
    central.kill();
    let mut stage =
        Stage { bench, folder: folder.clone(), template, address: central.address, devices, runtime };
    let loads = loads(bench.scale);
    let mut all = Vec::new();
    for load in &loads {
        let work = stage.prepare(load);
        let mut measured = Measured::default();
        for turn in 1..=bench.runs {
            for (durable, runs) in measured.pouch.iter_mut().enumerate() {
                if let Some(run) = stage.pouch(load, &work, durable == 1)? {
                    let name = ["pouchdb-server", "pouchdb-server con fsync"][durable];
                    say(turn, bench.runs, load, name, &run);
                    runs.push(run);
                }
            }
            let (run, decided) = stage.ours(load, &work)?;
            say(turn, bench.runs, load, "avance-central", &run);
            measured.ours.push(run);
            measured.decided.push(decided as f64);
            let floor = floor::measure(&folder.join("central/central.db"), &folder.join("piso"), load.size)?;
            println!("  {turn}/{} {} piso: {}/s", bench.runs, load.id, thousands(floor.rate));
            measured.floors.push(floor);
        }
        all.push(measured);
    }
    // Hundreds of megabytes that say nothing any more.
    fs::remove_dir_all(&folder)?;
    Ok(part(bench, &loads, &all))
}

fn say(turn: usize, turns: usize, load: &Load, who: &str, run: &Run) {
    let waits = |percent| millis(percentile(run.driven.waits.iter().copied(), percent));
    println!(
        "  {turn}/{turns} {} {who}: {}/s, p50 {}, p99 {}",
        load.id,
        thousands(run.rate()),
        waits(50.0),
        waits(99.0)
    );
}

impl Stage<'_> {
    fn prepare(&self, load: &Load) -> Work {
        let operation = |connection: usize, number: usize| {
            // Each device goes around the projects that are its own: nobody else's change stands in the way.
            let project = (number * DEVICES + connection) % PROJECTS;
            input::follow_up(&self.devices[connection], number + 1, project)
        };
        let request = |connection: usize, request: usize| {
            (0..load.size).map(|place| operation(connection, request * load.size + place)).collect()
        };
        (0..load.connections)
            .map(|connection| (0..load.requests).map(|number| request(connection, number)).collect())
            .collect()
    }

    /// A fresh copy of the endpoint takes everything; then it is killed, and its database is looked at.
    fn ours(&mut self, load: &Load, work: &Work) -> Result<(Run, u64)> {
        let data = self.folder.join("central");
        let _ = fs::remove_dir_all(&data);
        input::copy(&self.template, &data)?;
        let mut central = Central::at(&data, self.address);
        central.start();
        for device in &mut self.devices[..load.connections] {
            let said = self.runtime.block_on(device.sign_in());
            device.token = serde_json::from_value::<TokenAnswer>(said.body)?.token;
        }
        let mut requests = Vec::new();
        for (device, batches) in self.devices.iter().zip(work) {
            requests
                .push(batches.iter().map(|operations| push(device, operations)).collect::<Result<Vec<_>>>()?);
        }
        let pid = central.pid().unwrap_or_default();
        let before = usage(pid)?;
        let driven = drive(self.address, &requests)?;
        let after = usage(pid)?;
        central.kill();
        let decided = self.check(load, &driven, &data.join("central.db"))?;
        let taken = Usage { cpu: after.cpu - before.cpu, peak: after.peak };
        Ok((Run { driven, taken, follow_ups: load.follow_ups() }, decided))
    }

    /// Every answer has a receipt that verifies, and what it says is in the database of the killed endpoint. Gives how
    /// many were decided already.
    fn check(&self, load: &Load, driven: &Driven, database: &Path) -> Result<u64> {
        let key = &self.devices[0].enrolled.server_key;
        let database = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut find = database.prepare("SELECT 1 FROM operation WHERE op_id = ?1 AND body_hash = ?2")?;
        let mut good = 0;
        for said in driven.answers.iter().flatten() {
            let answer: PushAnswer = serde_json::from_slice(&said.body)?;
            for result in answer.results {
                let PushResult::Recorded { op_id, receipt, findings } = result else {
                    bail!("{}: not recorded: {result:?}", load.id);
                };
                if receipt.body.verdict != Verdict::Received {
                    bail!("{}: {op_id} was rejected: {findings:?}", load.id);
                }
                receipt.verify(key)?;
                if !find.exists([op_id.to_string(), receipt.body.body_hash])? {
                    bail!("{}: {op_id} was answered and is not in the database", load.id);
                }
                good += 1;
            }
        }
        if good != load.follow_ups() {
            bail!("{}: {good} of {} were recorded", load.id, load.follow_ups());
        }
        let decided =
            database.query_row("SELECT COUNT(*) FROM follow_up WHERE state <> 'received'", [], |row| {
                row.get::<_, i64>(0)
            })?;
        Ok(decided.unsigned_abs())
    }

    /// The same follow-ups as documents of pouchdb-server; none where it could not be installed.
    fn pouch(&self, load: &Load, work: &Work, durable: bool) -> Result<Option<Run>> {
        let Ok(place) = &self.bench.peers.pouch else { return Ok(None) };
        let data = self.folder.join("pouchdb");
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data)?;
        let document = |operation: &Operation| {
            let mut body = operation.body.clone();
            body["_id"] = json!(operation.op_id.to_string());
            body
        };
        let kind = [("content-type", "application/json")];
        let requests: Vec<Vec<Vec<u8>>> = work
            .iter()
            .map(|batches| {
                let request = |operations: &Vec<Operation>| match operations.as_slice() {
                    [one] => {
                        let path = format!("/b4/{}", one.op_id);
                        line::request("PUT", &path, &kind, document(one).to_string().as_bytes())
                    }
                    many => {
                        let docs: Vec<Value> = many.iter().map(document).collect();
                        let body = json!({"docs": docs}).to_string();
                        line::request("POST", "/b4/_bulk_docs", &kind, body.as_bytes())
                    }
                };
                batches.iter().map(request).collect()
            })
            .collect();
        let server = Server::pouch(place, &data, durable)?;
        let mut line = Line::open(server.address)?;
        line.ask(&line::request("PUT", "/b4", &[], &[]))?;
        let before = server.usage()?;
        let driven = drive(server.address, &requests)?;
        let after = server.usage()?;
        let said = Line::open(server.address)?.ask(&line::request("GET", "/b4", &[], &[]))?;
        let info: Value = serde_json::from_slice(&said.body)?;
        if info["doc_count"] != load.follow_ups() {
            bail!("pouchdb-server has {} of {} documents", info["doc_count"], load.follow_ups());
        }
        let taken = Usage { cpu: after.cpu - before.cpu, peak: after.peak };
        Ok(Some(Run { driven, taken, follow_ups: load.follow_ups() }))
    }
}

/// A push as a device makes it.
fn push(device: &RawDevice, operations: &[Operation]) -> Result<Vec<u8>> {
    let body = serde_json::to_vec(&device.batch(operations.to_vec()))?;
    let body = zstd::encode_all(body.as_slice(), 3)?;
    let (bearer, digest) = (format!("Bearer {}", device.token), sha256_hex(&body));
    let headers = [
        ("accept", "application/json, application/problem+json"),
        ("authorization", bearer.as_str()),
        ("accept-encoding", "zstd"),
        ("content-type", "application/json"),
        ("content-encoding", "zstd"),
        (BODY_SHA256, digest.as_str()),
    ];
    Ok(line::request("POST", "/api/v1/sync/push", &headers, &body))
}

fn rate(runs: &[Run]) -> f64 {
    median(runs.iter().map(Run::rate))
}

/// Of all requests of all runs.
fn wait(runs: &[Run], percent: f64) -> f64 {
    percentile(runs.iter().flat_map(|run| run.driven.waits.iter().copied()), percent)
}

fn part(bench: &Bench, loads: &[Load], all: &[Measured]) -> Part {
    let mut short = Vec::new();
    let head = |cells: &[&str]| vec![cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    let dash = || "—".to_owned();
    let mut results = head(&[
        "",
        "Carga",
        "Seguimientos/s",
        "p50",
        "p99",
        "Piso/s",
        "Del piso",
        "pouchdb-server/s",
        "Veces",
        "con fsync/s",
        "Veces",
        "Cumple",
    ]);
    let mut costs = head(&[
        "",
        "Quién",
        "CPU por seguimiento",
        "Memoria",
        "Sube por seguimiento",
        "Baja",
        "de – a, por segundo",
    ]);
    for (load, measured) in loads.iter().zip(all) {
        let ours = rate(&measured.ours);
        let floor = median(measured.floors.iter().map(|floor| floor.rate));
        let share = 100.0 * ours / floor;
        let p99 = wait(&measured.ours, 99.0);
        let mut missed = Vec::new();
        if p99 >= WAIT {
            missed.push(format!("p99 de {}; la meta es menos de {WAIT:.0} ms", millis(p99)));
        }
        if share < 50.0 {
            missed.push(format!("llega al {share:.0} % del piso; la meta es 50 %"));
        }
        if ours < 10.0 * ODK {
            missed.push(format!(
                "{}/s son {:.1} veces los {ODK:.0}/s de ODK Central; la meta es 10",
                figures(ours),
                ours / ODK
            ));
        }
        let [installed, durable] = &measured.pouch;
        if !durable.is_empty() && ours < 5.0 * rate(durable) {
            let times = ours / rate(durable);
            missed.push(format!("va {times:.1} veces más rápido que pouchdb-server con fsync; la meta es 5"));
        }
        let peer = |runs: &[Run]| match runs {
            [] => [dash(), dash()],
            runs => [thousands(rate(runs)), format!("{:.1}×", ours / rate(runs))],
        };
        let mut row = vec![
            load.id.to_owned(),
            load.what.to_owned(),
            thousands(ours),
            millis(wait(&measured.ours, 50.0)),
            millis(p99),
            thousands(floor),
            format!("{share:.0} %"),
        ];
        row.extend(peer(installed));
        row.extend(peer(durable));
        row.push(if missed.is_empty() { "sí" } else { "**no**" }.to_owned());
        results.push(row);
        if !missed.is_empty() {
            short.push(format!("{} ({}): {}. Por qué: {}", load.id, load.what, missed.join("; "), load.why));
        }
        let named =
            [("avance-central", &measured.ours), ("pouchdb-server", installed), ("con fsync", durable)];
        for (who, runs) in named.into_iter().filter(|(_, runs)| !runs.is_empty()) {
            let each =
                |read: &dyn Fn(&Run) -> f64| median(runs.iter().map(|run| read(run) / run.follow_ups as f64));
            let (least, most) = spread(runs.iter().map(Run::rate));
            costs.push(vec![
                load.id.to_owned(),
                who.to_owned(),
                millis(each(&|run| run.taken.cpu * 1e3)),
                megabytes(runs.iter().map(|run| run.taken.peak).max().unwrap_or_default()),
                format!("{:.0} B", each(&|run| run.driven.up as f64)),
                format!("{:.0} B", each(&|run| run.driven.down as f64)),
                format!("{} – {}", thousands(least), thousands(most)),
            ]);
        }
    }
    let mut body = table(2, &results);
    body.push_str(&notes(bench, loads, all));
    body.push_str(&table(2, &costs));
    Part::new("B4", "Recibir seguimientos de 1 KB, escritos en el disco antes de contestar", body, short)
}

fn notes(bench: &Bench, loads: &[Load], all: &[Measured]) -> String {
    let rows = all.first().and_then(|measured| measured.floors.first()).map_or(0.0, |floor| floor.rows);
    let decided: Vec<String> = loads
        .iter()
        .zip(all)
        .map(|(load, measured)| {
            let share = median(measured.decided.iter().copied()) / load.follow_ups() as f64;
            format!("{} {:.0} %", load.id, 100.0 * share)
        })
        .collect();
    let pouch = match &bench.peers.pouch {
        Ok(_) => {
            "pouchdb-server guarda los mismos seguimientos como documentos: `POST _bulk_docs` de 100 en 100 y `PUT` de uno en \
             uno. Tal como se instala no espera al disco: LevelDB contesta cuando los bytes están con el sistema operativo, y \
             un apagón pierde lo último contestado. *Con fsync* es el mismo programa con cada escritura de LevelDB esperando al \
             disco (`pouch-fsync.cjs`), que es lo que hace lo nuestro; contra ése se mide la meta de 5 veces."
                .to_owned()
        }
        Err(reason) => format!("pouchdb-server no se midió: {reason}."),
    };
    format!(
        "`avance-central serve`, con su trabajo de fondo andando, {PROJECTS} proyectos y personas capacitadas; {} corridas de \
         cada quien, por turnos, cada una sobre una copia nueva: la mediana. p50 y p99 son de todas las peticiones de todas \
         las corridas. Un seguimiento es una operación con un contrato, su adjudicación, su proveedor, un hito, avance y \
         notas; viaja como la manda un equipo: comprimida con zstd, con su huella y con la ficha de sesión. Las \
         peticiones se preparan antes de tomar el tiempo; la carga corre en la misma máquina y le quita lo suyo. Al terminar se \
         mata el servidor, se verifica la firma de cada acuse y se busca en su base cada operación contestada. Mientras \
         recibía, el trabajo de fondo ya había decidido: {}.\n\n\
         *Piso*: los mismos renglones que deja cada seguimiento recibido ({rows:.1} por seguimiento: operación, seguimiento, \
         trabajo, bitácora, y la parte de los contadores y del equipo que se escriben una vez por petición), leídos de la base \
         que dejó esa corrida y escritos por un solo escritor directo en SQLite, con el mismo esquema, WAL, `synchronous=FULL` \
         y el mismo número por transacción. Sin red, sin revisar, sin firmar.\n\n\
         {pouch}\n\n\
         ODK Central no se midió aquí: necesita PostgreSQL y varios servicios. Los {ODK:.0}/s con que se compara son lo más alto \
         del intervalo que trae el diseño (52–138/s), no una medida de esta máquina.\n\n",
        bench.runs,
        decided.join(", "),
    )
}
