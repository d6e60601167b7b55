//! What is found in random texts, read in random pieces, is what another reader of JSON finds there.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::stream::{Index, Source, Wanted};

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % end
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// Gives its text in pieces.
struct Pieces<'t> {
    text: &'t [u8],
    random: Random,
    largest: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.random.one_in(20) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let size = (1 + self.random.below(self.largest)).min(buffer.len()).min(self.text.len());
        let (piece, rest) = self.text.split_at(size);
        buffer[..size].copy_from_slice(piece);
        self.text = rest;
        Ok(size)
    }
}

/// Text, pointer, document and ocid of what was found; package without its lists, with place and document.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    found: Vec<(Value, String, u32, Option<String>)>,
    packages: Vec<(Value, String, u32)>,
}

/// Takes what is found in a text.
struct Taking<'t> {
    text: &'t [u8],
    seen: Seen,
    starts: Vec<u64>,
}

impl Visitor for Taking<'_> {
    fn found(&mut self, found: Found<'_>) -> Result<(), Stop> {
        let range = found.offset as usize..(found.offset + found.length) as usize;
        let value: Value = serde_json::from_slice(&self.text[range]).expect("the place of a value");
        if value.get("releases").is_none() {
            assert_eq!(serde_json::from_slice::<Value>(found.bytes).ok().as_ref(), Some(&value));
        }
        let ocid = found.ocid.and_then(crate::stream::text).map(std::borrow::Cow::into_owned);
        self.starts.push(found.offset);
        self.seen.found.push((value, found.position.pointer(), found.document, ocid));
        Ok(())
    }

    fn package(&mut self, package: Wrapper<'_>) -> Result<(), Stop> {
        let value: Value = serde_json::from_slice(package.bytes).expect("what is left of a package");
        // Where its values are.
        for needle in [&b"\"uri\""[..], b"\"https:"] {
            if let Some(at) = memchr::memmem::find(package.bytes, needle) {
                let offset = package.offset(at) as usize;
                assert!(
                    self.text[offset..].starts_with(needle),
                    "{}",
                    String::from_utf8_lossy(&self.text[offset..])
                );
            }
        }
        self.seen.packages.push((value, package.position.pointer(), package.document));
        Ok(())
    }

    fn record(&mut self, record: Found<'_>) -> Result<(), Stop> {
        while self.starts.last().is_some_and(|start| *start >= record.offset) {
            self.starts.pop();
            self.seen.found.pop();
        }
        self.found(record)
    }
}

/// What another reader finds in the same documents.
struct Expecting {
    whole_records: bool,
    document: u32,
    seen: Seen,
}

impl Expecting {
    fn document(&mut self, value: &Value) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, format!("/{index}"), true);
                }
            }
            other => self.value(other, String::new(), true),
        }
        self.document += 1;
    }

    fn value(&mut self, value: &Value, at: String, may_hold_records: bool) {
        let ocid = value["ocid"].as_str();
        let list = |name: &str| value.get(name).and_then(Value::as_array);
        if let Some(records) = list("records").filter(|_| may_hold_records) {
            for (index, record) in records.iter().enumerate().filter(|(_, record)| !record.is_null()) {
                let at = format!("{at}/records/{index}");
                if record.is_object() && !self.whole_records {
                    self.value(record, at, false);
                } else {
                    self.found(record, at);
                }
            }
        } else if let Some(releases) = list("releases") {
            if self.whole_records && ocid.is_some() {
                return self.found(value, at);
            }
            for (index, release) in releases.iter().enumerate().filter(|(_, release)| !release.is_null()) {
                self.found(release, format!("{at}/releases/{index}"));
            }
        } else {
            return self.found(value, at);
        }
        if ocid.is_none() && !at.contains("/records/") {
            let mut left = value.clone();
            for name in ["releases", "records"] {
                if let Some(list) = left.get_mut(name) {
                    *list = json!([]);
                }
            }
            self.seen.packages.push((left, at, self.document));
        }
    }

    fn found(&mut self, value: &Value, at: String) {
        let ocid = value["ocid"].as_str().map(str::to_owned);
        self.seen.found.push((value.clone(), at, self.document, ocid));
    }
}

