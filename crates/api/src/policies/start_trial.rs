//! `PUT /policies/{id}/trial`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::PolicyId;
use megarouter_domain::policy::{Trial, TrialMode as Mode, Version};
use megarouter_store::settings::{Change, Everything};

use super::{Policy, TrialDraft, TrialMode, check, versions, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};

/// Tries a version beside the live one: in the shadow, where it changes nothing, or for a share of the sessions.
#[utoipa::path(put, path = "/policies/{id}/trial", operation_id = "start_policy_trial", tag = "policies",
    params(("id" = String, Path, description = "The policy's id")), request_body = TrialDraft,
    responses((status = 200, description = "The policy", body = Policy)))]
pub async fn start_policy_trial(
    State(context): State<Arc<Context>>,
    Id(id): Id<PolicyId>,
    Body(draft): Body<TrialDraft>,
) -> Result<Json<Policy>, ApiError> {
    let everything = context.everything().await?;
    let mut policy = view::find(&everything, id)?.clone();
    let mode = mode(draft.mode, draft.percent)?;
    let version = version(&context, &everything, &policy, draft).await?;
    policy.trial = Some(Trial { version, mode, since: context.now() });
    check::policy(&context, &everything, &policy)?;
    let everything = context.change(vec![Change::PutPolicy(policy)], Reread::Nothing, &[Tag::Policies]).await?;
    view::one(&everything, id).map(Json)
}

fn mode(mode: TrialMode, percent: Option<u8>) -> Result<Mode, ApiError> {
    match (mode, percent) {
        (TrialMode::Shadow, None) => Ok(Mode::Shadow),
        (TrialMode::Canary, Some(percent)) => Ok(Mode::Canary { percent }),
        (TrialMode::Shadow, Some(_)) => {
            let message = "A version in the shadow decides for nobody. Nothing was changed. Leave the percentage out.";
            Err(ApiError::invalid("policy.invalid", message).about("percent"))
        }
        (TrialMode::Canary, None) => {
            let message = "A canary needs its share. Nothing was changed. Send 1 to 99 percent.";
            Err(ApiError::invalid("policy.invalid", message).about("percent"))
        }
    }
}

async fn version(
    context: &Context,
    everything: &Everything,
    policy: &megarouter_domain::policy::Policy,
    draft: TrialDraft,
) -> Result<Version, ApiError> {
    let said = check::said(everything, draft.body, draft.text, policy.live.text.as_deref())?;
    match (draft.version, said) {
        (Some(number), None) => versions::one(context, policy.id, number).await,
        (None, Some(said)) => check::version(said, draft.note, context.now()),
        _ => {
            let message = "Say what to try: either `version`, or `body` or `text`. Nothing was changed. Send one.";
            Err(ApiError::invalid("request.invalid", message).about("version"))
        }
    }
}
