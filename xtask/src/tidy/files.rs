//! What tracked files may say.

use std::path::Path;

use super::texts;

/// Texts that tie a file to one machine or one download host. Written in two parts, so that this file passes.
const FORBIDDEN: &[(&str, &str)] = &[
    ("/ro", "ot/"),
    ("/wo", "rk/"),
    ("/fa", "rm/"),
    ("registry.", "npmjs"),
    ("pypi", ".org"),
    ("python", "hosted"),
    ("static.", "crates"),
    ("deb.", "debian.org"),
];

/// Written by tools that record where each package came from.
fn is_lock_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "package-lock.json" || name == "Cargo.lock")
}

#[test]
fn no_file_names_a_machine_or_a_registry_host() {
    let mut found = Vec::new();
    for (path, text) in texts().iter().filter(|(path, _)| !is_lock_file(path)) {
        for (number, line) in text.lines().enumerate() {
            if FORBIDDEN.iter().any(|(start, end)| stands_alone(line, &format!("{start}{end}"))) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whether `text` is in the line and not the tail of a longer path, such as a relative one.
fn stands_alone(line: &str, text: &str) -> bool {
    let is_joined =
        |at: usize| line[..at].ends_with(|it: char| it.is_alphanumeric() || matches!(it, '_' | '.' | '-' | '}'));
    line.match_indices(text).any(|(at, _)| !text.starts_with('/') || !is_joined(at))
}

#[test]
fn only_the_host_of_the_window_imports_tauri() {
    let mut found = Vec::new();
    for (path, text) in texts().iter().filter(|(path, _)| path.starts_with("ui/src")) {
        let is_host = path.starts_with("ui/src/lib")
            && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("host."));
        if !is_host && text.lines().any(|line| line.contains("@tauri-apps") && line.contains("import")) {
            found.push(path.display().to_string());
        }
    }
    assert!(found.is_empty(), "only ui/src/lib/host.*.ts may import @tauri-apps: {}", found.join(", "));
}

#[test]
fn pure_crates_touch_neither_clock_nor_disk_nor_chance() {
    let impure =
        ["SystemTime::now", "Instant::now", "Utc::now", "std::fs", "std::net", "std::env::", "std::process", "rand::"];
    let mut found = Vec::new();
    for (path, text) in texts() {
        let is_pure = ["domain", "catalog", "dialect", "routing", "ledger"]
            .iter()
            .any(|name| path.starts_with(format!("crates/{name}/src")));
        if !is_pure || path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        // Tests stand last in a file and may read fixtures.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        for line in code.lines().filter(is_code).filter(|line| impure.iter().any(|word| line.contains(word))) {
            found.push(format!("{}: {}", path.display(), line.trim()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
