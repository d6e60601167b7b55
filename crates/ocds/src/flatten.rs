//! Releases, compiled releases and records as tables that a person can read: CSV files or an Excel workbook.
//!
//! There are two passes, so that memory is bounded by one release and the list of columns, never by the file: a
//! [`Layout`] takes note of the columns and tables that occur, then a [`Writer`] writes them.
//!
//! ```
//! use ocds::flatten::{self, Headers, Lang, Layout, Options};
//! use serde_json::json;
//!
//! let release = json!({
//!     "ocid": "ocds-abc123-1", "id": "ocds-abc123-1-1", "date": "2026-03-02T17:00:00Z", "tag": ["tender"],
//!     "tender": {"id": "1", "title": "Rehabilitación de banquetas", "value": {"amount": 1250000, "currency": "MXN"},
//!                "items": [{"id": "1", "description": "Concreto", "quantity": 12.5}]}
//! });
//! let mut layout = Layout::default();
//! layout.observe(&release);
//!
//! let folder = tempfile::tempdir().unwrap();
//! let options = Options { headers: Headers::Titles(Lang::Es), bom: false, ..Options::default() };
//! let mut writer = flatten::csv(folder.path(), &layout, &options).unwrap();
//! writer.write(&release).unwrap();
//! let report = writer.finish().unwrap();
//!
//! assert_eq!(report.warnings, []);
//! let items = std::fs::read_to_string(folder.path().join("tender_items.csv")).unwrap();
//! assert_eq!(items, "Proceso de contratación (OCID),Identificador de la versión publicada,Identificador,\
//!                    Descripción,Cantidad\r\nocds-abc123-1,ocds-abc123-1-1,1,Concreto,12.5\r\n");
//! ```
//!
//! # Tables
//! Each array of objects is a table, named by its path (`contracts_implementation_transactions`); a release is a
//! row of `releases`, or of `compiled` if all are compiled. An object inside a row is columns of that row
//! (`tender/value/amount`). A row begins with the `ocid`, the `id` of the release (compiled releases have none that
//! lasts) and the ids of the rows it is inside of, under the header that they have in their own table
//! (`contracts/id`), so tables are joined by columns of the same name. Where some row has no id (or an empty one),
//! there is also a column with its position in its array, from 1 (`contracts/#`), filled for those rows.
//!
//! Of a **record**, the compiled release is shown; without one, its releases if they are embedded. A record of
//! links, or with a versioned release alone, shows nothing, and [`Warning::Skipped`] counts it.
//!
//! Tables and columns are in the order of the schema ([`schema::release`](crate::schema::release)), whatever the
//! order of the data; then come those that the schema lacks, in alphabetical order. Only what occurs has a column.
//! [`Options::about`] is the table before the last. The last table, `diccionario`, lists every column with its path and its titles; one without titles is not in
//! the schema.
//!
//! # Cells
//! * Numbers are written as `serde_json` writes them: integers as in the JSON, others as the shortest decimal that is
//!   the same number (`1250000.50` is `1250000.5`). In a workbook they are numbers, unless Excel would show another
//!   one (an integer of more than 15 digits): then they are text. Strings are always text, so `007` keeps its
//!   zeros. Dates are text, exact: Excel has no offsets, and the day may be another in another time zone.
//! * Codes stay codes. `null`, `""`, `[]` and `{}` are empty cells.
//! * Lists of scalars are joined with `;`, coordinates included. A list in which an element has a semicolon or a
//!   line break, is `null` or a list, or that would begin with `[`, is written as JSON: a list that begins with
//!   `[` is JSON, any other is split at its semicolons.
//! * What is not of the type that the schema says (an object where a text belongs), a list of mixed things, and
//!   what is nested more than 16 deep below a field that the schema lacks, is written as JSON.
//! * Of the columns that the schema lacks, a table keeps the first 512; the other fields of a row are together, as
//!   JSON, in `(other)`. Of the tables, 64 are kept; the other arrays are in `(other)` too. Nothing is lost, and
//!   [`Warning::Folded`] says so.
//! * In CSV, a text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, their
//!   full-width forms, a tab or a line break) has an apostrophe before it. In a workbook text is never a formula.
//! * Characters that XML forbids (NUL above all) become U+FFFD.
//!
//! # Files
//! CSV is RFC 4180: UTF-8, with a byte order mark unless told otherwise (Excel reads accents wrong without it),
//! commas, quotes only where needed, and lines that end in CRLF, as the RFC and Excel have it. A workbook has one
//! sheet per table, with a bold header that stays in view, filters, and widths that fit; a table of more than
//! 1,048,576 rows goes on in `contracts (2)`, and a text of more than 32,767 UTF-16 units is cut
//! ([`Warning::Cut`]). The same items give the same bytes.
//!
//! # Beside flatten-tool
//! For the example of the standard (six releases), flatten-tool 0.28 with the schema writes 40 files, 19 of them
//! without a row, and 582 columns, 319 of them without a cell; here are 21 files and 258 columns, with the same
//! values. There, names are cut to three letters (`con_imp_mil_documents` for
//! `contracts_implementation_milestones_documents`), headers have a `0` for every array (`contracts/0/items/0/id`),
//! and there are no titles in Spanish. It links rows by ids alone, so what is inside an item without one cannot be
//! joined to it; `["a;b", "c"]` becomes `a;b;c`; `1e7` becomes `1E+7`; a formula stays a formula; and a list of
//! mixed things ends it with an error. It adds the ids of objects that are not in arrays (`tender/id`) to their
//! tables, which nothing is joined by. What it has and this has not: the way back (`unflatten`), and rolling a list
//! of one up into its parent.

