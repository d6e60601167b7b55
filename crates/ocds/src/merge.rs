//! Compiled and versioned releases (OCDS 1.1, "Merging").
//!
//! ```
//! use ocds::merge::{Rules, compiled};
//! use serde_json::json;
//!
//! let releases = [
//!     json!({"ocid": "ocds-abc123-1", "id": "1", "date": "2026-01-01T00:00:00Z", "tag": ["tender"],
//!            "tender": {"id": "1", "title": "Banquetas", "status": "active"}}),
//!     json!({"ocid": "ocds-abc123-1", "id": "2", "date": "2026-02-01T00:00:00Z", "tag": ["tenderUpdate"],
//!            "tender": {"id": "1", "status": "complete"}}),
//! ];
//! let merged = compiled(Rules::profile(), &releases).unwrap();
//! assert_eq!(merged.value["tender"]["title"], "Banquetas");
//! assert_eq!(merged.value["tender"]["status"], "complete");
//! assert_eq!(merged.value["id"], "ocds-abc123-1-2026-02-01T00:00:00Z");
//! ```
//!
//! Releases are laid over one another in a tree whose leaves borrow from them; only what is left at the end is
//! copied. The result is that of the reference library (ocds-merge 0.8) given fresh copies of the releases, its
//! corners included: a `null` removes a value but not the fields of an object or the items of an array merged by
//! `id`, and `{}` or `[]` leave such an object or array as it was. One corner differs: ids `1` and `"1"` are
//! always the same item here, where the reference splits an item whose id changes type if it also gains fields.

mod rules;

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::value::escape;
use rules::Rule;
pub use rules::Rules;

/// Deeper than any document that parses (`serde_json` stops at 128), so that a tree built in memory cannot exhaust
/// the stack.
const MAX_DEPTH: usize = 256;

/// A merged release, and what was odd about the releases it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The compiled or the versioned release.
    pub value: Value,
    /// Odd, but not refused.
    pub warnings: Vec<Warning>,
}

/// Something a publisher should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Two items of one array of one release have the same `id`: their fields are merged, the last one wins.
    DuplicateId {
        /// Position of the release after sorting by date.
        release: usize,
        /// JSON Pointer to the array.
        pointer: String,
        /// The id, as text.
        id: String,
    },
    /// Two releases have the same date: they are merged in the order in which they were given.
    RepeatedDate {
        /// The date.
        date: String,
    },
}

/// Why releases cannot be merged.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("no releases to merge")]
    Empty,
    /// A release is not a JSON object.
    #[error("release {index} is not an object")]
    NotAnObject {
        /// Position in the list given.
        index: usize,
    },
    /// Releases are ordered by date; with more than one, each needs a `date` that is a string.
    #[error("release {index} has no date")]
    MissingDate {
        /// Position in the list given.
        index: usize,
    },
    /// The releases belong to different contracting processes.
    #[error("releases of {first} and of {other} cannot be one record")]
    MixedOcids {
        /// The ocid of the first release.
        first: String,
        /// Another one.
        other: String,
    },
    /// A field was a value (or an object) and a later release has an object (or an array) in its place.
    #[error("{pointer} changes from one type to another between releases")]
    InconsistentType {
        /// JSON Pointer to the field; items of arrays by their `id`.
        pointer: String,
    },
    /// The release is nested too deeply.
    #[error("{pointer} is nested too deeply")]
    TooDeep {
        /// JSON Pointer to the field.
        pointer: String,
    },
    /// The schema cannot be compiled into merge rules.
    #[error("the schema cannot be used for merging: {pointer}")]
    Schema {
        /// The reference or keyword at fault.
        pointer: String,
    },
}

