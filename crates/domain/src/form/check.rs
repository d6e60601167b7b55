//! Whether a file is a form, before it travels: everything that is wrong with it, each with its place and its reason.
//!
//! The forms that ship are tested when the program is built. One that the administration writes is read by devices that
//! nobody can ask, so it is refused here, whole, for anything that would make a field that cannot be filled or a value
//! that cannot be published.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::fold::set;
use super::{Class, Form, Kind, SourceField, SourceGroup, Text};
use crate::follow_up::{RESERVED, Stage};
use crate::place::Position;

/// Longest form, bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// Most copies of a group.
const MAX_TIMES: usize = 20;
/// Where a follow-up keeps what is not part of a release.
const PLACES: [&str; 7] = [
    "/visitedOn",
    "/progress/physical/planned",
    "/progress/physical/actual",
    "/progress/financial/planned",
    "/progress/financial/actual",
    "/reason",
    "/contract",
];

/// One thing that is wrong with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON Pointer into the file.
    pub pointer: String,
    /// What it is.
    pub reason: Reason,
}

/// What can be wrong with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is not the JSON that is expected there; in the words of the reader.
    Json(String),
    /// Something that must be there is not.
    Lacking,
    /// Not one of the words that are known there.
    Word {
        /// What is there.
        given: String,
        /// The words that are known.
        known: Vec<&'static str>,
    },
    /// Longer than [`MAX_BYTES`].
    TooLarge,
    /// A text is blank in one of the two languages.
    Blank,
    /// Not a name: letters, digits and hyphens, beginning with a letter.
    Name(String),
    /// A version counts from 1.
    Version,
    /// No such field.
    UnknownField(String),
    /// The field is in no group, or in several.
    Groups(usize),
    /// No such codelist, or no such code in it.
    UnknownCode(String),
    /// A code field without a codelist.
    NoChoices,
    /// Neither the standard nor a declared extension has this place.
    UnknownPlace(String),
    /// That place takes another kind of value.
    WrongKind(String),
    /// The central endpoint alone writes that place.
    Reserved(String),
    /// Another field writes the same place: what is typed in one of them would disappear.
    SamePlace(String),
    /// Another group or field has that name, perhaps a copy of one that is filled several times.
    Repeated(String),
    /// An internal field with a public place, or the opposite.
    WrongClass,
    /// A group is filled from 1 to 20 times, and with more than one its places have `{n}`.
    Times,
}

/// What a field says with one word of a few, and what else it cannot do without.
const KINDS: &[&str] =
    &["text", "notes", "percent", "money", "date", "code", "rfc", "number", "place", "method"];
const CLASSES: &[&str] = &["public", "internal"];
const REQUIRED: &[&str] = &["always", "group", "never"];
const NEEDED: [&str; 3] = ["x-path", "x-title", "x-help"];

struct Faults(Vec<Fault>);

impl Faults {
    fn say(&mut self, pointer: impl Into<String>, reason: Reason) {
        self.0.push(Fault { pointer: pointer.into(), reason });
    }

    fn read<T: serde::de::DeserializeOwned>(&mut self, pointer: &str, value: Option<&Value>) -> Option<T> {
        let Some(value) = value else {
            self.say(pointer, Reason::Lacking);
            return None;
        };
        match serde_json::from_value(value.clone()) {
            Ok(read) => Some(read),
            Err(error) => {
                self.say(pointer, Reason::Json(error.to_string()));
                None
            }
        }
    }

