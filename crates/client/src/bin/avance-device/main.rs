//! `avance-device`: the client on the command line. Works without a network and says so in words.

mod args;
mod conflicts;
mod opinions;
mod problems;
mod progress;
mod prose;
mod relay;
mod rescue;
mod rules;
mod run;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::prose::Language;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("AVANCE_LOG").unwrap_or_else(|_| "off".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let language = Language::of_environment();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            warn(&error.to_string());
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(run::run(args, language)) {
        Ok(code) => code,
        Err(problem) => {
            warn(&prose::problem(language, &problem));
            ExitCode::FAILURE
        }
    };
    // A keyring or a name server that does not answer must not hold the end of the program for long. It is waited for
    // a little all the same: what a thread still does in the store must not be cut by the end of the process, which
    // takes the cipher's tables from under it.
    runtime.shutdown_timeout(std::time::Duration::from_secs(3));
    code
}

/// A line of the answer. A reader that went away is no fault.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line for the person, beside the answer.
fn warn(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
