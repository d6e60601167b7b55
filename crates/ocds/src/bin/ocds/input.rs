//! What every verb has in common: where it reads, how it writes, and how far it is.

use std::io::{self, BufWriter, IsTerminal, Stdout};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ocds::json::Style;
use ocds::stream::{Index, Process, Source};
use serde_json::Value;

/// How much text of releases a thread takes at a time.
pub const BATCH: usize = 1 << 16;

#[derive(Args)]
pub struct Globals {
    /// Write JSON with line breaks and indents
    #[arg(long, global = true)]
    pretty: bool,
    /// Write escape sequences instead of characters that are not ASCII
    #[arg(long, global = true)]
    ascii: bool,
    /// Encoding of what is read, such as iso-8859-1 (default: utf-8)
    #[arg(long, global = true)]
    encoding: Option<String>,
    /// Threads (default: one per processor)
    #[arg(long, global = true, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

impl Globals {
    pub fn style(&self) -> Style {
        Style { pretty: self.pretty, ascii: self.ascii }
    }

    pub fn threads(&self) -> NonZeroUsize {
        self.jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }

    pub fn output(&self) -> BufWriter<Stdout> {
        BufWriter::with_capacity(1 << 18, io::stdout())
    }
}

#[derive(Args)]
pub struct Input {
    /// Files of JSON or JSON Lines, plain or compressed (gzip, Zstandard); `-` is standard input (default)
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where in each file the packages, records or releases are: names joined by points, `item` for each item of an array
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true)]
    root_path: String,
}

impl Input {
    pub fn sources(&self, globals: &Globals) -> Result<Vec<Source>> {
        let encoding = match globals.encoding.as_deref() {
            None => encoding_rs::UTF_8,
            Some(name) => encoding_rs::Encoding::for_label(name.as_bytes())
                .ok_or_else(|| anyhow!("there is no encoding {name}; try utf-8 or iso-8859-1"))?,
        };
        let stdin = [PathBuf::from("-")];
        let files = if self.files.is_empty() { &stdin[..] } else { &self.files };
        Ok(files.iter().map(|file| Source::path(file).encoded(encoding).within(&self.root_path)).collect())
    }
}

/// A bar on a terminal; nothing in a pipe.
pub struct Progress(ProgressBar);

impl Progress {
    /// Of what is read from sources, in bytes.
    pub fn over(sources: &[Source]) -> Progress {
        // Standard output may be the same terminal: what is written there would break the bar.
        if !io::stderr().is_terminal() || io::stdout().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let size = sources.iter().map(Source::size).sum::<Option<u64>>();
        let (bar, template) = match size {
            Some(size) => (ProgressBar::new(size), "{bar:30} {bytes}/{total_bytes} {eta}"),
            None => (ProgressBar::no_length(), "{spinner} {bytes} {elapsed}"),
        };
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    /// Takes how many bytes more were read.
    pub fn teller(&self) -> impl Fn(u64) + Sync {
        |bytes| self.0.inc(bytes)
    }

    /// Takes that so many steps more are done.
    pub fn advance(&self, steps: usize) {
        self.0.inc(steps as u64);
    }

    /// Goes over to another kind of work, of so many steps.
    pub fn then(&self, steps: u64) {
        self.0.set_length(steps);
        self.0.set_position(0);
        self.0.set_style(
            ProgressStyle::with_template("{bar:30} {pos}/{len} {eta}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Processes in pieces of about [`BATCH`] bytes.
pub fn batches<'p>(index: &Index, processes: &'p [Process]) -> Vec<&'p [Process]> {
    let mut batches = Vec::new();
    let (mut from, mut size) = (0, 0);
    for (at, process) in processes.iter().enumerate() {
        size += index.size(&process.entries);
        if size >= BATCH {
            batches.push(&processes[from..=at]);
            (from, size) = (at + 1, 0);
        }
    }
    batches.push(&processes[from..]);
    batches
}

/// Everything found, in the order of the texts, in pieces of about [`BATCH`] bytes: numbers of entries.
pub fn in_text_order(index: &Index) -> impl Iterator<Item = Vec<u32>> + Send + '_ {
    let mut next = 0;
    std::iter::from_fn(move || {
        let mut numbers: Vec<u32> = Vec::new();
        let mut size = 0;
        while size < BATCH && (next as usize) < index.entries().len() {
            size += index.size(&[next]);
            numbers.push(next);
            next += 1;
        }
        (!numbers.is_empty()).then_some(numbers)
    })
}

/// The values of some entries. What cannot be read is left out; returns what to tell about it.
pub fn values(index: &Index, entries: &[u32], each: &mut dyn FnMut(u32, Value)) -> Vec<String> {
    let texts = match index.texts(entries) {
        Ok(texts) => texts,
        Err(error) => return vec![error.to_string()],
    };
    let mut told = Vec::new();
    for (&entry, text) in entries.iter().zip(texts.iter()) {
        match index.parse(entry, text) {
            Err(error) => told.push(error.to_string()),
            Ok(parsed) => match parsed.value.to_value() {
                Some(value) => each(entry, value),
                None => told.push(format!("{}: a number is too large", index.place(entry))),
            },
        }
    }
    told
}
