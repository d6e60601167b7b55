//! Projects and their contracting processes, as the stream carries them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::follow_up::Progress;

/// Longest folio of a project, in characters.
pub const MAX_FOLIO: usize = 40;

/// Authoritative state of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProjectState {
    /// Folio: what people speak and write (`planning.project.id`).
    pub folio: String,
    /// Title.
    pub title: String,
    /// Áreas that carry it out; empty until it is assigned.
    pub areas: Vec<String>,
    /// District, sector, zone or colonia, as loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub place: Option<String>,
    /// Its processes.
    pub processes: Vec<ProcessState>,
    /// Latest accepted progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub progress: Option<LatestProgress>,
    /// Public page, once published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub url: Option<String>,
}

/// One contracting process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProcessState {
    /// OCDS identifier of the process.
    pub ocid: String,
    /// How many releases it has: the version a follow-up names as its base.
    pub version: u64,
    /// Compiled release (OCDS 1.1, merging).
    #[ts(type = "any")]
    pub compiled: Value,
}

/// Progress of the latest visit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LatestProgress {
    /// The figures.
    pub progress: Progress,
    /// Day of the visit.
    #[ts(type = "string | null")]
    pub visited_on: Option<NaiveDate>,
    /// When it was accepted.
    pub accepted_at: DateTime<Utc>,
    /// Folio of the follow-up.
    pub follow_up: String,
}

/// Whether a text can be the folio of a project: 1–40 of letters, digits, `.`, `_`, `-`, not beginning with a dot.
/// It becomes part of the ocid, of a public address and of a folder, hence the narrow alphabet.
pub fn is_folio(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_FOLIO
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::is_folio;

    #[test]
    fn folios_cannot_leave_their_folder() {
        for good in ["d1_p1", "7744", "PP-2023-S4-0107"] {
            assert!(is_folio(good), "{good}");
        }
        for bad in ["", "..", ".a", "a/b", "á", "a b", &"x".repeat(41)] {
            assert!(!is_folio(bad), "{bad}");
        }
    }
}
