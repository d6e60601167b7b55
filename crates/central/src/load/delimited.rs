//! Delimited text: `,` `;` tab or `|`, quoted cells with line breaks, one record in memory at a time.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::Path;

use super::check::{Cell, Checker};
use super::decode::Decoded;
use super::mapping::{self, Mapping};
use super::{Each, HEADER_WITHIN, LoadError, Summary};

/// Largest cell. A description is a page or two; a quote nobody closes is the rest of the file.
const MAX_CELL: usize = 1024 * 1024;
/// Largest record.
const MAX_RECORD: usize = 4 * 1024 * 1024;
/// Most cells of a record.
const MAX_COLUMNS: usize = 1000;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads delimited text to its end.
pub(super) fn read<R: Read>(
    reader: R,
    label: &Path,
    wanted: Option<&Mapping>,
    each: &mut Each<'_>,
) -> Result<Summary, LoadError> {
    let unreadable = |error: io::Error| LoadError::opening(label, &error);
    let mut decoded = Decoded::new(reader).map_err(unreadable)?.ok_or(LoadError::Empty)?;
    let mut window = Vec::new();
    decoded.next_chunk(&mut window).map_err(unreadable)?;
    let announced = announced_delimiter(&window);
    let (start, forced) = announced.map_or((0, None), |(start, delimiter)| (start, Some(delimiter)));
    let head = choose(&window[start..], forced, wanted)?;

    let mut records = Records { chunk: window, at: start, ..Records::new(decoded, head.delimiter) };
    let mut record = Record::default();
    let fault = |fault: Fault, headers: &[String]| match fault {
        Fault::Read(error) => LoadError::opening(label, &error),
        Fault::Quote { row, column } => {
            let column = headers.get(column).cloned().unwrap_or_else(|| (column + 1).to_string());
            LoadError::QuoteUnclosed { row, column }
        }
        Fault::Large { what, row, limit } => {
            LoadError::TooLarge { what: what.to_owned(), row: Some(row), limit: limit as u64 }
        }
    };
    let mut headers = Vec::new();
    for _ in 0..=head.row {
        if !records.next_record(&mut record).map_err(|error| fault(error, &[]))? {
            break;
        }
        headers = record.strings();
    }
    let mut checker = Checker::new(head.mapping, &headers)?;
    while records.next_record(&mut record).map_err(|error| fault(error, checker.headers()))? {
        let cells: Vec<Cell<'_>> = record.fields().map(Cell::Text).collect();
        if let Some(row) = checker.delimited_row(records.row, &cells)? {
            each(row)?;
        }
    }
    let encoding = records.source.encoding().to_owned();
    let summary = checker.finish()?;
    Ok(Summary { encoding: Some(encoding), delimiter: Some(char::from(head.delimiter)), ..summary })
}

/// `sep=;` on the first line, which some programs write and read: it is not a row. Where the rest begins, and what
/// it says.
fn announced_delimiter(window: &[u8]) -> Option<(usize, u8)> {
    let line_end = window.iter().take(16).position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let [s, e, p, b'=', delimiter] = window[..line_end].trim_ascii_end() else {
        return None;
    };
    if ![*s, *e, *p].eq_ignore_ascii_case(b"sep") || !DELIMITERS.contains(delimiter) {
        return None;
    }
    let breaks = if window[line_end..].starts_with(b"\r\n") { 2 } else { 1 };
    Some((line_end + breaks, *delimiter))
}

struct Head<'m> {
    delimiter: u8,
    /// How many records come before the header.
    row: usize,
    mapping: &'m Mapping,
}

/// The delimiter under which one of the first rows is a header row. If none does, the error shows the headers as
/// the likeliest delimiter splits them.
fn choose<'m>(window: &[u8], forced: Option<u8>, wanted: Option<&'m Mapping>) -> Result<Head<'m>, LoadError> {
    let candidates: Vec<(u8, First)> = DELIMITERS
        .into_iter()
        .filter(|delimiter| forced.is_none_or(|forced| forced == *delimiter))
        .map(|delimiter| (delimiter, first_records(window, delimiter)))
        .collect();
    let found = candidates.iter().filter_map(|(delimiter, first)| {
        let (row, mapping) = mapping::find_header(&first.rows, wanted)?;
        Some(Head { delimiter: *delimiter, row, mapping })
    });
    // On a tie the order of the delimiters decides.
    if let Some(head) = found.min_by_key(|head| head.row) {
        return Ok(head);
    }
    let score = |rows: &[Vec<String>]| {
        let likeness = rows.iter().map(|row| mapping::likeness(row, wanted)).max().unwrap_or(0);
        let filled = rows.iter().find(|row| row.iter().any(|cell| !cell.trim().is_empty()));
        (likeness, filled.map_or(0, Vec::len))
    };
    let likeliest =
        candidates.iter().rev().max_by_key(|(_, first)| score(&first.rows)).map(|(_, first)| first);
    Err(match likeliest {
        Some(First { rows, unclosed: Some((row, column)) }) if rows.is_empty() => {
            LoadError::QuoteUnclosed { row: *row, column: (column + 1).to_string() }
        }
        _ => mapping::no_header(likeliest.map_or(&[], |first| first.rows.as_slice()), wanted),
    })
}

