//! `GET /feedback`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_store::settings::outcomes::Outcome;
use serde::Deserialize;

use super::{Feedback, FeedbackPage};
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::extract::Query;

const ROWS_TO_A_PAGE: u32 = 100;
const MOST_ROWS: u32 = 200;

/// Which statements.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FeedbackQuery {
    /// Where the page before ended: its `next_cursor`.
    pub cursor: Option<String>,
    /// Rows to a page; 100 when left out.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// Lists what was said of answers, newest first.
#[utoipa::path(get, path = "/feedback", operation_id = "list_feedback", tag = "feedback", params(FeedbackQuery),
    responses((status = 200, description = "One page", body = FeedbackPage)))]
pub async fn list_feedback(
    State(context): State<Arc<Context>>,
    Query(query): Query<FeedbackQuery>,
) -> Result<Json<FeedbackPage>, ApiError> {
    let before = query.cursor.as_deref().map(cursor).transpose()?.unwrap_or(i64::MAX.unsigned_abs());
    let limit = query.limit.unwrap_or(ROWS_TO_A_PAGE);
    if !(1..=MOST_ROWS).contains(&limit) {
        let message = format!("A page has 1 to {MOST_ROWS} rows. Nothing was read. Choose a number between.");
        return Err(ApiError::invalid("request.invalid", message).about("limit"));
    }
    let rows = context.settings.outcomes_before(before, limit).await.map_err(|error| settings_unavailable(&error))?;
    let is_full = rows.len() == limit as usize;
    let next_cursor = rows.last().filter(|_| is_full).map(|last| last.number.to_string());
    Ok(Json(FeedbackPage { rows: rows.into_iter().map(Feedback::from).collect(), next_cursor }))
}

fn cursor(text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| {
        let message =
            "The cursor is not one that this program gave. Nothing was read. Leave it out to begin at the first page.";
        ApiError::invalid("request.invalid", message).about("cursor")
    })
}

impl From<Outcome> for Feedback {
    fn from(outcome: Outcome) -> Self {
        let family = outcome.task.map(|task| task.family.into());
        Self { model: outcome.model, family, ..Self::said(&outcome.feedback) }
    }
}
