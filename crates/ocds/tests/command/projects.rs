//! `ocds oc4ids`.

use serde_json::json;

use crate::program::{Folder, lines, ocds, package, releases, value};

const OC4IDS: &[&str] = &["oc4ids", "--prefix", "oc4ids-abc123", "--fake", "--now", "2026-05-01T00:00:00Z"];

#[test]
fn processes_become_projects() {
    let run = ocds(OC4IDS, lines(&releases()).as_bytes());
    let made = value(&run.out);
    assert_eq!(made["projects"].as_array().map(Vec::len), Some(1), "{made}");
    let project = &made["projects"][0];
    assert_eq!((&project["id"], &project["title"]), (&json!("oc4ids-abc123-P-1"), &json!("Banquetas")));
    let ids: Vec<_> =
        project["contractingProcesses"].as_array().expect("processes").iter().map(|own| &own["id"]).collect();
    assert_eq!(ids, ["ocds-abc123-1", "ocds-abc123-2"]);
    // Records give the same.
    let records = ocds(&["compile", "--package", "--fake"], lines(&releases()).as_bytes()).good();
    assert_eq!(value(&ocds(OC4IDS, records.as_bytes()).good()), made);
    run.good();
}

#[test]
fn what_projects_know_of_themselves_wins() {
    let folder = Folder::new();
    let data = folder.file(
        "projects.json",
        json!([{"id": "P-1", "title": "Banquetas del centro"}, {"id": "P-2", "title": "Parque"}]).to_string(),
    );
    let arguments = [OC4IDS, &["--data", &data, "--release-url", "https://example.org/{ocid}/{id}"]].concat();
    let made = value(&ocds(&arguments, package("", &releases()).to_string().as_bytes()).good());
    let titles: Vec<_> =
        made["projects"].as_array().expect("projects").iter().map(|own| &own["title"]).collect();
    assert_eq!(titles, ["Banquetas del centro", "Parque"]);
    let url = &made["projects"][0]["contractingProcesses"][0]["releases"][0]["url"];
    assert_eq!(url, "https://example.org/ocds-abc123-1/ocds-abc123-1-1");
    for bad in ["[{\"title\": \"sin id\"}]", "[{\"id\": \"a\"}, {\"id\": \"a\"}]", "{"] {
        let data = folder.file("bad.json", bad);
        let (out, err) = ocds(&["oc4ids", "--data", &data], lines(&releases()).as_bytes()).bad();
        assert!(out.is_empty() && err.contains("bad.json"), "{err}");
    }
}

#[test]
fn what_is_in_no_project_is_told() {
    let mut releases = releases();
    releases[2]["planning"] = json!({"rationale": "Sin proyecto"});
    let run = ocds(OC4IDS, lines(&releases).as_bytes());
    assert!(
        run.err.contains("1 times, first in ocds-abc123-1: a process has no planning.project.id"),
        "{}",
        run.err
    );
    run.good();
}
