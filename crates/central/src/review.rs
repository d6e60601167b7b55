//! Reviewing a follow-up: an operation like any other. What it says is decided and recorded in the transaction that
//! brings it; what follows from letting it pass (the release, its publication) is the work of the background, as of
//! every follow-up: pictures are not decoded while a device waits for its answer.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::follow_up::{FollowUp, Held, Stage, State};
use domain::person::{Action, can};
use domain::review::{Decision, OBSERVED, REJECTED, Review, ReviewAct, Round, can_be};
use domain::{Finding, Severity};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::choose::sees;
use crate::endpoint::Endpoint;
use crate::state;
use crate::store::{Entry, JobKind, Person, Result, StoredFollowUp, Tx};

/// What waits for a person although nothing is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Nothing: it is accepted by itself.
    #[default]
    Automatic,
    /// Everything.
    Everything,
    /// What was captured with one of these forms, or in one of these stages.
    Only(BTreeSet<String>),
}

impl Policy {
    /// A policy for some forms or stages; the first word that is neither is given back.
    ///
    /// # Errors
    /// A word that names no stage and no form of this program.
    pub fn only(words: Vec<String>) -> std::result::Result<Policy, String> {
        let known = |word: &str| {
            Stage::ALL.into_iter().any(|stage| stage.as_str() == word)
                || domain::form::shipped().iter().any(|form| form.id == word)
        };
        match words.iter().find(|word| !known(word)) {
            Some(word) => Err(word.clone()),
            None => Ok(Policy::Only(words.into_iter().collect())),
        }
    }

    fn asks(&self, follow_up: &FollowUp) -> bool {
        match self {
            Policy::Automatic => false,
            Policy::Everything => true,
            Policy::Only(words) => {
                words.contains(follow_up.content.stage.as_str())
                    || follow_up.form.as_ref().is_some_and(|form| words.contains(&form.id))
            }
        }
    }
}

/// For whom a follow-up without errors has to wait, if it has to: its author is not trained, the policy says so, or
/// somebody asked its author something and did not say yet that the answer will do.
pub fn held(policy: &Policy, tx: &dyn Tx, stored: &StoredFollowUp) -> Result<Option<Held>> {
    let review = stored.review.as_ref();
    if review.is_some_and(Review::is_passed) {
        return Ok(None);
    }
    if !tx.person(&stored.person_id)?.is_some_and(|person| person.card.trained) {
        return Ok(Some(Held::Untrained));
    }
    let asked = review.is_some_and(|review| !review.rounds.is_empty());
    Ok((asked || policy.asks(&stored.follow_up)).then_some(Held::Review))
}

/// Whether a person rejected it: what its author sent after it need not wait for it any more.
pub fn is_rejected(stored: &StoredFollowUp) -> bool {
    stored.state == State::Rejected
        && stored.review.as_ref().is_some_and(|review| review.last() == Some(Decision::Reject))
}

/// What waits for a review is looked at again when the program starts: the policy may be another now.
pub fn look_again(endpoint: &Endpoint) -> Result<()> {
    let waiting = endpoint.store.read()?.waiting_for_review()?;
    if waiting.is_empty() {
        return Ok(());
    }
    let tx = endpoint.store.begin()?;
    let now = endpoint.now();
    for id in waiting {
        tx.queue(JobKind::Accept, &id.to_string(), now)?;
    }
    tx.commit()
}

/// What became of a decision.
pub enum Reviewing {
    /// It took effect; these entries tell it, that of the follow-up first.
    Done(Vec<Entry>),
    /// It has none, for these reasons.
    Refused(Vec<Finding>),
}

/// A decision as it was offered.
pub struct Offered<'a> {
    /// Its operation.
    pub op_id: Uuid,
    /// Who decides.
    pub person: &'a Person,
    /// What.
    pub act: &'a ReviewAct,
}

