//! E13: a problem is reported without a network, arrives later, and its author sees what becomes of it. Real programs.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use journeys::proxy::{Act, Fault, Proxy};
use journeys::{Central, Device, Host, complaint, files_under, progress, wait_until};
use serde_json::{Value, json};

/// What somebody wrote: it must be found nowhere in public, nor in the clear on a disk.
const WORDS: &str = "La lista tarda un minuto con mil proyectos";

fn device(folder: &Path, name: &str) -> Device {
    Device::new(&folder.join(name)).with("LANG", "es_MX.UTF-8").with("LC_ALL", "es_MX.UTF-8")
}

fn reports(device: &Device) -> Vec<Value> {
    device.json(&["reports", "--json"]).as_array().unwrap().clone()
}

fn known(central: &Central, more: &[&str]) -> Vec<Value> {
    let list = central.ok(&[&["opinions", "list", "--json"], more].concat());
    serde_json::from_str::<Value>(&list).unwrap().as_array().unwrap().clone()
}

fn is_anywhere(folder: &Path, words: &str) -> bool {
    files_under(folder).iter().any(|path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(words.len()).any(|window| window == words.as_bytes())
    })
}

/// A verb of the central program that is refused, and why; nothing changes by it.
fn refused(central: &Central, arguments: &[&str]) -> String {
    let before = known(central, &[]);
    let output = central.run(arguments);
    assert!(!output.status.success(), "{arguments:?} was done");
    assert_eq!(known(central, &[]), before);
    complaint(&output)
}

#[test]
fn e13_a_problem_is_reported_offline_and_its_author_sees_what_becomes_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::ready(&folder.path().join("central"));
    let office = device(folder.path(), "oficina");
    office.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras de muestra", true));
    central.code("Quien coordina", "coordinacion", "Coordinación", true);
    central.kill();

    // Without a network, and half of it is not taken.
    let half = office.run(&["report", "--kind", "problem", WORDS]);
    assert!(!half.status.success() && complaint(&half).contains("--impact"), "{}", complaint(&half));
    let half = office.run(&["report", "--kind", "opinion", "--impact", "blocks", WORDS]);
    assert!(complaint(&half).contains("No se guardó nada"), "{}", complaint(&half));
    assert_eq!(reports(&office), Vec::<Value>::new());
    let folio = office.ok(&["report", "--kind", "problem", "--impact", "hinders", WORDS]);
    assert!(folio.starts_with("R-"), "{folio}");
    office.ok(&["report", "--kind", "suggestion", "--no-diagnostics", "Que recuerde el filtro"]);
    assert_eq!(reports(&office)[1]["word"], "waiting");
    assert!(office.ok(&["reports"]).contains("por enviar"));
    assert!(!is_anywhere(&office.data, WORDS), "the disk says nothing in the clear");

    // Back on the network it goes with the rest; the coordination's list of what is still out never named it.
    central.start();
    office.capture("d1_p1", &progress(20), &[]);
    office.ok(&["send"]);
    let rows = known(&central, &[]);
    assert_eq!(rows.len(), 2, "{rows:?}");
    let row = rows.iter().find(|row| row["folio"] == *folio).unwrap();
    assert_eq!(
        (&row["text"], &row["impact"], &row["state"]),
        (&json!(WORDS), &json!("hinders"), &json!("received"))
    );
    assert_eq!((&row["person"], &row["area"]), (&json!("Persona de muestra"), &json!("Obras de muestra")));
    let diagnostics = row["diagnostics"].as_str().unwrap();
    assert!(diagnostics.contains("version: "), "{diagnostics}");
    for personal in ["Persona de muestra", "Obras de muestra", "d1_p1"] {
        assert!(!diagnostics.contains(personal), "{personal}: {diagnostics}");
    }
    let suggestion = rows.iter().find(|row| row["topic"] == "suggestion").unwrap();
    assert_eq!((&suggestion["diagnostics"], &suggestion["impact"]), (&Value::Null, &Value::Null));
    assert!(reports(&office).iter().all(|row| row["word"] == "received"));
    office.ok(&["receipts", "--verify"]);

    // Decisions, each with what its author needs to know.
    let set = |arguments: &[&str]| central.ok(&[&["opinions", "set", &folio], arguments].concat());
    for (arguments, said) in [
        (&["set", "R-00000-00000", "analysing"][..], "opinions list"),
        (&["set", &folio, "declined"], "--reason"),
        (&["set", &folio, "applied"], "--version"),
        (&["set", &folio, "analysing", "--version", "1"], "--version"),
        (&["set", &folio, "done"], "analysing"),
        (&["set", &folio, "analysing", "--by", "Nadie"], "people list"),
        (&["set", &folio, "analysing", "--by", "Persona de muestra"], "coordina"),
        (&["list", "--state", "done"], "analysing"),
    ] {
        let reason = refused(&central, &[&["opinions"], arguments].concat());
        assert!(reason.contains(said), "{arguments:?}: {reason}");
    }
    let word = |expected: &str| {
        office.ok(&["send"]);
        let row = reports(&office).into_iter().find(|row| row["folio"] == *folio).unwrap();
        assert_eq!(row["word"], expected, "{row}");
        row
    };
    set(&["analysing", "--by", "Quien coordina"]);
    let row = word("analysing");
    assert_eq!(
        (&row["steps"][0]["role"], &row["steps"][0]["area"]),
        (&json!("coordinacion"), &json!("Coordinación"))
    );
    assert!(!row.to_string().contains("Quien coordina"), "who decided is not told by name: {row}");
    set(&["declined", "--reason", "Ya se puede con Ctrl+B"]);
    let row = word("declined");
    assert_eq!(row["steps"][1]["reason"], "Ya se puede con Ctrl+B");
    set(&["applied", "--version", "0.2.0"]);
    let once = known(&central, &[]);
    set(&["applied", "--version", "0.2.0"]);
    assert_eq!(known(&central, &[]), once, "the same twice changes nothing");
    word("applied");
    assert!(office.ok(&["reports"]).contains("Aplicado en la versión 0.2.0"), "{}", office.ok(&["reports"]));
    assert_eq!(known(&central, &["--state", "applied"]).len(), 1);
    assert!(central.ok(&["opinions", "list", "--state", "received"]).contains("Que recuerde el filtro"));

    // Another person of the same área knows nothing of it.
    let other = device(folder.path(), "otra");
    other.enrol(&central, &central.code("Otra persona", "enlace", "Obras de muestra", true));
    assert_eq!(reports(&other), Vec::<Value>::new());

    // Nothing of it is public, the follow-up is; and the history holds.
    wait_until("the follow-up is public", Duration::from_secs(60), || {
        central.public("proyectos/d1_p1/index.html").exists()
            && std::fs::read_to_string(central.public("proyectos/d1_p1/index.html")).unwrap().contains("20 %")
    });
    central.ok(&["publish"]);
    for words in [WORDS, "Que recuerde el filtro", folio.as_str(), "Ctrl+B", "opinions"] {
        assert!(!is_anywhere(&central.public(""), words), "«{words}» is public");
    }
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));

    // A backup has them.
    let (file, again) = (folder.path().join("respaldo.zip"), folder.path().join("restaurado"));
    central.ok(&["backup", "--to", file.to_str().unwrap()]);
    let restored = Central::new(&again);
    restored.ok(&["restore", "--from", file.to_str().unwrap()]);
    assert_eq!(known(&restored, &[]), known(&central, &[]));
}

