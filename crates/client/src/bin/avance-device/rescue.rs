//! The rescue file: what is only in a profile, without its passphrase.

use std::path::Path;
use std::process::ExitCode;

use client::Client;
use domain::clock::{Clock as _, SystemClock};
use domain::command::{RescueMade, RescueTaken};
use domain::problem::Problem;
use serde_json::json;

use crate::prose::{self, Language};
use crate::run::ask;
use crate::{say, warn};

/// Makes one. Standard output has its path, alone.
pub(crate) fn export(language: Language, dir: &Path, to: &Path) -> Result<ExitCode, Problem> {
    let made = client::rescue::export(dir, to, SystemClock.now())?;
    say(&made.path);
    warn(&exported(language, &made));
    Ok(ExitCode::SUCCESS)
}

/// Takes drafts back; ends with 2 when something could not be.
pub(crate) async fn take_back(client: &Client, language: Language, from: &Path) -> Result<ExitCode, Problem> {
    let path = json!({"path": from.display().to_string()});
    let taken: RescueTaken = ask(client, "rescue_take_back", path).await?;
    let RescueTaken { drafts, already, files, left } = &taken;
    say(&match language {
        Language::Spanish => {
            format!("Borradores recuperados: {drafts}, con {files} archivos. Ya estaban: {already}.")
        }
        Language::English => {
            format!("Drafts taken back: {drafts}, with {files} files. Here before: {already}.")
        }
    });
    for left in left {
        warn(&format!("{}: {}", left.folio, prose::problem(language, &left.problem)));
    }
    Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn exported(language: Language, made: &RescueMade) -> String {
    let RescueMade { at, files, damaged, bytes, .. } = made;
    let at = at.format("%Y-%m-%d %H:%M UTC");
    let lost = match (language, damaged) {
        (_, 0) => String::new(),
        (Language::Spanish, n) => format!(" {n} archivos están dañados en este disco y no van."),
        (Language::English, n) => format!(" {n} files are damaged on this disk and are not in it."),
    };
    match language {
        Language::Spanish => format!(
            "Rescate sellado: lo que estaba sin enviar el {at}, con {files} archivos, {bytes} bytes. Nadie puede leerlo aquí. \
             Llévalo a Administración, que lo abre con «avance-central rescue open», y pide un código para activar un perfil \
             nuevo. El perfil cerrado se queda como está.{lost}"
        ),
        Language::English => format!(
            "Rescue sealed: what was unsent at {at}, with {files} files, {bytes} bytes. Nobody can read it here. Take it to \
             Administration, which opens it with `avance-central rescue open`, and ask for a code to activate a new profile. \
             The closed profile stays as it is.{lost}"
        ),
    }
}
