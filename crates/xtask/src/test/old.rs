//! A device of long ago: its program is built from the commit that first had everything a journey needs, beside ours,
//! and sent to the endpoint of today. It is no part of a whole run: the program never changes, and building it takes
//! minutes that the recorded first wire, which is in every run, does not.

use std::fs;
use std::process::{Command, Stdio};

use crate::places::{Workspace, cargo};
use crate::run::{Outcome, read, run, succeeds};
use crate::words::{say, text};

/// Its name among the parts.
pub const PART: &str = "old-client";
/// The last commit of the first program that captured, sent and verified its receipts.
const COMMIT: &str = "a974882";

/// Builds the old program where it is not built yet, and runs the journey with it.
pub fn test(workspace: &Workspace) -> Outcome {
    let git = || {
        let mut git = Command::new("git");
        git.arg("-C").arg(&workspace.root);
        git
    };
    if !succeeds(git().args(["cat-file", "-e", &format!("{COMMIT}^{{commit}}")])) {
        return Err(text!(
            "Aquí no está el historial con el commit {COMMIT}: tráelo con `git fetch --unshallow`.",
            "The history with the commit {COMMIT} is not here: fetch it with `git fetch --unshallow`."
        ));
    }
    let folder = workspace.target.join(PART);
    let source = folder.join("source");
    let program = folder.join("target/debug").join(format!("avance-device{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        say!(
            "» Se construye el programa del commit {COMMIT}",
            "» The program of the commit {COMMIT} is built"
        );
        let _ = fs::remove_dir_all(&source);
        fs::create_dir_all(&source).map_err(|error| format!("{}: {error}", source.display()))?;
        let packed = folder.join("source.tar");
        run(git().args(["archive", "--output"]).arg(&packed).arg(COMMIT))?;
        read(Command::new("tar").arg("-xf").arg(&packed).arg("-C").arg(&source).stdin(Stdio::null()))?;
        let mut build = cargo();
        build
            .args(["build", "--locked", "--bin", "avance-device", "--target-dir"])
            .arg(folder.join("target"));
        run(build.current_dir(&source))?;
    }
    run(Command::new(workspace.program(PART)).arg(program))
}
