//! Releases and records from files of any size.
//!
//! A [`Source`] (JSON or JSON Lines; a file or standard input; plain, gzip or Zstandard) becomes an [`Index`]: where
//! each release is, and of which process. Then the releases of one process are read at a time, in any order and by
//! several threads. What is in memory is the index, forty bytes a release, and the largest process. A text that
//! cannot be read twice is copied to a temporary file on the way. Where the releases of each process are known to
//! follow one another, [`grouped`] needs neither.
//!
//! ```
//! use ocds::stream::{Index, Source, Wanted};
//!
//! let lines = br#"{"ocid": "ocds-abc123-1", "id": "1"}
//! {"ocid": "ocds-abc123-2", "id": "1"}
//! {"ocid": "ocds-abc123-1", "id": "2"}"#;
//! let index = Index::read(vec![Source::bytes("example", lines)], Wanted::Releases, &|_| {}).unwrap();
//! let first = &index.processes()[0];
//! assert_eq!(index.ocid(first.ocid), Some("ocds-abc123-1"));
//! assert_eq!(index.texts(&first.entries).unwrap().iter().count(), 2);
//! ```

mod parallel;
mod position;
mod scan;
mod source;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;

use serde_json::Value;

use crate::json::{self, ParseError};
pub use parallel::in_order;
pub use position::Position;
use scan::{Found, Scanner, Stop, Visitor, Wrapper};
use source::Opened;
pub use source::Source;

/// What to find in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Releases, also those inside records.
    Releases,
    /// Releases, and records whole.
    Records,
}

/// Why a text cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// It cannot be opened or read, or the temporary file cannot be written.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is nothing in it.
    #[error("there is no JSON in it; it is empty")]
    Empty,
    /// It is UTF-16.
    #[error("the text is UTF-16, not UTF-8")]
    Utf16,
    /// It is not UTF-8, from this line on.
    #[error("the text is not UTF-8 (line {line})")]
    NotUtf8 {
        /// Line, from 1.
        line: usize,
    },
    /// It is not JSON; the place is that in the whole text.
    #[error(transparent)]
    NotJson(#[from] ParseError),
    /// A release of four gigabytes, or a package that says more than 64 MB about itself.
    #[error("a release, or what a package says about itself, is too large")]
    TooLarge,
    /// With [`grouped`]: a process comes back after another one.
    #[error("the releases of {ocid} do not follow one another")]
    Scattered {
        /// The process.
        ocid: String,
    },
}

/// A text that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {cause}")]
pub struct ReadError {
    /// The name of the source.
    pub name: String,
    /// Why.
    pub cause: Cause,
}

/// Where a release or record is.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    offset: u64,
    length: u32,
    source: u32,
    /// How many packages ended before it: the number of the one that it is in, if it is in one.
    package: u32,
    /// Its process; see [`Index::ocid`]. `None` if it has no `ocid` that is a string.
    pub ocid: Option<Ocid>,
    /// The document of the source that it is in, from 0.
    pub document: u32,
    /// Where it is in that document.
    pub position: Position,
}

impl Entry {
    /// The source that it is in, from 0.
    pub fn source(&self) -> usize {
        self.source as usize
    }

    /// JSON Pointer to it in its document.
    pub fn pointer(&self) -> String {
        self.position.pointer()
    }
}

/// The number of an ocid in an [`Index`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ocid(std::num::NonZeroU32);

/// The entries of one process, in the order of the texts.
#[derive(Debug)]
pub struct Process {
    /// Its number; `None` for what has no ocid.
    pub ocid: Option<Ocid>,
    /// Numbers of [`Index::entries`].
    pub entries: Vec<u32>,
}

/// A package, without the releases and records that were found in it.
#[derive(Debug)]
pub struct Package {
    /// The source that it is in, from 0.
    pub source: usize,
    /// The document of the source that it is in, from 0.
    pub document: u32,
    /// Where it is in that document.
    pub position: Position,
    /// The package; `releases` and `records` are `[]` where they were arrays. `null` if it cannot be a
    /// [`Value`] (`1e999`).
    pub value: Value,
    /// What was odd about its text, at most sixteen things, with lines and columns of the whole text; those of
    /// [`grouped`], which cannot look back, are of the text without its releases.
    pub odd: Vec<json::Oddity>,
}

/// What is where in some texts.
#[derive(Debug)]
pub struct Index {
    sources: Vec<Opened>,
    ocids: Vec<Box<str>>,
    entries: Vec<Entry>,
    packages: Vec<Package>,
}

