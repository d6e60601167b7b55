//! `ocds check`.

use serde_json::{Value, json};

use crate::program::{Folder, Run, lines, ocds, package, release, releases, value};

const CHECK: &[&str] = &["check", "-", "--now", "2026-05-01T00:00:00Z"];

fn check(more: &[&str], input: impl AsRef<[u8]>) -> Run {
    ocds(&[CHECK, more].concat(), input.as_ref())
}

/// The report about one file, and the status.
fn report(input: impl AsRef<[u8]>) -> (Option<i32>, Value) {
    let run = check(&["--format", "json"], input);
    let mut reports = value(&run.out);
    (run.code, reports[0].take())
}

fn told(report: &Value) -> Vec<(String, String, u64)> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    findings
        .map(|finding| {
            (
                text(&finding["rule"]),
                text(&finding["pointer"]),
                finding["document"].as_u64().unwrap_or_default(),
            )
        })
        .collect()
}

#[test]
fn releases_in_lines_are_checked_with_those_before_them() {
    let good = [release("ocds-abc123-1", 1, json!({})), release("ocds-abc123-1", 2, json!({}))];
    check(&[], lines(&good)).good();
    check(&[], format!("\u{feff}{}", lines(&good))).good();
    check(&[], Value::from(good.to_vec()).to_string()).good();
    // The second changes the ocid's parties: only known together with the first.
    let (_, both) = report(lines(&[good[0].clone(), good[0].clone()]));
    assert!(told(&both).iter().any(|(rule, ..)| rule == "release-id-unique"), "{both}");
}

#[test]
fn errors_are_told_in_either_language_and_in_json() {
    let bad = lines(&[release("ocds-abc123-1", 1, json!({"folio": "7"}))]);
    let (out, _) = check(&[], &bad).bad();
    assert!(out.contains("stdin:1#/folio: error [declared-fields] «folio» no existe"), "{out}");
    assert!(out.contains("stdin: 1 error, 0 avisos"), "{out}");
    let (out, _) = check(&["--lang", "en"], &bad).bad();
    assert!(out.contains("“folio” is neither in the standard"), "{out}");
    let (code, report) = report(&bad);
    assert_eq!(
        (code, told(&report)),
        (Some(1), vec![("declared-fields".to_owned(), "/folio".to_owned(), 1)])
    );
    assert_eq!((report["errors"].as_u64(), report["warnings"].as_u64()), (Some(1), Some(0)));
}

#[test]
fn what_is_wrong_in_many_places_is_told_once() {
    // The processes come in another order than the documents.
    let bad: Vec<Value> = (0..30)
        .map(|n| release(&format!("ocds-abc123-{}", 99 - n), 1, json!({"folio": n, "obra": n % 2})))
        .collect();
    let (out, _) = check(&["--jobs", "3"], lines(&bad)).bad();
    assert_eq!(out.matches("[declared-fields]").count(), 2, "{out}");
    assert!(out.contains("stdin:1#/folio: error"), "{out}");
    assert!(out.contains("también en 29 lugares más: 2#/folio, 3#/folio, 4#/folio, …\n"), "{out}");
    let (out, _) = check(&["--lang", "en"], lines(&bad[..2])).bad();
    assert!(out.contains("also in 1 more place: 2#/folio\n"), "{out}");
    let (_, report) = report(lines(&bad));
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(60));
    assert_eq!(report["findings"][59]["document"], 30);
    // One place in which two things of one cause are wrong is one place.
    let twice = release(
        "ocds-abc123-1",
        1,
        json!({"planning": {"rationale": "Llame a CURP HEGG560427MVZRRL04 o GOCE800101HDFRRL09"}}),
    );
    let (out, _) = check(&[], lines(&[twice])).bad();
    assert!(out.contains("[no-personal-data]") && !out.contains("también"), "{out}");
}

#[test]
fn places_are_those_in_the_document() {
    let bad = release("ocds-abc123-2", 1, json!({"folio": "7"}));
    let good = release("ocds-abc123-1", 1, json!({}));
    let place = |input: &Value| {
        let told = told(&report(input.to_string()).1);
        let found: Vec<_> = told.into_iter().filter(|(rule, ..)| rule == "declared-fields").collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].1.clone()
    };
    let whole = package("https://example.org/1.json", &[good.clone(), bad.clone()]);
    assert_eq!(place(&json!([good, bad])), "/1/folio");
    assert_eq!(place(&whole), "/releases/1/folio");
    assert_eq!(place(&json!([good, whole])), "/1/releases/1/folio");
    let record = json!({"ocid": "ocds-abc123-2", "releases": [bad]});
    assert_eq!(place(&record), "/releases/0/folio");
    // Its ocid may come last.
    assert_eq!(place(&json!({"releases": [bad], "ocid": "ocds-abc123-2"})), "/releases/0/folio");
    let mut records = whole.clone();
    records["releases"] = Value::Null;
    records.as_object_mut().expect("a package").remove("releases");
    records["records"] = json!([record]);
    assert_eq!(place(&records), "/records/0/releases/0/folio");
    assert_eq!(place(&json!([records])), "/0/records/0/releases/0/folio");
    let mut wrapped = whole;
    wrapped["releases"] = json!([good]);
    wrapped["publisher"] = json!({});
    let found = told(&report(json!([good, wrapped]).to_string()).1);
    assert!(found.iter().any(|(rule, at, _)| rule == "schema-required" && at == "/1/publisher"), "{found:?}");
}

