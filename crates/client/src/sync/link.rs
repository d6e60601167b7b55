//! What is known of the connection right now. In memory: after a start nothing is being sent.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use domain::command::Connection;
use domain::problem::Problem;
use domain::wire::MAX_OPERATIONS;
use uuid::Uuid;

/// State of the connection.
pub(crate) struct Link {
    now: Mutex<Now>,
    /// Counts what moved: answers, pages, chunks. Only ever grows.
    moved: AtomicU64,
}

/// The changing part.
pub(crate) struct Now {
    pub(crate) connection: Connection,
    pub(crate) problem: Option<Problem>,
    pub(crate) next_attempt: Option<DateTime<Utc>>,
    pub(crate) sending: BTreeSet<Uuid>,
    /// Most operations of the next batch; halved when the endpoint cannot take one.
    pub(crate) batch: usize,
}

impl Default for Link {
    fn default() -> Link {
        Link {
            now: Mutex::new(Now {
                connection: Connection::Unknown,
                problem: None,
                next_attempt: None,
                sending: BTreeSet::new(),
                batch: MAX_OPERATIONS,
            }),
            moved: AtomicU64::new(0),
        }
    }
}

impl Link {
    /// The state, locked for a moment.
    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch went through: the next may be larger again.
    pub(crate) fn widen(&self) {
        let mut now = self.now();
        now.batch = (now.batch * 2).min(MAX_OPERATIONS);
    }

    /// Something moved.
    pub(crate) fn progress(&self) {
        self.moved.fetch_add(1, Ordering::Relaxed);
    }

    /// How much moved since the start.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }
}
