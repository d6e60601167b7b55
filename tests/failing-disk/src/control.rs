//! What the test and the library agree on: a small file that both have mapped or read, so that a fault can be planned
//! before a program starts or while it runs. The tests include this file; there is no other place that says it.

/// Variable with the path of the control file.
pub const CONTROL: &str = "FAILING_DISK_CONTROL";
/// Variable with the folder whose files fail.
pub const UNDER: &str = "FAILING_DISK_UNDER";

/// Words of 64 bits, native order, at the beginning of the file.
pub mod word {
    /// Calls counted so far.
    pub const COUNT: usize = 0;
    /// Which call fails; 0 for none.
    pub const AT: usize = 1;
    /// How ([`super::how`]).
    pub const HOW: usize = 2;
    /// 1 when only calls that change something are counted.
    pub const CHANGES: usize = 3;
    /// Calls that were made to fail.
    pub const FIRED: usize = 4;
}

/// What happens at the chosen call.
pub mod how {
    /// `EIO`, once.
    pub const ONCE: u64 = 1;
    /// `ENOSPC` to everything that needs room, from then on.
    pub const FULL: u64 = 2;
    /// Half of what was to be written is; after that, as [`FULL`].
    pub const TORN: u64 = 3;
    /// Half of what was to be written is, and the process is gone.
    pub const CUT: u64 = 4;
}

/// Kinds of call, one letter each, in the trace that follows the words.
pub mod kind {
    /// Reads bytes.
    pub const READ: u8 = b'r';
    /// Looks at what is known of a file.
    pub const LOOK: u8 = b'l';
    /// Opens what is there.
    pub const OPEN: u8 = b'o';
    /// Opens, and makes the file if it is not there.
    pub const CREATE: u8 = b'c';
    /// Writes bytes.
    pub const WRITE: u8 = b'w';
    /// Sets the length.
    pub const LENGTH: u8 = b't';
    /// Asks for what was written to be on the disk.
    pub const SYNC: u8 = b's';
    /// Renames.
    pub const RENAME: u8 = b'm';
    /// Makes a folder.
    pub const FOLDER: u8 = b'd';
    /// Removes a file or a folder.
    pub const REMOVE: u8 = b'u';
    /// Sets permissions.
    pub const PERMIT: u8 = b'p';
}

/// Where the trace begins, bytes.
pub const TRACE: usize = 64;
/// Size of the control file, bytes.
pub const SIZE: usize = 1 << 16;

/// Whether a call changes what is on the disk.
pub fn changes(of: u8) -> bool {
    !matches!(of, kind::READ | kind::LOOK | kind::OPEN)
}

/// Whether a call may need room.
pub fn needs_room(of: u8) -> bool {
    matches!(of, kind::WRITE | kind::LENGTH | kind::CREATE | kind::RENAME | kind::FOLDER)
}
