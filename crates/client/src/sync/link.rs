//! What is known of the connection right now. In memory: after a start nothing is being sent.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    /// This run sends text only, whatever the equipment is set to.
    text_only: AtomicBool,
}

/// The changing part.
pub(crate) struct Now {
    pub(crate) connection: Connection,
    pub(crate) problem: Option<Problem>,
    pub(crate) next_attempt: Option<DateTime<Utc>>,
    pub(crate) sending: BTreeSet<Uuid>,
    /// Most operations of the next batch; halved when the endpoint cannot take one.
    pub(crate) batch: usize,
    /// The snapshot that is being fetched: its hash, and its bytes as far as they came.
    fetched: (String, Vec<u8>),
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
                fetched: Default::default(),
            }),
            moved: AtomicU64::new(0),
            text_only: AtomicBool::new(false),
        }
    }
}

impl Link {
    /// The state, locked for a moment.
    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is being sent any more, and nothing is known of the connection.
    pub(crate) fn rest(&self) {
        *self.now() = Link::default().now.into_inner().unwrap_or_else(PoisonError::into_inner);
    }

    /// A batch went through: the next may be larger again.
    pub(crate) fn widen(&self) {
        let mut now = self.now();
        now.batch = (now.batch * 2).min(MAX_OPERATIONS);
    }

    /// How many bytes of a snapshot came already. Of another one nothing is kept.
    pub(crate) fn fetched(&self, sha256: &str) -> u64 {
        let mut now = self.now();
        if now.fetched.0 != sha256 {
            now.fetched = (sha256.to_owned(), Vec::new());
        }
        now.fetched.1.len() as u64
    }

    /// Keeps the next piece of a snapshot; gives how many bytes there are now.
    pub(crate) fn fetch(&self, sha256: &str, piece: &[u8]) -> u64 {
        self.fetched(sha256);
        let mut now = self.now();
        now.fetched.1.extend_from_slice(piece);
        now.fetched.1.len() as u64
    }

    /// Takes what came of a snapshot.
    pub(crate) fn take_fetched(&self) -> Vec<u8> {
        std::mem::take(&mut self.now().fetched).1
    }

    /// Sends text only from now on, in this run.
    pub(crate) fn send_text_only(&self) {
        self.text_only.store(true, Ordering::Relaxed);
    }

    /// Whether this run sends text only.
    pub(crate) fn is_text_only(&self) -> bool {
        self.text_only.load(Ordering::Relaxed)
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
