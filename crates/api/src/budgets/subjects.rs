//! `GET /budgets/{id}/subjects`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::id::BudgetId;
use megarouter_domain::snapshot::Snapshot;
use megarouter_ledger::account::Account;

use super::state::percent;
use super::{BudgetSubject, BudgetSubjects, SubjectAccount, in_use};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Id;
use crate::shape::Quantity;

/// The most accounts of one answer.
const MOST_ACCOUNTS: usize = 500;

/// Lists the accounts of a budget that has one for each part of its scope.
#[utoipa::path(get, path = "/budgets/{id}/subjects", operation_id = "list_subjects", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")),
    responses((status = 200, description = "Its accounts", body = BudgetSubjects)))]
pub async fn list_subjects(
    State(context): State<Arc<Context>>,
    Id(id): Id<BudgetId>,
) -> Result<Json<BudgetSubjects>, ApiError> {
    in_use(&context.everything().await?, id)?;
    let mut accounts = context.accounts().await?;
    accounts.retain(|account| account.key.budget == id && account.key.subject.is_some());
    accounts.sort_by_key(|account| (account.left(), account.key.subject.clone()));
    let total = accounts.len() as u64;
    let snapshot = context.gateway.snapshot();
    let shown = accounts.iter().take(MOST_ACCOUNTS).filter_map(|account| SubjectAccount::of(account, &snapshot));
    Ok(Json(BudgetSubjects { total, accounts: shown.collect() }))
}

impl SubjectAccount {
    fn of(account: &Account, snapshot: &Snapshot) -> Option<Self> {
        Some(Self {
            subject: BudgetSubject::of(account.key.subject.as_ref()?, snapshot),
            limit: Quantity(account.limit),
            used: Quantity(account.posted),
            held: Quantity(account.held),
            left: Quantity(account.left()),
            percent: percent(account.posted, account.limit),
        })
    }
}
