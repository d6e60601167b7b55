//! Power cuts: the device while somebody types, the central endpoint while it receives. What was acknowledged is
//! written down here, outside of both programs.

use std::time::{Duration, Instant};

use journeys::ledger::Ledger;
use journeys::{Central, Device, Host, progress, project_list};
use serde_json::{Value, json};

/// How many times each program is killed: 30, or `AVANCE_CYCLES`.
fn cycles() -> u32 {
    std::env::var("AVANCE_CYCLES")
        .map_or(30, |text| text.parse().unwrap_or_else(|_| panic!("AVANCE_CYCLES={text}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_device_is_killed_while_somebody_types() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    central.ok(&["load", project_list().0.to_str().unwrap()]);
    central.start();
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol(&central, &central.code("Persona de muestra", "campo", "Campo de muestra", true));
    central.kill();

    let mut host = Host::start(&device.data);
    let draft = host.call("draft_new", json!({"folio": "d1_p1", "stage": "implementation"})).await.unwrap();
    let id = draft["id"].clone();
    // How long a save takes on this machine, as busy as it is: the kills are spread over the time of two.
    let since = Instant::now();
    host.call("draft_save", json!({"id": id, "values": {"notes": ""}})).await.unwrap();
    let two_saves = since.elapsed().max(Duration::from_millis(10)) * 2;
    // What the program said it had saved; and the one thing it may also have saved, sent when it died.
    let mut acknowledged = String::new();
    let mut typed = String::new();
    for cycle in 0..cycles() {
        let killer = {
            let pid = host.pid();
            // In no order, from nothing to the whole: some hit a save in the middle.
            let pause = two_saves * (cycle * 37 % 100) / 100;
            std::thread::spawn(move || {
                std::thread::sleep(pause);
                journeys::kill(pid);
            })
        };
        let mut letters = 0;
        loop {
            // Begun anew before it is longer than the field may be.
            let so_far = if acknowledged.len() < 400 { acknowledged.as_str() } else { "" };
            let next = format!("{so_far}{}", char::from(b'a' + (letters % 26) as u8));
            typed.clone_from(&next);
            let saved = host.call("draft_save", json!({"id": id, "values": {"notes": next}})).await;
            match saved {
                Ok(_) => acknowledged.clone_from(&next),
                Err(_) => break,
            }
            letters += 1;
        }
        killer.join().unwrap();
        host.kill();
        // A stale lock never prevents a start.
        host = Host::start(&device.data);
        let draft = host.call("draft_open", json!({"id": id})).await.unwrap();
        let kept = draft["values"]["notes"].as_str().unwrap_or_default().to_owned();
        assert!(
            kept == acknowledged || kept == typed,
            "cycle {cycle}: kept «{kept}», acknowledged «{acknowledged}»"
        );
        acknowledged = kept;
    }
    let tray = host.call("tray", json!({})).await.unwrap();
    assert_eq!(tray["counts"]["draft"], 1, "never doubled: {tray}");
    assert!(!acknowledged.is_empty());

    // And the draft still becomes a follow-up, once.
    let values = json!({"visitedOn": "12/03/2026", "physicalActual": "40"});
    host.call("draft_save", json!({"id": id, "values": values})).await.unwrap();
    host.call("draft_ready", json!({"id": id})).await.unwrap();
    host.kill();
    central.start();
    device.ok(&["send"]);
    let devices: Value = serde_json::from_str(&central.ok(&["devices", "--json"])).unwrap();
    assert_eq!(devices[0]["waiting"], json!([]));
}

#[test]
fn the_central_endpoint_is_killed_while_it_receives() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    central.ok(&["load", project_list().0.to_str().unwrap()]);
    central.start();
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras de muestra", true));

    let mut ledger = Ledger::default();
    for cycle in 0..cycles() {
        for n in 0..2 {
            let project = format!("d{}_p{}", cycle % 5 + 1, n + 1);
            // Each visit is its own: progress of a later cycle is never below that of an earlier one.
            ledger.capture(&device, &project, progress(u8::try_from(cycle.min(100)).unwrap()), &[]);
        }
        let address = central.address;
        let mut sender = device.command(&["send"]);
        let mut sender =
            sender.stderr(std::process::Stdio::null()).stdout(std::process::Stdio::null()).spawn().unwrap();
        // From before the connection to after the answer.
        std::thread::sleep(Duration::from_millis(u64::from(cycle) * 53 % 900));
        central.kill();
        assert!(std::net::TcpStream::connect(address).is_err());
        central.start();
        let _ = sender.wait().unwrap();
    }
    device.ok(&["send"]);
    journeys::wait_until("everything is decided", Duration::from_secs(60 + u64::from(cycles())), || {
        device.ok(&["send"]);
        device.count("published") == ledger.len() as u64
    });
    ledger.print_receipts(&device);
    ledger.settle(&central, "published");
}
