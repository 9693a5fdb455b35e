//! `GET /models`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Model;
use crate::context::Context;
use crate::error::ApiError;

/// Lists the public models.
#[utoipa::path(get, path = "/models", operation_id = "list_models", tag = "models",
    responses((status = 200, description = "All models", body = Vec<Model>)))]
pub async fn list_models(State(context): State<Arc<Context>>) -> Result<Json<Vec<Model>>, ApiError> {
    let everything = context.everything().await?;
    Ok(Json(everything.models.iter().map(|model| Model::of(model, &everything)).collect()))
}
