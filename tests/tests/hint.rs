//! An endpoint that asks to be looked at less often, and a device that heeds it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::clock::{Clock as _, SystemClock};
use journeys::raw::RawDevice;
use journeys::{Central, Device, Host, progress, project_list, wait_until};
use serde_json::{Value, json};

/// What the configuration asks for.
const SECONDS: i64 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_nothing_to_send_looks_as_seldom_as_the_configuration_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    central.ok(&["load", project_list().0.to_str().unwrap()]);
    std::fs::write(central.data.join("avance.toml"), "sync_interval_seconds = 20\n").unwrap();
    assert!(!central.run(&["status"]).status.success(), "out of its bounds");
    std::fs::write(central.data.join("avance.toml"), format!("sync_interval_seconds = {SECONDS}\n")).unwrap();
    central.start();
    let raw = RawDevice::enrol(&central.url(), &central.code("A mano", "enlace", "Obras", true)).await;
    let http = reqwest::Client::new();
    let pull = http.get(format!("{}/api/v1/sync/pull", central.url()));
    let push = http.post(format!("{}/api/v1/sync/push", central.url())).json(&raw.batch(Vec::new()));
    for request in [pull, push] {
        let answer = request.bearer_auth(&raw.token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["sync-hint"], format!("interval={SECONDS}"));
    }

    // What is still being published would move under the device.
    wait_until("the list is public", Duration::from_secs(60), || {
        let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).unwrap();
        status["queued"] == 0
    });
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras", true));
    let before = SystemClock.now();
    let host = Host::start(&device.data);
    let next = |text: &str| text.parse::<DateTime<Utc>>().unwrap() - before;
    // Right after something moved it asks again soon, for a minute, whatever was asked of it.
    let since = std::time::Instant::now();
    loop {
        let status = host.call("status", json!({})).await.unwrap();
        if status["nextAttempt"].as_str().is_some_and(|at| next(at) >= TimeDelta::seconds(SECONDS)) {
            break;
        }
        assert!(
            since.elapsed() < Duration::from_secs(120),
            "it looks more often than it was asked: {status}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What is captured meanwhile does not wait for it.
    let draft = host.call("draft_new", json!({"folio": "d1_p1", "stage": "implementation"})).await.unwrap();
    let values = json!({"visitedOn": "12/03/2026", "physicalActual": progress(40)["progress"]["physical"]["actual"].to_string()});
    host.call("draft_save", json!({"id": draft["id"], "values": values})).await.unwrap();
    host.call("draft_ready", json!({"id": draft["id"]})).await.unwrap();
    let since = std::time::Instant::now();
    while host.call("status", json!({})).await.unwrap()["received"] != 1 {
        assert!(since.elapsed() < Duration::from_secs(60), "it waits for the interval");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
