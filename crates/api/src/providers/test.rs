//! `POST /providers/{id}/test`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::{Credential, Target};
use megarouter_providers::probe;
use megarouter_store::settings::Noun;
use serde::Deserialize;

use super::{Diagnosis, discover};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Id, Query};

/// What else to try.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// A model, by the provider's own name, to ask for a few words too; that is billed.
    pub model: Option<String>,
}

/// Calls a provider and says what is wrong, if anything is.
#[utoipa::path(post, path = "/providers/{id}/test", operation_id = "test_provider", tag = "providers",
    params(("id" = String, Path, description = "The provider's id"), Wanted),
    responses((status = 200, description = "What the call found", body = Diagnosis)))]
pub async fn test_provider(
    State(context): State<Arc<Context>>,
    Id(id): Id<ProviderId>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Diagnosis>, ApiError> {
    let everything = context.everything().await?;
    let provider = everything.providers.into_iter().find(|provider| provider.id == id);
    let provider = provider.ok_or_else(|| ApiError::not_found(Noun::Provider, id))?;
    // Read again: a person tests after having set the variable or unlocked the keychain.
    let credential = context.credentials().of(&provider).await;
    if matches!(credential, Credential::Ready(_)) && is_missed(&context, id) {
        context.reload().await?;
    }
    let target = Target { provider, credential, pool: vec![] };
    let found = probe::test(context.gateway.client(), &target, wanted.model.as_deref(), context.now()).await;
    if found.is_ok() && wanted.model.is_none() {
        discover::keep(&context, id, &found.models).await?;
    }
    Ok(Json(found.into()))
}

/// True when requests are refused because the credential could not be read.
fn is_missed(context: &Context, id: ProviderId) -> bool {
    let snapshot = context.gateway.snapshot();
    snapshot.target(id).is_some_and(|target| matches!(target.credential, Credential::Unavailable(_)))
}
