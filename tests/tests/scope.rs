//! A project is assigned to another área while somebody has work on it without a network, and comes back.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::time::Duration;

use journeys::ledger::Ledger;
use journeys::raw::RawDevice;
use journeys::{Central, Device, Host, complaint, files_under, photograph, progress, wait_until};
use serde_json::{Value, json};

fn load(central: &Central, folder: &Path, area: &str) {
    let list = format!(
        "folio,titulo,descripcion,area,lugar,monto,moneda,fecha\n\
         m_1,Obra de muestra 1,Inventada,{area},Centro,\"50,000.00\",MXN,\n\
         m_2,Obra de muestra 2,Inventada,Obras,Centro,\"50,000.00\",MXN,\n"
    );
    let path = folder.join("lista.csv");
    std::fs::write(&path, list).unwrap();
    central.ok(&["load", path.to_str().unwrap()]);
}

fn folios(device: &Device) -> Vec<String> {
    let projects = device.json(&["projects", "--json"]);
    projects.as_array().unwrap().iter().map(|row| row["folio"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_on_a_project_that_was_assigned_elsewhere_waits_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    load(&central, folder.path(), "Obras");
    central.start();
    let mut ledger = Ledger::default();
    let device = Device::new(&folder.path().join("equipo")).with("LANG", "es_MX.UTF-8");
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras", true));
    let other = Device::new(&folder.path().join("otro"));
    other.enrol(&central, &central.code("Otra de muestra", "enlace", "Parques", true));
    assert_eq!((folios(&device), folios(&other)), (vec!["m_1".into(), "m_2".into()], Vec::<String>::new()));

    // A week without a network: two of the project, one with a photograph, one of another, a draft.
    central.kill();
    let photo = photograph(&folder.path().join("foto.jpg"), 7);
    let evidence = [format!("{}:illustration", photo.display())];
    ledger.capture(&device, "m_1", progress(10), &evidence);
    ledger.capture(&device, "m_1", progress(20), &[]);
    let last = ledger.capture(&device, "m_2", progress(30), &[]);
    let mut host = Host::start(&device.data);
    let draft = host.call("draft_new", json!({"folio": "m_1", "stage": "implementation"})).await.unwrap();
    let mut marked = json!({});
    let words = ledger.mark(&mut marked, "ventana");
    let values = json!({"visitedOn": "12/03/2026", "physicalActual": "40", "notes": words});
    host.call("draft_save", json!({"id": draft["id"], "values": values})).await.unwrap();
    host.kill();

    load(&central, folder.path(), "Parques");
    central.start();
    let output = device.run(&["send"]);
    assert_eq!(output.status.code(), Some(2), "{}", complaint(&output));
    assert!(complaint(&output).contains("asignado a otra área"), "{}", complaint(&output));
    wait_until("what is still of the área is published", Duration::from_secs(30), || {
        device.run(&["send"]);
        device.count("published") == 1
    });
    assert_eq!((folios(&device), device.count("parked"), device.count("draft")), (vec!["m_2".into()], 2, 1));
    let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).unwrap();
    assert_eq!(status["followUps"], json!({"published": 1}), "nothing outside the scope was recorded");
    // Whoever has it now sees the project, and none of this.
    other.ok(&["send"]);
    assert_eq!(folios(&other), ["m_1"]);

    // Read, with its reason; copied to files that can be captured where the project is now.
    let tray = device.json(&["tray", "--json"]);
    let rows = tray.as_array().unwrap();
    let states: Vec<_> = rows.iter().map(|one| one["row"]["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["draft", "parked", "parked"]);
    assert!(rows.iter().all(|one| one["row"]["folio"] != json!(last)));
    assert!(device.ok(&["tray"]).lines().filter(|line| line.contains("asignado a otra área")).count() == 2);
    let copies = folder.path().join("copias");
    device.ok(&["tray", "--to", copies.to_str().unwrap()]);
    let files = files_under(&copies);
    assert_eq!(files.len(), 5, "{files:?}");
    let copied = files.iter().find(|path| path.extension().is_some_and(|kind| kind == "jpg")).unwrap();
    assert_eq!(std::fs::read(copied).unwrap(), std::fs::read(&photo).unwrap());
    let raw = RawDevice::enrol(&central.url(), &central.code("A mano", "enlace", "Parques", true)).await;
    for one in rows {
        let copy =
            std::fs::read(copies.join(format!("{}.json", one["row"]["folio"].as_str().unwrap()))).unwrap();
        let copy: Value = serde_json::from_slice(&copy).unwrap();
        assert_eq!(copy, one["content"]);
        raw.operation(1, "m_1", &copy);
    }

    // It is theirs again: everything goes by itself, once, and the draft can be finished.
    load(&central, folder.path(), "Obras");
    device.ok(&["send"]);
    assert_eq!(folios(&device), ["m_1", "m_2"]);
    let mut host = Host::start(&device.data);
    let sent = host.call("draft_ready", json!({"id": draft["id"]})).await.unwrap();
    ledger.note(sent["folio"].as_str().unwrap(), words, &[]);
    host.kill();
    wait_until("everything is published", Duration::from_secs(30), || {
        device.run(&["send"]).status.success() && device.count("published") == ledger.len() as u64
    });
    ledger.print_receipts(&device);
    ledger.settle(&central, "published");
    other.ok(&["send"]);
    assert!(folios(&other).is_empty());
}
