//! Tables as the sheets of one workbook (ECMA-376, "SpreadsheetML").
//!
//! Sheets are written to scratch files as the rows come (`constant_memory`), beside the workbook rather than in the
//! system's temporary folder, which is often in memory. Text is kept in its cell: a table of shared strings would
//! grow with the data.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::cell::{Cell, clean, exact};
use super::names::{Names, SHEET_NAME, sheet_name, with_end};
use super::plan::TablePlan;
use super::{Cut, Error, Tally};

/// Excel's limits.
pub(super) const MAX_ROWS: u32 = 1_048_576;
const MAX_TEXT: usize = 32_767;
/// What stands at the end of a text that was cut.
const MARK: &str = " […]";
/// Widths of columns, in characters.
const MIN_WIDTH: usize = 11;
const MAX_WIDTH: usize = 50;
/// From here on the archive says that it may be larger than 4 GiB, which old readers cannot read.
const LARGE: u64 = 2 << 30;

pub(super) struct Sheets {
    path: PathBuf,
    /// Where the workbook is until it is whole.
    part: PathBuf,
    file: Option<File>,
    book: Workbook,
    tables: Vec<Table>,
    names: Names,
    rows_per_sheet: u32,
    bold: Format,
    money: Format,
    /// About as many bytes as the sheets are.
    weight: u64,
}

struct Table {
    name: String,
    headers: Vec<String>,
    amounts: Vec<bool>,
    widths: Vec<usize>,
    /// More than one if there are more rows than a sheet takes.
    sheets: Vec<Worksheet>,
    /// Rows of the last sheet, its header included.
    rows: u32,
}

