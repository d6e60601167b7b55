//! How a release falls apart into rows and cells. Both passes walk this way, so they agree.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::guide::{GUIDE, Shape, Step, UNKNOWN, join, push};

/// Unknown fields nested deeper than this are written as JSON, not as columns. The schema goes to 6.
const MAX_DEPTH: usize = 16;

/// The name of a table.
#[derive(Clone, Debug)]
pub(super) enum Table {
    /// By its number in the guide.
    Known(usize),
    /// By the path of an array that the schema lacks.
    Free(Rc<str>),
}

impl Table {
    pub(super) fn path(&self) -> &str {
        match self {
            Table::Known(table) => &GUIDE.nodes[GUIDE.tables[*table]].path,
            Table::Free(path) => path,
        }
    }
}

/// The name of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field<'p> {
    /// By its number in the guide.
    Known(usize),
    Free {
        path: &'p str,
        anchor: usize,
    },
}

/// A row being walked.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub table: Table,
    /// What [`Visitor::table`] called the table.
    pub slot: usize,
    /// `ocid`, of a release.
    pub ocid: Option<&'a Value>,
    /// `id`, if it can identify. Of compiled releases, which their `ocid` identifies, `None`.
    pub id: Option<&'a Value>,
    /// Position in its array, from 1, if nothing else identifies the row.
    pub position: Option<u64>,
}