/// Carries out a decision, or says why not.
pub fn review(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    offered: &Offered<'_>,
    now: DateTime<Utc>,
) -> Result<Reviewing> {
    let refused = |pointer: &str, rule: &str, params: Value| {
        Ok(Reviewing::Refused(vec![finding(pointer, rule, Severity::Error, params)]))
    };
    let Offered { op_id, person, act } = *offered;
    let found = match tx.follow_up(act.follow_up)? {
        Some(stored) => tx.project(&stored.follow_up.project)?.map(|project| (stored, project)),
        None => None,
    };
    // Somebody else's project is not told apart from none: nothing outside the scope is told.
    let Some((mut stored, project)) = found.filter(|(stored, project)| sees(person, stored, project)) else {
        return refused("/followUp", "review-unknown", json!({"value": act.follow_up.to_string()}));
    };
    let folio = json!({"value": stored.follow_up.folio()});
    let own = stored.person_id == person.card.id;
    let may = match act.decision {
        Decision::Answer => own && can(person.card.role, Action::Answer),
        Decision::Accept | Decision::Observe | Decision::Reject => can(person.card.role, Action::Review),
    };
    if !may {
        return refused("/decision", "review-not-allowed", folio);
    }
    if own && act.decision != Decision::Answer {
        return refused("/decision", "review-own", folio);
    }
    let last = stored.review.as_ref().and_then(Review::last);
    if !can_be(act.decision, stored.state, last) {
        return refused("/followUp", "review-closed", folio);
    }
    let mut review = stored.review.take().unwrap_or_else(|| Review::begun(now));
    if review.version() != act.version {
        let params = json!({"value": act.version, "version": review.version()});
        return refused("/version", "review-outdated", params);
    }
    review.rounds.push(Round {
        op_id,
        decision: act.decision,
        observations: act.observations.clone(),
        reason: act.reason.clone(),
        role: person.card.role,
        area: person.card.area.clone(),
        at: now,
    });
    stored.review = Some(review);
    follow(tx, &mut stored, act, now)?;
    tx.update_follow_up(&stored)?;
    let entries = state::follow_up_entries(&endpoint.config.municipality, Some(&project), &stored)?;
    Ok(Reviewing::Done(entries))
}

/// What follows from a decision for the follow-up it is about.
fn follow(tx: &dyn Tx, stored: &mut StoredFollowUp, act: &ReviewAct, now: DateTime<Utc>) -> Result<()> {
    stored.findings.retain(|finding| finding.rule != OBSERVED);
    let public = matches!(stored.state, State::Accepted | State::Published);
    if act.decision == Decision::Observe {
        // Beside the rounds also as findings: that is where everything that a follow-up came back with is shown.
        let severity = if public { Severity::Warning } else { Severity::Error };
        stored.findings.extend(act.observations.iter().map(|observation| {
            let mut params = json!({"text": observation.text});
            if let Some(due) = observation.due {
                params["due"] = json!(due);
                params["reason"] = json!("due");
            }
            finding(&observation.at, OBSERVED, severity, params)
        }));
    }
    // What the public sees stays until its correction comes.
    if public {
        return Ok(());
    }
    stored.held = None;
    match act.decision {
        Decision::Observe => {
            stored.state = State::Observed;
            stored.decided_at = Some(now);
        }
        Decision::Reject => {
            stored.state = State::Rejected;
            stored.decided_at = Some(now);
            stored.findings.push(finding("", REJECTED, Severity::Error, json!({"reason": act.reason})));
        }
        // The background says what is right now, and whether it still has to wait.
        Decision::Accept | Decision::Answer => {
            stored.state = State::Received;
            stored.decided_at = None;
            tx.queue(JobKind::Accept, &stored.follow_up.id.to_string(), now)?;
        }
    }
    // What waited behind it learns why it waits, or need not wait any more.
    for waiting in tx.waiting_after(&stored.person_id)? {
        tx.queue(JobKind::Accept, &waiting.to_string(), now)?;
    }
    Ok(())
}

fn finding(pointer: &str, rule: &str, severity: Severity, params: Value) -> Finding {
    let params = match params {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    Finding { pointer: pointer.to_owned(), rule: rule.to_owned(), severity, params }
}
