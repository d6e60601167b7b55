//! P5: a device without any network sends by a sealed file that somebody carries.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::evidence::CHUNK_BYTES;
use domain::receipt::sha256_hex;
use domain::relay::{FORMAT, Frame, MAX_BYTES, RelayManifest, RelayOffer, write_frame};
use domain::seal::{Foot, Head, Kind, Sealer, read_sealing_key, sealing_key};
use journeys::ledger::Ledger;
use journeys::raw::RawDevice;
use journeys::{
    CANARY, Central, Device, complaint, files_under, photograph, progress, project_list, wait_until,
};
use serde_json::{Value, json};

/// An endpoint, a device that was enrolled on its network, and a stick.
struct Place {
    folder: tempfile::TempDir,
    central: Central,
    device: Device,
    stick: PathBuf,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let central = Central::ready(&folder.path().join("central"));
        let device = Device::new(&folder.path().join("equipo")).with("LANG", "es_MX.UTF-8");
        device.enrol(&central, &central.code("Persona de muestra", "campo", "Obras", true));
        let stick = folder.path().join("memoria");
        std::fs::create_dir(&stick).unwrap();
        Place { folder, central, device, stick }
    }

    fn photo(&self, shade: u8) -> String {
        let path = photograph(&self.folder.path().join(format!("foto-{shade}.jpg")), shade);
        format!("{}:illustration", path.display())
    }

    fn export(&self) -> PathBuf {
        self.device.ok(&["relay", "export", self.stick.to_str().unwrap()]).into()
    }

    fn follow_ups(&self) -> Value {
        follow_ups(&self.central)
    }

    /// Two more projects; the first belongs to an área.
    fn list(&self, area: &str) {
        let list = format!(
            "folio,titulo,descripcion,area,lugar,monto,moneda,fecha\n\
             m_1,Obra de muestra 1,Inventada,{area},Centro,\"50,000.00\",MXN,\n\
             m_2,Obra de muestra 2,Inventada,Obras,Centro,\"50,000.00\",MXN,\n"
        );
        let path = self.folder.path().join("lista.csv");
        std::fs::write(&path, list).unwrap();
        self.central.ok(&["load", path.to_str().unwrap()]);
    }
}

fn follow_ups(central: &Central) -> Value {
    let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).unwrap();
    status["followUps"].clone()
}

fn upload(device: &Device, relay: &Path) -> PathBuf {
    device.ok(&["relay", "upload", relay.to_str().unwrap()]).into()
}

/// Somebody with a network and the address, who is enrolled nowhere.
fn stranger(folder: &Path, url: &str, relay: &Path) -> std::process::Output {
    let nobody = Device::new(&folder.join("nadie")).with("LANG", "es_MX.UTF-8");
    let output = nobody.run(&["relay", "upload", relay.to_str().unwrap(), "--server", url]);
    assert!(!folder.join("nadie").exists(), "carrying needs no store");
    output
}

