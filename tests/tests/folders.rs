//! What happens to the folders and machines of real programs: full disks, folders that cannot be written, copies of a
//! device, clocks that are wrong, two programs on one folder, versions that differ. The ledger is outside of both.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use journeys::ledger::Ledger;
use journeys::raw::RawDevice;
use journeys::room::Room;
use journeys::{
    Central, Device, Host, complaint, own_check, photograph, progress, text, wait_until, with_contract,
};
use serde_json::{Value, json};

#[path = "folders/first_wire.rs"]
mod first_wire;

/// Long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(180);

fn photo(folder: &Path, shade: u8) -> String {
    let path = photograph(&folder.join(format!("foto-{shade}.jpg")), shade);
    format!("{}:illustration", path.display())
}

/// A device of a trained person, in Spanish.
fn device(folder: &Path, central: &Central) -> Device {
    let device =
        Device::new(&folder.join("equipo")).with("LANG", "es_MX.UTF-8").with("LC_ALL", "es_MX.UTF-8");
    device.enrol(central, &code(central));
    device
}

/// A code for the one person of these tests.
fn code(central: &Central) -> String {
    central.code("Persona de muestra", "enlace", "Obras", true)
}

/// Sends until everything of the ledger is published, and settles it.
fn finish(ledger: &mut Ledger, central: &Central, devices: &[&Device]) {
    wait_until("everything is published", LIMIT, || {
        devices.iter().all(|device| device.run(&["send"]).status.success())
            && status(central)["followUps"] == json!({"published": ledger.len()})
    });
    for device in devices {
        device.ok(&["send"]);
        ledger.print_receipts(device);
    }
    wait_until("the queue of the endpoint is empty", LIMIT, || status(central)["queued"] == 0);
    ledger.settle(central, "published");
    own_check(&central.packages());
}

fn status(central: &Central) -> Value {
    serde_json::from_str(&central.ok(&["status", "--json"])).unwrap()
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

#[test]
fn a_full_disk_of_the_endpoint_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("central");
    let room = Room::new(&data, 48 * 1024);
    let mut central = Central::ready(&data);
    let device = device(folder.path(), &central);
    let mut ledger = Ledger::default();
    ledger.capture(&device, "d1_p1", with_contract("C-1", 1_000, 10), &[photo(folder.path(), 1)]);
    device.ok(&["send"]);
    wait_until("the first is published", LIMIT, || status(&central)["followUps"] == json!({"published": 1}));
    central.largest_file = room.fill(&data, 0);
    if central.largest_file.is_some() {
        central.kill();
        central.start();
    }
    // What is in use of the disk already may still take a few.
    let mut refused = String::new();
    for n in 2..40 {
        ledger.capture(&device, "d1_p2", progress(n), &[photo(folder.path(), n)]);
        let output = device.run(&["send"]);
        if !output.status.success() {
            assert_eq!(output.status.code(), Some(2), "{}", complaint(&output));
            refused = complaint(&output);
            break;
        }
    }
    assert!(refused.contains("no pudo guardar") && refused.contains("este equipo"), "{refused}");
    // What is published stays whole meanwhile.
    own_check(&central.packages());
    room.free();
    if central.largest_file.take().is_some() {
        central.kill();
        central.start();
    }
    finish(&mut ledger, &central, &[&device]);
}

/// The room that stays for text, on a real disk: photographs are refused with the amount to free, text is captured and
/// sent, and the database is whole.
#[test]
fn p8_a_device_with_little_room_takes_text_and_refuses_photographs() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let data = folder.path().join("equipo");
    let room = Room::new(&data, 120 * 1024);
    let device = device(folder.path(), &central);
    let mut ledger = Ledger::default();
    ledger.capture(&device, "d1_p1", progress(10), &[photo(folder.path(), 1)]);
    if room.fill(&data, 40 * 1024 * 1024).is_some() {
        println!("without a disk of its own there is no room to measure");
        return;
    }
    // Beside the disk that is full.
    let file = folder.path().join("seguimiento.json");
    std::fs::write(&file, progress(20).to_string()).unwrap();
    let picture = photo(folder.path(), 2);
    let arguments =
        ["capture", "--project", "d1_p1", "--file", file.to_str().unwrap(), "--evidence", &picture];
    let output = device.run(&arguments);
    assert!(!output.status.success());
    let said = complaint(&output);
    // Fifty are kept for text and forty are left.
    assert!(said.contains("Libera 10."), "{said}");
    ledger.capture(&device, "d1_p1", progress(30), &[]);
    device.ok(&["send"]);
    room.free();
    ledger.capture(&device, "d1_p1", progress(40), &[photo(folder.path(), 2)]);
    finish(&mut ledger, &central, &[&device]);
}

