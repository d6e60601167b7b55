//! Pushes that come together share one transaction, so that all of them wait for the disk once.
//!
//! Whoever finds nobody at work takes along those that came meanwhile; the others wait for what they are told. Nobody
//! waits for more to come: while one transaction is made durable the next group gathers by itself. Each push has a
//! savepoint of its own, so that one that fails is undone alone. Nobody is answered before the commit; one that fails is
//! told to everybody, also to those that were refused, because why they were may have been in it.
//!
//! A thread that writes for everybody was the other way: one more thing that can stand still, two more changes of
//! thread for a push that comes alone, and no order of things for a simulation, which has one thread.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::problem::{Code, Problem};
use domain::seeded::{self, Bug};
use domain::wire::{MAX_OPERATIONS, PushAnswer};

use crate::endpoint::Endpoint;
use crate::problem::{Answer, classify};
use crate::store::{self, Tx};

/// Most operations in one transaction, unless a single push has more: who waits for it waits no longer than two pushes
/// take.
const MOST: usize = MAX_OPERATIONS;
/// How long after the last push it counts as quiet: the next of a device follows upon the answer.
const QUIET: Duration = Duration::from_millis(20);
/// Longest time that the background gives way: what is received is decided too while more comes in.
const PATIENCE: Duration = Duration::from_millis(100);

/// What a push does with its turn in the transaction.
pub type Work = Box<dyn FnOnce(&Endpoint, &dyn Tx) -> Answer<Recorded> + Send>;

/// What was written and is not durable yet.
pub struct Recorded {
    /// What its device is told once it is.
    pub answer: PushAnswer,
    /// Whether there is something for the background.
    pub received: bool,
}

/// How a push ended; the outer error is a panic, which goes on where the push was asked for.
type Ended = std::thread::Result<Answer<Recorded>>;

enum Word {
    /// It is its turn to do the work of everybody who waits.
    Lead,
    /// It was done.
    Ended(Ended),
}

struct Ticket {
    operations: usize,
    work: Work,
    say: Sender<Word>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Ticket>,
    /// Whether somebody is at work.
    led: bool,
    /// Pushes that came and are not answered.
    under_way: usize,
    last: Option<Instant>,
}

/// The pushes of an endpoint.
#[derive(Default)]
pub struct Group {
    line: Mutex<Line>,
}

impl Group {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A push has come: until this is dropped it is under way.
    pub fn come(&self) -> UnderWay<'_> {
        self.line().under_way += 1;
        UnderWay(self)
    }

    /// The background waits here before it takes the writer: what comes in goes first, for a while.
    pub fn give_way(&self, endpoint: &Endpoint) {
        // On one thread nobody else can be under way.
        if endpoint.inline {
            return;
        }
        let since = Instant::now();
        while since.elapsed() < PATIENCE && !self.is_quiet() {
            std::thread::sleep(QUIET / 10);
        }
    }

    fn is_quiet(&self) -> bool {
        let line = self.line();
        line.under_way == 0 && line.last.is_none_or(|last| last.elapsed() >= QUIET)
    }

    /// Does the work of a push in a transaction that it may share. Returning means that it is on the disk.
    pub fn take(&self, endpoint: &Endpoint, operations: usize, work: Work) -> Answer<PushAnswer> {
        let (say, hear) = channel();
        let mut lead = {
            let mut line = self.line();
            line.waiting.push_back(Ticket { operations, work, say });
            !std::mem::replace(&mut line.led, true)
        };
        loop {
            if lead {
                self.lead(endpoint);
            }
            match hear.recv() {
                Ok(Word::Lead) => lead = true,
                Ok(Word::Ended(Ok(answer))) => return answer.map(|recorded| recorded.answer),
                Ok(Word::Ended(Err(panic))) => resume_unwind(panic),
                // Whoever did the work panicked itself: the transaction was undone.
                Err(_) => return Err(Code::Unavailable.into()),
            }
        }
    }

    /// The first of those that wait, and who fits beside it.
    fn next(&self) -> Vec<Ticket> {
        let mut line = self.line();
        let mut room = MOST;
        let mut group = Vec::new();
        while let Some(ticket) = line.waiting.front()
            && (group.is_empty() || ticket.operations <= room)
        {
            room = room.saturating_sub(ticket.operations);
            group.extend(line.waiting.pop_front());
        }
        group
    }

    fn lead(&self, endpoint: &Endpoint) {
        let _next = HandOver(self);
        let begun = endpoint.store.begin();
        // Only now: those that came while the writer was busy come along.
        let group = self.next();
        let (says, works): (Vec<_>, Vec<_>) =
            group.into_iter().map(|ticket| (ticket.say, ticket.work)).unzip();
        let count = works.len();
        let ended = begun.and_then(|tx| together(endpoint, tx, works));
        let ended = ended.unwrap_or_else(|error| {
            let problem = classify(&error);
            (0..count).map(|_| failed(&problem)).collect()
        });
        let received = |ended: &Ended| matches!(ended, Ok(Ok(recorded)) if recorded.received);
        if ended.iter().any(received) {
            endpoint.wake.notify_one();
        }
        for (say, ended) in says.into_iter().zip(ended) {
            // Whoever asked is there: it waits for nothing else.
            let _ = say.send(Word::Ended(ended));
        }
    }
}

fn failed(problem: &Problem) -> Ended {
    Ok(Err(problem.clone().into()))
}

/// Does all the works in a transaction and commits it. An error: nothing of any of them is there.
fn together<'s>(endpoint: &Endpoint, tx: Box<dyn Tx + 's>, works: Vec<Work>) -> store::Result<Vec<Ended>> {
    let alone = works.len() == 1;
    let mut all = Vec::with_capacity(works.len());
    for work in works {
        if !alone {
            tx.mark()?;
        }
        // What a defect panics over is this push's; the others have nothing to do with it.
        let ended = catch_unwind(AssertUnwindSafe(|| work(endpoint, &*tx)));
        let done = matches!(ended, Ok(Ok(_)));
        if !alone {
            if done { tx.keep()? } else { tx.take_back()? }
        }
        all.push(ended);
    }
    if all.iter().any(|ended| matches!(ended, Ok(Ok(_)))) && !seeded::is(Bug::AcknowledgeBeforeCommit) {
        tx.commit()?;
    }
    Ok(all)
}

/// A push that is under way.
pub struct UnderWay<'g>(&'g Group);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.under_way -= 1;
        line.last = Some(Instant::now());
    }
}

/// The next of those that wait leads, whatever happened to the one that did.
struct HandOver<'g>(&'g Group);

impl Drop for HandOver<'_> {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.led = line.waiting.front().is_some_and(|next| next.say.send(Word::Lead).is_ok());
    }
}
