//! `GET /policies`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{Policy, view};
use crate::context::Context;
use crate::error::ApiError;

/// Lists policies in the order in which they take over requests; archived ones last.
#[utoipa::path(get, path = "/policies", operation_id = "list_policies", tag = "policies",
    responses((status = 200, description = "All policies", body = Vec<Policy>)))]
pub async fn list_policies(State(context): State<Arc<Context>>) -> Result<Json<Vec<Policy>>, ApiError> {
    Ok(Json(view::all(&context.everything().await?)))
}
