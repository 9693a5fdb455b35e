//! What each node used of an account, by the entries that it shipped: what an account begins with, so
//! that a new budget counts what was spent before there was one, and what stays of a node's grant when
//! it is released.

use std::collections::HashMap;
use std::sync::Arc;

use megarouter_domain::clock::Timestamp;
use megarouter_ledger::account::{AccountKey, Subject};
use megarouter_ledger::limits::OpeningQuery;

use crate::db::Db;
use crate::hub::{HubError, NodeNumber};
use crate::ledger::openings;
use crate::settings::budgets;

/// What each node used, in the unit of the budget's measure. Nothing for a budget that the hub does not
/// know.
pub(super) async fn of(
    db: &mut Db<'_>,
    key: &AccountKey,
    ends_at: Timestamp,
) -> Result<Vec<(NodeNumber, u64)>, HubError> {
    let Some(budget) = budgets::find(db, key.budget).await? else { return Ok(Vec::new()) };
    let part = match key.subject {
        Some(Subject::Unit(unit)) => Some(unit),
        _ => None,
    };
    let query = OpeningQuery {
        budget: budget.id,
        scope: budget.scope,
        each: budget.each,
        units: Arc::new(part.into_iter().collect()),
        measure: budget.measure,
        from: key.window,
        to: ends_at,
        slot: None,
    };
    let mut uses = HashMap::<NodeNumber, u64>::new();
    for (node, opening) in openings::by_node(db, &query).await? {
        if opening.subject == key.subject {
            // Corrections can take away more than was used.
            let used = u64::try_from(opening.amount).unwrap_or(0);
            let sum = uses.entry(NodeNumber(node)).or_default();
            *sum = sum.saturating_add(used);
        }
    }
    Ok(uses.into_iter().collect())
}
