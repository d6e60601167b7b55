//! What to tell people: where, what is wrong, and what to do about it.

use serde_json::{Map, Value};

use super::{LoadError, RowError};

/// Language of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Spanish.
    Es,
    /// English.
    En,
}

impl Lang {
    fn pick<'t>(self, es: &'t str, en: &'t str) -> &'t str {
        match self {
            Lang::Es => es,
            Lang::En => en,
        }
    }
}

impl RowError {
    /// The sentence of a row: row, column, value, what is wrong and what to do.
    pub fn prose(&self, lang: Lang) -> String {
        let mut text = format!("{} {}", lang.pick("Fila", "Row"), self.row);
        if !self.column.is_empty() {
            text.push_str(&format!(", {} «{}»", lang.pick("columna", "column"), self.column));
        }
        if !self.value.is_empty() {
            text.push_str(&format!(", «{}»", self.value));
        }
        let (what, todo) = row_rule(&self.rule, &self.params, lang);
        format!("{text}: {what} {todo}")
    }
}

impl LoadError {
    /// The sentence of what stopped the reading, and what to do.
    pub fn prose(&self, lang: Lang) -> String {
        let (es, en) = match self {
            LoadError::NotFound { path } => (
                format!("No existe el archivo {}. Revisa el nombre y la carpeta.", path.display()),
                format!("There is no file {}. Check the name and the folder.", path.display()),
            ),
            LoadError::Unreadable { path, detail } => (
                format!(
                    "No se pudo leer {} ({detail}). Ciérralo en otros programas, revisa los permisos e intenta otra vez.",
                    path.display()
                ),
                format!(
                    "{} could not be read ({detail}). Close it elsewhere, check its permissions and try again.",
                    path.display()
                ),
            ),
            LoadError::Empty => (
                "El archivo está vacío. Guárdalo otra vez desde la hoja de cálculo.".to_owned(),
                "The file is empty. Save it again from the spreadsheet.".to_owned(),
            ),
            LoadError::NoRows { headers, .. } => (
                format!(
                    "El archivo solo tiene encabezados ({}) y ningún proyecto debajo. Agrega las filas o elige otro archivo.",
                    list(headers)
                ),
                format!(
                    "The file has headers only ({}) and no project under them. Add the rows or choose another file.",
                    list(headers)
                ),
            ),
            LoadError::NoMapping { headers } => (
                format!(
                    "Ningún mapeo conocido tiene estos encabezados: {}. Si aparecen juntos en uno solo, guarda el archivo separado por comas; si la lista es de otro sistema, indica su mapeo.",
                    list(headers)
                ),
                format!(
                    "No known mapping has these headers: {}. If they appear together as one, save the file separated by commas; if the list comes from another system, name its mapping.",
                    list(headers)
                ),
            ),
            LoadError::MappingUnknown { name, known } => (
                format!(
                    "No existe el mapeo «{name}». Las que hay: {}. También puedes dar la ruta de un archivo .toml.",
                    list(known)
                ),
                format!(
                    "There is no mapping «{name}». There are: {}. The path of a .toml file will do too.",
                    list(known)
                ),
            ),
            LoadError::MappingInvalid { name, detail } => (
                format!("El mapeo «{name}» no es válido: {detail}. Corrige el archivo .toml."),
                format!("The mapping «{name}» is not valid: {detail}. Correct the .toml file."),
            ),
            LoadError::MissingColumns { mapping, columns, headers } => (
                format!(
                    "Para el mapeo «{mapping}» faltan las columnas {}. El archivo trae: {}. Corrige los encabezados o usa otro mapeo.",
                    list(columns),
                    list(headers)
                ),
                format!(
                    "The mapping «{mapping}» lacks the columns {}. The file has: {}. Correct the headers or use another mapping.",
                    list(columns),
                    list(headers)
                ),
            ),
            LoadError::DuplicateColumns { columns } => (
                format!("Las columnas {} son la misma. Deja solo una.", list(columns)),
                format!("The columns {} are the same. Leave only one.", list(columns)),
            ),
            LoadError::NotASpreadsheet { path, found } => (
                format!(
                    "{} no es un archivo CSV ni XLSX: {}. Ábrelo en la hoja de cálculo y guárdalo, sin contraseña, como XLSX o CSV UTF-8.",
                    path.display(),
                    kind(found, lang)
                ),
                format!(
                    "{} is neither CSV nor XLSX: {}. Open it in the spreadsheet and save it, without a password, as XLSX or CSV UTF-8.",
                    path.display(),
                    kind(found, lang)
                ),
            ),
            LoadError::Damaged { path, detail } => (
                format!(
                    "El libro {} está dañado ({detail}). Ábrelo en la hoja de cálculo y guárdalo otra vez como XLSX, o pide una copia nueva.",
                    path.display()
                ),
                format!(
                    "The workbook {} is damaged ({detail}). Open it in the spreadsheet and save it again as XLSX, or ask for a new copy.",
                    path.display()
                ),
            ),
            LoadError::TooLarge { what, row, limit } => (
                format!(
                    "{}Pasa del límite: {limit} {}. Divide la lista o quita lo que no sea la lista de proyectos.",
                    at_row(*row, lang),
                    measure(what, lang)
                ),
                format!(
                    "{}Over the limit: {limit} {}. Split the list or remove what is not the list of projects.",
                    at_row(*row, lang),
                    measure(what, lang)
                ),
            ),
            LoadError::QuoteUnclosed { row, column } => (
                format!(
                    "Fila {row}, columna «{column}»: se abren comillas que nunca se cierran, y no se sabe dónde termina la fila. Cierre o quita esas comillas."
                ),
                format!(
                    "Row {row}, column «{column}»: a quote is opened and never closed, so there is no telling where the row ends. Close or remove that quote."
                ),
            ),
            LoadError::Stopped { detail } => (
                format!("La carga se detuvo: {detail}. No se cargó nada."),
                format!("The load was stopped: {detail}. Nothing was loaded."),
            ),
        };
        match lang {
            Lang::Es => es,
            Lang::En => en,
        }
    }
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 30;
    let mut text = names.iter().take(SHOWN).map(|name| format!("«{name}»")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

fn at_row(row: Option<u64>, lang: Lang) -> String {
    row.map_or_else(String::new, |row| format!("{} {row}: ", lang.pick("Fila", "Row")))
}

fn kind(found: &str, lang: Lang) -> &str {
    match found {
        "xls" => lang.pick(
            "es un .xls antiguo o un libro con contraseña",
            "it is an old .xls or a workbook with a password",
        ),
        "xlsb" => lang.pick("es un libro binario (.xlsb)", "it is a binary workbook (.xlsb)"),
        "ods" => lang.pick("es una hoja de OpenDocument (.ods)", "it is an OpenDocument spreadsheet (.ods)"),
        "docx" => lang.pick("es un documento de texto", "it is a text document"),
        "rtf" => lang.pick("es un documento de texto", "it is a text document"),
        "pdf" => lang.pick("es un PDF", "it is a PDF"),
        "image" => lang.pick("es una imagen", "it is an image"),
        "html" => lang.pick(
            "es una página web, aunque se llame .xls o .csv",
            "it is a web page, whatever its name ends in",
        ),
        "xml" => lang.pick("es un archivo XML", "it is an XML file"),
        "json" => lang.pick("es un archivo JSON", "it is a JSON file"),
        "zip" | "compressed" => lang.pick("es un archivo comprimido", "it is a compressed file"),
        _ => lang.pick("no es texto", "it is not text"),
    }
}

fn measure(what: &str, lang: Lang) -> &str {
    match what {
        "file-bytes" => lang.pick("bytes de archivo", "bytes of file"),
        "unpacked-bytes" => lang.pick("bytes ya descomprimido", "bytes when unpacked"),
        "parts" => lang.pick("partes en el libro", "parts in the workbook"),
        "strings" => lang.pick("textos distintos en el libro", "different texts in the workbook"),
        "cells" => lang.pick("celdas", "cells"),
        "rows" => lang.pick("filas", "rows"),
        "columns" => lang.pick("columnas", "columns"),
        "cell-bytes" => lang.pick("bytes en una celda", "bytes in a cell"),
        _ => lang.pick("bytes en una fila", "bytes in a row"),
    }
}

fn param(params: &Map<String, Value>, key: &str) -> String {
    match params.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// What is wrong and what to do.
fn row_rule(rule: &str, params: &Map<String, Value>, lang: Lang) -> (String, String) {
    let of = |key: &str| param(params, key);
    let reason = of("reason");
    let both = |es: (&str, &str), en: (&str, &str)| {
        let (what, todo) = match lang {
            Lang::Es => es,
            Lang::En => en,
        };
        (what.to_owned(), todo.to_owned())
    };
    match (rule, reason.as_str()) {
        ("folio-missing", _) => both(
            ("falta el folio.", "Escribe el folio del proyecto o borra la fila."),
            ("the folio is missing.", "Write the folio of the project or delete the row."),
        ),
        ("folio-format", "date-cell") => both(
            (
                "la hoja de cálculo convirtió el folio en una fecha.",
                "Da formato de texto a la columna y escribe el folio otra vez.",
            ),
            (
                "the spreadsheet turned the folio into a date.",
                "Format the column as text and write the folio again.",
            ),
        ),
        ("folio-format", _) => {
            let limit = of("limit");
            (
                lang.pick("no puede ser un folio.", "this cannot be a folio.").to_owned(),
                match lang {
                    Lang::Es => format!(
                        "Usa de 1 a {limit} letras sin acento, números, punto, guion o guion bajo, sin espacios y sin empezar con punto."
                    ),
                    Lang::En => format!(
                        "Use 1 to {limit} unaccented letters, digits, dots, hyphens or underscores, without blanks and not beginning with a dot."
                    ),
                },
            )
        }
        ("folio-duplicate", _) => {
            let first = of("firstRow");
            match lang {
                Lang::Es => (
                    format!(
                        "el folio ya está en la fila {first} (mayúsculas y minúsculas cuentan como iguales)."
                    ),
                    "Deja una sola fila por proyecto o corrige el folio.".to_owned(),
                ),
                Lang::En => (
                    format!("the folio is already in row {first} (upper and lower case count as the same)."),
                    "Leave one row for each project or correct the folio.".to_owned(),
                ),
            }
        }
        ("title-missing", _) => both(
            ("falta el título.", "Escribe el título del proyecto."),
            ("the title is missing.", "Write the title of the project."),
        ),
        ("title-too-long" | "text-too-long", _) => {
            let (length, limit) = (of("length"), of("limit"));
            match lang {
                Lang::Es => (
                    format!("el texto tiene {length} caracteres y caben {limit}."),
                    "Acórtelo; los detalles van en la descripción.".to_owned(),
                ),
                Lang::En => (
                    format!("the text has {length} characters and {limit} fit."),
                    "Shorten it; details belong in the description.".to_owned(),
                ),
            }
        }
        ("amount-format", "ambiguous") => both(
            (
                "el monto se puede leer de dos maneras.",
                "Escríbalo sin separador de miles y con dos decimales: 1234.00.",
            ),
            (
                "the amount can be read in two ways.",
                "Write it without thousands separators and with two decimals: 1234.00.",
            ),
        ),
        ("amount-format", _) => both(
            ("no es un monto.", "Escribe solo el número, por ejemplo 1234.56, o deja la celda vacía."),
            (
                "this is not an amount.",
                "Write the number alone, 1234.56 for example, or leave the cell blank.",
            ),
        ),
        ("amount-negative", _) => both(
            ("el monto es negativo.", "Escribe el monto del proyecto en positivo o deja la celda vacía."),
            (
                "the amount is negative.",
                "Write the amount of the project as a positive number or leave the cell blank.",
            ),
        ),
        ("amount-not-finite", _) => both(
            ("no es un número finito.", "Corrige la fórmula que lo produce o escribe el monto."),
            ("this is not a finite number.", "Correct the formula it comes from or write the amount."),
        ),
        ("amount-too-large", _) => (
            match lang {
                Lang::Es => format!("el monto pasa de {}.", of("limit")),
                Lang::En => format!("the amount is over {}.", of("limit")),
            },
            lang.pick("Revisa los ceros y el separador decimal.", "Check the zeros and the decimal mark.")
                .to_owned(),
        ),
        ("currency-format", _) => both(
            ("no es una moneda.", "Usa el código de tres letras: MXN, EUR, USD."),
            ("this is not a currency.", "Use the code of three letters: MXN, EUR, USD."),
        ),
        ("currency-mismatch", _) => {
            let (expected, found) = (of("expected"), of("found"));
            match lang {
                Lang::Es => (
                    format!("el monto dice {found} y la lista está en {expected}."),
                    "Corrige el monto o la moneda.".to_owned(),
                ),
                Lang::En => (
                    format!("the amount says {found} and the list is in {expected}."),
                    "Correct the amount or the currency.".to_owned(),
                ),
            }
        }
        ("date-format", "no-such-day") => both(
            ("ese día no existe.", "Escribe la fecha como día/mes/año, por ejemplo 28/02/2026."),
            ("there is no such day.", "Write the date as day/month/year, 28/02/2026 for example."),
        ),
        ("date-format", "range") => both(
            ("el año no está entre 1900 y 2100.", "Revisa el año de la fecha."),
            ("the year is not between 1900 and 2100.", "Check the year of the date."),
        ),
        ("date-format", _) => both(
            ("no es una fecha.", "Escríbala como 28/02/2026 o 2026-02-28, con el año de cuatro cifras."),
            ("this is not a date.", "Write it as 28/02/2026 or 2026-02-28, with the year in four digits."),
        ),
        ("url-format", _) => both(
            ("no es una dirección web.", "Cópiela completa del navegador, desde https://."),
            ("this is not a web address.", "Copy all of it from the browser, from https:// on."),
        ),
        ("row-too-short" | "row-too-long", _) => {
            let (found, expected) = (of("found"), of("expected"));
            match lang {
                Lang::Es => (
                    format!("la fila tiene {found} celdas y los encabezados son {expected}."),
                    "Revisa los separadores y las comillas de la fila: un texto con el separador va entre comillas.".to_owned(),
                ),
                Lang::En => (
                    format!("the row has {found} cells and there are {expected} headers."),
                    "Check the separators and quotes of the row: a text with the separator in it goes in quotes.".to_owned(),
                ),
            }
        }
        ("text-encoding", _) => both(
            (
                "hay caracteres que no se pudieron leer.",
                "Guarda el archivo como «CSV UTF-8» o XLSX y revisa los acentos de la celda.",
            ),
            (
                "some characters could not be read.",
                "Save the file as «CSV UTF-8» or XLSX and check the accents of the cell.",
            ),
        ),
        ("cell-error", _) => both(
            ("la celda tiene un error de la hoja de cálculo.", "Corrige la fórmula o escribe el valor."),
            ("the cell has an error of the spreadsheet.", "Correct the formula or write the value."),
        ),
        // A rule without a sentence shows its id rather than nothing.
        _ => (format!("{rule}."), String::new()),
    }
}
