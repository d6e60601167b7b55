//! The embedded schemas of OCDS 1.1.5, the profile (the extensions we declare), and validation.
//!
//! This is the only module that knows the `jsonschema` crate. Formats are asserted as the reference tool
//! (lib-cove-ocds) does: `date-time` by RFC 3339 ([`is_date_time`]) and `uri` by RFC 3986.
//!
//! What a validation finds is a [`Finding`] of severity error for each keyword that fails: rule `schema-` and the
//! keyword (`schema-required`, `schema-min-length`, …), the JSON Pointer of the value, and `params` with `field` (the
//! last step of the pointer that is no index; for `required`, the field that is missing), `value` where it is no
//! object or array, and `expected`: a list of types or codes, the name of the format, the pattern, or the least
//! length or number. Links or releases in a record (`oneOf`) are told by what is wrong with the kind chosen. A
//! document nested more than 256 levels deep is one finding of `schema-other`.
//!
//! ```
//! use ocds::schema;
//! use serde_json::json;
//!
//! let release = json!({"ocid": "ocds-abc123-1", "id": "1", "date": "2026-03-02T17:00:00Z", "tag": ["planing"],
//!                      "initiationType": "tender"});
//! let found = schema::validate_release(&release);
//! assert_eq!((found[0].rule.as_str(), found[0].pointer.as_str()), ("schema-enum", "/tag/0"));
//! ```

pub(crate) mod shape;

use std::fmt;
use std::sync::LazyLock;

use jsonschema::{Draft, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value, json};

use crate::check::{Finding, Severity};
use crate::value::{MAX_DEPTH, escape, is_date_time, is_deeper_than};

macro_rules! schema {
    ($path:literal) => {
        include_str!(concat!("../../../schemas/", $path))
    };
}

const RELEASE: &str = schema!("ocds/release-schema.json");
const RELEASE_PACKAGE: &str = schema!("ocds/release-package-schema.json");
const RECORD_PACKAGE: &str = schema!("ocds/record-package-schema.json");
const VERSIONED: &str = schema!("ocds/versioned-release-schema.json");
const MERGE_1_0: &str = schema!("ocds/merge-1.0.json");
const PROFILE: &str = schema!("profile.json");
const PROJECT: &str = schema!("oc4ids/project-schema.json");

/// The merge patch of each extension, in the order in which they are applied.
const EXTENSIONS: &[(&str, &str)] = &[
    ("budget_breakdown", schema!("ocds/extensions/budget_breakdown.json")),
    ("location", schema!("ocds/extensions/location.json")),
    ("process_title", schema!("ocds/extensions/process_title.json")),
    ("project", schema!("ocds/extensions/project.json")),
    ("metrics", schema!("ocds/extensions/metrics.json")),
    ("contract_completion", schema!("ocds/extensions/contract_completion.json")),
    ("implementationStatus", schema!("ocds/extensions/implementationStatus.json")),
    ("guarantees", schema!("ocds/extensions/guarantees.json")),
    ("procurementUnits", schema!("ocds/extensions/procurementUnits.json")),
    ("paymentMethod", schema!("ocds/extensions/paymentMethod.json")),
    ("surveillanceMechanisms", schema!("ocds/extensions/surveillanceMechanisms.json")),
    ("awardRationale", schema!("ocds/extensions/awardRationale.json")),
];

/// The canonical URLs of the declared extensions, for `extensions` of a package (OCDS 1.1, "Extensions"), in the order
/// of [`extension_names`]: each is the address of an `extension.json`.
pub fn extensions() -> &'static [&'static str] {
    static URLS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let listed = profile()["extensions"].as_array().map_or(&[][..], Vec::as_slice);
        listed.iter().filter_map(|extension| extension["url"].as_str()).collect()
    });
    &URLS
}

/// `schemas/profile.json`: the declared extensions, and the fields that are required here, each with its reason:
/// `{standard, extensions: [{name, url, why}], required: [{path, why}], requiredInPackage: [{path, why}]}`, where `path`
/// is a JSON Pointer into a release or a package.
pub fn profile() -> &'static Value {
    static LOADED: LazyLock<Value> = LazyLock::new(|| embedded(PROFILE));
    &LOADED
}

