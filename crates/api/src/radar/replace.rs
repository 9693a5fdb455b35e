//! `POST /radar/replace`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_store::settings::Change;

use super::{RadarReplace, RadarReplacement};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;
use crate::models::{self, Model, NewDeployment};

/// Puts another deployment in the place of one that goes away: at the same place of the same model, so that nobody
/// has to ask for anything else.
#[utoipa::path(post, path = "/radar/replace", operation_id = "replace_retiring", tag = "models",
    request_body = RadarReplace, responses((status = 200, description = "What changes", body = RadarReplacement)))]
pub async fn replace_retiring(
    State(context): State<Arc<Context>>,
    Body(request): Body<RadarReplace>,
) -> Result<Json<RadarReplacement>, ApiError> {
    let mut everything = context.everything().await?;
    let is_it = |deployment: &megarouter_domain::model::Deployment| deployment.id == request.deployment_id;
    let model = everything.models.iter().find(|model| model.deployments.iter().any(is_it)).cloned();
    let mut model = model.ok_or_else(|| missing(&request))?;
    let place = model.deployments.iter().position(is_it).unwrap_or_default();
    let old = model.deployments.remove(place);
    let wanted = NewDeployment {
        provider: request.provider,
        upstream_model: request.upstream_model,
        price: None,
        max_output_tokens: None,
        can_reason: None,
    };
    let new = models::fresh_deployment(&context, &everything, &model.deployments, wanted).await?;
    let name = |id| {
        let provider = everything.providers.iter().find(|provider| provider.id == id);
        provider.map(|provider| provider.name.clone()).unwrap_or_default()
    };
    let changes = vec![format!(
        "{} is served by {} of {} in the place of {} of {}",
        model.name,
        new.upstream_model,
        name(new.provider_id),
        old.upstream_model,
        name(old.provider_id)
    )];
    let is_there = model.deployments.iter().any(|known| known.id == new.id);
    if !is_there {
        model.deployments.insert(place.min(model.deployments.len()), new);
    }
    let is_done = !request.dry_run.unwrap_or(false);
    if is_done {
        let change = vec![Change::PutModel(model.clone())];
        everything = context.change(change, Reread::Nothing, &[Tag::Models, Tag::Providers]).await?;
    }
    Ok(Json(RadarReplacement { is_done, changes, model: Model::of(&model, &everything) }))
}

fn missing(request: &RadarReplace) -> ApiError {
    let message = format!(
        "There is no deployment with the id {}. It may have been replaced. Read the radar again.",
        request.deployment_id
    );
    ApiError::new(StatusCode::NOT_FOUND, "deployment.not_found", message).about("deployment_id")
}
