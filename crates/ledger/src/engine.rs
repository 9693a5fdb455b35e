//! The engine: decides on holds in memory and says so in entries.
//!
//! It never waits and never writes; the caller keeps it under one short lock and queues the entries
//! it returns, in order, for the journal. A hold takes all of its accounts or none.

use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::budget::UnknownPrice;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::record::UsageRecord;
use megarouter_domain::scope::Scope;
use megarouter_domain::usage::{Usage, UsageSource};
use thiserror::Error;

use crate::account::{Account, AccountKey, Crossed, GrantView, Sharing, Terms};
use crate::accounts::{Accounts, Concern, Which};
use crate::entry::{Adjustment, ChangeNote, Entry, Epoch, Fact, HoldFact, Lsn, PinnedPrice, Resolution};
use crate::limits::{Limits, Opening};
use crate::recent::Recent;
use crate::recover;
use crate::refusal::{LeaseNeed, Refusal};
use crate::state::{OpenAttempt, State, Totals};
use crate::tally::{Amounts, Change};
use crate::thresholds::Told;

/// Requests are taken to arrive at most this long before their first hold.
const ARRIVES_BEFORE: Duration = Duration::from_secs(60 * 60);
/// How often accounts that no longer matter are looked for.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// Sums that are too old to be brought up to date: too much happened since. Ask the store again.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("too much happened since the sums were made")]
pub struct Stale;

/// Why a correction cannot be made.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AdjustError {
    /// The request is under way.
    #[error("the request is under way; correct it when it is over")]
    UnderWay,
    /// It would change nothing.
    #[error("the correction changes nothing")]
    Nothing,
}

/// Decides on holds. See the module.
#[derive(Debug)]
pub struct Engine {
    state: State,
    epoch: Epoch,
    /// The latest instant that was given to a request.
    instant: Timestamp,
    accounts: Accounts,
    recent: Recent,
    told: Told,
    swept_at: Timestamp,
}

impl Concern<'_> {
    /// Whom a hold concerns.
    pub(crate) fn of(hold: &HoldFact) -> Concern<'_> {
        Concern { scopes: &hold.scopes, session: hold.session.as_ref(), at: hold.started_at }
    }
}

impl OpenAttempt {
    /// What a limit counts of it, apart from the request: while it is open, and when it has ended.
    fn change(&self) -> Change {
        match &self.resolution {
            None => Change { held: self.set_aside(), ..Change::default() },
            Some(resolution) => Change { posted: posted(resolution), ..Change::default() },
        }
    }

    fn set_aside(&self) -> Amounts {
        Amounts { cost: self.held().0.into(), tokens: self.held_tokens().into(), calls: 1, requests: 0 }
    }
}

fn posted(resolution: &Resolution) -> Amounts {
    let cost = resolution.cost().amount().0;
    Amounts { cost: cost.into(), tokens: resolution.tokens().into(), calls: 1, requests: 0 }
}

impl Engine {
    /// Begins a run on what earlier runs left ([`State::default`] for a new ledger). The openings are
    /// those of [`Limits::openings`], as of the last entry of `state`.
    ///
    /// The entries that come with it are to be written before any other: the start, and the endings
    /// of everything that a dead run left open.
    pub fn start(
        state: State,
        limits: Arc<Limits>,
        openings: &[Opening],
        version: &str,
        now: Timestamp,
    ) -> (Self, Vec<Entry>) {
        let (epoch, instant, last) = (Epoch(state.epoch().0 + 1), state.instant().max(now), state.last());
        let accounts = Accounts::new(Arc::clone(&limits));
        let recent = Recent::after(last);
        let mut engine = Self { state, epoch, instant, accounts, recent, told: Told::default(), swept_at: now };
        engine.accounts = engine.derive(limits, openings, last);
        let mut entries = vec![engine.record(Fact::Started { version: version.into() }, now)];
        for fact in recover::endings(&engine.state) {
            entries.push(engine.record(fact, now));
        }
        // What was reached before is not news.
        engine.thresholds(now);
        (engine, entries)
    }

    /// The admission instant of a request that arrives: its [`HoldFact::started_at`], of all of its
    /// attempts. Never decreases, so that a clock that is put back opens no window a second time.
    pub fn instant(&mut self, now: Timestamp) -> Timestamp {
        self.instant = self.instant.max(now);
        self.instant
    }

    /// The latest admission instant of this run or an earlier one.
    pub fn latest_instant(&self) -> Timestamp {
        self.instant
    }

