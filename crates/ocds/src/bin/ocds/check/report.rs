//! What was found in a file, told by cause.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use ocds::check::{Finding, Severity};
use serde_json::{Value, json};

use super::Format;
use crate::prose::{Lang, sentence};

/// Places told of each cause.
const PLACES: usize = 4;
/// Findings kept for the JSON report: more than anybody reads.
const MOST: usize = 1_000_000;

/// Something that could not be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unchecked {
    /// A release of OCDS 1.0.
    OldRelease,
    /// The releases that a record links to.
    LinkedRecord,
}

/// What was found in one file.
pub struct Report {
    name: String,
    kept: Kept,
    errors: usize,
    warnings: usize,
    unchecked: HashMap<Unchecked, usize>,
}

/// What is kept of the findings: what will be written, so that the text about a large publication full of errors takes
/// no more memory than its causes.
enum Kept {
    /// All of them, each with its document.
    All(Vec<(u32, Finding)>),
    ByCause(Causes),
}

impl Report {
    pub fn new(name: String, format: Format) -> Report {
        let kept = match format {
            Format::Text => Kept::ByCause(Causes::default()),
            Format::Json => Kept::All(Vec::new()),
        };
        Report { name, kept, errors: 0, warnings: 0, unchecked: HashMap::new() }
    }

    /// Adds what was found at a place of a document. Everything about one place is added together.
    pub fn add(&mut self, document: u32, place: &str, finding: Finding) {
        match finding.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        match &mut self.kept {
            Kept::ByCause(causes) => causes.add(document, place, finding.below(place)),
            Kept::All(findings) if findings.len() < MOST => findings.push((document, finding.below(place))),
            Kept::All(_) => {}
        }
    }

    pub fn unchecked(&mut self, unchecked: &[Unchecked]) {
        for what in unchecked {
            *self.unchecked.entry(*what).or_default() += 1;
        }
    }

    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Writes the report, in the format that it was made for.
    pub fn write(&self, lang: Lang, with_prefix: bool, out: &mut impl Write) -> io::Result<()> {
        match &self.kept {
            Kept::ByCause(causes) => self.write_text(causes, lang, with_prefix, out),
            Kept::All(findings) => self.write_json(findings, out),
        }
    }

    /// One line per cause: where, how serious, which rule, what to do; then where else.
    fn write_text(
        &self,
        causes: &Causes,
        lang: Lang,
        with_prefix: bool,
        out: &mut impl Write,
    ) -> io::Result<()> {
        for cause in causes.sorted() {
            let Some(((document, finding), others)) = cause.places.split_first() else { continue };
            let severity = match finding.severity {
                Severity::Error => lang.pick("error", "error"),
                Severity::Warning => lang.pick("aviso", "warning"),
            };
            let (name, rule) = (&self.name, &finding.rule);
            let (place, text) = (place(*document, finding), sentence(finding, lang));
            writeln!(out, "{name}:{place}: {severity} [{rule}] {text}")?;
            if cause.count > 1 {
                let others: Vec<String> =
                    others.iter().map(|(document, finding)| self::place(*document, finding)).collect();
                let others = others.join(", ");
                let more = if cause.count > PLACES { ", …" } else { "" };
                let count = cause.count - 1;
                let also = match lang {
                    Lang::Es if count == 1 => "también en 1 lugar más".to_owned(),
                    Lang::Es => format!("también en {count} lugares más"),
                    Lang::En if count == 1 => "also in 1 more place".to_owned(),
                    Lang::En => format!("also in {count} more places"),
                };
                writeln!(out, "    {also}: {others}{more}")?;
            }
        }
        let one_or_many = |count, one, many| format!("{count} {}", if count == 1 { one } else { many });
        let errors = one_or_many(self.errors, lang.pick("error", "error"), lang.pick("errores", "errors"));
        let warnings =
            one_or_many(self.warnings, lang.pick("aviso", "warning"), lang.pick("avisos", "warnings"));
        writeln!(out, "{}: {errors}, {warnings}", self.name)?;
        let unchecked = self.unchecked_texts(lang, with_prefix).join("; ");
        writeln!(out, "    {}: {unchecked}.", lang.pick("No se revisó", "Not checked"))
    }

    /// `{file, errors, warnings, notChecked, findings: [{document, pointer, rule, severity, params}]}`.
    fn write_json(&self, findings: &[(u32, Finding)], out: &mut impl Write) -> io::Result<()> {
        let mut sorted: Vec<&(u32, Finding)> = findings.iter().collect();
        sorted.sort_by(|a, b| by_place(a, b));
        let findings: Vec<Value> = sorted
            .into_iter()
            .map(|(document, finding)| {
                let mut told = json!({"document": document + 1});
                if let (Value::Object(told), Ok(Value::Object(own))) =
                    (&mut told, serde_json::to_value(finding))
                {
                    told.extend(own);
                }
                told
            })
            .collect();
        let count = |what| self.unchecked.get(&what).copied().unwrap_or_default();
        let report = json!({
            "file": self.name, "errors": self.errors, "warnings": self.warnings,
            "notChecked": {"releases of OCDS 1.0": count(Unchecked::OldRelease),
                "records with linked releases": count(Unchecked::LinkedRecord)},
            "findings": findings,
        });
        serde_json::to_writer_pretty(out, &report).map_err(io::Error::from)
    }

