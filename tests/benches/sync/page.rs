//! What was measured as a page: a table for each part, what each ran, and in plain words what is not met.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
pub use journeys::report::{figures, megabytes, millis, seconds, table, thousands};
use serde::{Deserialize, Serialize};

use crate::peers::Peers;

/// What one part found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Part {
    pub id: String,
    pub title: String,
    pub when: DateTime<Utc>,
    /// Tables and what they mean.
    pub body: String,
    /// What was aimed at and not reached, with its reason.
    pub short: Vec<String>,
}

impl Part {
    pub fn new(id: &str, title: &str, body: String, short: Vec<String>) -> Part {
        let when = std::time::SystemTime::now().into();
        Part { id: id.into(), title: title.into(), when, body, short }
    }

    fn path(folder: &Path, id: &str) -> std::path::PathBuf {
        folder.join(format!("{id}.json"))
    }

    /// Keeps it until it is measured again.
    pub fn keep(&self, folder: &Path) -> Result<()> {
        Ok(fs::write(Part::path(folder, &self.id), serde_json::to_vec_pretty(self)?)?)
    }

    /// The last that was kept.
    pub fn kept(folder: &Path, id: &str) -> Result<Option<Part>> {
        let path = Part::path(folder, id);
        if !path.exists() {
            return Ok(None);
        }
        let part = serde_json::from_slice(&fs::read(&path)?).with_context(|| path.display().to_string())?;
        Ok(Some(part))
    }

    /// What is not met.
    pub fn verdict(&self) -> String {
        if self.short.is_empty() {
            return format!("- {}: sus metas se cumplen.\n", self.id);
        }
        self.short.iter().fold(String::new(), |mut text, short| {
            let _ = writeln!(text, "- **{} no cumple**: {short}.", self.id);
            text
        })
    }
}

/// The page that is kept.
pub fn page(parts: &[Part], missing: &[&str], peers: &Peers) -> String {
    let mut page = String::from(
        "# Mediciones del envío\n\nEsta página la escribe la orden que la reproduce; no se edita a mano:\n\n\
         ```\ncargo xtask bench sync\n```\n\n\
         Compila los programas para entregar, instala los pares en carpetas propias, corre cada par y lo nuestro por turnos en \
         la misma máquina, comprueba lo que cada uno guardó y escribe esto. `--only B4` mide una parte y conserva lo último \
         medido de las otras; `--runs N` cambia las repeticiones y `--small` prueba con una vigésima parte, sin tocar esta \
         página.\n\n",
    );
    let facts = [
        ("Máquina", journeys::report::machine()),
        (
            "Programas",
            format!(
                "`avance-central` y `avance-device` {}, compilados para entregar (perfil `release`)",
                env!("CARGO_PKG_VERSION")
            ),
        ),
        ("Base de datos", "la incrustada: SQLite con WAL y `synchronous=FULL`; la del equipo, además, cifrada con SQLCipher".into()),
        ("Pares", peers.versions()),
    ];
    page.push_str("| | |\n|---|---|\n");
    for (name, fact) in facts {
        let _ = writeln!(page, "| {name} | {fact} |");
    }
    page.push_str("\n## Lo que no se cumple\n\n");
    for part in parts {
        page.push_str(&part.verdict());
    }
    for id in missing {
        let _ = writeln!(page, "- {id}: todavía no se ha medido completa; no hay cifra.");
    }
    for part in parts {
        let _ = write!(
            page,
            "\n## {}. {}\n\nMedido el {}.\n\n{}",
            part.id,
            part.title,
            part.when.format("%Y-%m-%d %H:%M UTC"),
            part.body
        );
    }
    page
}
