//! What has to be installed on the machine, and how to get it there.
//!
//! Each need is looked for by what it provides (a program, a library), not by a package's name, so the check works on
//! any system; only Debian and its relatives get it installed for them.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step;

/// One thing that must be on the machine, and the Debian package that brings it.
struct Need {
    kind: Kind,
    name: &'static str,
    package: &'static str,
}

enum Kind {
    /// A program on the search path.
    Program,
    /// A library with its headers, as pkg-config knows it.
    Library,
    /// A module that Python can import.
    PythonModule,
}

const fn program(name: &'static str, package: &'static str) -> Need {
    Need { kind: Kind::Program, name, package }
}

const fn library(name: &'static str, package: &'static str) -> Need {
    Need { kind: Kind::Library, name, package }
}

/// To build and start the desktop app.
const BUILD: &[Need] = &[
    program("cc", "build-essential"),
    program("pkg-config", "pkg-config"),
    library("webkit2gtk-4.1", "libwebkit2gtk-4.1-dev"),
    library("ayatana-appindicator3-0.1", "libayatana-appindicator3-dev"),
    library("librsvg-2.0", "librsvg2-dev"),
    library("dbus-1", "libdbus-1-dev"),
];

/// To drive the real window, a browser, a keychain and real clients, and to have a database to break, a
/// clock to set and a disk that fails.
const TEST: &[Need] = &[
    program("Xvfb", "xvfb"),
    program("xauth", "xauth"),
    program("WebKitWebDriver", "webkit2gtk-driver"),
    program("chromium", "chromium"),
    program("dbus-run-session", "dbus"),
    program("gnome-keyring-daemon", "gnome-keyring"),
    program("import", "imagemagick"),
    program("xdotool", "xdotool"),
    program("curl", "curl"),
    program("python3", "python3"),
    Need { kind: Kind::PythonModule, name: "ensurepip", package: "python3-venv" },
    program("git", "git"),
    program("postgres", "postgresql"),
    program("faketime", "faketime"),
    program("strace", "strace"),
];

/// To make installers.
const BUNDLE: &[Need] = &[program("file", "file"), program("dpkg-deb", "dpkg")];

/// To compare the proxy with a plain one, and to count what a fleet's database sees.
const BENCH: &[Need] = &[program("nginx", "nginx"), program("postgres", "postgresql")];

/// The smallest Node that the UI's tools run on.
const NODE: (u32, u32) = (20, 19);

/// Makes sure that the desktop app can be built here.
pub fn for_building() -> Result<()> {
    if cfg!(target_os = "linux") {
        provide(BUILD)?;
    }
    node_is_new_enough()
}

/// Makes sure that every test can run here.
pub fn for_testing() -> Result<()> {
    for_building()?;
    if cfg!(target_os = "linux") { provide(TEST) } else { Ok(()) }
}

/// Makes sure that installers can be made here.
pub fn for_bundling() -> Result<()> {
    for_building()?;
    if cfg!(target_os = "linux") { provide(BUNDLE) } else { Ok(()) }
}

/// Makes sure that the benchmark has its yardstick.
pub fn for_benchmarks() -> Result<()> {
    if cfg!(target_os = "linux") { provide(BENCH) } else { Ok(()) }
}

fn provide(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !is_there(need)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|need| need.name).collect();
    if !on_path("apt-get") {
        bail!("please install these with your system's package manager, then try again: {}", names.join(", "));
    }
    install(missing.iter().map(|need| need.package).collect())?;
    match needs.iter().find(|need| !is_there(need)) {
        None => Ok(()),
        Some(need) => bail!("installed package {}, but {} is still not to be found", need.package, need.name),
    }
}

fn install(packages: Vec<&'static str>) -> Result<()> {
    let list = packages.join(" ");
    let Some(as_root) = way_to_root() else {
        bail!(
            "some system packages are missing. Please run this, then try again:\n\n  sudo apt-get install -y {list}\n"
        );
    };
    eprintln!("Installing system packages: {list}");
    step::run(&mut apt(as_root, &["update", "-q"]))?;
    let mut command = apt(as_root, &["install", "-q", "-y", "--no-install-recommends"]);
    step::run(command.args(packages))
}

/// apt-get that waits for a lock held by another installer and asks nothing.
fn apt(as_root: &[&str], arguments: &[&str]) -> Command {
    let words =
        [as_root, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=500"]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(arguments);
    command
}

/// The words to put before a command that needs root; `None` without the right.
fn way_to_root() -> Option<&'static [&'static str]> {
    if step::answer(Command::new("id").arg("-u")).as_deref() == Some("0") {
        return Some(&[]);
    }
    step::answer(Command::new("sudo").args(["-n", "true"])).map(|_| &["sudo", "-n"][..])
}

fn is_there(need: &Need) -> bool {
    match need.kind {
        Kind::Program => on_path(need.name),
        Kind::Library => step::answer(Command::new("pkg-config").args(["--exists", need.name])).is_some(),
        Kind::PythonModule => {
            step::answer(Command::new("python3").arg("-c").arg(format!("import {}", need.name))).is_some()
        }
    }
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // Where Debian keeps daemons, and PostgreSQL's programs by version; not on everybody's path.
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin"));
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).chain(versions);
    folders.map(|folder| folder.join(program)).any(|file| file.is_file())
}

fn node_is_new_enough() -> Result<()> {
    let found = step::answer(Command::new("node").arg("--version"))
        .context("Node is missing. Please install Node 20.19 or newer with npm, then try again")?;
    let version = parse_node_version(&found).with_context(|| format!("cannot read Node's version {found:?}"))?;
    if version < NODE {
        bail!("Node {found} is too old. Please install Node {}.{} or newer, then try again", NODE.0, NODE.1);
    }
    Ok(())
}

fn parse_node_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_nodes_version() {
        assert_eq!(parse_node_version("v20.19.2"), Some((20, 19)));
        assert!(parse_node_version("v9.11.2").is_some_and(|version| version < NODE));
        assert_eq!(parse_node_version("20"), None);
    }
}
