//! `POST /providers/test`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::provider::{Credential, CredentialSource, Target};
use megarouter_providers::probe;

use super::Diagnosis;
use super::create::{NewProvider, checked};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;

/// Calls a provider that is not saved, and saves nothing.
#[utoipa::path(post, path = "/providers/test", operation_id = "test_provider_draft", tag = "providers",
    request_body = NewProvider, responses((status = 200, description = "What the call found", body = Diagnosis)))]
pub async fn test_provider_draft(
    State(context): State<Arc<Context>>,
    Body(request): Body<NewProvider>,
) -> Result<Json<Diagnosis>, ApiError> {
    let (provider, secret) = checked(&context, request)?;
    let credential = match (&provider.credential, secret) {
        (_, Some(secret)) => Credential::Ready(Arc::new(secret)),
        (CredentialSource::Environment { variable }, None) => context.credentials().in_environment(variable),
        (CredentialSource::None | CredentialSource::Stored, None) => Credential::None,
    };
    let target = Target { provider, credential, pool: vec![] };
    let found = probe::test(context.gateway.client(), &target, None, context.now()).await;
    Ok(Json(found.into()))
}