#[test]
fn p5_work_without_a_network_is_carried_by_somebody_who_cannot_read_it_and_its_receipts_come_back() {
    let mut place = Place::new();
    let carrier = Device::new(&place.folder.path().join("mensajero"));
    carrier.enrol(&place.central, &place.central.code("Otra de muestra", "enlace", "Parques", true));
    place.central.kill();
    let mut ledger = Ledger::default();
    let device = place.device.clone();
    let photos = [place.photo(7), place.photo(8)];
    ledger.capture(&device, "d1_p1", progress(10), &photos);
    ledger.capture(&device, "d1_p1", progress(20), &[]);
    let folio = ledger.capture(&device, "d1_p2", progress(30), &[place.photo(9)]);
    let relay = place.export();
    assert_eq!(relay.parent(), Some(place.stick.as_path()));
    assert!(files_under(&place.stick).len() == 1, "no half-written file beside it");

    // What is on the stick says nothing to whoever holds it.
    let bytes = std::fs::read(&relay).unwrap();
    let photo = std::fs::read(place.folder.path().join("foto-7.jpg")).unwrap();
    for secret in [CANARY.as_bytes(), folio.as_bytes(), b"d1_p1", b"Persona de muestra", &photo[40..72]] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{secret:?} can be read");
    }
    assert_eq!(device.count("ready"), 3, "nothing is taken as sent by having been exported");
    // Before the answer, importing the relay itself or uploading nonsense changes nothing.
    assert!(
        complaint(&device.run(&["relay", "import", relay.to_str().unwrap()])).contains("no es un relevo")
    );

    place.central.start();
    let reply = upload(&carrier, &relay);
    assert_eq!(reply, relay.with_extension("acuse"));
    assert!(carrier.json(&["receipts", "--json"]).as_array().unwrap().is_empty());
    let answer = std::fs::read(&reply).unwrap();
    assert!(!answer.windows(folio.len()).any(|window| window == folio.as_bytes()));
    wait_until("all of it is published, files and all", Duration::from_secs(20), || {
        place.follow_ups() == json!({"published": 3})
    });

    // Twice, by two carriers, one of whom is enrolled nowhere: the same answer, no second effect.
    let other = place.folder.path().join("otra-memoria.relevo");
    std::fs::copy(&relay, &other).unwrap();
    let again = stranger(place.folder.path(), &place.central.url(), &other);
    assert!(again.status.success(), "{}", complaint(&again));
    assert_eq!(std::fs::read(other.with_extension("acuse")).unwrap(), answer);
    // And when the endpoint kept nothing of the first time: another seal, the same receipts.
    std::fs::remove_dir_all(place.central.data.join("relay")).unwrap();
    upload(&carrier, &other);
    assert_eq!(place.follow_ups(), json!({"published": 3}));

    // Back on the device, still without a network.
    place.central.kill();
    for file in [&reply, &other.with_extension("acuse")] {
        let said = device.ok(&["relay", "import", file.to_str().unwrap()]);
        assert!(said.contains("3 seguimientos y 3 archivos"), "{said}");
        assert_eq!((device.count("received"), device.count("ready")), (3, 0));
        device.ok(&["receipts", "--verify"]);
        let receipts = device.json(&["receipts", "--json"]);
        assert!(
            receipts
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one["earlier"].as_array().is_none_or(Vec::is_empty))
        );
    }
    let refused = carrier.run(&["relay", "import", reply.to_str().unwrap()]);
    assert!(complaint(&refused).contains("otro equipo") || complaint(&refused).contains("other equipment"));
    let nothing = device.run(&["relay", "export", place.stick.to_str().unwrap()]);
    assert!(complaint(&nothing).contains("No hay nada que mandar"), "{}", complaint(&nothing));

    // Its own network again: nothing is doubled.
    place.central.start();
    device.ok(&["send"]);
    assert_eq!((place.follow_ups(), device.count("published")), (json!({"published": 3}), 3));
    ledger.print_receipts(&device);
    ledger.settle(&place.central, "published");
}

