//! What is published, as whoever downloads it finds it: every form of it opened with a program that reads that form.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use calamine::{Data, Reader as _, Xlsx};
use journeys::{
    CANARY, Central, Device, files_under, own_check, photograph, progress, project_list, reference_check,
    text, wait_until, with_contract,
};
use serde_json::Value;

/// A list with a project that a spreadsheet would take for a formula.
fn list(folder: &Path, rows: impl Iterator<Item = (String, String, u32)>) -> PathBuf {
    let path = folder.join("lista.csv");
    let mut lines = "folio,titulo,descripcion,area,lugar,monto,moneda,fecha\n".to_owned();
    for (folio, title, amount) in rows {
        lines.push_str(&format!(
            "{folio},\"{title}\",Proyecto inventado para las pruebas,,d1,{amount},MXN,\n"
        ));
    }
    std::fs::write(&path, lines).expect("a folder of ours");
    path
}

fn json(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn unzipped(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("gzip");
    bytes
}

/// What is in a file, zipped or not, in pieces.
fn contents(path: &Path) -> Vec<Vec<u8>> {
    let mut pieces = vec![std::fs::read(path).expect("a file of the site")];
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => pieces.push(unzipped(path)),
        Some("xlsx") => {
            let file = std::fs::File::open(path).expect("a file of the site");
            let mut archive = zip::ZipArchive::new(file).expect("a workbook");
            for index in 0..archive.len() {
                let mut piece = Vec::new();
                archive.by_index(index).expect("a part").read_to_end(&mut piece).expect("a part");
                pieces.push(piece);
            }
        }
        _ => {}
    }
    pieces
}

/// Rows of a table by the names of its columns.
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).expect("a mark, for Excel");
    let mut reader = csv::Reader::from_reader(bytes);
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

/// The texts of the elements of a feed, by name, in order; reading to the end is the test of its form.
fn elements(path: &Path) -> Vec<(String, String)> {
    use quick_xml::events::Event;
    let source = std::fs::read_to_string(path).expect("a feed");
    let mut reader = quick_xml::Reader::from_str(&source);
    reader.config_mut().check_end_names = true;
    let (mut found, mut open) = (Vec::new(), Vec::<(String, String)>::new());
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) => {
                let name: &str = tag.name().into_inner();
                open.push((name.to_owned(), String::new()));
            }
            Event::Text(piece) => {
                if let Some((_, text)) = open.last_mut() {
                    text.push_str(&piece);
                }
            }
            Event::End(_) => found.push(open.pop().expect("it was opened")),
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty());
    found
}

