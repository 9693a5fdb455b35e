//! How often a provider may be asked the same again, so that its troubles are not multiplied.

use std::time::Duration;

/// What a request earns and a repetition costs: a fifth of the requests may be repeated.
const EARNED: u32 = 1;
const COST: u32 = 5;
/// Repetitions in hand to begin with, so that a few requests in a day can be repeated too.
const TO_BEGIN: u32 = 10 * COST;
/// The most that can be saved up.
const MOST: u32 = 100 * COST;
/// A repetition is given away this often, whatever the traffic.
const GIVEN_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub(super) struct Retries {
    saved: u32,
    given: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { saved: TO_BEGIN, given: Duration::ZERO }
    }
}

impl Retries {
    pub fn earn(&mut self, now: Duration) {
        self.give(now);
        self.saved = (self.saved + EARNED).min(MOST);
    }

    pub fn spend(&mut self, now: Duration) -> bool {
        self.give(now);
        let left = self.saved.checked_sub(COST);
        self.saved = left.unwrap_or(self.saved);
        left.is_some()
    }

    /// What time gives fills the purse only as far as it was to begin with.
    fn give(&mut self, now: Duration) {
        let due = u32::try_from(now.saturating_sub(self.given).as_secs() / GIVEN_EVERY.as_secs()).unwrap_or(u32::MAX);
        if due > 0 {
            self.given = now;
            self.saved = self.saved.max(self.saved.saturating_add(due.saturating_mul(COST)).min(TO_BEGIN));
        }
    }
}
