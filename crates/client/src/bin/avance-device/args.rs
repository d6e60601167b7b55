//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Captures and sends follow-ups of projects, with or without a network.
#[derive(Debug, Parser)]
#[command(name = "avance-device", version, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// Folder of this equipment's encrypted store.
    #[arg(long, global = true, env = "AVANCE_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Profile of that folder, by its name; the folder's own when absent. `enrol` makes one that is not there.
    #[arg(long, global = true, env = "AVANCE_PROFILE", value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// File whose first line is the passphrase; else AVANCE_PASSPHRASE, else the system's keyring.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Activates this equipment with a one-use code and fetches its projects.
    Enrol {
        /// Address of the central endpoint.
        #[arg(long, env = "AVANCE_SERVER", value_name = "URL")]
        server: String,
        /// One-use code.
        #[arg(long)]
        code: String,
        /// How people call this equipment; its host name when absent.
        #[arg(long, default_value = "", value_name = "NAME")]
        device: String,
    },
    /// Lists the profiles of the folder. Needs neither passphrase nor network.
    Profiles {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Makes a recovery code to print and keep, and prints it, alone, on standard output. The one before stops being good.
    Recovery {
        /// Saves the page to print, a PDF.
        #[arg(long, value_name = "FILE")]
        page: Option<PathBuf>,
    },
    /// Opens a store whose passphrase was forgotten. The passphrase that is given becomes its new one.
    Recover {
        /// File whose first line is the recovery code.
        #[arg(long, value_name = "FILE")]
        code_file: PathBuf,
    },
    /// Changes the passphrase.
    Passphrase {
        /// File whose first line is the new one.
        #[arg(long, value_name = "FILE")]
        new_file: PathBuf,
    },
    /// Lists the projects in scope. Needs no network.
    Projects {
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// Words to find in folio, title or place.
        #[arg(default_value = "")]
        text: Vec<String>,
    },
    /// Captures a follow-up from a file and queues it. Needs no network. Prints its folio.
    Capture {
        /// Folio of the project.
        #[arg(long, value_name = "FOLIO")]
        project: String,
        /// The follow-up file.
        #[arg(long, value_name = "FOLLOW_UP.json")]
        file: PathBuf,
        /// A photograph or PDF and its document type, such as `photo.jpg:illustration`.
        #[arg(long, value_name = "FILE:TYPE", value_parser = evidence)]
        evidence: Vec<(PathBuf, String)>,
    },
    /// Sends what waits, files included. Ends with 2 and the reason after 20 s without progress.
    Send {
        /// Only follow-ups: files wait for another connection.
        #[arg(long)]
        text_only: bool,
    },
    /// Lists what is only on this equipment, with what keeps it here: drafts, what waits, and what was set apart, also of
    /// projects that are another área's now. Needs no network.
    Tray {
        /// As JSON, whole.
        #[arg(long)]
        json: bool,
        /// Copies each into this folder: the follow-up file that `capture` reads, and its photographs and PDFs.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Shows the queue. Needs no network.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lists the receipts. Needs no network.
    Receipts {
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// Verifies each again; ends with 1 if any fails. With files, verifies the receipts in them instead.
        #[arg(long)]
        verify: bool,
        /// Saves each as a page to print, in this folder.
        #[arg(long, value_name = "FOLDER", conflicts_with = "verify")]
        pdf: Option<PathBuf>,
        /// Receipts to verify: the PDF that the application saved, or JSON.
        #[arg(value_name = "FILE", requires = "verify")]
        files: Vec<PathBuf>,
    },
    /// Lists the conflicts: both values, who, when; what was chosen. Needs no network.
    Conflicts {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Chooses between two values that disagree, and queues the choice. Needs no network.
    #[command(group = clap::ArgGroup::new("resolution").required(true))]
    Choose {
        /// Folio of the follow-up that is held.
        folio: String,
        /// What stands stays; the one that is held is closed. Its author withdraws it so.
        #[arg(long, group = "resolution")]
        keep: bool,
        /// The one that is held takes effect on top of what stands.
        #[arg(long, group = "resolution")]
        apply: bool,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Reports a problem, or says what one thinks of the program. Needs no network. Prints its folio.
    Report {
        /// What it is.
        #[arg(long, value_enum)]
        kind: Topic,
        /// How much a problem is in the way; of a problem only, and then needed.
        #[arg(long, value_enum, required_if_eq("kind", "problem"))]
        impact: Option<Impact>,
        /// Leaves out the diagnostics: versions and counts, no names, folios or content.
        #[arg(long)]
        no_diagnostics: bool,
        /// What happened, or what one thinks.
        text: String,
    },
    /// Lists one's own reports, and what became of each. Needs no network.
    Reports {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Sends without a network of its own: a sealed file that somebody carries on a stick, and its answer back.
    Relay {
        #[command(subcommand)]
        what: Relay,
    },
    /// What is only here, for whoever forgot the passphrase and has no recovery code.
    Rescue {
        #[command(subcommand)]
        what: Rescue,
    },
    /// Lists the equipment of the municipality and what is still on it (coordination).
    Devices {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Topic {
    /// Something does not work.
    Problem,
    /// What one thinks of the program.
    Opinion,
    /// What could be better.
    Suggestion,
}

/// How much a problem is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Impact {
    /// Work cannot go on.
    Blocks,
    /// Work goes on, with trouble.
    Hinders,
    /// A detail.
    Detail,
}

/// What is done with the rescue copy.
#[derive(Debug, Subcommand)]
pub(crate) enum Rescue {
    /// Copies what a profile has not sent into one sealed file, which only the central endpoint opens. Needs neither its
    /// passphrase nor network, and changes nothing here.
    Export {
        /// File or folder.
        #[arg(long, value_name = "FILE|DIR")]
        to: PathBuf,
    },
    /// Takes the drafts back that the central endpoint wrote of a rescue, on the profile that their author has now. Each
    /// is taken once.
    TakeBack {
        /// The folder, or its `borradores.json`.
        from: PathBuf,
    },
}

/// A step of a relay.
#[derive(Debug, Subcommand)]
pub(crate) enum Relay {
    /// On the equipment without a network: seals what waits into a file, or into this folder. Needs no network.
    Export {
        /// File or folder.
        #[arg(value_name = "FILE|DIR")]
        to: PathBuf,
    },
    /// On equipment with a network: takes a sealed file to the central endpoint and saves the answer beside it. What is
    /// inside stays unreadable here.
    Upload {
        /// The sealed file (`.relevo`).
        file: PathBuf,
        /// Address of the central endpoint: then this equipment need not be enrolled.
        #[arg(long, value_name = "URL")]
        server: Option<String>,
    },
    /// Back on the equipment without a network: reads the answer (`.acuse`). Needs no network.
    Import {
        /// The answer.
        file: PathBuf,
    },
}

/// `FILE:TYPE`, at the last colon: a path may have others.
fn evidence(text: &str) -> Result<(PathBuf, String), String> {
    match text.rsplit_once(':') {
        Some((path, kind)) if !path.is_empty() && !kind.trim().is_empty() => {
            Ok((path.into(), kind.trim().to_owned()))
        }
        _ => Err("FILE:TYPE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn evidence_is_split_at_the_last_colon() {
        assert_eq!(
            evidence("C:/f/a.jpg:illustration").unwrap(),
            ("C:/f/a.jpg".into(), "illustration".into())
        );
        assert!(evidence("a.jpg").is_err());
        assert!(evidence("a.jpg:").is_err());
        assert!(evidence(":x").is_err());
    }
}
