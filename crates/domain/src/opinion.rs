//! Opinions and problem reports: what somebody says of the program, and what became of it. Internal from end to end:
//! nothing of it is ever published. Pure: a device knows beforehand what the central endpoint will refuse.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::conflict::MAX_REASON;
use crate::person::Role;

/// Longest text of an opinion, in characters.
pub const MAX_TEXT: usize = 4_000;
/// Longest diagnostics, in characters.
pub const MAX_DIAGNOSTICS: usize = 8_000;
/// Longest name of a screen, in characters.
const MAX_SCREEN: usize = 40;
/// Longest version of a program, in characters.
const MAX_VERSION: usize = 40;
/// Rule of the finding of one that cannot be read.
pub const UNREADABLE: &str = "opinion-unreadable";
/// Rule of the finding of one whose id is taken.
pub const REPEATED: &str = "opinion-repeated";

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum OpinionTopic {
    /// Something does not work.
    Problem,
    /// What somebody thinks of the program.
    Opinion,
    /// What could be better.
    Suggestion,
}

impl OpinionTopic {
    /// Every one, in the order of the form.
    pub const ALL: [OpinionTopic; 3] =
        [OpinionTopic::Problem, OpinionTopic::Opinion, OpinionTopic::Suggestion];

    /// The word on the wire and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            OpinionTopic::Problem => "problem",
            OpinionTopic::Opinion => "opinion",
            OpinionTopic::Suggestion => "suggestion",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<OpinionTopic> {
        OpinionTopic::ALL.into_iter().find(|topic| topic.as_str() == text)
    }
}

/// How much a problem is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum OpinionImpact {
    /// Work cannot go on.
    Blocks,
    /// Work goes on, with trouble.
    Hinders,
    /// A detail.
    Detail,
}

impl OpinionImpact {
    /// Every one, the worst first.
    pub const ALL: [OpinionImpact; 3] =
        [OpinionImpact::Blocks, OpinionImpact::Hinders, OpinionImpact::Detail];

    /// The word on the wire and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            OpinionImpact::Blocks => "blocks",
            OpinionImpact::Hinders => "hinders",
            OpinionImpact::Detail => "detail",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<OpinionImpact> {
        OpinionImpact::ALL.into_iter().find(|impact| impact.as_str() == text)
    }
}

/// Body of an operation of kind `opinion`; the record of the operation is its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Opinion {
    /// Made on the device.
    pub id: Uuid,
    /// What it is.
    pub topic: OpinionTopic,
    /// How much a problem is in the way; of a problem always, of anything else never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<OpinionImpact>,
    /// In the words of the person.
    pub text: String,
    /// The screen it is about, by the program's own name for it: never an address, which may hold a folio.
    pub screen: String,
    /// What the person was shown and sent along; none when it was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<String>,
}

impl Opinion {
    /// The folio people speak.
    pub fn folio(&self) -> String {
        folio(self.id)
    }

    /// What makes it mean nothing, if anything does. Names no text of the person: it is told where others read.
    pub fn senseless(&self) -> Option<String> {
        if !is_said(&self.text, MAX_TEXT) {
            return Some(format!("a text of {} characters", self.text.chars().count()));
        }
        if self.impact.is_some() != (self.topic == OpinionTopic::Problem) {
            return Some("an impact is of a problem, and of nothing else".into());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.screen.is_empty() || self.screen.len() > MAX_SCREEN || !self.screen.chars().all(plain) {
            return Some("the name of a screen is up to 40 letters, digits and hyphens".into());
        }
        match &self.diagnostics {
            Some(text) if !is_said(text, MAX_DIAGNOSTICS) => {
                Some(format!("diagnostics of {} characters", text.chars().count()))
            }
            _ => None,
        }
    }
}

fn is_said(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most
}

/// Folio of an opinion: as that of a follow-up, with an `R` (*reporte*) in front.
pub fn folio(id: Uuid) -> String {
    crate::follow_up::folio_with('R', id)
}

/// Where it stands at the central endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum OpinionStanding {
    /// It is there.
    Received,
    /// Somebody looks at it.
    Analysing,
    /// What it asks for is in a version of the program.
    Applied,
    /// Nothing follows from it, and why.
    Declined,
}

