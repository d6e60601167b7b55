//! Finds the releases (or records) in a text without reading what is in them.
//!
//! A document is a package, a record, a release, or an array of them; documents follow one another, one per line or
//! not. Only the outermost names are looked at. What is between is skipped, quotes and brackets counted; whoever reads
//! a release finds out whether it is JSON.

use std::io::{self, Read};
use std::ops::Range;

use memchr::memmem::Finder;

use crate::json::plain_length;

/// A release or a record in the text.
#[derive(Debug)]
pub(super) struct Found<'b> {
    /// Where it is, in bytes from the beginning of the text.
    pub offset: u64,
    /// How much of the text it is, in bytes.
    pub length: u64,
    /// Its text, perhaps without the space between its tokens.
    pub bytes: &'b [u8],
    /// Its `ocid`, as written between the quotes.
    pub ocid: Option<&'b [u8]>,
    /// Which document it is in, from 0.
    pub document: u32,
    /// Where it is in that document; `None` if it is that document.
    pub position: Option<Position>,
}

/// Where a release or record is within a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// In an array of releases or records.
    Item(u32),
    /// In `releases` of a package or record.
    Release(u32),
    /// In `records` of a package.
    Record(u32),
}

/// Takes what is found.
pub(super) trait Visitor {
    /// A release or record; whether to go on.
    fn found(&mut self, found: Found<'_>) -> Result<(), Stop>;
    /// The end of a package: its text without the releases and records.
    fn package(&mut self, document: u32, text: &[u8]) -> Result<(), Stop>;
}

/// Why scanning ended before the end.
#[derive(Debug)]
pub(super) enum Stop {
    Io(io::Error),
    /// What is at this offset is no JSON: this character cannot stand there, or the text ends.
    Malformed(u64, Option<char>),
    /// Nobody wants more.
    Enough,
    /// A release, or what a package says about itself, is too large.
    TooLarge,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Io(error)
    }
}

/// How much is read at a time.
const CHUNK: usize = 1 << 20;
/// What a package may say about itself.
const LARGEST_WRAPPER: usize = 64 << 20;

pub(super) struct Scanner<R> {
    reader: R,
    /// What has been read and is still needed.
    buffer: Vec<u8>,
    /// How much of the buffer has been read.
    filled: usize,
    /// Offset of the buffer in the text.
    start: u64,
    at: usize,
    /// From where on the buffer must be kept.
    keep: usize,
    at_end: bool,
    document: u32,
    whole_records: bool,
    releases: Finder<'static>,
    records: Finder<'static>,
}

impl<R: Read> Scanner<R> {
    /// `whole_records`: records are found whole; otherwise, the releases in them.
    pub(super) fn new(reader: R, whole_records: bool) -> Scanner<R> {
        Scanner {
            reader,
            buffer: vec![0; CHUNK],
            filled: 0,
            start: 0,
            at: 0,
            keep: 0,
            at_end: false,
            document: 0,
            whole_records,
            releases: Finder::new("\"releases\""),
            records: Finder::new("\"records\""),
        }
    }

    /// Bytes read so far.
    pub(super) fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    /// Whether no document was found.
    pub(super) fn is_blank(&self) -> bool {
        self.document == 0
    }

    /// Finds everything in the next document. `false` at the end of the text.
    pub(super) fn next(&mut self, visitor: &mut impl Visitor) -> Result<bool, Stop> {
        let Some(byte) = self.next_byte()? else { return Ok(false) };
        self.keep = self.at;
        if byte == b'{' && self.line(visitor)? {
            return Ok(true);
        }
        match byte {
            b'{' => self.object(None, true, visitor)?,
            b'[' => {
                self.array(|scanner, index| match scanner.next_byte()? {
                    Some(b'{') => scanner.object(Some(Position::Item(index)), true, visitor),
                    _ => scanner.other(Some(Position::Item(index)), visitor),
                })?;
            }
            _ => self.other(None, visitor)?,
        }
        self.document += 1;
        Ok(true)
    }

