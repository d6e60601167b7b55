//! Merge rules, compiled from a release schema.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::MergeError;
use crate::value::MAX_DEPTH;

/// What the schema says about merging one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// `omitWhenMerged`: the field never reaches a merged release.
    Omit,
    /// `wholeListMerge`, declared or implied (items without `id`, or that may be no objects).
    WholeList,
    /// Objects are merged field by field, arrays of objects by `id`, anything else is replaced.
    Merge,
}

#[derive(Debug)]
struct Field {
    rule: Rule,
    level: Option<usize>,
}

/// The merge rules of a release schema (OCDS 1.1, "Merging": discarded fields, whole list merge, identifier merge).
///
/// The schema is read once into levels (one per object definition), so that a `$ref` used in twenty places is
/// compiled once and a schema that refers to itself is no problem.
#[derive(Debug)]
pub struct Rules {
    levels: Vec<HashMap<String, Field, foldhash::fast::RandomState>>,
}

impl Rules {
    /// Compiles the rules of a release schema: the official one, or one patched with extensions.
    ///
    /// # Errors
    /// [`MergeError::Schema`] if the schema has no `properties`, if its objects hold one another more than 256 levels deep, or
    /// if a `$ref` is not `#/…` inside the schema or only leads to other references.
    pub fn from_schema(schema: &Value) -> Result<Rules, MergeError> {
        let properties = schema
            .get("properties")
            .filter(|properties| properties.is_object())
            .ok_or_else(|| MergeError::Schema { pointer: "/properties".to_owned() })?;
        let mut compiler = Compiler { schema, levels: Vec::new(), known: HashMap::new(), depth: 0 };
        compiler.level(properties)?;
        Ok(Rules { levels: compiler.levels })
    }

    /// The rules of OCDS 1.1.5 with the extensions this library declares ([`crate::schema::release`]).
    pub fn profile() -> &'static Rules {
        static PROFILE: LazyLock<Rules> = LazyLock::new(|| {
            // The schema is part of the program: if this fails, no test of this crate passes.
            Rules::from_schema(crate::schema::release()).expect("the embedded release schema has merge rules")
        });
        &PROFILE
    }

    /// The rules of OCDS 1.0, for releases that [`crate::schema::version`] takes for that version. They differ from
    /// those of 1.1 where organizations stood in the release itself (no `parties`): `suppliers` and `tenderers` are
    /// replaced whole, and so are the `additionalIdentifiers` of `buyer` and `procuringEntity`.
    pub fn for_1_0() -> &'static Rules {
        static OLD: LazyLock<Rules> = LazyLock::new(|| {
            Rules::from_schema(&crate::schema::merge_1_0())
                .expect("the embedded schema of 1.0 has merge rules")
        });
        &OLD
    }

    /// The rules of OCDS 1.1.5 with the extensions that a package declares (`extensions`), applied in the order
    /// declared, and the URLs that name none of the extensions embedded here.
    ///
    /// An extension is known by the name of its folder, `/ocds_{name}_extension/`, whatever its version. Fields of the
    /// others are merged as fields outside the schema are: objects field by field, arrays of objects by `id`.
    /// Each call compiles a schema (about a millisecond): keep the rules for packages that declare the same.
    pub fn for_extensions(urls: &[&str]) -> (Rules, Vec<String>) {
        let (schema, unknown) = crate::schema::extended(urls);
        let rules =
            Rules::from_schema(&schema).expect("the embedded schemas have merge rules in any combination");
        (rules, unknown.into_iter().map(str::to_owned).collect())
    }

    /// The rule of `name` at a place, and the place below it. `at` is `None` outside the schema.
    pub(super) fn step(&self, at: Option<usize>, name: &str) -> (Rule, Option<usize>) {
        match at.and_then(|level| self.levels[level].get(name)) {
            Some(field) => (field.rule, field.level),
            None => (Rule::Merge, None),
        }
    }

    /// The place of a whole release.
    pub(super) fn root(&self) -> Option<usize> {
        Some(0)
    }
}

