//! Why something failed inside the client, and the one place that says what a person is told.

use std::io::ErrorKind;
use std::path::PathBuf;

use domain::history::ChainError;
use domain::problem::{Code, Problem};
use domain::receipt::ReceiptError;
use rusqlite::ErrorCode;

/// Private detail; leaves the crate only as a [`Problem`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Already said as a person needs it.
    #[error("{0}")]
    Problem(Box<Problem>),
    #[error("store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("store migration: {0}")]
    Migration(#[from] rusqlite_migration::Error),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
    #[error("canonical bytes: {0}")]
    Bytes(#[from] ReceiptError),
    /// What came does not follow from what is here.
    #[error("history: {0}")]
    Chain(#[from] ChainError),
    /// A snapshot does not hold what it says.
    #[error("snapshot: {0}")]
    Snapshot(String),
    /// What the store holds is not what was put in it.
    #[error("store holds {what} that cannot be read")]
    Stored { what: &'static str },
    #[error("encryption: {0}")]
    Crypto(&'static str),
    #[error("task ended: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// The TLS library or the program's own request could not be built.
    #[error("http client: {0}")]
    Http(#[from] reqwest::Error),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Error {
        Error::Problem(Box::new(problem))
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Error {
        Problem::new(code).into()
    }
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { path, source }
    }

    /// Whether the database file itself is damaged (or is not one).
    pub(crate) fn is_corruption(&self) -> bool {
        match self {
            Error::Sqlite(error) => corrupt(error),
            Error::Migration(rusqlite_migration::Error::RusqliteError { err, .. }) => corrupt(err),
            _ => false,
        }
    }
}

fn corrupt(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match &error {
            Error::Problem(problem) => return (**problem).clone(),
            Error::Sqlite(inner) => {
                if let Some(problem) = of_sqlite(inner) {
                    return problem;
                }
            }
            Error::Migration(rusqlite_migration::Error::RusqliteError { err, .. }) => {
                if let Some(problem) = of_sqlite(err) {
                    return problem;
                }
            }
            Error::Io { path, source } => {
                let path = path.display().to_string();
                return match source.kind() {
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                        Problem::new(Code::DiskFull)
                    }
                    ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                        Problem::new(Code::FolderReadOnly).with("path", path)
                    }
                    _ => Problem::new(Code::FileUnreadable)
                        .with("file", path)
                        .with("detail", source.to_string()),
                };
            }
            _ => {}
        }
        if let Error::Chain(_) | Error::Snapshot(_) = &error {
            return Problem::new(Code::HistoryBroken).with("detail", error.to_string());
        }
        // Nobody foresaw it: the person gets a number, the log gets the detail.
        let report = domain::receipt::new_salt();
        tracing::error!(report, error = %error, "fault");
        Problem::new(Code::Fault).with("reportId", report)
    }
}

/// SQLite says "full" only of the database file itself on a disk without a free block. A quota that is used up, the
/// largest file a disk allows, and a disk without room for the index of the log are told with these.
const NO_ROOM: [i32; 2] = [rusqlite::ffi::SQLITE_IOERR_WRITE, rusqlite::ffi::SQLITE_IOERR_SHMSIZE];

fn of_sqlite(error: &rusqlite::Error) -> Option<Problem> {
    if error.sqlite_error().is_some_and(|error| NO_ROOM.contains(&error.extended_code)) {
        return Some(Problem::new(Code::DiskFull));
    }
    Some(match error.sqlite_error_code()? {
        ErrorCode::DiskFull => Problem::new(Code::DiskFull),
        // A page that the disk did not read is told by SQLite as a damaged one, by the cipher as one of another key.
        ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            Problem::new(Code::DiskFailing)
        }
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            Problem::new(Code::FolderReadOnly)
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Problem::new(Code::StoreInUse),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_read_only_folder_are_told_apart() {
        let full = std::io::Error::from(ErrorKind::StorageFull);
        assert_eq!(Problem::from(Error::io("/x")(full)).code, Code::DiskFull);
        let read_only = std::io::Error::from(ErrorKind::ReadOnlyFilesystem);
        assert_eq!(Problem::from(Error::io("/x")(read_only)).code, Code::FolderReadOnly);
        let sqlite =
            rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None);
        assert_eq!(Problem::from(Error::from(sqlite)).code, Code::DiskFull);
        for extended in NO_ROOM {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(extended), None);
            assert_eq!(Problem::from(Error::from(error)).code, Code::DiskFull);
        }
        let unreadable = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_READ);
        let unreadable = rusqlite::Error::SqliteFailure(unreadable, None);
        assert_eq!(Problem::from(Error::from(unreadable)).code, Code::DiskFailing);
    }

    #[test]
    fn what_nobody_foresaw_gets_a_report_number_and_no_detail() {
        let problem = Problem::from(Error::Crypto("secret detail"));
        assert_eq!(problem.code, Code::Fault);
        assert!(!problem.to_string().contains("secret"));
    }
}