impl Sheets {
    pub(super) fn open(path: &Path, tables: &[TablePlan], rows_per_sheet: u32) -> Result<Sheets, Error> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|source| Error::Io { path: part.clone(), source })?;
        let mut this = Sheets {
            path: path.to_owned(),
            part,
            file: Some(file),
            book: Workbook::new(),
            tables: tables.iter().map(Table::new).collect(),
            names: Names::new(["history"]),
            rows_per_sheet: rows_per_sheet.clamp(2, MAX_ROWS),
            bold: Format::new().set_bold(),
            money: Format::new().set_num_format("#,##0.00"),
            weight: 0,
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let opened = guarded(|| {
            this.book.set_tempdir(folder.unwrap_or(Path::new(".")))?;
            (0..this.tables.len()).try_for_each(|slot| this.add_sheet(slot))
        });
        match opened {
            Ok(()) => Ok(this),
            Err(reason) => Err(this.failure(reason)),
        }
    }

    pub(super) fn row(
        &mut self,
        slot: usize,
        cells: &[(u32, Cell<'_>)],
        tally: &mut Tally,
    ) -> Result<(), Error> {
        guarded(|| self.write_row(slot, cells, tally)).map_err(|reason| self.failure(reason))
    }

    fn write_row(
        &mut self,
        slot: usize,
        cells: &[(u32, Cell<'_>)],
        tally: &mut Tally,
    ) -> Result<(), XlsxError> {
        if self.tables[slot].rows >= self.rows_per_sheet {
            self.add_sheet(slot)?;
        }
        let Table { sheets, rows, widths, amounts, .. } = &mut self.tables[slot];
        let (row, number) = (*rows, sheets.len());
        *rows += 1;
        let Some(sheet) = sheets.last_mut() else { return Ok(()) };
        for (column, cell) in cells {
            let (place, at) = (*column as usize, u16::try_from(*column).unwrap_or(u16::MAX));
            let mut text = |text: &str| {
                let clean = clean(text);
                tally.replaced += u64::from(matches!(clean, Cow::Owned(_)));
                let (text, is_cut) = fitting(clean);
                if is_cut {
                    let first = Cut { sheet: number, row: row + 1, cells: 0 };
                    tally.cut.entry((slot, place)).or_insert(first).cells += 1;
                }
                self.weight += 2 * text.len() as u64;
                let width = width(&text);
                sheet.write_string(row, at, text).map(|_| width)
            };
            let width = match cell {
                Cell::Text(it) => text(it)?,
                Cell::Figures(it) => text(it)?,
                Cell::Boolean(boolean) => sheet.write_boolean(row, at, *boolean).map(|_| 0)?,
                // A position in an array in memory is far below what a double holds.
                Cell::Position(position) => sheet.write_number(row, at, *position as f64).map(|_| 0)?,
                Cell::Number(number) => match exact(number) {
                    None => text(&number.to_string())?,
                    Some(value) => {
                        sheet.write_number(row, at, value)?;
                        number.to_string().len() + if amounts[place] { 6 } else { 0 }
                    }
                },
            };
            self.weight += 64;
            widths[place] = width.max(widths[place]);
        }
        Ok(())
    }

    /// The names of the sheets of a table.
    pub(super) fn parts(&self, slot: usize) -> Vec<String> {
        self.tables[slot].sheets.iter().map(Worksheet::name).collect()
    }

    pub(super) fn finish(mut self) -> Result<(), Error> {
        guarded(|| self.save()).map_err(|reason| self.failure(reason))?;
        std::fs::rename(&self.part, &self.path)
            .map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    fn save(&mut self) -> Result<(), XlsxError> {
        for table in std::mem::take(&mut self.tables) {
            let last = table.sheets.len() - 1;
            for (number, mut sheet) in table.sheets.into_iter().enumerate() {
                let rows = if number == last { table.rows } else { self.rows_per_sheet };
                let columns = u16::try_from(table.headers.len()).unwrap_or(u16::MAX);
                if columns > 0 {
                    sheet.autofilter(0, 0, rows - 1, columns - 1)?;
                }
                for (column, width) in (0..).zip(&table.widths) {
                    // Room for the button of the filter.
                    sheet.set_column_width(column, (*width + 3).clamp(MIN_WIDTH, MAX_WIDTH) as f64)?;
                }
                self.book.push_worksheet(sheet);
            }
        }
        // The same data gives the same bytes: no time of writing.
        let epoch = ExcelDateTime::from_ymd(2000, 1, 1)?;
        self.book.set_properties(&DocProperties::new().set_creation_datetime(&epoch));
        self.book.use_zip_large_file(self.weight > LARGE);
        let Some(file) = self.file.take() else { return Ok(()) };
        let mut out = BufWriter::new(file);
        self.book.save_to_writer(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        Ok(())
    }

    fn add_sheet(&mut self, slot: usize) -> Result<(), XlsxError> {
        let table = &mut self.tables[slot];
        let name = match table.sheets.len() {
            0 => table.name.clone(),
            before => with_end(&table.name, &format!(" ({})", before + 1), SHEET_NAME),
        };
        let mut sheet = self.book.new_worksheet_with_constant_memory()?;
        sheet.set_name(self.names.take(&name, SHEET_NAME))?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, header) in (0..).zip(&table.headers) {
            if table.amounts[usize::from(column)] {
                sheet.set_column_format(column, &self.money)?;
            }
            let (header, _) = fitting(clean(header));
            sheet.write_string_with_format(0, column, header, &self.bold)?;
        }
        table.sheets.push(sheet);
        table.rows = 1;
        Ok(())
    }

    fn failure(&self, reason: String) -> Error {
        Error::Workbook { path: self.path.clone(), reason }
    }
}

impl Table {
    fn new(plan: &TablePlan) -> Table {
        let columns = &plan.columns;
        Table {
            name: sheet_name(&plan.name),
            headers: columns.iter().map(|column| column.header.clone()).collect(),
            amounts: columns.iter().map(|it| it.in_schema && it.path.ends_with("/amount")).collect(),
            widths: columns.iter().map(|column| width(&column.header)).collect(),
            sheets: Vec::new(),
            rows: 0,
        }
    }
}

/// Does something with the workbook. `rust_xlsxwriter` panics if a scratch file cannot be written (the disk is
/// full), which here is an error like another.
fn guarded<T>(work: impl FnOnce() -> Result<T, XlsxError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("the scratch files beside it cannot be written".to_owned()),
    }
}

impl Drop for Sheets {
    /// What was not finished leaves nothing behind; after [`Sheets::finish`] there is no such file.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.part);
    }
}

/// The width that a text asks for: that of its first line, as far as it counts.
fn width(text: &str) -> usize {
    text.chars().take_while(|letter| *letter != '\n').take(MAX_WIDTH).count()
}

/// A text that fits a cell, and whether something of it is missing. Lines end as Excel ends them.
fn fitting(text: Cow<'_, str>) -> (Cow<'_, str>, bool) {
    let text =
        if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { text };
    // A text has no more UTF-16 units than bytes.
    if text.len() <= MAX_TEXT || text.encode_utf16().count() <= MAX_TEXT {
        return (text, false);
    }
    let mut units = MARK.encode_utf16().count();
    let kept = text.chars().take_while(|letter| {
        units += letter.len_utf16();
        units <= MAX_TEXT
    });
    let mut cut: String = kept.collect();
    cut.push_str(MARK);
    (Cow::Owned(cut), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        let (text, is_cut) = fitting(Cow::Owned("🚲".repeat(20_000)));
        assert!(is_cut);
        assert_eq!(text.encode_utf16().count(), MAX_TEXT - 1);
        assert!(text.ends_with("🚲 […]"));
        let whole = "ñ".repeat(MAX_TEXT);
        assert_eq!(fitting(Cow::Borrowed(&whole)), (Cow::Borrowed(whole.as_str()), false));
        assert_eq!(fitting(Cow::Borrowed("a\r\nb\rc")).0, "a\nb\nc");
    }
}
