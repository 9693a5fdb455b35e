//! The nodes that share a hub.

pub mod list;
pub mod release;

use megarouter_domain::id::LedgerId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::shape::Time;

/// The nodes of this installation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NodeList {
    /// Whether nodes share a database; alone, there is only this one and the list is empty.
    pub is_cluster: bool,
    /// The node that answers; `null` alone.
    pub this: Option<ThisNode>,
    /// The nodes, in the order they came; none while the hub does not answer, which `this.failure` tells.
    pub nodes: Vec<Node>,
}

/// The node that answers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ThisNode {
    /// Its number; `null` until the hub gave it one.
    pub id: Option<u64>,
    /// Its name.
    pub name: String,
    /// How many nodes live, by the hub's last word.
    pub live_nodes: u64,
    /// When the hub last answered.
    pub hub_seen_at: Option<Time>,
    /// True while shared budgets are refused because the hub has not answered for too long.
    pub is_fenced: bool,
    /// Entries on this node's disk that the hub does not have.
    pub lag: u64,
    /// Why the hub cannot be reached.
    pub failure: Option<String>,
}

/// One node.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Node {
    /// Its number.
    pub id: u64,
    /// The id of its ledger.
    #[schema(value_type = String, format = "uuid")]
    pub ledger_id: LedgerId,
    /// Its name.
    pub name: String,
    /// Its program's version.
    pub version: String,
    /// How it is.
    pub state: NodeState,
    /// When it was last heard of.
    pub seen_at: Time,
    /// Shares of budgets that it holds.
    pub grants: u64,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It was heard of within the last minute.
    Live,
    /// It was not; its shares of budgets stay charged until it comes back or is released.
    Away,
    /// It was not, and its shares were given back to the others.
    Released,
}
