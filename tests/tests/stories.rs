//! Stories of the people who capture, each with whole programs and named as the product names them. Those that have a
//! file of their own (kills, conflicts, profiles…) are not repeated here.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use client::Client;
use domain::clock::{Clock, SystemClock};
use journeys::proxy::{Act, Fault, Proxy};
use journeys::{Central, Device, PASSPHRASE, complaint, document, photograph, progress, text, wait_until};
use serde_json::{Value, json};

/// Waits until the endpoint holds so many follow-ups as published and nothing is queued.
fn settled(central: &Central, published: u64) {
    wait_until("everything is decided and published", Duration::from_secs(240), || {
        let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).expect("JSON");
        status["queued"] == 0 && status["followUps"]["published"].as_u64() == Some(published)
    });
}

#[test]
fn e1_one_code_and_then_no_network() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::ready(&folder.path().join("central"));
    let code = central.code("Persona de muestra", "enlace", "Obras de muestra", true);
    let letters = code.chars().filter(char::is_ascii_alphanumeric).count();
    assert_eq!(letters, 10, "{code}");
    let device = Device::new(&folder.path().join("equipo"));
    let since = Instant::now();
    device.enrol(&central, &code);
    println!("enrolled in {:?}", since.elapsed());

    // The same code on another equipment is of no use, and the sentence says what to do.
    let other = Device::new(&folder.path().join("otro"));
    let output = other.run(&["enrol", "--server", &central.url(), "--code", &code]);
    assert!(!output.status.success());
    let complaint = complaint(&output);
    assert!(complaint.contains("otro") || complaint.contains("another"), "{complaint}");

    // The cable is pulled. Each start shows the projects, with what came at enrolment.
    central.kill();
    let since = Instant::now();
    let projects = device.json(&["projects", "--json"]);
    println!("projects without a network in {:?}", since.elapsed());
    assert_eq!(projects.as_array().unwrap().len(), journeys::project_list().1);
    device.capture("d1_p1", &progress(30), &[]);
    assert_eq!(device.count("ready"), 1);
}

#[test]
fn e8_received_only_with_a_receipt_that_holds() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let line = Proxy::start(central.address);
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol_at(&line.url(), &central.code("Persona de muestra", "enlace", "Obras de muestra", true));
    device.capture("d1_p1", &progress(30), &[]);

    // A portal that says yes to everything, in the endpoint's place: no receipt, so nothing was received.
    line.decide(|request| match request.path.ends_with("/sync/push") {
        true => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
            Act::Say(
                head.into(),
                r#"{"serverEpoch":"019aa000-0000-7000-8000-000000000000","results":[]}"#.into(),
            )
        }
        false => Act::Carry,
    });
    assert!(!device.run(&["send"]).status.success());
    assert_eq!(device.count("ready"), 1, "still only here");
    assert_eq!(device.json(&["receipts", "--json"]), json!([]));

    line.heal();
    device.ok(&["send"]);
    assert_eq!(device.count("ready"), 0);
    let receipts = device.json(&["receipts", "--verify", "--json"]);
    assert_eq!(receipts.as_array().unwrap().len(), 1);
    assert_eq!(receipts[0]["valid"], true, "{receipts}");

    // On paper: one page, verified without a network; one changed digit is noticed.
    let pages = folder.path().join("acuses");
    let saved = device.ok(&["receipts", "--pdf", pages.to_str().unwrap()]);
    let page = saved.lines().next().unwrap().split('\t').next().unwrap().to_owned();
    let page = journeys::files_under(&pages).into_iter().next().unwrap_or_else(|| PathBuf::from(page));
    let bytes = std::fs::read(&page).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    device.ok(&["receipts", "--verify", page.to_str().unwrap()]);
    for (name, field) in [("huella", "bodyHash"), ("número", "seq"), ("hora", "recordedAt")] {
        let mut forged = receipts[0]["receipt"].clone();
        forged[field] = match forged[field].take() {
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            Value::String(text) if text.contains('T') => json!(text.replacen("20", "21", 1)),
            Value::String(text) => {
                let first = if text.starts_with('0') { '1' } else { '0' };
                json!(format!("{first}{}", &text[1..]))
            }
            other => panic!("{name}: {other}"),
        };
        let path = folder.path().join("alterado.json");
        std::fs::write(&path, forged.to_string()).unwrap();
        assert_eq!(
            device.run(&["receipts", "--verify", path.to_str().unwrap()]).status.code(),
            Some(1),
            "{name}"
        );
    }
}

/// A clock that is moved by hand: a week takes no week.
struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::seconds(self.0.load(Ordering::Relaxed))
    }
}

