//! `POST /keys`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::KeyId;
use megarouter_domain::key::{self, KeyHash, ModelAccess, VirtualKey};
use megarouter_domain::secret::Secret;
use megarouter_store::settings::{Change, Everything};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Key;
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;
use crate::shape::Time;

const LONGEST_NAME: usize = 100;

/// A key to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// A name people recognise; unique among keys that are not revoked.
    pub name: String,
    /// The models it may use; `null` for all.
    pub models: Option<Vec<String>>,
    /// Whether to refuse a request when its translation would lose something; left out, not.
    pub is_strict: Option<bool>,
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
    State(context): State<Arc<Context>>,
    Body(request): Body<NewKey>,
) -> Result<(StatusCode, Json<CreatedKey>), ApiError> {
    let secret = key::mint(&context.random_bytes());
    let key = checked(&context, &context.everything().await?, request, &secret)?;
    let id = key.id;
    let everything = context.change(vec![Change::PutKey(key)], Reread::Nothing, &[Tag::Keys]).await?;
    let key = super::one(&context, &everything, id).await?;
    Ok((StatusCode::CREATED, Json(CreatedKey { key, secret: secret.expose().to_owned() })))
}

/// The key that a request describes.
fn checked(
    context: &Context,
    everything: &Everything,
    request: NewKey,
    secret: &Secret,
) -> Result<VirtualKey, ApiError> {
    let now = context.now();
    Ok(VirtualKey {
        id: KeyId::new(now, context.entropy()),
        name: name(&request.name)?,
        owner: None,
        project: None,
        hint: key::hint(secret.expose()),
        hash: Some(KeyHash::of(secret.expose())),
        models: request.models.map_or(Ok(ModelAccess::All), |names| models(everything, names))?,
        is_strict: request.is_strict.unwrap_or(false),
        created_at: now,
        expires_at: request.expires_at.map(|end| future(end.0, now)).transpose()?,
        revoked_at: None,
    })
}

fn name(text: &str) -> Result<String, ApiError> {
    let name = text.trim();
    if !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    let message = format!(
        "A key needs a name of 1 to {LONGEST_NAME} characters. No key was made. Name the app or the person it is for."
    );
    Err(ApiError::invalid("key.name_invalid", message).about("name"))
}

fn models(everything: &Everything, names: Vec<String>) -> Result<ModelAccess, ApiError> {
    if names.is_empty() {
        let message =
            "A key that may use no model is of no use. No key was made. Choose models, or leave them out for all.";
        return Err(ApiError::invalid("key.models_empty", message).about("models"));
    }
    let is_unknown = |name: &&String| !everything.models.iter().any(|model| model.name == **name);
    if let Some(unknown) = names.iter().find(is_unknown) {
        let message = format!(
            "There is no model `{unknown}`. No key was made. Use the names of public models; aliases follow their model."
        );
        return Err(ApiError::invalid("key.model_unknown", message).about("models"));
    }
    Ok(ModelAccess::Only(names))
}

fn future(end: Timestamp, now: Timestamp) -> Result<Timestamp, ApiError> {
    if end > now {
        return Ok(end);
    }
    let message = "The expiry is in the past. The key would never work, so none was made. Choose a later time.";
    Err(ApiError::invalid("key.expiry_past", message).about("expires_at"))
}
