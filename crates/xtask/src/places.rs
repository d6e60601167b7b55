//! Where things are: the checkout, the folder of built programs, the cache of this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::json::Json;
use crate::run::{Outcome, peek};
use crate::words::text;

/// What cargo says of the workspace.
pub struct Workspace {
    /// The checkout.
    pub root: PathBuf,
    /// Where cargo puts what it builds.
    pub target: PathBuf,
    /// Test and bench targets: package, kind, name.
    targets: Vec<(String, String, String)>,
}

impl Workspace {
    /// Asks cargo, which knows about `CARGO_TARGET_DIR` and configuration files.
    pub fn read() -> Outcome<Workspace> {
        let fallen = || text!("`cargo metadata` no respondió.", "`cargo metadata` did not answer.");
        let printed =
            peek(cargo().args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(checkout()));
        let metadata = printed.as_deref().and_then(Json::parse).ok_or_else(fallen)?;
        let folder = |key: &str| metadata.get(key).and_then(Json::text).map(PathBuf::from);
        let mut targets = Vec::new();
        for package in metadata.get("packages").map(Json::items).unwrap_or_default() {
            let name = package.get("name").and_then(Json::text).unwrap_or_default();
            for target in package.get("targets").map(Json::items).unwrap_or_default() {
                let own = target.get("name").and_then(Json::text).unwrap_or_default();
                for kind in target.get("kind").map(Json::items).unwrap_or_default() {
                    targets.push((
                        name.to_owned(),
                        kind.text().unwrap_or_default().to_owned(),
                        own.to_owned(),
                    ));
                }
            }
        }
        Ok(Workspace {
            root: folder("workspace_root").ok_or_else(fallen)?,
            target: folder("target_directory").ok_or_else(fallen)?,
            targets,
        })
    }

    /// A program of the development build.
    pub fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Whether a package has a target of this kind (`test`, `bench`) and name.
    pub fn has(&self, kind: &str, name: &str) -> bool {
        self.targets.iter().any(|(_, known, own)| known == kind && own == name)
    }

    /// Names of the test programs of a package.
    pub fn tests_of(&self, package: &str) -> Vec<&str> {
        let own = self.targets.iter().filter(|(own, kind, _)| own == package && kind == "test");
        own.map(|(_, _, name)| name.as_str()).collect()
    }

    /// Names of all targets of a kind.
    pub fn all(&self, kind: &str) -> Vec<&str> {
        self.targets.iter().filter(|(_, known, _)| known == kind).map(|(_, _, own)| own.as_str()).collect()
    }

    /// The folder of the page.
    pub fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }
}

/// The cargo that started us, so that both use the same toolchain.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(checkout());
    command
}

fn checkout() -> PathBuf {
    // Set by `cargo run`; else the folder we were started in.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = own.as_deref().and_then(Path::parent).and_then(Path::parent).map(Path::to_owned);
    root.unwrap_or_else(|| ".".into())
}

/// A folder of this machine for what was fetched and is worth keeping.
pub fn cache() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("AVANCE_CI_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("avance")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/avance")))
        .or_else(|| set("LOCALAPPDATA").map(|local| local.join("avance")))
        .unwrap_or_else(|| std::env::temp_dir().join("avance"))
}
