//! The `ocds` command: checks releases and packages, and compiles releases into records.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand, ValueEnum};
use indexmap::IndexMap;
use ocds::check::{self, Finding, Severity};
use ocds::merge::{self, Rules, Warning};
use ocds::package::{self, Publication};
use serde_json::{Value, json};

#[path = "main/input.rs"]
mod input;
#[path = "main/prose.rs"]
mod prose;

use prose::{Lang, sentence};

/// Open Contracting Data Standard 1.1: check and compile.
#[derive(Parser)]
#[command(name = "ocds", version)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Checks packages, releases, lists of releases, or JSON Lines of them. Exit status 1 if there are errors.
    Check {
        /// Files; `-` is standard input.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Language of the sentences.
        #[arg(long, value_enum, default_value_t = Lang::Es)]
        lang: Lang,
        /// How findings are written.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// The registered prefix that every ocid must have, such as ocds-abc123.
        #[arg(long)]
        prefix: Option<String>,
        /// The moment after which a date is in the future, RFC 3339 (default: now).
        #[arg(long)]
        now: Option<DateTime<Utc>>,
    },
    /// Compiles the releases of each process, read from packages, lists or JSON Lines.
    Compile {
        /// Files; standard input if there are none.
        files: Vec<PathBuf>,
        /// Release schema with the merge rules (default: OCDS 1.1.5 with the declared extensions).
        #[arg(long)]
        schema: Option<PathBuf>,
        /// Write versioned releases; with --package, also put them in each record.
        #[arg(long)]
        versioned: bool,
        /// Write one record package instead of one release per line.
        #[arg(long)]
        package: bool,
        /// Address of the record package (default: that of the first package read).
        #[arg(long)]
        uri: Option<String>,
        /// Name of the publisher (default: that of the first package read).
        #[arg(long)]
        publisher_name: Option<String>,
        /// Date of the record package, RFC 3339 (default: now).
        #[arg(long)]
        published_date: Option<DateTime<Utc>>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line per finding, in words.
    Text,
    /// `[{file, document, findings}]`.
    Json,
}