/// Merges the releases of one process into a compiled release: its present state.
///
/// The releases are sorted by `date` (as text; the order given decides between equal dates). The result has `tag`
/// `["compiled"]`, the date of the last release, and the id `{ocid}-{date}`.
///
/// # Errors
/// [`MergeError`], except `MixedOcids`: as in the reference, the ocid is taken from the last release.
pub fn compiled(rules: &Rules, releases: &[Value]) -> Result<Merged, MergeError> {
    let (sorted, mut warnings) = sort(releases)?;
    let tree = lay_all::<Latest<'_>>(rules, &sorted, &mut warnings)?;
    let last = sorted.last().ok_or(MergeError::Empty)?;
    let text = |name: &str| last.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut head = Map::new();
    head.insert("tag".to_owned(), json!(["compiled"]));
    head.insert("id".to_owned(), Value::String(format!("{}-{}", text("ocid"), text("date"))));
    for name in ["date", "ocid"] {
        if let Some(value) = last.get(name).filter(|value| !value.is_null()) {
            head.insert(name.to_owned(), value.clone());
        }
    }
    let value = tree.finish(head, &|latest: &Latest<'_>| latest.0.clone())?;
    Ok(Merged { value, warnings })
}

/// Merges the releases of one process into a versioned release: every value each field has had.
///
/// Each value becomes `[{releaseID, releaseDate, releaseTag, value}, …]`, oldest first; a value that does not change
/// is not repeated. `ocid` and the ids of items of arrays are not versioned.
///
/// # Errors
/// As [`compiled`].
pub fn versioned(rules: &Rules, releases: &[Value]) -> Result<Merged, MergeError> {
    let (sorted, mut warnings) = sort(releases)?;
    let tree = lay_all::<History<'_>>(rules, &sorted, &mut warnings)?;
    let mut head = Map::new();
    let last = sorted.last().ok_or(MergeError::Empty)?;
    if let Some(ocid) = last.get("ocid").filter(|ocid| !ocid.is_null()) {
        head.insert("ocid".to_owned(), ocid.clone());
    }
    let value = tree.finish(head, &|history: &History<'_>| {
        let entry = |&(index, value): &(usize, &Value)| {
            let of = |name: &str| sorted[index].get(name).cloned().unwrap_or(Value::Null);
            json!({"releaseID": of("id"), "releaseDate": of("date"), "releaseTag": of("tag"), "value": value})
        };
        Value::Array(history.0.iter().map(entry).collect())
    })?;
    Ok(Merged { value, warnings })
}

/// Sorts by date, keeping the order of equal dates.
fn sort(releases: &[Value]) -> Result<(Vec<&Value>, Vec<Warning>), MergeError> {
    let mut warnings = Vec::new();
    for (index, release) in releases.iter().enumerate() {
        if !release.is_object() {
            return Err(MergeError::NotAnObject { index });
        }
        if releases.len() > 1 && !release.get("date").is_some_and(Value::is_string) {
            return Err(MergeError::MissingDate { index });
        }
    }
    if releases.is_empty() {
        return Err(MergeError::Empty);
    }
    let mut sorted: Vec<&Value> = releases.iter().collect();
    sorted.sort_by(|a, b| a["date"].as_str().cmp(&b["date"].as_str()));
    for pair in sorted.windows(2) {
        if let (Some(first), Some(second)) = (pair[0]["date"].as_str(), pair[1]["date"].as_str())
            && first == second
        {
            warnings.push(Warning::RepeatedDate { date: second.to_owned() });
        }
    }
    Ok((sorted, warnings))
}

/// Equality of JSON values as the reference has it: `1` and `1.0` are the same number, and so is `true`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Bool(truth), Value::Number(number)) | (Value::Number(number), Value::Bool(truth)) => {
            number.as_f64() == Some(f64::from(u8::from(*truth)))
        }
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// What a place remembers of the values it was given.
trait Leaf<'a>: Sized {
    /// Takes the value that a release has at the place.
    fn record(leaf: &mut Option<Self>, release: usize, value: &'a Value);
}

/// The last value: what a compiled release keeps.
struct Latest<'a>(&'a Value);

impl<'a> Leaf<'a> for Latest<'a> {
    fn record(leaf: &mut Option<Self>, _release: usize, value: &'a Value) {
        *leaf = Some(Latest(value));
    }
}

