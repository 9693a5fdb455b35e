//! `POST /replays/{id}/stop`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ReplayId;
use megarouter_store::settings::replays::ReplayState;

use super::{Replay, view};
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::events::Tag;
use crate::extract::Id;

/// Stops a run: no further prompt is sent, and what is answered stays.
#[utoipa::path(post, path = "/replays/{id}/stop", operation_id = "stop_replay", tag = "replays",
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = Replay)))]
pub async fn stop_replay(State(context): State<Arc<Context>>, Id(id): Id<ReplayId>) -> Result<Json<Replay>, ApiError> {
    view::find(&context, id).await?;
    let ended = context.settings.end_replay(id, ReplayState::Stopped, None, context.now()).await;
    ended.map_err(|error| settings_unavailable(&error))?;
    context.replays_changed.notify_one();
    context.changed(&[Tag::Replays]);
    let (replay, items) = view::find(&context, id).await?;
    Ok(Json(Replay::of(&replay, &items)))
}
