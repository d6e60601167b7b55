//! The first pass: which tables and columns occur.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use serde_json::Value;

use super::guide::GUIDE;
use super::walk::{self, Field, Row, Table, Visitor};

/// Columns of a table that the schema lacks. The first in alphabetical order are kept, whatever order they come in.
pub(super) const MAX_UNKNOWN_COLUMNS: usize = 512;
/// Tables that the schema lacks; each is an open file. The schema has 65 of its own.
pub(super) const MAX_UNKNOWN_TABLES: usize = 64;

/// The tables and columns that occur in some items: the outcome of the first pass.
///
/// Its size is bounded by the schema and by what is kept of fields that the schema lacks, never by the number of
/// items. Threads can each observe a part and [`merge`](Layout::merge) what they found: the outcome is the same
/// whatever the order.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(super) releases: u64,
    pub(super) compiled: u64,
    /// By node of the guide: whether some row has a value in it.
    pub(super) values: Vec<bool>,
    /// By table of the guide.
    pub(super) tables: Vec<Extent>,
    /// By path of an array that the schema lacks.
    pub(super) unknown: BTreeMap<String, Extent>,
}

/// What occurs in a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Extent {
    /// There are rows.
    pub seen: bool,
    /// Some rows have an id, some have none.
    pub ids: bool,
    pub nameless: bool,
    /// Path and anchor of the columns for which the guide has no node.
    pub extra: BTreeMap<String, usize>,
    /// There are more such columns, or tables, than are kept.
    pub overflows: bool,
    /// Of a table that the schema lacks: the tables that its rows are inside of, each as a length of its path.
    pub links: BTreeSet<usize>,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout {
            releases: 0,
            compiled: 0,
            values: vec![false; GUIDE.nodes.len()],
            tables: vec![Extent::default(); GUIDE.tables.len()],
            unknown: BTreeMap::new(),
        }
    }
}

impl Layout {
    /// Takes note of a release, a compiled release or a record.
    pub fn observe(&mut self, item: &Value) {
        let (releases, compiled) = walk::releases(item);
        for release in releases.iter().filter(|release| release.is_object()) {
            let compiled = compiled || walk::is_compiled(release);
            let count = if compiled { &mut self.compiled } else { &mut self.releases };
            *count += 1;
            let Ok(()) = walk::release(release, compiled, 1, self);
        }
    }

    /// Adds what another layout has seen.
    pub fn merge(&mut self, other: Layout) {
        self.releases += other.releases;
        self.compiled += other.compiled;
        for (value, also) in self.values.iter_mut().zip(other.values) {
            *value |= also;
        }
        for (extent, also) in self.tables.iter_mut().zip(other.tables) {
            extent.merge(also);
        }
        for (path, also) in other.unknown {
            self.unknown.entry(path).or_default().merge(also);
        }
        self.shrink();
    }

    fn extent(&mut self, table: &Table) -> Option<&mut Extent> {
        match table {
            Table::Known(table) => self.tables.get_mut(*table),
            Table::Free(path) => self.unknown.get_mut(&**path),
        }
    }

    /// Gives up the tables beyond the limit. What is in them goes to where their arrays are.
    fn shrink(&mut self) {
        while self.unknown.len() > MAX_UNKNOWN_TABLES {
            let Some((path, extent)) = self.unknown.pop_last() else { return };
            for length in extent.links {
                let holder = path.get(..length).unwrap_or_default();
                match GUIDE.table(holder) {
                    Some(table) => self.tables[table].overflows = true,
                    None => {
                        if let Some(extent) = self.unknown.get_mut(holder) {
                            extent.overflows = true;
                        }
                    }
                }
            }
        }
    }
}

impl Extent {
    fn merge(&mut self, other: Extent) {
        self.seen |= other.seen;
        self.ids |= other.ids;
        self.nameless |= other.nameless;
        self.overflows |= other.overflows;
        self.extra.extend(other.extra);
        self.links.extend(other.links);
        while self.extra.len() > MAX_UNKNOWN_COLUMNS {
            self.extra.pop_last();
            self.overflows = true;
        }
    }

    fn column(&mut self, path: &str, anchor: usize) {
        if self.extra.contains_key(path) {
            return;
        }
        let full = self.extra.len() >= MAX_UNKNOWN_COLUMNS;
        if full && self.extra.last_key_value().is_some_and(|(last, _)| path > last.as_str()) {
            self.overflows = true;
            return;
        }
        self.extra.insert(path.to_owned(), anchor);
        if full {
            self.extra.pop_last();
            self.overflows = true;
        }
    }
}

impl<'a> Visitor<'a> for Layout {
    type Failure = Infallible;

    fn table(
        &mut self,
        field: Field<'_>,
        _: &'a Value,
        rows: &[Row<'a>],
    ) -> Result<Option<usize>, Infallible> {
        let Field::Free { path, .. } = field else { return Ok(Some(0)) };
        let links = rows.iter().map(|row| row.table.path().len());
        if let Some(extent) = self.unknown.get_mut(path) {
            extent.links.extend(links);
        } else {
            let extent = Extent { links: links.collect(), ..Extent::default() };
            self.unknown.insert(path.to_owned(), extent);
            self.shrink();
        }
        Ok(self.unknown.contains_key(path).then_some(0))
    }

    fn begin(&mut self, rows: &[Row<'a>]) -> Result<(), Infallible> {
        if let Some((row, extent)) = rows.last().and_then(|row| Some((row, self.extent(&row.table)?))) {
            extent.seen = true;
            extent.ids |= row.id.is_some();
            extent.nameless |= row.position.is_some();
        }
        Ok(())
    }

    fn cell(&mut self, field: Field<'_>, _: &'a Value, rows: &[Row<'a>]) -> Result<(), Infallible> {
        match field {
            Field::Known(node) => self.values[node] = true,
            Field::Free { path, anchor } => {
                if let Some(extent) = rows.last().and_then(|row| self.extent(&row.table)) {
                    extent.column(path, anchor);
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, _: &[Row<'a>]) -> Result<(), Infallible> {
        Ok(())
    }
}
