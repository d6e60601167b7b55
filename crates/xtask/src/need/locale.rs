//! The Spanish of Mexico as a locale: without it the web view says its language is «C».

use std::process::Command;

use super::system;
use crate::run::{Outcome, peek};
use crate::words::say;

const LOCALE: &str = "es_MX.UTF-8";

/// Generates the locale when it is missing.
pub fn check() -> Outcome {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let known = peek(Command::new("locale").arg("-a")).unwrap_or_default();
    if known.lines().any(|line| line.eq_ignore_ascii_case("es_MX.utf8")) {
        return Ok(());
    }
    say!("» Falta el idioma {LOCALE}: localedef", "» The locale {LOCALE} is missing: localedef");
    system::as_root(&["localedef", "-i", "es_MX", "-f", "UTF-8", LOCALE])
}
