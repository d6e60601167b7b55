//! Rescue copies, and profiles that are taken away.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::problem::Problem;

/// How far the sealed copy of what is only here is, which a forgotten passphrase would leave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RescueCopy {
    /// When it was written last; none while there is none.
    pub at: Option<DateTime<Utc>>,
    /// Why it is behind what is here; none when it is not.
    pub behind: Option<Problem>,
    /// Photographs and documents that are not in it for want of room.
    pub files_left: u32,
}

/// A profile of this equipment; whoever sits at the window when there is no identifier.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct RescueOf {
    /// Identifier.
    pub id: Option<String>,
}

/// What a rescue file of a profile would have, as far as it can be told without a passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RescueState {
    /// When its copy was written; none when there is none.
    pub at: Option<DateTime<Utc>>,
    /// Photographs and documents in it.
    pub files: u32,
    /// Bytes of the whole.
    pub bytes: u64,
    /// Name that is proposed for the file.
    pub name: String,
}

/// Makes a rescue file.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct RescueExport {
    /// Of which profile; of whoever sits at the window when there is none.
    pub id: Option<String>,
    /// File or folder.
    pub path: String,
}

/// A rescue file that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RescueMade {
    /// Where it was saved.
    pub path: String,
    /// When what is in it was copied from the store.
    pub at: DateTime<Utc>,
    /// Photographs and documents in it.
    pub files: u32,
    /// Photographs and documents that are damaged on this disk and are not in it.
    pub damaged: u32,
    /// Bytes of the whole.
    pub bytes: u64,
}

/// What was given back of a rescue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RescueTaken {
    /// Drafts that are here again.
    pub drafts: u32,
    /// Drafts that had been given back before.
    pub already: u32,
    /// Their photographs and documents.
    pub files: u32,
    /// What could not be given back, with the reason.
    pub left: Vec<RescueLeft>,
}

/// Something of a rescue that could not be given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct RescueLeft {
    /// Folio that the draft had.
    pub folio: String,
    /// Why.
    pub problem: Problem,
}

/// A profile that was taken away and can be brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RemovedCard {
    /// Identifier.
    pub id: String,
    /// Name it had.
    pub name: String,
    /// When it was taken away, by the clock of this equipment.
    pub removed_at: DateTime<Utc>,
    /// Days until it may be deleted for good; it never is by itself.
    pub days_left: u32,
}
