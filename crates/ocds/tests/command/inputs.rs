//! What is read: the same releases in every form that they come in.

use serde_json::{Value, json};

use crate::program::{Folder, gzip, lines, ocds, package, release, releases, value, values, zstandard};

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON")
}

fn joined(values: &[Value], between: &str) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join(between)
}

#[test]
fn every_form_gives_the_same() {
    let releases = releases();
    let whole = package("https://example.org/1.json", &releases);
    let records = json!({"records": [
        {"ocid": "ocds-abc123-2", "releases": releases[..2]}, {"releases": releases[2..], "ocid": "ocds-abc123-1"}
    ], "version": "1.1"});
    let list = Value::from(releases.clone());
    let halves = [package("", &releases[..1]), package("", &releases[1..])];
    let after = format!("{{\"releases\": {list}, \"version\": \"1.1\", \"uri\": \"\"}}");
    let with_null =
        format!("{{\"version\": \"1.1\", \"releases\": [null, {}, null]}}", joined(&releases, ", null,"));
    let forms: Vec<(&str, Vec<u8>)> = vec![
        ("lines", lines(&releases).into()),
        ("lines without the last break", joined(&releases, "\n").into()),
        ("lines ended by CR LF", joined(&releases, "\r\n").into()),
        ("lines with space around", joined(&releases, " \t\n\n  \n").into()),
        ("one after the other", joined(&releases, "").into()),
        ("one after the other, in one line", (joined(&releases, "") + "\n").into()),
        ("with spaces between", (joined(&releases, " \t ") + "\n").into()),
        ("two in a line, then one", format!("{}{}\n{}\n", releases[0], releases[1], releases[2]).into()),
        ("for people", releases.iter().map(pretty).collect::<String>().into()),
        ("a list", list.to_string().into()),
        ("a list for people", pretty(&list).into()),
        ("lists", format!("{}{}", json!(releases[..1]), json!(releases[1..])).into()),
        ("a package", whole.to_string().into()),
        ("a package for people", pretty(&whole).into()),
        ("a package that says who it is at its end", after.into()),
        ("with null", with_null.into()),
        ("records", records.to_string().into()),
        ("records for people", pretty(&records).into()),
        ("records in lines", lines(records["records"].as_array().expect("records")).into()),
        ("records in a list", records["records"].to_string().into()),
        ("packages", joined(&halves, "\n").into()),
        ("a list of packages", Value::from(halves.to_vec()).to_string().into()),
        ("a list of anything", json!([releases[0], package("", &releases[1..2]), {"ocid": "ocds-abc123-1", "releases": releases[2..]}]).to_string().into()),
        ("a mark", format!("\u{feff}{}", lines(&releases)).into()),
        ("a mark before a package", format!("\u{feff}{}", pretty(&whole)).into()),
    ];
    let folder = Folder::new();
    let expected = ocds(&["compile"], lines(&releases).as_bytes()).good();
    assert_eq!(values(&expected).len(), 2);
    for (form, text) in forms {
        assert_eq!(ocds(&["compile"], &text).good(), expected, "{form}");
        assert_eq!(ocds(&["compile", &folder.file("plain", &text)], b"").good(), expected, "{form}, a file");
        let grouped = values(&ocds(&["compile", "--grouped"], &text).good());
        assert_eq!(grouped.iter().rev().cloned().collect::<Vec<_>>(), values(&expected), "{form}, grouped");
        let members = [gzip(&text[..text.len() / 2]), gzip(&text[text.len() / 2..])].concat();
        for (packed, bytes) in
            [("gzip", gzip(&text)), ("two gzips", members), ("Zstandard", zstandard(&text))]
        {
            assert_eq!(ocds(&["compile"], &bytes).good(), expected, "{form}, {packed}");
            assert_eq!(
                ocds(&["compile", &folder.file("packed", &bytes)], b"").good(),
                expected,
                "{form}, {packed} file"
            );
        }
    }
}

#[test]
fn several_files_are_read_as_one() {
    let folder = Folder::new();
    let releases = releases();
    let first = folder.file("1.json", package("", &releases[1..]).to_string());
    let second = folder.file("2.jsonl.gz", gzip(lines(&releases[..1])));
    let expected = ocds(&["compile"], lines(&releases).as_bytes()).good();
    assert_eq!(ocds(&["compile", &first, &second], b"").good(), expected);
    assert_eq!(ocds(&["compile", &first, "-"], lines(&releases[..1]).as_bytes()).good(), expected);
}

