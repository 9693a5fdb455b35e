//! `POST /replays/{id}/items/{number}/vote`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::ReplayId;

use super::{ReplayItem, ReplayVote, view};
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::events::Tag;
use crate::extract::{Body, Ids};

/// Says which answer to a prompt is the best; the last vote counts.
#[utoipa::path(post, path = "/replays/{id}/items/{number}/vote", operation_id = "vote_in_replay", tag = "replays",
    params(("id" = String, Path, description = "The run's id"),
        ("number" = u32, Path, description = "The prompt's number")),
    request_body = ReplayVote, responses((status = 200, description = "The prompt", body = ReplayItem)))]
pub async fn vote_in_replay(
    State(context): State<Arc<Context>>,
    Ids(id, number): Ids<ReplayId, u32>,
    Body(request): Body<ReplayVote>,
) -> Result<Json<ReplayItem>, ApiError> {
    let (_, items) = view::find(&context, id).await?;
    let item = items.iter().find(|item| item.number == number).ok_or_else(|| missing(number))?;
    let better = match usize::try_from(request.answer).unwrap_or(usize::MAX).checked_sub(1) {
        None => None,
        Some(at) => Some(item.answers.get(at).ok_or_else(|| no_answer(request.answer))?.position),
    };
    let voted = context.settings.vote_replay(id, number, better).await.map_err(|error| settings_unavailable(&error))?;
    if !voted {
        return Err(missing(number));
    }
    context.changed(&[Tag::Replays]);
    let (_, items) = view::find(&context, id).await?;
    items.iter().find(|item| item.number == number).map(|item| Json(item.into())).ok_or_else(|| missing(number))
}

fn missing(number: u32) -> ApiError {
    let message = format!("The run has no prompt {number}. Nothing was kept. Choose one of its prompts.");
    ApiError::new(StatusCode::NOT_FOUND, "replay.item_not_found", message)
}

fn no_answer(answer: u32) -> ApiError {
    let message = format!("The prompt has no answer {answer}. Nothing was kept. Count from 1; 0 for equally good.");
    ApiError::invalid("replay.invalid", message).about("answer")
}
