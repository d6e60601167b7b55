//! Delimited text from its bytes to its rows.

use std::path::Path;

use super::*;

mod streams;

type Rows = Vec<Result<BaseRow, Vec<RowError>>>;

fn load(bytes: &[u8], mapping: Option<&str>) -> Result<(Rows, Summary), LoadError> {
    let mapping = mapping.map(Mapping::named).transpose()?;
    let mut rows = Vec::new();
    let mut each = |row| {
        rows.push(row);
        Ok(())
    };
    let summary = read_from(bytes, Path::new("list.csv"), mapping.as_ref(), &mut each)?;
    Ok((rows, summary))
}

fn good(text: &str) -> (Vec<BaseRow>, Summary) {
    let (rows, summary) = load(text.as_bytes(), None).unwrap();
    (rows.into_iter().map(Result::unwrap).collect(), summary)
}

/// `row column rule` of every error.
fn told(text: &str) -> Vec<String> {
    let (rows, _) = load(text.as_bytes(), None).unwrap();
    let errors = rows.into_iter().filter_map(Result::err).flatten();
    errors.map(|error| format!("{} {} {}", error.row, error.column, error.rule)).collect()
}

fn failed(text: &str) -> LoadError {
    load(text.as_bytes(), None).unwrap_err()
}

#[test]
fn a_row_becomes_what_it_says() {
    let text = "folio,titulo,descripcion,area,lugar,monto,moneda,fecha,url\n\
        PP-1, BANQUETAS  COL X ,\"uno\r\ndos\",Obras,d1,\"$1,234.50\",mxn,31/01/2026,https://x.example/1\n\
        PP-2,\"en\ndos líneas\",,,,,,,\n";
    let (rows, summary) = good(text);
    let expected = BaseRow {
        row: 2,
        folio: "PP-1".to_owned(),
        title: "BANQUETAS  COL X".to_owned(),
        description: Some("uno\ndos".to_owned()),
        place: Some("d1".to_owned()),
        area: Some("Obras".to_owned()),
        amount: Some(Decimal::new(123_450, 2)),
        currency: Some("MXN".to_owned()),
        url: Some("https://x.example/1".to_owned()),
        date: NaiveDate::from_ymd_opt(2026, 1, 31),
    };
    assert_eq!(rows[0], expected);
    // The line break within a cell is not a row, here as in a spreadsheet.
    assert_eq!((rows[1].row, rows[1].title.as_str(), &rows[1].currency), (3, "en dos líneas", &None));
    assert_eq!((summary.mapping.as_str(), summary.rows, summary.good, summary.bad), ("basico", 2, 2, 0));
    assert_eq!((summary.encoding.as_deref(), summary.delimiter), (Some("UTF-8"), Some(',')));
}

#[test]
fn every_rule_is_told_with_its_place() {
    let long = "x".repeat(501);
    let longer = "x".repeat(MAX_DESCRIPTION + 1);
    for (cells, expected) in [
        (",t,,,,,,,", "2 folio folio-missing"),
        ("a/b,t,,,,,,,", "2 folio folio-format"),
        ("ñ1,t,,,,,,,", "2 folio folio-format"),
        ("TOTAL GENERAL,t,,,,,,,", "2 folio folio-format"),
        ("a,  ,,,,,,,", "2 titulo title-missing"),
        (&format!("a,{long},,,,,,,"), "2 titulo title-too-long"),
        (&format!("a,t,{longer},,,,,,"), "2 descripcion text-too-long"),
        (&format!("a,t,,{long},,,,,"), "2 area text-too-long"),
        ("a,t,,,,por definir,,,", "2 monto amount-format"),
        ("a,t,,,,1.5E+06,,,", "2 monto amount-format"),
        ("a,t,,,,-5,,,", "2 monto amount-negative"),
        ("a,t,,,,(5.00),,,", "2 monto amount-negative"),
        ("a,t,,,,NaN,,,", "2 monto amount-not-finite"),
        ("a,t,,,,inf,,,", "2 monto amount-not-finite"),
        ("a,t,,,,1000000000000.01,,,", "2 monto amount-too-large"),
        ("a,t,,,,123456789012345678901234567890123,,,", "2 monto amount-too-large"),
        ("a,t,,,,5,PESOS,,", "2 moneda currency-format"),
        ("a,t,,,,5 €,MXN,,", "2 monto currency-mismatch"),
        ("a,t,,,,,,31/02/2026,", "2 fecha date-format"),
        ("a,t,,,,,,hoy,", "2 fecha date-format"),
        ("a,t,,,,,,,javascript:alert(1)", "2 url url-format"),
        ("a,t", "2 descripcion row-too-short"),
        ("a,t,,,,,,,,more", "2  row-too-long"),
        ("a,Ni\u{fffd}os,,,,,,,", "2 titulo text-encoding"),
        ("a,t\0t,,,,,,,", "2 titulo text-encoding"),
    ] {
        let text = format!("folio,titulo,descripcion,area,lugar,monto,moneda,fecha,url\n{cells}\n");
        assert_eq!(told(&text), [expected], "{cells:.60}");
    }
}

