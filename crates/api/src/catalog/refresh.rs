//! `POST /catalog/refresh`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;

use super::{CatalogStatus, status};
use crate::context::Context;
use crate::error::ApiError;

/// Fetches the catalogue anew, whatever the setting says.
#[utoipa::path(post, path = "/catalog/refresh", operation_id = "refresh_catalog", tag = "catalog",
    responses((status = 200, description = "The catalogue's state", body = CatalogStatus)))]
pub async fn refresh_catalog(State(context): State<Arc<Context>>) -> Result<Json<CatalogStatus>, ApiError> {
    // Not given up half-way when the caller leaves.
    let work = Arc::clone(&context);
    let refreshed = tokio::spawn(async move { super::refresh(&work).await }).await;
    if !matches!(refreshed, Ok(Ok(()))) {
        let why = context.shelf.history().last_error.unwrap_or_else(|| "it was broken off".to_owned());
        let message = format!(
            "The catalogue was not refreshed: {why}. The last good one stays in use. Look at the connection and try again \
             later."
        );
        return Err(ApiError::new(StatusCode::BAD_GATEWAY, "catalog.refresh_failed", message));
    }
    status::of(&context).await.map(Json)
}
