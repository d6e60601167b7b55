//! Where something is in a document.

use std::fmt;

/// Where a release or record is within a document: the item of an array, the record of a package, the release of a
/// package or record. If it is the document, all of them are `None`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Position([u32; 3]);

/// There is an entry for each release of a publication: three `Option`s would take twice the place.
const NONE: u32 = u32::MAX;
const ITEM: usize = 0;
const RECORD: usize = 1;
const RELEASE: usize = 2;

impl Position {
    /// Which item of an array it is or is in, from 0, if the document is an array.
    pub fn in_array(self) -> Option<u32> {
        self.get(ITEM)
    }

    /// Which of `records` it is or is in, from 0.
    pub fn in_records(self) -> Option<u32> {
        self.get(RECORD)
    }

    /// Which of `releases` it is, from 0.
    pub fn in_releases(self) -> Option<u32> {
        self.get(RELEASE)
    }

    /// JSON Pointer (RFC 6901) to it in its document.
    pub fn pointer(self) -> String {
        let mut pointer = String::new();
        for (own, name) in self.0.iter().zip(["", "/records", "/releases"]) {
            if *own != NONE {
                pointer.push_str(name);
                pointer.push('/');
                pointer.push_str(&own.to_string());
            }
        }
        pointer
    }

    pub(super) fn is_in_records(self) -> bool {
        self.in_records().is_some()
    }

    pub(super) fn item(self, index: u32) -> Position {
        self.with(ITEM, index)
    }

    pub(super) fn record(self, index: u32) -> Position {
        self.with(RECORD, index)
    }

    pub(super) fn release(self, index: u32) -> Position {
        self.with(RELEASE, index)
    }

    fn get(self, level: usize) -> Option<u32> {
        Some(self.0[level]).filter(|index| *index != NONE)
    }

    fn with(mut self, level: usize, index: u32) -> Position {
        self.0[level] = index;
        self
    }
}

impl Default for Position {
    fn default() -> Position {
        Position([NONE; 3])
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({:?})", self.pointer())
    }
}
