//! What was measured as a page, with what was aimed at and every miss.

use std::fmt::Write as _;

use journeys::report::{machine, median, megabytes, millis, percentile, seconds, spread, table, thousands};

use crate::ask::{Start, Times};
use crate::tree::Memory;

/// From the web view to a list that can be used, milliseconds.
const START: f64 = 1_000.0;
/// A search among the projects of the large equipment, milliseconds.
const SEARCH: f64 = 50.0;
/// A field, from the command to what is committed, milliseconds.
const SAVE: f64 = 10.0;

/// Everything that was found.
pub struct Found {
    pub projects: usize,
    pub follow_ups: usize,
    pub large: usize,
    pub starts: Vec<Start>,
    pub large_start: Start,
    pub search: Times,
    pub large_search: Times,
    pub save: Times,
    /// With the list on the screen; after searching and saving; of the large equipment after searching.
    pub memory: Memory,
    pub memory_after: Memory,
    pub large_memory: Memory,
    pub whole: bool,
}

/// The page that is kept.
pub fn page(found: &Found) -> String {
    let mut page = String::from(
        "# Mediciones de la aplicación\n\nEsta página la escribe la orden que la reproduce; no se edita a mano:\n\n\
         ```\ncargo xtask bench application\n```\n\n\
         Abre la ventana real (WebKitGTK bajo Xvfb) sobre la carpeta de un equipo dado de alta en un servidor real. Los \
         proyectos y seguimientos los hizo un programa, siempre los mismos. Los tiempos los dice el reloj de la propia \
         página; el del arranque, desde que el sistema creó el proceso. `--projects N` prueba con menos, sin tocar esta \
         página.\n\n",
    );
    if !found.whole {
        page.push_str("**Prueba con menos datos que los de la meta: estas cifras no cuentan.**\n\n");
    }
    let build = if cfg!(debug_assertions) { "de desarrollo" } else { "para entregar (perfil `release`)" };
    let (projects, follow_ups) = (thousands(found.projects as f64), thousands(found.follow_ups as f64));
    let large = thousands(found.large as f64);
    let _ = write!(
        page,
        "| | |\n|---|---|\n| Máquina | {} |\n| Programa | `avance` {}, compilado {build} |\n\
         | Equipo | {projects} proyectos y {follow_ups} seguimientos publicados; el grande, {large} proyectos |\n\
         | Almacén | SQLite cifrado con SQLCipher, WAL y `synchronous=FULL` |\n\n",
        machine(),
        env!("CARGO_PKG_VERSION"),
    );
    page.push_str("## Lo que no se cumple\n\n");
    let views = || found.starts.iter().map(|start| start.view);
    let aims = [
        ("Lista usable desde que la vista web está arriba", median(views()), START),
        ("Buscar entre todos los del equipo grande, 99 de 100", p99(&found.large_search.command), SEARCH),
        ("Guardar un campo, 99 de 100", p99(&found.save.command), SAVE),
    ];
    let missed: Vec<String> = aims
        .iter()
        .filter(|(_, took, aim)| took > aim)
        .map(|(what, took, aim)| {
            format!("- **B7 no cumple**: {what}: {}, y la meta es {}.", millis(*took), millis(*aim))
        })
        .collect();
    page.push_str(&if missed.is_empty() {
        "- B7: sus metas se cumplen.".to_owned()
    } else {
        missed.join("\n")
    });
    page.push_str("\n\n## De abrir a una lista usable\n\n");
    let row = |name: &str, values: Vec<f64>, aim: &str| {
        let (least, most) = spread(values.iter().copied());
        let middle = median(values.iter().copied());
        vec![
            name.into(),
            seconds(middle / 1e3),
            format!("{}–{}", seconds(least / 1e3), seconds(most / 1e3)),
            aim.into(),
        ]
    };
    let head = |names: [&str; 4]| names.map(str::to_owned).to_vec();
    page.push_str(&table(
        1,
        &[
            head(["", "Mediana", "De menos a más", "Meta"]),
            row(
                "Desde que empieza el proceso",
                found.starts.iter().map(|start| start.process).collect(),
                "–",
            ),
            row("Desde que la vista web está arriba", views().collect(), "≤ 1.0 s"),
            row("El equipo grande, desde el proceso", vec![found.large_start.process], "–"),
            row("El equipo grande, desde la vista web", vec![found.large_start.view], "–"),
        ],
    ));
    let _ = writeln!(
        page,
        "{} aperturas; abrir incluye derivar la llave del almacén de la frase de acceso.\n",
        found.starts.len()
    );
    page.push_str("## Buscar y guardar\n\n");
    let times = |name: String, values: &[f64], aim: &str| {
        vec![
            name,
            values.len().to_string(),
            millis(median(values.iter().copied())),
            millis(p99(values)),
            aim.into(),
        ]
    };
    page.push_str(&table(
        1,
        &[
            ["", "Veces", "p50", "p99", "Meta"].map(str::to_owned).to_vec(),
            times(format!("Buscar entre {projects}"), &found.search.command, "–"),
            times(format!("Buscar entre {large}"), &found.large_search.command, "≤ 50 ms"),
            times(format!("De la tecla a la lista, {projects}"), &found.search.seen, "–"),
            times(format!("De la tecla a la lista, {large}"), &found.large_search.seen, "–"),
            times("Guardar un campo".into(), &found.save.command, "≤ 10 ms"),
            times("De la tecla a «Guardado»".into(), &found.save.seen, "–"),
        ],
    ));
    page.push_str(
        "«Buscar» y «Guardar» son el comando que la página pide a la ventana, de pedirlo a tener la respuesta: guardado quiere \
         decir confirmado en el disco y revisado. De la tecla a la pantalla se suma lo que la página espera a que se siga \
         tecleando (150 ms al buscar).\n\n## Memoria del árbol de procesos\n\n",
    );
    let held = |name: &str, memory: &Memory| {
        vec![name.into(), memory.processes.to_string(), megabytes(memory.rss), megabytes(memory.pss)]
    };
    page.push_str(&table(
        1,
        &[
            head(["", "Procesos", "RSS", "PSS"]),
            held("Con la lista en pantalla", &found.memory),
            held("Después de buscar y guardar", &found.memory_after),
            held("El equipo grande, después de buscar", &found.large_memory),
        ],
    ));
    page.push_str("Las páginas compartidas cuentan enteras en cada proceso en RSS, y repartidas en PSS.\n");
    page
}

fn p99(values: &[f64]) -> f64 {
    percentile(values.iter().copied(), 99.0)
}
