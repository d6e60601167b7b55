//! Workbooks made here, sound and not.

use std::io::Write;
use std::path::PathBuf;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::{BaseRow, LoadError, RowError, Summary};

type Rows = Vec<Result<BaseRow, Vec<RowError>>>;

const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;

/// A workbook with these sheets, each the inside of its `sheetData`, and these shared texts.
fn book(sheets: &[&str], strings: &str) -> Vec<(String, String)> {
    let main = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main""#;
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let (mut listed, mut related) = (String::new(), String::new());
    let mut parts = vec![(
        "_rels/.rels".to_owned(),
        format!(
            r#"<Relationships xmlns="{package}"><Relationship Id="rId1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
        ),
    )];
    for (index, rows) in sheets.iter().enumerate() {
        let number = index + 1;
        listed.push_str(&format!(r#"<sheet name="Hoja{number}" sheetId="{number}" r:id="rId{number}"/>"#));
        related.push_str(&format!(r#"<Relationship Id="rId{number}" Type="{relations}/worksheet" Target="worksheets/sheet{number}.xml"/>"#));
        parts.push((
            format!("xl/worksheets/sheet{number}.xml"),
            format!(r#"<?xml version="1.0" encoding="UTF-8"?><worksheet {main}><sheetData>{rows}</sheetData></worksheet>"#),
        ));
    }
    parts.push((
        "xl/workbook.xml".to_owned(),
        format!(r#"<workbook {main} xmlns:r="{relations}"><sheets>{listed}</sheets></workbook>"#),
    ));
    parts.push((
        "xl/_rels/workbook.xml.rels".to_owned(),
        format!(r#"<Relationships xmlns="{package}">{related}</Relationships>"#),
    ));
    parts.push(("xl/styles.xml".to_owned(), STYLES.to_owned()));
    parts.push(("xl/sharedStrings.xml".to_owned(), strings.to_owned()));
    parts
}

fn strings(texts: &[&str]) -> String {
    let items: String = texts.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
    format!(
        r#"<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="9" uniqueCount="{}">{items}</sst>"#,
        texts.len()
    )
}

/// A row of texts, from column A.
fn texts(row: u32, cells: &[&str]) -> String {
    let cells = cells.iter().enumerate().map(|(index, text)| {
        let column = char::from(b'A' + u8::try_from(index).unwrap());
        format!(r#"<c r="{column}{row}" t="inlineStr"><is><t>{text}</t></is></c>"#)
    });
    format!(r#"<row r="{row}">{}</row>"#, cells.collect::<String>())
}

fn zipped(parts: &[(String, String)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in parts {
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn load(bytes: &[u8]) -> Result<(Rows, Summary), LoadError> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("lista.xlsx");
    std::fs::write(&path, bytes).unwrap();
    let mut rows = Vec::new();
    let mut each = |row| {
        rows.push(row);
        Ok(())
    };
    let summary = super::super::read(&path, None, &mut each)?;
    Ok((rows, summary))
}

fn guarded(bytes: &[u8], unpacked: u64) -> Result<(), LoadError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    super::guard(file, "lista.xlsx".as_ref(), unpacked).map(drop)
}

fn load_sheet(rows: &str) -> Result<(Rows, Summary), LoadError> {
    load(&zipped(&book(&[rows], &strings(&[]))))
}

#[test]
fn numbers_days_and_shared_texts_are_read() {
    let header = texts(1, &["Folio", "Título", "Monto", "Fecha"]);
    let rows = r#"<row r="2"><c r="A2"><v>7744</v></c><c r="B2" t="s"><v>0</v></c><c r="C2"><v>1234.5600000000002</v></c><c r="D2" s="1"><v>46053</v></c></row>
        <row r="5"><c r="A5" t="str"><f>"A"&amp;1</f><v>A1</v></c><c r="B5" t="s"><v>1</v></c><c r="C5" t="inlineStr"><is><t>$1,500.00</t></is></c><c r="D5" t="inlineStr"><is><t>31/01/2026</t></is></c></row>
        <row r="6"><c r="A6" s="1"/><c r="B6" t="inlineStr"><is><t>  </t></is></c></row>"#;
    let parts = book(&[&format!("{header}{rows}")], &strings(&["SEÑALIZACIÓN", "Aulas &amp; patios"]));
    let (read, summary) = load(&zipped(&parts)).unwrap();
    let read: Vec<BaseRow> = read.into_iter().map(Result::unwrap).collect();
    assert_eq!((read[0].row, read[0].folio.as_str(), read[0].title.as_str()), (2, "7744", "SEÑALIZACIÓN"));
    assert_eq!(read[0].amount.unwrap().to_string(), "1234.56");
    assert_eq!(read[0].date.unwrap().to_string(), "2026-01-31");
    assert_eq!((read[1].row, read[1].folio.as_str(), read[1].title.as_str()), (5, "A1", "Aulas & patios"));
    assert_eq!((read[1].amount.unwrap().to_string().as_str(), read[1].date), ("1500.00", read[0].date));
    assert_eq!((summary.rows, summary.sheet.as_deref(), summary.delimiter), (2, Some("Hoja1"), None));
}

#[test]
fn the_first_sheet_with_the_headers_is_read_wherever_they_are() {
    let cover = texts(1, &["MUNICIPIO DE EJEMPLO"]);
    let list =
        [texts(1, &["Lista 2026"]), texts(4, &["", "FOLIO", "TITULO"]), texts(5, &["", "A", "uno", "nota"])]
            .concat();
    let (rows, summary) = load(&zipped(&book(&[&cover, &list, &list], &strings(&[])))).unwrap();
    assert_eq!((rows[0].as_ref().unwrap().row, summary.sheet.as_deref()), (5, Some("Hoja2")));
}

#[test]
fn errors_of_the_sheet_days_for_folios_and_infinities_are_told() {
    let header = texts(1, &["folio", "titulo", "monto", "fecha"]);
    for (cells, expected) in [
        (r#"<c r="C2" t="e"><v>#REF!</v></c>"#, "C monto cell-error #REF!"),
        (r#"<c r="C2"><v>1e400</v></c>"#, "C monto amount-not-finite inf"),
        (r#"<c r="C2"><v>-5</v></c>"#, "C monto amount-negative -5"),
        (r#"<c r="C2"><v>1e18</v></c>"#, "C monto amount-too-large 1000000000000000000"),
        (r#"<c r="C2" s="1"><v>46053</v></c>"#, "C monto amount-format 2026-01-31"),
        (r#"<c r="C2" t="b"><v>1</v></c>"#, "C monto amount-format VERDADERO"),
        (r#"<c r="D2"><v>46053</v></c>"#, "D fecha date-format 46053"),
        (r#"<c r="A2" s="1"><v>46053</v></c>"#, "A folio folio-format 2026-01-31"),
    ] {
        let folio = if cells.contains("A2") { "" } else { r#"<c r="A2"><v>1</v></c>"# };
        let row = format!(
            r#"{header}<row r="2">{folio}<c r="B2" t="inlineStr"><is><t>t</t></is></c>{cells}</row>"#
        );
        let (rows, _) = load_sheet(&row).unwrap();
        let error = &rows[0].as_ref().unwrap_err()[0];
        assert_eq!(format!("{} {} {}", error.column, error.rule, error.value), expected[2..], "{cells}");
    }
}

#[test]
fn a_sheet_without_the_headers_or_without_rows_is_told() {
    let error = load_sheet(&texts(1, &["clave", "nombre"])).unwrap_err();
    assert_eq!(error, LoadError::NoMapping { headers: vec!["clave".to_owned(), "nombre".to_owned()] });
    assert!(matches!(load_sheet(&texts(1, &["folio", "titulo"])), Err(LoadError::NoRows { .. })));
    assert_eq!(load_sheet("").unwrap_err(), LoadError::Empty);
    let twice = [texts(1, &["folio", "titulo", "Título"]), texts(2, &["A", "b", "c"])].concat();
    assert!(matches!(load_sheet(&twice), Err(LoadError::DuplicateColumns { .. })));
}

#[test]
fn what_only_looks_like_a_workbook_is_named() {
    let parts = |names: &[&str]| {
        zipped(&names.iter().map(|name| ((*name).to_owned(), String::new())).collect::<Vec<_>>())
    };
    for (names, kind) in [
        (&["word/document.xml"][..], "docx"),
        (&["mimetype", "content.xml"], "ods"),
        (&["xl/workbook.bin"], "xlsb"),
        (&["fotos/1.jpg"], "zip"),
    ] {
        assert!(
            matches!(load(&parts(names)), Err(LoadError::NotASpreadsheet { found, .. }) if found == kind),
            "{kind}"
        );
    }
    let mut cut = zipped(&book(&[&texts(1, &["folio", "titulo"])], &strings(&[])));
    cut.truncate(cut.len() / 2);
    assert!(matches!(load(&cut), Err(LoadError::Damaged { .. })));
    assert!(matches!(load(&parts(&["xl/nothing.xml"])), Err(LoadError::Damaged { .. })));
}

#[test]
fn a_damaged_sheet_is_an_error_and_not_the_end_of_the_program() {
    for row in [
        r#"<row r="2"><c r="A2" t="s"><v>99</v></c></row>"#,
        r#"<row r="2"><c r="ZZZZZZZZZZ99999999999"><v>1</v></c></row>"#,
        r#"<row r="2"><c r="A2"><v>1</v>"#,
        r#"<row r="3"><c r="A3"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>"#,
        r#"<row r="2"><c r="A2" t="what"><v>1</v></c></row>"#,
    ] {
        let error = load_sheet(&format!("{}{row}", texts(1, &["folio", "titulo"]))).unwrap_err();
        assert!(matches!(error.rule(), "load-damaged" | "load-too-large"), "{row} {error:?}");
    }
    let long = "x".repeat(32_767 * 4 + 1);
    let long = [texts(1, &["folio", "titulo"]), texts(2, &["A", &long])].concat();
    assert!(matches!(load_sheet(&long), Err(LoadError::TooLarge { row: Some(2), .. })));
    let far = format!(r#"{}<row r="2"><c r="XFE2"><v>1</v></c></row>"#, texts(1, &["folio", "titulo"]));
    assert!(matches!(load_sheet(&far), Err(LoadError::TooLarge { what, .. }) if what == "columns"));
}

#[test]
fn a_bomb_does_not_go_off() {
    let mut parts = book(&[&texts(1, &["folio", "titulo"])], &strings(&[]));
    parts.push(("xl/media/x.xml".to_owned(), " ".repeat(4_000_000)));
    let mut bytes = zipped(&parts);
    assert!(bytes.len() < 20_000);
    assert!(
        matches!(guarded(&bytes, 3_000_000), Err(LoadError::TooLarge { what, .. }) if what == "unpacked-bytes")
    );
    assert!(guarded(&bytes, 5_000_000).is_ok());
    // What a part says of its size does not help it.
    let honest = 4_000_000u32.to_le_bytes();
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == honest {
            bytes[at..at + 4].copy_from_slice(&10u32.to_le_bytes());
        }
    }
    assert!(guarded(&bytes, 3_000_000).is_err());
    // A number of texts that would be reserved before the first is read.
    for count in ["99999999999999", "  '18446744073709551616'", "000000000005000001"] {
        let parts =
            book(&[&texts(1, &["folio", "titulo"])], &format!(r#"<sst uniqueCount="{count}"></sst>"#));
        assert!(
            matches!(load(&zipped(&parts)), Err(LoadError::TooLarge { what, .. }) if what == "strings"),
            "{count}"
        );
    }
    let padded = format!(r#"{}<sst uniqueCount="9999999999"></sst>"#, " ".repeat(65_530));
    assert!(load(&zipped(&book(&[&texts(1, &["folio", "titulo"])], &padded))).is_err());
    let many: String = (0..40).map(|_| "<si><t>x</t></si>").collect();
    let sound = format!(r#"<sst uniqueCount="40">{many}</sst>"#);
    let rows = [texts(1, &["folio", "titulo"]), texts(2, &["A", "b"])].concat();
    assert!(load(&zipped(&book(&[&rows], &sound))).is_ok());
}
