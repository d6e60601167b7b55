//! Which fields are filled, and how often.
//!
//! ```
//! use ocds::coverage::Coverage;
//! use serde_json::json;
//!
//! let mut coverage = Coverage::default();
//! coverage.add(&json!({"ocid": "ocds-abc123-1", "tender": {"items": [{"id": "1", "description": "Banquetas"}, {"id": "2"}]}}));
//! coverage.add(&json!({"ocid": "ocds-abc123-2", "tender": null, "folio": "107"}));
//! let report = coverage.report();
//! let field = |path: &str| report.iter().find(|field| field.path == path).unwrap();
//! assert_eq!((field("tender").possible, field("tender").filled), (2, 1));
//! assert_eq!((field("tender/items/description").possible, field("tender/items/description").filled), (2, 1));
//! assert_eq!((field("planning/rationale").possible, field("planning/rationale").filled), (0, 0));
//! assert!(!field("folio").known);
//! ```
//!
//! A field could be filled once for every object that it belongs to: once for each release added if it is a field of
//! releases, once for each item of an array if it is a field of the items. It is filled if it is neither `null` nor
//! empty (`""`, `[]`, `{}`). What is not filled is not an object in which something could be missing; an item of an
//! array is, even `{}`.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::schema;
use crate::schema::shape::{is_language, patterns};
use crate::value::escape;

/// Paths outside the schema that are told apart; more are only counted.
const MAX_PATHS: usize = 10_000;
/// Bytes of a name that is told apart: names are kept, so they must not be of any length.
const MAX_NAME: usize = 256;
/// Levels that are visited, so that what is built in memory cannot exhaust the stack.
const MAX_DEPTH: usize = 32;

/// How often each field was there, over any number of releases. What it takes in memory does not depend on how many.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// One for each field of [`TREE`]; the first is the release itself.
    seen: Vec<Seen>,
    /// Fields that the schema does not list, by path.
    extra: HashMap<String, Extra>,
    others: u64,
}

/// How often one field could be filled, and was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Names from the release down, without positions in arrays: `tender/items/description`. A `/` in a name is
    /// written `~1`, and `~` is `~0`.
    pub path: String,
    /// What the field is called in Spanish, if the schema says it.
    pub title_es: Option<&'static str>,
    /// What the field is called in English, if the schema says it.
    pub title_en: Option<&'static str>,
    /// Objects that have the field or could have it.
    pub possible: u64,
    /// How many of these have it, neither `null` nor empty.
    pub filled: u64,
    /// Whether the field is of the standard or of a declared extension.
    pub known: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    filled: u64,
    /// Objects in the field, or in the array that it holds.
    objects: u64,
}

#[derive(Clone, Copy, Debug)]
struct Extra {
    seen: Seen,
    /// For a field that the schema allows without listing it (a translation, a dimension): the field it belongs to.
    after: Option<usize>,
}

/// A field of the schema.
struct Node {
    path: String,
    parent: usize,
    title_es: Option<&'static str>,
    title_en: Option<&'static str>,
    children: HashMap<&'static str, usize>,
    translated: Vec<String>,
    /// Itself, if any field may be in it.
    open: Option<usize>,
}

/// What a value is in: a field that the schema lists, or another, by its path.
#[derive(Clone, Copy)]
enum Place<'a> {
    Listed(usize),
    Extra(&'a str),
}

impl Default for Coverage {
    fn default() -> Coverage {
        Coverage { seen: vec![Seen::default(); TREE.len()], extra: HashMap::new(), others: 0 }
    }
}

impl Coverage {
    /// Counts the fields of a release or of a compiled release. Anything but an object has none.
    pub fn add(&mut self, release: &Value) {
        if let Value::Object(fields) = release {
            self.seen[0].objects += 1;
            self.fields(fields, Place::Listed(0), 0);
        }
    }

    /// Adds what another has counted, so that releases can be shared out among threads.
    pub fn merge(&mut self, other: Coverage) {
        for (own, other) in self.seen.iter_mut().zip(&other.seen) {
            own.add(*other);
        }
        self.others = self.others.saturating_add(other.others);
        // What a field is in comes before the field: without the one, the other cannot be kept.
        let extra: BTreeMap<String, Extra> = other.extra.into_iter().collect();
        for (path, extra) in extra {
            let has_parent = parent(&path)
                .is_none_or(|parent| BY_PATH.contains_key(parent) || self.extra.contains_key(parent));
            match has_parent.then(|| self.extra(&path, extra.after)).flatten() {
                Some(own) => own.add(extra.seen),
                None => self.others = self.others.saturating_add(extra.seen.filled),
            }
        }
    }

    /// Every field of the release schema with the declared extensions, in the order of the schema, those that never
    /// appear included; after each, what the schema allows in its place (translations); then fields that it does not
    /// know, in alphabetical order.
    pub fn report(&self) -> Vec<Field> {
        let extra: BTreeMap<&String, &Extra> = self.extra.iter().collect();
        let mut by_node: HashMap<usize, Vec<Field>> = HashMap::new();
        let mut unknown = Vec::new();
        for (path, extra) in extra {
            let listed = parent(path).map_or(Some(0), |parent| BY_PATH.get(parent).copied());
            let possible = match listed {
                Some(at) => self.seen[at].objects,
                None => {
                    parent(path).and_then(|parent| self.extra.get(parent)).map_or(0, |own| own.seen.objects)
                }
            };
            let field = Field {
                path: path.clone(),
                title_es: None,
                title_en: None,
                possible,
                filled: extra.seen.filled,
                known: extra.after.is_some(),
            };
            extra.after.map_or(&mut unknown, |after| by_node.entry(after).or_default()).push(field);
        }
        let mut report = Vec::with_capacity(TREE.len() + self.extra.len());
        for (at, node) in TREE.iter().enumerate().skip(1) {
            report.push(Field {
                path: node.path.clone(),
                title_es: node.title_es,
                title_en: node.title_en,
                possible: self.seen[node.parent].objects,
                filled: self.seen[at].filled,
                known: true,
            });
            report.extend(by_node.remove(&at).into_iter().flatten());
        }
        report.extend(unknown);
        report
    }

