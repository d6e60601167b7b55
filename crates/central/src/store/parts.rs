//! What files that are made of many processes need of the database.

use chrono::{DateTime, Utc};

use super::{PublishedFile, Result};

/// Of what a part is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Release packages, by the month of the release.
    Releases,
    /// Record packages, by the year of the first release.
    Records,
    /// The catalogue.
    Catalog,
}

impl PartKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            PartKind::Releases => "releases",
            PartKind::Records => "records",
            PartKind::Catalog => "catalog",
        }
    }
}

/// Something published that has no part yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// Process.
    pub ocid: String,
    /// Number of the release; 0 for a process.
    pub sequence: u64,
    /// `2026-11`, `2026`, or nothing.
    pub period: String,
    /// Bytes of the release; 0 for a process.
    pub bytes: u64,
}

/// A part and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `2026-11`, `2026`, or nothing.
    pub period: String,
    /// Its number in the period, from 1.
    pub n: u64,
    /// Releases, or processes.
    pub members: u64,
    /// Bytes of its releases.
    pub bytes: u64,
    /// Published releases of what is in it: with its members, what tells one version of it from another.
    pub releases: u64,
    /// Date of the latest of them.
    pub latest: DateTime<Utc>,
}

/// A file that is made of others.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeFile {
    /// Where it is always found, from the root of the public site.
    pub name: String,
    /// Where this version is.
    pub path: String,
    /// What it is: `release-package`, `record-package`, `project-package`, `csv`, `xlsx`, `catalog`.
    pub kind: String,
    /// How many of them are in it.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Until when what is in it goes.
    pub changed: DateTime<Utc>,
    /// What tells whether it is still the present one.
    pub made_of: String,
}

/// A run of the publisher.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Number.
    pub n: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Its note.
    pub note: serde_json::Value,
}

/// The part of a transaction that is about files made of many processes.
pub trait Parts {
    /// What is published and has no part, in the order in which parts take it: by date, then by process.
    fn loose(&self, kind: PartKind) -> Result<Vec<Loose>>;
    /// Every part, in order.
    fn parts(&self, kind: PartKind) -> Result<Vec<Part>>;
    /// Puts something into a part. What is in one stays there.
    fn put_in_part(&self, kind: PartKind, loose: &Loose, n: u64) -> Result<()>;
    /// The number of the catalogue's part in which a process is.
    fn catalog_part(&self, ocid: &str) -> Result<Option<u64>>;
    /// The releases of a part as they are stored, one by one, oldest first, until `each` says that it is enough.
    fn releases_of_part(&self, part: &Part, each: &mut dyn FnMut(&str) -> bool) -> Result<()>;
    /// The processes of a part, in the order in which they came into it.
    fn processes_of_part(&self, kind: PartKind, part: &Part) -> Result<Vec<String>>;
    /// What the catalogue names of the processes of one of its parts, by path.
    fn files_of_part(&self, n: u64) -> Result<Vec<PublishedFile>>;
    /// What the catalogue names of a process, by path.
    fn files_of_process(&self, ocid: &str) -> Result<Vec<PublishedFile>>;
    /// Files that are made of others, by name.
    fn made_files(&self) -> Result<Vec<MadeFile>>;
    /// Adds or replaces one.
    fn put_made_file(&self, file: &MadeFile) -> Result<()>;
    /// Forgets one.
    fn forget_made_file(&self, name: &str) -> Result<()>;
    /// The last run in which something was published.
    fn last_change(&self) -> Result<Option<Run>>;
    /// The last runs, the newest first.
    fn runs(&self, limit: usize) -> Result<Vec<Run>>;
}
