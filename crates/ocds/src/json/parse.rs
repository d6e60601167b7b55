//! Reading JSON.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Json, Text};

/// Arrays and objects inside one another, at most. A release has about ten.
pub const MAX_DEPTH: usize = 128;

/// A value, and what was odd about its text.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The value.
    pub value: Json<'a>,
    /// What is JSON, but not read alike by everybody. In the order of the text.
    pub odd: Vec<Oddity>,
}

/// Something that is JSON, and that readers understand differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A name stands twice in an object (RFC 8259, section 4). The last value counts.
    RepeatedName {
        /// The name.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// A number too large for the `f64` of most readers, such as `1e999`.
    HugeNumber {
        /// The number, as written; its beginning if it is long.
        number: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
}

/// Why a text is not JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at line {line} column {column}")]
pub struct ParseError {
    /// What is wrong.
    pub fault: Fault,
    /// Bytes before the place.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// What can be wrong with a text that should be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is nothing, or only space.
    #[error("there is no JSON")]
    Empty,
    /// The text ends within a value.
    #[error("EOF: the text ends within a value")]
    End,
    /// A character that cannot stand there.
    #[error("an unexpected {0:?}")]
    Unexpected(char),
    /// Something that begins like a number, `true`, `false` or `null`, and is none.
    #[error("this is no JSON value")]
    Word,
    /// An escape that JSON does not have, or half a character.
    #[error("an escape that JSON does not have")]
    Escape,
    /// A control character inside a string: a line break, a tab.
    #[error("a control character inside a string")]
    Control,
    /// More than [`MAX_DEPTH`] arrays and objects inside one another.
    #[error("recursion limit: nested more than {MAX_DEPTH} deep")]
    Deep,
}

/// Reads a text that is one JSON value.
///
/// # Errors
/// [`ParseError`] if it is not JSON as RFC 8259 has it, or is nested more than [`MAX_DEPTH`] deep.
pub fn parse(text: &str) -> Result<Parsed<'_>, ParseError> {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: 0,
        depth: 0,
        odd: Vec::new(),
        values: Vec::new(),
        names: Vec::new(),
    };
    let read = parser.document();
    let (bytes, mut odd) = (parser.at, parser.odd);
    match read {
        Ok(value) => {
            for oddity in &mut odd {
                oddity.locate(text);
            }
            Ok(Parsed { value, odd })
        }
        Err(fault) => {
            let (line, column) = place(text, bytes);
            Err(ParseError { fault, offset: bytes, line, column })
        }
    }
}

impl Oddity {
    /// The offset stands in `line` until the whole text has been read: to count lines for each would be quadratic in
    /// a text full of oddities.
    fn locate(&mut self, text: &str) {
        let (line, column) = self.place_mut();
        (*line, *column) = place(text, *line);
    }

    pub(crate) fn place_mut(&mut self) -> (&mut usize, &mut usize) {
        let (Oddity::RepeatedName { line, column, .. } | Oddity::HugeNumber { line, column, .. }) = self;
        (line, column)
    }
}

/// Line and column of an offset.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let characters = before[start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    (memchr::memchr_iter(b'\n', before).count() + 1, characters + 1)
}

/// The offset of a line and column.
pub(crate) fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let start = line.checked_sub(2).and_then(|before| memchr::memchr_iter(b'\n', text).nth(before));
    let start = start.map_or(0, |end| end + 1);
    let characters = text[start..].iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80);
    characters.map(|(at, _)| start + at).nth(column.saturating_sub(1)).unwrap_or(text.len())
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    odd: Vec<Oddity>,
    /// The values of what is open, and the names of those in objects. Each array or object is made in one piece when it
    /// ends: to let it grow, and to hand each value up through the calls, took longer than to read it.
    values: Vec<Json<'a>>,
    names: Vec<Cow<'a, str>>,
}

