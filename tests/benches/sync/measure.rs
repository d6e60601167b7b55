//! What programs take, and what several runs come to.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
pub use journeys::report::{median, percentile, spread};
use serde::Deserialize;

/// Ticks of `/proc/PID/stat` in a second: the same on every Linux.
const TICKS: f64 = 100.0;

/// What a program that runs has taken so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Of all cores together, in seconds.
    pub cpu: f64,
    /// The most memory it ever held, in bytes.
    pub peak: u64,
}

/// Asks the kernel about a process.
pub fn usage(pid: u32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of a program may have spaces; it ends at the last parenthesis.
    let rest = stat.rsplit_once(')').context("/proc/PID/stat")?.1;
    let ticks = |field: usize| -> Result<f64> {
        Ok(rest.split_whitespace().nth(field).context("/proc/PID/stat")?.parse()?)
    };
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kibibytes: u64 = peak.trim().trim_end_matches("kB").trim().parse()?;
    Ok(Usage { cpu: (ticks(11)? + ticks(12)?) / TICKS, peak: kibibytes * 1024 })
}

/// What one run of a command took.
#[derive(Clone, Debug, Deserialize)]
pub struct Took {
    pub seconds: f64,
    /// Of all cores together, in seconds.
    pub cpu: f64,
    /// The most memory it ever held, in bytes.
    pub peak: u64,
    pub status: i32,
    /// What it wrote on standard output.
    #[serde(skip)]
    pub said: String,
    /// What it wrote on standard error.
    #[serde(skip)]
    pub complained: String,
}

/// Runs a command to its end under the script of the other measurements, which asks the kernel what it took.
pub fn run(command: &Command, folder: &Path) -> Result<Took> {
    let script = journeys::root().join("crates/ocds/benches/peers/measure.py");
    let (report, output) = (folder.join("medida.json"), folder.join("salida.txt"));
    let mut measured = Command::new("python3");
    measured.args(["-I", "-S"]).arg(script).arg(&report).arg(&output).arg("--");
    measured.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => measured.env(name, value),
            None => measured.env_remove(name),
        };
    }
    if let Some(place) = command.get_current_dir() {
        measured.current_dir(place);
    }
    let ended = measured.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
    let complained = String::from_utf8_lossy(&ended.stderr).into_owned();
    let read = fs::read_to_string(&report).with_context(|| complained.clone())?;
    fs::remove_file(&report)?;
    let took: Took = serde_json::from_str(&read)?;
    Ok(Took { said: fs::read_to_string(&output)?, complained, ..took })
}

/// Runs a command that must end well.
pub fn run_well(command: &Command, folder: &Path) -> Result<Took> {
    let took = run(command, folder)?;
    if took.status != 0 {
        bail!("{:?} terminó con {}:\n{}{}", command, took.status, took.said, took.complained);
    }
    Ok(took)
}
