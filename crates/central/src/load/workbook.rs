//! Workbooks (XLSX), cell by cell: the first sheet one of whose first rows is a header row.
//!
//! A workbook is a ZIP, and a small one can unpack to anything. Before the reader of workbooks sees it, every part is
//! unpacked once and counted, and the one number of it that the reader would allocate by is looked at.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use calamine::{DataRef, Reader, Xlsx, XlsxCellReader};
use chrono::NaiveDate;
use zip::ZipArchive;

use super::check::{Cell, Checker};
use super::mapping::{self, Mapping};
use super::value::cut;
use super::{Each, HEADER_WITHIN, LoadError, Summary};

/// Largest workbook file.
const MAX_FILE: u64 = 50 * 1024 * 1024;
/// Largest workbook, unpacked.
const MAX_UNPACKED: u64 = 256 * 1024 * 1024;
/// Most parts of a workbook.
const MAX_PARTS: usize = 5_000;
/// Most cells of a sheet that are written in the file, blank ones with a format among them.
const MAX_CELLS: u64 = 5_000_000;
/// Most columns of a sheet, as the format has it.
const MAX_COLUMNS: u32 = 16_384;
/// Largest cell: what the format allows, 32,767 characters.
const MAX_CELL: usize = 32_767 * 4;
/// How much of a cell is looked at as a header. One long text can be shared by every cell of a sheet.
const MAX_HEADER: usize = 200;
/// Most different texts of a workbook.
const MAX_STRINGS: u64 = 5_000_000;

type Sheet<'a> = XlsxCellReader<'a, BufReader<File>>;

/// Reads a workbook to the end of its sheet.
pub(super) fn read(
    file: File,
    bytes: u64,
    path: &Path,
    wanted: Option<&Mapping>,
    each: &mut Each<'_>,
) -> Result<Summary, LoadError> {
    if bytes > MAX_FILE {
        return Err(LoadError::too_large("file-bytes", MAX_FILE));
    }
    let file = guard(file, path, MAX_UNPACKED)?;
    let damaged = |detail: String| LoadError::Damaged { path: path.to_owned(), detail };
    let mut book: Xlsx<BufReader<File>> = quietly(|| Xlsx::new(BufReader::new(file))).map_err(damaged)?;

    let mut best: Option<LoadError> = None;
    let mut last = "no sheet".to_owned();
    for name in book.sheet_names() {
        // Charts are sheets too, without cells.
        let head = match quietly(|| book.worksheet_cells_reader(&name)) {
            Ok(sheet) => Rows::new(sheet, path).first()?,
            Err(detail) => {
                last = detail;
                continue;
            }
        };
        let texts: Vec<Vec<String>> = head.iter().map(|(_, texts)| texts.clone()).collect();
        if let Some((at, mapping)) = mapping::find_header(&texts, wanted) {
            let checker = Checker::new(mapping, &texts[at])?;
            let header_row = head[at].0;
            let sheet = quietly(|| book.worksheet_cells_reader(&name)).map_err(damaged)?;
            let summary = rows_under(Rows::new(sheet, path), header_row, checker, each)?;
            return Ok(Summary { sheet: Some(name), ..summary });
        }
        // What to show is the first sheet that has anything.
        let error = mapping::no_header(&texts, wanted);
        if best.is_none() && error != LoadError::Empty {
            best = Some(error);
        } else if best.is_none() {
            last = String::new();
        }
    }
    Err(best.unwrap_or(if last.is_empty() { LoadError::Empty } else { damaged(last) }))
}

fn rows_under(
    mut rows: Rows<'_>,
    header_row: u64,
    mut checker: Checker<'_>,
    each: &mut Each<'_>,
) -> Result<Summary, LoadError> {
    while let Some((row, cells)) = rows.next_row()? {
        if row > header_row
            && let Some(checked) = checker.row(row, &cells)?
        {
            each(checked)?;
        }
    }
    checker.finish()
}

/// Runs the reader of workbooks. It computes with numbers of the file, and a crafted one may take them out of range:
/// what it panics about is a damaged workbook, not an end of the program.
fn quietly<T, E: std::fmt::Display>(run: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("numbers out of range".to_owned()),
    }
}

