//! E14: a passphrase that is lost without a recovery code. What was unsent leaves the machine in a sealed file that only
//! the central endpoint opens.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use domain::rescue::Packed;
use journeys::{
    CANARY, Central, Device, Host, complaint, files_under, kill, photograph, progress, text, wait_until,
};
use serde_json::{Value, json};

/// An endpoint and a device that was enrolled there.
struct Place {
    folder: tempfile::TempDir,
    central: Central,
    device: Device,
}

const PERSON: &str = "Persona de muestra";
const TYPED: &str = "Nota que sólo está en el borrador";

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let central = Central::ready(&folder.path().join("central"));
        let device = Device::new(&folder.path().join("equipo")).with("LANG", "es_MX.UTF-8");
        device.enrol(&central, &central.code(PERSON, "campo", "Obras", true));
        Place { folder, central, device }
    }

    fn photo(&self, shade: u8) -> PathBuf {
        photograph(&self.folder.path().join(format!("foto-{shade}.jpg")), shade)
    }

    fn evidence(&self, shade: u8) -> String {
        format!("{}:illustration", self.photo(shade).display())
    }

    fn follow_ups(&self) -> Value {
        let status: Value = serde_json::from_str(&self.central.ok(&["status", "--json"])).unwrap();
        status["followUps"].clone()
    }

    fn published(&self, count: u64) {
        wait_until("all of it is published, files and all", Duration::from_secs(20), || {
            self.follow_ups() == json!({"published": count})
        });
    }

    /// Without any passphrase, as whoever forgot it.
    fn export(&self) -> PathBuf {
        let output = export(&self.device, self.folder.path());
        assert!(output.status.success(), "{}", complaint(&output));
        text(&output).trim().into()
    }

    fn open(&self, file: &Path, to: &Path) -> Output {
        self.central.run(&["rescue", "open", file.to_str().unwrap(), "--to", to.to_str().unwrap()])
    }
}

fn export(device: &Device, to: &Path) -> Output {
    let mut command: Command = device.command(&["rescue", "export", "--to", to.to_str().unwrap()]);
    command.env_remove("AVANCE_PASSPHRASE").output().unwrap()
}

/// A draft with a note and a photograph, in a window; gives its folio. Returns once the copy has both.
async fn draft(host: &Host, photo: &Path, note: &str) -> String {
    let draft = host.call("draft_new", json!({"folio": "d1_p3", "stage": "implementation"})).await.unwrap();
    let id = &draft["id"];
    let paths = json!([photo.to_str().unwrap()]);
    host.call("evidence_add_paths", json!({"id": id, "paths": paths})).await.unwrap();
    host.call("draft_save", json!({"id": id, "values": {"notes": "Antes de esto"}})).await.unwrap();
    host.call("draft_save", json!({"id": id, "values": {"notes": note}})).await.unwrap();
    draft["folio"].as_str().unwrap().to_owned()
}

