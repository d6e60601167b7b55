//! Drafts of a rescue, back with their author: begun again on the profile that they have now, with the form and the
//! letters that they had. The endpoint wrote them in a folder, and somebody brought it.

use std::path::Path;

use domain::command::{RescueLeft, RescueTaken};
use domain::follow_up::folio;
use domain::problem::{Code, Problem};
use domain::rescue::{DRAFTS, RescuedDraft, RescuedFile};
use uuid::Uuid;

use crate::error::Error;
use crate::store::{Store, drafts, meta};
use crate::{Inner, capture, evidence, session};

/// Largest list of drafts, bytes.
const MOST: u64 = 64 * 1024 * 1024;

/// Takes the drafts of a list, or of the folder that has it. Each is taken once, however often it is brought.
pub(crate) fn take(inner: &Inner, path: &Path) -> Result<RescueTaken, Error> {
    let list = if path.is_dir() { path.join(DRAFTS) } else { path.to_owned() };
    let rescued = read(&list)?;
    let folder = list.parent().unwrap_or(path);
    let store = inner.store()?;
    let mut taken = RescueTaken::default();
    for draft in rescued {
        let mut given: Vec<Uuid> = store.read(|c| meta::get(c, meta::GIVEN_BACK))?.unwrap_or_default();
        if given.contains(&draft.id) {
            taken.already += 1;
            continue;
        }
        let leave = |problem: Problem| RescueLeft { folio: folio(draft.id), problem };
        if let Some(corrected) = draft.corrects {
            // As an ordinary follow-up it would say the same twice.
            taken.left.push(leave(Problem::new(Code::CorrectionClosed).with("folio", folio(corrected))));
            continue;
        }
        given.push(draft.id);
        let moment = inner.moment();
        let id = domain::random::id(moment.captured_at);
        let (named, typed) = (Some(draft.ocid.as_str()), draft.typed.clone());
        let begun = store.write(|tx| {
            let (session, form) = (store.session(), draft.form.clone());
            capture::begin(tx, session, moment, id, &draft.project, named, form, typed)?;
            meta::set(tx, meta::GIVEN_BACK, &given)
        });
        match begun {
            Ok(()) => taken.drafts += 1,
            Err(Error::Problem(problem)) => {
                taken.left.push(leave(*problem));
                continue;
            }
            // The disk: what was taken stays, and the rest is taken the next time.
            Err(other) => return Err(other),
        }
        for file in &draft.files {
            match attach(inner, &store, folder, id, file) {
                Ok(()) => taken.files += 1,
                Err(error) => taken.left.push(leave(error.into())),
            }
        }
    }
    Ok(taken)
}

fn read(path: &Path) -> Result<Vec<RescuedDraft>, Error> {
    let wrong = |code: Code, detail: String| -> Error {
        Problem::new(code).with("file", path.display().to_string()).with("detail", detail).into()
    };
    let size = std::fs::metadata(path).map_err(|error| wrong(Code::FileUnreadable, error.to_string()))?.len();
    if size > MOST {
        return Err(wrong(Code::FollowUpFileInvalid, format!("{size} > {MOST} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|error| wrong(Code::FileUnreadable, error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(Code::FollowUpFileInvalid, error.to_string()))
}

fn attach(inner: &Inner, store: &Store, folder: &Path, id: Uuid, file: &RescuedFile) -> Result<(), Error> {
    // Beside the list, whatever it says.
    let name = Path::new(&file.file).file_name().unwrap_or_default();
    let size = store.read(|c| Ok(session::enrolled(c)?.municipality.photo))?;
    let checked = evidence::read(&folder.join(name), size)?;
    let (sha256, kind) = (checked.file.sha256.clone(), file.attached.document_type.clone());
    evidence::known_type(&checked.file.name, &kind)?;
    evidence::attach(store, inner.free_bytes(), id, &[(checked, kind.clone())], inner.clock.now())?;
    match file.attached.title.as_deref() {
        Some(title) => store.write(|tx| drafts::describe(tx, id, &sha256, &kind, Some(title))),
        None => Ok(()),
    }
}
