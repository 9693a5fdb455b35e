//! A hold: an amount set aside for one attempt, from the decision to its end.

use std::sync::Arc;

use megarouter_domain::id::AttemptId;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::account::Terms;
use megarouter_ledger::entry::{HoldFact, Lsn, PinnedPrice, Resolution};
use megarouter_ledger::refusal::Refusal;

use super::worst_case::{self, WorstCase};
use super::{Books, HoldError, LINGER};

/// The least that a stream's hold is extended by, in parts of what it holds.
const EXTENSION: i64 = 4;

/// An amount set aside for one attempt. It ends exactly once: settled, voided or uncertain.
///
/// Dropped unresolved (the client left while we waited), it voids itself if nothing was sent to the
/// provider, and else becomes uncertain at the counted input.
#[must_use]
pub struct Hold {
    pub(super) books: Arc<Books>,
    pub(super) fact: Arc<HoldFact>,
    pub(super) lsn: Lsn,
    pub(super) worst: Box<WorstCase>,
    /// The bound on output that the provider has to be told.
    pub(super) bound: Option<u64>,
    /// What is set aside in money and in tokens, with extensions.
    pub(super) amount: NanoUsd,
    pub(super) tokens: u64,
    /// What the budgets over it left when it was made; `None` when none of them refuses.
    pub(super) terms: Option<Terms>,
    /// Whether the hub was asked for what the next extension needs.
    pub(super) has_asked: bool,
    /// Why no more could be set aside.
    pub(super) refusal: Option<Refusal>,
    pub(super) is_dispatched: bool,
    pub(super) is_resolved: bool,
}

impl Hold {
    /// The attempt it is for.
    pub fn attempt_id(&self) -> AttemptId {
        self.fact.attempt_id
    }

    /// What it was made from.
    pub fn fact(&self) -> &Arc<HoldFact> {
        &self.fact
    }

    /// Input tokens counted before the call.
    pub fn counted_input(&self) -> u64 {
        self.fact.counted_input
    }

    /// The bound on the output of one choice that the provider has to be told, where the client set
    /// none and a budget pays no more.
    pub fn bound(&self) -> Option<u64> {
        self.bound
    }

    /// Whether what is generated must stay within what is set aside.
    pub fn is_guarded(&self) -> bool {
        self.terms.is_some()
    }

    /// Whether a budget applies that trusts no estimate.
    pub fn is_strict(&self) -> bool {
        self.terms.is_some_and(|terms| terms.is_strict)
    }

    /// The most output that can come, of all choices; `None` where nobody knows.
    pub fn certain_output(&self) -> Option<u64> {
        self.worst.certain_output(self.bound)
    }

    /// All that the call may have consumed, for a provider that bills the whole answer whatever
    /// becomes of its connection.
    pub fn most(&self) -> Usage {
        self.worst.spent_in_full(self.bound)
    }

    /// Why no more could be set aside; `None` when that was never tried, or worked.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Notes that the provider is being called: from here on it may generate.
    pub fn dispatch(&mut self) {
        self.is_dispatched = true;
    }

    /// Whether what was used so far is set aside; sets more aside where it is not.
    pub fn covers(&mut self, so_far: &Usage) -> bool {
        let used = self.used(so_far);
        let is_covered = used.0 <= self.amount && used.1 <= self.tokens;
        // A shared budget is asked early, because the hub's answer takes its time.
        let is_early = (self.is_near_in_money(used.0) || self.is_near_in_tokens(used.1))
            && !self.has_asked
            && self.books.lender.is_there();
        if is_covered && !is_early {
            return true;
        }
        self.extend(used) || is_covered
    }

    fn is_near_in_money(&self, used: NanoUsd) -> bool {
        used.0 > self.amount.0 - self.amount.0 / 8
    }

    fn is_near_in_tokens(&self, used: u64) -> bool {
        used > self.tokens - self.tokens / 8
    }

