//! `POST /providers/{id}/credentials`, `PATCH` and `DELETE /providers/{id}/credentials/{credential_id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::{CredentialId, ProviderId};
use megarouter_domain::provider::{CredentialSource, Pooled, Provider as Configured};
use megarouter_store::settings::{Change, Everything, Noun};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CredentialChoice, Provider, check, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id, Ids};

/// The most credentials of a provider, beside its first one.
const MOST_POOLED: usize = 100;
/// The longest name of one, in characters.
const LONGEST_NAME: usize = 100;

/// A further credential to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCredential {
    /// What people call it.
    pub name: String,
    /// The credential; its secret is never sent back.
    pub credential: CredentialChoice,
    /// Whether it is to be used; left out, it is.
    pub is_enabled: Option<bool>,
}

/// What to change about a further credential; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeCredential {
    /// What people call it.
    pub name: Option<String>,
    /// Another credential.
    pub credential: Option<CredentialChoice>,
    /// Whether it is to be used.
    pub is_enabled: Option<bool>,
}

/// Adds a credential to a provider: requests take turns with all that it has.
#[utoipa::path(post, path = "/providers/{id}/credentials", operation_id = "add_credential", tag = "providers",
    params(("id" = String, Path, description = "The provider's id")), request_body = NewCredential,
    responses((status = 201, description = "The provider", body = Provider)))]
pub async fn add_credential(
    State(context): State<Arc<Context>>,
    Id(id): Id<ProviderId>,
    Body(request): Body<NewCredential>,
) -> Result<(StatusCode, Json<Provider>), ApiError> {
    let mut provider = find(&context.everything().await?, id)?;
    if provider.credential == CredentialSource::None {
        let message = format!(
            "The provider {} has no first credential. Further ones take turns with it, so nothing was changed. Enter the \
             first one at the provider itself.",
            provider.name
        );
        return Err(ApiError::new(StatusCode::CONFLICT, "credential.no_first", message).about("credential"));
    }
    if provider.pool.len() >= MOST_POOLED {
        let message = format!("A provider has at most {MOST_POOLED} credentials. Nothing was changed. Remove one.");
        return Err(ApiError::new(StatusCode::CONFLICT, "credential.too_many", message));
    }
    let choice = checked(request.credential, &provider)?;
    let pooled = Pooled {
        id: CredentialId::new(context.now(), context.entropy()),
        name: name(&request.name, &provider.pool, None)?,
        source: choice.source,
        is_enabled: request.is_enabled.unwrap_or(true),
    };
    let credential = pooled.id;
    if let Some(secret) = &choice.secret {
        context.keep_secret(credential, secret).await?;
    }
    provider.pool.push(pooled);
    match save(&context, provider).await {
        Ok(everything) => Ok((StatusCode::CREATED, Json(view::one(&context, &everything, id).await?))),
        Err(error) => {
            // The credential is not there, so its secret must not be either.
            super::forget_secret(&context, credential).await;
            Err(error)
        }
    }
}

/// Changes a further credential of a provider.
#[utoipa::path(patch, path = "/providers/{id}/credentials/{credential_id}", operation_id = "change_credential",
    tag = "providers",
    params(("id" = String, Path, description = "The provider's id"),
        ("credential_id" = String, Path, description = "The credential's id")),
    request_body = ChangeCredential, responses((status = 200, description = "The provider", body = Provider)))]
pub async fn change_credential(
    State(context): State<Arc<Context>>,
    Ids(id, credential): Ids<ProviderId, CredentialId>,
    Body(request): Body<ChangeCredential>,
) -> Result<Json<Provider>, ApiError> {
    let mut provider = find(&context.everything().await?, id)?;
    let choice = request.credential.map(|choice| checked(choice, &provider)).transpose()?;
    let name = request.name.map(|text| name(&text, &provider.pool, Some(credential))).transpose()?;
    let pooled = provider.pool.iter_mut().find(|pooled| pooled.id == credential).ok_or_else(|| missing(credential))?;
    let old = pooled.source.clone();
    pooled.name = name.unwrap_or_else(|| pooled.name.clone());
    pooled.is_enabled = request.is_enabled.unwrap_or(pooled.is_enabled);
    if let Some(choice) = choice {
        pooled.source = choice.source;
        if let Some(secret) = &choice.secret {
            context.keep_secret(credential, secret).await?;
        }
    }
    let is_forgotten = old == CredentialSource::Stored && pooled.source != CredentialSource::Stored;
    let everything = save(&context, provider).await?;
    if is_forgotten {
        super::forget_secret(&context, credential).await;
    }
    view::one(&context, &everything, id).await.map(Json)
}

/// Removes a further credential of a provider, with its secret.
#[utoipa::path(delete, path = "/providers/{id}/credentials/{credential_id}", operation_id = "remove_credential",
    tag = "providers",
    params(("id" = String, Path, description = "The provider's id"),
        ("credential_id" = String, Path, description = "The credential's id")),
    responses((status = 200, description = "The provider", body = Provider)))]
pub async fn remove_credential(
    State(context): State<Arc<Context>>,
    Ids(id, credential): Ids<ProviderId, CredentialId>,
) -> Result<Json<Provider>, ApiError> {
    let mut provider = find(&context.everything().await?, id)?;
    let place = provider.pool.iter().position(|pooled| pooled.id == credential);
    provider.pool.remove(place.ok_or_else(|| missing(credential))?);
    let everything = save(&context, provider).await?;
    super::forget_secret(&context, credential).await;
    view::one(&context, &everything, id).await.map(Json)
}

fn find(everything: &Everything, id: ProviderId) -> Result<Configured, ApiError> {
    let found = everything.providers.iter().find(|provider| provider.id == id);
    found.cloned().ok_or_else(|| ApiError::not_found(Noun::Provider, id))
}

async fn save(context: &Context, provider: Configured) -> Result<Everything, ApiError> {
    let id = provider.id;
    context.change(vec![Change::PutProvider(provider)], Reread::Provider(id), &[Tag::Providers]).await
}

/// A further credential is one: taking turns with nothing is of no use.
fn checked(choice: CredentialChoice, provider: &Configured) -> Result<check::CheckedCredential, ApiError> {
    if matches!(choice, CredentialChoice::None {}) {
        let message = "A further credential needs a secret or a variable. Nothing was changed. Send one.";
        return Err(ApiError::invalid("provider.credential_missing", message).about("credential"));
    }
    check::credential(choice, check::kind(&provider.kind)?)
}

fn name(text: &str, pool: &[Pooled], own: Option<CredentialId>) -> Result<String, ApiError> {
    let name = text.trim();
    let is_fine = !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if !is_fine {
        let message = format!("A name has 1 to {LONGEST_NAME} characters. Nothing was changed. Choose one.");
        return Err(ApiError::invalid("credential.name_invalid", message).about("name"));
    }
    if pool.iter().any(|pooled| pooled.name == name && Some(pooled.id) != own) {
        let message = format!("Another credential is called `{name}`. Nothing was changed. Choose another name.");
        return Err(ApiError::new(StatusCode::CONFLICT, "credential.name_taken", message).about("name"));
    }
    Ok(name.to_owned())
}

fn missing(id: CredentialId) -> ApiError {
    let message =
        format!("The provider has no further credential with the id {id}. It may have been removed. Look again.");
    ApiError::new(StatusCode::NOT_FOUND, "credential.not_found", message)
}
