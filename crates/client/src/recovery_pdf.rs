//! The recovery code as a page to print.

use crate::capture::Moment;
use crate::error::Error;
use crate::receipt_pdf::{Ink, MARGIN, PAGE, assemble, wrapped};
use crate::session::Identity;

/// The page: whose code it is, the code, what it is for and how it is kept.
pub(crate) fn page(
    code: &str,
    profile: &str,
    identity: Option<&Identity>,
    moment: Moment,
) -> Result<Vec<u8>, Error> {
    let mut ink = Ink { operations: Vec::new(), y: PAGE.1 - MARGIN };
    ink.text("F1", 10.0, identity.map_or("Avance Abierto", |known| &known.municipality.name), 14.0);
    ink.text("F2", 20.0, "Código de recuperación", 26.0);
    ink.y -= 10.0;
    ink.pair("Perfil", &[profile], "F1");
    if let Some(known) = identity {
        ink.pair("Equipo", &[&known.device], "F1");
    }
    let local = moment.captured_at + chrono::TimeDelta::minutes(i64::from(moment.tz_offset_minutes));
    ink.pair("Hecho el", &[&local.format("%d/%m/%Y").to_string()], "F1");
    ink.y -= 18.0;
    let (first, second) = code.split_at_checked(code.len() / 2).unwrap_or((code, ""));
    for half in [first.trim_matches('-'), second.trim_matches('-')] {
        ink.text("F3", 22.0, half, 32.0);
    }
    ink.y -= 18.0;
    for sentence in [
        "Para qué sirve: si olvidas tu frase, este código abre lo guardado en este equipo y te deja escribir una frase nueva.",
        "Quien tenga esta hoja puede abrir el perfil: guárdala bajo llave y lejos del equipo. No la fotografíes ni la mandes por correo.",
        "Al hacer otro código, éste deja de servir: destruye esta hoja.",
        "Las letras O, I y L se leen como 0 y 1. No importan mayúsculas ni guiones. El último grupo avisa si hay un error al copiar.",
    ] {
        for line in wrapped(sentence, 84) {
            ink.text("F1", 11.0, &line, 15.0);
        }
        ink.y -= 6.0;
    }
    assemble(ink.operations, None, "Código de recuperación").map_err(|error| {
        tracing::error!(%error, "the page of the recovery code");
        Error::Stored { what: "the page of the recovery code" }
    })
}