/// Every value that differs from the one before, with its release: what a versioned release keeps.
struct History<'a>(Vec<(usize, &'a Value)>);

impl<'a> Leaf<'a> for History<'a> {
    fn record(leaf: &mut Option<Self>, release: usize, value: &'a Value) {
        let history = leaf.get_or_insert_with(|| History(Vec::new()));
        // Of two items with one id in the same release, the last one counts.
        history.0.pop_if(|(of, _)| *of == release);
        if history.0.last().is_none_or(|(_, last)| !same(last, value)) {
            history.0.push((release, value));
        }
    }
}

/// Lays all releases over one another, in order.
fn lay_all<'a, L: Leaf<'a>>(
    rules: &Rules,
    sorted: &[&'a Value],
    warnings: &mut Vec<Warning>,
) -> Result<Node<'a, L>, MergeError> {
    let mut tree = Node::default();
    let mut pass = Pass { rules, release: 0, nameless: 0, warnings };
    for (release, value) in sorted.iter().enumerate() {
        pass.release = release;
        pass.lay(&mut tree, value, rules.root(), &mut Vec::new())?;
    }
    Ok(tree)
}

/// A step down the tree.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key<'a> {
    Property(&'a str),
    /// An item with an `id`, as text: `1` and `"1"` are one item.
    Item(String),
    /// An item without `id` is never merged with another: the count of such items.
    Nameless(usize),
}

/// A place in the merged release. It always has a leaf, or children that have.
struct Node<'a, L> {
    leaf: Option<L>,
    /// Whether the leaf came before any child. The reference keeps whichever came first.
    leaf_first: bool,
    /// The `id` of an item, as first given.
    id: Option<&'a Value>,
    children: IndexMap<Key<'a>, Node<'a, L>>,
}

impl<L> Default for Node<'_, L> {
    fn default() -> Self {
        Node { leaf: None, leaf_first: false, id: None, children: IndexMap::new() }
    }
}

struct Pass<'r> {
    rules: &'r Rules,
    release: usize,
    nameless: usize,
    warnings: &'r mut Vec<Warning>,
}

impl Pass<'_> {
    /// Lays an object over the node.
    fn lay<'a, L: Leaf<'a>>(
        &mut self,
        node: &mut Node<'a, L>,
        object: &'a Value,
        at: Option<usize>,
        path: &mut Vec<&'a str>,
    ) -> Result<(), MergeError> {
        if path.len() > MAX_DEPTH {
            return Err(MergeError::TooDeep { pointer: pointer(path) });
        }
        for (name, value) in object.as_object().into_iter().flatten() {
            let (rule, below) = self.rules.step(at, name);
            // `ocid` and `tag` are set by the caller, whatever the schema says (OCDS 1.0 did not omit `tag`).
            if rule == Rule::Omit || (path.is_empty() && (name == "tag" || name == "ocid")) {
                continue;
            }
            let is_leaf = rule == Rule::WholeList
                || match value {
                    Value::Object(_) => false,
                    Value::Array(items) => items.iter().any(|item| !item.is_object()),
                    _ => true,
                };
            let key = Key::Property(name);
            if is_leaf {
                let child = node.children.entry(key).or_default();
                if child.leaf.is_none() {
                    child.leaf_first = child.children.is_empty();
                }
                L::record(&mut child.leaf, self.release, value);
                continue;
            }
            path.push(name);
            match value {
                Value::Object(_) => {
                    let child = node.children.entry(key.clone()).or_default();
                    self.lay(child, value, below, path)?;
                }
                Value::Array(items) if !items.is_empty() => {
                    let child = node.children.entry(key.clone()).or_default();
                    self.lay_items(child, items, below, path)?;
                }
                _ => {}
            }
            path.pop();
            // An object that turned out to hold nothing leaves no trace.
            if node.children.get(&key).is_some_and(|child| child.leaf.is_none() && child.children.is_empty())
            {
                node.children.shift_remove(&key);
            }
        }
        Ok(())
    }

    fn lay_items<'a, L: Leaf<'a>>(
        &mut self,
        node: &mut Node<'a, L>,
        items: &'a [Value],
        at: Option<usize>,
        path: &mut Vec<&'a str>,
    ) -> Result<(), MergeError> {
        let mut seen = HashSet::with_capacity(items.len());
        for item in items {
            let id = item.get("id");
            let key = match id {
                Some(Value::String(id)) => Key::Item(id.clone()),
                Some(id) => Key::Item(id.to_string()),
                None => {
                    self.nameless += 1;
                    Key::Nameless(self.nameless)
                }
            };
            if let Key::Item(id) = &key
                && !seen.insert(id.clone())
            {
                let warning =
                    Warning::DuplicateId { release: self.release, pointer: pointer(path), id: id.clone() };
                self.warnings.push(warning);
            }
            let child = node
                .children
                .entry(key.clone())
                .or_insert_with(|| Node { id: id.filter(|id| !id.is_null()), ..Node::default() });
            self.lay(child, item, at, path)?;
            if child.leaf.is_none() && child.children.is_empty() {
                node.children.shift_remove(&key);
            }
        }
        Ok(())
    }
}

