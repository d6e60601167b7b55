//! Whether a draft says what was already said: the same project, stage and day of visit, or the very same values. It is
//! told and never held: two visits of one day happen.

use domain::follow_up::{FollowUpFile, State};
use domain::{Finding, Severity};
use rusqlite::Connection;
use serde_json::json;
use uuid::Uuid;

use crate::error::Error;
use crate::store::drafts::{self, StoredDraft};
use crate::store::{base, outbox};

/// What a follow-up is compared by.
struct Other {
    id: Uuid,
    state: State,
    is_same: bool,
}

/// The first that is alike: what was sent, what others sent, other drafts.
pub(crate) fn find(
    connection: &Connection,
    draft: &StoredDraft,
    content: &FollowUpFile,
) -> Result<Option<Finding>, Error> {
    let Some(day) = content.visited_on else {
        return find_same_values(connection, draft);
    };
    let alike = |other: &FollowUpFile| other.stage == content.stage && other.visited_on == Some(day);
    for queued in outbox::of_project(connection, &draft.project)? {
        let state = queued.word();
        let follow_up = queued.follow_up()?;
        if counts(state) && alike(&follow_up.content) && !corrects(draft, follow_up.id) {
            let is_same = follow_up.content.progress == content.progress
                && follow_up.content.release == content.release;
            return Ok(Some(finding(&Other { id: follow_up.id, state, is_same }, day.to_string())));
        }
    }
    for other in base::follow_ups(connection, &draft.project)? {
        if counts(other.state)
            && other.stage == content.stage
            && other.visited_on == Some(day)
            && !corrects(draft, other.id)
        {
            let other = Other { id: other.id, state: other.state, is_same: false };
            return Ok(Some(finding(&other, day.to_string())));
        }
    }
    for other in drafts::of_project(connection, &draft.project)? {
        if other.id != draft.id && alike(&other.content) {
            let is_same = other.typed == draft.typed;
            let other = Other { id: other.id, state: State::Draft, is_same };
            return Ok(Some(finding(&other, day.to_string())));
        }
    }
    Ok(None)
}

/// Forms without a day of visit: another draft with the very same words.
fn find_same_values(connection: &Connection, draft: &StoredDraft) -> Result<Option<Finding>, Error> {
    if draft.typed.is_empty() {
        return Ok(None);
    }
    for other in drafts::of_project(connection, &draft.project)? {
        if other.id != draft.id && other.stage == draft.stage && other.typed == draft.typed {
            let other = Other { id: other.id, state: State::Draft, is_same: true };
            return Ok(Some(finding(&other, String::new())));
        }
    }
    for queued in outbox::of_project(connection, &draft.project)? {
        let follow_up = queued.follow_up()?;
        if counts(queued.word()) && !corrects(draft, follow_up.id) && follow_up.content == draft.content {
            let other = Other { id: follow_up.id, state: queued.word(), is_same: true };
            return Ok(Some(finding(&other, String::new())));
        }
    }
    Ok(None)
}

/// What came to nothing is no reason to hesitate.
fn counts(state: State) -> bool {
    !matches!(state, State::Rejected | State::Withdrawn | State::Superseded | State::Observed)
}

/// A correction is alike to what it corrects, as it should be.
fn corrects(draft: &StoredDraft, id: Uuid) -> bool {
    let folio = domain::follow_up::folio(id);
    draft.corrects.as_ref().is_some_and(|corrects| corrects.id == id)
        || draft.content.corrects.as_ref() == Some(&folio)
}

fn finding(other: &Other, day: String) -> Finding {
    let mut params = serde_json::Map::new();
    params.insert("id".into(), json!(other.id));
    params.insert("folio".into(), json!(domain::follow_up::folio(other.id)));
    params.insert("state".into(), json!(other.state));
    params.insert("reason".into(), json!(if other.is_same { "same" } else { "day" }));
    params.insert("day".into(), json!(day));
    Finding {
        pointer: "/visitedOn".into(),
        rule: "possible-duplicate".into(),
        severity: Severity::Warning,
        params,
    }
}
