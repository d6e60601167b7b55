//! `avance-device`, as a person or a script runs it.

use std::path::Path;
use std::process::Output;

use domain::problem::Code;
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::{FOLIO, PASSPHRASE, photo};

async fn run(dir: &Path, args: &[&str]) -> Output {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_avance-device"))
        .args(args)
        .env("AVANCE_DATA", dir.join("data"))
        .env("AVANCE_PASSPHRASE", PASSPHRASE)
        .env("LANG", "C")
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .output()
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn ok(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args).await;
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

async fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(dir, args).await).unwrap()
}

fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn a_day_of_work() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let dir = dir.path();
    let output = run(dir, &["projects"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("enrol"));

    ok(dir, &["enrol", "--server", endpoint.url(), "--code", "ABCDE-12345"]).await;
    let rows = json(dir, &["projects", "--json"]).await;
    assert_eq!((rows[0]["folio"].as_str(), rows[0]["title"].as_str()), (Some(FOLIO), Some("Jardín de la Ñ")));
    assert_eq!(rows[0]["ocid"], "ocds-000000-d1_p1");

    let stamp = json!({"stage": "implementation", "visitedOn": "2020-01-01", "progress": {"physical": {"planned": 40, "actual": 33}}});
    let good = write(dir, "bueno.json", stamp.to_string());
    let bad = write(
        dir,
        "malo.json",
        r#"{"stage": "implementation", "visitedOn": "2020-01-01", "progress": {"physical": {"actual": 101}}}"#,
    );
    let typo = write(dir, "errata.json", r#"{"stage": "implementation", "progres": {}}"#);
    let picture = write(dir, "foto.jpg", photo(1));

    endpoint.data().faults.login_page = true;
    let folio = ok(
        dir,
        &["capture", "--project", FOLIO, "--file", &good, "--evidence", &format!("{picture}:illustration")],
    )
    .await;
    assert!(folio.starts_with("S-") && folio.trim().len() == 13, "{folio}");
    let refused = run(dir, &["capture", "--project", FOLIO, "--file", &bad]).await;
    assert_eq!(refused.status.code(), Some(1));
    let words = text(&refused.stderr);
    assert!(words.contains("/progress/physical/actual percent-range «101»"), "{words}");
    for (args, word) in [
        (vec!["capture", "--project", "otro", "--file", &good], "otro"),
        (vec!["capture", "--project", FOLIO, "--file", &typo], "progres"),
        (vec!["capture", "--project", FOLIO, "--file", "/no/existe"], "/no/existe"),
    ] {
        let output = run(dir, &args).await;
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(text(&output.stderr).contains(word), "{args:?}: {}", text(&output.stderr));
    }
    let status = json(dir, &["status", "--json"]).await;
    assert_eq!((status["counts"].clone(), status["files"].as_u64()), (json!({"ready": 1}), Some(1)));

    endpoint.data().faults.login_page = false;
    let tray = json(dir, &["tray", "--json"]).await;
    assert_eq!(
        (tray[0]["row"]["folio"].as_str(), tray[0]["row"]["files"].as_u64()),
        (Some(folio.trim()), Some(1))
    );
    assert!(ok(dir, &["tray"]).await.contains("Listo para enviar"));
    // In a pipe nothing is written over.
    let sent = run(dir, &["send"]).await;
    assert!(sent.status.success());
    assert!(![sent.stdout, sent.stderr].concat().contains(&b'\r'));
    assert_eq!(ok(dir, &["tray"]).await, "");
    let status = json(dir, &["status", "--json"]).await;
    assert_eq!((status["received"].as_u64(), status["filesReceived"].as_u64()), (Some(1), Some(1)));
    let receipts = json(dir, &["receipts", "--json", "--verify"]).await;
    assert_eq!(
        (receipts[0]["folio"].as_str(), receipts[0]["valid"].as_bool()),
        (Some(folio.trim()), Some(true))
    );
    assert!(ok(dir, &["receipts", "--verify"]).await.contains("válido"));
    assert!(ok(dir, &["status"]).await.contains("Recibido\t1"));
}

#[tokio::test]
async fn sending_that_makes_no_progress_ends_with_the_reason() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let dir = dir.path();
    ok(dir, &["enrol", "--server", endpoint.url(), "--code", "ABCDE-12345"]).await;
    let file = write(
        dir,
        "a.json",
        r#"{"stage": "implementation", "visitedOn": "2020-01-01", "progress": {"physical": {"actual": 10}}}"#,
    );
    ok(dir, &["capture", "--project", FOLIO, "--file", &file]).await;
    endpoint.data().faults.push = Some(Code::DeviceRevoked);
    let output = run(dir, &["send"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("pide un código nuevo"), "{}", text(&output.stderr));

    endpoint.data().faults.push = None;
    endpoint.data().faults.login_page = true;
    let began = std::time::Instant::now();
    let output = run(dir, &["send"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(began.elapsed().as_secs() >= 19, "{:?}", began.elapsed());
    assert!(text(&output.stderr).contains("no es la Coordinación"), "{}", text(&output.stderr));
    let wrong = tokio::process::Command::new(env!("CARGO_BIN_EXE_avance-device"))
        .args(["status", "--data"])
        .arg(dir.join("data"))
        .env("AVANCE_PASSPHRASE", "otra frase")
        .env("LANG", "en_US.UTF-8")
        .env_remove("LC_ALL")
        .output()
        .await
        .unwrap();
    assert!(text(&wrong.stderr).contains("passphrase is not the one"), "{}", text(&wrong.stderr));
}