struct Compiler<'s> {
    schema: &'s Value,
    levels: Vec<HashMap<String, Field, foldhash::fast::RandomState>>,
    /// Where a `properties` object has been compiled to. Two references to one definition share its address.
    known: HashMap<*const Value, usize>,
    /// How many levels are being compiled: each within the one before.
    depth: usize,
}

impl<'s> Compiler<'s> {
    fn level(&mut self, properties: &'s Value) -> Result<usize, MergeError> {
        if let Some(&level) = self.known.get(&std::ptr::from_ref(properties)) {
            return Ok(level);
        }
        if self.depth > MAX_DEPTH {
            return Err(MergeError::Schema { pointer: "nested too deeply".to_owned() });
        }
        self.depth += 1;
        let level = self.levels.len();
        self.levels.push(HashMap::default());
        self.known.insert(std::ptr::from_ref(properties), level);
        let mut fields = HashMap::default();
        for (name, field) in properties.as_object().into_iter().flatten() {
            let field = self.field(field)?;
            if field.rule != Rule::Merge || field.level.is_some() {
                fields.insert(name.clone(), field);
            }
        }
        self.levels[level] = fields;
        self.depth -= 1;
        Ok(level)
    }

    fn field(&mut self, field: &'s Value) -> Result<Field, MergeError> {
        let field = self.resolve(field)?;
        let may_be = |value: &Value, name: &str| types(value).any(|candidate| candidate == name);
        if flag(field, "omitWhenMerged", "ocdsOmit") {
            return Ok(Field { rule: Rule::Omit, level: None });
        }
        let is_array = may_be(field, "array");
        if is_array && flag(field, "wholeListMerge", "ocdsVersion") {
            return Ok(Field { rule: Rule::WholeList, level: None });
        }
        if may_be(field, "object")
            && let Some(properties) = field.get("properties")
        {
            return Ok(Field { rule: Rule::Merge, level: Some(self.level(properties)?) });
        }
        if is_array && let Some(items) = field.get("items") {
            let items = self.resolve(items)?;
            if types(items).any(|candidate| candidate != "object") {
                return Ok(Field { rule: Rule::WholeList, level: None });
            }
            if may_be(items, "object")
                && let Some(properties) = items.get("properties")
            {
                if properties.get("id").is_none() {
                    return Ok(Field { rule: Rule::WholeList, level: None });
                }
                return Ok(Field { rule: Rule::Merge, level: Some(self.level(properties)?) });
            }
        }
        Ok(Field { rule: Rule::Merge, level: None })
    }

    /// Follows `$ref` until something that is not a reference.
    fn resolve(&self, mut value: &'s Value) -> Result<&'s Value, MergeError> {
        // A chain longer than this is a reference to itself.
        for _ in 0..32 {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Ok(value);
            };
            value = reference
                .strip_prefix('#')
                .and_then(|pointer| self.schema.pointer(pointer))
                .ok_or_else(|| MergeError::Schema { pointer: reference.to_owned() })?;
        }
        Err(MergeError::Schema { pointer: "$ref".to_owned() })
    }
}

/// Whether a merge flag is set, by its OCDS 1.1 name or its 1.0 `mergeStrategy`.
fn flag(field: &Value, name: &str, old: &str) -> bool {
    field.get(name).and_then(Value::as_bool).unwrap_or(false)
        || field.get("mergeStrategy").and_then(Value::as_str) == Some(old)
}

fn types(field: &Value) -> impl Iterator<Item = &str> {
    let (one, many) = match field.get("type") {
        Some(Value::String(one)) => (Some(one.as_str()), &[][..]),
        Some(Value::Array(many)) => (None, many.as_slice()),
        _ => (None, &[][..]),
    };
    one.into_iter().chain(many.iter().filter_map(Value::as_str))
}
