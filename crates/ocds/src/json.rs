//! JSON as it was written (RFC 8259): a tree that borrows from the text.
//!
//! Merging fifty thousand releases moves values from one document to another without looking into most of them. A
//! [`Json`] therefore keeps numbers and strings as the slices of the text that they are: nothing is copied, no digit
//! of an amount is lost, and what is written is what was read. [`serde_json::Value`], rejected for this, copies each
//! string and rounds a number that no `f64` holds; [`Json::to_value`] makes one where the content matters.
//!
//! ```
//! use ocds::json::{Json, Style, parse};
//!
//! let read = parse(r#"{"amount": 1250000.10, "title": "Banquetas"}"#).unwrap();
//! assert_eq!(read.value.get("title").and_then(Json::text).as_deref(), Some("Banquetas"));
//! assert_eq!(read.value.to_string(Style::default()), r#"{"amount":1250000.10,"title":"Banquetas"}"#);
//!
//! let error = parse("{\"amount\": 1,\n \"title\" \"Banquetas\"}").unwrap_err();
//! assert_eq!((error.line, error.column), (2, 10));
//! ```

mod parse;
mod write;

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

pub use parse::{Fault, MAX_DEPTH, Oddity, ParseError, Parsed, parse};
pub(crate) use parse::{mark, offset, plain_length};
pub use write::{Mark, Style, Writer};

/// A JSON value whose strings and numbers are slices of the text it was read from.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(&'a str),
    /// A string, as written.
    String(Text<'a>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object: its fields in the order written, each name once.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// What is between the quotes of a string, escapes and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// The text without its escapes. Copies only if there are some.
    pub fn decode(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(parse::unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

impl<'a> Json<'a> {
    /// The field of an object; `None` of anything else.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        match self {
            Json::Object(fields) => fields.iter().find(|(own, _)| own == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string; `None` of anything else.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            Json::String(text) => Some(text.decode()),
            _ => None,
        }
    }

    /// The items of an array; none of anything else.
    pub fn items(&self) -> &[Json<'a>] {
        match self {
            Json::Array(items) => items,
            _ => &[],
        }
    }

    /// The same as a [`serde_json::Value`].
    ///
    /// A number becomes an integer of 64 bits where it is one, else the nearest `f64`, as `serde_json` reads it;
    /// `None` if there is a number that no `f64` can be near to (`1e999`).
    pub fn to_value(&self) -> Option<Value> {
        Some(match self {
            Json::Null => Value::Null,
            Json::Bool(truth) => Value::Bool(*truth),
            Json::Number(number) => Value::Number(to_number(number)?),
            Json::String(text) => Value::String(text.decode().into_owned()),
            Json::Array(items) => Value::Array(items.iter().map(Json::to_value).collect::<Option<_>>()?),
            Json::Object(fields) => {
                let mut map = Map::with_capacity(fields.len());
                for (name, value) in fields {
                    map.insert(name.clone().into_owned(), value.to_value()?);
                }
                Value::Object(map)
            }
        })
    }

    /// The text of the value.
    pub fn to_string(&self, style: Style) -> String {
        let mut writer = Writer::new(style);
        writer.json(self);
        writer.into_string()
    }
}

fn to_number(text: &str) -> Option<Number> {
    if let Ok(whole) = text.parse::<i64>() {
        // `-0` is a float, or its sign would be lost.
        return if text == "-0" { Number::from_f64(-0.0) } else { Some(Number::from(whole)) };
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(Number::from(whole));
    }
    Number::from_f64(text.parse::<f64>().ok()?)
}
