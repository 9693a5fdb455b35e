//! Versions below which a known hole is open. No advisory database has them all, so they stand here.

use super::Graph;

/// Crate, the first version that may be used, and what is wrong below it.
const FLOORS: &[(&str, [u64; 3], &str)] = &[
    ("tauri", [2, 11, 1], "a page of another origin can call commands"),
    ("tauri-plugin-updater", [2, 12, 0], "an update without a signed version can be a downgrade"),
    ("tauri-plugin-shell", [2, 2, 1], "an open scope that is not checked"),
    ("h2", [0, 4, 16], "a peer can exhaust memory"),
    ("rustls-webpki", [0, 103, 13], "names in certificates are not fully checked"),
    ("ammonia", [4, 1, 4], "markup gets through the cleaner"),
    ("libsqlite3-sys", [0, 37, 0], "SQLite before 3.51.3 can lose a reset write-ahead log"),
];

#[test]
fn no_crate_is_below_its_floor() {
    let mut low = Vec::new();
    for (name, floor, reason) in FLOORS {
        for package in Graph::get().others().filter(|package| package.name == *name) {
            if numbers(&package.version) < *floor {
                low.push(format!("{name} {} is below {floor:?}: {reason}", package.version));
            }
        }
    }
    assert!(low.is_empty(), "{}", low.join("\n"));
}

/// Major, minor and patch; a pre-release counts as the version before it, which is the careful reading.
fn numbers(version: &str) -> [u64; 3] {
    let (plain, is_pre_release) = match version.split(['-', '+']).collect::<Vec<_>>()[..] {
        [plain, ..] => (plain, version.contains('-')),
        [] => (version, false),
    };
    let mut parts = plain.split('.').map(|part| part.parse().expect("a version is numbers and dots"));
    let numbers = std::array::from_fn(|_| parts.next().unwrap_or(0));
    if is_pre_release { [numbers[0], numbers[1], numbers[2].saturating_sub(1)] } else { numbers }
}

#[test]
fn versions_compare_as_numbers() {
    assert!(numbers("2.12.5") > numbers("2.9.30"));
    assert!(numbers("0.103.13") >= [0, 103, 13]);
    assert!(numbers("2.11.1-beta.1") < [2, 11, 1]);
    assert_eq!(numbers("0.6.0+11769913"), [0, 6, 0]);
}

#[test]
fn the_floors_that_matter_today_are_about_crates_we_have() {
    for name in ["tauri", "h2", "rustls-webpki", "libsqlite3-sys"] {
        assert!(Graph::get().others().any(|package| package.name == name), "{name} is not in the graph any more");
    }
}
