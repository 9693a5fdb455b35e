//! `POST /providers/{id}/models`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::{DeploymentId, ModelId, ProviderId};
use megarouter_domain::model::{self, Deployment};
use megarouter_domain::provider::Provider;
use megarouter_store::settings::{Change, Everything, Noun};
use serde::Deserialize;
use utoipa::ToSchema;

use super::create::empty;
use super::prefill::Prefill;
use super::{Model, check};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};

/// OpenRouter, the longest list there is, has some 400 models.
pub(super) const MOST_AT_ONCE: usize = 1_000;

/// A provider's models to make public under their own names.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptModels {
    /// The provider's own ids of the models.
    #[schema(min_items = 1)]
    pub upstream_models: Vec<String>,
}

/// Makes a provider's models public under their own names.
///
/// Models of a local provider are priced at zero, others as the catalogue says. A public model of the same name gets the provider as a
/// further deployment.
#[utoipa::path(post, path = "/providers/{id}/models", operation_id = "adopt_models", tag = "models",
    params(("id" = String, Path, description = "The provider's id")), request_body = AdoptModels,
    responses((status = 200, description = "The models, in the order asked for", body = Vec<Model>)))]
pub async fn adopt_models(
    State(context): State<Arc<Context>>,
    Id(id): Id<ProviderId>,
    Body(request): Body<AdoptModels>,
) -> Result<Json<Vec<Model>>, ApiError> {
    let everything = context.everything().await?;
    let provider = everything.providers.iter().find(|provider| provider.id == id);
    let provider = provider.ok_or_else(|| ApiError::not_found(Noun::Provider, id))?;
    if request.upstream_models.is_empty() || request.upstream_models.len() > MOST_AT_ONCE {
        return Err(wrong_number());
    }
    let prefill = Prefill::new(&context).await;
    let mut adopted: Vec<model::Model> = Vec::with_capacity(request.upstream_models.len());
    for (index, name) in request.upstream_models.into_iter().enumerate() {
        let name = check::name(name, &format!("upstream_models[{index}]"))?;
        if !adopted.iter().any(|model| model.name == name) {
            adopted.push(adopt(&context, &everything, &prefill, provider, name));
        }
    }
    let ids: Vec<ModelId> = adopted.iter().map(|model| model.id).collect();
    let changes = adopted.into_iter().map(Change::PutModel).collect();
    let everything = context.change(changes, Reread::Nothing, &[Tag::Models, Tag::Providers]).await?;
    ids.into_iter().map(|id| super::one(&everything, id)).collect::<Result<_, _>>().map(Json)
}

/// The model of that name, served by the provider too.
fn adopt(
    context: &Context,
    everything: &Everything,
    prefill: &Prefill<'_>,
    provider: &Provider,
    name: String,
) -> model::Model {
    let known = everything.models.iter().find(|model| model.name == name).cloned();
    let mut model = known.unwrap_or_else(|| model::Model { name: name.clone(), ..empty(context) });
    let is_served =
        |deployment: &Deployment| deployment.provider_id == provider.id && deployment.upstream_model == name;
    if !model.deployments.iter().any(is_served) {
        let mut deployment = Deployment {
            id: DeploymentId::new(context.now(), context.entropy()),
            provider_id: provider.id,
            upstream_model: name,
            price: None,
            max_output_tokens: None,
            can_reason: None,
        };
        prefill.deployment(provider, &mut deployment);
        model.deployments.push(deployment);
    }
    model
}

fn wrong_number() -> ApiError {
    let message = format!("Choose 1 to {MOST_AT_ONCE} models at once. Nothing was changed. Send fewer or more.");
    ApiError::invalid("model.deployments_invalid", message).about("upstream_models")
}
