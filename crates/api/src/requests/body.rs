//! `GET /requests/{id}/body`

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::RequestId;
use megarouter_store::bodies::{Kept, Side};

use super::{KeptText, Texts};
use crate::audit;
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::extract::Id;
use crate::settings::{BodyRules, Preferences};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Gives the text of a request and its answer, where the organisation keeps it. That it was read is written down
/// in the audit log first.
#[utoipa::path(get, path = "/requests/{id}/body", operation_id = "show_request_body", tag = "requests",
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, description = "The texts", body = Texts)))]
pub async fn show_request_body(
    State(context): State<Arc<Context>>,
    Id(id): Id<RequestId>,
) -> Result<Json<Texts>, ApiError> {
    let rules = Preferences::of(&context.everything().await?).bodies.unwrap_or_default();
    let kept = context.bodies.get(id, context.now()).await.map_err(|error| settings_unavailable(&error))?;
    let kept = kept.ok_or_else(|| not_kept(id, rules))?;
    context.note(audit::read_body(id)).await?;
    Ok(Json(Texts::of(kept, rules)))
}

impl Texts {
    fn of(kept: Kept, rules: BodyRules) -> Self {
        let kept_until = kept.at.plus(DAY * u32::from(rules.retention_days));
        let response = Some(kept.response).filter(|side| side.text.is_some());
        Self {
            kept_at: kept.at.into(),
            kept_until: Some(kept_until.into()),
            request: kept.request.into(),
            response: response.map(KeptText::from),
        }
    }
}

impl From<Side> for KeptText {
    fn from(side: Side) -> Self {
        Self {
            text: side.text.as_deref().unwrap_or_default().to_owned(),
            size_bytes: side.size_bytes,
            is_cut: side.is_cut,
            redactions: side.redactions,
        }
    }
}

fn not_kept(id: RequestId, rules: BodyRules) -> ApiError {
    let message = if rules.is_on {
        format!(
            "The text of {id} is not kept here. It may be older than {} days, from before texts were kept, or on another \
             node. Nothing can be shown.",
            rules.retention_days
        )
    } else {
        "Texts of requests are not kept: the organisation has not turned it on. Nothing can be shown. An administrator \
         can turn it on under Settings, for requests to come."
            .to_owned()
    };
    ApiError::new(StatusCode::NOT_FOUND, "request.body_not_kept", message)
}
