//! `GET /keys`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Key;
use crate::context::Context;
use crate::error::ApiError;

/// Lists the virtual keys, revoked ones included.
#[utoipa::path(get, path = "/keys", operation_id = "list_keys", tag = "keys",
    responses((status = 200, description = "All keys", body = Vec<Key>)))]
pub async fn list_keys(State(context): State<Arc<Context>>) -> Result<Json<Vec<Key>>, ApiError> {
    let everything = context.everything().await?;
    super::all(&context, &everything).await.map(Json)
}
