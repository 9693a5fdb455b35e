//! `POST /router/learnt/reset`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_routing::learnt::Learnt;

use super::{LearntState, replace, show};
use crate::context::Context;
use crate::error::ApiError;

/// Forgets what the router learnt: it decides by what is publicly known again. What was said of answers stays on
/// the list.
#[utoipa::path(post, path = "/router/learnt/reset", operation_id = "reset_learnt", tag = "feedback",
    responses((status = 200, description = "What is left", body = LearntState)))]
pub async fn reset_learnt(State(context): State<Arc<Context>>) -> Result<Json<LearntState>, ApiError> {
    replace(&context, None, Learnt::default(), "what was learnt by nothing").await?;
    show::state(&context).await.map(Json)
}