impl OpinionStanding {
    /// Every one, in the order in which they usually follow.
    pub const ALL: [OpinionStanding; 4] = [
        OpinionStanding::Received,
        OpinionStanding::Analysing,
        OpinionStanding::Applied,
        OpinionStanding::Declined,
    ];

    /// The word on the wire and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            OpinionStanding::Received => "received",
            OpinionStanding::Analysing => "analysing",
            OpinionStanding::Applied => "applied",
            OpinionStanding::Declined => "declined",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<OpinionStanding> {
        OpinionStanding::ALL.into_iter().find(|standing| standing.as_str() == text)
    }
}

/// Something that was decided about an opinion, as its author is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OpinionStep {
    /// Where it stands since.
    pub standing: OpinionStanding,
    /// Version of the program that has what it asks for; only of [`OpinionStanding::Applied`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub version: Option<String>,
    /// Why, or more about it; always of [`OpinionStanding::Declined`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
    /// Role of whoever decided.
    pub role: Role,
    /// Their área; none when the administration decided at the endpoint itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub area: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why a step cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepFault {
    /// What was applied is in a version, and that is to be said, in up to 40 characters.
    VersionNeeded,
    /// Only what was applied is in a version.
    VersionUnfit,
    /// Whoever is told no is told why.
    ReasonNeeded,
    /// A reason has at most [`MAX_REASON`] characters.
    ReasonTooLong,
}

impl OpinionStep {
    /// Whether it says what it needs, and nothing that is not its own.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self) -> Result<(), StepFault> {
        match (self.standing, &self.version) {
            (OpinionStanding::Applied, Some(version)) if is_said(version, MAX_VERSION) => {}
            (OpinionStanding::Applied, _) => return Err(StepFault::VersionNeeded),
            (_, Some(_)) => return Err(StepFault::VersionUnfit),
            (_, None) => {}
        }
        match &self.reason {
            Some(reason) if reason.chars().count() > MAX_REASON => Err(StepFault::ReasonTooLong),
            Some(reason) if reason.trim().is_empty() => Err(StepFault::ReasonNeeded),
            None if self.standing == OpinionStanding::Declined => Err(StepFault::ReasonNeeded),
            _ => Ok(()),
        }
    }

    /// Whether it says the same as another, whoever says it and whenever.
    pub fn says_the_same(&self, other: &OpinionStep) -> bool {
        (self.standing, &self.version, &self.reason) == (other.standing, &other.version, &other.reason)
    }
}

/// What became of an opinion; a record of its author's stream ([`crate::wire::opinions_stream`]). Without its text and
/// its diagnostics: what is in a stream is never taken out, and who wrote them has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OpinionState {
    /// The opinion.
    pub id: Uuid,
    /// Operation that brought it.
    pub op_id: Uuid,
    /// Folio.
    pub folio: String,
    /// What it is.
    pub topic: OpinionTopic,
    /// How much a problem is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub impact: Option<OpinionImpact>,
    /// When the central endpoint recorded it.
    pub received_at: DateTime<Utc>,
    /// What was decided since, oldest first.
    #[serde(default)]
    pub steps: Vec<OpinionStep>,
}

