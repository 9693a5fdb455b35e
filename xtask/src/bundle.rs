//! `bundle`: the release build and its installers.

use std::{env, fs};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::place::Place;
use crate::{frontend, needs, step};

/// Builds everything for release and packs it. `arguments` go to `tauri bundle`, e.g. `--bundles deb`.
pub fn bundle(place: &Place, arguments: &[String]) -> Result<()> {
    needs::for_bundling()?;
    frontend::install(place)?;
    frontend::build(place)?;
    step::run(place.cargo("build").args(["--workspace", "--bins", "--release"]))?;
    let mut command = place.tauri();
    command.arg("bundle").arg("--config").arg(with_the_server(place)?.to_string());
    if arguments.is_empty() && cfg!(target_os = "linux") {
        command.args(["--bundles", "deb,rpm"]);
    }
    step::run(command.args(arguments))?;
    eprintln!("The installers are in {}", place.target.join("release").join("bundle").display());
    Ok(())
}

/// The configuration that packs `megarouter-server` beside the app. The bundler wants the system in the file's name, and
/// the build folder differs from machine to machine, so this cannot stand in `tauri.conf.json`.
fn with_the_server(place: &Place) -> Result<Value> {
    let rustc = step::answer(place.command("rustc").arg("-vV")).context("rustc does not say what it builds for")?;
    let system = rustc.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let folder = place.target.join("release").join("beside");
    fs::create_dir_all(&folder)?;
    let packed = folder.join(format!("megarouter-server-{system}{}", env::consts::EXE_SUFFIX));
    fs::copy(place.binary("release", "megarouter-server"), packed).context("cannot copy megarouter-server")?;
    Ok(json!({ "bundle": { "externalBin": [folder.join("megarouter-server")] } }))
}
