use std::os::unix::fs::PermissionsExt as _;

use chrono::{DateTime, TimeDelta, Utc};
use domain::clock::Clock;
use domain::history::ChangeKind;
use domain::wire::COMMON;
use serde_json::json;

use super::*;
use crate::store::{Entry, Evidence};

struct At(DateTime<Utc>);

impl Clock for At {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

fn day(n: i64) -> Arc<dyn Clock> {
    Arc::new(At("2026-11-20T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(n)))
}

fn options(data: &Path) -> Options {
    Options { data: Some(data.to_owned()), municipality: Some("Municipio".into()), ..Options::default() }
}

fn endpoint(data: &Path, n: i64) -> Endpoint {
    Endpoint::open(Config::load(&options(data)).unwrap(), day(n)).unwrap()
}

/// Adds an entry to the history, and a file of evidence that is named by it.
fn grow(endpoint: &Endpoint, what: &str) -> String {
    let sha256 = domain::receipt::sha256_hex(what.as_bytes());
    let path = endpoint.evidence_path(&sha256);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, what).unwrap();
    let tx = endpoint.store.begin().unwrap();
    let entry = Entry {
        stream: COMMON.into(),
        kind: ChangeKind::Project,
        record_id: what.into(),
        state: json!({"file": sha256}),
    };
    tx.append(vec![entry], endpoint.now()).unwrap();
    tx.put_evidence(&Evidence {
        sha256: sha256.clone(),
        size: what.len() as u64,
        media_type: "image/jpeg".into(),
        verified_at: Some(endpoint.now()),
    })
    .unwrap();
    tx.commit().unwrap();
    sha256
}

fn backup(data: &Path, to: &Path, force: bool) -> Result<Manifest> {
    backup::make(&Config::load(&options(data))?, to, force, day(0).now(), &mut |_, _| {})
}

fn back(data: &Path, from: &Path) -> Result<Restored> {
    restore(&options(data), from, day(1), &mut |_, _| {})
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_backed_up_goes_on_in_a_new_folder_under_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other, file) =
        (folder.path().join("a"), folder.path().join("b"), folder.path().join("copia.zip"));
    let running = endpoint(&data, 0);
    let sha256 = grow(&running, "primera");
    assert!(roots::write(&running).unwrap());
    fs::write(data.join("avance.toml"), "currency = \"MXN\"\n").unwrap();
    fs::write(data.join("listen"), "127.0.0.1:1").unwrap();
    let manifest = backup(&data, &file, false).unwrap();
    assert_eq!((manifest.counts.evidence, manifest.missing.len()), (1, 0));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(folder.path()), ["a", "copia.zip"], "nothing is left beside it");
    // What comes after is not in it.
    let late = grow(&running, "segunda");

