//! `POST /providers/{id}/test`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::ProviderId;

use super::Diagnosis;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;

/// Calls a provider and says what is wrong, if anything is.
#[utoipa::path(post, path = "/providers/{id}/test", operation_id = "test_provider", tag = "providers",
    params(("id" = String, Path, description = "The provider's id")),
    responses((status = 200, description = "What the call found", body = Diagnosis)))]
pub async fn test_provider(
    State(_context): State<Arc<Context>>,
    Id(_id): Id<ProviderId>,
) -> Result<Json<Diagnosis>, ApiError> {
    unimplemented!()
}