    /// Whether what is there is one of the words that are known.
    fn word(&mut self, pointer: &str, value: Option<&Value>, known: &[&'static str]) {
        let reason = match value {
            None => Reason::Lacking,
            Some(Value::String(word)) if known.contains(&word.as_str()) => return,
            Some(Value::String(word)) => Reason::Word { given: word.clone(), known: known.to_vec() },
            Some(other) => Reason::Word { given: other.to_string(), known: known.to_vec() },
        };
        self.say(pointer, reason);
    }

    fn text(&mut self, pointer: &str, text: &Text) {
        for (lang, words) in [("es", &text.es), ("en", &text.en)] {
            if words.trim().is_empty() {
                self.say(format!("{pointer}/{lang}"), Reason::Blank);
            }
        }
    }

    fn name(&mut self, pointer: &str, name: &str) {
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !good || name.len() > 64 {
            self.say(pointer, Reason::Name(name.to_owned()));
        }
    }
}

/// Reads a form and holds it against everything a form must be.
///
/// # Errors
/// Everything that is wrong, in the order of the file.
pub fn check(text: &str) -> Result<Form, Vec<Fault>> {
    let mut faults = Faults(Vec::new());
    if text.len() > MAX_BYTES {
        faults.say("", Reason::TooLarge);
        return Err(faults.0);
    }
    let source: Value = match serde_json::from_str(text) {
        Ok(source) => source,
        Err(error) => {
            faults.say("", Reason::Json(error.to_string()));
            return Err(faults.0);
        }
    };
    head(&source, &mut faults);
    let groups = groups(&source, &mut faults);
    fields(&source, &groups, &mut faults);
    if faults.0.is_empty() {
        match Form::parse(text) {
            Ok(form) => {
                together(&form, &mut faults);
                if faults.0.is_empty() {
                    return Ok(form);
                }
            }
            Err(error) => faults.say("", Reason::Json(error.to_string())),
        }
    }
    Err(faults.0)
}

/// What only shows once every copy of a group is there: names and places that are taken twice.
fn together(form: &Form, faults: &mut Faults) {
    let (mut groups, mut fields) = (BTreeSet::new(), BTreeSet::new());
    let mut places = BTreeMap::new();
    for group in &form.groups {
        if !groups.insert(group.id.as_str()) {
            faults.say("/x-groups", Reason::Repeated(group.id.clone()));
        }
        for field in &group.fields {
            let pointer = format!("/properties/{}", field.id);
            if !fields.insert(field.id.as_str()) {
                faults.say(&pointer, Reason::Repeated(field.id.clone()));
            }
            // Internal values are kept by the name of their field; the notes have one place.
            let has_place = field.class == Class::Public || field.path == "/internal/notes";
            let other = has_place.then(|| places.insert(field.path.as_str(), field.id.as_str())).flatten();
            if let Some(other) = other {
                faults.say(format!("{pointer}/x-path"), Reason::SamePlace(other.to_owned()));
            }
        }
    }
}

fn head(source: &Value, faults: &mut Faults) {
    if let Some(id) = faults.read::<String>("/$id", source.get("$id")) {
        faults.name("/$id", &id);
    }
    if faults.read::<u32>("/x-version", source.get("x-version")) == Some(0) {
        faults.say("/x-version", Reason::Version);
    }
    faults.word("/x-stage", source.get("x-stage"), &Stage::ALL.map(Stage::as_str));
    if let Some(title) = faults.read::<Text>("/x-title", source.get("x-title")) {
        faults.text("/x-title", &title);
    }
}

fn groups(source: &Value, faults: &mut Faults) -> Vec<SourceGroup> {
    let list: Vec<Value> = faults.read("/x-groups", source.get("x-groups")).unwrap_or_default();
    let mut groups = Vec::new();
    for (n, value) in list.iter().enumerate() {
        let pointer = format!("/x-groups/{n}");
        let Some(group) = faults.read::<SourceGroup>(&pointer, Some(value)) else { continue };
        faults.name(&format!("{pointer}/id"), &group.id);
        faults.text(&format!("{pointer}/title"), &group.title);
        faults.text(&format!("{pointer}/help"), &group.help);
        if group.fields.is_empty() {
            faults.say(format!("{pointer}/fields"), Reason::Blank);
        }
        if !(1..=MAX_TIMES).contains(&group.times) {
            faults.say(format!("{pointer}/times"), Reason::Times);
        }
        groups.push(group);
    }
    groups
}

fn fields(source: &Value, groups: &[SourceGroup], faults: &mut Faults) {
    let properties: Map<String, Value> =
        faults.read("/properties", source.get("properties")).unwrap_or_default();
    for (n, group) in groups.iter().enumerate() {
        for (m, field) in group.fields.iter().enumerate() {
            if !properties.contains_key(field) {
                faults.say(format!("/x-groups/{n}/fields/{m}"), Reason::UnknownField(field.clone()));
            }
        }
        for (m, derived) in group.derive.iter().enumerate() {
            if let Some(from) = derived.from.as_ref().filter(|from| !properties.contains_key(*from)) {
                faults.say(format!("/x-groups/{n}/derive/{m}/from"), Reason::UnknownField(from.clone()));
            }
        }
    }
    let mut read = BTreeMap::<String, (String, SourceField)>::new();
    for (id, value) in &properties {
        let pointer = format!("/properties/{}", id.replace('~', "~0").replace('/', "~1"));
        faults.name(&pointer, id);
        let before = faults.0.len();
        for (key, known) in [("x-kind", KINDS), ("x-class", CLASSES), ("x-required", REQUIRED)] {
            faults.word(&format!("{pointer}/{key}"), value.get(key), known);
        }
        for key in NEEDED.into_iter().filter(|key| value.get(key).is_none()) {
            faults.say(format!("{pointer}/{key}"), Reason::Lacking);
        }
        if faults.0.len() > before {
            continue;
        }
        let Some(field) = faults.read::<SourceField>(&pointer, Some(value)) else { continue };
        faults.text(&format!("{pointer}/x-title"), &field.title);
        faults.text(&format!("{pointer}/x-help"), &field.help);
        let within: Vec<&SourceGroup> = groups.iter().filter(|group| group.fields.contains(id)).collect();
        match within.as_slice() {
            [group] => {
                if group.times > 1 && !field.path.contains("{n}") && field.class == Class::Public {
                    faults.say(format!("{pointer}/x-path"), Reason::Times);
                }
            }
            others => faults.say(&pointer, Reason::Groups(others.len())),
        }
        choices(&pointer, &field, faults);
        place(&pointer, &field, faults);
        read.insert(id.clone(), (pointer, field));
    }
    for (n, group) in groups.iter().enumerate() {
        for (m, derived) in group.derive.iter().enumerate() {
            let pointer = format!("/x-groups/{n}/derive/{m}");
            if !derived.path.starts_with("/release/") || !is_a_way(&derived.path.replace("{n}", "0")) {
                faults.say(format!("{pointer}/path"), Reason::UnknownPlace(derived.path.clone()));
            } else if is_reserved(&derived.path) {
                faults.say(format!("{pointer}/path"), Reason::Reserved(derived.path.clone()));
            }
            let from = derived.from.as_ref().and_then(|from| read.get(from));
            if from.is_some_and(|(_, field)| field.class == Class::Internal) {
                faults.say(format!("{pointer}/from"), Reason::WrongClass);
            }
        }
    }
    for (pointer, field) in read.values() {
        let Some(when) = &field.required_when else { continue };
        let pointer = format!("{pointer}/x-required-when");
        match read.get(&when.field) {
            None => faults.say(format!("{pointer}/field"), Reason::UnknownField(when.field.clone())),
            Some((_, other)) => {
                let list = other.codelist.as_deref().and_then(ocds::codelist::get);
                let unknown = when.is.iter().find(|code| !list.is_some_and(|list| list.contains(code)));
                if let Some(code) = unknown {
                    faults.say(format!("{pointer}/is"), Reason::UnknownCode(code.clone()));
                }
            }
        }
    }
}

/// Whether a pointer can be walked: no blank step, and no list that its number alone would make endless.
fn is_a_way(pointer: &str) -> bool {
    let endless = |step: &str| step.bytes().all(|b| b.is_ascii_digit()) && step.len() > 2;
    pointer.len() <= 200
        && pointer
            .strip_prefix('/')
            .is_some_and(|way| way.split('/').all(|step| !step.is_empty() && !endless(step)))
}

/// Whether a place in a follow-up is one that only the endpoint writes.
fn is_reserved(path: &str) -> bool {
    let first = path.strip_prefix("/release/").and_then(|way| way.split('/').next());
    first.is_some_and(|first| RESERVED.contains(&first))
}

fn choices(pointer: &str, field: &SourceField, faults: &mut Faults) {
    match &field.codelist {
        None if field.kind == Kind::Code => faults.say(pointer, Reason::NoChoices),
        None => {}
        Some(name) => match ocds::codelist::get(name) {
            None => faults.say(format!("{pointer}/x-codelist"), Reason::UnknownCode(name.clone())),
            Some(list) => {
                for (n, code) in field.codes.iter().enumerate().filter(|(_, code)| !list.contains(code)) {
                    faults.say(format!("{pointer}/x-codes/{n}"), Reason::UnknownCode(code.clone()));
                }
            }
        },
    }
}

fn place(pointer: &str, field: &SourceField, faults: &mut Faults) {
    let path = field.path.replace("{n}", "0");
    let pointer_of_path = format!("{pointer}/x-path");
    let inside = path.strip_prefix("/internal/").is_some_and(|rest| !rest.is_empty());
    match field.class {
        Class::Internal if inside => return,
        Class::Public if !inside => {}
        _ => return faults.say(format!("{pointer}/x-class"), Reason::WrongClass),
    }
    if PLACES.contains(&path.as_str()) {
        return;
    }
    // Organizations are named in a form, and numbered in a release.
    let numbered = match path.strip_prefix("/release/parties/").and_then(|rest| rest.split_once('/')) {
        Some((_, rest)) => format!("/parties/0/{rest}"),
        None => path.strip_prefix("/release").unwrap_or_default().to_owned(),
    };
    if !is_a_way(&numbered) {
        return faults.say(pointer_of_path, Reason::UnknownPlace(field.path.clone()));
    }
    if is_reserved(&path) {
        return faults.say(pointer_of_path, Reason::Reserved(field.path.clone()));
    }
    let value = match field.kind {
        Kind::Text | Kind::Notes | Kind::Rfc | Kind::Method => json!("x"),
        Kind::Percent | Kind::Money | Kind::Number => json!(1),
        Kind::Date => json!("2026-03-12T00:00:00-06:00"),
        Kind::Place => Position::new(0.0, 0.0).geometry(),
        Kind::Code => {
            let list = field.codelist.as_deref().and_then(ocds::codelist::get);
            json!(list.and_then(|list| list.codes.first()).map(|code| code.code))
        }
    };
    let mut release = json!({});
    set(&mut release, &numbered, value);
    let context = ocds::check::Context {
        prefix: None,
        earlier: &[],
        now: chrono::DateTime::from_timestamp_millis(0).unwrap_or_default(),
    };
    for finding in ocds::check::release(&release, &context) {
        // Only what is on the way to the place: a release of one field lacks everything else.
        let on_the_way =
            numbered == finding.pointer || numbered.starts_with(&format!("{}/", finding.pointer));
        match finding.rule.as_str() {
            "declared-fields" if on_the_way => {
                return faults.say(pointer_of_path, Reason::UnknownPlace(field.path.clone()));
            }
            "schema-type" if on_the_way => {
                return faults.say(pointer_of_path, Reason::WrongKind(field.path.clone()));
            }
            _ => {}
        }
    }
}
