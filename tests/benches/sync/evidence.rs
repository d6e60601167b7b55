//! B8: photographs over a line that is cut every five seconds.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use journeys::wire::Wire;
use journeys::{Central, Device, progress};
use serde_json::Value;

use crate::measure::{Took, Usage, median, run, usage};
use crate::page::{Part, megabytes, seconds, table};
use crate::peers::{Server, node};
use crate::{Bench, input};

const FILES: usize = 100;
/// Photographs of a follow-up.
const TOGETHER: usize = 10;
/// Bytes a second in each direction: a good office line, on which a chunk of 1 MiB takes a quarter of a second.
const LINE: u64 = 4_000_000;
const CUT: Duration = Duration::from_secs(5);
/// Bytes on the line for a byte of the files.
const OVERHEAD: f64 = 1.15;
/// How much slower than the peer is still the same time: what two runs of the same differ by.
const SAME: f64 = 1.05;

/// Why the targets are missed, where they are.
const WHY: &str = "";

/// What one run came to.
struct Run {
    seconds: f64,
    crossed: (u64, u64),
    cuts: u64,
    sender: Usage,
    server: Usage,
    /// How often the program ended without having sent everything.
    again: u64,
}

impl Run {
    fn say(&self, turn: usize, turns: usize, who: &str) {
        let Run { seconds: time, crossed, cuts, again, .. } = self;
        let bytes = megabytes(crossed.0 + crossed.1);
        println!(
            "  {turn}/{turns} {who}: {}, {bytes}, {cuts} cortes, {again} veces otra vez",
            seconds(*time)
        );
    }
}

pub fn measure(bench: &Bench) -> Result<Part> {
    let folder = bench.empty("B8")?;
    let count = (FILES / bench.scale).max(TOGETHER);
    let files = input::photographs(&folder.join("fotos"), count)?;
    let template = folder.join("plantilla");
    let mut central = Central::new(&template.join("central"));
    input::load(&central, count.div_ceil(TOGETHER))?;
    let wire = Wire::start(central.address)?;
    let device = prepare(&mut central, &wire, &template, &files)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 1..=bench.runs {
        if let Ok(place) = &bench.peers.tus {
            let run = tus(place, &folder, &files)?;
            run.say(turn, bench.runs, "tus");
            theirs.push(run);
        }
        let run = send(&folder, &template, central.address, &wire, &device, &files)?;
        run.say(turn, bench.runs, "avance-device");
        ours.push(run);
    }
    fs::remove_dir_all(&folder)?;
    Ok(part(bench, count, &ours, &theirs))
}

/// A device with follow-ups that were captured without a network, and their photographs.
fn prepare(central: &mut Central, wire: &Wire, template: &Path, files: &[PathBuf]) -> Result<PathBuf> {
    let device = Device::new(&template.join("equipo"));
    let code = central.code("Persona que envía", "enlace", "Obras", true);
    central.start();
    device.enrol_at(&wire.url(), &code);
    central.kill();
    for (number, some) in files.chunks(TOGETHER).enumerate() {
        let evidence: Vec<String> =
            some.iter().map(|path| format!("{}:illustration", path.display())).collect();
        device.capture(&input::folio(number), &progress((number % 101) as u8), &evidence);
    }
    Ok(device.data)
}

/// A copy of the device sends everything to a copy of the endpoint.
fn send(
    folder: &Path,
    template: &Path,
    address: SocketAddr,
    wire: &Wire,
    data: &Path,
    files: &[PathBuf],
) -> Result<Run> {
    let (at, mine) = (folder.join("central"), folder.join("equipo"));
    for place in [&at, &mine] {
        let _ = fs::remove_dir_all(place);
    }
    input::copy(&template.join("central"), &at)?;
    input::copy(data, &mine)?;
    let mut central = Central::at(&at, address);
    central.start();
    let command = Device::new(&mine).command(&["send"]);
    let mut done = over_the_line(wire, &command, folder)?;
    done.server = usage(central.pid().unwrap_or_default())?;
    central.kill();
    for path in files {
        let bytes = fs::read(path)?;
        let hash = domain::receipt::sha256_hex(&bytes);
        if fs::read(at.join("evidence").join(&hash[..2]).join(&hash))? != bytes {
            bail!("{} is not the same at the endpoint", path.display());
        }
    }
    for place in [&at, &mine] {
        fs::remove_dir_all(place)?;
    }
    Ok(done)
}

fn tus(place: &Path, folder: &Path, files: &[PathBuf]) -> Result<Run> {
    let data = folder.join("tus");
    let _ = fs::remove_dir_all(&data);
    fs::create_dir_all(&data)?;
    let address = SocketAddr::from(([127, 0, 0, 1], journeys::free_port()));
    let mut command = Command::new(node());
    command.arg(place.join("tus-server.mjs")).arg(address.port().to_string()).arg(&data);
    let server = Server::start(&mut command, address, &folder.join("tus.log"))?;
    let wire = Wire::start(address)?;
    let mut command = Command::new(node());
    command.arg(place.join("tus-client.mjs")).arg(format!("{}/files", wire.url())).arg(folder.join("fotos"));
    let mut done = over_the_line(&wire, &command, folder)?;
    done.server = server.usage()?;
    drop(server);
    let whole =
        |path: &PathBuf| fs::metadata(path).is_ok_and(|facts| facts.len() == input::PHOTOGRAPH as u64);
    let arrived = journeys::files_under(&data).iter().filter(|path| whole(path)).count();
    if arrived != files.len() {
        bail!("{arrived} of {} files arrived with tus", files.len());
    }
    fs::remove_dir_all(&data)?;
    Ok(done)
}

