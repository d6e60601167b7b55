//! Identifiers of processes and releases.

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

/// The identifier of a contracting process (OCDS 1.1, "Open Contracting ID"): `{prefix}-{local}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ocid {
    text: String,
}

/// Bytes of a prefix: `ocds-` and six more.
const PREFIX: usize = 11;

impl Ocid {
    /// Builds an OCID from a registered prefix and an identifier that is unique under it.
    ///
    /// # Errors
    /// [`IdentError`] as for [`Ocid::from_str`].
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

    /// What follows the prefix and its hyphen.
    pub fn local(&self) -> &str {
        &self.text[PREFIX + 1..]
    }

    /// The whole identifier.
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

/// Identifiers of releases.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseId;

impl ReleaseId {
    /// `{ocid}-{sequence}-{first 12 hexadecimal digits of the hash of the public fragment}`: the same content in the
    /// same place always gets the same id, and no id needs a `#`.
    pub fn content_addressed(ocid: &str, sequence: u64, fragment_hash_hex: &str) -> String {
        let digits: String = fragment_hash_hex.chars().take(12).collect();
        format!("{ocid}-{sequence}-{}", digits.to_ascii_lowercase())
    }
}
