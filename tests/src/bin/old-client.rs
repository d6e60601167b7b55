//! A program of a device as it was handed over long ago, against the endpoint of today, and what it leaves on the disk
//! opened by the program of today: nobody updates hundred devices on one day, and some of them were away when it was.
//!
//! `old-client PROGRAM`, the `avance-device` of an old commit; `cargo xtask test --only old-client` builds it. What goes
//! over the line in both directions, whatever the program does with it, is held by the recorded first wire
//! (`tests/tests/folders/first_wire.rs`) in every run of the tests.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use journeys::{Central, Device, files_under, own_check, photograph, progress, wait_until, with_contract};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [program] = arguments.as_slice() else {
        eprintln!("old-client PROGRAM");
        return ExitCode::from(2);
    };
    let folder = tempfile::tempdir().expect("a folder for the journey");
    journey(program, folder.path());
    println!("the old program and the new endpoint understand each other");
    ExitCode::SUCCESS
}

/// Says what holds before the next thing is tried, so that the last line says how far it went.
fn step(done: &str) {
    println!("✓ {done}");
}

fn journey(program: &Path, folder: &Path) {
    let mut central = Central::ready(&folder.join("central"));
    let code = central.code("Persona de muestra", "enlace", "Obras", true);
    let old = Device::of(program, &folder.join("device"));
    old.enrol(&central, &code);
    let projects = old.seen();
    let folios: Vec<&str> = projects
        .as_array()
        .map(|all| all.iter().filter_map(|project| project["folio"].as_str()).collect())
        .unwrap_or_default();
    let [first, second, third, ..] = folios.as_slice() else { panic!("{} projects", folios.len()) };
    step("it activates itself and has its projects");

    let picture = photograph(&folder.join("foto.jpg"), 120);
    let contract = old.capture(
        first,
        &with_contract("C-1", 1_200_000, 20),
        &[format!("{}:illustration", picture.display())],
    );
    old.capture(second, &progress(30), &[]);
    old.ok(&["send"]);
    let receipts = old.json(&["receipts", "--json", "--verify"]);
    assert_eq!(receipts.as_array().map(Vec::len), Some(2), "{receipts}");
    step("what it captured is received, and it verifies its receipts");

    // What it does not know is in the streams by then: reviews, forms, words about files.
    wait_until("the contract is public", LIMIT, || {
        old.ok(&["send"]);
        central.catalog().iter().any(|file| {
            let path = central.public(file["path"].as_str().unwrap_or_default().trim_start_matches('/'));
            std::fs::read_to_string(path).is_ok_and(|text| text.contains("\"C-1\""))
        })
    });
    let states = |device: &Device| device.json(&["status", "--json"]);
    wait_until("it knows of it", LIMIT, || {
        old.ok(&["send"]);
        states(&old)["counts"]["published"].as_u64() >= Some(1)
    });
    own_check(&central.packages());
    assert!(published_pictures(&central) >= 1, "the photograph is public");
    step("it is told that its contract and its photograph are public");

    central.kill();
    let kept = old.capture(third, &progress(44), &[]);
    assert!(!old.run(&["send"]).status.success(), "there is nobody to send it to");
    // The same folder, the program of today: what was not sent is sent, and nothing of before is asked again.
    let new = Device::new(&old.data);
    let before = new.json(&["receipts", "--json", "--verify"]);
    assert_eq!(before.as_array().map(Vec::len), Some(2), "{before}");
    central.start();
    new.ok(&["send"]);
    let after = new.json(&["receipts", "--json", "--verify"]);
    let has = |folio: &str| -> usize {
        after.as_array().map_or(0, |all| all.iter().filter(|one| text_of(one).contains(folio)).count())
    };
    assert_eq!((has(&kept), has(&contract), after.as_array().map(Vec::len)), (1, 1, Some(3)), "{after}");
    step("updated with something unsent, it sends that once, and keeps its receipts");

    assert_eq!(new.seen().as_array().map(Vec::len), projects.as_array().map(Vec::len));
    let verified = central.ok(&["verify"]);
    step(&format!("the history holds: {}", verified.lines().next().unwrap_or_default()));
}

fn text_of(value: &Value) -> String {
    value.to_string()
}

fn published_pictures(central: &Central) -> usize {
    let kinds = ["jpg", "jpeg", "webp", "png"];
    let named = |path: &PathBuf| {
        path.extension().is_some_and(|ending| kinds.iter().any(|kind| ending.eq_ignore_ascii_case(kind)))
    };
    files_under(&central.public("")).iter().filter(|path| named(path)).count()
}
