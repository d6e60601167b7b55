//! Our statement of the schemas and the official one accept and refuse the same documents, for the same reasons.
//!
//! The official files are only read where they are beside the project. Documents of our own are always tried.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Draft, Validator};
use ocds::check::{self, Context, Finding, RULES};
use ocds::{schema, value};
use serde_json::{Value, json};

const MUTANTS: usize = 600;

fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ocds");
    if folder.exists() {
        return Some(folder);
    }
    println!("not here: the official schemas; nothing to compare");
    None
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft4)
        .should_validate_formats(true)
        .with_format("date-time", value::is_date_time)
        .build(schema)
        .unwrap_or_else(|error| panic!("an official schema: {error}"))
}

/// The official release schema with the official extensions of our profile.
fn official_release(folder: &Path) -> Value {
    let mut release = read(&folder.join("ocds-1.1/schema/release-schema.json"));
    for name in schema::extension_names() {
        let path = folder.join(format!("extensions-flat/ocds_{name}_extension/release-schema.json"));
        schema::merge_patch(&mut release, &read(&path));
    }
    release
}

/// A bundled official package schema, with the extensions applied to the definitions in it.
fn official_package(folder: &Path, name: &str) -> Value {
    let mut package = read(&folder.join("ocds-1.1/bundled").join(name));
    let release = official_release(folder);
    for (name, definition) in release["definitions"].as_object().expect("definitions") {
        package["definitions"][name] = definition.clone();
    }
    let mut root = release.clone();
    for gone in ["id", "$schema", "definitions"] {
        root.as_object_mut().expect("a schema").shift_remove(gone);
    }
    package["definitions"][RELEASE] = root;
    package
}

/// The name of the release in the bundled schemas.
const RELEASE: &str = "Release";

fn official_errors(validator: &Validator, document: &Value) -> BTreeSet<(String, String)> {
    validator
        .iter_errors(document)
        .map(|error| (error.instance_path().as_str().to_owned(), error.kind().keyword().to_owned()))
        .collect()
}

fn our_errors(findings: &[Finding]) -> BTreeSet<(String, String)> {
    findings
        .iter()
        .map(|finding| {
            let keyword = finding.rule.strip_prefix("schema-").unwrap_or_default();
            let mut camel = String::new();
            for (index, part) in keyword.split('-').enumerate() {
                let (first, rest) = part.split_at(1);
                camel.push_str(&if index == 0 { first.to_owned() } else { first.to_uppercase() });
                camel.push_str(rest);
            }
            (finding.pointer.clone(), camel)
        })
        .collect()
}

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

/// Everything in a document that looks like a release or a package.
fn documents(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(fields) => {
            if ["ocid", "releases", "records"].iter().any(|name| fields.contains_key(*name)) {
                found.push(value.clone());
            }
            fields.values().for_each(|value| documents(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| documents(item, found)),
        _ => {}
    }
}

fn own_documents() -> Vec<Value> {
    let mut files = Vec::new();
    json_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), &mut files);
    files.sort();
    let mut found = Vec::new();
    files.iter().for_each(|path| documents(&read(path), &mut found));
    found
}

/// A small generator: the same mutants in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).expect("a remainder fits")
    }
}

fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| {
                places(value, &format!("{pointer}/{}", value::escape(name)), found)
            });
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| places(value, &format!("{pointer}/{at}"), found));
        }
        _ => {}
    }
}

/// A document with one to three things changed.
fn mutant(document: &Value, random: &mut Random) -> Value {
    let mut mutant = document.clone();
    for _ in 0..=random.below(3) {
        let mut all = Vec::new();
        places(&mutant, "", &mut all);
        let place = all[random.below(all.len())].clone();
        let odd = [
            json!(null),
            json!(""),
            json!([]),
            json!({}),
            json!(-1),
            json!(1.5),
            json!(true),
            json!("x"),
            json!("2026-02-30T00:00:00Z"),
            json!("2026-02-03T00:00:00Z"),
            json!("2026-02-03"),
            json!("http://a b"),
            json!("https://ejemplo.example.org/ñ"),
            json!(["x", "x"]),
            json!([{}, {}]),
            json!({"id": 7}),
            json!("active"),
            json!([{"url": null, "date": "2026-02-03T00:00:00Z"}]),
            json!("MXN"),
            json!(["compiled"]),
        ];
        let Some(target) = mutant.pointer_mut(&place) else {
            continue;
        };
        match (random.below(4), target) {
            (0, Value::Object(fields)) if !fields.is_empty() => {
                let name = fields.keys().nth(random.below(fields.len())).cloned().unwrap_or_default();
                fields.shift_remove(&name);
            }
            (1, Value::Array(items)) if !items.is_empty() => {
                let item = items[random.below(items.len())].clone();
                items.push(item);
            }
            (2, Value::Object(fields)) => {
                let names = [
                    "id",
                    "amount",
                    "status",
                    "description_es",
                    "date",
                    "milestones",
                    "metrics",
                    "documents",
                    "period",
                ];
                let name = names[random.below(names.len())];
                fields.insert(name.to_owned(), odd[random.below(odd.len())].clone());
            }
            (_, target) if !place.is_empty() => *target = odd[random.below(odd.len())].clone(),
            _ => {}
        }
    }
    mutant
}

