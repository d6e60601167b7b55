//! `ocds compile`.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::program::{Folder, lines, ocds, package, release, releases, value, values};

#[test]
fn releases_are_compiled_by_process() {
    let input = lines(&[
        release("ocds-abc123-2", 1, json!({})),
        release("ocds-abc123-1", 2, json!({})),
        release("ocds-abc123-1", 1, json!({"title": "Parque"})),
    ]);
    let compiled = values(&ocds(&["compile"], input.as_bytes()).good());
    assert_eq!(compiled.len(), 2);
    // Sorted by ocid.
    assert_eq!(compiled[0]["title"], "Parque");
    assert_eq!(compiled[0]["planning"]["rationale"], "Etapa 2");
    let out = ocds(&["compile", "--versioned"], input.as_bytes()).good();
    assert!(out.contains("\"releaseID\":\"ocds-abc123-1-2\""), "{out}");
}

#[test]
fn a_record_package_keeps_what_the_package_said() {
    let mut package =
        package("https://ejemplo.example.org/1.json", &[release("ocds-abc123-1", 1, json!({}))]);
    package["extensions"] = json!(["https://example.org/ocds_metrics_extension/extension.json"]);
    let uri = ["--uri", "https://ejemplo.example.org/registros.json"];
    let date = ["--published-date", "2026-02-01T00:00:00Z"];
    let arguments = [&["compile", "--package", "--versioned"][..], &uri, &date].concat();
    let records = value(&ocds(&arguments, package.to_string().as_bytes()).good());
    for name in ["publisher", "license", "extensions", "version", "publicationPolicy"] {
        assert_eq!(records[name], package[name], "{name}");
    }
    assert_eq!(records["uri"], "https://ejemplo.example.org/registros.json");
    assert_eq!(records["packages"], json!([package["uri"]]));
    assert_eq!(records["publishedDate"], "2026-02-01T00:00:00Z");
    assert_eq!(records["records"][0]["releases"], package["releases"]);
    // Compiling records gives the same records.
    let again = value(&ocds(&arguments, records.to_string().as_bytes()).good());
    assert_eq!(again["records"], records["records"]);
    assert_eq!(ocds::schema::validate_record_package(&records), []);
}

#[test]
fn what_a_package_needs_can_be_given_or_made_up() {
    let input = lines(&releases());
    let run = ocds(&["compile", "--package"], input.as_bytes());
    for option in ["--uri", "--published-date", "--publisher-name"] {
        assert!(run.err.contains(option), "{}", run.err);
    }
    let arguments = [
        "compile",
        "--package",
        "--fake",
        "--publisher-name",
        "Municipio de Ejemplo",
        "--publisher-uid",
        "EJE010101AB1",
    ];
    let run = ocds(&arguments, input.as_bytes());
    assert_eq!(run.err, "");
    let made = value(&run.out);
    assert_eq!(made["publisher"], json!({"name": "Municipio de Ejemplo", "uid": "EJE010101AB1"}));
    assert_eq!(ocds::schema::validate_record_package(&made), []);
}

#[test]
fn releases_are_linked_where_their_package_has_an_address() {
    let releases = releases();
    let input = format!(
        "{}\n{}",
        package("https://example.org/1.json", &releases[..2]),
        json!([package("https://example.org/2.json", &[]), package("", &releases[2..])])
    );
    let out = ocds(&["compile", "--package", "--linked-releases", "--fake"], input.as_bytes()).good();
    let made = value(&out);
    // The second process comes from a package without an address.
    assert_eq!(made["records"][0]["releases"], json!([releases[2]]));
    let link = json!({"url": "https://example.org/1.json#ocds-abc123-2-1", "date": "2026-01-01T16:00:00.000Z", "tag": ["planning"]});
    assert_eq!(made["records"][1]["releases"][0], link);
    assert_eq!(made["packages"], json!(["https://example.org/1.json", "https://example.org/2.json"]));
    assert_eq!(ocds::schema::validate_record_package(&made), []);
}

#[test]
fn a_schema_of_the_callers_decides_how_to_merge() {
    let folder = Folder::new();
    let schema = json!({"properties": {"title": {"type": "string", "omitWhenMerged": true}}});
    let path = folder.file("schema.json", schema.to_string());
    let input = lines(&[release("ocds-abc123-1", 1, json!({"title": "Parque"}))]);
    for more in [&[][..], &["--grouped"]] {
        let out = ocds(&[&["compile", "--schema", &path], more].concat(), input.as_bytes()).good();
        assert!(out.contains("Etapa 1") && !out.contains("Parque"), "{out}");
    }
    let (_, err) = ocds(&["compile", "--schema", &folder.file("bad.json", "{")], input.as_bytes()).bad();
    assert!(err.contains("bad.json"), "{err}");
}

