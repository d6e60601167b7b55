//! The `ocds` command, run as a process.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn ocds(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ocds"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("the command ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the command writes UTF-8")
}

fn release(ocid: &str, sequence: u32, extra: Value) -> Value {
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

fn lines(releases: &[Value]) -> Vec<u8> {
    releases.iter().map(|release| format!("{release}\n")).collect::<String>().into_bytes()
}

const CHECK: &[&str] = &["check", "-", "--now", "2026-05-01T00:00:00Z"];

#[test]
fn releases_in_lines_are_checked_with_those_before_them() {
    let good = [release("ocds-abc123-1", 1, json!({})), release("ocds-abc123-1", 2, json!({}))];
    let out = ocds(CHECK, &lines(&good));
    assert!(out.status.success(), "{}", text(&out.stdout));
    let with_mark = [b"\xEF\xBB\xBF".to_vec(), lines(&good)].concat();
    assert!(ocds(CHECK, &with_mark).status.success());
    let list = serde_json::to_vec(&good).expect("a list");
    assert!(ocds(CHECK, &list).status.success());
}

#[test]
fn errors_are_told_in_either_language_and_in_json() {
    let bad = lines(&[release("ocds-abc123-1", 1, json!({"folio": "7"}))]);
    let out = ocds(CHECK, &bad);
    assert_eq!(out.status.code(), Some(1));
    assert!(
        text(&out.stdout).contains("stdin:1#/folio: error [declared-fields] «folio» no existe"),
        "{}",
        text(&out.stdout)
    );
    let out = ocds(&[CHECK, &["--lang", "en"]].concat(), &bad);
    assert!(text(&out.stdout).contains("“folio” is neither in the standard"), "{}", text(&out.stdout));
    let out = ocds(&[CHECK, &["--format", "json"]].concat(), &bad);
    let report: Value = serde_json::from_slice(&out.stdout).expect("a report");
    assert_eq!(report[0]["findings"][0]["rule"], "declared-fields");
    assert_eq!(out.status.code(), Some(1));
}

#[test]
fn the_prefix_can_be_demanded() {
    let good = lines(&[release("ocds-abc123-1", 1, json!({}))]);
    assert!(ocds(&[CHECK, &["--prefix", "ocds-abc123"]].concat(), &good).status.success());
    assert_eq!(ocds(&[CHECK, &["--prefix", "ocds-zzz999"]].concat(), &good).status.code(), Some(1));
}

#[test]
fn releases_are_compiled_by_process() {
    let input = lines(&[
        release("ocds-abc123-2", 1, json!({})),
        release("ocds-abc123-1", 2, json!({})),
        release("ocds-abc123-1", 1, json!({"title": "Parque"})),
    ]);
    let out = ocds(&["compile"], &input);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let written = text(&out.stdout);
    let compiled: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).expect("JSON Lines")).collect();
    assert_eq!(compiled.len(), 2);
    assert_eq!(compiled[1]["title"], "Parque");
    assert_eq!(compiled[1]["planning"]["rationale"], "Etapa 2");

    let out = ocds(&["compile", "--versioned"], &input);
    assert!(text(&out.stdout).contains("\"releaseID\":\"ocds-abc123-1-2\""));
}

#[test]
fn a_record_package_keeps_what_the_package_said() {
    let package = json!({
        "uri": "https://ejemplo.example.org/1.json", "version": "1.1", "publishedDate": "2026-01-03T00:00:00Z",
        "extensions": ["https://example.org/ocds_metrics_extension/extension.json"],
        "publisher": {"name": "Municipio de Ejemplo"}, "license": "https://example.org/by",
        "releases": [release("ocds-abc123-1", 1, json!({}))]
    });
    let arguments = ["compile", "--package", "--versioned", "--published-date", "2026-02-01T00:00:00Z"];
    let out = ocds(&arguments, package.to_string().as_bytes());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let records: Value = serde_json::from_slice(&out.stdout).expect("a package");
    for name in ["uri", "publisher", "license", "extensions", "version"] {
        assert_eq!(records[name], package[name], "{name}");
    }
    assert_eq!(records["publishedDate"], "2026-02-01T00:00:00Z");
    assert_eq!(records["records"][0]["releases"], package["releases"]);
    // Compiling records gives the same records.
    let again = ocds(&arguments, records.to_string().as_bytes());
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).expect("a package"), records);
    assert_eq!(ocds::schema::validate_record_package(&records), []);
}

#[test]
fn a_schema_of_the_callers_decides_how_to_merge() {
    let folder = std::env::temp_dir().join(format!("ocds-command-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("schema.json");
    let schema = json!({"properties": {"title": {"type": "string", "omitWhenMerged": true}}});
    std::fs::write(&path, schema.to_string()).expect("a file");
    let input = lines(&[release("ocds-abc123-1", 1, json!({"title": "Parque"}))]);
    let out = ocds(&["compile", "--schema", path.to_str().expect("a path")], &input);
    std::fs::remove_dir_all(&folder).expect("the folder goes away");
    assert!(out.status.success() && !text(&out.stdout).contains("Parque"), "{}", text(&out.stderr));
}

#[test]
fn bad_input_is_explained() {
    let deep = "[".repeat(50_000);
    let inputs: [(&[u8], &str); 9] = [
        (b"", "no JSON"),
        (b"\n \n", "no JSON"),
        (b"{\"ocid\": ", "EOF"),
        (b"{\"a\": \"\xFF\"}", "not UTF-8 (line 1)"),
        (b"\xFF\xFE{\0}\0", "UTF-16"),
        (deep.as_bytes(), "recursion limit"),
        (b"7", "neither a package"),
        (b"{\"releases\": 7}", "not a list"),
        (b"{\"id\": \"x\"}", "no ocid"),
    ];
    for (input, expected) in inputs {
        let out = ocds(&["compile"], input);
        assert_eq!(out.status.code(), Some(1), "{expected}");
        let told = text(&out.stderr);
        assert!(told.contains(expected) && !told.contains("panicked"), "{expected}: {told}");
        let out = ocds(CHECK, input);
        assert_eq!(out.status.code(), Some(1), "{expected}");
        assert!(!text(&out.stderr).contains("panicked"));
    }
    let out = ocds(&["check", "no-such-file.json"], b"");
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("no-such-file.json: no se puede abrir"));
    let out = ocds(&["check", "no-such-file.json", "--lang", "en"], b"");
    assert!(text(&out.stderr).contains("no-such-file.json cannot be opened"));
}
