//! `POST /models/adopt`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ModelId;
use megarouter_domain::model;
use megarouter_store::settings::{Change, Everything};
use serde::Deserialize;
use utoipa::ToSchema;

use super::adopt::MOST_AT_ONCE;
use super::check;
use super::create::empty;
use super::prefill::Prefill;
use super::{Model, NewDeployment, NewPrice};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;

/// Models of providers to make public, all at once.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptFromCatalog {
    /// The models.
    #[schema(min_items = 1)]
    pub models: Vec<AdoptedModel>,
}

/// A provider's model to make public. What is left out is filled in from the catalogue.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptedModel {
    /// The provider's name or id.
    pub provider: String,
    /// The provider's own id of the model.
    pub upstream_model: String,
    /// The name apps ask for; left out, the provider's own.
    pub name: Option<String>,
    /// Other names it answers to, beside those that a model of this name has.
    pub aliases: Option<Vec<String>>,
    /// What it costs; left out, what the catalogue says.
    pub price: Option<NewPrice>,
    /// The most tokens one answer can have; left out, what the catalogue says.
    #[schema(minimum = 1, maximum = 100_000_000)]
    pub max_output_tokens: Option<u64>,
}

/// Makes models of providers public, all or none. One whose name is there already gets a further
/// deployment.
#[utoipa::path(post, path = "/models/adopt", operation_id = "adopt_from_catalog", tag = "models",
    request_body = AdoptFromCatalog,
    responses((status = 200, description = "The models, each once, in the order asked for", body = Vec<Model>)))]
pub async fn adopt_from_catalog(
    State(context): State<Arc<Context>>,
    Body(request): Body<AdoptFromCatalog>,
) -> Result<Json<Vec<Model>>, ApiError> {
    let everything = context.everything().await?;
    let prefill = Prefill::new(&context).await;
    if request.models.is_empty() || request.models.len() > MOST_AT_ONCE {
        let message = format!("Choose 1 to {MOST_AT_ONCE} models at once. Nothing was changed. Send fewer or more.");
        return Err(ApiError::invalid("model.deployments_invalid", message).about("models"));
    }
    let mut adopted: Vec<model::Model> = Vec::with_capacity(request.models.len());
    for (index, wanted) in request.models.into_iter().enumerate() {
        adopt(&context, &everything, &prefill, &mut adopted, wanted, index)?;
    }
    let ids: Vec<ModelId> = adopted.iter().map(|model| model.id).collect();
    let changes = adopted.into_iter().map(Change::PutModel).collect();
    let everything = context.change(changes, Reread::Nothing, &[Tag::Models, Tag::Providers]).await?;
    ids.into_iter().map(|id| super::one(&everything, id)).collect::<Result<_, _>>().map(Json)
}

/// Adds a deployment to the model of the name asked for: one of this call, one that is there, or a new one.
fn adopt(
    context: &Context,
    everything: &Everything,
    prefill: &Prefill<'_>,
    adopted: &mut Vec<model::Model>,
    wanted: AdoptedModel,
    index: usize,
) -> Result<(), ApiError> {
    let field = format!("models[{index}]");
    let name = wanted.name.unwrap_or_else(|| wanted.upstream_model.clone());
    let name = check::name(name, &format!("{field}.name"))?;
    let known = adopted.iter().position(|model| model.name == name);
    let mut model = match known {
        Some(known) => adopted.remove(known),
        None => everything.models.iter().find(|model| model.name == name).cloned().unwrap_or_else(|| empty(context)),
    };
    model.name.clone_from(&name);
    let mut aliases = std::mem::take(&mut model.aliases);
    aliases.extend(wanted.aliases.unwrap_or_default());
    model.aliases = check::aliases(unique(aliases), &name, &format!("{field}.aliases"))?;
    let wanted = NewDeployment {
        provider: wanted.provider,
        upstream_model: wanted.upstream_model,
        price: wanted.price,
        max_output_tokens: wanted.max_output_tokens,
        can_reason: None,
    };
    let deployment = check::deployment(context, everything, &model.deployments, wanted, &field)?;
    if model.deployments.iter().all(|known| known.id != deployment.id) {
        model.deployments.push(deployment);
    }
    prefill.model(everything, &mut model);
    adopted.insert(known.unwrap_or(adopted.len()), model);
    Ok(())
}

fn unique(names: Vec<String>) -> Vec<String> {
    let mut kept = Vec::with_capacity(names.len());
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}
