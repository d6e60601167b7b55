//! What is told of a run: the last line, the counts, and `docs/reliability.md`.

use std::fmt::Write as _;

use super::Sum;
use super::fault::{COUNT, Fault, Place};

/// Branches that matter: a run that never took one of them shows nothing about it.
const BRANCHES: &[(&str, &str)] = &[
    ("acuse recibido", "I1 I2 I6"),
    ("acuse de rechazo", "I1 I6"),
    ("aceptado", "I2 I4"),
    ("en conflicto", "I4 I6"),
    ("con observaciones", "I4 I6"),
    ("rechazado", "I4 I6"),
    ("sustituido", "I2 I4"),
    ("espera capacitación", "I3"),
    ("espera a otro propio", "I3"),
    ("capacitación dada", "I3"),
    ("archivo completo", "I3 I6"),
    ("apartado con marcador", "I3 I6"),
    ("marcador recibido", "I3 I5"),
    ("varias páginas", "I4 I5 I10"),
    ("copia nueva", "I4 I5"),
    ("dado de alta otra vez", "I1 I6"),
    ("out_of_scope", "I6 I7"),
    ("device_forked", "I1 I6"),
    ("device_revoked", "I1 I6"),
    ("unavailable", "I1 I3"),
    ("server_unreachable", "I3"),
    ("server_not_ours", "I3"),
    ("body_damaged", "I1 I6"),
    ("too_many_requests", "I3"),
    ("upgrade_required", "I3 I6"),
    ("disk_full", "I6"),
    ("disk_failing", "I6"),
];

/// Where each invariant is shown.
const INVARIANTS: &[(&str, &str, &str)] = &[
    ("I1", "lo acusado está en la bitácora una vez y con la misma huella", "aquí · kills, faults, restore"),
    ("I2", "a lo más un efecto por operación y una versión por proceso e id", "aquí · restore, faults"),
    ("I3", "cuando cesan las fallas, cada cola se vacía o dice por qué", "aquí · faults, folders"),
    ("I4", "lo que muestra cada equipo es lo que tiene el servidor para su ámbito", "aquí · restore"),
    ("I5", "números sin huecos, cadenas que verifican, cursores que no retroceden", "aquí · restore"),
    ("I6", "nada capturado se pierde", "aquí · kills, folders, restore"),
    ("I7", "nada fuera del ámbito se entrega ni se acepta", "aquí, en cada respuesta · routes"),
    ("I8", "el índice público sólo nombra archivos que están y valen", "kills, journey (aquí no se publica)"),
    ("I9", "lo publicado no lleva metadatos de fotografías", "journey (aquí no se publica)"),
    ("I10", "lotes, páginas y cuerpos con límite", "aquí, en cada intercambio · pruebas de central"),
    ("I11", "recuperar dos veces es igual que una", "aquí, al final de cada semilla"),
    ("I12", "cada tipo de falla y cada rama que importa ocurrió", "aquí, desde mil semillas"),
];

fn of(sum: &Sum, fault: Fault) -> u64 {
    sum.faults.get(&fault).copied().unwrap_or(0)
}

/// A device lets nothing through that is rejected for good, so that only what a fault did to it is: about once in a
/// thousand seeds. `binary(push)` shows each rule in every run.
const RARE: [&str; 2] = ["acuse de rechazo", "rechazado"];
/// From this many seeds on those have to be hit too.
const MANY: u64 = 10_000;

/// What was never hit.
pub fn missing(sum: &Sum) -> Vec<String> {
    let faults = Fault::ALL.iter().filter(|fault| of(sum, **fault) == 0).map(|fault| format!("{fault:?}"));
    let due = |name: &&str| sum.seeds >= MANY || !RARE.contains(name);
    let branches = BRANCHES.iter().filter(|(name, _)| !sum.branches.contains_key(name) && due(name));
    faults.chain(branches.map(|(name, _)| (*name).to_owned())).collect()
}

/// The last line.
pub fn line(sum: &Sum) -> String {
    let kinds = Fault::ALL.iter().filter(|fault| of(sum, **fault) > 0).count();
    let hits: u64 = sum.faults.values().sum();
    format!(
        "{} seeds, {kinds} of {COUNT} fault kinds hit ({hits} faults, {} exchanges)",
        sum.seeds, sum.exchanges
    )
}

/// How often each kind and each branch was hit.
pub fn counts(sum: &Sum) -> String {
    let mut text = String::new();
    for fault in Fault::ALL {
        let _ = writeln!(text, "{:>8} {fault:?}", of(sum, *fault));
    }
    for (branch, hits) in &sum.branches {
        let _ = writeln!(text, "{hits:>8} · {branch}");
    }
    text
}

/// `docs/reliability.md`.
pub fn table(sum: &Sum) -> String {
    let mut text = String::from(INTRODUCTION);
    let _ = writeln!(text, "Última corrida escrita aquí: {}.\n", line_es(sum));
    text.push_str("## Fallas\n\n| Falla | Dónde | Qué pasa | Veces |\n|---|---|---|---|\n");
    for fault in Fault::ALL {
        let place = match fault.place() {
            Place::Exchange => "un intercambio",
            Place::Central => "el servidor",
            Place::Device => "un equipo",
        };
        let _ = writeln!(text, "| `{fault:?}` | {place} | {} | {} |", fault.meaning(), of(sum, *fault));
    }
    text.push_str("\nCon cualquiera de ellas, al cesar todas, se revisan I1 a I7, I10 e I11.\n");
    text.push_str("\n## Ramas que importan\n\n| Rama | Invariantes | Veces |\n|---|---|---|\n");
    for (name, invariants) in BRANCHES {
        let hits = sum.branches.get(name).copied().unwrap_or(0);
        let _ = writeln!(text, "| {name} | {invariants} | {hits} |");
    }
    text.push_str("\n## Invariantes\n\n| | Qué | Dónde se muestra |\n|---|---|---|\n");
    for (id, what, place) in INVARIANTS {
        let _ = writeln!(text, "| {id} | {what} | {place} |");
    }
    // What is shown elsewhere does not change from one run of seeds to another.
    text.push_str(include_str!("programs.md"));
    text
}

fn line_es(sum: &Sum) -> String {
    let hits: u64 = sum.faults.values().sum();
    format!("{} semillas, {hits} fallas, {} intercambios", sum.seeds, sum.exchanges)
}

const INTRODUCTION: &str = "\
# Confiabilidad: la simulación

Corre el programa real de los equipos y el servidor real en un solo proceso, con reloj, azar, red y disco dados desde
fuera. Una semilla es una historia, siempre la misma: seis equipos (y sus copias), tres nodos sobre una base, nueve de los
36 tipos de falla a la vez; luego las fallas cesan, todo debe llegar al reposo y se compara con lo anotado por fuera.

- `cargo xtask test --only simulation` — 3,000 semillas; es parte de `cargo xtask test`. `--seeds N` cuántas, `--seed S` desde
  cuál.
- `cargo xtask test --only simulation --seeds 1 --seed S --trace` — repite una, paso por paso.
- `cargo xtask bench reliability` — 20,000 semillas.

Una promesa rota imprime su invariante y la orden que repite la semilla. Lo que la simulación no ve: la publicación (I8, I9),
el temporizador que decide cuándo se envía, el cifrado de la conexión y los archivos de más de un trozo; eso lo muestran las
pruebas con los programas completos (`tests/tests/`). Este archivo lo escribe la propia simulación (`--write`).

";
