//! `GET /replays`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Replay;
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};

/// Lists runs of the replay lab, newest first.
#[utoipa::path(get, path = "/replays", operation_id = "list_replays", tag = "replays",
    responses((status = 200, description = "The latest runs", body = Vec<Replay>)))]
pub async fn list_replays(State(context): State<Arc<Context>>) -> Result<Json<Vec<Replay>>, ApiError> {
    let replays = context.settings.replays().await.map_err(|error| settings_unavailable(&error))?;
    let mut listed = Vec::with_capacity(replays.len());
    for replay in replays {
        let found = context.settings.replay(replay.id).await.map_err(|error| settings_unavailable(&error))?;
        listed.extend(found.map(|(replay, items)| Replay::of(&replay, &items)));
    }
    Ok(Json(listed))
}
