//! The program itself: where it runs, and starting it again.

use std::sync::Arc;

use serde::Serialize;
use tauri::{AppHandle, State};

use crate::backend::Backend;
use crate::graphics::{self, Choice};

/// Where the window runs.
#[derive(Serialize)]
pub struct HostInfo {
    /// The system's locale as a BCP 47 tag; `None` where it has no language, as in the C locale.
    locale: Option<String>,
    /// Operating system and architecture.
    platform: String,
    /// The program's version.
    version: &'static str,
    /// The web view's version.
    webview: Option<String>,
    /// How the web view draws: `automatic` or `safe`.
    graphics: &'static str,
    /// The data folder; `None` when the configuration could not be read.
    data_dir: Option<String>,
}

/// Tells the page where it runs.
#[tauri::command]
pub fn host_info(backend: State<'_, Arc<Backend>>) -> HostInfo {
    HostInfo {
        locale: sys_locale::get_locale().filter(|locale| is_language(locale)),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        version: env!("CARGO_PKG_VERSION"),
        webview: tauri::webview_version().ok(),
        graphics: graphics::chosen().word(),
        data_dir: backend.data_dir().map(|folder| folder.display().to_string()),
    }
}

/// Whether a locale begins with a language, which `C` and `POSIX` do not.
fn is_language(locale: &str) -> bool {
    let language = locale.split(['-', '_', '.']).next().unwrap_or_default();
    matches!(language.len(), 2 | 3) && language.chars().all(|letter| letter.is_ascii_lowercase())
}

/// Ends the program in good order and starts it again. Safe graphics, once chosen, stay.
#[tauri::command]
pub fn restart_app(app: AppHandle, safe_graphics: bool) {
    if safe_graphics {
        graphics::remember(Choice::Safe);
    }
    app.request_restart();
}

/// Starts again without the graphics card, for a window that shows nothing.
#[tauri::command]
pub fn restart_in_safe_graphics(app: AppHandle) {
    restart_app(app, true);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_locale_is_no_language() {
        for no_language in ["C", "POSIX", "C.UTF-8", ""] {
            assert!(!is_language(no_language), "{no_language}");
        }
        for language in ["en", "en-US", "de_DE.UTF-8", "fil-PH"] {
            assert!(is_language(language), "{language}");
        }
    }
}
