//! The verbs `flatten` and `coverage`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use ocds::coverage::Coverage;
use ocds::flatten::{self, Headers, Layout, Options, Warning};
use ocds::stream::{self, Index, Wanted};
use serde_json::Value;

use crate::input::{Globals, Input, Progress, in_text_order, values};
use crate::prose::Lang;

#[derive(Args)]
#[group(id = "target", required = true, multiple = false, args = ["csv", "xlsx"])]
pub struct Flatten {
    #[command(flatten)]
    input: Input,
    /// Write a CSV file per table into this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
    /// Write a workbook with a sheet per table
    #[arg(long, value_name = "FILE")]
    xlsx: Option<PathBuf>,
    /// Language of the titles of the columns
    #[arg(long, value_enum, default_value_t = Lang::Es)]
    lang: Lang,
    /// Paths for programs (contracts/value/amount) instead of titles for people
    #[arg(long)]
    paths: bool,
    /// CSV files without the byte order mark that Excel needs to read accents
    #[arg(long)]
    no_bom: bool,
}

/// Makes tables; whether everything read is in them.
pub fn flatten(arguments: &Flatten, globals: &Globals) -> Result<bool> {
    let sources = arguments.input.sources(globals)?;
    let progress = Progress::over(&sources);
    let index = Index::read(sources, Wanted::Records, &progress.teller())?;
    // Twice: first for the columns, then for the rows.
    progress.then(2 * index.entries().len() as u64);
    let mut good = true;
    let mut layout = Layout::default();
    stream::in_order(
        in_text_order(&index),
        globals.threads(),
        |entries| {
            let mut own = Layout::default();
            let told = values(&index, &entries, &mut |_, value| own.observe(&value));
            (own, told, entries.len())
        },
        |(own, told, count)| {
            progress.advance(count);
            told.iter().for_each(|told| eprintln!("ocds: {told}"));
            good &= told.is_empty();
            layout.merge(own);
            Ok::<(), flatten::Error>(())
        },
    )?;
    let lang = match arguments.lang {
        Lang::Es => flatten::Lang::Es,
        Lang::En => flatten::Lang::En,
    };
    let headers = if arguments.paths { Headers::Paths } else { Headers::Titles(lang) };
    let options = Options { headers, bom: !arguments.no_bom, ..Options::default() };
    let mut writer = match (&arguments.csv, &arguments.xlsx) {
        (Some(folder), _) => flatten::csv(folder, &layout, &options)?,
        (None, Some(path)) => flatten::xlsx(path, &layout, &options)?,
        (None, None) => bail!("give --csv DIR or --xlsx FILE"),
    };
    stream::in_order(
        in_text_order(&index),
        globals.threads(),
        |entries| {
            let mut items = Vec::with_capacity(entries.len());
            values(&index, &entries, &mut |_, value| items.push(value));
            (items, entries.len())
        },
        |(items, count): (Vec<Value>, usize)| {
            progress.advance(count);
            items.iter().try_for_each(|item| writer.write(item))
        },
    )?;
    let report = writer.finish()?;
    for warning in &report.warnings {
        eprintln!("ocds: {}", sentence(warning));
    }
    let mut out = globals.output();
    for table in &report.tables {
        writeln!(
            out,
            "{}: {} rows, {} columns: {}",
            table.name,
            table.rows,
            table.columns,
            table.parts.join(", ")
        )?;
    }
    out.flush()?;
    Ok(good)
}

fn sentence(warning: &Warning) -> String {
    match warning {
        Warning::Skipped { items } => {
            format!(
                "{items} items are in no table: they are no objects, or records without a release in them"
            )
        }
        Warning::Folded { table } => {
            format!(
                "{table} has more unknown fields than a table can show: the others are in one column, as JSON"
            )
        }
        Warning::Cut { sheet, column, row, cells } => format!(
            "{cells} texts are longer than a cell of a workbook holds and were cut; the first is in {sheet}, row {row}, \
             {column} (--csv keeps them whole)"
        ),
        Warning::Replaced { cells } => {
            format!("{cells} texts have control characters that a workbook cannot hold; they were replaced")
        }
    }
}

#[derive(Args)]
pub struct Fields {
    #[command(flatten)]
    input: Input,
    /// Language of the titles of the fields
    #[arg(long, value_enum, default_value_t = Lang::Es)]
    lang: Lang,
    /// How the fields are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Also the fields that are never filled
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table
    Text,
    /// `[{path, titleEs, titleEn, possible, filled, known}]`
    Json,
    /// path,title,known,possible,filled
    Csv,
}

/// Tells which fields are filled; whether everything could be read.
pub fn coverage(arguments: &Fields, globals: &Globals) -> Result<bool> {
    let sources = arguments.input.sources(globals)?;
    let progress = Progress::over(&sources);
    let index = Index::read(sources, Wanted::Records, &progress.teller())?;
    progress.then(index.entries().len() as u64);
    let mut good = true;
    let mut coverage = Coverage::default();
    stream::in_order(
        in_text_order(&index),
        globals.threads(),
        |entries| {
            let mut own = Coverage::default();
            let told = values(&index, &entries, &mut |_, value| {
                own.add(value.get("compiledRelease").unwrap_or(&value))
            });
            (own, told, entries.len())
        },
        |(own, told, count)| {
            progress.advance(count);
            told.iter().for_each(|told| eprintln!("ocds: {told}"));
            good &= told.is_empty();
            coverage.merge(own);
            Ok::<(), std::io::Error>(())
        },
    )?;
    let mut out = globals.output();
    let fields: Vec<_> =
        coverage.report().into_iter().filter(|field| arguments.all || field.filled > 0).collect();
    let title = |field: &ocds::coverage::Field| {
        let title =
            arguments.lang.pick(field.title_es.unwrap_or_default(), field.title_en.unwrap_or_default());
        title.to_owned()
    };
    match arguments.format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &fields)?;
            writeln!(out)?;
        }
        Format::Csv => {
            let mut table = csv::Writer::from_writer(&mut out);
            table.write_record(["path", "title", "known", "possible", "filled"])?;
            for field in &fields {
                let (known, possible) = (field.known.to_string(), field.possible.to_string());
                table.write_record([
                    &field.path,
                    &title(field),
                    &known,
                    &possible,
                    &field.filled.to_string(),
                ])?;
            }
            table.flush()?;
        }
        Format::Text => {
            for field in &fields {
                let share = field.filled as f64 * 100.0 / field.possible.max(1) as f64;
                let (path, filled, possible) = (&field.path, field.filled, field.possible);
                let note = match (field.known, title(field)) {
                    (false, _) => {
                        arguments.lang.pick("no está en el estándar", "not in the standard").to_owned()
                    }
                    (true, title) => title,
                };
                writeln!(out, "{share:5.1} %  {filled:>9} / {possible:<9}  {path}  {note}")?;
            }
        }
    }
    if coverage.others() > 0 {
        eprintln!(
            "ocds: {} values are in more unknown fields than are counted one by one",
            coverage.others()
        );
    }
    out.flush()?;
    Ok(good)
}
