//! Copies text out of the window.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tauri::{AppHandle, Manager as _, State};
use zeroize::Zeroizing;

/// How long a private text stays, unless something else was copied meanwhile.
const PRIVATE_STAYS: Duration = Duration::from_secs(60);

/// The system's clipboard, opened at the first use. On X11 what was copied lives as long as this does.
#[derive(Default)]
pub struct Clipboard(Mutex<Option<arboard::Clipboard>>);

impl Clipboard {
    fn with<T>(&self, act: impl FnOnce(&mut arboard::Clipboard) -> Result<T, arboard::Error>) -> Result<T, String> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match &mut *slot {
            Some(clipboard) => act(clipboard),
            None => arboard::Clipboard::new().and_then(|clipboard| act(slot.insert(clipboard))),
        };
        result.map_err(|error| format!("the clipboard cannot be used: {error}"))
    }

    /// Copies ordinary text.
    pub fn copy(&self, text: &str) -> Result<(), String> {
        self.with(|clipboard| clipboard.set_text(text))
    }

    /// Copies a secret: clipboard managers are asked not to keep it.
    fn copy_private(&self, text: &str) -> Result<(), String> {
        #[cfg(target_os = "macos")]
        use arboard::SetExtApple as _;
        #[cfg(target_os = "linux")]
        use arboard::SetExtLinux as _;
        #[cfg(target_os = "windows")]
        use arboard::SetExtWindows as _;
        self.with(|clipboard| clipboard.set().exclude_from_history().text(text))
    }

    /// Empties the clipboard if it still holds this text.
    fn forget(&self, text: &str) -> Result<(), String> {
        self.with(|clipboard| if clipboard.get_text()? == text { clipboard.clear() } else { Ok(()) })
    }
}

/// Copies ordinary text.
#[tauri::command(async)]
pub fn copy_text(clipboard: State<'_, Clipboard>, text: &str) -> Result<(), String> {
    clipboard.copy(text)
}

/// Copies a secret, marked as private, and takes it back after a minute.
#[tauri::command(async)]
pub fn copy_private(app: AppHandle, clipboard: State<'_, Clipboard>, text: String) -> Result<(), String> {
    let text = Zeroizing::new(text);
    clipboard.copy_private(&text)?;
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(PRIVATE_STAYS).await;
        // The clipboard may be empty or hold a picture, which is as good.
        let _ = app.state::<Clipboard>().forget(&text);
    });
    Ok(())
}