#[test]
fn p5_a_device_that_connects_before_its_relay_arrives_has_sent_once() {
    let place = Place::new();
    let device = &place.device;
    let photo = [place.photo(7)];
    device.capture("d1_p1", &progress(10), &photo);
    let relay = place.export();
    device.ok(&["send"]);
    device.capture("d1_p2", &progress(20), &[]);
    device.ok(&["send"]);
    let before = device.json(&["receipts", "--json"]);
    let output = stranger(place.folder.path(), &place.central.url(), &relay);
    assert!(output.status.success(), "{}", complaint(&output));
    device.ok(&["relay", "import", relay.with_extension("acuse").to_str().unwrap()]);
    assert_eq!(device.json(&["receipts", "--json"]), before);
    wait_until("published", Duration::from_secs(20), || place.follow_ups() == json!({"published": 2}));
    // What it captures next takes the next number.
    device.capture("d1_p3", &progress(30), &[]);
    upload(device, &place.export());
    wait_until("published", Duration::from_secs(20), || place.follow_ups() == json!({"published": 3}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_a_relay_that_was_cut_or_changed_is_refused_and_changes_nothing() {
    let place = Place::new();
    let photos = [place.photo(7), place.photo(8)];
    place.device.capture("d1_p1", &progress(10), &photos);
    let relay = place.export();
    let whole = std::fs::read(&relay).unwrap();
    let bad = place.stick.join("mala.relevo");
    let url = place.central.url();
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&bad, bytes).unwrap();
        let output = stranger(place.folder.path(), &url, &bad);
        assert!(!output.status.success() && !bad.with_extension("acuse").exists(), "{what}");
        assert!(
            complaint(&output).contains("«mala.relevo» no es un relevo completo"),
            "{what}: {}",
            complaint(&output)
        );
    };
    for length in (0..whole.len()).step_by(4096).chain([1, 60, whole.len() - 1]) {
        refused(&whole[..length], &format!("cut at {length}"));
    }
    for place in [0, 8, 40, 60, whole.len() / 2, whole.len() - 100, whole.len() - 70, whole.len() - 3] {
        let mut changed = whole.clone();
        changed[place] ^= 0x10;
        refused(&changed, &format!("changed at {place}"));
    }
    assert!(stranger(place.folder.path(), &url, &place.stick.join("no-hay.relevo")).status.code() == Some(1));
    assert_eq!(place.follow_ups(), json!({}));
    assert!(!place.central.data.join("relay").exists(), "nothing of them was kept");

    // The endpoint notices by itself: a good offer whose chunks are not what was signed.
    let raw = RawDevice::enrol(&url, &place.central.code("A mano", "campo", "Obras", true)).await;
    let foot = Foot::read(whole.as_slice(), Kind::Relay, whole.len() as u64).unwrap();
    let head = Head::read(whole[..domain::seal::HEAD].try_into().unwrap(), Kind::Relay).unwrap();
    let offer = offer_of(&foot, &head.sealed_for);
    let mut body = whole[..foot.size as usize].to_vec();
    body[200] ^= 1;
    assert_eq!(raw.post("relay", &offer).await.status, 200);
    let route = |rest: &str| format!("relay/{}/{rest}", foot.sha256);
    raw.post(&route("complete"), &Value::Null).await.problem(422, "evidence_hash_mismatch");
    for (n, chunk) in body.chunks(CHUNK_BYTES).enumerate() {
        let digest = sha256_hex(chunk);
        let said =
            raw.put_bytes(&route(&n.to_string()), &[("x-chunk-sha256", &digest)], chunk.to_vec()).await;
        assert_eq!(said.status, 204, "{said:?}");
    }
    raw.post(&route("complete"), &Value::Null).await.problem(422, "relay_unreadable");
    raw.post(&route("complete"), &Value::Null).await.problem(404, "not_found");
    assert_eq!(place.follow_ups(), json!({}));

    // The right one still arrives.
    upload(&place.device, &relay);
    wait_until("published", Duration::from_secs(20), || place.follow_ups() == json!({"published": 1}));
}

fn offer_of(foot: &Foot, sealed_for: &str) -> Value {
    json!(RelayOffer {
        device_id: foot.device,
        sha256: foot.sha256.clone(),
        size: foot.size,
        sealed_for: sealed_for.to_owned(),
        signature: foot.signature.clone(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_what_a_device_signed_is_read_as_strictly_as_what_it_pushes() {
    let place = Place::new();
    let url = place.central.url();
    let raw = RawDevice::enrol(&url, &place.central.code("A mano", "campo", "Obras", true)).await;
    let key = raw.enrolled.municipality.sealing_key.clone().unwrap();
    let manifest = RelayManifest {
        format: FORMAT,
        device_id: raw.enrolled.device_id,
        municipality: raw.enrolled.municipality.id.clone(),
        made_at: "2026-03-12T18:00:00Z".parse().unwrap(),
        reply_to: sealing_key(&raw.key),
        files: Vec::new(),
    };
    let batch = |body: &Value| Frame::Batch(zstd::encode_all(body.to_string().as_bytes(), 3).unwrap());
    let good = batch(&raw.batch(vec![raw.operation(1, "d1_p1", &progress(10))]));
    let first = |manifest: &RelayManifest| Frame::Manifest(Box::new(manifest.clone()));
    let other_device = RelayManifest { device_id: uuid::Uuid::now_v7(), ..manifest.clone() };
    let other_place = RelayManifest { municipality: "otro".into(), ..manifest.clone() };
    let no_key = RelayManifest { reply_to: "x".into(), ..manifest.clone() };
    let newer = RelayManifest { format: FORMAT + 1, ..manifest.clone() };
    let bomb = Frame::Batch(zstd::encode_all(vec![b' '; domain::wire::MAX_RAW * 2].as_slice(), 3).unwrap());
    let stray = Frame::Chunk { file: 0, n: 0, bytes: vec![1] };
    let good_again = batch(&raw.batch(vec![raw.operation(1, "d1_p1", &progress(10))]));
    let cases: Vec<(Vec<&Frame>, u16, &str)> =
        vec![(vec![], 422, "relay_unreadable"), (vec![&good], 422, "relay_unreadable")];
    let manifests = [
        (first(&other_device), 422, "relay_unreadable"),
        (first(&other_place), 422, "relay_foreign"),
        (first(&no_key), 422, "relay_unreadable"),
        (first(&newer), 426, "upgrade_required"),
    ];
    let own = first(&manifest);
    let twice = r#"{"protocol":1,"protocol":1}"#;
    let doubled = Frame::Batch(zstd::encode_all(twice.as_bytes(), 3).unwrap());
    let not_zstd = Frame::Batch(b"no es zstd".to_vec());
    let mut cases = cases;
    cases.extend(manifests.iter().map(|(frame, status, code)| (vec![frame, &good], *status, *code)));
    cases.push((vec![&own, &good, &own], 422, "relay_unreadable"));
    cases.push((vec![&own, &good, &bomb], 413, "too_large"));
    cases.push((vec![&own, &good, &doubled], 422, "relay_unreadable"));
    cases.push((vec![&own, &good, &not_zstd], 400, "broken_compression"));
    cases.push((vec![&own, &good, &stray], 422, "relay_unreadable"));
    for (n, (frames, status, code)) in cases.iter().enumerate() {
        println!("case {n}: {code}");
        send(&raw, &key, frames).await.problem(*status, code);
    }
    let other_key = sealing_key(&ed25519_dalek::SigningKey::from_bytes(&[9; 32]));
    send(&raw, &other_key, &[&own, &good]).await.problem(422, "relay_foreign");
    assert_eq!(place.follow_ups(), json!({}), "nothing of any of them was recorded");

    let nobody = json!({"deviceId": uuid::Uuid::now_v7(), "sha256": "0".repeat(64), "size": 500,
        "sealedFor": domain::seal::key_name(&read_sealing_key(&key).unwrap()), "signature": "0".repeat(128)});
    raw.post("relay", &nobody).await.problem(403, "relay_refused");
    let mut large = nobody.clone();
    large["size"] = json!(MAX_BYTES + 1);
    raw.post("relay", &large).await.problem(413, "relay_too_large");

    // The good one is taken, and its refusals are told: the batch that cannot follow is not recorded, the first is.
    let said = send(&raw, &key, &[&own, &good, &good_again]).await;
    assert_eq!(said.status, 200, "{said:?}");
    wait_until("published", Duration::from_secs(20), || place.follow_ups() == json!({"published": 1}));
    assert!(!place.central.data.join("relay").read_dir().unwrap().any(|entry| {
        // Of what was taken the reply is kept, and no chunk; of what was not, nothing.
        !entry.unwrap().path().join("reply").exists()
    }));
}

/// Seals frames as a device would and sends them; gives the last answer.
async fn send(raw: &RawDevice, key: &str, frames: &[&Frame]) -> journeys::raw::Said {
    let recipient = read_sealing_key(key).unwrap();
    let mut sealer = Sealer::begin(Vec::new(), Kind::Relay, &recipient).unwrap();
    frames.iter().for_each(|frame| write_frame(&mut sealer, frame).unwrap());
    sealer.flush().unwrap();
    let (bytes, foot) = sealer.finish(raw.enrolled.device_id, &raw.key).unwrap();
    let said = raw.post("relay", &offer_of(&foot, &domain::seal::key_name(&recipient))).await;
    if said.status != 200 {
        return said;
    }
    for (n, chunk) in bytes[..foot.size as usize].chunks(CHUNK_BYTES).enumerate() {
        let route = format!("relay/{}/{n}", foot.sha256);
        let digest = sha256_hex(chunk);
        assert_eq!(raw.put_bytes(&route, &[("x-chunk-sha256", &digest)], chunk.to_vec()).await.status, 204);
    }
    raw.post(&format!("relay/{}/complete", foot.sha256), &Value::Null).await
}

#[test]
fn p5_the_relay_of_a_revoked_device_is_refused_and_its_carrier_is_not_mistaken_for_it() {
    let place = Place::new();
    let carrier = Device::new(&place.folder.path().join("mensajero")).with("LANG", "es_MX.UTF-8");
    carrier.enrol(&place.central, &place.central.code("Otra de muestra", "enlace", "Parques", true));
    place.device.capture("d1_p1", &progress(10), &[]);
    let relay = place.export();
    let devices: Value = serde_json::from_str(&place.central.ok(&["devices", "--json"])).unwrap();
    let row = devices.as_array().unwrap().iter().find(|row| row["person"] == "Persona de muestra").unwrap();
    place.central.ok(&["devices", "--revoke", row["deviceId"].as_str().unwrap()]);
    let output = carrier.run(&["relay", "upload", relay.to_str().unwrap()]);
    assert!(complaint(&output).contains("fue dado de baja"), "{}", complaint(&output));
    assert_eq!(place.follow_ups(), json!({}));
    carrier.ok(&["send"]);
    assert_eq!(place.device.count("ready"), 1);
}

#[test]
fn p5_another_municipality_and_an_endpoint_of_before_say_so() {
    let place = Place::new();
    let mut other = Central::new(&place.folder.path().join("otro"));
    std::fs::create_dir_all(&other.data).unwrap();
    std::fs::write(other.data.join("avance.toml"), "municipality_id = \"otro\"\n").unwrap();
    other.ok(&["load", project_list().0.to_str().unwrap()]);
    other.start();
    place.device.capture("d1_p1", &progress(10), &[]);
    let relay = place.export();
    let output = stranger(place.folder.path(), &other.url(), &relay);
    assert!(complaint(&output).contains("otro municipio"), "{}", complaint(&output));
    assert_eq!(follow_ups(&other), json!({}));

    // What an endpoint of before the relay answers to a route that it does not know.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let answer = r#"{"code": "not_found", "params": {}, "retry": "never"}"#;
            let kind = [("content-type", "application/problem+json")];
            let before = axum::Router::new()
                .fallback(move || async move { (axum::http::StatusCode::NOT_FOUND, kind, answer) });
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), before).await.unwrap();
        });
    });
    let output = stranger(place.folder.path(), &url, &relay);
    assert!(complaint(&output).contains("no acepta relevos"), "{}", complaint(&output));
}

