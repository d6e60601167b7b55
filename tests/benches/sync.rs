//! `cargo xtask bench sync`: receiving, fetching and sending files with the real programs, beside what they stand on
//! (the same rows straight into the database) and beside other programs that do the same, on one machine, by turns.
//!
//! Each part leaves what it found in a folder; the page is made of the last of each, so that a part can be measured
//! again alone.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

#[path = "sync/accept.rs"]
mod accept;
#[path = "sync/evidence.rs"]
mod evidence;
#[path = "sync/fetch.rs"]
mod fetch;
#[path = "sync/floor.rs"]
mod floor;
#[path = "sync/input.rs"]
mod input;
#[path = "sync/line.rs"]
mod line;
#[path = "sync/measure.rs"]
mod measure;
#[path = "sync/page.rs"]
mod page;
#[path = "sync/peers.rs"]
mod peers;

use page::Part;
use peers::Peers;

const USAGE: &str = "Uso: cargo xtask bench sync [--only PARTE] [--runs N] [--small]

  --only PARTE   sólo una parte: B4 (recibir), B5 (traer), B8 (archivos); de las otras queda lo último que se midió
  --runs N       cuántas veces cada una (3)
  --small        con una vigésima parte del trabajo, para probar; nada de ello queda en la página

La página queda en docs/benchmarks-sync.md y dice qué parte falta; con --small, junto a lo medido.";

struct Options {
    only: Option<String>,
    runs: usize,
    small: bool,
}

impl Options {
    fn read() -> Result<Options> {
        let mut options = Options { only: None, runs: 3, small: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // What cargo adds.
                "--bench" => {}
                "--small" => options.small = true,
                "--only" => options.only = Some(arguments.next().context(USAGE)?),
                "--runs" => {
                    let runs = arguments.next().and_then(|runs| runs.parse().ok()).filter(|runs| *runs > 0);
                    options.runs = runs.context(USAGE)?;
                }
                _ => bail!(USAGE),
            }
        }
        Ok(options)
    }
}

/// What every part works with.
pub struct Bench {
    /// Where everything is made.
    pub folder: std::path::PathBuf,
    /// Scripts of the peers.
    pub scripts: std::path::PathBuf,
    pub peers: Peers,
    pub runs: usize,
    /// By how much the work is divided.
    pub scale: usize,
}

impl Bench {
    /// A folder of this part, empty.
    pub fn empty(&self, name: &str) -> Result<std::path::PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// How a part is measured.
type Measure = fn(&Bench) -> Result<Part>;

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
    if !cfg!(target_os = "linux") {
        bail!("Esta medición lee /proc: sólo corre en Linux.");
    }
    let parts: [(&str, Measure); 3] =
        [("B4", accept::measure), ("B5", fetch::measure), ("B8", evidence::measure)];
    let wanted = |id: &str| options.only.as_deref().is_none_or(|only| id == only);
    if !parts.iter().any(|(id, _)| wanted(id)) {
        bail!(USAGE);
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = manifest.parent().unwrap_or(manifest);
    let name = if options.small { "bench-sync-small" } else { "bench-sync" };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder)?;
    let scripts = manifest.join("benches/peers");
    // The peers are the same for both sizes.
    let peers = Peers::find(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("pares-sync"), &scripts)?;
    let scale = if options.small { 20 } else { 1 };
    let bench = Bench { folder: folder.clone(), scripts, peers, runs: options.runs, scale };
    for (id, measure) in parts.iter().filter(|(id, _)| wanted(id)) {
        println!("» {id}");
        let part = measure(&bench)?;
        println!("\n{}\n{}", part.body, part.verdict());
        part.keep(&folder)?;
    }
    let measured: Vec<Part> =
        parts.iter().filter_map(|(id, _)| Part::kept(&folder, id).transpose()).collect::<Result<_>>()?;
    let missing: Vec<&str> =
        parts.iter().map(|(id, _)| *id).filter(|id| measured.iter().all(|part| part.id != *id)).collect();
    let place = if options.small { folder.clone() } else { project.join("docs") };
    let page = place.join("benchmarks-sync.md");
    fs::write(&page, page::page(&measured, &missing, &bench.peers))
        .with_context(|| page.display().to_string())?;
    println!("» {}", page.display());
    Ok(())
}