/// The release schema (OCDS 1.1, "Release schema"; JSON Schema draft 4) with the declared extensions applied. It
/// refers to nothing outside itself. Fields and definitions carry `title_es` and `title_en`, codelists `codelist` and
/// `openCodelist`, merge rules `omitWhenMerged` and `wholeListMerge`.
pub fn release() -> &'static Value {
    static PATCHED: LazyLock<Value> = LazyLock::new(|| {
        let mut schema = embedded(RELEASE);
        for (_, patch) in EXTENSIONS {
            merge_patch(&mut schema, &embedded(patch));
        }
        schema
    });
    &PATCHED
}

/// The release schema of OCDS 1.1.5 with the extensions that `urls` name, applied in that order, and the URLs that
/// name none of the embedded extensions.
///
/// An extension is known by the name of its folder (`/ocds_location_extension/`), so any version of it, from any
/// place, is taken for the one embedded here. Reading and patching costs about a millisecond.
pub(crate) fn extended<'u>(urls: &[&'u str]) -> (Value, Vec<&'u str>) {
    let mut schema = embedded(RELEASE);
    let mut unknown = Vec::new();
    for &url in urls {
        let mut folders =
            url.split('/').filter_map(|step| step.strip_prefix("ocds_")?.strip_suffix("_extension"));
        match folders.find_map(|folder| EXTENSIONS.iter().find(|(name, _)| *name == folder)) {
            Some((_, patch)) => merge_patch(&mut schema, &embedded(patch)),
            None => unknown.push(url),
        }
    }
    (schema, unknown)
}

/// What merging needs to know of the release schema of OCDS 1.0, in the terms of 1.1.
pub(crate) fn merge_1_0() -> Value {
    embedded(MERGE_1_0)
}

/// A minor version of the standard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// OCDS 1.0.
    V1_0,
    /// OCDS 1.1.
    V1_1,
    /// What a package says in `version`, where it is neither `"1.0"` nor `"1.1"`: text as it stands, anything else as
    /// JSON.
    Unknown(String),
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V1_0 => "1.0",
            Version::V1_1 => "1.1",
            Version::Unknown(version) => version,
        })
    }
}

/// The version of the standard of a release package, record package, record or release (OCDS 1.1, "Packaging":
/// `version`, new in 1.1).
///
/// As the reference tool (OCDS Kit) has it: a package (`records`, or `releases` without `ocid`) says it in `version`
/// and is OCDS 1.0 if it does not; a record is 1.1 if a release in it has `parties`, which 1.0 did not have; so is a
/// release. Releases that are only linked have no parties. Any value may be given; what is no object is 1.0.
pub fn version(document: &Value) -> Version {
    let is_package = document.get("records").is_some()
        || (document.get("releases").is_some() && document.get("ocid").is_none());
    if is_package {
        return match document.get("version") {
            None => Version::V1_0,
            Some(Value::String(version)) => match version.as_str() {
                "1.0" => Version::V1_0,
                "1.1" => Version::V1_1,
                other => Version::Unknown(other.to_owned()),
            },
            Some(other) => Version::Unknown(other.to_string()),
        };
    }
    let has_parties = |release: &Value| release.get("parties").is_some();
    let is_1_1 = match document.get("releases") {
        Some(Value::Array(releases)) => releases.iter().any(has_parties),
        Some(_) => false,
        None => has_parties(document),
    };
    if is_1_1 { Version::V1_1 } else { Version::V1_0 }
}

/// The names of the declared extensions, in the order in which they are applied: `location` for the extension whose
/// folder is `ocds_location_extension`.
pub fn extension_names() -> impl Iterator<Item = &'static str> {
    EXTENSIONS.iter().map(|(name, _)| *name)
}

/// Validates a release, embedded or compiled, against [`release`] (OCDS 1.1, "Release schema"). An empty list means
/// valid; any value may be given.
pub fn validate_release(release: &Value) -> Vec<Finding> {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| validator(self::release()));
    findings(&VALIDATOR, release)
}

/// Validates a release package and the releases in it (OCDS 1.1, "Release package"), whatever extensions it declares.
/// An empty list means valid; any value may be given.
pub fn validate_release_package(package: &Value) -> Vec<Finding> {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| validator(&bundle(RELEASE_PACKAGE)));
    findings(&VALIDATOR, package)
}

/// Validates a record package, with the releases (embedded or linked), compiled and versioned releases in it (OCDS
/// 1.1, "Record package"), whatever extensions it declares. An empty list means valid; any value may be given.
pub fn validate_record_package(package: &Value) -> Vec<Finding> {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| validator(&bundle(RECORD_PACKAGE)));
    findings(&VALIDATOR, package)
}

