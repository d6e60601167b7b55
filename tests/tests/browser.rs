//! The page and the public site in a real browser. Each test starts the real parts, lets a script of `tests/browser`
//! do what a person would, and then asks the parts themselves whether it is true.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use journeys::proxy::{Act, Fault, Proxy};
use journeys::{
    CANARY, Central, Device, Host, PASSPHRASE, browser, complaint, document, files_under, own_check,
    photograph, progress, project_list, text, wait_until, with_contract,
};
use serde_json::{Value, json};

/// Runs a script to its end. While it runs it may ask, through a door of loopback, for what only the test can do.
fn browse(script: &str, given: &[(&str, &str)], mut asked: impl FnMut(&str)) {
    if let Err(missing) = browser::ready() {
        panic!("{missing}");
    }
    let door = TcpListener::bind("127.0.0.1:0").expect("a free port");
    door.set_nonblocking(true).expect("our own socket");
    let mut words: Vec<String> = given.iter().map(|(name, value)| format!("{name}={value}")).collect();
    words.push(format!("door=http://{}", door.local_addr().expect("our own socket")));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| browser::run(script, &words));
        while !run.is_finished() {
            match door.accept() {
                Ok((stream, _)) => answer(stream, &mut asked),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        let output = run.join().expect("the script was run");
        let said = text(&output);
        println!("{said}");
        assert!(output.status.success(), "{script} ({}):\n{said}\n{}", output.status, complaint(&output));
    });
}

/// One question at the door: `GET /what`, answered once it is done.
fn answer(mut stream: TcpStream, asked: &mut impl FnMut(&str)) {
    stream.set_nonblocking(false).expect("our own socket");
    let mut lines = BufReader::new(&stream).lines();
    let first = lines.next().and_then(Result::ok).expect("a request");
    // The rest of the request is read, or closing would cut the answer short.
    for line in lines {
        if line.expect("a request").is_empty() {
            break;
        }
    }
    let what = first.split(' ').nth(1).unwrap_or_default();
    asked(what.trim_start_matches('/'));
    let done = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(done.as_bytes()).expect("the script listens");
}

/// What a script asks of the central endpoint.
fn switch(central: &mut Central, what: &str) {
    match what {
        "stop" => central.kill(),
        "start" => {
            central.start();
            // Its port was free for a while: whoever answers there must be it.
            let catalog = format!("{}/ocds/catalog.json", central.url());
            let answer = wait(async { reqwest::get(catalog).await });
            assert!(
                answer.is_ok_and(|answer| answer.status().is_success()),
                "another program took the port of the central endpoint"
            );
        }
        other => panic!("the script asked for «{other}»"),
    }
}

/// A host that nobody has opened: it has no passphrase and no keyring, as an equipment that was just turned on.
struct Locked {
    child: Child,
    address: SocketAddr,
}

impl Locked {
    fn start(data: &Path) -> Locked {
        Locked::start_at(data, "127.0.0.1:0")
    }

