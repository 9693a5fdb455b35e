//! `POST /proxy/pause`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::status::Status;

/// How long to pause.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseProxy {
    /// For how many minutes; `null` until somebody resumes.
    #[schema(minimum = 1)]
    pub minutes: Option<u64>,
}

/// Stops taking new requests; requests that are running finish.
#[utoipa::path(post, path = "/proxy/pause", operation_id = "pause_proxy", tag = "system", request_body = PauseProxy,
    responses((status = 200, description = "The new state", body = Status)))]
pub async fn pause_proxy(
    State(_context): State<Arc<Context>>,
    Body(_request): Body<PauseProxy>,
) -> Result<Json<Status>, ApiError> {
    unimplemented!()
}
