//! Reviewing: somebody of the coordination decides a follow-up, or its author answers what was observed. What is asked,
//! the record that both see, and how long it waited for whom. Pure: the central endpoint decides with it, a device knows
//! beforehand what will be refused.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;
use uuid::Uuid;

use crate::conflict::{MAX_REASON, escape, id_of, leaves, same};
use crate::follow_up::{FollowUpFile, Internal, State};
use crate::person::Role;
use crate::project::LatestProgress;

/// Most observations of one decision.
pub const MAX_OBSERVATIONS: usize = 50;
/// Longest pointer of an observation, in characters.
const MAX_POINTER: usize = 500;
/// Rule of the finding that an observation leaves on its follow-up.
pub const OBSERVED: &str = "review-observed";
/// Rule of the finding that a rejection leaves on its follow-up.
pub const REJECTED: &str = "review-rejected";

/// What is said of a follow-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It is accepted: the next run publishes it.
    Accept,
    /// Back to its author, with what has to be looked at. Of one that is public already only a request.
    Observe,
    /// It is not accepted, for good.
    Reject,
    /// Its author answers the observations without changing a value.
    Answer,
}

/// Something to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Observation {
    /// JSON pointer into the follow-up file; the empty one is the whole.
    pub at: String,
    /// What is wrong or missing, in the words of whoever reviews.
    pub text: String,
    /// Until when it should be attended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string | null", optional)]
    pub due: Option<NaiveDate>,
}

/// Body of an operation of kind `review`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewAct {
    /// The follow-up.
    pub follow_up: Uuid,
    /// Rounds of its review that whoever decides had seen: nobody decides over what somebody else just said.
    pub version: u32,
    /// What is said.
    pub decision: Decision,
    /// What has to be looked at; only of [`Decision::Observe`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Observation>,
    /// Why, or the answer: needed to reject and to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
}

impl ReviewAct {
    /// What makes it mean nothing, if anything does.
    pub fn senseless(&self) -> Option<String> {
        let observes = self.decision == Decision::Observe;
        if observes == self.observations.is_empty() {
            return Some(format!("{} observations", self.observations.len()));
        }
        if self.observations.len() > MAX_OBSERVATIONS {
            return Some(format!("{} observations", self.observations.len()));
        }
        for observation in &self.observations {
            let at = &observation.at;
            if !(at.is_empty() || at.starts_with('/')) || at.chars().count() > MAX_POINTER {
                return Some(format!("«{at}» is not a pointer"));
            }
            if !is_said(&observation.text) {
                return Some(format!("an observation of {} characters", observation.text.chars().count()));
            }
        }
        let needed = matches!(self.decision, Decision::Reject | Decision::Answer);
        match &self.reason {
            Some(reason) if !is_said(reason) => {
                Some(format!("a reason of {} characters", reason.chars().count()))
            }
            None if needed => Some("no reason".into()),
            _ => None,
        }
    }
}

/// Whether a text says something, within the length of a reason.
pub fn is_said(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_REASON
}

/// A decision that was recorded and had its effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Round {
    /// Operation that brought it; names who decided to whoever may know it.
    pub op_id: Uuid,
    /// What was said.
    pub decision: Decision,
    /// What has to be looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Observation>>", optional)]
    pub observations: Vec<Observation>,
    /// Why, or the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
    /// Role of whoever decided.
    pub role: Role,
    /// Their área.
    pub area: String,
    /// When the central endpoint recorded it.
    pub at: DateTime<Utc>,
}

/// The review of a follow-up. Rounds are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Since when it waits for somebody to review it.
    pub since: DateTime<Utc>,
    /// What was decided and answered, oldest first.
    #[serde(default)]
    pub rounds: Vec<Round>,
    /// What was captured, without its internal part, while it is neither accepted nor closed: whoever reviews sees it on
    /// their own equipment, also without a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub content: Option<Box<FollowUpFile>>,
}

/// How long a follow-up waited for whom, without the time it was closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Waited {
    /// Seconds that it waited for the coordination.
    pub coordination: u64,
    /// Seconds that it waited for its author.
    pub author: u64,
}