#[test]
fn an_endpoint_that_finds_no_room_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("central");
    let room = Room::new(&data, 1_024);
    let mut central = Central::new(&data);
    central.largest_file = room.fill(&data, 0);
    let output = central.run(&["status"]);
    assert!(!output.status.success());
    let full = ["No queda espacio", "There is no room"];
    assert!(full.iter().any(|words| complaint(&output).contains(words)), "{}", complaint(&output));
    room.free();
    central.largest_file = None;
    central.ok(&["people", "list"]);
}

#[test]
fn an_endpoint_that_cannot_write_says_so_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("central");
    let room = Room::new(&data, 48 * 1024);
    let mut central = Central::ready(&data);
    let device = device(folder.path(), &central);
    let mut ledger = Ledger::default();
    ledger.capture(&device, "d1_p1", progress(10), &[]);
    device.ok(&["send"]);
    ledger.capture(&device, "d1_p1", progress(20), &[photo(folder.path(), 1)]);
    central.kill();
    if !room.read_only(true) {
        println!("neither mounting nor permissions work here: no file may be written at all");
        central.largest_file = Some(0);
    }
    let listen = central.address.to_string();
    let output = central.run(&["serve", "--listen", &listen]);
    assert!(!output.status.success());
    assert!(complaint(&output).contains(data.to_str().unwrap()), "{}", complaint(&output));
    let advice = ["No se puede escribir en la carpeta", "The data folder cannot be written"];
    // Where not even root is stopped by permissions, the limit on files stands in: that is told as a full disk.
    let full = ["No queda espacio", "There is no room"];
    let said = if central.largest_file.is_none() { advice } else { full };
    assert!(said.iter().any(|words| complaint(&output).contains(words)), "{}", complaint(&output));
    let output = device.run(&["send"]);
    assert_eq!(output.status.code(), Some(2), "{}", complaint(&output));
    assert_eq!(device.count("ready"), 1);
    assert!(room.read_only(false));
    central.largest_file = None;
    central.start();
    finish(&mut ledger, &central, &[&device]);
}

#[test]
fn a_full_disk_of_the_device_keeps_what_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let room = Room::new(&folder.path().join("equipo"), 80 * 1024);
    let central = Central::ready(&folder.path().join("central"));
    let mut device = device(folder.path(), &central);
    let mut ledger = Ledger::default();
    ledger.capture(&device, "d1_p1", progress(5), &[photo(folder.path(), 1)]);
    // Little is left: it is taken by text until nothing more fits. What was said to be saved is in the ledger.
    device.largest_file = room.fill(&device.data, 160 * 1024);
    let mut refused = String::new();
    for n in 0..400 {
        let mut follow_up = progress(10);
        let words = ledger.mark(&mut follow_up, "lleno");
        let file = folder.path().join("captura.json");
        std::fs::write(&file, follow_up.to_string()).unwrap();
        let output = device.run(&["capture", "--project", "d1_p2", "--file", file.to_str().unwrap()]);
        if !output.status.success() {
            refused = complaint(&output);
            println!("{n} more were captured");
            break;
        }
        ledger.note(&text(&output), words, &[]);
    }
    assert!(
        refused.contains("No hay espacio en el disco") && refused.contains("libera espacio"),
        "{refused}"
    );
    // Receiving without room: the endpoint may have recorded what the device cannot write down.
    device.largest_file = room.fill(&device.data, 0).or(device.largest_file);
    let output = device.run(&["send"]);
    assert!(!output.status.success());
    assert!(complaint(&output).contains("No hay espacio en el disco"), "{}", complaint(&output));
    room.free();
    device.largest_file = None;
    ledger.capture(&device, "d1_p3", progress(15), &[]);
    finish(&mut ledger, &central, &[&device]);
}

