//! The disk under a database, as far as it can fail a transaction: passed in where a simulation decides, absent in the
//! programs, whose disks fail by themselves.
//!
//! Putting a store of one's own in place of the real one was rejected: on the central side sixty methods would only
//! pass on, on the device there is no such trait, and in both the code that runs would not be the code that is tested.

/// A moment of a transaction that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before it begins.
    Begin,
    /// Before it is made durable.
    Commit,
    /// After it was made durable, before anybody is told.
    Committed,
}

/// What a disk, or the database on it, answers instead of doing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another transaction is in the way.
    Busy,
    /// No room is left.
    Full,
    /// It does not work.
    Failing,
}

/// Asked at each moment of each transaction that writes.
pub trait Disk: Send + Sync + 'static {
    /// Whether it goes on. What is refused is undone, unless it was made durable already.
    ///
    /// # Errors
    /// What the disk answers.
    fn at(&self, moment: Moment) -> Result<(), Trouble>;
}
