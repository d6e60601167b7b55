//! Choosing between two values that disagree (`sync.md`, Conflict): an operation like any other, whose whole effect is
//! in the transaction that records it. What its receipt says is therefore final: it took effect, or it is refused with
//! the reason and the conflict stays open.

use chrono::{DateTime, Utc};
use domain::conflict::{Chosen, ConflictChoice, Resolution};
use domain::follow_up::State;
use domain::person::{Action, area_id, can};
use domain::{Finding, Severity};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::accept::Decision;
use crate::endpoint::Endpoint;
use crate::state;
use crate::store::{Entry, JobKind, Person, Project, Result, StoredFollowUp, Tx};

/// What became of a choice.
pub enum Choosing {
    /// It took effect; these entries tell it, that of the held follow-up first.
    Done(Vec<Entry>),
    /// It has none, for these reasons.
    Refused(Vec<Finding>),
}

/// A choice as it was offered.
pub struct Offered<'a> {
    /// Its operation.
    pub op_id: Uuid,
    /// Who chooses.
    pub person: &'a Person,
    /// What.
    pub choice: &'a ConflictChoice,
}

/// Carries out a choice, or says why not.
pub fn choose(
    endpoint: &Endpoint,
    tx: &dyn Tx,
    offered: &Offered<'_>,
    now: DateTime<Utc>,
) -> Result<Choosing> {
    let refused = |finding| Ok(Choosing::Refused(vec![finding]));
    let choice = offered.choice;
    let found = match tx.follow_up(choice.follow_up)? {
        Some(stored) => {
            let project = tx.project(&stored.follow_up.project)?;
            let process = tx.process(&stored.follow_up.ocid)?;
            project.zip(process).map(|(project, process)| (stored, project, process))
        }
        None => None,
    };
    // Somebody else's project is not told apart from none: nothing outside the scope is told.
    let Some((mut stored, mut project, process)) =
        found.filter(|(stored, project, _)| sees(offered.person, stored, project))
    else {
        return refused(finding(
            "/followUp",
            "choice-unknown",
            json!({"value": choice.follow_up.to_string()}),
        ));
    };
    let folio = stored.follow_up.folio();
    let by_author = stored.person_id == offered.person.card.id;
    if !may(offered.person, by_author, choice.resolution) {
        return refused(finding("/resolution", "choice-not-allowed", json!({"value": folio})));
    }
    let mut conflict = match stored.conflict.take() {
        Some(conflict) if stored.state == State::Conflict => conflict,
        _ => return refused(finding("/followUp", "choice-closed", json!({"value": folio}))),
    };
    if process.version != choice.version || !conflict.is_cited_by(choice) {
        // The record may be of before the last release: the background brings it up to date.
        tx.queue(JobKind::Accept, &choice.follow_up.to_string(), now)?;
        let params = json!({"value": choice.version, "version": process.version});
        return refused(finding("/version", "choice-outdated", params));
    }
    conflict.chosen = Some(Chosen {
        op_id: offered.op_id,
        choice: choice.clone(),
        role: offered.person.card.role,
        area: offered.person.card.area.clone(),
        by_author,
        at: now,
    });
    stored.conflict = Some(conflict);
    stored.decided_at = Some(now);
    let municipality = &endpoint.config.municipality;
    let mut more = Vec::new();
    match choice.resolution {
        Resolution::Keep => {
            stored.findings = Vec::new();
            if by_author {
                stored.state = State::Withdrawn;
            } else {
                stored.state = State::Rejected;
                stored.findings.push(finding("", "conflict-kept", json!({"reason": choice.reason})));
            }
        }
        Resolution::Apply => {
            // On top of what stands now: what was right when it was captured may not be.
            let basis = state::basis(municipality, &process);
            let findings = domain::release::assess(&stored.follow_up, &basis, now);
            if findings.iter().any(|finding| finding.severity == Severity::Error) {
                return Ok(Choosing::Refused(findings));
            }
            stored.findings = findings;
            let decision =
                Decision { endpoint, tx, now, project, process, stored, unpublishable: Vec::new() };
            (stored, project, more) = decision.accepted()?;
            tx.queue(JobKind::Publish, &project.folio, now)?;
        }
    }
    tx.update_follow_up(&stored)?;
    // What waited behind it is decided in its turn.
    for waiting in tx.waiting_after(&stored.person_id)? {
        tx.queue(JobKind::Accept, &waiting.to_string(), now)?;
    }
    let mut entries = state::follow_up_entries(municipality, Some(&project), &stored)?;
    entries.append(&mut more);
    Ok(Choosing::Done(entries))
}

/// Whether a person reads the streams that tell of a follow-up.
pub(crate) fn sees(person: &Person, stored: &StoredFollowUp, project: &Project) -> bool {
    can(person.card.role, Action::SeeEveryArea)
        || stored.person_id == person.card.id
        || project.areas.is_empty()
        || project.areas.iter().any(|area| area_id(area) == person.area_id)
}

/// Whether a person may choose this: the coordination anything, the author only that their own is not applied.
fn may(person: &Person, by_author: bool, resolution: Resolution) -> bool {
    can(person.card.role, Action::Choose)
        || (by_author && resolution == Resolution::Keep && can(person.card.role, Action::Withdraw))
}

fn finding(pointer: &str, rule: &str, params: Value) -> Finding {
    let params = match params {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    Finding { pointer: pointer.to_owned(), rule: rule.to_owned(), severity: Severity::Error, params }
}
