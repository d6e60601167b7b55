//! Merging of random releases, compared with the reference library.
//!
//! `AVANCE_DIFFERENTIAL=N` compares that many processes, `AVANCE_SEED=N` others than those of an ordinary run. A
//! difference is shown on the smallest releases that still have it, with the seed that made them.

use std::collections::BTreeMap;

#[path = "differential/random.rs"]
mod random;
#[path = "differential/reference.rs"]
mod reference;

use ocds::merge::{self, Rules};
use serde_json::Value;

use reference::{Answer, Reference};

/// Processes of an ordinary run, and the seed of the first.
const ORDINARY: (u64, u64) = (3_000, 1);

/// Processes handed over at once.
const BATCH: usize = 1_000;

/// What we make of releases: compiled and versioned.
type Merge = fn(&[Value]) -> [Option<Value>; 2];

fn ours(releases: &[Value]) -> [Option<Value>; 2] {
    let rules = Rules::profile();
    [merge::compiled, merge::versioned].map(|merge| merge(rules, releases).ok().map(|merged| merged.value))
}

/// What differs: the name of the merge, what the reference gives, and what we give. Both may refuse.
fn difference(merge: Merge, releases: &[Value], answer: &Answer) -> Option<String> {
    let [compiled, versioned] = merge(releases);
    for (name, theirs, own) in
        [("compiled", &answer.compiled, compiled), ("versioned", &answer.versioned, versioned)]
    {
        if theirs.as_ref().ok() != own.as_ref() {
            let theirs = theirs.as_ref().map_or_else(Clone::clone, Value::to_string);
            let own = own.map_or_else(|| "refused".to_owned(), |own| own.to_string());
            return Some(format!("{name}\n  reference: {theirs}\n  ours:      {own}"));
        }
    }
    None
}

/// A process that comes out differently.
struct Difference {
    seed: u64,
    /// The smallest releases that were found to differ.
    releases: Vec<Value>,
    said: String,
}

/// Compares all; says how many both refuse, by the error of the reference, or the first difference.
fn compare(
    reference: &Reference,
    merge: Merge,
    processes: &[(u64, Vec<Value>)],
) -> Result<BTreeMap<String, usize>, Difference> {
    let mut refused = BTreeMap::new();
    for batch in processes.chunks(BATCH) {
        let given: Vec<Vec<Value>> = batch.iter().map(|(_, releases)| releases.clone()).collect();
        for (answer, (seed, releases)) in reference.merge(&given).iter().zip(batch) {
            if let Some(said) = difference(merge, releases, answer) {
                let (releases, said) = shrink(reference, merge, releases.clone(), said);
                return Err(Difference { seed: *seed, releases, said });
            }
            if let Err(error) = &answer.compiled {
                *refused.entry(error.clone()).or_default() += 1;
            }
        }
    }
    Ok(refused)
}

/// Takes away releases, fields and items while the difference stays.
fn shrink(
    reference: &Reference,
    merge: Merge,
    mut releases: Vec<Value>,
    mut said: String,
) -> (Vec<Value>, String) {
    loop {
        let mut smaller: Vec<Vec<Value>> = Vec::new();
        for (at, release) in releases.iter().enumerate() {
            let mut fewer = releases.clone();
            fewer.remove(at);
            // Of nothing there is nothing to merge.
            smaller.extend((!fewer.is_empty()).then_some(fewer));
            without_one(release, &mut |less| {
                let mut changed = releases.clone();
                changed[at] = less;
                smaller.push(changed);
            });
        }
        let answers = reference.merge(&smaller);
        let still = smaller
            .into_iter()
            .zip(&answers)
            .find_map(|(less, answer)| difference(merge, &less, answer).map(|said| (less, said)));
        match still {
            Some(less) => (releases, said) = less,
            None => return (releases, said),
        }
    }
}

/// The value without one of its fields or items, at any depth, for each of them. What makes it a release stays.
fn without_one(value: &Value, give: &mut dyn FnMut(Value)) {
    match value {
        Value::Object(fields) => {
            for name in fields.keys() {
                let mut less = fields.clone();
                less.shift_remove(name);
                if !matches!(name.as_str(), "ocid" | "date" | "tag" | "id") {
                    give(Value::Object(less));
                }
            }
            for (name, field) in fields {
                without_one(field, &mut |inner| {
                    let mut less = fields.clone();
                    less.insert(name.clone(), inner);
                    give(Value::Object(less));
                });
            }
        }
        Value::Array(items) => {
            for at in 0..items.len() {
                let mut less = items.clone();
                less.remove(at);
                give(Value::Array(less));
            }
            for (at, item) in items.iter().enumerate() {
                without_one(item, &mut |inner| {
                    let mut less = items.clone();
                    less[at] = inner;
                    give(Value::Array(less));
                });
            }
        }
        _ => {}
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

#[test]
fn random_releases_merge_as_the_reference_merges_them() {
    let Some(reference) = Reference::find() else { return };
    let count = number("AVANCE_DIFFERENTIAL").unwrap_or(ORDINARY.0);
    let first = number("AVANCE_SEED").unwrap_or(ORDINARY.1);
    let processes: Vec<(u64, Vec<Value>)> =
        (first..first + count).map(|seed| (seed, random::process(seed))).collect();
    match compare(&reference, ours, &processes) {
        Ok(refused) => {
            println!(
                "{count} processes from seed {first}: equal to ocdsmerge 0.8.0; both refuse: {refused:?}"
            );
            // Otherwise nothing much was compared.
            assert!(refused.values().sum::<usize>() <= processes.len() / 4, "{refused:?}");
        }
        Err(Difference { seed, releases, said }) => {
            let releases: Vec<String> = releases.iter().map(Value::to_string).collect();
            panic!(
                "AVANCE_SEED={seed} AVANCE_DIFFERENTIAL=1 shows it. Smallest releases:\n  {}\n{said}",
                releases.join("\n  ")
            );
        }
    }
}

#[test]
fn a_difference_is_found_and_made_small() {
    let Some(reference) = Reference::find() else { return };
    // A merge that forgets that null removes.
    fn forgetful(releases: &[Value]) -> [Option<Value>; 2] {
        let mut kept = releases.to_vec();
        for release in &mut kept {
            if let Value::Object(fields) = release {
                fields.retain(|_, value| !value.is_null());
            }
        }
        ours(&kept)
    }
    let processes: Vec<(u64, Vec<Value>)> = (1..200).map(|seed| (seed, random::process(seed))).collect();
    let Err(Difference { releases, said, .. }) = compare(&reference, forgetful, &processes) else {
        panic!("the random releases have nulls");
    };
    // What it takes: a value, its removal, and nothing else.
    assert!(releases.len() <= 2, "{said}");
    let size: usize =
        releases.iter().map(|release| release.as_object().map_or(0, serde_json::Map::len)).sum();
    assert!(size <= 10, "{releases:?}\n{said}");
}

#[test]
fn random_releases_are_the_same_for_a_seed_and_differ_between_seeds() {
    assert_eq!(random::process(7), random::process(7));
    assert_ne!(random::process(7), random::process(8));
    let all: Vec<Value> = (0..300).flat_map(random::process).collect();
    let text = Value::Array(all).to_string();
    // The rules that a run is to meet: whole lists, removal, items with and without id, fields outside the schema.
    for expected in ["null", "\"submissionMethod\":[", "\"x_otro\":", "\"id\":1", "\"id\":\"Ñ\"", "{}", "[]"]
    {
        assert!(text.contains(expected), "{expected}");
    }
}
