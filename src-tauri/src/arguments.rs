//! What the program is started with: a data folder and, for demonstrations and tests, the passphrase of its store.

use std::ffi::OsString;
use std::path::PathBuf;

const USAGE: &str = "\
Uso: avance [--data CARPETA]

  --data CARPETA   carpeta de datos de este equipo; sin ella, la de la aplicación en el sistema
  --version        versión del programa

Variables: AVANCE_DATA (carpeta de datos), AVANCE_PASSPHRASE (abre el almacén al iniciar), AVANCE_LOG (detalle de la bitácora técnica)";

/// What the caller wants.
#[derive(Debug)]
pub enum Wish {
    /// The window.
    Open(Arguments),
    /// A text: the version or the usage.
    Say(String),
}

/// How the window is opened.
#[derive(Default)]
pub struct Arguments {
    /// Data folder; the application's own when none is given.
    pub data: Option<PathBuf>,
    /// Passphrase that unlocks the store at start.
    pub passphrase: Option<String>,
    /// Filter of the technical log.
    pub log: Option<String>,
}

// Written by hand so that a passphrase never reaches a log.
impl std::fmt::Debug for Arguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arguments").field("data", &self.data).field("log", &self.log).finish_non_exhaustive()
    }
}

impl Arguments {
    /// Reads arguments and environment. What is not understood is said with the usage.
    pub fn read(
        mut arguments: impl Iterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Wish, String> {
        let filled = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| filled(name).and_then(|value| value.into_string().ok());
        let mut read = Arguments {
            data: filled("AVANCE_DATA").map(PathBuf::from),
            passphrase: text("AVANCE_PASSPHRASE"),
            log: text("AVANCE_LOG"),
        };
        while let Some(argument) = arguments.next() {
            let known = argument.to_str().unwrap_or_default();
            if known == "--data" {
                let folder = arguments.next().filter(|value| !value.is_empty());
                read.data =
                    Some(folder.ok_or_else(|| format!("--data necesita una carpeta.\n\n{USAGE}"))?.into());
            } else if let Some(folder) = known.strip_prefix("--data=") {
                read.data = Some(folder.into());
            } else if matches!(known, "--version" | "-V") {
                return Ok(Wish::Say(format!("avance {}", env!("CARGO_PKG_VERSION"))));
            } else if matches!(known, "--help" | "-h") {
                return Ok(Wish::Say(USAGE.to_owned()));
            } else {
                return Err(format!("No se conoce «{}».\n\n{USAGE}", argument.to_string_lossy()));
            }
        }
        Ok(Wish::Open(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Wish, String> {
        let variables: Vec<(String, OsString)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        Arguments::read(arguments.iter().map(OsString::from), |name| {
            variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        })
    }

    fn opened(arguments: &[&str], variables: &[(&str, &str)]) -> Arguments {
        match read(arguments, variables) {
            Ok(Wish::Open(arguments)) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_argument_wins_over_the_variable() {
        assert_eq!(opened(&[], &[]).data, None);
        assert_eq!(opened(&[], &[("AVANCE_DATA", "a")]).data, Some("a".into()));
        assert_eq!(opened(&["--data", "b"], &[("AVANCE_DATA", "a")]).data, Some("b".into()));
        assert_eq!(opened(&["--data=c d"], &[("AVANCE_DATA", "")]).data, Some("c d".into()));
    }

    #[test]
    fn what_is_not_understood_is_said_with_the_usage() {
        assert!(read(&["--data"], &[]).unwrap_err().contains("Uso: avance"));
        assert!(read(&["--datos", "x"], &[]).unwrap_err().contains("«--datos»"));
        assert!(matches!(read(&["--version"], &[]), Ok(Wish::Say(text)) if text.starts_with("avance ")));
    }

    #[test]
    fn a_passphrase_is_never_printed() {
        let arguments = opened(&[], &[("AVANCE_PASSPHRASE", "secreta")]);
        assert_eq!(arguments.passphrase.as_deref(), Some("secreta"));
        assert!(!format!("{arguments:?}").contains("secreta"));
    }
}
