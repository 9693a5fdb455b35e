//! `GET /router/learnt/export`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{FORMAT, LearntExport};
use crate::context::Context;
use crate::error::ApiError;

/// Gives what the router learnt, to keep or to take to another installation. It holds no text of anybody.
#[utoipa::path(get, path = "/router/learnt/export", operation_id = "export_learnt", tag = "feedback",
    responses((status = 200, description = "What was learnt", body = LearntExport)))]
pub async fn export_learnt(State(context): State<Arc<Context>>) -> Result<Json<LearntExport>, ApiError> {
    let learnt = context.gateway.learnt();
    let content = STANDARD.encode(learnt.to_bytes());
    Ok(Json(LearntExport { format: FORMAT.to_owned(), content, outcomes: learnt.outcomes() }))
}
