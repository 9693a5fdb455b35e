//! `PUT /policies/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::PolicyId;
use megarouter_store::settings::Change;

use super::{Policy, PolicyDraft, check, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};

/// Changes a policy; what it says becomes a new version, in force at once. A draft that says nothing leaves the
/// version as it is. An archived policy is taken back into use.
#[utoipa::path(put, path = "/policies/{id}", operation_id = "replace_policy", tag = "policies",
    params(("id" = String, Path, description = "The policy's id")), request_body = PolicyDraft,
    responses((status = 200, description = "The policy", body = Policy)))]
pub async fn replace_policy(
    State(context): State<Arc<Context>>,
    Id(id): Id<PolicyId>,
    Body(draft): Body<PolicyDraft>,
) -> Result<Json<Policy>, ApiError> {
    let everything = context.everything().await?;
    let mut policy = view::find(&everything, id)?.clone();
    if let Some(number) = draft.based_on.filter(|number| *number != policy.live.number) {
        return Err(outdated(number, policy.live.number));
    }
    policy.name = draft.name;
    policy.archived_at = None;
    if let Some(description) = draft.description {
        policy.description = check::line(description, "description")?;
    }
    let said = check::said(&everything, draft.body, draft.text, policy.live.text.as_deref())?;
    let is_new = |said: &check::Said| said.body != policy.live.body || said.text != policy.live.text;
    if let Some(said) = said.filter(is_new) {
        policy.live = check::version(said, draft.note, context.now())?;
    }
    check::policy(&context, &everything, &policy)?;
    let everything = context.change(vec![Change::PutPolicy(policy)], Reread::Nothing, &[Tag::Policies]).await?;
    view::one(&everything, id).map(Json)
}

fn outdated(based_on: u32, live: u32) -> ApiError {
    let message = format!(
        "The change was made to version {based_on}, and version {live} is in force by now. Nothing was changed, so that \
         nobody's work is lost. Look at that version and make the change again."
    );
    ApiError::new(StatusCode::CONFLICT, "policy.outdated", message).about("based_on")
}
