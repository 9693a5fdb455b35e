//! `DELETE /models/{id}`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::ModelId;
use megarouter_store::settings::Change;

use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Id;

/// Removes a public model; its usage stays on the ledger.
#[utoipa::path(delete, path = "/models/{id}", operation_id = "delete_model", tag = "models",
    params(("id" = String, Path, description = "The model's id")),
    responses((status = 204, description = "Removed")))]
pub async fn delete_model(State(context): State<Arc<Context>>, Id(id): Id<ModelId>) -> Result<StatusCode, ApiError> {
    context.change(vec![Change::RemoveModel(id)], Reread::Nothing, &[Tag::Models, Tag::Providers]).await?;
    Ok(StatusCode::NO_CONTENT)
}
