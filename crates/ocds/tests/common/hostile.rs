//! Inputs that somebody might send, and a bounded number of tries with them.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::LazyLock;

use ocds::schema;
use serde_json::{Map, Value, json};

use crate::mutants::{KINDS, Random, mutant};

/// Tries a target with so many inputs, times `AVANCE_FUZZ`.
pub fn fuzz(inputs: u64, target: fn(&mut Random)) {
    let times = std::env::var("AVANCE_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    for input in 1..=inputs * times {
        // Neighbouring seeds of a xorshift begin alike.
        let seed = input.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&mut Random(seed)))) {
            eprintln!("the input of seed {seed:#x} (number {input})");
            resume_unwind(panic);
        }
    }
}

/// The fixtures: lists of cases, releases, packages.
pub static DOCUMENTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    fn files(folder: &Path, found: &mut Vec<Value>) {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                files(&path, found);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.extend(serde_json::from_str::<Value>(&text));
            }
        }
    }
    fn documents(value: &Value, found: &mut Vec<Value>) {
        match value {
            Value::Object(fields) => {
                if ["ocid", "releases", "records"].iter().any(|name| fields.contains_key(*name)) {
                    found.push(value.clone());
                }
                fields.values().for_each(|value| documents(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| documents(item, found)),
            _ => {}
        }
    }
    let mut read = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), &mut read);
    let mut found = Vec::new();
    read.iter().for_each(|value| documents(value, &mut found));
    assert!(found.len() > 100, "{} documents", found.len());
    found
});

/// The names that the schema gives to fields.
pub static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    fn collect(schema: &Value, names: &mut Vec<String>) {
        let Value::Object(fields) = schema else { return };
        names.extend(schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned());
        fields.values().for_each(|value| collect(value, names));
    }
    let mut names = Vec::new();
    collect(schema::release(), &mut names);
    names.sort();
    names.dedup();
    names
});

/// A text that somebody might send: controls, marks, very long, or nearly right.
pub fn text(random: &mut Random) -> String {
    match random.below(12) {
        0 => String::new(),
        1 => "\u{0}\u{1}\u{7f}\u{85}\u{200b}\u{202e}\u{feff}".to_owned(),
        2 => "n\u{303}andu\u{301} Ñandú 👩‍🔧 ﷽".to_owned(),
        3 => "á".repeat(random.below(5_000)),
        4 => "../../{field}%s${x}\"'\\\r\n".to_owned(),
        5 => "ocds-abc123-PP-2026-0107".to_owned(),
        6 => "https://ejemplo.example.org/acta.pdf".to_owned(),
        7 => format!("2026-0{}-{:02}T00:00:00Z", 1 + random.below(9), random.below(40)),
        8 => random.pick(&["active", "MXN", "tender", "buyer", "N/A", "compiled", "image/webp"]).to_string(),
        9 => (0..random.below(24)).filter_map(|_| char::from_u32(random.below(0x11_0000) as u32)).collect(),
        10 => format!("{}", random.below(100_000_000)),
        _ => random.pick(&["1", "2", "3"]).to_string(),
    }
}

/// A name of a field: most are of the standard.
pub fn name(random: &mut Random) -> String {
    match random.below(24) {
        0 => text(random),
        1 => "a/b~c~1".to_owned(),
        2 => "0".to_owned(),
        3 => "campo".repeat(2_000),
        4 => format!("{}_es-MX", random.pick(&NAMES)),
        _ => random.pick(&NAMES).clone(),
    }
}

/// Any value, up to so many levels deep.
pub fn tree(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 8 } else { 16 }) {
        0 => json!(null),
        1 => json!(random.below(2) == 0),
        2 => random
            .pick(&[
                json!(0),
                json!(-0.0),
                json!(1),
                json!(1.0),
                json!(u64::MAX),
                json!(i64::MIN),
                json!(0.1),
            ])
            .clone(),
        3 => random
            .pick(&[json!(1e308), json!(-1e308), json!(5e-324), json!(1e17), json!(123_456.789)])
            .clone(),
        4..8 => Value::String(text(random)),
        8..11 => {
            let mut items: Vec<Value> = (0..random.below(4)).map(|_| tree(random, depth - 1)).collect();
            // Ids that are the same, or nearly.
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                let ids = [json!("1"), json!(1), json!(1.0), json!("2"), json!(null), json!([]), json!({})];
                item.insert("id".to_owned(), random.pick(&ids).clone());
            }
            Value::Array(items)
        }
        _ => Value::Object((0..random.below(6)).map(|_| (name(random), tree(random, depth - 1))).collect()),
    }
}

/// Something like a release: a fixture that was damaged, or a tree under what a release must have.
pub fn release(random: &mut Random) -> Value {
    if random.below(2) == 0 {
        let mut document = random.pick(&DOCUMENTS).clone();
        for _ in 0..random.below(6) {
            let kind = *random.pick(&KINDS);
            document = mutant(&document, kind, random).unwrap_or(document);
        }
        return document;
    }
    let mut release =
        json!({"ocid": "ocds-abc123-1", "id": text(random), "tag": ["planning"], "initiationType": "tender"});
    release["date"] = json!(format!("2026-0{}-01T00:00:00Z", 1 + random.below(9)));
    for _ in 0..random.below(8) {
        release[name(random)] = tree(random, 6);
    }
    release
}

pub fn releases(random: &mut Random) -> Vec<Value> {
    (0..random.below(5)).map(|_| release(random)).collect()
}

/// Bytes that were a document, or never were.
pub fn bytes(random: &mut Random) -> Vec<u8> {
    let mut bytes = random.pick(&DOCUMENTS).to_string().into_bytes();
    match random.below(6) {
        0 => bytes = (0..random.below(400)).map(|_| random.below(256) as u8).collect(),
        1 => bytes.truncate(random.below(bytes.len())),
        2 => bytes = random.pick(&["[", "{\"a\":", "[[],", "\"", "-", "1e"]).repeat(100_000).into_bytes(),
        3 => {
            let from = random.below(bytes.len());
            let to = from + random.below(bytes.len() - from);
            bytes.extend_from_within(from..to);
        }
        _ => {
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
    }
    bytes
}
