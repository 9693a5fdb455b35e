//! `POST /nodes/{id}/release`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_store::hub::{HubError, NodeNumber};

use super::Node;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Id;

/// Gives the shares of budgets of a node that is away back to the others. What it spent on its own disk and never
/// told counts when it comes back.
#[utoipa::path(post, path = "/nodes/{id}/release", operation_id = "release_node", tag = "system",
    params(("id" = u64, Path, description = "The node's number")),
    responses((status = 200, description = "The node", body = Node)))]
pub async fn release_node(State(context): State<Arc<Context>>, Id(id): Id<u64>) -> Result<Json<Node>, ApiError> {
    let hub = context.hub.as_ref().ok_or_else(alone)?;
    let number = NodeNumber(i64::try_from(id).unwrap_or(i64::MAX));
    let before = hub.nodes().await?.into_iter().find(|node| node.number == number).ok_or_else(no_node)?;
    context.note_release(id, &before.name).await?;
    hub.force_release(number).await?;
    let node = hub.nodes().await?.into_iter().find(|node| node.number == number).ok_or_else(no_node)?;
    context.events.changed(&[Tag::Nodes, Tag::Budgets]);
    Ok(Json(Node::from(node)))
}

fn alone() -> ApiError {
    let message = "This node shares its budgets with no other. Nothing was changed, and nothing needs to be released.";
    ApiError::new(StatusCode::CONFLICT, "node.alone", message)
}

fn no_node() -> ApiError {
    let message = "There is no node with this number. Nothing was changed. Take it from the list of nodes.";
    ApiError::new(StatusCode::NOT_FOUND, "node.not_found", message)
}

impl From<HubError> for ApiError {
    fn from(error: HubError) -> Self {
        match error {
            HubError::NoNode => no_node(),
            HubError::Alive => {
                let message = "The node is alive and spends from its shares. Nothing was changed. Stop it first, or wait \
                               a minute after it was last heard of.";
                Self::new(StatusCode::CONFLICT, "node.alive", message)
            }
            error => {
                tracing::error!(error = &error as &dyn std::error::Error, "the hub did not answer");
                let message = "The hub's database did not answer. Nothing was changed. Try again, and look at the database \
                               if it stays so.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "hub.unavailable", message)
            }
        }
    }
}