/// The first records of a window under one delimiter, and the quote that kept it from reading more.
struct First {
    rows: Vec<Vec<String>>,
    unclosed: Option<(u64, usize)>,
}

fn first_records(window: &[u8], delimiter: u8) -> First {
    let mut records = Records { chunk: window.to_vec(), ..Records::new(Nothing, delimiter) };
    let mut record = Record::default();
    let mut rows = Vec::new();
    // The window may end within a record, and the wrong delimiter finds quotes nobody closes.
    while rows.len() < HEADER_WITHIN {
        match records.next_record(&mut record) {
            Ok(true) => rows.push(record.strings()),
            Err(Fault::Quote { row, column }) => {
                return First { rows, unclosed: Some((row, column)) };
            }
            _ => break,
        }
    }
    First { rows, unclosed: None }
}

/// Where the parser gets more text.
trait Chunks {
    /// Puts more text in `out`, or says that there is none.
    fn more(&mut self, out: &mut Vec<u8>) -> io::Result<bool>;
}

impl<R: Read> Chunks for Decoded<R> {
    fn more(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        self.next_chunk(out)
    }
}

/// No text beyond the window.
struct Nothing;

impl Chunks for Nothing {
    fn more(&mut self, _: &mut Vec<u8>) -> io::Result<bool> {
        Ok(false)
    }
}

/// One record: the text of its cells, and where each ends.
#[derive(Debug, Default)]
struct Record {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Record {
    fn fields(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.ends.iter().scan(0, |start, end| {
            let field = &self.text[std::mem::replace(start, *end)..*end];
            Some(String::from_utf8_lossy(field))
        })
    }

    fn strings(&self) -> Vec<String> {
        self.fields().map(Cow::into_owned).collect()
    }
}

#[derive(Debug)]
enum Fault {
    Read(io::Error),
    Quote { row: u64, column: usize },
    Large { what: &'static str, row: u64, limit: usize },
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    /// Nothing of the cell yet.
    Start,
    /// In a cell without quotes; a quote is one more character.
    Plain,
    /// Between quotes.
    Quoted,
    /// After a quote that closes the cell, or that is the first half of `""`.
    Closing,
}

/// The parser. It exists because an unclosed quote has to be told, with its row, instead of silently becoming a cell
/// with half the list inside.
struct Records<S> {
    source: S,
    chunk: Vec<u8>,
    at: usize,
    delimiter: u8,
    /// Number of the record last read, blank ones counted: what a spreadsheet calls its row.
    row: u64,
    /// The last record ended in `\r`: a `\n` right after belongs to it.
    after_return: bool,
}

impl<S: Chunks> Records<S> {
    fn new(source: S, delimiter: u8) -> Self {
        Records { source, chunk: Vec::new(), at: 0, delimiter, row: 0, after_return: false }
    }

    /// Reads a record; `false` at the end. A blank line is a record with one empty cell.
    fn next_record(&mut self, record: &mut Record) -> Result<bool, Fault> {
        record.text.clear();
        record.ends.clear();
        let mut state = At::Start;
        let mut begun = false;
        loop {
            if self.at >= self.chunk.len() {
                self.at = 0;
                let more = self.source.more(&mut self.chunk).map_err(Fault::Read)?;
                if !more {
                    self.chunk.clear();
                    if state == At::Quoted {
                        return Err(Fault::Quote { row: self.row + 1, column: record.ends.len() });
                    }
                    if begun {
                        record.ends.push(record.text.len());
                        self.row += 1;
                    }
                    return Ok(begun);
                }
            }
            let byte = self.chunk[self.at];
            if std::mem::take(&mut self.after_return) && byte == b'\n' {
                self.at += 1;
                continue;
            }
            begun = true;
            match (state, byte) {
                (At::Quoted, b'"') => state = At::Closing,
                (At::Closing, b'"') => {
                    record.text.push(b'"');
                    state = At::Quoted;
                    self.within_limits(record, state)?;
                }
                (At::Start, b'"') => state = At::Quoted,
                (At::Start | At::Plain | At::Closing, b'\n' | b'\r') => {
                    self.after_return = byte == b'\r';
                    self.at += 1;
                    self.row += 1;
                    record.ends.push(record.text.len());
                    return Ok(true);
                }
                (At::Start | At::Plain | At::Closing, byte) if byte == self.delimiter => {
                    record.ends.push(record.text.len());
                    state = At::Start;
                    if record.ends.len() > MAX_COLUMNS {
                        return Err(Fault::Large { what: "columns", row: self.row + 1, limit: MAX_COLUMNS });
                    }
                }
                (was, _) => {
                    // Everything up to the next byte that means something, at once.
                    let rest = &self.chunk[self.at..];
                    let length = self.run(rest, was == At::Quoted);
                    record.text.extend_from_slice(&rest[..length]);
                    self.at += length;
                    if was != At::Quoted {
                        state = At::Plain;
                    }
                    self.within_limits(record, state)?;
                    continue;
                }
            }
            self.at += 1;
        }
    }

