//! Checks: the schema, the codelists, then one rule per file.
//!
//! A [`Finding`] is data: where, which rule, how serious, and the values that a sentence needs. Sentences belong to
//! whoever shows them. A rule that can fail for several reasons says which in `params.reason` ([`REASONS`]).

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::json::Oddity;
use crate::merge::{self, Rules};
use crate::schema::{self, shape::Walk};
use crate::stream::Cause;
use crate::value::{MAX_DEPTH, id_text, is_deeper_than};

mod amounts;
mod award_resolves;
mod closed_codelist;
mod commensurate;
mod counts;
mod dates;
mod declared_fields;
mod deprecated_field;
mod documents;
mod ids;
mod json;
mod no_personal_data;
mod no_placeholder;
mod ocid_prefix;
mod open_codelist;
mod package;
mod party_resolves;
mod profile_required;
mod quality;
mod release_date_increasing;
mod release_id_unique;
mod status_coherence;
mod tag_matches_sections;
mod text;
mod timeline;

/// What kinds of personal data a text has: `curp`, `rfc`, `clabe`, `email`, `telephone`. For text that is published
/// beside a release rather than in it; inside, the rule `no-personal-data` looks by itself.
pub fn personal_data(text: &str) -> Vec<&'static str> {
    no_personal_data::detect(text)
}

/// Something found in a release or package.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// JSON Pointer to the place, in the document that was checked.
    pub pointer: String,
    /// Rule id, kebab-case; one of [`RULES`].
    pub rule: String,
    /// How serious it is.
    pub severity: Severity,
    /// What a sentence about it needs: `field`, `value`, `expected`, `reason`, …
    pub params: Map<String, Value>,
}

impl Finding {
    /// The same, seen from a document in which what was checked is at `place` (a JSON Pointer).
    #[must_use]
    pub fn below(mut self, place: &str) -> Finding {
        self.pointer.insert_str(0, place);
        self
    }
}

/// How serious a finding is.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The release is not published.
    Error,
    /// The release is published; somebody should look.
    Warning,
}

/// What a release is checked against, besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The registered prefix, such as `ocds-abc123`; `None` accepts any that is well formed.
    pub prefix: Option<&'a str>,
    /// All earlier releases of the same ocid, oldest first. Empty for the first release of a process.
    pub earlier: &'a [Value],
    /// The present moment.
    pub now: DateTime<Utc>,
}

/// Every rule id, in the order in which they are checked: the text, the schema, the fifteen rules, and the warnings.
pub const RULES: &[&str] = &[
    "json",
    "schema-enum",
    "schema-format",
    "schema-min-items",
    "schema-min-length",
    "schema-min-properties",
    "schema-one-of",
    "schema-other",
    "schema-pattern",
    "schema-required",
    "schema-type",
    "schema-unique-items",
    "ocid-prefix",
    "release-id-unique",
    "release-date-increasing",
    "tag-matches-sections",
    "party-resolves",
    "award-resolves",
    "closed-codelist",
    "ids",
    "no-placeholder",
    "dates",
    "amounts",
    "documents",
    "declared-fields",
    "package",
    "no-personal-data",
    "open-codelist",
    "deprecated-field",
    "profile-required",
    "timeline",
    "status-coherence",
    "counts",
    "commensurate",
    "text",
];

/// The values of `params.reason`, by rule, for rules that can fail in more than one way.
pub const REASONS: &[(&str, &[&str])] = &[
    ("json", json::REASONS),
    ("ocid-prefix", ocid_prefix::REASONS),
    ("release-id-unique", release_id_unique::REASONS),
    ("release-date-increasing", release_date_increasing::REASONS),
    ("tag-matches-sections", tag_matches_sections::REASONS),
    ("party-resolves", party_resolves::REASONS),
    ("award-resolves", award_resolves::REASONS),
    ("ids", ids::REASONS),
    ("no-placeholder", no_placeholder::REASONS),
    ("dates", dates::REASONS),
    ("amounts", amounts::REASONS),
    ("documents", documents::REASONS),
    ("package", package::REASONS),
    ("no-personal-data", no_personal_data::REASONS),
    ("timeline", timeline::REASONS),
    ("status-coherence", status_coherence::REASONS),
    ("counts", counts::REASONS),
    ("commensurate", commensurate::REASONS),
    ("text", text::REASONS),
];

/// What is wrong with a text that cannot be read.
pub fn unreadable(cause: &Cause) -> Finding {
    json::unreadable(cause)
}

