//! The same command line with OCDS Kit and with `ocds` gives the same.
//!
//! OCDS Kit is looked for in the folder of the environment variable `ORACLE_HOME`, or in `~/.cache/avance-oracle`. Where
//! it is not, nothing is compared, and the tests say so.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

fn kit() -> Option<PathBuf> {
    let home = std::env::var_os("ORACLE_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache/avance-oracle")))?;
    let kit = home.join("bin/ocdskit");
    if kit.is_file() {
        return Some(kit);
    }
    println!("NOT COMPARED: there is no {}", kit.display());
    None
}

fn run(program: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let out = std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().expect("the command ends")
    });
    assert!(
        out.status.success(),
        "{} {arguments:?}: {}",
        program.display(),
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).expect("UTF-8")
}

/// Numbers as every reader takes them: OCDS Kit writes `1.0` for `1.00`.
fn plain(value: &mut Value) {
    match value {
        Value::Number(number) => *value = json!(number.as_f64()),
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(fields) => fields.values_mut().for_each(plain),
        _ => {}
    }
}

fn documents(text: &str) -> Vec<Value> {
    let read: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    let mut read = read.expect("JSON");
    read.iter_mut().for_each(plain);
    read
}

/// Runs both; whether the bytes are equal, too. What a verb or option is called may differ.
fn same(kit: &Path, theirs: &[&str], ours: &[&str], input: &[u8]) -> bool {
    let expected = run(kit, theirs, input);
    let got = run(Path::new(env!("CARGO_BIN_EXE_ocds")), ours, input);
    assert!(!expected.is_empty(), "{theirs:?}");
    let (expected_documents, documents) = (documents(&expected), documents(&got));
    assert_eq!(documents.len(), expected_documents.len(), "{theirs:?}");
    for (got, expected) in documents.iter().zip(&expected_documents) {
        assert_eq!(got, expected, "{theirs:?}");
    }
    println!("{} {theirs:?}", if got == expected { "equal bytes:" } else { "equal values:" });
    got == expected
}

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ocds").join(path);
    if !path.exists() {
        println!("NOT COMPARED: there is no {}", path.display());
    }
    path.exists().then_some(path)
}

/// The files of a folder, one after the other, without those in which the name says that they are results.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let is_input = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".json") && !name.ends_with("-compiled.json") && !name.ends_with("-versioned.json")
    };
    paths.iter().filter(|path| is_input(path)).map(|path| fs::read(path).expect("a file")).collect()
}

/// A schema that needs no network: OCDS Kit would look for the extensions that packages declare.
struct Schema {
    path: String,
    _folder: TempDir,
}

fn schema() -> Schema {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("schema.json");
    fs::write(&path, ocds::schema::release().to_string()).expect("a file");
    Schema { path: path.to_str().expect("a path").to_owned(), _folder: folder }
}

fn package(number: usize, releases: &[Value]) -> Value {
    let mut package = json!({
        "uri": format!("https://example.org/{number}.json"), "version": "1.1",
        "publishedDate": "2026-02-01T00:00:00Z", "publisher": {"name": format!("Municipio de Ejemplo {number}")},
        "releases": releases
    });
    for (name, value) in
        [("license", "https://example.org/licencia"), ("publicationPolicy", "https://example.org/politica")]
    {
        if number.is_multiple_of(2) {
            package[name] = json!(value);
        }
    }
    let extension = |name: usize| format!("https://example.org/{name}/extension.json");
    package["extensions"] = json!([extension(number % 3), extension(7)]);
    if number == 3 {
        package["uri"] = json!("");
        package["releases"].as_array_mut().expect("releases").insert(0, Value::Null);
    }
    package
}

/// Releases of several processes, scattered over packages.
fn made() -> Vec<Value> {
    let release = |process: usize, step: usize| {
        json!({
            "ocid": format!("ocds-abc123-{process}"), "id": format!("{process}-{step}"), "tag": [if step == 0 { "planning" } else { "tender" }],
            "date": format!("2026-01-{:02}T0{}:00:00Z", 28 - step, process % 10), "initiationType": "tender", "language": "es",
            "parties": [{"id": "MX-EJ", "name": "Municipio de Ejemplo", "roles": ["buyer", "procuringEntity"]},
                {"id": format!("P{step}"), "name": "Constructora «Ñandú» \u{1F477} \"SA\"", "address": {"locality": if step == 1 { Value::Null } else { json!("Mérida") }}}],
            "tender": {"id": "t", "title": format!("Rehabilitación {step}\t\u{7f}"), "value": {"amount": 1_250_000.5 + step as f64, "currency": "MXN"},
                "items": [{"id": step, "description": "Concreto", "quantity": 3}, {"id": "9", "unit": {"name": format!("m² {step}")}}],
                "tenderPeriod": {}, "documents": []},
            "relatedProcesses": []
        })
    };
    (0..7)
        .map(|number| {
            let releases: Vec<Value> = (0..9).map(|at| release((at * 5 + number * 3) % 11, number)).collect();
            package(number, &releases)
        })
        .collect()
}

fn lines(values: &[Value]) -> Vec<u8> {
    values.iter().map(|value| format!("{value}\n")).collect::<String>().into_bytes()
}