    let restored = back(&other, &file).unwrap();
    assert_eq!(restored.manifest, manifest);
    assert_eq!((restored.verdict.roots, restored.verdict.broken.len()), (1, 0), "{:?}", restored.verdict);
    assert_ne!(restored.epoch, running.epoch);
    let again = endpoint(&other, 1);
    assert_eq!((again.epoch, again.restored), (restored.epoch, true));
    assert_eq!(again.public_key(), running.public_key());
    assert_eq!(fs::read(again.evidence_path(&sha256)).unwrap(), b"primera");
    assert!(!again.evidence_path(&late).exists());
    assert_eq!(fs::metadata(other.join("signing.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let there = names(&other);
    assert!(there.contains(&"avance.toml".into()) && !there.contains(&"listen".into()), "{there:?}");
    assert!(!there.contains(&STAGE.into()), "{there:?}");
    assert!(other.join("public/historia/raiz-2026-11-20.json").exists());
    assert!(other.join("public/ocds/catalog.json").exists());
}

#[test]
fn a_backup_is_not_made_where_it_would_be_lost_or_would_replace_another() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("a"), folder.path().join("copia.zip"));
    assert!(backup(&data, &file, false).is_err(), "no endpoint there");
    assert!(!data.exists());
    let running = endpoint(&data, 0);
    grow(&running, "primera");
    assert!(backup(&data, &data.join("copia.zip"), false).is_err(), "inside");
    assert!(backup(&data, &folder.path().join("no/copia.zip"), false).is_err(), "no folder");
    fs::write(&file, "otra cosa").unwrap();
    assert!(backup(&data, &file, false).is_err());
    assert_eq!(fs::read(&file).unwrap(), b"otra cosa");
    backup(&data, &file, true).unwrap();
    assert!(fs::metadata(&file).unwrap().len() > 1_000);
    assert_eq!(names(folder.path()), ["a", "copia.zip"]);
    // A key that is not the database's makes a backup that nobody can use: said now, not then.
    fs::write(data.join("signing.key"), "00".repeat(32)).unwrap();
    assert!(backup(&data, &folder.path().join("b.zip"), false).is_err());
    assert_eq!(names(folder.path()), ["a", "copia.zip"]);
}

#[test]
fn evidence_that_is_damaged_or_gone_is_named_and_the_rest_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other, file) =
        (folder.path().join("a"), folder.path().join("b"), folder.path().join("copia.zip"));
    let running = endpoint(&data, 0);
    let [good, gone, bad] = ["primera", "segunda", "tercera"].map(|what| grow(&running, what));
    fs::remove_file(running.evidence_path(&gone)).unwrap();
    fs::write(running.evidence_path(&bad), "otra").unwrap();
    let manifest = backup(&data, &file, false).unwrap();
    let named = |sha256: &str| manifest.missing.iter().any(|path| path.ends_with(sha256));
    assert_eq!((named(&good), named(&gone), named(&bad)), (false, true, true));
    back(&other, &file).unwrap();
    let again = endpoint(&other, 1);
    assert!(again.evidence_path(&good).exists());
    assert!(!again.evidence_path(&bad).exists(), "a device that has it is asked for it");
}

#[test]
fn a_damaged_or_cut_backup_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other, file) =
        (folder.path().join("a"), folder.path().join("b"), folder.path().join("copia.zip"));
    let running = endpoint(&data, 0);
    let sha256 = grow(&running, &"evidencia larga ".repeat(50_000));
    backup(&data, &file, false).unwrap();
    let whole = fs::read(&file).unwrap();
    let damaged = folder.path().join("mala.zip");
    for cut in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&damaged, &whole[..cut]).unwrap();
        let error = format!("{:#}", back(&other, &damaged).unwrap_err());
        assert!(error.contains("No se cambió nada") || error.contains("Nothing was changed"), "{error}");
        assert!(!other.exists(), "cut at {cut}");
    }
    // One bit, spread over the whole file: either it is noticed, or it is in what means nothing (a time, a mode) and
    // what comes out is the same.
    for n in 0..24 {
        let mut bytes = whole.clone();
        bytes[n * (whole.len() - 1) / 23] ^= 0x10;
        fs::write(&damaged, &bytes).unwrap();
        match back(&other, &damaged) {
            Err(_) => assert!(!other.exists(), "bit {n}"),
            Ok(restored) => {
                assert!(restored.verdict.broken.is_empty());
                assert_eq!(fs::read(endpoint(&other, 1).evidence_path(&sha256)).unwrap().len(), 800_000);
                fs::remove_dir_all(&other).unwrap();
            }
        }
    }
    // In the middle of a stored file it is always noticed.
    let place = whole.windows(16).position(|window| window == b"evidencia larga ").unwrap();
    let mut bytes = whole.clone();
    bytes[place + 400_000] ^= 1;
    fs::write(&damaged, &bytes).unwrap();
    assert!(back(&other, &damaged).is_err());
    assert!(!other.exists());
    back(&other, &file).unwrap();
}

#[test]
fn only_a_new_or_empty_folder_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other, file) =
        (folder.path().join("a"), folder.path().join("b"), folder.path().join("copia.zip"));
    let running = endpoint(&data, 0);
    grow(&running, "primera");
    backup(&data, &file, false).unwrap();
    let before = fs::read(data.join(DATABASE)).unwrap();
    let error = format!("{:#}", back(&data, &file).unwrap_err());
    assert!(error.contains("no está vacía") || error.contains("is not empty"), "{error}");
    assert_eq!(fs::read(data.join(DATABASE)).unwrap(), before);
    fs::create_dir(&other).unwrap();
    fs::write(other.join("nota.txt"), "mía").unwrap();
    assert!(back(&other, &file).is_err());
    assert_eq!(names(&other), ["nota.txt"]);
    fs::remove_file(other.join("nota.txt")).unwrap();
    back(&other, &file).unwrap();
}

