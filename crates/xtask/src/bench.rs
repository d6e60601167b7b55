//! The verb `bench`: the measurements, each a bench target of the workspace.

use crate::End;
use crate::need;
use crate::page;
use crate::places::{Workspace, cargo};
use crate::run::{Outcome, run};
use crate::test;
use crate::words::text;

/// Seeds of the simulation when reliability is what is asked for.
const RELIABILITY: &str = "20000";

/// The measurement that runs whole programs.
const PROGRAMS: &str = "sync";
/// The measurement that opens the window.
const WINDOW: &str = "application";

/// Runs one measurement by name, or all of them.
pub fn bench(arguments: &[String]) -> Outcome<End> {
    // Not a bench target: what it runs is the development build, where everything can be passed in.
    if let Some((name, rest)) = arguments.split_first()
        && name == "reliability"
    {
        return test::simulation(&[&["--seeds".to_owned(), RELIABILITY.to_owned()], rest].concat());
    }
    let workspace = Workspace::read()?;
    let known = workspace.all("bench");
    let wanted: Vec<&str> = match arguments.split_first() {
        None => known.clone(),
        Some((name, _)) => known.iter().copied().filter(|own| own == name).collect(),
    };
    if wanted.is_empty() {
        let names = [known, vec!["reliability"]].concat().join(", ");
        return Ok(End::Absent(text!(
            "No existe esa medición. Hay: {names}",
            "There is no such measurement. There are: {names}"
        )));
    }
    // The peers are in PyPI.
    need::python::check()?;
    for name in wanted {
        let mut command = cargo();
        command.args(["bench", "--workspace", "--bench", name, "--"]).args(arguments.iter().skip(1));
        if name == PROGRAMS {
            // It starts the programs as they are handed over; the same selection of packages, so that both share what
            // is compiled. Some of its peers are in npm.
            run(cargo().args(["build", "--workspace", "--release"]).args([
                "--bin",
                "avance-central",
                "--bin",
                "avance-device",
            ]))?;
            need::node()?.tell(&mut command);
        }
        if name == WINDOW {
            // With its page inside, as it is handed over, under a display and a driver.
            let node = need::check(need::Purpose::Test)?;
            page::build(&workspace, &node)?;
            run(cargo()
                .args(["build", "--workspace", "--release", "--features", "avance/custom-protocol"])
                .args(["--bin", "avance", "--bin", "avance-central", "--bin", "avance-device"]))?;
        }
        run(&mut command)?;
    }
    Ok(End::Done)
}
