//! The codelists: what the library reads is what the files say, and the official lists are whole.

use std::collections::BTreeSet;
use std::path::Path;

use ocds::codelist;

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

#[test]
fn every_official_code_is_there() {
    let official =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ocds/ocds-1.1/schema/codelists");
    let Ok(entries) = std::fs::read_dir(&official) else {
        println!("not here: the official codelists; nothing to compare");
        return;
    };
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let list = codelist::get(&name).unwrap_or_else(|| panic!("{name}"));
        let mut reader = csv::Reader::from_path(&path).expect("an official list");
        let at =
            reader.headers().expect("a header").iter().position(|column| column == "Code").expect("a code");
        for row in reader.records() {
            let row = row.expect("a row");
            assert!(list.contains(&row[at]), "{name}: {}", &row[at]);
        }
    }
}