impl Review {
    /// One that begins now.
    pub fn begun(now: DateTime<Utc>) -> Review {
        Review { since: now, rounds: Vec::new(), content: None }
    }

    /// How many rounds it has: what an act cites.
    pub fn version(&self) -> u32 {
        u32::try_from(self.rounds.len()).unwrap_or(u32::MAX)
    }

    /// The last thing that was said.
    pub fn last(&self) -> Option<Decision> {
        self.rounds.last().map(|round| round.decision)
    }

    /// Whether a person let it pass, and nothing was said since.
    pub fn is_passed(&self) -> bool {
        self.last() == Some(Decision::Accept)
    }

    /// The observations that nobody attended yet: those of the last round, if it observes.
    pub fn open(&self) -> &[Observation] {
        match self.rounds.last() {
            Some(round) if round.decision == Decision::Observe => &round.observations,
            _ => &[],
        }
    }

    /// How long it waited for whom until `now`. A follow-up that is not open any more stopped waiting at `ended`.
    pub fn waited(&self, ended: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Waited {
        let mut waited = Waited::default();
        let mut since = self.since;
        // Whose turn it was: nobody's after it was accepted or rejected.
        let mut turn = Some(Decision::Answer);
        let mut spend = |turn: Option<Decision>, from: DateTime<Utc>, to: DateTime<Utc>| {
            let seconds = (to - from).max(TimeDelta::zero()).num_seconds().unsigned_abs();
            match turn {
                Some(Decision::Answer) => waited.coordination += seconds,
                Some(Decision::Observe) => waited.author += seconds,
                _ => {}
            }
        };
        for round in &self.rounds {
            spend(turn, since, round.at);
            since = round.at;
            turn = Some(round.decision);
        }
        spend(turn, since, ended.unwrap_or(now));
        waited
    }
}

/// What may travel of a captured follow-up: all but its internal part.
pub fn shown(content: &FollowUpFile) -> FollowUpFile {
    FollowUpFile { internal: Internal::default(), ..content.clone() }
}

/// Whether a follow-up in this state shows its content to whoever reviews it.
pub fn shows_content(state: State) -> bool {
    matches!(state, State::Received | State::Observed)
}

/// Whether a decision can be taken on a follow-up in this state whose review stands where `last` says.
///
/// What is received or observed can be decided anything. What the public sees already stays: a request to its author is
/// all there is, and taking that back. An answer needs a question.
pub fn can_be(decision: Decision, state: State, last: Option<Decision>) -> bool {
    let asked = last == Some(Decision::Observe);
    match (state, decision) {
        (State::Received, Decision::Answer) => false,
        (State::Received | State::Observed, Decision::Accept | Decision::Observe | Decision::Reject) => true,
        (State::Observed, Decision::Answer) => asked,
        (State::Accepted | State::Published, Decision::Observe) => true,
        (State::Accepted | State::Published, Decision::Answer) => asked,
        (State::Accepted | State::Published, Decision::Accept) => {
            matches!(last, Some(Decision::Observe | Decision::Answer))
        }
        _ => false,
    }
}

/// A value that a follow-up sets, beside the one that stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// JSON pointer into the follow-up file: where an observation about it points.
    pub at: String,
    /// The same place with items by their id: `/contracts/id=C-1/value/amount`.
    pub path: String,
    /// What stands accepted; null when nothing does.
    #[ts(type = "any")]
    pub before: Value,
    /// What the follow-up says.
    #[ts(type = "any")]
    pub after: Value,
}

