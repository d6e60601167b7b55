//! Merging against the expected outputs of the reference library, and against fixtures of our own.

use std::fs;
use std::path::{Path, PathBuf};

use ocds::merge::{MergeError, Rules, Warning, compiled, versioned};
use serde_json::{Value, json};

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The official files, when the folder is beside the project.
fn shared(path: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ocds").join(path);
    if folder.exists() {
        return Some(folder);
    }
    println!("not here: {path}; its tests have nothing to do");
    None
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

/// Checks every `{name}-compiled.json` and `{name}-versioned.json` of a folder against `{name}.json`.
fn compare(folder: &Path, rules: &Rules) -> usize {
    let mut compared = 0;
    for path in json_files(folder) {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("fixtures have names").to_owned();
        for (suffix, merge) in
            [("-compiled", compiled as fn(&Rules, &[Value]) -> _), ("-versioned", versioned)]
        {
            let Some(input) = name.strip_suffix(suffix) else {
                continue;
            };
            let releases = read(&folder.join(format!("{input}.json")));
            let releases = releases.as_array().expect("an input is a list of releases");
            let merged = merge(rules, releases).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(merged.value, read(&path), "{name}");
            compared += 1;
        }
    }
    compared
}

#[test]
fn the_outputs_of_the_reference_come_out_equal() {
    let (Some(fixtures), Some(schema)) =
        (shared("ocds-merge-fixtures/tests/fixtures"), shared("ocds-1.1/schema/release-schema.json"))
    else {
        return;
    };
    let rules = |path: PathBuf| Rules::from_schema(&read(&path)).expect("an official schema has rules");
    let mut compared = compare(&fixtures.join("1.1"), &rules(schema));
    compared += compare(&fixtures.join("1.0"), &rules(fixtures.join("release-schema-1__0__3.json")));
    compared += compare(&fixtures.join("schema"), &rules(fixtures.join("schema.json")));
    assert_eq!(compared, 50);
    // Our own schema has the same rules for the core of the standard.
    assert_eq!(compare(&fixtures.join("1.1"), Rules::profile()), 34);
}

#[test]
fn own_fixtures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/merge");
    let compared = compare(&folder, Rules::profile());
    assert!(compared >= 24, "{compared} outputs");
}

fn release(date: &str, content: Value) -> Value {
    let mut release = json!({"ocid": "ocds-abc123-1", "id": date, "date": date, "tag": ["planning"]});
    for (name, value) in content.as_object().expect("content is an object") {
        release[name] = value.clone();
    }
    release
}

#[test]
fn releases_are_merged_by_date_whatever_their_order() {
    let a = release("2026-01-01T00:00:00Z", json!({"tender": {"id": "1", "title": "a"}}));
    let b = release("2026-02-01T00:00:00Z", json!({"tender": {"title": "b"}}));
    let forwards = compiled(Rules::profile(), &[a.clone(), b.clone()]).expect("merges");
    let backwards = compiled(Rules::profile(), &[b, a]).expect("merges");
    assert_eq!(forwards, backwards);
    assert_eq!(forwards.value["tender"]["title"], "b");
}

#[test]
fn equal_dates_and_equal_ids_are_told() {
    let a = release(
        "2026-01-01T00:00:00Z",
        json!({"awards": [{"id": 1, "title": "a"}, {"id": "1", "status": "active"}]}),
    );
    let b = release("2026-01-01T00:00:00Z", json!({"awards": [{"id": "1", "title": "b"}]}));
    let merged = compiled(Rules::profile(), &[a, b]).expect("merges");
    assert_eq!(merged.value["awards"], json!([{"id": 1, "title": "b", "status": "active"}]));
    let expected = [
        Warning::RepeatedDate { date: "2026-01-01T00:00:00Z".to_owned() },
        Warning::DuplicateId { release: 0, pointer: "/awards".to_owned(), id: "1".to_owned() },
    ];
    assert_eq!(merged.warnings, expected);
}

#[test]
fn what_cannot_be_merged_is_refused() {
    let rules = Rules::profile();
    assert_eq!(compiled(rules, &[]), Err(MergeError::Empty));
    assert_eq!(compiled(rules, &[json!([])]), Err(MergeError::NotAnObject { index: 0 }));
    let undated =
        [release("2026-01-01T00:00:00Z", json!({})), json!({"ocid": "ocds-abc123-1", "date": null})];
    assert_eq!(compiled(rules, &undated), Err(MergeError::MissingDate { index: 1 }));
    let retyped = [
        release("2026-01-01T00:00:00Z", json!({"tender": "soon"})),
        release("2026-01-02T00:00:00Z", json!({"tender": {"value": {"amount": 1}}})),
    ];
    assert_eq!(
        compiled(rules, &retyped),
        Err(MergeError::InconsistentType { pointer: "/tender".to_owned() })
    );
    let mut deep = json!({"x": 1});
    for _ in 0..400 {
        deep = json!({ "x": deep });
    }
    assert!(matches!(compiled(rules, &[deep]), Err(MergeError::TooDeep { .. })));
}

#[test]
fn a_schema_that_refers_to_itself_has_rules() {
    let schema = json!({
        "properties": {"part": {"$ref": "#/definitions/Part"}},
        "definitions": {"Part": {"type": "object", "properties": {
            "parts": {"type": "array", "items": {"$ref": "#/definitions/Part"}}, "id": {"type": "string"},
            "secret": {"type": "string", "omitWhenMerged": true}}}}
    });
    let rules = Rules::from_schema(&schema).expect("compiles");
    let releases = [release(
        "2026-01-01T00:00:00Z",
        json!({"part": {"parts": [{"id": "1", "secret": "x", "parts": [{"id": "2", "secret": "y"}]}]}}),
    )];
    let merged = compiled(&rules, &releases).expect("merges").value;
    assert_eq!(merged["part"], json!({"parts": [{"id": "1", "parts": [{"id": "2"}]}]}));
    for broken in [
        json!({}),
        json!({"properties": {"a": {"$ref": "other.json"}}}),
        json!({"properties": {"a": {"$ref": "#/properties/a"}}}),
    ] {
        assert!(matches!(Rules::from_schema(&broken), Err(MergeError::Schema { .. })), "{broken}");
    }
}