#[test]
fn compiling() {
    let Some(kit) = kit() else { return };
    let schema = schema();
    let input = lines(&made());
    let metadata = [
        "--uri",
        "https://example.org/registros.json",
        "--published-date",
        "2026-03-01T00:00:00Z",
        "--publisher-name",
        "Municipio de Ejemplo",
        "--publisher-uri",
        "https://example.org/",
        "--publisher-scheme",
        "MX-RFC",
        "--publisher-uid",
        "EJE010101AB1",
        "--version",
        "1.1",
    ];
    let linked = ["--package", "--linked-releases", "--versioned"];
    let options: [(&[&str], &[&str]); 9] = [
        (&[], &[]),
        (&[], &["--versioned"]),
        (&[], &["--package"]),
        (&[], &["--package", "--fake"]),
        (&[], &["--package", "--fake", "--uri", "https://example.org/", "--publisher-uid", ""]),
        (&["--pretty"], &linked),
        (&["--ascii"], &[&linked[..], &metadata].concat()),
        (&["--ascii", "--pretty"], &[]),
        (&["--pretty"], &["--package", "--version", "1.1.5"]),
    ];
    for (before, after) in options {
        let arguments = [before, &["compile", "--schema", &schema.path], after].concat();
        assert!(same(&kit, &arguments, &arguments, &input), "the bytes of {arguments:?}");
    }
}

#[test]
fn published_data() {
    let Some(kit) = kit() else { return };
    let schema = schema();
    let mut inputs = Vec::new();
    // The fixtures of merging, each as a process.
    let fixtures = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/merge"));
    let processes = fixtures.iter().enumerate().map(|(number, text)| {
        let mut releases: Vec<Value> = serde_json::from_slice(text).expect("releases");
        releases.iter_mut().for_each(|release| release["ocid"] = json!(format!("ocds-abc123-{number:02}")));
        package(number + 4, &releases)
    });
    inputs.push(lines(&processes.collect::<Vec<_>>()));
    if let Some(folder) = shared("sample-data/fictional-example/1.1") {
        inputs.push(files(&folder).concat());
    }
    if let Some(file) = shared("examples/pp-release-package-es.json") {
        inputs.push(fs::read(file).expect("a file"));
    }
    for input in inputs {
        for after in [&[][..], &["--package", "--versioned", "--linked-releases", "--fake"]] {
            let arguments = [&["compile", "--schema", &schema.path], after].concat();
            same(&kit, &arguments, &arguments, &input);
        }
    }
    let Some(fixtures) = shared("ocds-merge-fixtures/tests/fixtures") else { return };
    let official = fixtures.join("release-schema-1__0__3.json");
    let mut releases: Vec<Value> =
        serde_json::from_slice(&files(&fixtures.join("1.0")).concat()).expect("releases");
    releases.iter_mut().for_each(|release| release["ocid"] = json!("ocds-abc123-1"));
    let old = json!({"uri": "https://example.org/1.json", "publishedDate": "2015-01-01T00:00:00Z", "publisher": {"name": "Municipio de Ejemplo"}, "releases": releases});
    for after in [&[][..], &["--versioned"], &["--package", "--fake"]] {
        let schema = ["compile", "--schema", official.to_str().expect("a path")];
        let arguments = [&schema[..], after].concat();
        same(&kit, &arguments, &arguments, old.to_string().as_bytes());
        // The schema of 1.0 is known here.
        same(&kit, &arguments, &[&["compile"], after].concat(), old.to_string().as_bytes());
    }
}

#[test]
fn paths_and_encodings() {
    let Some(kit) = kit() else { return };
    let schema = schema();
    let packages = made();
    let text = |value: Value| value.to_string().into_bytes();
    let releases = packages[0]["releases"].clone();
    for (path, input) in [
        ("item", text(json!(packages))),
        ("", text(json!(packages))),
        ("results.item", text(json!({"next": {"results": [1]}, "results": packages}))),
        ("results", text(json!({"results": packages, "count": 7}))),
        ("releases.item", lines(&packages[..2])),
        ("a.b", text(json!({"a.b": packages[0], "a": {"b": packages[1], "b.c": 1}}))),
        (
            "item.release",
            text(json!(
                releases
                    .as_array()
                    .expect("releases")
                    .iter()
                    .map(|one| json!({"release": one}))
                    .collect::<Vec<_>>()
            )),
        ),
        ("item.item", text(json!([[packages[0]], [packages[1], packages[2]], {"item": packages[4]}]))),
    ] {
        let arguments = ["compile", "--root-path", path, "--schema", &schema.path];
        assert!(same(&kit, &arguments, &arguments, &input), "the bytes of {path}");
    }
    let title = json!({"ocid": "ocds-abc123-1", "id": "1", "date": "2026-01-01T00:00:00Z", "parties": [], "title": "Rehabilitación, año"});
    let latin: Vec<u8> =
        title.to_string().chars().map(|own| u8::try_from(u32::from(own)).expect("Latin-1")).collect();
    let arguments = ["--encoding", "iso-8859-1", "compile", "--schema", &schema.path];
    assert!(same(&kit, &arguments, &arguments, &latin));
}

#[test]
fn packaging() {
    let Some(kit) = kit() else { return };
    let packages = made();
    let releases: Vec<Value> = packages
        .iter()
        .flat_map(|package| package["releases"].as_array().expect("releases").clone())
        .filter(|own| !own.is_null())
        .collect();
    let records: Vec<Value> =
        releases.iter().map(|release| json!({"ocid": release["ocid"], "releases": [release]})).collect();
    let uri = ["--uri", "https://example.org/1.json", "--publisher-name", "Municipio de Ejemplo"];
    for (theirs, ours, items) in
        [("package-releases", "releases", releases), ("package-records", "records", records)]
    {
        let input = lines(&items);
        for after in [&["--fake"][..], &uri, &["--size", "10", "--fake"]] {
            assert!(same(&kit, &[&[theirs], after].concat(), &[&["package", ours], after].concat(), &input));
        }
        let url = "https://example.org/extension.json";
        assert!(same(
            &kit,
            &["--pretty", theirs, url],
            &["--pretty", "package", ours, "--extension", url],
            &input
        ));
    }
}