    /// The quick way through JSON Lines: a line from brace to brace, with another brace (or nothing) after it, is a
    /// document. Within a document, a brace that closes is never followed by one that opens.
    fn line(&mut self, visitor: &mut impl Visitor) -> Result<bool, Stop> {
        let mut from = self.at;
        let end = loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[from..self.filled]) {
                break from + at;
            }
            // Many lines are shorter than what is read at a time; a text without line breaks is not read whole for this.
            if self.at_end {
                break self.filled;
            }
            let searched = self.filled - self.at;
            if searched > CHUNK {
                return Ok(false);
            }
            self.fill()?;
            from = self.at + searched;
        };
        let line = self.buffer[self.at..end].trim_ascii_end();
        if line.last() != Some(&b'}')
            || self.releases.find(line).is_some()
            || self.records.find(line).is_some()
        {
            return Ok(false);
        }
        let size = line.len();
        // What comes after decides; to look at it may move the buffer.
        self.at = end;
        let after = self.next_byte()?;
        if after.is_some_and(|byte| byte != b'{') {
            self.at = self.keep;
            return Ok(false);
        }
        let bytes = &self.buffer[self.keep..self.keep + size];
        let found = Found {
            offset: self.start + self.keep as u64,
            length: size as u64,
            bytes,
            ocid: ocid_in(bytes).map(|range| &bytes[range]),
            document: self.document,
            position: None,
        };
        visitor.found(found)?;
        self.document += 1;
        Ok(true)
    }

    /// An object that may be a package, a record or a release.
    fn object(
        &mut self,
        position: Option<Position>,
        may_hold_records: bool,
        visitor: &mut impl Visitor,
    ) -> Result<(), Stop> {
        let offset = self.start + self.at as u64;
        // The text of the object, without the releases that are told one by one.
        let mut head = Vec::new();
        let mut ocid = None;
        let mut is_release = false;
        let mut held = false;
        self.copy_byte(&mut head);
        if self.next_byte()? == Some(b'}') {
            self.copy_byte(&mut head);
            return self.tell(offset, &head, None, position, visitor);
        }
        loop {
            let name = self.string(&mut head)?;
            if self.next_byte()? != Some(b':') {
                return Err(self.malformed());
            }
            self.copy_byte(&mut head);
            let first = self.next_byte()?;
            let name = &head[name];
            let is_list = first == Some(b'[');
            if is_list && name == b"records" && may_hold_records {
                held = true;
                head.extend_from_slice(b"[]");
                let whole = self.whole_records;
                self.array(|scanner, index| match scanner.next_byte()? {
                    Some(b'{') if !whole => scanner.object(Some(Position::Record(index)), false, visitor),
                    _ => scanner.item(Position::Record(index), visitor),
                })?;
            } else if is_list && name == b"releases" && !is_release && !(self.whole_records && ocid.is_some())
            {
                held = true;
                head.extend_from_slice(b"[]");
                let inside = position;
                self.array(|scanner, index| {
                    let position = match inside {
                        // Within a record or a list, its own place says more.
                        Some(place) => place,
                        None => Position::Release(index),
                    };
                    scanner.item(position, visitor)
                })?;
            } else {
                let is_ocid = name == b"ocid" && first == Some(b'"');
                is_release |= name == b"tag";
                let value = head.len();
                self.copy_value(&mut head)?;
                if is_ocid {
                    ocid = Some(value + 1..head.len() - 1);
                }
            }
            match self.next_byte()? {
                Some(b',') => self.copy_byte(&mut head),
                Some(b'}') => break,
                _ => return Err(self.malformed()),
            }
            if self.next_byte()? != Some(b'"') {
                return Err(self.malformed());
            }
        }
        self.copy_byte(&mut head);
        if held && (ocid.is_some() || matches!(position, Some(Position::Record(_)))) {
            // A record: its releases have been told.
            Ok(())
        } else if held {
            visitor.package(self.document, &head)
        } else {
            self.tell(offset, &head, ocid, position, visitor)
        }
    }

    fn tell(
        &mut self,
        offset: u64,
        bytes: &[u8],
        ocid: Option<Range<usize>>,
        position: Option<Position>,
        visitor: &mut impl Visitor,
    ) -> Result<(), Stop> {
        let ocid = ocid.map(|range| &bytes[range]);
        let length = self.offset() - offset;
        visitor.found(Found { offset, length, bytes, ocid, document: self.document, position })
    }

    /// An item of `releases`, or of `records` when these are found whole.
    fn item(&mut self, position: Position, visitor: &mut impl Visitor) -> Result<(), Stop> {
        if self.next_byte()? == Some(b'n') {
            // `null` in place of a release is found in publications; there is nothing in it.
            return self.skip_value();
        }
        self.keep = self.at;
        self.skip_value()?;
        let bytes = &self.buffer[self.keep..self.at];
        let ocid = ocid_in(bytes).map(|range| &bytes[range]);
        let offset = self.start + self.keep as u64;
        let (length, document) = (bytes.len() as u64, self.document);
        visitor.found(Found { offset, length, bytes, ocid, document, position: Some(position) })
    }

    /// Something that is no object.
    fn other(&mut self, position: Option<Position>, visitor: &mut impl Visitor) -> Result<(), Stop> {
        self.keep = self.at;
        self.skip_value()?;
        let offset = self.start + self.keep as u64;
        let bytes = &self.buffer[self.keep..self.at];
        let (length, document) = (bytes.len() as u64, self.document);
        visitor.found(Found { offset, length, bytes, ocid: None, document, position })
    }

    /// The items of an array, which `each` passes.
    fn array(&mut self, mut each: impl FnMut(&mut Self, u32) -> Result<(), Stop>) -> Result<(), Stop> {
        self.at += 1;
        if self.next_byte()? == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        for index in 0.. {
            self.keep = self.at;
            each(self, index)?;
            match self.next_byte()? {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.malformed()),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn malformed(&self) -> Stop {
        let rest = &self.buffer[self.at..self.filled.min(self.at + 4)];
        let text = String::from_utf8_lossy(rest);
        Stop::Malformed(self.offset(), text.chars().next())
    }

    /// Skips space; the byte after it.
    fn next_byte(&mut self) -> Result<Option<u8>, Stop> {
        loop {
            while let Some(byte) = self.buffer[..self.filled].get(self.at) {
                if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                    return Ok(Some(*byte));
                }
                self.at += 1;
            }
            if self.at_end {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    fn copy_byte(&mut self, to: &mut Vec<u8>) {
        to.push(self.buffer[self.at]);
        self.at += 1;
    }

    fn copy_value(&mut self, to: &mut Vec<u8>) -> Result<(), Stop> {
        self.keep = self.at;
        self.skip_value()?;
        if to.len() + (self.at - self.keep) > LARGEST_WRAPPER {
            return Err(Stop::TooLarge);
        }
        to.extend_from_slice(&self.buffer[self.keep..self.at]);
        Ok(())
    }

    /// Copies a string; where its text is in the copy.
    fn string(&mut self, to: &mut Vec<u8>) -> Result<Range<usize>, Stop> {
        if self.next_byte()? != Some(b'"') {
            return Err(self.malformed());
        }
        let from = to.len();
        self.copy_value(to)?;
        Ok(from + 1..to.len() - 1)
    }

    /// Passes a value, reading on until it ends.
    fn skip_value(&mut self) -> Result<(), Stop> {
        let mut skip = Skip::default();
        loop {
            if let Some(length) = skip.over(&self.buffer[self.at..self.filled]) {
                self.at += length;
                return Ok(());
            }
            self.at = self.filled;
            if self.at_end {
                // A number at the very end has nothing after it.
                return if skip.in_word { Ok(()) } else { Err(self.malformed()) };
            }
            self.fill()?;
        }
    }

    /// Reads more, keeping what is still needed.
    fn fill(&mut self) -> Result<(), Stop> {
        let keep = self.keep.min(self.at);
        if keep > 0 {
            self.buffer.copy_within(keep..self.filled, 0);
            self.filled -= keep;
            self.at -= keep;
            self.start += keep as u64;
            self.keep = 0;
        }
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Stop::Io(error)),
            }
            return Ok(());
        }
    }
}

