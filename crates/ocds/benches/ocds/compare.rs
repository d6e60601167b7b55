//! Whether two outputs say the same: releases and records by ocid, numbers by value, fields in any order.
//!
//! Outputs are read one process at a time and kept as one hash each, so that files of any size can be compared.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher as _, Hash as _, Hasher};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What an output looks like.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A compiled or versioned release a line.
    Lines,
    /// A record package.
    Records,
}

/// Says how many processes were compared.
///
/// # Errors
/// The first difference.
pub fn same(form: Form, theirs: &Path, ours: &Path) -> Result<usize> {
    // Two hashes with keys of their own: outputs that differ do not come out the same by accident.
    let keys = [foldhash::fast::RandomState::default(), foldhash::fast::RandomState::default()];
    let digest = |value: &Value| {
        keys.each_ref().map(|key| {
            let mut hasher = key.build_hasher();
            canonical(value, &mut hasher);
            hasher.finish()
        })
    };
    let mut known = HashMap::new();
    let wrapper = read(form, theirs, &mut |ocid, value| {
        if known.insert(ocid.to_owned(), digest(&value)).is_some() {
            bail!("{ocid} is twice in {}", theirs.display());
        }
        Ok(())
    })?;
    let mut seen = HashSet::new();
    let own = read(form, ours, &mut |ocid, value| {
        if !seen.insert(ocid.to_owned()) {
            bail!("{ocid} is twice in {}", ours.display());
        }
        match known.get(ocid) {
            Some(digests) if *digests == digest(&value) => Ok(()),
            Some(_) => bail!("{ocid}: {}", explain(form, theirs, ocid, &value)?),
            None => bail!("{ocid} is not in {}", theirs.display()),
        }
    })?;
    if let Some(ocid) = known.keys().find(|ocid| !seen.contains(*ocid)) {
        bail!("{ocid} is not in {}", ours.display());
    }
    if digest(&wrapper) != digest(&own) {
        bail!("wrapper: {}", difference(&wrapper, &own, String::new()));
    }
    Ok(seen.len())
}

/// Hashes a value so that values that mean the same give the same.
fn canonical(value: &Value, hasher: &mut impl Hasher) {
    match value {
        Value::Null => hasher.write_u8(0),
        Value::Bool(truth) => (1_u8, truth).hash(hasher),
        // 850, 850.0 and 8.5e2 are one number.
        Value::Number(number) => (2_u8, number.as_f64().map(f64::to_bits)).hash(hasher),
        Value::String(text) => (3_u8, text).hash(hasher),
        Value::Array(items) => {
            (4_u8, items.len()).hash(hasher);
            items.iter().for_each(|item| canonical(item, hasher));
        }
        Value::Object(fields) => {
            (5_u8, fields.len()).hash(hasher);
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            for (name, value) in sorted {
                name.hash(hasher);
                canonical(value, hasher);
            }
        }
    }
}

/// Reads the peer's output again for the process that differs, and says where.
fn explain(form: Form, theirs: &Path, ocid: &str, ours: &Value) -> Result<String> {
    let mut said = None;
    read(form, theirs, &mut |own, value| {
        if own == ocid {
            said = Some(difference(&value, ours, String::new()));
        }
        Ok(())
    })?;
    Ok(said.unwrap_or_default())
}

/// The first place in which two values differ.
fn difference(theirs: &Value, ours: &Value, at: String) -> String {
    let nothing = Value::Null;
    let below = |step: &dyn fmt::Display| format!("{at}/{step}");
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a.keys().chain(b.keys()) {
                match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) if equal(a, b) => {}
                    (Some(a), Some(b)) => return difference(a, b, below(name)),
                    (a, _) => {
                        let has = if a.is_some() { "is only in the first" } else { "is only in ours" };
                        return format!("{} {has}", below(name));
                    }
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let (a, b) = (a.get(index).unwrap_or(&nothing), b.get(index).unwrap_or(&nothing));
                if !equal(a, b) {
                    return difference(a, b, below(&index));
                }
            }
        }
        _ => {}
    }
    format!("{at}: {theirs} there, {ours} in ours")
}

fn equal(a: &Value, b: &Value) -> bool {
    let key = foldhash::fast::FixedState::default();
    let digest = |value| {
        let mut hasher = key.build_hasher();
        canonical(value, &mut hasher);
        hasher.finish()
    };
    digest(a) == digest(b)
}

/// Hands over what an output has of each process, and answers the rest of it.
fn read(form: Form, path: &Path, take: &mut dyn FnMut(&str, Value) -> Result<()>) -> Result<Value> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    match form {
        Form::Lines => {
            let mut line = Vec::new();
            while file.read_until(b'\n', &mut line)? > 0 {
                let value: Value = serde_json::from_slice(&line)?;
                let ocid = value["ocid"].as_str().context("a release without ocid")?.to_owned();
                take(&ocid, value)?;
                line.clear();
            }
            Ok(Value::Null)
        }
        Form::Records => {
            let mut failed = None;
            let mut parser = serde_json::Deserializer::from_reader(file);
            let wrapper = Package { take, failed: &mut failed }.deserialize(&mut parser);
            match failed {
                Some(error) => Err(error),
                None => wrapper.with_context(|| path.display().to_string()),
            }
        }
    }
}

/// A record package, its records handed over one by one.
struct Package<'a> {
    take: &'a mut dyn FnMut(&str, Value) -> Result<()>,
    /// What the taker said, which the parser would only keep as text.
    failed: &'a mut Option<anyhow::Error>,
}

impl<'de> DeserializeSeed<'de> for Package<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Value, D::Error> {
        parser.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Package<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record package")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut wrapper = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if name == "records" {
                fields.next_value_seed(Records { take: &mut *self.take, failed: &mut *self.failed })?;
            } else {
                wrapper.insert(name, fields.next_value()?);
            }
        }
        Ok(Value::Object(wrapper))
    }
}

struct Records<'a> {
    take: &'a mut dyn FnMut(&str, Value) -> Result<()>,
    failed: &'a mut Option<anyhow::Error>,
}

impl<'de> DeserializeSeed<'de> for Records<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(record) = items.next_element::<Value>()? {
            let ocid = record["ocid"].as_str().unwrap_or_default().to_owned();
            if let Err(error) = (self.take)(&ocid, record) {
                *self.failed = Some(error);
                return Err(serde::de::Error::custom("a difference"));
            }
        }
        Ok(())
    }
}
