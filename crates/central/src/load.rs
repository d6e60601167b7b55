//! Reading of base information: a list of projects in CSV or XLSX, row by row, each row read and checked.
//!
//! Pure of the database. [`read`] hands every data row, in order, to whoever stores it: either the row or all of its
//! errors. Nothing here decides what happens to a list with bad rows; whoever loads it stores all or nothing.
//!
//! * [`mapping`] which header is which field, [`prose`] what to tell people
//! * a row with too few or too many cells is reported only for that: its cells may be under the wrong header, and
//!   errors about them would be noise

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

mod check;
mod decode;
mod delimited;
mod error;
pub mod mapping;
pub mod prose;
mod value;
mod workbook;

pub use check::{
    MAX_AMOUNT, MAX_DESCRIPTION, MAX_TEXT, MAX_TITLE, MAX_URL, ROW_RULES, ROWS_AT_MOST, VALUE_SHOWN,
};
pub use error::LoadError;
pub use mapping::{Field, Mapping, Numbers};
pub use prose::Lang;

/// How many of the first rows may come before the header row (titles, dates, blank lines of a letterhead).
const HEADER_WITHIN: usize = 20;

/// One row of base information, read and checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseRow {
    /// Row as a spreadsheet numbers it; the header of an ordinary file is row 1.
    pub row: u64,
    /// Folio of the project.
    pub folio: String,
    /// Title, on one line, otherwise as written.
    pub title: String,
    /// Description, with its line breaks.
    pub description: Option<String>,
    /// District, sector, zone or colonia.
    pub place: Option<String>,
    /// Name of the área.
    pub area: Option<String>,
    /// Amount; never negative.
    pub amount: Option<Decimal>,
    /// Currency of the amount (ISO 4217); absent when there is no amount or nothing says it.
    pub currency: Option<String>,
    /// Public page of the proposal.
    pub url: Option<String>,
    /// Day of publication or approval.
    pub date: Option<NaiveDate>,
}

/// What is wrong with one cell, or with one row. Prose is made by [`RowError::prose`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowError {
    /// Row as a spreadsheet numbers it.
    pub row: u64,
    /// Header of the column as the file writes it; empty when it is about the whole row.
    pub column: String,
    /// What the cell says, cut to [`VALUE_SHOWN`] characters.
    pub value: String,
    /// Identifier of the rule: one of [`ROW_RULES`].
    pub rule: String,
    /// Values of the rule.
    pub params: Map<String, Value>,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Mapping used.
    pub mapping: String,
    /// Its version.
    pub mapping_version: u32,
    /// Headers as the file writes them, without the blank ones at the end.
    pub headers: Vec<String>,
    /// Headers that no field takes and the mapping does not name as ignored: perhaps misspelt.
    pub unused: Vec<String>,
    /// Data rows, without the blank ones.
    pub rows: u64,
    /// Rows without errors.
    pub good: u64,
    /// Rows with errors.
    pub bad: u64,
    /// `UTF-8`, `UTF-16LE`, `UTF-16BE`, `windows-1252`; absent for a workbook.
    pub encoding: Option<String>,
    /// Delimiter; absent for a workbook.
    pub delimiter: Option<char>,
    /// Name of the sheet; absent for a CSV.
    pub sheet: Option<String>,
}

/// Who receives the rows. An error of theirs stops the reading and comes back from [`read`].
pub type Each<'a> = dyn FnMut(Result<BaseRow, Vec<RowError>>) -> Result<(), LoadError> + 'a;

/// Streams a file: calls `each` for every data row in order, with the row or with all errors of that row.
///
/// `mapping` is the name of a ready mapping or the path of a `.toml`; without it, the headers choose.
pub fn read(path: &Path, mapping: Option<&str>, each: &mut Each<'_>) -> Result<Summary, LoadError> {
    let mapping = mapping.map(Mapping::named).transpose()?;
    read_with(path, mapping.as_ref(), each)
}

/// [`read`] with a mapping at hand, for one that was remembered.
pub fn read_with(path: &Path, mapping: Option<&Mapping>, each: &mut Each<'_>) -> Result<Summary, LoadError> {
    let opened = |error: std::io::Error| LoadError::opening(path, &error);
    let metadata = std::fs::metadata(path).map_err(opened)?;
    if !metadata.is_file() {
        // A folder, or a pipe that would be waited for for ever.
        return Err(LoadError::Unreadable { path: path.to_owned(), detail: "not a regular file".to_owned() });
    }
    let mut file = File::open(path).map_err(opened)?;
    let mut head = Vec::with_capacity(1024);
    file.by_ref().take(1024).read_to_end(&mut head).map_err(opened)?;
    file.rewind().map_err(opened)?;
    match sniff(&head) {
        Kind::Blank => Err(LoadError::Empty),
        Kind::Text => read_from(file, path, mapping, each),
        Kind::Zip => workbook::read(file, metadata.len(), path, mapping, each),
        Kind::Other(found) => {
            Err(LoadError::NotASpreadsheet { path: path.to_owned(), found: found.to_owned() })
        }
    }
}

/// Streams delimited text from anywhere; `label` names it in errors.
pub fn read_from<R: Read>(
    reader: R,
    label: &Path,
    mapping: Option<&Mapping>,
    each: &mut Each<'_>,
) -> Result<Summary, LoadError> {
    delimited::read(reader, label, mapping, each)
}

/// What the first bytes of a file say it is. Its extension is not asked: lists come as `.txt`, and web pages as
/// `.xls`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Blank,
    Text,
    Zip,
    Other(&'static str),
}

fn sniff(head: &[u8]) -> Kind {
    const SIGNATURES: [(&[u8], Kind); 9] = [
        (b"PK\x03\x04", Kind::Zip),
        // Also what a workbook with a password looks like.
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Other("xls")),
        (b"%PDF", Kind::Other("pdf")),
        (b"\x89PNG", Kind::Other("image")),
        (b"\xff\xd8\xff", Kind::Other("image")),
        (b"GIF8", Kind::Other("image")),
        (b"{\\rtf", Kind::Other("rtf")),
        (b"\x1f\x8b", Kind::Other("compressed")),
        (b"Rar!", Kind::Other("compressed")),
    ];
    if head.is_empty() {
        return Kind::Blank;
    }
    if let Some((_, kind)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return *kind;
    }
    if decode::bom(head).is_some_and(|(encoding, _)| encoding != encoding_rs::UTF_8) {
        return Kind::Text;
    }
    if head.contains(&0) {
        return Kind::Other("binary");
    }
    let body = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let start = body[..body.len().min(64)].to_ascii_lowercase();
    let begins = |with: &[&str]| with.iter().any(|text| start.starts_with(text.as_bytes()));
    if begins(&["<!doctype html", "<html", "<table", "<meta", "<head"]) {
        Kind::Other("html")
    } else if begins(&["<?xml"]) {
        Kind::Other("xml")
    } else if begins(&["{", "[{", "[["]) {
        Kind::Other("json")
    } else {
        Kind::Text
    }
}

#[cfg(test)]
mod tests;
