//! `GET /requests/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
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
    State(context): State<Arc<Context>>,
    Id(id): Id<RequestId>,
) -> Result<Json<RequestDetail>, ApiError> {
    let detail = context.ledger.request(id).await?.ok_or_else(|| not_found(id))?;
    Ok(Json(RequestDetail::of(&detail, &context.gateway.snapshot())))
}

fn not_found(id: RequestId) -> ApiError {
    let message = format!(
        "There is no finished request {id} on the ledger. It may be running, or its last entry on its way to the disk. \
         Try again in a moment."
    );
    ApiError::new(StatusCode::NOT_FOUND, "request.not_found", message)
}