/// The cells of a sheet, gathered into rows.
struct Rows<'a> {
    sheet: Sheet<'a>,
    path: &'a Path,
    /// First cell of the next row.
    ahead: Option<(u32, u32, Cell<'a>)>,
    cells: u64,
    ended: bool,
}

impl<'a> Rows<'a> {
    fn new(sheet: Sheet<'a>, path: &'a Path) -> Self {
        Rows { sheet, path, ahead: None, cells: 0, ended: false }
    }

    fn damaged(&self, detail: &str) -> LoadError {
        LoadError::Damaged { path: self.path.to_owned(), detail: detail.to_owned() }
    }

    /// The first rows as text, with their numbers.
    fn first(mut self) -> Result<Vec<(u64, Vec<String>)>, LoadError> {
        let mut first = Vec::new();
        while first.len() < HEADER_WITHIN
            && let Some((row, cells)) = self.next_row()?
        {
            first.push((row, cells.iter().map(|cell| cut(&cell.shown(), MAX_HEADER)).collect()));
        }
        Ok(first)
    }

    /// The next row that is written in the file, by the number a spreadsheet shows.
    fn next_row(&mut self) -> Result<Option<(u64, Vec<Cell<'a>>)>, LoadError> {
        let Some((row, column, cell)) =
            self.ahead.take().map_or_else(|| self.next_cell(), |cell| Ok(Some(cell)))?
        else {
            return Ok(None);
        };
        let mut cells = Vec::new();
        put(&mut cells, column, cell);
        while let Some((other, column, cell)) = self.next_cell()? {
            if other < row {
                return Err(self.damaged("rows out of order"));
            }
            if other > row {
                self.ahead = Some((other, column, cell));
                break;
            }
            put(&mut cells, column, cell);
        }
        Ok(Some((u64::from(row) + 1, cells)))
    }

    fn next_cell(&mut self) -> Result<Option<(u32, u32, Cell<'a>)>, LoadError> {
        if self.ended {
            return Ok(None);
        }
        let sheet = &mut self.sheet;
        let Some(cell) = quietly(|| sheet.next_cell()).map_err(|detail| self.damaged(&detail))? else {
            self.ended = true;
            return Ok(None);
        };
        self.cells += 1;
        if self.cells > MAX_CELLS {
            return Err(LoadError::too_large("cells", MAX_CELLS));
        }
        let (row, column) = cell.get_position();
        if column >= MAX_COLUMNS {
            return Err(LoadError::too_large("columns", u64::from(MAX_COLUMNS)));
        }
        let value = read_cell(cell.get_value());
        if matches!(&value, Cell::Text(text) if text.len() > MAX_CELL) {
            let row = Some(u64::from(row) + 1);
            return Err(LoadError::TooLarge { what: "cell-bytes".to_owned(), row, limit: MAX_CELL as u64 });
        }
        Ok(Some((row, column, value)))
    }
}

fn put<'a>(cells: &mut Vec<Cell<'a>>, column: u32, cell: Cell<'a>) {
    let index = column as usize;
    if index >= cells.len() {
        // A cell far to the right of an otherwise blank row costs at most the columns of the format.
        if cell.is_blank() {
            return;
        }
        cells.resize(index + 1, Cell::Empty);
    }
    cells[index] = cell;
}

fn read_cell<'a>(value: &DataRef<'a>) -> Cell<'a> {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(number) => Cell::Text(Cow::Owned(number.to_string())),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::String(text) => Cell::Text(Cow::Owned(text.clone())),
        DataRef::SharedString(text) => Cell::Text(Cow::Borrowed(text)),
        DataRef::Bool(yes) => Cell::Text(Cow::Borrowed(if *yes { "VERDADERO" } else { "FALSO" })),
        DataRef::DateTime(day) if day.is_datetime() && day.as_f64() >= 1.0 => {
            let (year, month, day, ..) = day.to_ymd_hms_milli();
            let date = NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(day));
            Cell::Date(date, format!("{year:04}-{month:02}-{day:02}"))
        }
        DataRef::DateTime(time) => Cell::Date(None, time.as_f64().to_string()),
        DataRef::DateTimeIso(text) => Cell::Date(super::value::date(text).ok(), text.clone()),
        DataRef::DurationIso(text) => Cell::Date(None, text.clone()),
        DataRef::Error(error) => Cell::Error(error.to_string()),
    }
}

