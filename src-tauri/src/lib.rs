//! The window: a shell around the client. It opens the store of one data folder, hands the page's questions to the
//! client and the client's events to the page. The page has no network, no file system and no other command.

pub mod arguments;
mod commands;
mod log;
mod refusal;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use client::People;
use domain::clock::SystemClock;
use domain::command::Event;
use domain::problem::{Code, Problem};
use tauri::webview::NewWindowResponse;
use tauri::{
    App, AppHandle, Builder, Context, Emitter as _, Manager as _, RunEvent, Runtime, Url,
    WebviewWindowBuilder, Wry,
};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogKind};
use tauri_plugin_window_state::StateFlags;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use arguments::Arguments;

/// Name of the only window.
const WINDOW: &str = "main";
/// Name under which the page hears what the client tells.
const EVENT: &str = "event";

/// Opens the window and stays until it is closed.
pub fn run(arguments: Arguments) -> ExitCode {
    if !has_display() {
        eprintln!(
            "No hay pantalla (DISPLAY y WAYLAND_DISPLAY están vacías). Abre el programa desde una sesión gráfica."
        );
        return ExitCode::FAILURE;
    }
    let mut builder = Builder::<Wry>::default();
    if arguments.data.is_none() {
        // Only for the application's own folder: a window on another folder is another equipment, and the store refuses
        // a second window on the same one.
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, _, _| raise(app)));
    }
    let window_state = tauri_plugin_window_state::Builder::new()
        .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED);
    let built = with_commands(builder)
        .plugin(tauri_plugin_dialog::init())
        .plugin(window_state.build())
        .setup(move |app| start(app, arguments))
        .build(context());
    match built {
        Ok(app) => {
            let code = app.run_return(|app, event| {
                if let (RunEvent::Exit, Some(people)) = (event, app.try_state::<People>()) {
                    people.close();
                }
            });
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => {
            // A broken installation: there is nowhere to show a dialog.
            eprintln!("No se pudo abrir la ventana: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether there is a screen to open a window on. The toolkit would end the program with a trace instead of a sentence.
fn has_display() -> bool {
    !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Configuration, capabilities and page of this program.
pub fn context<R: Runtime>() -> Context<R> {
    tauri::generate_context!()
}

/// The builder with the commands of the page, on any runtime: the window's or the one of tests.
pub fn with_commands<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.invoke_handler(tauri::generate_handler![
        commands::call,
        commands::pick_files,
        commands::pick_path,
        commands::save_file
    ])
}

fn start(app: &mut App, arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let data = match arguments.data {
        Some(data) => data,
        None => app.path().app_local_data_dir()?.join("equipo"),
    };
    log::start(&data, arguments.log.as_deref());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "start");
    match open(&data, arguments.passphrase.as_deref()) {
        Ok(people) => {
            forward(app.handle().clone(), people.events());
            app.manage(people);
            show(app, data.join("ventana"))
        }
        Err(problem) => {
            tracing::error!(code = problem.code.as_str(), "the store cannot be opened");
            refuse(app.handle(), &refusal::explain(&problem, &data));
            Ok(())
        }
    }
}

/// Takes the data folder, opens its store where it can be opened without asking (one person, and a passphrase or a
/// keyring), and starts what runs beside the window.
pub fn open(data: &Path, passphrase: Option<&str>) -> Result<People, Problem> {
    // The client starts its tasks on the runtime it finds.
    tauri::async_runtime::block_on(async {
        let people = People::open(data, Arc::new(SystemClock))?;
        match people.unlock(passphrase) {
            Ok(_) => {}
            // Said before the page asks for a passphrase, because the next opening starts an empty store.
            Err(problem) if problem.code == Code::StoreSetAside => return Err(problem),
            // Several people, no keyring, no store yet, or another passphrase: the page asks.
            Err(problem) => tracing::info!(code = problem.code.as_str(), "the store stays closed"),
        }
        people.start_background();
        Ok(people)
    })
}

fn show(app: &App, web_data: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let config = app.config();
    let window = config.app.windows.first().ok_or("tauri.conf.json has no window")?;
    let development = if tauri::is_dev() { config.build.dev_url.clone() } else { None };
    WebviewWindowBuilder::from_config(app.handle(), window)?
        .data_directory(web_data)
        .on_navigation(move |url| is_own(url, development.as_ref()))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    Ok(())
}

/// Whether an address is a page of this program: nothing else is ever loaded in the window.
fn is_own(url: &Url, development: Option<&Url>) -> bool {
    url.scheme() == "tauri"
        || url.host_str() == Some("tauri.localhost")
        || development.is_some_and(|own| own.origin() == url.origin())
}

/// Hands the client's events to the page until the client is gone.
fn forward<R: Runtime>(app: AppHandle<R>, mut events: Receiver<Event>) {
    tauri::async_runtime::spawn(async move {
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                // Some were lost: the page reads everything again.
                Err(RecvError::Lagged(_)) => Event::Changed,
                Err(RecvError::Closed) => return,
            };
            if let Err(error) = app.emit(EVENT, &event) {
                tracing::warn!(%error, "an event did not reach the page");
            }
        }
    });
}

/// Says why there is no window, and ends when it was read.
fn refuse(app: &AppHandle, sentence: &str) {
    eprintln!("{sentence}");
    let after = app.clone();
    app.dialog()
        .message(sentence)
        .title("Avance Abierto")
        .kind(MessageDialogKind::Error)
        .show(move |_| after.exit(1));
}

fn raise(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(WINDOW) {
        // Best effort: a window manager may refuse to bring a window to the front.
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_pages_are_loaded() {
        let url = |text: &str| Url::parse(text).unwrap();
        let development = url("http://localhost:5173");
        assert!(is_own(&url("tauri://localhost/app.html"), None));
        assert!(is_own(&url("http://tauri.localhost/app.html"), None));
        assert!(is_own(&url("http://localhost:5173/app.html"), Some(&development)));
        for other in
            ["http://localhost:5173/", "https://example.mx/", "file:///etc/passwd", "data:text/html,x"]
        {
            assert!(!is_own(&url(other), None), "{other}");
        }
    }
}
