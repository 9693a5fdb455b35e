//! Where the repository, the UI and the build output are.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The folders every verb works in.
pub struct Place {
    /// The root of the checkout.
    pub root: PathBuf,
    /// Cargo's target folder, shared by all checkouts unless `CARGO_TARGET_DIR` says otherwise.
    pub target: PathBuf,
}

impl Place {
    /// Finds the checkout this program was built from and the folder for build output.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask is not inside a checkout")?;
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) if !folder.is_empty() => root.join(folder),
            _ => cache_folder()?.join("megarouter").join("target"),
        };
        Ok(Self { root: root.to_owned(), target })
    }

    /// The front end's folder.
    pub fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }

    /// A program of ours as built: `profile` is `debug` or `release`.
    pub fn binary(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// A command that starts at the root and builds into the shared target folder.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        // What `cargo run` says about this program is not true of the ones it starts.
        for (name, _) in env::vars_os().filter(|(name, _)| is_about_this_package(name)) {
            command.env_remove(name);
        }
        command
    }

    /// `cargo VERB --locked`, the same cargo that built this program.
    pub fn cargo(&self, verb: &str) -> Command {
        let mut command = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.arg(verb).arg("--locked");
        command
    }

    /// npm in the front end's folder.
    pub fn npm(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(if cfg!(windows) { "npm.cmd" } else { "npm" });
        command.args(arguments).current_dir(self.ui());
        command
    }

    /// The Tauri command line that the UI's packages bring.
    pub fn tauri(&self) -> Command {
        let script = self.ui().join("node_modules").join("@tauri-apps").join("cli").join("tauri.js");
        let mut command = self.command("node");
        command.arg(script);
        command
    }
}

fn is_about_this_package(variable: &OsStr) -> bool {
    variable.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
}

fn cache_folder() -> Result<PathBuf> {
    let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("XDG_CACHE_HOME")
        .or_else(|| named("LOCALAPPDATA"))
        .or_else(|| named("HOME").map(|home| home.join(".cache")))
        .context("neither CARGO_TARGET_DIR, XDG_CACHE_HOME nor HOME is set, so there is no place for build output")
}
