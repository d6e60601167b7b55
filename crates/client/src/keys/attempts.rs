//! Wrong passphrases and wrong codes, and how long until the next may be tried. They are written beside the keys and not
//! in them: counting must never write those.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use domain::problem::{Code, Problem};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Longest wait between two attempts.
const LONGEST: TimeDelta = TimeDelta::minutes(15);

/// What is tried.
pub(super) struct Kind {
    /// Where it is counted.
    file: &'static str,
    /// How many may be wrong before there is a wait: a passphrase is typed every day, a code once in years.
    free: u32,
    wrong: Code,
    wait: Code,
}

/// Passphrases.
pub(super) const PASSPHRASES: Kind =
    Kind { file: "passphrase.json", free: 2, wrong: Code::PassphraseWrong, wait: Code::PassphraseWait };
/// Recovery codes.
pub(super) const CODES: Kind =
    Kind { file: "recovery.json", free: 0, wrong: Code::RecoveryWrong, wait: Code::RecoveryWait };

#[derive(Default, Serialize, Deserialize)]
struct Attempts {
    wrong: u32,
    until: Option<DateTime<Utc>>,
}

/// Tries a secret, unless it is too soon. The attempt answers nothing when the secret is wrong; then it is counted.
pub(super) fn attempt<T>(
    dir: &Path,
    kind: &Kind,
    now: DateTime<Utc>,
    open: impl FnOnce() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let path = dir.join(kind.file);
    let before = read(&path);
    // A time farther away than any that is ever given was set by a clock that was ahead.
    let wait = before
        .as_ref()
        .and_then(|before| before.until)
        .map(|until| until - now)
        .filter(|wait| *wait > TimeDelta::zero() && *wait <= LONGEST);
    if let Some(wait) = wait {
        return Err(waiting(kind.wait, wait).into());
    }
    if let Some(opened) = open()? {
        if before.is_some() {
            forget(dir, kind);
        }
        return Ok(opened);
    }
    let before = before.unwrap_or_default();
    let wait =
        before.wrong.checked_sub(kind.free).map(|beyond| TimeDelta::seconds(2 << beyond.min(9)).min(LONGEST));
    let next = Attempts {
        wrong: before.wrong.saturating_add(1),
        until: wait.and_then(|wait| now.checked_add_signed(wait)),
    };
    super::write_atomically(&path, &serde_json::to_vec(&next)?)?;
    Err(match wait {
        Some(wait) => waiting(kind.wrong, wait).into(),
        None => kind.wrong.into(),
    })
}

/// Begins to count again. A secret is right whatever the disk says of the count.
pub(super) fn forget(dir: &Path, kind: &Kind) {
    if let Err(error) = std::fs::remove_file(dir.join(kind.file))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the count of attempts stays");
    }
}

fn waiting(code: Code, wait: TimeDelta) -> Problem {
    Problem::new(code).with("retryAfterSeconds", (wait.num_milliseconds() + 999) / 1000)
}

/// One that cannot be read counts for nothing: it slows guessing down and protects nothing else.
fn read(path: &Path) -> Option<Attempts> {
    let bytes = std::fs::read(path).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap_or_default())
}
