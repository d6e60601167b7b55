//! Capture forms that travel: a file becomes the next version of the form of its stage, in a stream of its own that
//! devices read like any other. A version is never changed: follow-ups name the one they were captured with.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::follow_up::FormRef;
use domain::form::{Fault, Form, Reason, check, shipped};
use domain::history::ChangeKind;
use domain::wire::{FORMS, FormState};
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::store::{Entry, Result, StoreError, Tx};
use crate::words::say;

/// What became of a file.
#[derive(Debug, PartialEq)]
pub enum Added {
    /// It is in the stream.
    New,
    /// The same version with the same content is known.
    Same,
    /// That version, or a later one, is there with something else in it: the number to go on with.
    Taken {
        /// First version that is free.
        next: u32,
    },
    /// The form of that stage has another name.
    OtherName {
        /// The name it has.
        known: String,
    },
}

/// A version that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// As devices draw it.
    pub form: Form,
    /// When it was added; none for those that ship with the program.
    pub since: Option<DateTime<Utc>>,
    /// The file, where it came as one.
    pub source: Option<Value>,
}

/// Every version that is known, those that ship first.
///
/// # Errors
/// The database.
pub fn known(tx: &dyn Tx) -> Result<Vec<Known>> {
    let ships = |form: &Form| Known { form: form.clone(), since: None, source: None };
    let mut known: Vec<Known> = shipped().iter().map(ships).collect();
    let head = tx.head(FORMS)?;
    let mut unreadable = None;
    tx.latest(FORMS, head.seq, &mut |change| {
        let state = serde_json::from_value::<FormState>(change.state);
        let form = state.map_err(|error| error.to_string()).and_then(|state| {
            let form = Form::parse(&state.source.to_string()).map_err(|error| error.to_string())?;
            Ok((form, state.source))
        });
        match form {
            Ok((form, source)) => {
                known.push(Known { form, since: Some(change.recorded_at), source: Some(source) });
                true
            }
            Err(error) => {
                unreadable = Some(format!("form {}: {error}", change.record_id));
                false
            }
        }
    })?;
    match unreadable {
        Some(detail) => Err(StoreError::Corrupt(detail)),
        None => Ok(known),
    }
}

/// Whether a follow-up names a version that is known here.
///
/// # Errors
/// The database.
pub fn is_known(tx: &dyn Tx, named: &FormRef) -> Result<bool> {
    if shipped().iter().any(|form| form.reference() == *named) {
        return Ok(true);
    }
    // By its name alone: one that this program cannot read any more must not keep follow-ups waiting.
    let name = FormState { id: named.id.clone(), version: named.version, source: Value::Null }.record_id();
    let mut found = false;
    tx.latest(FORMS, tx.head(FORMS)?.seq, &mut |change| {
        found = change.record_id == name;
        !found
    })?;
    Ok(found)
}

/// Puts a form that was checked in the stream, unless it is there.
///
/// # Errors
/// The database.
pub fn add(tx: &dyn Tx, form: &Form, source: Value, now: DateTime<Utc>) -> Result<Added> {
    let known = known(tx)?;
    let of_stage: Vec<&Known> = known.iter().filter(|known| known.form.stage == form.stage).collect();
    if let Some(other) = of_stage.iter().find(|known| known.form.id != form.id) {
        return Ok(Added::OtherName { known: other.form.id.clone() });
    }
    if let Some(same) = of_stage.iter().find(|known| known.form.version == form.version)
        && (same.source.as_ref() == Some(&source) || same.form == *form)
    {
        return Ok(Added::Same);
    }
    let last = of_stage.iter().map(|known| known.form.version).max().unwrap_or(0);
    if form.version <= last {
        return Ok(Added::Taken { next: last + 1 });
    }
    let state = FormState { id: form.id.clone(), version: form.version, source };
    let entry = Entry {
        stream: FORMS.to_owned(),
        kind: ChangeKind::Form,
        record_id: state.record_id(),
        state: serde_json::to_value(&state).map_err(|error| StoreError::Corrupt(error.to_string()))?,
    };
    tx.append(vec![entry], now)?;
    Ok(Added::New)
}

/// Reads a file as a form: strictly, because a repeated key would be a field that silently disappears.
///
/// # Errors
/// What is wrong with it.
pub fn read(bytes: &[u8]) -> std::result::Result<(Form, Value), Vec<Fault>> {
    let fault = |text: String| vec![Fault { pointer: String::new(), reason: Reason::Json(text) }];
    // Some editors put a mark before the first letter.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| fault(error.to_string()))?;
    let form = check(text)?;
    let source = crate::strict::parse(bytes).map_err(|error| fault(error.to_string()))?;
    Ok((form, source))
}

/// Adds a form in a transaction of its own; with `dry_run` nothing is kept.
///
/// # Errors
/// The database.
pub fn add_file(endpoint: &Endpoint, form: &Form, source: Value, dry_run: bool) -> Result<Added> {
    let tx = endpoint.store.begin()?;
    let added = add(&*tx, form, source, endpoint.now())?;
    if added == Added::New && !dry_run {
        tx.commit()?;
    }
    Ok(added)
}

