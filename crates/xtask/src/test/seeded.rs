//! The suite is tested: with each bug on purpose its test fails, and without any the same tests pass.
//!
//! The programs are built once, with the feature that lets a variable choose a bug (`crates/domain/src/seeded.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::json::Json;
use crate::places::{Workspace, cargo};
use crate::run::{Outcome, read};
use crate::words::{say, text};

use super::tally::Tally;

/// Its name among the parts.
pub const PART: &str = "seeded-bugs";
/// The variable that names the bug of a process; `domain::seeded` reads it.
const VARIABLE: &str = "AVANCE_SEEDED_BUG";
/// The programs that tests start.
const PROGRAMS: [&str; 4] = ["avance-central", "avance-device", "device-host", "ocds"];
/// How many run at a time. Each has folders and ports of its own.
const AT_A_TIME: usize = 2;
/// Longest that one may take. A test that hangs has noticed nothing.
const LIMIT: Duration = Duration::from_secs(120);

/// A bug and what catches it.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    bug: String,
    catcher: Catcher,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Catcher {
    /// A test of a test program.
    Test { program: String, test: String },
    /// A program of the workspace that ends with an error.
    Program { name: String, arguments: Vec<String> },
}

impl Catcher {
    fn shown(&self) -> String {
        match self {
            Catcher::Test { program, test } => format!("{program} {test}"),
            Catcher::Program { name, arguments } => format!("{name} {}", arguments.join(" ")),
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Passed,
    Failed,
    /// It did not run, or did not end: nothing is known.
    Unknown,
}

/// Builds, runs everything and says what was caught: one count for each bug, and one for each test without any.
pub fn run(workspace: &Workspace) -> Outcome<Tally> {
    let path = workspace.root.join("tests/seeded-bugs.txt");
    let rows = fs::read_to_string(&path).ok().and_then(|text| table(&text)).ok_or_else(|| {
        let path = path.display();
        text!("No se entiende {path}.", "{path} is not understood.")
    })?;
    let tests = build(&rows)?;
    let folder = workspace.target.join(PART);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let room = Room { workspace, tests, folder };

    let catchers: BTreeSet<&Catcher> = rows.iter().map(|row| &row.catcher).collect();
    let sound: Vec<(Option<&str>, &Catcher)> = catchers.into_iter().map(|catcher| (None, catcher)).collect();
    let seeded: Vec<_> = rows.iter().map(|row| (Some(row.bug.as_str()), &row.catcher)).collect();
    say!("» Sin errores a propósito: {} pruebas", "» Without bugs on purpose: {} tests", sound.len());
    let mut tally = Tally::default();
    for ((_, catcher), ended) in sound.iter().zip(room.all(&sound)) {
        tally.add(Tally::one(ended == Ended::Passed));
        if ended != Ended::Passed {
            println!("✗ {}", catcher.shown());
        }
    }
    say!("» Con cada uno: {} corridas", "» With each: {} runs", seeded.len());
    let ends = room.all(&seeded);
    let wide = rows.iter().map(|row| row.bug.len()).max().unwrap_or_default();
    println!();
    for (row, ended) in rows.iter().zip(&ends) {
        let mark = if *ended == Ended::Failed { "✓ caught" } else { "✗ MISSED" };
        println!("{mark}  {:<wide$}  {}", row.bug, row.catcher.shown());
        tally.add(Tally::one(*ended == Ended::Failed));
    }
    if tally.failed > 0 {
        let folder = room.folder.display();
        say!("\nLo que dijo cada corrida está en {folder}", "\nWhat each run said is in {folder}");
    }
    let caught = ends.iter().filter(|ended| **ended == Ended::Failed).count();
    println!("\n{caught} of {} caught", rows.len());
    Ok(tally)
}

/// Reads the table; nothing if a line has another form or a bug is there twice.
fn table(text: &str) -> Option<Vec<Row>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows: Vec<Row> = lines
        .map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let (bug, first) = (words.next()?, words.next()?);
            let catcher = match first.strip_prefix("bin:") {
                Some(name) => Catcher::Program { name: name.to_owned(), arguments: words.collect() },
                None => {
                    Catcher::Test { program: first, test: words.next().filter(|_| words.next().is_none())? }
                }
            };
            Some(Row { bug, catcher })
        })
        .collect::<Option<_>>()?;
    let names: BTreeSet<&str> = rows.iter().map(|row| row.bug.as_str()).collect();
    (!rows.is_empty() && names.len() == rows.len()).then_some(rows)
}

/// A built test program and the folder in which cargo would run it.
struct Built {
    executable: PathBuf,
    package: PathBuf,
}

