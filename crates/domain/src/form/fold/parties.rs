//! Organizations of a form: written under a name of the form (`/release/parties/supplier`), they become the array of
//! the standard, each organization once (OCDS 1.1, organization reference).

use serde_json::{Map, Value, json};

use super::Places;
use crate::Finding;
use crate::release::Basis;

const PARTIES: &str = "/release/parties";

/// Makes the array. One that the process knows, by its RFC or its name, keeps the identifier it has there; those that
/// turn out to be the same become one, with the roles of all.
pub(super) fn settle(document: &mut Value, basis: &Basis<'_>, findings: &mut [Finding], places: &mut Places) {
    let Some(release) = document.get_mut("release") else { return };
    let Some(Value::Object(named)) = release.get_mut("parties").map(Value::take) else { return };
    let mut parties: Vec<Map<String, Value>> = Vec::new();
    let mut moved: Vec<(String, String)> = Vec::new();
    for (name, party) in named {
        // Without a name there is no organization: the field for it says so itself.
        let Value::Object(mut party) = party else { continue };
        let Some(made) = party.get("id").cloned() else { continue };
        if let Some(known) = known(&party, basis) {
            for key in ["id", "name"] {
                party.insert(key.to_owned(), known[key].clone());
            }
            rename(release, &made, known);
        }
        let at = lay(&mut parties, party);
        // Written twice, it goes by the name of the first.
        let one = Value::Object(parties[at].clone());
        rename(release, &one["id"], &one);
        moved.push((format!("{PARTIES}/{name}"), format!("{PARTIES}/{at}")));
    }
    if let Some(release) = release.as_object_mut() {
        if parties.is_empty() {
            release.remove("parties");
        } else {
            release.insert("parties".to_owned(), json!(parties));
        }
    }
    let pointers = places.iter_mut().map(|(place, _)| place);
    for pointer in pointers.chain(findings.iter_mut().map(|finding| &mut finding.pointer)) {
        let below =
            |from: &String| pointer.strip_prefix(from.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if let Some((from, to)) = moved.iter().find(|(from, _)| below(from)) {
            *pointer = pointer.replacen(from, to, 1);
        }
    }
}

/// The organization of the process that this one is: the same RFC, or the same name but for capitals.
fn known<'b>(party: &Map<String, Value>, basis: &Basis<'b>) -> Option<&'b Value> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_lowercase);
    let name = text(party.get("name"));
    let rfc = party.get("identifier").and_then(|identifier| text(identifier.get("id")));
    let parties =
        || basis.compiled["parties"].as_array().into_iter().flatten().filter(|known| known["id"].is_string());
    let by_rfc = || parties().find(|known| text(known["identifier"].get("id")) == rfc);
    let by_name = || parties().find(|known| text(known.get("name")) == name);
    rfc.as_ref().and_then(|_| by_rfc()).or_else(|| name.as_ref().and_then(|_| by_name()))
}

/// Every reference to an organization by the identifier that the form made gets the one that is known.
fn rename(value: &mut Value, made: &Value, known: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, made, known)),
        Value::Object(fields) => {
            if fields.get("id") == Some(made) {
                for key in ["id", "name"] {
                    if fields.contains_key(key) {
                        fields.insert(key.to_owned(), known[key].clone());
                    }
                }
            }
            fields.values_mut().for_each(|field| rename(field, made, known));
        }
        _ => {}
    }
}

/// Adds an organization, or what is new of it to itself. Answers its place.
fn lay(parties: &mut Vec<Map<String, Value>>, party: Map<String, Value>) -> usize {
    let Some(at) = parties.iter().position(|other| other.get("id") == party.get("id")) else {
        parties.push(party);
        return parties.len() - 1;
    };
    let same = &mut parties[at];
    for (key, value) in party {
        match (same.get_mut(&key), value) {
            (Some(Value::Array(roles)), Value::Array(more)) => {
                for role in more {
                    if !roles.contains(&role) {
                        roles.push(role);
                    }
                }
            }
            (Some(_), _) => {}
            (None, value) => {
                same.insert(key, value);
            }
        }
    }
    at
}
