//! Several people on one machine, and the passphrase that was forgotten.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use chrono::TimeDelta;
use client::{Client, profiles};
use domain::problem::Code;
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::{FOLIO, PASSPHRASE, TestClock, enrolled, open, open_at, photo, progress};

const OTHER: &str = "otra frase distinta";

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(all_files(&path)) } else { found.push(path) }
    }
    found
}

fn assert_unreadable(folder: &Path, canaries: &[&[u8]]) {
    let files = all_files(folder);
    assert!(files.iter().any(|path| path.ends_with("device.db")), "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        for canary in canaries {
            assert!(!bytes.windows(canary.len()).any(|window| window == *canary), "{}", path.display());
        }
    }
}

fn device(dir: &Path, profile: &str, passphrase: &str, args: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_avance-device"))
        .args(args)
        .env("AVANCE_DATA", dir)
        .env("AVANCE_PROFILE", profile)
        .env("AVANCE_PASSPHRASE", passphrase)
        .env("LANG", "es_MX.UTF-8")
        .env_remove("LC_ALL")
        .output()
        .unwrap()
}

#[tokio::test]
async fn e14_neither_of_two_people_opens_the_drafts_of_the_other() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let clock = TestClock::default();
    let folder = |name: &str| profiles::make(dir.path(), name, &clock).unwrap();
    let (ana, luz) = (folder("Ana de muestra"), folder("Luz de muestra"));
    assert_eq!(ana, dir.path());
    assert!(luz.starts_with(dir.path().join("perfiles")));
    assert_eq!(folder("  ANA  de   muéstra "), ana, "the same name is the same profile");

    let client = enrolled(&ana, &endpoint).await;
    let draft = client.call("draft_new", json!({"folio": FOLIO, "stage": "implementation"})).await.unwrap();
    let saved = json!({"id": draft["id"], "values": {"notes": "CANARIO-DE-ANA"}});
    client.call("draft_save", saved).await.unwrap();
    // Both at once on one machine; the same one twice is refused.
    let second = Client::open(&luz, Arc::new(clock.clone())).unwrap();
    assert_eq!(Client::open(&ana, Arc::new(clock.clone())).err().unwrap().code, Code::StoreInUse);
    second.unlock(Some(OTHER)).unwrap();
    assert_eq!(second.call("app_state", json!({})).await.unwrap()["stage"], "not_enrolled");
    assert_eq!(second.unsent().unwrap().len(), 0);
    assert_eq!(client.unsent().unwrap().len(), 1);
    // What is on the disk while it is open, and after it was closed.
    let canaries: [&[u8]; 3] = [b"CANARIO-DE-ANA", b"SQLite format 3", b"Persona Uno"];
    assert_unreadable(dir.path(), &canaries);
    drop((client, second));
    assert_unreadable(dir.path(), &canaries);
    for (folder, wrong) in [(&ana, OTHER), (&luz, PASSPHRASE)] {
        let client = Client::open(folder, Arc::new(clock.clone())).unwrap();
        assert_eq!(client.unlock(Some(wrong)).unwrap_err().code, Code::PassphraseWrong);
    }
    assert_eq!(open(&ana).unsent().unwrap().len(), 1);
}

#[tokio::test]
async fn e14_a_folder_of_before_is_the_first_profile_as_it_is() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    client.capture_file(FOLIO, progress(20), &[]).unwrap();
    drop(client);
    let before: Vec<_> = all_files(dir.path());
    let names = |profiles: Vec<profiles::Profile>| profiles.into_iter().map(|p| p.name).collect::<Vec<_>>();
    assert_eq!(names(profiles::list(dir.path()).unwrap()), ["Perfil 1"]);
    assert_eq!(all_files(dir.path()), before, "listing writes nothing");
    let other = profiles::make(dir.path(), "Otra persona", &TestClock::default()).unwrap();
    drop(open(&other));
    assert_eq!(names(profiles::list(dir.path()).unwrap()), ["Perfil 1", "Otra persona"]);
    assert_eq!(open(dir.path()).unsent().unwrap().len(), 1, "nothing moved");
}

#[test]
fn e14_the_command_line_names_profiles() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let list = |args: &[&str]| device(dir.path(), "", PASSPHRASE, args);
    assert_eq!(String::from_utf8(list(&["profiles"]).stdout).unwrap(), "");
    drop(open(&profiles::make(dir.path(), "Ana", &clock).unwrap()));
    drop(open(&profiles::make(dir.path(), "Luz", &clock).unwrap()));
    assert_eq!(String::from_utf8(list(&["profiles"]).stdout).unwrap(), "Ana\nLuz\n");
    let rows: Value = serde_json::from_slice(&list(&["profiles", "--json"]).stdout).unwrap();
    assert_eq!(rows[1]["name"], "Luz");
    let said = |profile: &str| {
        let output = device(dir.path(), profile, PASSPHRASE, &["status"]);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said("Nadie").contains("«Nadie»"));
    assert!(!said("luz").contains("«luz»"), "a name is found whatever its case");
    let long = "x".repeat(61);
    for wrong in ["", "  ", "a\u{7}b", &long] {
        let refused = profiles::make(dir.path(), wrong, &clock);
        assert_eq!(refused.unwrap_err().code, Code::ProfileNameInvalid, "{wrong}");
    }
}

