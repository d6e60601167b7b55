//! When to run a cycle. The timer re-arms itself after everything, a panic included.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::problem::{Code, Problem};
use domain::seeded::{self, Bug};
use futures_util::FutureExt as _;

use super::{engine, plan};
use crate::Inner;
use crate::error::Error;
use crate::session;
use crate::store::{files, meta, outbox};

/// While the store is locked or not enrolled there is nothing to do until somebody unlocks or enrols (which wakes).
const IDLE: Duration = Duration::from_secs(30);

/// How long after something moved it is asked again soon: what was received is decided and published within seconds,
/// and its author is looking at it.
const LIVELY: TimeDelta = TimeDelta::seconds(60);

/// Runs cycles for ever.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut failures = 0u32;
    let mut moved_at = None;
    loop {
        // What the endpoint asked for holds also for what somebody captures meanwhile.
        let mut asked = Duration::ZERO;
        let delay = if inner.is_enrolled() {
            let moved = inner.link.moved();
            let result = AssertUnwindSafe(engine::run(&inner)).catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!("a cycle panicked");
                Err(Error::from(Code::Fault))
            });
            let problem = result.err().map(Problem::from);
            let moved = inner.link.moved() > moved;
            if moved {
                moved_at = Some(inner.clock.now());
            }
            let lively = moved_at.is_some_and(|at| inner.clock.now() - at < LIVELY);
            failures = match &problem {
                None => 0,
                // What moved shows that the way is open: begin again with short delays.
                Some(_) if moved => 1,
                Some(_) => failures.saturating_add(1),
            };
            if failures > 0 && seeded::is(Bug::TimerNotRearmed) {
                return;
            }
            let outlook = plan::Outlook { moved, ..outlook(&inner, failures, problem.as_ref(), lively) };
            asked = outlook.asked();
            plan::delay(outlook, jitter())
        } else {
            failures = 0;
            IDLE
        };
        let next =
            TimeDelta::from_std(delay).ok().and_then(|delay| inner.clock.now().checked_add_signed(delay));
        inner.link.now().next_attempt = next;
        inner.say_status();
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = async {
                tokio::time::sleep(asked).await;
                inner.wake.notified().await;
            } => {}
        }
    }
}

fn outlook(inner: &Inner, failures: u32, problem: Option<&Problem>, lively: bool) -> plan::Outlook {
    let waiting = inner
        .store()
        .and_then(|store| {
            store.read(|c| {
                let device = session::enrolled(c)?.device_id;
                let files_go = !meta::get(c, meta::TEXT_ONLY)?.unwrap_or(false);
                Ok(outbox::last_ready(c, device)? > 0 || files_go && files::is_awaited(c)?)
            })
        })
        .unwrap_or(false);
    plan::Outlook {
        failures,
        moved: false,
        waiting: waiting || lively,
        refused: problem.is_some_and(|problem| problem.params.contains_key("refused")),
        retry_after: problem.and_then(Problem::retry_after),
        hint: inner.hint(),
    }
}

/// A random number in 0..=1. Without a source of randomness the whole delay is waited.
fn jitter() -> f64 {
    let mut bytes = [0u8; 4];
    match domain::random::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}
