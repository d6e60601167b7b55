//! What journeys are made of: the programs as they are built, started and stopped as a person would, in folders of
//! their own. Nothing here stands in for a part of the product.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub mod browser;
#[cfg(target_os = "linux")]
pub mod disk;
pub mod ledger;
pub mod proxy;
pub mod raw;
pub mod report;
pub mod room;
pub mod window;
pub mod wire;

/// Passphrase of the devices of the tests.
pub const PASSPHRASE: &str = "frase de prueba 2026";

/// A program of the workspace, beside the test that runs.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let folder = test.ancestors().find(|folder| folder.join(name).is_file());
    folder.map(|folder| folder.join(name)).unwrap_or_else(|| {
        panic!("{name} is not built: cargo build --workspace --all-targets --features avance/custom-protocol")
    })
}

/// The root of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the project").to_owned()
}

/// A file of the folder beside the project, when it is there.
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = root().parent()?.join("shared").join(path);
    found.exists().then_some(found)
}

/// A real list of projects when the folder beside the project is there, our own otherwise; and how many it has.
pub fn project_list() -> (PathBuf, usize) {
    match shared("real/durango-2025/projects.csv") {
        Some(path) => (path, 47),
        None => (root().join("tests/fixtures/proyectos.csv"), 47),
    }
}

/// A free port of loopback.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Waits until something holds.
pub fn wait_until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "waited {limit:?} for: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Standard output of a program as text.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Standard error of a program as text.
pub fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

/// The central endpoint on a data folder, running or not.
pub struct Central {
    /// Its data folder.
    pub data: PathBuf,
    /// Where it listens when it runs.
    pub address: SocketAddr,
    /// Largest file it may write, bytes.
    pub largest_file: Option<u64>,
    /// What its programs are told by the environment.
    pub environment: Vec<(&'static str, String)>,
    child: Option<Child>,
}

impl Central {
    /// A central endpoint that does not run yet.
    pub fn new(data: &Path) -> Central {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        Central::at(data, address)
    }

    /// Another data folder at the address of one that stopped.
    pub fn at(data: &Path, address: SocketAddr) -> Central {
        Central { data: data.to_owned(), address, largest_file: None, environment: Vec::new(), child: None }
    }

    /// Its address for devices.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Runs a verb to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command.args(arguments);
        command.output().expect("avance-central starts")
    }

