//! `POST /session`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, SecretText};

/// The token of a one-time link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSession {
    /// The text after `#signin=`.
    pub token: SecretText,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedSession {
    /// What later calls send as `Authorization: Bearer`.
    pub session_token: String,
}

/// Exchanges the token of a one-time link for a session.
#[utoipa::path(post, path = "/session", operation_id = "open_session", tag = "system", request_body = OpenSession,
    responses((status = 200, description = "The session", body = OpenedSession)))]
pub async fn open_session(
    State(_context): State<Arc<Context>>,
    Body(_request): Body<OpenSession>,
) -> Result<Json<OpenedSession>, ApiError> {
    unimplemented!()
}
