//! The ordered attempts for one request: first through the deployments, then round again.
//!
//! A plan is asked for one step at a time, because each step depends on how the last one failed. It
//! only says what to do next; waiting, calling and accounting are the gateway's work.

use std::time::Duration;

use megarouter_domain::id::ProviderId;
use megarouter_domain::model::{Deployment, Model};

/// Bounds on how hard a plan tries.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls for one request, over all deployments.
    pub max_attempts: usize,
    /// The longest that all waits of one request may take together. A client that is told to come back
    /// can use its time better than one that is kept waiting.
    pub patience: Duration,
    /// The first wait where the provider names none; doubles each round.
    pub base_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_attempts: 4, patience: Duration::from_secs(5), base_wait: Duration::from_millis(400) }
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
    /// Call the deployment at this place in [`Plan::deployments`], after a wait.
    Try {
        /// Its place.
        index: usize,
        /// How long to wait first.
        wait: Duration,
    },
    /// Nothing is left worth trying.
    GiveUp,
}

/// The deployments of one request in the order they are tried.
#[derive(Clone, Debug)]
pub struct Plan {
    deployments: Vec<Deployment>,
    failures: Vec<Option<Failure>>,
    attempts: usize,
    round: u32,
    waited: Duration,
    limits: Limits,
}

impl Plan {
    /// Plans over a model's deployments in their own order, or only those of a pinned provider.
    pub fn new(model: &Model, pinned: Option<ProviderId>, limits: Limits) -> Self {
        let is_candidate = |deployment: &&Deployment| pinned.is_none_or(|provider| deployment.provider_id == provider);
        let deployments: Vec<_> = model.deployments.iter().filter(is_candidate).cloned().collect();
        let failures = vec![None; deployments.len()];
        Self { deployments, failures, attempts: 0, round: 0, waited: Duration::ZERO, limits }
    }

    /// Every deployment that may be tried.
    pub fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// The next step, after `failed` was reported for all earlier ones.
    ///
    /// `jitter` is a random number; it spreads the waits of requests that failed together over the
    /// upper half of the wait.
    pub fn next(&mut self, jitter: u32) -> Step {
        if self.attempts >= self.limits.max_attempts {
            return Step::GiveUp;
        }
        let untried = self.failures.iter().position(Option::is_none).map(|index| (index, Duration::ZERO));
        let Some((index, wait)) = untried.or_else(|| self.soonest_retry(jitter)) else { return Step::GiveUp };
        self.attempts += 1;
        Step::Try { index, wait }
    }

    /// Reports how the attempt on a deployment failed.
    pub fn failed(&mut self, index: usize, failure: Failure) {
        if let Some(slot) = self.failures.get_mut(index) {
            *slot = Some(failure);
        }
    }

    fn soonest_retry(&mut self, jitter: u32) -> Option<(usize, Duration)> {
        let backoff = self.backoff(jitter);
        let wait_for = |failure: &Option<Failure>| match failure {
            Some(Failure::Passing { retry_after }) => Some(retry_after.unwrap_or(backoff).max(backoff / 2)),
            Some(Failure::Lasting) | None => None,
        };
        let waits = self.failures.iter().enumerate().filter_map(|(index, failure)| Some((index, wait_for(failure)?)));
        let soonest = waits.min_by_key(|(index, wait)| (*wait, *index))?;
        self.round += 1;
        self.waited += soonest.1;
        (self.waited <= self.limits.patience).then_some(soonest)
    }

    fn backoff(&self, jitter: u32) -> Duration {
        let full = self.limits.base_wait.saturating_mul(1 << self.round.min(8)).min(self.limits.patience);
        let half = full / 2;
        let part = u128::from(jitter) * half.as_nanos() / u128::from(u32::MAX);
        half + Duration::from_nanos(u64::try_from(part).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::clock::Timestamp;
    use megarouter_domain::id::{DeploymentId, ModelId};
    use proptest::prelude::*;

    fn model(providers: &[u8]) -> Model {
        let now = Timestamp::from_micros(0);
        let deployment = |seed: &u8| Deployment {
            id: DeploymentId::new(now, [*seed; 10]),
            provider_id: ProviderId::new(now, [*seed; 10]),
            upstream_model: format!("upstream-{seed}"),
            price: None,
            max_output_tokens: None,
            can_reason: None,
        };
        Model {
            id: ModelId::new(now, [0; 10]),
            name: "m".to_owned(),
            aliases: vec![],
            deployments: providers.iter().map(deployment).collect(),
            created_at: now,
        }
    }

    fn plan(providers: &[u8]) -> Plan {
        Plan::new(&model(providers), None, Limits::default())
    }

    const BRIEF: Failure = Failure::Passing { retry_after: None };

    #[test]
    fn tries_every_deployment_in_order_before_any_twice() {
        let mut plan = plan(&[1, 2]);
        assert_eq!(plan.next(0), Step::Try { index: 0, wait: Duration::ZERO });
        plan.failed(0, BRIEF);
        assert_eq!(plan.next(0), Step::Try { index: 1, wait: Duration::ZERO });
        plan.failed(1, Failure::Lasting);
        assert_eq!(plan.next(0), Step::Try { index: 0, wait: Duration::from_millis(200) });
    }

    #[test]
    fn waits_as_long_as_the_provider_asks() {
        let mut plan = plan(&[1]);
        plan.next(0);
        plan.failed(0, Failure::Passing { retry_after: Some(Duration::from_secs(3)) });
        assert_eq!(plan.next(0), Step::Try { index: 0, wait: Duration::from_secs(3) });
        // A second time would be longer than anybody's patience.
        plan.failed(0, Failure::Passing { retry_after: Some(Duration::from_secs(3)) });
        assert_eq!(plan.next(0), Step::GiveUp);
    }

    #[test]
    fn gives_up_rather_than_wait_for_long() {
        let mut plan = plan(&[1]);
        plan.next(0);
        plan.failed(0, Failure::Passing { retry_after: Some(Duration::from_secs(17)) });
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
    fn a_pin_leaves_only_that_provider() {
        let pinned = ProviderId::new(Timestamp::from_micros(0), [2; 10]);
        let plan = Plan::new(&model(&[1, 2, 3]), Some(pinned), Limits::default());
        assert_eq!(plan.deployments().len(), 1);
    }

    proptest! {
        #[test]
        fn always_ends_within_its_attempts(count in 0..6_u8, jitter: u32, lasting: u8) {
            let mut plan = plan(&(0..count).collect::<Vec<_>>());
            let (mut attempts, mut waited) = (0, Duration::ZERO);
            while let Step::Try { index, wait } = plan.next(jitter) {
                waited += wait;
                prop_assert!(waited <= Limits::default().patience);
                plan.failed(index, if lasting >> index & 1 == 1 { Failure::Lasting } else { BRIEF });
                attempts += 1;
                prop_assert!(attempts <= Limits::default().max_attempts);
            }
        }
    }
}
