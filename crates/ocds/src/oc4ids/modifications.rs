//! What amendments changed in contracts, from the releases in which they appear.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::fit::{At, Fit, List, is_blank, put};
use super::{Process, status};
use crate::schema::merge_patch;
use crate::tag::items;
use crate::value::{Money, id_text};

/// The fields of a contract that are watched, and the type of modification that a change of each is.
const WATCHED: &[(&str, &str)] =
    &[("value", "value"), ("period", "duration"), ("items", "scope"), ("description", "scope")];

/// A contract and one of its amendments.
type Key = (String, String);

/// What a contract said before and after the release in which an amendment first appears.
#[derive(Debug, Default)]
struct Change {
    release: Option<String>,
    before: Value,
    after: Value,
}

/// Everything that amendments changed in the contracts of a process.
#[derive(Debug, Default)]
pub(super) struct History {
    changes: HashMap<Key, Change>,
    /// The contract as it was before the first amendment that changed a field, by contract and field.
    initial: HashMap<(String, &'static str), Value>,
}

impl History {
    /// Reads the releases of a process. A change without an amendment is a correction.
    pub(super) fn of(process: &Process<'_>) -> History {
        let mut history = History::default();
        let mut present: HashMap<String, Value> = HashMap::new();
        for release in &process.releases {
            for contract in items(&release["contracts"]) {
                let Some(id) = id_text(contract.get("id")).map(Cow::into_owned) else { continue };
                let known = present.contains_key(&id);
                let state = present.entry(id.clone()).or_insert_with(|| json!({}));
                let amendments = items(&contract["amendments"]).enumerate();
                let mut new: Vec<Key> =
                    amendments.map(|(at, amendment)| (id.clone(), name(amendment, at))).collect();
                new.retain(|key| !history.changes.contains_key(key));
                let before = (known && !new.is_empty()).then(|| state.clone());
                for (field, _) in WATCHED {
                    if let Some(value) = contract.get(*field) {
                        merge_patch(state, &json!({*field: value}));
                    }
                }
                for key in new {
                    // A contract that appears with its amendments says nothing of what it was.
                    let before = before.clone().unwrap_or_else(|| state.clone());
                    let release = release["id"].as_str().map(str::to_owned);
                    let change = Change { release, before, after: state.clone() };
                    for (field, _) in WATCHED.iter().filter(|(field, _)| change.is_of(field)) {
                        let initial = history.initial.entry((id.clone(), field));
                        initial.or_insert_with(|| change.before[*field].clone());
                    }
                    history.changes.insert(key, change);
                }
            }
        }
        history
    }

    /// What a field of a contract said before any amendment.
    pub(super) fn initial<'a>(&'a self, contract: &'a Value, field: &'static str) -> &'a Value {
        let before =
            id_text(contract.get("id")).map(Cow::into_owned).and_then(|id| self.initial.get(&(id, field)));
        before.filter(|before| !before.is_null()).unwrap_or(&contract[field])
    }

    /// One modification for each amendment of a contract that stands; one for each type if it changed more.
    pub(super) fn modifications(&self, process: &Process<'_>, fit: &mut Fit<'_>) -> Vec<Value> {
        let mut found = List::default();
        for contract in At::root(process.compiled).items("contracts") {
            if status::is(contract.value, &["cancelled"]) {
                continue;
            }
            let contract_id = contract.id().unwrap_or_default();
            for (at, amendment) in contract.items("amendments").into_iter().enumerate() {
                let Value::Object(said) = amendment.value else { continue };
                let id = name(amendment.value, at);
                let change = self.changes.get(&(contract_id.clone(), id.clone()));
                let mut common = Map::new();
                for field in ["date", "description", "rationale", "releaseID"] {
                    common.extend(said.get(field).map(|value| (field.to_owned(), value.clone())));
                }
                if let Some(release) = change.and_then(|change| change.release.as_ref()) {
                    common.entry("releaseID").or_insert_with(|| json!(release));
                }
                let types = change.map(types).unwrap_or_default();
                let mut add = |id: String, more: Map<String, Value>| {
                    let mut whole = common.clone();
                    whole.insert("id".to_owned(), json!(id));
                    whole.extend(more);
                    let whole = Value::Object(whole);
                    let place = At { value: &whole, pointer: amendment.pointer.clone() };
                    if let Some(fitted) = fit.copy("/definitions/Modification", &place) {
                        found.add(fitted, &contract_id);
                    }
                };
                match (change, &types[..]) {
                    (None, _) | (_, []) => add(id, Map::new()),
                    (Some(change), [only]) => add(id, difference(change, only)),
                    (Some(change), several) => {
                        several.iter().for_each(|kind| add(format!("{id}-{kind}"), difference(change, kind)));
                    }
                }
            }
        }
        found.items
    }
}

impl Change {
    /// Whether a field is not what it was.
    fn is_of(&self, field: &str) -> bool {
        let (before, after) = (&self.before[field], &self.after[field]);
        match (Money::read(before), Money::read(after)) {
            // 100 and 100.0 are the same amount.
            (Some(before), Some(after)) => before != after,
            _ => before != after,
        }
    }
}

/// The types of modification that a change is, each once.
fn types(change: &Change) -> Vec<&'static str> {
    let changed = WATCHED.iter().filter(|(field, _)| change.is_of(field));
    let mut types: Vec<&str> = changed.map(|(_, kind)| *kind).collect();
    types.dedup();
    types
}

fn difference(change: &Change, kind: &str) -> Map<String, Value> {
    let mut said = Map::new();
    put(&mut said, "type", kind);
    let (field, old, new) = match kind {
        "value" => ("value", "oldContractValue", "newContractValue"),
        "duration" => ("period", "oldContractPeriod", "newContractPeriod"),
        _ => return said,
    };
    put(&mut said, old, change.before[field].clone());
    put(&mut said, new, change.after[field].clone());
    said
}

/// What an amendment is called: its id, or its place among the amendments of its contract.
fn name(amendment: &Value, at: usize) -> String {
    id_text(amendment.get("id"))
        .map(Cow::into_owned)
        .filter(|id| !is_blank(id))
        .unwrap_or_else(|| (at + 1).to_string())
}
