//! Files, standard input and what is compressed, as texts that can be read again.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use encoding_rs::Encoding;

use super::scan::Stop;
use super::{Cause, ReadError, lines};
use crate::json;

/// Something to read: a file, standard input, or bytes.
#[derive(Debug)]
pub struct Source {
    name: String,
    from: From,
    encoding: Option<&'static Encoding>,
    /// The path to what is a document; empty if it is the whole.
    pub(super) root: String,
}

#[derive(Debug)]
enum From {
    File(PathBuf),
    Stdin,
    Bytes(Vec<u8>),
}

impl Source {
    /// A file; `-` is standard input.
    pub fn path(path: &Path) -> Source {
        if path.as_os_str() == "-" {
            return Source::new("stdin".to_owned(), From::Stdin);
        }
        Source::new(path.display().to_string(), From::File(path.to_owned()))
    }

    /// Bytes in memory.
    pub fn bytes(name: &str, bytes: &[u8]) -> Source {
        Source::new(name.to_owned(), From::Bytes(bytes.to_vec()))
    }

    fn new(name: String, from: From) -> Source {
        Source { name, from, encoding: None, root: String::new() }
    }

    /// Its name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same, in an encoding that is not UTF-8.
    #[must_use]
    pub fn encoded(self, encoding: &'static Encoding) -> Source {
        Source { encoding: (encoding != encoding_rs::UTF_8).then_some(encoding), ..self }
    }

    /// The same, but its documents are what is found at a path, and nothing else is: names joined by points, and
    /// `item` for each item of an array, as `results.item` for `{"results": [{…}, {…}]}`. The path is that of ijson,
    /// which `ocdskit --root-path` takes. If nothing is there, there is no document.
    #[must_use]
    pub fn within(self, path: &str) -> Source {
        Source { root: path.to_owned(), ..self }
    }

    /// How many bytes there are to read, where that is known.
    pub fn size(&self) -> Option<u64> {
        match &self.from {
            From::File(path) => {
                path.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len())
            }
            From::Bytes(bytes) => Some(bytes.len() as u64),
            From::Stdin => None,
        }
    }

    /// Opens it: the text from its beginning, and where it can be read `again`. `progress` is told of the bytes read.
    pub(super) fn open(self, again: bool, progress: Progress<'_>) -> Result<(Text<'_>, Opened), ReadError> {
        let name = self.name.clone();
        self.try_open(again, progress).map_err(|cause| ReadError { name, cause })
    }

    fn try_open(self, again: bool, progress: Progress<'_>) -> Result<(Text<'_>, Opened), Cause> {
        let mut store = Store::Nothing;
        let raw: Text<'_> = match self.from {
            From::File(path) => {
                let file = File::open(&path)?;
                // Reading a folder fails only later, and says less.
                if file.metadata()?.is_dir() {
                    return Err(Cause::Io(io::ErrorKind::IsADirectory.into()));
                }
                if file.metadata()?.is_file() {
                    store = Store::File { file: file.try_clone()?, skipped: 0 };
                }
                Box::new(file)
            }
            From::Stdin => Box::new(io::stdin()),
            From::Bytes(bytes) => {
                store = Store::Memory { bytes: bytes.clone(), skipped: 0 };
                Box::new(Cursor::new(bytes))
            }
        };
        let mut raw = Told { raw, progress };
        let start = first_bytes(&mut raw, 4)?;
        let packed = match start.as_slice() {
            [0x1F, 0x8B, ..] => Packed::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD] => Packed::Zstandard,
            _ => Packed::No,
        };
        let raw = Cursor::new(start).chain(raw);
        let mut text: Text<'_> = match packed {
            Packed::No => Box::new(raw),
            Packed::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(raw))),
            Packed::Zstandard => Box::new(zstd::Decoder::new(raw)?),
        };
        if packed != Packed::No {
            store = Store::Nothing;
        }
        if let Some(encoding) = self.encoding {
            text = Box::new(Decoded::new(text, encoding));
            store = Store::Nothing;
        }
        let mut start = first_bytes(&mut text, 3)?;
        if matches!(start.as_slice(), [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) {
            return Err(Cause::Utf16);
        }
        // Some editors begin a file with a byte order mark; JSON has none.
        let has_mark = start == b"\xEF\xBB\xBF";
        if has_mark {
            start.clear();
            if let Store::File { skipped, .. } | Store::Memory { skipped, .. } = &mut store {
                *skipped = 3;
            }
        }
        text = Box::new(Cursor::new(start).chain(text));
        if again && matches!(store, Store::Nothing) {
            let spill = tempfile::tempfile()?;
            store = Store::File { file: spill.try_clone()?, skipped: 0 };
            text = Box::new(Spilling { text, spill });
        }
        Ok((text, Opened { name: self.name, store, has_mark, places: Mutex::new(vec![(1, 1)]) }))
    }
}

/// A text that is being read.
type Text<'p> = Box<dyn Read + Send + 'p>;
/// Takes how many bytes more were read.
type Progress<'p> = &'p (dyn Fn(u64) + Sync);

/// Tells how much is read.
struct Told<'p, R> {
    raw: R,
    progress: Progress<'p>,
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        (self.progress)(read as u64);
        Ok(read)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Packed {
    No,
    Gzip,
    Zstandard,
}

