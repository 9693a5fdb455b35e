//! `GET /policies/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::PolicyId;

use super::{Policy, view};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;

/// Gives one policy.
#[utoipa::path(get, path = "/policies/{id}", operation_id = "show_policy", tag = "policies",
    params(("id" = String, Path, description = "The policy's id")),
    responses((status = 200, description = "The policy", body = Policy)))]
pub async fn show_policy(State(context): State<Arc<Context>>, Id(id): Id<PolicyId>) -> Result<Json<Policy>, ApiError> {
    view::one(&context.everything().await?, id).map(Json)
}
