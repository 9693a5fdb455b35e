//! The attempts for one request: first through the choices in their order, then round again.
//!
//! A plan is asked for one step at a time, because each step depends on how the last one failed. It
//! only says what to do next; waiting, calling and accounting are the gateway's work.

use std::time::Duration;

use crate::candidate::Choice;

/// Bounds on how hard a plan tries.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls for one request, over all choices.
    pub max_attempts: usize,
    /// The longest that all waits of one request may take together. A provider that asks for more is left
    /// for the next one, or the client is told: it can use that time better than one that is kept waiting.
    pub patience: Duration,
    /// The first wait where the provider names none; doubles each round.
    pub base_wait: Duration,
    /// The longest wait where the provider names none.
    pub longest_backoff: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            patience: Duration::from_secs(10),
            base_wait: Duration::from_millis(400),
            longest_backoff: Duration::from_secs(5),
        }
    }
}

/// What a failed attempt means for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It may work again on the same deployment, after the time the provider asked for.
    Passing {
        /// The provider's `Retry-After`; `None` when it named none.
        retry_after: Option<Duration>,
    },
    /// This deployment will not serve the request; another might.
    Lasting,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Call a choice, after a wait.
    Try {
        /// Its place in [`Plan::choices`].
        index: usize,
        /// How long to wait first.
        wait: Duration,
        /// Whether its provider has failed this request before: then the call counts against what the
        /// provider may be asked again.
        is_repeat: bool,
        /// Whether to call it although it rests.
        is_last_resort: bool,
    },
    /// Nothing is left worth trying.
    GiveUp,
}

/// The choices of one request, and how they fared.
#[derive(Clone, Debug)]
pub struct Plan {
    choices: Vec<Choice>,
    fates: Vec<Fate>,
    attempts: usize,
    round: u32,
    waited: Duration,
    limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Untried,
    /// It could not be called at that moment.
    Skipped,
    Failed(Failure),
}

impl Plan {
    /// Plans over choices in their order.
    pub fn new(choices: Vec<Choice>, limits: Limits) -> Self {
        let fates = vec![Fate::Untried; choices.len()];
        Self { choices, fates, attempts: 0, round: 0, waited: Duration::ZERO, limits }
    }

    /// Everything that may be tried.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// The next step, after [`Plan::failed`] or [`Plan::skipped`] was told of all earlier ones.
    ///
    /// `jitter` is a random number; it spreads the waits of requests that failed together over the
    /// upper half of the wait.
    pub fn next(&mut self, jitter: u32) -> Step {
        if self.attempts >= self.limits.max_attempts {
            return Step::GiveUp;
        }
        let untried = || self.place_of(Fate::Untried).map(|index| (index, Duration::ZERO));
        let next = untried().or_else(|| self.soonest_retry(jitter));
        // A call that may fail is better than none.
        let Some((index, wait)) = next.or_else(|| self.skipped_before_any()) else { return Step::GiveUp };
        self.attempts += 1;
        let is_last_resort = self.choices[index].is_last_resort || self.fates[index] == Fate::Skipped;
        Step::Try { index, wait, is_repeat: self.has_failed_at(index), is_last_resort }
    }

    /// Reports how the attempt on a choice failed.
    pub fn failed(&mut self, index: usize, failure: Failure) {
        if let Some(fate) = self.fates.get_mut(index) {
            *fate = Fate::Failed(failure);
        }
    }

    /// Reports that the attempt on a choice failed, and that the same may be called at once in another way: with
    /// another credential.
    pub fn again(&mut self, index: usize) {
        if let Some(fate) = self.fates.get_mut(index) {
            *fate = Fate::Untried;
        }
    }

    /// Reports that a choice could not be called at that moment, so that there was no attempt.
    pub fn skipped(&mut self, index: usize) {
        self.attempts = self.attempts.saturating_sub(1);
        if let Some(fate) = self.fates.get_mut(index) {
            *fate = if *fate == Fate::Untried { Fate::Skipped } else { Fate::Failed(Failure::Lasting) };
        }
    }

    fn place_of(&self, wanted: Fate) -> Option<usize> {
        self.fates.iter().position(|fate| *fate == wanted)
    }

    fn skipped_before_any(&self) -> Option<(usize, Duration)> {
        let index = self.place_of(Fate::Skipped).filter(|_| self.attempts == 0)?;
        Some((index, Duration::ZERO))
    }

    fn has_failed_at(&self, index: usize) -> bool {
        let provider = self.choices[index].deployment().provider_id;
        let mut tried = self.choices.iter().zip(&self.fates);
        tried.any(|(choice, fate)| choice.deployment().provider_id == provider && matches!(fate, Fate::Failed(_)))
    }

    fn soonest_retry(&mut self, jitter: u32) -> Option<(usize, Duration)> {
        let backoff = self.backoff(jitter);
        let wait_for = |fate: &Fate| match fate {
            Fate::Failed(Failure::Passing { retry_after }) => Some(retry_after.unwrap_or(backoff).max(backoff / 2)),
            Fate::Failed(Failure::Lasting) | Fate::Skipped | Fate::Untried => None,
        };
        let waits = self.fates.iter().enumerate().filter_map(|(index, fate)| Some((index, wait_for(fate)?)));
        let soonest = waits.min_by_key(|(index, wait)| (*wait, *index))?;
        self.round += 1;
        self.waited += soonest.1;
        (self.waited <= self.limits.patience).then_some(soonest)
    }

