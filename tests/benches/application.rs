//! `cargo xtask bench application` (B7): the real window on the store of a real equipment, with 2,000 projects and
//! 10,000 follow-ups, and with 100,000 projects for the search. Everything in it is made, and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

#[path = "application/ask.rs"]
mod ask;
#[path = "application/page.rs"]
mod page;
#[path = "application/sample.rs"]
mod sample;
#[path = "application/tree.rs"]
mod tree;

const USAGE: &str = "Uso: cargo xtask bench application [--projects N] [--large N] [--runs N]

  --projects N   proyectos del equipo (2,000); lleva cinco seguimientos de cada uno
  --large N      proyectos del equipo grande, sólo para buscar (100,000; con --projects, veinte veces más que N)
  --runs N       cuántas veces se abre la ventana (7)

La página queda en docs/benchmarks-application.md; con --projects o --large, junto a lo medido.";

/// Follow-ups of each project.
const EACH: usize = 5;

struct Options {
    projects: usize,
    large: usize,
    runs: usize,
    /// As the design says; anything else is a trial, and leaves no page in the project.
    whole: bool,
}

impl Options {
    fn read() -> Result<Options> {
        let (mut projects, mut large, mut runs) = (None, None, 7);
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let text = arguments.next();
                text.and_then(|text| text.parse::<usize>().ok()).filter(|number| *number > 0).context(USAGE)
            };
            match argument.as_str() {
                // What cargo adds.
                "--bench" => {}
                "--projects" => projects = Some(number()?),
                "--large" => large = Some(number()?),
                "--runs" => runs = number()?,
                _ => bail!(USAGE),
            }
        }
        let whole = projects.is_none() && large.is_none();
        let projects = projects.unwrap_or(2_000);
        let large = large.unwrap_or(if whole { 100_000 } else { projects * 20 });
        Ok(Options { projects, large, runs, whole })
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
    if !cfg!(target_os = "linux") {
        bail!("Esta medición lee /proc y abre la ventana bajo Xvfb: sólo corre en Linux.");
    }
    let program = journeys::program("avance");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-application");
    fs::create_dir_all(&folder)?;
    let usual = sample::equipment(&folder, options.projects, options.projects, EACH)?;
    // Enough for a list to open with; only its projects are many.
    let large = sample::equipment(&folder, options.large, options.large.min(20), 1)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let found = runtime.block_on(measure(&options, &program, &folder, &usual, &large))?;
    let place: PathBuf = if options.whole { journeys::root().join("docs") } else { folder };
    let path = place.join("benchmarks-application.md");
    let text = page::page(&found);
    fs::write(&path, &text).with_context(|| path.display().to_string())?;
    println!("{text}\n» {}", path.display());
    Ok(())
}

async fn measure(
    options: &Options,
    program: &Path,
    folder: &Path,
    usual: &Path,
    large: &Path,
) -> Result<page::Found> {
    let home = folder.join("casa");
    let mut starts = Vec::new();
    let mut rest = None;
    for run in 0..options.runs {
        println!("» abrir, {} de {}", run + 1, options.runs);
        let opened = ask::Opened::window(program, usual, &home).await?;
        starts.push(opened.start);
        if run + 1 < options.runs {
            opened.close().await?;
            continue;
        }
        println!("» buscar y guardar");
        let memory = opened.memory()?;
        let search = opened.search(options.projects).await?;
        let save = opened.save(&sample::folio(0)).await?;
        let memory_after = opened.memory()?;
        opened.close().await?;
        rest = Some((memory, search, save, memory_after));
    }
    let (memory, search, save, memory_after) = rest.context("ninguna corrida")?;
    println!("» buscar entre {}", options.large);
    let opened = ask::Opened::window(program, large, &home).await?;
    let large_start = opened.start;
    let large_search = opened.search(options.large).await?;
    let large_memory = opened.memory()?;
    opened.close().await?;
    Ok(page::Found {
        projects: options.projects,
        follow_ups: options.projects * EACH,
        large: options.large,
        starts,
        large_start,
        search,
        large_search,
        save,
        memory,
        memory_after,
        large_memory,
        whole: options.whole,
    })
}
