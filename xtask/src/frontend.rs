//! The UI's packages and its build, both skipped when nothing changed.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::place::Place;
use crate::step;

/// What the built UI is made from, besides the lock file.
const SOURCES: &[&str] = &["src", "public", "index.html", "vite.config.ts", "svelte.config.js", "tsconfig.json"];

/// Installs the packages of `package-lock.json`, unless they are there already. No package's own scripts run.
pub fn install(place: &Place) -> Result<()> {
    let ui = place.ui();
    let lock = fs::read(ui.join("package-lock.json")).context("ui/package-lock.json cannot be read")?;
    // The stamp lives where the packages live, so that both vanish together.
    let stamp = ui.join("node_modules").join(".megarouter-installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    step::run(&mut place.npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    fs::write(stamp, lock).context("cannot write the stamp of the installed packages")
}

/// Builds the UI into `ui/dist`, unless that is newer than everything it is made from.
pub fn build(place: &Place) -> Result<()> {
    if is_fresh(&place.ui())? {
        return Ok(());
    }
    step::run(&mut place.npm(&["run", "build"]))
}

fn is_fresh(ui: &Path) -> Result<bool> {
    let Ok(built) = fs::metadata(ui.join("dist").join("index.html")).and_then(|file| file.modified()) else {
        return Ok(false);
    };
    let mut newest = modified(&ui.join("package-lock.json"))?;
    for source in SOURCES {
        newest = newest.max(modified(&ui.join(source))?);
    }
    Ok(newest.is_some_and(|changed| changed < built))
}

/// When a file, or anything in a folder, last changed. A folder's own time tells of removed files.
fn modified(path: &Path) -> io::Result<Option<SystemTime>> {
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut newest = Some(about.modified()?);
    if about.is_dir() {
        for entry in fs::read_dir(path)? {
            newest = newest.max(modified(&entry?.path())?);
        }
    }
    Ok(newest)
}
