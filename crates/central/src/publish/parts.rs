//! Which part something published is in: releases by the month they are of, processes by the year they began in. A part
//! takes what comes until it is full, and never gives anything back.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::store::Tx;
use crate::store::parts::{Loose, Part, PartKind};

/// Most bytes of releases in a package: not zipped, so that zipped it is below 10 MB whatever they say.
const RELEASE_BYTES: u64 = 9_500_000;
/// Most processes in a record package. Records grow as long as the work goes on, and their package must stay below 10 MB
/// zipped without sending anybody elsewhere: room for 40 kB zipped each, some hundred follow-ups.
const RECORDS: u64 = 250;
/// Most processes in a part of the catalogue.
const CATALOGUED: u64 = 1_000;

/// The last part of each period, and how full it is.
#[derive(Default)]
pub struct Filling {
    most: u64,
    most_bytes: u64,
    last: BTreeMap<String, (u64, u64, u64)>,
}

impl Filling {
    /// Goes on where the parts that exist end.
    pub fn of(kind: PartKind, parts: &[Part]) -> Filling {
        let (most, most_bytes) = match kind {
            PartKind::Releases => (u64::MAX, RELEASE_BYTES),
            PartKind::Records => (RECORDS, u64::MAX),
            PartKind::Catalog => (CATALOGUED, u64::MAX),
        };
        let last = parts.iter().map(|part| (part.period.clone(), (part.n, part.members, part.bytes)));
        Filling { most, most_bytes, last: last.collect() }
    }

    /// The number of the part that takes it.
    pub fn take(&mut self, loose: &Loose) -> u64 {
        let (n, members, bytes) = self.last.entry(loose.period.clone()).or_insert((1, 0, 0));
        if *members > 0 && (*members >= self.most || *bytes + loose.bytes > self.most_bytes) {
            (*n, *members, *bytes) = (*n + 1, 0, 0);
        }
        *members += 1;
        *bytes += loose.bytes;
        *n
    }
}

/// Gives everything that is published a part. Gives whether there was something.
pub fn assign(tx: &dyn Tx, kind: PartKind) -> Result<bool> {
    let loose = tx.loose(kind)?;
    if loose.is_empty() {
        return Ok(false);
    }
    let mut filling = Filling::of(kind, &tx.parts(kind)?);
    for one in &loose {
        tx.put_in_part(kind, one, filling.take(one))?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose(period: &str, bytes: u64) -> Loose {
        Loose { ocid: "ocds-000000-1".into(), sequence: 1, period: period.into(), bytes }
    }

    #[test]
    fn a_part_takes_until_it_is_full_and_periods_do_not_mix() {
        let mut filling = Filling::of(PartKind::Releases, &[]);
        assert_eq!(filling.take(&loose("2026-01", 9_000_000)), 1);
        assert_eq!(filling.take(&loose("2026-02", 9_000_000)), 1);
        assert_eq!(filling.take(&loose("2026-01", 400_000)), 1);
        assert_eq!(filling.take(&loose("2026-01", 400_000)), 2);
        assert_eq!(filling.take(&loose("2026-01", 10_000_000)), 3, "alone, where it is larger than a part");
        assert_eq!(filling.take(&loose("2026-01", 1)), 4);
        let known = Part {
            period: "2026".into(),
            n: 3,
            members: RECORDS - 1,
            bytes: 0,
            releases: 0,
            latest: chrono::DateTime::UNIX_EPOCH,
        };
        let mut filling = Filling::of(PartKind::Records, &[known]);
        assert_eq!(filling.take(&loose("2026", 0)), 3);
        assert_eq!(filling.take(&loose("2026", 0)), 4);
    }
}
