//! `POST /providers/{id}/discover`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::catalog::ListedModel;
use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::{Provider, Target};
use megarouter_providers::catalog::DiscoveredModel;
use megarouter_providers::probe;
use megarouter_store::settings::{Everything, ModelList, Noun};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::events::Tag;
use crate::extract::Id;
use crate::shape::Time;

/// What a provider serves.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Discovery {
    /// When it was asked.
    pub at: Time,
    /// Its models, as it lists them.
    pub models: Vec<Discovered>,
}

/// A model that a provider lists.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Discovered {
    /// The provider's own id of it.
    pub id: String,
    /// The name for a person; `null` when the list has only the id.
    pub name: Option<String>,
    /// Whether the catalogue knows it.
    pub is_known: bool,
    /// Whether a public model is served by it.
    pub is_adopted: bool,
    /// The most tokens of its context, from the list or else the catalogue.
    pub context: Option<u64>,
    /// The most tokens of one answer, from the list or else the catalogue.
    pub max_output: Option<u64>,
}

/// Asks a provider for its list of models and keeps it.
#[utoipa::path(post, path = "/providers/{id}/discover", operation_id = "discover_models", tag = "providers",
    params(("id" = String, Path, description = "The provider's id")),
    responses((status = 200, description = "What it serves", body = Discovery)))]
pub async fn discover_models(
    State(context): State<Arc<Context>>,
    Id(id): Id<ProviderId>,
) -> Result<Json<Discovery>, ApiError> {
    let everything = context.everything().await?;
    let provider = everything.providers.iter().find(|provider| provider.id == id);
    let provider = provider.ok_or_else(|| ApiError::not_found(Noun::Provider, id))?;
    let credential = context.credentials().of(provider).await;
    let target = Target { provider: provider.clone(), credential, pool: vec![] };
    let found = probe::test(context.gateway.client(), &target, None, context.now()).await;
    if !found.is_ok() {
        let next = found.next_step.unwrap_or_else(|| "Try again later.".to_owned());
        let message = format!("{} Its models are not known. {next}", found.message);
        return Err(ApiError::new(StatusCode::BAD_GATEWAY, "provider.not_listed", message));
    }
    keep(&context, id, &found.models).await?;
    let (catalog, _) = context.shelf.catalog().await;
    let view = |model: &DiscoveredModel| {
        let known = catalog.find(&provider.kind, &model.id);
        Discovered {
            id: model.id.clone(),
            name: model.display_name.clone().or_else(|| known.map(|known| known.name.to_string())),
            is_known: known.is_some(),
            is_adopted: is_adopted(&everything, provider, &model.id),
            context: model.context_tokens.or_else(|| known?.context_tokens),
            max_output: model.max_output_tokens.or_else(|| known?.max_output_tokens),
        }
    };
    Ok(Json(Discovery { at: context.now().into(), models: found.models.iter().map(view).collect() }))
}

/// Keeps what a provider listed, for the catalogue's screen.
pub(super) async fn keep(context: &Context, id: ProviderId, models: &[DiscoveredModel]) -> Result<(), ApiError> {
    let listed = |model: &DiscoveredModel| ListedModel {
        id: model.id.clone(),
        name: model.display_name.clone(),
        context_tokens: model.context_tokens,
        max_output_tokens: model.max_output_tokens,
    };
    let list = ModelList { read_at: context.now(), models: models.iter().map(listed).collect() };
    context.settings.keep_model_list(id, &list).await.map_err(|error| settings_unavailable(&error))?;
    context.refresh_facts().await?;
    context.events.changed(&[Tag::Catalog]);
    Ok(())
}

fn is_adopted(everything: &Everything, provider: &Provider, id: &str) -> bool {
    let deployments = everything.models.iter().flat_map(|model| &model.deployments);
    deployments.into_iter().any(|it| it.provider_id == provider.id && it.upstream_model == id)
}