fn main() -> ExitCode {
    let result = match Command::parse().verb {
        Verb::Check { files, lang, format, prefix, now } => {
            check_files(&files, lang, format, prefix.as_deref(), now)
        }
        Verb::Compile { files, schema, versioned, package, uri, publisher_name, published_date } => {
            let options = Compile { schema, versioned, package, uri, publisher_name, published_date };
            compile(&files, &options).map(|()| true)
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // A reader that stopped reading (`ocds … | head`) is no error of ours.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ocds: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The clock of the machine: only the command reads it; the library is told the moment.
fn clock() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Checks files; whether all are free of errors.
fn check_files(
    files: &[PathBuf],
    lang: Lang,
    format: Format,
    prefix: Option<&str>,
    now: Option<DateTime<Utc>>,
) -> Result<bool> {
    let mut out = BufWriter::new(io::stdout().lock());
    let now = now.unwrap_or_else(clock);
    let mut reports = Vec::new();
    let mut good = true;
    for path in files {
        let name = input::name(path);
        let documents = match input::documents(path) {
            Ok(documents) => documents,
            Err(error) => {
                // The other files are still checked.
                eprintln!("ocds: {}", error.text(&name, lang));
                good = false;
                continue;
            }
        };
        let mut errors = 0;
        let mut warnings = 0;
        for (index, found) in check_documents(documents, prefix, now).into_iter().enumerate() {
            for finding in &found {
                match finding.severity {
                    Severity::Error => errors += 1,
                    Severity::Warning => warnings += 1,
                }
                if format == Format::Text {
                    let severity = match finding.severity {
                        Severity::Error => lang.pick("error", "error"),
                        Severity::Warning => lang.pick("aviso", "warning"),
                    };
                    let (pointer, rule) = (&finding.pointer, &finding.rule);
                    writeln!(
                        out,
                        "{name}:{}#{pointer}: {severity} [{rule}] {}",
                        index + 1,
                        sentence(finding, lang)
                    )?;
                }
            }
            if format == Format::Json {
                reports.push(json!({"file": name, "document": index + 1, "findings": found}));
            }
        }
        if format == Format::Text {
            let (of_errors, of_warnings) = (lang.pick("errores", "errors"), lang.pick("avisos", "warnings"));
            writeln!(out, "{name}: {errors} {of_errors}, {warnings} {of_warnings}")?;
        }
        good &= errors == 0;
    }
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut out, &reports)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(good)
}

/// The findings of each document. Bare releases, one per line or in a list, are checked together, as a package would
/// be, so that each knows those of its process before it.
fn check_documents(documents: Vec<Value>, prefix: Option<&str>, now: DateTime<Utc>) -> Vec<Vec<Finding>> {
    let is_package =
        |document: &Value| document.get("releases").is_some() || document.get("records").is_some();
    let mut found: Vec<Vec<Finding>> = documents.iter().map(|_| Vec::new()).collect();
    let mut bare = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        match document {
            package if is_package(&package) => found[index] = check::package(&package, prefix, now),
            Value::Array(releases) => {
                for (position, release) in releases.into_iter().enumerate() {
                    if is_package(&release) {
                        let within = check::package(&release, prefix, now);
                        found[index].extend(within.into_iter().map(|finding| below(finding, position)));
                    } else {
                        bare.push((index, Some(position), release));
                    }
                }
            }
            release => bare.push((index, None, release)),
        }
    }
    let releases: Vec<Value> = bare.iter().map(|(_, _, release)| release.clone()).collect();
    for ((index, position, _), own) in bare.iter().zip(check::releases(&releases, prefix, now)) {
        found[*index].extend(own.into_iter().map(|finding| match position {
            Some(position) => below(finding, *position),
            None => finding,
        }));
    }
    found
}

/// A finding of an item of a list, seen from the list.
fn below(mut finding: Finding, position: usize) -> Finding {
    finding.pointer.insert_str(0, &format!("/{position}"));
    finding
}

struct Compile {
    schema: Option<PathBuf>,
    versioned: bool,
    package: bool,
    uri: Option<String>,
    publisher_name: Option<String>,
    published_date: Option<DateTime<Utc>>,
}

/// What was read: releases by process, and the wrapper of the first package.
#[derive(Default)]
struct Gathered {
    processes: IndexMap<String, Vec<Value>>,
    wrapper: Option<Value>,
    extensions: Vec<Value>,
}

/// The documents of a file to compile.
fn read(path: &Path) -> Result<Vec<Value>> {
    input::documents(path).map_err(|fault| anyhow!(fault.text(&input::name(path), Lang::En)))
}

fn compile(files: &[PathBuf], options: &Compile) -> Result<()> {
    let own;
    let rules = match &options.schema {
        None => Rules::profile(),
        Some(path) => {
            let documents = read(path)?;
            let schema = documents.first().context("the schema is empty")?;
            own = Rules::from_schema(schema).with_context(|| input::name(path))?;
            &own
        }
    };
    let stdin = [PathBuf::from("-")];
    let mut gathered = Gathered::default();
    for path in if files.is_empty() { &stdin[..] } else { files } {
        for document in read(path)? {
            gathered.take(document).with_context(|| input::name(path))?;
        }
    }
    let mut out = BufWriter::new(io::stdout().lock());
    if options.package {
        let mut records = Vec::with_capacity(gathered.processes.len());
        for (ocid, releases) in &gathered.processes {
            warn(ocid, &merge::compiled(rules, releases).with_context(|| ocid.clone())?.warnings);
            records.push(package::record(rules, releases, options.versioned).with_context(|| ocid.clone())?);
        }
        serde_json::to_writer(&mut out, &gathered.package(options, records))?;
        writeln!(out)?;
    } else {
        let merge = if options.versioned { merge::versioned } else { merge::compiled };
        for (ocid, releases) in &gathered.processes {
            let merged = merge(rules, releases).with_context(|| ocid.clone())?;
            warn(ocid, &merged.warnings);
            serde_json::to_writer(&mut out, &merged.value)?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn warn(ocid: &str, warnings: &[Warning]) {
    for warning in warnings {
        match warning {
            Warning::DuplicateId { pointer, id, .. } => {
                eprintln!(
                    "ocds: {ocid}: {pointer} has the id {id:?} twice in one release; the last one wins"
                );
            }
            Warning::RepeatedDate { date } => {
                eprintln!("ocds: {ocid}: two releases are dated {date}; they are merged in the order given");
            }
        }
    }
}

impl Gathered {
    fn take(&mut self, document: Value) -> Result<()> {
        match document {
            Value::Array(documents) => documents.into_iter().try_for_each(|document| self.take(document)),
            Value::Object(mut package)
                if package.contains_key("releases") && !package.contains_key("tag") =>
            {
                // A record also has `releases`; its compiled release is made again.
                let releases = package.shift_remove("releases");
                if package.contains_key("version") || package.contains_key("uri") {
                    self.keep_wrapper(Value::Object(package));
                }
                self.take_list(releases)
            }
            Value::Object(mut package) if package.contains_key("records") => {
                let records = package.shift_remove("records");
                self.keep_wrapper(Value::Object(package));
                self.take_list(records)
            }
            Value::Object(release) => {
                if release.contains_key("url") && !release.contains_key("ocid") {
                    bail!(
                        "a record links to its releases instead of holding them; give the files it links to"
                    );
                }
                let Some(ocid) = release.get("ocid").and_then(Value::as_str) else {
                    bail!("a release has no ocid");
                };
                self.processes.entry(ocid.to_owned()).or_default().push(Value::Object(release));
                Ok(())
            }
            _ => bail!("this is neither a package, nor a release, nor a list of releases"),
        }
    }

    fn take_list(&mut self, list: Option<Value>) -> Result<()> {
        match list {
            Some(Value::Array(items)) => items.into_iter().try_for_each(|item| self.take(item)),
            _ => bail!("releases or records is not a list"),
        }
    }

    fn keep_wrapper(&mut self, wrapper: Value) {
        for extension in wrapper["extensions"].as_array().into_iter().flatten() {
            if !self.extensions.contains(extension) {
                self.extensions.push(extension.clone());
            }
        }
        self.wrapper.get_or_insert(wrapper);
    }

    /// The record package. It has what the first package read says of itself, unless told otherwise.
    fn package(&self, options: &Compile, records: Vec<Value>) -> Value {
        let nothing = Value::Null;
        let wrapper = self.wrapper.as_ref().unwrap_or(&nothing);
        let text = |path: &str| wrapper.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let publication = Publication {
            publisher_name: options
                .publisher_name
                .clone()
                .or_else(|| text("/publisher/name"))
                .unwrap_or_default(),
            publisher_scheme: text("/publisher/scheme"),
            publisher_uid: text("/publisher/uid"),
            publisher_uri: text("/publisher/uri"),
            license: text("/license"),
            publication_policy: text("/publicationPolicy"),
        };
        let uri = options.uri.clone().or_else(|| text("/uri")).unwrap_or_default();
        let published = options.published_date.unwrap_or_else(clock);
        let mut package = package::records(&publication, &uri, published, records);
        if !self.extensions.is_empty() {
            package["extensions"] = json!(self.extensions);
        }
        for (value, option) in [(&uri, "--uri"), (&publication.publisher_name, "--publisher-name")] {
            if value.is_empty() {
                eprintln!("ocds: nothing read says what {option} is; the package is not valid without it");
            }
        }
        package
    }
}
