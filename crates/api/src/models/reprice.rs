//! `PATCH /models/{id}/deployments/{deployment_id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use megarouter_domain::id::{DeploymentId, ModelId};
use megarouter_domain::model;
use megarouter_store::settings::{Change, Everything, Noun};
use serde::Deserialize;
use utoipa::ToSchema;

use super::prefill::Prefill;
use super::{Model, NewPrice, check};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;
use crate::shape::{Rates, Tier};

/// What to change about a deployment; what is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeDeployment {
    /// Another price, set by hand.
    pub price: Option<PriceOverride>,
    /// True to take the catalogue's price, and follow it.
    pub use_catalogue_price: Option<bool>,
    /// The most tokens one answer can have.
    #[schema(minimum = 1, maximum = 100_000_000)]
    pub max_output_tokens: Option<u64>,
}

/// A price set by hand.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceOverride {
    /// The standard rates.
    pub rates: Rates,
    /// Rates that take their place under a condition.
    pub tiers: Option<Vec<Tier>>,
    /// Why: it stands beside the price from now on.
    pub reason: String,
}

/// Changes the price or the bound of one deployment. A changed price is a new version.
#[utoipa::path(patch, path = "/models/{id}/deployments/{deployment_id}", operation_id = "change_deployment",
    tag = "models",
    params(("id" = String, Path, description = "The model's id"),
        ("deployment_id" = String, Path, description = "The deployment's id")),
    request_body = ChangeDeployment, responses((status = 200, description = "The model", body = Model)))]
pub async fn change_deployment(
    State(context): State<Arc<Context>>,
    Path((id, deployment)): Path<(String, String)>,
    Body(request): Body<ChangeDeployment>,
) -> Result<Json<Model>, ApiError> {
    let everything = context.everything().await?;
    let mut model = find(&everything, &id, &deployment)?;
    let id = model.id;
    let deployment: Option<DeploymentId> = deployment.parse().ok();
    for changed in model.deployments.iter_mut().filter(|known| Some(known.id) == deployment) {
        change(&context, &everything, changed, &request).await?;
    }
    let changes = vec![Change::PutModel(model)];
    let everything = context.change(changes, Reread::Nothing, &[Tag::Models, Tag::Providers]).await?;
    super::one(&everything, id).map(Json)
}

fn find(everything: &Everything, id: &str, deployment: &str) -> Result<model::Model, ApiError> {
    let model: Option<ModelId> = id.parse().ok();
    let model = everything.models.iter().find(|known| Some(known.id) == model);
    let model = model.ok_or_else(|| ApiError::not_found(Noun::Model, id))?;
    let deployment: Option<DeploymentId> = deployment.parse().ok();
    if model.deployments.iter().any(|known| Some(known.id) == deployment) {
        return Ok(model.clone());
    }
    let message = "The model has no such deployment. It may have been removed. Read the model again and choose another \
                   one.";
    Err(ApiError::new(http::StatusCode::NOT_FOUND, "deployment.not_found", message))
}

async fn change(
    context: &Context,
    everything: &Everything,
    deployment: &mut model::Deployment,
    request: &ChangeDeployment,
) -> Result<(), ApiError> {
    if let Some(bound) = request.max_output_tokens {
        deployment.max_output_tokens = Some(check::output_bound(bound, "max_output_tokens")?);
    }
    if let Some(price) = &request.price {
        let reason = price.reason.trim();
        if reason.is_empty() {
            let message = "A price set by hand needs a reason. Nothing was changed. Say where it comes from.";
            return Err(ApiError::invalid("model.price_reason_missing", message).about("price.reason"));
        }
        let (rates, tiers, source) = (price.rates, price.tiers.clone(), Some(reason.to_owned()));
        deployment.price = Some(check::new_price(context, NewPrice { rates, tiers, source }));
    } else if request.use_catalogue_price == Some(true) {
        let provider = everything.providers.iter().find(|provider| provider.id == deployment.provider_id);
        let old = deployment.price.take();
        if let Some(provider) = provider {
            Prefill::new(context).await.deployment(provider, deployment);
        }
        if deployment.price.is_none() {
            deployment.price = old;
            let message = "The catalogue has no price for this model. Nothing was changed. Set one by hand.";
            return Err(ApiError::invalid("catalog.no_price", message).about("use_catalogue_price"));
        }
    }
    Ok(())
}
