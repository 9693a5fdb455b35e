//! `GET /budgets/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::BudgetId;

use super::{Budget, view};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;

/// Gives one budget.
#[utoipa::path(get, path = "/budgets/{id}", operation_id = "show_budget", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")),
    responses((status = 200, description = "The budget", body = Budget)))]
pub async fn show_budget(State(context): State<Arc<Context>>, Id(id): Id<BudgetId>) -> Result<Json<Budget>, ApiError> {
    let everything = context.everything().await?;
    view::one(&context, &everything, id).await.map(Json)
}