fn texts(folder: &Path) -> std::time::SystemTime {
    std::fs::metadata(folder.join("rescate/texto")).unwrap().modified().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e14_work_of_a_lost_passphrase_is_rescued_sealed_and_taken_once() {
    let mut place = Place::new();
    place.central.kill();
    let device = place.device.clone();
    let folio = device.capture("d1_p1", &progress(10), &[place.evidence(7), place.evidence(8)]);
    device.capture("d1_p2", &progress(20), &[]);
    let mut host = Host::start(&device.data);
    let before = texts(&device.data);
    let drafted = draft(&host, &place.photo(9), TYPED).await;
    let pieces = || std::fs::read_dir(device.data.join("rescate")).unwrap().count();
    wait_until("the copy has it", Duration::from_secs(20), || texts(&device.data) > before && pieces() == 4);
    let status = host.call("status", json!({})).await.unwrap();
    assert!(status["rescue"]["behind"].is_null() && !status["rescue"]["at"].is_null(), "{status}");
    tokio::time::sleep(Duration::from_secs(3)).await;
    // No farewell: the copy does not depend on one.
    host.kill();

    // Nothing of it can be read on that machine, and it needs no passphrase to leave it.
    let rescue = place.export();
    assert!(rescue.to_str().unwrap().ends_with(".avance-rescate"), "{}", rescue.display());
    let photos = [7, 9].map(|shade| std::fs::read(place.photo(shade)).unwrap());
    let secrets: [&[u8]; 7] = [
        CANARY.as_bytes(),
        TYPED.as_bytes(),
        folio.as_bytes(),
        b"d1_p1",
        PERSON.as_bytes(),
        &photos[0][200..232],
        &photos[1][200..232],
    ];
    let mut sealed = files_under(&device.data.join("rescate"));
    assert_eq!(sealed.len(), 4, "{sealed:?}");
    sealed.push(rescue.clone());
    for path in sealed {
        let bytes = std::fs::read(&path).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{secret:?} can be read in {}", path.display());
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(photos.iter().all(|photo| !name.contains(&domain::receipt::sha256_hex(photo)[..16])));
    }

    // Looked at first; nothing happens by it.
    place.central.start();
    let to = place.folder.path().join("rescatado");
    let look = place.central.ok(&["rescue", "open", rescue.to_str().unwrap(), "--dry-run"]);
    assert!(
        look.contains("Se registrarían: 2 envíos; 0 ya estaban") && look.contains("Borradores: 1"),
        "{look}"
    );
    assert_eq!(place.follow_ups(), json!({}));
    let said = place.central.ok(&["rescue", "open", rescue.to_str().unwrap(), "--to", to.to_str().unwrap()]);
    assert!(said.contains("Registrados: 2 envíos; 0 ya estaban. Archivos aquí: 2. Borradores: 1"), "{said}");
    assert!(said.contains(PERSON), "{said}");
    place.published(2);

    // The draft was sent by nobody: letter for letter, with its photograph, to be captured again.
    let read = |name: &str| std::fs::read(to.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let typed: Value = serde_json::from_slice(&read(&format!("{drafted}.escrito.json"))).unwrap();
    assert_eq!(typed["notes"], TYPED);
    assert_eq!(read(&format!("{drafted}-1.jpg")), photos[1]);
    let words = String::from_utf8(read("LEEME.txt")).unwrap();
    assert!(words.contains(&drafted) && words.contains(TYPED) && words.contains("foto-9.jpg"), "{words}");
    assert!(String::from_utf8(read("lo-escrito.csv")).unwrap().contains(TYPED));
    assert!(!words.contains(&folio), "what was recorded is not to be captured again");

    // Its author takes it back on a new profile, once.
    let anew = Device::new(&place.folder.path().join("nuevo")).with("LANG", "es_MX.UTF-8");
    anew.enrol(&place.central, &place.central.code(PERSON, "campo", "Obras", true));
    let back = |from: &Path| anew.run(&["rescue", "take-back", from.to_str().unwrap()]);
    assert!(text(&back(&to)).contains("Borradores recuperados: 1, con 1 archivos. Ya estaban: 0"));
    let again = back(&to.join("borradores.json"));
    assert!(text(&again).contains("recuperados: 0, con 0 archivos. Ya estaban: 1"), "{}", complaint(&again));
    assert!(complaint(&back(&rescue)).contains("no es"), "{}", complaint(&back(&rescue)));
    let unsent = anew.json(&["tray", "--json"]);
    let [one] = unsent.as_array().unwrap().as_slice() else { panic!("{unsent}") };
    assert_eq!((&one["typed"]["notes"], &one["row"]["project"]), (&json!(TYPED), &json!("d1_p3")));
    assert_eq!(one["evidence"][0]["sha256"], domain::receipt::sha256_hex(&photos[1]));

    // Twice: told, and without another effect; into the same folder not at all.
    let again = place.open(&rescue, &to);
    assert!(!again.status.success() && complaint(&again).contains("Ya hay algo en"), "{}", complaint(&again));
    let again = place.open(&rescue, &place.folder.path().join("otra"));
    let said = text(&again);
    assert!(said.contains("Ya se había abierto el"), "{said}{}", complaint(&again));
    assert!(said.contains("Registrados: 0 envíos; 2 ya estaban"), "{said}");
    assert_eq!(place.follow_ups(), json!({"published": 2}));

    // The history says so, and still holds; a device goes on reading what is its own.
    assert!(place.central.ok(&["verify"]).contains("0 breaks"));
    let history = rescues(&place.central);
    let counts =
        |entry: &Value| json!([entry["operations"], entry["recorded"], entry["files"], entry["drafts"]]);
    assert_eq!(history.iter().map(counts).collect::<Vec<_>>(), [json!([2, 2, 2, 1]), json!([2, 2, 2, 1])]);

    // The passphrase comes to mind after all: what it sends then was sent once.
    device.ok(&["send"]);
    device.ok(&["receipts", "--verify"]);
    assert_eq!((place.follow_ups(), device.count("published")), (json!({"published": 2}), 2));
    // What was received needs no copy any more; the photograph of the draft does.
    assert_eq!(pieces(), 2, "the text and the photograph of the draft");
    // One who sees every área is shown none of it.
    let office = Device::new(&place.folder.path().join("oficina"));
    office.enrol(
        &place.central,
        &place.central.code("Coordinación de muestra", "coordinacion", "Central", true),
    );
    office.ok(&["send"]);
}

/// What the history says of rescues.
fn rescues(central: &Central) -> Vec<Value> {
    let database = rusqlite::Connection::open_with_flags(
        central.data.join("central.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .unwrap();
    let mut select =
        database.prepare("SELECT state FROM stream_log WHERE stream = 'rescues' ORDER BY seq").unwrap();
    let rows = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|row| serde_json::from_str(&row.unwrap()).unwrap()).collect()
}

#[test]
fn e14_what_is_no_good_rescue_is_refused_with_its_reason_and_changes_nothing() {
    let place = Place::new();
    place.device.capture("d1_p1", &progress(10), &[place.evidence(7)]);
    let rescue = place.export();
    let whole = std::fs::read(&rescue).unwrap();
    let bad = place.folder.path().join("mala.avance-rescate");
    let to = place.folder.path().join("nada");
    let refused = |bytes: &[u8], words: &str| {
        std::fs::write(&bad, bytes).unwrap();
        let output = place.open(&bad, &to);
        assert!(!output.status.success() && !to.exists());
        assert!(complaint(&output).contains(words), "{words}: {}", complaint(&output));
    };
    let output = place.open(&place.folder.path().join("no-hay"), &to);
    assert!(complaint(&output).contains("no está o no es un archivo"), "{}", complaint(&output));
    refused(b"hola", "no es un archivo de rescate");
    refused(&std::fs::read(place.photo(7)).unwrap(), "no es un archivo de rescate");
    for length in [8, 100, whole.len() / 2, whole.len() - 1] {
        refused(&whole[..length], "está cortado o fue alterado");
    }
    for place in [20, 60, whole.len() / 2, whole.len() - 10] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        refused(&changed, "está cortado o fue alterado");
    }
    // Whole, and somebody changed a sealed part and the hash with it.
    let packed = Packed::read(&mut std::io::Cursor::new(&whole)).unwrap();
    let mut forged = whole.clone();
    forged[packed.text.start as usize + 80] ^= 1;
    refused(&again(&forged), "está cortado o fue alterado");
    // A piece alone that a bad disk spoiled: the rest is rescued, and what lacks is said.
    let mut spoiled = whole.clone();
    spoiled[packed.pieces[0].start as usize + 200] ^= 1;
    std::fs::write(&bad, again(&spoiled)).unwrap();
    // Another endpoint, and one that never knew the device.
    let mut other = Central::new(&place.folder.path().join("otro"));
    let output = other.run(&["rescue", "open", rescue.to_str().unwrap()]);
    assert!(complaint(&output).contains("se selló para otro servidor"), "{}", complaint(&output));
    assert_eq!(place.follow_ups(), json!({}));

    let output = place.open(&bad, &to);
    assert_eq!(output.status.code(), Some(2), "{}", complaint(&output));
    let said = text(&output);
    assert!(said.contains("Registrados: 1 envíos") && said.contains("Falta «foto-7.jpg»"), "{said}");
    // The whole one mends it.
    assert!(place.open(&rescue, &to).status.success());
    place.published(1);

    // There is nothing to export of a folder where nobody was activated.
    let nobody = Device::new(&place.folder.path().join("nadie")).with("LANG", "es_MX.UTF-8");
    let output = export(&nobody, place.folder.path());
    assert!(complaint(&output).contains("no tiene copia de rescate"), "{}", complaint(&output));
    other.kill();
}

/// The same file with the hash that its bytes have.
fn again(bytes: &[u8]) -> Vec<u8> {
    let before = &bytes[..bytes.len() - 32];
    let mut whole = before.to_vec();
    whole.extend(hex::decode(domain::receipt::sha256_hex(before)).unwrap());
    whole
}

#[test]
fn e14_of_a_revoked_device_nothing_is_recorded_by_itself_and_nothing_is_lost() {
    let place = Place::new();
    let folio = place.device.capture("d1_p1", &progress(10), &[place.evidence(7)]);
    let devices: Value = serde_json::from_str(&place.central.ok(&["devices", "--json"])).unwrap();
    place.central.ok(&["devices", "--revoke", devices[0]["deviceId"].as_str().unwrap()]);
    let (rescue, to) = (place.export(), place.folder.path().join("rescatado"));
    let output = place.open(&rescue, &to);
    let said = text(&output);
    assert!(output.status.success() && said.contains("dado de baja"), "{said}{}", complaint(&output));
    assert!(said.contains(&format!("{folio} no se registra (device_revoked)")), "{said}");
    assert_eq!(place.follow_ups(), json!({}));
    assert_eq!(
        std::fs::read(to.join(format!("{folio}-1.jpg"))).unwrap(),
        std::fs::read(place.photo(7)).unwrap()
    );
    // Its author captures it again, on the profile that they have now.
    let anew = Device::new(&place.folder.path().join("otro")).with("LANG", "es_MX.UTF-8");
    anew.enrol(&place.central, &place.central.code(PERSON, "campo", "Obras", true));
    let file = to.join(format!("{folio}.json"));
    let photo = format!("{}:illustration", to.join(format!("{folio}-1.jpg")).display());
    let arguments = ["capture", "--project", "d1_p1", "--file", file.to_str().unwrap(), "--evidence", &photo];
    anew.ok(&arguments);
    anew.ok(&["send"]);
    place.published(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_a_copy_that_is_cut_leaves_the_one_before_and_the_next_start_mends_it() {
    let mut place = Place::new();
    place.central.kill();
    let data = place.device.data.clone();
    let mut last = String::new();
    let seed = u64::from(std::process::id());
    for round in 0..6u64 {
        let mut host = Host::start(&data);
        let photo = place.photo(u8::try_from(20 + round).unwrap());
        last = draft(&host, &photo, &format!("{TYPED} {round}")).await;
        // At another moment each time, around the one at which it is written.
        let pause = 1_600 + (seed.wrapping_mul(2_654_435_761).wrapping_add(round * 977)) % 900;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        kill(host.pid());
        host.kill();
        let rescue = place.export();
        Packed::read(&mut std::fs::File::open(&rescue).unwrap()).unwrap();
        std::fs::remove_file(rescue).unwrap();
    }
    let before = texts(&data);
    let host = Host::start(&data);
    wait_until("the next start copies what the last one could not", Duration::from_secs(20), || {
        let names: Vec<PathBuf> = files_under(&data.join("rescate"));
        let parts = names.iter().any(|path| path.extension().is_some());
        texts(&data) > before && names.len() == 7 && !parts
    });
    drop(host);
    place.central.start();
    let (rescue, to) = (place.export(), place.folder.path().join("rescatado"));
    let output = place.open(&rescue, &to);
    assert!(output.status.success(), "{}", complaint(&output));
    let typed = std::fs::read_to_string(to.join(format!("{last}.escrito.json"))).unwrap();
    assert!(typed.contains(&format!("{TYPED} 5")), "{typed}");
    assert_eq!(text(&output).matches("Borradores: 6").count(), 1, "{}", text(&output));
}