/// When each file was written, and how long it is: what a run that changes nothing must leave alone.
fn stamps(folder: &Path) -> BTreeMap<PathBuf, (SystemTime, u64)> {
    let stamp = |path: PathBuf| {
        let known = std::fs::metadata(&path).expect("a file of the site");
        let written = known.modified().expect("a time");
        (path, (written, known.len()))
    };
    files_under(folder).into_iter().map(stamp).collect()
}

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.keys().cloned());
            fields.values().for_each(|value| keys(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

/// A site with progress, a contract, a photograph, and a title that looks like a formula.
fn site(folder: &Path) -> (Central, Device) {
    let mut central = Central::ready(&folder.join("central"));
    let formula = list(folder, [("z-1".to_owned(), "=2+3 Cancha & parque".to_owned(), 70_000)].into_iter());
    central.ok(&["load", formula.to_str().expect("UTF-8")]);
    let device = Device::new(&folder.join("equipo"));
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras de muestra", true));
    let photo = format!("{}:illustration", photograph(&folder.join("foto.jpg"), 40).display());
    device.capture("d1_p1", &with_contract("OP-1", 50_000, 20), std::slice::from_ref(&photo));
    device.capture("d1_p2", &progress(10), &[photo]);
    device.ok(&["send"]);
    wait_until("both are published", Duration::from_secs(30), || {
        device.ok(&["send"]);
        device.count("published") == 2
    });
    central.kill();
    central.ok(&["publish"]);
    (central, device)
}

#[test]
fn x2_every_form_of_the_data_opens_and_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (mut central, device) = site(folder.path());
    let count = project_list().1 + 1;
    let of_everything = central.of_everything();
    let kind = |kind: &'static str| of_everything.iter().filter(move |file| file["kind"] == kind);
    let plain = |word: &'static str| -> Vec<PathBuf> {
        let json = |file: &&Value| file["alias"].as_str().is_some_and(|name| name.ends_with(".json"));
        kind(word).filter(json).map(|file| central.named(file)).collect()
    };
    let (releases, records) = (plain("release-package"), plain("record-package"));
    let projects = plain("project-package");
    for (files, count) in [(&releases, count + 1), (&records, count), (&projects, count)] {
        assert_eq!(files.len(), 1);
        let package = json(&files[0]);
        let list = ["releases", "records", "projects"].iter().find_map(|key| package[*key].as_array());
        assert_eq!(list.unwrap().len(), count, "{files:?}");
        assert!(package["publishedDate"].is_string());
        // Found under its name too, at the address that it says, and the same zipped.
        let uri = package["uri"].as_str().unwrap();
        let named = central.public(uri.strip_prefix(&central.url()).unwrap().trim_start_matches('/'));
        assert_eq!(std::fs::read(&named).unwrap(), std::fs::read(&files[0]).unwrap());
        assert_eq!(unzipped(&named.with_extension("json.gz")), std::fs::read(&named).unwrap());
        let lines = String::from_utf8(unzipped(&named.with_extension("jsonl.gz"))).unwrap();
        assert_eq!(lines.lines().count(), count);
        for line in lines.lines() {
            let item: Value = serde_json::from_str(line).unwrap();
            assert!(item["ocid"].is_string() || item["id"].is_string(), "{line}");
        }
    }
    own_check(&[&releases[..], &records[..]].concat());
    reference_check(&[&releases[..], &records[..], &projects[..]].concat());

    // OC4IDS has the progress and the photograph that no contract could carry.
    let package = json(&projects[0]);
    let project = |folio: &str| {
        let mut list = package["projects"].as_array().unwrap().iter();
        list.find(|project| project["identifiers"][0]["id"] == folio).unwrap()
    };
    for (folio, measure) in [("d1_p1", 20), ("d1_p2", 10)] {
        let metric = project(folio)["metrics"].as_array().unwrap().iter();
        let physical: Vec<&Value> = metric.filter(|metric| metric["id"] == "physicalProgress").collect();
        assert_eq!(physical.len(), 1, "{folio}");
        let observations = physical[0]["observations"].as_array().unwrap();
        assert_eq!((observations.len(), &observations[0]["measure"]), (1, &measure.into()), "{folio}");
    }
    assert_eq!(project("d1_p2")["documents"][0]["documentType"], "illustration");
    assert!(project("d1_p1")["documents"].is_null(), "the contract has it: {}", project("d1_p1"));

    // Tables, and the workbook, with a text that is no formula.
    let compiled = table(&central.public("csv/compiled.csv"));
    assert_eq!(compiled.len(), count);
    let formula = compiled.iter().find(|row| row["ocid"] == "ocds-000000-z-1").unwrap();
    assert_eq!(formula["title"], "'=2+3 Cancha & parque");
    let contracts = table(&central.public("csv/contracts.csv"));
    assert_eq!((contracts.len(), contracts[0]["contracts/id"].as_str()), (1, "OP-1"));
    let about = table(&central.public("csv/acerca_de.csv"));
    let until = about.iter().find(|row| row["nombre"] == "Datos al").unwrap();
    assert!(until["valor"].parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{until:?}");
    let mut book: Xlsx<_> = calamine::open_workbook(central.public("datos.xlsx")).unwrap();
    let rows = book.worksheet_range("compiled").unwrap();
    assert_eq!(rows.height(), count + 1);
    assert!(rows.used_cells().any(|(_, _, cell)| *cell == Data::String("=2+3 Cancha & parque".into())));
    for sheet in book.sheet_names() {
        assert!(book.worksheet_formula(&sheet).unwrap().is_empty(), "{sheet} has a formula");
    }
    let about = book.worksheet_range("acerca_de").unwrap();
    assert!(about.rows().any(
        |row| row[0] == Data::String("Datos al".into()) && row[1] == Data::String(until["valor"].clone())
    ));

    // The feed, newest first, each entry with its page; and the page names what changed.
    let feed = elements(&central.public("cambios.atom"));
    let of =
        |name: &str| feed.iter().filter(|(tag, _)| tag == name).map(|(_, text)| text).collect::<Vec<_>>();
    assert!(of("entry").len() >= 2);
    for id in of("id").iter().skip(1).filter(|id| id.contains("/corridas/")) {
        let page = central.public(id.strip_prefix(&central.url()).unwrap().trim_start_matches('/'));
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains("Qué cambió") && page.contains("/proyectos/"), "{id}");
    }
    let dcat = json(&central.public("ocds/dcat.jsonld"));
    assert_eq!(dcat["dcat:dataset"].as_array().unwrap().len(), 3);
    for distribution in dcat["dcat:dataset"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|set| set["dcat:distribution"].as_array().unwrap())
    {
        let url = distribution["dcat:downloadURL"]["@id"].as_str().unwrap();
        let path = central.public(url.strip_prefix(&central.url()).unwrap().trim_start_matches('/'));
        assert_eq!(path.metadata().unwrap().len().to_string(), distribution["dcat:byteSize"]);
    }

    // Nothing internal in any byte of any form, and no JSON looks like a package that is none.
    for path in files_under(&central.public("")) {
        for piece in contents(&path) {
            let found = piece.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            assert!(!found, "{} has an internal word", path.display());
            let name = path.display().to_string();
            let package = ["/releases", "/records", "/projects"].iter().any(|part| name.contains(part));
            let lines = name.contains(".jsonl.");
            if name.contains(".json") && (!package || lines) {
                let mut found = BTreeSet::new();
                for line in String::from_utf8_lossy(&piece)
                    .lines()
                    .filter(|_| lines && !piece.starts_with(&[0x1f, 0x8b]))
                {
                    keys(&serde_json::from_str(line).unwrap(), &mut found);
                }
                if !lines {
                    keys(&serde_json::from_slice(&piece).unwrap(), &mut found);
                }
                let projects = lines && name.contains("projects");
                for key in ["releases", "records", "projects"] {
                    assert!(!found.contains(key) || (projects && key == "releases"), "{name} has {key}");
                }
            }
        }
    }

    // A run without changes writes nothing.
    let before = stamps(&central.public(""));
    central.ok(&["publish"]);
    assert_eq!(stamps(&central.public("")), before);

    // One change: what it does not concern stays as it was, and who is reading the version of before ends reading it.
    central.start();
    device.capture("d1_p1", &progress(35), &[]);
    device.ok(&["send"]);
    wait_until("it is published", Duration::from_secs(30), || {
        device.ok(&["send"]);
        device.count("published") == 3
    });
    central.kill();
    central.ok(&["publish"]);
    let after = stamps(&central.public(""));
    for path in [&releases[0], &records[0], &projects[0]] {
        assert_eq!(after[path], before[path], "{} is a version that somebody may read", path.display());
    }
    for kept in ["csv/parties.csv", "proyectos/d1_p3/index.html", "estilo.css", "corridas/1.html"] {
        let path = central.public(kept);
        assert_eq!(after[&path], before[&path], "{kept} was written again");
    }
    let package = central.of_everything().into_iter().find(|file| file["kind"] == "release-package").unwrap();
    assert_eq!(json(&central.named(&package))["releases"].as_array().unwrap().len(), count + 2);
}

