//! What is only here, to be copied where a forgotten passphrase does not reach.

use domain::problem::Problem;
use domain::rescue::{RescueApart, RescueAttached, RescueDraft, RescueVersion};
use rusqlite::{Connection, params};

use super::files::{self, StoredFile};
use super::versions::{self, KeptFile};
use super::{drafts, from_json};
use crate::error::Error;

/// Drafts that are not discarded, each with its earlier states. What somebody discarded is not rescued.
pub(crate) fn drafts(connection: &Connection) -> Result<Vec<RescueDraft>, Error> {
    let attached = |files: Vec<KeptFile>| {
        let one = |file: KeptFile| RescueAttached {
            sha256: file.sha256,
            document_type: file.document_type,
            title: file.title,
        };
        files.into_iter().map(one).collect()
    };
    let kept = drafts::all(connection)?.into_iter().filter(|draft| !draft.discarded);
    kept.map(|draft| {
        let versions = versions::of(connection, draft.id)?.into_iter().map(|version| RescueVersion {
            number: version.number,
            saved_at: version.saved_at,
            typed: version.typed,
            files: attached(version.files),
        });
        let versions = versions.collect();
        let files = attached(KeptFile::all(drafts::files(connection, draft.id)?));
        let (corrects, reason) = draft.corrects.map(|one| (Some(one.id), one.reason)).unwrap_or_default();
        Ok(RescueDraft {
            id: draft.id,
            project: draft.project,
            ocid: draft.ocid,
            form: draft.form,
            typed: draft.typed,
            content: draft.content,
            files,
            versions,
            updated_at: draft.updated_at,
            corrects,
            reason,
        })
    })
    .collect()
}

/// Operations that were set apart, oldest first.
pub(crate) fn apart(connection: &Connection) -> Result<Vec<RescueApart>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT operation, problem FROM outbox WHERE state = 'parked' AND former_person IS NULL ORDER BY position",
    )?;
    let rows =
        select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))?;
    rows.map(|row| {
        let (operation, problem) = row?;
        Ok(RescueApart {
            operation: from_json("an operation", &operation)?,
            problem: problem.map(|text| from_json::<Problem>("a problem", &text)).transpose()?,
        })
    })
    .collect()
}

/// Files of all of these, and of what was received without them, small to large. A file that only an earlier state of a
/// draft names is one of them: somebody may go back to it.
pub(crate) fn files(connection: &Connection) -> Result<Vec<StoredFile>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT e.sha256, e.size, e.media_type, e.name FROM evidence e
         WHERE e.sha256 IN (SELECT f.sha256 FROM draft_file f JOIN draft d ON d.id = f.draft_id
                            WHERE d.discarded_at IS NULL)
            OR e.sha256 IN (SELECT json_extract(file.value, '$.sha256')
                            FROM draft d JOIN draft_version v ON v.draft_id = d.id, json_each(v.files) AS file
                            WHERE d.discarded_at IS NULL)
            OR (e.confirmed_at IS NULL
                AND e.sha256 IN (SELECT f.sha256 FROM outbox_file f JOIN outbox o ON o.op_id = f.op_id
                                 WHERE o.former_person IS NULL AND o.state IN ('ready', 'parked', 'received')))
         ORDER BY e.size, e.sha256",
    )?;
    let rows = select.query_map(params![], files::stored)?;
    rows.map(|row| row?).collect()
}
