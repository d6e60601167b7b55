//! Capture forms are data (`schemas/capture/<stage>.json`): a JSON Schema whose fields say where their value goes.
//!
//! A draft keeps what was typed, letter by letter; [`Form::fold`] reads it into a follow-up and says, field by field,
//! what is missing or cannot be read. The page holds no rule of its own.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

use crate::follow_up::{FormRef, Stage};
use crate::release::Basis;

mod check;
mod fold;

pub use check::{Fault, Reason, check};
pub use fold::{Folded, RULES, Values, rfc_person};

/// A text in the two languages of the product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Text {
    /// Spanish of Mexico.
    pub es: String,
    /// English.
    pub en: String,
}

/// How a field is typed and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One line.
    Text,
    /// Several lines.
    Notes,
    /// 0–100.
    Percent,
    /// Amount in the municipality's currency, ≥ 0.
    Money,
    /// Day.
    Date,
    /// One code of a codelist.
    Code,
    /// RFC: 12 or 13 characters.
    Rfc,
    /// Quantity, ≥ 0.
    Number,
    /// Coordinates of a point; on a map too, where there is one.
    Place,
    /// How the place of the same group was found; said by the screen, never typed.
    Method,
}

/// Whether a value may be published. Only `public` fields reach the fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Published.
    Public,
    /// Stays inside.
    Internal,
}

/// When a field must be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Required {
    /// Always.
    Always,
    /// When any field of its group is filled.
    Group,
    /// Never.
    Never,
}

/// One choice of a code field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Choice {
    /// Code of the standard.
    pub code: String,
    /// Its title.
    pub title: Text,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Identifier in the form.
    pub id: String,
    /// How it is typed.
    pub kind: Kind,
    /// JSON Pointer into the follow-up file.
    pub path: String,
    /// Public or internal.
    pub class: Class,
    /// When it must be filled.
    pub required: Required,
    /// Label.
    pub title: Text,
    /// Help of the field (F1).
    pub help: Text,
    /// Choices of a code field.
    pub choices: Vec<Choice>,
    /// Longest text, characters.
    pub max_length: u32,
    /// Also required when another field has one of these codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(skip)]
    required_when: Option<When>,
    /// Whether a person may say that there is no such datum, with a reason, instead of filling it.
    #[serde(default)]
    pub may_lack: bool,
}

impl Field {
    /// Under which name the typed values keep the reason why this field has no datum.
    pub fn lack_key(&self) -> String {
        format!("{LACK}{}", self.id)
    }

    /// What a process says at the place of this field, as it would be typed: a day as `yyyy-mm-dd`, an amount in
    /// digits. Of contracts, the one that is active; of awards, the only one; of other lists nothing, because a form
    /// adds to them.
    pub fn known(&self, basis: &Basis<'_>) -> Option<String> {
        let mut place = basis.compiled;
        let mut above = "";
        for step in self.path.strip_prefix("/release/")?.split('/') {
            place = match (place, above) {
                (Value::Array(contracts), "contracts") => {
                    let active = basis.active_contracts();
                    let [one] = active.as_slice() else { return None };
                    contracts.iter().find(|contract| contract["id"].as_str() == Some(one))?
                }
                (
                    Value::Array(items),
                    "awards" | "suppliers" | "surveillanceMechanisms" | "submissionMethod" | "locations",
                ) => items.first().filter(|_| items.len() == 1 && step == "0")?,
                (Value::Array(_), _) => return None,
                (object, _) => object.get(step)?,
            };
            above = step;
        }
        match (self.kind, place) {
            (Kind::Date, Value::String(text)) => Some(text.get(..10)?.to_owned()),
            (_, Value::String(text)) => Some(text.clone()),
            (_, Value::Number(number)) => Some(number.to_string()),
            (Kind::Place, geometry) => Some(crate::place::Position::of_geometry(geometry)?.text()),
            _ => None,
        }
    }
}

/// Begins the name under which the reason of a missing datum is kept; no field is named like that.
const LACK: char = '~';

/// A condition on another field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    field: String,
    is: Vec<String>,
}

/// Fields that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Identifier.
    pub id: String,
    /// Title.
    pub title: Text,
    /// One sentence under the title.
    pub help: Text,
    /// Whether it starts folded.
    pub optional: bool,
    /// The group of which this is a further copy: shown once the one before it has something.
    #[serde(default)]
    pub copy_of: Option<String>,
    /// Its fields, in the order of the paper.
    pub fields: Vec<Field>,
    /// What follows from a filled group.
    #[ts(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    derive: Vec<Derive>,
}

