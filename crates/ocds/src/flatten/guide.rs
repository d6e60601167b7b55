//! The patched release schema unrolled into the fields a release can have, each with its place, shape and titles.
//!
//! Nodes are numbered in the order of the schema, a field before what is in it: a node's number is its rank among
//! columns, so two files give the same columns in the same order whatever order their data is in. (The places of
//! `schema::shape` are one per definition, not one per path, which is what checking needs and columns do not.)

use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt};
use serde_json::Value;

use crate::schema;
use crate::schema::shape::is_language;

/// What the schema expects in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A string, number, boolean, or an array of these.
    Scalar,
    Object,
    /// An array of objects.
    Rows,
    /// Anything, or the schema has no such field.
    Free,
}

/// Spanish and English.
pub(super) type Titles = [&'static str; 2];

/// A field of a release, by its path; the first is the release itself.
#[derive(Debug)]
pub(super) struct Node {
    /// `contracts/implementation/status`.
    pub path: String,
    pub shape: Shape,
    pub titles: Titles,
    /// What one item is called: *Contrato* in `contracts`.
    pub item_titles: Titles,
    /// The table in whose rows the field is.
    pub holder: usize,
    /// The table that the items of an array are the rows of.
    pub items: Option<usize>,
    children: HashMap<&'static str, usize>,
    /// Fields in here that may be repeated in other languages: `title_en`.
    translated: Vec<&'static str>,
    /// Any field may be in here (`dimensions` of an observation).
    open: bool,
}

/// Where a step from a node leads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Known(usize),
    Free {
        /// The node after which the column comes; [`UNKNOWN`] if the schema says nothing of the field.
        anchor: usize,
        shape: Shape,
    },
}

/// The anchor of fields that the schema lacks: after all others.
pub(super) const UNKNOWN: usize = usize::MAX;

#[derive(Debug, Default)]
pub(super) struct Guide {
    pub nodes: Vec<Node>,
    /// The node of each table; the first is that of the releases.
    pub tables: Vec<usize>,
    /// The node of `ocid`.
    pub ocid: usize,
}

pub(super) static GUIDE: LazyLock<Guide> = LazyLock::new(|| {
    let mut guide = Guide::default();
    guide.add(schema::release(), schema::release(), String::new(), 0);
    guide.nodes[0].items = Some(0);
    guide.tables.insert(0, 0);
    guide.ocid = guide.nodes[0].children.get("ocid").copied().unwrap_or_default();
    guide
});

impl Guide {
    pub(super) fn step(&self, from: usize, name: &str) -> Step {
        let node = &self.nodes[from];
        if let Some(&child) = node.children.get(name) {
            return Step::Known(child);
        }
        let translated = node.translated.iter().find(|field| translation(name, field).is_some());
        match translated.and_then(|field| node.children.get(field)) {
            Some(&anchor) => Step::Free { anchor, shape: Shape::Scalar },
            None if node.open => Step::Free { anchor: from, shape: Shape::Scalar },
            None => Step::Free { anchor: UNKNOWN, shape: Shape::Free },
        }
    }

    /// The number of the table of an array, by its path; that of the releases has none.
    pub(super) fn table(&self, path: &str) -> Option<usize> {
        self.tables.iter().position(|&node| self.nodes[node].path == path)
    }