/// Many processes, some of several releases: more than one batch.
fn many() -> Vec<Value> {
    let process = |n: u32| {
        let ocid = format!("ocds-abc123-{n:05}");
        let text = "Rehabilitación ".repeat((n as usize * 37) % 1000);
        (1..=1 + n % 3)
            .map(move |sequence| release(&ocid, sequence, json!({"description": text})))
            .collect::<Vec<_>>()
    };
    (0..300).flat_map(process).collect()
}

#[test]
fn any_number_of_threads_writes_the_same() {
    let input = lines(&many());
    assert!(input.len() > 3 << 20, "{}", input.len());
    for verb in [
        &["compile"][..],
        &["compile", "--versioned", "--pretty"],
        &["compile", "--package", "--fake"],
        &["compile", "--grouped"],
        &["package", "releases", "--fake", "--size", "7"],
        &["check"],
        &["check", "--format", "json"],
        &["coverage", "--format", "csv"],
    ] {
        let run = |jobs: &str| {
            let run = ocds(&[verb, &["--jobs", jobs]].concat(), input.as_bytes());
            (run.code, run.out)
        };
        let one = run("1");
        assert!(!one.1.is_empty());
        assert!(one == run("4"), "{verb:?}");
    }
}

#[test]
fn what_is_grouped_can_be_read_once() {
    let many = many();
    let input = lines(&many);
    for more in [&[][..], &["--versioned"], &["--pretty", "--ascii"]] {
        let grouped = ocds(&[&["compile", "--grouped"], more].concat(), input.as_bytes()).good();
        // The processes happen to be sorted.
        assert!(grouped == ocds(&[&["compile"], more].concat(), input.as_bytes()).good(), "{more:?}");
    }
    // What a package says about itself is known at the end, and is written there.
    let whole = package("https://example.org/1.json", &many[..5]).to_string();
    let arguments = ["compile", "--package", "--fake"];
    let grouped = value(&ocds(&[&arguments[..], &["--grouped"]].concat(), whole.as_bytes()).good());
    assert_eq!(grouped, value(&ocds(&arguments, whole.as_bytes()).good()));
    let scattered = lines(&[many[0].clone(), many[1].clone(), many[0].clone()]);
    let (_, err) = ocds(&["compile", "--grouped"], scattered.as_bytes()).bad();
    assert!(err.contains("stdin: the releases of ocds-abc123-00000 do not follow one another"), "{err}");
}

#[test]
fn how_json_is_written_can_be_said_before_and_after_the_verb() {
    let input = lines(&releases());
    let plain = ocds(&["compile"], input.as_bytes()).good();
    assert_eq!(plain.lines().count(), 2);
    let pretty = ocds(&["--pretty", "compile"], input.as_bytes()).good();
    assert_eq!(pretty, ocds(&["compile", "--pretty"], input.as_bytes()).good());
    let expected: String = values(&plain)
        .iter()
        .map(|value| serde_json::to_string_pretty(value).expect("JSON") + "\n")
        .collect();
    assert_eq!(pretty, expected);
    let ascii = ocds(&["--ascii", "compile"], input.as_bytes()).good();
    assert!(ascii.is_ascii() && ascii.contains("da\\u00f1adas"), "{ascii}");
    assert_eq!(ascii, ocds(&["compile", "--ascii"], input.as_bytes()).good());
    assert_eq!(values(&ascii), values(&plain));
    let package = ocds(&["compile", "--package", "--fake", "--pretty"], input.as_bytes()).good();
    assert_eq!(package, serde_json::to_string_pretty(&value(&package)).expect("JSON") + "\n");
}

