//! `DELETE /policies/{id}/trial`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::PolicyId;
use megarouter_store::settings::Change;

use super::{Policy, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Id;

/// Ends a trial; the version stays among the others. Without one, nothing happens.
#[utoipa::path(delete, path = "/policies/{id}/trial", operation_id = "end_policy_trial", tag = "policies",
    params(("id" = String, Path, description = "The policy's id")),
    responses((status = 200, description = "The policy", body = Policy)))]
pub async fn end_policy_trial(
    State(context): State<Arc<Context>>,
    Id(id): Id<PolicyId>,
) -> Result<Json<Policy>, ApiError> {
    let everything = context.everything().await?;
    let mut policy = view::find(&everything, id)?.clone();
    if policy.trial.take().is_none() {
        return view::one(&everything, id).map(Json);
    }
    let everything = context.change(vec![Change::PutPolicy(policy)], Reread::Nothing, &[Tag::Policies]).await?;
    view::one(&everything, id).map(Json)
}
