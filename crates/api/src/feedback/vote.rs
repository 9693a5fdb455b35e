//! `POST /feedback/votes`

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::feedback::{self, Signal};
use megarouter_domain::permille::Permille;

use super::{Feedback, Vote, give};
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;

/// What an answer gets that is as good as the others.
const DRAW: Permille = Permille::clamped(500);

/// Says which of several answers is the best. The router learns from it.
#[utoipa::path(post, path = "/feedback/votes", operation_id = "vote", tag = "feedback", request_body = Vote,
    responses((status = 200, description = "What was said of each answer", body = Vec<Feedback>)))]
pub async fn vote(
    State(context): State<Arc<Context>>,
    Body(request): Body<Vote>,
) -> Result<Json<Vec<Feedback>>, ApiError> {
    let Vote { requests, preferred } = request;
    let is_among = preferred.is_none_or(|preferred| requests.contains(&preferred));
    let differ = requests.iter().collect::<HashSet<_>>().len() == requests.len();
    if !(2..=4).contains(&requests.len()) || !differ || !is_among {
        let message = "A vote is about 2 to 4 different requests, and prefers one of them or none. Nothing was kept. \
                       Send their ids.";
        return Err(ApiError::invalid("feedback.invalid", message).about("requests"));
    }
    let mut said = Vec::with_capacity(requests.len());
    for request_id in requests {
        let score = match preferred {
            None => DRAW,
            Some(preferred) if preferred == request_id => Permille::ONE,
            Some(_) => Permille::ZERO,
        };
        let feedback =
            feedback::Feedback { request_id, at: context.now(), signal: Signal::Voted, score, comment: None };
        give::tell(&context, feedback.clone()).await?;
        said.push(Feedback::said(&feedback));
    }
    context.changed(&[Tag::Feedback]);
    Ok(Json(said))
}
