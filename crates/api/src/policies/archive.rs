//! `DELETE /policies/{id}`

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

/// Takes a policy out of use: nobody can ask for it any more. Its versions stay, and changing it takes it back.
#[utoipa::path(delete, path = "/policies/{id}", operation_id = "archive_policy", tag = "policies",
    params(("id" = String, Path, description = "The policy's id")),
    responses((status = 200, description = "The policy", body = Policy)))]
pub async fn archive_policy(
    State(context): State<Arc<Context>>,
    Id(id): Id<PolicyId>,
) -> Result<Json<Policy>, ApiError> {
    let change = Change::ArchivePolicy { id, at: context.now() };
    let everything = context.change(vec![change], Reread::Nothing, &[Tag::Policies]).await?;
    view::one(&everything, id).map(Json)
}
