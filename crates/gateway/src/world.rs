//! The world as routing sees it: how providers do, who serves which session, what was learnt.
//!
//! Requests read it while they are decided and change it when they end. The locks are held for one
//! decision or one note, never while anything is waited for.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use arc_swap::ArcSwap;
use megarouter_domain::access::Principal;
use megarouter_domain::budget::Measure;
use megarouter_domain::id::UnitId;
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::tag::Tag;
use megarouter_ledger::account::Account;
use megarouter_routing::affinity::Affinity;
use megarouter_routing::health::Health;
use megarouter_routing::learnt::Learnt;
use megarouter_routing::predictor::Predictor;
use megarouter_routing::question::{BudgetView, Surroundings};
use megarouter_routing::table::Table;

use crate::feedback::Opinions;
use crate::pipeline::Gateway;

/// The configuration in force, and what routing made of it.
pub(crate) struct InForce {
    pub snapshot: Arc<Snapshot>,
    pub table: Table,
}

impl InForce {
    pub fn new(snapshot: Snapshot) -> Self {
        Self { table: Table::new(&snapshot), snapshot: Arc::new(snapshot) }
    }
}

/// What the gateway has seen and learnt.
#[derive(Default)]
pub(crate) struct World {
    pub opinions: Opinions,
    pub shadows: crate::shadow::Spent,
    health: RwLock<Health>,
    affinity: RwLock<Affinity>,
    learnt: ArcSwap<Learnt>,
}

impl World {
    pub fn health(&self) -> RwLockReadGuard<'_, Health> {
        // A panic inside leaves a count at worst a little off.
        self.health.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn health_mut(&self) -> RwLockWriteGuard<'_, Health> {
        self.health.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn affinity_mut(&self) -> RwLockWriteGuard<'_, Affinity> {
        self.affinity.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets somebody decide by what is known at present.
    pub fn look<T>(&self, now: Duration, decide: impl FnOnce(&Surroundings<'_>) -> T) -> T {
        let (health, learnt) = (self.health(), self.learnt.load());
        let affinity = self.affinity.read().unwrap_or_else(PoisonError::into_inner);
        let predictor = Predictor::embedded();
        decide(&Surroundings { predictor, learnt: &learnt, health: &health, affinity: &affinity, now })
    }
}

impl Gateway {
    /// Lets somebody decide as the gateway would at present, by its own table and all that it knows.
    /// Nothing is sent and nothing changes. Requests that end wait meanwhile: do nothing else in it.
    pub fn look_around<T>(&self, decide: impl FnOnce(&Table, &Surroundings<'_>) -> T) -> T {
        let in_force = self.in_force.load();
        self.world.look(self.clock.monotonic(), |around| decide(&in_force.table, around))
    }

    /// What the organisation has learnt of models.
    pub fn learnt(&self) -> Arc<Learnt> {
        self.world.learnt.load_full()
    }

    /// Decides by this from now on.
    pub fn set_learnt(&self, learnt: Arc<Learnt>) {
        self.world.learnt.store(learnt);
    }

    /// What the limits on money leave somebody.
    pub fn budget_view(
        &self,
        principal: &Principal,
        units: &[UnitId],
        tags: &[Tag],
        session: Option<&str>,
    ) -> BudgetView {
        if !self.books.has_limits() {
            return BudgetView::default();
        }
        let own = [Scope::Organization(self.in_force.load().snapshot.organization()), Scope::Key(principal.key.id)];
        let units = units.iter().copied().map(Scope::Unit);
        let scopes: Vec<_> = own.into_iter().chain(units).chain(tags.iter().cloned().map(Scope::Tag)).collect();
        let tightest = self.books.tightest(&scopes, session).filter(|account| account.measure == Measure::Cost);
        BudgetView {
            used_percent: tightest.as_ref().map(used_percent),
            available: self.books.available(&scopes, session),
        }
    }
}

/// How much of an account is used, what is set aside included, in percent.
fn used_percent(account: &Account) -> u16 {
    let limit = account.stop.unwrap_or(account.limit);
    let used = limit.saturating_sub(account.left());
    let percent = u128::from(used) * 100 / u128::from(limit.max(1));
    u16::try_from(percent).unwrap_or(u16::MAX)
}
