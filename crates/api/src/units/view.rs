//! The organisation as answers show it.

use std::collections::HashMap;

use megarouter_domain::budget;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::UnitId;
use megarouter_domain::key::VirtualKey;
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::unit::{self, Units};
use megarouter_store::ledger::activity::KeyActivity;
use megarouter_store::ledger::requests::Filter;
use megarouter_store::settings::{Everything, Noun};

use super::{Organization, OrganizationTree, Unit};
use crate::budgets::BudgetBrief;
use crate::budgets::state::States;
use crate::context::Context;
use crate::error::ApiError;
use crate::shape::Time;

/// The organisation and everything in it.
pub(crate) async fn tree(context: &Context, everything: &Everything) -> Result<OrganizationTree, ApiError> {
    let figures = Figures::read(context, everything).await?;
    let units = everything.units.iter().map(|unit| figures.unit(unit)).collect();
    let organization = organization(context, everything, &figures).await?;
    Ok(OrganizationTree { organization, units })
}

/// One unit.
pub(super) async fn one(context: &Context, everything: &Everything, id: UnitId) -> Result<Unit, ApiError> {
    let unit = everything.units.iter().find(|unit| unit.id == id).ok_or_else(|| ApiError::not_found(Noun::Unit, id))?;
    Ok(Figures::read(context, everything).await?.unit(unit))
}

/// What is known of units besides themselves.
struct Figures {
    activity: HashMap<UnitId, KeyActivity>,
    keys: HashMap<Option<UnitId>, u64>,
    budgets: HashMap<Scope, BudgetBrief>,
}

impl Figures {
    async fn read(context: &Context, everything: &Everything) -> Result<Self, ApiError> {
        let month = month_start(context);
        let activity = context.questions().unit_activity(month).await?;
        let snapshot = context.gateway.snapshot();
        let is_own = |budget: &&budget::Budget| matches!(budget.scope, Scope::Organization(_) | Scope::Unit(_));
        let own: Vec<_> = everything.budgets.iter().filter(|budget| budget.is_active()).filter(is_own).collect();
        let states = States::read(context, &own).await?;
        let now = context.now();
        let active = everything.keys.iter().filter(|key| key.is_active(now) && key.id != everything.playground_key);
        Ok(Self { activity, keys: count_keys(active, snapshot.units()), budgets: tightest(&own, &states, &snapshot) })
    }

    fn unit(&self, unit: &unit::Unit) -> Unit {
        let activity = self.activity.get(&unit.id).copied().unwrap_or_default();
        Unit {
            id: unit.id,
            kind: unit.kind.into(),
            name: unit.name.clone(),
            parent: unit.parent,
            email: unit.email.clone(),
            created_at: unit.created_at.into(),
            archived_at: unit.archived_at.map(Time),
            keys: self.keys.get(&Some(unit.id)).copied().unwrap_or(0),
            last_used_at: activity.last_used_at.map(Time),
            requests: activity.sums.requests,
            cost: activity.sums.cost().into(),
            budget: self.budgets.get(&Scope::Unit(unit.id)).cloned(),
        }
    }
}

async fn organization(context: &Context, everything: &Everything, figures: &Figures) -> Result<Organization, ApiError> {
    let month = Filter { from: Some(month_start(context)), ..Filter::default() };
    let sums = context.questions().request_sums(&month).await?;
    let id = everything.organization.id;
    Ok(Organization {
        id,
        name: everything.organization.name.clone(),
        keys: figures.keys.get(&None).copied().unwrap_or(0),
        requests: sums.requests,
        cost: sums.cost().into(),
        budget: figures.budgets.get(&Scope::Organization(id)).cloned(),
    })
}

fn month_start(context: &Context) -> Timestamp {
    Period::Month { starts_on: 1 }.window(Zone::UTC, context.now()).start
}

/// The keys of each unit and of everything in it, by the unit; those of the organisation itself by `None`.
fn count_keys<'a>(keys: impl Iterator<Item = &'a VirtualKey>, units: &Units) -> HashMap<Option<UnitId>, u64> {
    let mut counts = HashMap::new();
    for key in keys {
        let owner = key.owner.into_iter().flat_map(|owner| units.chain(owner)).map(|unit| unit.id);
        let owners: Vec<_> = owner.chain(key.project).map(Some).collect();
        let none = if key.owner.is_none() { vec![None] } else { vec![] };
        owners.into_iter().chain(none).for_each(|unit| *counts.entry(unit).or_default() += 1);
    }
    counts
}

/// The budget of each scope that looks worst. What a part of the scope has for itself is only shown where the whole has
/// no budget.
fn tightest(budgets: &[&budget::Budget], states: &States, snapshot: &Snapshot) -> HashMap<Scope, BudgetBrief> {
    let ranked = |budget: &&budget::Budget| {
        let brief = states.brief(budget, snapshot);
        let rank = (budget.each.is_none(), brief.state.level, brief.state.percent);
        (rank, budget.scope.clone(), brief)
    };
    let mut ranked: Vec<_> = budgets.iter().map(ranked).collect();
    ranked.sort_by_key(|(rank, ..)| *rank);
    // Of several briefs of a scope, the last one stays.
    ranked.into_iter().map(|(_, scope, brief)| (scope, brief)).collect()
}