/// What a follow-up changes of what stands: of its process, and of the progress of its project. Values that are equal
/// to what stands are no change.
pub fn changes(content: &FollowUpFile, compiled: &Value, latest: Option<&LatestProgress>) -> Vec<Changed> {
    let mut found = Vec::new();
    let mut add = |at: &str, before: Option<Value>, after: Option<Value>| {
        if let Some(after) = after
            && !before.as_ref().is_some_and(|before| same(before, &after))
        {
            let before = before.unwrap_or(Value::Null);
            found.push(Changed { at: at.to_owned(), path: at.to_owned(), before, after });
        }
    };
    let day = |day: Option<NaiveDate>| day.map(|day| Value::String(day.to_string()));
    add("/visitedOn", day(latest.and_then(|latest| latest.visited_on)), day(content.visited_on));
    let progress = content.progress.unwrap_or_default();
    let stands = latest.map(|latest| latest.progress).unwrap_or_default();
    let number = |value: Option<rust_decimal::Decimal>| {
        value.map(|value| Value::Number(crate::entry::json_number(value)))
    };
    for (name, now, before) in [
        ("physical", progress.physical, stands.physical),
        ("financial", progress.financial, stands.financial),
    ] {
        let (now, before) = (now.unwrap_or_default(), before.unwrap_or_default());
        add(&format!("/progress/{name}/planned"), number(before.planned), number(now.planned));
        add(&format!("/progress/{name}/actual"), number(before.actual), number(now.actual));
    }
    add("/reason", None, content.reason.clone().map(Value::String));
    let stands = compiled.as_object().map(leaves).unwrap_or_default();
    let mut compare = |at: String, path: String, after: &Value| {
        let before = stands.get(&path);
        if !before.is_some_and(|before| same(before, after)) {
            let before = before.cloned().unwrap_or(Value::Null);
            found.push(Changed { at, path, before, after: after.clone() });
        }
    };
    for (key, value) in &content.release {
        let key = escape(key);
        walk(format!("/release/{key}"), format!("/{key}"), value, &mut compare);
    }
    found
}

