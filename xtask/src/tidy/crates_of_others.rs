//! Which crates of others are let in, by whom, from where and under which licence.

use super::Graph;

/// Crates without I/O; what they use is on the list below.
const PURE: &[&str] =
    &["megarouter-domain", "megarouter-catalog", "megarouter-dialect", "megarouter-routing", "megarouter-ledger"];

/// None of these does I/O, reads a clock or draws randomness in the way we use it. The last line is for tests only.
const ALLOWED_IN_PURE: &[&str] = &[
    "base64",
    "bytes",
    "chrono",
    "chrono-tz",
    "crc32fast",
    "flate2",
    "memchr",
    "serde",
    "serde_json",
    "sha2",
    "subtle",
    "thiserror",
    "uuid",
    "zeroize",
    "insta",
    "proptest",
];

/// A crate of others (by the start of its name) and the only ones of ours that may use it directly.
const OWNERS: &[(&str, &[&str])] = &[
    ("sqlx", &["megarouter-store"]),
    ("rusqlite", &[]),
    ("keyring", &["megarouter-secrets"]),
    ("plotters", &["megarouter-reports"]),
    ("tauri", &["megarouter"]),
    ("reqwest", &["megarouter-providers", "megarouter-tests"]),
    ("axum", &["megarouter-api", "megarouter-server"]),
    ("mimalloc", &["megarouter-server"]),
    ("anyhow", &["megarouter-server", "megarouter", "megarouter-tests", "xtask"]),
];

/// Licences that may be combined with ours; `deny.toml` has the same list.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The registry; a checkout of somebody's repository or a folder outside of this one is not a source.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn pure_crates_use_only_listed_crates() {
    let mut wrong = Vec::new();
    for package in Graph::get().ours().filter(|package| PURE.contains(&package.name.as_str())) {
        let others = package.uses.iter().map(|used| &used.name).filter(|name| !name.starts_with("megarouter-"));
        wrong.extend(
            others
                .filter(|name| !ALLOWED_IN_PURE.contains(&name.as_str()))
                .map(|name| format!("{} must not use {name}", package.name)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_with_an_owner_are_used_by_it_alone() {
    let mut wrong = Vec::new();
    for package in Graph::get().ours() {
        for used in &package.uses {
            let owned = OWNERS.iter().find(|(start, _)| is_or_belongs_to(&used.name, start));
            if owned.is_some_and(|(_, owners)| !owners.contains(&package.name.as_str())) {
                wrong.push(format!("{} must not use {}", package.name, used.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `sqlx` and `sqlx-core`, but not `sqlxyz`.
fn is_or_belongs_to(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

#[test]
fn every_licence_fits_ours() {
    let unfit = Graph::get().packages.iter().filter(|package| !package.licence.as_deref().is_some_and(is_allowed));
    let unfit: Vec<String> = unfit.map(|it| format!("{} {}: {:?}", it.name, it.version, it.licence)).collect();
    assert!(unfit.is_empty(), "{}", unfit.join("\n"));
}

/// Whether an SPDX expression can be met with allowed licences alone. `/` is the old way to write OR.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let (words, mut depth) = (expression.replace('(', " ( ").replace(')', " ) "), 0_i32);
    // Split at the weakest operator outside of brackets: first OR, then AND.
    for (operator, is_met) in [("OR", any as fn(&[String]) -> bool), ("AND", all)] {
        let mut parts = vec![String::new()];
        for word in words.split_whitespace() {
            depth += i32::from(word == "(") - i32::from(word == ")");
            if word == operator && depth == 0 {
                parts.push(String::new());
            } else if let Some(part) = parts.last_mut() {
                *part = format!("{part} {word}").trim().to_owned();
            }
        }
        if parts.len() > 1 {
            return is_met(&parts);
        }
    }
    let words = words.trim();
    match words.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => is_allowed(inner),
        None => LICENCES.contains(&words),
    }
}

fn any(parts: &[String]) -> bool {
    parts.iter().any(|part| is_allowed(part))
}

fn all(parts: &[String]) -> bool {
    parts.iter().all(|part| is_allowed(part))
}

#[test]
fn reads_licence_expressions() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "(MIT OR GPL-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND AGPL-3.0", ""] {
        assert!(!is_allowed(bad), "{bad}");
    }
}

#[test]
fn the_release_check_allows_the_same_licences() {
    let deny = std::fs::read_to_string(super::root().join("deny.toml")).unwrap();
    let quoted = |line: &str| Some(line.trim().strip_prefix('"')?.strip_suffix("\",")?.to_owned());
    let section = deny.split("[licenses]").nth(1).and_then(|rest| rest.split("\n]").next()).unwrap();
    let listed: Vec<String> = section.lines().filter_map(quoted).collect();
    assert_eq!(listed, LICENCES);
}

#[test]
fn every_crate_comes_from_the_registry() {
    let strange = Graph::get().others().filter(|package| package.source.as_deref() != Some(SOURCE));
    let strange: Vec<String> = strange.map(|it| format!("{} from {:?}", it.name, it.source)).collect();
    assert!(strange.is_empty(), "{}", strange.join("\n"));
}