/// Whether a file is a workbook that unpacks to so many bytes at the most. Gives the file back, at its beginning.
fn guard(file: File, path: &Path, unpacked: u64) -> Result<File, LoadError> {
    let damaged = |detail: String| LoadError::Damaged { path: path.to_owned(), detail };
    let other = |found: &str| LoadError::NotASpreadsheet { path: path.to_owned(), found: found.to_owned() };
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(error.to_string()))?;
    if archive.len() > MAX_PARTS {
        return Err(LoadError::too_large("parts", MAX_PARTS as u64));
    }
    let names: Vec<String> = archive
        .file_names()
        .filter_map(Result::ok)
        .map(|name| name.replace('\\', "/").to_lowercase())
        .collect();
    let any = |test: &dyn Fn(&str) -> bool| names.iter().any(|name| test(name));
    if any(&|name| name == "xl/workbook.bin") {
        return Err(other("xlsb"));
    }
    if !any(&|name| name.starts_with("xl/")) {
        let found = if any(&|name| name.starts_with("word/")) {
            "docx"
        } else if any(&|name| name == "mimetype") && any(&|name| name == "content.xml") {
            "ods"
        } else {
            "zip"
        };
        return Err(other(found));
    }
    // The sizes a ZIP declares may lie; what comes out does not.
    let mut left = unpacked;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| damaged(error.to_string()))?;
        let name = part.name().map_err(|error| damaged(error.to_string()))?;
        let shared = name.to_lowercase().ends_with("sharedstrings.xml");
        let mut counted = part.take(left + 1);
        let read = unpack(&mut counted, shared).map_err(|error| damaged(error.to_string()))?;
        let read = read.ok_or_else(|| LoadError::too_large("strings", MAX_STRINGS))?;
        left = left.checked_sub(read).ok_or_else(|| LoadError::too_large("unpacked-bytes", unpacked))?;
    }
    let mut file = archive.into_inner().into_inner();
    file.rewind().map_err(|error| LoadError::opening(path, &error))?;
    Ok(file)
}

/// Unpacks a part and counts it. The reader of workbooks reserves memory for as many texts as `uniqueCount` says, so
/// in the part with the texts it may not say too many: nothing then.
fn unpack(part: &mut impl Read, shared: bool) -> std::io::Result<Option<u64>> {
    const NAME: &[u8] = b"uniqueCount";
    /// The attribute, blanks, quote and more digits than are accepted.
    const OVERLAP: usize = 128;
    let mut buffer = vec![0u8; 64 * 1024];
    let mut tail: Vec<u8> = Vec::new();
    let mut total = 0;
    loop {
        let read = part.read(&mut buffer)?;
        if read == 0 {
            return Ok(Some(total));
        }
        total += read as u64;
        if !shared {
            continue;
        }
        tail.extend_from_slice(&buffer[..read]);
        // Two bytes a character would hide the name; nobody writes it so.
        if total == read as u64 && (tail.starts_with(b"\xff\xfe") || tail.starts_with(b"\xfe\xff")) {
            return Ok(None);
        }
        let found = tail.windows(NAME.len()).enumerate().filter(|(_, window)| *window == NAME);
        for (at, _) in found {
            let digits: Vec<u8> = tail[at + NAME.len()..]
                .iter()
                .copied()
                .skip_while(|byte| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'"' | b'\'' | b'0'))
                .take_while(u8::is_ascii_digit)
                .take(OVERLAP)
                .collect();
            let count = digits.iter().try_fold(0u64, |count, digit| {
                count.checked_mul(10).and_then(|count| count.checked_add(u64::from(digit - b'0')))
            });
            if count.is_none_or(|count| count > MAX_STRINGS) {
                return Ok(None);
            }
        }
        tail.drain(..tail.len().saturating_sub(OVERLAP));
    }
}

#[cfg(test)]
mod tests;
