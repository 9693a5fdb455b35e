//! Watch: how one call fares, told to the health of its deployment and its credential.
//!
//! It begins before anything is set aside and ends with the attempt, whichever way that ends; dropped, it
//! says nothing of the provider. The locks are held for one note.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::code::Code;
use megarouter_domain::id::{CredentialId, DeploymentId};
use megarouter_domain::model::Deployment;
use megarouter_domain::provider::{Credential, RateLimits, Target};
use megarouter_domain::snapshot::Snapshot;
use megarouter_providers::errors::Cause;
use megarouter_routing::health::{Admission, Callee, Ended, Fault};

use crate::pipeline::Gateway;
use crate::world::World;

/// How long a credential is not used for a model that it may not use: a person has to see to it.
const WITHOUT_LEAVE: Duration = Duration::from_secs(5 * 60);

/// A call under way, as health sees it.
pub(crate) struct Watch {
    world: Arc<World>,
    callee: Callee,
    /// What an error status said of the provider.
    fault: Option<Fault>,
    is_open: bool,
}

impl Watch {
    /// The credential that is used, where it is not the first one.
    pub const fn credential(&self) -> Option<CredentialId> {
        self.callee.credential
    }

    /// Notes what the provider says is left of its limits.
    pub fn limits(&self, limits: RateLimits, now: Duration) {
        if limits != RateLimits::default() {
            self.world.health_mut().limits(self.callee, limits, now);
        }
    }

    /// Notes what an error status says of the provider: more than the end can tell.
    pub const fn judged(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// Ends it.
    pub fn end(mut self, ended: Ended, now: Duration) {
        self.is_open = false;
        let ended = self.fault.map_or(ended, Ended::Failed);
        self.world.health_mut().end(self.callee, ended, now);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.is_open {
            // What says nothing needs no time.
            self.world.health_mut().end(self.callee, Ended::Failed(Fault::None), Duration::ZERO);
        }
    }
}

/// What an error status says of the provider.
pub(crate) const fn fault_of(cause: Cause, status: u16, retry_after: Option<Duration>) -> Fault {
    match cause {
        // Not allowed to use this model, or nothing left for it: others may go.
        Cause::Credential if status == 403 => Fault::RateLimited { retry_after: Some(WITHOUT_LEAVE) },
        Cause::Quota => Fault::RateLimited { retry_after: Some(WITHOUT_LEAVE) },
        Cause::Credential => Fault::Credential,
        Cause::RateLimit => Fault::RateLimited { retry_after },
        Cause::Overload => Fault::Overloaded { retry_after },
        Cause::Fault => Fault::Broken,
        // The provider is at work, and says what is wrong with the request or the configuration.
        Cause::ModelUnknown | Cause::PathUnknown | Cause::Redirect | Cause::Request | Cause::ContextLength => {
            Fault::None
        }
    }
}

/// What an error without a status says of the provider. Refusals of our own (budgets, the ledger, a client
/// that left) say nothing.
pub(crate) const fn fault_of_code(code: Code) -> Fault {
    match code {
        Code::UpstreamUnreachable
        | Code::UpstreamTimeout
        | Code::UpstreamMalformed
        | Code::UpstreamTruncated
        | Code::UpstreamError => Fault::Broken,
        Code::UpstreamRateLimited => Fault::RateLimited { retry_after: None },
        Code::UpstreamCredential => Fault::Credential,
        _ => Fault::None,
    }
}

impl Gateway {
    /// Begins to watch a call, with the best of the provider's credentials; `None` when the deployment is not
    /// to be called at the moment.
    pub(crate) fn watch(
        &self,
        deployment: &Deployment,
        target: &Target,
        tokens: u64,
        is_last_resort: bool,
    ) -> Option<Watch> {
        let now = self.clock.monotonic();
        let credentials: Vec<_> = target.usable().collect();
        let mut health = self.world.health_mut();
        let credential = health.choose(deployment.id, target.provider.id, &credentials, tokens, now).flatten();
        let callee = Callee { deployment: deployment.id, provider: target.provider.id, credential };
        match health.begin(callee, is_last_resort, now) {
            Admission::Begun => Some(Watch { world: Arc::clone(&self.world), callee, fault: None, is_open: true }),
            Admission::Later(_) => None,
        }
    }

    /// Whether a provider may be called for a request that it has failed before (`is_repeat`): only a part
    /// of its requests may, so that its troubles are not multiplied.
    pub(crate) fn may_call(&self, target: &Target, is_repeat: bool) -> bool {
        let (provider, now) = (target.provider.id, self.clock.monotonic());
        let mut health = self.world.health_mut();
        if is_repeat {
            return health.may_repeat(provider, now);
        }
        health.called(provider, now);
        true
    }

    /// Whether the credential that a call was made with rests since, and another one does not.
    pub(crate) fn has_other_credential(
        &self,
        deployment: &Deployment,
        target: &Target,
        used: Option<CredentialId>,
    ) -> bool {
        let now = self.clock.monotonic();
        let health = self.world.health();
        let callee = |credential| Callee { deployment: deployment.id, provider: target.provider.id, credential };
        let rests = |credential| !health.rests(callee(credential), now).is_zero();
        rests(used) && target.usable().any(|other| !rests(other))
    }

    /// Credentials that are not those of before have a new chance.
    pub(crate) fn wake_replaced_credentials(&self, new: &Snapshot) {
        let old = self.snapshot();
        let providers: HashSet<_> =
            new.models().iter().flat_map(|model| &model.deployments).map(|deployment| deployment.provider_id).collect();
        for provider in providers {
            let (before, after) = (old.target(provider), new.target(provider));
            if before.zip(after).is_some_and(|(before, after)| !has_same_credentials(before, after)) {
                self.world.health_mut().credential_replaced(provider);
            }
        }
    }

    /// The deployments that rest after failures, for whoever looks whether they work again.
    pub fn resting(&self) -> Vec<DeploymentId> {
        self.world.health().resting(self.clock.monotonic()).collect()
    }

    /// Notes what somebody found out about a deployment without a call that is paid for.
    pub fn probed(&self, deployment: DeploymentId, works: bool) {
        self.world.health_mut().probed(deployment, works, self.clock.monotonic());
    }
}

fn has_same_credentials(one: &Target, other: &Target) -> bool {
    let is_same = |one: &Credential, other: &Credential| match (one, other) {
        (Credential::Ready(one), Credential::Ready(other)) => one.expose() == other.expose(),
        (Credential::None, Credential::None) | (Credential::Unavailable(_), Credential::Unavailable(_)) => true,
        _ => false,
    };
    let pooled =
        || one.pool.iter().zip(&other.pool).all(|((id, one), (other_id, other))| id == other_id && is_same(one, other));
    is_same(&one.credential, &other.credential) && one.pool.len() == other.pool.len() && pooled()
}
