//! The equipment of the demonstration: enrolled once, then used from the command line or in the window.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::central::Central;
use crate::json::Json;
use crate::places::Workspace;
use crate::run::{Outcome, read, run};
use crate::words::{say, text};

/// Passphrase of the demonstration's store: shown on the terminal, protects nothing real.
pub const PASSPHRASE: &str = "avance de muestra";

/// The equipment of one data folder.
pub struct Device {
    program: PathBuf,
    folder: PathBuf,
    enrolled: PathBuf,
    /// The sample of a map.
    map: PathBuf,
}

impl Device {
    /// The equipment of a data folder.
    pub fn new(workspace: &Workspace, data: &Path) -> Device {
        Device {
            program: workspace.program("avance-device"),
            folder: data.join("equipo"),
            enrolled: data.join("enrolled"),
            map: workspace.root.join("schemas/map/muestra.pmtiles"),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--data").arg(&self.folder).env("AVANCE_PASSPHRASE", PASSPHRASE);
        command
    }

    /// Enrols it, once in the life of the folder.
    pub fn enrol_once(&self, central: &Central) -> Outcome {
        if self.enrolled.exists() {
            return Ok(());
        }
        let code = central.add_person()?;
        say!("» Alta del equipo con el código {code}", "» Enrolment of the equipment with the code {code}");
        run(self.command(&["enrol"]).args(["--server", &central.address(), "--code", &code]))?;
        // The map of a municipality that does not exist, as its projects do not.
        let map = self.folder.join("mapa.pmtiles");
        fs::copy(&self.map, &map).map_err(|error| format!("{}: {error}", map.display()))?;
        fs::write(&self.enrolled, central.address())
            .map_err(|error| format!("{}: {error}", self.enrolled.display()))
    }

    /// Folios of its projects.
    pub fn projects(&self) -> Outcome<Vec<String>> {
        let answer = self.json(&["projects", "--json"])?;
        Ok(answer.items().iter().filter_map(|row| row.get("folio")?.text()).map(str::to_owned).collect())
    }

    /// Captures a follow-up from a file, without a network.
    pub fn capture(&self, project: &str, file: &Path, photograph: Option<&Path>) -> Outcome {
        let mut command = self.command(&["capture", "--project", project]);
        command.arg("--file").arg(file);
        if let Some(photograph) = photograph {
            let mut evidence = photograph.as_os_str().to_owned();
            evidence.push(":illustration");
            command.arg("--evidence").arg(evidence);
        }
        run(&mut command)
    }

    /// Sends what waits and takes what is new.
    pub fn send(&self) -> Outcome {
        read(&mut self.command(&["send"])).map(drop)
    }

    /// How many of its follow-ups are in a state.
    pub fn count(&self, state: &str) -> Outcome<u64> {
        let status = self.json(&["status", "--json"])?;
        Ok(status
            .get("counts")
            .and_then(|counts| counts.get(state))
            .and_then(Json::number)
            .unwrap_or_default())
    }

    fn json(&self, words: &[&str]) -> Outcome<Json> {
        let printed = read(&mut self.command(words))?;
        Json::parse(printed.trim()).ok_or_else(|| {
            let words = words.join(" ");
            text!(
                "«avance-device {words}» no respondió en JSON.",
                "“avance-device {words}” did not answer in JSON."
            )
        })
    }

    /// The window on this equipment, already signed in.
    pub fn window(&self, workspace: &Workspace) -> Command {
        let mut command = Command::new(workspace.program("avance"));
        command.arg("--data").arg(&self.folder).env("AVANCE_PASSPHRASE", PASSPHRASE);
        command
    }
}
