//! What stops a reading altogether.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// Why a file was not read to its end. Rows that are merely wrong are [`RowError`](super::RowError)s.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// There is no such file.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// Path asked for.
        path: PathBuf,
    },
    /// The file is there and cannot be read.
    #[error("{} cannot be read: {detail}", path.display())]
    Unreadable {
        /// Path asked for.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The file has no content.
    #[error("the file is empty")]
    Empty,
    /// There are headers and not one data row.
    #[error("there is a header row and no data under it")]
    NoRows {
        /// Mapping the headers match.
        mapping: String,
        /// Headers seen.
        headers: Vec<String>,
    },
    /// No ready mapping fits the headers.
    #[error("no mapping fits the headers {headers:?}")]
    NoMapping {
        /// Headers seen, with the delimiter that splits them best.
        headers: Vec<String>,
    },
    /// The mapping asked for does not exist.
    #[error("there is no mapping {name}; there are {known:?}")]
    MappingUnknown {
        /// Name asked for.
        name: String,
        /// Ready mappings.
        known: Vec<String>,
    },
    /// The mapping file is not a mapping.
    #[error("{name} is not a mapping: {detail}")]
    MappingInvalid {
        /// File or name.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// The file lacks columns the mapping requires.
    #[error("mapping {mapping} requires the columns {columns:?}; the file has {headers:?}")]
    MissingColumns {
        /// Mapping.
        mapping: String,
        /// Required headers that are not there.
        columns: Vec<String>,
        /// Headers seen.
        headers: Vec<String>,
    },
    /// A header is there twice, or two headers are the same field: nobody can say which one counts.
    #[error("the columns {columns:?} are the same")]
    DuplicateColumns {
        /// Headers.
        columns: Vec<String>,
    },
    /// The file is something else.
    #[error("{} is not a CSV or XLSX but {found}", path.display())]
    NotASpreadsheet {
        /// Path.
        path: PathBuf,
        /// `xls`, `xlsb`, `ods`, `docx`, `zip`, `pdf`, `image`, `html`, `xml`, `json`, `rtf`, `compressed`, `binary`.
        found: String,
    },
    /// The workbook is damaged.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// Path.
        path: PathBuf,
        /// What the reader found.
        detail: String,
    },
    /// Something is over its limit.
    #[error("{what} over the limit of {limit}")]
    TooLarge {
        /// `file-bytes`, `unpacked-bytes`, `parts`, `strings`, `cells`, `rows`, `columns`, `cell-bytes`, `row-bytes`.
        what: String,
        /// Where, when it is somewhere.
        row: Option<u64>,
        /// The limit.
        limit: u64,
    },
    /// A quote opens a cell and nothing closes it: what follows cannot be told apart.
    #[error("the quote opened in row {row}, column {column}, is never closed")]
    QuoteUnclosed {
        /// Row where it opens.
        row: u64,
        /// Header of the column, or its number.
        column: String,
    },
    /// Whoever receives the rows asked to stop.
    #[error("stopped: {detail}")]
    Stopped {
        /// Why.
        detail: String,
    },
}

impl LoadError {
    /// Every rule id, in the order of the variants.
    pub const RULES: [&'static str; 14] = [
        "load-not-found",
        "load-unreadable",
        "load-empty",
        "load-no-rows",
        "load-no-mapping",
        "load-mapping-unknown",
        "load-mapping-invalid",
        "load-missing-columns",
        "load-duplicate-columns",
        "load-not-a-spreadsheet",
        "load-damaged",
        "load-too-large",
        "load-quote-unclosed",
        "load-stopped",
    ];

    /// Identifier of the rule.
    pub fn rule(&self) -> &'static str {
        let index = match self {
            LoadError::NotFound { .. } => 0,
            LoadError::Unreadable { .. } => 1,
            LoadError::Empty => 2,
            LoadError::NoRows { .. } => 3,
            LoadError::NoMapping { .. } => 4,
            LoadError::MappingUnknown { .. } => 5,
            LoadError::MappingInvalid { .. } => 6,
            LoadError::MissingColumns { .. } => 7,
            LoadError::DuplicateColumns { .. } => 8,
            LoadError::NotASpreadsheet { .. } => 9,
            LoadError::Damaged { .. } => 10,
            LoadError::TooLarge { .. } => 11,
            LoadError::QuoteUnclosed { .. } => 12,
            LoadError::Stopped { .. } => 13,
        };
        Self::RULES[index]
    }

    /// Values of the rule.
    pub fn params(&self) -> Map<String, Value> {
        let params = match self {
            LoadError::NotFound { path } => json!({"path": shown(path)}),
            LoadError::Unreadable { path, detail } | LoadError::Damaged { path, detail } => {
                json!({"path": shown(path), "detail": detail})
            }
            LoadError::Empty => json!({}),
            LoadError::NoRows { mapping, headers } => json!({"mapping": mapping, "headers": headers}),
            LoadError::NoMapping { headers } => json!({"headers": headers}),
            LoadError::MappingUnknown { name, known } => json!({"name": name, "known": known}),
            LoadError::MappingInvalid { name, detail } => json!({"name": name, "detail": detail}),
            LoadError::MissingColumns { mapping, columns, headers } => {
                json!({"mapping": mapping, "columns": columns, "headers": headers})
            }
            LoadError::DuplicateColumns { columns } => json!({"columns": columns}),
            LoadError::NotASpreadsheet { path, found } => json!({"path": shown(path), "found": found}),
            LoadError::TooLarge { what, row, limit } => json!({"what": what, "row": row, "limit": limit}),
            LoadError::QuoteUnclosed { row, column } => json!({"row": row, "column": column}),
            LoadError::Stopped { detail } => json!({"detail": detail}),
        };
        match params {
            Value::Object(params) => params,
            _ => Map::new(),
        }
    }

    /// What opening a file came to.
    pub(super) fn opening(path: &Path, error: &std::io::Error) -> LoadError {
        let path = path.to_owned();
        match error.kind() {
            std::io::ErrorKind::NotFound => LoadError::NotFound { path },
            _ => LoadError::Unreadable { path, detail: error.to_string() },
        }
    }

    /// A limit that is not tied to a row.
    pub(super) fn too_large(what: &str, limit: u64) -> LoadError {
        LoadError::TooLarge { what: what.to_owned(), row: None, limit }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