/// Passing a value whose text comes in pieces.
#[derive(Default)]
struct Skip {
    begun: bool,
    depth: usize,
    in_string: bool,
    escaped: bool,
    in_word: bool,
}

impl Skip {
    /// Where the value ends in this piece; `None` if it goes on.
    fn over(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        if self.in_word {
            return word_end(bytes);
        }
        while at < bytes.len() {
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                    at += 1;
                    continue;
                }
                at += plain_length(&bytes[at..]);
                match bytes.get(at) {
                    Some(b'"') => {
                        self.in_string = false;
                        at += 1;
                        if self.depth == 0 {
                            return Some(at);
                        }
                    }
                    Some(b'\\') => {
                        self.escaped = true;
                        at += 1;
                    }
                    // A control character: whoever reads the value tells.
                    Some(_) => at += 1,
                    None => return None,
                }
                continue;
            }
            match bytes[at] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ if self.depth == 0 && !self.begun => {
                    self.in_word = true;
                    return word_end(&bytes[at..]).map(|length| at + length.max(1));
                }
                _ => {}
            }
            self.begun = true;
            at += 1;
        }
        None
    }
}

/// Where a number, `true`, `false` or `null` ends.
fn word_end(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| {
        matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b']' | b'}' | b'{' | b'[' | b'"' | b':')
    })
}

/// Where the text of `ocid` is among the outermost fields of an object.
fn ocid_in(bytes: &[u8]) -> Option<Range<usize>> {
    let space = |mut at: usize| {
        while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            at += 1;
        }
        at
    };
    let value = |at: usize| {
        let rest = bytes.get(at..)?;
        Some(at + Skip::default().over(rest)?)
    };
    if bytes.first() != Some(&b'{') {
        return None;
    }
    let mut at = space(1);
    while bytes.get(at) == Some(&b'"') {
        let end = value(at)?;
        let is_ocid = &bytes[at..end] == b"\"ocid\"";
        at = space(end);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        at = space(at + 1);
        let end = value(at)?;
        if is_ocid {
            return (bytes[at] == b'"').then_some(at + 1..end - 1);
        }
        at = space(end);
        if bytes.get(at) != Some(&b',') {
            return None;
        }
        at = space(at + 1);
    }
    None
}
