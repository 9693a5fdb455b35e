//! `PATCH /providers/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ProviderId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CredentialChoice, Provider};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Id};

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeProvider {
    /// The name it is pinned by.
    pub name: Option<String>,
    /// Where its API is.
    pub base_url: Option<String>,
    /// Its credential.
    pub credential: Option<CredentialChoice>,
    /// Whether requests may be sent to it.
    pub is_enabled: Option<bool>,
}

/// Changes a provider.
#[utoipa::path(patch, path = "/providers/{id}", operation_id = "change_provider", tag = "providers",
    params(("id" = String, Path, description = "The provider's id")), request_body = ChangeProvider,
    responses((status = 200, description = "The provider", body = Provider)))]
pub async fn change_provider(
    State(_context): State<Arc<Context>>,
    Id(_id): Id<ProviderId>,
    Body(_request): Body<ChangeProvider>,
) -> Result<Json<Provider>, ApiError> {
    unimplemented!()
}