#[test]
fn a_clock_a_year_away_changes_nothing_but_what_it_claims() {
    /// Seconds of a year.
    const YEAR: i64 = 365 * 24 * 3_600;
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let mut ledger = Ledger::default();
    let mut devices = Vec::new();
    for (name, shift) in [("adelantado", YEAR), ("atrasado", -YEAR)] {
        let shifted =
            Device::new(&folder.path().join(name)).with("AVANCE_CLOCK_SHIFT_SECONDS", &shift.to_string());
        shifted.enrol(&central, &code(&central));
        let project = if shift > 0 { "d1_p1" } else { "d2_p1" };
        ledger.capture(
            &shifted,
            project,
            with_contract(name, 1_000, 10),
            &[photo(folder.path(), devices.len() as u8)],
        );
        shifted.ok(&["send"]);
        let rows: Value = serde_json::from_str(&central.ok(&["devices", "--json"])).unwrap();
        let offset = |row: &Value| row["clockOffsetMs"].as_i64().unwrap();
        let told = rows.as_array().unwrap().iter().any(|row| (offset(row) / 1_000 - shift).abs() < 600);
        assert!(told, "the offset is shown: {rows}");
        ledger.capture(&shifted, project, progress(20), &[]);
        devices.push((shifted, project, shift));
    }
    // The clock is set right between two sendings: what waited goes out, and new ones too.
    let right: Vec<Device> = devices.iter().map(|(device, ..)| Device::new(&device.data)).collect();
    for (device, (_, project, _)) in right.iter().zip(&devices) {
        ledger.capture(device, project, progress(30), &[]);
    }
    finish(&mut ledger, &central, &right.iter().collect::<Vec<_>>());
    // Order and dates are the endpoint's.
    let year = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).format("%Y").to_string();
    for (_, project, _) in &devices {
        let record = central.record(&format!("ocds-000000-{project}"));
        for release in record["releases"].as_array().unwrap() {
            assert!(release["date"].as_str().unwrap().starts_with(&year), "{release}");
        }
    }
    // A battery that died, and no contact since: the device knows that it cannot be earlier than what it was told last,
    // so a visit of this year is no visit of the future.
    let late = right[0].clone().with("AVANCE_CLOCK_SHIFT_SECONDS", &(-YEAR).to_string());
    ledger.capture(&late, "d1_p1", progress(40), &[]);
    finish(&mut ledger, &central, &[&late, &right[1]]);
}

#[test]
fn a_copied_device_takes_an_identity_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let one = device(folder.path(), &central);
    let mut ledger = Ledger::default();
    ledger.capture(&one, "d1_p1", progress(10), &[]);
    one.ok(&["send"]);
    // Still unsent when it is copied: both offer it.
    ledger.capture(&one, "d1_p1", progress(20), &[photo(folder.path(), 1)]);
    let two = Device { data: folder.path().join("copia"), ..one.clone() };
    copy(&one.data, &two.data);
    ledger.capture(&one, "d1_p2", progress(10), &[photo(folder.path(), 2)]);
    ledger.capture(&two, "d1_p3", progress(10), &[photo(folder.path(), 3)]);
    ledger.capture(&two, "d1_p3", progress(20), &[]);
    one.ok(&["send"]);
    let forked = two.run(&["send"]);
    assert_eq!(forked.status.code(), Some(2));
    let said = complaint(&forked);
    assert!(said.contains("otra copia") && said.contains("enrol"), "{said}");
    assert_eq!(two.count("ready"), 2);
    // Nothing is sent, and nothing is lost, until a person acts; the first copy goes on.
    assert_eq!(two.run(&["send"]).status.code(), Some(2));
    ledger.capture(&one, "d1_p4", progress(10), &[]);
    one.ok(&["send"]);
    two.enrol(&central, &code(&central));
    finish(&mut ledger, &central, &[&one, &two]);
    assert_eq!(one.seen(), two.seen());
}

#[test]
fn a_device_restored_from_an_old_copy_offers_again() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let device = device(folder.path(), &central);
    let mut ledger = Ledger::default();
    ledger.capture(&device, "d1_p1", progress(10), &[]);
    device.ok(&["send"]);
    ledger.capture(&device, "d1_p1", progress(20), &[photo(folder.path(), 1)]);
    let old = folder.path().join("respaldo");
    copy(&device.data, &old);
    device.ok(&["send"]);
    ledger.capture(&device, "d1_p2", progress(10), &[]);
    device.ok(&["send"]);
    ledger.print_receipts(&device);
    std::fs::remove_dir_all(&device.data).unwrap();
    std::fs::rename(&old, &device.data).unwrap();
    // The same operation under the same number: the same receipt.
    assert_eq!(device.count("ready"), 1);
    device.ok(&["send"]);
    ledger.print_receipts(&device);
    // Another operation under a number that was used.
    ledger.capture(&device, "d1_p3", progress(10), &[]);
    let forked = device.run(&["send"]);
    assert_eq!(forked.status.code(), Some(2));
    assert!(complaint(&forked).contains("otra copia"), "{}", complaint(&forked));
    assert_eq!(device.count("ready"), 1);
    device.enrol(&central, &code(&central));
    ledger.capture(&device, "d1_p3", progress(20), &[photo(folder.path(), 2)]);
    // What the copy did not know is at the endpoint, once.
    finish(&mut ledger, &central, &[&device]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_on_one_folder_take_turns_or_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let device = device(folder.path(), &central);
    let mut ledger = Ledger::default();
    let mut host = Host::start(&device.data);
    for verb in [&["status"][..], &["send"], &["receipts"], &["projects"]] {
        let output = device.run(verb);
        assert_eq!(output.status.code(), Some(1), "{verb:?}");
        let said = complaint(&output);
        assert!(said.contains("Otra ventana") && output.stdout.is_empty(), "{verb:?}: {said}");
    }
    // The first goes on as if nothing had happened.
    let tray = host.call("tray", json!({})).await.unwrap();
    assert_eq!(tray["counts"], json!({}));
    host.kill();
    // Several at once, without a window: each says whether it saved, and what it said holds.
    let mut running = Vec::new();
    for n in 0..6 {
        let mut follow_up = progress(10);
        let words = format!("{} a la vez {n}.", journeys::CANARY);
        follow_up["internal"]["notes"] = json!(words);
        let file = folder.path().join(format!("{n}.json"));
        std::fs::write(&file, follow_up.to_string()).unwrap();
        let mut command =
            device.command(&["capture", "--project", "d1_p1", "--file", file.to_str().unwrap()]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        running.push((child, words));
    }
    for (child, words) in running {
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            ledger.note(&text(&output), words, &[]);
        } else {
            assert!(complaint(&output).contains("Otra ventana"), "{}", complaint(&output));
        }
    }
    assert!(!ledger.is_empty(), "one of them had the folder");
    finish(&mut ledger, &central, &[&device]);
}

