//! What is only on this equipment, as files that a person can keep, read, and capture again: also when its project is
//! another área's now and nothing of it can be sent.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use domain::command::FollowUpRow;
use domain::evidence::{CHUNK_BYTES, EvidenceRef, MediaType};
use domain::follow_up::{FollowUpFile, State};
use domain::form::Values;
use domain::problem::Problem;
use serde::Serialize;

use crate::Client;
use crate::error::Error;
use crate::store::{Store, drafts, files, outbox};
use crate::view;

/// A follow-up that the endpoint does not have.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsent {
    /// As lists show it, with what keeps it here.
    pub row: FollowUpRow,
    /// What was captured, as a follow-up file.
    pub content: FollowUpFile,
    /// What was typed, letter for letter, while it is a draft: what cannot be read yet is only here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typed: Option<Values>,
    /// Its files.
    pub evidence: Vec<EvidenceRef>,
}

impl Client {
    /// What is only here: drafts that were not discarded, and follow-ups that the endpoint has not recorded.
    ///
    /// # Errors
    /// `passphrase_needed` while the store is closed.
    pub fn unsent(&self) -> Result<Vec<Unsent>, Problem> {
        let unsent = || -> Result<Vec<Unsent>, Error> {
            let inner = &*self.inner;
            inner.store()?.read(|connection| {
                let rows = view::own(connection, &inner.link)?.rows.into_iter();
                let here = |row: &FollowUpRow| {
                    matches!(row.state, State::Draft | State::Ready | State::Sending | State::Parked)
                };
                rows.filter(here).map(|row| of_row(connection, row)).collect()
            })
        };
        unsent().map_err(|error| self.inner.problem(error))
    }

    /// Copies one into a folder as `{folio}.json` and `{folio}-{n}.jpg`, `.pdf`, …; of a draft also
    /// `{folio}.typed.json`. Gives the path of the follow-up file. Nothing here changes.
    ///
    /// # Errors
    /// `disk_full`, `folder_read_only`, `file_unreadable`.
    pub fn export(&self, unsent: &Unsent, folder: &Path) -> Result<PathBuf, Problem> {
        let export = || -> Result<PathBuf, Error> {
            std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
            let store = self.inner.store()?;
            let place = |rest: String| folder.join(format!("{}{rest}", unsent.row.folio));
            for (n, file) in unsent.evidence.iter().enumerate() {
                copy(&store, file, &place(format!("-{}.{}", n + 1, extension(file.media_type))))?;
            }
            if let Some(typed) = &unsent.typed {
                let path = place(".typed.json".to_owned());
                std::fs::write(&path, serde_json::to_vec_pretty(typed)?).map_err(Error::io(&path))?;
            }
            let path = place(".json".to_owned());
            std::fs::write(&path, serde_json::to_vec_pretty(&unsent.content)?).map_err(Error::io(&path))?;
            Ok(path)
        };
        export().map_err(|error| self.inner.problem(error))
    }
}

fn of_row(connection: &rusqlite::Connection, row: FollowUpRow) -> Result<Unsent, Error> {
    if row.state == State::Draft {
        let draft = drafts::get(connection, row.id)?;
        let evidence = drafts::files(connection, row.id)?.into_iter().map(|file| EvidenceRef {
            sha256: file.sha256,
            size: file.size,
            media_type: file.media_type,
            document_type: file.document_type,
            title: file.title,
            reduced_from: file.original.map(|original| original.sha256),
        });
        let evidence = evidence.collect();
        return Ok(Unsent { row, content: draft.content, typed: Some(draft.typed), evidence });
    }
    let queued = outbox::of_record(connection, row.id)?.ok_or(Error::Stored { what: "a follow-up" })?;
    let follow_up = queued.follow_up()?;
    Ok(Unsent { row, content: follow_up.content, typed: None, evidence: follow_up.evidence })
}

fn extension(kind: MediaType) -> &'static str {
    match kind {
        MediaType::Jpeg => "jpg",
        MediaType::Png => "png",
        MediaType::Webp => "webp",
        MediaType::Pdf => "pdf",
    }
}

/// Piece by piece: a file need not fit in memory.
fn copy(store: &Store, file: &EvidenceRef, to: &Path) -> Result<(), Error> {
    let mut target = std::fs::File::create(to).map_err(Error::io(to))?;
    let mut done = 0;
    while done < file.size {
        let piece = store.blobs(|blobs| files::get_range(blobs, &file.sha256, done, CHUNK_BYTES as u64))?;
        if piece.is_empty() {
            return Err(Error::Stored { what: "the bytes of a file" });
        }
        target.write_all(&piece).map_err(Error::io(to))?;
        done += piece.len() as u64;
    }
    target.sync_all().map_err(Error::io(to))
}
