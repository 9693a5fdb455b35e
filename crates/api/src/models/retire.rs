//! `POST /models/{id}/replace`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ModelId;
use megarouter_domain::key::{ModelAccess, VirtualKey};
use megarouter_domain::model;
use megarouter_store::settings::{Change, Everything, Noun};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::prefill::Prefill;
use super::users::{self, ModelUser};
use super::{Model, NewDeployment, NewModel, check};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};

/// What takes the place of a model: exactly one of `by` and `deployments`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceModel {
    /// The id or a name of another public model. The old one goes away; its names lead to this one, and
    /// keys that name the old one name this one.
    pub by: Option<String>,
    /// Other deployments. The model keeps its names and is served by these.
    pub deployments: Option<Vec<NewDeployment>>,
    /// Whether to change nothing and only tell what would change.
    pub dry_run: Option<bool>,
}

/// What a replacement changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Replacement {
    /// Whether it was done.
    pub is_done: bool,
    /// Names that lead to something else by it.
    pub names: Vec<String>,
    /// Keys that used or name the old model.
    pub keys: Vec<ModelUser>,
    /// What answers to the names.
    pub replacement: Model,
}

/// Replaces a model wherever it is used, in one step.
#[utoipa::path(post, path = "/models/{id}/replace", operation_id = "retire_model", tag = "models",
    params(("id" = String, Path, description = "The id of the model to replace")), request_body = ReplaceModel,
    responses((status = 200, description = "What changes", body = Replacement)))]
pub async fn retire_model(
    State(context): State<Arc<Context>>,
    Id(id): Id<ModelId>,
    Body(request): Body<ReplaceModel>,
) -> Result<Json<Replacement>, ApiError> {
    let mut everything = context.everything().await?;
    let old = everything.models.iter().find(|model| model.id == id).cloned();
    let old = old.ok_or_else(|| ApiError::not_found(Noun::Model, id))?;
    let keys = users::of(&context, &everything, &old).await?.keys;
    let (new, mut changes) = match (request.by, request.deployments) {
        (Some(by), None) => by_model(&everything, &old, &by)?,
        (None, Some(deployments)) => by_deployments(&context, &everything, &old, deployments).await?,
        _ => return Err(unclear()),
    };
    let is_done = !request.dry_run.unwrap_or(false);
    if is_done {
        changes.push(Change::PutModel(new.clone()));
        everything = context.change(changes, Reread::Nothing, &[Tag::Models, Tag::Providers, Tag::Keys]).await?;
    }
    let names = std::iter::once(old.name).chain(old.aliases).collect();
    Ok(Json(Replacement { is_done, names, keys, replacement: Model::of(&new, &everything) }))
}

/// The other model with the names of the old one, and what changes before it is put.
fn by_model(everything: &Everything, old: &model::Model, by: &str) -> Result<(model::Model, Vec<Change>), ApiError> {
    let id: Option<ModelId> = by.parse().ok();
    let is_meant = |model: &&model::Model| {
        Some(model.id) == id || model.name == by || model.aliases.iter().any(|alias| alias == by)
    };
    let mut new = everything.models.iter().find(is_meant).cloned().ok_or_else(|| no_such_model(by))?;
    if new.id == old.id {
        let message = "A model cannot take its own place. Nothing was changed. Choose another model.";
        return Err(ApiError::invalid("model.replaced_by_itself", message).about("by"));
    }
    new.aliases.extend(std::iter::once(&old.name).chain(&old.aliases).cloned());
    new.aliases = check::aliases(new.aliases, &new.name, "by")?;
    let mut changes = vec![Change::RemoveModel(old.id)];
    let naming = everything.keys.iter().filter(|key| users::names(key, &old.name));
    changes.extend(naming.map(|key| Change::PutKey(renamed(key, &old.name, &new.name))));
    Ok((new, changes))
}

/// The same key with another model in the place of one.
fn renamed(key: &VirtualKey, old: &str, new: &str) -> VirtualKey {
    let mut key = key.clone();
    if let ModelAccess::Only(names) = &mut key.models {
        let has_new = names.iter().any(|name| name == new);
        names.retain_mut(|name| {
            let is_old = name == old;
            if is_old && !has_new {
                new.clone_into(name);
            }
            !is_old || !has_new
        });
    }
    key
}

async fn by_deployments(
    context: &Context,
    everything: &Everything,
    old: &model::Model,
    deployments: Vec<NewDeployment>,
) -> Result<(model::Model, Vec<Change>), ApiError> {
    let wanted = NewModel { name: old.name.clone(), aliases: Some(old.aliases.clone()), deployments };
    let mut new = check::filled(context, everything, old.clone(), wanted)?;
    Prefill::new(context).await.model(everything, &mut new);
    Ok((new, Vec::new()))
}

fn no_such_model(by: &str) -> ApiError {
    let message = format!("There is no model `{by}`. Nothing was changed. Add it first, or choose another one.");
    ApiError::invalid("model.not_found", message).about("by")
}

fn unclear() -> ApiError {
    let message = "Say what takes the model's place: either `by`, another model, or `deployments`. Nothing was changed. \
                   Send one of the two.";
    ApiError::invalid("request.invalid", message).about("by")
}
