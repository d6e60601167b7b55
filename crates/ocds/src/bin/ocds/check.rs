//! The verb `check`.

mod report;

use std::io::{self, Write};

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use ocds::check::{self, Finding};
use ocds::stream::{self, Cause, Index, Process, Source, Wanted};
use serde_json::Value;

use crate::input::{Globals, Input, Progress, batches};
use crate::prose::Lang;
use report::{Report, Unchecked};

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    input: Input,
    /// Language of the sentences
    #[arg(long, value_enum, default_value_t = Lang::Es)]
    lang: Lang,
    /// How findings are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The registered prefix that every ocid must have, such as ocds-abc123
    #[arg(long)]
    prefix: Option<String>,
    /// The moment after which a date is in the future, RFC 3339 (default: now)
    #[arg(long, value_name = "DATE")]
    now: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One line per cause, in words
    Text,
    /// One array with an object per file, in which every finding is told
    Json,
}

/// Checks; whether everything is free of errors.
pub fn run(arguments: &Check, globals: &Globals) -> Result<bool> {
    let sources = arguments.input.sources(globals)?;
    let progress = Progress::over(&sources);
    let now = arguments.now.unwrap_or_else(|| std::time::SystemTime::now().into());
    let case = Case { prefix: arguments.prefix.as_deref(), format: arguments.format, now };
    let mut out = globals.output();
    let mut good = true;
    if arguments.format == Format::Json {
        out.write_all(b"[")?;
    }
    for (number, source) in sources.into_iter().enumerate() {
        // The other files are still checked.
        let report = case.source(source, globals, &progress);
        good &= report.errors() == 0;
        if arguments.format == Format::Json {
            out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
        }
        report.write(arguments.lang, case.prefix.is_some(), &mut out)?;
    }
    if arguments.format == Format::Json {
        out.write_all(b"\n]\n")?;
    }
    out.flush()?;
    Ok(good)
}

/// What everything is checked against.
struct Case<'c> {
    prefix: Option<&'c str>,
    format: Format,
    now: DateTime<Utc>,
}

/// What was found in a piece of work.
#[derive(Default)]
struct Found {
    /// Entry and finding.
    findings: Vec<(u32, Finding)>,
    unchecked: Vec<Unchecked>,
}

impl Case<'_> {
    fn source(&self, source: Source, globals: &Globals, progress: &Progress) -> Report {
        let name = source.name().to_owned();
        let index = match Index::read(vec![source], Wanted::Records, &progress.teller()) {
            Ok(index) => index,
            Err(error) => {
                let mut report = Report::new(name, self.format);
                report.add(0, "", check::unreadable(&error.cause));
                return report;
            }
        };
        let mut report = Report::new(name, self.format);
        if index.has_mark(0) {
            report.add(0, "", check::mark());
        }
        let mut old = Vec::new();
        let mut counts = vec![0_usize; index.packages().len()];
        for (number, _) in index.entries().iter().enumerate() {
            if let Some(at) = index.package_at(number as u32) {
                counts[at] += 1;
            }
        }
        for (number, (package, count)) in index.packages().iter().zip(counts).enumerate() {
            for oddity in &package.odd {
                report.add(package.document, &package.position.pointer(), check::odd(oddity));
            }
            if package.value["version"].as_str().is_some_and(|version| version.starts_with("1.0")) {
                old.push(number);
            }
            for finding in check::wrapper(&package.value, count, self.now) {
                report.add(package.document, &package.position.pointer(), finding);
            }
        }
        let processes = index.processes();
        let work = |batch: &[Process]| {
            let mut found = Found::default();
            batch.iter().for_each(|process| self.process(&index, process, &old, &mut found));
            found
        };
        let taken =
            stream::in_order(batches(&index, &processes).into_iter(), globals.threads(), work, |found| {
                for (entry, finding) in found.findings {
                    let entry = &index.entries()[entry as usize];
                    report.add(entry.document, &entry.pointer(), finding);
                }
                report.unchecked(&found.unchecked);
                Ok::<(), io::Error>(())
            });
        if let Err(error) = taken {
            report.add(0, "", check::unreadable(&Cause::Io(error)));
        }
        report
    }

    /// Checks what has one ocid: its releases together, each record by itself.
    fn process(&self, index: &Index, process: &Process, old: &[usize], found: &mut Found) {
        let texts = match index.texts(&process.entries) {
            Ok(texts) => texts,
            Err(error) => {
                let entry = process.entries.first().copied().unwrap_or_default();
                return found.findings.push((entry, check::unreadable(&error.cause)));
            }
        };
        let mut releases: Vec<(u32, Value)> = Vec::new();
        for (&entry, text) in process.entries.iter().zip(texts.iter()) {
            if index.package_at(entry).is_some_and(|package| old.binary_search(&package).is_ok()) {
                found.unchecked.push(Unchecked::OldRelease);
                continue;
            }
            let parsed = match index.parse(entry, text) {
                Ok(parsed) => parsed,
                Err(error) => {
                    found.findings.push((entry, check::unreadable(&error.cause)));
                    continue;
                }
            };
            found.findings.extend(parsed.odd.iter().map(|oddity| (entry, check::odd(oddity))));
            // What cannot be a value has been told as odd.
            let Some(value) = parsed.value.to_value() else { continue };
            if value.get("ocid").is_none()
                && (value.get("releases").is_some() || value.get("records").is_some())
            {
                // A package whose list is no list.
                let own = check::wrapper(&value, 0, self.now);
                found.findings.extend(own.into_iter().map(|finding| (entry, finding)));
            } else if value.get("releases").is_some() || value.get("compiledRelease").is_some() {
                if value["releases"].get(0).is_some_and(|release| release.get("url").is_some()) {
                    found.unchecked.push(Unchecked::LinkedRecord);
                }
                let own = check::record(&value, self.prefix, self.now);
                found.findings.extend(own.into_iter().map(|finding| (entry, finding)));
            } else if value.get("ocid").is_some() || value.get("tag").is_some() || value.get("date").is_some()
            {
                releases.push((entry, value));
            } else {
                found.findings.push((entry, check::not_ocds(&value)));
            }
        }
        let own: Vec<&Value> = releases.iter().map(|(_, release)| release).collect();
        for ((entry, _), own) in releases.iter().zip(check::process(&own, self.prefix, self.now)) {
            found.findings.extend(own.into_iter().map(|finding| (*entry, finding)));
        }
    }
}
