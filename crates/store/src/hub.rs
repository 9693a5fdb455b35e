//! What the nodes of a hub share in its PostgreSQL: who is alive, and how much each may use of a
//! budget.
//!
//! The rules are those of [`megarouter_ledger::lease`]: for each account, the sum of the nodes' grants
//! stays within the limit, except for what a node reports that it has used already. A node asks once
//! for many requests, and settling asks nothing. Every call has a bound of time. After one whose
//! outcome is not known a node registers again: nothing of an older session is done from then on.
//! Start at [`Hub`].

mod accounts;
mod lease;
mod nodes;
mod seeds;

use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::LedgerId;
use megarouter_ledger::account::{AccountKey, GrantView};
pub use megarouter_ledger::lease::Grant;
use megarouter_ledger::lease::NotEnough;
use megarouter_ledger::refusal::LeaseNeed;
use thiserror::Error;

use crate::backend::Schema;
pub use crate::backend::postgres::HubPool;
use crate::error::Error;

pub(crate) const SCHEMA: Schema = Schema {
    name: "hub",
    application_id: 0,
    sqlite: &[],
    postgres: &[include_str!("../migrations/postgres/hub/0001_hub.sql")],
};

/// How long a node counts as alive after its last beat, by the database's clock.
pub const ALIVE: Duration = Duration::from_secs(60);

/// The most time for a lease: somebody's request waits for it.
const LEASE_TIME: Duration = Duration::from_millis(250);

/// The most time for any other call.
const CALL_TIME: Duration = Duration::from_secs(5);

/// The number of a node in the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeNumber(pub i64);

/// A node as it registered: what it acts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number, the same in every run.
    pub number: NodeNumber,
    /// Which of its runs this is. When there is a later one, this one may do nothing any more.
    pub session: i64,
}

/// The answer to a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Nodes that are alive, this one included.
    pub live_nodes: u32,
    /// The database's clock.
    pub database_time: Timestamp,
    /// Whether an admin gave this node's grants to the others. It must use none of them before it has
    /// called [`Hub::rejoin`].
    pub is_released: bool,
}

/// What a node asks for of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Of which account.
    pub key: AccountKey,
    /// When its window ends.
    pub ends_at: Timestamp,
    /// Its limit, as the node knows it, without what is carried over.
    pub limit: u64,
    /// The account whose rest is added to the limit, at most once more of it.
    pub carries_from: Option<AccountKey>,
    /// What the node's grant must reach.
    pub need: u64,
}

/// What a node used of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Of which account.
    pub key: AccountKey,
    /// When its window ends.
    pub ends_at: Timestamp,
    /// Its limit, as the node knows it.
    pub limit: u64,
    /// What is used and set aside, in all.
    pub used: u64,
}

/// A node, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Its number.
    pub number: NodeNumber,
    /// Its journal.
    pub ledger: LedgerId,
    /// What it is called.
    pub name: String,
    /// The version of its program.
    pub version: String,
    /// When it first came.
    pub registered_at: Timestamp,
    /// When it was last heard of.
    pub beat_at: Timestamp,
    /// Whether that was less than [`ALIVE`] ago.
    pub is_alive: bool,
    /// Whether its grants were given to the others.
    pub is_released: bool,
    /// Accounts of which it has a grant.
    pub accounts: u64,
}

/// An account that nodes share, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedAccount {
    /// Which one.
    pub key: AccountKey,
    /// When its window ends.
    pub ends_at: Timestamp,
    /// Its limit when it was last asked for, with what was carried over.
    pub limit: u64,
    /// The sum of its grants.
    pub granted: u64,
    /// The grant of each node.
    pub by_node: Vec<(NodeNumber, u64)>,
}

/// Why the hub did not do something.
#[derive(Debug, Error)]
pub enum HubError {
    /// An account has not enough left. No grant was changed.
    #[error(transparent)]
    NotEnough(#[from] NotEnough),
    /// An admin gave this node's grants to the others, and it has not rejoined yet.
    #[error("this node was released; it has to tell what it used before it gets more")]
    Released,
    /// The hub has not heard of this node for too long.
    #[error("the hub has not heard of this node for too long; it needs a heartbeat first")]
    Expired,
    /// Another process runs with this node's journal, or a copy of it.
    #[error("another process registered as this node; only the one that came last may go on")]
    Superseded,
    /// A node that is alive is not released.
    #[error("the node is alive; stop it first, or wait a minute after it was last heard of")]
    Alive,
    /// There is no such node.
    #[error("there is no such node")]
    NoNode,
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] Error),
}