/// What is done with rows and cells. `rows` are the row at hand (the last) and those that it is in.
pub(super) trait Visitor<'a> {
    type Failure;

    /// The number of the table of the items of an array; `None` if there is no such table and the visitor has
    /// taken the array as a cell.
    fn table(
        &mut self,
        field: Field<'_>,
        array: &'a Value,
        rows: &[Row<'a>],
    ) -> Result<Option<usize>, Self::Failure>;
    fn begin(&mut self, rows: &[Row<'a>]) -> Result<(), Self::Failure>;
    /// A value of the row that is neither `null` nor empty.
    fn cell(&mut self, field: Field<'_>, value: &'a Value, rows: &[Row<'a>]) -> Result<(), Self::Failure>;
    /// All cells of the row have been told; the rows inside it follow.
    fn end(&mut self, rows: &[Row<'a>]) -> Result<(), Self::Failure>;
}

/// The releases that an item stands for, and whether they are compiled: itself, or those of a record.
pub(super) fn releases(item: &Value) -> (&[Value], bool) {
    let Some(fields) = item.as_object() else { return (&[], false) };
    if let Some(compiled) = fields.get("compiledRelease").filter(|compiled| compiled.is_object()) {
        return (std::slice::from_ref(compiled), true);
    }
    match fields.get("releases").and_then(Value::as_array) {
        // Links have a `url` and nothing to show.
        Some(releases) if releases.iter().all(|release| release.get("url").is_none()) => (releases, false),
        Some(_) => (&[], false),
        None if fields.contains_key("versionedRelease") => (&[], false),
        None => (std::slice::from_ref(item), false),
    }
}

/// Walks a release. `position` is its place among all, for one that has no `id`.
pub(super) fn release<'a, V: Visitor<'a>>(
    release: &'a Value,
    compiled: bool,
    position: u64,
    visitor: &mut V,
) -> Result<(), V::Failure> {
    let Some(fields) = release.as_object() else { return Ok(()) };
    let compiled = compiled || is_compiled(release);
    let ocid = identity(fields.get("ocid"));
    let id = if compiled { None } else { identity(fields.get("id")) };
    let nameless = if compiled { ocid.is_none() } else { id.is_none() };
    let root = Row { table: Table::Known(0), slot: 0, ocid, id, position: nameless.then_some(position) };
    let mut walk = Walk { visitor, rows: vec![root], path: String::new() };
    walk.row(fields, Place::Known(0))
}

pub(super) fn is_compiled(release: &Value) -> bool {
    release["tag"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == "compiled"))
}

/// An id that can be written in a cell and found again.
fn identity(id: Option<&Value>) -> Option<&Value> {
    id.filter(|id| id.is_number() || id.as_str().is_some_and(|text| !text.is_empty()))
}

struct Walk<'a, 'v, V> {
    visitor: &'v mut V,
    rows: Vec<Row<'a>>,
    /// Path of the field at hand; only kept where the schema has no node for it.
    path: String,
}

/// Where the fields of an object are.
#[derive(Clone, Copy)]
enum Place {
    Known(usize),
    /// Below an unknown field: its path is in the walk.
    Free {
        depth: usize,
    },
}

/// An array whose items come after the row it is in, so that a table can be written row by row.
struct Pending<'a> {
    items: &'a [Value],
    table: Table,
    slot: usize,
    place: Place,
}

impl<'a, V: Visitor<'a>> Walk<'a, '_, V> {
    fn row(&mut self, fields: &'a Map<String, Value>, place: Place) -> Result<(), V::Failure> {
        let mut pending = Vec::new();
        self.visitor.begin(&self.rows)?;
        self.fields(fields, place, &mut pending)?;
        self.visitor.end(&self.rows)?;
        for array in pending {
            for (index, item) in array.items.iter().enumerate() {
                let Some(fields) = item.as_object() else { continue };
                if let Table::Free(path) = &array.table {
                    self.path.clear();
                    self.path.push_str(path);
                }
                let id = identity(fields.get("id"));
                let position = id.is_none().then_some(index as u64 + 1);
                let (table, slot) = (array.table.clone(), array.slot);
                self.rows.push(Row { table, slot, ocid: None, id, position });
                self.row(fields, array.place)?;
                self.rows.pop();
            }
        }
        Ok(())
    }

    fn fields(
        &mut self,
        fields: &'a Map<String, Value>,
        place: Place,
        pending: &mut Vec<Pending<'a>>,
    ) -> Result<(), V::Failure> {
        for (name, value) in fields {
            match place {
                Place::Known(node) => match GUIDE.step(node, name) {
                    Step::Known(child) => self.known(child, value, pending)?,
                    Step::Free { anchor, shape } => {
                        self.path = join(&GUIDE.nodes[node].path, name);
                        self.free(value, anchor, shape, 1, pending)?;
                    }
                },
                Place::Free { depth } => {
                    let length = self.path.len();
                    push(&mut self.path, name);
                    self.free(value, UNKNOWN, Shape::Free, depth + 1, pending)?;
                    self.path.truncate(length);
                }
            }
        }
        Ok(())
    }

    fn known(
        &mut self,
        node: usize,
        value: &'a Value,
        pending: &mut Vec<Pending<'a>>,
    ) -> Result<(), V::Failure> {
        let (field, shape) = (Field::Known(node), GUIDE.nodes[node].shape);
        match form(shape, value) {
            Form::Nothing => Ok(()),
            Form::Cell => self.visitor.cell(field, value, &self.rows),
            // A field of any type: the schema has no nodes for what is inside it.
            Form::Columns(_) | Form::Rows(_) if shape == Shape::Free => {
                self.path.clone_from(&GUIDE.nodes[node].path);
                self.free(value, UNKNOWN, shape, 1, pending)
            }
            Form::Columns(fields) => self.fields(fields, Place::Known(node), pending),
            Form::Rows(items) => {
                let table = GUIDE.nodes[node].items.map(Table::Known);
                if let (Some(table), Some(slot)) = (table, self.visitor.table(field, value, &self.rows)?) {
                    pending.push(Pending { items, table, slot, place: Place::Known(node) });
                }
                Ok(())
            }
        }
    }

    fn free(
        &mut self,
        value: &'a Value,
        anchor: usize,
        shape: Shape,
        depth: usize,
        pending: &mut Vec<Pending<'a>>,
    ) -> Result<(), V::Failure> {
        let field = Field::Free { path: &self.path, anchor };
        match form(shape, value) {
            Form::Nothing => Ok(()),
            Form::Columns(fields) if depth < MAX_DEPTH => self.fields(fields, Place::Free { depth }, pending),
            Form::Rows(items) if depth < MAX_DEPTH => {
                if let Some(slot) = self.visitor.table(field, value, &self.rows)? {
                    let table = Table::Free(Rc::from(self.path.as_str()));
                    pending.push(Pending { items, table, slot, place: Place::Free { depth } });
                }
                Ok(())
            }
            _ => self.visitor.cell(field, value, &self.rows),
        }
    }
}

/// What becomes of a value.
enum Form<'a> {
    Nothing,
    Cell,
    Columns(&'a Map<String, Value>),
    Rows(&'a [Value]),
}

/// A value that is not of the shape that the schema expects is a cell (of JSON), so nothing is lost and a slip of
/// one publisher does not become columns that everybody sees.
fn form(shape: Shape, value: &Value) -> Form<'_> {
    match value {
        Value::Null => Form::Nothing,
        Value::Array(items) if items.is_empty() => Form::Nothing,
        Value::Object(fields) if fields.is_empty() => Form::Nothing,
        Value::Object(fields) if matches!(shape, Shape::Object | Shape::Free) => Form::Columns(fields),
        Value::Array(items)
            if matches!(shape, Shape::Rows | Shape::Free) && items.iter().all(Value::is_object) =>
        {
            Form::Rows(items)
        }
        _ => Form::Cell,
    }
}
