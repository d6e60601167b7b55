//! What happened, written down outside of both sides: what was captured and what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use domain::follow_up::State;
use domain::receipt::Receipt;
use uuid::Uuid;

use super::central_side::{CentralSide, PROJECTS};
use super::device_side::Device;

/// A follow-up that somebody captured.
pub struct Captured {
    pub project: String,
    /// Words that only this one has.
    pub words: String,
    /// Its folio, if the device lived to say it.
    pub folio: Option<String>,
    /// The only copy was taken away by a person (an old copy put back in its place), as the documents say it may be.
    pub forfeit: bool,
    /// At the endpoint, and on no device any more.
    pub only_central: bool,
}

/// What is known.
#[derive(Default)]
pub struct Ledger {
    pub captured: Vec<Captured>,
    /// Operations for which a device ever held a receipt: hash of the body, folio.
    pub receipts: BTreeMap<Uuid, (String, String)>,
    /// Signatures of receipts that were held when the endpoint was restored.
    pub of_before: BTreeSet<String>,
    /// Folios that went with a folder whose device never said that it had captured them.
    unsaid: BTreeSet<String>,
}

impl Ledger {
    /// Words for the next follow-up.
    pub fn words(&self) -> String {
        format!("{} {}.", journeys::CANARY, self.captured.len())
    }

    /// Writes down the receipts that a device has.
    pub fn see_receipts(&mut self, device: &Device) -> Result<Vec<Receipt>> {
        let mut held = Vec::new();
        for (folio, _, view) in device.receipts()? {
            let Some(receipt) = view.receipt else { continue };
            anyhow::ensure!(view.valid, "I1: the receipt of {folio} on {} is not valid", device.name);
            let said = (receipt.body.body_hash.clone(), folio);
            let op_id = receipt.body.op_id;
            let known = self.receipts.entry(op_id).or_insert_with(|| said.clone());
            anyhow::ensure!(*known == said, "I1: the receipts of {op_id} name {known:?} and {said:?}");
            held.push(receipt);
        }
        Ok(held)
    }

    /// What a device has now and had not kept in a copy that is about to take its place.
    pub fn forget_device(&mut self, gone: &BTreeSet<String>, central: &CentralSide) -> Result<()> {
        let there = at_central(central)?;
        let said: BTreeSet<&String> = self.captured.iter().filter_map(|known| known.folio.as_ref()).collect();
        self.unsaid.extend(gone.iter().filter(|folio| !said.contains(folio)).cloned());
        for captured in &mut self.captured {
            if captured.folio.as_ref().is_some_and(|folio| gone.contains(folio)) {
                if there.contains_key(&captured.words) {
                    captured.only_central = true;
                } else {
                    captured.forfeit = true;
                }
            }
        }
        Ok(())
    }

    /// A backup was restored: what only the endpoint had after it is gone with it.
    pub fn forget_since_backup(&mut self, central: &CentralSide) -> Result<()> {
        let there = at_central(central)?;
        for captured in &mut self.captured {
            captured.forfeit |= captured.only_central && !there.contains_key(&captured.words);
        }
        Ok(())
    }

    /// Whether what a receipt names may be lost.
    pub fn is_forfeit(&self, folio: &str) -> bool {
        let mut forfeit = self.captured.iter().filter(|captured| captured.forfeit);
        forfeit.any(|captured| captured.folio.as_deref() == Some(folio)) || self.unsaid.contains(folio)
    }
}

/// Folios of a device's own follow-ups.
pub fn folios(device: &Device) -> Result<BTreeSet<String>> {
    Ok(device.tray()?.rows.into_iter().map(|row| row.folio).collect())
}

/// Folios of a device's own follow-ups that the endpoint has not recorded.
pub fn waiting(device: &Device) -> Result<BTreeSet<String>> {
    let rows = device.tray()?.rows.into_iter();
    let waits = |state| matches!(state, State::Ready | State::Sending | State::Parked);
    Ok(rows.filter(|row| waits(row.state)).map(|row| row.folio).collect())
}

/// What the endpoint has of what was captured: by its words, how often.
pub fn at_central(central: &CentralSide) -> Result<BTreeMap<String, usize>> {
    central.read(|_, tx| {
        let mut found = BTreeMap::new();
        for (folio, _) in PROJECTS {
            for stored in tx.follow_ups(folio)? {
                *found.entry(stored.follow_up.content.internal.notes).or_default() += 1;
            }
        }
        Ok(found)
    })
}