/// Validates a record of a record package (`#/definitions/record`).
pub(crate) fn validate_record(record: &Value) -> Vec<Finding> {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
        let bundled = bundle(RECORD_PACKAGE);
        validator(&json!({"$ref": "#/definitions/record", "definitions": bundled["definitions"]}))
    });
    findings(&VALIDATOR, record)
}

/// Validates a package but for what is in its `releases` or `records`.
pub(crate) fn validate_wrapper(package: &Value, list: &str) -> Vec<Finding> {
    static RELEASES: LazyLock<Validator> = LazyLock::new(|| wrapper(RELEASE_PACKAGE, "releases"));
    static RECORDS: LazyLock<Validator> = LazyLock::new(|| wrapper(RECORD_PACKAGE, "records"));
    findings(if list == "records" { &RECORDS } else { &RELEASES }, package)
}

/// The validator of a package whose items are somebody else's business.
fn wrapper(package: &str, list: &str) -> Validator {
    let mut bundled = bundle(package);
    bundled["properties"][list] = json!({"type": "array"});
    validator(&bundled)
}

/// A JSON Merge Patch (RFC 7396), which is how extensions change the release schema (OCDS 1.1, "Extensions"): objects
/// are merged field by field, a `null` removes a field, and anything else is put in place of what was there. New fields
/// come after those of the target. It follows the patch to whatever depth it has.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.shift_remove(name);
        } else {
            merge_patch(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Whether a text has a format of JSON Schema (`uri`, `email`), as the validators judge it.
pub(crate) fn has_format(format: &str, text: &str) -> bool {
    static VALIDATORS: LazyLock<[(&str, Validator); 2]> =
        LazyLock::new(|| ["uri", "email"].map(|format| (format, validator(&json!({"format": format})))));
    let known = VALIDATORS.iter().find(|(name, _)| *name == format);
    known.is_none_or(|(_, validator)| validator.is_valid(&Value::String(text.to_owned())))
}

/// The project schema of OC4IDS 0.9.5, which refers to nothing outside itself. Without titles.
pub fn project() -> &'static Value {
    static LOADED: LazyLock<Value> = LazyLock::new(|| embedded(PROJECT));
    &LOADED
}

fn embedded(text: &str) -> Value {
    serde_json::from_str(text).expect("the schemas in the program are JSON; any test would fail otherwise")
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft4)
        .should_validate_formats(true)
        .with_format("date-time", is_date_time)
        .build(schema)
        .expect("the schemas in the program are valid; any test would fail otherwise")
}

/// A package schema with the release schemas inside, since it refers to them by their web address.
fn bundle(package: &str) -> Value {
    let mut bundled = embedded(package);
    let mut definitions = Map::new();
    for (prefix, mut schema) in [("", release().clone()), ("Versioned", embedded(VERSIONED))] {
        rename(&mut schema, &|reference| {
            reference.strip_prefix("#/definitions/").map(|name| format!("#/definitions/{prefix}{name}"))
        });
        let Value::Object(mut root) = schema else { continue };
        root.shift_remove("id");
        root.shift_remove("$schema");
        if let Some(Value::Object(inner)) = root.shift_remove("definitions") {
            definitions.extend(inner.into_iter().map(|(name, schema)| (format!("{prefix}{name}"), schema)));
        }
        definitions.insert(format!("{prefix}Release"), Value::Object(root));
    }
    rename(&mut bundled, &|reference| {
        let name = reference.rsplit('/').next()?;
        match name {
            "release-schema.json" => Some("#/definitions/Release".to_owned()),
            "versioned-release-validation-schema.json" => Some("#/definitions/VersionedRelease".to_owned()),
            _ => None,
        }
    });
    if let Value::Object(root) = &mut bundled {
        root.shift_remove("id");
        if let Value::Object(own) = root.entry("definitions").or_insert_with(|| json!({})) {
            own.extend(definitions);
        }
    }
    bundled
}

/// Rewrites every `$ref` for which there is a new name.
fn rename(schema: &mut Value, new_name: &impl Fn(&str) -> Option<String>) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(reference) if name == "$ref" => {
                        if let Some(new) = new_name(reference) {
                            *reference = new;
                        }
                    }
                    other => rename(other, new_name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, new_name)),
        _ => {}
    }
}

