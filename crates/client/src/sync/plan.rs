//! What to do next, decided without I/O: which operations fit a batch, what a result means, when to try again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::Finding;
use domain::problem::{Code, Problem, Retry};
use domain::receipt::{Receipt, body_hash};
use domain::seeded::{self, Bug};
use domain::wire::{
    DeviceReport, MAX_OPERATIONS, Operation, OperationKind, PROTOCOL, PushRequest, PushResult,
};
use uuid::Uuid;

use crate::error::Error;
use crate::store::outbox::LONGEST_PARKED;

/// Most bytes of a batch as it travels: a margin under the endpoint's limit.
pub(crate) const COMPRESSED: usize = 900 * 1024;
/// Most bytes of a batch before compression.
pub(crate) const RAW: usize = 7 * 1024 * 1024;
/// Longest delay after a cycle that was cut while something moved: a moment ago the way was open, and a line that is cut
/// again and again is used as long as it is there.
const CUT: Duration = Duration::from_millis(200);
/// First delay after a failure.
const BASE: Duration = Duration::from_secs(2);
/// Longest delay after failures.
const CAP: Duration = Duration::from_secs(15 * 60);
/// Longest delay while something waits and the endpoint's machine refuses the connection.
const CAP_REFUSED: Duration = Duration::from_secs(30);
/// Between cycles while something waits.
const WAITING: Duration = Duration::from_secs(5);
/// Between cycles otherwise.
const QUIET: Duration = Duration::from_secs(30);
/// How often an operation fails alone before it is set apart.
pub(crate) const PATIENCE: u32 = 3;

/// A batch ready to travel.
pub(crate) struct Batch {
    pub(crate) operations: Vec<Operation>,
    pub(crate) bytes: Vec<u8>,
}

/// The longest beginning of `operations` that fits `limit` and both sizes. One operation alone always makes a batch:
/// the endpoint says whether it is too large.
pub(crate) fn batch(
    operations: Vec<Operation>,
    limit: usize,
    epoch: Uuid,
    report: &DeviceReport,
) -> Result<Batch, Error> {
    let mut operations = contiguous(operations);
    operations.truncate(limit.clamp(1, MAX_OPERATIONS));
    if seeded::is(Bug::RetryWithNewId) {
        operations.iter_mut().for_each(|operation| operation.op_id = Uuid::now_v7());
    }
    loop {
        let request =
            PushRequest { protocol: PROTOCOL, server_epoch: epoch, report: report.clone(), operations };
        let raw = serde_json::to_vec(&request)?;
        operations = request.operations;
        if raw.len() <= RAW || operations.len() <= 1 {
            let bytes = zstd::encode_all(raw.as_slice(), 3).map_err(|_| Error::Crypto("zstd"))?;
            if bytes.len() <= COMPRESSED || operations.len() <= 1 {
                return Ok(Batch { operations, bytes });
            }
        }
        operations.truncate(operations.len() / 2);
    }
}

/// Only operations whose numbers follow one another.
fn contiguous(mut operations: Vec<Operation>) -> Vec<Operation> {
    let broken = operations.windows(2).position(|pair| pair[1].client_seq != pair[0].client_seq + 1);
    if let Some(place) = broken {
        operations.truncate(place + 1);
    }
    operations
}

/// What a result means for the operation it speaks of.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Recorded, and the receipt is the endpoint's and names exactly what is here.
    Recorded(Box<Receipt>, Vec<Finding>),
    /// A placeholder took its number.
    Placed,
    /// It stays here, with this reason.
    Stays(Problem),
}

/// Judges a result. A receipt that does not verify, or that names other bytes, is worth nothing.
pub(crate) fn judge(operation: &Operation, result: &PushResult, server_key: &str) -> Outcome {
    let invalid =
        || Outcome::Stays(Problem::new(Code::ReceiptInvalid).with("opId", operation.op_id.to_string()));
    if result.op_id() != operation.op_id {
        return invalid();
    }
    match result {
        PushResult::Refused { problem, .. } => Outcome::Stays(problem.clone()),
        PushResult::Placed { .. } if operation.kind == OperationKind::Placeholder => Outcome::Placed,
        PushResult::Placed { .. } => invalid(),
        PushResult::Recorded { receipt, findings, .. } => {
            if names(receipt, operation, server_key) {
                Outcome::Recorded(receipt.clone(), findings.clone())
            } else {
                invalid()
            }
        }
    }
}

/// Whether a receipt is the endpoint's and names this operation, its bytes and its files.
pub(crate) fn names(receipt: &Receipt, operation: &Operation, server_key: &str) -> bool {
    let hash = body_hash(&operation.salt, &operation.body);
    (receipt.verify(server_key).is_ok() || seeded::is(Bug::ForgedReceiptBelieved))
        && receipt.body.op_id == operation.op_id
        && hash.is_ok_and(|hash| hash == receipt.body.body_hash)
        && receipt.body.evidence == operation.evidence
        && receipt.body.folio == operation.folio()
}

