//! The verb `compile`.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use ocds::json::{self, Json, Style, Writer};
use ocds::merge::{self, MergeError, Rules, Warning};
use ocds::stream::{self, Group, Index, Process, Wanted};
use serde_json::Value;

use crate::input::{BATCH, Globals, Input, Progress, batches};
use crate::packaging::{Chosen, Metadata};

#[derive(Args)]
pub struct Compile {
    #[command(flatten)]
    input: Input,
    /// Release schema with the merge rules (default: OCDS 1.1.5 with the extensions that the packages declare)
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Wrap the compiled releases in a record package
    #[arg(long)]
    package: bool,
    /// With --package, link to the releases of packages that have a uri instead of repeating them
    #[arg(long)]
    linked_releases: bool,
    /// With --package, add a versioned release to each record; otherwise, write versioned releases instead
    #[arg(long)]
    versioned: bool,
    /// The releases of each process follow one another: read only once, and keep the order
    #[arg(long)]
    grouped: bool,
    #[command(flatten)]
    metadata: Metadata,
}

/// Compiles; whether every process could be.
pub fn run(arguments: &Compile, globals: &Globals) -> Result<bool> {
    let own = arguments.schema.as_deref().map(rules_of).transpose()?;
    let sources = arguments.input.sources(globals)?;
    let progress = Progress::over(&sources);
    let good = AtomicBool::new(true);
    let mut out = globals.output();
    let threads = globals.threads();
    if arguments.grouped {
        let work = Work {
            arguments,
            style: globals.style(),
            rules: own.as_ref().unwrap_or_else(|| Rules::profile()),
            index: None,
        };
        grouped(&work, sources, threads, &progress.teller(), &good, &mut out)?;
    } else {
        let index = Index::read(sources, Wanted::Releases, &progress.teller())?;
        let chosen = match own {
            Some(rules) => Chosen::Declared(rules),
            None => Chosen::by(index.packages())?,
        };
        let rules = chosen.rules();
        let work = Work { arguments, style: globals.style(), rules, index: Some(&index) };
        indexed(&work, &index, threads, &good, &mut out)?;
    }
    out.flush()?;
    Ok(good.into_inner())
}

fn rules_of(path: &Path) -> Result<Rules> {
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("{name}"))?;
    let schema: Value = serde_json::from_slice(&bytes).with_context(|| format!("{name}"))?;
    Rules::from_schema(&schema).with_context(|| format!("{name}"))
}

fn indexed(
    work: &Work<'_>,
    index: &Index,
    threads: NonZeroUsize,
    good: &AtomicBool,
    out: &mut (impl Write + Send),
) -> Result<()> {
    let processes = index.processes();
    let mut list = Listing::begin(work, Some(index.packages()), out)?;
    let batches = batches(index, &processes);
    let result = stream::in_order(
        batches.into_iter(),
        threads,
        |batch| {
            let mut done = work.begin();
            for process in batch {
                work.compile_process(index, process, &mut done);
            }
            done
        },
        |done| list.add(done, good),
    );
    result?;
    list.end(None)
}

fn grouped(
    work: &Work<'_>,
    sources: Vec<stream::Source>,
    threads: NonZeroUsize,
    progress: &(dyn Fn(u64) + Sync),
    good: &AtomicBool,
    out: &mut (impl Write + Send),
) -> Result<()> {
    let mut list = Listing::begin(work, None, out)?;
    let (send, receive) = mpsc::sync_channel::<Vec<Group>>(1);
    let packages = std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            let mut batch = Vec::new();
            let mut size = 0;
            let packages = stream::grouped(sources, progress, &mut |group| {
                size += group.texts.size();
                batch.push(group);
                // Nobody listens any more once writing has failed.
                size < BATCH || {
                    size = 0;
                    send.send(std::mem::take(&mut batch)).is_ok()
                }
            });
            let _ = send.send(batch);
            packages
        });
        let written = stream::in_order(
            receive.into_iter(),
            threads,
            |batch| {
                let mut done = work.begin();
                for group in &batch {
                    let ocid = group.ocid.as_deref();
                    work.compile_texts(ocid, group.texts.iter().map(|text| (None, text)), &mut done);
                }
                done
            },
            |done| list.add(done, good),
        );
        let packages = reading.join().map_err(|_| anyhow!("reading ended abruptly"))?;
        written?;
        anyhow::Ok(packages?)
    })?;
    list.end(Some(&packages))
}

