//! `GET /nodes`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_store::hub::{HubError, NodeView};

use super::{Node, NodeList, NodeState, ThisNode};
use crate::context::Context;
use crate::error::ApiError;
use crate::shape::Time;
use crate::upkeep::NodeUpkeep;

/// Lists the nodes that share a hub.
#[utoipa::path(get, path = "/nodes", operation_id = "list_nodes", tag = "system",
    responses((status = 200, description = "The nodes", body = NodeList)))]
pub async fn list_nodes(State(context): State<Arc<Context>>) -> Result<Json<NodeList>, ApiError> {
    let this = context.upkeep.borrow().node.clone();
    let nodes = match &context.hub {
        Some(hub) => match hub.nodes().await {
            Ok(nodes) => nodes.into_iter().map(Node::from).collect(),
            // What this node knows of itself is wanted most while the hub is away.
            Err(HubError::Store(_)) => vec![],
            Err(error) => return Err(error.into()),
        },
        None => vec![],
    };
    Ok(Json(NodeList { is_cluster: context.hub.is_some(), this: this.map(ThisNode::from), nodes }))
}

impl From<NodeUpkeep> for ThisNode {
    fn from(node: NodeUpkeep) -> Self {
        Self {
            id: node.number.and_then(|number| u64::try_from(number).ok()),
            name: node.name,
            live_nodes: node.live_nodes.into(),
            hub_seen_at: node.last_contact.map(Time),
            is_fenced: node.is_fenced,
            lag: node.lag,
            failure: node.failure,
        }
    }
}

impl From<NodeView> for Node {
    fn from(node: NodeView) -> Self {
        let state = match (node.is_alive, node.is_released) {
            (true, _) => NodeState::Live,
            (false, false) => NodeState::Away,
            (false, true) => NodeState::Released,
        };
        Self {
            id: u64::try_from(node.number.0).unwrap_or(0),
            ledger_id: node.ledger,
            name: node.name,
            version: node.version,
            state,
            seen_at: Time(node.beat_at),
            grants: node.accounts,
        }
    }
}
