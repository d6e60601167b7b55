//! Compiled and versioned releases (OCDS 1.1, "Merging").
//!
//! ```
//! use ocds::merge::{Rules, compiled};
//! use serde_json::json;
//!
//! let releases = [
//!     json!({"ocid": "ocds-abc123-1", "id": "1", "date": "2026-01-01T00:00:00Z", "tag": ["tender"],
//!            "tender": {"id": "1", "title": "Banquetas", "status": "active"}}),
//!     json!({"ocid": "ocds-abc123-1", "id": "2", "date": "2026-02-01T00:00:00Z", "tag": ["tenderUpdate"],
//!            "tender": {"id": "1", "status": "complete"}}),
//! ];
//! let merged = compiled(Rules::profile(), &releases).unwrap();
//! assert_eq!(merged.value["tender"]["title"], "Banquetas");
//! assert_eq!(merged.value["tender"]["status"], "complete");
//! assert_eq!(merged.value["id"], "ocds-abc123-1-2026-02-01T00:00:00Z");
//! ```
//!
//! Releases are laid over one another in a tree whose leaves borrow from them; only what is left at the end is
//! copied. The result is that of the reference library (ocds-merge 0.8) given fresh copies of the releases, its
//! corners included: a `null` removes a value but not the fields of an object or the items of an array merged by
//! `id`, and `{}` or `[]` leave such an object or array as it was. One corner differs: ids `1` and `"1"` are
//! always the same item here, where the reference splits an item whose id changes type if it also gains fields.
//!
//! The same code merges [`serde_json::Value`]s ([`compiled`], [`versioned`]) and releases that were read as
//! [`Json`], which it writes without making a document of them ([`write_compiled`], [`write_versioned`]).

mod overlay;
mod rules;
mod tree;

use std::borrow::Cow;

use serde_json::Value;

use crate::json::{Json, Writer};
pub(crate) use overlay::Compiling;
use overlay::{History, Latest, Overlay};
pub use rules::Rules;
use tree::{Builder, Sink, Tree};

use crate::value::{MAX_DEPTH, is_deeper_than};

/// A merged release, and what was odd about the releases it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The compiled or the versioned release.
    pub value: Value,
    /// Odd, but not refused.
    pub warnings: Vec<Warning>,
}

/// Something a publisher should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Two items of one array of one release have the same `id`: their fields are merged, the last one wins.
    DuplicateId {
        /// Position of the release after sorting by date.
        release: usize,
        /// JSON Pointer to the array.
        pointer: String,
        /// The id, as text.
        id: String,
    },
    /// Two releases have the same date: they are merged in the order in which they were given.
    RepeatedDate {
        /// The date.
        date: String,
    },
}

/// Why releases cannot be merged.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("no releases to merge")]
    Empty,
    /// A release is not a JSON object.
    #[error("release {index} is not an object")]
    NotAnObject {
        /// Position in the list given.
        index: usize,
    },
    /// Releases are ordered by date; with more than one, each needs a `date` that is a string.
    #[error("release {index} has no date")]
    MissingDate {
        /// Position in the list given.
        index: usize,
    },
    /// The releases belong to different contracting processes.
    #[error("releases of {first} and of {other} cannot be one record")]
    MixedOcids {
        /// The ocid of the first release.
        first: String,
        /// Another one.
        other: String,
    },
    /// A field was a value (or an object) and a later release has an object (or an array) in its place.
    #[error("{pointer} changes from one type to another between releases")]
    InconsistentType {
        /// JSON Pointer to the field; items of arrays by their `id`.
        pointer: String,
    },
    /// The release is nested too deeply.
    #[error("{pointer} is nested too deeply")]
    TooDeep {
        /// JSON Pointer to the field.
        pointer: String,
    },
    /// The schema cannot be compiled into merge rules.
    #[error("the schema cannot be used for merging: {pointer}")]
    Schema {
        /// The reference or keyword at fault.
        pointer: String,
    },
}

/// Merges the releases of one process into a compiled release: its present state.
///
/// The releases are sorted by `date` (as text; the order given decides between equal dates). The result has `tag`
/// `["compiled"]`, the date of the last release, and the id `{ocid}-{date}`.
///
/// # Errors
/// [`MergeError`], except `MixedOcids`: as in the reference, the ocid is taken from the last release.
pub fn compiled(rules: &Rules, releases: &[Value]) -> Result<Merged, MergeError> {
    not_too_deep(releases)?;
    let (sorted, mut warnings) = sort(releases.iter())?;
    let mut sink = Builder::default();
    compile(rules, &sorted, &mut sink, &mut warnings)?;
    Ok(Merged { value: sink.finish(), warnings })
}