    /// What the reader must know that nobody looked at.
    fn unchecked_texts(&self, lang: Lang, with_prefix: bool) -> Vec<String> {
        let mut texts = Vec::new();
        let count = |what| self.unchecked.get(&what).copied().unwrap_or_default();
        match count(Unchecked::OldRelease) {
            0 => {}
            some => texts.push(match lang {
                Lang::Es => format!("{some} versiones de OCDS 1.0 (conviértelas a 1.1 para revisarlas)"),
                Lang::En => format!("{some} releases of OCDS 1.0 (upgrade them to 1.1 to have them checked)"),
            }),
        }
        match count(Unchecked::LinkedRecord) {
            0 => {}
            some => texts.push(match lang {
                Lang::Es => format!("lo que suman {some} registros cuyas versiones son enlaces"),
                Lang::En => format!("what {some} records with linked releases add up to"),
            }),
        }
        if !with_prefix {
            texts.push(
                lang.pick(
                    "si el prefijo del OCID está registrado (usa --prefix)",
                    "whether the OCID prefix is registered (use --prefix)",
                )
                .to_owned(),
            );
        }
        texts.push(lang.pick("si los enlaces abren", "whether links open").to_owned());
        texts.push(
            lang.pick("si lo que dicen los datos es verdad", "whether what the data say is true").to_owned(),
        );
        texts
    }
}

/// Findings by what is the same about them, wherever they were found.
#[derive(Default)]
struct Causes {
    causes: Vec<Cause>,
    known: HashMap<Key, usize>,
    /// The place about which findings are being added, and the causes and places that it has had: a place is counted
    /// once, also if several things of one cause are wrong with it.
    now: (u32, String),
    seen: HashSet<(usize, String)>,
}

/// Rule, reason, severity, place without positions.
type Key = (String, String, Severity, String);

struct Cause {
    /// How many places.
    count: usize,
    /// The first of them, sorted.
    places: Vec<(u32, Finding)>,
}

impl Causes {
    fn add(&mut self, document: u32, below: &str, finding: Finding) {
        if self.now.0 != document || self.now.1 != below {
            self.now = (document, below.to_owned());
            self.seen.clear();
        }
        let reason = finding.params.get("reason").and_then(Value::as_str).unwrap_or_default();
        let key = (finding.rule.clone(), reason.to_owned(), finding.severity, general(&finding));
        let number = *self.known.entry(key).or_insert_with(|| {
            self.causes.push(Cause { count: 0, places: Vec::new() });
            self.causes.len() - 1
        });
        if !self.seen.insert((number, finding.pointer.clone())) {
            return;
        }
        let cause = &mut self.causes[number];
        cause.count += 1;
        let found = (document, finding);
        let at = cause.places.partition_point(|other| by_place(other, &found) != Ordering::Greater);
        if at < PLACES {
            cause.places.truncate(PLACES - 1);
            cause.places.insert(at, found);
        }
    }

    /// Errors first, then by the first place.
    fn sorted(&self) -> Vec<&Cause> {
        let mut causes: Vec<&Cause> = self.causes.iter().collect();
        causes.sort_by(|a, b| match (a.places.first(), b.places.first()) {
            (Some(a), Some(b)) => a.1.severity.cmp(&b.1.severity).then_with(|| by_place(a, b)),
            (a, b) => a.is_some().cmp(&b.is_some()),
        });
        causes
    }
}

fn place(document: u32, finding: &Finding) -> String {
    format!("{}#{}", document + 1, finding.pointer)
}

/// The pointer without the positions of items, and the field that a finding is about.
fn general(finding: &Finding) -> String {
    let steps = finding.pointer.split('/').map(|step| if step.parse::<u32>().is_ok() { "*" } else { step });
    let field = finding.params.get("field").and_then(Value::as_str).unwrap_or_default();
    format!("{} {field}", steps.collect::<Vec<_>>().join("/"))
}

/// Sorts by place, positions as numbers.
fn by_place(a: &(u32, Finding), b: &(u32, Finding)) -> Ordering {
    a.0.cmp(&b.0).then_with(|| numbers(&a.1.pointer).cmp(numbers(&b.1.pointer)))
}

fn numbers(pointer: &str) -> impl Iterator<Item = (u32, &str)> {
    pointer.split('/').map(|step| (step.parse().unwrap_or_default(), step))
}
