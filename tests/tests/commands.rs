//! Every command against wrong input: a clear sentence in the language of the terminal, an exit code, nothing half-done.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::process::{Command, Output};

use journeys::{Central, Device, PASSPHRASE, complaint, photograph, progress, project_list};
use serde_json::{Value, json};

fn central(folder: &Path) -> Central {
    let central = Central::new(&folder.join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    central
}

fn projects(central: &Central) -> Value {
    let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).unwrap();
    status["projects"].clone()
}

fn in_language(central: &Central, lang: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(journeys::program("avance-central"));
    command
        .arg("--data")
        .arg(&central.data)
        .args(arguments)
        .env("LANG", lang)
        .env_remove("LC_ALL")
        .env("RUST_LOG", "off");
    command.output().unwrap()
}

#[test]
fn lists_that_cannot_be_loaded_load_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let central = central(folder.path());
    let cases: &[(&str, &[u8], &str, &str)] = &[
        ("vacio.csv", b"", "vac", "empty"),
        (
            "delimitador.csv",
            b"project_id#district_id#name#cost_mxn\nA1#d1#Uno#5\n",
            "project_id#district_id",
            "project_id#district_id",
        ),
        ("otros.csv", b"uno,dos\n1,2\n", "uno", "dos"),
        ("negativo.csv", b"folio,titulo,monto\nA1,Uno,10\nA2,Dos,-5\n", "Fila 3", "Row 3"),
        ("nan.csv", b"folio,titulo,monto\nA1,Uno,NaN\n", "NaN", "NaN"),
        ("fecha.csv", b"folio,titulo,fecha\nA1,Uno,31/02/2026\n", "31/02/2026", "31/02/2026"),
        ("doble.csv", b"folio,titulo\nA1,Uno\nA2,Dos\nA1,Tres\n", "Fila 4", "Row 4"),
        ("folio.csv", b"folio,titulo\n../../etc,Uno\n", "../../etc", "../../etc"),
        ("falso.xlsx", b"PK\x03\x04 not a workbook", "falso.xlsx", "falso.xlsx"),
    ];
    for (name, bytes, es, en) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        for (lang, expected) in [("es_MX.UTF-8", es), ("en_US.UTF-8", en)] {
            let output = in_language(&central, lang, &["load", path.to_str().unwrap()]);
            assert_eq!(output.status.code(), Some(1), "{name}");
            assert!(complaint(&output).contains(expected), "{name} {lang}: {}", complaint(&output));
        }
        assert_eq!(projects(&central), 0, "{name}");
    }
    let spanish = complaint(&in_language(&central, "es_MX.UTF-8", &["load", "no-existe.csv"]));
    assert!(spanish.contains("No existe el archivo"), "{spanish}");
    let english = complaint(&in_language(&central, "en_US.UTF-8", &["load", "no-existe.csv"]));
    assert!(english.contains("There is no file"), "{english}");
    assert!(!central.run(&["load", folder.path().to_str().unwrap()]).status.success());

    // The good rows alone, when that is asked for; a dry run stores nothing.
    let mixed = folder.path().join("negativo.csv");
    central.ok(&["load", mixed.to_str().unwrap(), "--accept-good-rows", "--dry-run"]);
    assert_eq!(projects(&central), 0);
    central.ok(&["load", mixed.to_str().unwrap(), "--accept-good-rows"]);
    assert_eq!(projects(&central), 1);
    // Windows-1252, with its accents.
    let latin = folder.path().join("latin.csv");
    std::fs::write(&latin, b"folio;titulo;monto\r\nA9;Pavimentaci\xf3n ni\xf1o;1.234,50 \x80\r\n").unwrap();
    central.ok(&["load", latin.to_str().unwrap()]);
    assert_eq!(projects(&central), 2);
    central.ok(&["publish"]);
    let record = central.record("ocds-000000-A9");
    assert_eq!(record["compiledRelease"]["title"], "Pavimentación niño");
    assert_eq!(
        record["compiledRelease"]["planning"]["budget"]["amount"],
        json!({"amount": 1234.5, "currency": "EUR"})
    );
}