/// Merges the releases of one process into a versioned release: every value each field has had.
///
/// Each value becomes `[{releaseID, releaseDate, releaseTag, value}, …]`, oldest first; a value that does not change
/// is not repeated. `ocid` and the ids of items of arrays are not versioned.
///
/// # Errors
/// As [`compiled`].
pub fn versioned(rules: &Rules, releases: &[Value]) -> Result<Merged, MergeError> {
    not_too_deep(releases)?;
    let (sorted, mut warnings) = sort(releases.iter())?;
    let mut sink = Builder::default();
    version(rules, &sorted, &mut sink, &mut warnings)?;
    Ok(Merged { value: sink.finish(), warnings })
}

/// As [`compiled`], but writes the compiled release. After an error, what was written of it is of no use.
///
/// # Errors
/// As [`compiled`].
pub fn write_compiled(
    rules: &Rules,
    releases: &[Json<'_>],
    writer: &mut Writer,
) -> Result<Vec<Warning>, MergeError> {
    let (sorted, mut warnings) = sort(releases.iter())?;
    compile(rules, &sorted, writer, &mut warnings)?;
    Ok(warnings)
}

/// As [`versioned`], but writes the versioned release. After an error, what was written of it is of no use.
///
/// # Errors
/// As [`compiled`].
pub fn write_versioned(
    rules: &Rules,
    releases: &[Json<'_>],
    writer: &mut Writer,
) -> Result<Vec<Warning>, MergeError> {
    let (sorted, mut warnings) = sort(releases.iter())?;
    version(rules, &sorted, writer, &mut warnings)?;
    Ok(warnings)
}

/// A tree built in memory must not exhaust the stack, also where it is copied whole. What was read from a text cannot be
/// that deep.
fn not_too_deep(releases: &[Value]) -> Result<(), MergeError> {
    if releases.iter().any(|release| is_deeper_than(release, MAX_DEPTH)) {
        return Err(MergeError::TooDeep { pointer: String::new() });
    }
    Ok(())
}

fn compile<'t, T: Tree>(
    rules: &Rules,
    sorted: &[&'t T],
    sink: &mut impl Sink<T>,
    warnings: &mut Vec<Warning>,
) -> Result<(), MergeError> {
    let mut overlay = Overlay::<Latest<'t, T>, T>::default();
    for release in sorted {
        overlay.lay(rules, release, warnings)?;
    }
    overlay.compiled(sorted, sink)
}

fn version<'t, T: Tree>(
    rules: &Rules,
    sorted: &[&'t T],
    sink: &mut impl Sink<T>,
    warnings: &mut Vec<Warning>,
) -> Result<(), MergeError> {
    let mut overlay = Overlay::<History<'t, T>, T>::default();
    for release in sorted {
        overlay.lay(rules, release, warnings)?;
    }
    overlay.versioned(sorted, sink)
}

/// Sorts by date, keeping the order of equal dates.
fn sort<'t, T: Tree>(
    releases: impl ExactSizeIterator<Item = &'t T>,
) -> Result<(Vec<&'t T>, Vec<Warning>), MergeError> {
    let several = releases.len() > 1;
    let mut dated: Vec<(Option<Cow<'t, str>>, &'t T)> = Vec::with_capacity(releases.len());
    for (index, release) in releases.enumerate() {
        if !release.is_object() {
            return Err(MergeError::NotAnObject { index });
        }
        let date = release.get("date").and_then(T::text);
        if several && date.is_none() {
            return Err(MergeError::MissingDate { index });
        }
        dated.push((date, release));
    }
    if dated.is_empty() {
        return Err(MergeError::Empty);
    }
    dated.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut warnings = Vec::new();
    for pair in dated.windows(2) {
        if let (Some(first), Some(second)) = (&pair[0].0, &pair[1].0)
            && first == second
        {
            warnings.push(Warning::RepeatedDate { date: second.to_string() });
        }
    }
    Ok((dated.into_iter().map(|(_, release)| release).collect(), warnings))
}
