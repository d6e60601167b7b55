//! The measurements as a page: a table, what each row ran, and in plain words what is not met.

use std::fmt::Write as _;
use std::fs;

use chrono::{DateTime, Utc};

use crate::input::Input;
use crate::measure::Runs;
use crate::rows::{Row, Same};

/// A row with its runs.
pub struct Measured {
    pub row: Row,
    pub peer: Runs,
    pub ours: Runs,
    /// How many processes came out equal in both outputs.
    pub equal: Option<usize>,
    /// What the peer says that the work took without reading and writing, in seconds.
    pub inner: Option<f64>,
}

impl Measured {
    fn times(&self) -> Option<f64> {
        (!self.peer.0.is_empty() && self.ours.seconds() > 0.0)
            .then(|| self.peer.seconds() / self.ours.seconds())
    }

    /// What was aimed at and not reached, in words.
    fn short(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let (Some(times), Some(target)) = (self.times(), self.row.times)
            && times < target
        {
            let percent = 100.0 * times / target;
            found.push(format!(
                "va {times:.1} veces más rápido que {}; la meta es {target:.0} (llega al {percent:.0} %)",
                self.row.peer.as_ref().map_or("—", |peer| peer.name)
            ));
        }
        if let Some(limit) = self.row.memory
            && self.ours.peak() > limit
        {
            found.push(format!(
                "ocupa {} de memoria; la meta es {} (sobran {})",
                megabytes(self.ours.peak()),
                megabytes(limit),
                megabytes(self.ours.peak() - limit)
            ));
        }
        found
    }
}

/// What was measured, and on what.
pub struct Report<'a> {
    pub measured: &'a [Measured],
    pub input: &'a Input,
    pub checked: &'a Input,
    pub versions: String,
    pub when: DateTime<Utc>,
    pub runs: usize,
}

