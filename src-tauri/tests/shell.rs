//! The shell without a display: what the page may ask, and what it may not.

use serde_json::{Value, json};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{App, Manager as _, WebviewWindow, WebviewWindowBuilder};

struct Shell {
    app: App<MockRuntime>,
    page: WebviewWindow<MockRuntime>,
    _data: tempfile::TempDir,
}

impl Shell {
    fn open() -> Shell {
        let data = tempfile::tempdir().expect("a temporary folder");
        let app = avance::with_commands(mock_builder()).build(avance::context()).expect("the shell builds");
        app.manage(avance::open(data.path(), None).expect("the store opens"));
        let page =
            WebviewWindowBuilder::new(&app, "main", tauri::WebviewUrl::default()).build().expect("a page");
        Shell { app, page, _data: data }
    }

    /// Asks as the page does; from another origin when `origin` says so.
    fn ask(&self, origin: &str, command: &str, body: Value) -> Result<Value, Value> {
        let request = InvokeRequest {
            cmd: command.to_owned(),
            callback: tauri::ipc::CallbackFn(0),
            error: tauri::ipc::CallbackFn(1),
            url: origin.parse().expect("an address"),
            body: body.into(),
            headers: Default::default(),
            invoke_key: INVOKE_KEY.to_owned(),
        };
        get_ipc_response(&self.page, request).map(|answer| answer.deserialize().expect("JSON"))
    }
}

const PAGE: &str = if cfg!(windows) { "http://tauri.localhost" } else { "tauri://localhost" };

#[test]
fn a_command_is_answered_and_an_unknown_one_is_a_problem() {
    let shell = Shell::open();
    let state = shell.ask(PAGE, "call", json!({"name": "app_state", "payload": {}})).unwrap();
    assert_eq!(state["stage"], "locked");
    assert_eq!(state["new"], true);
    let problem = shell.ask(PAGE, "call", json!({"name": "format_disk", "payload": {}})).unwrap_err();
    assert_eq!(problem["code"], "command_invalid");
    assert_eq!(problem["params"]["name"], "format_disk");
    assert_eq!(problem["retry"], "never");
}

#[test]
fn what_is_not_granted_is_refused() {
    let shell = Shell::open();
    let call = json!({"name": "app_state", "payload": {}});
    // Another origin in the same window.
    assert!(shell.ask("https://example.mx", "call", call.clone()).is_err());
    // A window that no capability names.
    let other = WebviewWindowBuilder::new(&shell.app, "other", tauri::WebviewUrl::default()).build().unwrap();
    let shell = Shell { page: other, ..shell };
    assert!(shell.ask(PAGE, "call", call).is_err());
    for plugin in ["plugin:dialog|open", "plugin:fs|read_file", "plugin:window|destroy", "plugin:event|emit"]
    {
        assert!(Shell::open().ask(PAGE, plugin, json!({})).is_err(), "{plugin}");
    }
}

#[test]
fn the_policy_of_the_page_is_the_written_one() {
    let context = avance::context::<MockRuntime>();
    let security = &context.config().app.security;
    let policy = security.csp.as_ref().unwrap().to_string();
    assert_eq!(
        policy,
        "default-src 'self'; connect-src ipc: http://ipc.localhost; img-src 'self' data: evidence: \
         http://evidence.localhost; style-src 'self' 'unsafe-inline'; script-src 'self'; object-src 'none'; \
         frame-ancestors 'none'"
    );
    assert!(security.dev_csp.is_none(), "one policy, in development too");
    assert!(!context.config().app.with_global_tauri);
}

#[test]
fn one_capability_with_single_permissions() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/capabilities");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let capability: Value = serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
    assert!(capability.get("remote").is_none(), "no remote content");
    for permission in capability["permissions"].as_array().unwrap() {
        let name = permission.as_str().expect("single permissions are plain names");
        assert!(!name.ends_with("default"), "a set, not a single permission: {name}");
        for power in ["fs:", "http:", "shell:", "sql:", "store:", "opener:", "process:", "dialog:"] {
            assert!(!name.starts_with(power), "{name}");
        }
    }
}

#[test]
fn a_busy_or_closed_folder_is_a_problem_and_not_a_crash() {
    let data = tempfile::tempdir().unwrap();
    let first = avance::open(data.path(), None).unwrap();
    let second = avance::open(data.path(), None).err().expect("the folder is in use");
    assert_eq!(second.code.as_str(), "store_in_use");
    drop(first);
    assert!(avance::open(data.path(), None).is_ok(), "the folder is free again");
    let file = data.path().join("file");
    std::fs::write(&file, b"").unwrap();
    assert!(avance::open(&file.join("inside"), None).is_err());
}
