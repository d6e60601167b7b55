//! Organizations of all processes as the organizations of one project.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::fit::{At, Fit, List, lay, put};
use super::{LeftOut, Origin, Problem, Process};
use crate::tag::items;
use crate::value::id_text;

/// Where a project refers to organizations, and the role they have there. `*` stands for the items of an array.
const REFERENCES: &[(&str, &str)] = &[
    ("publicAuthority", "publicAuthority"),
    ("budget/budgetBreakdowns/*/budgetBreakdown/*/sourceParty", "funder"),
    ("budget/finance/*/financingParty", "funder"),
    ("transactions/*/payer", "payer"),
    ("transactions/*/payee", "payee"),
    ("contractingProcesses/*/summary/tender/tenderers/*", "tenderer"),
    ("contractingProcesses/*/summary/tender/procuringEntity", "procuringEntity"),
    ("contractingProcesses/*/summary/tender/administrativeEntity", "administrativeEntity"),
    ("contractingProcesses/*/summary/suppliers/*", "supplier"),
    ("contractingProcesses/*/summary/finance/*/financingParty", "funder"),
    ("contractingProcesses/*/summary/transactions/*/payer", "payer"),
    ("contractingProcesses/*/summary/transactions/*/payee", "payee"),
];

/// The organizations of a project.
///
/// Ids of organizations are only unique in a process. Two entries are the same organization if they have the same
/// registered identifier (scheme and id), or the same id and no different identifiers; an id that stands for
/// another organization already gets the ocid before it, here and in what refers to it.
#[derive(Debug, Default)]
pub(super) struct Parties {
    pub list: Vec<Value>,
    by_id: HashMap<String, usize>,
    by_identifier: HashMap<(String, String), usize>,
}

/// The organizations of one process.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Positions in the list of the project, with the roles in this process.
    roles: Vec<(usize, Vec<String>)>,
    /// What the ids of the process are in the project, where they are others.
    renamed: HashMap<String, String>,
}

impl Parties {
    /// Adds the organizations of a process.
    pub(super) fn add(&mut self, process: &Process<'_>, left_out: &mut Vec<LeftOut>) -> Members {
        let origin = Origin::Process(process.ocid.clone());
        let buyer = id_text(process.compiled["buyer"].get("id")).map(Cow::into_owned);
        let mut members = Members::default();
        for party in At::root(process.compiled).items("parties") {
            let own = party.id();
            let Some(mut fitted) = Fit::new(&origin, left_out).copy("/definitions/Organization", &party)
            else {
                continue;
            };
            let identifier = identifier(&fitted);
            // The form in which the standard asks for ids of organizations.
            let made = identifier.as_ref().map(|(scheme, id)| format!("{scheme}-{id}"));
            let Some(mut id) = own.clone().or(made) else {
                let problem = Problem::Missing("id".to_owned());
                left_out.push(LeftOut::Field { origin: origin.clone(), pointer: party.pointer, problem });
                continue;
            };
            if own.is_some() && own == buyer {
                add_role(&mut fitted, "buyer");
            }
            if has_role(&fitted, "buyer") {
                add_role(&mut fitted, "publicAuthority");
            }
            let roles = items(&fitted["roles"]).filter_map(Value::as_str).map(str::to_owned).collect();
            let same = identifier.as_ref().and_then(|identifier| self.by_identifier.get(identifier)).copied();
            let same = same.or_else(|| {
                let at = *self.by_id.get(&id)?;
                let other = self::identifier(&self.list[at]);
                (other.is_none() || identifier.is_none() || other == identifier).then_some(at)
            });
            let at = match same {
                Some(at) => {
                    complete(&mut self.list[at], fitted);
                    at
                }
                None => {
                    if self.by_id.contains_key(&id) {
                        id = format!("{}-{id}", process.ocid);
                    }
                    fitted["id"] = json!(id);
                    self.by_id.insert(id, self.list.len());
                    self.list.push(fitted);
                    self.list.len() - 1
                }
            };
            if let Some(identifier) = identifier {
                self.by_identifier.entry(identifier).or_insert(at);
            }
            members.roles.push((at, roles));
            if let (Some(own), Some(id)) = (own, self.list[at]["id"].as_str())
                && own != id
            {
                members.renamed.insert(own, id.to_owned());
            }
        }
        members
    }