/// What compiling needs, the same in every thread.
struct Work<'w> {
    arguments: &'w Compile,
    style: Style,
    rules: &'w Rules,
    index: Option<&'w Index>,
}

/// What a batch has become.
struct Done {
    writer: Writer,
    count: usize,
    /// What to tell about it: warnings, and processes that could not be compiled.
    told: Vec<String>,
    failed: bool,
}

impl Work<'_> {
    fn begin(&self) -> Done {
        let style = self.style;
        let writer = if self.arguments.package { Writer::within(style, 2) } else { Writer::new(style) };
        Done { writer, count: 0, told: Vec::new(), failed: false }
    }

    fn compile_process(&self, index: &Index, process: &Process, done: &mut Done) {
        match index.texts(&process.entries) {
            Ok(texts) => {
                let entries = process.entries.iter().map(|entry| Some(*entry));
                self.compile_texts(index.ocid(process.ocid), entries.zip(texts.iter()), done);
            }
            Err(error) => {
                done.told.push(error.to_string());
                done.failed = true;
            }
        }
    }

    fn compile_texts<'t>(
        &self,
        ocid: Option<&str>,
        texts: impl Iterator<Item = (Option<u32>, &'t [u8])>,
        done: &mut Done,
    ) {
        let mark = done.writer.mark();
        if let Err(error) = self.try_compile(ocid, texts, done) {
            done.writer.rewind(mark);
            done.told.push(error);
            done.failed = true;
        }
    }

    fn try_compile<'t>(
        &self,
        ocid: Option<&str>,
        texts: impl Iterator<Item = (Option<u32>, &'t [u8])>,
        done: &mut Done,
    ) -> Result<(), String> {
        let mut entries = Vec::new();
        let mut releases = Vec::new();
        for (entry, text) in texts {
            let parsed = match (self.index, entry) {
                (Some(index), Some(entry)) => index.parse(entry, text).map_err(|error| error.to_string()),
                _ => parse(ocid, text),
            }?;
            entries.push(entry);
            releases.push(parsed.value);
        }
        let Some(ocid) = ocid else {
            let place = match (self.index, entries.first().copied().flatten()) {
                (Some(index), Some(entry)) => format!("{}: ", index.place(entry)),
                _ => String::new(),
            };
            return Err(format!("{place}{}", without_ocid(releases.first())));
        };
        // It is found as if it were a release, but merging it would make one out of the record.
        if releases.iter().any(|release| release.get("compiledRelease").is_some()) {
            return Err(format!("{ocid}: a record has no releases to compile"));
        }
        let told = |error: MergeError| format!("{ocid}: {error}");
        let rules = self.rules;
        let (package, versioned) = (self.arguments.package, self.arguments.versioned);
        let writer = &mut done.writer;
        let warnings = if package {
            writer.begin_object();
            writer.name("ocid");
            writer.string(ocid);
            writer.name("releases");
            writer.begin_array();
            for (entry, release) in entries.iter().zip(&releases) {
                self.release(*entry, release, writer);
            }
            writer.end_array();
            writer.name("compiledRelease");
            let warnings = merge::write_compiled(rules, &releases, writer).map_err(told)?;
            if versioned {
                writer.name("versionedRelease");
                merge::write_versioned(rules, &releases, writer).map_err(told)?;
            }
            writer.end_object();
            warnings
        } else {
            let write = if versioned { merge::write_versioned } else { merge::write_compiled };
            let warnings = write(rules, &releases, writer).map_err(told)?;
            writer.end_document();
            warnings
        };
        done.count += 1;
        done.told.extend(warnings.iter().map(|warning| format!("{ocid}: {}", sentence(warning))));
        Ok(())
    }

    /// A release of a record: itself, or a link to it.
    fn release(&self, entry: Option<u32>, release: &Json<'_>, writer: &mut Writer) {
        let uri = self
            .index
            .filter(|_| self.arguments.linked_releases)
            .and_then(|index| index.package_of(entry?)?.value["uri"].as_str())
            .filter(|uri| !uri.is_empty());
        let Some(uri) = uri else { return writer.json(release) };
        let id = release.get("id").and_then(Json::text).unwrap_or_default();
        writer.begin_object();
        writer.name("url");
        writer.string(&format!("{uri}#{id}"));
        for name in ["date", "tag"] {
            if let Some(value) = release.get(name) {
                writer.name(name);
                writer.json(value);
            }
        }
        writer.end_object();
    }
}

