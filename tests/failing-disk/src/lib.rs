//! Preloaded (`LD_PRELOAD`) into a program as it is delivered, stands in for the calls of the C library with which it
//! touches the files of one folder, counts them, and fails the one that was asked for. SQLite, SQLCipher and the
//! standard library of Rust all reach the disk through these names.
//!
//! The calls are passed on as system calls, not to the C library's own functions: nothing has to be looked up, and
//! nothing of ours can be met again on the way. Locks and mapped memory are not counted: the index of SQLite's log is
//! made with counted calls and then mapped, and a page that cannot be mapped in is a signal, not an error.
//!
//! Linux with 64 bits only; elsewhere this is an empty library.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod calls;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod control;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod plan;
