//! `GET /status`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Status;
use crate::context::Context;
use crate::error::ApiError;

/// Says how the program is doing.
#[utoipa::path(get, path = "/status", operation_id = "show_status", tag = "system",
    responses((status = 200, description = "The state", body = Status)))]
pub async fn show_status(State(context): State<Arc<Context>>) -> Result<Json<Status>, ApiError> {
    super::read(&context).await.map(Json)
}
