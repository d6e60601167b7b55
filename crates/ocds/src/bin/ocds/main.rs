//! The `ocds` command: checks, merges, packages and tabulates releases.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod compile;
mod examples;
mod input;
mod pack;
mod packaging;
mod projects;
mod prose;
mod tables;

use input::Globals;

/// Checking makes and drops a small tree for each release: with the allocator of the C library, a third of the time went
/// there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Open Contracting Data Standard 1.1: check, compile, package, tabulate.
#[derive(Parser)]
#[command(name = "ocds", version)]
struct Command {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Checks packages, records and releases: the text, the schema, the codelists, the rules. Status 1 if there are errors
    #[command(after_help = examples::CHECK)]
    Check(check::Check),
    /// Merges the releases of each process: compiled releases, versioned releases, or a record package
    #[command(after_help = examples::COMPILE)]
    Compile(compile::Compile),
    /// Wraps releases or records in packages
    #[command(after_help = examples::PACKAGE)]
    Package(pack::Pack),
    /// Makes tables that a person can read: CSV files or a workbook
    #[command(after_help = examples::FLATTEN)]
    Flatten(tables::Flatten),
    /// Makes an OC4IDS project package of releases or records, and of project data
    #[command(after_help = examples::OC4IDS)]
    Oc4ids(projects::Projects),
    /// Tells which fields are filled, and how often
    #[command(after_help = examples::COVERAGE)]
    Coverage(tables::Fields),
}

fn main() -> ExitCode {
    let command = Command::parse();
    let result = match &command.verb {
        Verb::Check(arguments) => check::run(arguments, &command.globals),
        Verb::Compile(arguments) => compile::run(arguments, &command.globals),
        Verb::Package(arguments) => pack::run(arguments, &command.globals),
        Verb::Flatten(arguments) => tables::flatten(arguments, &command.globals),
        Verb::Oc4ids(arguments) => projects::run(arguments, &command.globals),
        Verb::Coverage(arguments) => tables::coverage(arguments, &command.globals),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // A reader that stopped reading (`ocds … | head`) is no error of ours.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ocds: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let own = error.chain().find_map(|cause| {
        let by_json = || cause.downcast_ref::<serde_json::Error>()?.io_error_kind();
        let by_csv = || match cause.downcast_ref::<csv::Error>()?.kind() {
            csv::ErrorKind::Io(error) => Some(error.kind()),
            _ => None,
        };
        cause.downcast_ref::<io::Error>().map(io::Error::kind).or_else(by_json).or_else(by_csv)
    });
    own == Some(io::ErrorKind::BrokenPipe)
}