    /// The same where somebody expects it.
    fn start_at(data: &Path, listen: &str) -> Locked {
        let mut command = Command::new(journeys::program("device-host"));
        command.arg("--data").arg(data);
        command.arg("--ui").arg(journeys::root().join("ui/dist")).args(["--listen", listen]);
        command.env_remove("AVANCE_PASSPHRASE").env_remove("DBUS_SESSION_BUS_ADDRESS");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("device-host starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("device-host says where it listens");
        let address = line.trim().parse().unwrap_or_else(|_| panic!("device-host said «{line}»"));
        Locked { child, address }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A central endpoint with the list of projects, answering.
fn central(folder: &Path) -> Central {
    let mut central = Central::new(&folder.join("central"));
    std::fs::create_dir_all(&central.data).expect("a folder of ours");
    central.ok(&["load", project_list().0.to_str().expect("UTF-8")]);
    central.start();
    central
}

/// A device enrolled under a name.
fn device(folder: &Path, central: &Central, name: &str, role: &str) -> Device {
    let device = Device::new(&folder.join(name));
    let code = central.code(&format!("Persona de {name}"), role, "Obras de muestra", true);
    device.ok(&["enrol", "--server", &central.url(), "--code", &code, "--device", name]);
    device
}

/// Sends until so many are published.
fn publish(device: &Device, count: u64) {
    wait_until("everything is published", Duration::from_secs(30), || {
        device.ok(&["send"]);
        device.count("published") == count
    });
}

/// A history worth looking at: a contract with a payment and a photograph, and progress of several months.
fn history(folder: &Path, device: &Device) {
    let photo = photograph(&folder.join(format!("antes-{CANARY}.jpg")), 90);
    let mut first = with_contract("OP-1", 50_000, 20);
    first["release"]["contracts"][0]["implementation"]["transactions"] = json!([{
        "id": "EST-1", "date": "2026-03-10T00:00:00-06:00", "value": {"amount": 20_000, "currency": "MXN"},
    }]);
    first["progress"]["financial"]["actual"] = json!(40);
    device.capture("d1_p1", &first, &[format!("{}:illustration", photo.display())]);
    for (day, planned, actual) in [("2026-05-08", 60, 28), ("2026-07-10", 70, 35)] {
        let mut later = progress(actual);
        later["visitedOn"] = json!(day);
        later["progress"]["physical"]["planned"] = json!(planned);
        later["progress"]["financial"] = json!({"planned": 60, "actual": 40});
        device.capture("d1_p1", &later, &[]);
    }
    publish(device, 3);
}

/// A command of a host that runs.
fn call(host: &Host, name: &str, payload: Value) -> Value {
    wait(host.call(name, payload)).unwrap_or_else(|problem| panic!("{name}: {problem}"))
}

/// Waits for an answer.
fn wait<T>(answer: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime").block_on(answer)
}

/// Nothing internal is among what is published.
fn nothing_internal(central: &Central) {
    for path in files_under(&central.public("")) {
        let bytes = std::fs::read(&path).expect("a published file");
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} has an internal word", path.display());
    }
}

#[test]
fn a_follow_up_is_captured_in_the_browser_and_published() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = central(folder.path());
    let code = central.code("Persona de muestra", "enlace", "Obras de muestra", true);
    let device = Device::new(&folder.path().join("equipo"));
    let mut host = Locked::start(&device.data);
    let photo = photograph(&folder.path().join(format!("foto-{CANARY}.jpg")), 120);
    let given = [
        ("host", format!("http://{}", host.address)),
        ("central", central.url()),
        ("code", code),
        ("passphrase", PASSPHRASE.to_owned()),
        ("photo", photo.display().to_string()),
        ("canary", CANARY.to_owned()),
        ("folio", "d1_p1".to_owned()),
        ("contract", "OP-77/2026".to_owned()),
        ("count", project_list().1.to_string()),
    ];
    let given = given.each_ref().map(|(name, value)| (*name, value.as_str()));
    browse("journey.mjs", &given, |what| switch(&mut central, what));

    // The device has it, with a receipt that holds.
    host.kill();
    assert_eq!(device.count("published"), 1);
    let receipts = device.json(&["receipts", "--verify", "--json"]);
    assert_eq!(receipts.as_array().unwrap().len(), 1, "{receipts}");
    assert_eq!(receipts[0]["valid"], true, "{receipts}");

    // The public has it, as it was typed, once and nothing more.
    let record = central.record("ocds-000000-d1_p1");
    assert_eq!(record["releases"].as_array().unwrap().len(), 2, "the base and the follow-up");
    let compiled = &record["compiledRelease"];
    let contract = &compiled["contracts"][0];
    assert_eq!(contract["id"], "OP-77/2026");
    assert_eq!(contract["title"], "Obra de muestra");
    assert_eq!(contract["value"], json!({"amount": 50_000, "currency": "MXN"}));
    let signed = contract["dateSigned"].as_str().unwrap();
    assert!(signed.starts_with("2026-02-02"), "{signed}");
    let implementation = &contract["implementation"];
    let milestone = &implementation["milestones"][0];
    assert_eq!((&milestone["title"], &milestone["status"]), (&json!("Inicio de obra"), &json!("met")));
    let met = milestone["dateMet"].as_str().unwrap();
    assert!(met.starts_with("2026-02-11"), "{met}");
    let payment = &implementation["transactions"][0];
    assert_eq!((&payment["id"], &payment["value"]["amount"]), (&json!("EST-1"), &json!(10_000)));
    let supplier = compiled["parties"]
        .as_array()
        .unwrap()
        .iter()
        .find(|party| party["roles"] == json!(["supplier"]))
        .unwrap();
    assert_eq!(supplier["name"], "Constructora de muestra");
    assert_eq!(supplier["identifier"]["id"], "CMU010203AB1");
    let url = implementation["documents"][0]["url"].as_str().unwrap();
    let path = url.strip_prefix(&central.url()).unwrap().trim_start_matches('/');
    assert!(image::open(central.public(path)).is_ok(), "{path}");
    own_check(&[central.public("ocds/records/ocds-000000-d1_p1.json")]);
    nothing_internal(&central);

    // And the central endpoint knows that nothing is left on the equipment.
    let devices: Value = serde_json::from_str(&central.ok(&["devices", "--json"])).unwrap();
    assert_eq!(devices[0]["device"], "Laptop de muestra");
    assert_eq!(devices[0]["waiting"], json!([]), "{devices}");
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));
}

