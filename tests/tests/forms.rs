//! A form that the administration changes reaches devices by synchronisation, and what was begun before is not touched.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use domain::follow_up::FormRef;
use journeys::raw::RawDevice;
use journeys::{Central, Device, Host, complaint, progress, root, text, wait_until};
use serde_json::{Value, json};

/// The form of a stage as it ships, and its version.
fn shipped(stage: &str) -> (Value, u64) {
    let path = root().join(format!("schemas/capture/{stage}.json"));
    let form: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let version = form["x-version"].as_u64().unwrap();
    (form, version)
}

/// The next version of the form of the works: another title, and a field more.
fn next() -> (Value, u64) {
    let (mut form, version) = shipped("implementation");
    form["x-version"] = json!(version + 1);
    form["x-title"] = json!({"es": "Ejecución de muestra", "en": "Sample works"});
    form["properties"]["crew"] = json!({
        "type": "string", "x-kind": "number", "x-path": "/internal/crew", "x-class": "internal",
        "x-required": "always",
        "x-title": {"es": "Personas en la obra", "en": "People at the works"},
        "x-help": {"es": "Cuántas había ese día.", "en": "How many there were that day."},
    });
    form["x-groups"][0]["fields"].as_array_mut().unwrap().push(json!("crew"));
    (form, version + 1)
}

fn write(folder: &Path, form: &Value) -> PathBuf {
    let path = folder.join("formulario.json");
    std::fs::write(&path, serde_json::to_vec_pretty(form).unwrap()).unwrap();
    path
}

fn in_language(central: &Central, lang: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(journeys::program("avance-central"));
    command.arg("--data").arg(&central.data).args(arguments);
    command.env("LANG", lang).env_remove("LC_ALL").env_remove("LC_MESSAGES").env("RUST_LOG", "off");
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_reaches_a_device_and_a_draft_of_before_keeps_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras de muestra", true));
    let host = Host::start(&device.data);
    let begin = json!({"folio": "d1_p1", "stage": "implementation"});
    let before = host.call("draft_new", begin.clone()).await.unwrap();
    let typed = json!({"visitedOn": "12/03/2026", "physicalPlanned": "20", "physicalActual": "10"});
    host.call("draft_save", json!({"id": before["id"], "values": typed})).await.unwrap();
    drop(host);

    let (form, version) = next();
    let path = write(folder.path(), &form);
    let path = path.to_str().unwrap();
    let list = central.ok(&["forms", "list"]);
    central.ok(&["forms", "add", path, "--dry-run"]);
    assert_eq!(central.ok(&["forms", "list"]), list, "a dry run stores nothing");
    central.ok(&["forms", "add", path]);
    let used = format!("implementation\timplementation\t{version}\t");
    let line = central.ok(&["forms", "list"]);
    assert!(line.lines().any(|line| line.starts_with(&used) && line.ends_with("new drafts")), "{line}");
    let again = text(&in_language(&central, "es_MX.UTF-8", &["forms", "add", path]));
    assert!(again.contains("ya estaba"), "{again}");

    device.ok(&["send"]);
    let host = Host::start(&device.data);
    let kept = host.call("draft_open", json!({"id": before["id"]})).await.unwrap();
    assert_eq!(kept["form"]["version"], version - 1);
    assert_eq!((&kept["newerForm"], &kept["values"]), (&json!(version), &typed));
    let new = host.call("draft_new", begin).await.unwrap();
    assert_eq!((&new["form"]["version"], &new["newerForm"]), (&json!(version), &Value::Null));
    assert_eq!(new["form"]["title"]["es"], "Ejecución de muestra");
    // The field of the new version is asked for where it is, and only there.
    let values = json!({"visitedOn": "13/03/2026", "physicalPlanned": "20", "physicalActual": "12"});
    let asked = host.call("draft_save", json!({"id": new["id"], "values": values})).await.unwrap();
    assert_eq!(asked["missing"], 1, "{asked}");
    let values = json!({"crew": "14"});
    host.call("draft_save", json!({"id": new["id"], "values": values})).await.unwrap();
    for draft in [&before, &new] {
        host.call("draft_ready", json!({"id": draft["id"]})).await.unwrap();
    }
    drop(host);

    wait_until("both are published", Duration::from_secs(30), || {
        device.ok(&["send"]);
        device.count("published") == 2
    });
    // Inside, each names the form it was captured with, which is known, and the field stays there.
    let database = rusqlite::Connection::open(central.data.join("central.db")).unwrap();
    let mut select = database.prepare("SELECT body, findings FROM follow_up ORDER BY id").unwrap();
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    let (bodies, findings): (Vec<String>, Vec<String>) = rows.map(Result::unwrap).unzip();
    assert!(findings.iter().all(|findings| !findings.contains("form-unknown")), "{findings:?}");
    let bodies: Vec<Value> = bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    let forms: Vec<u64> = bodies.iter().map(|body| body["form"]["version"].as_u64().unwrap()).collect();
    assert_eq!(forms, [version - 1, version]);
    assert_eq!(bodies[1]["content"]["internal"]["fields"]["crew"], 14);
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_does_not_ask_for_forms_is_given_none() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let (form, version) = next();
    central.ok(&["forms", "add", write(folder.path(), &form).to_str().unwrap()]);
    // Also one that reads every stream there is.
    let code = central.code("Persona de muestra", "coordinacion", "Coordinación", true);
    let raw = RawDevice::enrol(&central.url(), &code).await;
    let kinds = |body: &Value| -> Vec<String> {
        let changes = body["changes"].as_array().unwrap();
        changes.iter().map(|change| change["kind"].as_str().unwrap().to_owned()).collect()
    };
    let without = raw.get("sync/pull?cursor=").await;
    assert_eq!(without.status, 200, "{without:?}");
    assert!(!without.body["scope"].as_array().unwrap().contains(&json!("forms")), "{without:?}");
    assert!(!kinds(&without.body).contains(&"form".to_owned()));
    let with = raw.get("sync/pull?cursor=&forms=true").await;
    assert!(with.body["scope"].as_array().unwrap().contains(&json!("forms")), "{with:?}");
    assert_eq!(kinds(&with.body).iter().filter(|kind| *kind == "form").count(), 1);

    // What was captured with a form that is not here is taken, and it is told.
    for (seq, version, told) in [(1, version, false), (2, version + 7, true)] {
        let mut operation = raw.operation(seq, "d1_p1", &progress(10));
        let form = FormRef { id: "implementation".into(), version: u32::try_from(version).unwrap() };
        operation.body["form"] = serde_json::to_value(form).unwrap();
        let said = raw.push(vec![operation]).await;
        let result = &said.body["results"][0];
        assert_eq!(result["outcome"], "recorded", "{said:?}");
        let findings = result["findings"].as_array().cloned().unwrap_or_default();
        let about = findings.iter().find(|finding| finding["rule"] == "form-unknown");
        assert_eq!(about.is_some(), told, "{result}");
        assert!(about.is_none_or(|finding| finding["severity"] == "warning"), "{result}");
    }
}