#[tokio::test]
async fn operations_of_other_versions_are_never_lost() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let raw = RawDevice::enrol(&central.url(), &code(&central)).await;
    // An older protocol and an older schema: recorded as any other.
    let mut old = raw.operation(1, "d1_p1", &progress(10));
    old.schema = 0;
    let mut batch = raw.batch(vec![old]);
    batch["protocol"] = json!(0);
    let said = raw.post("sync/push", &batch).await;
    assert_eq!(said.body["results"][0]["outcome"], "recorded", "{said:?}");
    assert_eq!(said.body["results"][0]["receipt"]["verdict"], "received", "{said:?}");
    // A newer schema: not refused for good and never rejected. It stays on its device with the reason; what came
    // before it in the batch is recorded, and its number is not used up.
    let mut newer = raw.operation(3, "d1_p2", &progress(20));
    newer.schema = 99;
    let said = raw.push(vec![raw.operation(2, "d1_p1", &progress(20)), newer.clone()]).await;
    assert_eq!(said.body["results"][0]["outcome"], "recorded", "{said:?}");
    assert_eq!(said.body["results"][1]["outcome"], "refused", "{said:?}");
    assert_eq!(said.body["results"][1]["problem"]["code"], "upgrade_required", "{said:?}");
    raw.push(vec![newer.clone()]).await.problem(426, "upgrade_required");
    // A newer protocol as a whole: nothing of it is read, nothing of it is used up.
    let mut batch = raw.batch(vec![newer.clone()]);
    batch["protocol"] = json!(99);
    raw.post("sync/push", &batch).await.problem(426, "upgrade_required");
    // Once the endpoint can read it, the same operation under the same number.
    newer.schema = domain::wire::SCHEMA;
    let said = raw.push(vec![newer.clone()]).await;
    assert_eq!(said.body["results"][0]["receipt"]["verdict"], "received", "{said:?}");
    let again = raw.push(vec![newer]).await;
    assert_eq!(said.body["results"], again.body["results"]);
    wait_until("all three are published", LIMIT, || {
        status(&central)["followUps"] == json!({"published": 3}) && status(&central)["queued"] == 0
    });
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));
}

#[tokio::test]
async fn what_is_damaged_on_the_way_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let raw = RawDevice::enrol(&central.url(), &code(&central)).await;
    let operation = raw.operation(1, "d1_p1", &progress(10));
    let sent = raw.batch(vec![operation.clone()]).to_string();
    let digest = domain::receipt::sha256_hex(sent.as_bytes());
    // Valid JSON with another value: only the digest can tell.
    let arrived = sent.replace("\"2026-03-12\"", "\"2026-03-02\"");
    assert_ne!(sent, arrived);
    let headers = [("content-type", "application/json"), (domain::wire::BODY_SHA256, digest.as_str())];
    raw.post_bytes("sync/push", &headers, arrived.into_bytes()).await.problem(400, "body_damaged");
    assert_eq!(status(&central)["followUps"], json!({}));
    let said = raw.post_bytes("sync/push", &headers, sent.into_bytes()).await;
    assert_eq!(said.body["results"][0]["outcome"], "recorded", "{said:?}");
}