#[test]
fn p1_a_week_without_a_network() {
    const DAYS: usize = 7;
    const FOLLOW_UPS: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::ready(&folder.path().join("central"));
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol(&central, &central.code("Persona de muestra", "campo", "Obras de muestra", true));
    central.kill();
    let photographs: Vec<PathBuf> = (0..3 * FOLLOW_UPS)
        .map(|n| {
            let path = photograph(&folder.path().join("foto.jpg"), 0);
            // Each is another picture: its bytes end in its number, after the end of the image.
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.extend(n.to_be_bytes());
            let path = folder.path().join(format!("foto-{n}.jpg"));
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect();

    let clock = Arc::new(Moved(AtomicI64::new(-(DAYS as i64) * 86_400)));
    let projects = device.json(&["projects", "--json"]);
    let projects: Vec<&str> =
        projects.as_array().unwrap().iter().map(|project| project["folio"].as_str().unwrap()).collect();
    let mut captured = 0;
    for day in 0..DAYS {
        clock.0.store((day as i64 - DAYS as i64) * 86_400, Ordering::Relaxed);
        // Every morning the program is started again.
        let since = Instant::now();
        let client = Client::open(&device.data, clock.clone()).unwrap();
        client.unlock(Some(PASSPHRASE)).unwrap();
        println!("day {day}: open in {:?}", since.elapsed());
        while captured < FOLLOW_UPS * (day + 1) / DAYS {
            let project = projects[captured % projects.len()];
            // What is told of a project never falls: later visits are further on.
            let advance = u8::try_from(10 + captured / projects.len() * 10).unwrap();
            let mut follow_up = progress(advance);
            let visited = (clock.now() - TimeDelta::hours(12)).format("%Y-%m-%d").to_string();
            follow_up["visitedOn"] = json!(visited);
            let evidence: Vec<(PathBuf, String)> = photographs[3 * captured..3 * captured + 3]
                .iter()
                .map(|path| (path.clone(), "illustration".to_owned()))
                .collect();
            let file = serde_json::from_value(follow_up).unwrap();
            let sent = client.capture_file(project, file, &evidence);
            sent.unwrap_or_else(|problem| panic!("day {day}, {project}: {problem:?}"));
            captured += 1;
        }
        client.close();
    }
    let since = Instant::now();
    assert_eq!(device.json(&["projects", "--json"]).as_array().unwrap().len(), projects.len());
    println!("projects with {FOLLOW_UPS} follow-ups waiting in {:?}", since.elapsed());
    assert_eq!(device.count("ready"), FOLLOW_UPS as u64);

    // The network is back, and everything goes in one go.
    central.start();
    let since = Instant::now();
    device.ok(&["send"]);
    println!("{FOLLOW_UPS} follow-ups and {} photographs sent in {:?}", 3 * FOLLOW_UPS, since.elapsed());
    settled(&central, FOLLOW_UPS as u64);
    device.ok(&["send"]);
    assert_eq!(device.count("published"), FOLLOW_UPS as u64);
    let received = journeys::files_under(&central.data.join("evidence"));
    assert_eq!(received.len(), photographs.len(), "each photograph once");
    device.ok(&["receipts", "--verify"]);
}

/// The same device with its clock in a year.
fn in_year(device: &Device, year: i32) -> Device {
    let there = DateTime::parse_from_rfc3339(&format!("{year}-06-01T12:00:00Z")).expect("an instant");
    let shift = (there.to_utc() - SystemClock.now()).num_seconds();
    device.clone().with("AVANCE_CLOCK_SHIFT_SECONDS", &shift.to_string())
}

/// What the endpoint knows of a device, and the line that it prints of it.
fn listed(central: &Central, person: &str) -> (i64, String) {
    let rows: Value = serde_json::from_str(&central.ok(&["devices", "--json"])).expect("JSON");
    let row = rows.as_array().expect("rows").iter().find(|row| row["person"] == person).expect("listed");
    let lines = central.ok(&["devices"]);
    let line = lines.lines().find(|line| line.contains(person)).expect("listed").to_owned();
    (row["clockOffsetMs"].as_i64().expect("a number"), line)
}

#[test]
fn p6_a_wrong_clock_is_told_and_refuses_nothing() {
    /// Milliseconds of a year, about.
    const YEAR: i64 = 365 * 86_400_000;
    let began = SystemClock.now();
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let contract = |number: &str, actual| journeys::with_contract(number, 1_000, actual);

    // Two equipments whose clocks were never right: activated, captured and sent in another year.
    for (year, project, es, en) in
        [(2019, "d1_p1", "atrasado", "slow"), (2031, "d1_p2", "adelantado", "fast")]
    {
        let name = format!("Persona de {year}");
        let device = in_year(&Device::new(&folder.path().join(year.to_string())), year);
        device.enrol(&central, &central.code(&name, "campo", "Obras de muestra", true));
        device.capture(project, &contract("C-1", 10), &[]);
        device.ok(&["send"]);
        assert_eq!(device.count("ready"), 0, "taken");
        let (offset, line) = listed(&central, &name);
        assert!(offset.abs() > 3 * YEAR && (offset > 0) == (year > 2026), "{year}: {offset}");
        assert!(line.contains(if year > 2026 { "clock +" } else { "clock -" }), "{line}");
        // On the equipment: how wrong, that nothing is lost, and what to set; in both languages.
        for (locale, told, advice) in
            [("es_MX.UTF-8", es, "Ajusta la hora"), ("en_US.UTF-8", en, "Set the time")]
        {
            let said = device.clone().with("LANG", locale).with("LC_ALL", locale).ok(&["status"]);
            assert!(said.contains(told) && said.contains(advice), "{said}");
        }
    }

    // One whose clock jumps between captures, without a network: ahead, behind, right.
    let jumps = Device::new(&folder.path().join("salta"));
    jumps.enrol(&central, &central.code("Persona que salta", "campo", "Obras de muestra", true));
    let folios = [
        in_year(&jumps, 2031).capture("d1_p3", &contract("C-1", 10), &[]),
        in_year(&jumps, 2019).capture("d1_p3", &progress(20), &[]),
        jumps.capture("d1_p3", &progress(30), &[]),
    ];
    in_year(&jumps, 2019).ok(&["send"]);
    settled(&central, 5);
    jumps.ok(&["send"]);
    assert_eq!(jumps.count("published"), 3);
    jumps.ok(&["receipts", "--verify"]);

    // Told in the order in which they were captured; what each clock said is kept as a claim.
    let host = journeys::Host::start(&jumps.data);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tray = runtime.block_on(host.call("tray", json!({}))).unwrap();
    let detail = runtime.block_on(host.call("project", json!({"folio": "d1_p3"}))).unwrap();
    let year = began.format("%Y").to_string();
    for list in [&tray["rows"], &detail["followUps"]] {
        let rows: Vec<(&str, &str)> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["folio"].as_str().unwrap(), &row["at"].as_str().unwrap()[..4]))
            .collect();
        assert_eq!(rows, [(&*folios[2], &*year), (&*folios[1], "2019"), (&*folios[0], "2031")]);
    }

    // The public sees them in that order too, dated by the endpoint.
    let record = central.record("ocds-000000-d1_p3");
    let releases = record["releases"].as_array().unwrap();
    let dates: Vec<DateTime<Utc>> =
        releases.iter().map(|release| release["date"].as_str().unwrap().parse().unwrap()).collect();
    assert!(dates.is_sorted_by(|a, b| a < b), "{dates:?}");
    let told: Vec<&Value> = releases
        .iter()
        .filter_map(|release| release.pointer("/contracts/0/implementation/metrics/0/observations/0/measure"))
        .collect();
    assert_eq!(told, [&json!(10), &json!(20), &json!(30)]);
    for project in ["d1_p1", "d1_p2", "d1_p3"] {
        let record = central.record(&format!("ocds-000000-{project}"));
        let last =
            record["releases"].as_array().unwrap().last().unwrap()["date"].as_str().unwrap().to_owned();
        let last: DateTime<Utc> = last.parse().unwrap();
        assert!(last >= began && last <= SystemClock.now(), "{project}: {last}");
    }
}

