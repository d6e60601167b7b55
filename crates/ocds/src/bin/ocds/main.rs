//! The `ocds` command: checks, merges, packages and tabulates releases.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod compile;
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
    Check(check::Check),
    /// Merges the releases of each process: compiled releases, versioned releases, or a record package
    Compile(compile::Compile),
    /// Wraps releases or records in packages
    Package(pack::Pack),
    /// Makes tables that a person can read: CSV files or a workbook
    Flatten(tables::Flatten),
    /// Makes an OC4IDS project package of releases or records, and of project data
    Oc4ids(projects::Projects),
    /// Tells which fields are filled, and how often
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
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
