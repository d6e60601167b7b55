//! Made files, and the command run on them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What the command did.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.err, self.out);
        self.out
    }

    /// What was written, if the command ended with status 1.
    #[track_caller]
    pub fn bad(self) -> (String, String) {
        assert_eq!(self.code, Some(1), "{}{}", self.err, self.out);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        (self.out, self.err)
    }
}

pub fn ocds(arguments: &[&str], input: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ocds"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // Both sides write: reading waits until all is written only if what is written fits into a pipe. A command that
    // refuses its arguments does not read.
    let Output { status, stdout, stderr } = std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().expect("the command ends")
    });
    let text = |bytes| String::from_utf8(bytes).expect("the command writes UTF-8");
    Run { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// A folder with made files, which goes away.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(TempDir::new().expect("a folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file; its path.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.at(name);
        std::fs::write(&path, bytes).expect("a file");
        path.to_str().expect("a path").to_owned()
    }
}

pub fn release(ocid: &str, sequence: u32, extra: Value) -> Value {
    let mut release = json!({
        "ocid": ocid, "id": format!("{ocid}-{sequence}"), "date": format!("2026-01-0{sequence}T16:00:00.000Z"),
        "tag": [if sequence == 1 { "planning" } else { "planningUpdate" }], "initiationType": "tender", "language": "es",
        "parties": [{"id": "MX-EJ", "name": "Municipio de Ejemplo", "roles": ["buyer"]}],
        "buyer": {"id": "MX-EJ", "name": "Municipio de Ejemplo"}, "planning": {"rationale": format!("Etapa {sequence}")}
    });
    for (name, value) in extra.as_object().expect("fields") {
        release[name] = value.clone();
    }
    release
}

/// Three releases of two processes, each process by itself.
pub fn releases() -> Vec<Value> {
    let project = json!({"planning": {"rationale": "Banquetas dañadas", "project": {"id": "P-1", "title": "Banquetas"}}});
    vec![
        release("ocds-abc123-2", 1, json!({"title": "Ampliación"})),
        release("ocds-abc123-2", 2, project.clone()),
        release("ocds-abc123-1", 1, project),
    ]
}

pub fn package(uri: &str, releases: &[Value]) -> Value {
    json!({
        "uri": uri, "version": "1.1", "publishedDate": "2026-01-03T00:00:00Z",
        "extensions": ocds::schema::extensions(), "publisher": {"name": "Municipio de Ejemplo"}, "license": "https://example.org/by",
        "publicationPolicy": "https://example.org/politica", "releases": releases
    })
}

pub fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes.as_ref()).expect("memory");
    out.finish().expect("memory")
}

pub fn zstandard(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 1).expect("memory")
}

/// Every JSON value in a text.
#[track_caller]
pub fn values(text: &str) -> Vec<Value> {
    let read: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    read.unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
pub fn value(text: &str) -> Value {
    let mut values = values(text);
    assert_eq!(values.len(), 1, "{text}");
    values.remove(0)
}
