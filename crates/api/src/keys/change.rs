//! `PATCH /keys/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::key::{ModelAccess, VirtualKey};
use megarouter_store::settings::{Change, Everything, Noun};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Key, check};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};
use crate::shape::{Time, given};

/// What to change of a key; what is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// A name people recognise.
    pub name: Option<String>,
    /// The id of the unit it belongs to; `null` for the organisation.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub owner: Option<Option<UnitId>>,
    /// The id of the project it works for; `null` for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub project: Option<Option<UnitId>>,
    /// The models it may use; `null` for all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    pub models: Option<Option<Vec<String>>>,
    /// Whether to refuse a request when its translation would lose something.
    pub is_strict: Option<bool>,
    /// From when on it is refused; `null` for never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Time>)]
    pub expires_at: Option<Option<Time>>,
}

/// Changes a key, from before the answer is sent. Its text stays.
#[utoipa::path(patch, path = "/keys/{id}", operation_id = "change_key", tag = "keys",
    params(("id" = String, Path, description = "The key's id")), request_body = KeyChange,
    responses((status = 200, description = "The key", body = Key)))]
pub async fn change_key(
    State(context): State<Arc<Context>>,
    Id(id): Id<KeyId>,
    Body(request): Body<KeyChange>,
) -> Result<Json<Key>, ApiError> {
    let everything = context.everything().await?;
    let key = changed(&context, &everything, id, request)?;
    let everything = context.change(vec![Change::PutKey(key)], Reread::Nothing, &[Tag::Keys]).await?;
    super::one(&context, &everything, id).await.map(Json)
}

fn changed(context: &Context, everything: &Everything, id: KeyId, change: KeyChange) -> Result<VirtualKey, ApiError> {
    let stored = everything.keys.iter().find(|key| key.id == id);
    let mut key = stored.ok_or_else(|| ApiError::not_found(Noun::Key, id))?.clone();
    let units = context.gateway.snapshot();
    if let Some(name) = change.name {
        key.name = check::name(&name)?;
    }
    if let Some(owner) = change.owner {
        key.owner = owner.map(|owner| check::owner(units.units(), owner)).transpose()?;
    }
    if let Some(project) = change.project {
        key.project = project.map(|project| check::project(units.units(), project)).transpose()?;
    }
    if let Some(models) = change.models {
        key.models = models.map_or(Ok(ModelAccess::All), |names| check::models(everything, names))?;
    }
    key.is_strict = change.is_strict.unwrap_or(key.is_strict);
    if let Some(end) = change.expires_at {
        key.expires_at = end.map(|end| check::future(end.0, context.now())).transpose()?;
    }
    Ok(key)
}
