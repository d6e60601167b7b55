//! What a window asks about opinions and problems, and what it is told.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::Finding;
use crate::opinion::{OpinionImpact, OpinionStep, OpinionTopic};
use crate::problem::Problem;

/// What a person said of the program, newest first, and what they began to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Opinions {
    /// What was said.
    pub rows: Vec<OpinionRow>,
    /// What is being written.
    pub draft: Option<OpinionDraft>,
}

/// Where an opinion stands, as its author sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum OpinionWord {
    /// Only on this equipment: it goes by itself.
    Waiting,
    /// The central endpoint has it.
    Received,
    /// Somebody looks at it.
    Analysing,
    /// What it asks for is in a version of the program.
    Applied,
    /// Nothing follows from it.
    Declined,
    /// The central endpoint could not read it.
    Refused,
}

/// Something a person said of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OpinionRow {
    /// Identifier.
    pub id: Uuid,
    /// Folio.
    pub folio: String,
    /// What it is.
    pub topic: OpinionTopic,
    /// How much a problem is in the way.
    pub impact: Option<OpinionImpact>,
    /// What was written; none when it was written on another equipment.
    pub text: Option<String>,
    /// Screen it is about; as the text.
    pub screen: Option<String>,
    /// Diagnostics that went along.
    pub diagnostics: Option<String>,
    /// When it was written; when it arrived, if it was written on another equipment.
    pub at: DateTime<Utc>,
    /// Where it stands.
    pub word: OpinionWord,
    /// What was decided, oldest first.
    pub steps: Vec<OpinionStep>,
    /// Why it is still here.
    pub problem: Option<Problem>,
    /// Why it was refused.
    #[ts(
        type = "{ pointer: string; rule: string; severity: \"error\" | \"warning\"; params: Record<string, any> }[]"
    )]
    pub findings: Vec<Finding>,
}

/// What is being written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OpinionDraft {
    /// What it is, once it was chosen.
    pub topic: Option<OpinionTopic>,
    /// How much a problem is in the way, once it was chosen.
    pub impact: Option<OpinionImpact>,
    /// As typed.
    pub text: String,
    /// Screen where it was begun.
    pub screen: String,
    /// Whether the diagnostics go along.
    pub diagnostics: bool,
}

/// An opinion or a problem to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OpinionNew {
    /// What it is.
    pub topic: OpinionTopic,
    /// How much a problem is in the way; of a problem only.
    #[serde(default)]
    pub impact: Option<OpinionImpact>,
    /// What the person says.
    pub text: String,
    /// Screen it is about: letters, digits and hyphens.
    pub screen: String,
    /// What the person was shown and lets go along.
    #[serde(default)]
    pub diagnostics: Option<String>,
}
