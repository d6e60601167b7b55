//! What is passed in to the programs: clocks that the simulation moves, a line whose other end it holds, disks that fail
//! when it says so.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use chrono::{DateTime, Utc};
use client::{Answered, Asked, Broken, Exchange, Wire};
use domain::clock::Clock;
use domain::disk::{Disk, Moment, Trouble};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// True time, milliseconds, shared by everything of a seed.
pub type Time = Arc<AtomicI64>;

/// A machine's clock: true time, and how far off it is.
#[derive(Clone)]
pub struct Watch {
    pub time: Time,
    pub off: Time,
}

impl Watch {
    pub fn new(time: &Time) -> Watch {
        Watch { time: Arc::clone(time), off: Time::default() }
    }
}

impl Clock for Watch {
    fn now(&self) -> DateTime<Utc> {
        let millis = self.time.load(Ordering::Relaxed) + self.off.load(Ordering::Relaxed);
        DateTime::from_timestamp_millis(millis).unwrap_or_default()
    }
}

/// The line of a device: what it asked waits here, one after the other, until the simulation decides what comes of it.
#[derive(Clone, Default)]
pub struct Line(Arc<Mutex<Ends>>);

#[derive(Default)]
struct Ends {
    /// Numbers the requests.
    last: u64,
    asked: VecDeque<(u64, Asked)>,
    /// The request that the simulation holds.
    taken: Option<u64>,
    answers: BTreeMap<u64, Result<Answered, Broken>>,
    waiting: BTreeMap<u64, Waker>,
}

impl Ends {
    fn ask(&mut self, asked: Asked) -> u64 {
        self.last += 1;
        self.asked.push_back((self.last, asked));
        self.last
    }
}

impl Line {
    pub fn waits(&self) -> bool {
        !lock(&self.0).asked.is_empty()
    }

    pub fn take(&self) -> Option<Asked> {
        let mut ends = lock(&self.0);
        let (number, asked) = ends.asked.pop_front()?;
        ends.taken = Some(number);
        Some(asked)
    }

    /// Answers what was taken last.
    pub fn answer(&self, answer: Result<Answered, Broken>) {
        let mut ends = lock(&self.0);
        if let Some(number) = ends.taken.take() {
            ends.answers.insert(number, answer);
            if let Some(waker) = ends.waiting.remove(&number) {
                waker.wake();
            }
        }
    }

    pub fn clear(&self) {
        let mut ends = lock(&self.0);
        *ends = Ends { last: ends.last, ..Ends::default() };
    }
}

impl Wire for Line {
    fn exchange(&self, asked: Asked) -> Exchange<'_> {
        let asking = Asking { line: self, number: lock(&self.0).ask(asked) };
        Box::pin(poll_fn(move |context| asking.poll(context)))
    }
}

/// A request whose answer somebody waits for. Nobody does any more: it is taken back where it was not sent yet.
struct Asking<'l> {
    line: &'l Line,
    number: u64,
}

impl Asking<'_> {
    fn poll(&self, context: &Context<'_>) -> Poll<Result<Answered, Broken>> {
        let mut ends = lock(&self.line.0);
        let Some(answer) = ends.answers.remove(&self.number) else {
            ends.waiting.insert(self.number, context.waker().clone());
            return Poll::Pending;
        };
        Poll::Ready(answer)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut ends = lock(&self.line.0);
        ends.asked.retain(|(number, _)| *number != self.number);
        ends.waiting.remove(&self.number);
        ends.answers.remove(&self.number);
    }
}

/// A disk that fails when it is told to.
#[derive(Default)]
pub struct Fragile(Mutex<Plan>);

#[derive(Default)]
struct Plan {
    next: Option<(Moment, Trouble, u32)>,
    /// After its trouble nothing works any more: the machine is off.
    dies: bool,
    dead: bool,
    hits: u32,
}

impl Fragile {
    /// The next `times` moments of this kind go wrong.
    pub fn fail(&self, moment: Moment, trouble: Trouble, times: u32) {
        *lock(&self.0) = Plan { next: Some((moment, trouble, times)), ..Plan::default() };
    }

    /// The machine goes off at the next moment of this kind.
    pub fn die(&self, moment: Moment) {
        *lock(&self.0) = Plan { next: Some((moment, Trouble::Failing, 1)), dies: true, ..Plan::default() };
    }

    /// It works again. Answers how often it did not.
    pub fn mend(&self) -> u32 {
        std::mem::take(&mut *lock(&self.0)).hits
    }

    pub fn hits(&self) -> u32 {
        lock(&self.0).hits
    }
}

impl Disk for Fragile {
    fn at(&self, moment: Moment) -> Result<(), Trouble> {
        let mut plan = lock(&self.0);
        if plan.dead {
            return Err(Trouble::Failing);
        }
        match plan.next {
            Some((when, trouble, times)) if when == moment && times > 0 => {
                plan.next = Some((when, trouble, times - 1));
                plan.hits += 1;
                plan.dead = plan.dies;
                Err(trouble)
            }
            _ => Ok(()),
        }
    }
}