/// Runs a sender over the slow line with its cuts, again while it says that something is left.
fn over_the_line(wire: &Wire, command: &Command, folder: &Path) -> Result<Run> {
    wire.crossed();
    wire.hold(LINE);
    let cutting = wire.cut_every(CUT);
    let start = Instant::now();
    let (mut sender, mut again) = (Usage::default(), 0);
    loop {
        let took = run(command, folder)?;
        sender.cpu += took.cpu;
        sender.peak = sender.peak.max(took.peak);
        match took.status {
            0 => {
                again += given_up(&took);
                break;
            }
            // Something is left, and it said why.
            2 if again < 100 => again += 1,
            status => bail!("{command:?} terminó con {status}:\n{}{}", took.said, took.complained),
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let cuts = cutting.end();
    wire.hold(0);
    Ok(Run { seconds, crossed: wire.crossed(), cuts, sender, server: Usage::default(), again })
}

/// How often the client of tus gave up and was told to go on; ours says it with its exit code.
fn given_up(took: &Took) -> u64 {
    let said: Option<Value> = serde_json::from_str(&took.said).ok();
    said.and_then(|said| said["given"].as_u64()).unwrap_or(0)
}

fn part(bench: &Bench, count: usize, ours: &[Run], theirs: &[Run]) -> Part {
    let payload = (count * input::PHOTOGRAPH) as f64;
    let time = |runs: &[Run]| median(runs.iter().map(|run| run.seconds));
    let over = |runs: &[Run]| median(runs.iter().map(|run| (run.crossed.0 + run.crossed.1) as f64 / payload));
    let head = [
        "Quién",
        "Tiempo",
        "Bytes en la línea",
        "Por byte de los archivos",
        "Cortes que tocaron algo",
        "Se rindió",
        "CPU de quien envía",
        "CPU del servidor",
        "Memoria de quien envía",
        "Memoria del servidor",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (who, runs) in [("avance-device → avance-central", ours), ("tus-js-client → @tus/server", theirs)]
    {
        if runs.is_empty() {
            continue;
        }
        let most = |read: &dyn Fn(&Run) -> u64| runs.iter().map(read).max().unwrap_or_default();
        rows.push(vec![
            who.to_owned(),
            seconds(time(runs)),
            megabytes((over(runs) * payload) as u64),
            format!("{:.3}", over(runs)),
            format!("{:.0}", median(runs.iter().map(|run| run.cuts as f64))),
            format!("{:.0}", median(runs.iter().map(|run| run.again as f64))),
            seconds(median(runs.iter().map(|run| run.sender.cpu))),
            seconds(median(runs.iter().map(|run| run.server.cpu))),
            megabytes(most(&|run| run.sender.peak)),
            megabytes(most(&|run| run.server.peak)),
        ]);
    }
    let mut short = Vec::new();
    let why = if WHY.is_empty() { String::new() } else { format!(". Por qué: {WHY}") };
    if over(ours) > OVERHEAD {
        short.push(format!(
            "{:.3} bytes en la línea por cada byte de los archivos; la meta es {OVERHEAD}{why}",
            over(ours)
        ));
    }
    if !theirs.is_empty() && time(ours) > SAME * time(theirs) {
        short.push(format!(
            "tarda {}, {:.0} % más que tus ({}); la meta es no tardar más{why}",
            seconds(time(ours)),
            100.0 * (time(ours) / time(theirs) - 1.0),
            seconds(time(theirs)),
        ));
    }
    let mut body = table(1, &rows);
    body.push_str(&format!(
        "{count} fotografías de 2 MB, una tras otra, por una línea de {} por segundo en cada sentido que se corta entera cada \
         {} s: todas las conexiones terminan, con lo que llevaban a la mitad. {} corridas de cada quien, por turnos: la mediana, \
         y de la memoria el máximo. A ese paso los archivos solos toman {}. Lo nuestro es `avance-device send` en una carpeta con \
         {} seguimientos capturados sin red, de abrir la base cifrada a tener todos los acuses; cada trozo se confirma cuando está \
         en el disco. Al final cada archivo del servidor se compara byte por byte. Bytes: los de HTTP en ambos sentidos, también \
         los del trozo que un corte echó a perder.\n\n",
        megabytes(LINE),
        CUT.as_secs(),
        bench.runs,
        seconds(payload / LINE as f64),
        count.div_ceil(TOGETHER),
    ));
    match &bench.peers.tus {
        Ok(_) => body.push_str(
            "tus: el servidor y el cliente de referencia, con trozos de 1 MiB y sus esperas de siempre (la primera es ninguna); no \
             esperan al disco. Lo que llegó de un trozo cortado se conserva, por eso repite menos.\n",
        ),
        Err(reason) => body.push_str(&format!("tus no se midió: {reason}.\n")),
    }
    Part::new("B8", "100 fotografías de 2 MB por una línea que se corta cada 5 s", body, short)
}