mod cell;
mod folder;
mod guide;
mod layout;
mod names;
mod plan;
mod walk;
mod workbook;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use self::cell::Cell;
use self::folder::Folder;
pub use self::layout::Layout;
use self::plan::Plan;
use self::walk::{Field as Found, Row, Visitor};
use self::workbook::Sheets;

/// How tables are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What stands in the first row.
    pub headers: Headers,
    /// Whether CSV files begin with a byte order mark, without which Excel reads accents wrong.
    pub bom: bool,
    /// Rows of a sheet, its header included, before its table goes on in another; from 2 to Excel's 1,048,576.
    pub rows_per_sheet: u32,
    /// What the tables say about themselves, a name and a value to a row: until when the data go, the licence. One more
    /// table, `acerca_de`, before the dictionary; none where there is nothing to say.
    pub about: Vec<[String; 2]>,
}

/// What stands in the first row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// Paths, for programs: `contracts/value/amount`.
    Paths,
    /// Titles, for people: *Monto contratado › Importe*. If two columns of a table have the same, each has its path
    /// in parentheses.
    Titles(Lang),
}

/// The language of titles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Spanish of Mexico.
    Es,
    /// English.
    En,
}

impl Default for Options {
    /// Paths, a byte order mark, sheets as long as they can be.
    fn default() -> Options {
        Options { headers: Headers::Paths, bom: true, rows_per_sheet: workbook::MAX_ROWS, about: Vec::new() }
    }
}

/// What was written.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The tables, in order; the last is the dictionary.
    pub tables: Vec<Written>,
    /// What somebody should know.
    pub warnings: Vec<Warning>,
}

/// A table that was written.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// Path of the array, with underscores; `releases`, `compiled` or `diccionario`.
    pub name: String,
    /// Its file, or its sheets.
    pub parts: Vec<String>,
    /// Rows, headers not counted.
    pub rows: u64,
    /// Columns.
    pub columns: usize,
}

/// Something that is not as a reader may expect.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Warning {
    /// Items with nothing to show: not objects, or records without a compiled release and with no release embedded.
    Skipped {
        /// How many.
        items: u64,
    },
    /// A table has more columns, or arrays in its rows, that the schema lacks than are kept: the others are together
    /// in its last column.
    Folded {
        /// Name of the table.
        table: String,
    },
    /// Texts longer than a cell of Excel takes were cut, and end in `[…]`.
    Cut {
        /// The sheet of the first of them.
        sheet: String,
        /// Header of the column.
        column: String,
        /// Row of the first, as Excel numbers them.
        row: u32,
        /// How many texts of this column.
        cells: u64,
    },
    /// Characters that XML forbids became U+FFFD.
    Replaced {
        /// In how many cells.
        cells: u64,
    },
}