    fn backoff(&self, jitter: u32) -> Duration {
        let full = self.limits.base_wait.saturating_mul(1 << self.round.min(8)).min(self.limits.longest_backoff);
        let half = full / 2;
        let part = u128::from(jitter) * half.as_nanos() / u128::from(u32::MAX);
        half + Duration::from_nanos(u64::try_from(part).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use megarouter_domain::clock::Timestamp;
    use megarouter_domain::id::{DeploymentId, ModelId, ProviderId};
    use megarouter_domain::model::{Deployment, Model};
    use proptest::prelude::*;

    fn plan(providers: &[u8]) -> Plan {
        let now = Timestamp::from_micros(0);
        let deployment = |(place, seed): (usize, &u8)| Deployment {
            id: DeploymentId::new(now, [u8::try_from(place).unwrap(); 10]),
            provider_id: ProviderId::new(now, [*seed; 10]),
            upstream_model: format!("upstream-{seed}"),
            price: None,
            max_output_tokens: None,
            can_reason: None,
        };
        let model = Arc::new(Model {
            id: ModelId::new(now, [0; 10]),
            name: "m".to_owned(),
            aliases: vec![],
            deployments: providers.iter().enumerate().map(deployment).collect(),
            created_at: now,
        });
        let choice = |index| Choice { model: Arc::clone(&model), index, is_last_resort: false };
        Plan::new((0..providers.len()).map(choice).collect(), Limits::default())
    }

    const BRIEF: Failure = Failure::Passing { retry_after: None };

    const fn passing(seconds: u64) -> Failure {
        Failure::Passing { retry_after: Some(Duration::from_secs(seconds)) }
    }

    const fn at_once(index: usize) -> Step {
        Step::Try { index, wait: Duration::ZERO, is_repeat: false, is_last_resort: false }
    }

    const fn again(index: usize, wait: Duration) -> Step {
        Step::Try { index, wait, is_repeat: true, is_last_resort: false }
    }

    #[test]
    fn tries_every_choice_in_order_before_any_twice() {
        let mut plan = plan(&[1, 2]);
        assert_eq!(plan.next(0), at_once(0));
        plan.failed(0, BRIEF);
        assert_eq!(plan.next(0), at_once(1));
        plan.failed(1, Failure::Lasting);
        assert_eq!(plan.next(0), again(0, Duration::from_millis(200)));
    }

    #[test]
    fn waits_as_long_as_the_provider_asks_but_not_for_long_in_all() {
        let mut plan = plan(&[1]);
        plan.next(0);
        plan.failed(0, passing(7));
        assert_eq!(plan.next(0), again(0, Duration::from_secs(7)));
        plan.failed(0, passing(4));
        assert_eq!(plan.next(0), Step::GiveUp);
    }

    #[test]
    fn what_a_provider_asks_is_honoured_in_every_form() {
        for (asked, expected) in [(0, 100), (1, 1_000), (10, 10_000)] {
            let mut plan = plan(&[1]);
            plan.next(0);
            plan.failed(0, passing(asked));
            assert_eq!(plan.next(0), again(0, Duration::from_millis(expected)), "{asked} s");
        }
        let mut plan = plan(&[1]);
        plan.next(0);
        plan.failed(0, passing(86_400));
        assert_eq!(plan.next(0), Step::GiveUp);
    }

    #[test]
    fn never_repeats_a_lasting_failure() {
        let mut plan = plan(&[1]);
        plan.next(0);
        plan.failed(0, Failure::Lasting);
        assert_eq!(plan.next(0), Step::GiveUp);
    }

    #[test]
    fn another_model_of_a_failed_provider_is_a_repetition_and_another_provider_is_none() {
        let mut plan = plan(&[1, 1, 2]);
        assert_eq!(plan.next(0), at_once(0));
        plan.failed(0, Failure::Lasting);
        assert_eq!(plan.next(0), again(1, Duration::ZERO));
        plan.failed(1, Failure::Lasting);
        assert_eq!(plan.next(0), at_once(2));
    }

    #[test]
    fn what_could_not_be_called_costs_no_attempt_and_is_the_last_resort() {
        let mut plan = plan(&[1, 2]);
        plan.next(0);
        plan.skipped(0);
        assert_eq!(plan.next(0), at_once(1));
        plan.skipped(1);
        let resort = Step::Try { index: 0, wait: Duration::ZERO, is_repeat: false, is_last_resort: true };
        assert_eq!(plan.next(0), resort);
        plan.failed(0, Failure::Lasting);
        assert_eq!(plan.next(0), Step::GiveUp, "something was tried");
    }

    #[test]
    fn another_credential_is_tried_at_once_within_the_same_bounds() {
        let mut plan = plan(&[1, 2]);
        for _ in 0..4 {
            assert_eq!(plan.next(0), at_once(0));
            plan.again(0);
        }
        assert_eq!(plan.next(0), Step::GiveUp);
    }

    proptest! {
        #[test]
        fn always_ends_within_its_attempts(count in 0..6_u8, jitter: u32, lasting: u8, skipped: u8) {
            let mut plan = plan(&(0..count).collect::<Vec<_>>());
            let (mut steps, mut attempts, mut waited) = (0, 0, Duration::ZERO);
            while let Step::Try { index, wait, is_last_resort, .. } = plan.next(jitter) {
                waited += wait;
                prop_assert!(waited <= Limits::default().patience);
                if skipped >> index & 1 == 1 && !is_last_resort {
                    plan.skipped(index);
                } else {
                    plan.failed(index, if lasting >> index & 1 == 1 { Failure::Lasting } else { BRIEF });
                    attempts += 1;
                }
                steps += 1;
                prop_assert!(attempts <= Limits::default().max_attempts);
                prop_assert!(steps <= 32);
            }
            prop_assert!(count == 0 || attempts > 0, "something is always tried");
        }
    }
}