#[test]
fn every_screen_passes_axe() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = central(folder.path());
    let main = device(folder.path(), &central, "oficina", "enlace");
    history(folder.path(), &main);
    let used = device(folder.path(), &central, "campo", "campo");
    let overseer = device(folder.path(), &central, "coordinacion", "coordinacion");
    let code = central.code("Persona nueva", "enlace", "Obras de muestra", true);
    let photo = photograph(&folder.path().join("despues.jpg"), 30);
    let host = Host::start(&main.data);
    call(&host, "draft_new", json!({"folio": "d1_p4", "stage": "implementation"}));
    call(&host, "send_now", json!({}));
    let coordination = Host::start(&overseer.data);
    let (blank, locked) = (Locked::start(&folder.path().join("nuevo")), Locked::start(&used.data));
    let given = [
        ("host", format!("http://{}", host.address)),
        ("coordination", format!("http://{}", coordination.address)),
        ("blank", format!("http://{}", blank.address)),
        ("locked", format!("http://{}", locked.address)),
        ("central", central.url()),
        ("code", code),
        ("passphrase", PASSPHRASE.to_owned()),
        ("photo", photo.display().to_string()),
    ];
    let given = given.each_ref().map(|(name, value)| (*name, value.as_str()));
    browse("screens.mjs", &given, |what| switch(&mut central, what));
    assert_pictures(&[
        "locked",
        "enrol",
        "tray-empty",
        "unlock",
        "devices",
        "form-errors",
        "form-planning",
        "form-contract",
        "stages",
        "tray",
        "projects",
        "project",
        "follow-up",
        "sending",
        "receipt",
        "menu",
        "help",
    ]);
}

#[test]
fn e14_two_people_use_one_equipment() {
    let folder = tempfile::tempdir().unwrap();
    let central = central(folder.path());
    let data = folder.path().join("pc");
    let mut host = Locked::start(&data);
    let address = host.address.to_string();
    let code = |name: &str| central.code(name, "enlace", "Obras de muestra", true);
    let sheet = folder.path().join("hoja.pdf");
    let rescue = folder.path().join("primera.avance-rescate");
    let given = [
        ("host", format!("http://{address}")),
        ("central", central.url()),
        ("rescue", rescue.display().to_string()),
        ("first", code("Persona Uno de muestra")),
        ("second", code("Persona Dos de muestra")),
        ("passphrase", PASSPHRASE.to_owned()),
        ("sheet", sheet.display().to_string()),
    ];
    let given = given.each_ref().map(|(name, value)| (*name, value.as_str()));
    browse("people.mjs", &given, |what| {
        assert_eq!(what, "restart");
        host.kill();
        host = Locked::start_at(&data, &address);
    });
    assert!(std::fs::read(&sheet).unwrap().starts_with(b"%PDF-"), "the page to print");
    let said = central.ok(&["rescue", "open", rescue.to_str().unwrap(), "--dry-run"]);
    assert!(said.contains("Borradores: 1") || said.contains("Drafts: 1"), "{said}");
    // Of both people, nothing that they typed can be read on the disk.
    drop(host);
    for path in files_under(&data) {
        let bytes = std::fs::read(&path).unwrap();
        for typed in ["Nota de la primera", "Nota de la segunda", "SQLite format 3"] {
            let found = bytes.windows(typed.len()).any(|window| window == typed.as_bytes());
            assert!(!found, "«{typed}» in {}", path.display());
        }
    }
    assert_pictures(&[
        "filters",
        "profile",
        "recovery-code",
        "lock-soon",
        "unlock-wrong",
        "choose",
        "add-person",
        "recover",
        "rescue",
        "remove-profile",
        "removed-profiles",
    ]);
}

