//! Python, which brings what only PyPI has: a Node that is new enough, the reference library that the tests compare
//! with, the peers that the measurements run.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::system;
use crate::places::cache;
use crate::run::{Outcome, run, succeeds};
use crate::words::{say, text};

/// The reference library of the standard's merge, and what pip is to bring for it: the file is beside the test.
const REFERENCE: (&str, &str) =
    ("ocdsmerge-0.8.0", include_str!("../../../ocds/tests/differential/requirements.txt"));

/// Sees that there is a Python that can make environments, or installs it.
pub fn check() -> Outcome {
    if !cfg!(target_os = "linux") || succeeds(python().args(["-c", "import ensurepip, venv"])) {
        return Ok(());
    }
    system::install(&["python3", "python3-venv"])
}

/// Makes an environment in a folder, anew, with what pip is told to install: wheels only, so that nothing of a package
/// runs while it is installed.
pub fn environment(folder: &Path, wanted: &[&str]) -> Outcome {
    check()?;
    run(python().args(["-m", "venv", "--clear"]).arg(folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "2"];
    run(Command::new(interpreter(folder)).args(pip).args(["--only-binary", ":all:"]).args(wanted))
}

/// Brings the reference library for `crates/ocds/tests/differential.rs`, which looks for it in the same place. A
/// machine without a network goes on without: the test says that it compared nothing, and fails where `CI` is set.
pub fn reference() {
    let (name, requirements) = REFERENCE;
    let folder = cache().join(name);
    if succeeds(Command::new(interpreter(&folder)).args(["-c", "import ocdsmerge"])) {
        return;
    }
    let shown = folder.display().to_string();
    say!("» {name} de PyPI en {shown}", "» {name} from PyPI into {shown}");
    let file = cache().join(format!("{name}.txt"));
    let written = std::fs::create_dir_all(cache()).and_then(|()| std::fs::write(&file, requirements));
    let outcome = written
        .map_err(|error| {
            text!("no se pudo escribir {shown}: {error}", "{shown} could not be written: {error}")
        })
        .and_then(|()| environment(&folder, &["--require-hashes", "-r", &file.display().to_string()]));
    if let Err(sentence) = outcome {
        say!(
            "  No se pudo: {sentence}\n  La suma no se comparará con la biblioteca de referencia.",
            "  That failed: {sentence}\n  Merging will not be compared with the reference library."
        );
    }
}

fn python() -> Command {
    Command::new(if cfg!(windows) { "python" } else { "python3" })
}

fn interpreter(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}