/// The version of each stage, by its word, that new drafts get.
pub fn newest(known: &[Known]) -> BTreeMap<&'static str, u32> {
    let mut newest = BTreeMap::new();
    for Known { form, .. } in known {
        let version = newest.entry(form.stage.as_str()).or_insert(form.version);
        *version = form.version.max(*version);
    }
    newest
}

/// One fault as a line of the terminal: where, what, and what to do.
pub fn sentence(fault: &Fault) -> String {
    let place = if fault.pointer.is_empty() { "/" } else { &fault.pointer };
    let what = match &fault.reason {
        Reason::Json(detail) => say(
            format!("no se puede leer ({detail}). Compáralo con schemas/capture y corrígelo."),
            format!("it cannot be read ({detail}). Compare it with schemas/capture and mend it."),
        ),
        Reason::Lacking => say(
            "falta. Agrégalo como está en schemas/capture.",
            "it is not there. Add it as in schemas/capture.",
        ),
        Reason::Word { given, known } => say(
            format!("«{given}» no es una de las palabras que se usan ahí: {}.", known.join(", ")),
            format!("«{given}» is none of the words that are used there: {}.", known.join(", ")),
        ),
        Reason::TooLarge => say(
            "el archivo pasa de 256 KiB. Quita campos o textos.",
            "the file is over 256 KiB. Take out fields or texts.",
        ),
        Reason::Blank => say(
            "está en blanco. Escríbelo: en español y en inglés.",
            "it is blank. Write it, in Spanish and in English.",
        ),
        Reason::Name(name) => say(
            format!(
                "«{name}» no sirve de nombre. Usa letras sin acento, dígitos y guiones, empezando por letra."
            ),
            format!("«{name}» is no name. Use plain letters, digits and hyphens, a letter first."),
        ),
        Reason::Version => say("la versión se cuenta desde 1.", "versions count from 1."),
        Reason::UnknownField(field) => say(
            format!("no hay un campo «{field}» en properties. Agrégalo, o quita su nombre de aquí."),
            format!("there is no field «{field}» in properties. Add it, or take its name out of here."),
        ),
        Reason::Groups(0) => say(
            "el campo no está en ningún grupo, así que nadie lo vería. Ponlo en uno de x-groups.",
            "the field is in no group, so nobody would see it. Put it in one of x-groups.",
        ),
        Reason::Groups(_) => say(
            "el campo está en más de un grupo. Déjalo en uno.",
            "the field is in more than one group. Leave it in one.",
        ),
        Reason::UnknownCode(code) => say(
            format!("no hay una lista o un código «{code}». Revisa los nombres en schemas/ocds/codelists."),
            format!("there is no codelist or code «{code}». Look up the names in schemas/ocds/codelists."),
        ),
        Reason::NoChoices => say(
            "un campo de código necesita su lista. Nómbrala en x-codelist.",
            "a code field needs its list. Name it in x-codelist.",
        ),
        Reason::UnknownPlace(path) => say(
            format!(
                "ni el estándar ni una extensión declarada tienen «{path}». Revisa x-path, o hazlo interno."
            ),
            format!(
                "neither the standard nor a declared extension has «{path}». Look at x-path, or make it internal."
            ),
        ),
        Reason::WrongKind(path) => say(
            format!("«{path}» lleva otra clase de valor. Revisa x-kind."),
            format!("«{path}» takes another kind of value. Look at x-kind."),
        ),
        Reason::Reserved(path) => say(
            format!("«{path}» lo escribe sólo el servidor central. Elige otro lugar."),
            format!("only the central endpoint writes «{path}». Choose another place."),
        ),
        Reason::SamePlace(other) => say(
            format!(
                "el campo «{other}» escribe en el mismo lugar, y de lo tecleado se perdería uno. Cambia uno de los dos."
            ),
            format!(
                "the field «{other}» writes to the same place, and one of both values would be lost. Change either."
            ),
        ),
        Reason::Repeated(name) => say(
            format!(
                "hay dos grupos o campos con el nombre «{name}» (las copias de uno que se repite se llaman nombre-2, nombre-3…)."
            ),
            format!(
                "two groups or fields have the name «{name}» (copies of one that is repeated are called name-2, name-3…)."
            ),
        ),
        Reason::WrongClass => say(
            "un campo interno va bajo /internal/ y uno público no; y de uno interno no se deriva nada que se publique.",
            "an internal field is under /internal/ and a public one is not; and nothing that is published follows from an \
             internal one.",
        ),
        Reason::Times => say(
            "un grupo se repite de 1 a 20 veces; si son varias, los lugares de sus campos llevan {n}.",
            "a group is repeated from 1 to 20 times; with several, the places of its fields have {n}.",
        ),
    };
    format!("{place}: {what}")
}
