//! Budgets as answers show them.

use megarouter_domain::budget;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::BudgetId;
use megarouter_domain::period;
use megarouter_domain::snapshot::Snapshot;
use megarouter_store::settings::{Everything, Noun};

use super::state::States;
use super::{Budget, BudgetScope, Period, PeriodKind, Raise, Rung};
use crate::context::Context;
use crate::error::ApiError;
use crate::shape::{Quantity, Time};

/// Every budget of a configuration.
pub(super) async fn all(context: &Context, everything: &Everything) -> Result<Vec<Budget>, ApiError> {
    let active: Vec<_> = everything.budgets.iter().filter(|budget| budget.is_active()).collect();
    let states = States::read(context, &active).await?;
    let snapshot = context.gateway.snapshot();
    let now = context.now();
    Ok(everything.budgets.iter().map(|budget| Budget::of(budget, &states, &snapshot, now)).collect())
}

/// One budget of a configuration.
pub(super) async fn one(context: &Context, everything: &Everything, id: BudgetId) -> Result<Budget, ApiError> {
    let found = everything.budgets.iter().find(|budget| budget.id == id);
    let budget = found.ok_or_else(|| ApiError::not_found(Noun::Budget, id))?;
    let states = States::read(context, &[budget]).await?;
    Ok(Budget::of(budget, &states, &context.gateway.snapshot(), context.now()))
}

impl Budget {
    fn of(budget: &budget::Budget, states: &States, snapshot: &Snapshot, now: Timestamp) -> Self {
        Self {
            id: budget.id,
            name: budget.name.clone(),
            scope: BudgetScope::of(&budget.scope, snapshot),
            each: budget.each.map(Into::into),
            measure: budget.measure.into(),
            limit: Quantity(budget.limit),
            period: budget.period.into(),
            zone: budget.zone.to_string(),
            carries_over: budget.carries_over,
            is_strict: budget.is_strict,
            is_hard: budget.stops_at().is_some(),
            ladder: budget.ladder.iter().map(Rung::from).collect(),
            raises: budget.raises.iter().map(|raise| Raise::of(raise, now)).collect(),
            created_at: budget.created_at.into(),
            archived_at: budget.archived_at.map(Time),
            state: budget.is_active().then(|| states.of(budget, snapshot)),
        }
    }
}

impl Raise {
    fn of(raise: &budget::Raise, now: Timestamp) -> Self {
        Self {
            id: raise.id,
            amount: Quantity(raise.amount),
            from: raise.from.into(),
            until: raise.until.into(),
            reason: raise.reason.clone(),
            is_in_force: raise.from <= now && now < raise.until,
        }
    }
}

impl From<&budget::Rung> for Rung {
    fn from(rung: &budget::Rung) -> Self {
        Self { at_percent: rung.at_percent, basis: Some(rung.basis.into()), action: rung.action.into() }
    }
}

impl From<period::Period> for Period {
    fn from(period: period::Period) -> Self {
        let (kind, starts_on, seconds) = match period {
            period::Period::Hour => (PeriodKind::Hour, None, None),
            period::Period::Day => (PeriodKind::Day, None, None),
            period::Period::Week { starts_on } => (PeriodKind::Week, Some(starts_on), None),
            period::Period::Month { starts_on } => (PeriodKind::Month, Some(starts_on), None),
            period::Period::Quarter => (PeriodKind::Quarter, None, None),
            period::Period::Year => (PeriodKind::Year, None, None),
            period::Period::Total => (PeriodKind::Total, None, None),
            period::Period::Rolling { seconds } => (PeriodKind::Rolling, None, Some(seconds)),
        };
        Self { kind, starts_on, seconds }
    }
}
