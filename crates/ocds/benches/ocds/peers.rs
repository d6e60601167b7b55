//! The peers: what PyPI has, at the versions named here, in an environment of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// What is measured against. orjson is optional for all of them and makes each of them faster.
const PINNED: &[&str] = &["ocdskit==1.7.0", "ocdsmerge==0.8.0", "libcoveocds==0.17.0", "orjson==3.13.0"];

/// A Python environment with the peers.
pub struct Peers {
    folder: PathBuf,
}

impl Peers {
    /// Finds the environment, or makes it from PyPI.
    ///
    /// # Errors
    /// If there is no Python, or PyPI cannot be reached.
    pub fn install(folder: &Path) -> Result<Peers> {
        let peers = Peers { folder: folder.join("pares") };
        // Written when everything is in, so that an interrupted installation is begun again.
        let whole = peers.folder.join("completo.txt");
        let pinned = PINNED.join("\n");
        if fs::read_to_string(&whole).is_ok_and(|known| known == pinned) {
            return Ok(peers);
        }
        println!("» Pares de PyPI ({}) en {}", PINNED.join(", "), peers.folder.display());
        run(Command::new(machine_python()).args(["-m", "venv", "--clear"]).arg(&peers.folder))
            .context("no se pudo hacer el entorno de Python (hacen falta python3 y python3-venv)")?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(peers.python()).args(pip).args(PINNED))
            .context("no se pudieron traer los pares de PyPI")?;
        fs::write(whole, pinned)?;
        Ok(peers)
    }

    /// The interpreter that sees the peers.
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// A command that a peer installs.
    pub fn program(&self, name: &str) -> PathBuf {
        let (folder, end) = if cfg!(windows) { ("Scripts", ".exe") } else { ("bin", "") };
        self.folder.join(folder).join(format!("{name}{end}"))
    }

    /// Names and versions of the peers and of Python, for the report.
    pub fn versions(&self) -> Result<String> {
        let output = Command::new(self.python()).arg("--version").output()?;
        let python = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(format!("{}; {python}", PINNED.join(", ").replace("==", " ")))
    }
}

/// The Python of the machine.
pub fn machine_python() -> &'static str {
    if cfg!(windows) { "python" } else { "python3" }
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { bail!("{:?}: {status}", command.get_program()) }
}
