//! Identifiers of processes (OCDS 1.1, "Open contracting process identifier") and releases.

use std::fmt;
use std::str::FromStr;

/// Why a text is not an identifier.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum IdentError {
    /// A prefix is `ocds-` and six lower-case letters or digits.
    #[error("{0:?} is not an OCID prefix")]
    Prefix(String),
    /// An OCID is a prefix, `-`, and a local part without spaces, `/`, `?` or `#`.
    #[error("{0:?} is not an OCID")]
    Ocid(String),
}

/// The identifier of a contracting process (OCDS 1.1, "Open contracting process identifier"): `{prefix}-{local}`,
/// always well formed. The standard leaves the local part to the publisher; here it has no spaces, controls, `/`, `?`
/// or `#`, so that it can be part of a web address. Case matters and nothing is trimmed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ocid {
    text: String,
}

/// Bytes of a prefix: `ocds-` and six more.
const PREFIX: usize = 11;

impl Ocid {
    /// Builds an OCID from a registered prefix (`ocds-abc123`) and an identifier that is unique under it
    /// (`PP-2026-0107`). Whether the prefix is registered is not looked up.
    ///
    /// # Errors
    /// [`IdentError::Prefix`] or [`IdentError::Ocid`], as [`Ocid::from_str`].
    pub fn new(prefix: &str, local: &str) -> Result<Ocid, IdentError> {
        if !is_prefix(prefix) {
            return Err(IdentError::Prefix(prefix.to_owned()));
        }
        format!("{prefix}-{local}").parse()
    }

    /// The registered prefix, such as `ocds-abc123`.
    pub fn prefix(&self) -> &str {
        &self.text[..PREFIX]
    }

    /// What follows the prefix and its hyphen: never empty.
    pub fn local(&self) -> &str {
        &self.text[PREFIX + 1..]
    }

    /// The whole identifier, as in `ocid`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Whether a text has the form of a registered prefix: `ocds-[a-z0-9]{6}`.
pub fn is_prefix(text: &str) -> bool {
    text.strip_prefix("ocds-").is_some_and(|code| {
        code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

impl FromStr for Ocid {
    type Err = IdentError;

    /// # Errors
    /// [`IdentError::Prefix`] if it does not start with a prefix, [`IdentError::Ocid`] if the rest is not usable.
    fn from_str(text: &str) -> Result<Ocid, IdentError> {
        let (Some(prefix), Some(rest)) = (text.get(..PREFIX), text.get(PREFIX..)) else {
            return Err(IdentError::Prefix(text.to_owned()));
        };
        if !is_prefix(prefix) {
            return Err(IdentError::Prefix(text.to_owned()));
        }
        let usable = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '/' | '?' | '#');
        match rest.strip_prefix('-') {
            Some(local) if !local.is_empty() && local.chars().all(usable) => {
                Ok(Ocid { text: text.to_owned() })
            }
            _ => Err(IdentError::Ocid(text.to_owned())),
        }
    }
}

impl fmt::Display for Ocid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Identifiers of releases (OCDS 1.1, "Release schema", `id`): unique within a process.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseId;

impl ReleaseId {
    /// `{ocid}-{sequence}-{first 12 hexadecimal digits of the hash of the public fragment}`, in lower case: the same
    /// content in the same place always gets the same id, and no id needs a `#`. `sequence` counts the releases of the
    /// process from 1; what is given is not checked.
    pub fn content_addressed(ocid: &str, sequence: u64, fragment_hash_hex: &str) -> String {
        let digits: String = fragment_hash_hex.chars().take(12).collect();
        format!("{ocid}-{sequence}-{}", digits.to_ascii_lowercase())
    }
}
