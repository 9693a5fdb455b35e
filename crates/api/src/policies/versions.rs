//! `GET /policies/{id}/versions`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::PolicyId;
use megarouter_domain::policy::Version;

use super::{PolicyVersion, check, view};
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::extract::Id;

/// Lists every version that a policy had, newest first.
#[utoipa::path(get, path = "/policies/{id}/versions", operation_id = "list_policy_versions", tag = "policies",
    params(("id" = String, Path, description = "The policy's id")),
    responses((status = 200, description = "Its versions", body = Vec<PolicyVersion>)))]
pub async fn list_policy_versions(
    State(context): State<Arc<Context>>,
    Id(id): Id<PolicyId>,
) -> Result<Json<Vec<PolicyVersion>>, ApiError> {
    let everything = context.everything().await?;
    let live = view::find(&everything, id)?.live.number;
    let names = check::names(&everything);
    Ok(Json(stored(&context, id).await?.iter().map(|version| view::version(version, live, names)).collect()))
}

/// Every stored version of a policy, newest first.
pub(super) async fn stored(context: &Context, id: PolicyId) -> Result<Vec<Version>, ApiError> {
    context.settings.versions(id).await.map_err(|error| settings_unavailable(&error))
}

/// One stored version of a policy.
pub(super) async fn one(context: &Context, id: PolicyId, number: u32) -> Result<Version, ApiError> {
    let found = stored(context, id).await?.into_iter().find(|version| version.number == number);
    found.ok_or_else(|| {
        let message =
            format!("The policy has no version {number}. Nothing was changed. Choose one of /policies/{id}/versions.");
        ApiError::new(http::StatusCode::NOT_FOUND, "policy.version_not_found", message).about("version")
    })
}