fn parse<'t>(ocid: Option<&str>, text: &'t [u8]) -> Result<json::Parsed<'t>, String> {
    let name = ocid.unwrap_or("a release without ocid");
    let text = std::str::from_utf8(text).map_err(|_| format!("{name}: the text is not UTF-8"))?;
    json::parse(text).map_err(|error| format!("{name}: {error} of the release"))
}

fn without_ocid(release: Option<&Json<'_>>) -> &'static str {
    match release {
        Some(Json::Object(_)) => {
            let is = |name| release.is_some_and(|release| release.get(name).is_some());
            if is("url") {
                "a record links to its releases instead of holding them; give the files it links to"
            } else if is("releases") || is("records") {
                "releases or records is not a list"
            } else {
                "a release has no ocid"
            }
        }
        _ => "this is neither a package, nor a release, nor a list of releases",
    }
}

fn sentence(warning: &Warning) -> String {
    match warning {
        Warning::DuplicateId { pointer, id, .. } => {
            format!("{pointer} has the id {id:?} twice in one release; the last one wins")
        }
        Warning::RepeatedDate { date } => {
            format!("two releases are dated {date}; they are merged in the order given")
        }
    }
}

/// Compiled releases, one per line; or the records of a package.
struct Listing<'l, W> {
    out: &'l mut W,
    arguments: &'l Compile,
    style: Style,
    count: usize,
}

impl<'l, W: Write> Listing<'l, W> {
    /// `packages`: what the sources say about themselves, if that is known already.
    fn begin(work: &Work<'l>, packages: Option<&[stream::Package]>, out: &'l mut W) -> Result<Self> {
        let (arguments, style) = (work.arguments, work.style);
        if arguments.package {
            let mut writer = Writer::new(style);
            writer.begin_object();
            if let Some(packages) = packages {
                arguments.metadata.write(packages, &mut writer);
            }
            writer.name("records");
            writer.begin_array();
            out.write_all(writer.bytes())?;
        }
        Ok(Listing { out, arguments, style, count: 0 })
    }

    fn add(&mut self, done: Done, good: &AtomicBool) -> io::Result<()> {
        for told in &done.told {
            eprintln!("ocds: {told}");
        }
        if done.failed {
            good.store(false, Ordering::Relaxed);
        }
        if self.arguments.package && self.count > 0 && done.count > 0 {
            self.out.write_all(b",")?;
        }
        self.count += done.count;
        self.out.write_all(done.writer.bytes())
    }

    /// `packages`: what the sources say about themselves, if that was not known at the beginning.
    fn end(self, packages: Option<&[stream::Package]>) -> Result<()> {
        if self.arguments.package {
            let mut writer = Writer::within(self.style, 2);
            writer.end_array_of_pieces(self.count > 0);
            if let Some(packages) = packages {
                self.arguments.metadata.write(packages, &mut writer);
            }
            writer.end_object();
            writer.end_document();
            self.out.write_all(writer.bytes())?;
        }
        Ok(())
    }
}