impl<'a> Parser<'a> {
    fn document(&mut self) -> Result<Json<'a>, Fault> {
        if self.next_byte().is_none() {
            return Err(Fault::Empty);
        }
        self.value()?;
        match (self.next_byte(), self.values.pop()) {
            (None, Some(value)) => Ok(value),
            _ => Err(self.unexpected()),
        }
    }

    /// Skips space; the byte after it.
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    fn unexpected(&self) -> Fault {
        self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(Fault::End, Fault::Unexpected)
    }

    /// Reads a value, which is then the last of `values`.
    fn value(&mut self) -> Result<(), Fault> {
        match self.next_byte() {
            Some(b'"') => {
                let text = self.string()?;
                self.values.push(Json::String(text));
            }
            Some(b'{') => self.nested(Parser::object)?,
            Some(b'[') => self.nested(Parser::array)?,
            Some(b'-' | b'0'..=b'9') => {
                let number = self.number()?;
                self.values.push(Json::Number(number));
            }
            Some(b't') => self.word("true", Json::Bool(true))?,
            Some(b'f') => self.word("false", Json::Bool(false))?,
            Some(b'n') => self.word("null", Json::Null)?,
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::Deep);
        }
        self.depth += 1;
        self.at += 1;
        read(self)?;
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// The items of an array, up to its bracket.
    fn array(&mut self) -> Result<(), Fault> {
        let first = self.values.len();
        let mut next = self.next_byte();
        if next != Some(b']') {
            loop {
                self.value()?;
                next = self.next_byte();
                if next != Some(b',') {
                    break;
                }
                self.at += 1;
            }
        }
        if next != Some(b']') {
            return Err(self.unexpected());
        }
        let items = self.values.split_off(first);
        self.values.push(Json::Array(items));
        Ok(())
    }

    /// The fields of an object, up to its brace.
    fn object(&mut self) -> Result<(), Fault> {
        // Names are compared one by one while they are few, as they always are in a release; and only where one before
        // has the same mark.
        const FEW: usize = 24;
        let mut marks = 0;
        let mut many: HashSet<Cow<'a, str>> = HashSet::new();
        let (first_name, first_value) = (self.names.len(), self.values.len());
        let mut next = self.next_byte();
        while next != Some(b'}') {
            if self.next_byte() != Some(b'"') {
                return Err(self.unexpected());
            }
            let start = self.at;
            let name = self.string()?.decode();
            if self.next_byte() != Some(b':') {
                return Err(self.unexpected());
            }
            self.at += 1;
            let bit = mark(&name);
            let own = &self.names[first_name..];
            let known = if own.len() < FEW {
                marks & bit != 0 && own.contains(&name)
            } else {
                if many.is_empty() {
                    many.extend(own.iter().cloned());
                }
                !many.insert(name.clone())
            };
            marks |= bit;
            if known {
                self.odd.push(Oddity::RepeatedName { name: name.to_string(), line: start, column: 0 });
                self.value()?;
                let at = self.names[first_name..].iter().position(|own| *own == name);
                if let (Some(at), Some(value)) = (at, self.values.pop()) {
                    self.values[first_value + at] = value;
                }
            } else {
                self.names.push(name);
                self.value()?;
            }
            next = self.next_byte();
            match next {
                Some(b',') => {
                    self.at += 1;
                    // A brace right after a comma is no end.
                    next = None;
                }
                Some(b'}') => {}
                _ => return Err(self.unexpected()),
            }
        }
        let names = self.names.drain(first_name..);
        let fields: Vec<_> = names.zip(self.values.drain(first_value..)).collect();
        self.values.push(Json::Object(fields));
        Ok(())
    }

    fn string(&mut self) -> Result<Text<'a>, Fault> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_length(&self.bytes[self.at..]);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    let raw = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Text { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(Fault::Control),
                None => return Err(Fault::End),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let unit = self.unit(self.at + 2)?;
                // Half a character must be followed by its other half.
                if (0xD800..0xDC00).contains(&unit) {
                    let follows = self.bytes.get(self.at + 6..self.at + 8) == Some(b"\\u");
                    if !follows || !(0xDC00..0xE000).contains(&self.unit(self.at + 8)?) {
                        return Err(Fault::Escape);
                    }
                    self.at += 6;
                } else if (0xDC00..0xE000).contains(&unit) {
                    return Err(Fault::Escape);
                }
                self.at += 6;
                Ok(())
            }
            Some(_) => Err(Fault::Escape),
            None => Err(Fault::End),
        }
    }

    fn unit(&self, at: usize) -> Result<u16, Fault> {
        hex(self.bytes.get(at..at + 4).ok_or(Fault::End)?).ok_or(Fault::Escape)
    }

    fn number(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        let digits = |at: &mut usize| {
            let first = *at;
            while self.bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at - first
        };
        let mut at = start + usize::from(self.bytes[start] == b'-');
        let leading_zero = self.bytes.get(at) == Some(&b'0');
        let whole = digits(&mut at);
        let mut good = whole > 0 && (whole == 1 || !leading_zero);
        // An integer this long is beyond every `f64`; and only an exponent makes a short number large.
        let mut may_be_huge = whole > 300;
        if self.bytes.get(at) == Some(&b'.') {
            at += 1;
            good &= digits(&mut at) > 0;
        }
        if matches!(self.bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(self.bytes.get(at), Some(b'+' | b'-')));
            good &= digits(&mut at) > 0;
            may_be_huge = true;
        }
        // A letter or a dot right after it: `1.2.3`, `12a`, `0x1F`.
        good &= !self.bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
        if !good {
            return Err(Fault::Word);
        }
        let number = &self.text[start..at];
        if may_be_huge && number.parse::<f64>().is_ok_and(f64::is_infinite) {
            let number = number.chars().take(40).collect();
            self.odd.push(Oddity::HugeNumber { number, line: start, column: 0 });
        }
        self.at = at;
        Ok(number)
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<(), Fault> {
        let rest = &self.bytes[self.at..];
        let goes_on = rest.get(word.len()).is_some_and(u8::is_ascii_alphanumeric);
        if !rest.starts_with(word.as_bytes()) || goes_on {
            return Err(Fault::Word);
        }
        self.at += word.len();
        self.values.push(value);
        Ok(())
    }
}

