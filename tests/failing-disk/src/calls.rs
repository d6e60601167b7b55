//! The calls that are stood in for. Each asks what becomes of it, and passes itself on as a system call.
//!
//! `open` and `openat` are variadic in C; they are declared here with the mode that may follow. On the 64-bit systems
//! of Linux both are called alike, and a mode that was not given is not looked at.

// Every block below that is not commented on itself hands the caller's own arguments on as they came: what the caller
// promised the call that this stands for holds for them.

use std::ffi::{c_char, c_int, c_long, c_void};

use libc::{DIR, mode_t, off_t, size_t, ssize_t};

use crate::control::kind;
use crate::plan::{Next, cut, fail, next, watch, watches, watches_path};

/// Passes a call on, or not. Half a call is a whole one here: only [`put`] has halves.
fn carry(watched: bool, of: u8, call: impl FnOnce() -> c_long) -> c_long {
    if !watched {
        return call();
    }
    match next(of) {
        Next::Pass | Next::Half => call(),
        Next::Fail(error) => fail(error).into(),
        Next::Cut => cut(),
    }
}

/// Passes a call that writes `length` bytes on, all of them, half of them, or none.
fn put(descriptor: c_int, length: size_t, call: impl Fn(size_t) -> c_long) -> ssize_t {
    if !watches(descriptor) {
        return call(length) as ssize_t;
    }
    let half = length / 2;
    let written = match next(kind::WRITE) {
        Next::Pass => call(length),
        Next::Fail(error) => fail(error).into(),
        Next::Half if half == 0 => fail(libc::ENOSPC).into(),
        Next::Half => call(half),
        Next::Cut => {
            if half > 0 {
                call(half);
            }
            cut()
        }
    };
    written as ssize_t
}

