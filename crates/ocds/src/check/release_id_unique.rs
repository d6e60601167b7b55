//! `release-id-unique`: no other release of the process has the id; and it can be part of a web address.
//!
//! The form of an id is not looked at. [`ReleaseId::content_addressed`](crate::ident::ReleaseId::content_addressed)
//! makes `{ocid}-{sequence}-{12 hexadecimal digits}`, but the standard leaves the form to publishers, `{ocid}-{sequence}`
//! is as common, and the digits are those of a fragment that is not in the release: nothing here could refute them.

use serde_json::json;

use super::{Case, Finding, error};
use crate::value::id_text;

/// `repeated` · `unusable`
pub(super) const REASONS: &[&str] = &["repeated", "unusable"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(id) = id_text(case.release.get("id")) else {
        return Vec::new();
    };
    let finding =
        |reason: &str| vec![error("release-id-unique", "/id", json!({"reason": reason, "value": id}))];
    // The standard forbids `#`; a space would have to be escaped in the address of the release.
    if id.contains(|c: char| c == '#' || c.is_whitespace() || c.is_control()) {
        return finding("unusable");
    }
    if case.ctx.earlier.iter().any(|earlier| id_text(earlier.get("id")).as_ref() == Some(&id)) {
        return finding("repeated");
    }
    Vec::new()
}
