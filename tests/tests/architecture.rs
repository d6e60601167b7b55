//! The shape of the house, read from `cargo metadata`: who may know whom.

use std::process::Command;

use serde_json::Value;

const OURS: [&str; 7] = ["ocds", "domain", "client", "central", "avance", "journeys", "xtask"];

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
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(journeys::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", journeys::complaint(&output));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
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
