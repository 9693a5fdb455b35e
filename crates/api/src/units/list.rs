//! `GET /units`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{OrganizationTree, view};
use crate::context::Context;
use crate::error::ApiError;

/// Gives the organisation and everything in it.
#[utoipa::path(get, path = "/units", operation_id = "list_units", tag = "organization",
    responses((status = 200, description = "The organisation", body = OrganizationTree)))]
pub async fn list_units(State(context): State<Arc<Context>>) -> Result<Json<OrganizationTree>, ApiError> {
    let everything = context.everything().await?;
    view::tree(&context, &everything).await.map(Json)
}
