//! `POST /requests/{id}/feedback`

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::feedback::{self, Signal};
use megarouter_domain::id::RequestId;
use megarouter_domain::permille::Permille;
use megarouter_gateway::feedback::Signalled;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Feedback, GiveFeedback, Thumbs};
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};

/// The longest comment, in characters.
const LONGEST_COMMENT: usize = 1_000;
/// How long it may take to find the request.
const FOUND_WITHIN: Duration = Duration::from_secs(3);

/// Says how good an answer was. The router learns from it.
#[utoipa::path(post, path = "/requests/{id}/feedback", operation_id = "give_feedback", tag = "feedback",
    params(("id" = String, Path, description = "The request's id")), request_body = GiveFeedback,
    responses((status = 200, description = "What was said", body = Feedback)))]
pub async fn give_feedback(
    State(context): State<Arc<Context>>,
    Id(request_id): Id<RequestId>,
    Body(request): Body<GiveFeedback>,
) -> Result<Json<Feedback>, ApiError> {
    let score = score(&request)?;
    let comment = request.comment.filter(|comment| !comment.trim().is_empty());
    if comment.as_ref().is_some_and(|comment| comment.chars().count() > LONGEST_COMMENT) {
        let message = format!("A comment has at most {LONGEST_COMMENT} characters. Nothing was kept. Shorten it.");
        return Err(ApiError::invalid("feedback.invalid", message).about("comment"));
    }
    let comment = comment.map(Arc::from);
    let said = feedback::Feedback { request_id, at: context.now(), signal: Signal::Rated, score, comment };
    tell(&context, said.clone()).await?;
    context.changed(&[Tag::Feedback]);
    Ok(Json(Feedback::said(&said)))
}

fn score(request: &GiveFeedback) -> Result<Permille, ApiError> {
    match (request.score_permille, request.thumbs) {
        (Some(thousandths), None) => Permille::new(thousandths).ok_or_else(|| {
            let message = "A score has 0 to 1000 thousandths. Nothing was kept. Send one of those.";
            ApiError::invalid("feedback.invalid", message).about("score_permille")
        }),
        (None, Some(Thumbs::Up)) => Ok(Permille::ONE),
        (None, Some(Thumbs::Down)) => Ok(Permille::ZERO),
        _ => {
            let message = "Say how good the answer was. Nothing was kept. Send `score_permille` or `thumbs`.";
            Err(ApiError::invalid("feedback.invalid", message).about("thumbs"))
        }
    }
}

/// Hands a statement to whoever learns from it, and waits until the request is found.
pub(super) async fn tell(context: &Context, feedback: feedback::Feedback) -> Result<(), ApiError> {
    let (sender, is_known) = oneshot::channel();
    let request_id = feedback.request_id;
    let signalled = Signalled { feedback, answered: None, by: None, is_known: Some(sender) };
    context.signals.try_send(signalled).map_err(|_| {
        let message = "Too much is said of answers at once. This was not kept. Try again in a moment.";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "feedback.busy", message)
    })?;
    match timeout(FOUND_WITHIN, is_known).await {
        Ok(Ok(true)) => Ok(()),
        _ => Err(crate::requests::show::not_found(request_id)),
    }
}