/// Builds what the table names, with the feature; gives the test programs by name.
fn build(rows: &[Row]) -> Outcome<BTreeMap<String, Built>> {
    let mut command = cargo();
    command.args(["build", "--workspace", "--features", "avance/custom-protocol,domain/seeded-bugs"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    let mut programs: BTreeSet<&str> = PROGRAMS.into();
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    for row in rows {
        match &row.catcher {
            Catcher::Test { program, .. } => wanted.insert(program),
            Catcher::Program { name, .. } => programs.insert(name),
        };
    }
    programs.iter().for_each(|name| _ = command.args(["--bin", name]));
    wanted.iter().for_each(|name| _ = command.args(["--test", name]));
    let mut built = BTreeMap::new();
    for message in read(&mut command)?.lines().filter_map(Json::parse) {
        let test = message.get("profile").and_then(|profile| profile.get("test")) == Some(&Json::Bool(true));
        let path = |key: &str| message.get(key).and_then(Json::text).map(PathBuf::from);
        let name = message.get("target").and_then(|target| target.get("name")).and_then(Json::text);
        if test
            && let (Some(name), Some(executable), Some(manifest)) =
                (name, path("executable"), path("manifest_path"))
        {
            let package = manifest.parent().unwrap_or(Path::new(".")).to_owned();
            if built.insert(name.to_owned(), Built { executable, package }).is_some() {
                return Err(text!(
                    "Dos paquetes tienen la prueba «{name}».",
                    "Two packages have the test “{name}”."
                ));
            }
        }
    }
    Ok(built)
}

/// What every run needs.
struct Room<'a> {
    workspace: &'a Workspace,
    tests: BTreeMap<String, Built>,
    folder: PathBuf,
}

impl Room<'_> {
    /// Runs each, a few at a time; gives how they ended in the same order.
    fn all(&self, wanted: &[(Option<&str>, &Catcher)]) -> Vec<Ended> {
        let ends = Mutex::new(vec![Ended::Unknown; wanted.len()]);
        let next = Mutex::new(wanted.iter().enumerate());
        std::thread::scope(|scope| {
            for _ in 0..AT_A_TIME {
                scope.spawn(|| {
                    while let Some((place, (bug, catcher))) =
                        next.lock().ok().and_then(|mut next| next.next())
                    {
                        let log =
                            self.folder.join(format!("{}.log", bug.map_or(place.to_string(), str::to_owned)));
                        let ended = self.one(*bug, catcher, &log).unwrap_or(Ended::Unknown);
                        if let Ok(mut ends) = ends.lock() {
                            ends[place] = ended;
                        }
                    }
                });
            }
        });
        ends.into_inner().unwrap_or_default()
    }

    /// Runs one with what it says in a file. Nothing if it is not there or cannot be started.
    fn one(&self, bug: Option<&str>, catcher: &Catcher, log: &Path) -> Option<Ended> {
        let mut command = match catcher {
            Catcher::Test { program, test } => {
                let built = self.tests.get(program)?;
                let mut command = Command::new(&built.executable);
                command.args([test, "--exact"]).current_dir(&built.package);
                command
            }
            Catcher::Program { name, arguments } => {
                let mut command = Command::new(self.workspace.program(name));
                command.args(arguments).current_dir(&self.workspace.root);
                command
            }
        };
        let file = File::create(log).ok()?;
        command.stdin(Stdio::null()).stdout(file.try_clone().ok()?).stderr(file).env_remove(VARIABLE);
        if let Some(bug) = bug {
            command.env(VARIABLE, bug);
        }
        let mut child = command.spawn().ok()?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().ok()? {
                break status;
            }
            if start.elapsed() > LIMIT {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let said = String::from_utf8_lossy(&fs::read(log).ok()?).into_owned();
        Some(match catcher {
            Catcher::Test { .. } => judged(&said, status.success()),
            Catcher::Program { .. } if status.success() => Ended::Passed,
            Catcher::Program { .. } => Ended::Failed,
        })
    }
}

/// How one test ended. A name that no test has runs nothing and succeeds: that is no answer.
fn judged(said: &str, success: bool) -> Ended {
    let mut tally = Tally::default();
    said.lines().filter_map(Tally::libtest).for_each(|other| tally.add(other));
    match (tally.passed, tally.failed) {
        (1, 0) if success => Ended::Passed,
        (0, 1) if !success => Ended::Failed,
        _ => Ended::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_or_refused() {
        let read = table("# why\n\n a  routes  twice\nb bin:simulation --seeds 3\n");
        let test = Catcher::Test { program: "routes".into(), test: "twice".into() };
        let program =
            Catcher::Program { name: "simulation".into(), arguments: vec!["--seeds".into(), "3".into()] };
        let rows = vec![Row { bug: "a".into(), catcher: test }, Row { bug: "b".into(), catcher: program }];
        assert_eq!(read, Some(rows));
        for wrong in ["", "a", "a routes", "a routes twice again", "a routes x\na routes y"] {
            assert_eq!(table(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_one_test_that_ran_says_something() {
        let said = |passed, failed| format!("test result: x. {passed} passed; {failed} failed; 0 ignored");
        assert_eq!(judged(&said(1, 0), true), Ended::Passed);
        assert_eq!(judged(&said(0, 1), false), Ended::Failed);
        assert_eq!(judged(&said(0, 0), true), Ended::Unknown);
        assert_eq!(judged("thread 'main' panicked before the test", false), Ended::Unknown);
    }
}
