//! What is measured: each row is a command of ours, the peer that does the same, and what is asked of us.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::compare::Form;
use crate::input::Input;
use crate::measure::{Job, Stdin};
use crate::peers::Peers;

/// The program under measure, as built for this bench.
const OCDS: &str = env!("CARGO_BIN_EXE_ocds");

/// What memory is asked to stay under, in bytes.
const LITTLE: u64 = 64_000_000;

/// What is given to both so that their wrappers can be compared.
const WRAPPER: [&str; 4] =
    ["--uri", "https://pp.example.org/ocds/records.json", "--published-date", "2026-01-01T00:00:00Z"];

/// One measurement.
pub struct Row {
    pub id: &'static str,
    /// In words, for the table.
    pub what: &'static str,
    pub peer: Option<Peer>,
    pub ours: Job,
    /// How many times faster we mean to be.
    pub times: Option<f64>,
    /// What we mean to stay under, in bytes.
    pub memory: Option<u64>,
    /// What the output must be equal to.
    pub same: Option<Same>,
    /// What explains it when it is not met.
    pub why: Option<&'static str>,
}

/// What an output is compared with, and its form.
pub enum Same {
    /// The output of the peer.
    Peer(Form),
    /// That of ours in another row.
    Row(&'static str, Form),
}

/// The other side of a row.
pub struct Peer {
    pub name: &'static str,
    pub job: Job,
}

/// Why B1a may fall short. The shares are of instructions, counted by callgrind over a fiftieth of the input on one core.
const WHY_ORJSON: &str = "con `orjson`, que hay que pedir aparte, el par lee y escribe con código compilado. De nuestras instrucciones \
                          (`valgrind --tool=callgrind ocds compile --jobs 1`), 41 % son leer el texto, 43 % sumar y escribir, y sólo \
                          8 % la primera vuelta, que anota dónde está cada entrega para que la memoria no crezca con el archivo: \
                          por eso `--grouped`, que no la hace, tarda lo mismo (B1g)";

/// Why B1d and B1e may fall short.
const WHY_HALF: &str = "de nuestras instrucciones (`valgrind --tool=callgrind ocds compile --jobs 1`), 41 % son leer el texto y 43 % sumar \
                        y escribir; un quinto de todo es pedir y soltar la memoria de los árboles que se suman";

/// Why B3 may fall short.
const WHY_RULES: &str = "el par mira cada entrega por sí sola: esquema y listas de códigos. `ocds` además junta cada proceso y le \
                         aplica 22 reglas (montos, avances, fechas, partes, documentos, datos personales…). De nuestras instrucciones \
                         (`valgrind --tool=callgrind ocds check --jobs 1`), 42 % son esas reglas y 29 % juntar el proceso antes y \
                         después de cada entrega; el esquema es 8 %, y leer y hacer los valores, 14 %";

/// Where everything is.
pub struct Places<'a> {
    pub peers: &'a Peers,
    pub scripts: &'a Path,
    pub folder: &'a Path,
    /// Our schemas, as lib-cove-ocds takes them.
    pub schemas: PathBuf,
    /// The release schema with the extensions applied: the merge rules, for the peers.
    pub schema: PathBuf,
    /// The publication to compile.
    pub input: &'a Input,
    /// A smaller one, to check.
    pub checked: &'a Input,
}

