//! `POST /policies/read`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{PolicyBody, PolicyReading, ReadPolicy, check, text, words};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;

/// Reads a policy's YAML; saves nothing.
#[utoipa::path(post, path = "/policies/read", operation_id = "read_policy_text", tag = "policies",
    request_body = ReadPolicy, responses((status = 200, description = "What it says", body = PolicyReading)))]
pub async fn read_policy_text(
    State(context): State<Arc<Context>>,
    Body(request): Body<ReadPolicy>,
) -> Result<Json<PolicyReading>, ApiError> {
    let everything = context.everything().await?;
    let names = check::names(&everything);
    Ok(Json(match text::parse(&request.text, names) {
        Err(problem) => PolicyReading { body: None, sentences: vec![], problems: vec![problem] },
        Ok(body) => PolicyReading {
            sentences: words::sentences(&body, names),
            problems: check::problems(&context, &everything, &body, Some(&request.text)),
            body: Some(PolicyBody::from(&body)),
        },
    }))
}
