//! The verb `test`: every test, or a part of them, and one line with the counts at the end.

mod old;
mod seeded;
mod tally;

use std::process::Command;

use crate::End;
use crate::need::{self, Node, Purpose};
use crate::page;
use crate::places::{Workspace, cargo};
use crate::run::{Outcome, run, succeeds, watch};
use crate::words::{say, text};

use tally::Tally;

/// What `--only` takes.
pub const PARTS: [&str; 9] =
    ["rust", "ui", "browser", "desktop", "conformance", "simulation", "seeded-bugs", "databases", old::PART];

/// The part that is a program of its own, and not a test of a runner: it takes seeds and tells of faults.
pub const SIMULATION: &str = "simulation";

/// One fixed selection for everything cargo does here: another one would build half the tree again. The bugs on purpose
/// add a feature of a package of ours, so that only what is ours is built once more.
const SELECTION: [&str; 3] = ["--workspace", "--features", "avance/custom-protocol"];

/// Runs the tests and says how many passed and failed.
pub fn test(only: Option<&str>) -> Outcome<End> {
    if let Some(part) = only.filter(|part| !PARTS.contains(part)) {
        return Ok(End::Usage(text!("No hay una parte «{part}».", "There is no part “{part}”.")));
    }
    let workspace = Workspace::read()?;
    // A part that is a test program of its own says so before anything is installed or built.
    if let Some(program) = only.and_then(program).filter(|program| !workspace.has("test", program)) {
        return Ok(End::Absent(text!(
            "Esa parte no existe todavía: ningún paquete tiene la prueba «{program}».",
            "That part does not exist yet: no package has the test “{program}”."
        )));
    }
    let node = need::check(Purpose::Test)?;
    let mut suite = Suite { workspace, node, total: Tally::default(), rows: Vec::new() };
    match only {
        None => {
            suite.page()?;
            suite.rust(None)?;
            suite.simulation(&[]);
            suite.seeded();
        }
        Some(seeded::PART) => {
            // What it printed last is its own count.
            return Ok(if suite.seeded() { End::Done } else { End::Failed });
        }
        Some("ui") => suite.page()?,
        Some("rust") => {
            page::build(&suite.workspace, &suite.node)?;
            // The browser and the window are parts of their own; a name that no program has is an error to nextest.
            let others = ["browser", "desktop"].into_iter().filter(|name| suite.workspace.has("test", name));
            let others: Vec<String> = others.map(|name| format!("not binary(={name})")).collect();
            suite.rust((!others.is_empty()).then(|| others.join(" & ")).as_deref())?;
        }
        Some(SIMULATION) => return simulation(&[]),
        Some(old::PART) => {
            page::build(&suite.workspace, &suite.node)?;
            if suite.check("cargo build", cargo().arg("build").args(SELECTION).arg("--all-targets")) {
                suite.old_client();
            }
        }
        Some(part) => {
            page::build(&suite.workspace, &suite.node)?;
            suite.part(part)?;
        }
    }
    Ok(suite.end())
}

/// Runs the simulation alone, with what it is told.
pub fn simulation(arguments: &[String]) -> Outcome<End> {
    let workspace = Workspace::read()?;
    let node = need::check(Purpose::Test)?;
    let mut suite = Suite { workspace, node, total: Tally::default(), rows: Vec::new() };
    page::build(&suite.workspace, &suite.node)?;
    if suite.check("cargo build", cargo().arg("build").args(SELECTION).arg("--all-targets")) {
        suite.simulation(arguments);
    }
    Ok(suite.end())
}

/// The test program a part is, where it is one.
fn program(part: &str) -> Option<&'static str> {
    match part {
        "browser" => Some("browser"),
        "desktop" => Some("desktop"),
        "databases" => Some("databases"),
        _ => None,
    }
}

struct Suite {
    workspace: Workspace,
    node: Node,
    total: Tally,
    rows: Vec<(String, Tally)>,
}

impl Suite {
    fn record(&mut self, name: &str, tally: Tally) {
        self.total.add(tally);
        self.rows.push((name.to_owned(), tally));
    }

    /// A check that passes or fails as a whole. It never stops the others.
    fn check(&mut self, name: &str, command: &mut Command) -> bool {
        heading(name);
        let outcome = run(command);
        if let Err(sentence) = &outcome {
            println!("✗ {sentence}");
        }
        self.record(name, Tally::one(outcome.is_ok()));
        outcome.is_ok()
    }

    /// Checks, tests and builds the page.
    fn page(&mut self) -> Outcome {
        page::install(&self.workspace, &self.node)?;
        let ui = self.workspace.ui();
        for script in ["check", "lint"] {
            let mut command = self.node.npm();
            self.check(&format!("ui: {script}"), command.args(["run", script]).current_dir(&ui));
        }
        heading("ui: test");
        let report = self.workspace.target.join("vitest.json");
        let _ = std::fs::remove_file(&report);
        let mut command = self.node.npm();
        command.args(["test", "--", "--reporter=default", "--reporter=json"]);
        command.arg(format!("--outputFile.json={}", report.display())).current_dir(&ui);
        let went_well = run(&mut command).is_ok();
        let tally = std::fs::read_to_string(&report).ok().and_then(|report| Tally::vitest(&report));
        self.record("ui: test", tally.unwrap_or_default().unless(went_well && tally.is_some()));
        let mut command = self.node.npm();
        self.check("ui: build", command.args(["run", "build"]).current_dir(&ui));
        Ok(())
    }

