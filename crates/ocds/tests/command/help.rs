//! The examples in the help are run as they stand there.

use std::process::Command;

use serde_json::json;

use crate::program::{Folder, gzip, lines, ocds, package, release, releases, value, values, zstandard};

const VERBS: &[&[&str]] = &[
    &["check"],
    &["compile"],
    &["package"],
    &["package", "releases"],
    &["package", "records"],
    &["flatten"],
    &["oc4ids"],
    &["coverage"],
];

const DATED: &[&str] =
    &["--uri", "https://example.org/records.json", "--published-date", "2026-02-01T00:00:00Z"];

fn help(verb: &[&str], columns: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ocds"));
    let out = command.args(verb).arg("--help").env("COLUMNS", columns).output().expect("the command runs");
    assert!(out.status.success(), "{verb:?}");
    String::from_utf8(out.stdout).expect("UTF-8")
}

/// The commands under "Examples:".
fn examples(help: &str) -> Vec<String> {
    let (_, section) = help.split_once("Examples:\n").expect("examples");
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in section.lines().map(str::trim_end).filter(|line| !line.trim_start().starts_with('#')) {
        if goes_on {
            let last = commands.last_mut().expect("a command before");
            last.push('\n');
            last.push_str(line);
        } else {
            assert!(line.starts_with("  ocds ") || line.starts_with("  cat "), "{line:?}");
            commands.push(line.trim_start().to_owned());
        }
        goes_on = line.ends_with('\\');
    }
    commands
}

/// The files that the examples name.
fn files() -> Folder {
    let folder = Folder::new();
    let releases = releases();
    let lines = lines(&releases);
    let whole = package("https://example.org/1.json", &releases);
    folder.file("releases.jsonl", &lines);
    folder.file("releases.jsonl.gz", gzip(&lines));
    folder.file("releases.jsonl.zst", zstandard(&lines));
    folder.file("package.json", whole.to_string());
    folder.file("answer.json", json!({"next": null, "results": releases}).to_string());
    let made = ocds(&[&["compile", "--package"][..], DATED].concat(), whole.to_string().as_bytes()).good();
    folder.file("records.json", &made);
    folder.file("records.jsonl", crate::program::lines(value(&made)["records"].as_array().expect("records")));
    let project = json!({"id": "P-1", "title": "Banquetas del centro", "status": "implementation"});
    folder.file("projects.json", json!([project]).to_string());
    folder
}

#[test]
#[cfg(unix)]
fn examples_do_what_they_say() {
    let own = std::path::Path::new(env!("CARGO_BIN_EXE_ocds")).parent().expect("a folder");
    let path = std::env::var("PATH").expect("a path");
    let path = format!("{}:{path}", own.display());
    for verb in VERBS {
        let examples = examples(&help(verb, "100"));
        assert!((2..=5).contains(&examples.len()), "{verb:?}: {}", examples.len());
        for example in examples {
            let folder = files();
            let before: Vec<_> = names(&folder);
            let out = Command::new("sh")
                // Every command of a pipe must succeed, where the shell can tell.
                .args(["-c", &format!("(set -o pipefail) 2>/dev/null && set -o pipefail; {example}")])
                .current_dir(folder.path())
                .env("PATH", &path)
                .output()
                .expect("a shell");
            let written = String::from_utf8(out.stdout).expect("UTF-8");
            let told = String::from_utf8(out.stderr).expect("UTF-8");
            assert!(out.status.success(), "{example}\n{told}{written}");
            let made: Vec<String> =
                names(&folder).into_iter().filter(|name| !before.contains(name)).collect();
            assert!(!made.is_empty() || written.lines().any(|line| line.len() > 1), "{example}\n{told}");
            for name in made {
                let path = folder.at(&name);
                if path.is_dir() {
                    assert!(std::fs::read_dir(path).expect("a folder").count() > 1, "{example}");
                    continue;
                }
                let bytes = std::fs::read(path).expect("a file");
                assert!(bytes.len() > 100, "{example}: {name}");
                if name.contains(".json") {
                    let made = values(&String::from_utf8(bytes).expect("UTF-8"));
                    assert!(!made.is_empty(), "{example}");
                }
            }
        }
    }
}

fn names(folder: &Folder) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn examples_are_whole_on_any_terminal() {
    for verb in VERBS {
        let usual = examples(&help(verb, "80"));
        assert_eq!(examples(&help(verb, "300")), usual);
        assert!(usual.iter().flat_map(|example| example.lines()).all(|line| line.len() < 80), "{verb:?}");
    }
}

#[test]
fn what_an_example_promises_is_so() {
    // The grouped example: its file has each process by itself.
    let release = release("ocds-abc123-1", 1, json!({}));
    let answer = json!({"results": [release]}).to_string();
    let out = ocds(&["compile", "--root-path", "results.item"], answer.as_bytes()).good();
    assert_eq!(value(&out)["ocid"], "ocds-abc123-1");
}
