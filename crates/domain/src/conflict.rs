//! When two follow-ups disagree (`sync.md`, Conflict): pure, by content, never by clock.
//!
//! Laws: a fragment never conflicts with itself; equal values never conflict; fragments on disjoint paths commute.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

/// One path on which two fragments disagree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Overlap {
    /// Path, items by id: `/contracts/id=C-1/value/amount`.
    pub path: String,
    /// The value that stands.
    #[ts(type = "any")]
    pub standing: Value,
    /// The value that was offered.
    #[ts(type = "any")]
    pub offered: Value,
}

/// Leaves of a fragment: path → value. Items of an array that all carry an `id` are named by it, so that order
/// does not matter; any other array is one leaf, because merging replaces it whole.
pub fn leaves(fragment: &Map<String, Value>) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (key, value) in fragment {
        walk(&format!("/{}", escape(key)), value, &mut found);
    }
    found
}

fn walk(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                walk(&format!("{path}/{}", escape(key)), value, found);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| id_of(item).is_some()) => {
            for item in items {
                let id = id_of(item).unwrap_or_default();
                let place = format!("{path}/id={}", escape(&id));
                // The id is in the path already; an item that is nothing else is a leaf of its own.
                let rest = item.as_object().into_iter().flatten().filter(|(key, _)| *key != "id");
                let mut alone = true;
                for (key, value) in rest {
                    alone = false;
                    walk(&format!("{place}/{}", escape(key)), value, found);
                }
                if alone {
                    found.insert(format!("{place}/id"), Value::String(id));
                }
            }
        }
        other => {
            found.insert(path.to_owned(), other.clone());
        }
    }
}

fn id_of(item: &Value) -> Option<String> {
    match item.get("id")? {
        Value::String(id) => Some(id.clone()),
        // 1 and "1" are the same key (OCDS 1.1, merging).
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// What stands after several fragments in their order: of each path, the last value. A fragment that replaces as a
/// whole what an earlier one refined takes its place.
pub fn standing<'a>(fragments: impl IntoIterator<Item = &'a Map<String, Value>>) -> BTreeMap<String, Value> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for fragment in fragments {
        for (path, value) in leaves(fragment) {
            found.retain(|known, _| !within(known, &path) && !within(&path, known));
            found.insert(path, value);
        }
    }
    found
}

/// Whether a path is inside another: `/a/b` is inside `/a`.
fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// Where what is offered disagrees with what stands. Empty when both can stand.
pub fn overlaps(standing: &BTreeMap<String, Value>, offered: &Map<String, Value>) -> Vec<Overlap> {
    let mut found = Vec::new();
    for (path, value) in leaves(offered) {
        if let Some(other) = standing.get(&path) {
            if !same(other, &value) {
                found.push(Overlap { path, standing: other.clone(), offered: value });
            }
            continue;
        }
        // One side replaces as a whole what the other side refines: `/a` against `/a/b`.
        let outer = standing.iter().find(|(other, _)| within(other, &path) || within(&path, other));
        if let Some((_, other)) = outer {
            found.push(Overlap { path, standing: other.clone(), offered: value });
        }
    }
    found
}

/// Equality by value: 1 and 1.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    #[test]
    fn equal_values_and_disjoint_paths_do_not_conflict() {
        let a = map(json!({"contracts": [{"id": "1", "value": {"amount": 5.0}}]}));
        let b = map(json!({"contracts": [{"id": 1, "value": {"amount": 5}, "title": "x"}, {"id": "2"}]}));
        let found = overlaps(&leaves(&a), &b);
        assert!(found.is_empty(), "{found:?}");
        let c = map(json!({"contracts": [{"id": "1", "value": {"amount": 6}}]}));
        let found = overlaps(&leaves(&a), &c);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "/contracts/id=1/value/amount");
    }

    #[test]
    fn what_was_set_and_set_back_is_what_stands() {
        let five = map(json!({"awards": [{"id": "1", "value": {"amount": 5}}]}));
        let six = map(json!({"awards": [{"id": "1", "value": {"amount": 6}}]}));
        assert!(overlaps(&standing([&six, &five]), &five).is_empty());
        assert_eq!(overlaps(&standing([&five, &six]), &five).len(), 1);
        let whole = map(json!({"awards": null}));
        assert_eq!(standing([&five, &whole]), leaves(&whole));
        assert_eq!(standing([&whole, &five]), leaves(&five));
    }

    #[test]
    fn replacing_what_another_refined_is_a_conflict() {
        let a = map(json!({"planning": {"rationale": "x"}}));
        let b = map(json!({"planning": null}));
        assert_eq!(overlaps(&leaves(&a), &b).len(), 1);
        assert_eq!(overlaps(&leaves(&b), &a).len(), 1);
    }

    fn fragment() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![
            any::<i8>().prop_map(Value::from),
            "[a-c]{1,2}".prop_map(Value::from),
            Just(Value::Null)
        ];
        let node = leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::btree_map("[a-c]", inner.clone(), 0..3)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
                prop::collection::vec(inner, 0..3).prop_map(Value::Array),
            ]
        });
        prop::collection::btree_map("[a-d]", node, 0..4).prop_map(|m| m.into_iter().collect())
    }

    proptest! {
        #[test]
        fn never_with_itself(a in fragment()) {
            prop_assert!(overlaps(&leaves(&a), &a).is_empty());
        }

        #[test]
        fn being_in_conflict_is_mutual(a in fragment(), b in fragment()) {
            prop_assert_eq!(overlaps(&leaves(&a), &b).is_empty(), overlaps(&leaves(&b), &a).is_empty());
        }
    }
}
