//! The engine: decides on holds in memory and says so in entries.
//!
//! It never waits and never writes; the caller keeps it under one short lock and queues the entries
//! it returns, in order, for the journal. A hold takes all of its scopes or none.

use std::collections::HashMap;
use std::sync::Arc;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::id::{AttemptId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::record::UsageRecord;
use megarouter_domain::scope::Scope;
use megarouter_domain::usage::{Usage, UsageSource};
use thiserror::Error;

use crate::entry::{Entry, Epoch, Fact, HoldFact, Lsn, PinnedPrice, Resolution};
use crate::recover;
use crate::state::{Balance, State, Totals};

/// The most that a scope may spend and set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// What is capped.
    pub scope: Scope,
    /// The limit.
    pub limit: NanoUsd,
}

/// Why a hold was not made. Nothing was charged to any scope.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The hold would go beyond a cap.
    #[error("{amount} more would exceed the budget of {limit}: {posted} is spent and {held} set aside")]
    CapExceeded {
        /// The capped scope.
        scope: Scope,
        /// Its limit.
        limit: NanoUsd,
        /// What it has spent.
        posted: NanoUsd,
        /// What it has set aside.
        held: NanoUsd,
        /// What the hold asked for.
        amount: NanoUsd,
    },
    /// A scope has a cap and the price is not known, so nothing could keep to the cap.
    #[error("the model has no price, and a budget applies; set its price or remove the budget")]
    PriceUnknown {
        /// The capped scope.
        scope: Scope,
    },
}

/// Decides on holds. See the module.
#[derive(Debug)]
pub struct Engine {
    state: State,
    epoch: Epoch,
    caps: HashMap<Scope, NanoUsd>,
}

impl Refusal {
    /// The stable code for the caller.
    pub const fn code(&self) -> Code {
        Code::BudgetExceeded
    }
}

impl Engine {
    /// Begins a run on what earlier runs left ([`State::default`] for a new ledger).
    ///
    /// The entries that come with it are to be written before any other: the start, and the endings
    /// of everything that a dead run left open.
    pub fn start(state: State, version: &str, now: Timestamp) -> (Self, Vec<Entry>) {
        let epoch = Epoch(state.epoch().0 + 1);
        let mut engine = Self { state, epoch, caps: HashMap::new() };
        let mut entries = vec![engine.record(Fact::Started { version: version.into() }, now)];
        for fact in recover::endings(&engine.state) {
            entries.push(engine.record(fact, now));
        }
        (engine, entries)
    }

    /// Replaces the caps. What is spent and set aside already stays, also above a new cap.
    pub fn set_caps(&mut self, caps: impl IntoIterator<Item = Cap>) {
        self.caps = caps.into_iter().map(|cap| (cap.scope, cap.limit)).collect();
    }

    /// Sets an amount aside over all scopes of a call, or over none.
    ///
    /// # Errors
    /// When a cap would be exceeded, or cannot be kept because the price is unknown.
    pub fn hold(&mut self, hold: HoldFact, now: Timestamp) -> Result<Entry, Refusal> {
        if !self.caps.is_empty() {
            hold.scopes.iter().try_for_each(|scope| self.check(scope, &hold))?;
        }
        Ok(self.record(Fact::Hold(Arc::new(hold)), now))
    }

    /// Notes what a running call has used so far, cumulatively. `None` when its hold is not open.
    pub fn progress(&mut self, attempt_id: AttemptId, usage: Usage, now: Timestamp) -> Option<Entry> {
        let price = self.open_hold(attempt_id)?.price.as_ref();
        let cost = PinnedPrice::cost(price, &usage, UsageSource::Estimated);
        Some(self.record(Fact::Progress { attempt_id, usage, cost }, now))
    }

    /// Ends a hold. `None` when it is not open, so that a second ending changes nothing.
    ///
    /// Cost and overage follow from the usage and the pinned price; what `resolution` says of them is
    /// replaced.
    pub fn resolve(&mut self, attempt_id: AttemptId, resolution: Resolution, now: Timestamp) -> Option<Entry> {
        let resolution = resolution.priced(self.open_hold(attempt_id)?);
        Some(self.record(Fact::Resolve { attempt_id, resolution }, now))
    }

    /// Ends a request, after the holds of all its attempts. Its usage and cost are [`Self::totals`].
    pub fn finish(&mut self, record: Arc<UsageRecord>, now: Timestamp) -> Entry {
        self.record(Fact::Finished(record), now)
    }

    /// What the attempts of a request used and cost so far; for its usage record, before it finishes.
    pub fn totals(&self, request: RequestId) -> Totals {
        self.state.totals(request)
    }

    /// How many holds are open.
    pub fn open_holds(&self) -> usize {
        self.state.open_holds()
    }

    /// What a scope has spent and set aside.
    pub fn balance(&self, scope: &Scope) -> Balance {
        self.state.balance(scope)
    }

    /// The last entry made.
    pub fn last(&self) -> Lsn {
        self.state.last()
    }

    /// This run.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What all entries so far add up to.
    pub fn state(&self) -> &State {
        &self.state
    }

    fn check(&self, scope: &Scope, hold: &HoldFact) -> Result<(), Refusal> {
        let Some(limit) = self.caps.get(scope).copied() else { return Ok(()) };
        if hold.price.is_none() {
            return Err(Refusal::PriceUnknown { scope: scope.clone() });
        }
        let Balance { posted, held } = self.state.balance(scope);
        if posted + held + hold.amount <= limit {
            return Ok(());
        }
        Err(Refusal::CapExceeded { scope: scope.clone(), limit, posted, held, amount: hold.amount })
    }

    fn open_hold(&self, id: AttemptId) -> Option<&HoldFact> {
        let attempt = self.state.attempt(id).filter(|attempt| attempt.resolution.is_none())?;
        Some(&attempt.hold)
    }

    /// Makes the next entry and applies it. A record that contradicts its attempts is still written:
    /// losing it would be worse, and verification names it.
    fn record(&mut self, fact: Fact, at: Timestamp) -> Entry {
        let entry = Entry { lsn: self.state.last().next(), epoch: self.epoch, at, fact };
        let _ = self.state.apply(&entry);
        entry
    }
}