#[test]
fn people_and_configuration_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let central = central(folder.path());
    for arguments in [
        &["people", "add", "--name", "X", "--role", "jefe", "--area", "Obras"][..],
        &["people", "add", "--name", " ", "--role", "enlace", "--area", "Obras"],
        &["people", "add", "--name", "X", "--role", "enlace", "--area", "---"],
        &["people", "add", "--name", "X", "--role", "enlace"],
        &["serve", "--listen", "nowhere"],
        &["--ocds-prefix", "OCDS-ABC123", "status"],
        &["--license", "ftp://x", "status"],
        &["--config", "no-existe.toml", "status"],
        &["unknown"],
    ] {
        let output = central.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(!complaint(&output).is_empty() && output.stdout.is_empty(), "{arguments:?}");
    }
    for (lang, expected) in
        [("es_MX.UTF-8", "no es un prefijo OCDS"), ("en_US.UTF-8", "is not an OCDS prefix")]
    {
        let output = in_language(&central, lang, &["--ocds-prefix", "x", "status"]);
        assert!(complaint(&output).contains(expected), "{lang}: {}", complaint(&output));
    }
    assert!(central.ok(&["people", "list"]).is_empty());
    let alone = Command::new(journeys::program("avance-central"))
        .arg("status")
        .env_remove("AVANCE_DATA")
        .output()
        .unwrap();
    assert!(complaint(&alone).contains("--data"), "{}", complaint(&alone));
}

#[test]
fn what_a_device_cannot_capture_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = central(folder.path());
    central.ok(&["load", project_list().0.to_str().unwrap()]);
    central.start();
    let device = Device::new(&folder.path().join("equipo"));
    let nobody = device.run(&["enrol", "--server", &central.url(), "--code", "0000000000"]);
    assert!(!nobody.status.success() && !complaint(&nobody).is_empty());
    let nowhere = device.run(&["enrol", "--server", "no es una dirección", "--code", "0000000000"]);
    assert!(!nowhere.status.success() && !complaint(&nowhere).is_empty());
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras", true));

    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = write("bueno.json", progress(10).to_string().as_bytes());
    let mut negative = journeys::with_contract("C-1", 5, 10);
    negative["release"]["contracts"][0]["value"]["amount"] = json!(-5);
    let negative = write("negativo.json", negative.to_string().as_bytes());
    let mut later = progress(10);
    later["visitedOn"] = json!("2049-01-01");
    let later = write("futuro.json", later.to_string().as_bytes());
    let not_a_day = write(
        "fecha.json",
        br#"{"stage":"implementation","visitedOn":"31/02/2026","progress":{"physical":{"actual":1}}}"#,
    );
    let not_a_number = write(
        "nan.json",
        br#"{"stage":"implementation","visitedOn":"2026-03-12","progress":{"physical":{"actual":NaN}}}"#,
    );
    let nothing = write("nada.json", br#"{"stage":"implementation"}"#);
    let empty = write("vacio.json", b"");
    let fake = write("falsa.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>");
    let torn = write("rota.jpg", &[0xFF, 0xD8, 0xFF, 0xE0, 0, 16, b'J', b'F', b'I', b'F', 0]);
    let fake = format!("{fake}:illustration");
    let torn = format!("{torn}:illustration");
    let photo = photograph(&folder.path().join("foto.jpg"), 7);
    let no_type = format!("{}:selfie", photo.display());
    for (arguments, expected) in [
        (vec!["--project", "no-such", "--file", &good], "no-such"),
        (vec!["--project", "d1_p1", "--file", "no-existe.json"], "no-existe.json"),
        (vec!["--project", "d1_p1", "--file", &negative], "-5"),
        (vec!["--project", "d1_p1", "--file", &later], "2049-01-01"),
        (vec!["--project", "d1_p1", "--file", &not_a_day], "31/02/2026"),
        (vec!["--project", "d1_p1", "--file", &not_a_number], "nan.json"),
        (vec!["--project", "d1_p1", "--file", &nothing], "nothing-captured"),
        (vec!["--project", "d1_p1", "--file", &empty], "vacio.json"),
        (vec!["--project", "d1_p1", "--file", &good, "--evidence", &fake], "falsa.jpg"),
        (vec!["--project", "d1_p1", "--file", &good, "--evidence", &torn], "rota.jpg"),
        (vec!["--project", "d1_p1", "--file", &good, "--evidence", &no_type], "selfie"),
        (
            vec!["--project", "d1_p1", "--file", &good, "--evidence", "no-existe.jpg:illustration"],
            "no-existe.jpg",
        ),
    ] {
        let mut all = vec!["capture"];
        all.extend(arguments);
        let output = device.run(&all);
        assert_eq!(output.status.code(), Some(1), "{all:?}: {}", complaint(&output));
        assert!(complaint(&output).contains(expected), "{all:?}: {}", complaint(&output));
    }
    let status = device.json(&["status", "--json"]);
    let waiting: u64 =
        ["draft", "ready", "received"].iter().filter_map(|state| status["counts"][state].as_u64()).sum();
    assert_eq!(waiting, 0, "{status}");
    let twice = device.run(&["enrol", "--server", &central.url(), "--code", "0000000000"]);
    assert!(!twice.status.success());
    // A wrong passphrase opens nothing; none at all says what is needed.
    let data = device.data.to_str().unwrap();
    for passphrase in [Some("otra frase que no es"), None] {
        let mut command = Command::new(journeys::program("avance-device"));
        command
            .args(["status", "--data", data])
            .env_remove("AVANCE_PASSPHRASE")
            .env_remove("DBUS_SESSION_BUS_ADDRESS");
        if let Some(passphrase) = passphrase {
            command.env("AVANCE_PASSPHRASE", passphrase);
        }
        let output = command.output().unwrap();
        assert!(!output.status.success() && !complaint(&output).is_empty());
    }
    // Every byte on the disk is sealed.
    device.capture("d1_p1", &progress(10), &[]);
    for path in journeys::files_under(&device.data) {
        let bytes = std::fs::read(&path).unwrap();
        for secret in [journeys::CANARY, PASSPHRASE, "GUARNICIONES", "d1_p1"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} shows «{secret}»", path.display());
        }
    }
}