#[test]
fn e13_what_was_sent_twice_has_the_effect_of_once() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let line = Proxy::start(central.address);
    let office = device(folder.path(), "oficina");
    office.enrol_at(&line.url(), &central.code("Persona de muestra", "campo", "Obras de muestra", true));
    office.ok(&["report", "--kind", "problem", "--impact", "blocks", WORDS]);
    // The endpoint gets it twice at the same time, and its answers are lost on the way.
    let mut lost = false;
    line.decide(move |request| {
        match request.path.ends_with("/sync/push") && !std::mem::replace(&mut lost, true) {
            true => Act::Do(Fault::TwiceNone),
            false => Act::Carry,
        }
    });
    office.run(&["send"]);
    office.ok(&["send"]);
    line.heal();
    // A copy of the folder, from before, offers it once more.
    let copy = Device { data: folder.path().join("copia"), ..office.clone() };
    assert!(Command::new("cp").arg("-a").arg(&office.data).arg(&copy.data).status().unwrap().success());
    copy.ok(&["send"]);
    assert_eq!(known(&central, &[]).len(), 1);
    assert_eq!(reports(&office)[0]["word"], "received");
    assert!(central.ok(&["verify"]).ends_with("0 breaks"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e13_a_report_survives_a_power_cut_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let office = device(folder.path(), "oficina");
    office.enrol_at(&central.url(), &central.code("Persona de muestra", "campo", "Obras de muestra", true));
    let mut host = Host::start(&office.data);
    let mut acknowledged = Vec::new();
    for cycle in 0..6 {
        let draft = json!({"topic": "problem", "impact": "detail", "text": format!("Corte {cycle}"), "screen": "tray",
            "diagnostics": false});
        host.call("opinion_keep", draft.clone()).await.unwrap();
        let killer = {
            let pid = host.pid();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(cycle * 7));
                journeys::kill(pid);
            })
        };
        let sent = host
            .call("opinion_send", json!({"topic": "problem", "impact": "detail", "text": format!("Corte {cycle}"), "screen": "tray"}))
            .await;
        killer.join().unwrap();
        host.kill();
        host = Host::start(&office.data);
        let now = host.call("opinions", json!({})).await.unwrap();
        let texts: Vec<&str> =
            now["rows"].as_array().unwrap().iter().map(|row| row["text"].as_str().unwrap()).collect();
        let there = texts.contains(&format!("Corte {cycle}").as_str());
        if let Ok(sent) = sent {
            assert!(there, "cycle {cycle}: acknowledged and not there");
            acknowledged.push(sent["folio"].clone());
        }
        // In the queue or still a draft: never both, never neither.
        assert_eq!(now["draft"].is_null(), there, "cycle {cycle}: {now}");
    }
    host.kill();
    office.ok(&["send"]);
    let arrived: Vec<Value> = known(&central, &[]).iter().map(|row| row["folio"].clone()).collect();
    assert!(acknowledged.iter().all(|folio| arrived.contains(folio)), "{acknowledged:?} {arrived:?}");
    assert_eq!(arrived.len(), reports(&office).len());
}
