//! Which of our crates may use which.

use std::collections::{BTreeMap, BTreeSet};

use super::Graph;

/// Every arrow of the house; a crate that is not here may use none of ours.
const ARROWS: &[(&str, &[&str])] = &[
    ("megarouter-domain", &[]),
    ("megarouter-dialect", &["domain"]),
    ("megarouter-routing", &["domain"]),
    ("megarouter-ledger", &["domain"]),
    ("megarouter-secrets", &["domain"]),
    ("megarouter-providers", &["dialect", "domain"]),
    ("megarouter-store", &["ledger", "domain"]),
    ("megarouter-gateway", &["providers", "routing", "dialect", "ledger", "domain"]),
    ("megarouter-reports", &["store", "domain"]),
    ("megarouter-api", &["gateway", "providers", "secrets", "reports", "store", "ledger", "routing", "domain"]),
    ("megarouter-server", &["api", "gateway", "providers", "secrets", "store", "ledger", "domain"]),
    ("megarouter", &["server"]),
    ("megarouter-tests", &[]),
    ("xtask", &[]),
];

#[test]
fn crates_use_only_what_the_table_allows() {
    let table: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in Graph::get().ours() {
        let Some(allowed) = table.get(package.name.as_str()) else {
            wrong.push(format!("{} is not in the table", package.name));
            continue;
        };
        for used in package.uses.iter().filter_map(|name| name.strip_prefix("megarouter-")) {
            if !allowed.contains(&used) {
                wrong.push(format!("{} must not use {used}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_names_every_crate_and_no_other() {
    let table: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let real: BTreeSet<&str> = Graph::get().ours().map(|package| package.name.as_str()).collect();
    assert_eq!(table, real);
}
