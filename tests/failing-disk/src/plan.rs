//! Which files are watched, and what becomes of the next call that touches one.

use std::ffi::{CStr, CString, c_char, c_int};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::SeqCst};

use crate::control::{self, how, kind, word};

/// Descriptors that can be watched. The programs hold a few dozen.
const DESCRIPTORS: usize = 4096;

static WATCHED: [AtomicBool; DESCRIPTORS] = [const { AtomicBool::new(false) }; DESCRIPTORS];
static PLAN: OnceLock<Option<Plan>> = OnceLock::new();

/// The control file, mapped, and the folder.
struct Plan {
    under: Vec<u8>,
    words: &'static [AtomicU64; control::TRACE / 8],
    trace: &'static [AtomicU8; control::SIZE - control::TRACE],
}

/// What becomes of a call.
pub(crate) enum Next {
    /// It is passed on.
    Pass,
    /// It fails with this error.
    Fail(c_int),
    /// Only half of its bytes are written.
    Half,
    /// Half of its bytes are written, and the process ends there.
    Cut,
}

/// The plan, read from the environment at the first call of the process.
fn plan() -> Option<&'static Plan> {
    PLAN.get_or_init(read).as_ref()
}

fn read() -> Option<Plan> {
    let path = variable(control::CONTROL)?;
    let under = variable(control::UNDER)?;
    let path = CString::new(path).ok()?;
    // SAFETY: the path ends with a zero byte. The mapping is checked before it is used, is never removed, and has the
    // size of the file that the test made; its words are only reached as atomics, here and as bytes of the file there.
    unsafe {
        let file =
            libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC, 0);
        let file = c_int::try_from(file).ok().filter(|file| *file >= 0)?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let base = libc::mmap(std::ptr::null_mut(), control::SIZE, access, libc::MAP_SHARED, file, 0);
        libc::syscall(libc::SYS_close, file);
        if base == libc::MAP_FAILED {
            return None;
        }
        let trace = base.cast::<u8>().add(control::TRACE);
        Some(Plan { under, words: &*base.cast(), trace: &*trace.cast() })
    }
}

/// A variable of the environment. Not through `std::env`: this may run before the program's own start.
fn variable(name: &str) -> Option<Vec<u8>> {
    let name = CString::new(name).ok()?;
    // SAFETY: what is given back is copied at once; the programs do not change their environment.
    let value = unsafe {
        let value = libc::getenv(name.as_ptr());
        if value.is_null() {
            return None;
        }
        CStr::from_ptr(value)
    };
    Some(std::ffi::OsStr::from_bytes(value.to_bytes()).as_bytes().to_vec())
}

/// Whether a path, relative to a watched folder or whole, is of a file that is watched.
///
/// # Safety
/// `path` is null or ends with a zero byte.
pub(crate) unsafe fn watches_path(folder: c_int, path: *const c_char) -> bool {
    let Some(plan) = plan() else { return false };
    if path.is_null() {
        return watches(folder);
    }
    // SAFETY: as this function asks.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes();
    match path.first() {
        Some(b'/') => match path.strip_prefix(plan.under.as_slice()) {
            Some(rest) => rest.is_empty() || rest.starts_with(b"/"),
            None => false,
        },
        _ => watches(folder),
    }
}

/// Whether a descriptor is of a file that is watched.
pub(crate) fn watches(descriptor: c_int) -> bool {
    usize::try_from(descriptor).ok().and_then(|n| WATCHED.get(n)).is_some_and(|watched| watched.load(SeqCst))
}

/// Watches a descriptor from now on, or no longer.
pub(crate) fn watch(descriptor: c_int, yes: bool) {
    if let Some(watched) = usize::try_from(descriptor).ok().and_then(|n| WATCHED.get(n)) {
        watched.store(yes, SeqCst);
    }
}

/// Counts a call and says what becomes of it.
pub(crate) fn next(of: u8) -> Next {
    let Some(plan) = plan() else { return Next::Pass };
    if plan.words[word::CHANGES].load(SeqCst) == 1 && !control::changes(of) {
        return Next::Pass;
    }
    let n = plan.words[word::COUNT].fetch_add(1, SeqCst) + 1;
    let place = usize::try_from(n - 1).ok().and_then(|place| plan.trace.get(place));
    if let Some(place) = place {
        place.store(of, SeqCst);
    }
    let at = plan.words[word::AT].load(SeqCst);
    if at == 0 || n < at {
        return Next::Pass;
    }
    let fired = |next: Next| {
        plan.words[word::FIRED].fetch_add(1, SeqCst);
        next
    };
    match plan.words[word::HOW].load(SeqCst) {
        how::ONCE if n == at => fired(Next::Fail(libc::EIO)),
        how::CUT if n == at => fired(Next::Cut),
        how::TORN if n == at && of == kind::WRITE => fired(Next::Half),
        how::FULL | how::TORN if control::needs_room(of) => fired(Next::Fail(libc::ENOSPC)),
        _ => Next::Pass,
    }
}

/// Sets `errno`, as the call that stands behind would have.
pub(crate) fn fail(error: c_int) -> c_int {
    // SAFETY: the address is this thread's own.
    unsafe { *libc::__errno_location() = error };
    -1
}

/// Ends the process at once, as a power cut would: nothing is flushed, nobody is told.
pub(crate) fn cut() -> ! {
    loop {
        // SAFETY: a signal to this process.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }
}