#[test]
fn e13_a_problem_is_reported_from_any_screen() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = central(folder.path());
    let office = device(folder.path(), &central, "oficina", "enlace");
    let host = Host::start(&office.data);
    call(&host, "send_now", json!({}));
    let address = format!("http://{}", host.address);
    browse("opinions.mjs", &[("host", &address)], |what| match what.split_once('/') {
        Some((state, folio)) => {
            let more: &[&str] = match state {
                "declined" => &["--reason", "Ya se puede con Ctrl+B"],
                "applied" => &["--version", "0.2.0"],
                _ => &[],
            };
            central.ok(&[&["opinions", "set", folio, state], more].concat());
        }
        None => switch(&mut central, what),
    });
    drop(host);
    let known: Value = serde_json::from_str(&central.ok(&["opinions", "list", "--json"])).unwrap();
    assert_eq!(known.as_array().unwrap().len(), 2, "{known}");
    assert_eq!((&known[0]["screen"], &known[0]["state"]), (&json!("projects"), &json!("applied")));
    assert_eq!(known[1]["diagnostics"], Value::Null);
    nothing_internal(&central);
    assert_pictures(&["opinions-empty", "opinion-form", "opinion-errors", "opinions-waiting", "opinions"]);
}

/// Every screen was looked at: a picture of each in both themes and at both widths.
fn assert_pictures(names: &[&str]) {
    for name in names {
        for (width, theme) in [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")] {
            let path = journeys::window::screenshots().join(format!("{name}-{width}-{theme}.png"));
            assert!(image::open(&path).is_ok(), "{}", path.display());
        }
    }
}

#[test]
fn e4_a_draft_is_looked_after_while_it_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = central(folder.path());
    let office = device(folder.path(), &central, "oficina", "enlace");
    history(folder.path(), &office);
    let photo = photograph(&folder.path().join("despues.jpg"), 30);
    let source = journeys::root().join("schemas/capture/implementation.json");
    let mut form: Value = serde_json::from_slice(&std::fs::read(source).unwrap()).unwrap();
    form["x-version"] = json!(form["x-version"].as_u64().unwrap() + 1);
    form["x-title"] = json!({"es": "Ejecución, versión de muestra", "en": "Works, sample version"});
    let next = folder.path().join("formulario.json");
    std::fs::write(&next, form.to_string()).unwrap();
    let host = Host::start(&office.data);
    let given = [("host", format!("http://{}", host.address)), ("photo", photo.display().to_string())];
    let given = given.each_ref().map(|(name, value)| (*name, value.as_str()));
    browse("draft.mjs", &given, |what| match what {
        "form" => {
            central.ok(&["forms", "add", next.to_str().unwrap()]);
        }
        other => switch(&mut central, other),
    });
    assert_pictures(&["form-duplicate", "versions"]);
}

#[test]
fn p4_what_is_missing_is_told_on_both_sides_and_goes_on_where_it_was() {
    /// A document of two pieces; two of them are 3.1 MB.
    const EACH: usize = 1_549_000;
    let folder = tempfile::tempdir().unwrap();
    let central = central(folder.path());
    let line = Proxy::start(central.address);
    let device = Device::new(&folder.path().join("campo"));
    device.enrol_at(&line.url(), &central.code("Persona de campo", "campo", "Obras de muestra", true));
    let photo = photograph(&folder.path().join("foto.jpg"), 7);
    let mut files = vec![format!("{}:illustration", photo.display())];
    for n in 0..2 {
        let path = document(&folder.path().join(format!("acta-{n}.pdf")), EACH, n);
        files.push(format!("{}:physicalProgressReport", path.display()));
    }
    let folio = device.capture("d1_p1", &progress(30), &files);

    // So many pieces may still pass; which did is noted. The photograph is the first, being the smallest.
    let left = Arc::new(AtomicUsize::new(1));
    let passed = Arc::new(Mutex::new(Vec::new()));
    let (counted, noted) = (Arc::clone(&left), Arc::clone(&passed));
    line.decide(move |request| {
        if request.method != "PUT" {
            return Act::Carry;
        }
        let one = |left: usize| left.checked_sub(1);
        if counted.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one).is_err() {
            return Act::Do(Fault::Refuse);
        }
        noted.lock().unwrap().push((request.path.clone(), request.length));
        Act::Carry
    });
    let host = Host::start(&device.data);
    let status = || -> Value { serde_json::from_str(&central.ok(&["status", "--json"])).unwrap() };
    wait_until("two files are missing at the endpoint", Duration::from_secs(60), || {
        status()["filesWaiting"]["count"] == 2
    });
    let waiting = status()["filesWaiting"].take();
    let bytes = waiting["bytes"].as_u64().unwrap();
    assert!((3_050_000..3_150_000).contains(&bytes), "{waiting}");
    let row = json!({"folio": folio, "project": "d1_p1", "count": 2, "bytes": bytes});
    assert_eq!(waiting["followUps"], json!([row]));
    let said = |locale: &'static str| {
        let mut asked = Central::at(&central.data, central.address);
        asked.environment.push(("LC_ALL", locale.to_owned()));
        asked.ok(&["status"])
    };
    let es = said("es_MX.UTF-8");
    assert!(es.contains(&format!("{folio}\td1_p1\tRecibido, faltan 2 archivos (3.1 MB)")), "{es}");
    let en = said("en_US.UTF-8");
    assert!(en.contains("Received, 2 files missing (3.1 MB)"), "{en}");

    let address = format!("http://{}", host.address);
    browse("missing.mjs", &[("host", &address)], |what| match what {
        "piece" => left.store(1, Ordering::SeqCst),
        "heal" => left.store(usize::MAX, Ordering::SeqCst),
        other => panic!("the script asked for «{other}»"),
    });
    drop(host);
    // What arrived before the cut was not sent again.
    let passed = passed.lock().unwrap();
    let sent: usize = passed.iter().map(|(_, length)| length).sum();
    let payload = std::fs::metadata(&photo).unwrap().len() + bytes;
    assert_eq!((passed.len(), sent as u64), (5, payload), "{passed:?}");
    assert_eq!(status()["filesWaiting"], json!({"count": 0, "bytes": 0, "followUps": []}));
    publish(&device, 1);
}

