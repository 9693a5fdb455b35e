//! `GET /replays/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ReplayId;

use super::{ReplayDetail, view};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;

/// Gives a run with its prompts and answers.
#[utoipa::path(get, path = "/replays/{id}", operation_id = "show_replay", tag = "replays",
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = ReplayDetail)))]
pub async fn show_replay(
    State(context): State<Arc<Context>>,
    Id(id): Id<ReplayId>,
) -> Result<Json<ReplayDetail>, ApiError> {
    let (replay, items) = view::find(&context, id).await?;
    Ok(Json(ReplayDetail::of(&replay, &items)))
}