/// A form, ready to draw and to fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Form {
    /// Identifier.
    pub id: String,
    /// Version.
    pub version: u32,
    /// Stage it reports on.
    pub stage: Stage,
    /// Title.
    pub title: Text,
    /// Groups.
    pub groups: Vec<Group>,
    /// Reasons why a datum may be lacking (`schemas/capture/lacking.json`).
    #[serde(default)]
    pub lacking: Vec<Choice>,
}

/// A value that follows from others: a constant, a copy of a field, possibly as an identifier, or what the process
/// already says at a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Derive {
    path: String,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    from: Option<String>,
    /// Prefix for an identifier made from `from`.
    #[serde(default)]
    slug: Option<String>,
    /// JSON Pointer into the compiled release of the process.
    #[serde(default)]
    known: Option<String>,
}

/// The file as written in `schemas/capture`.
#[derive(Deserialize)]
struct Source {
    #[serde(rename = "$id")]
    id: String,
    #[serde(rename = "x-version")]
    version: u32,
    #[serde(rename = "x-stage")]
    stage: Stage,
    #[serde(rename = "x-title")]
    title: Text,
    #[serde(rename = "x-groups")]
    groups: Vec<SourceGroup>,
    properties: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceGroup {
    id: String,
    title: Text,
    help: Text,
    #[serde(default)]
    optional: bool,
    /// How many times it may be filled. In its paths and in those of its fields `{n}` is the number of the copy, from 0.
    #[serde(default = "one")]
    times: usize,
    fields: Vec<String>,
    #[serde(default)]
    derive: Vec<Derive>,
}

fn one() -> usize {
    1
}

fn may_lack() -> bool {
    true
}

#[derive(Deserialize)]
struct SourceField {
    #[serde(rename = "x-kind")]
    kind: Kind,
    #[serde(rename = "x-path")]
    path: String,
    #[serde(rename = "x-class")]
    class: Class,
    #[serde(rename = "x-required")]
    required: Required,
    #[serde(rename = "x-title")]
    title: Text,
    #[serde(rename = "x-help")]
    help: Text,
    #[serde(rename = "x-codelist", default)]
    codelist: Option<String>,
    #[serde(rename = "x-codes", default)]
    codes: Vec<String>,
    #[serde(rename = "maxLength", default)]
    max_length: Option<u32>,
    #[serde(rename = "x-required-when", default)]
    required_when: Option<When>,
    /// `false` where the standard cannot do without it: identifiers.
    #[serde(rename = "x-may-lack", default = "may_lack")]
    may_lack: bool,
}

/// Why a form file is not a form.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// It is not the JSON that is expected.
    #[error("form: {0}")]
    Json(#[from] serde_json::Error),
    /// A group names a field that is not in `properties`.
    #[error("form {form}: group {group} names the field {field}, which does not exist")]
    UnknownField {
        /// Form.
        form: String,
        /// Group.
        group: String,
        /// Field.
        field: String,
    },
    /// A field takes its choices from a codelist that does not exist, or a code that is not in it.
    #[error("form {form}: field {field}: no such code or codelist: {code}")]
    UnknownCode {
        /// Form.
        form: String,
        /// Field.
        field: String,
        /// Code or codelist.
        code: String,
    },
}

impl Form {
    /// Reads a form from its JSON.
    pub fn parse(text: &str) -> Result<Form, FormError> {
        let source: Source = serde_json::from_str(text)?;
        let mut fields: BTreeMap<&str, Field> = BTreeMap::new();
        for (id, value) in &source.properties {
            let field: SourceField = serde_json::from_value(value.clone())?;
            let mut choices = Vec::new();
            if let Some(name) = &field.codelist {
                let unknown = |code: &str| FormError::UnknownCode {
                    form: source.id.clone(),
                    field: id.clone(),
                    code: code.to_owned(),
                };
                let list = ocds::codelist::get(name).ok_or_else(|| unknown(name))?;
                let wanted = |code: &str| field.codes.is_empty() || field.codes.iter().any(|c| c == code);
                if let Some(code) = field.codes.iter().find(|code| !list.contains(code)) {
                    return Err(unknown(code));
                }
                choices = list
                    .codes
                    .iter()
                    .filter(|code| wanted(code.code))
                    .map(|code| Choice {
                        code: code.code.to_string(),
                        title: Text { es: code.title_es.to_string(), en: code.title_en.to_string() },
                    })
                    .collect();
            }
            fields.insert(
                id,
                Field {
                    id: id.clone(),
                    kind: field.kind,
                    path: field.path,
                    class: field.class,
                    required: field.required,
                    title: field.title,
                    help: field.help,
                    choices,
                    max_length: field.max_length.unwrap_or(match field.kind {
                        Kind::Notes => 4000,
                        _ => 250,
                    }),
                    may_lack: field.may_lack
                        && field.class == Class::Public
                        && (field.required != Required::Never || field.required_when.is_some()),
                    required_when: field.required_when,
                },
            );
        }
        let mut groups = Vec::new();
        for group in source.groups {
            let mut own = Vec::new();
            for id in &group.fields {
                own.push(fields.get(id.as_str()).cloned().ok_or_else(|| FormError::UnknownField {
                    form: source.id.clone(),
                    group: group.id.clone(),
                    field: id.clone(),
                })?);
            }
            let whole = Group {
                id: group.id,
                title: group.title,
                help: group.help,
                optional: group.optional,
                copy_of: None,
                fields: own,
                derive: group.derive,
            };
            groups.extend((0..group.times).map(|number| whole.copy(number)));
        }
        Ok(Form {
            id: source.id,
            version: source.version,
            stage: source.stage,
            title: source.title,
            groups,
            lacking: serde_json::from_str(include_str!("../../../schemas/capture/lacking.json"))?,
        })
    }

