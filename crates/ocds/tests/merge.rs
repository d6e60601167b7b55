//! Merging against the expected outputs of the reference library, and against fixtures of our own.

use std::fs;
use std::path::{Path, PathBuf};

use ocds::merge::{MergeError, Rules, Warning, compiled, versioned};
use ocds::schema::{self, Version};
use serde_json::{Value, json};
use written::assert_written_alike;

#[path = "common/written.rs"]
mod written;

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
            assert_written_alike(rules, releases);
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
    // Our own schemas have the same rules for the core of the standard.
    assert_eq!(compare(&fixtures.join("1.1"), Rules::profile()), 34);
    assert_eq!(compare(&fixtures.join("1.1"), &Rules::for_extensions(&[]).0), 34);
    assert_eq!(compare(&fixtures.join("1.0"), Rules::for_1_0()), 2);
}

/// A value that has every field of a schema. What is no object or array says which release it is in; items have the
/// ids `1` and `2` in one release and `2` and `3` in the next.
fn specimen(root: &Value, schema: &Value, release: usize, depth: usize) -> Value {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).expect("a definition"),
        None => schema,
    };
    let is = |name: &str| {
        schema["type"] == name || schema["type"].as_array().is_some_and(|all| all.contains(&json!(name)))
    };
    if depth == 0 {
        return json!(format!("value {release}"));
    }
    if let Some(properties) = schema["properties"].as_object() {
        let fields =
            properties.iter().map(|(name, field)| (name.clone(), specimen(root, field, release, depth - 1)));
        return Value::Object(fields.collect());
    }
    if is("array") {
        let items = [release, release + 1].map(|id| {
            let mut item = specimen(root, &schema["items"], release, depth - 1);
            if item.get("id").is_some() {
                item["id"] = json!(id.to_string());
            }
            item
        });
        return json!(items);
    }
    json!(format!("value {release}"))
}

#[test]
fn our_statement_of_1_0_merges_as_the_official_schema() {
    let Some(path) = shared("ocds-merge-fixtures/tests/fixtures/release-schema-1__0__3.json") else { return };
    let schema = read(&path);
    let official = Rules::from_schema(&schema).expect("an official schema has rules");
    let releases = [1, 2].map(|release_number| {
        let mut content = specimen(&schema, &schema, release_number, 9);
        content["date"] = json!(format!("2016-01-0{release_number}T00:00:00Z"));
        content["ocid"] = json!("ocds-abc123-1");
        content
    });
    let text = releases[0].to_string();
    for field in ["suppliers", "tenderers", "additionalIdentifiers", "changes", "submissionMethod"] {
        assert!(text.contains(&format!("\"{field}\"")), "{field}");
    }
    let ours = Rules::for_1_0();
    assert_eq!(compiled(ours, &releases), compiled(&official, &releases));
    assert_eq!(versioned(ours, &releases), versioned(&official, &releases));
    // The comparison can tell: by the rules of 1.1 these releases merge otherwise.
    assert_ne!(compiled(Rules::profile(), &releases), compiled(&official, &releases));
}

#[test]
fn suppliers_are_replaced_in_1_0_and_added_to_in_1_1() {
    let supplied = |date: &str, name: &str, id: &str| {
        release(date, json!({"awards": [{"id": "1", "suppliers": [{"name": name, "id": id}]}]}))
    };
    let releases = [
        supplied("2016-01-01T00:00:00Z", "Proveedor 1", "1"),
        supplied("2016-01-02T00:00:00Z", "Proveedor 2", "2"),
    ];
    let suppliers = |rules: &Rules| {
        let merged = compiled(rules, &releases).expect("merges").value;
        merged["awards"][0]["suppliers"].as_array().map(Vec::len)
    };
    assert_eq!((suppliers(Rules::for_1_0()), suppliers(Rules::profile())), (Some(1), Some(2)));
}

#[test]
fn a_document_says_its_version_as_the_reference_guesses_it() {
    let expected = [
        (json!({"releases": []}), "1.0"),
        (json!({"releases": [{"parties": []}]}), "1.0"),
        (json!({"version": "1.1", "releases": []}), "1.1"),
        (json!({"version": "1.0", "records": []}), "1.0"),
        (json!({"version": "1.1", "ocid": "ocds-abc123-1", "records": []}), "1.1"),
        (json!({"version": "2.0", "records": []}), "2.0"),
        (json!({"version": 1.1, "records": []}), "1.1"),
        (json!({"ocid": "ocds-abc123-1", "releases": [{"tag": ["tender"]}, {"parties": []}]}), "1.1"),
        (
            json!({"version": "1.1", "ocid": "ocds-abc123-1", "releases": [{"url": "https://ejemplo.example.org/1.json"}]}),
            "1.0",
        ),
        (json!({"ocid": "ocds-abc123-1", "releases": null, "parties": []}), "1.0"),
        (json!({"ocid": "ocds-abc123-1", "parties": null}), "1.1"),
        (json!({"ocid": "ocds-abc123-1", "buyer": {}}), "1.0"),
        (json!([{"parties": []}]), "1.0"),
        (json!(null), "1.0"),
    ];
    for (document, version) in expected {
        assert_eq!(schema::version(&document).to_string(), version, "{document}");
    }
    assert_eq!(schema::version(&json!({"version": "1.1", "releases": []})), Version::V1_1);
    assert_eq!(
        schema::version(&json!({"version": "1.1.5", "releases": []})),
        Version::Unknown("1.1.5".to_owned())
    );
    assert_eq!(schema::version(&json!({"version": 1.1, "releases": []})), Version::Unknown("1.1".to_owned()));
}

#[test]
fn rules_follow_the_extensions_that_are_declared() {
    // The places of a project have no id: by the extension they are one list, without it nameless items are added.
    let releases = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]
        .map(|date| release(date, json!({"planning": {"project": {"locations": [{"description": date}]}}})));
    let places = |rules: &Rules| {
        let merged = compiled(rules, &releases).expect("merges").value;
        merged["planning"]["project"]["locations"].as_array().map(Vec::len)
    };
    let project = "https://raw.githubusercontent.com/open-contracting-extensions/ocds_project_extension/v1.1.5/extension.json";
    let lots = "https://raw.githubusercontent.com/open-contracting-extensions/ocds_lots_extension/v1.1.5/extension.json";
    let near = "https://ejemplo.example.org/ocds_project_extension.json";
    let (core, unknown) = Rules::for_extensions(&[]);
    assert_eq!((places(&core), unknown), (Some(2), vec![]));
    let (declared, unknown) = Rules::for_extensions(&[lots, project, near]);
    assert_eq!((places(&declared), unknown), (Some(1), vec![lots.to_owned(), near.to_owned()]));

    // Each stands alone, and all together are the profile, in whatever order.
    for url in schema::extensions() {
        assert_eq!(Rules::for_extensions(&[url]).1, [""; 0], "{url}");
    }
    let mut all = schema::extensions().to_vec();
    all.reverse();
    let specimens = [1, 2].map(|number| {
        let mut content = specimen(schema::release(), schema::release(), number, 9);
        content["date"] = json!(format!("2026-01-0{number}T00:00:00Z"));
        content["ocid"] = json!("ocds-abc123-1");
        content
    });
    let (reversed, unknown) = Rules::for_extensions(&all);
    assert_eq!(unknown, [""; 0]);
    assert_eq!(compiled(&reversed, &specimens), compiled(Rules::profile(), &specimens));
    assert_ne!(compiled(&core, &specimens), compiled(Rules::profile(), &specimens));
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
