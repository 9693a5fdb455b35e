//! The retirement radar: models in use that their providers end.

pub mod replace;
pub mod show;

use megarouter_domain::id::{DeploymentId, ModelId, ProviderId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::{CatalogDate, CatalogStanding, PublicModel};
use crate::models::Model;
use crate::shape::{Cost, Rate, Time};

/// Deployments that their providers end, what is most urgent first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Radar {
    /// When it was read.
    pub as_of: Time,
    /// The date of the catalogue's newest source.
    pub catalogue_date: Option<CatalogDate>,
    /// The deployments.
    pub entries: Vec<RadarEntry>,
}

/// A deployment that its provider ends.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RadarEntry {
    /// The public model's id.
    #[schema(value_type = String, format = "uuid")]
    pub model_id: ModelId,
    /// The public model.
    pub model: String,
    /// The deployment.
    #[schema(value_type = String, format = "uuid")]
    pub deployment_id: DeploymentId,
    /// Who serves it.
    pub provider: String,
    /// The provider's own id of it.
    pub upstream_model: String,
    /// Its name for a person.
    pub name: String,
    /// How it stands.
    pub status: CatalogStanding,
    /// The day it goes away; `null` when the provider named none.
    pub shuts_down: Option<CatalogDate>,
    /// Days until then; 0 when it is past, `null` without a day.
    pub days_left: Option<u32>,
    /// Whether it is past.
    pub is_gone: bool,
    /// Whether the model has another deployment that stays.
    pub has_other: bool,
    /// The successor that the provider names.
    pub successor: Option<String>,
    /// Requests for the public model in the last 30 days.
    pub requests_30d: u64,
    /// What they cost.
    pub cost_30d: Cost,
    /// What could take its place, cheapest first; each takes, gives and does at least as much.
    pub stand_ins: Vec<StandIn>,
}

/// What could take a deployment's place.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StandIn {
    /// The id of the provider's kind.
    pub kind: String,
    /// The provider's own id of it.
    pub upstream_model: String,
    /// Its name for a person.
    pub name: String,
    /// A configured provider that could serve it; `null` when none is of that kind.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub provider_id: Option<ProviderId>,
    /// That provider's name.
    pub provider: Option<String>,
    /// Public models with a deployment of it.
    pub models: Vec<PublicModel>,
    /// One price for input and output, US dollars per million tokens.
    pub blended: Rate,
    /// How much less that is than now, in percent; negative when it is more, `null` when what is now has no price.
    pub saving_percent: Option<i64>,
    /// Whether it is the successor that the provider names.
    pub is_successor: bool,
}

/// A deployment to replace.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RadarReplace {
    /// The deployment that goes.
    #[schema(value_type = String, format = "uuid")]
    pub deployment_id: DeploymentId,
    /// The name or id of the provider that serves what comes.
    pub provider: String,
    /// The provider's own id of what comes.
    pub upstream_model: String,
    /// Only say what would change.
    pub dry_run: Option<bool>,
}

/// What a replacement changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RadarReplacement {
    /// Whether it was done.
    pub is_done: bool,
    /// In words.
    pub changes: Vec<String>,
    /// The public model as it is, or would be.
    pub model: Model,
}