#[test]
fn the_public_pages_pass_axe_and_need_no_script() {
    let folder = tempfile::tempdir().unwrap();
    let central = central(folder.path());
    let office = device(folder.path(), &central, "oficina", "enlace");
    history(folder.path(), &office);
    let receipts: Value = serde_json::from_str(&office.ok(&["receipts", "--json"])).unwrap();
    let given = [
        ("receipt", receipts[0]["receipt"].to_string()),
        ("central", central.url()),
        ("contract", "OP-1".to_owned()),
        ("canary", CANARY.to_owned()),
        ("count", project_list().1.to_string()),
    ];
    let given = given.each_ref().map(|(name, value)| (*name, value.as_str()));
    browse("public.mjs", &given, |what| panic!("the script asked for «{what}»"));
    nothing_internal(&central);
}

#[test]
fn e9_e10_what_is_observed_reaches_the_form_and_its_correction_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let central = central(folder.path());
    let overseer = device(folder.path(), &central, "Coordinación", "coordinacion");
    // What somebody without training captures waits for the coordination.
    let office = Device::new(&folder.path().join("oficina"));
    let code = central.code("Persona de oficina", "enlace", "Obras de muestra", false);
    office.ok(&["enrol", "--server", &central.url(), "--code", &code, "--device", "oficina"]);
    office.capture("d1_p2", &progress(10), &[]);
    office.capture("d1_p3", &progress(20), &[]);
    office.ok(&["send"]);
    let (desk, author) = (Host::start(&overseer.data), Host::start(&office.data));
    let sent = call(&author, "reviews", json!({"id": null}));
    let of = |project: &str| {
        let row = sent.as_array().unwrap().iter().find(|row| row["central"]["project"] == project).unwrap();
        ["folio", "id"].map(|name| row["central"][name].as_str().unwrap().to_owned())
    };
    let [first, id] = of("d1_p2");
    let [second, _] = of("d1_p3");
    let given = [
        ("desk", format!("http://{}", desk.address)),
        ("author", format!("http://{}", author.address)),
        ("first", first),
        ("second", second),
        ("id", id),
    ];
    let given = given.each_ref().map(|(name, value)| (*name, value.as_str()));
    browse("review.mjs", &given, |what| panic!("the script asked for «{what}»"));
    // The public sees what was corrected, and what was observed never was public.
    wait_until("all of it is published", Duration::from_secs(20), || {
        let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).unwrap();
        status["followUps"] == json!({"published": 2, "superseded": 1})
    });
    let page = std::fs::read_to_string(central.public("proyectos/d1_p2/index.html")).unwrap();
    assert!(page.contains("12 %") && !page.contains("10 %"), "{page}");
    assert_pictures(&[
        "review-observe",
        "review-done",
        "tray-observed",
        "follow-up-observed",
        "form-correction",
    ]);
}

