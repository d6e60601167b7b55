//! Random releases of a process: shaped by the schema, so that every merge rule is met, and then bent.
//!
//! Left out, because the reference is not consistent there: arrays that mix objects with other values, and arrays
//! whose ids are numbers in one place and texts in another (see [`ocds::merge`]).

use ocds::schema;
use serde_json::{Map, Value, json};

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("a remainder fits")
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn one_of<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Few, so that values repeat from one release to the next.
const TEXTS: &[&str] = &["", "a", "Ñandú", "línea\nnueva", "🚧 obra", "\u{0}", "null", "1", "e\u{301}"];
const DATES: &[&str] = &[
    "2026-01-01T00:00:00Z",
    "2026-01-02T00:00:00Z",
    "2026-01-02T00:00:00.5Z",
    "2025-12-31T23:59:59-06:00",
    "x",
    "",
];
const OUTSIDE: &[&str] = &["x_otro", "id", "value", "tag", "date", "ocid", "releaseID", "a/b~c", ""];

/// The schema of what the schema does not know.
const NOTHING: &Value = &Value::Null;

/// Deep enough for `contracts/implementation/metrics/observations/unit`.
const DEPTH: usize = 7;

/// The releases of one process, in the order in which they are given.
pub fn process(seed: u64) -> Vec<Value> {
    let mut maker = Maker { random: Random(seed), palette: seed };
    let count = 1 + maker.random.below(6);
    (0..count).map(|number| maker.release(number)).collect()
}

struct Maker {
    random: Random,
    /// What decides which fields this process uses, and of what type its ids are: the same in all its releases.
    palette: u64,
}

impl Maker {
    fn release(&mut self, number: usize) -> Value {
        let mut release = Map::new();
        let fields = self.object(schema::release(), "", DEPTH);
        release.insert("ocid".to_owned(), json!("ocds-abc123-1"));
        release.insert("id".to_owned(), json!(format!("r{number}")));
        release.insert("date".to_owned(), json!(self.random.one_of(DATES)));
        release.insert("tag".to_owned(), json!(["planning"]));
        release.extend(
            fields.into_iter().filter(|(name, _)| !matches!(name.as_str(), "ocid" | "id" | "date" | "tag")),
        );
        Value::Object(release)
    }

    /// The fields of an object of the schema, and some that it does not know.
    fn object(&mut self, schema: &'static Value, at: &str, depth: usize) -> Map<String, Value> {
        let mut fields = Map::new();
        if depth == 0 {
            return fields;
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let below = format!("{at}/{name}");
            if name == "id" || !self.mark(&below).is_multiple_of(4) || self.random.one_in(3) {
                continue;
            }
            let value = self.value(resolve(property), &below, depth - 1);
            fields.insert(name.clone(), value);
        }
        if self.random.one_in(3) {
            let name = *self.random.one_of(OUTSIDE);
            if name != "id" {
                let value = self.outside(&format!("{at}/{name}"), depth - 1);
                fields.insert(name.to_owned(), value);
            }
        }
        fields
    }

    /// A value of the type the schema asks for, mostly.
    fn value(&mut self, schema: &'static Value, at: &str, depth: usize) -> Value {
        match self.random.below(40) {
            0..3 => return Value::Null,
            3 => return self.outside(at, depth.min(2)),
            4 => return json!({}),
            5 => return json!([]),
            _ => {}
        }
        let is = |name: &str| match &schema["type"] {
            Value::String(one) => one == name,
            Value::Array(many) => many.iter().any(|one| one == name),
            _ => false,
        };
        if is("array") {
            let items = resolve(&schema["items"]);
            return if items["properties"].is_object() {
                self.items(items, at, depth)
            } else {
                self.scalars()
            };
        }
        if is("object") {
            return Value::Object(self.object(schema, at, depth));
        }
        self.scalar()
    }

    /// Objects, most with ids: of few values, so that releases speak of the same ones, and some twice.
    fn items(&mut self, schema: &'static Value, at: &str, depth: usize) -> Value {
        let count = 1 + self.random.below(3);
        let items = (0..count).map(|_| {
            let mut item = Map::new();
            let first = self.random.one_in(2);
            let id = self.id(at);
            if let Some(id) = id.clone().filter(|_| first) {
                item.insert("id".to_owned(), id);
            }
            item.extend(self.object(schema, at, depth.saturating_sub(1)));
            if let Some(id) = id.filter(|_| !first) {
                item.insert("id".to_owned(), id);
            }
            Value::Object(item)
        });
        Value::Array(items.collect())
    }

    /// The id of an item of the array at a place: of one type in the whole process.
    fn id(&mut self, at: &str) -> Option<Value> {
        let number = 1 + self.random.below(3);
        match self.mark(at) % 8 {
            // An array without ids, and one that has some.
            0 => None,
            1 => self.random.one_in(2).then(|| json!(number.to_string())),
            2 | 3 => Some(json!(number)),
            4 => Some(if number == 1 { Value::Null } else { json!(number) }),
            _ => Some(json!(self.random.one_of(&["1", "2", "Ñ", "", "a/b"]))),
        }
    }

    /// Something the schema does not know, or does not expect there.
    fn outside(&mut self, at: &str, depth: usize) -> Value {
        match self.random.below(if depth == 0 { 3 } else { 6 }) {
            0 | 1 => self.scalar(),
            2 => self.scalars(),
            3 => Value::Object(self.object(NOTHING, at, depth)),
            4 => {
                let name = *self.random.one_of(&["a", "b"]);
                json!({ name: self.outside(&format!("{at}/{name}"), depth - 1) })
            }
            _ => self.items(NOTHING, at, depth),
        }
    }

    fn scalars(&mut self) -> Value {
        let count = self.random.below(4);
        Value::Array((0..count).map(|_| self.scalar()).collect())
    }

    fn scalar(&mut self) -> Value {
        match self.random.below(8) {
            0 => json!(self.random.below(3)),
            1 => json!(self.random.below(4) as f64 / 2.0),
            2 => json!(self.random.one_in(2)),
            3 => json!(-1),
            _ => json!(self.random.one_of(TEXTS)),
        }
    }

    /// A number that depends on the process and the place only.
    fn mark(&self, at: &str) -> u64 {
        let mut mark = Random(self.palette);
        at.bytes().fold(mark.next(), |mark, byte| Random(mark ^ u64::from(byte)).next())
    }
}

/// Follows a reference of the release schema.
fn resolve(schema: &'static Value) -> &'static Value {
    let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| schema::release().pointer(pointer)).unwrap_or(schema)
}