    /// How many bytes from the start of `rest` are plain text of a cell; one at least.
    fn run(&self, rest: &[u8], quoted: bool) -> usize {
        let delimiter = self.delimiter;
        let special = |byte: &u8| {
            if quoted { *byte == b'"' } else { *byte == delimiter || matches!(*byte, b'\n' | b'\r') }
        };
        rest.iter().skip(1).position(special).map_or(rest.len(), |position| position + 1)
    }

    fn within_limits(&self, record: &Record, state: At) -> Result<(), Fault> {
        let row = self.row + 1;
        let cell = record.text.len() - record.ends.last().copied().unwrap_or(0);
        if cell > MAX_CELL {
            return Err(match state {
                At::Quoted => Fault::Quote { row, column: record.ends.len() },
                _ => Fault::Large { what: "cell-bytes", row, limit: MAX_CELL },
            });
        }
        if record.text.len() > MAX_RECORD {
            return Err(Fault::Large { what: "row-bytes", row, limit: MAX_RECORD });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Vec<Vec<String>> {
        first_records(text.as_bytes(), b',').rows
    }

    #[test]
    fn quotes_line_breaks_and_line_ends() {
        assert_eq!(parse("a,b\nc,d"), [["a", "b"], ["c", "d"]]);
        assert_eq!(parse("a,b\r\nc,d\r\n"), [["a", "b"], ["c", "d"]]);
        assert_eq!(parse("a,b\rc,d\r"), [["a", "b"], ["c", "d"]]);
        assert_eq!(parse("\"a,\"\"x\"\"\",\"b\n\r\nb\"\n"), [["a,\"x\"", "b\n\r\nb"]]);
        assert_eq!(parse("tubo de 5\",\"\"\n"), [["tubo de 5\"", ""]]);
        assert_eq!(parse("\"a\"b,c\n"), [["ab", "c"]]);
        assert_eq!(parse("a,\n"), [["a", ""]]);
        assert_eq!(parse("\n\na\n"), [vec![""], vec![""], vec!["a"]]);
        assert_eq!(parse(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn an_unclosed_quote_is_told_with_its_place() {
        let mut records = Records { chunk: b"a,b\nc,\"d\ne,f\n".to_vec(), ..Records::new(Nothing, b',') };
        let mut record = Record::default();
        assert!(records.next_record(&mut record).unwrap());
        assert!(matches!(records.next_record(&mut record), Err(Fault::Quote { row: 2, column: 1 })));
    }

    #[test]
    fn the_announced_delimiter_is_not_a_row() {
        assert_eq!(announced_delimiter(b"sep=;\r\nfolio"), Some((7, b';')));
        assert_eq!(announced_delimiter(b"SEP=,\nfolio"), Some((6, b',')));
        assert_eq!(announced_delimiter(b"sep=x\n"), None);
        assert_eq!(announced_delimiter(b"folio;titulo\n"), None);
    }

    #[test]
    fn records_are_the_same_however_the_text_arrives() {
        struct Slow<'a>(&'a [u8]);
        impl Chunks for Slow<'_> {
            fn more(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
                out.clear();
                let Some((first, rest)) = self.0.split_first() else {
                    return Ok(false);
                };
                out.push(*first);
                self.0 = rest;
                Ok(true)
            }
        }
        let text = "a,\"b\r\n\"\"ñ\"\"\"\r\n\r\n,\"\",x\"\r\"y\",z";
        let mut slow = Records::new(Slow(text.as_bytes()), b',');
        let mut record = Record::default();
        let mut rows = Vec::new();
        while slow.next_record(&mut record).unwrap() {
            rows.push(record.strings());
        }
        assert_eq!(rows, parse(text));
    }
}
