//! `cargo xtask bench ocds`: compiling and checking against the tools that exist, on one machine, by turns.
//!
//! Makes the input, installs the peers from PyPI, runs each peer and ours in turn, compares what they give, prints a
//! table, and keeps it in `docs/benchmarks.md`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

#[path = "ocds/compare.rs"]
mod compare;
#[path = "ocds/input.rs"]
mod input;
#[path = "ocds/measure.rs"]
mod measure;
#[path = "ocds/peers.rs"]
mod peers;
#[path = "ocds/rows.rs"]
mod rows;
#[path = "ocds/table.rs"]
mod table;

use input::Input;
use measure::{Meter, Runs};
use peers::Peers;
use rows::{Places, Row, Same};
use table::{Measured, Report, seconds};

/// What the runs of a peer in one row may take together, in seconds, before it is not repeated any more: where it takes
/// minutes, the ratio is so far from the target that another run would not change what is said. It runs at least once.
const PATIENCE: f64 = 300.0;

const USAGE: &str = "Uso: cargo xtask bench ocds [--only PARTE] [--runs N] [--small]

  --only PARTE   sólo las mediciones cuyo nombre empieza así: B1, B1c, B2, B3
  --runs N       cuántas veces cada una (5)
  --small        con una cincuentava parte de la entrada, para probar

La página queda en docs/benchmarks.md cuando se mide todo, y si no, junto a la entrada.";

struct Options {
    only: Option<String>,
    runs: Option<usize>,
    small: bool,
}

impl Options {
    fn read() -> Result<Options> {
        let mut options = Options { only: None, runs: None, small: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // What cargo adds.
                "--bench" => {}
                "--small" => options.small = true,
                "--only" => options.only = Some(arguments.next().context(USAGE)?),
                "--runs" => {
                    let runs = arguments.next().and_then(|runs| runs.parse().ok()).filter(|runs| *runs > 0);
                    options.runs = Some(runs.context(USAGE)?);
                }
                _ => bail!(USAGE),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<()> {
    let options = Options::read()?;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = manifest.ancestors().nth(2).unwrap_or(manifest);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-ocds");
    fs::create_dir_all(&folder)?;
    let scripts = manifest.join("benches/peers");
    let peers = Peers::install(&folder)?;
    let meter =
        Meter { python: peers::machine_python().into(), scripts: scripts.clone(), folder: folder.clone() };
    println!("» Entrada en {}", folder.display());
    let scale = if options.small { 50 } else { 1 };
    let input = Input::make(&folder, 10_000 / scale)?;
    let checked = Input::make(&folder, 1_000 / scale)?;
    let schema = folder.join("esquema.json");
    fs::write(&schema, ocds::schema::release().to_string())?;
    let schemas = folder.join("esquemas");
    meter.prepare(&peers.python(), "schemas.py", &[&project.join("schemas"), &schemas])?;
    let places = Places {
        peers: &peers,
        scripts: &scripts,
        folder: &folder,
        schemas,
        schema,
        input: &input,
        checked: &checked,
    };
    let wanted = |id: &str| options.only.as_deref().is_none_or(|only| id.starts_with(only));
    let mut rows = rows::all(&places);
    rows.retain(|row| wanted(row.id));
    if rows.is_empty() {
        bail!(USAGE);
    }
    let runs = options.runs.unwrap_or(5);
    let mut measured = Vec::new();
    for row in rows {
        let done = measure(&meter, row, runs, &measured)?;
        measured.push(done);
    }
    let report = Report {
        measured: &measured,
        input: &input,
        checked: &checked,
        versions: peers.versions()?,
        when: std::time::SystemTime::now().into(),
        runs,
    };
    println!("\n{}", report.tables());
    let whole = !options.small && options.only.is_none() && options.runs.is_none();
    let page = if whole { project.join("docs/benchmarks.md") } else { folder.join("benchmarks.md") };
    fs::write(&page, report.page()).with_context(|| page.display().to_string())?;
    println!("» {}", page.display());
    Ok(())
}

/// Runs a row by turns, and compares what came out.
fn measure(meter: &Meter, row: Row, runs: usize, before: &[Measured]) -> Result<Measured> {
    println!("» {} {}", row.id, row.what);
    let (mut peer, mut ours) = (Runs::default(), Runs::default());
    for turn in 1..=runs {
        if let Some(other) = &row.peer {
            let spent: f64 = peer.0.iter().map(|took| took.seconds).sum();
            let next = peer.0.last().map_or(0.0, |took| took.seconds);
            if spent + next <= PATIENCE {
                let took = meter.run(&other.job)?;
                println!("  {turn}/{runs} {}: {}", other.name, seconds(took.seconds));
                peer.0.push(took);
            }
        }
        let took = meter.run(&row.ours)?;
        println!("  {turn}/{runs} ocds: {}", seconds(took.seconds));
        ours.0.push(took);
    }
    let other = match (&row.same, &row.peer) {
        (Some(Same::Peer(form)), Some(peer)) => Some((*form, &peer.job.output)),
        // With `--only`, the other row may not have been run.
        (Some(Same::Row(id, form)), _) => {
            before.iter().find(|done| done.row.id == *id).map(|done| (*form, &done.row.ours.output))
        }
        _ => None,
    };
    let mut equal = None;
    if let Some((form, output)) = other {
        let count = compare::same(form, output, &row.ours.output)
            .with_context(|| format!("{}: las salidas no son iguales", row.id))?;
        println!("  salidas iguales: {count} procesos");
        equal = Some(count);
    }
    // Only the driver of the library says how long the work itself took.
    let inner = peer.0.iter().all(|took| took.said.trim().parse::<f64>().is_ok()) && !peer.0.is_empty();
    let inner = inner.then(|| peer.middle(|took| took.said.trim().parse().unwrap_or_default()));
    Ok(Measured { row, peer, ours, equal, inner })
}
