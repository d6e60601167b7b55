//! Lists as files: the shapes people have, the ways they go wrong, and the real ones where they are at hand.

use std::path::{Path, PathBuf};

use central::load::{self, BaseRow, Lang, LoadError, Mapping, RowError, Summary};

type Rows = Vec<Result<BaseRow, Vec<RowError>>>;

fn load(path: &Path, mapping: Option<&str>) -> Result<(Rows, Summary), LoadError> {
    let mut rows = Vec::new();
    let summary = load::read(path, mapping, &mut |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok((rows, summary))
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/load").join(name)
}

/// All the rows of a list without errors.
fn good(path: &Path) -> (Vec<BaseRow>, Summary) {
    let (rows, summary) = load(path, None).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!((summary.bad, summary.good), (0, rows.len() as u64), "{rows:?}");
    (rows.into_iter().map(Result::unwrap).collect(), summary)
}

fn amounts(rows: &[BaseRow]) -> Vec<String> {
    rows.iter()
        .map(|row| row.amount.map(|amount| amount.normalize().to_string()).unwrap_or_default())
        .collect()
}

/// The real lists are not part of the repository.
fn real(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real").join(name);
    path.is_file().then_some(path)
}

#[test]
fn the_list_of_durango() {
    let (rows, summary) = good(&fixture("durango.csv"));
    assert_eq!((summary.mapping.as_str(), rows.len()), ("durango", 3));
    assert_eq!(rows[0].folio, "d1_p1");
    assert_eq!(rows[0].place.as_deref(), Some("d1"));
    assert_eq!(rows[2].title, "BARDA DEL JARDIN DE NIÑOS DE MUESTRA");
    assert_eq!((amounts(&rows)[0].as_str(), rows[0].currency.as_deref()), ("50000", Some("MXN")));
    let Some(path) = real("durango-2025/projects.csv") else {
        return;
    };
    let (rows, summary) = good(&path);
    assert_eq!((summary.mapping.as_str(), rows.len()), ("durango", 47));
    assert!(rows.iter().all(|row| row.currency.as_deref() == Some("MXN") && row.place.is_some()));
    assert_eq!(rows[46].folio, "d6_p9");
    assert_eq!(rows[46].row, 48);
    assert!(amounts(&rows).iter().all(|amount| amount == "50000"));
}

#[test]
fn the_list_of_valladolid() {
    let (rows, summary) = good(&fixture("consul-web.csv"));
    assert_eq!((summary.mapping.as_str(), summary.unused.len()), ("consul-web", 0));
    assert_eq!(amounts(&rows), ["150000", "1007166"]);
    assert_eq!(rows[1].title, "Carril bici “de muestra” (agrupada con la  7003)");
    assert_eq!(rows[1].url.as_deref(), Some("https://consul.example/budgets/6/investments/7002"));
    let Some(path) = real("valladolid-2027/finales-web-clean.csv") else {
        return;
    };
    let (rows, summary) = good(&path);
    assert_eq!((summary.mapping.as_str(), rows.len()), ("consul-web", 126));
    assert_eq!((rows[0].folio.as_str(), amounts(&rows)[0].as_str()), ("7744", "150000"));
    assert!(amounts(&rows).contains(&"1016242".to_owned()));
    assert!(rows.iter().all(|row| row.currency.as_deref() == Some("EUR") && row.url.is_some()));
}

#[test]
fn the_projects_of_the_demo_say_that_they_are_made() {
    let (rows, summary) = good(&Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/proyectos-de-muestra.csv"));
    assert_eq!((summary.mapping.as_str(), rows.len()), ("basico", 12));
    for row in &rows {
        assert!(row.title.starts_with("Proyecto de muestra"), "{}", row.title);
        assert!(row.description.as_ref().is_some_and(|text| text.starts_with("Proyecto inventado")));
        assert!(row.area.is_some() && row.place.is_some() && row.amount.is_some() && row.date.is_some());
    }
    let areas: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.area).collect();
    assert!(areas.len() > 4);
}

#[test]
fn other_encodings_and_delimiters() {
    let (rows, summary) = good(&fixture("semicolons-windows-1252.csv"));
    assert_eq!((summary.encoding.as_deref(), summary.delimiter), (Some("windows-1252"), Some(';')));
    assert_eq!(
        (rows[0].title.as_str(), rows[0].area.as_deref()),
        ("Señalización de muestra", Some("Diseño"))
    );
    assert_eq!((amounts(&rows)[0].as_str(), rows[0].currency.as_deref()), ("1234.56", Some("EUR")));
    let (rows, summary) = good(&fixture("tabs-utf16.txt"));
    assert_eq!((summary.encoding.as_deref(), summary.delimiter), (Some("UTF-16LE"), Some('\t')));
    assert_eq!((rows[0].title.as_str(), amounts(&rows)[0].as_str()), ("Señalización de muestra", "1234.56"));
}

#[test]
fn a_workbook() {
    let (rows, summary) = load(&fixture("lista.xlsx"), None).unwrap();
    assert_eq!((summary.sheet.as_deref(), summary.good, summary.bad), (Some("Proyectos"), 1, 1));
    let first = rows[0].as_ref().unwrap();
    assert_eq!(
        (first.row, first.folio.as_str(), first.title.as_str()),
        (4, "7744", "Señalización de muestra")
    );
    assert_eq!(first.amount.unwrap().to_string(), "1234.5");
    assert_eq!(first.date.unwrap().to_string(), "2026-01-31");
    let errors = rows[1].as_ref().unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(
        errors[0].prose(Lang::Es),
        "Fila 6, columna «Monto», «#DIV/0!»: la celda tiene un error de la hoja de cálculo. Corrige la fórmula o escribe el valor."
    );
}

#[test]
fn each_bad_row_is_told_by_row_column_and_rule() {
    let (rows, summary) = load(&fixture("bad-rows.csv"), None).unwrap();
    assert_eq!((summary.rows, summary.good, summary.bad), (17, 2, 15));
    let told: Vec<(u64, &str, &str)> = rows
        .iter()
        .filter_map(|row| row.as_ref().err())
        .flatten()
        .map(|error| (error.row, error.column.as_str(), error.rule.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (3, "folio", "folio-missing"),
            (4, "folio", "folio-format"),
            (5, "folio", "folio-duplicate"),
            (6, "titulo", "title-missing"),
            (7, "monto", "amount-format"),
            (8, "monto", "amount-negative"),
            (9, "monto", "amount-not-finite"),
            (10, "monto", "amount-too-large"),
            (11, "moneda", "currency-format"),
            (12, "monto", "currency-mismatch"),
            (13, "fecha", "date-format"),
            (14, "url", "url-format"),
            (15, "descripcion", "row-too-short"),
            (16, "", "row-too-long"),
            (17, "titulo", "text-encoding"),
        ]
    );
    let duplicate = rows[3].as_ref().unwrap_err();
    assert_eq!(
        duplicate[0].prose(Lang::En),
        "Row 5, column «folio», «A-1»: the folio is already in row 2 (upper and lower case count as the same). \
         Leave one row for each project or correct the folio."
    );
}

#[test]
fn each_bad_file_is_told_for_what_it_is() {
    for (name, mapping, rule) in [
        ("not-there.csv", None, "load-not-found"),
        (".", None, "load-unreadable"),
        ("empty.csv", None, "load-empty"),
        ("blank.csv", None, "load-empty"),
        ("header-only.csv", None, "load-no-rows"),
        ("unknown-headers.csv", None, "load-no-mapping"),
        ("other-delimiter.csv", None, "load-no-mapping"),
        ("missing-column.csv", None, "load-no-mapping"),
        ("missing-column.csv", Some("durango"), "load-missing-columns"),
        ("lista.xlsx", Some("durango"), "load-missing-columns"),
        ("durango.csv", Some("guadalajara"), "load-mapping-unknown"),
        ("duplicate-header.csv", None, "load-duplicate-columns"),
        ("unclosed-quote.csv", None, "load-quote-unclosed"),
        ("web-page.xls", None, "load-not-a-spreadsheet"),
        ("old-workbook.xls", None, "load-not-a-spreadsheet"),
        ("document.pdf", None, "load-not-a-spreadsheet"),
    ] {
        let error = load(&fixture(name), mapping).expect_err(name);
        assert_eq!(error.rule(), rule, "{name}");
        assert!(!error.prose(Lang::Es).is_empty());
    }
    let error = load(&fixture("missing-column.csv"), Some("durango")).unwrap_err();
    assert_eq!(
        error.prose(Lang::Es),
        "Para el mapeo «durango» faltan las columnas «district_id», «cost_mxn». El archivo trae: \
         «project_id», «name», «cost». Corrige los encabezados o usa otro mapeo."
    );
}

#[test]
fn a_mapping_of_ones_own() {
    let file = fixture("otra-ciudad.toml");
    let (rows, summary) = load(&fixture("unknown-headers.csv"), file.to_str()).unwrap();
    assert_eq!((summary.mapping.as_str(), summary.mapping_version), ("otra-ciudad", 3));
    assert_eq!(rows[0].as_ref().unwrap().currency.as_deref(), Some("USD"));
    let error = Mapping::named(fixture("not-a-mapping.toml").to_str().unwrap()).unwrap_err();
    assert_eq!(error.rule(), "load-mapping-invalid");
}

#[test]
fn the_same_file_reads_the_same_twice() {
    for name in ["durango.csv", "consul-web.csv", "lista.xlsx", "bad-rows.csv"] {
        assert_eq!(load(&fixture(name), None).unwrap(), load(&fixture(name), None).unwrap());
    }
}
