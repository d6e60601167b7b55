//! What merging needs of a JSON value, and where it puts the result.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::json::{Json, Writer};

/// A JSON value to merge: [`Value`] or [`Json`].
pub(crate) trait Tree: Sized {
    fn is_null(&self) -> bool;
    fn is_object(&self) -> bool;
    /// The fields of an object; none of anything else.
    fn fields(&self) -> impl Iterator<Item = (&str, &Self)>;
    /// How many fields an object has.
    fn size(&self) -> usize;
    /// The items of an array; `None` of anything else.
    fn array(&self) -> Option<&[Self]>;
    fn get(&self, name: &str) -> Option<&Self>;
    /// The text of a string; `None` of anything else.
    fn text(&self) -> Option<Cow<'_, str>>;
    /// An id as text: `1` and `"1"` are one.
    fn id(&self) -> Cow<'_, str>;
    /// Equality as the reference has it: `1` and `1.0` are the same number, and so is `true`.
    fn same(&self, other: &Self) -> bool;
}

impl Tree for Value {
    fn is_null(&self) -> bool {
        self.is_null()
    }

    fn is_object(&self) -> bool {
        self.is_object()
    }

    fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }

    fn size(&self) -> usize {
        self.as_object().map_or(0, Map::len)
    }

    fn array(&self) -> Option<&[Self]> {
        self.as_array().map(Vec::as_slice)
    }

    fn get(&self, name: &str) -> Option<&Self> {
        self.get(name)
    }

    fn text(&self) -> Option<Cow<'_, str>> {
        self.as_str().map(Cow::Borrowed)
    }

    fn id(&self) -> Cow<'_, str> {
        self.as_str().map_or_else(|| Cow::Owned(self.to_string()), Cow::Borrowed)
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Bool(truth), Value::Number(number)) | (Value::Number(number), Value::Bool(truth)) => {
                number.as_f64() == Some(f64::from(u8::from(*truth)))
            }
            (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| a.same(b)))
            }
            _ => self == other,
        }
    }
}

impl Tree for Json<'_> {
    fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    fn is_object(&self) -> bool {
        matches!(self, Json::Object(_))
    }

    fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
        let fields = if let Json::Object(fields) = self { fields.as_slice() } else { &[] };
        fields.iter().map(|(name, value)| (name.as_ref(), value))
    }

    fn size(&self) -> usize {
        if let Json::Object(fields) = self { fields.len() } else { 0 }
    }

    fn array(&self) -> Option<&[Self]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    fn get(&self, name: &str) -> Option<&Self> {
        self.get(name)
    }

    fn text(&self) -> Option<Cow<'_, str>> {
        self.text()
    }

    fn id(&self) -> Cow<'_, str> {
        match self {
            Json::String(text) => text.decode(),
            Json::Number(number) => Cow::Borrowed(number),
            other => Cow::Owned(other.to_string(crate::json::Style::default())),
        }
    }

    fn same(&self, other: &Self) -> bool {
        let number = |text: &str| text.parse::<f64>().ok();
        match (self, other) {
            (Json::Bool(truth), Json::Number(text)) | (Json::Number(text), Json::Bool(truth)) => {
                number(text) == Some(f64::from(u8::from(*truth)))
            }
            (Json::Number(a), Json::Number(b)) => a == b || number(a) == number(b),
            // The same text may be written with escapes and without.
            (Json::String(a), Json::String(b)) => a == b || a.decode() == b.decode(),
            (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Json::Object(a), Json::Object(_)) => match other {
                Json::Object(b) if a.len() == b.len() => {
                    a.iter().all(|(name, a)| other.get(name).is_some_and(|b| a.same(b)))
                }
                _ => false,
            },
            _ => self == other,
        }
    }
}

/// Where a merged release goes, in the order of its text.
pub(crate) trait Sink<T> {
    /// Begins an object that will have about so many fields.
    fn begin_object(&mut self, fields: usize);
    fn end_object(&mut self);
    fn begin_array(&mut self);
    fn end_array(&mut self);
    fn name(&mut self, name: &str);
    fn string(&mut self, text: &str);
    fn null(&mut self);
    /// A value of the releases, whole.
    fn tree(&mut self, value: &T);
}

impl Sink<Json<'_>> for Writer {
    fn begin_object(&mut self, _fields: usize) {
        self.begin_object();
    }

    fn end_object(&mut self) {
        self.end_object();
    }

    fn begin_array(&mut self) {
        self.begin_array();
    }

    fn end_array(&mut self) {
        self.end_array();
    }

    fn name(&mut self, name: &str) {
        self.name(name);
    }

    fn string(&mut self, text: &str) {
        self.string(text);
    }

    fn null(&mut self) {
        self.json(&Json::Null);
    }

    fn tree(&mut self, value: &Json<'_>) {
        self.json(value);
    }
}

/// Makes a [`Value`].
#[derive(Default)]
pub(crate) struct Builder {
    /// The objects and arrays that are open, each with the name it will have.
    open: Vec<(Option<String>, Value)>,
    name: Option<String>,
    whole: Value,
}

impl Builder {
    pub(crate) fn finish(self) -> Value {
        self.whole
    }

    fn put(&mut self, name: Option<String>, value: Value) {
        match (self.open.last_mut(), name) {
            (Some((_, Value::Object(fields))), Some(name)) => {
                fields.insert(name, value);
            }
            (Some((_, Value::Array(items))), _) => items.push(value),
            _ => self.whole = value,
        }
    }

    fn begin(&mut self, empty: Value) {
        let name = self.name.take();
        self.open.push((name, empty));
    }

    fn end(&mut self) {
        if let Some((name, value)) = self.open.pop() {
            self.put(name, value);
        }
    }

    fn leaf(&mut self, value: Value) {
        let name = self.name.take();
        self.put(name, value);
    }
}

impl Sink<Value> for Builder {
    fn begin_object(&mut self, fields: usize) {
        self.begin(Value::Object(Map::with_capacity(fields)));
    }

    fn end_object(&mut self) {
        self.end();
    }

    fn begin_array(&mut self) {
        self.begin(Value::Array(Vec::new()));
    }

    fn end_array(&mut self) {
        self.end();
    }

    fn name(&mut self, name: &str) {
        self.name = Some(name.to_owned());
    }

    fn string(&mut self, text: &str) {
        self.leaf(Value::String(text.to_owned()));
    }

    fn null(&mut self) {
        self.leaf(Value::Null);
    }

    fn tree(&mut self, value: &Value) {
        self.leaf(value.clone());
    }
}