#[test]
fn p7_recovery_code_opens_what_the_forgotten_passphrase_closed() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let client = open_at(dir.path(), &clock);
    assert_eq!(client.new_recovery_code(OTHER).unwrap_err().code, Code::PassphraseWrong);
    let none = client.recover(&"0".repeat(32), OTHER).unwrap_err().code;
    assert_eq!(none, Code::RecoveryMistyped);
    let (old, _) = client.new_recovery_code(PASSPHRASE).unwrap();
    let (code, page) = client.new_recovery_code(PASSPHRASE).unwrap();
    assert!(page.starts_with(b"%PDF-"));
    drop(client);

    let client = Client::open(dir.path(), Arc::new(clock.clone())).unwrap();
    assert_eq!(client.recover(&code, "corta").unwrap_err().code, Code::PassphraseTooShort);
    // A code of before is not good any more, and each wrong one costs more time; the good one has to wait too.
    let mut waits = Vec::new();
    for _ in 0..12 {
        let wrong = client.recover(&old, OTHER).unwrap_err();
        assert_eq!(wrong.code, Code::RecoveryWrong);
        let seconds = wrong.params["retryAfterSeconds"].as_i64().unwrap();
        waits.push(seconds);
        assert_eq!(client.recover(&code, OTHER).unwrap_err().code, Code::RecoveryWait);
        clock.forward(TimeDelta::seconds(seconds));
    }
    assert_eq!(waits[..4], [2, 4, 8, 16]);
    assert_eq!(waits[11], 900);
    client.recover(&code.to_lowercase().replace('-', " "), OTHER).unwrap();
    drop(client);

    let client = Client::open(dir.path(), Arc::new(clock)).unwrap();
    assert_eq!(client.unlock(Some(PASSPHRASE)).unwrap_err().code, Code::PassphraseWrong);
    client.unlock(Some(OTHER)).unwrap();
    assert_unreadable(dir.path(), &[code.as_bytes(), code.replace('-', "").as_bytes(), OTHER.as_bytes()]);
}

#[tokio::test]
async fn p7_recovery_code_loses_nothing_and_the_command_line_prints_its_page() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let data = dir.path().join("data");
    let client = enrolled(&data, &endpoint).await;
    let picture = dir.path().join("foto.jpg");
    std::fs::write(&picture, photo(9)).unwrap();
    client.capture_file(FOLIO, progress(20), &[(picture, "illustration".into())]).unwrap();
    drop(client);
    let page = dir.path().join("hoja.pdf");
    let args = ["recovery", "--page", page.to_str().unwrap()];
    let made = device(&data, "perfil 1", PASSPHRASE, &args);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let printed = lopdf_text(&page);
    let code = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    for group in code.split('-') {
        assert!(printed.contains(group), "{printed}");
    }
    assert!(printed.contains("Perfil 1"), "{printed}");
    // A page that is there is somebody's: nothing is written, and the code in use stays.
    assert!(!device(&data, "perfil 1", PASSPHRASE, &args).status.success());
    let (file, new) = (dir.path().join("codigo.txt"), dir.path().join("frase.txt"));
    std::fs::write(&file, format!("{code}\n")).unwrap();
    std::fs::write(&new, "una tercera frase\n").unwrap();
    let recovered = device(&data, "perfil 1", OTHER, &["recover", "--code-file", file.to_str().unwrap()]);
    assert!(recovered.status.success(), "{}", String::from_utf8_lossy(&recovered.stderr));
    let change = ["passphrase", "--new-file", new.to_str().unwrap()];
    assert!(!device(&data, "perfil 1", PASSPHRASE, &change).status.success());
    assert!(device(&data, "perfil 1", OTHER, &change).status.success());
    let tray = device(&data, "perfil 1", "una tercera frase", &["tray", "--json"]);
    let tray: Value = serde_json::from_slice(&tray.stdout).unwrap();
    assert_eq!(
        (tray.as_array().unwrap().len(), &tray[0]["evidence"][0]["size"]),
        (1, &json!(photo(9).len()))
    );
}

/// The words on a page.
fn lopdf_text(path: &Path) -> String {
    lopdf::Document::load(path).unwrap().extract_text(&[1]).unwrap()
}
