//! `ocds flatten` and `ocds coverage`.

use serde_json::json;

use crate::program::{Folder, lines, ocds, package, releases, value};

#[test]
fn tables_go_into_a_new_folder() {
    let folder = Folder::new();
    let input = lines(&releases());
    let tables = folder.at("tablas");
    let path = tables.to_str().expect("a path");
    let out = ocds(&["flatten", "--csv", path], input.as_bytes()).good();
    let written = std::fs::read_to_string(tables.join("releases.csv")).expect("a table");
    assert!(written.starts_with('\u{feff}') && written.lines().count() == 4, "{written}");
    assert!(out.lines().any(|line| line.starts_with("releases: 3 rows")), "{out}");
    // What is there is not overwritten.
    let (out, err) = ocds(&["flatten", "--csv", path], input.as_bytes()).bad();
    assert!(out.is_empty() && err.contains("tablas"), "{err}");
    assert_eq!(std::fs::read_to_string(tables.join("releases.csv")).expect("a table"), written);
    let other = folder.at("rutas");
    let other = other.to_str().expect("a path");
    ocds(&["flatten", "--csv", other, "--paths", "--no-bom"], input.as_bytes()).good();
    let written = std::fs::read_to_string(folder.at("rutas").join("releases.csv")).expect("a table");
    assert!(written.starts_with("ocid,"), "{written}");
}

#[test]
fn a_workbook_is_written() {
    let folder = Folder::new();
    let path = folder.at("tablas.xlsx");
    let whole = package("", &releases()).to_string();
    ocds(&["flatten", "--lang", "en", "--xlsx", path.to_str().expect("a path")], whole.as_bytes()).good();
    use calamine::Reader;
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(path).expect("a workbook");
    let rows =
        book.sheet_names().iter().map(|name| book.worksheet_range(name).expect("a sheet").height()).max();
    assert!(rows >= Some(4), "{rows:?}");
}

#[test]
fn a_target_must_be_named() {
    assert_eq!(ocds(&["flatten"], b"").code, Some(2));
    assert_eq!(ocds(&["flatten", "--csv", "a", "--xlsx", "b"], b"").code, Some(2));
}

#[test]
fn fields_are_counted() {
    let input = lines(&releases());
    let report = value(&ocds(&["coverage", "--format", "json"], input.as_bytes()).good());
    let field =
        |path: &str| report.as_array().expect("fields").iter().find(|field| field["path"] == path).cloned();
    let title = field("title").expect("a field");
    assert_eq!((&title["filled"], &title["possible"], &title["known"]), (&json!(1), &json!(3), &json!(true)));
    assert_eq!(field("awards"), None);
    let csv = ocds(&["coverage", "--format", "csv"], input.as_bytes()).good();
    assert!(csv.starts_with("path,title,known,possible,filled\n") && csv.contains("\ntitle,"), "{csv}");
    let out = ocds(&["coverage", "--lang", "en"], input.as_bytes()).good();
    assert!(
        out.lines().any(|line| line.contains("33.3 %") && line.contains("1 / 3") && line.contains("title")),
        "{out}"
    );
    let all = value(&ocds(&["coverage", "--format", "json", "--all"], input.as_bytes()).good());
    assert!(all.as_array().map(Vec::len) > report.as_array().map(Vec::len));
    // What cannot be read is told; the rest is counted.
    let torn = format!("{input}{{\"ocid\": ]}}\n");
    let (out, err) = ocds(&["coverage", "--format", "json"], torn.as_bytes()).bad();
    assert!(err.contains("line 4"), "{err}");
    assert_eq!(value(&out), report);
}
