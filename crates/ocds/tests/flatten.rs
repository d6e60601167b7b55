//! Tables: what is in which cell, and that nothing is lost.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;

use calamine::{Data, Reader, Xlsx, open_workbook};
use ocds::flatten::{self, Error, Headers, Lang, Layout, Options, Report, Warning};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const PATHS: Options =
    Options { headers: Headers::Paths, bom: false, rows_per_sheet: 1_048_576, about: Vec::new() };

fn fixture() -> Vec<Value> {
    serde_json::from_str(include_str!("fixtures/flatten/releases.json")).unwrap()
}

fn layout(items: &[Value]) -> Layout {
    let mut layout = Layout::default();
    items.iter().for_each(|item| layout.observe(item));
    layout
}

/// The files by name, and the report.
fn csv(items: &[Value], options: &Options) -> (BTreeMap<String, String>, Report) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = flatten::csv(folder.path(), &layout(items), options).unwrap();
    items.iter().for_each(|item| writer.write(item).unwrap());
    let report = writer.finish().unwrap();
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        (name.strip_suffix(".csv").unwrap().to_owned(), std::fs::read_to_string(file.path()).unwrap())
    });
    (files.collect(), report)
}

fn xlsx(path: &Path, items: &[Value], options: &Options) -> Report {
    let mut writer = flatten::xlsx(path, &layout(items), options).unwrap();
    items.iter().for_each(|item| writer.write(item).unwrap());
    writer.finish().unwrap()
}

/// Sheets by name, in order, with their rows.
fn sheets(path: &Path) -> Vec<(String, Vec<Vec<Data>>)> {
    let mut book: Xlsx<_> = open_workbook(path).unwrap();
    let names = book.sheet_names();
    let rows = |name: String| {
        let range = book.worksheet_range(&name).unwrap();
        (name, range.rows().map(<[Data]>::to_vec).collect())
    };
    names.into_iter().map(rows).collect()
}

fn lines(expected: &[&str]) -> String {
    expected.iter().map(|line| format!("{line}\r\n")).collect()
}

