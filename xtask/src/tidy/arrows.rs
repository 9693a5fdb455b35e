//! Which of our crates may use which.

use std::collections::BTreeSet;

use super::Graph;

/// Every arrow of the house; a crate that is not here may use none of ours.
const ARROWS: &[(&str, &[&str])] = &[
    ("megarouter-domain", &[]),
    ("megarouter-catalog", &["domain"]),
    ("megarouter-dialect", &["domain"]),
    ("megarouter-routing", &["domain"]),
    ("megarouter-ledger", &["domain"]),
    ("megarouter-secrets", &["domain"]),
    ("megarouter-providers", &["dialect", "domain"]),
    ("megarouter-store", &["ledger", "domain"]),
    ("megarouter-gateway", &["providers", "routing", "dialect", "ledger", "domain"]),
    ("megarouter-reports", &["store", "domain"]),
    (
        "megarouter-api",
        &["catalog", "gateway", "providers", "secrets", "reports", "store", "ledger", "routing", "domain"],
    ),
    (
        "megarouter-server",
        &["api", "catalog", "gateway", "providers", "routing", "secrets", "store", "ledger", "domain"],
    ),
    ("megarouter", &["server"]),
    ("megarouter-tests", &[]),
    ("xtask", &["routing", "domain"]),
];

#[test]
fn crates_use_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for package in Graph::get().ours() {
        let direct = allowed(&package.name);
        // Tests may also reach what is further down, to make what their crate is given.
        let below: BTreeSet<&str> = below(&package.name);
        for used in &package.uses {
            let Some(name) = used.name.strip_prefix("megarouter-") else { continue };
            let is_fine = direct.contains(&name) || (used.is_for_tests && below.contains(name));
            if !is_fine {
                wrong.push(format!("{} must not use {name}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn allowed(package: &str) -> &'static [&'static str] {
    ARROWS.iter().find(|(name, _)| *name == package).map_or(&[], |(_, allowed)| *allowed)
}

/// Everything that can be reached by following the arrows.
fn below(package: &str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let mut next = allowed(package).to_vec();
    while let Some(name) = next.pop() {
        if found.insert(name) {
            next.extend(allowed(&format!("megarouter-{name}")));
        }
    }
    found
}

#[test]
fn the_arrows_have_no_circle() {
    for (name, _) in ARROWS {
        let short = name.trim_start_matches("megarouter-");
        assert!(!below(name).contains(short), "{name} reaches itself");
    }
}

#[test]
fn the_table_names_every_crate_and_no_other() {
    let table: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let real: BTreeSet<&str> = Graph::get().ours().map(|package| package.name.as_str()).collect();
    assert_eq!(table, real);
}
