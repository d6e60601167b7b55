//! What is kept of opinions: each as it came, and the decisions about it, which are only ever added.

use chrono::{DateTime, Utc};
use domain::opinion::{Opinion, OpinionStanding, OpinionState, OpinionStep};
use uuid::Uuid;

use super::Result;

/// An opinion as stored. Internal as a whole: its text and its diagnostics go nowhere from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOpinion {
    /// As it came.
    pub opinion: Opinion,
    /// Operation that brought it.
    pub op_id: Uuid,
    /// Device it came from.
    pub device_id: Uuid,
    /// Author.
    pub person_id: String,
    /// Área of the author.
    pub area_id: String,
    /// Version of the author's program, as its device said it with it.
    pub app_version: String,
    /// When the device says it was written.
    pub captured_at: DateTime<Utc>,
    /// When it was recorded here.
    pub recorded_at: DateTime<Utc>,
    /// What was decided, oldest first.
    pub steps: Vec<StoredStep>,
}

/// A decision about an opinion, with who took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredStep {
    /// As its author is told.
    pub step: OpinionStep,
    /// Who decided; none when somebody at the endpoint itself did, who did not say.
    pub person_id: Option<String>,
}

impl StoredOpinion {
    /// What its author is told.
    pub fn state(&self) -> OpinionState {
        OpinionState {
            id: self.opinion.id,
            op_id: self.op_id,
            folio: self.opinion.folio(),
            topic: self.opinion.topic,
            impact: self.opinion.impact,
            received_at: self.recorded_at,
            steps: self.steps.iter().map(|stored| stored.step.clone()).collect(),
        }
    }

    /// Where it stands.
    pub fn standing(&self) -> OpinionStanding {
        self.steps.last().map_or(OpinionStanding::Received, |stored| stored.step.standing)
    }
}

/// The part of a transaction that is about opinions.
pub trait Opinions {
    /// Adds one, without decisions. One with the same id or folio is an error: effects happen once.
    fn add_opinion(&self, opinion: &StoredOpinion) -> Result<()>;
    /// Adds a decision about one, after those that are there.
    fn add_opinion_step(&self, id: Uuid, step: &StoredStep) -> Result<()>;
    /// One by its id.
    fn opinion(&self, id: Uuid) -> Result<Option<StoredOpinion>>;
    /// One by its folio.
    fn opinion_by_folio(&self, folio: &str) -> Result<Option<StoredOpinion>>;
    /// All of them, in the order in which they arrived.
    fn opinions(&self) -> Result<Vec<StoredOpinion>>;
}
