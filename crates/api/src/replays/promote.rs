//! `POST /replays/{id}/promote` and `POST /replays/{id}/revert`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::ReplayId;
use megarouter_domain::key::ModelAccess;
use megarouter_domain::model::Model;
use megarouter_store::settings::{Change, Everything, replays};

use super::{Promote, Promotion, PromotionPlan, Replay, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::events::Tag;
use crate::extract::{Body, Id};

const CHANGED: &[Tag] = &[Tag::Models, Tag::Keys, Tag::Replays];
/// What the old model of a name is called while the name leads elsewhere.
const BEFORE: &str = "-before";

/// Leads a name to a candidate of a run from now on. A model's own name becomes an alias of the candidate, and the
/// model stays under another one, so that it can be led back.
#[utoipa::path(post, path = "/replays/{id}/promote", operation_id = "promote_candidate", tag = "replays",
    params(("id" = String, Path, description = "The run's id")), request_body = Promote,
    responses((status = 200, description = "What changes", body = PromotionPlan)))]
pub async fn promote_candidate(
    State(context): State<Arc<Context>>,
    Id(id): Id<ReplayId>,
    Body(request): Body<Promote>,
) -> Result<Json<PromotionPlan>, ApiError> {
    let (replay, _) = view::find(&context, id).await?;
    if !replay.candidates.contains(&request.candidate) {
        let message = format!("`{}` is no candidate of this run. Nothing was changed. Choose one.", request.candidate);
        return Err(ApiError::invalid("replay.invalid", message).about("candidate"));
    }
    if replay.promotion.is_some() {
        let message = "Something was promoted after this run already. Nothing was changed. Lead it back first.";
        return Err(ApiError::new(StatusCode::CONFLICT, "replay.promoted", message));
    }
    let everything = context.everything().await?;
    let to = by_name(&everything, &request.candidate).ok_or_else(|| no_model(&request.candidate, "candidate"))?;
    let from = by_name(&everything, &request.name).ok_or_else(|| no_model(&request.name, "name"))?;
    if from.id == to.id {
        let message = format!("`{}` leads there already. Nothing was changed. Choose another name.", request.name);
        return Err(ApiError::new(StatusCode::CONFLICT, "replay.promoted", message).about("name"));
    }
    let (changes, words) = lead(&everything, &request.name, from, to);
    let promotion = replays::Promotion {
        name: request.name,
        from: from.id,
        from_name: from.name.clone(),
        to: to.id,
        to_name: to.name.clone(),
        at: context.now(),
    };
    let is_done = !request.dry_run.unwrap_or(false);
    if is_done {
        context.change(changes, Reread::Nothing, CHANGED).await?;
        let kept = context.settings.promote_replay(id, Some(&promotion)).await;
        kept.map_err(|error| settings_unavailable(&error))?;
    }
    Ok(Json(PromotionPlan { is_done, changes: words, promotion: Promotion::from(&promotion) }))
}

/// Leads a promoted name back to the model that it led to before.
#[utoipa::path(post, path = "/replays/{id}/revert", operation_id = "revert_promotion", tag = "replays",
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = Replay)))]
pub async fn revert_promotion(
    State(context): State<Arc<Context>>,
    Id(id): Id<ReplayId>,
) -> Result<Json<Replay>, ApiError> {
    let (replay, _) = view::find(&context, id).await?;
    let Some(promotion) = replay.promotion else {
        let message = "Nothing was promoted after this run. Nothing was changed. Promote a candidate first.";
        return Err(ApiError::new(StatusCode::CONFLICT, "replay.not_promoted", message));
    };
    let everything = context.everything().await?;
    let find = |id| everything.models.iter().find(|model| model.id == id);
    let from = find(promotion.from).ok_or_else(|| no_model(&promotion.from_name, "from"))?;
    let mut changes = Vec::new();
    if let Some(mut to) = find(promotion.to).cloned() {
        to.aliases.retain(|alias| *alias != promotion.name);
        changes.push(Change::PutModel(to));
    }
    let mut from = from.clone();
    if promotion.name == promotion.from_name {
        from.name.clone_from(&promotion.name);
    } else if !from.aliases.contains(&promotion.name) {
        from.aliases.push(promotion.name);
    }
    changes.push(Change::PutModel(from));
    context.change(changes, Reread::Nothing, CHANGED).await?;
    context.settings.promote_replay(id, None).await.map_err(|error| settings_unavailable(&error))?;
    let (replay, items) = view::find(&context, id).await?;
    Ok(Json(Replay::of(&replay, &items)))
}

fn by_name<'a>(everything: &'a Everything, name: &str) -> Option<&'a Model> {
    let is_it = |model: &&Model| model.name == name || model.aliases.iter().any(|alias| alias == name);
    everything.models.iter().find(is_it)
}

/// What leads a name from one model to another, in changes and in words. The old model lets the name go first.
fn lead(everything: &Everything, name: &str, from: &Model, to: &Model) -> (Vec<Change>, Vec<String>) {
    let (mut old, mut new) = (from.clone(), to.clone());
    old.aliases.retain(|alias| alias != name);
    new.aliases.push(name.to_owned());
    let mut words = vec![format!("{name} leads to {} in the place of {}", to.name, from.name)];
    if from.name == name {
        old.name = free_name(everything, name);
        words.push(format!("the model {name} is called {} from now on", old.name));
    }
    let mut changes = vec![Change::PutModel(old), Change::PutModel(new)];
    // Whoever may use the old model by this name may use what it leads to.
    for key in &everything.keys {
        let ModelAccess::Only(allowed) = &key.models else { continue };
        if key.revoked_at.is_none() && allowed.contains(&from.name) && !allowed.contains(&to.name) {
            let models = ModelAccess::Only(allowed.iter().chain([&to.name]).cloned().collect());
            changes.push(Change::PutKey(megarouter_domain::key::VirtualKey { models, ..key.clone() }));
            words.push(format!("the key {} may use {}", key.name, to.name));
        }
    }
    (changes, words)
}

fn free_name(everything: &Everything, name: &str) -> String {
    let first = format!("{name}{BEFORE}");
    let numbered = (2..).map(|number| format!("{first}-{number}"));
    let mut names = std::iter::once(first.clone()).chain(numbered);
    names.find(|name| by_name(everything, name).is_none()).unwrap_or(first)
}

fn no_model(name: &str, field: &str) -> ApiError {
    let message =
        format!("There is no model `{name}`. Nothing was changed. It may have been removed; choose another one.");
    ApiError::new(StatusCode::NOT_FOUND, "model.not_found", message).about(field)
}
