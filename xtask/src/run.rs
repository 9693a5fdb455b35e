//! `run`: from a fresh clone to the running program.

use std::env;

use anyhow::Result;

use crate::place::Place;
use crate::{frontend, needs, step};

/// Installs what is missing, builds, and starts the desktop app; without a display, the server with its web UI.
pub fn run(place: &Place, arguments: &[String]) -> Result<()> {
    needs::for_building()?;
    frontend::install(place)?;
    frontend::build(place)?;
    step::run(place.cargo("build").args(["--workspace", "--bins"]))?;
    if has_display() {
        return step::run(place.command(place.binary("debug", "megarouter")).args(arguments));
    }
    eprintln!(
        "There is no display here, so this starts the server. Open the link that it prints as `signin` in a browser."
    );
    step::run(place.command(place.binary("debug", "megarouter-server")).arg("serve").args(arguments))
}

fn has_display() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}
