//! The laws of merging (`sync.md`, Conflict), on any fragments: idempotent; equal values are neutral; disjoint
//! operations commute; no value is ever lost from the history.

use std::collections::{BTreeMap, BTreeSet};

use domain::conflict::{Since, find, leaves, standing};
use ocds::merge::{Rules, compiled};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

type Fragment = Map<String, Value>;

fn map(value: Value) -> Fragment {
    value.as_object().cloned().unwrap_or_default()
}

/// What may be captured of a process: contracts and awards by id, a plan, texts. Small alphabets, so that two of them
/// often meet; no nulls, because what is taken out is not a value to be found again.
fn fragment() -> impl Strategy<Value = Fragment> {
    let contract = (0..3u8, proptest::option::of(0..3i32), proptest::option::of("[ab]"));
    let contracts = prop::collection::vec(contract, 0..3);
    let plan = proptest::option::of("[ab]");
    (contracts, plan, proptest::option::of(0..3i32)).prop_map(|(contracts, rationale, budget)| {
        let mut fragment = Map::new();
        let mut seen = BTreeSet::new();
        let mut list = Vec::new();
        for (id, amount, title) in contracts.into_iter().filter(|(id, ..)| seen.insert(*id)) {
            let mut contract = json!({"id": format!("C-{id}"), "awardID": "A"});
            if let Some(amount) = amount {
                contract["value"] = json!({"amount": amount, "currency": "MXN"});
            }
            if let Some(title) = title {
                contract["title"] = json!(title);
            }
            list.push(contract);
        }
        if !list.is_empty() {
            fragment.insert("contracts".into(), json!(list));
        }
        if rationale.is_some() || budget.is_some() {
            let mut planning = json!({});
            if let Some(rationale) = rationale {
                planning["rationale"] = json!(rationale);
            }
            if let Some(amount) = budget {
                planning["budget"] = json!({"amount": {"amount": amount, "currency": "MXN"}});
            }
            fragment.insert("planning".into(), planning);
        }
        fragment
    })
}

/// What the standard's own merge makes of fragments in an order, by path: the order of items is nobody's value.
fn merged(fragments: &[&Fragment]) -> BTreeMap<String, Value> {
    let releases: Vec<Value> = fragments
        .iter()
        .enumerate()
        .map(|(n, fragment)| {
            let mut release = (*fragment).clone();
            release.insert("ocid".into(), json!("ocds-000000-x"));
            release.insert("id".into(), json!(format!("{n}")));
            release.insert("date".into(), json!(format!("2026-01-01T00:00:{n:02}.000Z")));
            release.insert("tag".into(), json!(["planning"]));
            Value::Object(release)
        })
        .collect();
    let mut compiled = map(compiled(Rules::profile(), &releases).expect("releases merge").value);
    for key in ["id", "date", "tag", "ocid"] {
        compiled.remove(key);
    }
    leaves(&compiled)
}

fn conflicts(standing: &[&Fragment], offered: &Fragment) -> bool {
    let since: Vec<Since<'_>> =
        standing.iter().map(|fragment| Since { release: "r", fragment, known: false }).collect();
    !find(&since, offered).is_empty()
}

/// One operation of the simulation: whose, upon which version, what.
#[derive(Clone, Debug)]
struct Offer {
    author: u8,
    behind: usize,
    fragment: Fragment,
    /// What is chosen if it is held: applied, kept, or left open.
    choice: Option<bool>,
}

fn offers() -> impl Strategy<Value = Vec<Offer>> {
    let offer = (0..3u8, 0..4usize, fragment(), proptest::option::of(any::<bool>()))
        .prop_map(|(author, behind, fragment, choice)| Offer { author, behind, fragment, choice });
    prop::collection::vec(offer, 1..8)
}