    /// How many filled fields were not told apart: the schema does not know them, and there were too many of them
    /// (10,000 paths), or their names were too long (256 bytes).
    pub fn others(&self) -> u64 {
        self.others
    }

    fn fields(&mut self, fields: &Map<String, Value>, within: Place<'_>, depth: usize) {
        for (name, value) in fields {
            let filled = u64::from(!is_empty(value));
            let (listed, after) = match within {
                Place::Listed(node) => TREE[node].child(name),
                Place::Extra(_) => (None, None),
            };
            if let Some(node) = listed {
                self.seen[node].filled += filled;
                self.seen[node].objects += self.objects(value, Place::Listed(node), depth);
                continue;
            }
            let path = match within {
                Place::Listed(0) => escape(name),
                Place::Listed(node) => format!("{}/{}", TREE[node].path, escape(name)),
                Place::Extra(path) => format!("{path}/{}", escape(name)),
            };
            let short = name.len() <= MAX_NAME;
            match short.then(|| self.extra(&path, after)).flatten() {
                None => self.others = self.others.saturating_add(filled),
                Some(seen) => {
                    seen.filled += filled;
                    let objects = self.objects(value, Place::Extra(&path), depth);
                    if let Some(seen) = self.extra(&path, after) {
                        seen.objects += objects;
                    }
                }
            }
        }
    }

    /// Counts what is in a field; how many objects that is.
    fn objects(&mut self, value: &Value, place: Place<'_>, depth: usize) -> u64 {
        let mut count = 0;
        let mut one = |fields: &Map<String, Value>| {
            count += 1;
            self.fields(fields, place, depth + 1);
        };
        match value {
            _ if depth == MAX_DEPTH || is_empty(value) => {}
            Value::Object(fields) => one(fields),
            Value::Array(items) => items.iter().filter_map(Value::as_object).for_each(one),
            _ => {}
        }
        count
    }

    /// The count of a field that the schema does not list; `None` if there are too many.
    fn extra(&mut self, path: &str, after: Option<usize>) -> Option<&mut Seen> {
        if !self.extra.contains_key(path) {
            if self.extra.len() == MAX_PATHS {
                return None;
            }
            self.extra.insert(path.to_owned(), Extra { seen: Seen::default(), after });
        }
        self.extra.get_mut(path).map(|extra| &mut extra.seen)
    }
}

impl Seen {
    fn add(&mut self, other: Seen) {
        self.filled = self.filled.saturating_add(other.filled);
        self.objects = self.objects.saturating_add(other.objects);
    }
}

impl Node {
    /// The field of a name that the schema lists; if it does not, the listed field to which it belongs (the field of
    /// which it is a translation; the object in which anything may be).
    fn child(&self, name: &str) -> (Option<usize>, Option<usize>) {
        if let Some(&listed) = self.children.get(name) {
            return (Some(listed), None);
        }
        let of = |field: &&String| name.strip_prefix(field.as_str()).and_then(|rest| rest.strip_prefix('_'));
        let translated = self.translated.iter().find(|field| of(field).is_some_and(is_language));
        let after = translated.and_then(|field| self.children.get(field.as_str()).copied());
        (None, after.or(self.open))
    }
}

/// The path of what a field is in; `None` if that is the release. A field may have no name, and then its path is empty.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The fields of the tree; the release itself is none.
static BY_PATH: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| TREE.iter().enumerate().skip(1).map(|(at, node)| (node.path.as_str(), at)).collect());

/// The release and all its fields, each before those in it.
static TREE: LazyLock<Vec<Node>> = LazyLock::new(|| {
    let mut nodes = Vec::new();
    grow(&mut nodes, schema::release(), schema::release(), String::new(), 0);
    nodes
});

/// Adds a field and everything in it. `declared` is what the object says of the field, `schema` what it holds.
fn grow(
    nodes: &mut Vec<Node>,
    declared: &'static Value,
    schema: &'static Value,
    path: String,
    parent: usize,
) -> usize {
    let at = nodes.len();
    let title = |name: &str| declared[name].as_str().or_else(|| schema[name].as_str());
    let (translated, open) = patterns(schema);
    let (title_es, title_en) = (title("title_es"), title("title_en"));
    let open = open.then_some(at);
    nodes.push(Node { path, parent, title_es, title_en, children: HashMap::new(), translated, open });
    // The schema has no object that is in itself; a depth is simpler than a proof.
    if nodes[at].path.matches('/').count() < MAX_DEPTH {
        for (name, declared) in schema["properties"].as_object().into_iter().flatten() {
            let path = match nodes[at].path.as_str() {
                "" => escape(name),
                path => format!("{path}/{}", escape(name)),
            };
            let child = grow(nodes, declared, resolve(declared), path, at);
            nodes[at].children.insert(name, child);
        }
    }
    at
}

/// What a field holds: the schema it refers to, of the items if it is an array.
fn resolve(declared: &'static Value) -> &'static Value {
    let follow = |schema: &'static Value| {
        let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        pointer.and_then(|pointer| schema::release().pointer(pointer)).unwrap_or(schema)
    };
    let held = follow(declared);
    held.get("items").map_or(held, follow)
}