    /// The earliest instant that a hold may still be made for: what [`Limits::openings`] asks for.
    pub fn oldest(&self, now: Timestamp) -> Timestamp {
        let arrived = self.state.attempts().map(|attempt| attempt.hold.started_at);
        arrived.fold(now.min(self.instant).minus(ARRIVES_BEFORE), Timestamp::min)
    }

    /// Replaces the limits. The openings are what they ask for, as of the entry `as_of`; what was decided
    /// since is added here. Grants stay.
    ///
    /// # Errors
    /// When too much happened since `as_of`. Nothing was changed.
    pub fn set_limits(&mut self, limits: Arc<Limits>, openings: &[Opening], as_of: Lsn) -> Result<(), Stale> {
        if !self.recent.reaches(as_of) || as_of > self.state.last() {
            return Err(Stale);
        }
        let derived = self.derive(limits, openings, as_of);
        let old = std::mem::replace(&mut self.accounts, derived);
        self.accounts.inherit(old);
        Ok(())
    }

    /// False when nothing is limited, so that nothing needs to be asked.
    pub fn has_limits(&self) -> bool {
        !self.accounts.limits().is_empty()
    }

    /// The limits in force.
    pub fn limits(&self) -> &Arc<Limits> {
        self.accounts.limits()
    }

    /// Sets an amount aside over all accounts that apply, or over none.
    ///
    /// # Errors
    /// When a limit would be exceeded or cannot be kept.
    pub fn hold(&mut self, mut hold: HoldFact, now: Timestamp) -> Result<Entry, Refusal> {
        self.instant = self.instant.max(hold.started_at);
        if !self.accounts.limits().is_empty() {
            self.sweep();
            self.price_unknown(&mut hold)?;
            let asked = Amounts {
                cost: hold.amount.0.into(),
                tokens: hold.tokens.into(),
                calls: 1,
                requests: (!self.state.is_under_way(hold.request_id)).into(),
            };
            self.accounts.check(Concern::of(&hold), &asked, self.instant)?;
        }
        Ok(self.record(Fact::Hold(Arc::new(hold)), now))
    }

    /// Sets more aside for a running call, over the accounts of its hold.
    ///
    /// # Errors
    /// When a limit would be exceeded, or the hold is over.
    pub fn extend(
        &mut self,
        attempt_id: AttemptId,
        amount: NanoUsd,
        tokens: u64,
        now: Timestamp,
    ) -> Result<Entry, Refusal> {
        let attempt = self.open(attempt_id).ok_or(Refusal::Closed)?;
        let amount = amount.max(NanoUsd::ZERO);
        let asked = Amounts { cost: amount.0.into(), tokens: tokens.into(), ..Amounts::default() };
        self.accounts.check(Concern::of(&attempt.hold), &asked, self.instant)?;
        Ok(self.record(Fact::Extend { attempt_id, amount, tokens }, now))
    }

    /// Notes what a running call has used so far, cumulatively. `None` when its hold is not open.
    pub fn progress(&mut self, attempt_id: AttemptId, usage: Usage, now: Timestamp) -> Option<Entry> {
        let price = self.open(attempt_id)?.hold.price.as_ref();
        let cost = PinnedPrice::cost(price, &usage, UsageSource::Estimated);
        Some(self.record(Fact::Progress { attempt_id, usage, cost }, now))
    }

    /// Ends a hold. `None` when it is not open, so that a second ending changes nothing.
    ///
    /// Cost and overage follow from the usage and the pinned price; what `resolution` says of them is
    /// replaced.
    pub fn resolve(&mut self, attempt_id: AttemptId, resolution: Resolution, now: Timestamp) -> Option<Entry> {
        let resolution = self.open(attempt_id)?.priced(resolution);
        Some(self.record(Fact::Resolve { attempt_id, resolution }, now))
    }

    /// Ends a request, after the holds of all its attempts. Its usage and cost are [`Self::totals`].
    pub fn finish(&mut self, record: Arc<UsageRecord>, now: Timestamp) -> Entry {
        self.record(Fact::Finished(record), now)
    }

    /// Corrects what a finished attempt is charged, in the window it belongs to.
    ///
    /// # Errors
    /// When its request is under way, or the correction changes nothing.
    pub fn adjust(&mut self, adjustment: Adjustment, now: Timestamp) -> Result<Entry, AdjustError> {
        if self.state.attempt(adjustment.hold.attempt_id).is_some() {
            return Err(AdjustError::UnderWay);
        }
        if adjustment.amount == NanoUsd::ZERO && adjustment.tokens == 0 && adjustment.usage.is_none() {
            return Err(AdjustError::Nothing);
        }
        Ok(self.record(Fact::Adjust(Arc::new(adjustment)), now))
    }

