//! Hostile input: nothing panics, whatever is given, and what is promised of every answer holds.
//!
//! Each target is a function of a seeded generator that makes one input and tries it. An ordinary run tries a bounded
//! number of them; `AVANCE_FUZZ=100` tries a hundred times as many. A failure names its seed.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use mutants::{KINDS, Random, mutant};
use ocds::check::{self, Context, Finding, REASONS, RULES};
use ocds::ident::{Ocid, ReleaseId};
use ocds::merge::{MergeError, Rules, compiled, versioned};
use ocds::package::{self, Publication};
use ocds::value::{self, Money};
use ocds::{codelist, schema, tag};
use serde_json::{Map, Value, json};

#[path = "common/mutants.rs"]
mod mutants;

/// Tries a target with so many inputs, times `AVANCE_FUZZ`.
fn fuzz(inputs: u64, target: fn(&mut Random)) {
    let times = std::env::var("AVANCE_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    for input in 1..=inputs * times {
        // Neighbouring seeds of a xorshift begin alike.
        let seed = input.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&mut Random(seed)))) {
            eprintln!("the input of seed {seed:#x} (number {input})");
            resume_unwind(panic);
        }
    }
}

fn now() -> DateTime<Utc> {
    "2026-05-01T00:00:00Z".parse().expect("a date")
}

/// The fixtures: lists of cases, releases, packages.
static DOCUMENTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    fn files(folder: &Path, found: &mut Vec<Value>) {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                files(&path, found);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.extend(serde_json::from_str::<Value>(&text));
            }
        }
    }
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
    let mut read = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), &mut read);
    let mut found = Vec::new();
    read.iter().for_each(|value| documents(value, &mut found));
    assert!(found.len() > 100, "{} documents", found.len());
    found
});

/// The names that the schema gives to fields.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    fn collect(schema: &Value, names: &mut Vec<String>) {
        let Value::Object(fields) = schema else { return };
        names.extend(schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned());
        fields.values().for_each(|value| collect(value, names));
    }
    let mut names = Vec::new();
    collect(schema::release(), &mut names);
    names.sort();
    names.dedup();
    names
});

/// A text that somebody might send: controls, marks, very long, or nearly right.
fn text(random: &mut Random) -> String {
    match random.below(12) {
        0 => String::new(),
        1 => "\u{0}\u{1}\u{7f}\u{85}\u{200b}\u{202e}\u{feff}".to_owned(),
        2 => "n\u{303}andu\u{301} Ñandú 👩‍🔧 ﷽".to_owned(),
        3 => "á".repeat(random.below(5_000)),
        4 => "../../{field}%s${x}\"'\\\r\n".to_owned(),
        5 => "ocds-abc123-PP-2026-0107".to_owned(),
        6 => "https://ejemplo.example.org/acta.pdf".to_owned(),
        7 => format!("2026-0{}-{:02}T00:00:00Z", 1 + random.below(9), random.below(40)),
        8 => random.pick(&["active", "MXN", "tender", "buyer", "N/A", "compiled", "image/webp"]).to_string(),
        9 => (0..random.below(24)).filter_map(|_| char::from_u32(random.below(0x11_0000) as u32)).collect(),
        10 => format!("{}", random.below(100_000_000)),
        _ => random.pick(&["1", "2", "3"]).to_string(),
    }
}

/// A name of a field: most are of the standard.
fn name(random: &mut Random) -> String {
    match random.below(24) {
        0 => text(random),
        1 => "a/b~c~1".to_owned(),
        2 => "0".to_owned(),
        3 => "campo".repeat(2_000),
        4 => format!("{}_es-MX", random.pick(&NAMES)),
        _ => random.pick(&NAMES).clone(),
    }
}

/// Any value, up to so many levels deep.
fn tree(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 8 } else { 16 }) {
        0 => json!(null),
        1 => json!(random.below(2) == 0),
        2 => random
            .pick(&[
                json!(0),
                json!(-0.0),
                json!(1),
                json!(1.0),
                json!(u64::MAX),
                json!(i64::MIN),
                json!(0.1),
            ])
            .clone(),
        3 => random
            .pick(&[json!(1e308), json!(-1e308), json!(5e-324), json!(1e17), json!(123_456.789)])
            .clone(),
        4..8 => Value::String(text(random)),
        8..11 => {
            let mut items: Vec<Value> = (0..random.below(4)).map(|_| tree(random, depth - 1)).collect();
            // Ids that are the same, or nearly.
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                let ids = [json!("1"), json!(1), json!(1.0), json!("2"), json!(null), json!([]), json!({})];
                item.insert("id".to_owned(), random.pick(&ids).clone());
            }
            Value::Array(items)
        }
        _ => Value::Object((0..random.below(6)).map(|_| (name(random), tree(random, depth - 1))).collect()),
    }
}

