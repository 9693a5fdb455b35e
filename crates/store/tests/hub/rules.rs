//! The hub's SQL against the ledger's own rules: whatever nodes do, both say the same.

use std::sync::atomic::{AtomicU32, Ordering};

use megarouter_domain::id::BudgetId;
use megarouter_ledger::account::AccountKey;
use megarouter_ledger::lease::{Ask as Rule, LeaseBook};
use megarouter_store::hub::{Ask, Hub, HubError, Node};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::world::{self, NOW, ask, granted, hub, node, used};

const NODES: u8 = 3;
const ACCOUNTS: u8 = 3;

#[derive(Clone, Debug)]
enum Step {
    /// A node asks for so much of each account, on top of what it has.
    Lease {
        node: u8,
        more: Vec<(u8, u64)>,
    },
    Report {
        node: u8,
        account: u8,
        used: u64,
    },
    GiveBack {
        node: u8,
        account: u8,
        to: u64,
    },
    /// The limit of an account changes.
    Limit {
        account: u8,
        limit: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let account = 0..ACCOUNTS;
    let more = proptest::collection::btree_map(account.clone(), 0..400_u64, 1..=3);
    prop_oneof![
        6 => (0..NODES, more).prop_map(|(node, more)| Step::Lease { node, more: more.into_iter().collect() }),
        2 => (0..NODES, account.clone(), 0..1_500_u64)
            .prop_map(|(node, account, used)| Step::Report { node, account, used }),
        3 => (0..NODES, account.clone(), 0..600_u64).prop_map(|(node, account, to)| Step::GiveBack { node, account, to }),
        1 => (account, 0..3_000_u64).prop_map(|(account, limit)| Step::Limit { account, limit }),
    ]
}

#[test]
fn the_hub_keeps_the_rules_of_the_ledger() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let steps = proptest::collection::vec(step(), 1..40);
    let (hub, nodes) = runtime.block_on(async {
        let (hub, _) = hub();
        let mut nodes = Vec::new();
        for seed in 0..NODES {
            nodes.push(node(&hub, seed).await);
        }
        (hub, nodes)
    });
    // Each case has accounts of its own.
    let case = AtomicU32::new(0);
    let compare = |steps: Vec<Step>| {
        let case = case.fetch_add(1, Ordering::Relaxed);
        runtime.block_on(compare(&hub, &nodes, |account| key(case, account), &steps))
    };
    runner.run(&steps, compare).unwrap();
}

fn key(case: u32, account: u8) -> AccountKey {
    let mut entropy = [account; 10];
    entropy[2..6].copy_from_slice(&case.to_be_bytes());
    AccountKey { budget: BudgetId::new(NOW, entropy), subject: None, window: NOW }
}

async fn compare(
    hub: &Hub,
    nodes: &[Node],
    key: impl Fn(u8) -> AccountKey,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    for node in nodes {
        hub.beat(*node).await.unwrap();
    }
    let mut book = LeaseBook::default();
    let mut limits = [1_000_u64; ACCOUNTS as usize];
    for step in steps {
        match step {
            Step::Lease { node, more } => lease(hub, &mut book, nodes, &key, (*node, more), &limits).await?,
            Step::Report { node, account, used: amount } => {
                let limit = limits[usize::from(*account)];
                hub.report(nodes[usize::from(*node)], &[used(&key(*account), limit, *amount)]).await.unwrap();
                book.report(*node, &key(*account), limit, *amount);
            }
            Step::GiveBack { node, account, to } => {
                hub.give_back(nodes[usize::from(*node)], &[(key(*account), *to)]).await.unwrap();
                book.give_back(*node, &key(*account), *to);
            }
            Step::Limit { account, limit } => limits[usize::from(*account)] = *limit,
        }
    }
    for account in 0..ACCOUNTS {
        let expected = (0..NODES).map(|node| book.granted(node, &key(account))).sum::<u64>();
        prop_assert_eq!(granted(hub, &key(account)).await, (expected, expected));
    }
    Ok(())
}

async fn lease(
    hub: &Hub,
    book: &mut LeaseBook<u8>,
    nodes: &[Node],
    key: impl Fn(u8) -> AccountKey,
    (node, more): (u8, &[(u8, u64)]),
    limits: &[u64],
) -> Result<(), TestCaseError> {
    let need = |account| book.granted(node, &key(account));
    let asks: Vec<Ask> = more
        .iter()
        .map(|(account, more)| ask(&key(*account), limits[usize::from(*account)], need(*account) + more))
        .collect();
    let rules: Vec<Rule> = asks
        .iter()
        .map(|ask| Rule { key: ask.key.clone(), limit: ask.limit, carries_from: None, need: ask.need })
        .collect();
    let expected = book.lease(node, u32::from(NODES), &rules);
    match (world::lease(hub, nodes[usize::from(node)], &asks).await, expected) {
        (Ok(found), Ok(expected)) => prop_assert_eq!(found, expected),
        (Err(HubError::NotEnough(found)), Err(expected)) => prop_assert_eq!(found, expected),
        (found, expected) => prop_assert!(false, "the hub says {found:?}, the rules say {expected:?}"),
    }
    Ok(())
}
