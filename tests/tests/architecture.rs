//! The shape of the house, read from `cargo metadata`: who may know whom.

use std::path::Path;
use std::process::Command;

use domain::seeded::Bug;
use serde_json::Value;

const OURS: [&str; 8] =
    ["ocds", "domain", "client", "central", "avance", "journeys", "failing-disk", "xtask"];

/// Allowed edges between packages of ours. Whatever is not here is forbidden.
const ALLOWED: &[(&str, &str)] = &[
    ("domain", "ocds"),
    ("client", "domain"),
    ("client", "ocds"),
    ("central", "domain"),
    ("central", "ocds"),
    ("avance", "client"),
    ("avance", "domain"),
    ("journeys", "client"),
    // The simulation runs both sides in one process.
    ("journeys", "central"),
    ("journeys", "domain"),
    ("journeys", "ocds"),
];

/// What cargo says of the workspace.
fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(journeys::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", journeys::complaint(&output));
    serde_json::from_slice(&output.stdout).expect("what cargo says of the workspace")
}

fn forbidden(metadata: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let from = package["name"].as_str().unwrap_or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            if OURS.contains(&from) && OURS.contains(&to) && !ALLOWED.contains(&(from, to)) {
                found.push(format!("{from} → {to}"));
            }
        }
    }
    found
}

#[test]
fn nobody_knows_whom_they_must_not_know() {
    let mut metadata = metadata();
    let names: Vec<&str> =
        metadata["packages"].as_array().unwrap().iter().filter_map(|p| p["name"].as_str()).collect();
    for name in &names {
        assert!(OURS.contains(name), "{name} is not in the picture of the house: add it there first");
    }
    assert_eq!(forbidden(&metadata), Vec::<String>::new());

    // The test itself is tested: an edge that must not be is seen.
    for package in metadata["packages"].as_array_mut().unwrap() {
        if package["name"] == "client" {
            package["dependencies"].as_array_mut().unwrap().push(serde_json::json!({"name": "central"}));
        }
    }
    assert_eq!(forbidden(&metadata), ["client → central"]);
}

#[test]
fn no_grab_bags() {
    for path in journeys::files_under(&journeys::root().join("crates")) {
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let path = path.display();
        assert!(!["common", "utils", "util", "helpers", "helper", "mod"].contains(&name), "{path}");
    }
}

#[test]
fn bugs_on_purpose_are_in_no_build_that_nobody_asked_for() {
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        let (name, features) = (&package["name"], package["features"].as_object().unwrap());
        for (feature, turned_on) in features {
            assert!(!turned_on.to_string().contains("seeded-bugs"), "{name}: {feature}");
        }
        assert_eq!(features.contains_key("seeded-bugs"), name == "domain", "{name}");
        for dependency in package["dependencies"].as_array().unwrap() {
            assert!(!dependency["features"].to_string().contains("seeded-bugs"), "{name}: {dependency}");
        }
    }

    // With the feature, and optimised as what is handed over is, it does not compile. The file stands alone.
    let folder = tempfile::tempdir().unwrap();
    let compile = |feature: bool, assertions: &str| {
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
        let mut command = Command::new(rustc);
        command.args(["--crate-type", "lib", "--edition", "2024", "--emit", "metadata", "--out-dir"]);
        command.arg(folder.path()).arg(journeys::root().join("crates/domain/src/seeded.rs"));
        command.args(["-C", &format!("debug-assertions={assertions}")]);
        if feature {
            command.args(["--cfg", "feature=\"seeded-bugs\""]);
        }
        command.output().unwrap()
    };
    for (feature, assertions) in [(false, "no"), (false, "yes"), (true, "yes")] {
        let output = compile(feature, assertions);
        assert!(output.status.success(), "{feature} {assertions}: {}", journeys::complaint(&output));
    }
    let output = compile(true, "no");
    assert!(!output.status.success());
    assert!(journeys::complaint(&output).contains("never go into a release"));
}

#[test]
fn every_bug_on_purpose_has_its_place_and_its_test() {
    let root = journeys::root();
    let sources = |folder: &str| -> Vec<(std::path::PathBuf, String)> {
        let files = journeys::files_under(&root.join(folder)).into_iter();
        let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
        files.map(|path| (path.clone(), std::fs::read_to_string(&path).unwrap())).collect()
    };
    let places = sources("crates");
    for bug in Bug::ALL {
        let condition = format!("Bug::{bug:?})");
        assert!(places.iter().any(|(_, text)| text.contains(&condition)), "{condition} is asked nowhere");
    }
    let table = std::fs::read_to_string(root.join("tests/seeded-bugs.txt")).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split_whitespace().collect()).collect();
    let names: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(names, Bug::ALL.iter().map(|bug| bug.name()).collect::<Vec<_>>());
    let tests: Vec<_> = places.into_iter().chain(sources("tests/tests")).collect();
    for row in rows.iter().filter(|row| !row[1].starts_with("bin:")) {
        let function = format!("fn {}(", row[2].rsplit("::").next().unwrap());
        let of_the_program = |path: &Path| {
            let (one, many) = (format!("tests/{}.rs", row[1]), format!("tests/{}", row[1]));
            path.ends_with(one) || path.parent().is_some_and(|folder| folder.ends_with(many))
        };
        let there = tests.iter().any(|(path, text)| of_the_program(path) && text.contains(&function));
        assert!(there, "{row:?}");
    }
}

/// Stories of the people who capture, each with a test whose name begins with its code.
#[test]
fn every_story_has_a_test_that_names_it() {
    let codes = [
        "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9", "e10", "e11", "e12", "e13", "e14", "p1", "p2",
        "p3", "p4", "p5", "p6", "p7", "p8",
    ];
    let tests: String = ["crates", "tests/tests", "ui/src"]
        .into_iter()
        .flat_map(|folder| journeys::files_under(&journeys::root().join(folder)))
        .filter(|path| path.extension().is_some_and(|end| end == "rs" || end == "ts"))
        .map(|path| {
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect();
    let named =
        |code: &&str| [format!("fn {code}_"), format!("(\"{code}_")].iter().any(|name| tests.contains(name));
    let missing: Vec<&str> = codes.into_iter().filter(|code| !named(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
