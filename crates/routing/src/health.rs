//! How deployments and credentials are doing: who rests, who is slow, who is near a limit.
//!
//! A state machine over what attempts report; it reads no clock and never waits. What says nothing of
//! a provider (a budget's refusal, a client that left, a request that is wrong whoever gets it) is
//! [`Fault::None`] and changes nothing. Start at [`Health::begin`] and [`Health::end`].

mod breaker;
mod credential;
mod measures;
mod retries;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use megarouter_domain::id::{CredentialId, DeploymentId, ProviderId};
use megarouter_domain::permille::Permille;
use megarouter_domain::provider::RateLimits;

use self::breaker::Breaker;
use self::credential::Rest;
use self::measures::Measures;
use self::retries::Retries;

/// How long a refused credential rests: a person has to see to it.
const CREDENTIAL_REST: Duration = Duration::from_secs(5 * 60);
/// The longest that a provider's own wish lets a deployment rest before it is asked again.
const LONGEST_REST: Duration = Duration::from_secs(5 * 60);
/// The rest after a rate limit whose end the provider does not name.
const USUAL_REST: Duration = Duration::from_secs(5);
/// Another deployment's share of served calls that is so much better makes an outlier.
const OUTLIER_GAP: u16 = 300;

/// One of a provider's credentials: `None` for the first one, which has no id.
pub type CredentialKey = Option<CredentialId>;

/// How everything is doing.
#[derive(Clone, Debug, Default)]
pub struct Health {
    deployments: HashMap<DeploymentId, Track>,
    credentials: HashMap<(ProviderId, CredentialKey), Rest>,
    retries: HashMap<ProviderId, Retries>,
    /// Counts calls, so that the one used longest ago can be told.
    calls: u64,
}

/// A deployment's history.
#[derive(Clone, Debug, Default)]
struct Track {
    breaker: Breaker,
    measures: Measures,
    in_flight: u32,
    last_call: u64,
    /// By credential; those that never were refused or limited are missing.
    limits: Vec<(CredentialKey, Rest)>,
}

/// How a deployment is doing, for a request of a given size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Whether it can be called.
    pub state: State,
    /// The usual time to its first output; `None` without measurements.
    pub first_output: Option<Duration>,
    /// The same, quick to rise and slow to fall: for choosing, not for showing.
    pub peak: Option<Duration>,
    /// Output tokens a second; `None` without measurements.
    pub tokens_per_second: Option<u32>,
    /// The share of its recent calls that were served; `None` without any.
    pub availability: Option<Permille>,
    /// Calls under way.
    pub in_flight: u32,
    /// The number of its last call; 0 when it never was called, higher is later.
    pub last_call: u64,
}

/// Whether a deployment can be called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It can.
    #[default]
    Ready,
    /// It failed and has rested: the next call is a trial, and only one at a time.
    Probation,
    /// It rests after failures, for so much longer.
    Resting(Duration),
    /// All its credentials are at their limit, for so much longer.
    Limited(Duration),
}

/// What a call is, to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callee {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Who serves it.
    pub provider: ProviderId,
    /// With which credential.
    pub credential: CredentialKey,
}

/// What a call was good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was served.
    Served {
        /// The time to the first output, or to the whole answer where it came in one piece; `None` where nothing
        /// was generated.
        first_output: Option<Duration>,
        /// The time to the end.
        total: Duration,
        /// The output, in tokens, when known.
        output_tokens: Option<u64>,
    },
    /// It was not.
    Failed(Fault),
}

/// Why a call was not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// For a reason that says nothing of the provider.
    None,
    /// The provider could not be reached, took too long, broke off, failed, or sent nonsense.
    Broken,
    /// The provider has too much to do.
    Overloaded {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// A limit of the credential is reached.
    RateLimited {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The provider refuses the credential, or its account has nothing left.
    Credential,
}

/// Whether a call may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It has begun.
    Begun,
    /// Another call is the deployment's trial; it is known how that goes after about so long.
    Later(Duration),
}