#[test]
fn the_tables_of_two_releases() {
    let (files, report) = csv(&fixture(), &PATHS);
    let expected = [
        (
            "releases",
            lines(&[
                "ocid,id,date,tag,initiationType,buyer/name,buyer/id,tender/id,tender/title,tender/title_en,\
                 tender/value/amount,tender/value/currency,tender/hasEnquiries,language,title,tender/xNota",
                "ocds-abc123-1,ocds-abc123-1-1,2026-03-02T17:00:00Z,planning;tender,tender,Municipio de Ejemplo,\
                 MX-EJ,T-1,Banquetas,Pavements,1250000.5,MXN,false,es,\
                 \"Rehabilitación de banquetas, \"\"Centro\"\"\",\"hecha\npara pruebas\"",
                "ocds-abc123-1,ocds-abc123-1-2,2026-04-02T17:00:00Z,contract,,,,,,,,,,,,",
            ]),
        ),
        (
            "parties",
            lines(&[
                "ocid,id,parties/name,parties/id,parties/identifier/scheme,parties/identifier/id,parties/roles",
                "ocds-abc123-1,ocds-abc123-1-1,Municipio de Ejemplo,MX-EJ,MX-RFC,MEJ010101AAA,\
                 buyer;procuringEntity",
            ]),
        ),
        (
            "parties_additionalIdentifiers",
            lines(&[
                "ocid,id,parties/id,parties/additionalIdentifiers/scheme,parties/additionalIdentifiers/id",
                "ocds-abc123-1,ocds-abc123-1-1,MX-EJ,X-EJ,7",
                "ocds-abc123-1,ocds-abc123-1-1,MX-EJ,X-EJ,007",
            ]),
        ),
        (
            "tender_items",
            lines(&[
                "ocid,id,tender/items/#,tender/items/id,tender/items/description,tender/items/quantity,\
                 tender/items/deliveryLocation/geometry/type,tender/items/deliveryLocation/geometry/coordinates",
                "ocds-abc123-1,ocds-abc123-1-1,,1,Concreto,-2,Point,-99.1332;19.4326",
                "ocds-abc123-1,ocds-abc123-1-1,2,,'=1+1,,,",
            ]),
        ),
        (
            "tender_items_additionalClassifications",
            lines(&[
                "ocid,id,tender/items/id,tender/items/#,tender/items/additionalClassifications/scheme,\
                 tender/items/additionalClassifications/id",
                "ocds-abc123-1,ocds-abc123-1-1,,2,CUCOP,25",
            ]),
        ),
        ("awards", lines(&["ocid,id,awards/id", "ocds-abc123-1,ocds-abc123-1-2,A-1"])),
        (
            "awards_suppliers",
            lines(&[
                "ocid,id,awards/id,awards/suppliers/name,awards/suppliers/id",
                "ocds-abc123-1,ocds-abc123-1-2,A-1,Constructora Ejemplo,P-1",
            ]),
        ),
        (
            "contracts",
            lines(&[
                "ocid,id,contracts/#,contracts/id,contracts/awardID,contracts/value/amount,\
                 contracts/value/currency",
                "ocds-abc123-1,ocds-abc123-1-2,,C-1,A-1,18446744073709551615,MXN",
                "ocds-abc123-1,ocds-abc123-1-2,2,,A-1,,",
            ]),
        ),
        (
            "contracts_implementation_transactions",
            lines(&[
                "ocid,id,contracts/id,contracts/#,contracts/implementation/transactions/#,\
                 contracts/implementation/transactions/id,contracts/implementation/transactions/date,\
                 contracts/implementation/transactions/value/amount,\
                 contracts/implementation/transactions/value/currency,\
                 contracts/implementation/transactions/payee/id",
                "ocds-abc123-1,ocds-abc123-1-2,C-1,,,E-1,,100,MXN,",
                "ocds-abc123-1,ocds-abc123-1-2,C-1,,2,,,50.25,MXN,P-1",
                "ocds-abc123-1,ocds-abc123-1-2,,2,,E-2,2026-05-01T00:00:00-06:00,,,",
            ]),
        ),
    ];
    for (name, expected) in &expected {
        assert_eq!(files[*name], *expected, "{name}");
    }
    assert_eq!(report.warnings, []);
    let names: Vec<_> = report.tables.iter().map(|table| table.name.as_str()).collect();
    let order: Vec<_> = expected.iter().map(|(name, _)| *name).chain(["diccionario"]).collect();
    assert_eq!(names, order);
    let rows: Vec<_> = report.tables.iter().map(|table| table.rows).collect();
    assert_eq!(rows, [2, 1, 2, 2, 1, 1, 1, 2, 3, 67]);
    assert_eq!(files.len(), report.tables.len());

    let dictionary = &files["diccionario"];
    assert!(dictionary.starts_with("tabla,columna,ruta,titulo_es,titulo_en\r\n"));
    for line in [
        "tender_items,tender/items/#,tender/items/#,Posición,Position",
        "releases,tender/title_en,tender/title_en,Licitación › Título (en),Tender › Title (en)",
        "releases,tender/xNota,tender/xNota,,",
        "awards_suppliers,awards/id,awards/id,Adjudicación › Identificador,Award › Identifier",
    ] {
        assert!(dictionary.contains(&format!("\r\n{line}\r\n")), "{line} in {dictionary}");
    }
}

#[test]
fn titles_for_people() {
    let items = [json!({
        "ocid": "ocds-abc123-1", "id": "1", "xNota": "x",
        "contracts": [{"id": "C-1", "value": {"amount": 5},
                       "implementation": {"transactions": [{"id": "E-1", "value": {"amount": 5}}]}}]
    })];
    let spanish = Options { headers: Headers::Titles(Lang::Es), ..PATHS };
    let (files, _) = csv(&items, &spanish);
    let header = |name: &str| files[name].lines().next().unwrap().to_owned();
    assert_eq!(
        header("contracts_implementation_transactions"),
        "Proceso de contratación (OCID),Identificador de la versión publicada,Contrato › Número de contrato,\
         Identificador,Importe pagado › Importe"
    );
    assert_eq!(
        header("releases"),
        "Proceso de contratación (OCID),Identificador de la versión publicada,xNota"
    );
    assert_eq!(header("diccionario"), "Tabla,Columna,Ruta,Título en español,Título en inglés");
    let (files, _) = csv(&items, &Options { headers: Headers::Titles(Lang::En), ..PATHS });
    assert!(files["contracts"].contains("Contract number,Contract value › Amount"), "{}", files["contracts"]);
}