#[test]
fn p5_what_is_set_apart_by_an_answer_lets_the_rest_follow_in_the_next_relay() {
    let place = Place::new();
    let device = &place.device;
    let list = |area: &str| place.list(area);
    list("Obras");
    device.ok(&["send"]);
    device.capture("m_1", &progress(10), &[]);
    device.capture("m_2", &progress(20), &[]);
    let relay = place.export();
    list("Parques");
    let reply = upload(device, &relay);
    let output = device.run(&["relay", "import", reply.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{}", complaint(&output));
    assert!(complaint(&output).contains("asignado a otra área"), "{}", complaint(&output));
    assert_eq!((device.count("parked"), device.count("ready")), (1, 1));
    let reply = upload(device, &place.export());
    device.ok(&["relay", "import", reply.to_str().unwrap()]);
    wait_until("the rest is published", Duration::from_secs(20), || {
        place.follow_ups() == json!({"published": 1})
    });
    // The project comes back; what was set apart goes, once, and the equipment was never taken for a copy.
    list("Obras");
    wait_until("all of it is published", Duration::from_secs(20), || {
        device.run(&["send"]).status.success() && place.follow_ups() == json!({"published": 2})
    });
}

#[test]
fn p5_what_was_set_apart_while_its_relay_was_still_on_its_way_keeps_its_number_when_it_is_recorded() {
    let place = Place::new();
    let device = &place.device;
    place.list("Obras");
    device.ok(&["send"]);
    device.capture("m_1", &progress(10), &[]);
    device.capture("m_2", &progress(20), &[]);
    let relay = place.export();
    place.list("Parques");
    let reply = upload(device, &relay);
    device.run(&["relay", "import", reply.to_str().unwrap()]);
    assert_eq!((device.count("parked"), device.count("ready")), (1, 1));
    // A copy of the same relay arrives again, at an endpoint that forgot the first and gave the project back.
    place.list("Obras");
    std::fs::remove_dir_all(place.central.data.join("relay")).unwrap();
    let reply = upload(device, &relay);
    device.ok(&["relay", "import", reply.to_str().unwrap()]);
    assert_eq!((device.count("parked"), device.count("ready")), (0, 0));
    // The placeholder that held its number is gone: nobody takes this device for a copy of itself.
    device.capture("m_2", &progress(30), &[]);
    device.ok(&["relay", "import", upload(device, &place.export()).to_str().unwrap()]);
    device.ok(&["send"]);
    wait_until("all of it is published", Duration::from_secs(20), || {
        place.follow_ups() == json!({"published": 3})
    });
}