impl Health {
    /// How a deployment is doing, for a request with so much input that comes with one of these
    /// credentials.
    pub fn condition(
        &self,
        deployment: DeploymentId,
        provider: ProviderId,
        credentials: &[CredentialKey],
        tokens: u64,
        now: Duration,
    ) -> Condition {
        let track = self.deployments.get(&deployment);
        let state = match track.map_or(State::Ready, |track| track.breaker.state(now)) {
            State::Ready | State::Probation if credentials.is_empty() => State::Ready,
            calm @ (State::Ready | State::Probation) => {
                let rests = credentials.iter().map(|key| self.rest(track, provider, *key, tokens, now));
                match rests.min().unwrap_or(Duration::ZERO) {
                    Duration::ZERO => calm,
                    rest => State::Limited(rest),
                }
            }
            resting => resting,
        };
        let Some(track) = track else { return Condition { state, ..Condition::default() } };
        Condition {
            state,
            first_output: track.measures.first_output(),
            peak: track.measures.peak(now),
            tokens_per_second: track.measures.tokens_per_second(),
            availability: track.measures.availability(now),
            in_flight: track.in_flight,
            last_call: track.last_call,
        }
    }

    /// The best of a provider's credentials for a call: one that does not rest, and of those the one
    /// with the fewest calls under way. When all rest, the one that is ready first.
    pub fn choose(
        &self,
        deployment: DeploymentId,
        provider: ProviderId,
        credentials: &[CredentialKey],
        tokens: u64,
        now: Duration,
    ) -> Option<CredentialKey> {
        let track = self.deployments.get(&deployment);
        let in_flight = |key: CredentialKey| self.credentials.get(&(provider, key)).map_or(0, |rest| rest.in_flight);
        let rank = |key: &CredentialKey| (self.rest(track, provider, *key, tokens, now), in_flight(*key));
        credentials.iter().copied().min_by_key(rank)
    }

    /// How long a credential rests for a deployment; zero when it does not.
    pub fn rests(&self, callee: Callee, now: Duration) -> Duration {
        self.rest(self.deployments.get(&callee.deployment), callee.provider, callee.credential, 0, now)
    }

    fn rest(
        &self,
        track: Option<&Track>,
        provider: ProviderId,
        key: CredentialKey,
        tokens: u64,
        now: Duration,
    ) -> Duration {
        let everywhere = self.credentials.get(&(provider, key)).map_or(Duration::ZERO, |rest| rest.left(0, now));
        let limits = track.and_then(|track| track.limits.iter().find(|(limited, _)| *limited == key));
        limits.map_or(Duration::ZERO, |(_, rest)| rest.left(tokens, now)).max(everywhere)
    }

    /// Begins a call. `is_last_resort` calls a deployment that rests, because there is nothing else.
    pub fn begin(&mut self, callee: Callee, is_last_resort: bool, now: Duration) -> Admission {
        self.calls += 1;
        let calls = self.calls;
        let track = self.deployments.entry(callee.deployment).or_default();
        if let Err(wait) = track.breaker.admit(is_last_resort, now) {
            return Admission::Later(wait);
        }
        track.in_flight += 1;
        track.last_call = calls;
        self.credentials.entry((callee.provider, callee.credential)).or_default().in_flight += 1;
        Admission::Begun
    }

    /// Ends a call that has begun.
    pub fn end(&mut self, callee: Callee, ended: Ended, now: Duration) {
        if let Some(rest) = self.credentials.get_mut(&(callee.provider, callee.credential)) {
            rest.in_flight = rest.in_flight.saturating_sub(1);
        }
        let track = self.deployments.entry(callee.deployment).or_default();
        track.in_flight = track.in_flight.saturating_sub(1);
        match ended {
            Ended::Served { first_output, total, output_tokens } => {
                track.breaker.served();
                track.measures.served(first_output, total, output_tokens, now);
            }
            Ended::Failed(fault) => self.failed(callee, fault, now),
        }
    }

    fn failed(&mut self, callee: Callee, fault: Fault, now: Duration) {
        let Some(track) = self.deployments.get_mut(&callee.deployment) else { return };
        match fault {
            Fault::None => track.breaker.said_nothing(),
            Fault::Broken => {
                track.breaker.failed(now);
                track.measures.failed(now);
                self.rest_outlier(callee.deployment, now);
            }
            Fault::Overloaded { retry_after } => {
                track.measures.failed(now);
                match retry_after.filter(|wait| !wait.is_zero()) {
                    Some(wait) => track.breaker.rest(wait.min(LONGEST_REST), now),
                    None => track.breaker.failed(now),
                }
            }
            Fault::RateLimited { retry_after } => {
                track.breaker.said_nothing();
                let wait = retry_after.unwrap_or(USUAL_REST).min(LONGEST_REST);
                track.limit_of(callee.credential).until(wait, now);
            }
            Fault::Credential => {
                track.breaker.said_nothing();
                self.credentials.entry((callee.provider, callee.credential)).or_default().until(CREDENTIAL_REST, now);
            }
        }
    }

