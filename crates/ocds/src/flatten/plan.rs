//! From what occurs to tables: their columns, order and headers.

use std::collections::{HashMap, HashSet};

use super::guide::{GUIDE, Step, UNKNOWN, join, translation};
use super::layout::{Extent, Layout};
use super::names::{Names, file_name};
use super::{Headers, Lang};

/// The table that says what the columns of the others are.
const DICTIONARY: &str = "diccionario";
/// The table that says what the tables are of.
const ABOUT: &str = "acerca_de";
/// Last step of the path of the column of positions.
const POSITION: &str = "#";
/// The column for fields beyond the limit.
const OTHER: &str = "(other)";

/// Spanish and English.
type Titles = [String; 2];

#[derive(Debug)]
pub(super) struct Plan {
    /// The last is the dictionary; before it, if asked for, what the tables say about themselves.
    pub tables: Vec<TablePlan>,
    /// By table of the guide, and by path of the others: its place among `tables`.
    pub known: Vec<Option<usize>>,
    pub unknown: HashMap<String, usize>,
    /// By node of the guide: its column, in the table that holds it.
    pub columns: Vec<Option<u32>>,
}

#[derive(Debug, Default)]
pub(super) struct TablePlan {
    /// What the file is called, and what the name of the sheet is made from.
    pub name: String,
    pub columns: Vec<Column>,
    /// How a row says which rows it is inside of.
    pub links: Vec<Link>,
    pub position: Option<u32>,
    /// By path: the columns for which the guide has no node.
    pub extra: HashMap<String, u32>,
    pub other: Option<u32>,
}

#[derive(Debug, Default)]
pub(super) struct Column {
    pub path: String,
    pub header: String,
    /// Names stand in for the titles of fields that the schema lacks.
    pub titles: Titles,
    pub in_schema: bool,
}

/// The columns that say which row of another table a row is inside of.
#[derive(Debug)]
pub(super) struct Link {
    /// Place of that table.
    pub slot: usize,
    pub ocid: Option<u32>,
    pub id: Option<u32>,
    pub position: Option<u32>,
}

impl Plan {
    pub(super) fn new(layout: &Layout, headers: Headers, about: bool) -> Plan {
        let mut plan = Plan {
            tables: Vec::new(),
            known: vec![None; GUIDE.tables.len()],
            unknown: HashMap::new(),
            columns: vec![None; GUIDE.nodes.len()],
        };
        let mut names = Names::new([DICTIONARY, ABOUT]);
        for (number, &node) in GUIDE.tables.iter().enumerate() {
            if !layout.tables[number].seen {
                continue;
            }
            let path = GUIDE.nodes[node].path.as_str();
            let name = match path {
                "" if layout.releases == 0 => "compiled",
                "" => "releases",
                path => path,
            };
            plan.known[number] = Some(plan.tables.len());
            let name = names.take(&file_name(name), usize::MAX);
            plan.add(name, path, Some(number), &layout.tables[number], layout);
        }
        for (path, extent) in &layout.unknown {
            plan.unknown.insert(path.clone(), plan.tables.len());
            let name = names.take(&file_name(path), usize::MAX);
            plan.add(name, path, None, extent, layout);
        }
        for table in &mut plan.tables {
            table.name_columns(headers);
        }
        if about {
            let headers = match headers {
                Headers::Paths => ["nombre", "valor"],
                Headers::Titles(Lang::Es) => ["Nombre", "Valor"],
                Headers::Titles(Lang::En) => ["Name", "Value"],
            };
            plan.tables.push(plain(ABOUT, &headers));
        }
        plan.tables.push(dictionary(headers));
        plan
    }

    /// Adds a table; those that its rows are inside of are there already, as their paths are shorter.
    fn add(&mut self, name: String, path: &str, number: Option<usize>, extent: &Extent, layout: &Layout) {
        let mut table = TablePlan { name, ..TablePlan::default() };
        for above in ancestors(path, number, extent) {
            let (slot, there) = match GUIDE.table(above) {
                Some(number) => (self.known[number], Some(&layout.tables[number])),
                None => (self.unknown.get(above).copied(), layout.unknown.get(above)),
            };
            if let (Some(slot), Some(there)) = (slot, there) {
                let has_ocid = above.is_empty() && layout.values[GUIDE.ocid];
                let ocid = has_ocid.then(|| table.push_link(above, "ocid"));
                let id = there.ids.then(|| table.push_link(above, "id"));
                let position = there.nameless.then(|| table.push_link(above, POSITION));
                table.links.push(Link { slot, ocid, id, position });
            }
        }
        if extent.nameless {
            table.position = Some(table.push(join(path, POSITION), position_titles(), true));
        }
        let nodes = GUIDE.nodes.iter().enumerate();
        let held = nodes.filter(|&(node, it)| layout.values[node] && Some(it.holder) == number);
        let mut columns: Vec<_> = held.map(|(node, it)| (node, it.path.as_str(), true)).collect();
        columns.extend(extent.extra.iter().map(|(path, anchor)| (*anchor, path.as_str(), false)));
        // By rank, then by path: `title_en` comes after `title`, and what the schema lacks at the end.
        columns.sort_unstable();
        for (anchor, field, is_node) in columns {
            let (titles, in_schema) = titles(field, path);
            let column = table.push(field.to_owned(), titles, in_schema);
            if is_node {
                self.columns[anchor] = Some(column);
            } else {
                table.extra.insert(field.to_owned(), column);
            }
        }
        if extent.overflows {
            let titles = ["Otros campos".to_owned(), "Other fields".to_owned()];
            table.other = Some(table.push(OTHER.to_owned(), titles, true));
        }
        self.tables.push(table);
    }
}

