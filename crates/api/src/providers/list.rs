//! `GET /providers`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{Provider, view};
use crate::context::Context;
use crate::error::ApiError;

/// Lists the configured providers.
#[utoipa::path(get, path = "/providers", operation_id = "list_providers", tag = "providers",
    responses((status = 200, description = "All providers", body = Vec<Provider>)))]
pub async fn list_providers(State(context): State<Arc<Context>>) -> Result<Json<Vec<Provider>>, ApiError> {
    let everything = context.everything().await?;
    view::all(&context, &everything).await.map(Json)
}
