//! How the web view draws: with the graphics card, or safely without.
//!
//! On Linux, WebKit's shared buffers are slow without a graphics card and show an empty window with some NVIDIA
//! drivers. `WEBKIT_DISABLE_DMABUF_RENDERER` turns them off, but only before the web view starts. Other systems need
//! nothing here.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Once, OnceLock};

const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
const CHOICE_FILE: &str = "graphics";
/// There while a window starts. Found at the next start, it says that the last window never came up.
const STARTING_FILE: &str = "window-starting";

static DATA_DIR: OnceLock<PathBuf> = OnceLock::new();

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Safe where it is known to be better.
    Automatic,
    /// Without the graphics card's shared buffers.
    Safe,
}

impl Choice {
    /// The word that is kept and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Safe => "safe",
        }
    }
}

/// Decides how to draw and prepares it. Must come before the first thread, hence before logging, and the first web view.
pub fn choose(data_dir: &Path) {
    let data_dir = DATA_DIR.get_or_init(|| data_dir.to_owned());
    if !cfg!(target_os = "linux") {
        return;
    }
    let is_needed = data_dir.join(STARTING_FILE).exists()
        || chosen() == Choice::Safe
        || is_safe_better(Path::new("/dev/dri"), Path::new("/proc/driver/nvidia"));
    // A person who set the variable knows better.
    if is_needed && std::env::var_os(VARIABLE).is_none() {
        set_variable();
    }
}

/// Notes that a window is about to open, and keeps to safe mode if the last one never came up. A second program that
/// only shows the first one's window does not get here.
pub fn starting() {
    let Some(data_dir) = DATA_DIR.get() else { return };
    let starting = data_dir.join(STARTING_FILE);
    if starting.exists() {
        tracing::warn!("the last window did not come up; windows are drawn in safe mode from here on");
        remember(Choice::Safe);
    }
    // Where the folder cannot be written, the backend says so, in the window.
    let _ = fs::create_dir_all(data_dir).and_then(|()| fs::write(starting, ""));
}

/// Notes that the page runs, so the next start needs no safe mode. Only the first call does anything.
pub fn started() {
    static ONCE: Once = Once::new();
    if let Some(data_dir) = DATA_DIR.get() {
        // Not there is as good as removed.
        ONCE.call_once(|| drop(fs::remove_file(data_dir.join(STARTING_FILE))));
    }
}

/// Keeps the choice for the next start.
pub fn remember(choice: Choice) {
    let Some(data_dir) = DATA_DIR.get() else { return };
    if let Err(error) = fs::write(data_dir.join(CHOICE_FILE), choice.word()) {
        tracing::warn!(%error, "the choice of graphics could not be kept");
    }
}

/// The choice kept by an earlier start.
pub fn chosen() -> Choice {
    let kept = DATA_DIR.get().and_then(|data_dir| fs::read_to_string(data_dir.join(CHOICE_FILE)).ok());
    if kept.is_some_and(|word| word.trim() == Choice::Safe.word()) { Choice::Safe } else { Choice::Automatic }
}

/// Whether there is no graphics card to draw with, or one whose driver gets it wrong.
fn is_safe_better(cards: &Path, nvidia_driver: &Path) -> bool {
    let has_card = fs::read_dir(cards).is_ok_and(|entries| {
        entries.filter_map(Result::ok).any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
    });
    !has_card || nvidia_driver.exists()
}

#[expect(unsafe_code, clippy::disallowed_methods, reason = "WebKit reads the environment and has no other switch")]
fn set_variable() {
    // SAFETY: `choose` runs first in `main`, when this process has one thread, so nobody reads the environment meanwhile.
    unsafe { std::env::set_var(VARIABLE, "1") };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("megarouter-graphics-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn is_safe_without_a_card_and_with_nvidias_driver() {
        let cards = folder("cards");
        let absent = cards.join("absent");
        assert!(is_safe_better(&absent, &absent));
        assert!(is_safe_better(&cards, &absent));
        fs::write(cards.join("renderD128"), "").unwrap();
        assert!(!is_safe_better(&cards, &absent));
        assert!(is_safe_better(&cards, &cards));
        fs::remove_dir_all(cards).unwrap();
    }
}
