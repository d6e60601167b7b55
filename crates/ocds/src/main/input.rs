//! Reading JSON documents and JSON Lines from files and standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use crate::prose::Lang;

/// Why a file could not be read as JSON.
#[derive(Debug)]
pub enum Fault {
    /// It cannot be opened or read.
    Unreadable(io::Error),
    /// There is nothing in it.
    Empty,
    /// It is UTF-16.
    Utf16,
    /// It is not UTF-8, from this line on.
    NotUtf8 { line: usize },
    /// It is not JSON, or nested too deeply; with line and column.
    NotJson(serde_json::Error),
}

impl Fault {
    /// What happened and what to do, with the name of the file.
    pub fn text(&self, name: &str, lang: Lang) -> String {
        match self {
            Fault::Unreadable(cause) => match lang {
                Lang::Es => format!("{name}: no se puede abrir ({cause}). Revisa el nombre y los permisos."),
                Lang::En => format!("{name} cannot be opened ({cause}). Check its name and permissions."),
            },
            Fault::Empty => match lang {
                Lang::Es => format!("{name}: no contiene JSON; está vacío. ¿Se interrumpió la descarga?"),
                Lang::En => format!("{name}: there is no JSON in it; it is empty. Was the download cut?"),
            },
            Fault::Utf16 => match lang {
                Lang::Es => format!("{name}: el texto está en UTF-16. Guárdalo como UTF-8."),
                Lang::En => format!("{name}: the text is UTF-16. Save it as UTF-8."),
            },
            Fault::NotUtf8 { line } => match lang {
                Lang::Es => format!("{name}: el texto no es UTF-8 (línea {line}). Guárdalo como UTF-8."),
                Lang::En => format!("{name}: the text is not UTF-8 (line {line}). Save it as UTF-8."),
            },
            Fault::NotJson(cause) => match lang {
                Lang::Es => {
                    format!("{name}: no es JSON que se pueda leer ({cause}). Corrígelo en ese lugar.")
                }
                Lang::En => format!("{name}: this is not JSON that can be read ({cause}). Correct it there."),
            },
        }
    }
}

/// The name of a file, for messages.
pub fn name(path: &Path) -> String {
    if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Every JSON document of a file (`-` is standard input): one, or one per line.
///
/// # Errors
/// [`Fault`] if the file cannot be read, is empty, is not UTF-8, or is not JSON.
pub fn documents(path: &Path) -> Result<Vec<Value>, Fault> {
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        io::stdin().lock().read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(Fault::Unreadable)?;
    parse(&bytes)
}

/// As [`documents`], from bytes.
fn parse(bytes: &[u8]) -> Result<Vec<Value>, Fault> {
    // Some editors begin a file with a byte order mark; JSON has none.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(Fault::Utf16);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        Fault::NotUtf8 { line: before.iter().filter(|byte| **byte == b'\n').count() + 1 }
    })?;
    let read: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    match read {
        Ok(documents) if documents.is_empty() => Err(Fault::Empty),
        Ok(documents) => Ok(documents),
        Err(error) => Err(Fault::NotJson(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_document_or_one_per_line() {
        assert_eq!(parse(b"{}").expect("reads").len(), 1);
        assert_eq!(parse(b"\xEF\xBB\xBF{}\r\n{}\n\n[]").expect("reads").len(), 3);
    }

    #[test]
    fn bad_input_is_an_error_and_never_a_panic() {
        let deep = "[".repeat(100_000);
        let inputs: [&[u8]; 8] =
            [b"", b"  \n", b"{", b"{\"a\":\xFF}", b"\xFF\xFE{\0}\0", deep.as_bytes(), b"{} x", b"nul"];
        for input in inputs {
            let fault = parse(input).expect_err("bad input is refused");
            assert_ne!(fault.text("x", Lang::Es), fault.text("x", Lang::En));
        }
    }
}