/// Why tables could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder has files in it, among which tables of another time would not be told apart.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The workbook cannot be written.
    #[error("{}: {reason}", path.display())]
    Workbook {
        /// The workbook.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The item has something that the layout has no place for: it was not observed.
    #[error("{path} is not in the layout")]
    NotObserved {
        /// Path of the field.
        path: String,
    },
    /// A row could not be written before, so the tables are not whole.
    #[error("the tables are not whole")]
    Incomplete,
}

/// A field that a table can have a column for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The table: a path, `contracts/implementation/transactions`; empty for the release itself.
    pub table: &'static str,
    /// Header of the column with [`Headers::Paths`].
    pub path: &'static str,
    /// Titles in Spanish and English, as in the dictionary.
    pub titles: [String; 2],
}

/// Every field that the schema has a place for in a table, in the order of its columns: a dictionary of what may occur,
/// where that of the tables says what does.
pub fn fields() -> Vec<Field> {
    let scalar = |node: &&guide::Node| node.shape == guide::Shape::Scalar;
    let fields = guide::GUIDE.nodes.iter().filter(scalar).map(|node| {
        let table = guide::GUIDE.nodes[guide::GUIDE.tables[node.holder]].path.as_str();
        Field { table, path: node.path.as_str(), titles: plan::titles(&node.path, table).0 }
    });
    fields.collect()
}

/// Begins CSV files, one per table, in a folder that does not exist or is empty.
///
/// # Errors
/// [`Error::NotEmpty`]; [`Error::Io`] if the folder or a file cannot be written.
pub fn csv(folder: &Path, layout: &Layout, options: &Options) -> Result<Writer, Error> {
    let plan = Plan::new(layout, options.headers, !options.about.is_empty());
    let sink = Sink::Folder(Folder::open(folder, &plan.tables, options.bom)?);
    Ok(Writer::new(plan, sink, &options.about))
}

/// Begins a workbook, which takes the place of the file only when [finished](Writer::finish).
///
/// # Errors
/// [`Error::Io`] or [`Error::Workbook`] if it, or scratch files beside it, cannot be written.
pub fn xlsx(path: &Path, layout: &Layout, options: &Options) -> Result<Writer, Error> {
    let plan = Plan::new(layout, options.headers, !options.about.is_empty());
    let sink = Sink::Sheets(Box::new(Sheets::open(path, &plan.tables, options.rows_per_sheet)?));
    Ok(Writer::new(plan, sink, &options.about))
}

/// Writes items to tables: the second pass.
#[must_use = "nothing is whole until `finish`"]
pub struct Writer {
    plan: Plan,
    sink: Sink,
    about: Vec<[String; 2]>,
    /// Rows of each table.
    rows: Vec<u64>,
    releases: u64,
    skipped: u64,
    tally: Tally,
    failed: bool,
}

enum Sink {
    Folder(Folder),
    Sheets(Box<Sheets>),
}

/// What became of cells, for the report.
#[derive(Debug, Default)]
struct Tally {
    replaced: u64,
    /// By table and column.
    cut: BTreeMap<(usize, usize), Cut>,
}

/// Texts of a column that were cut.
#[derive(Debug)]
struct Cut {
    /// The sheet of the first, from 1, among those of the table; and its row.
    sheet: usize,
    row: u32,
    cells: u64,
}

impl Writer {
    fn new(plan: Plan, sink: Sink, about: &[[String; 2]]) -> Writer {
        let rows = vec![0; plan.tables.len()];
        let about = about.to_vec();
        Writer { plan, sink, about, rows, releases: 0, skipped: 0, tally: Tally::default(), failed: false }
    }

