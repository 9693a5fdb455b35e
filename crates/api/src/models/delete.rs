//! `DELETE /models/{id}`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::ModelId;

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;

/// Removes a public model; its usage stays on the ledger.
#[utoipa::path(delete, path = "/models/{id}", operation_id = "delete_model", tag = "models",
    params(("id" = String, Path, description = "The model's id")),
    responses((status = 204, description = "Removed")))]
pub async fn delete_model(State(_context): State<Arc<Context>>, Id(_id): Id<ModelId>) -> Result<StatusCode, ApiError> {
    unimplemented!()
}