#[test]
fn all_the_errors_of_a_row_come_together_in_the_order_of_its_columns() {
    let text = "folio,titulo,monto,fecha\nA,t,1,\n../x,,abc,32/13/2026\na,t,5,\n";
    assert_eq!(
        told(text),
        [
            "3 folio folio-format",
            "3 titulo title-missing",
            "3 monto amount-format",
            "3 fecha date-format",
            // Upper and lower case are the same folder on some systems.
            "4 folio folio-duplicate",
        ]
    );
    let (rows, summary) = load(text.as_bytes(), None).unwrap();
    assert_eq!((summary.rows, summary.good, summary.bad), (3, 1, 2));
    let duplicate = rows[2].as_ref().unwrap_err();
    assert_eq!(duplicate[0].params["firstRow"], 2);
    assert_eq!(duplicate[0].value, "a");
}

#[test]
fn a_folio_of_a_row_with_other_errors_still_counts_as_seen() {
    assert_eq!(told("folio,titulo\nA,\nA,t\n"), ["2 titulo title-missing", "3 folio folio-duplicate"]);
}

#[test]
fn a_long_value_is_shown_cut() {
    let text = format!("folio,titulo\n{},t\n", "/".repeat(5000));
    let (rows, _) = load(text.as_bytes(), None).unwrap();
    assert_eq!(rows[0].as_ref().unwrap_err()[0].value.chars().count(), VALUE_SHOWN);
}

#[test]
fn every_delimiter_and_line_end_reads_the_same() {
    let (expected, _) = good("folio,titulo,monto\nA,uno,5\nB,\"dos, tres\",6\n");
    for (delimiter, line_end) in [(';', "\n"), ('\t', "\r\n"), ('|', "\r"), (',', "\r\n"), (';', "\r\n")] {
        let text =
            format!("folio{0}titulo{0}monto{1}A{0}uno{0}5{1}B{0}\"dos, tres\"{0}6", delimiter, line_end);
        let (rows, summary) = good(&text);
        assert_eq!(rows, expected);
        assert_eq!(summary.delimiter, Some(delimiter));
        // As Excel announces it.
        if delimiter != '\t' {
            assert_eq!(good(&format!("sep={delimiter}{line_end}{text}")).0, expected);
        }
    }
}

#[test]
fn the_headers_choose_the_delimiter_even_against_the_count() {
    // More commas than semicolons in the header line.
    let (rows, summary) = good("folio;titulo;a,b,c,d,e\nA;uno;x\n");
    assert_eq!((rows[0].title.as_str(), summary.delimiter), ("uno", Some(';')));
    assert_eq!(summary.unused, ["a,b,c,d,e"]);
}

#[test]
fn blank_rows_and_columns_are_nothing_and_rows_keep_their_numbers() {
    let (rows, summary) = good("folio,titulo,,\n\nA,uno,,\n,,,\n   \nB,dos,,,,\n,,,\n\n\n");
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [3, 6]);
    assert_eq!(summary.headers, ["folio", "titulo"]);
    assert_eq!(summary.rows, 2);
}

#[test]
fn a_letterhead_before_the_headers_is_passed_over() {
    let (rows, _) = good("MUNICIPIO DE EJEMPLO,,\n\nLista 2026,,\nFOLIO,TÍTULO,MONTO\nA,uno,5\n");
    assert_eq!((rows[0].row, rows[0].folio.as_str()), (5, "A"));
}

