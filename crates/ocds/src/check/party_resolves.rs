//! `party-resolves`: every reference to an organization is exactly one party, and roles agree with references.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{Case, Finding, error, warning};
use crate::schema::shape::objects_of;
use crate::tag::items;
use crate::value::id_text;

/// `no-id` · `unknown` (no such party) · `repeated` (two parties) · `other-name` · `no-role` (the party lacks the
/// role in which it is referred to) · `unused-role` (warning: nothing refers to the party in that role)
pub(super) const REASONS: &[&str] = &["no-id", "unknown", "repeated", "other-name", "no-role", "unused-role"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let parties: Vec<(Option<Cow<'_, str>>, &Value)> =
        items(&case.after["parties"]).map(|party| (id_text(party.get("id")), party)).collect();
    let mut told = Told::new();
    for reference in case.objects("OrganizationReference") {
        let finding = |reason: &str, value: Value, expected: Value| {
            let params =
                json!({"reason": reason, "field": reference.field, "value": value, "expected": expected});
            error("party-resolves", reference.pointer, params)
        };
        let Some(id) = id_text(reference.fields.get("id")) else {
            found.push(finding("no-id", reference.value["name"].clone(), Value::Null));
            continue;
        };
        let Some((_, party)) = parties.iter().find(|(own, _)| own.as_ref() == Some(&id)) else {
            found.push(finding("unknown", json!(id), Value::Null));
            continue;
        };
        if let (Some(name), Some(expected)) = (reference.value["name"].as_str(), party["name"].as_str())
            && name != expected
        {
            found.push(finding("other-name", json!(name), json!(expected)));
        }
        let Some(role) = Role::of(reference.field) else { continue };
        if !role.is_in(&party["roles"]) && told.insert((id.clone(), role.codes[0])) {
            let params = json!({"reason": "no-role", "field": reference.field, "value": id, "expected": role.codes[0]});
            let tell = if role.required { error } else { warning };
            found.push(tell("party-resolves", reference.pointer, params));
        }
    }
    roles_of_parties(case, &mut told, &mut found);
    found
}

/// Party and role.
type Told<'c> = HashSet<(Cow<'c, str>, &'static str)>;

/// The parties of this release: repeated ones, roles dropped although something still refers to them, roles that
/// nothing refers to. `roles` is replaced as a whole when merged, so each must be the whole set.
fn roles_of_parties<'c>(case: &'c Case<'_>, told: &mut Told<'c>, found: &mut Vec<Finding>) {
    let whole = objects_of(case.after, "OrganizationReference");
    let used: Told<'_> = whole
        .iter()
        .filter_map(|(field, reference)| Some((id_text(reference.get("id"))?, Role::of(field)?)))
        .flat_map(|(id, role)| role.codes.iter().map(move |code| (id.clone(), *code)))
        .collect();
    let mut seen = HashSet::new();
    for (index, party) in items(&case.release["parties"]).enumerate() {
        let Some(id) = id_text(party.get("id")) else {
            continue;
        };
        let pointer = format!("/parties/{index}");
        if !seen.insert(id.clone()) {
            let params = json!({"reason": "repeated", "field": "parties", "value": id});
            found.push(error("party-resolves", pointer.clone(), params));
        }
        renamed(case, &whole, &pointer, party, found);
        let Some(roles) = party.get("roles") else { continue };
        for role in ROLES.iter().filter(|role| role.required && !role.is_in(roles)) {
            if used.contains(&(id.clone(), role.codes[0])) && told.insert((id.clone(), role.codes[0])) {
                let params =
                    json!({"reason": "no-role", "field": "parties", "value": id, "expected": role.codes[0]});
                found.push(error("party-resolves", format!("{pointer}/roles"), params));
            }
        }
        for code in items(roles).filter_map(Value::as_str) {
            // Only once there is a place where the reference should be; before, the role announces it.
            let Some(role) = ROLES.iter().find(|role| role.required && role.codes[0] == code) else {
                continue;
            };
            if (role.place)(case.after) && !used.contains(&(id.clone(), role.codes[0])) {
                let params =
                    json!({"reason": "unused-role", "field": "parties", "value": id, "expected": code});
                found.push(warning("party-resolves", format!("{pointer}/roles"), params));
            }
        }
    }
}

/// A party that this release renames, while a reference told earlier keeps the old name.
fn renamed(
    case: &Case<'_>,
    whole: &[(&str, &Map<String, Value>)],
    pointer: &str,
    party: &Value,
    found: &mut Vec<Finding>,
) {
    let (Some(name), Some(was)) = (party["name"].as_str(), case.was(pointer)) else {
        return;
    };
    // The references of this release have been told by then.
    let told = |finding: &Finding| {
        let param = |name: &str| finding.params.get(name).and_then(Value::as_str);
        param("reason") == Some("other-name") && param("expected") == Some(name)
    };
    if was["name"] == name || found.iter().any(told) {
        return;
    }
    let id = id_text(party.get("id"));
    let left = whole.iter().find(|(_, reference)| {
        reference.get("name").and_then(Value::as_str).is_some_and(|other| other != name)
            && id_text(reference.get("id")) == id
    });
    if let Some((field, left)) = left {
        let params = json!({"reason": "other-name", "field": field, "value": left["name"], "expected": name});
        found.push(error("party-resolves", format!("{pointer}/name"), params));
    }
}

/// The role in which a field refers to an organization.
#[derive(Debug)]
struct Role {
    field: &'static str,
    /// Any of these will do; the first is the proper one.
    codes: &'static [&'static str],
    /// A role of the standard itself.
    required: bool,
    /// Whether a process has got to where such references stand.
    place: fn(&Value) -> bool,
}

fn always(_: &Value) -> bool {
    true
}

fn in_tender(release: &Value) -> bool {
    release["tender"].is_object()
}

fn in_awards(release: &Value) -> bool {
    items(&release["awards"]).any(|award| award["status"] == "active")
}

fn in_payments(release: &Value) -> bool {
    items(&release["contracts"])
        .any(|contract| items(&contract["implementation"]["transactions"]).next().is_some())
}

const ROLES: &[Role] = &[
    Role { field: "buyer", codes: &["buyer"], required: true, place: always },
    Role { field: "procuringEntity", codes: &["procuringEntity"], required: true, place: in_tender },
    Role { field: "tenderers", codes: &["tenderer"], required: true, place: in_tender },
    Role { field: "suppliers", codes: &["supplier"], required: true, place: in_awards },
    Role { field: "payer", codes: &["payer"], required: true, place: in_payments },
    Role { field: "payee", codes: &["payee"], required: true, place: in_payments },
    Role { field: "sourceParty", codes: &["sourceParty", "funder"], required: false, place: always },
    Role { field: "guarantor", codes: &["guarantor"], required: false, place: always },
    Role { field: "requestingUnits", codes: &["requestingUnit"], required: false, place: always },
    Role { field: "responsibleUnits", codes: &["responsibleUnit"], required: false, place: always },
    Role { field: "contractingUnits", codes: &["contractingUnit"], required: false, place: always },
];

impl Role {
    fn of(field: &str) -> Option<&'static Role> {
        ROLES.iter().find(|role| role.field == field)
    }

    fn is_in(&self, roles: &Value) -> bool {
        items(roles).filter_map(Value::as_str).any(|role| self.codes.contains(&role))
    }
}
