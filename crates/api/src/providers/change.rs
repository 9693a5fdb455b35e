//! `PATCH /providers/{id}`

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::{CredentialSource, Provider as Configured};
use megarouter_domain::secret::Secret;
use megarouter_store::settings::{Change, Everything, Noun};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CredentialChoice, Provider, check, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};
use crate::requests::Dialect;
use crate::shape::given;

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
    /// The wire formats it is called in, most wanted first; an empty list for those of its kind.
    pub dialects: Option<Vec<Dialect>>,
    /// Whether requests may be sent to it.
    pub is_enabled: Option<bool>,
    /// Where it computes, e.g. `eu`; `null` when nobody knows.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub region: Option<Option<String>>,
    /// Whether it keeps prompts or answers; `null` when nobody knows.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    pub keeps_prompts: Option<Option<bool>>,
}

/// Changes a provider.
#[utoipa::path(patch, path = "/providers/{id}", operation_id = "change_provider", tag = "providers",
    params(("id" = String, Path, description = "The provider's id")), request_body = ChangeProvider,
    responses((status = 200, description = "The provider", body = Provider)))]
pub async fn change_provider(
    State(context): State<Arc<Context>>,
    Id(id): Id<ProviderId>,
    Body(request): Body<ChangeProvider>,
) -> Result<Json<Provider>, ApiError> {
    let everything = context.everything().await?;
    let old = everything.providers.iter().find(|provider| provider.id == id);
    let old = old.ok_or_else(|| ApiError::not_found(Noun::Provider, id))?;
    let (new, secret) = changed(old, request)?;
    let was_stored = old.credential == CredentialSource::Stored;
    let is_stored = new.credential == CredentialSource::Stored;
    let everything = match secret {
        Some(secret) => with_secret(&context, new, &secret, was_stored).await?,
        None => save(&context, new).await?,
    };
    if was_stored && !is_stored {
        super::forget_secret(&context, id).await;
    }
    view::one(&context, &everything, id).await.map(Json)
}

/// The provider after the change, and the secret to keep for it.
fn changed(old: &Configured, request: ChangeProvider) -> Result<(Configured, Option<Secret>), ApiError> {
    let kind = check::kind(&old.kind)?;
    let mut new = old.clone();
    if let Some(name) = request.name {
        new.name = check::name(&name)?;
    }
    if let Some(base_url) = request.base_url {
        new.base_url = check::base_url(Some(&base_url), &BTreeMap::new(), kind)?;
    }
    if let Some(dialects) = request.dialects {
        new.dialects = check::dialects(dialects, kind)?;
    }
    if let Some(is_enabled) = request.is_enabled {
        new.is_enabled = is_enabled;
    }
    if let Some(region) = request.region {
        new.region = check::region(region)?;
    }
    if let Some(keeps_prompts) = request.keeps_prompts {
        new.keeps_prompts = keeps_prompts;
    }
    let Some(choice) = request.credential else {
        if old.credential != CredentialSource::None || !old.pool.is_empty() {
            check::keeps_origin(&old.base_url, &new.base_url)?;
        }
        return Ok((new, None));
    };
    if !old.pool.is_empty() {
        check::keeps_origin(&old.base_url, &new.base_url)?;
    }
    let credential = check::credential(choice, kind)?;
    new.credential = credential.source;
    Ok((new, credential.secret))
}

async fn save(context: &Context, provider: Configured) -> Result<Everything, ApiError> {
    let id = provider.id;
    context.change(vec![Change::PutProvider(provider)], Reread::Provider(id), &[Tag::Providers]).await
}

/// Writes the secret before the provider that needs it; puts back what was there when that fails.
async fn with_secret(
    context: &Context,
    provider: Configured,
    secret: &Secret,
    was_stored: bool,
) -> Result<Everything, ApiError> {
    let id = provider.id;
    let old = if was_stored { context.secrets.get(id).await.unwrap_or_default() } else { None };
    context.keep_secret(id, secret).await?;
    let saved = save(context, provider).await;
    if saved.is_err() {
        match old {
            Some(old) => put_back(context, id, &old).await,
            None => super::forget_secret(context, id).await,
        }
    }
    saved
}

async fn put_back(context: &Context, id: ProviderId, secret: &Secret) {
    if let Err(error) = context.keep_secret(id, secret).await {
        tracing::error!(%error, provider = %id, "the old secret of a provider could not be put back");
    }
}