    /// Writes a release, a compiled release or a record that the layout has observed.
    ///
    /// # Errors
    /// [`Error::NotObserved`], or what the disk says. What was written is then of no use.
    pub fn write(&mut self, item: &Value) -> Result<(), Error> {
        let written = self.write_releases(item);
        self.failed |= written.is_err();
        written
    }

    fn write_releases(&mut self, item: &Value) -> Result<(), Error> {
        let (releases, compiled) = walk::releases(item);
        if !releases.iter().any(Value::is_object) {
            self.skipped += 1;
        }
        for release in releases {
            self.releases += 1;
            let compiled = compiled || walk::is_compiled(release);
            let Writer { plan, sink, rows, tally, .. } = self;
            let mut filler = Filler { plan, sink, rows, tally, cells: Vec::new(), other: BTreeMap::new() };
            walk::release(release, compiled, self.releases, &mut filler)?;
        }
        Ok(())
    }

    /// Writes the dictionary, and makes the tables whole.
    ///
    /// # Errors
    /// [`Error::Incomplete`] after an error of [`write`](Writer::write); or what the disk says.
    pub fn finish(mut self) -> Result<Report, Error> {
        if self.failed {
            return Err(Error::Incomplete);
        }
        let dictionary = self.plan.tables.len() - 1;
        let described = dictionary - usize::from(!self.about.is_empty());
        for line in &self.about {
            let cells: Vec<_> = (0..).zip(line.iter().map(|text| Cell::Text(text.as_str().into()))).collect();
            self.sink.row(described, &cells, &mut self.tally)?;
            self.rows[described] += 1;
        }
        for (slot, table) in self.plan.tables[..described].iter().enumerate() {
            let name = match &self.sink {
                Sink::Folder(_) => table.name.clone(),
                Sink::Sheets(sheets) => sheets.parts(slot).swap_remove(0),
            };
            for column in &table.columns {
                let [es, en] = if column.in_schema { column.titles.clone() } else { Default::default() };
                let cells = [&name, &column.header, &column.path, &es, &en];
                let cells = cells.map(|text| Cell::Text(text.as_str().into()));
                let cells: Vec<_> = (0..).zip(cells).collect();
                self.sink.row(dictionary, &cells, &mut self.tally)?;
                self.rows[dictionary] += 1;
            }
        }
        let report = self.report();
        match self.sink {
            Sink::Folder(folder) => folder.finish()?,
            Sink::Sheets(sheets) => sheets.finish()?,
        }
        Ok(report)
    }

    fn report(&self) -> Report {
        let tables = self.plan.tables.iter().enumerate();
        let written = tables.map(|(slot, table)| Written {
            name: table.name.clone(),
            parts: self.sink.parts(slot),
            rows: self.rows[slot],
            columns: table.columns.len(),
        });
        let mut report = Report { tables: written.collect(), warnings: Vec::new() };
        if self.skipped > 0 {
            report.warnings.push(Warning::Skipped { items: self.skipped });
        }
        for table in self.plan.tables.iter().filter(|table| table.other.is_some()) {
            report.warnings.push(Warning::Folded { table: table.name.clone() });
        }
        for ((slot, column), cut) in &self.tally.cut {
            let sheet = report.tables[*slot].parts.get(cut.sheet - 1).cloned().unwrap_or_default();
            let column = self.plan.tables[*slot].columns[*column].header.clone();
            report.warnings.push(Warning::Cut { sheet, column, row: cut.row, cells: cut.cells });
        }
        if self.tally.replaced > 0 {
            report.warnings.push(Warning::Replaced { cells: self.tally.replaced });
        }
        report
    }
}

