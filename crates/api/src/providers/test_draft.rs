//! `POST /providers/test`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Diagnosis;
use super::create::NewProvider;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;

/// Calls a provider that is not saved, and saves nothing.
#[utoipa::path(post, path = "/providers/test", operation_id = "test_provider_draft", tag = "providers",
    request_body = NewProvider, responses((status = 200, description = "What the call found", body = Diagnosis)))]
pub async fn test_provider_draft(
    State(_context): State<Arc<Context>>,
    Body(_request): Body<NewProvider>,
) -> Result<Json<Diagnosis>, ApiError> {
    unimplemented!()
}