#[test]
fn p3_a_bad_line_carries_twenty_megabytes_with_little_waste() {
    const PIECES: usize = 4;
    const EACH: usize = 5 << 20;
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let line = Proxy::start(central.address);
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol_at(&line.url(), &central.code("Persona de muestra", "campo", "Obras de muestra", true));
    let evidence: Vec<String> = (0..PIECES)
        .map(|n| {
            let path = document(&folder.path().join(format!("acta-{n}.pdf")), EACH, n as u64);
            format!("{}:physicalProgressReport", path.to_str().unwrap())
        })
        .collect();
    device.capture("d1_p1", &progress(30), &evidence);
    let before = line.seen().len();

    // The line is cut while every ninth piece is on its way: a piece that arrived is not sent again.
    let mut pieces = 0;
    line.decide(move |request| {
        if request.method != "PUT" {
            return Act::Carry;
        }
        pieces += 1;
        if pieces % 9 == 0 { Act::Do(Fault::CutRequest) } else { Act::Carry }
    });
    wait_until("every piece arrived", Duration::from_secs(240), || {
        device.run(&["send"]);
        let files = journeys::files_under(&central.data.join("evidence"));
        files.iter().filter(|path| path.metadata().is_ok_and(|data| data.len() > EACH as u64)).count()
            == PIECES
    });
    assert!(*line.hits().get(&Fault::CutRequest).unwrap_or(&0) >= 2, "the line was really cut");
    let seen: Vec<_> = line.seen().into_iter().skip(before).map(|(_, request)| request).collect();
    let first = |what: &str| seen.iter().position(|request| request.path.contains(what)).unwrap();
    assert!(first("/sync/push") < first("/evidence"), "text goes before files");
    let offered: usize =
        seen.iter().filter(|request| request.method == "PUT").map(|request| request.length).sum();
    let payload = PIECES * EACH;
    println!("{offered} bytes offered for {payload}: {:.3}", offered as f64 / payload as f64);
    assert!(offered <= payload * 115 / 100, "{offered} bytes for {payload}");
    line.heal();
    device.ok(&["send"]);
    let receipts = device.run(&["receipts", "--verify"]);
    assert!(receipts.status.success(), "{}", text(&receipts));
}
