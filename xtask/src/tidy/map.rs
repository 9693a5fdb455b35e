//! The map of the house is true: what `docs/ARCHITECTURE.md` names is there.

use std::fs;

use super::root;

/// The first parts of paths that the document may name.
const PLACES: &[&str] = &["crates/", "src-tauri/", "ui/", "xtask/", "tests/", "docs/", "icons/", ".ci/", ".github/"];

#[test]
fn everything_the_architecture_names_exists() {
    let document = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("docs/ARCHITECTURE.md is there");
    let missing: Vec<&str> = named_paths(&document).filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "named but not there: {}", missing.join(", "));
}

/// Paths between back quotes. One with a place holder or a wildcard names a kind of file, not a file.
fn named_paths(document: &str) -> impl Iterator<Item = &str> {
    let quoted = document.split('`').skip(1).step_by(2);
    quoted.filter(|text| PLACES.iter().any(|place| text.starts_with(place)) && !text.contains(['<', '*', '{', ' ']))
}

#[test]
fn finds_paths_in_back_quotes() {
    let found: Vec<&str> =
        named_paths("See `crates/domain/src/id.rs`, `GET /x`, `crates/*/src` and `ui/src`.").collect();
    assert_eq!(found, ["crates/domain/src/id.rs", "ui/src"]);
}