    /// Form, lints, build and tests of the workspace.
    fn rust(&mut self, filter: Option<&str>) -> Outcome {
        self.check("cargo fmt", cargo().args(["fmt", "--all", "--check"]));
        self.check(
            "cargo clippy",
            cargo().arg("clippy").args(SELECTION).args(["--all-targets", "--", "-D", "warnings"]),
        );
        if !self.check("cargo build", cargo().arg("build").args(SELECTION).arg("--all-targets")) {
            return Ok(());
        }
        let mut arguments = Vec::new();
        if let Some(filter) = filter {
            arguments.extend(["-E", filter]);
        }
        self.tests("tests", &arguments, &[]);
        // The other runner has them already.
        if has_nextest() {
            let mut tally = Tally::default();
            heading("doc tests");
            let went_well = watch(cargo().args(["test", "--doc"]).args(SELECTION), |line| {
                tally.add(Tally::libtest(line).unwrap_or_default());
            });
            self.record("doc tests", tally.unless(went_well == Ok(true)));
        }
        Ok(())
    }

    /// Devices and endpoint under faults; 3,000 seeds unless something else is said.
    fn simulation(&mut self, arguments: &[String]) {
        let program = self.workspace.program(SIMULATION);
        self.check(SIMULATION, Command::new(program).args(arguments));
    }

    /// A program of long ago against the endpoint of today.
    fn old_client(&mut self) {
        heading(old::PART);
        let outcome = old::test(&self.workspace);
        if let Err(sentence) = &outcome {
            println!("✗ {sentence}");
        }
        self.record(old::PART, Tally::one(outcome.is_ok()));
    }

    /// One part, in the same selection.
    fn part(&mut self, part: &str) -> Outcome {
        if !self.check("cargo build", cargo().arg("build").args(SELECTION).arg("--all-targets")) {
            return Ok(());
        }
        match program(part) {
            Some(program) => self.tests(part, &["-E", &format!("binary(={program})")], &[program]),
            // Conformance with the standard: all of the crate that states it, and what compares us with the reference.
            None => {
                let own: Vec<String> =
                    self.workspace.tests_of("ocds").into_iter().map(str::to_owned).collect();
                let own: Vec<&str> = own.iter().map(String::as_str).collect();
                self.tests(part, &["-E", "package(ocds) + binary(/conformance/)"], &own);
            }
        }
        Ok(())
    }

    /// Whether every bug on purpose is caught by its test.
    fn seeded(&mut self) -> bool {
        heading(seeded::PART);
        let outcome = seeded::run(&self.workspace);
        if let Err(sentence) = &outcome {
            println!("✗ {sentence}");
        }
        let tally = outcome.as_ref().copied().unwrap_or_default().unless(outcome.is_ok());
        self.record(seeded::PART, tally);
        tally.failed == 0
    }

    /// Runs tests with cargo-nextest, or with cargo's own runner where that is not installed.
    fn tests(&mut self, name: &str, nextest: &[&str], programs: &[&str]) {
        heading(name);
        let mut tally = Tally::default();
        let mut command = cargo();
        let outcome = if has_nextest() {
            command
                .args(["nextest", "run", "--no-fail-fast", "--no-tests", "fail"])
                .args(SELECTION)
                .args(nextest);
            watch(&mut command, |line| tally.add(Tally::nextest(line).unwrap_or_default()))
        } else {
            say!(
                "(cargo-nextest no está instalado; se usa `cargo test`)",
                "(cargo-nextest is not installed; `cargo test` is used)"
            );
            command.args(["test", "--no-fail-fast"]).args(SELECTION);
            for program in programs {
                command.args(["--test", program]);
            }
            watch(&mut command, |line| tally.add(Tally::libtest(line).unwrap_or_default()))
        };
        if let Err(sentence) = &outcome {
            println!("✗ {sentence}");
        }
        self.record(name, tally.unless(outcome == Ok(true)));
    }

    fn end(self) -> End {
        println!();
        for (name, Tally { passed, failed }) in &self.rows {
            let mark = if *failed == 0 { "✓" } else { "✗" };
            println!("{mark} {name:<16}{passed:>6} {failed:>6}");
        }
        println!("{} passed, {} failed", self.total.passed, self.total.failed);
        if self.total.failed == 0 { End::Done } else { End::Failed }
    }
}

fn has_nextest() -> bool {
    succeeds(cargo().args(["nextest", "--version"]))
}

fn heading(name: &str) {
    println!("\n── {name} ──");
}
