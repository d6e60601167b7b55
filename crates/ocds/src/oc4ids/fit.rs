//! Keeping what the project schema declares, and only that.
//!
//! Everything that goes into a project passes through here: what the caller gives, each copy from OCDS, and the
//! whole at the end. A project is thus valid by construction, where building it and validating it afterwards would
//! leave the question of what to do with one that is not.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Number, Value};

use super::{LeftOut, Origin, Problem};
use crate::schema;
use crate::value::{escape, id_text, is_date_time};

/// Where a value stands in a document.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    pub value: &'a Value,
    /// JSON Pointer.
    pub pointer: String,
}

impl<'a> At<'a> {
    pub(super) fn root(value: &'a Value) -> At<'a> {
        At { value, pointer: String::new() }
    }

    /// A field below: `planning/budget/amount`. `null` where there is none.
    pub(super) fn field(&self, path: &str) -> At<'a> {
        let value = path.split('/').fold(self.value, |value, name| &value[name]);
        At { value, pointer: format!("{}/{path}", self.pointer) }
    }

    /// The items of the array below; nothing for anything else.
    pub(super) fn items(&self, path: &str) -> Vec<At<'a>> {
        let list = self.field(path);
        let items = list.value.as_array().map_or(&[][..], Vec::as_slice);
        let at = |(index, value)| At { value, pointer: format!("{}/{index}", list.pointer) };
        items.iter().enumerate().map(at).collect()
    }

    pub(super) fn text(&self, path: &str) -> Option<&'a str> {
        self.field(path).value.as_str()
    }

    /// The `id`, as text.
    pub(super) fn id(&self) -> Option<String> {
        id_text(self.value.get("id")).map(Cow::into_owned).filter(|id| !is_blank(id))
    }
}

/// Fields of one object that say nothing without each other, although the schema does not require them.
const TOGETHER: &[[&str; 2]] = &[["amount", "currency"], ["type", "coordinates"]];

/// Deeper than any geometry or dimension, so that what is built in memory cannot exhaust the stack.
const MAX_DEPTH: usize = 16;

/// Fits values to places of the schema, and tells what did not fit.
pub(super) struct Fit<'a> {
    origin: &'a Origin,
    left_out: &'a mut Vec<LeftOut>,
}

