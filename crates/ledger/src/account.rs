//! Accounts: what a budget has for one subject in one window. Data for other crates to look at.

use std::ops::Range;
use std::sync::Arc;

use megarouter_domain::budget::{Action, Basis, Measure};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{BudgetId, KeyId, UnitId};
use megarouter_domain::money::NanoUsd;
use serde::{Deserialize, Serialize};

/// What has an account of its own under a budget with `each`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Subject {
    /// A team, a member or an app.
    Unit(UnitId),
    /// A key.
    Key(KeyId),
    /// A session, as the client named it.
    Session(Arc<str>),
}

/// Which account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountKey {
    /// The budget.
    pub budget: BudgetId,
    /// Whose part of it; `None` when all share it.
    pub subject: Option<Subject>,
    /// When its window begins; [`Timestamp::default`] for rolling windows, which move, and for
    /// requests under way, which have none.
    pub window: Timestamp,
}

/// An account as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Which one.
    pub key: AccountKey,
    /// What it counts.
    pub measure: Measure,
    /// The limit with raises and what was carried over, in the unit of the measure.
    pub limit: u64,
    /// Where requests are refused: the limit at the percentage of the step that stops, and of a
    /// node's share in it. `None` for a soft budget.
    pub stop: Option<u64>,
    /// What was used. Of a shared budget, by this node.
    pub posted: u64,
    /// What is set aside.
    pub held: u64,
    /// How much of it this node may use; `None` when the account is not shared between nodes.
    pub granted: Option<u64>,
    /// How much it could use if it asked for all that the hub has left; `None` when not shared.
    pub reachable: Option<u64>,
    /// Its window; empty for requests under way.
    pub window: Range<Timestamp>,
}

impl Account {
    /// What can still be used and set aside here, as far as is known; for a soft budget, of its limit.
    pub fn left(&self) -> u64 {
        let left = self.left_here();
        let used = self.posted.saturating_add(self.held);
        self.reachable.map_or(left, |reachable| left.min(reachable.saturating_sub(used)))
    }

    /// The same if no other node had used any of it.
    pub(crate) fn left_here(&self) -> u64 {
        self.stop.unwrap_or(self.limit).saturating_sub(self.posted.saturating_add(self.held))
    }
}

/// What the hard budgets that apply to a request leave to a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The least that a budget in money has left; [`NanoUsd::MAX`] when there is none.
    pub left: NanoUsd,
    /// The least that a budget in tokens has left; [`u64::MAX`] when there is none.
    pub tokens_left: u64,
    /// Whether one of these budgets is strict: holds must count what no call can exceed.
    pub is_strict: bool,
}

/// A step of a budget's ladder that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossed {
    /// The account.
    pub key: AccountKey,
    /// The step: at this part of the limit.
    pub at_percent: u16,
    /// Of what was used, or of what is going to be used.
    pub basis: Basis,
    /// What happens there.
    pub action: Action,
    /// The limit with raises and what was carried over.
    pub limit: u64,
    /// What was used.
    pub used: u64,
    /// What the window is going to use at this rate; what was used where nothing can be foretold.
    pub forecast: u64,
    /// The window.
    pub window: Range<Timestamp>,
}

/// What the hub lets this node use of an account, and how much of it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantView {
    /// The account.
    pub key: AccountKey,
    /// The account's limit, without what is carried over.
    pub limit: u64,
    /// How much the node may use in the account's window, in all.
    pub granted: u64,
    /// What it has used and set aside.
    pub used: u64,
    /// When it last used it.
    pub used_at: Timestamp,
    /// The window.
    pub window: Range<Timestamp>,
}

/// Whether other nodes spend from the same budgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// This program is the only one.
    #[default]
    Alone,
    /// The hub gives each node its part.
    Leased {
        /// Nodes that are alive, this one included.
        live_nodes: u32,
    },
}
