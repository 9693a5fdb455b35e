//! `POST /policies`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::PolicyId;
use megarouter_domain::policy;
use megarouter_store::settings::Change;

use super::{Policy, PolicyDraft, check, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;

/// Makes a policy; apps can ask for its name when this is answered.
#[utoipa::path(post, path = "/policies", operation_id = "create_policy", tag = "policies", request_body = PolicyDraft,
    responses((status = 201, description = "The new policy", body = Policy)))]
pub async fn create_policy(
    State(context): State<Arc<Context>>,
    Body(draft): Body<PolicyDraft>,
) -> Result<(StatusCode, Json<Policy>), ApiError> {
    let (now, everything) = (context.now(), context.everything().await?);
    let said = check::required(check::said(&everything, draft.body, draft.text, None)?)?;
    let policy = policy::Policy {
        id: PolicyId::new(now, context.entropy()),
        name: draft.name,
        description: check::line(draft.description.unwrap_or_default(), "description")?,
        live: check::version(said, draft.note, now)?,
        trial: None,
        created_at: now,
        archived_at: None,
    };
    check::policy(&context, &everything, &policy)?;
    let id = policy.id;
    let everything = context.change(vec![Change::PutPolicy(policy)], Reread::Nothing, &[Tag::Policies]).await?;
    Ok((StatusCode::CREATED, Json(view::one(&everything, id)?)))
}