#[test]
fn records_are_checked_with_what_they_add_up_to() {
    let input = package("https://example.org/1.json", &releases()).to_string();
    let date = ["--published-date", "2026-02-01T00:00:00Z", "--uri", "https://example.org/2.json"];
    let mut records = value(&ocds(&[&["compile", "--package"][..], &date].concat(), input.as_bytes()).good());
    check(&["--lang", "en"], records.to_string()).good();
    records["records"][0]["compiledRelease"]["title"] = json!("Otro");
    let (code, report) = report(records.to_string());
    assert_eq!(code, Some(1));
    let stale = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .find(|found| found["params"]["reason"] == "stale");
    assert_eq!(stale.expect("a finding")["pointer"], "/records/0/compiledRelease", "{report}");
}

#[test]
fn what_was_not_checked_is_told() {
    let mut old = package("https://example.org/1.json", &releases());
    old["version"] = json!("1.0");
    let new = package("https://example.org/2.json", &[release("ocds-abc123-9", 1, json!({"folio": 1}))]);
    let (code, report) = report(json!([old, new]).to_string());
    assert_eq!(code, Some(1));
    assert_eq!(report["notChecked"]["releases of OCDS 1.0"], 3, "{report}");
    // The others are checked.
    assert!(
        told(&report)
            .iter()
            .any(|(rule, place, _)| rule == "declared-fields" && place == "/1/releases/0/folio")
    );
    let linked = json!({"ocid": "ocds-abc123-1", "releases": [{"url": "https://example.org/1.json#1", "date": "2026-01-01T00:00:00Z", "tag": ["planning"]}]});
    let (_, report) = self::report(linked.to_string());
    assert_eq!(report["notChecked"]["records with linked releases"], 1, "{report}");
    let out = check(&[], old.to_string()).out;
    assert!(out.contains("No se revisó: 3 versiones de OCDS 1.0") && out.contains("usa --prefix"), "{out}");
    let out = check(&["--prefix", "ocds-abc123", "--lang", "en"], lines(&releases())).good();
    assert!(out.contains("Not checked: whether links open"), "{out}");
}

#[test]
fn the_prefix_can_be_demanded() {
    let good = lines(&[release("ocds-abc123-1", 1, json!({}))]);
    check(&["--prefix", "ocds-abc123"], &good).good();
    check(&["--prefix", "ocds-zzz999"], &good).bad();
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_the_others() {
    let folder = Folder::new();
    let good = folder.file("a.jsonl", lines(&releases()));
    let run = ocds(&["check", "no-such-file.json", &good, "--format", "json"], b"");
    assert_eq!(run.code, Some(1));
    let reports = value(&run.out);
    assert_eq!(reports[0]["findings"][0]["params"]["reason"], "unreadable");
    assert_eq!((reports[1]["file"].as_str(), reports[1]["errors"].as_u64()), (Some(good.as_str()), Some(0)));
    for (lang, expected) in [("es", "No se puede leer"), ("en", "It cannot be read")] {
        let (out, _) = ocds(&["check", "no-such-file.json", "--lang", lang], b"").bad();
        assert!(out.contains(expected), "{out}");
    }
}

#[test]
fn texts_that_are_no_publication_are_explained() {
    let deep = "[".repeat(50_000);
    // What is told by `compile`, and the reason that `check` finds.
    let inputs: [(&[u8], &str, &str); 11] = [
        (b"", "no JSON", "empty"),
        (b"\n \n", "no JSON", "empty"),
        (b"{\"ocid\": ", "EOF", "syntax"),
        (b"{\"a\": \"\xFF\"}", "not UTF-8 (line 1)", "not-utf-8"),
        (b"\xFF\xFE{\0}\0", "UTF-16", "utf-16"),
        (deep.as_bytes(), "EOF", "syntax"),
        (b"7", "neither a package", "not-ocds"),
        (b"{\"releases\": 7}", "not a list", ""),
        (b"{\"releases\": [nope]}", "no JSON value", "syntax"),
        (b"{\"id\": \"x\"}", "no ocid", "not-ocds"),
        (
            b"{\"releases\": [{\"ocid\": \"a\"} {\"ocid\": \"b\"}]}",
            "unexpected '{' at line 1 column 29",
            "syntax",
        ),
    ];
    for (input, expected, reason) in inputs {
        let (_, err) = ocds(&["compile"], input).bad();
        assert!(err.contains(expected), "{expected}: {err}");
        let (code, report) = report(input);
        assert_eq!(code, Some(1), "{expected}");
        let reasons: Vec<&str> = report["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .map(|found| found["params"]["reason"].as_str().unwrap_or_default())
            .collect();
        assert!(reasons.contains(&reason), "{report}");
    }
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
        let (_, report) = report(input);
        let found = report["findings"].as_array().expect("findings");
        let told = found.iter().find(|finding| finding["params"]["reason"] == reason).expect(reason);
        assert_eq!((told["rule"].as_str(), told["severity"].as_str()), (Some("json"), Some(severity)));
    }
}
