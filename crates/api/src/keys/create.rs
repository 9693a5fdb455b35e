//! `POST /keys`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Key;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::shape::Time;

/// A key to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// A name people recognise; unique among keys that are not revoked.
    pub name: String,
    /// The models it may use; `null` for all.
    pub models: Option<Vec<String>>,
    /// From when on it is refused.
    pub expires_at: Option<Time>,
}

/// A new key with its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedKey {
    /// The key.
    pub key: Key,
    /// Its text; this is the only time it is sent.
    pub secret: String,
}

/// Makes a virtual key.
#[utoipa::path(post, path = "/keys", operation_id = "create_key", tag = "keys", request_body = NewKey,
    responses((status = 201, description = "The new key", body = CreatedKey)))]
pub async fn create_key(
    State(_context): State<Arc<Context>>,
    Body(_request): Body<NewKey>,
) -> Result<(StatusCode, Json<CreatedKey>), ApiError> {
    unimplemented!()
}