impl Sink {
    /// `cells` are in the order of the columns.
    fn row(&mut self, slot: usize, cells: &[(u32, Cell<'_>)], tally: &mut Tally) -> Result<(), Error> {
        match self {
            Sink::Folder(folder) => folder.row(slot, cells, tally),
            Sink::Sheets(sheets) => sheets.row(slot, cells, tally),
        }
    }

    /// The file or the sheets of a table.
    fn parts(&self, slot: usize) -> Vec<String> {
        match self {
            Sink::Folder(folder) => folder.parts(slot),
            Sink::Sheets(sheets) => sheets.parts(slot),
        }
    }
}

/// Puts the cells of a row in their columns.
struct Filler<'a, 'w> {
    plan: &'w Plan,
    sink: &'w mut Sink,
    rows: &'w mut Vec<u64>,
    tally: &'w mut Tally,
    cells: Vec<(u32, Cell<'a>)>,
    /// Fields without a column of their own.
    other: BTreeMap<String, &'a Value>,
}

impl<'a> Filler<'a, '_> {
    fn put(&mut self, column: Option<u32>, name: &str, row: &Row<'_>, cell: Cell<'a>) -> Result<(), Error> {
        let column =
            column.ok_or_else(|| Error::NotObserved { path: guide::join(row.table.path(), name) })?;
        self.cells.push((column, cell));
        Ok(())
    }
}

impl<'a> Visitor<'a> for Filler<'a, '_> {
    type Failure = Error;

    fn table(
        &mut self,
        field: Found<'_>,
        array: &'a Value,
        rows: &[Row<'a>],
    ) -> Result<Option<usize>, Error> {
        let (slot, path) = match field {
            Found::Known(node) => {
                let node = &guide::GUIDE.nodes[node];
                (node.items.and_then(|table| self.plan.known[table]), node.path.as_str())
            }
            Found::Free { path, .. } => (self.plan.unknown.get(path).copied(), path),
        };
        if slot.is_none() {
            if rows.last().is_none_or(|row| self.plan.tables[row.slot].other.is_none()) {
                return Err(Error::NotObserved { path: path.to_owned() });
            }
            self.other.insert(path.to_owned(), array);
        }
        Ok(slot)
    }

    fn begin(&mut self, rows: &[Row<'a>]) -> Result<(), Error> {
        let Some((row, above)) = rows.split_last() else { return Ok(()) };
        let table = &self.plan.tables[row.slot];
        if let Some(position) = row.position {
            self.put(table.position, "#", row, Cell::Position(position))?;
        }
        for row in above {
            let Some(link) = table.links.iter().find(|link| link.slot == row.slot) else {
                return Err(Error::NotObserved { path: row.table.path().to_owned() });
            };
            if let Some(ocid) = row.ocid {
                self.put(link.ocid, "ocid", row, Cell::of(ocid))?;
            }
            if let Some(id) = row.id {
                self.put(link.id, "id", row, Cell::of(id))?;
            }
            if let Some(position) = row.position {
                self.put(link.position, "#", row, Cell::Position(position))?;
            }
        }
        Ok(())
    }

    fn cell(&mut self, field: Found<'_>, value: &'a Value, rows: &[Row<'a>]) -> Result<(), Error> {
        let Some(row) = rows.last() else { return Ok(()) };
        let table = &self.plan.tables[row.slot];
        let (column, path) = match field {
            Found::Known(node) => (self.plan.columns[node], guide::GUIDE.nodes[node].path.as_str()),
            Found::Free { path, .. } => (table.extra.get(path).copied(), path),
        };
        match column {
            Some(column) => self.cells.push((column, Cell::of(value))),
            None if table.other.is_some() => {
                self.other.insert(path.to_owned(), value);
            }
            None => return Err(Error::NotObserved { path: path.to_owned() }),
        }
        Ok(())
    }

    fn end(&mut self, rows: &[Row<'a>]) -> Result<(), Error> {
        let Some(row) = rows.last() else { return Ok(()) };
        let other = std::mem::take(&mut self.other);
        if let (Some(column), false) = (self.plan.tables[row.slot].other, other.is_empty()) {
            let fields: serde_json::Map<_, _> =
                other.into_iter().map(|(path, value)| (path, value.clone())).collect();
            self.cells.push((column, Cell::Text(Value::Object(fields).to_string().into())));
        }
        self.cells.sort_unstable_by_key(|(column, _)| *column);
        self.sink.row(row.slot, &self.cells, self.tally)?;
        self.rows[row.slot] += 1;
        self.cells.clear();
        Ok(())
    }
}
