//! `POST /keys`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::key::{self, KeyHash, ModelAccess, VirtualKey};
use megarouter_domain::secret::Secret;
use megarouter_store::settings::{Change, Everything};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Key, check};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;
use crate::shape::Time;

/// A key to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// A name people recognise; unique among keys that are not revoked.
    pub name: String,
    /// The id of the unit it belongs to; left out, the organisation.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub owner: Option<UnitId>,
    /// The id of the project it works for; left out, none.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub project: Option<UnitId>,
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
    let snapshot = context.gateway.snapshot();
    let units = snapshot.units();
    Ok(VirtualKey {
        id: KeyId::new(now, context.entropy()),
        name: check::name(&request.name)?,
        owner: request.owner.map(|owner| check::owner(units, owner)).transpose()?,
        project: request.project.map(|project| check::project(units, project)).transpose()?,
        hint: key::hint(secret.expose()),
        hash: Some(KeyHash::of(secret.expose())),
        models: request.models.map_or(Ok(ModelAccess::All), |names| check::models(everything, names))?,
        is_strict: request.is_strict.unwrap_or(false),
        created_at: now,
        expires_at: request.expires_at.map(|end| check::future(end.0, now)).transpose()?,
        revoked_at: None,
    })
}
