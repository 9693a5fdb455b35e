//! `GET /settings`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Settings;
use crate::context::Context;
use crate::error::ApiError;

/// Gives the settings.
#[utoipa::path(get, path = "/settings", operation_id = "show_settings", tag = "settings",
    responses((status = 200, description = "The settings", body = Settings)))]
pub async fn show_settings(State(context): State<Arc<Context>>) -> Result<Json<Settings>, ApiError> {
    super::read(&context).await.map(Json)
}
