//! MegaRouter's desktop program: the window, the tray icon, and the backend in the same process.
//!
//! This is the only crate that knows Tauri. It holds no rules of its own: the page's calls go through `host` into the
//! control API, as they do over HTTP for a browser. Start reading at `main`; `backend` starts the server's
//! `Instance` beside the window, `window` opens and closes the window, `tray` draws the icon and its menu.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use megarouter_server::config::{Common, Config, ConfigError, Sections};
use tauri::{Manager, RunEvent};

mod backend;
mod graphics;
mod host;
mod tray;
mod window;

use backend::Backend;

/// Routes your team's AI requests to the right model and accounts for every cent.
///
/// Opens the window. Without a display use `megarouter-server serve`, which takes the same settings.
#[derive(Parser)]
#[command(name = "megarouter", version)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    sections: Sections,
}

/// Runs the desktop program until the person quits.
pub fn main() -> ExitCode {
    let Arguments { common, sections } = Arguments::parse();
    if !has_display() {
        eprintln!(
            "megarouter: there is no display for a window; `megarouter-server serve` offers the same in a browser"
        );
        return ExitCode::FAILURE;
    }
    // Two programs on one data folder cannot be; whoever names another folder wants another program.
    let is_usual_folder = common.data_dir.is_none() && common.config.is_none();
    megarouter_server::process::prepare();
    let load = move || Config::load(common.clone(), sections.clone());
    let config = load();
    let mut telemetry = None;
    if let Ok(config) = &config {
        graphics::choose(&config.data_dir);
        telemetry = megarouter_server::telemetry::start(config).ok();
    }
    let data_dir = config.ok().map(|config| config.data_dir);
    let code = run(load, data_dir, is_usual_folder).unwrap_or_else(|error| {
        tracing::error!(%error, "the window could not be opened");
        1
    });
    // Writes the last lines.
    drop(telemetry);
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Only Linux runs without one.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// The window comes first; the backend starts beside it, and what goes wrong there is shown in the window.
fn run(
    load: impl Fn() -> Result<Config, ConfigError> + Send + Sync + 'static,
    data_dir: Option<PathBuf>,
    is_usual_folder: bool,
) -> tauri::Result<i32> {
    let mut builder = tauri::Builder::default().plugin(tauri_plugin_dialog::init());
    if is_usual_folder {
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, _, _| window::show(app)));
    }
    if let Some(folder) = &data_dir {
        builder = builder.plugin(window::memory(folder));
    }
    let app = builder
        .invoke_handler(host::commands())
        .manage(host::Streams::default())
        .manage(host::Clipboard::default())
        .setup(move |app| {
            graphics::starting();
            window::open(app.handle(), data_dir.as_deref())?;
            app.manage(Arc::new(Backend::start(load)));
            tray::show(app.handle());
            tauri::async_runtime::spawn(quit_when_asked(app.handle().clone()));
            Ok(())
        })
        .on_window_event(window::on_event)
        .build(tauri::generate_context!())?;
    Ok(app.run_return(|app, event| {
        if let RunEvent::Exit = event {
            finish(app);
        }
    }))
}

/// Lets open requests end and the last entries reach the disk.
fn finish(app: &tauri::AppHandle) {
    graphics::started();
    if let Some(backend) = app.try_state::<Arc<Backend>>() {
        tauri::async_runtime::block_on(backend.stop());
    }
}

/// A request to end from outside is the same as Quit.
async fn quit_when_asked(app: tauri::AppHandle) {
    match asked_to_end().await {
        Ok(()) => app.exit(0),
        Err(error) => tracing::warn!(%error, "requests to end cannot be heard"),
    }
}

#[cfg(unix)]
async fn asked_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_end() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