    /// Lets a deployment rest that serves far less of its calls than the others do, even if it never
    /// fails often enough in a row.
    fn rest_outlier(&mut self, deployment: DeploymentId, now: Duration) {
        let judged = |id: &DeploymentId| self.deployments.get(id).and_then(|track| track.measures.judged(now));
        let Some(own) = judged(&deployment) else { return };
        let others: Vec<u16> =
            self.deployments.keys().filter(|id| **id != deployment).filter_map(judged).map(Permille::get).collect();
        let count = u32::try_from(others.len()).unwrap_or(u32::MAX);
        // Alone, there is nothing to compare with: only one that hardly works is set apart.
        let usual = others.iter().map(|share| u32::from(*share)).sum::<u32>().checked_div(count).unwrap_or(600);
        if u32::from(own.get()) + u32::from(OUTLIER_GAP) <= usual
            && let Some(track) = self.deployments.get_mut(&deployment)
            && track.breaker.state(now) == State::Ready
        {
            track.breaker.open(now);
        }
    }

    /// Notes what a provider says is left of its limits.
    pub fn limits(&mut self, callee: Callee, limits: RateLimits, now: Duration) {
        if limits != RateLimits::default() {
            self.deployments.entry(callee.deployment).or_default().limit_of(callee.credential).noted(limits, now);
        }
    }

    /// What a provider last said of a credential's limits at a deployment.
    pub fn limits_left(&self, deployment: DeploymentId, credential: CredentialKey, now: Duration) -> RateLimits {
        let track = self.deployments.get(&deployment);
        let found = track.and_then(|track| track.limits.iter().find(|(key, _)| *key == credential));
        found.map_or(RateLimits::default(), |(_, rest)| rest.limits(now))
    }

    /// Notes a request's first call to a provider, which earns it a part of a repetition.
    pub fn called(&mut self, provider: ProviderId, now: Duration) {
        self.retries.entry(provider).or_default().earn(now);
    }

    /// Takes a repetition from the provider's budget for them: a fifth of its requests. False when it
    /// is used up, and repeating would only add to its load.
    pub fn may_repeat(&mut self, provider: ProviderId, now: Duration) -> bool {
        self.retries.entry(provider).or_default().spend(now)
    }

    /// Notes that a deployment was found to work, without a call that was paid for.
    pub fn probed(&mut self, deployment: DeploymentId, works: bool, now: Duration) {
        let Some(track) = self.deployments.get_mut(&deployment) else { return };
        if works { track.breaker.try_now(now) } else { track.breaker.failed(now) }
    }

    /// The deployments that rest after failures, for whoever looks whether they work again.
    pub fn resting(&self, now: Duration) -> impl Iterator<Item = DeploymentId> {
        let rests = move |track: &Track| matches!(track.breaker.state(now), State::Resting(_));
        self.deployments.iter().filter(move |(_, track)| rests(track)).map(|(id, _)| *id)
    }

    /// Forgets that a credential was refused: somebody has replaced it.
    pub fn credential_replaced(&mut self, provider: ProviderId) {
        let is_its = |key: &(ProviderId, CredentialKey)| key.0 == provider;
        self.credentials.iter_mut().filter(|(key, _)| is_its(key)).for_each(|(_, rest)| rest.wake());
    }

    /// Forgets deployments that are not configured any more.
    pub fn keep_only(&mut self, is_configured: impl Fn(DeploymentId) -> bool) {
        self.deployments.retain(|id, track| track.in_flight > 0 || is_configured(*id));
    }
}

impl Track {
    fn limit_of(&mut self, key: CredentialKey) -> &mut Rest {
        let place = self.limits.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            self.limits.push((key, Rest::default()));
            self.limits.len() - 1
        });
        &mut self.limits[place].1
    }
}
