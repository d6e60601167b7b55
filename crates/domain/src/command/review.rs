//! What a window asks about reviews, and what it is told.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::Finding;
use crate::follow_up::{FollowUpState, State};
use crate::form::Text;
use crate::problem::Problem;
use crate::review::{Changed, Decision, Observation, ReviewAct, Waited};

/// What a draft corrects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Corrected {
    /// The follow-up.
    pub id: Uuid,
    /// Its folio.
    pub folio: String,
    /// Why; blank where nothing public is corrected.
    pub reason: String,
}

/// Which reviews.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, TS)]
pub struct ReviewsOf {
    /// Only that of this follow-up, with what it changes; all of them when it is not said.
    #[serde(default)]
    pub id: Option<Uuid>,
}

/// A follow-up under review with what this person may do about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReviewRow {
    /// As the central endpoint says it; the captured content is told as changes.
    pub central: FollowUpState,
    /// Title of the project.
    pub title: String,
    /// The área that captured it: its name where this equipment knows it, its id otherwise.
    pub area: String,
    /// Whether the person of this equipment captured it here.
    pub own: bool,
    /// Since when it is as it is.
    pub since: DateTime<Utc>,
    /// Names of who captured and who decided, by operation, as far as this person may see them.
    #[ts(type = "Record<string, string>")]
    pub names: BTreeMap<Uuid, String>,
    /// What this person may say now.
    pub may: Vec<Decision>,
    /// Whether this person may correct it by another follow-up.
    pub correct: bool,
    /// What this person said last on this equipment, while it is not among the rounds.
    pub act: Option<OwnAct>,
    /// What it changes of what stands accepted; only of one that was asked for by its id.
    pub changes: Vec<Changed>,
    /// What the fields are called that changes and observations point at, by pointer.
    pub labels: BTreeMap<String, Text>,
    /// How long it waited for whom.
    pub waited: Option<Waited>,
}

/// Something decided or answered on this equipment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OwnAct {
    /// What was said.
    pub decision: Decision,
    /// What has to be looked at.
    pub observations: Vec<Observation>,
    /// Why, or the answer.
    pub reason: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// `ready` or `parked` while it is only here, `received`, or `rejected`: then it had no effect.
    pub state: State,
    /// Why it was rejected.
    #[ts(
        type = "{ pointer: string; rule: string; severity: \"error\" | \"warning\"; params: Record<string, any> }[]"
    )]
    pub findings: Vec<Finding>,
    /// Why it could not be sent last time.
    pub problem: Option<Problem>,
}

/// Decisions or answers.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ReviewActs {
    /// Each on one follow-up.
    pub acts: Vec<ReviewAct>,
}

/// What became of one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ReviewSent {
    /// The follow-up.
    pub id: Uuid,
    /// Its folio.
    pub folio: String,
    /// Why it was not queued; none when it was.
    pub problem: Option<Problem>,
}

/// Starts a correction.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Correct {
    /// The follow-up to correct.
    pub id: Uuid,
    /// Why; needed where it was accepted already.
    #[serde(default)]
    pub reason: String,
}
