//! Public models and the deployments that serve them.

pub mod adopt;
pub mod create;
pub mod delete;
pub mod list;
pub mod replace;

use megarouter_domain::id::{DeploymentId, ModelId, PriceId, ProviderId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::shape::{Rates, Time};

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
    /// The most tokens one answer can have.
    pub max_output_tokens: Option<u64>,
}

/// One version of a price.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Price {
    /// The version.
    #[schema(value_type = String, format = "uuid")]
    pub id: PriceId,
    /// From when it applies.
    pub valid_from: Time,
    /// The rates.
    pub rates: Rates,
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
    /// What it costs; left out when nobody knows.
    pub price: Option<NewPrice>,
    /// The most tokens one answer can have.
    pub max_output_tokens: Option<u64>,
}

/// A price to apply from the moment it is saved.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrice {
    /// The rates.
    pub rates: Rates,
    /// Where the figures come from; left out, `set by hand`.
    pub source: Option<String>,
}
