//! The verb `package`.

use std::io::{self, Write};

use anyhow::Result;
use clap::{Args, Subcommand};
use ocds::json::{Json, Style, Writer};
use ocds::stream::{self, Index, Wanted};

use crate::examples;
use crate::input::{Globals, Input, Progress, in_text_order};
use crate::packaging::Metadata;

#[derive(Args)]
pub struct Pack {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Wraps releases in a release package
    #[command(after_help = examples::PACKAGE_RELEASES)]
    Releases(Wrapping),
    /// Wraps records in a record package
    #[command(after_help = examples::PACKAGE_RECORDS)]
    Records(Wrapping),
}

#[derive(Args)]
struct Wrapping {
    #[command(flatten)]
    input: Input,
    /// Add this extension to the package; may be repeated
    #[arg(long, value_name = "URL")]
    extension: Vec<String>,
    /// The most releases or records in a package; the rest goes to further packages, one per line
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    size: Option<u32>,
    #[command(flatten)]
    metadata: Metadata,
}

/// Packages; whether everything read could be.
pub fn run(arguments: &Pack, globals: &Globals) -> Result<bool> {
    let (wrapping, name, wanted) = match &arguments.what {
        What::Releases(wrapping) => (wrapping, "releases", Wanted::Releases),
        What::Records(wrapping) => (wrapping, "records", Wanted::Records),
    };
    let sources = wrapping.input.sources(globals)?;
    let progress = Progress::over(&sources);
    let index = Index::read(sources, wanted, &progress.teller())?;
    progress.then(index.entries().len() as u64);
    let style = globals.style();
    let mut wrapper = Writer::within(style, 1);
    wrapping.metadata.write_wrapper(index.packages(), &wrapping.extension, &mut wrapper);
    let mut out =
        Packages { out: globals.output(), style, wrapper, name, size: wrapping.size, count: 0, good: true };
    stream::in_order(
        in_text_order(&index),
        globals.threads(),
        |entries| texts(&index, &entries, style, name == "records"),
        |items| {
            progress.advance(items.len());
            out.add(items)
        },
    )?;
    out.end()
}

/// Each release or record as it will stand in the package, or what is wrong with it.
fn texts(index: &Index, entries: &[u32], style: Style, records: bool) -> Vec<Result<Writer, String>> {
    let texts = match index.texts(entries) {
        Ok(texts) => texts,
        Err(error) => return vec![Err(error.to_string())],
    };
    let item = |(&entry, text): (&u32, &[u8])| {
        let parsed = index.parse(entry, text).map_err(|error| error.to_string())?;
        let is_record =
            parsed.value.get("releases").is_some() || parsed.value.get("compiledRelease").is_some();
        if parsed.value.get("ocid").is_none() || is_record != records {
            let wanted = if records { "record" } else { "release" };
            return Err(format!("{}: this is no {wanted}", index.place(entry)));
        }
        let mut writer = Writer::within(style, 2);
        writer.json(&parsed.value as &Json<'_>);
        Ok(writer)
    };
    entries.iter().zip(texts.iter()).map(item).collect()
}

/// Packages that are being written.
struct Packages<W> {
    out: W,
    style: Style,
    /// What each says about itself.
    wrapper: Writer,
    name: &'static str,
    size: Option<u32>,
    /// Items in the package that is open.
    count: u32,
    good: bool,
}

impl<W: Write> Packages<W> {
    fn add(&mut self, items: Vec<Result<Writer, String>>) -> io::Result<()> {
        for item in items {
            let item = match item {
                Ok(item) => item,
                Err(told) => {
                    eprintln!("ocds: {told}");
                    self.good = false;
                    continue;
                }
            };
            if self.size == Some(self.count) {
                self.close()?;
            }
            if self.count == 0 {
                self.open()?;
            } else {
                self.out.write_all(b",")?;
            }
            self.out.write_all(item.bytes())?;
            self.count += 1;
        }
        Ok(())
    }

    fn open(&mut self) -> io::Result<()> {
        self.out.write_all(b"{")?;
        self.out.write_all(self.wrapper.bytes())?;
        self.out.write_all(b",")?;
        let mut list = Writer::within(self.style, 1);
        list.name(self.name);
        list.begin_array();
        self.out.write_all(list.bytes())
    }

    fn close(&mut self) -> io::Result<()> {
        let mut end = Writer::within(self.style, 2);
        end.end_array_of_pieces(self.count > 0);
        end.end_object();
        end.end_document();
        self.count = 0;
        self.out.write_all(end.bytes())
    }

    fn end(mut self) -> Result<bool> {
        if self.count > 0 {
            self.close()?;
        }
        self.out.flush()?;
        Ok(self.good)
    }
}