impl<'a> Fit<'a> {
    pub(super) fn new(origin: &'a Origin, left_out: &'a mut Vec<LeftOut>) -> Fit<'a> {
        Fit { origin, left_out }
    }

    /// What fits of a value at a place of the schema, given by its JSON Pointer. `None` for nothing: what is absent,
    /// empty, or does not fit at all.
    pub(super) fn copy(&mut self, place: &str, from: &At<'_>) -> Option<Value> {
        let name = place.rsplit('/').next().unwrap_or_default();
        self.value(schema::project().pointer(place)?, from.value, name, &mut from.pointer.clone())
    }

    /// What fits of a whole project; with `partial`, of one that has only some fields.
    pub(super) fn project(&mut self, project: &Map<String, Value>, partial: bool) -> Map<String, Value> {
        let schema = schema::project();
        let fitted = self.fields(schema, project, &mut String::new());
        if !partial && self.lacks(schema, &fitted, "") { Map::new() } else { fitted }
    }

    fn value(&mut self, schema: &Value, value: &Value, name: &str, pointer: &mut String) -> Option<Value> {
        if is_nothing(value) {
            return None;
        }
        let schema = resolve(schema);
        let allows = |name: &str| match &schema["type"] {
            Value::Array(types) => types.iter().any(|one| one == name),
            one => one == name,
        };
        match value {
            // A half of a pair of coordinates is another place: all or nothing.
            Value::Array(_) if name == "coordinates" && allows("array") => {
                if is_coordinates(value, 0) {
                    Some(value.clone())
                } else {
                    self.refuse(pointer, Problem::Type)
                }
            }
            Value::Array(items) if allows("array") => self.items(schema, items, name, pointer),
            Value::Object(_) if allows("object") && schema.get("properties").is_none() => free(value, 0),
            Value::Object(fields) if allows("object") => {
                let fitted = self.fields(schema, fields, pointer);
                (!fitted.is_empty() && !self.lacks(schema, &fitted, pointer)).then(|| Value::Object(fitted))
            }
            Value::String(text) if allows("string") => self.text(schema, text, pointer),
            Value::Number(number) if allows("number") || (allows("integer") && is_whole(number)) => {
                let least = schema["minimum"].as_f64();
                let fits = least.is_none_or(|least| number.as_f64().is_some_and(|number| number >= least));
                if fits { Some(value.clone()) } else { self.refuse(pointer, Problem::Type) }
            }
            // OCDS has identifiers that are numbers; 1 and "1" are the same.
            Value::Number(number) if allows("string") && is_identifier(name) => {
                Some(Value::String(number.to_string()))
            }
            Value::Bool(_) if allows("boolean") => Some(value.clone()),
            _ => self.refuse(pointer, Problem::Type),
        }
    }

    fn text(&mut self, schema: &Value, text: &str, pointer: &str) -> Option<Value> {
        if schema["enum"].as_array().is_some_and(|codes| !codes.iter().any(|code| code == text)) {
            return self.refuse(pointer, Problem::Code);
        }
        let fits = match schema["format"].as_str() {
            Some("date-time") => is_date_time(text),
            Some(format) => schema::has_format(format, text),
            None => true,
        };
        if fits { Some(Value::String(text.to_owned())) } else { self.refuse(pointer, Problem::Format) }
    }

    /// In the order of the schema.
    fn fields(
        &mut self,
        schema: &Value,
        fields: &Map<String, Value>,
        pointer: &mut String,
    ) -> Map<String, Value> {
        let mut fitted = Map::new();
        let declared = schema["properties"].as_object();
        let length = pointer.len();
        for (name, schema) in declared.into_iter().flatten() {
            let Some(value) = fields.get(name) else { continue };
            pointer.push('/');
            pointer.push_str(&escape(name));
            if let Some(value) = self.value(schema, value, name, pointer) {
                fitted.insert(name.clone(), value);
            }
            pointer.truncate(length);
        }
        // That OCDS has fields which OC4IDS does not have is known, and no news.
        if *self.origin == Origin::Data {
            for (name, value) in fields {
                if !is_nothing(value) && !declared.is_some_and(|declared| declared.contains_key(name)) {
                    self.refuse(&format!("{pointer}/{}", escape(name)), Problem::Undeclared);
                }
            }
        }
        fitted
    }

    fn items(&mut self, schema: &Value, items: &[Value], name: &str, pointer: &mut String) -> Option<Value> {
        let mut fitted = List::default();
        let length = pointer.len();
        for (index, item) in items.iter().enumerate() {
            pointer.push_str(&format!("/{index}"));
            if let Some(item) = self.value(&schema["items"], item, name, pointer) {
                fitted.lay(item);
            }
            pointer.truncate(length);
        }
        (!fitted.items.is_empty()).then_some(Value::Array(fitted.items))
    }

    /// Whether a field is missing without which the object says nothing.
    fn lacks(&mut self, schema: &Value, fitted: &Map<String, Value>, pointer: &str) -> bool {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let declared = |name: &str| schema["properties"].get(name).is_some();
        let together =
            TOGETHER.iter().filter(|names| names.iter().all(|name| declared(name))).flatten().copied();
        let missing = required.chain(together).find(|name| !fitted.contains_key(*name)).map(str::to_owned);
        match missing {
            None => false,
            Some(field) => {
                self.refuse(pointer, Problem::Missing(field));
                true
            }
        }
    }

    /// Says that a field for one organization was left empty, since there are several.
    pub(super) fn several(&mut self, field: &'static str) {
        self.left_out.push(LeftOut::Several { origin: self.origin.clone(), field });
    }

    fn refuse(&mut self, pointer: &str, problem: Problem) -> Option<Value> {
        let (origin, pointer) = (self.origin.clone(), pointer.to_owned());
        self.left_out.push(LeftOut::Field { origin, pointer, problem });
        None
    }
}

