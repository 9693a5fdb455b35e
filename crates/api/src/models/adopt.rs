//! `POST /providers/{id}/models`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ProviderId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Model;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Id};

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
/// Models of a local provider are priced at zero. A public model of the same name gets the provider as a
/// further deployment.
#[utoipa::path(post, path = "/providers/{id}/models", operation_id = "adopt_models", tag = "models",
    params(("id" = String, Path, description = "The provider's id")), request_body = AdoptModels,
    responses((status = 200, description = "The models, in the order asked for", body = Vec<Model>)))]
pub async fn adopt_models(
    State(_context): State<Arc<Context>>,
    Id(_id): Id<ProviderId>,
    Body(_request): Body<AdoptModels>,
) -> Result<Json<Vec<Model>>, ApiError> {
    unimplemented!()
}
