//! `DELETE /providers/{id}`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::ProviderId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Id, Query};

/// How to remove a provider.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeleteProvider {
    /// Also remove the models that only this provider serves.
    #[serde(default)]
    #[param(required = false)]
    pub with_models: bool,
}

/// Removes a provider, its deployments and its stored credential.
#[utoipa::path(delete, path = "/providers/{id}", operation_id = "delete_provider", tag = "providers",
    params(("id" = String, Path, description = "The provider's id"), DeleteProvider),
    responses((status = 204, description = "Removed")))]
pub async fn delete_provider(
    State(_context): State<Arc<Context>>,
    Id(_id): Id<ProviderId>,
    Query(_options): Query<DeleteProvider>,
) -> Result<StatusCode, ApiError> {
    unimplemented!()
}