#[test]
fn our_schemas_and_the_official_ones_agree() {
    let Some(folder) = shared() else { return };
    let mut files = Vec::new();
    for part in ["ocds-1.1/docs/examples", "sample-data", "examples"] {
        json_files(&folder.join(part), &mut files);
    }
    files.sort();
    let mut all = own_documents();
    let own = all.len();
    for path in &files {
        let Ok(document) = serde_json::from_str(&fs::read_to_string(path).unwrap_or_default()) else {
            continue;
        };
        documents(&document, &mut all);
    }
    assert!(all.len() > own + 50, "{} documents", all.len());
    let mut random = Random(20_260_301);
    for _ in 0..MUTANTS {
        let document = mutant(&all[random.below(all.len())], &mut random);
        all.push(document);
    }

    let release = validator(&official_release(&folder));
    let releases = validator(&official_package(&folder, "release-package-schema.json"));
    let records = validator(&official_package(&folder, "record-package-schema.json"));
    let (mut accepted, mut refused) = (0, 0);
    for document in &all {
        let (official, ours) = if document.get("records").is_some() {
            (&records, schema::validate_record_package(document))
        } else if document.get("releases").is_some() && document.get("ocid").is_none() {
            (&releases, schema::validate_release_package(document))
        } else {
            (&release, schema::validate_release(document))
        };
        assert_eq!(official.is_valid(document), ours.is_empty(), "{document}\n{ours:#?}");
        let theirs = official_errors(official, document);
        // Inside a list that may be links or releases, ours says what is wrong with the kind chosen.
        if !theirs.iter().any(|(_, keyword)| keyword == "oneOf") {
            assert_eq!(theirs, our_errors(&ours), "{document}");
        }
        if ours.is_empty() { accepted += 1 } else { refused += 1 }
    }
    println!("{accepted} accepted, {refused} refused, by both");
    assert!(accepted > 100 && refused > 200, "{accepted} accepted, {refused} refused");
}

#[test]
fn nothing_panics_on_mutants_and_every_finding_has_a_rule() {
    let documents = own_documents();
    let now = "2026-05-01T00:00:00Z".parse().expect("a date");
    let mut random = Random(7);
    for _ in 0..MUTANTS {
        let document = mutant(&documents[random.below(documents.len())], &mut random);
        let earlier = [documents[random.below(documents.len())].clone(), mutant(&document, &mut random)];
        let context = Context { prefix: None, earlier: &earlier, now };
        let found = [check::release(&document, &context), check::package(&document, None, now)].concat();
        assert!(found.iter().all(|finding| RULES.contains(&finding.rule.as_str())), "{found:?}");
    }
}

/// Without the words, the two schemas are the same document.
#[test]
fn our_schema_is_the_official_one_without_its_words() {
    let Some(folder) = shared() else { return };
    assert_eq!(bare(schema::release(), false), bare(&official_release(&folder), false));
}

/// A schema without titles and descriptions.
fn bare(schema: &Value, names: bool) -> Value {
    const WORDS: &[&str] = &["title", "description", "title_es", "title_en"];
    match schema {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| names || !WORDS.contains(&name.as_str()))
            .map(|(name, value)| {
                let below =
                    !names && matches!(name.as_str(), "properties" | "patternProperties" | "definitions");
                (name.clone(), bare(value, below))
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|item| bare(item, false)).collect(),
        other => other.clone(),
    }
}

#[test]
fn what_the_schema_says_is_told_with_place_and_values() {
    let release = json!({
        "ocid": "ocds-abc123-1", "id": "1", "date": "2026-03-02", "tag": ["planning", "x"], "initiationType": "tender",
        "awards": [{"title": 7}], "language": null
    });
    let told: Vec<(String, String, Value)> = schema::validate_release(&release)
        .into_iter()
        .map(|finding| (finding.rule, finding.pointer, finding.params["field"].clone()))
        .collect();
    for expected in [
        ("schema-format", "/date", "date"),
        ("schema-enum", "/tag/1", "tag"),
        ("schema-required", "/awards/0", "id"),
        ("schema-type", "/awards/0/title", "title"),
    ] {
        let expected = (expected.0.to_owned(), expected.1.to_owned(), json!(expected.2));
        assert!(told.contains(&expected), "{expected:?}: {told:?}");
    }
    assert_eq!(told.len(), 4);
}

#[test]
fn titles_are_in_both_languages() {
    let schema = schema::release();
    for (name, definition) in schema["definitions"].as_object().expect("definitions") {
        for (field, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(property["title_es"].is_string() && property["title_en"].is_string(), "{name}.{field}");
        }
    }
    assert_eq!(schema["definitions"]["Contract"]["properties"]["value"]["title_es"], "Monto contratado");
    assert_eq!(schema::extensions().len(), 12);
    assert_eq!(schema::extension_names().count(), 12);
    for (name, url) in schema::extension_names().zip(schema::extensions()) {
        assert!(url.contains(&format!("/ocds_{name}_extension/")), "{url}");
    }
}

#[test]
fn dates_are_read_as_the_reference_reads_them() {
    for good in [
        "2026-03-02T17:00:00Z",
        "2026-03-02T17:00:00.000Z",
        "2026-03-02T17:00:00-06:00",
        "2024-02-29T23:59:60Z",
        "2026-03-02t17:00:00z",
    ] {
        assert!(value::is_date_time(good), "{good}");
    }
    for bad in [
        "",
        "2026-03-02",
        "2026-03-02T17:00Z",
        "2026-03-02 17:00:00Z",
        "2026-03-02T17:00:00",
        "2026-02-30T17:00:00Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T17:00:00+0600",
        "2026-03-02T17:00:00+24:00",
        "+2026-03-02T17:00:00Z",
        "2026-03-02T17:00:00.Z",
        "２026-03-02T17:00:00Z",
    ] {
        assert!(!value::is_date_time(bad), "{bad}");
    }
}
