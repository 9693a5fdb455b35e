//! `POST /proxy/pause`

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use megarouter_domain::clock::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::status::{self, Status};

/// A pause is for hours, not for ever by a slip of the finger: a week at most.
const MOST_MINUTES: u64 = 7 * 24 * 60;

/// How long to pause.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseProxy {
    /// For how many minutes; `null` until somebody resumes.
    #[schema(minimum = 1, maximum = 10080)]
    pub minutes: Option<u64>,
}

/// Stops taking new requests; requests that are running finish.
#[utoipa::path(post, path = "/proxy/pause", operation_id = "pause_proxy", tag = "system", request_body = PauseProxy,
    responses((status = 200, description = "The new state", body = Status)))]
pub async fn pause_proxy(
    State(context): State<Arc<Context>>,
    Body(request): Body<PauseProxy>,
) -> Result<Json<Status>, ApiError> {
    let until = request.minutes.map(|minutes| end(context.now(), minutes)).transpose()?;
    context.gateway.pause(until);
    context.status_changed();
    status::read(&context).await.map(Json)
}

fn end(now: Timestamp, minutes: u64) -> Result<Timestamp, ApiError> {
    if !(1..=MOST_MINUTES).contains(&minutes) {
        let message = format!(
            "A pause of {minutes} minutes is not possible. The proxy goes on. Choose 1 to {MOST_MINUTES} minutes, or \
             leave the time out to pause until you resume."
        );
        return Err(ApiError::invalid("pause.minutes_invalid", message).about("minutes"));
    }
    Ok(now.plus(Duration::from_secs(minutes * 60)))
}
