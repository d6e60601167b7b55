//! What people say of the program: kept as it came, decided by whoever answers for it, and told back to its author
//! alone. Internal: nothing that publishes knows of it.

use chrono::{DateTime, SubsecRound as _, Utc};
use domain::history::ChangeKind;
use domain::opinion::{Opinion, OpinionStanding, OpinionStep, StepFault};
use domain::person::{Action, Role, can};
use domain::wire::{Operation, opinions_stream};
use uuid::Uuid;

use crate::endpoint::Endpoint;
use crate::store::{Entry, Person, Result, StoreError, StoredOpinion, StoredStep, Tx};

pub mod command;

/// Longest version of a program that is kept with an opinion, in characters.
const MAX_APP_VERSION: usize = 40;

/// What makes an operation no opinion, if anything does.
pub fn nonsense(operation: &Operation, opinion: &Opinion) -> Option<String> {
    if opinion.id != operation.record_id {
        return Some("recordId is not the id of the opinion".into());
    }
    if !operation.evidence.is_empty() {
        return Some("an opinion has no files".into());
    }
    opinion.senseless()
}

/// An opinion that a device offers.
pub struct Offered<'a> {
    /// The operation that brings it.
    pub operation: &'a Operation,
    /// The device.
    pub device_id: Uuid,
    /// Its author.
    pub person: &'a Person,
    /// Version of the author's program.
    pub app_version: &'a str,
    /// As it was read.
    pub opinion: &'a Opinion,
}

/// Keeps an opinion, and gives what its author's stream says of it. None when its id or its folio is taken: then nothing
/// is kept.
///
/// # Errors
/// The database.
pub fn keep(tx: &dyn Tx, offered: &Offered<'_>, now: DateTime<Utc>) -> Result<Option<Entry>> {
    let Offered { operation, person, opinion, .. } = *offered;
    if tx.opinion(opinion.id)?.is_some() || tx.opinion_by_folio(&opinion.folio())?.is_some() {
        return Ok(None);
    }
    let stored = StoredOpinion {
        opinion: opinion.clone(),
        op_id: operation.op_id,
        device_id: offered.device_id,
        person_id: person.card.id.clone(),
        area_id: person.area_id.clone(),
        app_version: offered.app_version.chars().take(MAX_APP_VERSION).collect(),
        captured_at: operation.captured_at,
        // As it is stored: what is told later is told with the same instant.
        recorded_at: now.trunc_subsecs(3),
        steps: Vec::new(),
    };
    tx.add_opinion(&stored)?;
    entry(&stored).map(Some)
}

/// What the stream of its author says of an opinion.
fn entry(stored: &StoredOpinion) -> Result<Entry> {
    let state =
        serde_json::to_value(stored.state()).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(Entry {
        stream: opinions_stream(&stored.person_id),
        kind: ChangeKind::Opinion,
        record_id: stored.opinion.id.to_string(),
        state,
    })
}

/// A decision about an opinion.
pub struct Decision<'a> {
    /// Folio, as somebody types it.
    pub folio: &'a str,
    /// Where it stands from now on.
    pub standing: OpinionStanding,
    /// Version of the program that has what it asks for.
    pub version: Option<&'a str>,
    /// Why.
    pub reason: Option<&'a str>,
    /// Name of who decides, as registered; none when somebody at the endpoint itself does, who does not say.
    pub by: Option<&'a str>,
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Its author is told at the next contact.
    New,
    /// It stood there already, with the same words.
    Same,
    /// There is no opinion with this folio.
    Unknown,
    /// It does not say what it needs.
    Unfit(StepFault),
    /// Nobody, or more than one, of this name may decide.
    Who(Whom),
}

/// Why it is not known who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Nobody has this name.
    Nobody,
    /// Who has it may not decide this.
    NotAllowed,
    /// More than one person has it.
    Several,
}

/// Takes a decision, in a transaction of its own. The same one twice changes nothing.
///
/// # Errors
/// The database.
pub fn decide(endpoint: &Endpoint, decision: &Decision<'_>) -> Result<Decided> {
    let tx = endpoint.store.begin()?;
    let Some(mut stored) = tx.opinion_by_folio(&decision.folio.trim().to_uppercase())? else {
        return Ok(Decided::Unknown);
    };
    let by = match decision.by {
        Some(name) => match who(&*tx, name)? {
            Ok(person) => Some(person),
            Err(whom) => return Ok(Decided::Who(whom)),
        },
        None => None,
    };
    let said = |text: Option<&str>| text.map(|text| text.trim().to_owned());
    let step = OpinionStep {
        standing: decision.standing,
        version: said(decision.version),
        reason: said(decision.reason),
        role: by.as_ref().map_or(Role::Administracion, |person| person.card.role),
        area: by.as_ref().map(|person| person.card.area.clone()),
        at: endpoint.now().trunc_subsecs(3),
    };
    if let Err(fault) = step.check() {
        return Ok(Decided::Unfit(fault));
    }
    let same = match stored.steps.last() {
        Some(last) => last.step.says_the_same(&step),
        None => step.standing == OpinionStanding::Received && step.reason.is_none(),
    };
    if same {
        return Ok(Decided::Same);
    }
    let step = StoredStep { step, person_id: by.map(|person| person.card.id) };
    tx.add_opinion_step(stored.opinion.id, &step)?;
    stored.steps.push(step);
    tx.append(vec![entry(&stored)?], endpoint.now())?;
    tx.commit()?;
    Ok(Decided::New)
}

/// The one person of this name who may decide what becomes of opinions.
fn who(tx: &dyn Tx, name: &str) -> Result<std::result::Result<Person, Whom>> {
    let plain = |name: &str| name.trim().to_lowercase();
    let named: Vec<Person> =
        tx.people()?.into_iter().filter(|person| plain(&person.card.name) == plain(name)).collect();
    if named.is_empty() {
        return Ok(Err(Whom::Nobody));
    }
    let mut may = named.into_iter().filter(|person| can(person.card.role, Action::DecideOpinions));
    Ok(match (may.next(), may.next()) {
        (Some(person), None) => Ok(person),
        (Some(_), Some(_)) => Err(Whom::Several),
        (None, _) => Err(Whom::NotAllowed),
    })
}
