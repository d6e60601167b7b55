//! The reference library (ocdsmerge, from PyPI) as a process that merges what it is given.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What the reference makes of a process: a merged release, or the name of its error.
pub struct Answer {
    pub compiled: Result<Value, String>,
    pub versioned: Result<Value, String>,
}

pub struct Reference {
    python: PathBuf,
    folder: tempfile::TempDir,
}

impl Reference {
    /// The environment that `cargo xtask test` makes. `None`, said aloud, where it is not: the comparison is then not
    /// made. Where `CI` is set that is a failure, as nobody reads what a passing test says.
    pub fn find() -> Option<Reference> {
        let python = cache().join("ocdsmerge-0.8.0").join(if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        });
        let works = Command::new(&python)
            .args(["-c", "import ocdsmerge"])
            .status()
            .is_ok_and(|status| status.success());
        if !works {
            let said = format!(
                "NOT COMPARED with the reference: there is no ocdsmerge 0.8.0 at {}. `cargo xtask test` brings it \
                 from PyPI.",
                python.display()
            );
            assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{said}");
            println!("{said}");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder for what is exchanged");
        fs::write(folder.path().join("schema.json"), ocds::schema::release().to_string())
            .expect("the schema can be written");
        Some(Reference { python, folder })
    }

    /// Has the reference merge the releases of each process.
    pub fn merge(&self, processes: &[Vec<Value>]) -> Vec<Answer> {
        let file = |name: &str| self.folder.path().join(name);
        let mut lines = Vec::new();
        for releases in processes {
            serde_json::to_writer(&mut lines, releases).expect("releases are JSON");
            lines.push(b'\n');
        }
        File::create(file("in")).and_then(|mut input| input.write_all(&lines)).expect("it can be written");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/merge.py");
        let status = Command::new(&self.python)
            .arg(script)
            .arg(file("schema.json"))
            .stdin(File::open(file("in")).expect("it was just written"))
            .stdout(File::create(file("out")).expect("it can be created"))
            .status()
            .expect("the reference starts");
        assert!(status.success(), "the reference ended with {status}");
        let output = fs::read_to_string(file("out")).expect("the reference wrote text");
        let answers: Vec<Answer> = output
            .lines()
            .map(|line| {
                let mut answer: Value = serde_json::from_str(line).expect("the reference writes JSON");
                Answer {
                    compiled: outcome(answer["compiled"].take()),
                    versioned: outcome(answer["versioned"].take()),
                }
            })
            .collect();
        assert_eq!(answers.len(), processes.len(), "an answer for each process");
        answers
    }
}

/// No made release has a field `error`.
fn outcome(answer: Value) -> Result<Value, String> {
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer),
    }
}

/// The folder where `cargo xtask` keeps what it fetches; it is named there (`places::cache`) and here.
fn cache() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("AVANCE_CI_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("avance")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/avance")))
        .or_else(|| set("LOCALAPPDATA").map(|local| local.join("avance")))
        .unwrap_or_else(|| std::env::temp_dir().join("avance"))
}
