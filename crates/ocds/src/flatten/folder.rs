//! Tables as CSV files in a folder.

use std::borrow::Cow;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::cell::{Cell, clean, is_formula};
use super::plan::TablePlan;
use super::{Error, Tally};

#[derive(Debug)]
pub(super) struct Folder {
    files: Vec<Sheet>,
}

#[derive(Debug)]
struct Sheet {
    name: String,
    path: PathBuf,
    columns: usize,
    out: csv::Writer<File>,
}

impl Folder {
    pub(super) fn open(folder: &Path, tables: &[TablePlan], bom: bool) -> Result<Folder, Error> {
        let failed = |source| Error::Io { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(Error::NotEmpty { path: folder.to_owned() });
        }
        let mut files = Vec::with_capacity(tables.len());
        for table in tables {
            let name = format!("{}.csv", table.name);
            let path = folder.join(&name);
            let failed = |source| Error::Io { path: path.clone(), source };
            let mut file = File::create_new(&path).map_err(failed)?;
            if bom {
                file.write_all("\u{FEFF}".as_bytes()).map_err(failed)?;
            }
            let out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
            let mut sheet = Sheet { name, columns: table.columns.len(), out, path };
            let headers = table.columns.iter().map(|column| Cell::Text(column.header.as_str().into()));
            let cells: Vec<_> = (0..).zip(headers).collect();
            sheet.row(&cells, &mut Tally::default())?;
            files.push(sheet);
        }
        Ok(Folder { files })
    }

    pub(super) fn row(
        &mut self,
        slot: usize,
        cells: &[(u32, Cell<'_>)],
        tally: &mut Tally,
    ) -> Result<(), Error> {
        self.files[slot].row(cells, tally)
    }

    pub(super) fn parts(&self, slot: usize) -> Vec<String> {
        vec![self.files[slot].name.clone()]
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        for mut file in self.files {
            file.out.flush().map_err(|source| Error::Io { path: file.path, source })?;
        }
        Ok(())
    }
}

impl Sheet {
    /// `cells` are in the order of the columns; what is missing is empty.
    fn row(&mut self, cells: &[(u32, Cell<'_>)], tally: &mut Tally) -> Result<(), Error> {
        let Sheet { out, path, columns, .. } = self;
        let mut write = || {
            let mut cells = cells.iter().peekable();
            for column in 0..*columns {
                match cells.next_if(|(at, _)| *at as usize == column).map(|(_, cell)| cell) {
                    None => out.write_field("")?,
                    Some(Cell::Text(text)) => {
                        let clean = clean(text);
                        tally.replaced += u64::from(matches!(clean, Cow::Owned(_)));
                        if is_formula(&clean) {
                            out.write_field(format!("'{clean}"))?;
                        } else {
                            out.write_field(&*clean)?;
                        }
                    }
                    Some(Cell::Number(number)) => out.write_field(number.to_string())?,
                    Some(Cell::Boolean(boolean)) => {
                        out.write_field(if *boolean { "true" } else { "false" })?
                    }
                    Some(Cell::Figures(figures)) => out.write_field(figures)?,
                    Some(Cell::Position(position)) => out.write_field(position.to_string())?,
                }
            }
            out.write_record(None::<&[u8]>)
        };
        write().map_err(|error| Error::Io { path: path.clone(), source: error.into() })
    }
}
