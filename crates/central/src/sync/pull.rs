//! Pull: pages of changes, per stream in sequence, with a sealed cursor; a long stream begins with a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::conflict::Conflict;
use domain::history::{Change, ChangeKind};
use domain::person::{Action, can};
use domain::problem::{Code, Problem};
use domain::review::Review;
use domain::seeded::{self, Bug};
use domain::wire::{COMMON, FORMS, PullAnswer, RESCUES, Snapshot, area_stream, is_opinions, opinions_stream};
use hmac::{Hmac, Mac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

use crate::auth::Actor;
use crate::endpoint::Endpoint;
use crate::problem::Answer;
use crate::store::Tx;
use crate::sync::snapshot;

/// Largest page, bytes of JSON before compression.
const PAGE_BYTES: usize = 1024 * 1024;

/// What a cursor says: sealed, so that nobody reads streams they are not entitled to by writing one.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Cursor {
    epoch: Uuid,
    device: Uuid,
    at: BTreeMap<String, u64>,
}

/// What a device says it understands; one of before says nothing, and is given what it can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Understands {
    /// A long stream may begin with a snapshot.
    pub snapshots: bool,
    /// Capture forms travel.
    pub forms: bool,
    /// So does what became of the person's opinions.
    pub opinions: bool,
}

/// Streams a person reads: the common one and their área's; all of them for those who see every área. The forms and
/// the person's opinions are not among them: they are asked for. Those of others are nobody's, whatever their role. The
/// rescues are the administration's.
pub(super) fn scope(tx: &dyn Tx, actor: &Actor) -> Answer<Vec<String>> {
    let mut streams = vec![COMMON.to_owned(), area_stream(&actor.person.area_id)];
    if can(actor.person.card.role, Action::SeeEveryArea) || seeded::is(Bug::EveryAreaForEverybody) {
        streams.extend(tx.streams()?);
    }
    streams.retain(|stream| stream != FORMS && stream != RESCUES && !is_opinions(stream));
    streams.sort();
    streams.dedup();
    Ok(streams)
}

/// One page after a cursor; an empty cursor, or one of another epoch, begins again. With `snapshots` a stream of which
/// the device has nothing, or is too far behind, begins with a snapshot when it is long and the device understands that.
pub fn pull(
    endpoint: &Endpoint,
    actor: &Actor,
    cursor: &str,
    understands: Understands,
) -> Answer<PullAnswer> {
    actor.may(Action::Pull)?;
    let key = endpoint.cursor_key();
    let mut at = match cursor {
        "" => BTreeMap::new(),
        text => {
            let cursor = open(text, &key).ok_or_else(|| {
                Problem::new(Code::MalformedRequest)
                    .with("detail", "the cursor was not given by this endpoint")
            })?;
            if cursor.epoch == endpoint.epoch && cursor.device == actor.device_id {
                cursor.at
            } else {
                BTreeMap::new()
            }
        }
    };
    // Before the page is read: its heads must not be older than the snapshot.
    let snapshot = if understands.snapshots { snapshot::due(endpoint, actor, &at)? } else { None };
    let tx = endpoint.store.read()?;
    let mut scope = scope(&*tx, actor)?;
    if understands.forms {
        scope.push(FORMS.to_owned());
    }
    if understands.opinions {
        scope.push(opinions_stream(&actor.person.card.id));
    }
    if let Some(snapshot) = &snapshot {
        at.insert(snapshot.stream.clone(), snapshot.head.seq);
    }
    at.retain(|stream, _| scope.contains(stream));
    let mut changes = Vec::new();
    let mut heads = BTreeMap::new();
    let mut room = PAGE_BYTES;
    let mut has_more = snapshot.is_some();
    if seeded::is(Bug::SequenceAsCursor) {
        let most = at.values().copied().max().unwrap_or(0);
        at.extend(scope.iter().map(|stream| (stream.clone(), most)));
    }
    for stream in &scope {
        let head = tx.head(stream)?;
        let mut position = at.get(stream).copied().unwrap_or(0);
        if !has_more {
            for change in tx.changes(stream, position, endpoint.page - changes.len())? {
                let size = change.state.to_string().len() + 256;
                if size > room && !changes.is_empty() {
                    break;
                }
                room = room.saturating_sub(size);
                position = change.seq;
                changes.push(change);
            }
        }
        has_more |= position < head.seq;
        at.insert(stream.clone(), position);
        heads.insert(stream.clone(), head);
    }
    let names = names(&*tx, actor, &changes, snapshot.as_ref())?;
    drop(tx);
    let cursor = seal(&Cursor { epoch: endpoint.epoch, device: actor.device_id, at }, &key);
    let now = endpoint.now();
    // Noting the contact must not cost the page that was read: a long load may hold the writer.
    let noted = endpoint.store.begin().and_then(|tx| {
        tx.contact_device(actor.device_id, now)?;
        tx.commit()
    });
    if let Err(error) = noted {
        tracing::warn!(%error, "the contact of a device was not noted");
    }
    Ok(PullAnswer {
        server_epoch: endpoint.epoch,
        now,
        person: actor.person.card.clone(),
        scope,
        changes,
        names,
        heads,
        cursor,
        has_more,
        snapshot,
    })
}