/// Something like a release: a fixture that was damaged, or a tree under what a release must have.
fn release(random: &mut Random) -> Value {
    if random.below(2) == 0 {
        let mut document = random.pick(&DOCUMENTS).clone();
        for _ in 0..random.below(6) {
            let kind = *random.pick(&KINDS);
            document = mutant(&document, kind, random).unwrap_or(document);
        }
        return document;
    }
    let mut release =
        json!({"ocid": "ocds-abc123-1", "id": text(random), "tag": ["planning"], "initiationType": "tender"});
    release["date"] = json!(format!("2026-0{}-01T00:00:00Z", 1 + random.below(9)));
    for _ in 0..random.below(8) {
        release[name(random)] = tree(random, 6);
    }
    release
}

fn releases(random: &mut Random) -> Vec<Value> {
    (0..random.below(5)).map(|_| release(random)).collect()
}

/// What is promised of every finding.
fn assert_findings(found: &[Finding]) {
    for finding in found {
        assert!(RULES.contains(&finding.rule.as_str()), "{finding:?}");
        assert!(finding.pointer.is_empty() || finding.pointer.starts_with('/'), "{finding:?}");
        if let Some((_, reasons)) = REASONS.iter().find(|(rule, _)| *rule == finding.rule) {
            let reason = finding.params.get("reason").and_then(Value::as_str);
            assert!(reason.is_some_and(|reason| reasons.contains(&reason)), "{finding:?}");
        }
    }
}

/// Bytes that were a document, or never were.
fn bytes(random: &mut Random) -> Vec<u8> {
    let mut bytes = random.pick(&DOCUMENTS).to_string().into_bytes();
    match random.below(6) {
        0 => bytes = (0..random.below(400)).map(|_| random.below(256) as u8).collect(),
        1 => bytes.truncate(random.below(bytes.len())),
        2 => bytes = random.pick(&["[", "{\"a\":", "[[],", "\"", "-", "1e"]).repeat(100_000).into_bytes(),
        3 => {
            let from = random.below(bytes.len());
            let to = from + random.below(bytes.len() - from);
            bytes.extend_from_within(from..to);
        }
        _ => {
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
    }
    bytes
}

fn parse(random: &mut Random) {
    let bytes = bytes(random);
    for document in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>().map_while(Result::ok) {
        assert_findings(&check::package(&document, None, now()));
        assert_findings(&schema::validate_release(&document));
        schema::version(&document);
        // What can be merged can also be read back.
        if let Ok(merged) = compiled(Rules::profile(), std::slice::from_ref(&document)) {
            let text = merged.value.to_string();
            assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(merged.value));
        }
    }
}

#[test]
fn parsing() {
    fuzz(250, parse);
}

fn merge(random: &mut Random) {
    let mut releases = releases(random);
    let rules = *random.pick(&[Rules::profile(), Rules::for_1_0()]);
    let first = compiled(rules, &releases);
    assert_eq!(compiled(rules, &releases), first);
    let history = versioned(rules, &releases);
    assert_eq!(history.is_ok(), versioned(rules, &releases).is_ok());
    if let Ok(history) = history {
        // A versioned release is no release, but nothing stops anybody from merging it.
        let _ = compiled(rules, &[history.value]);
    }
    let Ok(first) = first else { return };
    // A second time drops the objects of which nothing is left, and then nothing changes any more.
    if let Ok(second) = compiled(rules, std::slice::from_ref(&first.value)) {
        let third = compiled(rules, std::slice::from_ref(&second.value)).expect("it was merged once");
        assert_eq!(third.value, second.value);
    }
    // The order in which releases of different dates are given does not matter.
    let mut dates: Vec<&str> = releases.iter().filter_map(|release| release["date"].as_str()).collect();
    dates.sort_unstable();
    dates.dedup();
    if dates.len() == releases.len() {
        releases.reverse();
        assert_eq!(compiled(rules, &releases).map(|merged| merged.value), Ok(first.value));
    }
}