    /// A reference to each organization that has a role in the project.
    pub(super) fn with_role(&self, role: &str) -> Vec<Value> {
        self.list.iter().filter(|party| has_role(party, role)).map(reference).collect()
    }

    /// A reference to each organization that has a role in a process.
    pub(super) fn of_process(&self, members: &Members, role: &str) -> List {
        let mut found = List::default();
        for (at, roles) in &members.roles {
            if roles.iter().any(|one| one == role) {
                found.lay(reference(&self.list[*at]));
            }
        }
        found
    }
}

impl Members {
    /// Makes a reference from the process lead to the organization of the project.
    pub(super) fn rename(&self, reference: &mut Value) {
        if let Some(new) =
            id_text(reference.get("id")).map(Cow::into_owned).and_then(|id| self.renamed.get(&id))
        {
            reference["id"] = json!(new);
        }
    }
}

fn reference(party: &Value) -> Value {
    let mut reference = Map::new();
    for name in ["name", "id"] {
        if let Some(value) = party.get(name) {
            reference.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(reference)
}

/// Makes every reference lead to an organization that has the role in which it is referred to.
pub(super) fn resolve(project: &mut Map<String, Value>) {
    let root = Value::Object(std::mem::take(project));
    let mut found = Vec::new();
    for (path, role) in REFERENCES {
        let steps: Vec<&str> = path.split('/').collect();
        references(&root, &steps, role, &mut found);
    }
    let Value::Object(fields) = root else { return };
    *project = fields;
    let mut parties = match project.shift_remove("parties") {
        Some(Value::Array(parties)) => parties,
        _ => Vec::new(),
    };
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for (at, party) in parties.iter().enumerate() {
        by_id.extend(id_text(party.get("id")).map(Cow::into_owned).map(|id| (id, at)));
    }
    for (reference, role) in found {
        let Some(id) = id_text(reference.get("id")).map(Cow::into_owned) else { continue };
        let at = *by_id.entry(id).or_insert_with(|| {
            parties.push(reference);
            parties.len() - 1
        });
        add_role(&mut parties[at], role);
    }
    put(project, "parties", parties);
}

fn references<'a>(value: &Value, steps: &[&str], role: &'a str, found: &mut Vec<(Value, &'a str)>) {
    match steps.split_first() {
        None if value.is_object() => found.push((value.clone(), role)),
        None => {}
        Some((&"*", rest)) => items(value).for_each(|item| references(item, rest, role, found)),
        Some((name, rest)) => references(&value[*name], rest, role, found),
    }
}

/// Fills what the first entry of an organization does not say.
fn complete(first: &mut Value, other: Value) {
    let roles = other["roles"].clone();
    let whole = std::mem::replace(first, other);
    lay(first, whole);
    for role in items(&roles).filter_map(Value::as_str) {
        add_role(first, role);
    }
}

fn identifier(party: &Value) -> Option<(String, String)> {
    let identifier = &party["identifier"];
    Some((identifier["scheme"].as_str()?.to_owned(), id_text(identifier.get("id")).map(Cow::into_owned)?))
}

fn has_role(party: &Value, role: &str) -> bool {
    items(&party["roles"]).any(|one| one == role)
}

fn add_role(party: &mut Value, role: &str) {
    if has_role(party, role) {
        return;
    }
    match &mut party["roles"] {
        Value::Array(roles) => roles.push(json!(role)),
        roles => *roles = json!([role]),
    }
}