    /// Runs a verb that must succeed and gives what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {} {}", output.status, complaint(&output));
        text(&output)
    }

    /// A verb, to be started.
    pub fn verb(&self, arguments: &[&str]) -> Command {
        let mut command = self.command();
        command.args(arguments);
        command
    }

    fn command(&self) -> Command {
        let mut command = room::limited(&program("avance-central"), self.largest_file);
        command.arg("--data").arg(&self.data).env("RUST_LOG", "info").envs(self.environment.iter().cloned());
        command.arg("--public-url").arg(self.url()).arg("--municipality").arg("Municipio de muestra");
        command
    }

    /// Starts it and waits until it answers.
    pub fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.data.with_extension("log"));
        let mut command = self.command();
        command.arg("serve").arg("--listen").arg(self.address.to_string());
        command.stdout(Stdio::null()).stderr(log.expect("a log beside the data"));
        self.child = Some(command.spawn().expect("avance-central starts"));
        let address = self.address;
        wait_until("the central endpoint answers", Duration::from_secs(20), || {
            std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
        });
    }

    /// Whether it ended by itself, and with which code: none where a signal ended it.
    pub fn ended(&mut self) -> Option<Option<i32>> {
        let ended = self.child.as_mut()?.try_wait().expect("our own process");
        ended.map(|status| status.code())
    }

    /// Its process, when it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Stops it at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("our own process");
            child.wait().expect("our own process");
        }
    }

    /// A central endpoint that runs in a folder, with the list of projects.
    pub fn ready(data: &Path) -> Central {
        let mut central = Central::new(data);
        std::fs::create_dir_all(&central.data).expect("a folder of ours");
        central.ok(&["load", project_list().0.to_str().expect("UTF-8")]);
        central.start();
        central
    }

    /// Adds a person and gives the code for a device.
    pub fn code(&self, name: &str, role: &str, area: &str, trained: bool) -> String {
        let mut arguments = vec!["people", "add", "--name", name, "--role", role, "--area", area];
        if trained {
            arguments.push("--trained");
        }
        self.ok(&arguments)
    }

    /// A file of the public site.
    pub fn public(&self, path: &str) -> PathBuf {
        self.data.join("public").join(path)
    }

    /// The record of a process, as published.
    pub fn record(&self, ocid: &str) -> Value {
        let path = self.public(&format!("ocds/records/{ocid}.json"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut package: Value = serde_json::from_slice(&bytes).expect("a record package");
        package["records"][0].take()
    }

    /// The releases and records that the catalogue names, each there and with the hash it says.
    pub fn packages(&self) -> Vec<PathBuf> {
        self.catalog().iter().map(|file| self.named(file)).collect()
    }

    /// A file that the catalogue names.
    pub fn named(&self, file: &Value) -> PathBuf {
        let path = self.public(file["path"].as_str().expect("a path").trim_start_matches('/'));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(domain::receipt::sha256_hex(&bytes), file["sha256"], "{}", path.display());
        path
    }

    /// The releases and records that the catalogue names, by its parts.
    pub fn catalog(&self) -> Vec<Value> {
        let parts = self.of_everything().into_iter().filter(|file| file["kind"] == "catalog");
        parts.flat_map(|part| files_in(&self.named(&part))).collect()
    }

    /// The files that are made of others, as the catalogue names them: its own parts and the files of everything.
    pub fn of_everything(&self) -> Vec<Value> {
        files_in(&self.public("ocds/catalog.json"))
    }
}

fn files_in(catalog: &Path) -> Vec<Value> {
    let bytes = std::fs::read(catalog).expect("a catalogue");
    let mut catalog: Value = serde_json::from_slice(&bytes).expect("a catalogue");
    match catalog["files"].take() {
        Value::Array(files) => files,
        other => panic!("files: {other}"),
    }
}

impl Drop for Central {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A device, through its command line.
#[derive(Clone)]
pub struct Device {
    /// Its data folder.
    pub data: PathBuf,
    /// What its programs are told by the environment, beside the passphrase.
    pub environment: Vec<(&'static str, String)>,
    /// Largest file its programs may write, bytes.
    pub largest_file: Option<u64>,
    /// The `avance-device` it runs.
    pub program: PathBuf,
}

impl Device {
    /// A device in a folder.
    pub fn new(data: &Path) -> Device {
        Device::of(&program("avance-device"), data)
    }

    /// A device in a folder, of a program that is not of this build.
    pub fn of(program: &Path, data: &Path) -> Device {
        Device {
            data: data.to_owned(),
            environment: Vec::new(),
            largest_file: None,
            program: program.to_owned(),
        }
    }

    /// The same with one more variable in its environment.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Device {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// A verb, to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = room::limited(&self.program, self.largest_file);
        command.args(arguments).arg("--data").arg(&self.data).env("AVANCE_PASSPHRASE", PASSPHRASE);
        command.envs(self.environment.iter().cloned()).env_remove("DBUS_SESSION_BUS_ADDRESS");
        command
    }

    /// Runs a verb to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("avance-device starts")
    }

    /// Runs a verb that must succeed and gives what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {} {}", output.status, complaint(&output));
        text(&output)
    }

    /// Runs a verb that prints JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).expect("JSON")
    }

    /// Enrols it.
    pub fn enrol(&self, central: &Central, code: &str) {
        self.enrol_at(&central.url(), code);
    }

    /// Enrols it at an address.
    pub fn enrol_at(&self, url: &str, code: &str) {
        self.ok(&["enrol", "--server", url, "--code", code]);
    }

    /// Captures a follow-up with evidence; gives its folio.
    pub fn capture(&self, project: &str, follow_up: &Value, evidence: &[String]) -> String {
        let file = self.data.with_extension(format!("{}.json", uuid::Uuid::now_v7()));
        std::fs::write(&file, follow_up.to_string()).expect("the folder can be written");
        let mut arguments = vec!["capture", "--project", project, "--file", file.to_str().expect("UTF-8")];
        for item in evidence {
            arguments.extend(["--evidence", item]);
        }
        let folio = self.ok(&arguments);
        std::fs::remove_file(&file).expect("our own file");
        folio
    }

    /// What it shows of its projects, to compare two devices and two moments: without what is only here.
    pub fn seen(&self) -> Value {
        let mut projects = self.json(&["projects", "--json"]);
        for project in projects.as_array_mut().expect("an array") {
            for key in ["waiting", "draft"] {
                project.as_object_mut().expect("an object").remove(key);
            }
        }
        projects
    }

    /// Count of follow-ups in a state.
    pub fn count(&self, state: &str) -> u64 {
        self.json(&["status", "--json"])["counts"][state].as_u64().unwrap_or(0)
    }
}

