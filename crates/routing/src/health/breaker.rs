//! The circuit breaker of one deployment.

use std::time::Duration;

use super::State;

/// Failures in a row that open it.
const IN_A_ROW: u32 = 3;
/// The first rest; doubles each time that the trial after it fails.
const FIRST_REST: Duration = Duration::from_secs(5);
/// The longest rest of its own making.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// How long a trial may take before another one is let through: its caller may be gone.
const TRIAL: Duration = Duration::from_secs(30);

/// Closed, open until a time, or on trial.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Breaker {
    in_a_row: u32,
    /// How often it has opened without being closed in between.
    opened: u32,
    /// Until when it is open; `None` for closed.
    until: Option<Duration>,
    /// Since when a trial is under way.
    trial: Option<Duration>,
}

impl Breaker {
    pub fn state(&self, now: Duration) -> State {
        match self.until {
            None => State::Ready,
            Some(until) if now < until => State::Resting(until.saturating_sub(now)),
            Some(_) => match self.trial_left(now) {
                Duration::ZERO => State::Probation,
                left => State::Resting(left),
            },
        }
    }

    /// Lets a call through, or says when to ask again.
    pub fn admit(&mut self, is_last_resort: bool, now: Duration) -> Result<(), Duration> {
        match self.state(now) {
            State::Resting(left) if !is_last_resort => return Err(left),
            State::Ready => {}
            _ => self.trial = Some(now),
        }
        Ok(())
    }

    pub fn served(&mut self) {
        *self = Self::default();
    }

    /// A call ended without saying anything: if it was the trial, there may be another.
    pub fn said_nothing(&mut self) {
        self.trial = None;
    }

    pub fn failed(&mut self, now: Duration) {
        self.in_a_row += 1;
        // Calls that began before it opened fail after it has; they do not make it rest any longer.
        let is_resting = self.until.is_some_and(|until| now < until);
        if self.trial.is_some() || (self.in_a_row >= IN_A_ROW && !is_resting) {
            self.open(now);
        }
    }

    /// Opens it for a time that depends on how often it did.
    pub fn open(&mut self, now: Duration) {
        let rest = FIRST_REST.saturating_mul(1 << self.opened.min(8)).min(LONGEST_REST);
        self.opened += 1;
        self.trial = None;
        self.until = Some(now + rest);
    }

    /// Opens it for as long as the provider asks.
    pub fn rest(&mut self, wait: Duration, now: Duration) {
        self.trial = None;
        self.until = Some(self.until.unwrap_or_default().max(now + wait));
    }

    /// Ends a rest early: the next call is the trial.
    pub fn try_now(&mut self, now: Duration) {
        if let Some(until) = &mut self.until {
            *until = (*until).min(now);
        }
    }

    fn trial_left(&self, now: Duration) -> Duration {
        self.trial.map_or(Duration::ZERO, |since| (since + TRIAL).saturating_sub(now))
    }
}
