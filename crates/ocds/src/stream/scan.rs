//! Finds the releases (or records) in a text without reading what is in them.
//!
//! A document is a package, a record, a release, or an array of them; documents follow one another, one per line or
//! not. Only the outermost names are looked at. What is between is skipped, quotes and brackets counted; whoever reads
//! a release finds out whether it is JSON.

use std::io::{self, Read};
use std::ops::Range;

use memchr::memmem::Finder;

use super::position::Position;
use crate::json::{self, MAX_DEPTH, plain_length};

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
    /// Where it is in that document.
    pub position: Position,
}

/// The end of a package.
#[derive(Debug)]
pub(super) struct Wrapper<'b> {
    /// Its text without the releases and records, and without the space between its tokens.
    pub bytes: &'b [u8],
    /// Which document it is in, from 0.
    pub document: u32,
    /// Where it is in that document.
    pub position: Position,
    /// Where its names and values are: in `bytes`, and in the text.
    pieces: &'b [(usize, u64)],
}

impl Wrapper<'_> {
    /// Where in the text a byte of [`Wrapper::bytes`] is.
    pub(super) fn offset(&self, at: usize) -> u64 {
        let next = self.pieces.partition_point(|(own, _)| *own <= at);
        let (own, offset) = next.checked_sub(1).map_or((0, 0), |piece| self.pieces[piece]);
        offset + (at - own) as u64
    }
}