impl OpinionState {
    /// Where it stands.
    pub fn standing(&self) -> OpinionStanding {
        self.steps.last().map_or(OpinionStanding::Received, |step| step.standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn opinion(topic: OpinionTopic, impact: Option<OpinionImpact>) -> Opinion {
        Opinion {
            id: Uuid::from_u128(1),
            topic,
            impact,
            text: "La lista tarda".into(),
            screen: "projects".into(),
            diagnostics: Some("version: 0.1.0".into()),
        }
    }

    #[test]
    fn an_opinion_says_what_it_needs_and_nothing_else() {
        use OpinionImpact::*;
        use OpinionTopic::*;
        for (good, topic, impact) in [
            (true, Problem, Some(Blocks)),
            (true, Problem, Some(Detail)),
            (false, Problem, None),
            (true, Opinion, None),
            (true, Suggestion, None),
            (false, Suggestion, Some(Hinders)),
        ] {
            let made = opinion(topic, impact);
            assert_eq!(made.senseless().is_none(), good, "{made:?}");
        }
        let spoiled = |spoil: fn(&mut super::Opinion)| {
            let mut made = opinion(Opinion, None);
            spoil(&mut made);
            made.senseless().expect("it means nothing")
        };
        spoiled(|made| made.text = " \n".into());
        spoiled(|made| made.screen = String::new());
        spoiled(|made| made.screen = "proyectos/d1 p1".into());
        spoiled(|made| made.screen = "x".repeat(MAX_SCREEN + 1));
        spoiled(|made| made.diagnostics = Some(" ".into()));
        spoiled(|made| made.diagnostics = Some("x".repeat(MAX_DIAGNOSTICS + 1)));
        let said = spoiled(|made| made.text = "ñ".repeat(MAX_TEXT + 1));
        assert!(!said.contains('ñ'), "what was written is not told on: {said}");
        let mut longest = opinion(Opinion, None);
        longest.text = "ñ".repeat(MAX_TEXT);
        longest.diagnostics = None;
        assert_eq!(longest.senseless(), None);
    }

    #[test]
    fn a_field_that_nobody_knows_is_refused() {
        let mut read = serde_json::to_value(opinion(OpinionTopic::Opinion, None)).unwrap();
        assert!(serde_json::from_value::<Opinion>(read.clone()).is_ok());
        read["name"] = json!("Persona");
        assert!(serde_json::from_value::<Opinion>(read).is_err());
    }

    #[test]
    fn a_step_says_what_its_author_needs_to_know() {
        use OpinionStanding::*;
        let step = |standing, version: Option<&str>, reason: Option<&str>| OpinionStep {
            standing,
            version: version.map(str::to_owned),
            reason: reason.map(str::to_owned),
            role: Role::Administracion,
            area: None,
            at: DateTime::UNIX_EPOCH,
        };
        let long = "x".repeat(MAX_REASON + 1);
        for (standing, version, reason, said) in [
            (Analysing, None, None, Ok(())),
            (Analysing, None, Some("Ya lo vimos"), Ok(())),
            (Analysing, Some("1.2"), None, Err(StepFault::VersionUnfit)),
            (Applied, Some("1.2"), None, Ok(())),
            (Applied, None, None, Err(StepFault::VersionNeeded)),
            (Applied, Some(" "), None, Err(StepFault::VersionNeeded)),
            (Declined, None, Some("Ya se puede con Ctrl+B"), Ok(())),
            (Declined, None, None, Err(StepFault::ReasonNeeded)),
            (Declined, None, Some(" "), Err(StepFault::ReasonNeeded)),
            (Declined, None, Some(long.as_str()), Err(StepFault::ReasonTooLong)),
        ] {
            assert_eq!(step(standing, version, reason).check(), said, "{standing:?} {version:?}");
        }
        let later = OpinionStep {
            at: DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1),
            ..step(Analysing, None, None)
        };
        assert!(later.says_the_same(&step(Analysing, None, None)));
        assert!(!later.says_the_same(&step(Analysing, None, Some("Ya lo vimos"))));
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for topic in OpinionTopic::ALL {
            assert_eq!(OpinionTopic::parse(topic.as_str()), Some(topic));
            assert_eq!(serde_json::to_value(topic).unwrap(), json!(topic.as_str()));
        }
        for impact in OpinionImpact::ALL {
            assert_eq!(OpinionImpact::parse(impact.as_str()), Some(impact));
            assert_eq!(serde_json::to_value(impact).unwrap(), json!(impact.as_str()));
        }
        for standing in OpinionStanding::ALL {
            assert_eq!(OpinionStanding::parse(standing.as_str()), Some(standing));
            assert_eq!(serde_json::to_value(standing).unwrap(), json!(standing.as_str()));
        }
        assert!(folio(Uuid::from_u128(7)).starts_with("R-"));
    }
}
