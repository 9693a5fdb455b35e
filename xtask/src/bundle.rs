//! `bundle`: the release build and its installers.

use anyhow::Result;
use serde_json::json;

use crate::place::Place;
use crate::{frontend, needs, step};

/// Builds everything for release and packs it. `arguments` go to `tauri bundle`, e.g. `--bundles deb`.
pub fn bundle(place: &Place, arguments: &[String]) -> Result<()> {
    needs::for_bundling()?;
    frontend::install(place)?;
    frontend::build(place)?;
    step::run(place.cargo("build").args(["--workspace", "--bins", "--release"]))?;
    let mut command = place.tauri();
    command.arg("bundle").arg("--config").arg(with_the_server(place).to_string());
    if arguments.is_empty() && cfg!(target_os = "linux") {
        command.args(["--bundles", "deb,rpm"]);
    }
    step::run(command.args(arguments))?;
    eprintln!("The installers are in {}", place.target.join("release").join("bundle").display());
    Ok(())
}

/// The configuration that puts `megarouter-server` beside the app. The build folder differs from machine to machine, so
/// this cannot stand in `tauri.conf.json`.
fn with_the_server(place: &Place) -> serde_json::Value {
    let server = place.binary("release", "megarouter-server");
    let installed = json!({ "/usr/bin/megarouter-server": server });
    json!({ "bundle": { "linux": { "deb": { "files": installed }, "rpm": { "files": installed } } } })
}