fn text(random: &mut Random) -> &'static str {
    let texts = [
        "",
        "a",
        "ñandú 😀",
        "}{",
        "} {\n",
        "\"",
        "\\",
        "\\\"",
        "[\u{1}",
        "\"releases\": [",
        "tag",
        "]}",
        "{",
    ];
    texts[random.below(texts.len())]
}

fn scalar(random: &mut Random) -> Value {
    match random.below(7) {
        0 => json!(null),
        1 => json!(true),
        2 => json!(-12.5e3),
        3 => json!(7),
        4 => json!([[], {}, [text(random)], {"ocid": "dentro", "releases": [1]}]),
        5 => json!({"a": {"releases": []}, "records": text(random)}),
        _ => json!(text(random)),
    }
}

/// An object with fields in any order.
fn object(random: &mut Random, mut fields: Vec<(&str, Value)>) -> Value {
    for _ in 0..random.below(4) {
        let name = ["title", "uri", "version", text(random)][random.below(4)];
        let value = if name == "uri" { json!("https://example.org/") } else { scalar(random) };
        if fields.iter().all(|(own, _)| *own != name) {
            fields.push((name, value));
        }
    }
    for at in (1..fields.len()).rev() {
        fields.swap(at, random.below(at + 1));
    }
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    // What has a tag before its releases is a release.
    Value::Object(fields.filter(|(name, _)| name != "tag").collect())
}

fn release(random: &mut Random) -> Value {
    if random.one_in(12) {
        return scalar(random);
    }
    let ocid = format!("ocds-abc123-{}", random.below(4));
    let ocid = if random.one_in(8) { scalar(random) } else { json!(ocid) };
    let id = json!(random.below(9));
    object(random, vec![("ocid", ocid), ("id", id)])
}

fn list(random: &mut Random, item: fn(&mut Random) -> Value) -> Value {
    (0..random.below(4)).map(|_| item(random)).collect()
}

fn record(random: &mut Random) -> Value {
    let releases = list(random, release);
    let compiled = release(random);
    let ocid = if random.one_in(5) { ("id", json!(1)) } else { ("ocid", json!("ocds-abc123-9")) };
    object(random, vec![ocid, ("releases", releases), ("compiledRelease", compiled)])
}

fn any(random: &mut Random) -> Value {
    match random.below(8) {
        0..3 => release(random),
        3 => record(random),
        4 | 5 => {
            let releases = list(random, release);
            object(random, vec![("releases", releases)])
        }
        6 => {
            let records = list(random, record);
            object(random, vec![("records", records)])
        }
        _ => object(random, vec![]),
    }
}

fn document(random: &mut Random) -> Value {
    if random.one_in(5) { list(random, any) } else { any(random) }
}

fn space(random: &mut Random, much: bool, out: &mut Vec<u8>) {
    while much && random.one_in(2) {
        out.push(b" \n\r\t"[random.below(4)]);
    }
}

fn write(value: &Value, random: &mut Random, much: bool, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                space(random, much, out);
                write(item, random, much, out);
                space(random, much, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            space(random, much, out);
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                    space(random, much, out);
                }
                out.extend_from_slice(Value::from(name.as_str()).to_string().as_bytes());
                space(random, much, out);
                out.push(b':');
                space(random, much, out);
                write(value, random, much, out);
                space(random, much, out);
            }
            out.push(b'}');
        }
        other => out.extend_from_slice(other.to_string().as_bytes()),
    }
}

