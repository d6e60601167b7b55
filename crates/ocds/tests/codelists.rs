//! The codelists: what the library reads is what the files say, and the official lists are whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ocds::codelist::{self, Code};
use ocds::schema;
use serde_json::Value;

fn rows(path: &Path) -> Vec<[String; 3]> {
    let mut reader =
        csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        reader.headers().expect("a header"),
        vec!["code", "title_es", "title_en"],
        "{}",
        path.display()
    );
    reader
        .deserialize::<[String; 3]>()
        .map(|row| row.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect()
}

#[test]
fn the_library_reads_what_the_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/ocds/codelists");
    for name in codelist::names() {
        let list = codelist::get(name).expect("a name is of a list");
        let rows = rows(&folder.join(format!("{name}.csv")));
        assert!(rows.len() <= list.codes.len(), "{name}");
        for [code, title_es, title_en] in rows {
            let read = list.code(&code).unwrap_or_else(|| panic!("{name}: {code}"));
            let or_code = |title: String| if title.is_empty() { code.clone() } else { title };
            assert_eq!(
                (read.title_es, read.title_en),
                (or_code(title_es).as_str(), or_code(title_en).as_str())
            );
        }
        let unique: BTreeSet<&str> = list.codes.iter().map(|code| code.code).collect();
        assert_eq!(unique.len(), list.codes.len(), "{name} repeats a code");
    }
}

#[test]
fn lists_are_found_by_either_name_and_codes_exactly() {
    let list = codelist::get("partyRole.csv").expect("a list");
    assert_eq!(list.name, "partyRole");
    for code in ["buyer", "sourceParty", "guarantor", "responsibleUnit"] {
        assert!(list.contains(code), "{code}");
    }
    assert!(!list.contains("Buyer"));
    assert!(codelist::get("documentType").expect("a list").contains("physicalReception"));
    assert!(codelist::get("nothing").is_none());
    let peso = codelist::get("currency").and_then(|list| list.code("MXN")).expect("a currency");
    assert_eq!((peso.title_es, peso.title_en), ("Peso mexicano", "Mexican peso"));
}

/// Lists whose codes may be their own titles, and why.
const OWN_TITLES: &[(&str, &[&str], &str)] = &[
    ("geometryType", &["Point", "Polygon"], "the English word is the code"),
    ("mediaType", &[], "a media type is known by its registered name; those that people meet have a title"),
];

#[test]
fn every_code_has_titles_in_both_languages() {
    for name in codelist::names() {
        let list = codelist::get(name).expect("a name is of a list");
        let excused = OWN_TITLES.iter().find(|(of, ..)| *of == name).map(|(_, codes, _)| *codes);
        if excused == Some(&[]) {
            continue;
        }
        for code in &list.codes {
            let own = code.title_es == code.code || code.title_en == code.code;
            let listed = excused.is_some_and(|codes| codes.contains(&code.code));
            assert_eq!(own, listed, "{name}: {code:?}");
            for title in [code.title_es, code.title_en] {
                assert_eq!(title, title.trim(), "{name}: {code:?}");
                assert!(!title.contains(['"', '\u{fffd}']), "{name}: {code:?}");
            }
        }
        // Somebody who chooses from the list must be able to tell its codes apart.
        for title in [|code: &Code| code.title_es, |code: &Code| code.title_en] {
            let titles: BTreeSet<&str> = list.codes.iter().map(title).collect();
            assert_eq!(titles.len(), list.codes.len(), "{name} has one title for two codes");
        }
    }
    let media = codelist::get("mediaType").expect("a list");
    for code in ["application/pdf", "image/jpeg", "image/png", "image/webp", "text/csv", "offline/print"] {
        let code = media.code(code).unwrap_or_else(|| panic!("{code}"));
        assert!(code.title_es != code.code && code.title_en != code.code, "{code:?}");
    }
}

/// Codes that no official list has, and why they are here.
const OWN_CODES: &[(&str, &[&str], &str)] = &[
    ("mediaType", &[], "the standard refers to the registry of IANA"),
    (
        "metricID",
        &["financialProgress", "physicalProgress"],
        "the extension leaves the list to the publisher",
    ),
    (
        "partyRole",
        &["contractingUnit", "requestingUnit", "responsibleUnit"],
        "the extension of procurement units has the fields but not the roles",
    ),
];

/// Adds the codes of every list of a folder, whose files may be additions (`+partyRole.csv`).
fn official_codes(folder: &Path, column: &str, lists: &mut BTreeMap<String, BTreeSet<String>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let list = lists.entry(name.trim_start_matches('+').trim_end_matches("-mx").to_owned()).or_default();
        let mut reader = csv::Reader::from_path(&path).expect("an official list");
        let mut headers = reader.headers().expect("a header").iter();
        let Some(at) = headers.position(|name| name.trim_start_matches('\u{feff}') == column) else {
            panic!("{} has no column {column}", path.display());
        };
        list.extend(reader.records().map(|row| row.expect("a row")[at].to_owned()));
    }
}