/// The hub, as its nodes see it. Calls of one node are to be made one after the other.
#[derive(Clone, Debug)]
pub struct Hub {
    pool: HubPool,
}

impl Hub {
    /// The hub behind these connections.
    pub const fn new(pool: HubPool) -> Self {
        Self { pool }
    }

    /// Its connections.
    pub const fn pool(&self) -> &HubPool {
        &self.pool
    }

    /// Makes a node known by its journal, or begins another session of it, which ends those before it.
    /// Its grants stay as they are.
    pub async fn register(&self, ledger: LedgerId, name: &str, version: &str) -> Result<Node, HubError> {
        within(CALL_TIME, async { nodes::register(&mut self.pool.work().await?, ledger, name, version).await }).await
    }

    /// Tells that a node is alive.
    ///
    /// # Errors
    /// [`HubError::Superseded`] when there is a later run of it.
    pub async fn beat(&self, node: Node) -> Result<Beat, HubError> {
        within(CALL_TIME, async { nodes::beat(&mut self.pool.work().await?, node).await }).await
    }

    /// Grants what a node needs of several accounts, of all or of none, in one statement. Gives up
    /// after 250 ms; a grant that was made all the same is found by the next lease.
    ///
    /// # Errors
    /// [`HubError::NotEnough`] when an account has not enough left.
    pub async fn lease(&self, node: Node, asks: &[Ask]) -> Result<Vec<Grant>, HubError> {
        within(LEASE_TIME, lease::lease(&self.pool, node, asks)).await
    }

    /// Notes that a node used more than it was granted: its grant becomes what it used, even beyond
    /// the limit, because that is the truth. Lowers nothing.
    pub async fn report(&self, node: Node, uses: &[Use]) -> Result<(), HubError> {
        within(CALL_TIME, accounts::report(&self.pool, node, uses)).await
    }

    /// Lowers a node's grants to what it needs, in all. To be called after the node itself lowered them.
    pub async fn give_back(&self, node: Node, parts: &[(AccountKey, u64)]) -> Result<(), HubError> {
        within(CALL_TIME, accounts::give_back(&self.pool, node, parts)).await
    }

    /// Begins anew, after a start, a silence or a release: the node's grants become what it used,
    /// whatever they were; those that it does not name, at most what its shipped entries add up to.
    pub async fn rejoin(&self, node: Node, uses: &[Use]) -> Result<(), HubError> {
        within(CALL_TIME, accounts::rejoin(&self.pool, node, uses)).await
    }

    /// Takes the grants of a dead node back to what its shipped entries add up to, and gives how many
    /// were lowered: an admin's decision, because what the node spent and did not ship is not known.
    ///
    /// # Errors
    /// [`HubError::Alive`] when it was heard of within the last [`ALIVE`].
    pub async fn force_release(&self, number: NodeNumber) -> Result<u64, HubError> {
        within(CALL_TIME, nodes::force_release(&self.pool, number)).await
    }

    /// Every node, in the order in which they came.
    pub async fn nodes(&self) -> Result<Vec<NodeView>, HubError> {
        within(CALL_TIME, async { nodes::load(&mut self.pool.questions().await?).await }).await
    }

    /// The accounts of windows that have not ended.
    pub async fn accounts(&self) -> Result<Vec<SharedAccount>, HubError> {
        within(CALL_TIME, async { accounts::load(&mut self.pool.questions().await?).await }).await
    }

    /// Removes at most `limit` accounts whose window, and the one after it, are over for a day; gives
    /// how many. To be called again until there are none.
    pub async fn retire_accounts(&self, limit: u32) -> Result<u64, HubError> {
        within(CALL_TIME, async { accounts::retire(&mut self.pool.work().await?, limit).await }).await
    }
}

impl From<&LeaseNeed> for Ask {
    fn from(need: &LeaseNeed) -> Self {
        Self {
            key: need.key.clone(),
            ends_at: need.window.end,
            limit: need.limit,
            carries_from: need.carries_from.clone(),
            need: need.need,
        }
    }
}

impl From<&GrantView> for Use {
    fn from(grant: &GrantView) -> Self {
        Self { key: grant.key.clone(), ends_at: grant.window.end, limit: grant.limit, used: grant.used }
    }
}

/// Ends a call that takes too long. What it began may be done all the same.
async fn within<T>(time: Duration, call: impl Future<Output = Result<T, HubError>>) -> Result<T, HubError> {
    let late = |_| Error::Away(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    tokio::time::timeout(time, call).await.map_err(late)?
}
