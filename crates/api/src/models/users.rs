//! `GET /models/{id}/users`

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::{KeyId, ModelId};
use megarouter_domain::key::{ModelAccess, VirtualKey};
use megarouter_domain::model;
use megarouter_store::ledger::overview::{Bucket, Question};
use megarouter_store::ledger::sums::Sums;
use megarouter_store::settings::{Everything, Noun};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;
use crate::keys::KeyState;
use crate::shape::{Cost, Time};

const RECENT: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 60 * 60);

/// Who uses a model.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ModelUsers {
    /// From when on requests are counted.
    pub since: Time,
    /// Requests for it.
    pub requests: u64,
    /// What they cost.
    pub cost: Cost,
    /// Keys that used it or name it, dearest first.
    pub keys: Vec<ModelUser>,
}

/// A key that used a model or names it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ModelUser {
    /// The key's id.
    #[schema(value_type = String, format = "uuid")]
    pub key_id: KeyId,
    /// The key's name.
    pub name: String,
    /// Whether it still works.
    pub state: KeyState,
    /// Requests for the model that came with it.
    pub requests: u64,
    /// What they cost.
    pub cost: Cost,
    /// Whether the list of models that the key may use names it.
    pub is_named: bool,
}

/// Shows who used a model in the last 30 days, and which keys name it.
#[utoipa::path(get, path = "/models/{id}/users", operation_id = "list_model_users", tag = "models",
    params(("id" = String, Path, description = "The model's id")),
    responses((status = 200, description = "Who uses it", body = ModelUsers)))]
pub async fn list_model_users(
    State(context): State<Arc<Context>>,
    Id(id): Id<ModelId>,
) -> Result<Json<ModelUsers>, ApiError> {
    let everything = context.everything().await?;
    let model = everything.models.iter().find(|model| model.id == id);
    let model = model.ok_or_else(|| ApiError::not_found(Noun::Model, id))?;
    of(&context, &everything, model).await.map(Json)
}

/// Who uses a model.
pub(super) async fn of(
    context: &Context,
    everything: &Everything,
    model: &model::Model,
) -> Result<ModelUsers, ApiError> {
    let (now, since) = (context.now(), context.now().minus(RECENT));
    let bucket = Some(Bucket::Day);
    let question =
        Question { from: since, to: now, bucket, key_id: None, model: Some(model.name.clone()), provider: None };
    let answer = context.questions().overview(&question).await?;
    let used: HashMap<KeyId, Sums> = answer.by_key.into_iter().collect();
    let concerned = everything.keys.iter().filter(|key| used.contains_key(&key.id) || names(key, &model.name));
    let mut concerned: Vec<_> = concerned.map(|key| (used.get(&key.id).copied().unwrap_or_default(), key)).collect();
    concerned.sort_by_key(|(sums, _)| std::cmp::Reverse((sums.amount, sums.requests)));
    let user = |(sums, key): (Sums, &VirtualKey)| ModelUser {
        key_id: key.id,
        name: key.name.clone(),
        state: KeyState::of(key, now),
        requests: sums.requests,
        cost: sums.cost().into(),
        is_named: names(key, &model.name),
    };
    Ok(ModelUsers {
        since: answer.from.into(),
        requests: answer.current.sums.requests,
        cost: answer.current.sums.cost().into(),
        keys: concerned.into_iter().map(user).collect(),
    })
}

/// True when a key that is not revoked may use only some models, and this is one of them.
pub(super) fn names(key: &VirtualKey, model: &str) -> bool {
    let ModelAccess::Only(names) = &key.models else { return false };
    key.revoked_at.is_none() && names.iter().any(|name| name == model)
}