/// Takes what is found.
pub(super) trait Visitor {
    /// A release or record.
    fn found(&mut self, found: Found<'_>) -> Result<(), Stop>;
    /// The end of a package.
    fn package(&mut self, package: Wrapper<'_>) -> Result<(), Stop>;
    /// The end of a record that is to be found whole; its releases may have been told, because its ocid came after them.
    fn record(&mut self, record: Found<'_>) -> Result<(), Stop>;
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
/// Of how many names and values of a package the place is known.
const MOST_PIECES: usize = 1 << 16;

pub(super) struct Scanner<R> {
    reader: R,
    /// What has been read and is still needed.
    buffer: Vec<u8>,
    /// How much of the buffer has been read.
    filled: usize,
    /// Offset of the buffer in the text.
    start: u64,
    at: usize,
    /// From where on the buffer must be kept, if before `at`.
    keep: Option<usize>,
    at_end: bool,
    /// Whether there is anything but space.
    is_blank: bool,
    document: u32,
    whole_records: bool,
    /// The path to what is a document, if it is not the whole.
    root: String,
    /// No line ends before this offset: it is not searched again.
    line_goes_to: u64,
    releases: Finder<'static>,
    records: Finder<'static>,
}

impl<R: Read> Scanner<R> {
    /// `whole_records`: records are found whole; otherwise, the releases in them.
    /// `root`: the path to the documents; see [`super::Source::within`].
    pub(super) fn new(reader: R, whole_records: bool, root: String) -> Scanner<R> {
        Scanner {
            reader,
            buffer: vec![0; CHUNK],
            filled: 0,
            start: 0,
            at: 0,
            keep: None,
            at_end: false,
            is_blank: true,
            document: 0,
            whole_records,
            root,
            line_goes_to: 0,
            releases: Finder::new("\"releases\""),
            records: Finder::new("\"records\""),
        }
    }

    fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    /// Whether nothing but space was found.
    pub(super) fn is_blank(&self) -> bool {
        self.is_blank
    }

    /// Finds everything in the next value of the text. `false` at the end of the text.
    pub(super) fn next(&mut self, visitor: &mut impl Visitor) -> Result<bool, Stop> {
        self.keep = None;
        let Some(byte) = self.next_byte()? else { return Ok(false) };
        self.is_blank = false;
        if !self.root.is_empty() {
            let root = std::mem::take(&mut self.root);
            let found = self.descend(&root, None, 0, visitor);
            self.root = root;
            return found.map(|()| true);
        }
        if byte != b'{' || !self.line(visitor)? {
            self.document(visitor)?;
        }
        Ok(true)
    }

    /// Finds the documents in a value that is at `path`, and passes it.
    fn descend(
        &mut self,
        root: &str,
        path: Option<&str>,
        depth: usize,
        visitor: &mut impl Visitor,
    ) -> Result<(), Stop> {
        self.keep = None;
        let byte = self.next_byte()?;
        if path == Some(root) {
            return self.document(visitor);
        }
        let leads_there =
            path.is_none_or(|path| root.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
        if !leads_there || depth == MAX_DEPTH {
            return self.skip_value();
        }
        let below = |name: &str| path.map_or_else(|| name.to_owned(), |path| format!("{path}.{name}"));
        match byte {
            Some(b'[') => {
                let path = below("item");
                self.array(|scanner, _| scanner.descend(root, Some(&path), depth + 1, visitor))
            }
            Some(b'{') => {
                self.at += 1;
                if self.next_byte()? == Some(b'}') {
                    self.at += 1;
                    return Ok(());
                }
                let mut name = Vec::new();
                loop {
                    name.clear();
                    self.string(&mut name, &mut Vec::new())?;
                    if self.next_byte()? != Some(b':') {
                        return Err(self.malformed());
                    }
                    self.at += 1;
                    // A name that is no text leads nowhere.
                    let path = std::str::from_utf8(&name).ok().and_then(|name| json::parse(name).ok());
                    let path = path.and_then(|name| name.value.text().map(|name| below(&name)));
                    match path {
                        Some(path) => self.descend(root, Some(&path), depth + 1, visitor)?,
                        None => self.skip_value()?,
                    }
                    match self.next_byte()? {
                        Some(b',') => self.at += 1,
                        Some(b'}') => break,
                        _ => return Err(self.malformed()),
                    }
                }
                self.at += 1;
                Ok(())
            }
            _ => self.skip_value(),
        }
    }

    /// Finds everything in a document.
    fn document(&mut self, visitor: &mut impl Visitor) -> Result<(), Stop> {
        let whole = Position::default();
        match self.next_byte()? {
            Some(b'{') => self.object(whole, true, visitor)?,
            Some(b'[') => {
                self.array(|scanner, index| match scanner.next_byte()? {
                    Some(b'{') => scanner.object(whole.item(index), true, visitor),
                    _ => scanner.other(whole.item(index), visitor),
                })?;
            }
            _ => self.other(whole, visitor)?,
        }
        self.document += 1;
        Ok(())
    }

    /// The quick way through JSON Lines: a line from brace to brace is a document, if another brace (or nothing) comes
    /// after it, and if no brace in it opens anything but a value of the document: a field or an item, which a colon,
    /// a comma or a bracket is before.
    fn line(&mut self, visitor: &mut impl Visitor) -> Result<bool, Stop> {
        if self.offset() < self.line_goes_to {
            return Ok(false);
        }
        self.keep = Some(self.at);
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
                self.line_goes_to = self.start + self.filled as u64;
                return Ok(false);
            }
            self.fill()?;
            from = self.at + searched;
        };
        let line = self.buffer[self.at..end].trim_ascii_end();
        if line.last() != Some(&b'}')
            || self.releases.find(line).is_some()
            || self.records.find(line).is_some()
            || has_several(line)
        {
            self.line_goes_to = self.start + end as u64;
            return Ok(false);
        }
        let size = line.len();
        // What comes after decides; to look at it may move the buffer.
        self.at = end;
        let is_whole = loop {
            self.skip_space();
            match self.buffer[..self.filled].get(self.at) {
                Some(byte) => break *byte == b'{',
                None if self.at_end => break true,
                // So much space is kept for nobody's haste.
                None if self.at - self.keep.unwrap_or_default() > 2 * CHUNK + size => break false,
                None => self.fill()?,
            }
        };
        let from = self.keep.unwrap_or_default();
        if !is_whole {
            self.at = from;
            return Ok(false);
        }
        let bytes = &self.buffer[from..from + size];
        let found = Found {
            offset: self.start + from as u64,
            length: size as u64,
            bytes,
            ocid: ocid_in(bytes).map(|range| &bytes[range]),
            document: self.document,
            position: Position::default(),
        };
        visitor.found(found)?;
        self.document += 1;
        Ok(true)
    }

    /// An object that may be a package, a record or a release.
    fn object(
        &mut self,
        position: Position,
        may_hold_records: bool,
        visitor: &mut impl Visitor,
    ) -> Result<(), Stop> {
        self.keep = None;
        let offset = self.offset();
        // The text of the object, without the releases that are told one by one.
        let mut head = Vec::new();
        let mut pieces = vec![(0, offset)];
        let mut ocid = None;
        let mut is_release = false;
        let mut held = false;
        self.copy_byte(&mut head);
        let mut more = self.next_byte()? != Some(b'}');
        while more {
            let name = self.string(&mut head, &mut pieces)?;
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
                    Some(b'{') if !whole => scanner.object(position.record(index), false, visitor),
                    _ => scanner.item(position.record(index), visitor),
                })?;
            } else if is_list && name == b"releases" && !is_release {
                held = true;
                head.extend_from_slice(b"[]");
                if self.whole_records && ocid.is_some() {
                    self.keep = None;
                    self.skip_value()?;
                } else {
                    self.array(|scanner, index| scanner.item(position.release(index), visitor))?;
                }
            } else {
                let is_ocid = name == b"ocid" && first == Some(b'"') && ocid.is_none();
                is_release |= name == b"tag";
                let value = head.len();
                self.copy_value(&mut head, &mut pieces)?;
                if is_ocid {
                    ocid = Some(value + 1..head.len() - 1);
                }
            }
            match self.next_byte()? {
                Some(b',') => self.copy_byte(&mut head),
                Some(b'}') => more = false,
                _ => return Err(self.malformed()),
            }
        }
        self.copy_byte(&mut head);
        let document = self.document;
        if held && ocid.is_none() && !position.is_in_records() {
            return visitor.package(Wrapper { bytes: &head, document, position, pieces: &pieces });
        }
        let ocid = ocid.map(|range| &head[range]);
        let length = self.offset() - offset;
        let found = Found { offset, length, bytes: &head, ocid, document, position };
        match held {
            false => visitor.found(found),
            true if self.whole_records => visitor.record(found),
            // A record: its releases have been told.
            true => Ok(()),
        }
    }