#[test]
fn names_that_lead_out_of_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("a"), folder.path().join("copia.zip"));
    grow(&endpoint(&data, 0), "primera");
    let manifest = backup(&data, &file, false).unwrap();
    for path in ["../fuera", "/tmp/fuera", "a/../../fuera", "C:fuera", "a\\fuera", ""] {
        let mut evil = manifest.clone();
        evil.files.push(backup::Packed { path: path.into(), bytes: 0, sha256: String::new() });
        let mut zip = zip::ZipWriter::new(File::create(folder.path().join("mala.zip")).unwrap());
        let plain = zip::write::SimpleFileOptions::default();
        zip.start_file(MANIFEST, plain).unwrap();
        serde_json::to_writer(&mut zip, &evil).unwrap();
        zip.finish().unwrap();
        let error = back(&folder.path().join("b"), &folder.path().join("mala.zip")).unwrap_err();
        assert!(format!("{error:#}").contains(&format!("the name {path:?}")), "{path}: {error:#}");
    }
    assert_eq!(names(folder.path()), ["a", "copia.zip", "mala.zip"]);
}

#[test]
fn a_root_that_no_longer_fits_is_told_by_its_date() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other, file) =
        (folder.path().join("a"), folder.path().join("b"), folder.path().join("copia.zip"));
    let running = endpoint(&data, 0);
    grow(&running, "primera");
    roots::write(&running).unwrap();
    backup(&data, &file, false).unwrap();
    grow(&running, "segunda");
    let later = endpoint(&data, 1);
    assert!(roots::write(&later).unwrap());
    // Once a day, and never again: not by another process, not after something more was recorded.
    let second = data.join("public/historia/raiz-2026-11-21.json");
    let bytes = fs::read(&second).unwrap();
    grow(&later, "tercera");
    assert!(!roots::write(&later).unwrap());
    assert!(!roots::write(&endpoint(&data, 1)).unwrap());
    assert_eq!(fs::read(&second).unwrap(), bytes);
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(data.join("public/historia/index.json")).unwrap()).unwrap();
    assert_eq!(index["roots"][0]["date"], "2026-11-21");
    assert_eq!(index["roots"][0]["sha256"], domain::receipt::sha256_hex(&bytes));
    assert_eq!(index["roots"].as_array().unwrap().len(), 2);
    let broken = |endpoint: &Endpoint| {
        let published = roots::published(&endpoint.config.public()).unwrap();
        verify::verify(&*endpoint.store.read().unwrap(), &published).unwrap().broken
    };
    assert_eq!(broken(&later), Vec::<String>::new());

    // The copy is of before the second root: what readers kept of it tells so.
    back(&other, &file).unwrap();
    let again = endpoint(&other, 2);
    assert_eq!(broken(&again), Vec::<String>::new());
    fs::copy(&second, other.join("public/historia/raiz-2026-11-21.json")).unwrap();
    let told = broken(&again);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("2026-11-21") && told[0].contains("up to"), "{told:?}");
    // Another entry in its place is another history, and the root says so too.
    grow(&again, "otra segunda");
    let told = broken(&again);
    assert!(told.len() == 1 && told[0].contains("2026-11-21") && told[0].contains("the log has"), "{told:?}");
    // A root that somebody mended was not signed; one that is gone is missed.
    fs::remove_file(other.join("public/historia/raiz-2026-11-21.json")).unwrap();
    let first = other.join("public/historia/raiz-2026-11-20.json");
    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, text.replacen("\"seq\": 2", "\"seq\": 1", 1)).unwrap();
    assert_eq!(broken(&again).len(), 2, "not the one kept, and not signed");
    fs::remove_file(&first).unwrap();
    assert_eq!(broken(&again).len(), 1);
}