    /// Money and tokens, as far as a budget counts them.
    fn used(&self, so_far: &Usage) -> (NanoUsd, u64) {
        let Some(terms) = self.terms else { return (NanoUsd::ZERO, 0) };
        let cost = || PinnedPrice::cost(self.fact.price.as_ref(), so_far, UsageSource::Estimated).amount();
        let amount = if terms.left < NanoUsd::MAX { cost() } else { NanoUsd::ZERO };
        (amount, if terms.tokens_left < u64::MAX { worst_case::tokens(so_far) } else { 0 })
    }

    /// Sets more aside than was used: a good step, or else whatever the budgets have left.
    fn extend(&mut self, used: (NanoUsd, u64)) -> bool {
        let amount = (used.0 - self.amount).max(NanoUsd::ZERO) + NanoUsd(self.amount.0 / EXTENSION);
        let amount = if self.is_near_in_money(used.0) { amount } else { NanoUsd::ZERO };
        let tokens = used.1.saturating_sub(self.tokens) + self.tokens / EXTENSION.unsigned_abs();
        let tokens = if self.is_near_in_tokens(used.1) { tokens } else { 0 };
        if self.extend_by(amount, tokens) {
            return true;
        }
        let Some(terms) = self.books.lock().terms(&self.fact, None) else { return false };
        let (amount, tokens) = (amount.min(terms.left), tokens.min(terms.tokens_left));
        let is_enough = self.amount + amount > used.0 && self.tokens.saturating_add(tokens) > used.1;
        is_enough && matches!(self.refusal, Some(Refusal::Exceeded(_))) && self.extend_by(amount, tokens)
    }

    fn extend_by(&mut self, amount: NanoUsd, tokens: u64) -> bool {
        let mut state = self.books.lock();
        state.engine.fence(self.books.is_fenced());
        match state.engine.extend(self.fact.attempt_id, amount, tokens, self.books.clock.now()) {
            Ok(entry) => {
                self.books.enqueue(state, entry, LINGER);
                self.amount += amount;
                self.tokens = self.tokens.saturating_add(tokens);
                (self.has_asked, self.refusal) = (false, None);
                true
            }
            Err(refusal) => {
                drop(state);
                if let Refusal::LeaseShort(needs) = &refusal {
                    self.has_asked = true;
                    self.books.lender.hint(needs.clone());
                }
                self.refusal = Some(refusal);
                false
            }
        }
    }

    /// Waits until the hold would survive a loss of power: before the first byte to the client.
    ///
    /// # Errors
    /// When the journal cannot write it in time.
    pub async fn until_durable(&self) -> Result<(), HoldError> {
        self.books.until_durable(self.lsn).await
    }

    /// Notes how much a long stream has used so far.
    pub fn progress(&self, usage: Usage) {
        let mut state = self.books.lock();
        if let Some(entry) = state.engine.progress(self.fact.attempt_id, usage, self.books.clock.now()) {
            self.books.enqueue(state, entry, LINGER);
        }
    }

    /// Replaces the hold by what was used.
    pub fn settle(mut self, usage: Usage, source: UsageSource) {
        // The engine prices the ending at the pinned price; cost and overage here are not read.
        self.resolve(&Resolution::Settled { usage, source, cost: Cost::Unknown, overage: NanoUsd::ZERO });
    }

    /// Gives the hold back: nothing was generated.
    pub fn void(mut self) {
        self.resolve(&Resolution::Voided);
    }

    /// Replaces the hold by a usage that nobody confirms: generation may have run.
    pub fn uncertain(mut self, usage: Usage) {
        self.resolve(&Resolution::Uncertain { usage, cost: Cost::Unknown });
    }

    fn resolve(&mut self, resolution: &Resolution) {
        self.is_resolved = true;
        let mut state = self.books.lock();
        state.learn(&self.fact, resolution);
        if let Some(entry) = state.engine.resolve(self.fact.attempt_id, *resolution, self.books.clock.now()) {
            self.books.enqueue(state, entry, LINGER);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.is_resolved {
            return;
        }
        if self.is_dispatched {
            let usage = Usage { input: Some(self.fact.counted_input), ..Usage::UNREPORTED };
            self.resolve(&Resolution::Uncertain { usage, cost: Cost::Unknown });
        } else {
            self.resolve(&Resolution::Voided);
        }
    }
}
