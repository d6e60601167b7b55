//! When two follow-ups disagree (`sync.md`, Conflict): pure, by content, never by clock. What is found, the record
//! that both authors and the coordination see, and the choice that ends it.
//!
//! Laws: a fragment never conflicts with itself; equal values never conflict; fragments on disjoint paths commute;
//! no value is lost (`tests/conflict_laws.rs`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;
use uuid::Uuid;

use crate::person::Role;

/// Longest reason of a choice, in characters.
pub const MAX_REASON: usize = 1_000;

/// One path on which two fragments disagree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Overlap {
    /// Path, items by id: `/contracts/id=C-1/value/amount`. When one side replaces as a whole what the other refines,
    /// the refined path: it says what is in dispute.
    pub path: String,
    /// The value that stands.
    #[ts(type = "any")]
    pub standing: Value,
    /// The value that was offered.
    #[ts(type = "any")]
    pub offered: Value,
    /// The release that set the value that stands; empty while nobody asked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub release: String,
}

/// Who captured, as far as a stream says it: role and área. Names are in no stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    /// Operation that brought it; names the author to whoever may know it.
    pub op_id: Uuid,
    /// Folio of the follow-up.
    pub folio: String,
    /// Role.
    pub role: Role,
    /// Name of the área.
    pub area: String,
    /// When the device says it was captured.
    pub captured_at: DateTime<Utc>,
}

/// A release whose values stand against a follow-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The release.
    pub release: String,
    /// Its number in the process.
    pub version: u64,
    /// When it was accepted.
    pub accepted_at: DateTime<Utc>,
    /// Who captured it; none for base information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub author: Option<Author>,
}

/// What a choice says of the follow-up that is held, as a whole: a fragment is never split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Resolution {
    /// What stands stays; the held one is closed as not applied, and remains in the history.
    Keep,
    /// The held one takes effect on top of what stands, as a new release.
    Apply,
}

/// Body of an operation of kind `choice`: cites both sides and the version they were seen on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConflictChoice {
    /// The follow-up that is held.
    pub follow_up: Uuid,
    /// The releases that stand against it, as they were seen.
    pub standing: Vec<String>,
    /// Version of the process they were seen on.
    pub version: u64,
    /// What was chosen.
    pub resolution: Resolution,
    /// Why, in the words of whoever chose.
    pub reason: String,
}

/// A choice that was recorded and had its effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// Operation that brought it.
    pub op_id: Uuid,
    /// What it says.
    pub choice: ConflictChoice,
    /// Role of whoever chose.
    pub role: Role,
    /// Their área.
    pub area: String,
    /// Whether the author of the held follow-up withdrew it.
    pub by_author: bool,
    /// When the central endpoint recorded it.
    pub at: DateTime<Utc>,
}

/// The record of a conflict: what is held, what stands, and in the end what was chosen. Nothing in it is ever taken
/// out: both values stay beside the choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// Version of the process it was found on; a choice cites it.
    pub version: u64,
    /// When it was first found.
    pub since: DateTime<Utc>,
    /// Who captured the follow-up that is held.
    pub held: Author,
    /// What stands against it, oldest first.
    pub standing: Vec<Standing>,
    /// Every path in dispute with both values.
    pub overlaps: Vec<Overlap>,
    /// What was chosen; none while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub chosen: Option<Chosen>,
}

impl Conflict {
    /// The releases that stand, as a choice cites them.
    pub fn cited(&self) -> Vec<String> {
        self.standing.iter().map(|standing| standing.release.clone()).collect()
    }

    /// Whether a choice was made on exactly this view. Any release since then makes it outdated, also one on other
    /// paths: applying lays the whole follow-up on the process, and whoever chose did not see that process.
    pub fn is_cited_by(&self, choice: &ConflictChoice) -> bool {
        self.version == choice.version && self.cited() == choice.standing
    }
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

pub(crate) fn id_of(item: &Value) -> Option<String> {
    match item.get("id")? {
        Value::String(id) => Some(id.clone()),
        // 1 and "1" are the same key (OCDS 1.1, merging).
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// What stands after several fragments in their order: of each path, the last value. A fragment that replaces as a
/// whole what an earlier one refined takes its place.
pub fn standing<'a>(fragments: impl IntoIterator<Item = &'a Map<String, Value>>) -> BTreeMap<String, Value> {
    settled(fragments.into_iter().map(|fragment| ((), fragment)))
        .into_iter()
        .map(|(path, (value, ()))| (path, value))
        .collect()
}

/// The same, with who set each value.
fn settled<'a, T: Clone>(
    fragments: impl IntoIterator<Item = (T, &'a Map<String, Value>)>,
) -> BTreeMap<String, (Value, T)> {
    let mut found: BTreeMap<String, (Value, T)> = BTreeMap::new();
    for (by, fragment) in fragments {
        for (path, value) in leaves(fragment) {
            found.retain(|known, _| !within(known, &path) && !within(&path, known));
            found.insert(path, (value, by.clone()));
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
        let mut add = |path: &str, other: &Value| {
            found.push(Overlap {
                path: path.to_owned(),
                standing: other.clone(),
                offered: value.clone(),
                release: String::new(),
            });
        };
        if let Some(other) = standing.get(&path) {
            if !same(other, &value) {
                add(&path, other);
            }
            continue;
        }
        // One side replaces as a whole what the other side refines: `/a` against `/a/b`.
        for (other, standing) in standing {
            if within(other, &path) {
                add(other, standing);
            } else if within(&path, other) {
                add(&path, standing);
            }
        }
    }
    found
}

/// A release since the base of a follow-up, as the search for a conflict sees it.
#[derive(Clone, Copy, Debug)]
pub struct Since<'a> {
    /// Its id.
    pub release: &'a str,
    /// What it set.
    pub fragment: &'a Map<String, Value>,
    /// Whether the author of the follow-up knew it: their own chain, or what they correct.
    pub known: bool,
}

/// Where a follow-up disagrees with what others set since its base, oldest release first. Only what stands counts: a
/// value that was set and set back, or that the author has replaced since, disturbs nobody.
pub fn find(since: &[Since<'_>], offered: &Map<String, Value>) -> Vec<Overlap> {
    let settled = settled(since.iter().map(|release| (*release, release.fragment)));
    let foreign: BTreeMap<String, Value> = settled
        .iter()
        .filter(|(_, (_, by))| !by.known)
        .map(|(path, (value, _))| (path.clone(), value.clone()))
        .collect();
    let mut found = overlaps(&foreign, offered);
    for overlap in &mut found {
        // The path in dispute is the standing one, or inside of it.
        let by = settled.iter().find(|(path, _)| **path == overlap.path || within(&overlap.path, path));
        if let Some((_, (_, by))) = by {
            by.release.clone_into(&mut overlap.release);
        }
    }
    found
}

/// Equality by value: 1 and 1.0 are the same number.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
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