#[test]
fn equal_titles_have_their_paths() {
    let items = [json!({"ocid": "o", "id": "1", "xNota": "a", "Idioma": "b", "language": "es"})];
    let (files, _) = csv(&items, &Options { headers: Headers::Titles(Lang::Es), ..PATHS });
    assert!(files["releases"].contains("Idioma (language),Idioma (Idioma),xNota"), "{}", files["releases"]);
}

#[test]
fn a_byte_order_mark_unless_told_otherwise() {
    let (files, _) = csv(&fixture(), &Options::default());
    assert!(files.values().all(|text| text.starts_with("\u{FEFF}")));
}

#[test]
fn records_are_their_compiled_releases() {
    let compiled = json!({"ocid": "o1", "id": "o1-2026", "tag": ["compiled"], "awards": [{"id": "1"}]});
    let items = [
        json!({"ocid": "o1", "releases": [{"url": "https://datos.example.org/1.json"}], "compiledRelease": compiled}),
        compiled.clone(),
    ];
    let (files, report) = csv(&items, &PATHS);
    assert_eq!(files["compiled"], lines(&["ocid,id,tag", "o1,o1-2026,compiled", "o1,o1-2026,compiled"]));
    // A compiled release is known by its ocid.
    assert_eq!(files["awards"], lines(&["ocid,awards/id", "o1,1", "o1,1"]));
    assert_eq!(report.warnings, []);
}

#[test]
fn records_without_a_compiled_release() {
    let items = [
        json!({"ocid": "o1", "releases": [{"ocid": "o1", "id": "1"}, {"ocid": "o1", "id": "2"}]}),
        json!({"ocid": "o2", "releases": [{"url": "https://datos.example.org/1.json"}]}),
        json!({"ocid": "o2", "releases": [], "versionedRelease": {"ocid": "o2"}}),
        json!("x"),
    ];
    let (files, report) = csv(&items, &PATHS);
    assert_eq!(files["releases"], lines(&["ocid,id", "o1,1", "o1,2"]));
    assert_eq!(report.warnings, [Warning::Skipped { items: 3 }]);
}

#[test]
fn nothing_is_a_dictionary_alone() {
    let (files, report) = csv(&[], &PATHS);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["diccionario"]);
    assert_eq!(report.tables.len(), 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nada.xlsx");
    xlsx(&path, &[], &PATHS);
    assert_eq!(sheets(&path)[0].0, "diccionario");
}

#[test]
fn a_release_without_an_id_has_its_position() {
    let items = [json!({"ocid": "o", "id": ""}), json!({"ocid": "o", "awards": [{"id": 1}]}), json!({})];
    let (files, _) = csv(&items, &PATHS);
    assert_eq!(files["releases"], lines(&["#,ocid,id", "1,o,", "2,o,", "3,,"]));
    assert_eq!(files["awards"], lines(&["ocid,#,awards/id", "o,2,1"]));
}

#[test]
fn what_is_not_of_the_expected_type_is_json() {
    let items = [
        json!({"ocid": "o", "id": "1", "language": {"es": 1}, "buyer": "B", "awards": {"id": "1"}}),
        json!({"ocid": "o", "id": "2", "tender": [{"id": "1"}], "awards": [{"id": "2"}, "3"]}),
        json!({"ocid": "o", "id": "3", "x": {"y": [{"z": 1}]}, "xs": [[1], 2], "tag": ["a", null]}),
    ];
    let (files, _) = csv(&items, &PATHS);
    assert_eq!(
        files["releases"],
        lines(&[
            "ocid,id,tag,buyer,tender,awards,language,xs",
            r#"o,1,,B,,"{""id"":""1""}","{""es"":1}","#,
            r#"o,2,,,"[{""id"":""1""}]","[{""id"":""2""},""3""]",,"#,
            r#"o,3,"[""a"",null]",,,,,"[[1],2]""#,
        ])
    );
    assert_eq!(files["x_y"], lines(&["ocid,id,x/y/#,x/y/z", "o,3,1,1"]));
    assert!(!files.contains_key("awards"));
}

