//! A hub with nodes, and accounts to ask for.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{BudgetId, LedgerId};
use megarouter_domain::secret::Secret;
use megarouter_ledger::account::AccountKey;
use megarouter_store::error::Error;
use megarouter_store::hub::{Ask, Grant, Hub, HubError, HubPool, Node, Use};

use crate::postgres::Postgres;

pub const NOW: Timestamp = Timestamp::from_micros(1_795_348_800_000_000);
pub const END: Timestamp = Timestamp::from_micros(4_102_444_800_000_000);

/// A hub in a database of its own, and the name of that database.
pub fn hub() -> (Hub, String) {
    let url = Postgres::shared().database();
    let database = url.rsplit('/').next().expect("a URL has a path").to_owned();
    (hub_at(&url), database)
}

/// Another program's connections to a hub.
pub fn hub_at(url: &str) -> Hub {
    Hub::new(HubPool::new(&Secret::new(url.to_owned())).expect("the URL is good"))
}

pub fn ledger(seed: u8) -> LedgerId {
    LedgerId::new(NOW, [seed; 10])
}

/// A node that is alive.
pub async fn node(hub: &Hub, seed: u8) -> Node {
    let node = hub.register(ledger(seed), &format!("node-{seed}"), "1.0.0").await.unwrap();
    hub.beat(node).await.unwrap();
    node
}

/// Leases, and asks again when the machine is too busy to answer within the time of a lease.
pub async fn lease(hub: &Hub, node: Node, asks: &[Ask]) -> Result<Vec<Grant>, HubError> {
    let mut late = 0;
    loop {
        match hub.lease(node, asks).await {
            Err(HubError::Store(Error::Away(_))) if late < 40 => late += 1,
            answer => return answer,
        }
    }
}

pub fn key(seed: u8) -> AccountKey {
    AccountKey { budget: BudgetId::new(NOW, [seed; 10]), subject: None, window: NOW }
}

pub fn ask(key: &AccountKey, limit: u64, need: u64) -> Ask {
    Ask { key: key.clone(), ends_at: END, limit, carries_from: None, need }
}

pub fn used(key: &AccountKey, limit: u64, used: u64) -> Use {
    Use { key: key.clone(), ends_at: END, limit, used }
}

/// The sum of an account's grants, as its row has it, and as they add up.
pub async fn granted(hub: &Hub, key: &AccountKey) -> (u64, u64) {
    let accounts = hub.accounts().await.unwrap();
    let account = accounts.iter().find(|account| account.key == *key);
    account.map_or((0, 0), |account| (account.granted, account.by_node.iter().map(|(_, amount)| amount).sum()))
}
