//! `POST /proxy/resume`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::context::Context;
use crate::error::ApiError;
use crate::status::{self, Status};

/// Takes requests again.
#[utoipa::path(post, path = "/proxy/resume", operation_id = "resume_proxy", tag = "system",
    responses((status = 200, description = "The new state", body = Status)))]
pub async fn resume_proxy(State(context): State<Arc<Context>>) -> Result<Json<Status>, ApiError> {
    context.gateway.resume();
    context.status_changed();
    status::read(&context).await.map(Json)
}
