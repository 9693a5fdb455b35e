//! `PUT /budgets/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::BudgetId;
use megarouter_store::settings::{Change, Noun};

use super::draft::{Kept, checked};
use super::{Budget, BudgetDraft, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};

/// Replaces a budget, in force before the answer is sent; its raises and what was used stay. One that is archived
/// applies again.
#[utoipa::path(put, path = "/budgets/{id}", operation_id = "replace_budget", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")), request_body = BudgetDraft,
    responses((status = 200, description = "The budget", body = Budget)))]
pub async fn replace_budget(
    State(context): State<Arc<Context>>,
    Id(id): Id<BudgetId>,
    Body(draft): Body<BudgetDraft>,
) -> Result<Json<Budget>, ApiError> {
    let everything = context.everything().await?;
    let stored = everything.budgets.iter().find(|budget| budget.id == id);
    let stored = stored.ok_or_else(|| ApiError::not_found(Noun::Budget, id))?;
    let kept = Kept { id, raises: stored.raises.clone(), created_at: stored.created_at };
    let budget = checked(&everything, draft, kept)?;
    let everything = context.change(vec![Change::PutBudget(budget)], Reread::Nothing, &[Tag::Budgets]).await?;
    view::one(&context, &everything, id).await.map(Json)
}