/// Documents, and a text that they are.
fn documents(random: &mut Random) -> (Vec<Value>, Vec<u8>) {
    let documents: Vec<Value> = (0..random.below(5)).map(|_| document(random)).collect();
    let mut out = Vec::new();
    for document in &documents {
        let much = random.one_in(2);
        space(random, much, &mut out);
        write(document, random, much, &mut out);
        // Only what has no end of its own needs something after it.
        if random.one_in(2) || !(document.is_object() || document.is_array()) {
            out.push(b'\n');
        }
    }
    (documents, out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn everything_is_found_in_any_pieces(seed in 1_u64..) {
        let mut random = Random(seed);
        let (documents, text) = documents(&mut random);
        for whole_records in [false, true] {
            let mut expecting = Expecting { whole_records, document: 0, seen: Seen::default() };
            documents.iter().for_each(|document| expecting.document(document));
            let largest = [1, 7, 100, 5_000][random.below(4)];
            let pieces = Pieces { text: &text, random: Random(seed), largest };
            let mut scanner = Scanner::new(pieces, whole_records, String::new());
            let mut taking = Taking { text: &text, seen: Seen::default(), starts: Vec::new() };
            while scanner.next(&mut taking).expect("JSON") {}
            prop_assert_eq!(&taking.seen, &expecting.seen, "{}", String::from_utf8_lossy(&text));
            prop_assert_eq!(scanner.is_blank(), documents.is_empty());

            let wanted = if whole_records { Wanted::Records } else { Wanted::Releases };
            if documents.is_empty() {
                continue;
            }
            let index = Index::read(vec![Source::bytes("made", &text)], wanted, &|_| {}).expect("JSON");
            let numbers: Vec<u32> = (0..index.entries().len() as u32).collect();
            let texts = index.texts(&numbers).expect("memory");
            let read: Vec<Value> = texts.iter().map(|text| serde_json::from_slice(text).expect("JSON")).collect();
            let expected: Vec<&Value> = expecting.seen.found.iter().map(|(value, ..)| value).collect();
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), expected);
            for number in numbers {
                // The package that something is in is the one whose place its own place begins with.
                let entry = &index.entries()[number as usize];
                let at = entry.pointer();
                let held = at.contains("/releases/") || at.contains("/records/");
                let own = expecting.seen.packages.iter().position(|(_, package, document)| {
                    *document == entry.document && held && at.strip_prefix(package.as_str()).is_some_and(|rest| rest.starts_with("/r"))
                });
                prop_assert_eq!(index.package_at(number), own, "{}", at);
            }
        }
    }
}

#[derive(Default)]
struct Counting(usize);

impl Visitor for Counting {
    fn found(&mut self, _: Found<'_>) -> Result<(), Stop> {
        self.0 += 1;
        Ok(())
    }

    fn package(&mut self, _: Wrapper<'_>) -> Result<(), Stop> {
        Ok(())
    }

    fn record(&mut self, _: Found<'_>) -> Result<(), Stop> {
        self.0 += 1;
        Ok(())
    }
}

/// How many things were found, and how large the buffer became.
fn scan(text: impl Read) -> (usize, usize) {
    let mut scanner = Scanner::new(text, false, String::new());
    let mut counting = Counting::default();
    while scanner.next(&mut counting).expect("JSON") {}
    (counting.0, scanner.buffer.len())
}

#[test]
fn only_what_is_needed_is_kept() {
    let release = r#"{"ocid":"ocds-abc123-1","id":"1"}"#;
    let space = || io::repeat(b' ').take(5 << 20);
    // A great deal of space, anywhere. In a line, it is searched for its end.
    let between = release.as_bytes().chain(space()).chain(release.as_bytes()).chain(space());
    assert_eq!(scan(between), (2, 2 * CHUNK));
    let between = release.as_bytes().chain(&b"\n"[..]).chain(space()).chain(release.as_bytes());
    assert_eq!(scan(between), (2, 4 * CHUNK));
    let within = r#"{"releases":["#.as_bytes().chain(space()).chain(release.as_bytes()).chain(space()).chain(&b"]}"[..]);
    assert_eq!(scan(within), (1, 2 * CHUNK));
    // A line of many documents: it is not searched for its end at each of them, which would take hours here.
    let many = release.repeat(200_000);
    assert_eq!(scan(many.as_bytes()), (200_000, 2 * CHUNK));
    let lines = format!("{release}\n").repeat(200_000);
    assert_eq!(scan(lines.as_bytes()), (200_000, CHUNK));
    // A document is never in memory twice over.
    let long = format!("{{\"ocid\":\"1\",\"title\":\"{}\"}}\n", "a".repeat(3 << 20)).repeat(3);
    assert_eq!(scan(long.as_bytes()), (3, 4 * CHUNK));
}