/// One bit of 64 for a name: two names with different bits are different. Names of fields differ in length and at their
/// ends.
pub(crate) fn mark(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let [first, last] =
        [bytes.first(), bytes.last()].map(|byte| usize::from(byte.copied().unwrap_or_default()));
    1 << ((bytes.len() * 7 + first * 5 + last * 11) % 64)
}

/// How many bytes stand before the next quote, backslash or control character. Eight at a time: most of a release is
/// inside strings.
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let Ok(chunk) = <[u8; 8]>::try_from(chunk) else { break };
        let word = u64::from_le_bytes(chunk);
        // The top bit of each byte that is zero after the exclusive or, or below a space, is set. A byte after the
        // first that is set may be set in error; only the first counts.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let found = (zero(word ^ (ONES * u64::from(b'"')))
            | zero(word ^ (ONES * u64::from(b'\\')))
            | (word.wrapping_sub(ONES * u64::from(b' ')) & !word))
            & TOPS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\')).unwrap_or(rest.len())
}

fn hex(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |unit: u16, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

/// The text of a string that has been read: its escapes are known to be good.
pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or_default();
        let mut length = 2;
        match escape {
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' => {
                let unit = |from: usize| rest.as_bytes().get(at + from..at + from + 4).and_then(hex);
                let units = [unit(2), unit(8)].map(Option::unwrap_or_default);
                let pair = (0xD800..0xDC00).contains(&units[0]);
                length = if pair { 12 } else { 6 };
                text.extend(char::decode_utf16(units).next().and_then(Result::ok));
            }
            other => text.push(char::from(other)),
        }
        rest = rest.get(at + length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::json::Style;

    /// Everything is read, or refused, as `serde_json` does it.
    fn agree(text: &str) {
        let ours = parse(text).map(|parsed| parsed.value);
        match (serde_json::from_str::<Value>(text), &ours) {
            (Ok(theirs), Ok(value)) => {
                assert_eq!(value.to_value().as_ref(), Some(&theirs), "{text}");
                for style in [
                    Style::default(),
                    Style { pretty: true, ascii: false },
                    Style { pretty: false, ascii: true },
                ] {
                    let written = value.to_string(style);
                    assert_eq!(
                        serde_json::from_str::<Value>(&written).ok(),
                        Some(theirs.clone()),
                        "{written}"
                    );
                    assert!(!style.ascii || written.is_ascii());
                }
            }
            (Err(_), Err(_)) => {}
            // `serde_json` refuses what no `f64` holds; here it is an oddity.
            (Err(_), Ok(value)) => assert_eq!(value.to_value(), None, "{text}"),
            (Ok(_), Err(error)) => panic!("{text}: {error}"),
        }
    }

    #[test]
    fn texts_are_read_as_another_library_reads_them() {
        for text in [
            "",
            " ",
            "null",
            " true ",
            "false",
            "nul",
            "truex",
            "nulll",
            "-",
            "-1",
            "0",
            "-0",
            "00",
            "01",
            "1.",
            "1.5",
            ".5",
            "1e5",
            "1E+5",
            "1e-400",
            "1e999",
            "-1e999",
            "1e",
            "1.2.3",
            "12a",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "-9223372036854775809",
            "0.1",
            "123456789.123456789",
            "[]",
            "[1]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[",
            "]",
            "{}",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\"1}",
            "{\"a\":}",
            "{\"a\":1 \"b\":2}",
            "\"\"",
            "\"",
            "\"\\\"",
            "\"\\n\\t\\r\\b\\f\\/\\\\\\\"\"",
            "\"\\u00f1\"",
            "\"\\u00F\"",
            "\"\\uD83D\\uDE00\"",
            "\"\\uD83D\"",
            "\"\\uDE00\"",
            "\"\\uD83Dx\"",
            "\"\\uD83D\\u0041\"",
            "\"\\x\"",
            "\"a\nb\"",
            "\"a\tb\"",
            "\"\u{0}\"",
            "\"\u{7f}\"",
            "\"ñandú €\"",
            "{\"a\":1} x",
            "{\"\\u0061\":1}",
            "[\"12345678\\\"\",\"1234567\\\\\"]",
            "\"\u{e000}\u{ffff}\u{10ffff}\"",
            "1 2",
            "\u{feff}1",
            "{\"a\":1,\"a\":2}",
        ] {
            agree(text);
        }
    }

    #[test]
    fn depth_is_limited() {
        assert!(parse(&format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))).is_ok());
        for deep in [MAX_DEPTH + 1, 1_000_000] {
            let error = parse(&"[".repeat(deep)).expect_err("too deep");
            assert_eq!((error.fault, error.column), (Fault::Deep, MAX_DEPTH + 1));
        }
    }

    #[test]
    fn oddities_are_told_with_their_place() {
        let read = parse("{\"ñ\": 1,\n \"a\": 2, \"ñ\": 3e999}").expect("JSON");
        assert_eq!(
            read.odd,
            [
                Oddity::RepeatedName { name: "ñ".to_owned(), line: 2, column: 10 },
                Oddity::HugeNumber { number: "3e999".to_owned(), line: 2, column: 15 },
            ]
        );
        assert_eq!(read.value.to_string(Style::default()), "{\"ñ\":3e999,\"a\":2}");
        // Many names are compared in another way.
        let many: Vec<String> = (0..100).map(|n| format!("\"{}\":{n}", n % 60)).collect();
        let many = format!("{{{}}}", many.join(","));
        let read = parse(&many).expect("JSON");
        assert_eq!(read.odd.len(), 40);
        assert_eq!(read.value.get("7"), Some(&Json::Number("67")));
        agree(&many);
    }

    #[test]
    fn it_is_written_for_people_too() {
        let read = parse("{\"a\":[],\"b\":[1,{\"c\":{}}],\"ñ\\n\":\"á😀\"}").expect("JSON");
        let pretty = "{\n  \"a\": [],\n  \"b\": [\n    1,\n    {\n      \"c\": {}\n    }\n  ],\n  \"ñ\\n\": \"á😀\"\n}";
        assert_eq!(read.value.to_string(Style { pretty: true, ascii: false }), pretty);
        let value = read.value.to_value().expect("small numbers");
        assert_eq!(serde_json::to_string_pretty(&value).expect("JSON"), pretty);
        assert_eq!(
            read.value.to_string(Style { pretty: false, ascii: true }),
            "{\"a\":[],\"b\":[1,{\"c\":{}}],\"\\u00f1\\n\":\"\\u00e1\\ud83d\\ude00\"}"
        );
        let last = parse("\"\u{7f}\"").expect("JSON").value.to_string(Style { pretty: false, ascii: true });
        assert_eq!(last, "\"\\u007f\"");
    }

    proptest! {
        #[test]
        fn any_text(text in "\\PC*") {
            agree(&text);
        }

        #[test]
        fn any_text_of_the_characters_of_json(text in "[\\[\\]{}\",:0-9eE.+\\\\u \nntrfalsd-]{0,40}") {
            agree(&text);
        }

        #[test]
        fn any_string(text in ".*") {
            agree(&Value::String(text.clone()).to_string());
            let mut writer = crate::json::Writer::default();
            writer.string(&text);
            let written = writer.into_string();
            prop_assert_eq!(serde_json::from_str::<String>(&written).ok(), Some(text));
        }
    }
}