#[test]
fn a_form_that_cannot_be_used_is_refused_with_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    let before = central.ok(&["forms", "list"]);
    type Change = fn(&mut Value);
    let cases: &[(&str, &str, &str, Change)] = &[
        ("/properties/crew/x-kind", "«hologram» no es una de las palabras", "none of the words", |form| {
            form["properties"]["crew"]["x-kind"] = json!("hologram");
        }),
        ("/properties/crew/x-help", "falta", "is not there", |form| {
            form["properties"]["crew"].as_object_mut().unwrap().remove("x-help");
        }),
        ("/properties/crew/x-title/en", "en español y en inglés", "in Spanish and in English", |form| {
            form["properties"]["crew"]["x-title"]["en"] = json!("");
        }),
        ("/properties/crew", "ningún grupo", "in no group", |form| {
            form["x-groups"][0]["fields"].as_array_mut().unwrap().pop();
        }),
        ("/properties/crew/x-class", "bajo /internal/", "under /internal/", |form| {
            form["properties"]["crew"]["x-class"] = json!("public");
        }),
        ("/properties/crew/x-path", "«/release/contracts/0/crew»", "nor a declared extension", |form| {
            form["properties"]["crew"]["x-class"] = json!("public");
            form["properties"]["crew"]["x-path"] = json!("/release/contracts/0/crew");
        }),
        ("/properties/crew/x-path", "sólo el servidor central", "only the central endpoint", |form| {
            form["properties"]["crew"]["x-class"] = json!("public");
            form["properties"]["crew"]["x-path"] = json!("/release/date");
        }),
        ("/x-version", "sube x-version a", "set x-version to", |form| {
            form["x-version"] = json!(form["x-version"].as_u64().unwrap() - 1);
        }),
        ("/$id", "se llama «implementation»", "is called «implementation»", |form| {
            form["$id"] = json!("obra");
        }),
    ];
    for (place, es, en, change) in cases {
        let (mut form, _) = next();
        change(&mut form);
        let path = write(folder.path(), &form);
        for (lang, expected) in [("es_MX.UTF-8", es), ("en_US.UTF-8", en)] {
            let output = in_language(&central, lang, &["forms", "add", path.to_str().unwrap()]);
            let said = complaint(&output);
            assert_eq!(output.status.code(), Some(1), "{place}: {said}");
            assert!(
                said.contains(&format!("{place}: ")) && said.contains(expected),
                "{place} {lang}: {said}"
            );
        }
    }
    for (bytes, expected) in [(&b"{"[..], "no se puede leer"), (b"", "no se puede leer"), (b"[]", "falta")] {
        let path = folder.path().join("roto.json");
        std::fs::write(&path, bytes).unwrap();
        let output = in_language(&central, "es_MX.UTF-8", &["forms", "add", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(complaint(&output).contains(expected), "{}", complaint(&output));
    }
    // A key that is there twice would be a field that silently disappears.
    let (form, _) = next();
    let twice = form.to_string().replacen("\"properties\":{", "\"properties\":{\"crew\":{},", 1);
    let path = folder.path().join("doble.json");
    std::fs::write(&path, twice).unwrap();
    assert_eq!(central.run(&["forms", "add", path.to_str().unwrap()]).status.code(), Some(1));
    assert!(!central.run(&["forms", "add", "no-existe.json"]).status.success());
    assert_eq!(central.ok(&["forms", "list"]), before, "nothing was stored");
}
