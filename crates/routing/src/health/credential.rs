//! Why one credential is not to be used for a while, and what its provider says is left of its limits.

use std::time::Duration;

use megarouter_domain::provider::RateLimits;

/// The longest that a figure without a time of its own counts.
const UNDATED: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rest {
    /// Calls under way.
    pub in_flight: u32,
    until: Duration,
    limits: RateLimits,
    noted: Duration,
}

impl Rest {
    /// How long it rests from now on, for a request of so many tokens.
    pub fn left(&self, tokens: u64, now: Duration) -> Duration {
        let age = now.saturating_sub(self.noted);
        let limit = |left: Option<u64>, needed: u64, reset: Option<Duration>| match left {
            Some(left) if left < needed => reset.unwrap_or(UNDATED).saturating_sub(age),
            _ => Duration::ZERO,
        };
        let requests = limit(self.limits.requests, 1, self.limits.requests_reset);
        let tokens = limit(self.limits.tokens, tokens, self.limits.tokens_reset);
        self.until.saturating_sub(now).max(requests).max(tokens)
    }

    pub fn until(&mut self, wait: Duration, now: Duration) {
        self.until = self.until.max(now + wait);
    }

    pub fn noted(&mut self, limits: RateLimits, now: Duration) {
        (self.limits, self.noted) = (limits, now);
    }

    /// What is left; nothing is said of limits that have been renewed since.
    pub fn limits(&self, now: Duration) -> RateLimits {
        let age = now.saturating_sub(self.noted);
        let left = |reset: Option<Duration>| reset.unwrap_or(UNDATED).checked_sub(age).filter(|left| !left.is_zero());
        let (requests_reset, tokens_reset) = (left(self.limits.requests_reset), left(self.limits.tokens_reset));
        RateLimits {
            requests: self.limits.requests.filter(|_| requests_reset.is_some()),
            requests_reset: requests_reset.filter(|_| self.limits.requests.is_some()),
            tokens: self.limits.tokens.filter(|_| tokens_reset.is_some()),
            tokens_reset: tokens_reset.filter(|_| self.limits.tokens.is_some()),
        }
    }

    pub fn wake(&mut self) {
        (self.until, self.limits) = (Duration::ZERO, RateLimits::default());
    }
}
