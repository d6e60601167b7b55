//! Release tags from what a release contains (OCDS 1.1, "Release tag").

use serde_json::Value;

use crate::value::id_text;

/// A part of a contracting process that has tags of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Planning,
    Tender,
    Award,
    Contract,
    Implementation,
}

impl Section {
    pub(crate) const ALL: [Section; 5] =
        [Section::Planning, Section::Tender, Section::Award, Section::Contract, Section::Implementation];

    /// The tag of a section that appears for the first time.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Section::Planning => "planning",
            Section::Tender => "tender",
            Section::Award => "award",
            Section::Contract => "contract",
            Section::Implementation => "implementation",
        }
    }

    /// The tag of a section that an earlier release has.
    pub(crate) fn update(self) -> &'static str {
        match self {
            Section::Planning => "planningUpdate",
            Section::Tender => "tenderUpdate",
            Section::Award => "awardUpdate",
            Section::Contract => "contractUpdate",
            Section::Implementation => "implementationUpdate",
        }
    }

    /// Whether a release, or a compiled release, says something in this section.
    pub(crate) fn is_in(self, release: &Value) -> bool {
        match self {
            Section::Planning => filled(&release["planning"]),
            Section::Tender => filled(&release["tender"]),
            Section::Award => filled(&release["awards"]),
            Section::Contract => items(&release["contracts"]).any(says_something),
            Section::Implementation => {
                items(&release["contracts"]).any(|contract| filled(&contract["implementation"]))
            }
        }
    }
}

/// The tags of a release: codes of the closed codelist `releaseTag`, in the order of the process, each once, and never
/// none. Both arguments are releases (`{planning, tender, awards, contracts, …}`); their own `tag` is not looked at,
/// and what has another shape than a release says nothing.
///
/// A section gets `X` if `compiled_before` (the compiled release of everything earlier) has no such section, else
/// `XUpdate`. A contract that only carries `id`, `awardID` and `implementation` is not a contract section. A new
/// amendment gives `tenderAmendment` or `contractAmendment`, if an earlier release has that section; a status that
/// becomes cancelled or withdrawn gives `tenderCancellation` or `awardCancellation`, and a contract that becomes
/// cancelled or terminated gives `contractTermination`; each of these replaces the update of its section. A release
/// without any section is `planning`, or `planningUpdate` if there is something before it.
pub fn derive(release: &Value, compiled_before: Option<&Value>) -> Vec<String> {
    let nothing = Value::Null;
    let before = compiled_before.unwrap_or(&nothing);
    let mut tags = Vec::new();
    for section in Section::ALL {
        if !section.is_in(release) {
            continue;
        }
        if !section.is_in(before) {
            tags.push(section.tag());
        }
        let special = special(section, release, before);
        if special.is_empty() && section.is_in(before) {
            tags.push(section.update());
        }
        tags.extend(special);
    }
    if tags.is_empty() {
        tags.push(if compiled_before.is_some() { "planningUpdate" } else { "planning" });
    }
    tags.into_iter().map(str::to_owned).collect()
}

/// Amendment, cancellation, termination.
fn special(section: Section, release: &Value, before: &Value) -> Vec<&'static str> {
    let mut tags = Vec::new();
    let mut push = |tag, yes: bool| {
        if yes {
            tags.push(tag);
        }
    };
    match section {
        Section::Tender => {
            let (now, was) = (&release["tender"], &before["tender"]);
            push("tenderAmendment", section.is_in(before) && gains_amendment(now, was));
            push("tenderCancellation", becomes(now, was, &["cancelled", "withdrawn"]));
        }
        Section::Award => {
            let cancelled =
                pairs(release, before, "awards").any(|(now, was)| becomes(now, was, &["cancelled"]));
            push("awardCancellation", cancelled);
        }
        Section::Contract => {
            let mut contracts = pairs(release, before, "contracts");
            let amended = section.is_in(before) && contracts.any(|(now, was)| gains_amendment(now, was));
            push("contractAmendment", amended);
            let ended = pairs(release, before, "contracts")
                .any(|(now, was)| becomes(now, was, &["cancelled", "terminated"]));
            push("contractTermination", ended);
        }
        Section::Planning | Section::Implementation => {}
    }
    tags
}

/// Whether `now` has an amendment that `was` does not have.
pub(crate) fn gains_amendment(now: &Value, was: &Value) -> bool {
    items(&now["amendments"]).any(|amendment| {
        let id = id_text(amendment.get("id"));
        !items(&was["amendments"])
            .any(|old| if id.is_some() { id_text(old.get("id")) == id } else { old == amendment })
    })
}

/// Whether the status is one of `ends` and was not before.
pub(crate) fn becomes(now: &Value, was: &Value, ends: &[&str]) -> bool {
    now["status"].as_str().is_some_and(|status| ends.contains(&status)) && now["status"] != was["status"]
}

/// Each item of an array with the item of the same id before (or `null`).
pub(crate) fn pairs<'a>(
    release: &'a Value,
    before: &'a Value,
    array: &'static str,
) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    const NOTHING: &Value = &Value::Null;
    items(&release[array]).map(move |now| {
        let id = id_text(now.get("id"));
        let was = items(&before[array]).find(|was| id.is_some() && id_text(was.get("id")) == id);
        (now, was.unwrap_or(NOTHING))
    })
}

fn says_something(contract: &Value) -> bool {
    contract.as_object().is_some_and(|contract| {
        contract.keys().any(|name| !matches!(name.as_str(), "id" | "awardID" | "implementation"))
    })
}

/// The items of an array; nothing for anything else.
pub(crate) fn items(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map_or(&[][..], Vec::as_slice).iter()
}

/// Whether a value is an object or array with something in it.
fn filled(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}