#[test]
fn the_coordination_sees_what_is_still_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = central(folder.path());
    let sent = device(folder.path(), &central, "Laptop de obra", "campo");
    sent.capture("d1_p2", &progress(10), &[]);
    publish(&sent, 1);
    let office = device(folder.path(), &central, "Oficina de parques", "enlace");
    let out = Host::start(&office.data);
    let folios = ["d1_p3", "d1_p4"].map(|project| {
        let draft = call(&out, "draft_new", json!({"folio": project, "stage": "implementation"}));
        draft["folio"].as_str().unwrap().to_owned()
    });
    call(&out, "send_now", json!({}));
    let overseer = device(folder.path(), &central, "Coordinación", "coordinacion");
    let host = Host::start(&overseer.data);

    // What the page must show is what the central endpoint knows.
    let known: Value = serde_json::from_str(&central.ok(&["devices", "--json"])).unwrap();
    let row = known.as_array().unwrap().iter().find(|row| row["device"] == "Oficina de parques").unwrap();
    let mut waiting: Vec<&str> =
        row["waiting"].as_array().unwrap().iter().filter_map(|item| item["folio"].as_str()).collect();
    waiting.sort_unstable();
    let mut expected: Vec<&str> = folios.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(waiting, expected, "{row}");

    let given = [
        ("host", format!("http://{}", host.address)),
        ("out", "Oficina de parques".to_owned()),
        ("empty", "Laptop de obra".to_owned()),
        ("folios", folios.join(",")),
    ];
    let given = given.each_ref().map(|(name, value)| (*name, value.as_str()));
    browse("coordination.mjs", &given, |what| switch(&mut central, what));
}

#[test]
fn e3_the_common_case_needs_the_keyboard_alone() {
    let folder = tempfile::tempdir().unwrap();
    let central = central(folder.path());
    let device = device(folder.path(), &central, "oficina", "enlace");
    let mut host = Host::start(&device.data);
    let given = [("host", format!("http://{}", host.address)), ("folio", "d1_p7".to_owned())];
    let given = given.each_ref().map(|(name, value)| (*name, value.as_str()));
    browse("keyboard.mjs", &given, |what| panic!("the script asked for «{what}»"));
    host.kill();
    publish(&device, 1);
    assert_eq!(device.count("draft"), 1, "the second one stays as a draft");
    let page = std::fs::read_to_string(central.public("proyectos/d1_p7/index.html")).unwrap();
    assert!(page.contains("35 %") && page.contains("50 %"), "{page}");
}

#[test]
fn e11_many_projects_are_captured_at_a_sitting() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = central(folder.path());
    let office = device(folder.path(), &central, "oficina", "enlace");
    let host = Host::start(&office.data);
    call(&host, "send_now", json!({}));
    let address = format!("http://{}", host.address);
    browse("bulk.mjs", &[("host", &address)], |what| switch(&mut central, what));
    drop(host);
    // What was marked arrives whole: one follow-up for each project, accepted.
    central.start();
    publish(&office, project_list().1 as u64);
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));
    nothing_internal(&central);
}

#[test]
fn p2_the_map_works_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = central(folder.path());
    let office = device(folder.path(), &central, "campo", "campo");
    std::fs::copy(journeys::root().join("schemas/map/muestra.pmtiles"), office.data.join("mapa.pmtiles"))
        .unwrap();
    let places = [("d1_p1", 25.652, -100.412), ("d1_p2", 25.661, -100.398), ("d1_p3", 25.668, -100.384)];
    for (project, latitude, longitude) in places {
        let mut file = progress(20);
        let geometry = json!({"type": "Point", "coordinates": [longitude, latitude]});
        file["release"] = json!({"planning": {"project": {"locations": [{"geometry": geometry}]}}});
        office.capture(project, &file, &[]);
    }
    // From here on there is nobody to ask.
    publish(&office, 3);
    central.kill();
    let photo = folder.path().join("obra.jpg");
    std::fs::write(&photo, journeys::taken((25, 39), (100, 24), "2026:03:12 10:22:05")).unwrap();
    let host = Host::start(&office.data);
    let given = [
        ("host", format!("http://{}", host.address)),
        ("folios", places.map(|(folio, ..)| folio).join(",")),
        ("empty", "d1_p4".to_owned()),
        ("photo", photo.display().to_string()),
    ];
    let given = given.each_ref().map(|(name, value)| (*name, value.as_str()));
    browse("map.mjs", &given, |what| panic!("the script asked for «{what}»"));
}