impl Report<'_> {
    /// The tables alone, for the terminal.
    pub fn tables(&self) -> String {
        let mut page = String::new();
        self.results(&mut page);
        self.spread(&mut page);
        self.verdict(&mut page);
        page
    }

    /// The page that is kept.
    pub fn page(&self) -> String {
        let mut page = String::from(
            "# Mediciones\n\nEsta página la escribe la orden que la reproduce; no se edita a mano:\n\n\
             ```\ncargo xtask bench ocds\n```\n\n\
             Hace la entrada, instala los pares desde PyPI en un entorno propio, corre cada par y `ocds` por turnos en la \
             misma máquina, compara las salidas y escribe esto. `--only B1` mide una parte, `--runs N` cambia las \
             repeticiones y `--small` prueba con una cincuentava parte; entonces la página queda junto a la entrada y ésta \
             no cambia.\n\n",
        );
        self.facts(&mut page);
        page.push_str("## Resultados\n\n");
        self.results(&mut page);
        page.push_str(
            "Tiempo: la mediana de las corridas, de que arranca el programa a que termina. Memoria: el máximo que ocupó en \
             cualquier corrida, según el sistema operativo. Veces: el tiempo del par entre el nuestro.\n\n",
        );
        self.verdict(&mut page);
        self.notes(&mut page);
        page.push_str("## Cada corrida\n\n");
        self.spread(&mut page);
        page
    }

    fn facts(&self, page: &mut String) {
        let (input, checked) = (self.input, self.checked);
        let size = |path| fs::metadata(path).map_or(0, |facts| facts.len());
        let facts = [
            ("Fecha", self.when.format("%Y-%m-%d").to_string()),
            ("Máquina", machine()),
            ("`ocds`", format!("{}, compilado para entregar (perfil `bench`)", env!("CARGO_PKG_VERSION"))),
            ("Pares", self.versions.clone()),
            (
                "Entrada de B1 y B2",
                format!(
                    "{} entregas de {} procesos, {} de JSON Lines, en el orden en que se publicarían: por fecha",
                    thousands(input.releases),
                    thousands(input.processes),
                    megabytes(size(&input.lines))
                ),
            ),
            (
                "Entrada de B3",
                format!(
                    "un paquete de {} entregas de {} procesos, {}",
                    thousands(checked.releases),
                    thousands(checked.processes),
                    megabytes(size(&checked.package))
                ),
            ),
            ("Corridas", format!("{}, alternadas: par, `ocds`, par, `ocds`…", self.runs)),
        ];
        page.push_str("| | |\n|---|---|\n");
        for (name, fact) in facts {
            let _ = writeln!(page, "| {name} | {fact} |");
        }
        page.push('\n');
    }

    fn results(&self, page: &mut String) {
        page.push_str(
            "| | Trabajo | Par | Tiempo del par | `ocds` | Veces | Meta | Memoria del par | `ocds` | Meta | Cumple |\n\
             |---|---|---|--:|--:|--:|--:|--:|--:|--:|---|\n",
        );
        for measured in self.measured {
            let Measured { row, peer, ours, .. } = measured;
            let dash = || "—".to_owned();
            let has_peer = !peer.0.is_empty();
            let cells = [
                row.id.to_owned(),
                row.what.to_owned(),
                row.peer.as_ref().map_or_else(dash, |peer| peer.name.to_owned()),
                if has_peer { seconds(peer.seconds()) } else { dash() },
                seconds(ours.seconds()),
                measured.times().map_or_else(dash, |times| format!("{times:.1}×")),
                row.times.map_or_else(dash, |times| format!("≥ {times:.0}×")),
                if has_peer { megabytes(peer.peak()) } else { dash() },
                megabytes(ours.peak()),
                row.memory.map_or_else(dash, |memory| format!("≤ {}", megabytes(memory))),
                if measured.short().is_empty() { "sí" } else { "**no**" }.to_owned(),
            ];
            let _ = writeln!(page, "| {} |", cells.join(" | "));
        }
        page.push('\n');
    }

    fn verdict(&self, page: &mut String) {
        for measured in self.measured {
            for short in measured.short() {
                let why = measured.row.why.map(|why| format!(" Por qué: {why}.")).unwrap_or_default();
                let _ = writeln!(page, "- **{} no cumple**: {short}.{why}", measured.row.id);
            }
        }
        if self.measured.iter().all(|measured| measured.short().is_empty()) {
            page.push_str("Todas las metas se cumplen.\n");
        }
        page.push('\n');
    }

    fn notes(&self, page: &mut String) {
        page.push_str("## Qué se corre\n\n");
        for measured in self.measured {
            let row = &measured.row;
            let _ = writeln!(page, "**{}. {}.**", row.id, row.what);
            if let Some(peer) = &row.peer {
                let _ = write!(page, "Par: `{}`. ", peer.job.shown());
            }
            let _ = write!(page, "Nuestro: `{}`.", row.ours.shown());
            if let Some(equal) = measured.equal {
                let other = if let Some(Same::Row(id, _)) = row.same {
                    format!("la de {id}")
                } else {
                    "la del par".to_owned()
                };
                let _ = write!(page, " Salida igual a {other}, en {} procesos.", thousands(equal));
            }
            if let Some(inner) = measured.inner {
                let _ = write!(
                    page,
                    " De su tiempo, {} son sólo de la suma, sin leer ni escribir: {:.1} veces todo lo nuestro.",
                    seconds(inner),
                    inner / measured.ours.seconds()
                );
            }
            page.push_str("\n\n");
        }
        page.push_str(
            "Las salidas se comparan completas: cada entrega compilada, cada registro y la envoltura del paquete, por `ocid`, \
             con los números por su valor y los campos en cualquier orden. Una diferencia detiene la medición y se muestra.\n\n\
             A los pares se les da su mejor caso: `orjson` instalado, que los acelera y que `pip install ocdskit` no trae (sólo \
             su extra `perf`), salvo en B1e; el esquema ya parchado en un archivo, \
             con las mismas reglas que `ocds` trae dentro; y, para lib-cove-ocds, los mismos esquemas y listas de códigos \
             en disco, de modo que ninguno espera a la red. Ambos deben decir que la entrada no tiene errores.\n\n",
        );
    }

    fn spread(&self, page: &mut String) {
        page.push_str("| | Par: corridas | de – a | CPU | `ocds`: corridas | de – a | CPU |\n|---|--:|--:|--:|--:|--:|--:|\n");
        for Measured { row, peer, ours, .. } in self.measured {
            let cells = |runs: &Runs| {
                if runs.0.is_empty() {
                    return "— | — | —".to_owned();
                }
                let (least, most) = runs.spread();
                format!("{} | {} – {} | {}", runs.0.len(), seconds(least), seconds(most), seconds(runs.cpu()))
            };
            let _ = writeln!(page, "| {} | {} | {} |", row.id, cells(peer), cells(ours));
        }
        page.push('\n');
    }
}

/// Seconds to three figures.
pub fn seconds(seconds: f64) -> String {
    let digits = if seconds < 1.0 {
        3
    } else if seconds < 10.0 {
        2
    } else {
        1
    };
    format!("{seconds:.digits$} s")
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// 50000 as `50,000`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Processor, cores, memory and system.
fn machine() -> String {
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split(' ').next()?.parse::<u64>().ok())
        .map(|kibibytes| format!(", {:.0} GB de memoria", kibibytes as f64 * 1024.0 / 1e9));
    format!("{model}, {cores} núcleos{}, {}", memory.unwrap_or_default(), std::env::consts::OS)
}
