//! Our statement of the schemas and the official one accept and refuse the same documents, for the same reasons.
//!
//! The official files are only read where they are beside the project. Documents of our own are always tried.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use jsonschema::{Draft, Validator};
use ocds::check::{self, Context, Finding, RULES};
use ocds::merge::Rules;
use ocds::package::{self, Publication};
use ocds::{schema, value};
use serde_json::{Value, json};

use mutants::{KINDS, Kind, Random, mutant};

#[path = "common/mutants.rs"]
mod mutants;

/// How many mutants lib-cove-ocds is asked about.
const REFERENCE: usize = 540;

/// Of each kind, in each of the two halves of a run.
const MUTANTS: usize = 1600;

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

/// Where something is wrong, and by which keyword.
type Errors = BTreeSet<(String, String)>;

fn official_errors(validator: &Validator, document: &Value) -> Errors {
    validator
        .iter_errors(document)
        .map(|error| (error.instance_path().as_str().to_owned(), error.kind().keyword().to_owned()))
        .collect()
}

fn our_errors(findings: &[Finding]) -> Errors {
    findings
        .iter()
        .map(|finding| {
            (finding.pointer.clone(), camel(finding.rule.strip_prefix("schema-").unwrap_or_default()))
        })
        .collect()
}

/// The keyword of a rule: `min-items` is `minItems`.
fn camel(rule: &str) -> String {
    let mut keyword = String::new();
    for (index, part) in rule.split('-').enumerate() {
        let (first, rest) = part.split_at(1.min(part.len()));
        keyword.push_str(&if index == 0 { first.to_owned() } else { first.to_uppercase() });
        keyword.push_str(rest);
    }
    keyword
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

/// Packages as this project publishes them, of the releases that break no rule.
fn published() -> Vec<Value> {
    let publication = Publication {
        publisher_name: "Municipio de Ejemplo".to_owned(),
        publisher_scheme: Some("MX-RFC".to_owned()),
        publisher_uid: Some("MEJ8201019A1".to_owned()),
        publisher_uri: Some("https://ejemplo.example.org".to_owned()),
        license: Some("https://creativecommons.org/licenses/by/4.0/".to_owned()),
        publication_policy: Some("https://ejemplo.example.org/politica-de-publicacion/".to_owned()),
    };
    let mut files = Vec::new();
    json_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules"), &mut files);
    files.sort();
    let mut packages = Vec::new();
    for path in files.iter().filter(|path| path.ends_with("good.json")) {
        for case in read(path).as_array().expect("a list of cases") {
            let Some(earlier) = case["earlier"].as_array() else { continue };
            let releases = [earlier.as_slice(), std::slice::from_ref(&case["release"])].concat();
            let uri = format!("https://ejemplo.example.org/ocds/{}.json", packages.len());
            if let Ok(record) = package::record(Rules::profile(), &releases, true) {
                packages.push(package::records(&publication, &uri, now(), vec![record]));
            }
            packages.push(package::releases(&publication, &uri, now(), releases));
        }
    }
    assert!(packages.len() > 20, "{} packages", packages.len());
    packages
}

fn now() -> DateTime<Utc> {
    "2026-05-01T00:00:00Z".parse().expect("a date")
}

/// Validators of the official schemas.
struct Official {
    release: Validator,
    releases: Validator,
    records: Validator,
}

/// What the official schemas and ours find in a document. Inside a list that may be links or releases, the official
/// schema only says that it is neither, and ours says what is wrong with the kind chosen: there, that something is
/// wrong is all that can be compared.
fn compare(official: &Official, document: &Value) -> (Errors, Errors) {
    let (official, ours) = if document.get("records").is_some() {
        (&official.records, schema::validate_record_package(document))
    } else if document.get("releases").is_some() && document.get("ocid").is_none() {
        (&official.releases, schema::validate_release_package(document))
    } else {
        (&official.release, schema::validate_release(document))
    };
    let theirs = official_errors(official, document);
    let mut found = our_errors(&ours);
    for (list, keyword) in theirs.iter().filter(|(_, keyword)| keyword == "oneOf") {
        let told = found.len();
        found.retain(|(pointer, _)| {
            !pointer.strip_prefix(list).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if found.len() < told {
            found.insert((list.clone(), keyword.clone()));
        }
    }
    (theirs, found)
}

#[derive(Default)]
struct Tally {
    kinds: BTreeMap<Kind, usize>,
    refused: usize,
    keywords: BTreeSet<String>,
}

/// Makes and compares the same number of mutants of each kind.
fn half(official: &Official, documents: &[Value], seed: u64) -> Tally {
    let mut random = Random(seed);
    let mut tally = Tally::default();
    for kind in KINDS {
        while tally.kinds.get(&kind).is_none_or(|made| *made < MUTANTS) {
            let Some(document) = mutant(random.pick(documents), kind, &mut random) else { continue };
            let (theirs, ours) = compare(official, &document);
            assert_eq!(theirs, ours, "{kind:?}: {document}");
            *tally.kinds.entry(kind).or_default() += 1;
            tally.refused += usize::from(!ours.is_empty());
            tally.keywords.extend(ours.into_iter().map(|(_, keyword)| keyword));
        }
    }
    tally
}

#[test]
fn our_schemas_and_the_official_ones_agree() {
    let Some(folder) = shared() else { return };
    let mut files = Vec::new();
    for part in ["ocds-1.1/docs", "sample-data", "examples"] {
        json_files(&folder.join(part), &mut files);
    }
    files.sort();
    let mut all = own_documents();
    published().iter().for_each(|package| documents(package, &mut all));
    let own = all.len();
    for path in &files {
        let Ok(document) = serde_json::from_str(&fs::read_to_string(path).unwrap_or_default()) else {
            continue;
        };
        documents(&document, &mut all);
    }
    assert!(all.len() > own + 50, "{} documents", all.len());
    let official = Official {
        release: validator(&official_release(&folder)),
        releases: validator(&official_package(&folder, "release-package-schema.json")),
        records: validator(&official_package(&folder, "record-package-schema.json")),
    };
    let mut accepted = 0;
    for document in &all {
        let (theirs, ours) = compare(&official, document);
        assert_eq!(theirs, ours, "{document}");
        accepted += usize::from(ours.is_empty());
    }
    assert!(accepted > 100, "{accepted} of {} accepted", all.len());

    let (official, all) = (&official, all.as_slice());
    let halves = std::thread::scope(|scope| {
        [20_260_301, 20_260_302]
            .map(|seed| scope.spawn(move || half(official, all, seed)))
            .map(|half| half.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let mut made: BTreeMap<Kind, usize> = BTreeMap::new();
    let (mut refused, mut keywords) = (0, BTreeSet::new());
    for half in halves {
        half.kinds.into_iter().for_each(|(kind, count)| *made.entry(kind).or_default() += count);
        refused += half.refused;
        keywords.extend(half.keywords);
    }
    let total: usize = made.values().sum();
    println!(
        "{} documents; {total} mutants, {refused} refused by both: {made:?}; by {keywords:?}",
        all.len()
    );
    assert!(total >= 5000, "{total} mutants");
    for kind in KINDS {
        assert!(made.get(&kind).is_some_and(|count| *count > 0), "no mutants of {kind:?}");
    }
    assert!(refused > 2000 && total - refused > 500, "{refused} of {total} refused");
    // Every keyword of the schemas has refused something, so each has been compared.
    for rule in RULES.iter().filter_map(|rule| rule.strip_prefix("schema-")) {
        let keyword = camel(rule);
        assert_eq!(keywords.contains(&keyword), rule != "other", "{keyword}");
    }
}

/// A mutant of a release package, and what both say of it.
struct Told<'m> {
    package: &'m Value,
    ours: Errors,
    /// Pointers and types of the errors of lib-cove-ocds, and the places of values outside closed codelists.
    theirs: &'m Value,
}

impl Told<'_> {
    fn they_refuse(&self) -> bool {
        ["errors", "codes"].iter().any(|name| self.theirs[name].as_array().is_some_and(|all| !all.is_empty()))
    }

    /// Ours alone refuses, only by this keyword, and only at such places.
    fn only_ours(&self, keyword: &str, is: impl Fn(&str, &Value) -> bool) -> bool {
        let at = |pointer: &str| self.package.pointer(pointer).expect("a finding is at a place");
        !self.they_refuse() && self.ours.iter().all(|(pointer, by)| by == keyword && is(pointer, at(pointer)))
    }
}

/// Where lib-cove-ocds and our schemas may differ on whether a package is valid, and why.
type Difference = (&'static str, fn(&Told<'_>) -> bool);

const DIFFERENCES: &[Difference] = &[
    ("lib-cove-ocds passes over an empty code; the schema has no such code", |told| {
        told.only_ours("enum", |_, value| value == "")
    }),
    (
        "lib-cove-ocds does not validate fields in other languages (patternProperties); the schema does",
        |told| {
            told.only_ours("type", |pointer, _| {
                pointer.rsplit('/').next().is_some_and(|name| name.contains('_'))
            })
        },
    ),
    (
        "lib-cove-ocds refuses items that share an id; the schema only equal items, and our rules say the rest",
        |told| {
            told.theirs["types"] == json!(["uniqueItems"])
                && check::package(told.package, None, now()).iter().any(|finding| {
                    matches!(finding.rule.as_str(), "ids" | "release-id-unique" | "party-resolves")
                })
        },
    ),
];

#[test]
fn the_reference_tool_refuses_what_ours_refuses() {
    let Some(folder) = shared() else { return };
    let home = std::env::var_os("ORACLE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/avance-oracle")));
    let tools = folder.join("../tools/oracle");
    let python = home.unwrap_or_default().join("bin/python");
    if !python.exists() || !tools.join("check_ocds.py").exists() {
        println!("not here: lib-cove-ocds; our schemas are only compared with the official ones");
        return;
    }
    let packages: Vec<Value> =
        published().into_iter().filter(|package| package.get("releases").is_some()).collect();
    let mut random = Random(20_260_303);
    // The known differences occur in every run.
    let mut mutants = vec![packages[0].clone(); 3];
    mutants[0]["releases"][0]["initiationType"] = json!("");
    mutants[1]["releases"][0]["planning"]["rationale_en"] = json!(7);
    let mut again = mutants[2]["releases"][0].clone();
    again["title"] = json!("Otro título");
    mutants[2]["releases"].as_array_mut().expect("releases").push(again);
    while mutants.len() < REFERENCE {
        let kind = KINDS[mutants.len() % KINDS.len()];
        mutants.extend(mutant(random.pick(&packages), kind, &mut random));
    }
    let given = tempfile::NamedTempFile::new().expect("a temporary file");
    serde_json::to_writer(&given, &json!({"package": packages[0], "mutants": mutants})).expect("is written");
    let told = std::process::Command::new(&python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/equivalence/reference.py"))
        .arg(&tools)
        .arg(folder.join("standard-1.1-schema.zip"))
        .arg(folder.join("extensions-flat"))
        .arg(given.path())
        .output()
        .expect("Python runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Vec<Value> = serde_json::from_slice(&told.stdout).expect("a list");
    assert_eq!(told.len(), mutants.len());

    let mut seen = BTreeSet::new();
    let mut unexplained = Vec::new();
    let (mut refused, mut differ) = (0, 0);
    for (package, theirs) in mutants.iter().zip(&told) {
        let ours = our_errors(&schema::validate_release_package(package));
        let told = Told { package, ours, theirs };
        refused += usize::from(told.they_refuse());
        if told.ours.is_empty() != told.they_refuse() {
            continue;
        }
        differ += 1;
        match DIFFERENCES.iter().find(|(_, is)| is(&told)) {
            Some((reason, _)) => {
                seen.insert(*reason);
            }
            None => unexplained.push(format!("ours {:?}, theirs {theirs}: {package}", told.ours)),
        }
    }
    println!("{} packages, {refused} refused by lib-cove-ocds, {differ} known differences", mutants.len());
    assert!(unexplained.is_empty(), "{}:\n{}", unexplained.len(), unexplained.join("\n\n"));
    for (reason, _) in DIFFERENCES {
        assert!(seen.contains(reason), "a difference that does not occur: {reason}");
    }
    assert!(refused > 200, "{refused} refused");
}

#[test]
fn nothing_panics_on_mutants_and_every_finding_has_a_rule() {
    let mut documents = own_documents();
    documents.extend(published());
    let mut random = Random(7);
    let mut made = BTreeMap::new();
    while made.values().sum::<usize>() < 600 {
        let kind = *random.pick(&KINDS);
        let Some(document) = mutant(random.pick(&documents), kind, &mut random) else { continue };
        let earlier =
            [random.pick(&documents).clone(), mutant(&document, kind, &mut random).unwrap_or_default()];
        let context = Context { prefix: None, earlier: &earlier, now: now() };
        let found = [check::release(&document, &context), check::package(&document, None, now())].concat();
        assert!(found.iter().all(|finding| RULES.contains(&finding.rule.as_str())), "{found:?}");
        *made.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(made.len(), KINDS.len(), "{made:?}");
}

/// Without the words, the schemas are the same documents.
#[test]
fn our_schemas_are_the_official_ones_without_their_words() {
    let Some(folder) = shared() else { return };
    assert_eq!(bare(schema::release(), false), bare(&official_release(&folder), false));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/ocds");
    for (ours, official) in [
        ("release-schema.json", "release-schema.json"),
        ("release-package-schema.json", "release-package-schema.json"),
        ("record-package-schema.json", "record-package-schema.json"),
        ("versioned-release-schema.json", "versioned-release-validation-schema.json"),
    ] {
        let official = read(&folder.join("ocds-1.1/schema").join(official));
        assert_eq!(bare(&read(&own.join(ours)), false), bare(&official, false), "{ours}");
    }
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
        "2024-02-29T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999999Z",
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
        "2026-06-30T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "2026-03-02T17:00:00+0600",
        "2026-03-02T17:00:00+24:00",
        "+2026-03-02T17:00:00Z",
        "2026-03-02T17:00:00.Z",
        "２026-03-02T17:00:00Z",
    ] {
        assert!(!value::is_date_time(bad), "{bad}");
    }
}
