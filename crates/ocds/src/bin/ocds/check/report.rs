//! What was found in a file, told by cause.

use std::collections::HashMap;
use std::io::{self, Write};

use ocds::check::{Finding, Severity};
use serde_json::{Value, json};

use crate::prose::{Lang, sentence};

/// Places told of each cause.
const PLACES: usize = 4;
/// Findings kept for the JSON report and the causes: more than anybody reads.
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
    findings: Vec<(u32, Finding)>,
    errors: usize,
    warnings: usize,
    unchecked: HashMap<Unchecked, usize>,
}

impl Report {
    pub fn new(name: String) -> Report {
        Report { name, findings: Vec::new(), errors: 0, warnings: 0, unchecked: HashMap::new() }
    }

    /// Adds what was found at a place of a document.
    pub fn add(&mut self, document: u32, place: String, finding: Finding) {
        match finding.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        if self.findings.len() < MOST {
            self.findings.push((document, finding.below(&place)));
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

    /// One line per cause: where, how serious, which rule, what to do; then where else.
    pub fn write_text(&self, lang: Lang, with_prefix: bool, out: &mut impl Write) -> io::Result<()> {
        for cause in self.causes() {
            let (document, finding) = cause.first;
            let severity = match finding.severity {
                Severity::Error => lang.pick("error", "error"),
                Severity::Warning => lang.pick("aviso", "warning"),
            };
            let (name, rule) = (&self.name, &finding.rule);
            let (place, text) = (place(*document, finding), sentence(finding, lang));
            writeln!(out, "{name}:{place}: {severity} [{rule}] {text}")?;
            if cause.count > 1 {
                let others = cause.others.join(", ");
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
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        let findings: Vec<Value> = self
            .sorted()
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

    fn sorted(&self) -> Vec<&(u32, Finding)> {
        let mut findings: Vec<&(u32, Finding)> = self.findings.iter().collect();
        findings.sort_by_cached_key(|(document, finding)| (*document, numbers(&finding.pointer)));
        findings
    }

    fn causes(&self) -> Vec<Cause<'_>> {
        let mut causes: Vec<Cause<'_>> = Vec::new();
        let mut known: HashMap<(&str, &str, Severity, String), usize> = HashMap::new();
        for at in self.sorted() {
            let (document, finding) = at;
            let reason = finding.params.get("reason").and_then(Value::as_str).unwrap_or_default();
            let key = (finding.rule.as_str(), reason, finding.severity, general(finding));
            match known.get(&key) {
                None => {
                    known.insert(key, causes.len());
                    causes.push(Cause { first: at, count: 1, others: Vec::new() });
                }
                Some(cause) => {
                    let cause = &mut causes[*cause];
                    cause.count += 1;
                    if cause.count <= PLACES {
                        cause.others.push(place(*document, finding));
                    }
                }
            }
        }
        causes.sort_by_key(|cause| cause.first.1.severity);
        causes
    }
}

/// The same thing, wherever it was found.
struct Cause<'f> {
    first: &'f (u32, Finding),
    count: usize,
    others: Vec<String>,
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

/// A pointer that sorts its positions as numbers.
fn numbers(pointer: &str) -> Vec<(u32, &str)> {
    pointer.split('/').map(|step| (step.parse().unwrap_or_default(), step)).collect()
}
