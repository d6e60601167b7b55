//! Codelists, open and closed (OCDS 1.1, "Codelists"), with short titles in Spanish and English.
//!
//! ```
//! use ocds::codelist;
//!
//! let currencies = codelist::get("currency.csv").unwrap();
//! assert!(currencies.contains("MXN") && !currencies.contains("mxn"));
//! assert_eq!(currencies.code("MXN").unwrap().title_es, "Peso mexicano");
//! ```
//!
//! The lists are those of OCDS 1.1.5 and of the declared extensions, with what the extensions add to a list of the
//! standard (`partyRole`) and the codes of EDCA-MX for `documentType` and `milestoneType`. Whether a list is closed
//! is said by the schema (`openCodelist` of each field), not by the list.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// A codelist: of the standard or an extension, with what the declared extensions and EDCA-MX add to it.
#[derive(Debug)]
pub struct Codelist {
    /// Its name, without `.csv`.
    pub name: &'static str,
    /// Its codes, each once: in the order of the file, then those that are added.
    pub codes: Vec<Code>,
    index: HashSet<&'static str>,
}

/// A code and what to call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code, which is case-sensitive.
    pub code: &'static str,
    /// Title in Spanish; the code itself for a media type that people seldom meet.
    pub title_es: &'static str,
    /// Title in English; the code itself for a media type that people seldom meet.
    pub title_en: &'static str,
}

impl Codelist {
    /// Whether a code is in the list, exactly as written: codes are case-sensitive.
    pub fn contains(&self, code: &str) -> bool {
        self.index.contains(code)
    }

    /// A code of the list with its titles, if it is in it exactly as written.
    pub fn code(&self, code: &str) -> Option<&Code> {
        self.codes.iter().find(|candidate| candidate.code == code)
    }
}

/// A codelist by name, `"documentType"` or, as the schema writes it, `"documentType.csv"`. `None` if there is no such
/// list.
pub fn get(name: &str) -> Option<&'static Codelist> {
    LISTS.get(name.strip_suffix(".csv").unwrap_or(name))
}

/// The names of all codelists, without `.csv`, in no particular order.
pub fn names() -> impl Iterator<Item = &'static str> {
    LISTS.keys().copied()
}

macro_rules! files {
    ($($name:literal: $($path:literal),+;)+) => {
        &[$(($name, &[$(include_str!(concat!("../../../schemas/ocds/codelists/", $path))),+])),+]
    };
}

/// Each list, and the files it is made of: the list itself and what is added to it.
const FILES: &[(&str, &[&str])] = files! {
    "awardCriteria": "awardCriteria.csv";
    "awardStatus": "awardStatus.csv";
    "contractStatus": "contractStatus.csv";
    "currency": "currency.csv";
    "documentType": "documentType.csv", "edca-mx/+documentType.csv";
    "extendedProcurementCategory": "extendedProcurementCategory.csv";
    "geometryType": "geometryType.csv";
    "guaranteeType": "guaranteeType.csv";
    "guaranteedObligations": "guaranteedObligations.csv";
    "implementationStatus": "implementationStatus.csv";
    "initiationType": "initiationType.csv";
    "itemClassificationScheme": "itemClassificationScheme.csv";
    "locationGazetteers": "locationGazetteers.csv";
    "mediaType": "mediaType.csv";
    "method": "method.csv";
    "metricID": "metricID.csv";
    "milestoneStatus": "milestoneStatus.csv";
    "milestoneType": "milestoneType.csv", "edca-mx/+milestoneType.csv";
    "partyRole": "partyRole.csv", "budget_breakdown/+partyRole.csv", "guarantees/+partyRole.csv",
        "procurementUnits/+partyRole.csv";
    "paymentMethod": "paymentMethod.csv";
    "procurementCategory": "procurementCategory.csv";
    "relatedProcess": "relatedProcess.csv";
    "relatedProcessScheme": "relatedProcessScheme.csv";
    "releaseTag": "releaseTag.csv";
    "submissionMethod": "submissionMethod.csv";
    "surveillanceMechanisms": "surveillanceMechanisms.csv";
    "tenderStatus": "tenderStatus.csv";
    "unitClassificationScheme": "unitClassificationScheme.csv";
};

static LISTS: LazyLock<HashMap<&'static str, Codelist>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|&(name, files)| {
            let codes: Vec<Code> = files.iter().flat_map(|file| file.lines().skip(1)).map(read).collect();
            let index = codes.iter().map(|code| code.code).collect();
            (name, Codelist { name, codes, index })
        })
        .collect()
});

/// One line of our own files: `code,title_es,title_en`. A title with a comma is in quotes; none has a quote in it
/// (a test reads the files with a CSV library and compares).
fn read(line: &'static str) -> Code {
    let (code, rest) = line.split_once(',').unwrap_or((line, ","));
    let (title_es, title_en) = match rest.strip_prefix('"').and_then(|rest| rest.split_once("\",")) {
        Some(titles) => titles,
        None => rest.split_once(',').unwrap_or((rest, "")),
    };
    let title = |text: &'static str| match text.trim_matches('"') {
        "" => code,
        text => text,
    };
    Code { code, title_es: title(title_es), title_en: title(title_en) }
}
