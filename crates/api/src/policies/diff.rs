//! `POST /policies/diff`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::policy;

use super::{ComparePolicies, PolicyDifference, check, words};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;

/// Says how two versions of a policy differ, in words.
#[utoipa::path(post, path = "/policies/diff", operation_id = "compare_policies", tag = "policies",
    request_body = ComparePolicies,
    responses((status = 200, description = "The differences", body = PolicyDifference)))]
pub async fn compare_policies(
    State(context): State<Arc<Context>>,
    Body(request): Body<ComparePolicies>,
) -> Result<Json<PolicyDifference>, ApiError> {
    let everything = context.everything().await?;
    let (from, to) = (policy::Body::try_from(request.from)?, policy::Body::try_from(request.to)?);
    Ok(Json(PolicyDifference { lines: words::differences(&from, &to, check::names(&everything)) }))
}