proptest! {
    #[test]
    fn the_same_again_changes_nothing(a in fragment(), b in fragment()) {
        // b after a, then b again from somebody who had seen neither: only a's values that b left standing count.
        prop_assert!(!conflicts(&[&b], &b));
        prop_assert!(!conflicts(&[&a, &b], &b));
        prop_assert_eq!(merged(&[&a, &b, &b]), merged(&[&a, &b]));
        prop_assert_eq!(standing([&a, &b, &b]), standing([&a, &b]));
    }

    #[test]
    fn equal_values_are_neutral(a in fragment(), b in fragment()) {
        // What of b says the same as a, laid upon a, is no conflict and no change.
        let known = leaves(&a);
        let mut same = b.clone();
        same.retain(|key, value| {
            leaves(&map(json!({key.as_str(): value}))).iter().all(|(path, value)| known.get(path) == Some(value))
        });
        prop_assert!(!conflicts(&[&a], &same));
        prop_assert_eq!(merged(&[&a, &same]), merged(&[&a]));
    }

    #[test]
    fn what_does_not_conflict_commutes(a in fragment(), b in fragment()) {
        prop_assert_eq!(conflicts(&[&a], &b), conflicts(&[&b], &a));
        if !conflicts(&[&a], &b) {
            prop_assert_eq!(merged(&[&a, &b]), merged(&[&b, &a]));
            prop_assert_eq!(standing([&a, &b]), standing([&b, &a]));
        }
    }

    #[test]
    fn a_conflict_names_every_path_and_both_values(a in fragment(), b in fragment()) {
        let (left, right) = (leaves(&a), leaves(&b));
        let since = [Since { release: "r", fragment: &a, known: false }];
        let found: BTreeSet<String> = find(&since, &b)
            .into_iter()
            .map(|overlap| {
                assert_eq!(left.get(&overlap.path), Some(&overlap.standing));
                assert_eq!(right.get(&overlap.path), Some(&overlap.offered));
                assert_eq!(overlap.release, "r");
                overlap.path
            })
            .collect();
        let expected: BTreeSet<String> = left
            .iter()
            .filter(|(path, value)| right.get(*path).is_some_and(|other| other != *value))
            .map(|(path, _)| path.clone())
            .collect();
        prop_assert_eq!(found, expected);
    }

    /// Any operations of three authors, each upon some version, held or accepted, chosen either way or left open:
    /// what stands is never changed by what is held, and every value of every operation is in the history, in a
    /// release or in a held follow-up whose conflict names both.
    #[test]
    fn no_value_is_ever_lost(offers in offers()) {
        let mut releases: Vec<(u8, String, Fragment)> = Vec::new();
        let mut held: Vec<Fragment> = Vec::new();
        for (n, offer) in offers.iter().enumerate() {
            let base = releases.len().saturating_sub(offer.behind);
            let since: Vec<Since<'_>> = releases[base..]
                .iter()
                .map(|(author, release, fragment)| Since { release, fragment, known: *author == offer.author })
                .collect();
            let found = find(&since, &offer.fragment);
            let before = standing(releases.iter().map(|(.., fragment)| fragment));
            for overlap in &found {
                // What the conflict says to stand does stand, and the release it names did set it.
                prop_assert_eq!(before.get(&overlap.path), Some(&overlap.standing));
                let release = releases.iter().find(|(_, release, _)| *release == overlap.release);
                let set = release.map(|(author, _, fragment)| (*author, leaves(fragment)));
                let foreign = set.is_some_and(|(author, leaves)| {
                    author != offer.author && leaves.get(&overlap.path) == Some(&overlap.standing)
                });
                prop_assert!(foreign, "{:?}", overlap);
            }
            let accepted = found.is_empty() || offer.choice == Some(true);
            if accepted {
                releases.push((offer.author, format!("r{n}"), offer.fragment.clone()));
            } else {
                held.push(offer.fragment.clone());
                prop_assert_eq!(&standing(releases.iter().map(|(.., fragment)| fragment)), &before);
            }
            let after = standing(releases.iter().map(|(.., fragment)| fragment));
            if accepted {
                // The whole of it took effect.
                prop_assert!(leaves(&offer.fragment).iter().all(|(path, value)| after.get(path) == Some(value)));
            }
        }
        let history: BTreeSet<(String, String)> = releases
            .iter()
            .map(|(.., fragment)| fragment)
            .chain(&held)
            .flat_map(leaves)
            .map(|(path, value)| (path, value.to_string()))
            .collect();
        for offer in &offers {
            for (path, value) in leaves(&offer.fragment) {
                prop_assert!(history.contains(&(path.clone(), value.to_string())), "{path} {value} is gone");
            }
        }
    }
}
