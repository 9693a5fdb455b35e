//! `POST /budgets`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::BudgetId;
use megarouter_store::settings::Change;

use super::draft::{Kept, checked};
use super::{Budget, BudgetDraft, view};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;

/// Makes a budget, in force before the answer is sent. What was used in its window before counts.
#[utoipa::path(post, path = "/budgets", operation_id = "create_budget", tag = "budgets", request_body = BudgetDraft,
    responses((status = 201, description = "The new budget", body = Budget)))]
pub async fn create_budget(
    State(context): State<Arc<Context>>,
    Body(draft): Body<BudgetDraft>,
) -> Result<(StatusCode, Json<Budget>), ApiError> {
    let now = context.now();
    let id = BudgetId::new(now, context.entropy());
    let budget = checked(&context.everything().await?, draft, Kept { id, raises: vec![], created_at: now })?;
    let everything = context.change(vec![Change::PutBudget(budget)], Reread::Nothing, &[Tag::Budgets]).await?;
    Ok((StatusCode::CREATED, Json(view::one(&context, &everything, id).await?)))
}
