//! `GET /requests/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::RequestId;

use super::RequestDetail;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;

/// Gives one request with its attempts.
#[utoipa::path(get, path = "/requests/{id}", operation_id = "show_request", tag = "requests",
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, description = "The request", body = RequestDetail)))]
pub async fn show_request(
    State(_context): State<Arc<Context>>,
    Id(_id): Id<RequestId>,
) -> Result<Json<RequestDetail>, ApiError> {
    unimplemented!()
}