impl Index {
    /// Reads sources to their end. `progress` is told how many bytes more were read: those of the files, which may be
    /// compressed.
    ///
    /// # Errors
    /// [`ReadError`] of the first source that cannot be read.
    pub fn read(
        sources: Vec<Source>,
        wanted: Wanted,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Index, ReadError> {
        let mut builder = Builder { known: HashMap::default(), index: Index::empty(), failed: None };
        for source in sources {
            builder.add(source, wanted, progress)?;
        }
        Ok(builder.index)
    }

    fn empty() -> Index {
        Index { sources: Vec::new(), ocids: Vec::new(), entries: Vec::new(), packages: Vec::new() }
    }

    /// Everything found, in the order of the texts.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The packages, in the order of the texts.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The names of the sources.
    pub fn name(&self, source: usize) -> &str {
        self.sources.get(source).map_or("", |source| &source.name)
    }

    /// Whether the text of a source began with a byte order mark, which JSON does not have.
    pub fn has_mark(&self, source: usize) -> bool {
        self.sources.get(source).is_some_and(|source| source.has_mark)
    }

    /// An ocid.
    pub fn ocid(&self, ocid: Option<Ocid>) -> Option<&str> {
        self.ocids.get(ocid?.0.get() as usize - 1).map(AsRef::as_ref)
    }

    /// The processes, sorted by ocid as bytes, each with its entries. First, what has no ocid, if there is any.
    pub fn processes(&self) -> Vec<Process> {
        let mut processes: Vec<Process> = (0..=self.ocids.len())
            .map(|number| Process { ocid: number_of(number), entries: Vec::new() })
            .collect();
        for (at, entry) in self.entries.iter().enumerate() {
            let process = entry.ocid.map_or(0, |ocid| ocid.0.get() as usize);
            // `Builder::found` lets no more than `u32::MAX` in.
            processes[process].entries.push(at as u32);
        }
        processes.retain(|process| !process.entries.is_empty());
        processes.sort_by(|a, b| self.ocid(a.ocid).cmp(&self.ocid(b.ocid)));
        processes
    }

    /// Where an entry is, for people: source, document from 1, and place in it.
    pub fn place(&self, entry: u32) -> String {
        let Some(entry) = self.entries.get(entry as usize) else { return String::new() };
        let (name, document) = (self.name(entry.source()), entry.document + 1);
        format!("{name}:{document}{}", entry.pointer())
    }

    /// The package that an entry was found in.
    pub fn package_of(&self, entry: u32) -> Option<&Package> {
        self.packages.get(self.package_at(entry)?)
    }

    /// The position among [`Index::packages`] of the one that an entry was found in.
    pub fn package_at(&self, entry: u32) -> Option<usize> {
        let entry = self.entries.get(entry as usize)?;
        let at = entry.package as usize;
        let package = self.packages.get(at)?;
        let is_in = package.source == entry.source() && package.document == entry.document;
        let is_below = package.position.in_array() == entry.position.in_array();
        let is_held = entry.position.in_releases().is_some() || entry.position.in_records().is_some();
        (is_in && is_below && is_held).then_some(at)
    }

    /// How many bytes the texts of some entries have.
    pub fn size(&self, entries: &[u32]) -> usize {
        let lengths = entries.iter().filter_map(|number| self.entries.get(*number as usize));
        lengths.map(|entry| entry.length as usize).sum()
    }

    /// Reads entries, by their numbers.
    ///
    /// # Errors
    /// [`ReadError`] if the file cannot be read any more.
    pub fn texts(&self, entries: &[u32]) -> Result<Texts, ReadError> {
        let mut texts = Texts { bytes: Vec::new(), ends: Vec::with_capacity(entries.len()) };
        for entry in entries.iter().filter_map(|number| self.entries.get(*number as usize)) {
            let source = &self.sources[entry.source()];
            let from = texts.bytes.len();
            texts.bytes.resize(from + entry.length as usize, 0);
            source
                .read_at(&mut texts.bytes[from..], entry.offset)
                .map_err(|error| ReadError { name: source.name.clone(), cause: Cause::Io(error) })?;
            texts.ends.push(texts.bytes.len());
        }
        Ok(texts)
    }

    /// Reads an entry as JSON, with the places of what is odd in the whole text.
    ///
    /// # Errors
    /// [`ReadError`] with the place in the whole text.
    pub fn parse<'t>(&self, entry: u32, text: &'t [u8]) -> Result<json::Parsed<'t>, ReadError> {
        let parsed = match std::str::from_utf8(text) {
            Ok(text) => json::parse(text).map_err(Cause::NotJson),
            Err(error) => Err(Cause::NotUtf8 { line: lines(&text[..error.valid_up_to()]) + 1 }),
        };
        let Some(entry) = self.entries.get(entry as usize) else {
            return parsed.map_err(|cause| ReadError { name: String::new(), cause });
        };
        let source = &self.sources[entry.source()];
        let mut parsed = parsed.map_err(|cause| source.locate(entry.offset, cause))?;
        if !parsed.odd.is_empty() {
            let (line, column) = source.place(entry.offset);
            for oddity in &mut parsed.odd {
                let (own_line, own_column) = oddity.place_mut();
                *own_column += if *own_line == 1 { column - 1 } else { 0 };
                *own_line += line - 1;
            }
        }
        Ok(parsed)
    }
}