/// Every leaf of a value, by its pointer and by the ids of the items it is in, as [`leaves`] names them.
fn walk(at: String, path: String, value: &Value, each: &mut impl FnMut(String, String, &Value)) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let key = escape(key);
                walk(format!("{at}/{key}"), format!("{path}/{key}"), value, each);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| id_of(item).is_some()) => {
            for (index, item) in items.iter().enumerate() {
                let place = format!("{path}/id={}", escape(&id_of(item).unwrap_or_default()));
                // The id names the item; it changes nothing.
                for (key, value) in item.as_object().into_iter().flatten().filter(|(key, _)| *key != "id") {
                    let key = escape(key);
                    walk(format!("{at}/{index}/{key}"), format!("{place}/{key}"), value, each);
                }
            }
        }
        leaf => each(at, path, leaf),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn act(decision: Decision, observations: &[&str], reason: Option<&str>) -> ReviewAct {
        ReviewAct {
            follow_up: Uuid::from_u128(1),
            version: 0,
            decision,
            observations: observations
                .iter()
                .map(|text| Observation { at: "/visitedOn".into(), text: (*text).into(), due: None })
                .collect(),
            reason: reason.map(str::to_owned),
        }
    }

    fn round(decision: Decision, minutes: i64) -> Round {
        Round {
            op_id: Uuid::from_u128(2),
            decision,
            observations: Vec::new(),
            reason: None,
            role: Role::Coordinacion,
            area: "Coordinación".into(),
            at: at(minutes),
        }
    }

    #[test]
    fn an_act_says_what_it_needs_and_nothing_else() {
        for (good, act) in [
            (true, act(Decision::Accept, &[], None)),
            (true, act(Decision::Accept, &[], Some("bien"))),
            (false, act(Decision::Accept, &["x"], None)),
            (true, act(Decision::Observe, &["Falta la foto"], None)),
            (false, act(Decision::Observe, &[], Some("x"))),
            (false, act(Decision::Observe, &["  "], None)),
            (false, act(Decision::Observe, &["x"; MAX_OBSERVATIONS + 1], None)),
            (false, act(Decision::Observe, &[&"x".repeat(MAX_REASON + 1)], None)),
            (true, act(Decision::Reject, &[], Some("No es de este proyecto"))),
            (false, act(Decision::Reject, &[], None)),
            (false, act(Decision::Answer, &[], Some(" "))),
            (true, act(Decision::Answer, &[], Some("Así es"))),
        ] {
            assert_eq!(act.senseless().is_none(), good, "{act:?}");
        }
        let mut elsewhere = act(Decision::Observe, &["x"], None);
        elsewhere.observations[0].at = "visitedOn".into();
        assert!(elsewhere.senseless().is_some());
    }

    #[test]
    fn the_time_is_that_of_whoever_was_waited_for() {
        let mut review = Review::begun(at(0));
        assert_eq!(review.waited(None, at(10)), Waited { coordination: 600, author: 0 });
        review.rounds.push(round(Decision::Observe, 20));
        assert_eq!(review.waited(None, at(50)), Waited { coordination: 1200, author: 1800 });
        review.rounds.push(round(Decision::Answer, 80));
        review.rounds.push(round(Decision::Accept, 90));
        // Nobody is waited for any more.
        assert_eq!(review.waited(None, at(9_000)), Waited { coordination: 1800, author: 3600 });
        review.rounds.push(round(Decision::Observe, 100));
        // Its correction took its place.
        assert_eq!(review.waited(Some(at(110)), at(9_000)), Waited { coordination: 1800, author: 4200 });
    }

    #[test]
    fn what_changes_is_told_with_what_stood_and_where_to_point() {
        let content: FollowUpFile = serde_json::from_value(serde_json::json!({"stage": "implementation",
            "visitedOn": "2026-03-12", "progress": {"physical": {"planned": 40, "actual": 33.5}},
            "release": {"contracts": [
                {"id": "C-2", "title": "Otra"},
                {"id": "C-1", "items": [], "value": {"amount": 90, "currency": "MXN"}}]}}))
        .unwrap();
        let compiled = serde_json::json!({"contracts":
            [{"id": "C-1", "value": {"amount": 100.0, "currency": "MXN"}}, {"id": "C-2"}]});
        let latest = LatestProgress {
            progress: serde_json::from_value(serde_json::json!({"physical": {"planned": 40, "actual": 30}}))
                .unwrap(),
            visited_on: NaiveDate::from_ymd_opt(2026, 3, 12),
            accepted_at: at(0),
            follow_up: "S-00000-00001".into(),
        };
        let found: Vec<(String, String, Value, Value)> = changes(&content, &compiled, Some(&latest))
            .into_iter()
            .map(|changed| (changed.at, changed.path, changed.before, changed.after))
            .collect();
        let of = |at: &str, path: &str, before: Value, after: Value| {
            (at.to_owned(), path.to_owned(), before, after)
        };
        let actual = "/progress/physical/actual";
        assert_eq!(
            found,
            [
                of(actual, actual, Value::from(30), Value::from(33.5)),
                of("/release/contracts/0/title", "/contracts/id=C-2/title", Value::Null, "Otra".into()),
                of(
                    "/release/contracts/1/items",
                    "/contracts/id=C-1/items",
                    Value::Null,
                    serde_json::json!([])
                ),
                of(
                    "/release/contracts/1/value/amount",
                    "/contracts/id=C-1/value/amount",
                    Value::from(100.0),
                    Value::from(90)
                ),
            ]
        );
    }

    #[test]
    fn what_is_public_is_only_asked_about_and_what_is_closed_stays() {
        use Decision::*;
        let all = [Accept, Observe, Reject, Answer];
        for state in State::ALL {
            let open: Vec<Decision> =
                all.into_iter().filter(|decision| can_be(*decision, state, None)).collect();
            let expected: &[Decision] = match state {
                State::Received | State::Observed => &[Accept, Observe, Reject],
                State::Accepted | State::Published => &[Observe],
                _ => &[],
            };
            assert_eq!(open, expected, "{state:?}");
        }
        assert!(can_be(Answer, State::Observed, Some(Observe)));
        assert!(can_be(Answer, State::Published, Some(Observe)));
        assert!(!can_be(Answer, State::Published, Some(Answer)));
        assert!(can_be(Accept, State::Published, Some(Answer)));
        assert!(!can_be(Accept, State::Published, Some(Accept)));
    }
}
