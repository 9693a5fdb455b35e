//! `POST /models`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;

use super::{Model, NewModel};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;

/// Adds a public model.
#[utoipa::path(post, path = "/models", operation_id = "create_model", tag = "models", request_body = NewModel,
    responses((status = 201, description = "The new model", body = Model)))]
pub async fn create_model(
    State(_context): State<Arc<Context>>,
    Body(_request): Body<NewModel>,
) -> Result<(StatusCode, Json<Model>), ApiError> {
    unimplemented!()
}