#[test]
fn other_encodings_are_read_if_they_are_named() {
    let releases = lines(&releases());
    let expected = ocds(&["compile"], releases.as_bytes()).good();
    let latin: Vec<u8> =
        releases.chars().map(|character| u8::try_from(u32::from(character)).expect("Latin-1")).collect();
    assert!(latin.len() < releases.len());
    for arguments in [["--encoding", "iso-8859-1", "compile"], ["compile", "--encoding", "latin1"]] {
        assert_eq!(ocds(&arguments, &latin).good(), expected);
    }
    let utf_16: Vec<u8> = releases.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(ocds(&["compile", "--encoding", "utf-16le"], &utf_16).good(), expected);
    let (_, err) = ocds(&["compile"], &latin).bad();
    assert!(err.contains("not UTF-8"), "{err}");
    let (_, err) = ocds(&["compile", "--encoding", "klingon"], &latin).bad();
    assert!(err.contains("klingon"), "{err}");
}

#[test]
fn what_is_larger_than_one_read_is_read() {
    // Lines of all lengths, one of which no chunk holds: whatever the chunks are, something lies across them.
    let text = |n: usize| "Construcción de \"banquetas\" \\ ".repeat(n);
    let many: Vec<Value> = (0..40)
        .map(|n| {
            let length = if n == 20 { 90_000 } else { n * 251 };
            release(&format!("ocds-abc123-{n:03}"), 1, json!({"description": text(length)}))
        })
        .collect();
    let plain = lines(&many);
    assert!(many[20].to_string().len() > 2 << 20);
    let expected = ocds(&["compile"], plain.as_bytes()).good();
    assert_eq!(values(&expected).len(), 40);
    for (own, release) in values(&expected).iter().zip(&many) {
        assert_eq!(own["description"], release["description"]);
    }
    let whole = package("", &many);
    for form in [whole.to_string(), pretty(&whole), joined(&many, ""), many.iter().map(pretty).collect()] {
        assert!(ocds(&["compile"], form.as_bytes()).good() == expected);
        assert!(ocds(&["compile", "--grouped"], &gzip(&form)).good() == expected);
    }
}

#[test]
fn documents_may_be_inside_something_else() {
    let releases = releases();
    let expected = ocds(&["compile"], lines(&releases).as_bytes()).good();
    let whole = package("", &releases);
    let answers = [
        ("results.item", json!({"next": {"releases": [{"ocid": "x"}]}, "results": releases})),
        ("results", json!({"count": 3, "results": releases})),
        (
            "results.item.release",
            json!({"results": releases.iter().map(|one| json!({"release": one})).collect::<Vec<_>>()}),
        ),
        ("item", json!(releases)),
        ("item.item", json!([[releases[0]], 7, {"item": releases[1]}, [releases[2]]])),
        ("releases.item", whole.clone()),
        ("a.b", json!({"a.b": whole})),
        ("a.b.item", json!({"a": {"b": [whole], "c": [1, 2]}, "a.c": 7})),
        ("año", json!({"año": whole})),
    ];
    for (path, answer) in answers {
        for text in [answer.to_string(), pretty(&answer)] {
            assert_eq!(ocds(&["compile", "--root-path", path], text.as_bytes()).good(), expected, "{path}");
        }
    }
    // Documents follow one another inside, too; and nothing may be there.
    let lines: String = releases.iter().map(|one| format!("{}\n", json!({"data": one}))).collect();
    assert_eq!(ocds(&["compile", "--root-path", "data"], lines.as_bytes()).good(), expected);
    assert_eq!(ocds(&["compile", "--root-path", "results.item"], b"{\"results\": []}").good(), "");
    let deep = "[".repeat(100_000);
    let path = vec!["item"; 1_000].join(".");
    ocds(&["compile", "--root-path", &path], deep.as_bytes()).bad();
    // Places are those in the document.
    let bad = json!({"results": [releases[0], release("ocds-abc123-7", 1, json!({"folio": 1}))]}).to_string();
    let report = ocds(&["check", "--root-path", "results.item", "--format", "json"], bad.as_bytes());
    let report = value(&report.out);
    assert_eq!(
        (&report[0]["findings"][0]["document"], &report[0]["findings"][0]["pointer"]),
        (&json!(2), &json!("/folio"))
    );
}