#[test]
fn a_process_that_cannot_be_merged_does_not_hide_the_others() {
    let mut releases = releases();
    releases[0].as_object_mut().expect("a release").remove("date");
    releases.push(
        json!({"ocid": "ocds-abc123-3", "id": 1, "date": "2026-01-01T00:00:00Z", "parties": "ninguna"}),
    );
    let input = format!("{}{{\"ocid\": \"ocds-abc123-4\", \"planning\": {{]}}\n", lines(&releases));
    for more in [&[][..], &["--grouped"], &["--package", "--fake"], &["--versioned"]] {
        let (out, err) = ocds(&[&["compile"], more].concat(), input.as_bytes()).bad();
        assert!(err.contains("ocds-abc123-2: "), "{err}");
        assert!(err.contains("unexpected ']'"), "{err}");
        let out = values(&out);
        let written =
            out[0].get("records").map_or(out.clone(), |records| records.as_array().expect("records").clone());
        let ocids: Vec<&Value> = written.iter().map(|written| &written["ocid"]).collect();
        assert_eq!(ocids, ["ocds-abc123-1", "ocds-abc123-3"], "{more:?}");
    }
}

#[test]
fn a_record_without_releases_is_no_release() {
    let record = json!({"ocid": "ocds-abc123-1", "compiledRelease": release("ocds-abc123-1", 1, json!({}))});
    for input in [json!({"version": "1.1", "records": [record]}), record] {
        let (out, err) = ocds(&["compile"], input.to_string().as_bytes()).bad();
        assert!(out.is_empty() && err.contains("ocds-abc123-1: a record has no releases"), "{err}");
    }
}

#[test]
fn the_version_and_the_extensions_decide_how_to_merge() {
    let mut odd = package("https://example.org/1.json", &releases());
    odd["version"] = json!("2.7");
    let (out, err) = ocds(&["compile"], odd.to_string().as_bytes()).bad();
    assert!(out.is_empty() && err.contains("2.7") && err.contains("--schema"), "{err}");
    let mut old = package("https://example.org/1.json", &releases());
    old["version"] = json!("1.0");
    ocds(&["compile"], old.to_string().as_bytes()).good();
    let new = package("https://example.org/2.json", &releases());
    let (_, err) = ocds(&["compile"], format!("{old}{new}").as_bytes()).bad();
    assert!(err.contains("OCDS 1.0 and others of 1.1"), "{err}");
    let mut unknown = new;
    unknown["extensions"] = json!(["https://example.org/desconocida/extension.json"]);
    let run = ocds(&["compile"], unknown.to_string().as_bytes());
    assert!(run.err.contains("https://example.org/desconocida/extension.json"), "{}", run.err);
    run.good();
}

#[test]
fn what_is_odd_is_told_and_merged() {
    let mut releases = releases();
    releases[1]["date"] = releases[0]["date"].clone();
    let twice = json!([{"id": "MX-EJ"}, {"id": "MX-EJ", "name": "Municipio de Ejemplo"}]);
    releases[2]["parties"] = twice;
    let run = ocds(&["compile"], lines(&releases).as_bytes());
    assert!(run.err.contains("ocds-abc123-2: two releases are dated"), "{}", run.err);
    assert!(run.err.contains("/parties has the id \"MX-EJ\" twice"), "{}", run.err);
    assert_eq!(values(&run.good()).len(), 2);
}

#[test]
#[cfg(unix)]
fn a_reader_that_stops_reading_is_no_error() {
    let folder = Folder::new();
    let input = folder.file("many.jsonl", lines(&many()));
    for verb in [
        &["compile"][..],
        &["compile", "--grouped"],
        &["compile", "--package", "--fake", "--publisher-name", "Municipio de Ejemplo"],
        &["package", "releases", "--fake", "--publisher-name", "Municipio de Ejemplo"],
        &["check", "--format", "json"],
        &["coverage"],
        &["coverage", "--format", "csv"],
        &["coverage", "--format", "json", "--all"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ocds"))
            .args(verb)
            .arg(&input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        drop(child.stdout.take());
        let out = child.wait_with_output().expect("the command ends");
        let told = String::from_utf8_lossy(&out.stderr);
        // Checking finds errors, or would.
        let expected = if verb[0] == "check" { &[0, 1][..] } else { &[0] };
        assert!(out.status.code().is_some_and(|code| expected.contains(&code)), "{verb:?}: {told}");
        assert_eq!(told, "", "{verb:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let folder = Folder::new();
    let input = folder.file("many.jsonl", lines(&many()));
    for verb in [
        &["compile"][..],
        &["compile", "--grouped"],
        &["compile", "--package"],
        &["package", "releases"],
        &["check"],
        &["oc4ids"],
        &["coverage"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
        let out = Command::new(env!("CARGO_BIN_EXE_ocds")).args(verb).arg(&input).stdout(full).output();
        let out = out.expect("the command runs");
        let told = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{verb:?}: {told}");
        assert!(told.contains("No space left") && !told.contains("panicked"), "{verb:?}: {told}");
    }
}
