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
    // Sorted by ocid.
    assert_eq!(compiled[0]["title"], "Parque");
    assert_eq!(compiled[0]["planning"]["rationale"], "Etapa 2");

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
    let uri = ["--uri", "https://ejemplo.example.org/registros.json"];
    let date = ["--published-date", "2026-02-01T00:00:00Z"];
    let arguments = [&["compile", "--package", "--versioned"][..], &uri, &date].concat();
    let out = ocds(&arguments, package.to_string().as_bytes());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let records: Value = serde_json::from_slice(&out.stdout).expect("a package");
    for name in ["publisher", "license", "extensions", "version"] {
        assert_eq!(records[name], package[name], "{name}");
    }
    assert_eq!(records["uri"], "https://ejemplo.example.org/registros.json");
    assert_eq!(records["packages"], json!([package["uri"]]));
    assert_eq!(records["publishedDate"], "2026-02-01T00:00:00Z");
    assert_eq!(records["records"][0]["releases"], package["releases"]);
    // Compiling records gives the same records.
    let again = ocds(&arguments, records.to_string().as_bytes());
    let again: Value = serde_json::from_slice(&again.stdout).expect("a package");
    assert_eq!(again["records"], records["records"]);
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
    // What is told by `compile`, and the reason that `check` finds.
    let inputs: [(&[u8], &str, &str); 10] = [
        (b"", "no JSON", "empty"),
        (b"\n \n", "no JSON", "empty"),
        (b"{\"ocid\": ", "EOF", "syntax"),
        (b"{\"a\": \"\xFF\"}", "not UTF-8 (line 1)", "not-utf-8"),
        (b"\xFF\xFE{\0}\0", "UTF-16", "utf-16"),
        (deep.as_bytes(), "EOF", "syntax"),
        (b"7", "neither a package", "not-ocds"),
        (b"{\"releases\": 7}", "not a list", ""),
        (b"{\"id\": \"x\"}", "no ocid", "not-ocds"),
        (
            b"{\"releases\": [{\"ocid\": \"a\"} {\"ocid\": \"b\"}]}",
            "unexpected '{' at line 1 column 29",
            "syntax",
        ),
    ];
    for (input, expected, reason) in inputs {
        let out = ocds(&["compile"], input);
        assert_eq!(out.status.code(), Some(1), "{expected}");
        let told = text(&out.stderr);
        assert!(told.contains(expected) && !told.contains("panicked"), "{expected}: {told}");
        let (code, report) = report(&["check", "-"], input);
        assert_eq!(code, Some(1), "{expected}");
        let found = &report[0]["findings"][0];
        assert_eq!(found["params"]["reason"].as_str().unwrap_or_default(), reason, "{found}");
    }
    for (lang, expected) in [("es", "No se puede leer"), ("en", "It cannot be read")] {
        let out = ocds(&["check", "no-such-file.json", "--lang", lang], b"");
        assert_eq!(out.status.code(), Some(1));
        assert!(text(&out.stdout).contains(expected), "{}", text(&out.stdout));
    }
}

fn report(arguments: &[&str], input: &[u8]) -> (Option<i32>, Value) {
    let out = ocds(&[arguments, &["--format", "json"]].concat(), input);
    (out.status.code(), serde_json::from_slice(&out.stdout).expect("a report"))
}

#[test]
fn odd_texts_are_told_and_never_crash() {
    let deep = format!("{{\"ocid\":\"ocds-abc123-1\",\"planning\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let inputs: [(&[u8], &str, &str); 4] = [
        (deep.as_bytes(), "too-deep", "error"),
        (b"{\"ocid\":\"ocds-abc123-1\",\"ocid\":\"ocds-abc123-1\"}", "repeated-name", "error"),
        (
            b"{\"ocid\":\"ocds-abc123-1\",\"planning\":{\"budget\":{\"amount\":{\"amount\":1e999}}}}",
            "huge-number",
            "error",
        ),
        (b"\xEF\xBB\xBF{\"ocid\":\"ocds-abc123-1\"}", "mark", "warning"),
    ];
    for (input, reason, severity) in inputs {
        let (_, report) = report(CHECK, input);
        let found = report[0]["findings"].as_array().expect("findings");
        let told = found.iter().find(|finding| finding["params"]["reason"] == reason).expect(reason);
        assert_eq!((told["rule"].as_str(), told["severity"].as_str()), (Some("json"), Some(severity)));
    }
}
