//! Public models and the deployments that serve them.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{DeploymentId, ModelId, ProviderId};
use crate::price::Price;

/// A model as a caller asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The model's id.
    pub id: ModelId,
    /// Its public name; unique among names and aliases.
    pub name: String,
    /// Other names it answers to.
    pub aliases: Vec<String>,
    /// The ways to serve it, most wanted first.
    pub deployments: Vec<Deployment>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// One way to serve a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The deployment's id.
    pub id: DeploymentId,
    /// Who serves it.
    pub provider_id: ProviderId,
    /// The provider's own id of the model.
    pub upstream_model: String,
    /// What it costs; `None` when nobody said.
    pub price: Option<Price>,
    /// The most tokens one answer can have, when known.
    pub max_output_tokens: Option<u64>,
    /// Whether it thinks before it answers, when known: one that cannot is not asked to.
    pub can_reason: Option<bool>,
}
