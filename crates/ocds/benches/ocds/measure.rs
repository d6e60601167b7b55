//! What one run of a command takes, and what several runs come to.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// What a command reads on its standard input.
#[derive(Clone, Debug)]
pub enum Stdin {
    /// Nothing: it is told the file.
    None,
    /// A file.
    File(PathBuf),
    /// A file that arrives through a pipe.
    Pipe(PathBuf),
}

/// A command to measure.
#[derive(Clone, Debug)]
pub struct Job {
    pub words: Vec<OsString>,
    pub stdin: Stdin,
    /// Where its standard output goes.
    pub output: PathBuf,
}

impl Job {
    /// The command as a person would type it, without the folders.
    pub fn shown(&self) -> String {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let is_address = |word: &str| word.contains("://");
        let words = self.words.iter().map(|word| {
            let text = word.to_string_lossy().into_owned();
            if is_address(&text) { text } else { name(Path::new(word)).unwrap_or(text) }
        });
        let command = words.collect::<Vec<_>>().join(" ");
        match &self.stdin {
            Stdin::None => command,
            Stdin::File(path) => format!("{command} < {}", name(path).unwrap_or_default()),
            Stdin::Pipe(path) => format!("cat {} | {command}", name(path).unwrap_or_default()),
        }
    }
}

/// What one run took.
#[derive(Clone, Debug, Deserialize)]
pub struct Took {
    /// From start to end.
    pub seconds: f64,
    /// Of all cores together, in seconds.
    pub cpu: f64,
    /// The most memory it ever held, in bytes.
    pub peak: u64,
    status: i32,
    /// What it wrote on standard error.
    #[serde(skip)]
    pub said: String,
}

/// Runs commands under `measure.py`, which asks the kernel what they took.
pub struct Meter {
    pub python: PathBuf,
    pub scripts: PathBuf,
    pub folder: PathBuf,
}

impl Meter {
    /// Runs a command once.
    ///
    /// # Errors
    /// If it cannot be run, or ends badly.
    pub fn run(&self, job: &Job) -> Result<Took> {
        let report = self.folder.join("medida.json");
        let mut command = Command::new(&self.python);
        // Nothing but the interpreter: its memory is the least that can be measured.
        command.args(["-I", "-S"]).arg(self.scripts.join("measure.py")).arg(&report).arg(&job.output);
        match &job.stdin {
            Stdin::None => {}
            Stdin::File(path) => drop(command.arg("--stdin").arg(path)),
            Stdin::Pipe(path) => drop(command.arg("--pipe").arg(path)),
        }
        command.arg("--").args(&job.words).stdin(Stdio::null()).stderr(Stdio::piped());
        let output = command.output().with_context(|| self.python.display().to_string())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let read = fs::read_to_string(&report).with_context(|| format!("{}\n{said}", job.shown()))?;
        fs::remove_file(&report)?;
        let took: Took = serde_json::from_str(&read)?;
        match took.status {
            0 => Ok(Took { said, ..took }),
            status => bail!("{} terminó con {status}; dejó {}\n{said}", job.shown(), job.output.display()),
        }
    }

    /// Runs a command in passing, unmeasured.
    pub fn prepare(&self, python: &Path, script: &str, arguments: &[&Path]) -> Result<()> {
        let status = Command::new(python).arg(self.scripts.join(script)).args(arguments).status()?;
        if status.success() { Ok(()) } else { bail!("{script} ended with {status}") }
    }
}

/// The runs of one command.
#[derive(Clone, Debug, Default)]
pub struct Runs(pub Vec<Took>);

impl Runs {
    /// The time in the middle.
    pub fn seconds(&self) -> f64 {
        self.middle(|took| took.seconds)
    }

    pub fn cpu(&self) -> f64 {
        self.middle(|took| took.cpu)
    }

    /// The most memory of any run, in bytes: a limit holds always or it does not hold.
    pub fn peak(&self) -> u64 {
        self.0.iter().map(|took| took.peak).max().unwrap_or_default()
    }

    /// The shortest and the longest.
    pub fn spread(&self) -> (f64, f64) {
        let seconds = || self.0.iter().map(|took| took.seconds);
        (seconds().fold(f64::INFINITY, f64::min), seconds().fold(0.0, f64::max))
    }

    /// The number in the middle of what is read from each run.
    pub fn middle(&self, read: impl Fn(&Took) -> f64) -> f64 {
        let mut all: Vec<f64> = self.0.iter().map(read).collect();
        all.sort_by(f64::total_cmp);
        let half = all.len() / 2;
        match all.len() {
            0 => 0.0,
            odd if odd % 2 == 1 => all[half],
            _ => f64::midpoint(all[half - 1], all[half]),
        }
    }
}