#[test]
fn formulas_are_text() {
    let texts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x"];
    let parties: Vec<_> =
        texts.iter().enumerate().map(|(id, name)| json!({"id": id, "name": name})).collect();
    let items = [json!({"ocid": "-o", "id": -5, "parties": parties, "=cmd": 1, "tag": ["=a", "b"]})];
    let (files, _) = csv(&items, &PATHS);
    let mut reader = csv::Reader::from_reader(files["parties"].as_bytes());
    for ((row, text), id) in reader.records().zip(texts).zip(0..) {
        assert_eq!(row.unwrap(), vec!["'-o", "-5", &format!("'{text}"), &id.to_string()]);
    }
    assert_eq!(files["releases"], lines(&["ocid,id,tag,'=cmd", "'-o,-5,'=a;b,1"]));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.xlsx");
    xlsx(&path, &items, &PATHS);
    let mut book: Xlsx<_> = open_workbook(&path).unwrap();
    assert_eq!(book.worksheet_formula("parties").unwrap().used_cells().count(), 0);
    let rows = &sheets(&path)[1].1;
    assert_eq!(rows[1][2], Data::String("=1+1".to_owned()));
    assert_eq!(rows[1][0], Data::String("-o".to_owned()));
    assert_eq!(rows[1][1], Data::Float(-5.0));
}

#[test]
fn a_workbook_has_the_same_cells() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("datos.xlsx");
    let report = xlsx(&path, &fixture(), &PATHS);
    let (files, csv_report) = csv(&fixture(), &PATHS);
    let sheets = sheets(&path);
    assert_eq!(sheets.len(), report.tables.len());
    for (table, csv_table) in report.tables.iter().zip(&csv_report.tables) {
        assert_eq!(
            (&table.name, table.rows, table.columns),
            (&csv_table.name, csv_table.rows, csv_table.columns)
        );
    }
    for ((sheet, rows), table) in sheets.iter().zip(&report.tables) {
        assert_eq!(std::slice::from_ref(sheet), table.parts);
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).from_reader(files[&table.name].as_bytes());
        let expected: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        let found: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| cell.to_string()).collect()).collect();
        if table.name == "diccionario" {
            assert_eq!(found.len(), expected.len());
        } else {
            let expected: Vec<Vec<String>> = expected
                .into_iter()
                .map(|row| row.into_iter().map(|cell| cell.replace("'=", "=")).collect())
                .collect();
            assert_eq!(found, expected, "{sheet}");
        }
    }
    assert_eq!(sheets[8].0, "contracts_implemen_transactions");
    assert_eq!(sheets[7].1[1][5], Data::String("18446744073709551615".to_owned()));
    assert_eq!(sheets[0].1[1][10], Data::Float(1_250_000.5));
    assert_eq!(sheets[0].1[1][12], Data::Bool(false));

    let again = folder.path().join("otra.xlsx");
    xlsx(&again, &fixture(), &PATHS);
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap(), "the bytes are the same");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no scratch file stays");
}

#[test]
fn a_long_table_goes_on_in_another_sheet() {
    let awards: Vec<_> = (0..7).map(|id| json!({"id": id})).collect();
    let items = [json!({"ocid": "o", "id": "1", "awards": awards, "awards (2)": [{"id": 1}]})];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.xlsx");
    let report = xlsx(&path, &items, &Options { rows_per_sheet: 4, ..PATHS });
    assert_eq!(report.tables[1].parts, ["awards", "awards (2)", "awards (3)"]);
    assert_eq!(report.tables[1].rows, 7);
    let sheets = sheets(&path);
    let find = |name: &str| &sheets.iter().find(|(sheet, _)| sheet == name).unwrap().1;
    assert_eq!([find("awards").len(), find("awards (2)").len(), find("awards (3)").len()], [4, 4, 2]);
    assert_eq!(find("awards (3)")[1][2], Data::Float(6.0));
    assert_eq!(find("awards (3)")[0][2], Data::String("awards/id".to_owned()));
    assert_eq!(find("awards__2_")[1].len(), 3);
}

#[test]
fn long_texts_and_strange_characters() {
    let long = "á".repeat(40_000);
    let items = [json!({"ocid": "o", "id": "1", "language": long, "x": "a\u{0}b\u{1b}c_x0041_\r\nd"})];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.xlsx");
    let report = xlsx(&path, &items, &PATHS);
    let cut = Warning::Cut { sheet: "releases".to_owned(), column: "language".to_owned(), row: 2, cells: 1 };
    assert_eq!(report.warnings, [cut, Warning::Replaced { cells: 1 }]);
    let row = &sheets(&path)[0].1[1];
    let text = row[2].to_string();
    assert_eq!(text.encode_utf16().count(), 32_767);
    assert!(text.ends_with("á […]"));
    assert!(row[3].to_string().starts_with("a\u{fffd}b\u{fffd}c"), "{:?}", row[3]);

    let (files, report) = csv(&items, &PATHS);
    assert!(files["releases"].contains(&long));
    assert!(files["releases"].contains("a\u{fffd}b\u{fffd}c_x0041_\r\nd"));
    assert_eq!(report.warnings, [Warning::Replaced { cells: 1 }]);
}