impl TablePlan {
    fn push(&mut self, path: String, titles: Titles, in_schema: bool) -> u32 {
        let column = u32::try_from(self.columns.len()).unwrap_or(u32::MAX);
        self.columns.push(Column { path, titles, in_schema, header: String::new() });
        column
    }

    /// A column with a field of a row that the rows of this table are inside of.
    fn push_link(&mut self, above: &str, name: &str) -> u32 {
        let path = join(above, name);
        let (mut titles, in_schema) =
            if name == POSITION { (position_titles(), true) } else { titles(&path, above) };
        if !above.is_empty() {
            let last = last_name(above);
            let item = GUIDE
                .table(above)
                .map_or([last.as_str(); 2], |table| GUIDE.nodes[GUIDE.tables[table]].item_titles);
            titles = [0, 1].map(|lang| format!("{}{SEPARATOR}{}", item[lang], titles[lang]));
        }
        self.push(path, titles, in_schema)
    }

    /// Gives each column its header; no two of a table are the same.
    fn name_columns(&mut self, headers: Headers) {
        let wanted: Vec<String> = match headers {
            Headers::Paths => self.columns.iter().map(|column| column.path.clone()).collect(),
            Headers::Titles(lang) => {
                let title = |column: &Column| column.titles[lang as usize].clone();
                let mut seen: HashMap<String, usize> = HashMap::new();
                for column in &self.columns {
                    *seen.entry(title(column)).or_default() += 1;
                }
                let name = |column: &Column| match title(column) {
                    title if seen[&title] > 1 => format!("{title} ({})", column.path),
                    title => title,
                };
                self.columns.iter().map(name).collect()
            }
        };
        let mut taken = HashSet::new();
        for (column, wanted) in self.columns.iter_mut().zip(wanted) {
            column.header.clone_from(&wanted);
            let mut number = 2;
            while !taken.insert(column.header.clone()) {
                column.header = format!("{wanted} ({number})");
                number += 1;
            }
        }
    }
}

fn dictionary(headers: Headers) -> TablePlan {
    let headers = match headers {
        Headers::Paths => ["tabla", "columna", "ruta", "titulo_es", "titulo_en"],
        Headers::Titles(Lang::Es) => ["Tabla", "Columna", "Ruta", "Título en español", "Título en inglés"],
        Headers::Titles(Lang::En) => ["Table", "Column", "Path", "Title in Spanish", "Title in English"],
    };
    plain(DICTIONARY, &headers)
}

/// A table that no data fill.
fn plain(name: &str, headers: &[&str]) -> TablePlan {
    let column = |header: &&str| Column { header: (*header).to_owned(), ..Column::default() };
    TablePlan { name: name.to_owned(), columns: headers.iter().map(column).collect(), ..TablePlan::default() }
}

/// The paths of the tables that the rows of a table are inside of, outermost first.
fn ancestors<'p>(path: &'p str, number: Option<usize>, extent: &Extent) -> Vec<&'p str> {
    let mut above: Vec<&str> = Vec::new();
    if number == Some(0) {
        return above;
    }
    above.push("");
    for (at, _) in path.match_indices('/') {
        let prefix = &path[..at];
        let is_one = match number {
            // Whatever array of the schema a row is inside of, it is always inside of it.
            Some(_) => GUIDE.table(prefix).is_some(),
            None => extent.links.contains(&at),
        };
        if is_one {
            above.push(prefix);
        }
    }
    above
}

const SEPARATOR: &str = " › ";

fn position_titles() -> Titles {
    ["Posición".to_owned(), "Position".to_owned()]
}

/// The titles of a field and of the objects it is in, from its table on; and whether the schema has it.
pub(super) fn titles(path: &str, table: &str) -> (Titles, bool) {
    let skipped = if table.is_empty() { 0 } else { table.split('/').count() };
    let mut joined = Titles::default();
    let (mut place, mut in_schema) = (Some(0), true);
    for (index, step) in path.split('/').enumerate() {
        let name = unescape(step);
        let mut both = [name.clone(), name.clone()];
        match place.map(|node| GUIDE.step(node, &name)) {
            Some(Step::Known(node)) => {
                both = GUIDE.nodes[node].titles.map(str::to_owned);
                place = Some(node);
            }
            Some(Step::Free { anchor, .. }) if anchor != UNKNOWN => {
                let node = &GUIDE.nodes[anchor];
                if let Some(language) = translation(&name, &last_name(&node.path)) {
                    both = node.titles.map(|title| format!("{title} ({language})"));
                }
                place = None;
            }
            _ => {
                in_schema = false;
                place = None;
            }
        }
        if index >= skipped {
            for (joined, title) in joined.iter_mut().zip(both) {
                if !joined.is_empty() {
                    joined.push_str(SEPARATOR);
                }
                joined.push_str(&title);
            }
        }
    }
    (joined, in_schema)
}

fn last_name(path: &str) -> String {
    unescape(path.rsplit('/').next().unwrap_or_default())
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}