/// Whoever reads without pause: what the catalogue names is there and is what it says, whenever one looks.
fn validate(public: &Path) -> usize {
    let named = |catalog: &Path| -> Vec<(String, PathBuf)> {
        let files = json(catalog)["files"].as_array().unwrap().clone();
        let file = |file: &Value| {
            let path = public.join(file["path"].as_str().unwrap().trim_start_matches('/'));
            let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(domain::receipt::sha256_hex(&bytes), file["sha256"], "{}", path.display());
            (file["kind"].as_str().unwrap().to_owned(), path)
        };
        files.iter().map(file).collect()
    };
    let parts = named(&public.join("ocds/catalog.json"));
    let mut seen = parts.len();
    for (_, part) in parts.iter().filter(|(kind, _)| kind == "catalog") {
        seen += named(part).len();
    }
    for (tag, text) in elements(&public.join("cambios.atom")) {
        if tag == "id"
            && let Some(at) = text.find("/corridas/")
        {
            assert!(public.join(&text[at + 1..]).exists(), "{text} is in the feed");
        }
    }
    let index = std::fs::read_to_string(public.join("index.html")).unwrap();
    assert!(index.trim_end().ends_with("</html>"));
    for link in index.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        if let Some(folio) = link.strip_prefix("proyectos/") {
            let page = public.join("proyectos").join(folio).join("index.html");
            let page = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{link}: {error}"));
            assert!(page.trim_end().ends_with("</html>"));
        }
    }
    seen
}

