//! `POST /providers`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CredentialChoice, Provider};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;

/// A provider to add, or to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProvider {
    /// The name it is pinned by, as in `NAME/model`: lower case, no slash.
    pub name: String,
    /// The id of its kind.
    pub kind: String,
    /// Where its API is; left out, the kind's usual address.
    pub base_url: Option<String>,
    /// Its credential.
    pub credential: CredentialChoice,
    /// Whether requests may be sent to it; left out, they may.
    pub is_enabled: Option<bool>,
}

/// Adds a provider.
#[utoipa::path(post, path = "/providers", operation_id = "create_provider", tag = "providers", request_body = NewProvider,
    responses((status = 201, description = "The new provider", body = Provider)))]
pub async fn create_provider(
    State(_context): State<Arc<Context>>,
    Body(_request): Body<NewProvider>,
) -> Result<(StatusCode, Json<Provider>), ApiError> {
    unimplemented!()
}
