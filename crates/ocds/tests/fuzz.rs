//! Hostile input: nothing panics, whatever is given, and what is promised of every answer holds.
//!
//! Each target is a function of a seeded generator that makes one input and tries it. An ordinary run tries a bounded
//! number of them; `AVANCE_FUZZ=100` tries a hundred times as many. A failure names its seed.

use std::collections::BTreeSet;
use std::io::Write;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use hostile::{bytes, fuzz, release, releases, text, tree};
use mutants::{KINDS, Random, mutant};
use ocds::check::{self, Context, Finding, REASONS, RULES};
use ocds::coverage::Coverage;
use ocds::flatten::{self, Headers, Lang, Layout};
use ocds::ident::{Ocid, ReleaseId};
use ocds::json::{self, Style, Writer};
use ocds::merge::{MergeError, Rules, compiled, versioned};
use ocds::package::{self, Publication};
use ocds::stream::{self, Index, Source, Wanted};
use ocds::value::{self, Money};
use ocds::{codelist, oc4ids, schema, tag};
use serde_json::{Map, Value, json};
use written::assert_written_alike;

#[path = "common/hostile.rs"]
mod hostile;
#[path = "common/mutants.rs"]
mod mutants;
#[path = "common/written.rs"]
mod written;

fn now() -> DateTime<Utc> {
    "2026-05-01T00:00:00Z".parse().expect("a date")
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

fn merge_texts(random: &mut Random) {
    let rules = *random.pick(&[Rules::profile(), Rules::for_1_0()]);
    assert_written_alike(rules, &releases(random));
}

#[test]
fn merging_texts() {
    fuzz(120, merge_texts);
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

fn style(random: &mut Random) -> Style {
    Style { pretty: random.below(2) == 0, ascii: random.below(2) == 0 }
}

fn written(value: &Value, style: Style) -> String {
    let mut writer = Writer::new(style);
    writer.value(value);
    writer.into_string()
}

/// What is read is written so that it is read again as the same, by anybody.
fn read_json(random: &mut Random) {
    let mut bytes = if random.below(3) == 0 {
        bytes(random)
    } else {
        written(&tree(random, 6), style(random)).into_bytes()
    };
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        match random.below(3) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, *random.pick(b"{}[]\",:\\u0e1-+. \n\x00n\xC3")),
            _ => bytes[at] = *random.pick(b"{}[]\",:\\u0e1-+. \n\x00n\xC3"),
        }
        if bytes.is_empty() {
            return;
        }
    }
    let Ok(text) = std::str::from_utf8(&bytes) else { return };
    let theirs = serde_json::from_str::<Value>(text).ok();
    match json::parse(text) {
        Ok(read) => {
            let value = read.value.to_value();
            assert!(theirs.is_none() || value == theirs, "{text}");
            assert_eq!(
                value.is_none(),
                read.odd.iter().any(|odd| matches!(odd, json::Oddity::HugeNumber { .. }))
            );
            let style = style(random);
            let again = read.value.to_string(style);
            assert!(!style.ascii || again.is_ascii());
            assert_eq!(json::parse(&again).expect("it was written").value.to_value(), value);
        }
        Err(error) => {
            assert!(theirs.is_none(), "{error}: {text}");
            assert!(error.offset <= text.len() && text.is_char_boundary(error.offset));
            let line = text.split('\n').nth(error.line - 1).expect("a line");
            assert!(error.column <= line.chars().count() + 1, "{error}: {text}");
        }
    }
}

#[test]
fn reading_json() {
    fuzz(1_500, read_json);
}

/// Files of anything.
fn files(random: &mut Random) {
    let mut text = Vec::new();
    for _ in 0..=random.below(4) {
        match random.below(6) {
            0 => text.extend(bytes(random)),
            1 => text
                .extend(written(&json!({"releases": releases(random), "uri": "x"}), style(random)).bytes()),
            2 => text.extend(
                written(&json!([{"records": [{"ocid": "a", "releases": releases(random)}]}]), style(random))
                    .bytes(),
            ),
            _ => text.extend(written(&release(random), style(random)).bytes()),
        }
        text.extend_from_slice(random.pick(&["", "\n", " ", "\u{feff}", ",", "null"]).as_bytes());
    }
    if random.below(3) == 0 {
        let at = random.below(text.len());
        text.truncate(at);
    }
    let packed = match random.below(6) {
        0 => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(&text).expect("memory");
            packer.finish().expect("memory")
        }
        1 => zstd::encode_all(text.as_slice(), 1).expect("memory"),
        _ => text,
    };
    let encoding = [encoding_rs::UTF_8, encoding_rs::UTF_8, encoding_rs::WINDOWS_1252, encoding_rs::UTF_16LE]
        [random.below(4)];
    let root = *random.pick(&["", "", "", "releases.item", "item", "planning", "item.records.item"]);
    let source = || Source::bytes("made", &packed).encoded(encoding).within(root);
    let mut counts = Vec::new();
    for wanted in [Wanted::Releases, Wanted::Records] {
        let read = AtomicU64::new(0);
        let index = Index::read(vec![source(), source()], wanted, &|bytes| {
            read.fetch_add(bytes, Ordering::Relaxed);
        });
        let index = match index {
            Ok(index) => index,
            Err(error) => {
                assert!(error.to_string().starts_with("made"));
                assert_findings(&[check::unreadable(&error.cause)]);
                continue;
            }
        };
        assert_eq!(read.into_inner(), 2 * packed.len() as u64);
        let processes = index.processes();
        let all: BTreeSet<u32> =
            processes.iter().flat_map(|process| process.entries.iter().copied()).collect();
        assert_eq!(all.len(), index.entries().len());
        for process in &processes {
            let texts = index.texts(&process.entries).expect("memory");
            assert_eq!(texts.size(), index.size(&process.entries));
            for (entry, text) in process.entries.iter().zip(texts.iter()) {
                assert!(
                    index.place(*entry).starts_with("made:")
                        && index
                            .package_of(*entry)
                            .is_none_or(|package| package.value.is_object() || package.value.is_null())
                );
                match index.parse(*entry, text) {
                    Ok(parsed) => assert!(process.ocid.is_none() || parsed.value.get("ocid").is_some()),
                    Err(error) => assert_findings(&[check::unreadable(&error.cause)]),
                }
            }
        }
        if wanted == Wanted::Releases {
            counts.push(index.entries().len());
        }
    }
    let mut count = 0;
    let mut counting = |group: stream::Group| {
        count += group.texts.iter().count();
        true
    };
    // What is there twice is scattered, unless it is of one process.
    if stream::grouped(vec![source(), source()], &|_| {}, &mut counting).is_ok() {
        assert!(counts.is_empty() || counts == [count]);
    }
}

