//! The journey: follow-ups captured without a network become validated public files, once each.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use journeys::{
    CANARY, Central, Device, files_under, own_check, photograph, progress, project_list, reference_check,
    wait_until, with_contract,
};
use serde_json::Value;

#[test]
fn two_devices_without_a_network_and_one_public_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    let (list, count) = project_list();
    central.ok(&["load", list.to_str().unwrap()]);
    let again = central.ok(&["load", list.to_str().unwrap()]);
    assert!(
        again.contains(&format!("{count} iguales")) || again.contains(&format!("{count} the same")),
        "{again}"
    );
    central.start();

    // Two devices of two áreas; neither área has a project of its own, so both see the projects without área.
    let one = Device::new(&folder.path().join("uno"));
    let two = Device::new(&folder.path().join("dos"));
    one.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras de muestra", true));
    two.enrol(&central, &central.code("Otra de muestra", "campo", "Campo de muestra", true));
    let projects = one.json(&["projects", "--json"]);
    assert_eq!(projects.as_array().unwrap().len(), count);
    let first = &projects[0];
    assert!(first["folio"].is_string() && first["title"].is_string() && first["ocid"].is_string(), "{first}");

    // Without the central endpoint: three on one, two on the other, with two photographs.
    central.kill();
    let photos: Vec<String> = [40u8, 200]
        .map(|shade| {
            let path = photograph(&folder.path().join(format!("foto-{shade}-{CANARY}.jpg")), shade);
            format!("{}:illustration", path.display())
        })
        .into();
    let mut folios = BTreeSet::new();
    folios.insert(one.capture("d1_p1", &with_contract("OP-1", 50_000, 20), &photos[..1]));
    folios.insert(one.capture("d1_p1", &progress(35), &[]));
    folios.insert(one.capture("d1_p2", &progress(10), &[]));
    folios.insert(two.capture("d1_p3", &with_contract("OP-3", 48_000, 60), &photos[1..]));
    folios.insert(two.capture("d1_p4", &progress(5), &[]));
    assert_eq!(folios.len(), 5);
    assert_eq!((one.count("ready"), two.count("ready")), (3, 2));
    let refused = one.run(&["send"]);
    assert_eq!(refused.status.code(), Some(2), "{}", journeys::complaint(&refused));
    assert!(!journeys::complaint(&refused).is_empty());
    assert_eq!(one.count("ready"), 3);

    // It returns: everything arrives once.
    central.start();
    one.ok(&["send"]);
    two.ok(&["send"]);
    let sent = Instant::now();
    wait_until("everything is published", Duration::from_secs(30), || {
        one.ok(&["send"]);
        two.ok(&["send"]);
        one.count("published") == 3 && two.count("published") == 2
    });
    println!("published {:?} after it was sent", sent.elapsed());
    for device in [&one, &two] {
        let receipts = device.ok(&["receipts", "--verify"]);
        assert!(receipts.lines().count() >= 2, "{receipts}");
    }

    // The record tells the whole story, and nothing internal.
    let record = central.record("ocds-000000-d1_p1");
    let compiled = &record["compiledRelease"];
    assert_eq!(record["releases"].as_array().unwrap().len(), 3, "base, contract, progress");
    assert_eq!(compiled["contracts"][0]["id"], "OP-1");
    assert_eq!(compiled["contracts"][0]["value"]["amount"], 50_000);
    let metrics = compiled["contracts"][0]["implementation"]["metrics"].as_array().unwrap();
    let physical = metrics.iter().find(|metric| metric["id"] == "physicalProgress").unwrap();
    let measures: Vec<i64> =
        physical["observations"].as_array().unwrap().iter().filter_map(|o| o["measure"].as_i64()).collect();
    assert_eq!(measures, [20, 35]);
    let photo = &compiled["contracts"][0]["implementation"]["documents"][0];
    assert_eq!(photo["documentType"], "illustration");
    let url = photo["url"].as_str().unwrap();
    let path = url.strip_prefix(&central.url()).unwrap().trim_start_matches('/');
    assert!(image::open(central.public(path)).is_ok(), "{path}");
    // Progress without a contract makes no release; the page shows it.
    assert_eq!(central.record("ocds-000000-d1_p2")["releases"].as_array().unwrap().len(), 1);
    let page = std::fs::read_to_string(central.public("proyectos/d1_p2/index.html")).unwrap();
    assert!(page.contains("10 %"), "{page}");
    for path in files_under(&central.public("")) {
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} has an internal word", path.display());
    }

    // What the catalogue names exists, byte for byte, and is valid.
    let catalog = central.catalog();
    assert_eq!(catalog.iter().filter(|file| file["kind"] == "record").count(), count);
    let mut packages = central.packages();
    own_check(&packages);
    packages
        .retain(|path| path.to_string_lossy().contains("d1_p1") || path.to_string_lossy().contains("d1_p3"));
    reference_check(&packages);

    // Both devices converge, and a restart of both programs changes nothing.
    one.ok(&["send"]);
    two.ok(&["send"]);
    let before = one.seen();
    assert_eq!(before, two.seen());
    central.kill();
    assert_eq!(one.seen(), before);
    central.start();
    one.ok(&["send"]);
    two.ok(&["send"]);
    assert_eq!((one.seen(), two.seen()), (before.clone(), before));
    assert_eq!((one.count("published"), two.count("published")), (3, 2));
    assert_eq!(central.catalog(), catalog);
    let verified = central.ok(&["verify"]);
    assert!(verified.ends_with("0 breaks"), "{verified}");

    // The coordination sees both devices, empty.
    let devices: Value = serde_json::from_str(&central.ok(&["devices", "--json"])).unwrap();
    let devices = devices.as_array().unwrap();
    assert_eq!(devices.len(), 2);
    for device in devices {
        assert_eq!(device["waiting"], serde_json::json!([]), "{device}");
        assert!(device["lastReceipt"].is_string(), "{device}");
    }
}

#[test]
fn what_is_loaded_or_sent_while_it_serves_is_public_within_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    central.start();
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras Públicas", true));
    assert_eq!(device.json(&["projects", "--json"]), serde_json::json!([]));

    let list = journeys::root().join("crates/central/demo/proyectos-de-muestra.csv");
    central.ok(&["load", list.to_str().unwrap()]);
    let loaded = Instant::now();
    wait_until("the list is public", Duration::from_secs(5), || {
        central.public("proyectos/MUESTRA-012/index.html").exists()
    });
    println!("public {:?} after it was loaded", loaded.elapsed());

    // The área sees its own projects and those of nobody; another área's are not on its disk.
    device.ok(&["send"]);
    let projects = device.json(&["projects", "--json"]);
    let areas: BTreeSet<String> = projects
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|project| project["areas"].as_array().unwrap())
        .map(|area| area.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(areas, BTreeSet::from(["Obras Públicas".to_owned()]));

    device.capture("MUESTRA-001", &with_contract("C-1", 400_000, 15), &[]);
    device.ok(&["send"]);
    let sent = Instant::now();
    wait_until("the follow-up is public", Duration::from_secs(5), || {
        central.record("ocds-000000-MUESTRA-001")["releases"]
            .as_array()
            .is_some_and(|releases| releases.len() == 2)
    });
    println!("public {:?} after it was sent", sent.elapsed());
    let compiled = central.record("ocds-000000-MUESTRA-001")["compiledRelease"].take();
    assert_eq!(compiled["contracts"][0]["agreedMetrics"][0]["observations"][0]["measure"], 50);
    let packages: Vec<_> = files_under(&central.public("ocds/records")).into_iter().take(3).collect();
    reference_check(&packages);
}
