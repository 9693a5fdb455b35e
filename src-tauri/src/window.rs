//! The one window: opens at once, stays at home, and asks once what closing it means.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::json;
use tauri::plugin::TauriPlugin;
use tauri::webview::{DownloadEvent, NewWindowResponse, PageLoadEvent};
use tauri::{AppHandle, Manager as _, Runtime, Url, WebviewWindowBuilder, Window, WindowEvent};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogResult};
use tauri_plugin_window_state::StateFlags;

use crate::backend::Backend;
use crate::host::Streams;

/// The window's name in `tauri.conf.json` and in the capability.
const NAME: &str = "main";
const SETTINGS: &str = "/api/v1/settings";
/// A backend that does not answer in this time cannot be kept running.
const PATIENCE: Duration = Duration::from_secs(3);

const KEEP: &str = "Keep running";
const QUIT: &str = "Quit";
const QUESTION: &str = "MegaRouter can go on answering your apps after its window is closed, or end with it. \
                        You can change this in Settings.";

/// Opens the window as `tauri.conf.json` describes it. What the page stores goes to the data folder.
pub fn open(app: &AppHandle, data_dir: Option<&Path>) -> tauri::Result<()> {
    let described = app.config().app.windows.first().cloned().unwrap_or_default();
    let dev_server = tauri::is_dev().then(|| app.config().build.dev_url.clone()).flatten();
    let mut builder = WebviewWindowBuilder::from_config(app, &described)?
        .on_navigation(move |url| is_home(url, dev_server.as_ref()))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|webview, event| match event {
            DownloadEvent::Requested { destination, .. } => {
                // Not every system names a folder for downloads.
                let folder = webview.path().download_dir().or_else(|_| webview.path().home_dir());
                folder.is_ok_and(|folder| place_download(&folder, destination))
            }
            _ => true,
        })
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Started {
                window.state::<Streams>().cancel_all();
            }
        });
    if let Some(folder) = data_dir {
        builder = builder.data_directory(folder.join("webview"));
    }
    builder.build()?;
    Ok(())
}

/// Whether an address belongs to the built-in page. Nothing else may ever take its place, because it could call us.
fn is_home(url: &Url, dev_server: Option<&Url>) -> bool {
    // What the page itself made, which is how it hands over a download. Its address cannot be guessed.
    if url.scheme() == "blob" {
        return Url::parse(url.path()).is_ok_and(|maker| maker.scheme() != "blob" && is_home(&maker, dev_server));
    }
    let is_built_in = match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // Windows has no schemes of its own in pages.
        "http" | "https" => cfg!(windows) && url.host_str() == Some("tauri.localhost") && url.port().is_none(),
        _ => false,
    };
    is_built_in || dev_server.is_some_and(|server| server.origin() == url.origin()) || url.as_str() == "about:blank"
}

/// Puts a file that the page made, such as a report, among the person's downloads, beside what is there already.
fn place_download(folder: &Path, destination: &mut PathBuf) -> bool {
    let Some(name) = destination.file_name().map(PathBuf::from) else { return false };
    let (stem, extension) = (name.file_stem().unwrap_or_default(), name.extension());
    let numbered = |number: u32| {
        let mut numbered = stem.to_owned();
        numbered.push(format!(" ({number})"));
        extension.map_or_else(|| PathBuf::from(&numbered), |extension| Path::new(&numbered).with_extension(extension))
    };
    let names = std::iter::once(name.clone()).chain((1..1000).map(numbered));
    let Some(free) = names.map(|name| folder.join(name)).find(|path| !path.exists()) else { return false };
    *destination = free;
    true
}

/// Keeps size and place from run to run.
pub fn memory<R: Runtime>(data_dir: &Path) -> TauriPlugin<R> {
    tauri_plugin_window_state::Builder::new()
        .with_filename(data_dir.join("window.json").to_string_lossy())
        .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
        .build()
}

/// Brings the window to the front.
pub fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(NAME) else { return };
    if let Err(error) = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus()) {
        tracing::warn!(%error, "the window could not be shown");
    }
}

/// Decides what the close button does.
pub fn on_event(window: &Window, event: &WindowEvent) {
    if let WindowEvent::CloseRequested { api, .. } = event {
        api.prevent_close();
        tauri::async_runtime::spawn(close(window.clone()));
    }
}

async fn close(window: Window) {
    let app = window.app_handle().clone();
    let backend = app.state::<Arc<Backend>>();
    let settings = tokio::time::timeout(PATIENCE, backend.json(Method::GET, SETTINGS, None)).await;
    match settings {
        Ok(Ok(settings)) => match settings["keep_running_on_close"].as_bool() {
            Some(keep) => leave(&window, keep),
            None => ask(window),
        },
        // There is nothing to keep running.
        _ => app.exit(0),
    }
}

/// Hides the window or ends the program.
fn leave(window: &Window, keep_running: bool) {
    if !keep_running {
        window.app_handle().exit(0);
    } else if let Err(error) = window.hide() {
        tracing::warn!(%error, "the window could not be hidden");
    }
}

/// Asks once what closing means and keeps the answer; closing the question changes nothing.
fn ask(window: Window) {
    let dialog = window.dialog().message(QUESTION).title("Keep MegaRouter running?").parent(&window);
    let buttons = MessageDialogButtons::YesNoCancelCustom(KEEP.to_owned(), QUIT.to_owned(), "Cancel".to_owned());
    dialog.buttons(buttons).show_with_result(move |answer| {
        let keep_running = match answer {
            MessageDialogResult::Yes => true,
            MessageDialogResult::No => false,
            MessageDialogResult::Custom(word) if word == KEEP => true,
            MessageDialogResult::Custom(word) if word == QUIT => false,
            _ => return,
        };
        tauri::async_runtime::spawn(async move {
            let backend = window.app_handle().state::<Arc<Backend>>();
            let change = json!({ "keep_running_on_close": keep_running });
            if let Err(error) = backend.json(Method::PATCH, SETTINGS, Some(&change)).await {
                tracing::warn!(%error, "the answer could not be kept and will be asked for again");
            }
            leave(&window, keep_running);
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_built_in_page_is_home() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(is_home(&url("tauri://localhost/index.html#/keys"), None));
        assert!(is_home(&url("blob:tauri://localhost/0b4e"), None));
        for elsewhere in [
            "http://tauri.evil.example/",
            "tauri://evil.example/",
            "https://localhost/",
            "http://127.0.0.1:4181/",
            "http://localhost:5173/",
            "data:text/html,x",
            "blob:null/1",
            "blob:https://evil.example/1",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            assert!(!is_home(&url(elsewhere), None), "{elsewhere}");
        }
    }

    #[test]
    fn the_dev_server_is_home_only_in_development() {
        let server = Url::parse("http://localhost:5173").unwrap();
        assert!(is_home(&Url::parse("http://localhost:5173/src/main.ts").unwrap(), Some(&server)));
        assert!(!is_home(&Url::parse("http://localhost:4181/").unwrap(), Some(&server)));
    }

    #[test]
    fn downloads_never_replace_a_file() {
        let folder = std::env::temp_dir().join(format!("megarouter-downloads-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let ask = || {
            let mut path = PathBuf::from("/somewhere/else/spend.csv");
            assert!(place_download(&folder, &mut path));
            path
        };
        assert_eq!(ask(), folder.join("spend.csv"));
        std::fs::write(folder.join("spend.csv"), "").unwrap();
        assert_eq!(ask(), folder.join("spend (1).csv"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