#[test]
fn errors_are_placed_in_the_whole_text() {
    let releases = releases();
    let good = pretty(&package("", &releases));
    let place = |text: &str, needle: &str| {
        let at = text.find(needle).expect("it is there");
        let line = text[..at].matches('\n').count() + 1;
        let column = text[..at].chars().rev().take_while(|character| *character != '\n').count() + 1;
        format!("at line {line} column {column}")
    };
    let mut wrong = vec![
        // In a release.
        good.replace("\"rationale\": \"Banquetas dañadas\"", "\"rationale\": ¡ay"),
        // Between releases.
        good.replacen("    },\n    {\n      \"ocid\"", "    } ¡\n    {\n      \"ocid\"", 1),
    ];
    // In what the package says about itself, after its releases.
    let mut after = good.replacen("{\n", "{\n  \"releases\": [],\n", 1);
    after.truncate(after.len() - 2);
    after.push_str(",\n  \"license\": [1, ñ, ¡ ]\n}");
    wrong.push(after.replace("ñ, ", "2, "));
    wrong.push(after.replace("[1, ñ, ¡ ]", "¡nunca"));
    for text in wrong {
        let expected = place(&text, "¡");
        for more in [&[][..], &["--grouped"]] {
            if !more.is_empty() && !text.contains("license\": ¡") {
                continue;
            }
            let folder = Folder::new();
            let (_, err) = ocds(&[&["compile", &folder.file("a.json", &text)], more].concat(), b"").bad();
            assert!(err.contains(&expected), "{expected}: {err}");
        }
        let (_, err) = ocds(&["compile"], &gzip(&text)).bad();
        assert!(err.contains(&expected), "{expected}: {err}");
    }
    // What is odd, too.
    let odd = good.replace("\"uri\": \"\"", "\"uri\": \"\",\n  \"ñ\": 1, \"uri\": \"https://example.org/\"");
    let odd = odd.replace("\"license\"", "\"license\": 1,\n \"license\"");
    let report = value(&ocds(&["check", "--format", "json"], odd.as_bytes()).out);
    let found: Vec<&Value> = report[0]["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|found| found["rule"] == "json")
        .collect();
    assert_eq!(found.len(), 2, "{report}");
    for (found, needle) in found.iter().zip(["\"uri\": \"https", "\"license\": \"https"]) {
        let told = format!("at line {} column {}", found["params"]["line"], found["params"]["column"]);
        assert_eq!(told, place(&odd, needle));
    }
}

#[test]
fn a_text_full_of_errors_is_told_place_by_place() {
    // Longer than the steps between which places are remembered, with and without line breaks.
    let one = |n: usize| format!("{{\"ocid\": \"ocds-abc123-{n}\", \"id\": \"año {n}\", \"id\": NaN}}");
    let many: Vec<String> = (0..3_000).map(one).collect();
    for (between, jobs) in [("\n", "1"), ("\n", "4"), (",", "4")] {
        let text = if between == "," { format!("[{}]", many.join(",")) } else { many.join(between) };
        let (_, err) = ocds(&["compile", "--jobs", jobs], text.as_bytes()).bad();
        assert_eq!(err.lines().count(), many.len());
        let before = |n: usize| many[..n].iter().map(|one| one.chars().count() + 1).sum::<usize>();
        for n in [0, 1, 999, 2_999] {
            let column = many[n].chars().position(|character| character == 'N').expect("it is there") + 1;
            let expected = match between {
                "\n" => format!("line {} column {column}\n", n + 1),
                _ => format!("line 1 column {}\n", column + before(n) + 1),
            };
            assert!(err.contains(&expected), "{expected}");
        }
        // The same, odd instead of wrong.
        let odd = text.replace("NaN", "1e9");
        let report = value(&ocds(&["check", "--format", "json", "--jobs", jobs], odd.as_bytes()).out);
        let found = report[0]["findings"].as_array().expect("findings").iter();
        let odd: Vec<&Value> = found.filter(|found| found["params"]["reason"] == "repeated-name").collect();
        assert_eq!(odd.len(), many.len());
        let column = many[999].chars().count() - 9;
        let expected = match between {
            "\n" => (1_000, column),
            _ => (1, column + before(999) + 1),
        };
        assert_eq!(
            (&odd[999]["params"]["line"], &odd[999]["params"]["column"]),
            (&json!(expected.0), &json!(expected.1))
        );
    }
}

#[test]
fn what_cannot_be_opened_is_told() {
    let folder = Folder::new();
    let own = folder.path().to_str().expect("a path");
    let empty = folder.file("empty.json", "");
    let torn = folder.file("torn.json.gz", &gzip(lines(&releases()))[..200]);
    let no_zstandard = folder.file("torn.zst", &zstandard(lines(&releases()))[..100]);
    for verb in
        [&["compile"][..], &["compile", "--grouped"], &["coverage"], &["oc4ids"], &["package", "records"]]
    {
        for (path, expected) in [
            ("no-such-file.json", "cannot be read"),
            (own, "cannot be read"),
            (&empty, "it is empty"),
            (&torn, "cannot be read"),
            (&no_zstandard, "cannot be read"),
        ] {
            let (out, err) = ocds(&[verb, &[path]].concat(), b"").bad();
            assert!(err.contains(path) && err.contains(expected), "{verb:?}: {err}");
            assert!(out.is_empty(), "{verb:?}: {out}");
        }
    }
}