#[test]
fn reading_files() {
    fuzz(250, files);
}

/// Records, releases, and what is neither.
fn items(random: &mut Random) -> Vec<Value> {
    (0..random.below(4))
        .map(|_| match random.below(4) {
            0 => tree(random, 4),
            1 => package::record(Rules::profile(), &[release(random)], true).unwrap_or_default(),
            _ => release(random),
        })
        .collect()
}

fn tables(random: &mut Random) {
    let items = items(random);
    let mut layout = Layout::default();
    for item in &items {
        let mut own = Layout::default();
        own.observe(item);
        layout.merge(own);
    }
    let headers = *random.pick(&[Headers::Paths, Headers::Titles(Lang::Es), Headers::Titles(Lang::En)]);
    let options = flatten::Options { headers, bom: random.below(2) == 0, ..flatten::Options::default() };
    let folder = tempfile::tempdir().expect("a folder");
    let write = |mut writer: flatten::Writer| {
        items.iter().for_each(|item| writer.write(item).expect("it was observed"));
        writer.finish().expect("it can be written")
    };
    let report = write(flatten::csv(folder.path(), &layout, &options).expect("an empty folder"));
    for table in &report.tables {
        let path = folder.path().join(format!("{}.csv", table.name));
        let mut reader = csv::Reader::from_path(&path).expect("a table");
        assert_eq!(reader.headers().expect("a header").len(), table.columns, "{}", table.name);
        // The reader refuses rows of other lengths.
        let rows = reader.records().collect::<Result<Vec<_>, _>>().expect("rows").len();
        assert_eq!(rows as u64, table.rows, "{}", table.name);
    }
    if random.below(8) == 0 {
        let book =
            write(flatten::xlsx(&folder.path().join("libro.xlsx"), &layout, &options).expect("a new file"));
        assert_eq!(book.tables.len(), report.tables.len());
    }
}

#[test]
fn making_tables() {
    fuzz(60, tables);
}

fn projects(random: &mut Random) {
    let records = items(random);
    let data = (random.below(2) == 0).then(|| tree(random, 4));
    let address = |ocid: &str, id: &str| format!("https://example.org/{ocid}/{id}");
    let context = oc4ids::Context {
        prefix: [None, Some("oc4ids-abc123")][random.below(2)],
        now: now(),
        release_url: [None, Some(&address as oc4ids::ReleaseUrl<'_>)][random.below(2)],
    };
    let all: Vec<&Value> = records.iter().collect();
    for record in &records {
        oc4ids::project_id(record.get("compiledRelease").unwrap_or(record));
    }
    if let Ok(project) = oc4ids::project(data.as_ref(), &all, &context) {
        assert!(project.value["id"].is_string(), "{}", project.value);
        let again = oc4ids::project(data.as_ref(), &all, &context).expect("it was made before");
        assert_eq!(again.value, project.value);
        let publication = Publication { publisher_name: text(random), ..Publication::default() };
        let package = oc4ids::package(&publication, &text(random), now(), vec![project.value.clone()]);
        assert_eq!(package["projects"], json!([project.value]));
    }
}

#[test]
fn making_projects() {
    fuzz(400, projects);
}

fn fields(random: &mut Random) {
    let items = items(random);
    let (mut whole, mut first, mut second) = (Coverage::default(), Coverage::default(), Coverage::default());
    let middle = random.below(items.len() + 1);
    for (at, item) in items.iter().enumerate() {
        whole.add(item);
        if at < middle { first.add(item) } else { second.add(item) }
    }
    first.merge(second);
    let report = whole.report();
    assert_eq!(first.report(), report);
    assert_eq!(first.others(), whole.others());
    for field in &report {
        assert!(field.filled <= field.possible, "{field:?}");
    }
}

#[test]
fn counting_fields() {
    fuzz(400, fields);
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
