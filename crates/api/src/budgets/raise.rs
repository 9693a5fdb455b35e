//! `POST /budgets/{id}/raises`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::{BudgetId, RaiseId};
use megarouter_store::settings::Change;

use super::{Budget, NewRaise, draft, in_use, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::{Body, Id};

/// Increases a budget for a time.
#[utoipa::path(post, path = "/budgets/{id}/raises", operation_id = "raise_budget", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")), request_body = NewRaise,
    responses((status = 201, description = "The budget", body = Budget)))]
pub async fn raise_budget(
    State(context): State<Arc<Context>>,
    Id(id): Id<BudgetId>,
    Body(raise): Body<NewRaise>,
) -> Result<(StatusCode, Json<Budget>), ApiError> {
    let now = context.now();
    let stored = in_use(&context.everything().await?, id)?.clone();
    let budget = draft::raised(stored, &raise, RaiseId::new(now, context.entropy()), now)?;
    let everything = context.change(vec![Change::PutBudget(budget)], Reread::Nothing, &[Tag::Budgets]).await?;
    Ok((StatusCode::CREATED, Json(view::one(&context, &everything, id).await?)))
}