#[test]
fn each_encoding_reads_the_same() {
    let text = "folio,título,área\nA,SEÑALIZACIÓN «X»,Diseño\n";
    let (expected, _) = good(text);
    let (latin, ..) = encoding_rs::WINDOWS_1252.encode(text);
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend_from_slice(text.as_bytes());
    let little: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    for (bytes, name) in
        [(&latin[..], "windows-1252"), (&marked, "UTF-8"), (&little, "UTF-16LE"), (&big, "UTF-16BE")]
    {
        let (rows, summary) = load(bytes, None).unwrap();
        assert_eq!(rows[0].as_ref().unwrap(), &expected[0], "{name}");
        assert_eq!(summary.encoding.as_deref(), Some(name));
    }
}

#[test]
fn a_byte_that_is_not_utf8_late_in_a_utf8_file_names_its_row() {
    let mut bytes = "folio,titulo\n0,año\n".as_bytes().to_vec();
    for index in 1..9_000 {
        bytes.extend_from_slice(format!("{index},título\n").as_bytes());
    }
    bytes.extend_from_slice(b"late,a\xf1o\n");
    let (rows, summary) = load(&bytes, None).unwrap();
    assert_eq!((summary.bad, summary.encoding.as_deref()), (1, Some("UTF-8")));
    let errors = rows.last().unwrap().as_ref().unwrap_err();
    assert_eq!(
        (errors[0].row, errors[0].rule.as_str(), errors[0].value.as_str()),
        (9002, "text-encoding", "a\u{fffd}o")
    );
    // With nothing but ASCII before it, the same byte is Windows-1252.
    let ascii: Vec<u8> = bytes.iter().copied().filter(|byte| byte.is_ascii() || *byte == 0xf1).collect();
    let (rows, summary) = load(&ascii, None).unwrap();
    assert_eq!((summary.bad, summary.encoding.as_deref()), (0, Some("windows-1252")));
    assert_eq!(rows.last().unwrap().as_ref().unwrap().title, "año");
}

#[test]
fn what_is_no_list_is_refused_with_the_headers_it_has() {
    assert_eq!(failed(""), LoadError::Empty);
    assert_eq!(failed("\n\r\n \n"), LoadError::Empty);
    assert_eq!(failed(",,,\n"), LoadError::Empty);
    let headers = |error: LoadError| match error {
        LoadError::NoMapping { headers } => headers,
        other => panic!("{other:?}"),
    };
    assert_eq!(headers(failed("a;b;c\n1;2;3\n")), ["a", "b", "c"]);
    // A delimiter that is none of ours: one header with everything in it.
    assert_eq!(headers(failed("folio:titulo\n1:2\n")), ["folio:titulo"]);
    assert_eq!(headers(failed("Lista\nproject_id,name,cost\n")), ["project_id", "name", "cost"]);
    assert!(matches!(failed("folio,titulo\n"), LoadError::NoRows { mapping, .. } if mapping == "basico"));
    assert!(matches!(failed("folio,titulo\n,\n\n"), LoadError::NoRows { .. }));
    assert!(matches!(failed("folio,titulo,Folio\n1,2,3\n"), LoadError::DuplicateColumns { .. }));
    let error = load(b"project_id;name\n1;2\n", Some("durango")).unwrap_err();
    let LoadError::MissingColumns { mapping, columns, headers } = error else { panic!("{error:?}") };
    assert_eq!(mapping, "durango");
    assert_eq!(columns, ["district_id", "cost_mxn"]);
    assert_eq!(headers, ["project_id", "name"]);
    assert!(matches!(load(b"folio,titulo\n1,2\n", Some("otro")), Err(LoadError::MappingUnknown { .. })));
}

#[test]
fn an_unclosed_quote_is_told_and_nothing_is_swallowed() {
    // In the last column the number of cells would be right.
    let error = failed("folio,titulo,descripcion\nA,uno,\"dos\nB,tres,cuatro\n");
    assert_eq!(error, LoadError::QuoteUnclosed { row: 2, column: "descripcion".to_owned() });
    assert!(matches!(failed("\"folio,titulo\nA,uno\n"), LoadError::QuoteUnclosed { row: 1, .. }));
}