#[test]
fn d7_a_reader_never_sees_half_a_run_whenever_the_publisher_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    let load = |amount: u32| {
        let rows = (0..12).map(|n| (format!("p-{n}"), format!("Obra de muestra {n}"), amount + n));
        central.ok(&["load", list(folder.path(), rows).to_str().unwrap()]);
    };
    load(1_000);
    let since = Instant::now();
    central.ok(&["publish"]);
    // How long a run takes on this machine, as busy as it is: the kills are spread over it.
    let whole = since.elapsed();
    let public = central.public("");
    let (stop, looks) = (AtomicBool::new(false), std::sync::atomic::AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                assert!(validate(&public) > 12);
                looks.fetch_add(1, Ordering::SeqCst);
            }
        });
        for cycle in 0..14 {
            load(2_000 + 100 * cycle);
            let mut command = central.verb(&["publish"]);
            let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(whole * (cycle * 37 % 100) / 100);
            let _ = run.kill();
            run.wait().unwrap();
            if reader.is_finished() {
                break;
            }
        }
        stop.store(true, Ordering::SeqCst);
        reader.join().expect("a reader saw half a run");
    });
    assert!(looks.load(Ordering::SeqCst) > 3, "{looks:?}");
    // The next run takes up what was left, and everything is as if nobody had been killed.
    central.ok(&["publish"]);
    validate(&public);
    let compiled = table(&public.join("csv/compiled.csv"));
    let amounts: BTreeSet<&str> =
        compiled.iter().map(|row| row["planning/budget/amount/amount"].as_str()).collect();
    assert_eq!(amounts.len(), 12);
    assert!(amounts.iter().all(|amount| amount.starts_with("33")), "{amounts:?}");
    let packages: Vec<PathBuf> = files_under(&public.join("ocds"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .filter(|path| ["/releases", "/records"].iter().any(|part| path.display().to_string().contains(part)))
        .collect();
    own_check(&packages);
    let left = files_under(&public).into_iter().filter(|path| path.display().to_string().contains(".taller"));
    assert_eq!(left.count(), 0);
}

#[test]
fn c6_three_of_a_hundred_are_held_and_named_and_the_others_are_published() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    let rows = (0..100).map(|n| (format!("p-{n}"), format!("Obra de muestra {n}"), 1_000 + n));
    central.ok(&["load", list(folder.path(), rows).to_str().unwrap()]);
    // What no list and no follow-up could bring in: it is broken where it is kept.
    let database = rusqlite::Connection::open(central.data.join("central.db")).unwrap();
    let broken =
        [("p-7", "$.initiationType", "rumor"), ("p-50", "$.date", "ayer"), ("p-93", "$.title", "N/A")];
    for (folio, field, value) in broken {
        let sql = "UPDATE release SET body = json_set(body, ?1, ?2) WHERE ocid = ?3";
        assert_eq!(database.execute(sql, (field, value, format!("ocds-000000-{folio}"))).unwrap(), 1);
    }
    drop(database);
    let output = central.run(&["publish"]);
    assert!(!output.status.success(), "what was held is told");
    assert!(text(&output).contains("97 projects, 97 releases, 3 held back"), "{}", text(&output));
    let page = std::fs::read_to_string(central.public("corridas/1.html")).unwrap();
    for (folio, _, value) in broken {
        assert!(page.contains(&format!(">{folio}<")), "{folio} is not named");
        assert!(!page.contains(value), "the page tells what must not be told: {value}");
        assert!(!central.public(&format!("proyectos/{folio}/index.html")).exists());
    }
    for rule in ["closed-codelist", "schema-format", "no-placeholder"] {
        assert!(page.contains(&format!("<code>{rule}</code>")), "{rule} is not named");
    }
    assert_eq!(table(&central.public("csv/compiled.csv")).len(), 97);
    assert_eq!(central.catalog().iter().filter(|file| file["kind"] == "record").count(), 97);
    assert_eq!(validate(&central.public("")), central.of_everything().len() + 2 * 97);
    let before = stamps(&central.public(""));
    central.run(&["publish"]);
    assert_eq!(stamps(&central.public("")), before, "what is held back again is no news");
}
