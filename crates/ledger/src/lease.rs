//! How nodes share a budget: the rules that the hub keeps, without the database.
//!
//! For each account the hub knows a limit and, for each node, how much that node may use in the
//! account's window, in all. The sum of these grants stays within the limit. A node spends within
//! its grant without asking; what a grant does not cover it asks for; what it does not need it gives
//! back by lowering its grant. A node that died keeps its grant until it comes back or an admin
//! releases it, because nobody knows how much of it was spent.
//!
//! The hub's SQL does the same, and a test compares the two.

use std::collections::{BTreeMap, HashMap};

use thiserror::Error;

use crate::account::AccountKey;

/// The part of what is left, for each node, that a grant takes at once: a quarter of an even share.
const PARTS: u64 = 4;
/// The most that a grant takes at once, in percent of the limit.
const MOST_PERCENT: u64 = 5;

/// What a node asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Of which account.
    pub key: AccountKey,
    /// The limit of the account, as the node knows it.
    pub limit: u64,
    /// The account whose rest is added to the limit, at most once more of it.
    pub carries_from: Option<AccountKey>,
    /// What the node's grant must reach.
    pub need: u64,
}

/// What a node got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Of which account.
    pub key: AccountKey,
    /// How much the node may use, in all.
    pub granted: u64,
    /// What no node was granted yet.
    pub left: u64,
}

/// An account has not enough left. No grant was changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the budget has {left} left for this node")]
pub struct NotEnough {
    /// Which account.
    pub key: AccountKey,
    /// What could still be granted on top of the node's own grant.
    pub left: u64,
}

/// The hub's accounts. `N` names a node.
#[derive(Clone, Debug)]
pub struct LeaseBook<N> {
    accounts: HashMap<AccountKey, Shares<N>>,
}

#[derive(Clone, Debug)]
struct Shares<N> {
    limit: u64,
    grants: BTreeMap<N, u64>,
}

/// How much more to grant when `need` more is asked for: a part of what is left that leaves something
/// to the other nodes and gets smaller towards the end. Never more than what is left.
pub fn wish(limit: u64, granted: u64, live_nodes: u32, need: u64) -> u64 {
    let left = limit.saturating_sub(granted);
    let share = left / PARTS.saturating_mul(u64::from(live_nodes.max(1)));
    let most = u64::try_from(u128::from(limit) * u128::from(MOST_PERCENT) / 100).unwrap_or(u64::MAX);
    need.max(share.min(most)).min(left)
}

impl<N> Default for LeaseBook<N> {
    fn default() -> Self {
        Self { accounts: HashMap::new() }
    }
}

impl<N> Shares<N> {
    fn granted(&self) -> u64 {
        self.grants.values().fold(0, |sum, grant| sum.saturating_add(*grant))
    }
}

impl<N: Copy + Ord> LeaseBook<N> {
    /// Grants what a node needs of several accounts, of all or of none. A limit may have changed since
    /// it was last heard of; the newest counts.
    ///
    /// # Errors
    /// When an account has not enough left.
    pub fn lease(&mut self, node: N, live_nodes: u32, asks: &[Ask]) -> Result<Vec<Grant>, NotEnough> {
        let limits: Vec<u64> = asks.iter().map(|ask| self.limit(ask)).collect();
        for (ask, limit) in asks.iter().zip(&limits) {
            let shares = self.accounts.entry(ask.key.clone());
            let shares = shares.or_insert_with(|| Shares { limit: *limit, grants: BTreeMap::new() });
            shares.limit = *limit;
            let left = limit.saturating_sub(shares.granted());
            let own = shares.grants.get(&node).copied().unwrap_or(0);
            if ask.need > own && ask.need - own > left {
                return Err(NotEnough { key: ask.key.clone(), left });
            }
        }
        Ok(asks.iter().map(|ask| self.grant(node, live_nodes, ask)).collect())
    }

    /// Notes that a node used more than it was granted: its grant becomes what it used, even beyond the
    /// limit, because that is the truth.
    pub fn report(&mut self, node: N, key: &AccountKey, limit: u64, used: u64) {
        let shares = self.accounts.entry(key.clone());
        let shares = shares.or_insert_with(|| Shares { limit, grants: BTreeMap::new() });
        let own = shares.grants.entry(node).or_default();
        *own = used.max(*own);
    }

    /// Lowers a node's grant to what it needs. Only the node itself may say so.
    pub fn give_back(&mut self, node: N, key: &AccountKey, granted: u64) {
        if let Some(own) = self.accounts.get_mut(key).and_then(|shares| shares.grants.get_mut(&node)) {
            *own = granted.min(*own);
        }
    }

    /// Takes every grant of a dead node back to what is known to be used: an admin's decision. `used`
    /// gives what the node's shipped entries add up to.
    pub fn release(&mut self, node: N, used: impl Fn(&AccountKey) -> u64) {
        for (key, shares) in &mut self.accounts {
            if let Some(own) = shares.grants.get_mut(&node) {
                *own = used(key).min(*own);
            }
        }
    }

    /// A node's grant.
    pub fn granted(&self, node: N, key: &AccountKey) -> u64 {
        self.accounts.get(key).and_then(|shares| shares.grants.get(&node)).copied().unwrap_or(0)
    }

    /// Each account with its limit and the sum of its grants.
    pub fn sums(&self) -> impl Iterator<Item = (&AccountKey, u64, u64)> {
        self.accounts.iter().map(|(key, shares)| (key, shares.limit, shares.granted()))
    }

    fn limit(&self, ask: &Ask) -> u64 {
        let rest = |key: &AccountKey| {
            // Nobody asked for anything in that window: all of it was left over.
            let used = self.accounts.get(key).map_or(0, Shares::granted);
            ask.limit.saturating_sub(used)
        };
        ask.limit.saturating_add(ask.carries_from.as_ref().map_or(0, rest))
    }

    fn grant(&mut self, node: N, live_nodes: u32, ask: &Ask) -> Grant {
        let shares = self.accounts.get_mut(&ask.key).expect("every account that is asked for was made before");
        let granted = shares.granted();
        let own = shares.grants.entry(node).or_default();
        if ask.need > *own {
            *own += wish(shares.limit, granted, live_nodes, ask.need - *own);
        }
        let granted = *own;
        Grant { key: ask.key.clone(), granted, left: shares.limit.saturating_sub(shares.granted()) }
    }
}
