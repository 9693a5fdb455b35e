//! `POST /providers`

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::Provider as Configured;
use megarouter_domain::secret::Secret;
use megarouter_store::settings::Change;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CredentialChoice, Provider, check, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;
use crate::requests::Dialect;

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
    /// What the kind's usual address is filled in with, by the names of its variables; only without
    /// a `base_url`.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Its credential.
    pub credential: CredentialChoice,
    /// The wire formats it is called in, most wanted first; left out, those of its kind.
    pub dialects: Option<Vec<Dialect>>,
    /// Whether requests may be sent to it; left out, they may.
    pub is_enabled: Option<bool>,
    /// Where it computes, e.g. `eu`; left out, nobody knows.
    pub region: Option<String>,
    /// Whether it keeps prompts or answers; left out, nobody knows.
    pub keeps_prompts: Option<bool>,
}

/// Adds a provider.
#[utoipa::path(post, path = "/providers", operation_id = "create_provider", tag = "providers", request_body = NewProvider,
    responses((status = 201, description = "The new provider", body = Provider)))]
pub async fn create_provider(
    State(context): State<Arc<Context>>,
    Body(request): Body<NewProvider>,
) -> Result<(StatusCode, Json<Provider>), ApiError> {
    let (provider, secret) = checked(&context, request)?;
    let id = provider.id;
    if let Some(secret) = &secret {
        context.keep_secret(id, secret).await?;
    }
    let change = vec![Change::PutProvider(provider)];
    match context.change(change, Reread::Provider(id), &[Tag::Providers]).await {
        Ok(everything) => Ok((StatusCode::CREATED, Json(view::one(&context, &everything, id).await?))),
        Err(error) => {
            // The provider is not there, so its secret must not be either.
            super::forget_secret(&context, id).await;
            Err(error)
        }
    }
}

/// The provider that a request describes, with an id of its own, and the secret to keep for it.
pub(super) fn checked(context: &Context, request: NewProvider) -> Result<(Configured, Option<Secret>), ApiError> {
    let kind = check::kind(&request.kind)?;
    check::is_alive(kind)?;
    let credential = check::credential(request.credential, kind)?;
    let provider = Configured {
        id: ProviderId::new(context.now(), context.entropy()),
        name: check::name(&request.name)?,
        kind: kind.id.to_owned(),
        base_url: check::base_url(request.base_url.as_deref(), &request.variables, kind)?,
        credential: credential.source,
        dialects: check::dialects(request.dialects.unwrap_or_default(), kind)?,
        is_enabled: request.is_enabled.unwrap_or(true),
        region: check::region(request.region)?,
        keeps_prompts: request.keeps_prompts,
        pool: vec![],
    };
    Ok((provider, credential.secret))
}
