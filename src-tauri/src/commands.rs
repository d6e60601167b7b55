//! What the page may ask: one door to the client, and the dialogs to choose files and to save a text.

use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use client::People;
use domain::problem::{Code, Problem};
use serde_json::Value;
use tauri::{AppHandle, Runtime, State};
use tauri_plugin_dialog::DialogExt as _;

/// File name endings of the kinds of evidence that are accepted; the content decides later.
const EVIDENCE: &[&str] = &["jpg", "jpeg", "png", "webp", "pdf", "JPG", "JPEG", "PNG", "WEBP", "PDF"];

/// Runs one command of the client (`domain::command`).
#[tauri::command]
pub(crate) async fn call(people: State<'_, People>, name: String, payload: Value) -> Result<Value, Problem> {
    let people = People::clone(&people);
    let command = name.clone();
    // In a task of its own: a fault inside it becomes an answer, where the page would otherwise wait for ever.
    match tauri::async_runtime::spawn(async move { people.call(&command, payload).await }).await {
        Ok(answer) => answer.inspect_err(|problem| {
            tracing::info!(command = name, code = problem.code.as_str(), "refused");
        }),
        Err(_) => {
            let report = crate::log::report_id();
            tracing::error!(command = name, report, "fault in a command");
            Err(Problem::new(Code::Fault).with("reportId", report))
        }
    }
}

/// Lets the person choose files of evidence; answers their paths, none when it was cancelled. The words come from the
/// page, which knows the language.
#[tauri::command]
pub(crate) async fn pick_files<R: Runtime>(
    app: AppHandle<R>,
    title: Option<String>,
    kinds: Option<String>,
) -> Result<Vec<String>, Problem> {
    let (answer, chosen) = tokio::sync::oneshot::channel();
    let mut dialog =
        app.dialog().file().add_filter(kinds.unwrap_or_else(|| "JPEG, PNG, WebP, PDF".to_owned()), EVIDENCE);
    if let Some(title) = title {
        dialog = dialog.set_title(title);
    }
    dialog.pick_files(move |files| {
        // The window may be gone by now; then nobody waits for the answer.
        let _ = answer.send(files.unwrap_or_default());
    });
    let files = chosen.await.unwrap_or_default();
    files
        .into_iter()
        .map(|file| {
            let path = file.into_path().map_err(|error| error.to_string())?;
            path.into_os_string().into_string().map_err(|name| format!("{name:?}"))
        })
        .map(|path| path.map_err(|detail| Problem::new(Code::FileUnreadable).with("detail", detail)))
        .collect()
}

/// Lets the person choose one file by its path: a place for a new one when a name is proposed, one that exists otherwise.
/// What is done with it is a command of the client.
#[tauri::command]
pub(crate) async fn pick_path<R: Runtime>(
    app: AppHandle<R>,
    title: String,
    kind: String,
    ending: String,
    name: Option<String>,
) -> Result<Option<String>, Problem> {
    let (answer, chosen) = tokio::sync::oneshot::channel();
    let dialog = app.dialog().file().set_title(title).add_filter(kind, &[&ending]);
    let tell = move |file| {
        let _ = answer.send(file);
    };
    match name.as_deref().and_then(|name| Path::new(name).file_name()) {
        Some(name) => dialog.set_file_name(name.to_string_lossy()).save_file(tell),
        None => dialog.pick_file(tell),
    }
    let Ok(Some(file)) = chosen.await else {
        return Ok(None);
    };
    let path = file.into_path().map_err(|error| error.to_string());
    let path = path.and_then(|path| path.into_os_string().into_string().map_err(|name| format!("{name:?}")));
    path.map(Some).map_err(|detail| Problem::new(Code::FileUnreadable).with("detail", detail))
}

/// Saves a file where the person chooses, and says whether it did: it does nothing when it is cancelled. The page
/// proposes a name and never a place.
#[tauri::command]
pub(crate) async fn save_file<R: Runtime>(
    app: AppHandle<R>,
    name: String,
    base64: String,
) -> Result<bool, Problem> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(&base64).map_err(|error| {
        Problem::new(Code::CommandInvalid).with("name", "save_file").with("detail", error.to_string())
    })?;
    let proposed = Path::new(&name).file_name().map(|name| name.to_string_lossy().into_owned());
    let (answer, chosen) = tokio::sync::oneshot::channel();
    app.dialog().file().set_file_name(proposed.unwrap_or_default()).save_file(move |file| {
        let _ = answer.send(file);
    });
    let Ok(Some(file)) = chosen.await else {
        return Ok(false);
    };
    let path = file
        .into_path()
        .map_err(|error| Problem::new(Code::FileUnreadable).with("detail", error.to_string()))?;
    tokio::fs::write(&path, bytes).await.map_err(|error| {
        let code = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::DiskFull,
            _ => Code::FolderReadOnly,
        };
        Problem::new(code).with("path", path.display().to_string())
    })?;
    Ok(true)
}
