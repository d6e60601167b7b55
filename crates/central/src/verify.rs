//! `avance-central verify`: the chain of every stream, entry by entry, and the daily roots against it.

use std::collections::{BTreeMap, BTreeSet};

use domain::history::{DailyRoot, Head};

use crate::roots::{self, Published};
use crate::store::{Result, Tx};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Streams read.
    pub streams: u64,
    /// Entries read.
    pub entries: u64,
    /// Daily roots compared.
    pub roots: u64,
    /// What does not hold, one line each.
    pub broken: Vec<String>,
}

/// What roots say of a stream: by number, the chain and the date of each that says it.
type Said = BTreeMap<u64, Vec<(String, String)>>;

/// Reads every stream from its beginning, and holds the published roots against what it finds on the way.
///
/// # Errors
/// The database.
pub fn verify(tx: &dyn Tx, published: &[Published]) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut said = roots_of(tx, published, &mut verdict)?;
    // The dates that do not fit, each with what was found first.
    let mut unfit: BTreeMap<String, String> = BTreeMap::new();
    for stream in tx.streams()? {
        verdict.streams += 1;
        let mut wanted = said.remove(&stream).unwrap_or_default();
        let mut head = Head::default();
        compare(&stream, &head, &mut wanted, &mut unfit);
        'stream: loop {
            let changes = tx.changes(&stream, head.seq, 1_000)?;
            if changes.is_empty() {
                break;
            }
            for change in &changes {
                verdict.entries += 1;
                if let Err(error) = head.take(change) {
                    verdict.broken.push(error.to_string());
                    break 'stream;
                }
                compare(&stream, &head, &mut wanted, &mut unfit);
            }
        }
        let kept = tx.head(&stream)?;
        if kept != head && !verdict.broken.iter().any(|line| line.contains(&stream)) {
            verdict.broken.push(format!(
                "stream {stream}: its entries end at {} with {}, its head says {} with {}",
                head.seq, head.chain, kept.seq, kept.chain
            ));
        }
        beyond(&stream, head.seq, wanted, &mut unfit);
    }
    for (stream, wanted) in said {
        beyond(&stream, 0, wanted.into_iter().filter(|(seq, _)| *seq > 0).collect(), &mut unfit);
    }
    verdict
        .broken
        .extend(unfit.into_iter().map(|(date, what)| format!("the root of {date} no longer fits: {what}")));
    Ok(verdict)
}

/// The roots, those of the public folder and those that are kept, by what they say of each stream.
fn roots_of(tx: &dyn Tx, published: &[Published], verdict: &mut Verdict) -> Result<BTreeMap<String, Said>> {
    let key = tx.meta("public_key")?.unwrap_or_default();
    let mut said: BTreeMap<String, Said> = BTreeMap::new();
    let mut there: BTreeMap<&str, &str> = BTreeMap::new();
    let kept = tx.metas(roots::KEPT)?;
    for root in published {
        there.insert(&root.date, &root.text);
    }
    let dates: BTreeSet<&str> =
        kept.iter().map(|(date, _)| date.as_str()).chain(there.keys().copied()).collect();
    verdict.roots = dates.len() as u64;
    for (date, text) in &kept {
        match there.get(date.as_str()) {
            Some(found) if found == text => {}
            Some(_) => {
                verdict
                    .broken
                    .push(format!("the root of {date} in the public folder is not the one kept here"));
            }
            None => verdict.broken.push(format!("the root of {date} is not in the public folder")),
        }
    }
    let kept = kept.iter().map(|(date, text)| (date.as_str(), text.as_str()));
    // The same bytes twice say the same thing once.
    let all: BTreeSet<(&str, &str)> = kept.chain(there).collect();
    for (date, text) in all {
        let root: DailyRoot = match serde_json::from_str(text) {
            Ok(root) => root,
            Err(error) => {
                verdict.broken.push(format!("the root of {date} cannot be read: {error}"));
                continue;
            }
        };
        if root.body.date.to_string() != date {
            verdict.broken.push(format!("the root of {date} says that it is of {}", root.body.date));
        }
        if root.verify(&key).is_err() {
            verdict.broken.push(format!("the root of {date} was not signed by this endpoint as it is"));
            continue;
        }
        for (stream, head) in root.body.streams {
            said.entry(stream).or_default().entry(head.seq).or_default().push((head.chain, date.to_owned()));
        }
    }
    Ok(said)
}

fn compare(stream: &str, head: &Head, wanted: &mut Said, unfit: &mut BTreeMap<String, String>) {
    for (chain, date) in wanted.remove(&head.seq).unwrap_or_default() {
        if chain != head.chain {
            unfit.entry(date).or_insert_with(|| {
                format!("stream {stream} had {chain} at {}, the log has {}", head.seq, head.chain)
            });
        }
    }
}

/// What roots say of numbers that were not reached.
fn beyond(stream: &str, last: u64, wanted: Said, unfit: &mut BTreeMap<String, String>) {
    for (seq, roots) in wanted {
        for (_, date) in roots {
            unfit
                .entry(date)
                .or_insert_with(|| format!("stream {stream} had come to {seq}, the log holds up to {last}"));
        }
    }
}