#[test]
fn too_many_columns_are_folded_whatever_the_order() {
    let field = |number: usize| (format!("x{number:05}"), json!(number));
    let half = |range: std::ops::Range<usize>| {
        let mut release: Map<_, _> = range.map(field).collect();
        release.insert("ocid".to_owned(), json!("o"));
        release.insert("id".to_owned(), json!("1"));
        Value::Object(release)
    };
    let items = [half(5_000..10_000), half(0..5_000)];
    let (files, report) = csv(&items, &PATHS);
    assert_eq!(report.warnings, [Warning::Folded { table: "releases".to_owned() }]);
    let mut reader = csv::Reader::from_reader(files["releases"].as_bytes());
    let header = reader.headers().unwrap().clone();
    assert_eq!(header.len(), 2 + 512 + 1);
    assert_eq!((&header[2], &header[513], &header[514]), ("x00000", "x00511", "(other)"));
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let other = |row: usize| serde_json::from_str::<Map<String, Value>>(&rows[row][514]).unwrap();
    assert_eq!((other(0).len(), other(1).len()), (5_000, 5_000 - 512));
    assert_eq!(other(1)["x00512"], 512);

    let mut reversed = layout(&[items[1].clone()]);
    reversed.merge(layout(&[items[0].clone()]));
    let folder = tempfile::tempdir().unwrap();
    let mut writer = flatten::csv(folder.path(), &reversed, &PATHS).unwrap();
    items.iter().for_each(|item| writer.write(item).unwrap());
    writer.finish().unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("releases.csv")).unwrap(), files["releases"]);
}