/// All measurements, in order.
pub fn all(places: &Places<'_>) -> Vec<Row> {
    let Input { lines, grouped, package, .. } = places.input;
    let kit = |form: &str, options: &[&str], input: &Path| {
        let mut words = vec![places.peers.program("ocdskit").into(), "compile".into(), "--schema".into()];
        words.push(places.schema.clone().into());
        words.extend(options.iter().map(OsString::from));
        Some(Peer { name: "ocdskit compile", job: places.job(form, words, Stdin::File(input.to_owned())) })
    };
    let compile = |form: &str, options: &[&str], stdin: Stdin| {
        let mut words = vec![OCDS.into(), "compile".into()];
        words.extend(options.iter().map(OsString::from));
        places.job(form, words, stdin)
    };
    let compile_file = |form: &str, options: &[&str], input: &Path| {
        let mut job = compile(form, options, Stdin::None);
        job.words.push(input.into());
        job
    };
    let packaged: Vec<&str> = ["--package"].into_iter().chain(WRAPPER).collect();
    let versioned: Vec<&str> = ["--package", "--versioned"].into_iter().chain(WRAPPER).collect();
    vec![
        Row {
            id: "B1a",
            what: "JSON Lines → entregas compiladas",
            peer: kit("b1a-par", &[], lines),
            ours: compile_file("b1a", &[], lines),
            times: Some(30.0),
            memory: Some(LITTLE),
            same: Some(Same::Peer(Form::Lines)),
            why: Some(WHY_ORJSON),
        },
        Row {
            id: "B1b",
            what: "Paquete de entregas → paquete de registros",
            peer: kit("b1b-par", &packaged, package),
            ours: compile_file("b1b", &packaged, package),
            times: Some(30.0),
            memory: Some(LITTLE),
            same: Some(Same::Peer(Form::Records)),
            why: None,
        },
        Row {
            id: "B1c",
            what: "JSON Lines → entregas compiladas, un núcleo",
            peer: Some(Peer { name: "biblioteca ocdsmerge", job: places.merge_library(lines) }),
            ours: compile_file("b1c", &["--jobs", "1"], lines),
            times: Some(10.0),
            memory: Some(LITTLE),
            same: Some(Same::Peer(Form::Lines)),
            why: None,
        },
        Row {
            id: "B1d",
            what: "Paquete de entregas → entregas compiladas",
            peer: kit("b1d-par", &[], package),
            ours: compile_file("b1d", &[], package),
            times: Some(30.0),
            memory: Some(LITTLE),
            same: Some(Same::Peer(Form::Lines)),
            why: Some(WHY_HALF),
        },
        Row {
            id: "B1e",
            what: "Como B1a; el par sin `orjson`, como se instala",
            peer: Some(Peer { name: "ocdskit compile", job: places.plain_kit(lines) }),
            ours: compile_file("b1e", &[], lines),
            times: Some(30.0),
            memory: Some(LITTLE),
            same: Some(Same::Peer(Form::Lines)),
            why: Some(WHY_HALF),
        },
        Row {
            id: "B1f",
            what: "Como B1a, por la entrada estándar",
            peer: None,
            ours: compile("b1f", &[], Stdin::Pipe(lines.clone())),
            times: None,
            memory: Some(LITTLE),
            same: Some(Same::Row("B1a", Form::Lines)),
            why: None,
        },
        Row {
            id: "B1g",
            what: "Como B1f, ya agrupado por proceso (`--grouped`)",
            peer: None,
            ours: compile("b1g", &["--grouped"], Stdin::Pipe(grouped.clone())),
            times: None,
            memory: Some(LITTLE),
            same: Some(Same::Row("B1a", Form::Lines)),
            why: None,
        },
        Row {
            id: "B2",
            what: "Paquete de entregas → paquete de registros con versiones",
            peer: kit("b2-par", &versioned, package),
            ours: compile_file("b2", &versioned, package),
            times: Some(50.0),
            memory: None,
            same: Some(Same::Peer(Form::Records)),
            why: None,
        },
        Row {
            id: "B3",
            what: "Revisar un paquete de entregas",
            peer: Some(Peer { name: "lib-cove-ocds", job: places.cove(&places.checked.package) }),
            ours: places.job(
                "b3",
                vec![OCDS.into(), "check".into(), places.checked.package.clone().into()],
                Stdin::None,
            ),
            times: Some(50.0),
            memory: Some(LITTLE),
            same: None,
            why: Some(WHY_RULES),
        },
    ]
}

impl Places<'_> {
    fn job(&self, output: &str, words: Vec<OsString>, stdin: Stdin) -> Job {
        Job { words, stdin, output: self.folder.join(format!("salida-{output}.json")) }
    }

    fn merge_library(&self, lines: &Path) -> Job {
        let script = self.scripts.join("merge.py");
        let words = vec![self.peers.python().into(), script.into(), self.schema.clone().into()];
        self.job("b1c-par", words, Stdin::File(lines.to_owned()))
    }

    fn plain_kit(&self, lines: &Path) -> Job {
        let script = self.scripts.join("plain.py");
        let mut words: Vec<OsString> = vec![self.peers.python().into(), script.into()];
        words.extend(["compile".into(), "--schema".into(), self.schema.clone().into()]);
        self.job("b1e-par", words, Stdin::File(lines.to_owned()))
    }

    fn cove(&self, package: &Path) -> Job {
        let script = self.scripts.join("check.py");
        let words =
            vec![self.peers.python().into(), script.into(), self.schemas.clone().into(), package.into()];
        self.job("b3-par", words, Stdin::None)
    }
}