    /// Adds a field and what is in it. The schema does not refer to itself in a circle (a test would never end).
    fn add(
        &mut self,
        schema: &'static Value,
        declared: &'static Value,
        path: String,
        holder: usize,
    ) -> usize {
        let resolve = |schema: &'static Value| {
            let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
            reference.and_then(|pointer| schema::release().pointer(pointer)).unwrap_or(schema)
        };
        let at = self.nodes.len();
        let items = schema.get("items").map(resolve);
        let is_object = |schema: &Value| {
            schema.get("properties").is_some()
                || schema.get("patternProperties").is_some()
                || is_type(schema, "object")
        };
        let shape = match items {
            Some(items) if is_object(items) => Shape::Rows,
            None if is_type(schema, "object") && is_type(schema, "array") => Shape::Free,
            None if is_object(schema) => Shape::Object,
            _ => Shape::Scalar,
        };
        let inner = if shape == Shape::Rows { items.unwrap_or(schema) } else { schema };
        let rows = (shape == Shape::Rows).then(|| {
            self.tables.push(at);
            // The table of the releases is put before the others at the end.
            self.tables.len()
        });
        self.nodes.push(Node {
            shape,
            titles: titles(declared).or_else(|| titles(schema)).unwrap_or_default(),
            item_titles: titles(inner).or_else(|| titles(declared)).unwrap_or_default(),
            holder,
            items: rows,
            children: HashMap::new(),
            translated: Vec::new(),
            open: false,
            path,
        });
        // The patterns of the standard are `^(field_(language))$`; only `dimensions` has another.
        for pattern in inner["patternProperties"].as_object().into_iter().flat_map(|patterns| patterns.keys())
        {
            match pattern.strip_prefix("^(").and_then(|rest| rest.split_once("_(")) {
                Some((field, _)) => self.nodes[at].translated.push(field),
                None => self.nodes[at].open = true,
            }
        }
        for (name, declared) in inner["properties"].as_object().into_iter().flatten() {
            let path = join(&self.nodes[at].path, name);
            let child = self.add(resolve(declared), declared, path, rows.unwrap_or(holder));
            self.nodes[at].children.insert(name, child);
        }
        at
    }
}

/// The language of a field that repeats another: `en` of `title_en`.
pub(super) fn translation<'n>(name: &'n str, field: &str) -> Option<&'n str> {
    name.strip_prefix(field)?.strip_prefix('_').filter(|language| is_language(language))
}

/// A path and one more step. A slash in the name of a field is written `~1`, as in a JSON Pointer (RFC 6901).
pub(super) fn join(path: &str, name: &str) -> String {
    let mut joined = path.to_owned();
    push(&mut joined, name);
    joined
}

pub(super) fn push(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(&crate::value::escape(name));
}

fn is_type(schema: &Value, name: &str) -> bool {
    match &schema["type"] {
        Value::String(one) => one == name,
        Value::Array(many) => many.iter().any(|one| one == name),
        _ => false,
    }
}

fn titles(schema: &'static Value) -> Option<Titles> {
    Some([schema["title_es"].as_str()?, schema["title_en"].as_str()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flatten::layout::{MAX_UNKNOWN_COLUMNS, MAX_UNKNOWN_TABLES};

    #[test]
    fn the_schema_is_unrolled_in_its_order() {
        let path = |path: &str| GUIDE.nodes.iter().position(|node| node.path == path).unwrap();
        assert!(path("ocid") < path("tender/title") && path("tender/title") < path("awards/id"));
        assert!(path("awards") < path("awards/id") && path("awards/id") < path("contracts"));
        assert_eq!(GUIDE.nodes[GUIDE.ocid].path, "ocid");
        let transactions = &GUIDE.nodes[path("contracts/implementation/transactions")];
        assert_eq!(transactions.holder, GUIDE.table("contracts").unwrap());
        assert_eq!(GUIDE.nodes[path("tender/value/amount")].holder, 0);
        assert_eq!(GUIDE.nodes[path("tender/additionalProcurementCategories")].shape, Shape::Scalar);
        assert_eq!(GUIDE.nodes[path("parties/details")].shape, Shape::Object);
    }

    #[test]
    fn limits_hold_whatever_occurs() {
        // Excel's columns, and the files that systems let a program open.
        assert!(GUIDE.nodes.len() + MAX_UNKNOWN_COLUMNS < 16_000);
        assert_eq!(GUIDE.tables.len(), 1 + 65);
        assert!(GUIDE.tables.len() + MAX_UNKNOWN_TABLES < 200);
        let depth = GUIDE.nodes.iter().map(|node| node.path.split('/').count()).max();
        assert_eq!(depth, Some(6));
    }

    #[test]
    fn every_field_has_titles() {
        for node in &GUIDE.nodes[1..] {
            assert!(
                node.titles.iter().chain(&node.item_titles).all(|title| !title.is_empty()),
                "{}",
                node.path
            );
        }
    }
}