#[test]
fn a_receipt_on_paper_is_verified_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = central(folder.path());
    central.ok(&["load", project_list().0.to_str().unwrap()]);
    central.start();
    let device = Device::new(&folder.path().join("equipo"));
    let code = central.code("Persona de muestra", "enlace", "Obras de muestra", true);
    device.ok(&["enrol", "--server", &central.url(), "--code", &code, "--device", "Laptop"]);
    let photo = photograph(&folder.path().join("foto.jpg"), 60);
    device.capture("d1_p1", &progress(10), &[format!("{}:illustration", photo.display())]);
    device.capture("d1_p2", &progress(20), &[]);
    device.ok(&["send"]);
    central.kill();

    let pages = folder.path().join("acuses");
    let pages_text = pages.to_str().unwrap();
    let saved = device.ok(&["receipts", "--pdf", pages_text]);
    let paths: Vec<&str> = saved.lines().collect();
    assert_eq!(paths.len(), 2, "{saved}");
    let verified = device.ok(&["receipts", "--verify", paths[0], paths[1]]);
    assert_eq!(verified.matches("válido").count() + verified.matches("valid").count(), 2, "{verified}");
    // What was saved is somebody's now: it is not written over.
    let before = std::fs::read(paths[0]).unwrap();
    let again = device.ok(&["receipts", "--pdf", pages_text]);
    assert!(again.contains("ya estaba") || again.contains("already"), "{again}");
    assert_eq!(std::fs::read(paths[0]).unwrap(), before);

    // A forged one is told apart, and so is a receipt of another municipality, and what is no receipt.
    let receipts: Value = serde_json::from_str(&device.ok(&["receipts", "--json"])).unwrap();
    let mut forged = receipts[0]["receipt"].clone();
    forged["folio"] = json!("S-00000-00000");
    let path = folder.path().join("falso.json");
    std::fs::write(&path, forged.to_string()).unwrap();
    let output = device.run(&["receipts", "--verify", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let output = device.run(&["receipts", "--verify", photo.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("foto.jpg"), "{}", complaint(&output));
}
