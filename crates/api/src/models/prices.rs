//! `GET /models/{id}/prices`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::{DeploymentId, ModelId};
use megarouter_store::settings::Noun;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Deployment, Price};
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::extract::Id;

/// The prices that a deployment had.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PriceHistory {
    /// The deployment's id.
    #[schema(value_type = String, format = "uuid")]
    pub deployment_id: DeploymentId,
    /// The provider's name.
    pub provider: String,
    /// The provider's own id of the model.
    pub upstream_model: String,
    /// Every version, newest first.
    pub versions: Vec<Price>,
}

/// Shows the prices that a model's deployments had.
#[utoipa::path(get, path = "/models/{id}/prices", operation_id = "list_model_prices", tag = "models",
    params(("id" = String, Path, description = "The model's id")),
    responses((status = 200, description = "One history a deployment", body = Vec<PriceHistory>)))]
pub async fn list_model_prices(
    State(context): State<Arc<Context>>,
    Id(id): Id<ModelId>,
) -> Result<Json<Vec<PriceHistory>>, ApiError> {
    let everything = context.everything().await?;
    let model = everything.models.iter().find(|model| model.id == id);
    let model = model.ok_or_else(|| ApiError::not_found(Noun::Model, id))?;
    let mut histories = Vec::with_capacity(model.deployments.len());
    for deployment in &model.deployments {
        let versions = context.settings.prices(deployment.id).await.map_err(|error| settings_unavailable(&error))?;
        let Deployment { id, provider, upstream_model, .. } = Deployment::of(deployment, &everything);
        let versions = versions.iter().map(Price::from).collect();
        histories.push(PriceHistory { deployment_id: id, provider, upstream_model, versions });
    }
    Ok(Json(histories))
}
