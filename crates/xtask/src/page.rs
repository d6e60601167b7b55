//! The page (ui/): its packages and its build.

use std::path::Path;
use std::time::SystemTime;

use crate::need::Node;
use crate::places::Workspace;
use crate::run::{Outcome, run};
use crate::words::{say, text};

/// Installs the packages of the page when the lock file is newer than what is installed.
pub fn install(workspace: &Workspace, node: &Node) -> Outcome {
    let ui = workspace.ui();
    let lock = ui.join("package-lock.json");
    if !lock.is_file() {
        return Err(text!("Falta ui/package-lock.json.", "ui/package-lock.json is missing."));
    }
    // npm writes this file at the end of an installation.
    if changed(&ui.join("node_modules/.package-lock.json")) >= changed(&lock) {
        return Ok(());
    }
    say!("» Paquetes de la página: npm ci", "» Packages of the page: npm ci");
    run(node.npm().args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&ui))
}

/// Builds the page when something it is made of is newer than it.
pub fn build(workspace: &Workspace, node: &Node) -> Outcome {
    install(workspace, node)?;
    let ui = workspace.ui();
    if changed(&ui.join("dist/app.html")) >= newest(&ui, 0).max(newest(&workspace.root.join("icons"), 0)) {
        return Ok(());
    }
    say!("» Página: npm run build", "» Page: npm run build");
    run(node.npm().args(["run", "build"]).current_dir(&ui))
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|found| found.modified()).ok()
}

/// When the newest file under a folder changed; what is built or installed does not count.
fn newest(folder: &Path, depth: u8) -> Option<SystemTime> {
    let mut latest = None;
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if depth == 0 && (path.ends_with("node_modules") || path.ends_with("dist")) {
            continue;
        }
        latest = latest.max(if path.is_dir() { newest(&path, depth + 1) } else { changed(&path) });
    }
    latest
}
