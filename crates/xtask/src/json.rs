//! Just enough JSON to read what cargo, the test runner of the page and our own programs print. Written here so that
//! the first `cargo xtask` on a bare machine compiles in seconds.

use std::collections::BTreeMap;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads one value; anything after it is an error.
    pub fn parse(text: &str) -> Option<Json> {
        let mut reader = Reader { text: text.as_bytes(), at: 0, depth: 0 };
        let value = reader.value()?;
        reader.blank();
        (reader.at == text.len()).then_some(value)
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(map) => map.get(key),
            _ => None,
        }
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, where it is one.
    pub fn number(&self) -> Option<u64> {
        match self {
            Json::Number(number) if *number >= 0.0 => Some(*number as u64),
            _ => None,
        }
    }

    /// The items of an array; none of anything else.
    pub fn items(&self) -> &[Json] {
        match self {
            Json::List(items) => items,
            _ => &[],
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: u8,
}

impl Reader<'_> {
    fn blank(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn eat(&mut self, word: &str) -> Option<()> {
        self.blank();
        self.text[self.at..].starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    fn value(&mut self) -> Option<Json> {
        self.blank();
        match *self.text.get(self.at)? {
            b'{' | b'[' if self.depth == 64 => None,
            b'{' => {
                self.depth += 1;
                let mut map = BTreeMap::new();
                self.list("{", "}", |reader| {
                    reader.blank();
                    let key = reader.string()?;
                    reader.eat(":")?;
                    map.insert(key, reader.value()?);
                    Some(())
                })?;
                Some(Json::Object(map))
            }
            b'[' => {
                self.depth += 1;
                let mut items = Vec::new();
                self.list("[", "]", |reader| {
                    items.push(reader.value()?);
                    Some(())
                })?;
                Some(Json::List(items))
            }
            b'"' => self.string().map(Json::Text),
            b't' => self.eat("true").map(|()| Json::Bool(true)),
            b'f' => self.eat("false").map(|()| Json::Bool(false)),
            b'n' => self.eat("null").map(|()| Json::Null),
            _ => {
                let start = self.at;
                while self.text.get(self.at).is_some_and(|byte| b"+-.0123456789eE".contains(byte)) {
                    self.at += 1;
                }
                std::str::from_utf8(&self.text[start..self.at]).ok()?.parse().ok().map(Json::Number)
            }
        }
    }

    fn list(&mut self, open: &str, close: &str, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.eat(open)?;
        if self.eat(close).is_none() {
            loop {
                item(self)?;
                if self.eat(",").is_none() {
                    break;
                }
            }
            self.eat(close)?;
        }
        self.depth -= 1;
        Some(())
    }

    fn string(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        self.at += 1;
        loop {
            match *self.text.get(self.at)? {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    match *self.text.get(self.at)? {
                        b'u' => {
                            let character = self.escape()?;
                            bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                        b'n' => bytes.push(b'\n'),
                        b't' => bytes.push(b'\t'),
                        b'r' => bytes.push(b'\r'),
                        b'b' => bytes.push(8),
                        b'f' => bytes.push(12),
                        other => bytes.push(other),
                    }
                }
                other => bytes.push(other),
            }
            self.at += 1;
        }
        self.at += 1;
        String::from_utf8(bytes).ok()
    }

    /// `uXXXX`, or two of them for a character beyond the first 65,536; stays on the last digit.
    fn escape(&mut self) -> Option<char> {
        let mut unit = || {
            let digits = std::str::from_utf8(self.text.get(self.at + 1..self.at + 5)?).ok()?;
            self.at += 4;
            u32::from_str_radix(digits, 16).ok()
        };
        let first = unit()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first);
        }
        if self.text.get(self.at + 1..self.at + 3)? != b"\\u" {
            return None;
        }
        self.at += 2;
        let digits = std::str::from_utf8(self.text.get(self.at + 1..self.at + 5)?).ok()?;
        self.at += 4;
        let second = u32::from_str_radix(digits, 16).ok()?;
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + second.checked_sub(0xDC00)?)
    }
}

/// A string as JSON.
pub fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            other if (other as u32) < 0x20 => json.push_str(&format!("\\u{:04x}", other as u32)),
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let json = Json::parse(
            r#" {"a": [1, -2.5, true, null, {}], "b": {"c": "x\n\"é\u00e1\ud83d\ude00"}, "e": []} "#,
        )
        .unwrap();
        assert_eq!(json.get("a").unwrap().items().len(), 5);
        assert_eq!(json.get("a").unwrap().items()[0].number(), Some(1));
        assert_eq!(json.get("b").unwrap().get("c").unwrap().text(), Some("x\n\"éá😀"));
        assert_eq!(json.get("e").unwrap().items(), []);
    }

    #[test]
    fn broken_text_is_refused() {
        for text in ["", "{", "[1,]", "{\"a\"}", "\"x", "1 2", "\"\\ud800\"", "truth", &"[".repeat(100)] {
            assert_eq!(Json::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_quoted_is_read_back() {
        let text = "a \"b\" \\ c\nd";
        assert_eq!(Json::parse(&quoted(text)), Some(Json::Text(text.to_owned())));
    }
}
