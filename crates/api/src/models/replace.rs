//! `PUT /models/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ModelId;

use super::{Model, NewModel};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Id};

/// Replaces a public model. A changed price makes a new version; history keeps the old one.
#[utoipa::path(put, path = "/models/{id}", operation_id = "replace_model", tag = "models",
    params(("id" = String, Path, description = "The model's id")), request_body = NewModel,
    responses((status = 200, description = "The model", body = Model)))]
pub async fn replace_model(
    State(_context): State<Arc<Context>>,
    Id(_id): Id<ModelId>,
    Body(_request): Body<NewModel>,
) -> Result<Json<Model>, ApiError> {
    unimplemented!()
}
