//! Mistakes made on purpose, to know that the tests would notice them. Each is one condition at the place where somebody
//! could make it; `tests/seeded-bugs.txt` names the test that catches it, and `cargo xtask test --only seeded-bugs` shows
//! that it does.
//!
//! A feature of the build and not a variable alone: a program that is handed over has none of this in it. Patching the
//! sources for each bug was the other way; it would compile four packages twenty-five times.

#[cfg(all(feature = "seeded-bugs", not(debug_assertions)))]
compile_error!("bugs on purpose never go into a release: build without the feature `seeded-bugs`");

/// The variable that names the bug a process has.
pub const VARIABLE: &str = "AVANCE_SEEDED_BUG";

macro_rules! bugs {
    ($($(#[$meaning:meta])+ $bug:ident = $name:literal,)+) => {
        /// A mistake that somebody could make.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $($(#[$meaning])+ $bug,)+
        }

        impl Bug {
            /// Every bug, in the order of the table.
            pub const ALL: &'static [Bug] = &[$(Bug::$bug),+];

            /// Its name in the table and in the variable.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Bug::$bug => $name,)+
                }
            }
        }
    };
}

bugs! {
    /// Push answers with signed receipts and never commits what they speak of.
    AcknowledgeBeforeCommit = "acknowledge-before-commit",
    /// A batch that is offered again has new identifiers: the endpoint cannot tell that it knows it.
    RetryWithNewId = "retry-with-new-id",
    /// An operation is recorded although the one before it never came.
    GapAccepted = "gap-accepted",
    /// The cursor is one number for all streams: what a slower stream still has is passed over.
    SequenceAsCursor = "sequence-as-cursor",
    /// Pull gives everybody the streams of every área.
    EveryAreaForEverybody = "every-area-for-everybody",
    /// A follow-up that disagrees with what others published meanwhile is accepted over it.
    LastWriterWins = "last-writer-wins",
    /// A follow-up is accepted without its files.
    FilesNotWaitedFor = "files-not-waited-for",
    /// A follow-up is accepted before the one it was laid upon.
    OrderNotKept = "order-not-kept",
    /// The progress that arrives last is the current one, however old its visit.
    LateArrivalWins = "late-arrival-wins",
    /// The catalogue does not wait for its files: it names one that could not be written.
    IndexBeforeFiles = "index-before-files",
    /// A public file is written over in its place: who is reading it gets a mixture.
    HalfWrittenFile = "half-written-file",
    /// The photograph is published as it came, with its position and its camera.
    OriginalPublished = "original-published",
    /// The internal notes go along with the published progress.
    NotesPublished = "notes-published",
    /// The pieces of a file are put together and nobody looks whether the whole is the file.
    WholeFileUnchecked = "whole-file-unchecked",
    /// A compressed body unpacks to whatever size it likes.
    UnboundedBody = "unbounded-body",
    /// An enrolment code that was used enrols another key too.
    CodeUsedTwice = "code-used-twice",
    /// A backup is restored over a folder that has something in it.
    RestoreOverData = "restore-over-data",
    /// A receipt is believed whoever signed it.
    ForgedReceiptBelieved = "forged-receipt-believed",
    /// A stream whose chain does not fit is taken as history.
    HistoryUnchecked = "history-unchecked",
    /// What a restored endpoint lost is not offered again.
    LostNotOfferedAgain = "lost-not-offered-again",
    /// What was set apart stays apart for ever.
    ParkedForEver = "parked-for-ever",
    /// A file counts as delivered with its last piece, before the endpoint verified the whole.
    FileConfirmedUnverified = "file-confirmed-unverified",
    /// After a failure the timer is not armed again: nothing is sent until somebody touches the program.
    TimerNotRearmed = "timer-not-rearmed",
    /// A draft is based on what is there when it is sent, not on what its author saw: a colleague's value is overwritten.
    DraftBasedOnNow = "draft-based-on-now",
    /// The database of the device is written without its key.
    StoreInPlain = "store-in-plain",
}

/// Whether this process has a bug. Never, in a build without the feature.
#[cfg(not(feature = "seeded-bugs"))]
#[inline(always)]
pub const fn is(_: Bug) -> bool {
    false
}

/// Whether this process has a bug: the one that the variable named when it was asked first.
///
/// # Panics
/// If there is no bug of that name: a test that is meant to fail would otherwise pass for another reason.
#[cfg(feature = "seeded-bugs")]
pub fn is(bug: Bug) -> bool {
    static SEEDED: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();
    let seeded = SEEDED.get_or_init(|| {
        let name = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty())?;
        let found = Bug::ALL.iter().copied().find(|bug| bug.name() == name);
        assert!(found.is_some(), "{VARIABLE}={name}: there is no such bug");
        found
    });
    *seeded == Some(bug)
}
