//! Codelists, open and closed, with short titles in Spanish and English.
//!
//! The lists are those of OCDS 1.1.5 and of the declared extensions, with what the extensions add to a list of the
//! standard (`partyRole`) and the codes of EDCA-MX for `documentType` and `milestoneType`. Whether a list is closed
//! is said by the schema, not by the list.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// A codelist.
#[derive(Debug)]
pub struct Codelist {
    /// Its name, without `.csv`.
    pub name: &'static str,
    /// Its codes, in the order of the file.
    pub codes: Vec<Code>,
    index: HashSet<&'static str>,
}

/// A code and what to call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code, which is case-sensitive.
    pub code: &'static str,
    /// Title in Spanish; the code itself where we have no better word.
    pub title_es: &'static str,
    /// Title in English; the code itself where we have no better word.
    pub title_en: &'static str,
}

impl Codelist {
    /// Whether a code is in the list, exactly as written.
    pub fn contains(&self, code: &str) -> bool {
        self.index.contains(code)
    }

    /// A code of the list.
    pub fn code(&self, code: &str) -> Option<&Code> {
        self.codes.iter().find(|candidate| candidate.code == code)
    }
}

/// A codelist by name: `"documentType"` or `"documentType.csv"`.
pub fn get(name: &str) -> Option<&'static Codelist> {
    LISTS.get(name.strip_suffix(".csv").unwrap_or(name))
}

/// The names of all codelists.
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