#[test]
fn our_codes_are_the_official_ones() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ocds");
    if !shared.exists() {
        println!("not here: the official codelists; nothing to compare");
        return;
    }
    let mut official = BTreeMap::new();
    official_codes(&shared.join("ocds-1.1/schema/codelists"), "Code", &mut official);
    assert_eq!(official.len(), 19, "{:?}", official.keys());
    for name in schema::extension_names() {
        let folder = shared.join(format!("extensions-flat/ocds_{name}_extension/codelists"));
        official_codes(&folder, "Code", &mut official);
    }
    // The Mexican profile adds codes to two lists.
    let mut mexican = BTreeMap::new();
    for name in ["documentType", "milestoneType"] {
        let path = shared.join(format!("edca-mx/catalogs/{name}-mx.csv"));
        let mut reader = csv::Reader::from_path(&path).expect("a list of EDCA-MX");
        let at = reader.headers().expect("a header").iter().position(|name| name == "code").expect("a code");
        let codes: BTreeSet<String> =
            reader.records().map(|row| row.expect("a row")[at].to_owned()).collect();
        mexican.insert(name.to_owned(), codes);
    }
    for (name, codes) in mexican {
        official.entry(name).or_default().extend(codes);
    }
    for (name, codes) in &official {
        let list = codelist::get(name).unwrap_or_else(|| panic!("{name}"));
        let missing: Vec<&String> = codes.iter().filter(|code| !list.contains(code)).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
    }
    for name in codelist::names() {
        let of_list = OWN_CODES.iter().find(|(of, ..)| *of == name).map(|(_, codes, _)| *codes);
        if of_list == Some(&[]) {
            continue;
        }
        let none = BTreeSet::new();
        let theirs = official.get(name).unwrap_or(&none);
        let ours: BTreeSet<&str> =
            codelist::get(name).expect("a list").codes.iter().map(|code| code.code).collect();
        let own: Vec<&str> = ours.into_iter().filter(|code| !theirs.contains(*code)).collect();
        assert_eq!(own, of_list.unwrap_or_default(), "{name}");
    }
}

/// The fields of a schema that have a codelist: the list, whether it is open, and its `enum`.
fn fields_with_codes(schema: &Value, at: &str, found: &mut BTreeMap<String, (String, bool, Vec<String>)>) {
    let Value::Object(fields) = schema else { return };
    if let Some(list) = schema["codelist"].as_str() {
        let options = schema.get("enum").or_else(|| schema["items"].get("enum"));
        let options = options.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let options = options.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let open = schema["openCodelist"].as_bool().expect("a codelist is open or closed");
        found.insert(at.to_owned(), (list.trim_end_matches(".csv").to_owned(), open, options));
    }
    for (name, below) in fields {
        fields_with_codes(below, &format!("{at}/{name}"), found);
    }
}

#[test]
fn a_closed_list_is_the_enum_of_its_field() {
    let mut fields = BTreeMap::new();
    fields_with_codes(schema::release(), "", &mut fields);
    let mut closed = 0;
    for (at, (name, open, options)) in &fields {
        let list = codelist::get(name).unwrap_or_else(|| panic!("{at}: {name}"));
        if *open {
            assert_eq!(options, &[""; 0], "{at}: an open list restricts nothing");
            continue;
        }
        let options: BTreeSet<&str> = options.iter().map(String::as_str).collect();
        let codes: BTreeSet<&str> = list.codes.iter().map(|code| code.code).collect();
        assert_eq!(options, codes, "{at}");
        closed += 1;
    }
    assert!(closed >= 10, "{closed} closed lists");
    let unused: Vec<&str> =
        codelist::names().filter(|name| !fields.values().any(|(list, ..)| list == name)).collect();
    // The format of a document has no `codelist` in the standard: its values are media types.
    assert_eq!(unused, ["mediaType"]);

    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ocds");
    let Ok(text) = std::fs::read_to_string(shared.join("ocds-1.1/schema/release-schema.json")) else {
        println!("not here: the official schema; nothing to compare");
        return;
    };
    let mut official: Value = serde_json::from_str(&text).expect("an official schema");
    for name in schema::extension_names() {
        let path = shared.join(format!("extensions-flat/ocds_{name}_extension/release-schema.json"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        schema::merge_patch(&mut official, &serde_json::from_str(&text).expect("an extension"));
    }
    let mut theirs = BTreeMap::new();
    fields_with_codes(&official, "", &mut theirs);
    assert_eq!(fields, theirs);
}