/// The client behind HTTP, as the front end in a browser uses it.
pub struct Host {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Host {
    /// Starts it on a device's folder, with the built page when there is one.
    pub fn start(data: &Path) -> Host {
        Host::start_with(data, &[])
    }

    /// Starts it with more variables in its environment.
    pub fn start_with(data: &Path, environment: &[(&str, &str)]) -> Host {
        let mut command = Command::new(program("device-host"));
        command.arg("--data").arg(data).arg("--ui").arg(root().join("ui/dist"));
        command.env("AVANCE_PASSPHRASE", PASSPHRASE).env_remove("DBUS_SESSION_BUS_ADDRESS");
        command.envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("device-host starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("device-host says where it listens");
        let address = line.trim().parse().unwrap_or_else(|_| panic!("device-host said «{line}»"));
        Host { child, address }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it at once.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Calls a command.
    ///
    /// # Errors
    /// The problem it answered, or what broke on the way.
    pub async fn call(&self, name: &str, payload: Value) -> Result<Value, String> {
        let url = format!("http://{}/call/{name}", self.address);
        let answer =
            reqwest::Client::new().post(url).json(&payload).send().await.map_err(|e| e.to_string())?;
        let good = answer.status().is_success();
        let text = answer.text().await.map_err(|e| e.to_string())?;
        if good { serde_json::from_str(&text).map_err(|e| e.to_string()) } else { Err(text) }
    }
}

/// `kill -9` of a process that a test started and holds.
pub fn kill(pid: u32) {
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A photograph that says nothing about anybody: a plain JPEG of one colour with a position in its metadata, so that
/// what is published can be searched for it.
pub fn photograph(path: &Path, shade: u8) -> PathBuf {
    let picture = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([shade, (x / 2) as u8, y as u8]));
    let mut jpeg = Vec::new();
    picture.write_to(&mut std::io::Cursor::new(&mut jpeg), image::ImageFormat::Jpeg).expect("a JPEG");
    let secret = format!("Exif\0\0{CANARY} {shade}");
    let mut tagged = jpeg[..2].to_vec();
    tagged.extend([0xFF, 0xE1]);
    tagged.extend(u16::try_from(secret.len() + 2).expect("short").to_be_bytes());
    tagged.extend(secret.as_bytes());
    tagged.extend(&jpeg[2..]);
    std::fs::write(path, tagged).expect("the folder can be written");
    path.to_owned()
}

/// A photograph that says when and where it was taken: degrees and minutes, north and west.
pub fn taken(north: (u32, u32), west: (u32, u32), at: &str) -> Vec<u8> {
    use exif::{Field, In, Rational, Tag, Value as Exif};
    use image::ImageEncoder as _;
    let angle = |(degrees, minutes): (u32, u32)| {
        let parts = [degrees, minutes, 0].map(|num| Rational { num, denom: 1 });
        Exif::Rational(parts.to_vec())
    };
    let text = |words: &str| Exif::Ascii(vec![words.as_bytes().to_vec()]);
    let fields = [
        (Tag::DateTimeOriginal, text(at)),
        (Tag::GPSLatitudeRef, text("N")),
        (Tag::GPSLatitude, angle(north)),
        (Tag::GPSLongitudeRef, text("W")),
        (Tag::GPSLongitude, angle(west)),
    ]
    .map(|(tag, value)| Field { tag, ifd_num: In::PRIMARY, value });
    let mut writer = exif::experimental::Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut metadata = std::io::Cursor::new(Vec::new());
    writer.write(&mut metadata, false).expect("in memory");
    let mut jpeg = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut jpeg);
    encoder.set_exif_metadata(metadata.into_inner()).expect("a JPEG has room for it");
    let picture = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([90, (x / 2) as u8, y as u8]));
    encoder.write_image(&picture, 320, 240, image::ExtendedColorType::Rgb8).expect("a JPEG");
    jpeg
}

/// A document of about so many bytes that do not compress, that every reader can open.
pub fn document(path: &Path, bytes: usize, seed: u64) -> PathBuf {
    let mut dice = proxy::Dice::new(seed);
    let noise: Vec<u8> = (0..bytes).map(|_| u8::try_from(dice.below(256)).expect("below 256")).collect();
    let mut pdf = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    let mut object = |pdf: &mut Vec<u8>, number: usize, head: &str, stream: Option<&[u8]>| {
        places.push(pdf.len());
        pdf.extend(format!("{number} 0 obj\n{head}\n").as_bytes());
        if let Some(stream) = stream {
            pdf.extend(b"stream\n");
            pdf.extend(stream);
            pdf.extend(b"\nendstream\n");
        }
        pdf.extend(b"endobj\n");
    };
    object(&mut pdf, 1, "<< /Type /Catalog /Pages 2 0 R >>", None);
    object(&mut pdf, 2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", None);
    object(&mut pdf, 3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Thumb 4 0 R >>", None);
    object(&mut pdf, 4, &format!("<< /Length {bytes} >>"), Some(&noise));
    let table = pdf.len();
    pdf.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).as_bytes());
    for place in &places {
        pdf.extend(format!("{place:010} 00000 n \n").as_bytes());
    }
    pdf.extend(
        format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", places.len() + 1)
            .as_bytes(),
    );
    std::fs::write(path, pdf).expect("the folder can be written");
    path.to_owned()
}

/// A word planted in everything internal: it must never be published.
pub const CANARY: &str = "canario-interno-7391";

/// A follow-up of progress alone.
pub fn progress(actual: u8) -> Value {
    json!({
        "stage": "implementation",
        "visitedOn": "2026-03-12",
        "progress": {"physical": {"planned": 50, "actual": actual}, "financial": {"planned": 40, "actual": 0}},
        "internal": {"notes": format!("Nota interna {CANARY}")},
    })
}

/// A follow-up with a contract, its award, its supplier and a milestone.
pub fn with_contract(number: &str, amount: u32, actual: u8) -> Value {
    let mut follow_up = progress(actual);
    follow_up["release"] = json!({
        "parties": [{
            "id": "MX-RFC-CMU010203AB1", "name": "Constructora de muestra", "roles": ["supplier"],
            "identifier": {"scheme": "MX-RFC", "id": "CMU010203AB1"},
        }],
        "awards": [{
            "id": format!("adj-{number}"), "status": "active",
            "suppliers": [{"id": "MX-RFC-CMU010203AB1", "name": "Constructora de muestra"}],
        }],
        "contracts": [{
            "id": number, "awardID": format!("adj-{number}"), "status": "active",
            "title": "Obra de muestra", "dateSigned": "2026-02-02T00:00:00-06:00",
            "value": {"amount": amount, "currency": "MXN"},
            "implementation": {"milestones": [{
                "id": "inicio", "title": "Inicio de obra", "status": "met",
                "dueDate": "2026-02-10T00:00:00-06:00", "dateMet": "2026-02-11T00:00:00-06:00",
            }]},
        }],
    });
    follow_up
}

/// Holds published files against the reference tools, when the folder beside the project is there.
pub fn reference_check(files: &[PathBuf]) {
    let Some(check) = shared("tools/oracle/check") else {
        println!("the reference tools are not here; our own check stands alone");
        return;
    };
    let output = Command::new(check).args(files).output().expect("the reference tools start");
    assert!(output.status.success(), "{}\n{}", text(&output), complaint(&output));
}

/// Holds published files against our own check.
pub fn own_check(files: &[PathBuf]) {
    let output = Command::new(program("ocds")).arg("check").args(files).output().expect("ocds starts");
    assert!(output.status.success(), "{}\n{}", text(&output), complaint(&output));
}

/// Every file under a folder.
pub fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
