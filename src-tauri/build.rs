//! Prepares what Tauri needs at compile time; its configuration is `tauri.conf.json` at the root.

use std::fs;

use tauri_build::{AppManifest, Attributes};

/// The built UI, which goes into the program.
const UI: &str = "ui/dist";

/// The commands of `src-tauri/src/host`, which a page must be granted by name in `src-tauri/capabilities`.
const COMMANDS: &[&str] = &[
    "api_bytes",
    "api_call",
    "api_cancel",
    "api_stream",
    "copy_private",
    "copy_text",
    "host_info",
    "open_external",
    "restart_app",
    "restart_in_safe_graphics",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Lets the backend be compiled and linted before the UI was ever built; a window without it says what is missing.
    fs::create_dir_all(UI)?;
    // The UI is read while the crate is compiled, so a new UI must compile it again.
    println!("cargo:rerun-if-changed={UI}");
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=icons");
    let attributes = Attributes::new()
        .capabilities_path_pattern("src-tauri/capabilities/**/*")
        .app_manifest(AppManifest::new().commands(COMMANDS));
    tauri_build::try_build(attributes)?;
    Ok(())
}
