//! Steps of ladders that were reached, as events tell them.

use megarouter_domain::budget::{Action, Budget, Rung};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::snapshot::Snapshot;
use megarouter_ledger::account::Crossed;

use super::{BudgetAlert, BudgetScope, BudgetSubject};
use crate::context::Context;
use crate::events::Tag;
use crate::shape::{Quantity, Time};

impl Context {
    /// Tells whoever listens of steps of ladders that were reached.
    pub fn budget_alerts(&self, crossed: &[Crossed]) {
        let (snapshot, now) = (self.gateway.snapshot(), self.now());
        for crossed in crossed {
            let budget = snapshot.budgets().iter().find(|budget| budget.id == crossed.key.budget);
            if let Some(budget) = budget {
                self.events.alert(|| BudgetAlert::of(crossed, budget, &snapshot, now));
            }
        }
        if !crossed.is_empty() {
            self.events.changed(&[Tag::Budgets, Tag::Units]);
        }
    }
}

impl BudgetAlert {
    fn of(crossed: &Crossed, budget: &Budget, snapshot: &Snapshot, now: Timestamp) -> Self {
        let is_step = |rung: &&Rung| rung.at_percent == crossed.at_percent && rung.basis == crossed.basis;
        // Where one step tells and stops at the same percentage, the stop is the news.
        let mut actions = budget.ladder.iter().filter(is_step).map(|rung| rung.action);
        let action = if actions.any(|action| action == Action::Stop) { Action::Stop } else { Action::Notify };
        Self {
            budget_id: budget.id,
            name: budget.name.clone(),
            scope: BudgetScope::of(&budget.scope, snapshot),
            subject: crossed.key.subject.as_ref().map(|subject| BudgetSubject::of(subject, snapshot)),
            measure: budget.measure.into(),
            at_percent: crossed.at_percent,
            basis: crossed.basis.into(),
            action: action.into(),
            limit: Quantity(crossed.limit),
            used: Quantity(crossed.used),
            at: Time(now),
        }
    }
}