/// Lays a value over another: objects field by field, arrays of objects with `id` item by item, anything else whole.
pub(super) fn lay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => lay_fields(under, over),
        (Value::Array(under), Value::Array(over)) if over.iter().all(|item| item.get("id").is_some()) => {
            let mut list = List::default();
            std::mem::take(under).into_iter().chain(over).for_each(|item| list.lay(item));
            *under = list.items;
        }
        (under, over) => *under = over,
    }
}

/// As [`lay`], of the fields of two objects.
pub(super) fn lay_fields(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (name, value) in over {
        match under.get_mut(&name) {
            Some(present) => lay(present, value),
            None => {
                under.insert(name, value);
            }
        }
    }
}

/// Items, each once and each with an `id` of its own.
#[derive(Debug, Default)]
pub(super) struct List {
    pub items: Vec<Value>,
    by_key: HashMap<String, usize>,
    /// Items without `id`, as text.
    others: HashSet<String>,
}

impl List {
    /// Adds an item, or lays it over the one with the same `id`.
    pub(super) fn lay(&mut self, item: Value) {
        match key(&item) {
            Some(key) => match self.by_key.get(&key) {
                Some(&at) => lay(&mut self.items[at], item),
                None => self.push(key, item),
            },
            None => {
                if self.others.insert(item.to_string()) {
                    self.items.push(item);
                }
            }
        }
    }

    /// Adds an item with an `id` under which another may be here already: an equal one is not added again, a
    /// different one gets the qualifier before its id (`OP-031-1`), and if need be a number after it.
    pub(super) fn add(&mut self, mut item: Value, qualifier: &str) {
        let Some(own) = id_text(item.get("id")).map(Cow::into_owned) else { return };
        let mut id = own.clone();
        for number in 1_u32.. {
            item["id"] = Value::String(id.clone());
            match self.by_key.get(&id).map(|&at| &self.items[at]) {
                None => return self.push(id, item),
                Some(same) if *same == item => return,
                Some(_) if number == 1 => id = format!("{qualifier}-{own}"),
                Some(_) => id = format!("{qualifier}-{own}-{number}"),
            }
        }
    }

    fn push(&mut self, key: String, item: Value) {
        self.by_key.insert(key, self.items.len());
        self.items.push(item);
    }
}

/// What tells an item from the others in its array: its `id`, in its scheme if it has one.
fn key(item: &Value) -> Option<String> {
    let id = id_text(item.get("id")).map(Cow::into_owned)?;
    Some(item["scheme"].as_str().map_or_else(|| id.clone(), |scheme| format!("{scheme} {id}")))
}

/// Puts a value into an object, unless it is nothing.
pub(super) fn put(object: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    let value = value.into();
    if !is_nothing(&value) {
        object.insert(name.to_owned(), value);
    }
}

fn resolve(schema: &Value) -> &Value {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| schema::project().pointer(pointer)).unwrap_or(schema)
}

fn is_identifier(name: &str) -> bool {
    matches!(name, "id" | "ocid" | "identifier" | "identifiers" | "releaseID")
}

fn is_whole(number: &Number) -> bool {
    number.is_i64() || number.is_u64()
}

/// `null`, a text of spaces, an object or array without anything in it.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => is_blank(text),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// As the reference tool sees it: to Python, the separators of ASCII are white space too.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

fn is_coordinates(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => {
            depth < MAX_DEPTH && !items.is_empty() && items.iter().all(|item| is_coordinates(item, depth + 1))
        }
        Value::Number(_) => true,
        _ => false,
    }
}

/// What is not nothing of a value about which the schema says no more (`dimensions`).
fn free(value: &Value, depth: usize) -> Option<Value> {
    if depth == MAX_DEPTH || is_nothing(value) {
        return None;
    }
    let cleaned = match value {
        Value::Object(fields) => {
            let kept =
                fields.iter().filter_map(|(name, value)| Some((name.clone(), free(value, depth + 1)?)));
            Value::Object(kept.collect())
        }
        Value::Array(items) => items.iter().filter_map(|item| free(item, depth + 1)).collect(),
        other => other.clone(),
    };
    (!is_nothing(&cleaned)).then_some(cleaned)
}