#[test]
fn merging() {
    fuzz(2_000, merge);
}

/// Schemas of others, and what packages say of their version and extensions.
fn merge_rules(random: &mut Random) {
    let mut schema = tree(random, 5);
    if random.below(2) == 0 {
        schema = schema::release().clone();
        for _ in 0..=random.below(4) {
            schema = mutant(&schema, *random.pick(&KINDS), random).unwrap_or(schema);
        }
    }
    if let Ok(rules) = Rules::from_schema(&schema) {
        let _ = compiled(&rules, &releases(random));
    }
    let mut urls: Vec<String> = (0..random.below(4)).map(|_| text(random)).collect();
    urls.push(format!("{}/{}", random.pick(schema::extensions()), text(random)));
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let (rules, unknown) = Rules::for_extensions(&urls);
    assert!(unknown.len() < urls.len(), "{urls:?}");
    let _ = versioned(&rules, &releases(random));
    let mut target = release(random);
    let patch = tree(random, 4);
    schema::merge_patch(&mut target, &patch);
    let once = target.clone();
    schema::merge_patch(&mut target, &patch);
    assert_eq!(target, once);
    schema::version(&tree(random, 3));
}

#[test]
fn merging_by_the_rules_of_others() {
    fuzz(500, merge_rules);
}

fn check_any(random: &mut Random) {
    let release = release(random);
    let earlier = releases(random);
    let prefix = [None, Some("ocds-abc123"), Some("")][random.below(3)];
    assert_findings(&check::release(&release, &Context { prefix, earlier: &earlier, now: now() }));
    let all = releases(random);
    let each = check::process(&all.iter().collect::<Vec<_>>(), prefix, now());
    assert_eq!(each.len(), all.len());
    each.iter().for_each(|found| assert_findings(found));
    // A record of what may not be a process, in a package that is whole or damaged.
    let publication = Publication { publisher_name: text(random), ..Publication::default() };
    let mut package = match package::record(Rules::profile(), &all, true) {
        Ok(record) => package::records(&publication, &text(random), now(), vec![record]),
        Err(_) => package::releases(&publication, &text(random), now(), all),
    };
    assert_findings(&check::package(&package, prefix, now()));
    for _ in 0..3 {
        package = mutant(&package, *random.pick(&KINDS), random).unwrap_or(package);
        assert_findings(&check::package(&package, prefix, now()));
    }
}

#[test]
fn checking() {
    fuzz(200, check_any);
}

fn derive(random: &mut Random) {
    let release = release(random);
    let before = (random.below(3) > 0).then(|| match compiled(Rules::profile(), &releases(random)) {
        Ok(merged) => merged.value,
        Err(_) => tree(random, 4),
    });
    let tags = tag::derive(&release, before.as_ref());
    let known = codelist::get("releaseTag").expect("a list");
    assert!(!tags.is_empty() && tags.iter().all(|tag| known.contains(tag)), "{tags:?}");
    let distinct: std::collections::BTreeSet<&String> = tags.iter().collect();
    assert_eq!(distinct.len(), tags.len(), "{tags:?}");
}

#[test]
fn deriving_tags() {
    fuzz(6_000, derive);
}

/// Texts for everything that reads a text.
fn words(random: &mut Random) {
    let text = text(random);
    if let Some(list) = codelist::get(&text) {
        assert!(list.code(&text).is_none_or(|code| code.code == text));
    }
    for list in codelist::names().filter_map(codelist::get) {
        assert_eq!(list.contains(&text), list.code(&text).is_some(), "{}", list.name);
    }
    if let Ok(ocid) = text.parse::<Ocid>() {
        assert_eq!(format!("{}-{}", ocid.prefix(), ocid.local()), text);
        assert_eq!(Ocid::new(ocid.prefix(), ocid.local()).as_ref(), Ok(&ocid));
    }
    assert!(Ocid::new(&text, "1").is_err() && !ReleaseId::content_addressed(&text, 1, &text).is_empty());
    assert_eq!(value::is_date_time(&text), value::date_time(&text).is_some());
    assert_eq!(
        json!({ value::escape(&text): 1 }).pointer(&format!("/{}", value::escape(&value::escape(&text)))),
        Some(&json!(1))
    );
    check::personal_data(&text);
    let value = tree(random, 2);
    Money::read(&value);
    value::id_text(Some(&value));
    assert!(value::decimal(&value).is_none() || value.is_number());
}

