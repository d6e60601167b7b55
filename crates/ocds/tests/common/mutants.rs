//! Seeded mutants of documents: one thing changed, of a kind that is known, and sometimes more.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use ocds::{schema, value};
use serde_json::{Map, Value, json};

/// A small generator: the same mutants in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).expect("a remainder fits")
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// What is done to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A field or an item is gone.
    Drop,
    /// A value is of another type.
    Retype,
    /// A field has another name.
    Rename,
    /// A value is `null`.
    Null,
    /// A code is not of its codelist.
    WrongCode,
    /// A date or an address is written otherwise.
    WrongFormat,
    /// An item is there twice.
    Duplicate,
    /// A text, list or object is empty.
    Empty,
    /// A field appears where it was not.
    Insert,
}

pub const KINDS: [Kind; 9] = [
    Kind::Drop,
    Kind::Retype,
    Kind::Rename,
    Kind::Null,
    Kind::WrongCode,
    Kind::WrongFormat,
    Kind::Duplicate,
    Kind::Empty,
    Kind::Insert,
];

/// A document with one change of this kind and, one time in three, one or two of any kind. `None` if there is nothing
/// in it that such a change can be done to.
pub fn mutant(document: &Value, kind: Kind, random: &mut Random) -> Option<Value> {
    let mut mutant = document.clone();
    if !change(&mut mutant, kind, random) {
        return None;
    }
    if random.below(3) == 0 {
        for _ in 0..=random.below(2) {
            let kind = *random.pick(&KINDS);
            change(&mut mutant, kind, random);
        }
    }
    Some(mutant)
}

fn change(document: &mut Value, kind: Kind, random: &mut Random) -> bool {
    let places = count(document, "", kind, true);
    if places == 0 {
        return false;
    }
    let mut before = random.below(places);
    visit(document, "", kind, true, &mut before, random)
}

fn count(value: &Value, name: &str, kind: Kind, is_root: bool) -> usize {
    let below: usize = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| count(value, name, kind, false)).sum(),
        Value::Array(items) => items.iter().map(|item| count(item, name, kind, false)).sum(),
        _ => 0,
    };
    below + usize::from(applies(kind, value, name, is_root))
}

/// Changes the place that has this many before it; whether it was found.
fn visit(
    value: &mut Value,
    name: &str,
    kind: Kind,
    is_root: bool,
    before: &mut usize,
    random: &mut Random,
) -> bool {
    if applies(kind, value, name, is_root) {
        if *before == 0 {
            apply(kind, value, random);
            return true;
        }
        *before -= 1;
    }
    match value {
        Value::Object(fields) => {
            fields.iter_mut().any(|(name, value)| visit(value, name, kind, false, before, random))
        }
        Value::Array(items) => items.iter_mut().any(|item| visit(item, name, kind, false, before, random)),
        _ => false,
    }
}

/// Names of the fields that have a codelist, and of those that have a format.
static NAMES: LazyLock<[BTreeSet<String>; 2]> = LazyLock::new(|| {
    fn collect(schema: &Value, names: &mut [BTreeSet<String>; 2]) {
        let Value::Object(fields) = schema else { return };
        for (name, field) in fields {
            if field.get("codelist").is_some() {
                names[0].insert(name.clone());
            }
            if field.get("format").is_some() {
                names[1].insert(name.clone());
            }
            collect(field, names);
        }
    }
    let mut names = [BTreeSet::new(), BTreeSet::new()];
    collect(schema::release(), &mut names);
    // Of packages, and of the history of a field in a versioned release.
    names[0].insert("releaseTag".to_owned());
    for name in
        ["uri", "publishedDate", "license", "publicationPolicy", "releaseDate", "packages", "extensions"]
    {
        names[1].insert(name.to_owned());
    }
    names
});

fn applies(kind: Kind, value: &Value, name: &str, is_root: bool) -> bool {
    match kind {
        Kind::Drop => match value {
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        },
        Kind::Rename => value.as_object().is_some_and(|fields| !fields.is_empty()),
        Kind::Duplicate => value.as_array().is_some_and(|items| !items.is_empty()),
        Kind::Insert => value.is_object(),
        Kind::Retype | Kind::Null => !is_root,
        Kind::Empty => !is_root && (value.is_string() || value.is_array() || value.is_object()),
        Kind::WrongCode => value.is_string() && NAMES[0].contains(name),
        Kind::WrongFormat => value.is_string() && NAMES[1].contains(name),
    }
}

