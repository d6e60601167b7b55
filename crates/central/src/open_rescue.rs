//! `avance-central rescue open`: what was done, in sentences.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use central::endpoint::Endpoint;
use central::rescue::{Outcome, Refusal, Rescue};
use central::words::say;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum RescueVerb {
    /// Opens a rescue file: records what had been marked ready, once, whatever its device still sends; and writes drafts
    /// into a folder, for their author to capture again.
    Open {
        /// The file (`.avance-rescate`).
        file: PathBuf,
        /// Folder to make for the drafts; beside the file, under its name, when absent.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Reads and reports; records and writes nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Whether there is a file at all.
pub(crate) fn is_there(verb: &RescueVerb) -> Result<()> {
    let RescueVerb::Open { file, .. } = verb;
    if file.is_file() {
        return Ok(());
    }
    let name = file.display();
    Err(anyhow!(say(
        format!("{name} no está o no es un archivo. No se hizo nada."),
        format!("{name} is not there, or is no file. Nothing was done."),
    )))
}

pub(crate) fn run(endpoint: &Endpoint, verb: &RescueVerb) -> Result<ExitCode> {
    let RescueVerb::Open { file, to, dry_run } = verb;
    let refused = |refusal| prose(refusal, file);
    let rescue = Rescue::read(endpoint, file).map_err(refused)?;
    // `.avance-rescate` as a folder would look like the file.
    let folder = to.clone().unwrap_or_else(|| file.with_extension("rescatado"));
    let text = rescue.text();
    let made = text.made_at.format("%Y-%m-%d %H:%M UTC");
    let (person, device) = (rescue.person(), text.device_id);
    print(&say(
        format!("Rescate de {person}, equipo {device}, copiado el {made}."),
        format!("Rescue of {person}, device {device}, copied at {made}."),
    ));
    if let Some(before) = rescue.before() {
        let at = before.opened_at.format("%Y-%m-%d %H:%M UTC");
        print(&say(
            format!("Ya se había abierto el {at}; lo que lleva se registra una sola vez."),
            format!("It was opened before, at {at}; what it has is recorded only once."),
        ));
    }
    if rescue.is_revoked() {
        print(&say(
            "El equipo está dado de baja: nada de lo suyo se registra solo; todo se escribe para capturarlo otra vez.",
            "The device is revoked: nothing of it is recorded by itself; all of it is written to be captured again.",
        ));
    }
    let (outcome, verb) = if *dry_run {
        (rescue.foresee(endpoint).map_err(refused)?, say("Se registrarían", "Would be recorded"))
    } else {
        (rescue.open(endpoint, &folder).map_err(refused)?, say("Registrados", "Recorded"))
    };
    report(&outcome, &verb);
    Ok(if outcome.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn report(outcome: &Outcome, verb: &str) {
    let Outcome { recorded, already, refused, files, missing, drafts, folder } = outcome;
    print(&say(
        format!(
            "{verb}: {recorded} envíos; {already} ya estaban. Archivos aquí: {files}. Borradores: {drafts}."
        ),
        format!("{verb}: {recorded} operations; {already} were here. Files here: {files}. Drafts: {drafts}."),
    ));
    for (folio, problem) in refused {
        print(&say(
            format!("{folio} no se registra ({problem}): se escribe para capturarlo otra vez."),
            format!("{folio} is not recorded ({problem}): it is written to be captured again."),
        ));
    }
    for name in missing {
        print(&say(
            format!("Falta «{name}»: no venía en el rescate, o venía dañado."),
            format!("“{name}” is missing: it was not in the rescue, or was damaged."),
        ));
    }
    if let Some(folder) = folder {
        print(&say(
            format!(
                "Lo que falta capturar está en {}; empieza por LEEME.txt. Lleva datos internos: entrégala a su autor y bórrala.",
                folder.display()
            ),
            format!(
                "What is to be captured again is in {}; begin with LEEME.txt. It holds internal data: give it to its author \
                 and delete it.",
                folder.display()
            ),
        ));
    }
}

/// Whoever reads may stop reading.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn prose(refusal: Refusal, file: &Path) -> anyhow::Error {
    let name = file.display();
    let text = match refusal {
        Refusal::NotOne => say(
            format!("{name} no es un archivo de rescate (.avance-rescate). No se hizo nada."),
            format!("{name} is not a rescue file (.avance-rescate). Nothing was done."),
        ),
        Refusal::Broken => say(
            format!(
                "{name} está cortado o fue alterado. No se hizo nada: cópialo otra vez desde la memoria, o haz otro en el \
                 equipo; lo suyo sigue ahí."
            ),
            format!(
                "{name} was cut or changed. Nothing was done: copy it again from the stick, or make another on its equipment; \
                 its work is still there."
            ),
        ),
        Refusal::Foreign => say(
            format!("{name} se selló para otro servidor: ábrelo en el de su municipio. No se hizo nada."),
            format!(
                "{name} was sealed for another endpoint: open it at that of its municipality. Nothing was done."
            ),
        ),
        Refusal::UnknownDevice(device) => say(
            format!(
                "{name} es del equipo {device}, que no está registrado aquí. Si este servidor se restauró de un respaldo \
                 anterior a ese equipo, restaura uno posterior en otra carpeta y ábrelo ahí. No se hizo nada."
            ),
            format!(
                "{name} is of the device {device}, which is not registered here. If this endpoint was restored from a backup \
                 of before that device, restore a later one into another folder and open it there. Nothing was done."
            ),
        ),
        Refusal::Newer(format) => say(
            format!(
                "{name} lo hizo una versión más nueva (formato {format}): actualiza este servidor. No se hizo nada."
            ),
            format!(
                "{name} was made by a newer version (format {format}): update this endpoint. Nothing was done."
            ),
        ),
        Refusal::Occupied(folder) => {
            let folder = folder.display();
            say(
                format!(
                    "Ya hay algo en {folder}: quizá este rescate ya se abrió. No se hizo nada; si hace falta escribirlo otra \
                     vez, elige otra carpeta con --to."
                ),
                format!(
                    "There is something in {folder}: perhaps this rescue was opened already. Nothing was done; to write it \
                     once more choose another folder with --to."
                ),
            )
        }
        Refusal::Later(problem) => say(
            format!(
                "Ahora no se pudo ({problem}). Lo que alcanzó a registrarse está completo: repite la misma orden."
            ),
            format!(
                "It could not be done now ({problem}). What was recorded is whole: repeat the same command."
            ),
        ),
        Refusal::Store(error) => return anyhow::Error::new(error),
        Refusal::Disk(error) => return anyhow::Error::new(error).context(name.to_string()),
    };
    anyhow!(text)
}