/// Names of the authors of the conflicts and reviews in a page and in the snapshot it begins with, for those who may see names.
fn names(
    tx: &dyn Tx,
    actor: &Actor,
    changes: &[Change],
    snapshot: Option<&Snapshot>,
) -> Answer<BTreeMap<Uuid, String>> {
    let mut names = BTreeMap::new();
    if !can(actor.person.card.role, Action::SeeNames) {
        return Ok(names);
    }
    let mut operations: BTreeSet<Uuid> = changes.iter().flat_map(named).collect();
    if let Some(snapshot) = snapshot {
        tx.latest(&snapshot.stream, snapshot.head.seq, &mut |change| {
            operations.extend(named(&change));
            true
        })?;
    }
    for op_id in operations {
        // By its device: a choice has no row of its own.
        let device = tx.operation(op_id)?.map(|operation| tx.device(operation.device_id)).transpose()?;
        if let Some(device) = device.flatten()
            && let Some(person) = tx.person(&device.person_id)?
        {
            names.insert(op_id, person.card.name);
        }
    }
    Ok(names)
}

/// The operations of a change whose authors are named: both sides of a conflict and who chose, who captured what is
/// under review and who decided it.
fn named(change: &Change) -> Vec<Uuid> {
    let mut operations = Vec::new();
    if change.kind != ChangeKind::FollowUp {
        return operations;
    }
    if let Some(conflict) = read::<Conflict>(&change.state, "conflict") {
        let standing = conflict.standing.into_iter().filter_map(|standing| standing.author);
        operations.extend(standing.chain([conflict.held]).map(|author| author.op_id));
        operations.extend(conflict.chosen.map(|chosen| chosen.op_id));
    }
    if let Some(review) = read::<Review>(&change.state, "review") {
        operations.extend(read::<Uuid>(&change.state, "opId"));
        operations.extend(review.rounds.into_iter().map(|round| round.op_id));
    }
    operations
}

fn read<T: DeserializeOwned>(state: &Value, field: &str) -> Option<T> {
    T::deserialize(state.get(field)?).ok()
}

fn mac(bytes: &[u8], key: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}

fn seal(cursor: &Cursor, key: &[u8]) -> String {
    let bytes = serde_json::to_vec(cursor).unwrap_or_default();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(mac(&bytes, key)))
}

fn open(text: &str, key: &[u8]) -> Option<Cursor> {
    let (bytes, seal) = text.split_once('.')?;
    let bytes = URL_SAFE_NO_PAD.decode(bytes).ok()?;
    let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(&bytes);
    mac.verify_slice(&seal).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_with_its_seal() {
        let cursor = Cursor {
            epoch: Uuid::from_u128(1),
            device: Uuid::from_u128(2),
            at: BTreeMap::from([("common".into(), 7)]),
        };
        let text = seal(&cursor, b"key");
        assert_eq!(open(&text, b"key"), Some(cursor));
        assert_eq!(open(&text, b"other"), None);
        let (bytes, seal) = text.split_once('.').unwrap();
        let forged = URL_SAFE_NO_PAD
            .encode(String::from_utf8(URL_SAFE_NO_PAD.decode(bytes).unwrap()).unwrap().replace('7', "0"));
        assert_eq!(open(&format!("{forged}.{seal}"), b"key"), None);
        assert_eq!(open("x", b"key"), None);
    }
}
