//! `icons`: draws the bitmaps in `icons/` from the two kinds of SVG beside them, and gives the web UI the same icon.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::place::Place;
use crate::{frontend, step};

/// What the bundles use; the drawing tool makes many more, for phones and shops.
const KEPT: &[&str] = &["32x32.png", "128x128.png", "128x128@2x.png", "icon.icns", "icon.ico", "icon.png"];

/// The states of the tray icon, each a shape of its own.
const TRAY: &[&str] = &["on", "paused", "warning", "off"];

/// Draws the application's icons and the tray's.
pub fn draw(place: &Place) -> Result<()> {
    frontend::install(place)?;
    let icons = place.root.join("icons");
    let drawn = place.target.join("icons");
    draw_one(place, &icons.join("app-icon.svg"), &drawn, &[])?;
    for name in KEPT {
        copy(&drawn.join(name), &icons.join(name))?;
    }
    for state in TRAY {
        let svg = icons.join("tray").join(state).with_extension("svg");
        draw_one(place, &svg, &drawn, &["--png", "32"])?;
        copy(&drawn.join("32x32.png"), &svg.with_extension("png"))?;
    }
    copy(&icons.join("app-icon.svg"), &place.ui().join("public").join("icon.svg"))
}

fn draw_one(place: &Place, svg: &Path, to: &Path, arguments: &[&str]) -> Result<()> {
    step::run(place.tauri().arg("icon").arg(svg).arg("--output").arg(to).args(arguments))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(())
}
