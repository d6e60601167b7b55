//! The real browser: scripts of `tests/browser`, run by Node against what a test has started.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Whether the scripts can run here: Node, Chromium, and the packages of the front end.
///
/// # Errors
/// What is missing, and how to get it.
pub fn ready() -> Result<(), String> {
    let modules = crate::root().join("ui/node_modules/playwright-core");
    if !modules.is_dir() {
        return Err("the packages of ui/ are not installed: npm ci --ignore-scripts in ui/".into());
    }
    if !PathBuf::from("/usr/bin/chromium").is_file() {
        return Err("chromium is not installed: cargo xtask test installs it".into());
    }
    Ok(())
}

/// Runs a script with its arguments.
pub fn run(script: &str, arguments: &[&str]) -> Output {
    let path = crate::root().join("tests/browser").join(script);
    let mut command = Command::new("node");
    command.arg(path).args(arguments).env("SCREENSHOTS", crate::window::screenshots());
    command.output().expect("node starts")
}
