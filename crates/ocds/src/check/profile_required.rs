//! `profile-required` (warning): what `schemas/profile.json` asks of every process, once its releases are merged.

use serde_json::json;

use super::{Case, Finding, warning};
use crate::schema;
use crate::tag::items;

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    items(&schema::profile()["required"])
        .filter_map(|field| field["path"].as_str())
        .filter(|path| case.after.pointer(path).is_none())
        .map(|path| warning("profile-required", "", json!({"field": path.trim_start_matches('/')})))
        .collect()
}