fn number_of(number: usize) -> Option<Ocid> {
    u32::try_from(number).ok().and_then(std::num::NonZeroU32::new).map(Ocid)
}

fn lines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

/// The texts of some entries.
#[derive(Debug)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// How many bytes they have together.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Each text.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }
}

struct Builder {
    known: HashMap<Box<str>, Ocid, foldhash::fast::RandomState>,
    index: Index,
    /// Where in the text, and why.
    failed: Option<(u64, Cause)>,
}

impl Builder {
    fn add(
        &mut self,
        source: Source,
        wanted: Wanted,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), ReadError> {
        let root = source.root.clone();
        let (reader, opened) = source.open(true, progress)?;
        self.index.sources.push(opened);
        let mut scanner = Scanner::new(reader, wanted == Wanted::Records, root);
        let stop = scan(&mut scanner, self);
        let opened = &self.index.sources[self.index.sources.len() - 1];
        if let Some((offset, cause)) = self.failed.take() {
            return Err(opened.locate(offset, cause));
        }
        match stop {
            Some(stop) => Err(opened.explain(stop)),
            None if scanner.is_blank() => Err(ReadError { name: opened.name.clone(), cause: Cause::Empty }),
            None => Ok(()),
        }
    }
}

/// Scans to the end; why it ended before.
fn scan(scanner: &mut Scanner<impl io::Read>, visitor: &mut impl Visitor) -> Option<Stop> {
    loop {
        match scanner.next(visitor) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(stop) => return Some(stop),
        }
    }
}

impl Visitor for Builder {
    fn found(&mut self, found: Found<'_>) -> Result<(), Stop> {
        let ocid = match found.ocid.and_then(text) {
            None => None,
            Some(ocid) => match self.known.get(ocid.as_ref()) {
                Some(known) => Some(*known),
                None => {
                    self.index.ocids.push(Box::from(ocid.as_ref()));
                    let number = number_of(self.index.ocids.len());
                    if let Some(number) = number {
                        self.known.insert(Box::from(ocid.as_ref()), number);
                    }
                    number
                }
            },
        };
        // Four gigabytes in one release, or four thousand million releases, are no publication.
        let (Ok(length), Ok(_)) = (u32::try_from(found.length), u32::try_from(self.index.entries.len() + 1))
        else {
            return Err(Stop::TooLarge);
        };
        self.index.entries.push(Entry {
            offset: found.offset,
            length,
            source: (self.index.sources.len() - 1) as u32,
            package: u32::try_from(self.index.packages.len()).unwrap_or(u32::MAX),
            ocid,
            document: found.document,
            position: found.position,
        });
        Ok(())
    }

    fn package(&mut self, wrapper: Wrapper<'_>) -> Result<(), Stop> {
        let source = self.index.sources.len() - 1;
        let mut package = package(source, &wrapper).map_err(|failed| {
            self.failed = Some(failed);
            Stop::Enough
        })?;
        locate_odd(&mut package, &wrapper, &self.index.sources[source]);
        self.index.packages.push(package);
        Ok(())
    }

    fn record(&mut self, record: Found<'_>) -> Result<(), Stop> {
        let source = (self.index.sources.len() - 1) as u32;
        let is_within = |entry: &Entry| entry.source == source && entry.offset >= record.offset;
        while self.index.entries.last().is_some_and(is_within) {
            self.index.entries.pop();
        }
        self.found(record)
    }
}

/// A package of what is left of it; or where in the text something is wrong, and what.
fn package(source: usize, wrapper: &Wrapper<'_>) -> Result<Package, (u64, Cause)> {
    let text = std::str::from_utf8(wrapper.bytes)
        .map_err(|error| (wrapper.offset(error.valid_up_to()), Cause::NotUtf8 { line: 1 }))?;
    let parsed = json::parse(text).map_err(|error| {
        let start = ParseError { offset: 0, line: 1, column: 1, ..error };
        (wrapper.offset(error.offset), Cause::NotJson(start))
    })?;
    let value = parsed.value.to_value().unwrap_or_default();
    let (document, position) = (wrapper.document, wrapper.position);
    Ok(Package { source, document, position, value, odd: parsed.odd })
}

