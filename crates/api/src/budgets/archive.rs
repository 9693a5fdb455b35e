//! `DELETE /budgets/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::BudgetId;
use megarouter_store::settings::Change;

use super::{Budget, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Id;

/// Ends a budget for good; its history stays.
#[utoipa::path(delete, path = "/budgets/{id}", operation_id = "archive_budget", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")),
    responses((status = 200, description = "The budget", body = Budget)))]
pub async fn archive_budget(
    State(context): State<Arc<Context>>,
    Id(id): Id<BudgetId>,
) -> Result<Json<Budget>, ApiError> {
    let change = Change::ArchiveBudget { id, at: context.now() };
    let everything = context.change(vec![change], Reread::Nothing, &[Tag::Budgets]).await?;
    view::one(&context, &everything, id).await.map(Json)
}