    /// Which form this is, for the draft and the follow-up to remember.
    pub fn reference(&self) -> FormRef {
        FormRef { id: self.id.clone(), version: self.version }
    }

    /// What was said not to exist, field by field as they are in the form, with the titles of both. What is of no field
    /// of this form is told by its name.
    pub fn lacks(&self, lacking: &BTreeMap<String, String>) -> Vec<(Text, Text)> {
        let plain = |name: &String| Text { es: name.clone(), en: name.clone() };
        let because = |code: &String| {
            let known = self.lacking.iter().find(|choice| choice.code == *code);
            known.map_or_else(|| plain(code), |choice| choice.title.clone())
        };
        let own =
            self.fields().filter_map(|field| Some((field.title.clone(), because(lacking.get(&field.id)?))));
        let other = |id: &String| self.fields().all(|field| field.id != *id);
        let others = lacking.iter().filter(|(id, _)| other(id)).map(|(id, code)| (plain(id), because(code)));
        own.chain(others).collect()
    }

    /// Every field, in order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.groups.iter().flat_map(|group| &group.fields)
    }
}

impl Group {
    /// The copy of a group with a number, from 0. The first keeps the names of the group and of its fields.
    fn copy(&self, number: usize) -> Group {
        let name = |id: &str| if number == 0 { id.to_owned() } else { format!("{id}-{}", number + 1) };
        let place = |path: &str| path.replace("{n}", &number.to_string());
        let own = |id: &str| self.fields.iter().any(|field| field.id == id);
        let mut copy = self.clone();
        copy.id = name(&self.id);
        if number > 0 {
            copy.copy_of = Some(self.id.clone());
            copy.title.es = format!("{} {}", copy.title.es, number + 1);
            copy.title.en = format!("{} {}", copy.title.en, number + 1);
        }
        for field in &mut copy.fields {
            field.id = name(&field.id);
            field.path = place(&field.path);
            if let Some(when) = &mut field.required_when
                && own(&when.field)
            {
                when.field = name(&when.field);
            }
        }
        for derived in &mut copy.derive {
            derived.path = place(&derived.path);
            derived.from = derived.from.take().map(|from| if own(&from) { name(&from) } else { from });
        }
        copy
    }
}

/// The forms that ship with the program, one for each stage.
pub fn shipped() -> &'static [Form] {
    static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
        [
            include_str!("../../../schemas/capture/planning.json"),
            include_str!("../../../schemas/capture/tender.json"),
            include_str!("../../../schemas/capture/award.json"),
            include_str!("../../../schemas/capture/contract.json"),
            include_str!("../../../schemas/capture/implementation.json"),
            include_str!("../../../schemas/capture/closure.json"),
        ]
        .into_iter()
        .map(|text| Form::parse(text).expect("the forms that ship are tested"))
        .collect()
    });
    &FORMS
}

/// The form of a stage that ships.
pub fn for_stage(stage: Stage) -> Option<&'static Form> {
    shipped().iter().find(|form| form.stage == stage)
}
