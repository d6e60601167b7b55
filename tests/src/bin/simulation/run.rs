//! Seeds, threads, and what is told of them.

mod central_side;
mod chance;
mod check;
mod device_side;
mod exchange;
mod fault;
mod ledger;
mod outside;
mod report;
mod template;
mod world;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use clap::Parser;

use fault::Fault;
use template::Template;
use world::Told;

/// From this many seeds on a kind of fault or a branch that was never hit is a failure (I12).
const ENOUGH: u64 = 1_000;

#[derive(Parser)]
#[command(name = "simulation", about = "Runs devices and endpoint under faults, one trace per seed")]
struct Cli {
    /// How many seeds.
    #[arg(long, default_value_t = 3_000)]
    seeds: u64,
    /// Where to begin.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Prints everything that happens.
    #[arg(long)]
    trace: bool,
    /// Writes the table of what was hit into this file.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Seeds that run at the same time.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
}

/// What all seeds gave.
#[derive(Default)]
pub struct Sum {
    pub seeds: u64,
    pub exchanges: u64,
    pub faults: BTreeMap<Fault, u64>,
    pub branches: BTreeMap<&'static str, u64>,
}

impl Sum {
    fn add(&mut self, told: &Told) {
        self.seeds += 1;
        self.exchanges += u64::from(told.exchanges);
        for (fault, hits) in &told.faults {
            *self.faults.entry(*fault).or_default() += u64::from(*hits);
        }
        for (branch, hits) in &told.branches {
            *self.branches.entry(branch).or_default() += u64::from(*hits);
        }
    }
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A folder in memory where there is one: nothing in it has to survive.
fn scratch() -> Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::Builder::new().prefix("avance-simulation-").tempdir_in(memory)
    } else {
        tempfile::Builder::new().prefix("avance-simulation-").tempdir()
    };
    folder.context("a folder for the simulation")
}

/// One seed, in a folder of its own that is gone afterwards. A panic is a broken promise like any other.
fn one(seed: u64, template: &Template, scratch: &Path, loud: bool) -> Result<Told> {
    let folder = scratch.join(format!("seed-{seed}-{}", u8::from(loud)));
    let done = catch_unwind(AssertUnwindSafe(|| world::run(seed, template, &folder, loud)));
    let _ = std::fs::remove_dir_all(&folder);
    done.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(anyhow::anyhow!("a panic: {}", text.unwrap_or_default()))
    })
}

fn run(cli: &Cli) -> Result<bool> {
    let scratch = scratch()?;
    let template = Template::make(&scratch.path().join("template"))?;
    let next = AtomicU64::new(cli.seed);
    let end = cli.seed.saturating_add(cli.seeds);
    let failed = AtomicBool::new(false);
    let sum = Mutex::new(Sum::default());
    let progress = std::io::stderr().is_terminal() && !cli.trace;
    std::thread::scope(|scope| {
        for _ in 0..cli.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || failed.load(Ordering::Relaxed) {
                        return;
                    }
                    match one(seed, &template, scratch.path(), cli.trace) {
                        Ok(told) => {
                            if cli.trace {
                                println!("seed {seed}: trace {:016x}", told.trace);
                            }
                            let mut sum = sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                            sum.add(&told);
                            if progress && sum.seeds % 20 == 0 {
                                eprint!("\r{} / {} seeds", sum.seeds, cli.seeds);
                            }
                        }
                        Err(error) => {
                            failed.store(true, Ordering::Relaxed);
                            println!("seed {seed} broke a promise: {error:#}");
                            println!(
                                "to see it: cargo run -p journeys --bin simulation -- --seeds 1 --seed {seed} --trace"
                            );
                        }
                    }
                }
            });
        }
    });
    if progress {
        eprintln!();
    }
    let sum = sum.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut well = !failed.load(Ordering::Relaxed);
    let missing = report::missing(&sum);
    if well && sum.seeds >= ENOUGH && !missing.is_empty() {
        well = false;
        println!("I12: never hit in {} seeds: {}", sum.seeds, missing.join(", "));
    }
    if let Some(path) = &cli.write {
        std::fs::write(path, report::table(&sum))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if cli.trace || !well {
        print!("{}", report::counts(&sum));
    }
    println!("{}", report::line(&sum));
    Ok(well)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_trace() {
        let scratch = scratch().expect("a folder");
        let template = Template::make(&scratch.path().join("template")).expect("a beginning");
        let trace = |seed| one(seed, &template, scratch.path(), false).expect("a seed that holds").trace;
        assert_eq!(trace(7), trace(7));
        assert_ne!(trace(7), trace(8));
    }
}