    /// Notes what an admin is about to do.
    pub fn note(&mut self, change: ChangeNote, now: Timestamp) -> Entry {
        self.record(Fact::Changed(Arc::new(change)), now)
    }

    /// Says what all entries so far add up to, so that older ones can be deleted.
    pub fn checkpoint(&mut self, now: Timestamp) -> Entry {
        self.record(Fact::Checkpoint(Arc::new(self.state.checkpoint())), now)
    }

    /// What the attempts of a request used and cost so far; for its usage record, before it finishes.
    pub fn totals(&self, request: RequestId) -> Totals {
        self.state.totals(request)
    }

    /// How many holds are open.
    pub fn open_holds(&self) -> usize {
        self.state.open_holds()
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

    /// Every account of the present: with `each`, those in use.
    pub fn accounts(&self, now: Timestamp) -> Vec<Account> {
        self.accounts.all(now.max(self.instant)).collect()
    }

    /// The hard account that applies to a request and has the smallest part of its limit left.
    pub fn tightest(&self, scopes: &[Scope], session: Option<&str>, at: Timestamp) -> Option<Account> {
        let session = session.map(Arc::from);
        let concern = Concern { scopes, session: session.as_ref(), at };
        self.accounts.hard(concern, self.instant.max(at)).min_by(|one, other| {
            let stop = |account: &Account| u128::from(account.stop.unwrap_or(account.limit).max(1));
            let (left, others) = (u128::from(one.left()), u128::from(other.left()));
            (left * stop(other)).cmp(&(others * stop(one)))
        })
    }

    /// What a hold has to keep to; `None` when no hard budget in money or tokens applies.
    pub fn terms(&self, scopes: &[Scope], session: Option<&str>, at: Timestamp) -> Option<Terms> {
        let session = session.map(Arc::from);
        let concern = Concern { scopes, session: session.as_ref(), at };
        self.accounts.terms(concern, self.instant.max(at))
    }

    /// The most that a request can set aside in money; `None` when no hard budget in money applies.
    pub fn available(&self, scopes: &[Scope], session: Option<&str>, at: Timestamp) -> Option<NanoUsd> {
        self.terms(scopes, session, at).map(|terms| terms.left).filter(|left| *left < NanoUsd::MAX)
    }

    /// The steps of ladders that were reached since the last call, each once per account and window.
    pub fn thresholds(&mut self, now: Timestamp) -> Vec<Crossed> {
        let now = now.max(self.instant);
        self.told.crossed(self.accounts.limits(), self.accounts.all(now), now)
    }

    /// Says whether other nodes spend from the same budgets, and how many.
    pub fn share(&mut self, sharing: Sharing) {
        self.accounts.sharing = sharing;
    }

    /// Stops admitting whatever a shared budget applies to, or goes on.
    pub fn fence(&mut self, is_fenced: bool) {
        self.accounts.is_fenced = is_fenced;
    }

    /// Notes how much this node may use of an account, in all, and what the hub had left then.
    pub fn set_grant(&mut self, account: AccountKey, granted: u64, left: u64, now: Timestamp) -> Entry {
        self.accounts.grant(&account, granted, left);
        self.record(Fact::Granted { account, granted }, now)
    }

    /// A need as it is now: since it was found, other requests may have used what was left of the grant.
    /// To be asked for in this form, or requests that wait together would ask for the same amount.
    #[must_use]
    pub fn renewed(&self, need: &LeaseNeed) -> LeaseNeed {
        let (granted, used) = self.accounts.grant_of(&need.key);
        LeaseNeed { granted, need: used.saturating_add(need.asked), ..need.clone() }
    }

    /// What the hub lets this node use of each account, and how much of it is used.
    pub fn grants(&self) -> Vec<GrantView> {
        self.accounts.grants().collect()
    }

    fn open(&self, id: AttemptId) -> Option<&OpenAttempt> {
        self.state.attempt(id).filter(|attempt| attempt.resolution.is_none())
    }

    /// Applies the rule for calls whose price nobody knows.
    fn price_unknown(&self, hold: &mut HoldFact) -> Result<(), Refusal> {
        let rule = self.accounts.limits().unknown_price();
        if hold.price.is_some() || rule == UnknownPrice::Free {
            return Ok(());
        }
        let Some(line) = self.accounts.hard_money(Concern::of(hold)) else { return Ok(()) };
        let UnknownPrice::HoldFixed(amount) = rule else {
            return Err(Refusal::PriceUnknown { budget: line.budget.id });
        };
        hold.amount = hold.amount.max(NanoUsd(amount));
        Ok(())
    }

    /// Makes the next entry and applies it. A record that contradicts its attempts is still written:
    /// losing it would be worse, and verification names it.
    fn record(&mut self, fact: Fact, at: Timestamp) -> Entry {
        let entry = Entry { lsn: self.state.last().next(), epoch: self.epoch, at, fact };
        self.charge(&entry);
        let _ = self.state.apply(&entry);
        entry
    }

    /// Brings accounts up to date with an entry, given the state before it.
    fn charge(&mut self, entry: &Entry) {
        match &entry.fact {
            Fact::Hold(hold) => {
                let requests = i128::from(!self.state.is_under_way(hold.request_id));
                let (cost, tokens) = (hold.amount.0.into(), hold.tokens.into());
                let held = Amounts { cost, tokens, calls: 1, requests };
                self.accounts.add(Concern::of(hold), &Change { held, ..Change::default() }, Which::All);
            }
            Fact::Extend { attempt_id, amount, tokens } => {
                let Some(attempt) = self.state.attempt(*attempt_id) else { return };
                let held = Amounts { cost: amount.0.into(), tokens: (*tokens).into(), ..Amounts::default() };
                let change = Change { held, ..Change::default() };
                self.accounts.add(Concern::of(&attempt.hold), &change, Which::All);
            }
            Fact::Resolve { attempt_id, resolution } => {
                let Some(attempt) = self.state.attempt(*attempt_id) else { return };
                let change = Change { posted: posted(resolution), held: attempt.set_aside().negated() };
                self.accounts.add(Concern::of(&attempt.hold), &change, Which::All);
                self.recent.resolve(*attempt_id, entry.lsn);
            }
            Fact::Finished(record) => self.charge_request(record.request_id, entry),
            Fact::Adjust(adjustment) => {
                let (cost, tokens) = (adjustment.amount.0.into(), adjustment.tokens.into());
                let posted = Amounts { cost, tokens, ..Amounts::default() };
                let change = Change { posted, ..Change::default() };
                self.accounts.add(Concern::of(&adjustment.hold), &change, Which::All);
                self.recent.adjust(&adjustment.hold, posted, entry.lsn, entry.at);
            }
            Fact::Started { .. }
            | Fact::Progress { .. }
            | Fact::Changed(_)
            | Fact::Granted { .. }
            | Fact::Checkpoint(_) => {}
        }
    }

    /// A request counts since its first hold, and counts as used when it has finished.
    fn charge_request(&mut self, request: RequestId, entry: &Entry) {
        let one = Amounts { requests: 1, ..Amounts::default() };
        for (number, attempt) in self.state.attempts_of(request).enumerate() {
            let mut posted = attempt.resolution.as_ref().map(posted).unwrap_or_default();
            if number == 0 {
                let change = Change { posted: one, held: one.negated() };
                self.accounts.add(Concern::of(&attempt.hold), &change, Which::All);
                posted.requests = 1;
            }
            self.recent.finish(&attempt.hold, posted, entry.lsn, entry.at);
        }
    }

    /// Works all accounts out from sums as of an entry, and from everything since.
    fn derive(&self, limits: Arc<Limits>, openings: &[Opening], as_of: Lsn) -> Accounts {
        let mut accounts = Accounts::new(limits);
        accounts.open(openings, self.instant);
        self.recent.replay(as_of, &mut accounts);
        for attempt in self.state.attempts() {
            let id = attempt.hold.attempt_id;
            let is_new = attempt.resolution.is_none() || self.recent.is_resolved_after(id, as_of);
            let which = if is_new { Which::All } else { Which::Requests };
            accounts.add(Concern::of(&attempt.hold), &attempt.change(), which);
        }
        let held = Amounts { requests: 1, ..Amounts::default() };
        for request in self.state.requests_under_way() {
            let Some(first) = self.state.attempts_of(request).next() else { continue };
            accounts.add(Concern::of(&first.hold), &Change { held, ..Change::default() }, Which::All);
        }
        accounts
    }

    fn sweep(&mut self) {
        if self.instant.since(self.swept_at) > SWEEP_EVERY {
            self.swept_at = self.instant;
            self.accounts.sweep(self.oldest(self.instant));
        }
    }
}
