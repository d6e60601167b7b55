//! Versions of a draft as a person sees them, and going back to one.

use domain::command::{Draft, DraftVersion, DraftVersions, VersionReason};
use domain::problem::{Code, Problem};
use rusqlite::Connection;
use uuid::Uuid;

use crate::capture::{self, Moment};
use crate::error::Error;
use crate::store::versions::{self, KeptFile, StoredVersion};
use crate::store::{Store, drafts};

/// The versions of a draft, newest first, each with the fields in which it differs from the draft as it is.
pub(crate) fn list(store: &Store, id: Uuid) -> Result<DraftVersions, Error> {
    store.read(|connection| {
        let draft = drafts::get(connection, id)?;
        let files = KeptFile::all(drafts::files(connection, id)?);
        let shown = |version: StoredVersion| {
            let differs = |field: &&str| version.typed.get(*field) != draft.typed.get(*field);
            let mut changed: Vec<String> = draft
                .form
                .fields()
                .map(|field| field.id.as_str())
                .filter(differs)
                .map(str::to_owned)
                .collect();
            // That somebody said there is no such datum differs too.
            let lacks = draft.form.fields().filter(|field| {
                let key = field.lack_key();
                version.typed.get(&key) != draft.typed.get(&key)
            });
            for field in lacks.map(|field| &field.id) {
                if !changed.contains(field) {
                    changed.push(field.clone());
                }
            }
            DraftVersion {
                number: version.number,
                saved_at: version.saved_at,
                reason: version.reason,
                values: version.typed,
                changed,
                files_changed: version.files != files,
                files: u32::try_from(version.files.len()).unwrap_or(u32::MAX),
            }
        };
        Ok(DraftVersions { versions: versions::of(connection, id)?.into_iter().map(shown).collect() })
    })
}

/// Makes a version the state of its draft. The state it was in is kept as a version first.
pub(crate) fn restore(store: &Store, moment: Moment, id: Uuid, number: u32) -> Result<Draft, Error> {
    store.write(|tx| {
        let mut draft = drafts::get(tx, id)?;
        let version = find(tx, id, number)?;
        versions::before(tx, &draft, store.session(), Some(VersionReason::Restored), moment.captured_at)?;
        // A field that the form does not have could not be saved; one that was typed is of this form.
        draft.typed = version.typed;
        // What stays is not attached anew: it keeps its place, and what was answered of it is not asked again.
        for file in drafts::files(tx, id)? {
            if !version.files.iter().any(|kept| kept.sha256 == file.sha256) {
                drafts::detach(tx, id, &file.sha256)?;
            }
        }
        for file in &version.files {
            drafts::attach(tx, id, &file.sha256, &file.document_type)?;
            drafts::describe(tx, id, &file.sha256, &file.document_type, file.title.as_deref())?;
        }
        capture::save(tx, moment, &mut draft)
    })?;
    capture::draft_open(store, moment, id)
}

fn find(connection: &Connection, id: Uuid, number: u32) -> Result<StoredVersion, Error> {
    let found = versions::of(connection, id)?.into_iter().find(|version| version.number == number);
    found.ok_or_else(|| Problem::new(Code::DraftUnknown).with("id", format!("{id} {number}")).into())
}
