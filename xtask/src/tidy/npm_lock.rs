//! The UI's lock file works on every system and takes packages from the registry only.

use std::fs;

use serde_json::{Map, Value};

use super::root;

fn packages() -> Map<String, Value> {
    let text = fs::read_to_string(root().join("ui/package-lock.json")).expect("the lock file is there");
    let lock: Value = serde_json::from_str(&text).expect("the lock file is JSON");
    lock["packages"].as_object().expect("the lock file lists packages").clone()
}

/// A registry that lacks other systems' parts leaves them out when the lock is written, and `npm ci` then refuses it.
/// Such an entry needs its version, `os`, `cpu` and `optional`.
#[test]
fn the_parts_for_other_systems_are_listed() {
    let packages = packages();
    let optional = packages.values().filter_map(|package| package["optionalDependencies"].as_object());
    let missing: Vec<&String> =
        optional.flat_map(Map::keys).filter(|name| !packages.contains_key(&format!("node_modules/{name}"))).collect();
    assert!(missing.is_empty(), "add to ui/package-lock.json: {missing:?}");
}

#[test]
fn no_package_comes_from_elsewhere() {
    let is_foreign = |package: &Value| package["resolved"].is_string() || package["link"] == true;
    let foreign: Vec<String> =
        packages().into_iter().filter(|(_, package)| is_foreign(package)).map(|(name, _)| name).collect();
    assert!(foreign.is_empty(), "these name a place to download from: {foreign:?}");
}
