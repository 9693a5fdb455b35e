//! House rules as tests: what `docs/ARCHITECTURE.md` promises about crates and files.
//!
//! `arrows` which crate may use which; `crates_of_others` who may use what is not ours; `floors` versions that must not
//! fall; `files` what a tracked file may say; `map` that the map of the house is true; `npm_lock` what the
//! UI is built with. All read `cargo metadata` or
//! `git ls-files`; none builds anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

mod arrows;
mod crates_of_others;
mod files;
mod floors;
mod map;
mod npm_lock;

/// One package of the dependency graph.
struct Package {
    name: String,
    version: String,
    /// `None` for ours.
    source: Option<String>,
    licence: Option<String>,
    /// Direct dependencies, for any platform.
    uses: Vec<Use>,
}

/// A direct dependency.
struct Use {
    name: String,
    /// Whether only tests use it.
    is_for_tests: bool,
}

/// The whole graph, for all platforms and with development dependencies.
struct Graph {
    packages: Vec<Package>,
}

impl Graph {
    /// Asks cargo once for all tests.
    fn get() -> &'static Self {
        static GRAPH: OnceLock<Graph> = OnceLock::new();
        GRAPH
            .get_or_init(|| Self { packages: metadata()["packages"].as_array().unwrap().iter().map(package).collect() })
    }

    fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.source.is_none())
    }

    fn others(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.source.is_some())
    }
}

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn package(value: &Value) -> Package {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let dependencies = value["dependencies"].as_array().expect("a package lists its dependencies");
    Package {
        name: text("name").expect("a package has a name"),
        version: text("version").expect("a package has a version"),
        source: text("source"),
        licence: text("license"),
        uses: dependencies.iter().map(dependency).collect(),
    }
}

fn dependency(value: &Value) -> Use {
    let name = value["name"].as_str().expect("a dependency has a name").to_owned();
    Use { name, is_for_tests: value["kind"] == "dev" }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is inside the checkout")
}

/// Paths of all tracked files, from the root.
fn tracked() -> Vec<PathBuf> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().expect("git starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("paths are UTF-8");
    // A file may be deleted but not yet committed.
    names.split_terminator('\0').map(PathBuf::from).filter(|path| root().join(path).exists()).collect()
}

/// Tracked text files with their content.
fn texts() -> BTreeMap<PathBuf, String> {
    let read = |path: PathBuf| fs::read_to_string(root().join(&path)).ok().map(|text| (path, text));
    tracked().into_iter().filter_map(read).collect()
}
