//! Public models and the deployments that serve them.

pub mod adopt;
pub mod adopt_many;
pub mod create;
pub mod delete;
pub mod list;
pub mod prices;
pub mod replace;
pub mod reprice;
pub mod retire;
pub mod users;

mod check;
mod prefill;

use megarouter_domain::id::{DeploymentId, ModelId, PriceId, ProviderId};
use megarouter_domain::model;
use megarouter_domain::price;
use megarouter_store::settings::{Everything, Noun};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::is_catalogue_price;
use crate::context::Context;
use crate::error::ApiError;
use crate::shape::{Rates, Tier, Time};

/// A public model.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Model {
    /// The model's id.
    #[schema(value_type = String, format = "uuid")]
    pub id: ModelId,
    /// The name apps ask for.
    pub name: String,
    /// Other names it answers to.
    pub aliases: Vec<String>,
    /// The ways to serve it, most wanted first.
    pub deployments: Vec<Deployment>,
    /// When it was added.
    pub created_at: Time,
}

/// One way to serve a model.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Deployment {
    /// The deployment's id.
    #[schema(value_type = String, format = "uuid")]
    pub id: DeploymentId,
    /// The id of who serves it.
    #[schema(value_type = String, format = "uuid")]
    pub provider_id: ProviderId,
    /// The name of who serves it.
    pub provider: String,
    /// The provider's own id of the model.
    pub upstream_model: String,
    /// What it costs; `null` when nobody said.
    pub price: Option<Price>,
    /// Whether it is known to cost nothing.
    pub is_free: bool,
    /// Whether the price is the catalogue's, and changes with it.
    pub is_catalogue_price: bool,
    /// The most tokens one answer can have.
    pub max_output_tokens: Option<u64>,
    /// Whether it thinks before it answers; `null` when not known.
    pub can_reason: Option<bool>,
}

/// One version of a price.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Price {
    /// The version.
    #[schema(value_type = String, format = "uuid")]
    pub id: PriceId,
    /// From when it applies.
    pub valid_from: Time,
    /// The standard rates.
    pub rates: Rates,
    /// Rates that take their place under a condition.
    pub tiers: Vec<Tier>,
    /// Where the figures come from.
    pub source: String,
}

/// A model to add, or what an existing one becomes.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewModel {
    /// The name apps ask for.
    pub name: String,
    /// Other names it answers to.
    pub aliases: Option<Vec<String>>,
    /// The ways to serve it, most wanted first.
    #[schema(min_items = 1)]
    pub deployments: Vec<NewDeployment>,
}

/// One way to serve a model.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeployment {
    /// The provider's name or id.
    pub provider: String,
    /// The provider's own id of the model.
    pub upstream_model: String,
    /// What it costs; left out, what the catalogue says.
    pub price: Option<NewPrice>,
    /// The most tokens one answer can have; left out, what the catalogue says.
    #[schema(minimum = 1, maximum = 100_000_000)]
    pub max_output_tokens: Option<u64>,
    /// Whether it thinks before it answers; left out, what the catalogue says.
    pub can_reason: Option<bool>,
}

/// A price to apply from the moment it is saved.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrice {
    /// The standard rates.
    pub rates: Rates,
    /// Rates that take their place under a condition.
    pub tiers: Option<Vec<Tier>>,
    /// Where the figures come from; left out, `set by hand`.
    pub source: Option<String>,
}

/// A deployment that somebody asks for, with what the catalogue fills in.
pub(crate) async fn fresh_deployment(
    context: &Context,
    everything: &Everything,
    old: &[model::Deployment],
    wanted: NewDeployment,
) -> Result<model::Deployment, ApiError> {
    let mut deployment = check::deployment(context, everything, old, wanted, "deployment")?;
    let provider = everything.providers.iter().find(|provider| provider.id == deployment.provider_id);
    if let Some(provider) = provider {
        prefill::Prefill::new(context).await.deployment(provider, &mut deployment);
    }
    Ok(deployment)
}

/// One model of a configuration.
fn one(everything: &Everything, id: ModelId) -> Result<Model, ApiError> {
    let found = everything.models.iter().find(|model| model.id == id);
    found.map(|model| Model::of(model, everything)).ok_or_else(|| ApiError::not_found(Noun::Model, id))
}

impl Model {
    pub(crate) fn of(model: &model::Model, everything: &Everything) -> Self {
        Self {
            id: model.id,
            name: model.name.clone(),
            aliases: model.aliases.clone(),
            deployments: model.deployments.iter().map(|deployment| Deployment::of(deployment, everything)).collect(),
            created_at: model.created_at.into(),
        }
    }
}

impl Deployment {
    fn of(deployment: &model::Deployment, everything: &Everything) -> Self {
        let provider = everything.providers.iter().find(|provider| provider.id == deployment.provider_id);
        Self {
            id: deployment.id,
            provider_id: deployment.provider_id,
            provider: provider.map(|provider| provider.name.clone()).unwrap_or_default(),
            upstream_model: deployment.upstream_model.clone(),
            price: deployment.price.as_ref().map(Price::from),
            is_free: deployment.price.as_ref().is_some_and(|price| price.tariff.is_free()),
            is_catalogue_price: deployment.price.as_ref().is_some_and(is_catalogue_price),
            max_output_tokens: deployment.max_output_tokens,
            can_reason: deployment.can_reason,
        }
    }
}

impl From<&price::Price> for Price {
    fn from(price: &price::Price) -> Self {
        Self {
            id: price.id,
            valid_from: price.valid_from.into(),
            rates: price.tariff.rates.into(),
            tiers: price.tariff.tiers.iter().map(Tier::from).collect(),
            source: price.source.clone(),
        }
    }
}