#[test]
fn too_many_tables_are_folded() {
    let release = |range: std::ops::Range<usize>| {
        let mut release =
            json!({"ocid": "o", "id": "1", "awards": [{"id": "a", "zz": [{"deep": [{"id": "b"}]}]}]});
        for number in range {
            release[format!("x{number:03}")] = json!([{"id": number}]);
        }
        release
    };
    let items = [release(50..100), release(0..50)];
    let (files, report) = csv(&items, &PATHS);
    // 64 kept, with the releases, the awards and the dictionary.
    assert_eq!(files.len(), 64 + 3);
    assert!(
        files.contains_key("awards_zz_deep") && files.contains_key("x061") && !files.contains_key("x062")
    );
    assert_eq!(report.warnings, [Warning::Folded { table: "releases".to_owned() }]);
    assert!(files["releases"].contains(r#"""x062"":[{""id"":62}]"#), "{}", files["releases"]);
    let reversed: Vec<_> = items.iter().rev().cloned().collect();
    assert_eq!(csv(&reversed, &PATHS).0["x010"], files["x010"]);
}

#[test]
fn names_cannot_lead_out_of_the_folder() {
    let items = [json!({"ocid": "o", "id": "1", "../../x": [{"id": 1}], "Diccionario": [{"id": 1}],
                        "releases ": [{"id": 1}], "RELEASES": [{"id": 1}], "a/b": 1, "a": {"b": 2}, "": 3})];
    let (files, _) = csv(&items, &PATHS);
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["Diccionario~2", "RELEASES~2", "______x", "diccionario", "releases", "releases_"]);
    assert!(files["releases"].starts_with("ocid,id,,a/b,a~1b\r\n"), "{}", files["releases"]);
}

#[test]
fn deep_and_wide_things_end_in_json() {
    let mut deep = json!(1);
    for level in 0..100 {
        deep = if level % 2 == 0 { json!({ "x": deep }) } else { json!([deep]) };
    }
    let items = [json!({"ocid": "o", "id": "1", "deep": deep, "wide": "w".repeat(1 << 20)})];
    let (files, _) = csv(&items, &PATHS);
    let leaf = files.values().find(|text| text.contains('{')).unwrap();
    assert!(leaf.contains(r#""[{""x"":[{""x"":"#), "{leaf}");
    assert!(files["releases"].len() > 1 << 20);
    let folder = tempfile::tempdir().unwrap();
    xlsx(&folder.path().join("t.xlsx"), &items, &PATHS);
}

#[test]
fn a_folder_in_use_and_items_not_observed_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.csv"), "x").unwrap();
    let refused = flatten::csv(folder.path(), &layout(&fixture()), &PATHS);
    assert!(matches!(refused, Err(Error::NotEmpty { .. })));

    let known = json!({"ocid": "o", "id": "1", "awards": [{"id": "1"}]});
    for (item, expected) in [
        (json!({"ocid": "o", "id": "1", "language": "es"}), "language"),
        (json!({"ocid": "o", "id": "1", "nuevo": "es"}), "nuevo"),
        (json!({"ocid": "o", "id": "1", "contracts": [{"id": "1"}]}), "contracts"),
        (json!({"ocid": "o", "id": "1", "awards": [{}]}), "awards/#"),
        (json!({"ocid": "o"}), "#"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = flatten::csv(folder.path(), &layout(std::slice::from_ref(&known)), &PATHS).unwrap();
        let Err(Error::NotObserved { path }) = writer.write(&item) else { panic!("{item} was written") };
        assert_eq!(path, expected);
        assert!(matches!(writer.finish(), Err(Error::Incomplete)));
    }
    let mut writer = flatten::csv(&folder.path().join("nueva"), &Layout::default(), &PATHS).unwrap();
    assert!(matches!(writer.write(&known), Err(Error::NotObserved { .. })));
}

#[test]
fn parts_can_be_observed_and_written_by_threads() {
    let items = fixture();
    let mut layouts = std::thread::scope(|scope| {
        let threads: Vec<_> =
            items.iter().map(|item| scope.spawn(|| layout(std::slice::from_ref(item)))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let mut merged = layouts.remove(1);
    merged.merge(layouts.remove(0));
    assert_eq!(headers(&merged), headers(&layout(&items)));
    let folder = tempfile::tempdir().unwrap();
    let mut writer = flatten::xlsx(&folder.path().join("t.xlsx"), &merged, &PATHS).unwrap();
    let report = std::thread::spawn(move || {
        items.iter().for_each(|item| writer.write(item).unwrap());
        writer.finish().unwrap()
    });
    assert_eq!(report.join().unwrap().tables[0].rows, 2);
}

#[test]
fn a_workbook_that_is_not_finished_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("datos.xlsx");
    std::fs::write(&path, "old").unwrap();
    let mut writer = flatten::xlsx(&path, &layout(&fixture()), &PATHS).unwrap();
    writer.write(&fixture()[0]).unwrap();
    drop(writer);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = flatten::xlsx(&folder.path().join("no/hay.xlsx"), &Layout::default(), &PATHS);
    assert!(matches!(nowhere, Err(Error::Io { .. })));
}

/// Names of the standard and others.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "ocid",
        "id",
        "title",
        "title_en",
        "tag",
        "tender",
        "items",
        "awards",
        "contracts",
        "implementation",
        "transactions",
        "value",
        "amount",
        "parties",
        "roles",
        "dimensions",
        "buyer",
        "x",
        "y",
        "a/b",
        "#",
        "~",
    ])
    .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop::sample::select(vec![json!(0), json!(""), json!(null), json!("t"), json!("-t")]);
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((name(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn release() -> impl Strategy<Value = Value> {
    prop::collection::vec((name(), value()), 0..8)
        .prop_map(|fields| Value::Object(fields.into_iter().filter(|(name, _)| name != "releases").collect()))
}

/// Makes each number and text one that occurs nowhere else, and lists what a cell would show.
fn scalars(value: &mut Value, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => {
            *value = json!(700_000 + found.len());
            found.push(value.to_string());
        }
        Value::String(text) if !text.is_empty() => {
            *text = format!("{text}{}", 700_000 + found.len());
            found.push(text.clone());
        }
        Value::Array(items) => items.iter_mut().for_each(|item| scalars(item, found)),
        Value::Object(fields) => fields.values_mut().for_each(|value| scalars(value, found)),
        _ => {}
    }
}

/// How often each number of six digits occurs in the cells outside of links and positions.
fn occurrences(files: &BTreeMap<String, String>, report: &Report) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for table in report.tables.iter().filter(|table| table.name != "diccionario") {
        let mut reader = csv::Reader::from_reader(files[&table.name].as_bytes());
        let header = reader.headers().unwrap().clone();
        let own = own_columns(&table.name, &header);
        for row in reader.records().map(Result::unwrap) {
            for text in row.iter().enumerate().filter(|(column, _)| own[*column]).map(|(_, text)| text) {
                for number in text.split(|letter: char| !letter.is_ascii_digit()) {
                    if number.len() == 6 {
                        *found.entry(number.to_owned()).or_default() += 1;
                    }
                }
            }
        }
    }
    found
}

/// Columns that are not links: of a table other than the first, those whose path is below that of the table.
fn own_columns(table: &str, header: &csv::StringRecord) -> Vec<bool> {
    let is_first = matches!(table, "releases" | "compiled");
    let path = table.split('~').next().unwrap_or_default();
    let plain =
        |text: &str| text.replace("~1", "/").replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    header.iter().map(|name| is_first || plain(name).starts_with(&format!("{path}_"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_scalar_is_in_one_cell(mut items in prop::collection::vec(release(), 1..4)) {
        let mut expected = Vec::new();
        items.iter_mut().for_each(|item| scalars(item, &mut expected));
        let (files, report) = csv(&items, &PATHS);
        let found = occurrences(&files, &report);
        prop_assert_eq!(found.len(), expected.len(), "{:?} {:?}", files, items);
        for (number, times) in found {
            prop_assert_eq!(times, 1, "{} in {:?}", number, files);
        }
    }

    #[test]
    fn columns_do_not_depend_on_order(items in prop::collection::vec(release(), 1..4)) {
        let mut merged = Layout::default();
        for item in items.iter().rev() {
            merged.merge(layout(&[reverse(item)]));
        }
        prop_assert_eq!(headers(&layout(&items)), headers(&merged));
    }

    #[test]
    fn a_workbook_can_be_written_of_anything(items in prop::collection::vec(release(), 1..3)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.xlsx");
        let report = xlsx(&path, &items, &Options { headers: Headers::Titles(Lang::Es), ..PATHS });
        let sheets = sheets(&path);
        prop_assert_eq!(sheets.len(), report.tables.len());
    }
}

/// The names of the tables, in order, and their columns.
fn headers(layout: &Layout) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let report = flatten::csv(folder.path(), layout, &PATHS).unwrap().finish().unwrap();
    let header = |table: ocds::flatten::Written| {
        let text = std::fs::read_to_string(folder.path().join(&table.parts[0])).unwrap();
        (table.name, text.split("\r\n").next().unwrap().to_owned())
    };
    report.tables.into_iter().map(header).collect()
}

/// The same with the fields of every object in another order.
fn reverse(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().rev().map(|(name, value)| (name.clone(), reverse(value))).collect())
        }
        Value::Array(items) => items.iter().map(reverse).collect(),
        other => other.clone(),
    }
}

#[test]
fn tables_say_of_what_they_are() {
    let items = fixture();
    let about = vec![["Datos al".to_owned(), "=1+1".to_owned()], ["Licencia".to_owned(), "CC BY".to_owned()]];
    let (files, report) = csv(&items, &Options { about: about.clone(), ..PATHS });
    assert_eq!(files["acerca_de"], lines(&["nombre,valor", "Datos al,'=1+1", "Licencia,CC BY"]));
    let described = &report.tables[report.tables.len() - 2];
    assert_eq!((described.name.as_str(), described.rows), ("acerca_de", 2));
    assert!(!files["diccionario"].contains("acerca_de"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.xlsx");
    xlsx(&path, &items, &Options { headers: Headers::Titles(Lang::Es), about, ..PATHS });
    let sheets = sheets(&path);
    let (name, rows) = &sheets[sheets.len() - 2];
    assert_eq!(name, "acerca_de");
    assert_eq!(rows[1], [Data::String("Datos al".into()), Data::String("=1+1".into())]);
    assert!(!csv(&items, &PATHS).0.contains_key("acerca_de"));
}

#[test]
fn the_fields_of_the_schema_are_the_columns_of_tables() {
    let fields = flatten::fields();
    let field = |path: &str| fields.iter().find(|field| field.path == path).unwrap();
    assert_eq!((field("ocid").table, field("contracts/value/amount").table), ("", "contracts"));
    assert!(fields.iter().all(|field| field.titles.iter().all(|title| !title.is_empty())));
    let items = field("contracts/implementation/transactions/value/amount");
    assert_eq!(items.table, "contracts/implementation/transactions");
}
