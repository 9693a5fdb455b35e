//! `GET /providers/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ProviderId;

use super::{Provider, view};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;

/// Gives one provider.
#[utoipa::path(get, path = "/providers/{id}", operation_id = "show_provider", tag = "providers",
    params(("id" = String, Path, description = "The provider's id")),
    responses((status = 200, description = "The provider", body = Provider)))]
pub async fn show_provider(
    State(context): State<Arc<Context>>,
    Id(id): Id<ProviderId>,
) -> Result<Json<Provider>, ApiError> {
    let everything = context.everything().await?;
    view::one(&context, &everything, id).await.map(Json)
}
