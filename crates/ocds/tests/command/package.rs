//! `ocds package`.

use serde_json::json;

use crate::program::{lines, ocds, package, releases, value, values};

#[test]
fn releases_become_a_package() {
    let releases = releases();
    let arguments = [
        "package",
        "releases",
        "--uri",
        "https://example.org/1.json",
        "--published-date",
        "2026-02-01T00:00:00Z",
        "--publisher-name",
        "Municipio de Ejemplo",
        "--publisher-scheme",
        "MX-RFC",
        "--extension",
        "https://example.org/a/extension.json",
        "--extension",
        "https://example.org/a/extension.json",
    ];
    let made = ocds(&arguments, lines(&releases).as_bytes());
    assert_eq!(made.err, "");
    let expected = json!({
        "uri": "https://example.org/1.json", "publisher": {"name": "Municipio de Ejemplo", "scheme": "MX-RFC"},
        "publishedDate": "2026-02-01T00:00:00Z", "version": "1.1",
        "extensions": ["https://example.org/a/extension.json"], "releases": releases
    });
    // The order of the fields as well.
    assert_eq!(made.good(), format!("{expected}\n"));
}

#[test]
fn packages_become_one_and_keep_what_they_said() {
    let releases = releases();
    let mut second = package("", &releases[2..]);
    second["extensions"] = json!(["https://example.org/b/extension.json"]);
    second["publisher"] = json!({"name": "Municipio de Muestra"});
    let mut first = package("", &releases[..2]);
    first["extensions"] =
        json!(["https://example.org/a/extension.json", "https://example.org/b/extension.json"]);
    let input = format!("{first}{second}");
    let made = value(&ocds(&["package", "releases", "--fake"], input.as_bytes()).good());
    assert_eq!(made["releases"], json!(releases));
    assert_eq!(made["publisher"], second["publisher"]);
    assert_eq!((&made["extensions"], &made["license"]), (&first["extensions"], &second["license"]));
    assert_eq!(ocds::schema::validate_release_package(&made), []);
}

#[test]
fn a_package_has_a_largest_size() {
    let releases = releases();
    for (size, expected) in [("1", vec![1, 1, 1]), ("2", vec![2, 1]), ("3", vec![3]), ("100", vec![3])] {
        for more in [&[][..], &["--pretty"]] {
            let arguments = [&["package", "releases", "--fake", "--size", size], more].concat();
            let made = values(&ocds(&arguments, lines(&releases).as_bytes()).good());
            let sizes: Vec<usize> =
                made.iter().map(|made| made["releases"].as_array().expect("releases").len()).collect();
            assert_eq!(sizes, expected);
            let all: Vec<_> =
                made.iter().flat_map(|made| made["releases"].as_array().expect("releases")).collect();
            assert_eq!(all, releases.iter().collect::<Vec<_>>());
        }
    }
    assert_eq!(ocds(&["package", "releases", "--size", "0"], b"").code, Some(2));
}

#[test]
fn records_and_releases_are_not_confused() {
    let releases = releases();
    let record = json!({"ocid": "ocds-abc123-1", "releases": releases[2..], "compiledRelease": releases[2]});
    let input = format!("{record}\n{}", lines(&releases[..1]));
    let (out, err) = ocds(&["package", "records", "--fake"], input.as_bytes()).bad();
    assert!(err.contains("stdin:2: this is no record"), "{err}");
    assert_eq!(value(&out)["records"], json!([record]));
    // The ocid of a record may come last.
    let turned = format!("{{\"releases\": {}, \"ocid\": \"ocds-abc123-1\"}}", json!(releases[2..]));
    let made = value(&ocds(&["package", "records", "--fake"], turned.as_bytes()).good());
    assert_eq!(made["records"], json!([value(&turned)]));
    // Releases are also those inside records.
    let made = value(&ocds(&["package", "releases", "--fake"], turned.as_bytes()).good());
    assert_eq!(made["releases"], json!(releases[2..]));
    let (out, err) = ocds(&["package", "releases", "--fake"], b"{\"id\": 1}").bad();
    assert!(out.is_empty() && err.contains("no release"), "{err}");
}
