//! `POST /policies/{id}/versions/{number}/activate`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::PolicyId;
use megarouter_store::settings::Change;

use super::{Policy, check, versions, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Ids;

/// Puts a version in force: an older one to roll back, or the one on trial, whose trial ends with it.
#[utoipa::path(post, path = "/policies/{id}/versions/{number}/activate", operation_id = "activate_policy_version",
    tag = "policies",
    params(("id" = String, Path, description = "The policy's id"),
        ("number" = u32, Path, description = "The version's number")),
    responses((status = 200, description = "The policy", body = Policy)))]
pub async fn activate_policy_version(
    State(context): State<Arc<Context>>,
    Ids(id, number): Ids<PolicyId, u32>,
) -> Result<Json<Policy>, ApiError> {
    let everything = context.everything().await?;
    let mut policy = view::find(&everything, id)?.clone();
    policy.live = versions::one(&context, id, number).await?;
    policy.trial = policy.trial.filter(|trial| trial.version.number != number);
    check::policy(&context, &everything, &policy)?;
    let everything = context.change(vec![Change::PutPolicy(policy)], Reread::Nothing, &[Tag::Policies]).await?;
    view::one(&everything, id).map(Json)
}