    /// An item of `releases`, or of `records` when these are found whole.
    fn item(&mut self, position: Position, visitor: &mut impl Visitor) -> Result<(), Stop> {
        self.next_byte()?;
        let (offset, from) = self.pass()?;
        let bytes = &self.buffer[from..self.at];
        // `null` in place of a release is found in publications; there is nothing in it.
        if bytes == b"null" {
            return Ok(());
        }
        let ocid = ocid_in(bytes).map(|range| &bytes[range]);
        let (length, document) = (bytes.len() as u64, self.document);
        visitor.found(Found { offset, length, bytes, ocid, document, position })
    }

    /// Something that is no object.
    fn other(&mut self, position: Position, visitor: &mut impl Visitor) -> Result<(), Stop> {
        let (offset, from) = self.pass()?;
        let bytes = &self.buffer[from..self.at];
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
            self.keep = None;
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
            self.skip_space();
            match self.buffer[..self.filled].get(self.at) {
                Some(byte) => return Ok(Some(*byte)),
                None if self.at_end => return Ok(None),
                None => self.fill()?,
            }
        }
    }

    /// Skips space as far as it has been read.
    fn skip_space(&mut self) {
        while matches!(self.buffer[..self.filled].get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn copy_byte(&mut self, to: &mut Vec<u8>) {
        to.push(self.buffer[self.at]);
        self.at += 1;
    }

    /// Copies a value, and notes where it is.
    fn copy_value(&mut self, to: &mut Vec<u8>, pieces: &mut Vec<(usize, u64)>) -> Result<(), Stop> {
        let (offset, from) = self.pass()?;
        if to.len() + (self.at - from) > LARGEST_WRAPPER {
            return Err(Stop::TooLarge);
        }
        if pieces.len() < MOST_PIECES {
            pieces.push((to.len(), offset));
        }
        to.extend_from_slice(&self.buffer[from..self.at]);
        Ok(())
    }

    /// Copies a string; where its text is in the copy.
    fn string(&mut self, to: &mut Vec<u8>, pieces: &mut Vec<(usize, u64)>) -> Result<Range<usize>, Stop> {
        if self.next_byte()? != Some(b'"') {
            return Err(self.malformed());
        }
        let from = to.len();
        self.copy_value(to, pieces)?;
        Ok(from + 1..to.len() - 1)
    }

    /// Passes a value and keeps it in the buffer: where it begins in the text, and there.
    fn pass(&mut self) -> Result<(u64, usize), Stop> {
        let offset = self.offset();
        self.keep = Some(self.at);
        self.skip_value()?;
        Ok((offset, self.keep.take().unwrap_or_default()))
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
        let keep = self.keep.map_or(self.at, |keep| keep.min(self.at));
        if keep > 0 {
            self.buffer.copy_within(keep..self.filled, 0);
            self.filled -= keep;
            self.at -= keep;
            self.start += keep as u64;
            self.keep = self.keep.map(|_| 0);
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

/// Whether a line that begins with a brace may hold several documents. Braces inside strings may say so in error.
fn has_several(line: &[u8]) -> bool {
    let mut opens = memchr::memchr_iter(b'{', line).skip(1);
    let before = |at: usize| line[..at].iter().rev().find(|byte| !byte.is_ascii_whitespace());
    opens.any(|at| !matches!(before(at), Some(b':' | b',' | b'[')))
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

#[cfg(test)]
mod tests;
