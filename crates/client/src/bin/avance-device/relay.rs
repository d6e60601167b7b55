//! The three steps of a relay.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use client::Client;
use domain::command::{RelayCarried, RelayMade, RelayTaken};
use domain::problem::Problem;
use serde_json::json;

use crate::args::Relay;
use crate::prose::{self, Language};
use crate::run::ask;
use crate::{say, warn};

/// Runs a step. Standard output has the path of the file that was made, alone.
pub(crate) async fn run(client: &Client, language: Language, what: Relay) -> Result<ExitCode, Problem> {
    match what {
        Relay::Export { to } => {
            let made: RelayMade = ask(client, "relay_export", path(&to)).await?;
            say(&made.path);
            warn(&exported(language, &made));
        }
        Relay::Upload { file, .. } => {
            let carried: RelayCarried = ask(client, "relay_upload", path(&file)).await?;
            uploaded(language, &carried);
        }
        Relay::Import { file } => {
            let taken: RelayTaken = ask(client, "relay_import", path(&file)).await?;
            say(&imported(language, &taken));
            if let Some(problem) = &taken.problem {
                warn(&prose::problem(language, problem));
            }
            if taken.waiting > 0 {
                return Ok(ExitCode::from(2));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes a relay to an endpoint without a store.
pub(crate) async fn carry(language: Language, server: &str, file: &Path) -> Result<ExitCode, Problem> {
    let carried = client::carry_relay(server, file, |_, _| {}).await?;
    uploaded(language, &carried);
    Ok(ExitCode::SUCCESS)
}

fn path(path: &Path) -> serde_json::Value {
    // The window hands over text; so does this.
    json!({"path": PathBuf::from(path).display().to_string()})
}

fn exported(language: Language, made: &RelayMade) -> String {
    let RelayMade { operations, files, files_left, bytes, .. } = made;
    let left = match (language, files_left) {
        (_, 0) => String::new(),
        (Language::Spanish, left) => format!(" {left} archivos no cupieron: irán en el siguiente."),
        (Language::English, left) => format!(" {left} files did not fit: they go with the next."),
    };
    match language {
        Language::Spanish => format!(
            "Relevo sellado: {operations} seguimientos, {files} archivos, {bytes} bytes. Súbelo desde un equipo con red \
             con «avance-device relay upload» y trae de vuelta el acuse.{left}"
        ),
        Language::English => format!(
            "Relay sealed: {operations} follow-ups, {files} files, {bytes} bytes. Upload it from equipment with a network \
             with `avance-device relay upload` and bring the answer back.{left}"
        ),
    }
}

fn uploaded(language: Language, carried: &RelayCarried) {
    say(&carried.path);
    warn(language.pick(
        "El servidor recibió el relevo. Lleva este acuse al equipo que lo hizo y ábrelo con «avance-device relay import».",
        "The endpoint took the relay. Take this answer to the equipment that made it and open it with `avance-device relay import`.",
    ));
}

fn imported(language: Language, taken: &RelayTaken) -> String {
    let RelayTaken { received, waiting, files, .. } = taken;
    match language {
        Language::Spanish => {
            format!(
                "Recibidos: {received} seguimientos y {files} archivos. Siguen en este equipo: {waiting}."
            )
        }
        Language::English => {
            format!("Received: {received} follow-ups and {files} files. Still on this equipment: {waiting}.")
        }
    }
}