/// What is odd about a text that was read: names repeated in one object, numbers that no `f64` holds.
pub fn odd(oddity: &Oddity) -> Finding {
    json::odd(oddity)
}

/// The finding that a text begins with a byte order mark, which JSON does not have (RFC 8259, section 8.1).
pub fn mark() -> Finding {
    json::mark()
}

/// The finding that a document is neither a package, nor a record, nor a release.
pub fn not_ocds(document: &Value) -> Finding {
    json::not_ocds(document)
}

/// Checks one release: schema, codelists, then the rules of a single release.
///
/// The release may be partial (only what changed); rules about what the process adds up to look at the compiled
/// release of `ctx.earlier` and this one. Nothing is found in a release that may be published. Of a release that is
/// nested more than 256 levels deep, only that is said.
pub fn release(release: &Value, ctx: &Context<'_>) -> Vec<Finding> {
    let mut found = schema::validate_release(release);
    if std::iter::once(release).chain(ctx.earlier).any(|release| is_deeper_than(release, MAX_DEPTH)) {
        return found;
    }
    let earlier: Vec<&Value> = ctx.earlier.iter().collect();
    let given = Given { prefix: ctx.prefix, now: ctx.now, earlier: &earlier };
    let before = merge::compiled(Rules::profile(), ctx.earlier).ok().map(|merged| merged.value);
    let after = after(release, before.as_ref());
    rules(Case::new(release, given, before.as_ref(), &after, &mut String::new()), &mut found);
    found
}

/// Checks a release package or a record package: what it says of itself ([`wrapper`]), and the releases
/// ([`process`]) or records ([`record`]) in it.
///
/// The earlier releases of a process are those with the same ocid and an earlier date in the same package. A release
/// package need not hold them all, so what can only be said knowing them is a warning there, unless the package has
/// a first release of the process.
pub fn package(package: &Value, prefix: Option<&str>, now: DateTime<Utc>) -> Vec<Finding> {
    if let Some(finding) = schema::too_deep(package) {
        return vec![finding];
    }
    package::check(package, prefix, now)
}

/// Checks what a release package or a record package says of itself: all but its `releases` or `records`, of which
/// only the number is asked.
pub fn wrapper(package: &Value, count: usize, now: DateTime<Utc>) -> Vec<Finding> {
    package::wrapper(package, count, now)
}

/// Checks releases of one process, in any order: the findings of each, in the order given.
///
/// As in a release package, the earlier releases are those before it in date. If one is nested more than 256 levels
/// deep, all are only held against the schema.
pub fn process(releases: &[&Value], prefix: Option<&str>, now: DateTime<Utc>) -> Vec<Vec<Finding>> {
    let known = releases.iter().map(|release| schema::validate_release(release)).collect();
    if releases.iter().any(|release| is_deeper_than(release, MAX_DEPTH)) {
        return known;
    }
    package::check_process(releases, known, package::History::Unknown, prefix, now)
}

/// Checks a record: `{ocid, releases, compiledRelease, versionedRelease}`. Linked releases are not at hand: such a
/// record is only held against the schema.
pub fn record(record: &Value, prefix: Option<&str>, now: DateTime<Utc>) -> Vec<Finding> {
    package::check_record(record, prefix, now)
}

/// The rules, without the schema. Adds to what the schema found.
fn rules(case: Case<'_>, found: &mut Vec<Finding>) {
    if !case.release.is_object() {
        return;
    }
    let checks: [fn(&Case<'_>) -> Vec<Finding>; 22] = [
        ocid_prefix::check,
        release_id_unique::check,
        release_date_increasing::check,
        tag_matches_sections::check,
        party_resolves::check,
        award_resolves::check,
        closed_codelist::check,
        ids::check,
        no_placeholder::check,
        dates::check,
        amounts::check,
        documents::check,
        declared_fields::check,
        no_personal_data::check,
        open_codelist::check,
        deprecated_field::check,
        profile_required::check,
        timeline::check,
        status_coherence::check,
        counts::check,
        commensurate::check,
        text::check,
    ];
    let by_rules: Vec<Finding> = checks.iter().flat_map(|check| check(&case)).collect();
    // What a rule says better than the schema is said once.
    found.retain(|finding| {
        let said_by =
            |rule: &str| by_rules.iter().any(|other| other.rule == rule && other.pointer == finding.pointer);
        match finding.rule.as_str() {
            "schema-enum" => !by_rules.iter().any(|other| {
                other.rule == "closed-codelist"
                    && (finding.pointer == other.pointer
                        || finding.pointer.starts_with(&format!("{}/", other.pointer)))
            }),
            "schema-min-length" | "schema-min-items" | "schema-min-properties" => !said_by("no-placeholder"),
            _ => true,
        }
    });
    found.extend(by_rules);
}

/// What a release is checked against, besides itself and what it adds up to.
#[derive(Clone, Copy)]
struct Given<'a> {
    prefix: Option<&'a str>,
    now: DateTime<Utc>,
    /// The earlier releases, oldest first.
    earlier: &'a [&'a Value],
}