fn findings(validator: &Validator, instance: &Value) -> Vec<Finding> {
    if let Some(finding) = too_deep(instance) {
        return vec![finding];
    }
    let mut found = Vec::new();
    // Telling what is wrong costs more than telling whether something is.
    if !validator.is_valid(instance) {
        for error in validator.iter_errors(instance) {
            describe(&error, &mut found);
        }
    }
    found
}

/// What is found in a document that is nested more than 256 levels deep, in place of everything else: the field of the
/// document where it is. No field of the standard is twenty levels deep, even in a record package.
pub(crate) fn too_deep(document: &Value) -> Option<Finding> {
    let is_deep = |below: &Value| is_deeper_than(below, MAX_DEPTH - 1);
    let step = match document {
        Value::Object(fields) => {
            fields.iter().find(|(_, value)| is_deep(value)).map(|(name, _)| escape(name))
        }
        Value::Array(items) => items.iter().position(is_deep).map(|at| at.to_string()),
        _ => None,
    };
    step.map(|step| Finding {
        params: Map::from_iter([("field".to_owned(), json!(step))]),
        pointer: format!("/{step}"),
        rule: "schema-other".to_owned(),
        severity: Severity::Error,
    })
}

fn describe(error: &ValidationError<'_>, found: &mut Vec<Finding>) {
    let pointer = error.instance_path().as_str().to_owned();
    let mut params = Map::new();
    let field = pointer.rsplit('/').find(|step| step.parse::<usize>().is_err()).unwrap_or_default();
    params.insert("field".to_owned(), json!(field));
    let value = error.instance();
    if !(value.is_object() || value.is_array()) {
        params.insert("value".to_owned(), value.clone().into_owned());
    }
    let expected = match error.kind() {
        ValidationErrorKind::Required { property } => {
            params.insert("field".to_owned(), property.clone());
            None
        }
        ValidationErrorKind::Type { .. } => Some(expected_types(error)),
        ValidationErrorKind::Format { format } => Some(json!(format)),
        ValidationErrorKind::Enum { options } => Some(Value::clone(options)),
        ValidationErrorKind::Pattern { pattern } => Some(json!(pattern)),
        ValidationErrorKind::MinLength { limit }
        | ValidationErrorKind::MinItems { limit }
        | ValidationErrorKind::MinProperties { limit } => Some(json!(limit)),
        // `releases` of a record are either all links or all releases: only what is wrong with the kind that the
        // publisher chose is of use.
        ValidationErrorKind::OneOfNotValid { context } => {
            let linked = value.get(0).is_some_and(|first| first.get("url").is_some());
            let branch = context.get(usize::from(!linked)).filter(|branch| !branch.is_empty());
            if let Some(branch) = branch {
                branch.iter().for_each(|error| describe(error, found));
                return;
            }
            None
        }
        _ => None,
    };
    if let Some(expected) = expected {
        params.insert("expected".to_owned(), expected);
    }
    let rule = rule(error.kind()).to_owned();
    found.push(Finding { pointer, rule, severity: Severity::Error, params });
}

fn expected_types(error: &ValidationError<'_>) -> Value {
    let ValidationErrorKind::Type { kind } = error.kind() else {
        return Value::Null;
    };
    match kind {
        jsonschema::error::TypeKind::Single(one) => json!([one.to_string()]),
        jsonschema::error::TypeKind::Multiple(many) => {
            many.iter().map(|one| Value::String(one.to_string())).collect()
        }
    }
}

fn rule(kind: &ValidationErrorKind) -> &'static str {
    match kind {
        ValidationErrorKind::Required { .. } => "schema-required",
        ValidationErrorKind::Type { .. } => "schema-type",
        ValidationErrorKind::Format { .. } => "schema-format",
        ValidationErrorKind::Enum { .. } => "schema-enum",
        ValidationErrorKind::Pattern { .. } => "schema-pattern",
        ValidationErrorKind::MinLength { .. } => "schema-min-length",
        ValidationErrorKind::MinItems { .. } => "schema-min-items",
        ValidationErrorKind::MinProperties { .. } => "schema-min-properties",
        ValidationErrorKind::UniqueItems => "schema-unique-items",
        ValidationErrorKind::OneOfNotValid { .. } | ValidationErrorKind::OneOfMultipleValid { .. } => {
            "schema-one-of"
        }
        _ => "schema-other",
    }
}