#[test]
fn reading_texts() {
    fuzz(10_000, words);
}

/// A value with so many levels around it.
fn nested(levels: usize, lists: bool) -> Value {
    let mut value = json!("x");
    for _ in 0..levels {
        value = if lists {
            Value::Array(vec![value])
        } else {
            Value::Object(Map::from_iter([("x".to_owned(), value)]))
        };
    }
    value
}

/// No text parses to this, but a program can build it. Building and dropping it takes a stack of its own; the library
/// is given an ordinary one.
#[test]
fn what_is_very_deep_is_told_and_not_followed() {
    let deep = || {
        for (levels, lists) in
            [(300, false), (300, true), (2_000, false), (2_000, true), (20_000, false), (20_000, true)]
        {
            let mut release = json!({"ocid": "ocds-abc123-1", "id": "1", "date": "2026-01-01T00:00:00Z", "tag": ["planning"]});
            release["planning"] = nested(levels, lists);
            let place = release["planning"].take();
            release["planning"] = Value::Object(Map::from_iter([("campo".to_owned(), place)]));
            let package = json!({"releases": [release.clone()]});
            let records = json!({"records": [{"ocid": "ocds-abc123-1", "releases": [release.clone()], "compiledRelease": release.clone()}]});
            let schema = json!({"properties": {"a": nested(levels, lists)}});
            let all = [release];
            std::thread::scope(|scope| {
                let work = || {
                    let expected = |found: &[Finding], pointer: &str| {
                        let told: Vec<(&str, &str)> = found
                            .iter()
                            .map(|finding| (finding.rule.as_str(), finding.pointer.as_str()))
                            .collect();
                        assert_eq!(told, [("schema-other", pointer)]);
                    };
                    let context = Context { prefix: None, earlier: &[], now: now() };
                    expected(&check::release(&all[0], &context), "/planning");
                    expected(&schema::validate_release(&all[0]), "/planning");
                    expected(&check::process(&all.iter().collect::<Vec<_>>(), None, now())[0], "/planning");
                    expected(&check::package(&package, None, now()), "/releases");
                    expected(&check::package(&records, None, now()), "/records");
                    let shallow = json!({"ocid": "ocds-abc123-1", "id": "2", "date": "2026-02-01T00:00:00Z"});
                    assert_findings(&check::release(&shallow, &Context { earlier: &all, ..context }));
                    assert_eq!(tag::derive(&all[0], Some(&all[0])), ["planningUpdate"]);
                    assert!(Rules::from_schema(&schema).is_ok(), "what is no schema has no rules");
                    if !lists {
                        assert!(matches!(compiled(Rules::profile(), &all), Err(MergeError::TooDeep { .. })));
                        assert!(matches!(versioned(Rules::profile(), &all), Err(MergeError::TooDeep { .. })));
                    }
                };
                let thread = std::thread::Builder::new().stack_size(2 << 20).spawn_scoped(scope, work);
                thread.expect("a thread starts").join().unwrap_or_else(|panic| resume_unwind(panic));
            });
        }
    };
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(deep);
    thread.expect("a thread starts").join().unwrap_or_else(|panic| resume_unwind(panic));
}

#[test]
fn a_schema_whose_definitions_lead_ever_further_has_no_rules() {
    let definitions = |count: usize| {
        let each = (0..count).map(|at| {
            let next =
                json!({"type": "object", "properties": {"a": {"$ref": format!("#/definitions/{}", at + 1)}}});
            (at.to_string(), next)
        });
        let mut all: Map<String, Value> = each.collect();
        all.insert(count.to_string(), json!({"type": "string"}));
        json!({"properties": {"a": {"$ref": "#/definitions/0"}}, "definitions": all})
    };
    assert!(Rules::from_schema(&definitions(200)).is_ok());
    assert!(matches!(Rules::from_schema(&definitions(20_000)), Err(MergeError::Schema { .. })));
}