/// What to do about a push that failed as a whole.
#[derive(Debug, PartialEq)]
pub(crate) enum Remedy {
    /// Offer every operation after this number, received or not.
    ResendAfter(u64),
    /// Fewer operations next time.
    Halve,
    /// Only this operation was in the batch: it may be the cause.
    SuspectOne,
    /// The person or the administration has to act; nothing more is sent, nothing is deleted.
    Stop,
    /// Later.
    Wait,
}

/// Reads the failure of a push.
pub(crate) fn remedy(problem: &Problem, batch: usize) -> Remedy {
    match problem.code {
        Code::Gap => match problem.params.get("last").and_then(serde_json::Value::as_u64) {
            Some(last) => Remedy::ResendAfter(last),
            None => Remedy::Wait,
        },
        Code::DeviceForked | Code::DeviceRevoked => Remedy::Stop,
        Code::Unavailable
        | Code::Fault
        | Code::TooLarge
        | Code::MalformedRequest
        | Code::KindUnknown
        | Code::OpIdReused => match batch {
            0 => Remedy::Wait,
            1 => Remedy::SuspectOne,
            _ => Remedy::Halve,
        },
        _ => Remedy::Wait,
    }
}

/// Whether an operation that was refused must step aside for those behind it. A reason that passes by itself keeps
/// the order; one that somebody has to mend must not hold the rest. A program that is too old holds all of it: nothing
/// is wrong with the operation, nor would the next one fare better. One whose project is another área's steps aside
/// also as the last: nothing went wrong, and it waits for its project.
pub(crate) fn steps_aside(problem: &Problem, attempts: u32, behind: bool) -> bool {
    problem.code == Code::OutOfScope
        || behind
            && problem.code != Code::UpgradeRequired
            && match problem.retry {
                Retry::Never | Retry::AfterFix => true,
                Retry::Later => attempts >= PATIENCE && problem.code != Code::Gap,
            }
}

/// Whether the reason that an earlier operation of the batch was refused with is also this one's own: its project is
/// the one that left. They step aside together, not one to a request.
pub(crate) fn shares(problem: &Problem, operation: &Operation) -> bool {
    let folio = problem.params.get("folio");
    problem.code == Code::OutOfScope && folio.is_some() && operation.body.get("project") == folio
}

/// When an operation that was set apart is offered again: 1 min, 2, 4, … up to 6 h.
pub(crate) fn retry_at(now: DateTime<Utc>, attempts: u32) -> DateTime<Utc> {
    now + TimeDelta::minutes(1i64 << attempts.min(9)).min(LONGEST_PARKED)
}

/// What the next delay depends on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outlook {
    /// Failed cycles in a row; 0 after a good one.
    pub(crate) failures: u32,
    /// Whether the cycle that failed had moved something.
    pub(crate) moved: bool,
    /// Whether operations or files wait.
    pub(crate) waiting: bool,
    /// Whether the endpoint's machine answered that nothing listens there.
    pub(crate) refused: bool,
    /// What the endpoint asked for.
    pub(crate) retry_after: Option<Duration>,
    /// How seldom it asked to be looked at while nothing waits.
    pub(crate) hint: Option<Duration>,
}

impl Outlook {
    /// What the endpoint asked for, as far as it is heeded: whoever answers in its place must not silence a device.
    pub(crate) fn asked(&self) -> Duration {
        self.retry_after.map_or(Duration::ZERO, |asked| asked.min(CAP))
    }
}

/// Delay until the next cycle. `jitter` is a random number in 0..=1: the whole delay is random (full jitter), so that
/// the devices of a municipality do not come back all at once when its network does.
pub(crate) fn delay(outlook: Outlook, jitter: f64) -> Duration {
    let chosen = if outlook.failures == 0 {
        // A hint is for those who only look; what waits goes as ever.
        if outlook.waiting { WAITING } else { outlook.hint.map_or(QUIET, |hint| hint.clamp(QUIET, CAP)) }
    } else if outlook.moved && outlook.waiting && !outlook.refused {
        CUT.mul_f64(jitter.clamp(0.05, 1.0))
    } else {
        // In an office the endpoint's machine refuses because it is off or starting; nothing is lost by asking
        // twice a minute, and people see their follow-ups leave as soon as it is on.
        let cap = if outlook.waiting && outlook.refused { CAP_REFUSED } else { CAP };
        let full =
            BASE.saturating_mul(1u32.checked_shl(outlook.failures.min(20) - 1).unwrap_or(u32::MAX)).min(cap);
        full.mul_f64(jitter.clamp(0.0, 1.0)).max(Duration::from_millis(250))
    };
    chosen.max(outlook.asked())
}

#[cfg(test)]
mod tests;