#[test]
fn the_currency_is_what_the_row_says_then_the_sign_then_the_mapping() {
    let currencies =
        |text: &str| -> Vec<Option<String>> { good(text).0.into_iter().map(|row| row.currency).collect() };
    let some = |code: &str| Some(code.to_owned());
    assert_eq!(
        currencies("folio,titulo,monto,moneda\nA,t,5,USD\nB,t,5 €,\nC,t,$5,\nD,t,,MXN\n"),
        [some("USD"), some("EUR"), some("MXN"), None]
    );
    let durango = "project_id,district_id,name,cost_mxn\nA,d1,t,";
    assert_eq!(currencies(&format!("{durango}5\n")), [some("MXN")]);
    assert_eq!(told(&format!("{durango}150.00 €\n")), ["2 cost_mxn currency-mismatch"]);
    assert_eq!(told(&format!("{durango}1.234\n")), ["2 cost_mxn amount-format"]);
}

#[test]
fn whoever_receives_the_rows_can_stop() {
    let mut seen = 0;
    let mut each = |_| {
        seen += 1;
        Err(LoadError::Stopped { detail: "enough".to_owned() })
    };
    let error = read_from(&b"folio,titulo\nA,b\nB,c\n"[..], Path::new("x"), None, &mut each).unwrap_err();
    assert_eq!((error.rule(), seen), ("load-stopped", 1));
}

#[test]
fn what_a_file_is_is_asked_of_its_first_bytes() {
    for (head, kind) in [
        (&b"folio,titulo"[..], Kind::Text),
        (b"", Kind::Blank),
        (b"PK\x03\x04", Kind::Zip),
        (b"%PDF-1.7", Kind::Other("pdf")),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Other("xls")),
        (b"\n <HTML><body>", Kind::Other("html")),
        (b"\xef\xbb\xbf<table>", Kind::Other("html")),
        (b"<?xml version", Kind::Other("xml")),
        (b"[{\"folio\": 1}]", Kind::Other("json")),
        (b"\x89PNG\r\n", Kind::Other("image")),
        (b"MZ\0\0\x01", Kind::Other("binary")),
        (b"\xff\xfef\0o\0", Kind::Text),
    ] {
        assert_eq!(sniff(head), kind, "{head:?}");
    }
}

#[test]
fn every_rule_and_every_stop_has_its_sentence_in_both_languages() {
    for rule in ROW_RULES {
        for lang in [Lang::Es, Lang::En] {
            let error = RowError {
                row: 7,
                column: "monto".to_owned(),
                value: "abc".to_owned(),
                rule: rule.to_owned(),
                params: Map::new(),
            };
            let sentence = error.prose(lang);
            assert!(sentence.contains('7') && sentence.contains("«monto», «abc»"), "{sentence}");
            // Only a rule without a sentence shows its id.
            assert!(!sentence.contains(rule) && sentence.len() > 50, "{sentence}");
        }
    }
    let path = Path::new("lista.csv").to_owned();
    let names = vec!["a".to_owned()];
    let (name, detail) = ("x".to_owned(), "y".to_owned());
    let stops = [
        LoadError::NotFound { path: path.clone() },
        LoadError::Unreadable { path: path.clone(), detail: detail.clone() },
        LoadError::Empty,
        LoadError::NoRows { mapping: name.clone(), headers: names.clone() },
        LoadError::NoMapping { headers: names.clone() },
        LoadError::MappingUnknown { name: name.clone(), known: names.clone() },
        LoadError::MappingInvalid { name: name.clone(), detail: detail.clone() },
        LoadError::MissingColumns { mapping: name.clone(), columns: names.clone(), headers: names.clone() },
        LoadError::DuplicateColumns { columns: names },
        LoadError::NotASpreadsheet { path: path.clone(), found: "pdf".to_owned() },
        LoadError::Damaged { path, detail: detail.clone() },
        LoadError::TooLarge { what: "rows".to_owned(), row: Some(3), limit: 9 },
        LoadError::QuoteUnclosed { row: 3, column: name },
        LoadError::Stopped { detail },
    ];
    assert_eq!(stops.each_ref().map(LoadError::rule), LoadError::RULES);
    for stop in &stops {
        assert!(stop.prose(Lang::Es).ends_with('.') && stop.prose(Lang::Es) != stop.prose(Lang::En));
        assert_eq!(stop.params().is_empty(), *stop == LoadError::Empty);
    }
}