fn apply(kind: Kind, value: &mut Value, random: &mut Random) {
    match (kind, &mut *value) {
        (Kind::Drop, Value::Object(fields)) => {
            let name = nth(fields, random);
            fields.shift_remove(&name);
        }
        (Kind::Drop, Value::Array(items)) => {
            let at = random.below(items.len());
            items.remove(at);
        }
        (Kind::Rename, Value::Object(fields)) => {
            let name = nth(fields, random);
            let value = fields.shift_remove(&name).unwrap_or_default();
            let name = match random.below(5) {
                0 => format!("{name}_es"),
                1 => format!("x_{name}"),
                2 => name.to_uppercase(),
                3 => String::new(),
                _ => (*random.pick(FIELDS)).to_owned(),
            };
            fields.insert(name, value);
        }
        (Kind::Duplicate, Value::Array(items)) => {
            let item = random.pick(items).clone();
            let at = random.below(items.len() + 1);
            items.insert(at, item);
        }
        (Kind::Insert, Value::Object(fields)) => {
            let name = (*random.pick(FIELDS)).to_owned();
            fields.insert(name, odd(random));
        }
        (Kind::WrongCode, Value::String(code)) => {
            *code = match random.below(5) {
                0 => code.to_uppercase(),
                1 => format!("{code} "),
                2 => code.chars().take(code.chars().count() / 2).collect(),
                _ => (*random.pick(&["x", "active", "compiled", "MXN", "mxn", "open", "ocid", "Point"]))
                    .to_owned(),
            };
        }
        (Kind::WrongFormat, Value::String(text)) => {
            let is_date = value::is_date_time(text) != (random.below(6) == 0);
            *text = (*random.pick(if is_date { DATES } else { ADDRESSES })).to_owned();
        }
        (Kind::Empty, value) => {
            let same = match value {
                Value::String(_) => json!(""),
                Value::Array(_) => json!([]),
                _ => json!({}),
            };
            *value = if random.below(4) == 0 {
                random.pick(&[json!(""), json!([]), json!({})]).clone()
            } else {
                same
            };
        }
        (Kind::Null, value) => *value = Value::Null,
        (_, value) => {
            let was = std::mem::discriminant(value);
            while std::mem::discriminant(value) == was {
                *value = odd(random);
            }
        }
    }
}

fn nth(fields: &Map<String, Value>, random: &mut Random) -> String {
    fields.keys().nth(random.below(fields.len())).cloned().unwrap_or_default()
}

/// Values that some field does not expect.
fn odd(random: &mut Random) -> Value {
    match random.below(20) {
        0 => json!(null),
        1 => json!(-1),
        2 => json!(1.5),
        3 => json!(7.0),
        4 => json!(1e300),
        5 => json!(u64::MAX),
        6 => json!(true),
        7 => json!("x"),
        8 => json!("\u{0}\u{7f}\u{200b}ñ"),
        9 => json!([]),
        10 => json!(["x", "x"]),
        11 => json!([{}, {}]),
        12 => json!([{"id": "1"}, {"id": 1}]),
        13 => json!([["x"], [1, 1.0]]),
        14 => json!([{"url": null, "date": "2026-02-03T00:00:00Z"}]),
        15 => json!({}),
        16 => json!({"id": 7}),
        17 => json!({"id": "1", "name": "Municipio de Ejemplo", "amount": 0}),
        18 => json!(["compiled"]),
        _ => json!("2026-02-03T00:00:00Z"),
    }
}

/// Names that a field can be given.
const FIELDS: &[&str] = &[
    "id",
    "amount",
    "status",
    "description_es",
    "date",
    "milestones",
    "metrics",
    "documents",
    "period",
    "title",
    "value",
    "items",
    "url",
    "tag",
    "roles",
    "location",
    "additionalClassifications",
    "coordinates",
    "dimensions_x",
    "campo propio",
    "a/b~c",
];

const DATES: &[&str] = &[
    "2026-02-30T00:00:00Z",
    "2026-02-03",
    "2026-02-03T00:00:00",
    "2026-02-03 00:00:00Z",
    "2026-02-03T24:00:00Z",
    "2026-02-03T23:59:60Z",
    "2026-02-03T00:00:00-06:00",
    "2026-02-03T00:00:00+0600",
    "2026-02-03T00:00Z",
    "2026-2-3T0:0:0Z",
    "03/02/2026",
    "2026-02-03t00:00:00z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999999Z",
    "",
];

const ADDRESSES: &[&str] = &[
    "http://a b",
    "ejemplo.example.org/1",
    "/relativo",
    "https://ejemplo.example.org/ñ",
    "http://[::1",
    "http://[::1]:8080/",
    "mailto:municipio@example.org",
    "https://ejemplo.example.org/%zz",
    "https://ejemplo.example.org/?a=b c",
    "urn:ejemplo:1",
    "http://ejemplo.example.org:puerto/",
    "http://",
    "https://ejemplo.example.org/#a#b",
    "https://ejemplo.example.org/a|b",
    "1http://ejemplo.example.org/",
    "",
];