/// The first bytes, or all there are.
fn first_bytes(reader: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.by_ref().take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A text that was opened, to be read again.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) name: String,
    store: Store,
    pub(super) has_mark: bool,
    /// Line and column of every [`STEP`] bytes, as far as somebody asked: a file full of errors is not read from its
    /// beginning for each.
    places: Mutex<Vec<(usize, usize)>>,
}

/// How far places that are remembered are apart, in bytes.
const STEP: u64 = 1 << 16;

#[derive(Debug)]
enum Store {
    /// It can be read only once.
    Nothing,
    File {
        file: File,
        skipped: u64,
    },
    Memory {
        bytes: Vec<u8>,
        skipped: u64,
    },
}

impl Opened {
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match &self.store {
            Store::Nothing => Err(io::ErrorKind::Unsupported.into()),
            Store::File { file, skipped } => read_exact_at(file, buffer, offset + skipped),
            Store::Memory { bytes, skipped } => {
                let from = usize::try_from(offset + skipped).unwrap_or(usize::MAX);
                let text = from.checked_add(buffer.len()).and_then(|end| bytes.get(from..end));
                buffer.copy_from_slice(text.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    /// The error, with its place in the whole text instead of that after `offset`.
    pub(super) fn locate(&self, offset: u64, cause: Cause) -> ReadError {
        if matches!(self.store, Store::Nothing) && offset > 0 {
            // The lines before it are gone.
            return ReadError { name: format!("{}, from byte {offset}", self.name), cause };
        }
        let (line, column) = self.place(offset);
        let cause = match cause {
            Cause::NotUtf8 { line: own } => Cause::NotUtf8 { line: own + line - 1 },
            Cause::NotJson(mut error) => {
                if error.line == 1 {
                    error.column += column - 1;
                }
                error.line += line - 1;
                error.offset += usize::try_from(offset).unwrap_or_default();
                Cause::NotJson(error)
            }
            other => other,
        };
        ReadError { name: self.name.clone(), cause }
    }

    /// Line and column in characters of an offset, from 1.
    pub(super) fn place(&self, offset: u64) -> (usize, usize) {
        let mut chunk = vec![0; STEP as usize];
        let mut after = |place, from: u64, size: u64| {
            let piece = chunk.get_mut(..usize::try_from(size).ok()?)?;
            self.read_at(piece, from).ok()?;
            Some(advance(place, piece))
        };
        let (step, known) = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            while places.len() as u64 <= offset / STEP {
                let (last, from) = (places[places.len() - 1], (places.len() as u64 - 1) * STEP);
                match after(last, from, STEP) {
                    Some(next) => places.push(next),
                    // It cannot be read any more: whoever asks has worse to tell.
                    None => return last,
                }
            }
            (offset / STEP, places[(offset / STEP) as usize])
        };
        after(known, step * STEP, offset - step * STEP).unwrap_or(known)
    }

    /// Why scanning ended before the end of the text.
    pub(super) fn explain(&self, stop: Stop) -> ReadError {
        let cause = match stop {
            Stop::Io(error) => Cause::Io(error),
            Stop::TooLarge | Stop::Enough => Cause::TooLarge,
            Stop::Malformed(offset, found) => {
                let fault = found.map_or(json::Fault::End, json::Fault::Unexpected);
                let error = json::ParseError { fault, offset: 0, line: 1, column: 1 };
                return self.locate(offset, Cause::NotJson(error));
            }
        };
        ReadError { name: self.name.clone(), cause }
    }
}

/// The line and column after a piece of text.
fn advance((line, column): (usize, usize), piece: &[u8]) -> (usize, usize) {
    let characters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    match memchr::memrchr(b'\n', piece) {
        Some(end) => (line + lines(piece), characters(&piece[end + 1..]) + 1),
        None => (line, column + characters(piece)),
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[read..];
        offset += read as u64;
    }
    Ok(())
}

/// Copies to a temporary file what is read.
struct Spilling<R> {
    text: R,
    spill: File,
}

impl<R: Read> Read for Spilling<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(buffer)?;
        self.spill.write_all(&buffer[..read])?;
        Ok(read)
    }
}

/// Turns another encoding into UTF-8.
struct Decoded<R> {
    text: R,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    ready: Cursor<Vec<u8>>,
    at_end: bool,
}

impl<R: Read> Decoded<R> {
    fn new(text: R, encoding: &'static Encoding) -> Decoded<R> {
        let decoder = encoding.new_decoder_without_bom_handling();
        Decoded { text, decoder, raw: vec![0; 1 << 16], ready: Cursor::new(Vec::new()), at_end: false }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.ready.read(buffer)?;
            if read > 0 || self.at_end || buffer.is_empty() {
                return Ok(read);
            }
            let count = self.text.read(&mut self.raw)?;
            self.at_end = count == 0;
            let raw = &self.raw[..count];
            let most = self.decoder.max_utf8_buffer_length(count).unwrap_or(count * 3 + 16);
            let mut decoded = String::with_capacity(most);
            let _ = self.decoder.decode_to_string(raw, &mut decoded, self.at_end);
            self.ready = Cursor::new(decoded.into_bytes());
        }
    }
}
