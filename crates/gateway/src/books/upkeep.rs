//! The books for whoever runs the program: limits, accounts, corrections, and the parts of shared budgets.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use megarouter_domain::money::NanoUsd;
use megarouter_domain::scope::Scope;
use megarouter_ledger::account::{Account, AccountKey, Crossed, GrantView, Sharing};
use megarouter_ledger::engine::{AdjustError, Stale};
use megarouter_ledger::entry::{Adjustment, ChangeNote, Lsn};
use megarouter_ledger::limits::{Limits, Opening};
use megarouter_ledger::refusal::LeaseNeed;
use tokio::sync::mpsc;

use super::lender::LeaseAsk;
use super::{Books, LINGER};

/// Budgets, for whoever runs the program and shows them.
impl Books {
    /// Puts other limits in force. `openings` are what the store added up as of an entry.
    ///
    /// # Errors
    /// When too much happened since that entry: ask the store again.
    pub fn set_limits(&self, limits: Arc<Limits>, openings: &[Opening], as_of: Lsn) -> Result<(), Stale> {
        let has_limits = !limits.is_empty();
        let mut state = self.lock();
        state.engine.set_limits(limits, openings, as_of)?;
        self.has_limits.store(has_limits, Ordering::Relaxed);
        Ok(())
    }

    /// Every account that was used, or that no part of a scope has for itself.
    pub fn accounts(&self) -> Vec<Account> {
        let now = self.clock.now();
        self.lock().engine.accounts(now)
    }

    /// The least that the budgets in money over these scopes have left; `None` where none of them
    /// refuses.
    pub fn available(&self, scopes: &[Scope], session: Option<&str>) -> Option<NanoUsd> {
        let at = self.instant();
        self.lock().engine.available(scopes, session, at)
    }

    /// The budget that refuses over these scopes with the smallest part left.
    pub fn tightest(&self, scopes: &[Scope], session: Option<&str>) -> Option<Account> {
        if !self.has_limits() {
            return None;
        }
        let at = self.instant();
        self.lock().engine.tightest(scopes, session, at)
    }

    /// Steps of ladders that were reached since the last call.
    pub fn thresholds(&self) -> Vec<Crossed> {
        let now = self.clock.now();
        self.lock().engine.thresholds(now)
    }

    /// Corrects what a finished attempt is charged.
    ///
    /// # Errors
    /// When the correction makes no sense.
    pub fn adjust(&self, adjustment: Adjustment) -> Result<Lsn, AdjustError> {
        let mut state = self.lock();
        let entry = state.engine.adjust(adjustment, self.clock.now())?;
        let lsn = entry.lsn;
        self.enqueue(state, entry, LINGER);
        Ok(lsn)
    }

    /// Notes what an admin did, or is about to do.
    pub fn note(&self, change: ChangeNote) -> Lsn {
        let mut state = self.lock();
        let entry = state.engine.note(change, self.clock.now());
        let lsn = entry.lsn;
        self.enqueue(state, entry, LINGER);
        lsn
    }
}

/// Budgets that nodes share, for whoever talks to the hub.
impl Books {
    /// Sets the way to ask the hub for more. Counts once.
    pub fn lend_from(&self, lender: mpsc::Sender<LeaseAsk>) {
        self.lender.set(lender);
    }

    /// Says whether other nodes spend from the same budgets.
    pub fn share(&self, sharing: Sharing) {
        self.lock().engine.share(sharing);
    }

    /// Sets how much this node may use of an account, in all, and what the hub had left then.
    pub fn set_grant(&self, key: AccountKey, granted: u64, left: u64) {
        let mut state = self.lock();
        let entry = state.engine.set_grant(key, granted, left, self.clock.now());
        self.enqueue(state, entry, LINGER);
    }

    /// Lowers what this node may use of an account to what it has used and set aside, and gives that: before
    /// the rest is given back.
    pub fn lower_grant(&self, key: &AccountKey) -> u64 {
        let mut state = self.lock();
        let Some(view) = state.engine.grants().into_iter().find(|view| view.key == *key) else { return 0 };
        if view.used < view.granted {
            let entry = state.engine.set_grant(view.key, view.used, 0, self.clock.now());
            self.enqueue(state, entry, LINGER);
        }
        view.used
    }

    /// The same need as it is by now: to be asked for on top of what others used meanwhile.
    pub fn renewed(&self, need: &LeaseNeed) -> LeaseNeed {
        self.lock().engine.renewed(need)
    }

    /// What the hub granted, and how much of it is used.
    pub fn grants(&self) -> Vec<GrantView> {
        self.lock().engine.grants()
    }

    /// Refuses what shared budgets would have to pay from a point of the monotonic clock on.
    pub fn fence_after(&self, until: Duration) {
        self.trusted_until.store(u64::try_from(until.as_micros()).unwrap_or(u64::MAX), Ordering::Release);
    }

    pub(super) fn is_fenced(&self) -> bool {
        let until = self.trusted_until.load(Ordering::Acquire);
        until != u64::MAX && self.clock.monotonic().as_micros() >= u128::from(until)
    }
}
