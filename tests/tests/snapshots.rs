//! A long history, and a device that is new to it: what it fetches, and that it knows the same as one that followed all.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fmt::Write as _;
use std::path::Path;

use domain::history::Change;
use domain::receipt::sha256_hex;
use domain::wire::{PullAnswer, SNAPSHOT_PIECE};
use journeys::proxy::{Act, Fault, Proxy};
use journeys::raw::RawDevice;
use journeys::{Central, Device, progress};

/// Projects of the list: with both lists far more changes than two pages.
const PROJECTS: usize = 1_100;

fn load(central: &Central, folder: &Path, count: usize, edition: &str) {
    let mut list = String::from("folio,titulo,descripcion,area,lugar,monto,moneda,fecha\n");
    for n in 0..count {
        writeln!(list, "m_{n:04},Obra de muestra {n} {edition},Inventada,Obras,Centro,\"50,000.00\",MXN,")
            .unwrap();
    }
    let path = folder.join(format!("{edition}.csv"));
    std::fs::write(&path, list).unwrap();
    central.ok(&["load", path.to_str().unwrap()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_device_begins_with_a_snapshot_and_knows_what_the_others_know() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    load(&central, folder.path(), 3, "de enero");
    central.start();
    let follower = Device::new(&folder.path().join("uno"));
    follower.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras", true));
    central.kill();
    load(&central, folder.path(), PROJECTS, "de febrero");
    load(&central, folder.path(), PROJECTS, "de marzo");
    central.start();
    follower.ok(&["send"]);

    // A device by hand: what it is told, byte for byte.
    let raw = RawDevice::enrol(&central.url(), &central.code("A mano", "enlace", "Obras", true)).await;
    let page: PullAnswer =
        serde_json::from_value(raw.get("sync/pull?cursor=&snapshots=true").await.body).unwrap();
    let snapshot = page.snapshot.unwrap();
    assert!(page.changes.is_empty() && page.has_more);
    assert!(snapshot.head.seq >= 2 * PROJECTS as u64 && snapshot.records == PROJECTS as u64, "{snapshot:?}");
    let route = |n: usize| format!("sync/snapshot/{}/{n}", snapshot.sha256);
    let mut packed = Vec::new();
    while (packed.len() as u64) < snapshot.bytes {
        let said = raw.get(&route(packed.len() / SNAPSHOT_PIECE)).await;
        assert_eq!(said.status, 200);
        packed.extend(said.bytes);
    }
    assert_eq!(sha256_hex(&packed), snapshot.sha256);
    let lines = zstd::decode_all(packed.as_slice()).unwrap();
    let lines: Vec<Change> = lines
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert!(lines.iter().all(|change| change.state["title"].as_str().unwrap().ends_with("de marzo")));
    // Nobody else learns that it is there.
    let other = RawDevice::enrol(&central.url(), &central.code("Otra", "enlace", "Parques", true)).await;
    other.get(&route(0)).await.problem(404, "not_found");
    raw.get(&route(10_000)).await.problem(404, "not_found");
    raw.get(&format!("sync/snapshot/{}/0", "0".repeat(64))).await.problem(404, "not_found");
    raw.get("sync/snapshot/..%2Fcentral.db/0").await.problem(404, "not_found");
    raw.get("sync/pull?snapshots=perhaps").await.problem(400, "malformed_request");

    // The real one, over a line that cuts the first piece and garbles the next.
    let line = Proxy::start(central.address);
    let mut faults = vec![Fault::GarbleReply, Fault::CutReply];
    line.decide(move |request| match faults.last() {
        Some(fault) if request.path.contains("/sync/snapshot/") => {
            let act = Act::Do(*fault);
            faults.pop();
            act
        }
        _ => Act::Carry,
    });
    let fresh = Device::new(&folder.path().join("dos"));
    fresh.enrol_at(&line.url(), &central.code("Otra de muestra", "campo", "Obras", true));
    // There is nothing of its own to send, so each ends with what it came to: the garbled piece, then the good one.
    fresh.ok(&["send"]);
    fresh.ok(&["send"]);
    let asked = |part: &str| line.seen().iter().filter(|(_, request)| request.path.contains(part)).count();
    assert!(asked("/sync/snapshot/") >= 3, "the two that failed, and one that came");
    assert_eq!(line.hits().len(), 2, "{:?}", line.hits());
    follower.ok(&["send"]);
    let seen = fresh.seen();
    assert_eq!(seen.as_array().unwrap().len(), PROJECTS);
    assert_eq!(seen, follower.seen());

    // It works upon what it was given, and follows what others do.
    fresh.capture("m_0500", &progress(12), &[]);
    fresh.ok(&["send"]);
    journeys::wait_until("both know", std::time::Duration::from_secs(60), || {
        follower.ok(&["send"]);
        fresh.ok(&["send"]);
        let seen = follower.seen();
        seen == fresh.seen() && seen[500]["physical"]["actual"].to_string().contains("12")
    });
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));
}
