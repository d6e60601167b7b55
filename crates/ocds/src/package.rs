//! Release packages, records and record packages (OCDS 1.1, "Packaging").

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::merge::{self, MergeError, Rules};
use crate::schema;

/// Who publishes, and on what terms (OCDS 1.1, "Package metadata"): the same in every package of a publisher. What is
/// `None` is left out; [`crate::check::package`] asks for the licence and the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    /// Name of the publisher: `publisher.name`.
    pub publisher_name: String,
    /// Scheme of `publisher_uid`, a code of org-id.guide such as `MX-RFC`: `publisher.scheme`.
    pub publisher_scheme: Option<String>,
    /// Identifier of the publisher in that scheme: `publisher.uid`.
    pub publisher_uid: Option<String>,
    /// Web address of the publisher: `publisher.uri`.
    pub publisher_uri: Option<String>,
    /// Web address of the licence: `license`.
    pub license: Option<String>,
    /// Web address of the publication policy: `publicationPolicy`.
    pub publication_policy: Option<String>,
}

/// A release package (OCDS 1.1, "Release package"): `{uri, version, extensions, publishedDate, publisher, license,
/// publicationPolicy, releases}`, version 1.1, with the extensions of the profile declared. `uri` is where the package
/// will be found; `published` is written in UTC to the second. Nothing is checked: that is
/// [`crate::check::package`].
pub fn releases(
    publication: &Publication,
    uri: &str,
    published: DateTime<Utc>,
    releases: Vec<Value>,
) -> Value {
    wrap(publication, uri, published, "releases", releases)
}

/// A record package (OCDS 1.1, "Record package"): as [`releases`], with `records`, each as [`record()`] makes it.
pub fn records(publication: &Publication, uri: &str, published: DateTime<Utc>, records: Vec<Value>) -> Value {
    wrap(publication, uri, published, "records", records)
}

/// A record (OCDS 1.1, "Record"): `{ocid, releases, compiledRelease}`, and `versionedRelease` if asked for. All
/// releases are embedded, oldest first (by `date`, as text; equal dates in the order given). What merging finds odd is
/// not told: [`merge::compiled`] tells.
///
/// # Errors
/// [`MergeError`] if the releases cannot be merged, [`MergeError::Empty`] if there are none; [`MergeError::MixedOcids`]
/// if they are of different processes.
pub fn record(rules: &Rules, releases: &[Value], versioned: bool) -> Result<Value, MergeError> {
    let ocid = |release: &Value| release["ocid"].as_str().unwrap_or_default().to_owned();
    let first = releases.first().map(ocid).ok_or(MergeError::Empty)?;
    if let Some(other) = releases.iter().map(ocid).find(|other| *other != first) {
        return Err(MergeError::MixedOcids { first, other });
    }
    let compiled = merge::compiled(rules, releases)?.value;
    let mut sorted = releases.to_vec();
    sorted.sort_by(|a, b| a["date"].as_str().cmp(&b["date"].as_str()));
    let mut record = Map::new();
    record.insert("ocid".to_owned(), Value::String(first));
    record.insert("releases".to_owned(), Value::Array(sorted));
    record.insert("compiledRelease".to_owned(), compiled);
    if versioned {
        record.insert("versionedRelease".to_owned(), merge::versioned(rules, releases)?.value);
    }
    Ok(Value::Object(record))
}

fn wrap(
    publication: &Publication,
    uri: &str,
    published: DateTime<Utc>,
    name: &str,
    content: Vec<Value>,
) -> Value {
    let mut publisher = Map::new();
    publisher.insert("name".to_owned(), json!(publication.publisher_name));
    let optional = [
        ("scheme", &publication.publisher_scheme),
        ("uid", &publication.publisher_uid),
        ("uri", &publication.publisher_uri),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            publisher.insert(name.to_owned(), json!(value));
        }
    }
    let mut package = Map::new();
    package.insert("uri".to_owned(), json!(uri));
    package.insert("version".to_owned(), json!("1.1"));
    package.insert("extensions".to_owned(), json!(schema::extensions()));
    package.insert("publishedDate".to_owned(), json!(published.to_rfc3339_opts(SecondsFormat::Secs, true)));
    package.insert("publisher".to_owned(), Value::Object(publisher));
    if let Some(license) = &publication.license {
        package.insert("license".to_owned(), json!(license));
    }
    if let Some(policy) = &publication.publication_policy {
        package.insert("publicationPolicy".to_owned(), json!(policy));
    }
    package.insert(name.to_owned(), Value::Array(content));
    Value::Object(package)
}
