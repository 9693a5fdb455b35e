//! `DELETE /budgets/{id}/raises/{raise}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::budget;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{BudgetId, RaiseId};
use megarouter_store::settings::Change;

use super::{Budget, in_use, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Ids;

/// Ends a temporary increase at once, or takes back one to come.
#[utoipa::path(delete, path = "/budgets/{id}/raises/{raise}", operation_id = "end_raise", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id"),
        ("raise" = String, Path, description = "The increase's id")),
    responses((status = 200, description = "The budget", body = Budget)))]
pub async fn end_raise(
    State(context): State<Arc<Context>>,
    Ids(id, raise): Ids<BudgetId, RaiseId>,
) -> Result<Json<Budget>, ApiError> {
    let stored = in_use(&context.everything().await?, id)?.clone();
    let budget = without(stored, raise, context.now())?;
    let everything = context.change(vec![Change::PutBudget(budget)], Reread::Nothing, &[Tag::Budgets]).await?;
    view::one(&context, &everything, id).await.map(Json)
}

/// The budget without what is left of a raise; the part of it that is over stays.
fn without(mut budget: budget::Budget, id: RaiseId, now: Timestamp) -> Result<budget::Budget, ApiError> {
    let missing = || {
        let message = format!("The budget has no raise {id}. Nothing was changed. Read the budget again.");
        ApiError::new(StatusCode::NOT_FOUND, "raise.not_found", message)
    };
    let raise = budget.raises.iter_mut().find(|raise| raise.id == id).ok_or_else(missing)?;
    raise.until = raise.until.min(now);
    budget.raises.retain(|raise| raise.from < raise.until);
    Ok(budget)
}