impl<L> Node<'_, L> {
    /// The merged release: `head`, then the rest.
    fn finish(self, head: Map<String, Value>, render: &impl Fn(&L) -> Value) -> Result<Value, MergeError> {
        let mut out = head;
        for (key, child) in self.children {
            let Key::Property(name) = key else { continue };
            if let Some(value) = child.build(render, &mut vec![name.to_owned()])? {
                // Where the schema does not omit `id` or `date`, the values of the releases win, as in the reference.
                out.insert(name.to_owned(), value);
            }
        }
        Ok(Value::Object(out))
    }

    /// The value of a place; `None` if a `null` removed it.
    fn build(
        self,
        render: &impl Fn(&L) -> Value,
        path: &mut Vec<String>,
    ) -> Result<Option<Value>, MergeError> {
        let leaf = self.leaf.as_ref().map(render).filter(|value| !value.is_null());
        if self.children.is_empty() {
            return Ok(leaf);
        }
        let inconsistent = |path: &[String]| MergeError::InconsistentType { pointer: pointer(path) };
        let is_list = !matches!(self.children.first(), Some((Key::Property(_), _)));
        let mut list = Vec::new();
        let mut object = Map::new();
        // A value that came before the children: items are added to a list; anything else cannot be reconciled.
        // A value that came after them is dropped. Both are what the reference does.
        match leaf.filter(|_| self.leaf_first) {
            None => {}
            Some(Value::Array(items)) if is_list => list = items,
            Some(_) => return Err(inconsistent(path)),
        }
        for (key, mut child) in self.children {
            match key {
                Key::Property(name) if !is_list => {
                    path.push(name.to_owned());
                    if let Some(value) = child.build(render, path)? {
                        object.insert(name.to_owned(), value);
                    }
                    path.pop();
                }
                Key::Item(_) | Key::Nameless(_) if is_list => {
                    let id = child.id.take();
                    path.push(id.map(plain).unwrap_or_default());
                    let mut item = Map::new();
                    if let Some(id) = id {
                        item.insert("id".to_owned(), id.clone());
                    }
                    for (key, field) in child.children {
                        let Key::Property(name) = key else { continue };
                        // The id of an item is its identity: it is neither replaced nor versioned.
                        if name == "id" && id.is_some() {
                            continue;
                        }
                        path.push(name.to_owned());
                        if let Some(value) = field.build(render, path)? {
                            item.insert(name.to_owned(), value);
                        }
                        path.pop();
                    }
                    path.pop();
                    list.push(Value::Object(item));
                }
                _ => return Err(inconsistent(path)),
            }
        }
        Ok(Some(if is_list { Value::Array(list) } else { Value::Object(object) }))
    }
}

/// An id as text.
fn plain(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn pointer<S: AsRef<str>>(path: &[S]) -> String {
    path.iter().map(|step| format!("/{}", escape(step.as_ref()))).collect()
}
