//! `DELETE /providers/{id}`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::ProviderId;
use megarouter_store::settings::Change;
use serde::Deserialize;

use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Id, Query};

/// How to remove a provider.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
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
    State(context): State<Arc<Context>>,
    Id(id): Id<ProviderId>,
    Query(options): Query<DeleteProvider>,
) -> Result<StatusCode, ApiError> {
    let everything = context.everything().await?;
    let pool =
        everything.providers.into_iter().find(|provider| provider.id == id).map(|it| it.pool).unwrap_or_default();
    let change = Change::RemoveProvider { id, with_models: options.with_models };
    context.change(vec![change], Reread::Nothing, &[Tag::Providers, Tag::Models]).await?;
    super::forget_secret(&context, id).await;
    for pooled in pool {
        super::forget_secret(&context, pooled.id).await;
    }
    Ok(StatusCode::NO_CONTENT)
}
