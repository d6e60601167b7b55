//! Work on several threads whose results come out in order.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

/// Does `work` on each job, on `threads` threads, and gives the results to `sink` one by one in the order of the jobs.
///
/// No more jobs and results than threads are in memory. An error of `sink` ends everything.
///
/// # Errors
/// The first error of `sink`.
pub fn in_order<J, R, E: Send>(
    jobs: impl Iterator<Item = J> + Send,
    threads: NonZeroUsize,
    work: impl Fn(J) -> R + Sync,
    sink: impl FnMut(R) -> Result<(), E> + Send,
) -> Result<(), E> {
    let source = Mutex::new(jobs.enumerate());
    let outcome = Mutex::new(Outcome { turn: 0, sink, failed: None });
    let turned = Condvar::new();
    let worker = || {
        loop {
            let job = source.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, job)) = job else { return };
            let result = work(job);
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            while outcome.turn != number && outcome.failed.is_none() {
                outcome = turned.wait(outcome).unwrap_or_else(PoisonError::into_inner);
            }
            if outcome.failed.is_some() {
                return;
            }
            let given = (outcome.sink)(result);
            outcome.failed = given.err();
            outcome.turn += 1;
            turned.notify_all();
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.get() {
            scope.spawn(worker);
        }
        worker();
    });
    let outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcome.failed.map_or(Ok(()), Err)
}

struct Outcome<S, E> {
    turn: usize,
    sink: S,
    failed: Option<E>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(number: usize) -> NonZeroUsize {
        NonZeroUsize::new(number).expect("some threads")
    }

    #[test]
    fn results_come_in_order() {
        for number in [1, 2, 7] {
            let mut got = Vec::new();
            // Later jobs are quicker than earlier ones.
            let work = |job: u64| {
                std::thread::sleep(std::time::Duration::from_micros(300 / (job + 1)));
                job * 2
            };
            let done = in_order(0..100, threads(number), work, |result| {
                got.push(result);
                Ok::<(), ()>(())
            });
            assert_eq!(done, Ok(()));
            assert_eq!(got, (0..100).map(|job| job * 2).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn an_error_ends_everything() {
        let mut got = 0;
        let done = in_order(
            0..,
            threads(2),
            |job: u64| job,
            |result| {
                got += 1;
                if result == 10 { Err("full") } else { Ok(()) }
            },
        );
        assert_eq!((done, got), (Err("full"), 11));
    }
}
