//! Lists longer than anybody would keep in memory, made as they are read.

use std::io::{self, Read};
use std::path::Path;

use super::super::*;

/// A list without end, made as it is read.
struct Made<F> {
    line: F,
    lines: u64,
    made: u64,
    rest: Vec<u8>,
    bytes: u64,
}

impl<F: Fn(u64) -> String> Made<F> {
    fn new(lines: u64, line: F) -> Self {
        Made { line, lines, made: 0, rest: Vec::new(), bytes: 0 }
    }
}

impl<F: Fn(u64) -> String> Read for Made<F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.rest.len() < out.len() && self.made < self.lines {
            self.rest.extend_from_slice((self.line)(self.made).as_bytes());
            self.made += 1;
        }
        let length = self.rest.len().min(out.len());
        out[..length].copy_from_slice(&self.rest[..length]);
        self.rest.drain(..length);
        self.bytes += length as u64;
        Ok(length)
    }
}

fn stream(source: &mut impl Read) -> Result<(u64, Summary), LoadError> {
    let mut characters = 0;
    let mut each = |row: Result<BaseRow, Vec<RowError>>| {
        characters +=
            row.map_err(|errors| LoadError::Stopped { detail: format!("{errors:?}") })?.title.len() as u64;
        Ok(())
    };
    read_from(source, Path::new("made"), None, &mut each).map(|summary| (characters, summary))
}

/// So many lines of some 400 bytes, read in memory that does not grow with them.
fn pass(lines: u64) {
    let words = "PAVIMENTACIÓN DE LA CALLE EJEMPLO, TRAMO DOS ".repeat(8);
    let mut source = Made::new(lines + 1, |line| match line {
        0 => "folio,titulo,monto
"
        .to_owned(),
        line => format!(
            "F{line},\"{words}
\",\"1,{:03}.50\"
",
            line % 1000
        ),
    });
    let before = memory();
    let (_, summary) = stream(&mut source).unwrap();
    assert!(source.bytes > lines * 380, "{}", source.bytes);
    assert_eq!((summary.rows, summary.bad), (lines, 0));
    // What grows is what is remembered of the folios; the rest is other tests running meanwhile.
    if let (Some(before), Some(after)) = (before, memory()) {
        let bound = 16 * 1024 + lines * 40 / 1024;
        assert!(after.saturating_sub(before) < bound, "{before} kB to {after} kB");
    }
}

#[test]
fn a_long_file_passes_through_a_window() {
    pass(60_000);
}

/// Memory of this process, where the system tells it.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}

#[test]
fn a_list_many_windows_long_is_read_to_its_end() {
    let mut source = Made::new(20_001, |line| match line {
        0 => "folio,titulo,monto\n".to_owned(),
        line => {
            format!("F{line},\"AÑO {}\n\",\"1,{:03}.50\"\r\n", "x".repeat((line % 400) as usize), line % 1000)
        }
    });
    let (characters, summary) = stream(&mut source).unwrap();
    assert_eq!((summary.rows, summary.bad), (20_000, 0));
    // Nothing is lost where one window ends and the next begins.
    let expected: u64 = (1..=20_000).map(|line| if line % 400 == 0 { 4 } else { 5 + line % 400 }).sum();
    assert_eq!(characters, expected);
}

#[test]
fn what_has_no_end_is_stopped_soon() {
    for (first, line, rule) in [
        ("folio,titulo\nA,\"", "x,y\n", "load-quote-unclosed"),
        ("folio,titulo\nA,\"", "\"\"", "load-quote-unclosed"),
        ("folio,titulo\nA,", "xxxx", "load-too-large"),
        ("folio,titulo\nA,t", ",", "load-too-large"),
        ("folio,titulo\nA,t", ",\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"", "load-too-large"),
    ] {
        let mut source = Made::new(u64::MAX, |index| if index == 0 { first } else { line }.to_owned());
        assert_eq!(stream(&mut source).unwrap_err().rule(), rule, "{first} {line}");
        assert!(source.bytes < 8 * 1024 * 1024, "{}", source.bytes);
    }
}

#[test]
fn a_reader_that_fails_half_way_is_told() {
    struct Failing(u8);
    impl Read for Failing {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("the disk went away"));
            }
            self.0 -= 1;
            let text = b"folio,titulo\nA,t\n";
            out[..text.len()].copy_from_slice(text);
            Ok(text.len())
        }
    }
    let error = stream(&mut Failing(1)).unwrap_err();
    assert!(matches!(error, LoadError::Unreadable { detail, .. } if detail.contains("went away")));
}