/// A release under check, with what every rule needs.
struct Case<'a> {
    release: &'a Value,
    ctx: Given<'a>,
    walk: Walk<'a>,
    /// What the earlier releases add up to: at least the fields that this release has.
    before: Option<&'a Value>,
    /// What they add up to with this release. The release itself if it cannot be merged.
    after: &'a Value,
}

/// What a release makes of what stood before. Merging is by date; this release is the last, whatever its date says
/// (another rule tells).
pub(crate) fn after(release: &Value, before: Option<&Value>) -> Value {
    let rules = Rules::profile();
    let dated = |release: &Value, date: &str| {
        let mut release = release.clone();
        if release.is_object() {
            release["date"] = json!(date);
        }
        release
    };
    before
        .and_then(|before| merge::compiled(rules, &[dated(before, "0"), dated(release, "1")]).ok())
        .or_else(|| merge::compiled(rules, &[dated(release, "1")]).ok())
        .map_or_else(|| release.clone(), |merged| merged.value)
}

impl<'a> Case<'a> {
    fn new(
        release: &'a Value,
        ctx: Given<'a>,
        before: Option<&'a Value>,
        after: &'a Value,
        paths: &'a mut String,
    ) -> Case<'a> {
        Case { release, ctx, walk: Walk::over(release, paths), before, after }
    }

    /// The objects of a definition of the schema.
    fn objects(&self, definition: &'static str) -> impl Iterator<Item = &crate::schema::shape::Object<'a>> {
        self.walk.objects.iter().filter(move |object| object.definition == definition)
    }

    /// What stood, in the releases before, at a place of this release.
    fn was(&self, pointer: &str) -> Option<&Value> {
        // What this release does not touch is as it was.
        let section = pointer.split('/').nth(1).unwrap_or_default();
        let is_touched = self.release.get(unescape(section).as_ref()).is_some();
        let before = self.before?;
        counterpart(self.release, if is_touched { before } else { self.after }, pointer)
    }

    /// What stands, with everything merged, at a place of this release.
    fn is(&self, pointer: &str) -> Option<&Value> {
        counterpart(self.release, self.after, pointer)
    }
}

/// The value in `other` that corresponds to a place in `release`: items of arrays correspond by `id`, or by position
/// if they have none.
fn counterpart<'o>(release: &Value, other: &'o Value, pointer: &str) -> Option<&'o Value> {
    let (mut here, mut there) = (release, other);
    for step in pointer.split('/').skip(1) {
        match (here, there) {
            (Value::Array(own), Value::Array(others)) => {
                let index: usize = step.parse().ok()?;
                here = own.get(index)?;
                there = match id_text(here.get("id")) {
                    Some(id) => others.iter().find(|item| id_text(item.get("id")).as_ref() == Some(&id))?,
                    None => others.get(index)?,
                };
            }
            _ => {
                let name = unescape(step);
                here = here.get(name.as_ref()).unwrap_or(&Value::Null);
                there = there.get(name.as_ref())?;
            }
        }
    }
    Some(there)
}

/// A step of a JSON Pointer.
fn unescape(step: &str) -> Cow<'_, str> {
    if step.contains('~') {
        Cow::Owned(step.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(step)
    }
}

/// An error of a rule.
fn error(rule: &str, pointer: impl Into<String>, params: Value) -> Finding {
    finding(rule, Severity::Error, pointer, params)
}

/// A warning of a rule.
fn warning(rule: &str, pointer: impl Into<String>, params: Value) -> Finding {
    finding(rule, Severity::Warning, pointer, params)
}

fn finding(rule: &str, severity: Severity, pointer: impl Into<String>, params: Value) -> Finding {
    let params = match params {
        Value::Object(params) => params,
        _ => Map::new(),
    };
    Finding { pointer: pointer.into(), rule: rule.to_owned(), severity, params }
}
