//! A disk that fails at a chosen call: the library of `failing-disk`, preloaded into a program as it is delivered. The
//! fault is planned through a small file that both have open, before the program starts or while it runs.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::{complaint, text};

#[path = "../failing-disk/src/control.rs"]
pub mod control;

pub use control::{changes, needs_room};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// `EIO`, once; afterwards the disk is well again.
    Once,
    /// No room, from then on.
    Full,
    /// Half of what was to be written is; no room from then on.
    Torn,
    /// Half of what was to be written is, and the process is gone.
    Cut,
}

/// One place where a fault can be: the n-th call, and how it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which call, from 1.
    pub n: u64,
    /// How.
    pub how: How,
}

/// Every place where what made this trace can fail. Room is only missed by what needs it (where that is a write, half of
/// it still found room), and a cut between two calls that change nothing is the same cut.
pub fn places(trace: &[u8]) -> Vec<Place> {
    let of = |(index, kind): (usize, &u8)| {
        let write = *kind == control::kind::WRITE;
        let hows = [
            (How::Once, true),
            (How::Full, needs_room(*kind) && !write),
            (How::Torn, write),
            (How::Cut, changes(*kind)),
        ];
        let n = index as u64 + 1;
        hows.into_iter().filter(|(_, possible)| *possible).map(move |(how, _)| Place { n, how })
    };
    trace.iter().enumerate().flat_map(of).collect()
}

/// The control of one or several programs whose files are under a folder.
pub struct FailingDisk {
    file: File,
    path: PathBuf,
    under: PathBuf,
}

impl FailingDisk {
    /// Nothing fails yet. `control` is a file of its own, outside of the folder.
    pub fn new(control: &Path, under: &Path) -> FailingDisk {
        let mut options = File::options();
        let file = options.create(true).truncate(true).read(true).write(true).open(control);
        let file = file.expect("a file of ours");
        file.set_len(control::SIZE as u64).expect("a small file");
        FailingDisk { file, path: control.to_owned(), under: under.to_owned() }
    }

    /// What a program is told by its environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        vec![
            ("LD_PRELOAD", text(&crate::program("libfailing_disk.so"))),
            (control::CONTROL, text(&self.path)),
            (control::UNDER, text(&self.under)),
        ]
    }

    /// Counts anew and fails at a place. With `changes` only calls that change something are counted.
    pub fn arm(&self, place: Place, changes: bool) {
        self.calm();
        self.count_anew(changes);
        let how = match place.how {
            How::Once => control::how::ONCE,
            How::Full => control::how::FULL,
            How::Torn => control::how::TORN,
            How::Cut => control::how::CUT,
        };
        self.put(control::word::HOW, how);
        // The last: from here on it fails.
        self.put(control::word::AT, place.n);
    }

    /// Nothing fails any more.
    pub fn calm(&self) {
        self.put(control::word::AT, 0);
    }

    /// Counts anew.
    pub fn count_anew(&self, changes: bool) {
        self.put(control::word::CHANGES, u64::from(changes));
        self.put(control::word::FIRED, 0);
        self.put(control::word::COUNT, 0);
    }

    /// Whether the fault happened since it was planned.
    pub fn fired(&self) -> bool {
        self.word(control::word::FIRED) > 0
    }

    /// The calls since they were last counted anew, one letter each.
    pub fn trace(&self) -> Vec<u8> {
        let count = usize::try_from(self.word(control::word::COUNT)).expect("a count");
        assert!(count <= control::SIZE - control::TRACE, "{count} calls are more than are written down");
        let mut trace = vec![0; count];
        self.file.read_exact_at(&mut trace, control::TRACE as u64).expect("a file of ours");
        trace
    }

    fn word(&self, index: usize) -> u64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, index as u64 * 8).expect("a file of ours");
        u64::from_ne_bytes(bytes)
    }

    fn put(&self, index: usize, value: u64) {
        self.file.write_all_at(&value.to_ne_bytes(), index as u64 * 8).expect("a file of ours");
    }
}

/// Places that are tried at the same time.
pub const HANDS: usize = 2;

/// A folder in memory where there is room for it: what is flushed here is flushed many thousand times, and a flush is
/// counted and failed as any other call wherever the file is.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let free =
        Command::new("df").args(["-Pk", "/dev/shm"]).output().map(|said| text(&said)).unwrap_or_default();
    let free = free.lines().last().and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    if free.is_some_and(|kib| kib > 2 * 1024 * 1024)
        && let Ok(folder) = tempfile::tempdir_in(memory)
    {
        return folder;
    }
    tempfile::tempdir().expect("a folder of ours")
}

/// How a run of a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It said that it did what was asked.
    Done,
    /// It said why not.
    Refused,
    /// The power was cut.
    Gone,
}

/// A program is done, or says why not in a sentence that somebody foresaw, or is gone where the power was cut.
pub fn end(place: Place, output: &Output) -> End {
    let said = complaint(output);
    assert!(!said.contains("panicked"), "{place:?}: {said}");
    match output.status.code() {
        Some(0) => End::Done,
        Some(1 | 2) => {
            assert!(!said.is_empty(), "{place:?}: it ended without a word");
            for words in ["nadie previó", "nobody foresaw", "se apartó", "set aside"] {
                assert!(!said.contains(words), "{place:?}: {said}");
            }
            End::Refused
        }
        other => {
            assert!(
                place.how == How::Cut && output.status.signal() == Some(9),
                "{place:?}: {other:?} {said}"
            );
            End::Gone
        }
    }
}

/// Says where it was, should the test stop there.
pub struct At(pub Place);

impl Drop for At {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("stopped at {:?}", self.0);
        }
    }
}

/// Tries every place, some at a time, each hand with a number of its own. Says how many there were.
pub fn sweep(what: &str, calls: usize, places: &[Place], work: impl Fn(usize, Place) -> bool + Sync) {
    let (next, fired) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for hand in 0..HANDS {
            let (next, fired, work) = (&next, &fired, &work);
            scope.spawn(move || {
                while let Some(place) = places.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let at = At(*place);
                    fired.fetch_add(usize::from(work(hand, *place)), Ordering::SeqCst);
                    drop(at);
                }
            });
        }
    });
    let fired = fired.into_inner();
    println!("{what}: {calls} calls, {} runs with a planned fault, {fired} faults happened", places.len());
    // Threads do not always take turns alike: some of the last places are not reached. Most are.
    assert!(fired * 10 >= places.len() * 9, "{fired} of {}", places.len());
}
