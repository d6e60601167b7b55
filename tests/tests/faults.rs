//! A bad line between real devices and the real endpoint. What was captured and which receipts were printed is
//! written down outside of both (`ledger`); the line counts what it really did (`proxy`).
//!
//! `AVANCE_FAULTS=N` for more faults, `AVANCE_SEED=N` for the plan of an earlier run.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use journeys::ledger::Ledger;
use journeys::proxy::{Act, Dice, Fault, Proxy};
use journeys::{Central, Device, Host, complaint, own_check, photograph, progress, wait_until};
use serde_json::json;

/// Long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(180);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

fn seed() -> u64 {
    let from_time =
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    number("AVANCE_SEED").unwrap_or_else(|| u64::try_from(from_time()).unwrap())
}

#[test]
fn a_bad_line_loses_nothing_and_doubles_nothing() {
    let seed = seed();
    let faults = usize::try_from(number("AVANCE_FAULTS").unwrap_or(60)).unwrap().max(Fault::ALL.len());
    println!("AVANCE_SEED={seed} AVANCE_FAULTS={faults}");
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let line = Proxy::start(central.address);
    let mut ledger = Ledger::default();
    let devices: Vec<Device> = [("uno", "enlace"), ("dos", "campo"), ("tres", "enlace")]
        .map(|(name, role)| {
            // Half-open connections are given up soon; a delay of the line stays below it.
            let device = Device::new(&folder.path().join(name)).with("AVANCE_STALL_MS", "1500");
            device.enrol_at(&line.url(), &central.code(name, role, "Obras de muestra", true));
            device
        })
        .into();

    line.plan(seed, faults);
    let mut dice = Dice::new(seed);
    let mut cycle = 0;
    while line.left() > 0 {
        assert!(cycle < faults * 2, "never hit: {} left, {:?}", line.left(), line.hits());
        for (n, device) in devices.iter().enumerate() {
            let mut files = Vec::new();
            if dice.below(3) == 0 {
                let shade = u8::try_from(cycle * devices.len() + n).unwrap_or(u8::MAX);
                let photo = photograph(&folder.path().join(format!("foto-{cycle}-{n}.jpg")), shade);
                files.push(format!("{}:illustration", photo.display()));
            }
            let actual = u8::try_from(cycle.min(100)).unwrap();
            for files in [&files[..], &[]] {
                let project = format!("d{}_p{}", n + 1, dice.below(3) + 1);
                ledger.capture(device, &project, progress(actual), files);
            }
        }
        let senders: Vec<_> = devices
            .iter()
            .map(|device| {
                device.command(&["send"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        for mut sender in senders {
            // 0: everything is there; 2: something waits, with its reason. Anything else is a defect.
            let code = sender.wait().unwrap().code();
            assert!(matches!(code, Some(0 | 2)), "{code:?}");
        }
        for device in &devices {
            ledger.print_receipts(device);
        }
        cycle += 1;
    }
    line.heal();
    println!("{} cycles, {} follow-ups, {:?}", cycle, ledger.len(), line.hits());
    wait_until("the last connections of the line end", LIMIT, || {
        line.hits().values().sum::<u64>() == faults as u64
    });
    for kind in Fault::ALL {
        assert!(line.hits().contains_key(&kind), "{kind:?} was planned and never happened");
    }

    // It heals: every queue drains, everything is published once, and all see the same.
    wait_until("everything is published", LIMIT, || {
        let sent: Vec<bool> = devices.iter().map(|device| device.run(&["send"]).status.success()).collect();
        let published: u64 = devices.iter().map(|device| device.count("published")).sum();
        sent.iter().all(|sent| *sent) && published == ledger.len() as u64
    });
    for device in &devices {
        device.ok(&["send"]);
        ledger.print_receipts(device);
    }
    ledger.settle(&central, "published");
    let seen = devices[0].seen();
    assert!(devices.iter().all(|device| device.seen() == seen));
    own_check(&central.packages());
}

#[test]
fn a_half_open_line_blocks_nobody_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let line = Proxy::start(central.address);
    let mut ledger = Ledger::default();
    let device = Device::new(&folder.path().join("equipo")).with("AVANCE_STALL_MS", "400");
    device.enrol_at(&line.url(), &central.code("Persona de muestra", "enlace", "Obras", true));
    let photo = photograph(&folder.path().join("foto.jpg"), 3);
    ledger.capture(&device, "d1_p1", progress(10), &[format!("{}:illustration", photo.display())]);

    // Nothing is ever answered: the command ends by itself, with its reason, and everything is still here.
    line.decide(|_| Act::Do(Fault::HalfOpen));
    let output = device.run(&["send"]);
    assert_eq!(output.status.code(), Some(2), "{}", complaint(&output));
    assert!(!complaint(&output).is_empty());
    assert_eq!(device.count("ready"), 1);

    // The window's own sending, nobody helping: each kind of request once without an answer, then it goes through.
    let met = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&met);
    let mut waiting = vec!["/health", "/auth/token", "/sync/push", "/sync/pull", "/evidence/"];
    line.decide(move |request| match waiting.iter().position(|part| request.path.contains(part)) {
        Some(place) => {
            waiting.remove(place);
            counted.fetch_add(1, Ordering::SeqCst);
            Act::Do(Fault::HalfOpen)
        }
        None => Act::Carry,
    });
    let mut host = Host::start_with(&device.data, &[("AVANCE_STALL_MS", "400")]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    wait_until("the scheduler sends everything", LIMIT, || {
        let tray = runtime.block_on(host.call("tray", json!({}))).unwrap();
        tray["counts"]["published"] == 1
    });
    assert_eq!(met.load(Ordering::SeqCst), 5, "every request met a connection without an answer");
    host.kill();
    ledger.print_receipts(&device);
    ledger.settle(&central, "published");
}

/// A follow-up through the commands of the window.
async fn capture(host: &Host, ledger: &mut Ledger, project: &str) {
    let draft = host.call("draft_new", json!({"folio": project, "stage": "implementation"})).await.unwrap();
    let mut follow_up = json!({});
    let words = ledger.mark(&mut follow_up, "ventana");
    let values = json!({"visitedOn": "12/03/2026", "physicalActual": "40", "notes": words});
    host.call("draft_save", json!({"id": draft["id"], "values": values})).await.unwrap();
    let sent = host.call("draft_ready", json!({"id": draft["id"]})).await.unwrap();
    ledger.note(sent["folio"].as_str().unwrap(), words, &[]);
}

fn problem(status: &str, code: &str, retry: &str) -> (String, String) {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/problem+json");
    (head, json!({"code": code, "params": {}, "retry": retry}).to_string())
}

fn page(status: &str) -> (String, String) {
    (format!("HTTP/1.1 {status}\r\ncontent-type: text/html"), "<html>no</html>".into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_on_the_way_never_deletes_an_operation() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let line = Proxy::start(central.address);
    let mut ledger = Ledger::default();
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol_at(&line.url(), &central.code("Persona de muestra", "enlace", "Obras", true));
    let mut host = Host::start(&device.data);
    let answers = [
        (problem("401 Unauthorized", "unauthenticated", "later"), "unauthenticated"),
        (page("401 Unauthorized"), "server_not_ours"),
        (problem("403 Forbidden", "forbidden", "after_fix"), "forbidden"),
        (page("403 Forbidden"), "server_not_ours"),
        (problem("426 Upgrade Required", "upgrade_required", "after_fix"), "upgrade_required"),
        (page("426 Upgrade Required"), "server_not_ours"),
        (problem("429 Too Many Requests", "too_many_requests", "later"), "too_many_requests"),
        (page("429 Too Many Requests"), "too_many_requests"),
        (page("503 Service Unavailable"), "server_unreachable"),
    ];
    for ((head, body), code) in answers {
        line.decide(move |request| {
            if request.path.ends_with("/sync/push") {
                Act::Say(head.clone(), body.clone())
            } else {
                Act::Carry
            }
        });
        capture(&host, &mut ledger, "d1_p1").await;
        // Asked for several times, as somebody does who wants it gone.
        let before = pushes(&line).len();
        let since = Instant::now();
        loop {
            let status = host.call("send_now", json!({})).await.unwrap();
            if pushes(&line).len() >= before + 4 && status["problem"]["code"] == code {
                break;
            }
            assert!(since.elapsed() < LIMIT, "{code}: {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let tray = host.call("tray", json!({})).await.unwrap();
        let here =
            ["ready", "sending"].iter().filter_map(|state| tray["counts"][state].as_u64()).sum::<u64>();
        assert_eq!(here, ledger.len() as u64, "{code}: {tray}");
    }
    line.heal();
    host.kill();
    wait_until("everything is published", LIMIT, || {
        device.run(&["send"]).status.success() && device.count("published") == ledger.len() as u64
    });
    ledger.print_receipts(&device);
    ledger.settle(&central, "published");
}

/// When each push arrived.
fn pushes(line: &Proxy) -> Vec<Instant> {
    let seen = line.seen().into_iter();
    seen.filter(|(_, request)| request.path.ends_with("/sync/push")).map(|(at, _)| at).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_time_is_given_it() {
    /// What the line asks for.
    const ASKED: u64 = 4;
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let line = Proxy::start(central.address);
    let mut ledger = Ledger::default();
    let device = Device::new(&folder.path().join("equipo")).with("LANG", "es_MX.UTF-8");
    device.enrol_at(&line.url(), &central.code("Persona de muestra", "enlace", "Obras", true));
    let once = |wait: u64| {
        let mut asked = false;
        move |request: &journeys::proxy::Request| {
            if asked || !request.path.ends_with("/sync/push") {
                return Act::Carry;
            }
            asked = true;
            let (head, body) = problem("429 Too Many Requests", "too_many_requests", "later");
            Act::Say(format!("{head}\r\nretry-after: {wait}"), body)
        }
    };

    // The command: it waits, and then it is done.
    ledger.capture(&device, "d1_p1", progress(10), &[]);
    let before = pushes(&line).len();
    line.decide(once(ASKED));
    device.ok(&["send"]);
    let gap = pushes(&line)[before + 1] - pushes(&line)[before];
    assert!(gap >= Duration::from_secs(ASKED), "{gap:?}");

    // More than a person waits in front of it: told, and nothing else is asked.
    ledger.capture(&device, "d1_p2", progress(10), &[]);
    let before = pushes(&line).len();
    line.decide(once(600));
    let output = device.run(&["send"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("600 s"), "{}", complaint(&output));
    assert_eq!(pushes(&line).len(), before + 1);
    assert_eq!(device.count("ready"), 1);

    // The window: also when somebody captures meanwhile.
    let before = pushes(&line).len();
    line.decide(once(ASKED));
    let mut host = Host::start(&device.data);
    wait_until("the first push", LIMIT, || pushes(&line).len() > before);
    capture(&host, &mut ledger, "d1_p3").await;
    wait_until("the next push", LIMIT, || pushes(&line).len() > before + 1);
    let gap = pushes(&line)[before + 1] - pushes(&line)[before];
    assert!(gap >= Duration::from_secs(ASKED), "{gap:?}");
    host.kill();
    line.heal();
    wait_until("everything is published", LIMIT, || {
        device.ok(&["send"]);
        device.count("published") == ledger.len() as u64
    });
    ledger.print_receipts(&device);
    ledger.settle(&central, "published");
}