/// Of how many oddities of a package the place in the whole text is looked up: for each, the text is read again.
const MOST_ODD: usize = 16;

/// Gives oddities their place in the whole text.
fn locate_odd(package: &mut Package, wrapper: &Wrapper<'_>, opened: &Opened) {
    package.odd.truncate(MOST_ODD);
    for oddity in &mut package.odd {
        let (line, column) = oddity.place_mut();
        let offset = wrapper.offset(json::offset(wrapper.bytes, *line, *column));
        (*line, *column) = opened.place(offset);
    }
}

/// The text between the quotes of an ocid.
fn text(raw: &[u8]) -> Option<Cow<'_, str>> {
    if !raw.contains(&b'\\') {
        return std::str::from_utf8(raw).ok().map(Cow::Borrowed);
    }
    let quoted = [b"\"", raw, b"\""].concat();
    let text = json::parse(std::str::from_utf8(&quoted).ok()?).ok()?.value.text()?.into_owned();
    Some(Cow::Owned(text))
}

/// The releases of a process that follow one another in a text.
#[derive(Debug)]
pub struct Group {
    /// The process; `None` for what has no ocid.
    pub ocid: Option<String>,
    /// The text of each release.
    pub texts: Texts,
}

/// Reads sources in which the releases of each process follow one another, and gives each process to `each` as soon
/// as it is complete; `each` says whether to go on. Nothing else is kept, and nothing is written to a temporary file.
///
/// Returns the packages.
///
/// # Errors
/// [`ReadError`] of the first source that cannot be read; [`Cause::Scattered`] if a process comes back.
pub fn grouped(
    sources: Vec<Source>,
    progress: &(dyn Fn(u64) + Sync),
    each: &mut dyn FnMut(Group) -> bool,
) -> Result<Vec<Package>, ReadError> {
    let mut grouping = Grouping {
        each,
        seen: HashSet::default(),
        group: None,
        packages: Vec::new(),
        source: 0,
        failed: None,
    };
    for (number, source) in sources.into_iter().enumerate() {
        let root = source.root.clone();
        let (reader, opened) = source.open(false, progress)?;
        grouping.source = number;
        let mut scanner = Scanner::new(reader, false, root);
        let stop = scan(&mut scanner, &mut grouping);
        if let Some((offset, cause)) = grouping.failed.take() {
            return Err(opened.locate(offset, cause));
        }
        match stop {
            Some(Stop::Enough) => return Ok(grouping.packages),
            Some(stop) => return Err(opened.explain(stop)),
            None if scanner.is_blank() => return Err(ReadError { name: opened.name, cause: Cause::Empty }),
            None => {}
        }
    }
    if let Some(last) = grouping.group.take() {
        (grouping.each)(last);
    }
    Ok(grouping.packages)
}

struct Grouping<'e> {
    each: &'e mut dyn FnMut(Group) -> bool,
    seen: HashSet<String, foldhash::fast::RandomState>,
    group: Option<Group>,
    packages: Vec<Package>,
    source: usize,
    failed: Option<(u64, Cause)>,
}

impl Visitor for Grouping<'_> {
    fn found(&mut self, found: Found<'_>) -> Result<(), Stop> {
        let ocid = found.ocid.and_then(text);
        if self.group.as_ref().is_some_and(|group| group.ocid.as_deref() != ocid.as_deref()) {
            let complete = self.group.take();
            if complete.is_some_and(|group| !(self.each)(group)) {
                return Err(Stop::Enough);
            }
        }
        if self.group.is_none() {
            let ocid = ocid.map(Cow::into_owned);
            if let Some(ocid) = &ocid
                && !self.seen.insert(ocid.clone())
            {
                self.failed = Some((0, Cause::Scattered { ocid: ocid.clone() }));
                return Err(Stop::Enough);
            }
            let texts = Texts { bytes: Vec::new(), ends: Vec::new() };
            self.group = Some(Group { ocid, texts });
        }
        if let Some(group) = &mut self.group {
            group.texts.bytes.extend_from_slice(found.bytes);
            group.texts.ends.push(group.texts.bytes.len());
        }
        Ok(())
    }

    fn package(&mut self, wrapper: Wrapper<'_>) -> Result<(), Stop> {
        let package = package(self.source, &wrapper).map_err(|failed| {
            self.failed = Some(failed);
            Stop::Enough
        })?;
        self.packages.push(package);
        Ok(())
    }

    fn record(&mut self, record: Found<'_>) -> Result<(), Stop> {
        self.found(record)
    }
}
