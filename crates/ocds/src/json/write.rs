//! Writing JSON.

use serde_json::Value;

use super::{Json, Text, plain_length};

/// How JSON is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With line breaks and an indent of two spaces. Otherwise without any space.
    pub pretty: bool,
    /// With `\u00f1` for whatever is not ASCII, and `\u007f`. Otherwise in UTF-8.
    pub ascii: bool,
}

/// A place in what a [`Writer`] writes.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    length: usize,
    depth: usize,
    comma: bool,
    named: bool,
}

/// Writes JSON piece by piece into memory.
///
/// The commas and the spaces are its business; that names alternate with values is the caller's.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    style: Style,
    depth: usize,
    /// Whether something stands before, in the array or object that is being written.
    comma: bool,
    /// Whether a name was just written.
    named: bool,
}

impl Writer {
    /// An empty text.
    pub fn new(style: Style) -> Writer {
        Writer { style, ..Writer::default() }
    }

    /// A piece of a text in which `depth` arrays and objects are open, and the last of them has nothing yet: whoever
    /// puts pieces together writes the commas between them.
    pub fn within(style: Style, depth: usize) -> Writer {
        Writer { style, depth, ..Writer::default() }
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// The present place, to come back to.
    pub fn mark(&self) -> Mark {
        Mark { length: self.out.len(), depth: self.depth, comma: self.comma, named: self.named }
    }

    /// Takes back what was written since.
    pub fn rewind(&mut self, mark: Mark) {
        self.out.truncate(mark.length);
        (self.depth, self.comma, self.named) = (mark.depth, mark.comma, mark.named);
    }

    /// Ends an array whose items were written in pieces elsewhere.
    pub fn end_array_of_pieces(&mut self, has_items: bool) {
        self.comma = has_items;
        self.end_array();
    }

    /// What was written, as a text.
    pub fn into_string(self) -> String {
        String::from_utf8(self.out).expect("only pieces of texts were written")
    }

    /// Begins an object.
    pub fn begin_object(&mut self) {
        self.begin(b'{');
    }

    /// Ends an object.
    pub fn end_object(&mut self) {
        self.end(b'}');
    }

    /// Begins an array.
    pub fn begin_array(&mut self) {
        self.begin(b'[');
    }

    /// Ends an array.
    pub fn end_array(&mut self) {
        self.end(b']');
    }

    /// The name of a field; its value is next.
    pub fn name(&mut self, name: &str) {
        self.before();
        self.quoted(name);
        self.out.extend_from_slice(if self.style.pretty { b": " } else { b":" });
        self.named = true;
    }

    /// A string.
    pub fn string(&mut self, text: &str) {
        self.before();
        self.quoted(text);
    }

    /// A value read as [`Json`].
    pub fn json(&mut self, value: &Json<'_>) {
        match value {
            Json::Null => self.plain("null"),
            Json::Bool(true) => self.plain("true"),
            Json::Bool(false) => self.plain("false"),
            Json::Number(number) => self.plain(number),
            Json::String(text) => {
                self.before();
                self.raw_text(*text);
            }
            Json::Array(items) => {
                self.begin_array();
                items.iter().for_each(|item| self.json(item));
                self.end_array();
            }
            Json::Object(fields) => {
                self.begin_object();
                for (name, value) in fields {
                    self.name(name);
                    self.json(value);
                }
                self.end_object();
            }
        }
    }

    /// A [`serde_json::Value`].
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.plain("null"),
            Value::Bool(true) => self.plain("true"),
            Value::Bool(false) => self.plain("false"),
            Value::Number(number) => self.plain(&number.to_string()),
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.begin_array();
                items.iter().for_each(|item| self.value(item));
                self.end_array();
            }
            Value::Object(fields) => {
                self.begin_object();
                for (name, value) in fields {
                    self.name(name);
                    self.value(value);
                }
                self.end_object();
            }
        }
    }

    /// Ends a document: a line break, and the next one begins anew.
    pub fn end_document(&mut self) {
        self.out.push(b'\n');
        self.comma = false;
    }

    fn begin(&mut self, bracket: u8) {
        self.before();
        self.out.push(bracket);
        self.depth += 1;
        self.comma = false;
    }

    fn end(&mut self, bracket: u8) {
        self.depth = self.depth.saturating_sub(1);
        if self.comma {
            self.line();
        }
        self.out.push(bracket);
        self.comma = true;
    }

    /// What separates the next value or name from the one before it.
    fn before(&mut self) {
        if self.named {
            self.named = false;
        } else {
            if self.comma {
                self.out.push(b',');
            }
            if self.depth > 0 {
                self.line();
            }
        }
        self.comma = true;
    }

    fn line(&mut self) {
        if self.style.pretty {
            self.out.push(b'\n');
            self.out.extend(std::iter::repeat_n(b' ', 2 * self.depth));
        }
    }

    fn plain(&mut self, text: &str) {
        self.before();
        self.out.extend_from_slice(text.as_bytes());
    }

    /// A string as it was written, unless it has to become ASCII.
    fn raw_text(&mut self, text: Text<'_>) {
        if self.style.ascii && !text.raw.bytes().all(is_plain_ascii) {
            return self.quoted(&text.decode());
        }
        self.out.push(b'"');
        self.out.extend_from_slice(text.raw.as_bytes());
        self.out.push(b'"');
    }

    fn quoted(&mut self, text: &str) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.out.push(b'"');
        let mut rest = text;
        // Up to the next character that cannot stand as it is.
        loop {
            let at = if self.style.ascii {
                let stands =
                    |byte: &u8| is_plain_ascii(*byte) && *byte >= b' ' && !matches!(byte, b'"' | b'\\');
                rest.bytes().position(|byte| !stands(&byte)).unwrap_or(rest.len())
            } else {
                plain_length(rest.as_bytes())
            };
            if at == rest.len() {
                break;
            }
            self.out.extend_from_slice(&rest.as_bytes()[..at]);
            let mut characters = rest[at..].chars();
            match characters.next() {
                Some('"') => self.out.extend_from_slice(b"\\\""),
                Some('\\') => self.out.extend_from_slice(b"\\\\"),
                Some('\n') => self.out.extend_from_slice(b"\\n"),
                Some('\r') => self.out.extend_from_slice(b"\\r"),
                Some('\t') => self.out.extend_from_slice(b"\\t"),
                Some(other) => {
                    for unit in other.encode_utf16(&mut [0; 2]) {
                        self.out.extend_from_slice(b"\\u");
                        let digits = [12, 8, 4, 0].map(|shift| HEX[usize::from(*unit >> shift & 0xF)]);
                        self.out.extend_from_slice(&digits);
                    }
                }
                None => {}
            }
            rest = characters.as_str();
        }
        self.out.extend_from_slice(rest.as_bytes());
        self.out.push(b'"');
    }
}

/// Whether [`Style::ascii`] leaves a byte as it is. The last of ASCII is a control character, and other writers escape it.
fn is_plain_ascii(byte: u8) -> bool {
    byte < 0x7F
}