unsafe fn opened(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller gave a path, as to the call this stands for.
    let watched = unsafe { watches_path(folder, path) };
    let of = if flags & libc::O_CREAT != 0 { kind::CREATE } else { kind::OPEN };
    // SAFETY: the arguments are the caller's own.
    let call = || unsafe { libc::syscall(libc::SYS_openat, folder, path, flags, mode) };
    let descriptor = carry(watched, of, call) as c_int;
    if watched && descriptor >= 0 {
        watch(descriptor, true);
    }
    descriptor
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { opened(libc::AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { opened(libc::AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn openat(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { opened(folder, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn openat64(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { opened(folder, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn opendir(path: *const c_char) -> *mut DIR {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    let descriptor = unsafe { opened(libc::AT_FDCWD, path, flags, 0) };
    if descriptor < 0 {
        return std::ptr::null_mut();
    }
    // What is read of it goes inside the C library, and so does its close: its number is anybody's afterwards.
    watch(descriptor, false);
    unsafe { libc::fdopendir(descriptor) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn close(descriptor: c_int) -> c_int {
    // Before the number can be given to somebody else.
    watch(descriptor, false);
    unsafe { libc::syscall(libc::SYS_close, descriptor) as c_int }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn read(descriptor: c_int, into: *mut c_void, length: size_t) -> ssize_t {
    let call = || unsafe { libc::syscall(libc::SYS_read, descriptor, into, length) };
    carry(watches(descriptor), kind::READ, call) as ssize_t
}

unsafe fn read_at(descriptor: c_int, into: *mut c_void, length: size_t, from: off_t) -> ssize_t {
    let call = || unsafe { libc::syscall(libc::SYS_pread64, descriptor, into, length, from) };
    carry(watches(descriptor), kind::READ, call) as ssize_t
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pread(descriptor: c_int, into: *mut c_void, length: size_t, from: off_t) -> ssize_t {
    unsafe { read_at(descriptor, into, length, from) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pread64(descriptor: c_int, into: *mut c_void, length: size_t, from: off_t) -> ssize_t {
    unsafe { read_at(descriptor, into, length, from) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, bytes: *const c_void, length: size_t) -> ssize_t {
    put(descriptor, length, |length| unsafe { libc::syscall(libc::SYS_write, descriptor, bytes, length) })
}

unsafe fn write_at(descriptor: c_int, bytes: *const c_void, length: size_t, from: off_t) -> ssize_t {
    put(descriptor, length, |length| unsafe {
        libc::syscall(libc::SYS_pwrite64, descriptor, bytes, length, from)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(descriptor: c_int, bytes: *const c_void, length: size_t, from: off_t) -> ssize_t {
    unsafe { write_at(descriptor, bytes, length, from) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(
    descriptor: c_int,
    bytes: *const c_void,
    length: size_t,
    from: off_t,
) -> ssize_t {
    unsafe { write_at(descriptor, bytes, length, from) }
}

/// Nobody here writes the files of a folder in several pieces: halves are not needed.
#[unsafe(no_mangle)]
unsafe extern "C" fn writev(descriptor: c_int, pieces: *const libc::iovec, count: c_int) -> ssize_t {
    let call = || unsafe { libc::syscall(libc::SYS_writev, descriptor, pieces, count) };
    carry(watches(descriptor), kind::WRITE, call) as ssize_t
}

#[unsafe(no_mangle)]
unsafe extern "C" fn copy_file_range(
    from: c_int,
    from_place: *mut off_t,
    to: c_int,
    to_place: *mut off_t,
    length: size_t,
    flags: libc::c_uint,
) -> ssize_t {
    put(to, length, |length| unsafe {
        libc::syscall(libc::SYS_copy_file_range, from, from_place, to, to_place, length, flags)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sendfile64(to: c_int, from: c_int, place: *mut off_t, length: size_t) -> ssize_t {
    put(to, length, |length| unsafe { libc::syscall(libc::SYS_sendfile, to, from, place, length) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(descriptor: c_int) -> c_int {
    let call = || unsafe { libc::syscall(libc::SYS_fsync, descriptor) };
    carry(watches(descriptor), kind::SYNC, call) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    let call = || unsafe { libc::syscall(libc::SYS_fdatasync, descriptor) };
    carry(watches(descriptor), kind::SYNC, call) as c_int
}

unsafe fn set_length(descriptor: c_int, length: off_t) -> c_int {
    let call = || unsafe { libc::syscall(libc::SYS_ftruncate, descriptor, length) };
    carry(watches(descriptor), kind::LENGTH, call) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate(descriptor: c_int, length: off_t) -> c_int {
    unsafe { set_length(descriptor, length) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate64(descriptor: c_int, length: off_t) -> c_int {
    unsafe { set_length(descriptor, length) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let here = libc::AT_FDCWD;
    let watched = unsafe { watches_path(here, from) || watches_path(here, to) };
    let call = || unsafe { libc::syscall(libc::SYS_renameat2, here, from, here, to, 0) };
    carry(watched, kind::RENAME, call) as c_int
}

unsafe fn removed(folder: c_int, path: *const c_char, flags: c_int) -> c_int {
    let watched = unsafe { watches_path(folder, path) };
    let call = || unsafe { libc::syscall(libc::SYS_unlinkat, folder, path, flags) };
    carry(watched, kind::REMOVE, call) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    unsafe { removed(libc::AT_FDCWD, path, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlinkat(folder: c_int, path: *const c_char, flags: c_int) -> c_int {
    unsafe { removed(folder, path, flags) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    unsafe { removed(libc::AT_FDCWD, path, libc::AT_REMOVEDIR) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    let watched = unsafe { watches_path(libc::AT_FDCWD, path) };
    let call = || unsafe { libc::syscall(libc::SYS_mkdirat, libc::AT_FDCWD, path, mode) };
    carry(watched, kind::FOLDER, call) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn chmod(path: *const c_char, mode: mode_t) -> c_int {
    let watched = unsafe { watches_path(libc::AT_FDCWD, path) };
    let call = || unsafe { libc::syscall(libc::SYS_fchmodat, libc::AT_FDCWD, path, mode) };
    carry(watched, kind::PERMIT, call) as c_int
}

unsafe fn looked(path: *const c_char, into: *mut c_void, flags: c_int) -> c_int {
    let here = libc::AT_FDCWD;
    let watched = unsafe { watches_path(here, path) };
    let call = || unsafe { libc::syscall(libc::SYS_newfstatat, here, path, into, flags) };
    carry(watched, kind::LOOK, call) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn stat(path: *const c_char, into: *mut c_void) -> c_int {
    unsafe { looked(path, into, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn stat64(path: *const c_char, into: *mut c_void) -> c_int {
    unsafe { looked(path, into, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lstat(path: *const c_char, into: *mut c_void) -> c_int {
    unsafe { looked(path, into, libc::AT_SYMLINK_NOFOLLOW) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lstat64(path: *const c_char, into: *mut c_void) -> c_int {
    unsafe { looked(path, into, libc::AT_SYMLINK_NOFOLLOW) }
}

unsafe fn looked_at(descriptor: c_int, into: *mut c_void) -> c_int {
    let call = || unsafe { libc::syscall(libc::SYS_fstat, descriptor, into) };
    carry(watches(descriptor), kind::LOOK, call) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fstat(descriptor: c_int, into: *mut c_void) -> c_int {
    unsafe { looked_at(descriptor, into) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fstat64(descriptor: c_int, into: *mut c_void) -> c_int {
    unsafe { looked_at(descriptor, into) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn statx(
    folder: c_int,
    path: *const c_char,
    flags: c_int,
    mask: libc::c_uint,
    into: *mut c_void,
) -> c_int {
    // The standard library first asks whether the call exists, without anything to answer into.
    let watched = !into.is_null() && unsafe { watches_path(folder, path) };
    let call = || unsafe { libc::syscall(libc::SYS_statx, folder, path, flags, mask, into) };
    carry(watched, kind::LOOK, call) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn access(path: *const c_char, mode: c_int) -> c_int {
    let watched = unsafe { watches_path(libc::AT_FDCWD, path) };
    let call = || unsafe { libc::syscall(libc::SYS_faccessat, libc::AT_FDCWD, path, mode) };
    carry(watched, kind::LOOK, call) as c_int
}
