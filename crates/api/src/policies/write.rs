//! `POST /policies/write`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::policy;

use super::{PolicyText, WritePolicy, check, text, words};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;

/// Writes a policy as YAML; saves nothing.
#[utoipa::path(post, path = "/policies/write", operation_id = "write_policy_text", tag = "policies",
    request_body = WritePolicy, responses((status = 200, description = "The text", body = PolicyText)))]
pub async fn write_policy_text(
    State(context): State<Arc<Context>>,
    Body(request): Body<WritePolicy>,
) -> Result<Json<PolicyText>, ApiError> {
    let everything = context.everything().await?;
    let names = check::names(&everything);
    let body = policy::Body::try_from(request.body)?;
    let text = text::text(&body, request.text.as_deref(), names);
    let problems = check::problems(&context, &everything, &body, Some(&text));
    Ok(Json(PolicyText { sentences: words::sentences(&body, names), problems, text }))
}
