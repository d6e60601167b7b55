//! Makes the permissions of the commands and checks the configuration.

use std::path::Path;

fn main() {
    // Said here because the message of the macro that embeds the page does not say what to do.
    if std::env::var_os("CARGO_FEATURE_CUSTOM_PROTOCOL").is_some()
        && !Path::new("../ui/dist/app.html").exists()
    {
        println!(
            "cargo::error=the page is not built: run `npm ci --ignore-scripts && npm run build` in ui/, or `cargo xtask demo`"
        );
        return;
    }
    // Naming the commands makes them need a permission: a command that is added and not granted is refused.
    let commands =
        tauri_build::AppManifest::new().commands(&["call", "pick_files", "pick_path", "save_file"]);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands)) {
        println!("cargo::error={error:#}");
    }
}
