//! `GET /budgets`

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{Budget, BudgetLevel, view};
use crate::context::Context;
use crate::error::ApiError;

/// Lists budgets: what is exhausted, then what is exhausted soonest, then what is used most; archived ones last.
#[utoipa::path(get, path = "/budgets", operation_id = "list_budgets", tag = "budgets",
    responses((status = 200, description = "All budgets", body = Vec<Budget>)))]
pub async fn list_budgets(State(context): State<Arc<Context>>) -> Result<Json<Vec<Budget>>, ApiError> {
    let everything = context.everything().await?;
    let mut budgets = view::all(&context, &everything).await?;
    budgets.sort_by_cached_key(|budget| {
        let state = budget.state.as_ref();
        let is_exhausted = state.is_some_and(|state| state.level == BudgetLevel::Exhausted);
        let exhausts_at = state.and_then(|state| state.forecast?.exhausts_at).map(|time| time.0);
        let percent = state.map(|state| state.percent);
        (budget.archived_at.is_some(), !is_exhausted, exhausts_at.is_none(), exhausts_at, Reverse(percent), budget.id)
    });
    Ok(Json(budgets))
}
