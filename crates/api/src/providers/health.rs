//! `GET /providers/health`

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::permille::Permille;
use megarouter_domain::provider::RateLimits;
use megarouter_routing::Surroundings;
use megarouter_routing::Table;
use megarouter_routing::health::{Callee, CredentialKey, State as Standing};
use megarouter_routing::table::Served;
use megarouter_store::settings::Everything;

use super::{CredentialHealth, DeploymentHealth, HealthState, ProviderHealth};
use crate::context::Context;
use crate::error::ApiError;
use crate::shape::Time;

/// Shows how providers, their deployments and their credentials are doing, as this node's requests see it.
#[utoipa::path(get, path = "/providers/health", operation_id = "show_provider_health", tag = "providers",
    responses((status = 200, description = "Every provider", body = Vec<ProviderHealth>)))]
pub async fn show_provider_health(State(context): State<Arc<Context>>) -> Result<Json<Vec<ProviderHealth>>, ApiError> {
    let (everything, now) = (context.everything().await?, context.now());
    Ok(Json(context.gateway.look_around(|table, around| {
        let view = Look { table, around, now };
        everything.providers.iter().map(|provider| view.provider(&everything, provider.id)).collect()
    })))
}

/// The world at a moment.
struct Look<'a> {
    table: &'a Table,
    around: &'a Surroundings<'a>,
    now: Timestamp,
}

impl Look<'_> {
    fn provider(&self, everything: &Everything, id: megarouter_domain::id::ProviderId) -> ProviderHealth {
        let configured = everything.providers.iter().find(|provider| provider.id == id);
        let served: Vec<&Served> = self.table.served().iter().filter(|it| it.provider_id() == id).collect();
        let deployments: Vec<DeploymentHealth> = served.iter().map(|served| self.deployment(served)).collect();
        let pool = configured.map(|provider| provider.pool.as_slice()).unwrap_or_default();
        let further =
            pool.iter().filter(|pooled| pooled.is_enabled).map(|pooled| (Some(pooled.id), pooled.name.clone()));
        let all = std::iter::once((None, String::new())).chain(further);
        let credentials: Vec<_> = all.map(|(key, name)| self.credential(&served, id, key, name)).collect();
        ProviderHealth {
            provider_id: id,
            provider: configured.map(|provider| provider.name.clone()).unwrap_or_default(),
            state: deployments.iter().map(|deployment| deployment.state).max().unwrap_or(HealthState::Unknown),
            deployments,
            credentials,
        }
    }

    fn deployment(&self, served: &Served) -> DeploymentHealth {
        let (health, now) = (self.around.health, self.around.now);
        let condition = health.condition(served.deployment_id(), served.provider_id(), &served.credentials, 0, now);
        let (state, rest) = match condition.state {
            Standing::Ready if condition.last_call == 0 => (HealthState::Unknown, None),
            Standing::Ready => (HealthState::Healthy, None),
            Standing::Probation => (HealthState::Probing, None),
            Standing::Resting(rest) => (HealthState::Resting, Some(rest)),
            Standing::Limited(rest) => (HealthState::RateLimited, Some(rest)),
        };
        DeploymentHealth {
            deployment_id: served.deployment_id(),
            model: served.name.to_string(),
            state,
            resting_until: rest.map(|rest| self.after(rest)),
            in_flight: condition.in_flight,
            first_output_ms: condition.first_output.map(|time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX)),
            tokens_per_second: condition.tokens_per_second,
            availability_permille: condition.availability.map(Permille::get),
        }
    }

    /// A credential with what its provider says is left; limits are told by deployment, and the tightest counts.
    fn credential(
        &self,
        served: &[&Served],
        provider: megarouter_domain::id::ProviderId,
        key: CredentialKey,
        name: String,
    ) -> CredentialHealth {
        let (health, now) = (self.around.health, self.around.now);
        let callee = |served: &&&Served| Callee { deployment: served.deployment_id(), provider, credential: key };
        let rest = served.iter().map(|served| health.rests(callee(&served), now)).max().unwrap_or_default();
        let limits: Vec<RateLimits> =
            served.iter().map(|served| health.limits_left(served.deployment_id(), key, now)).collect();
        let resets = limits.iter().filter_map(|limits| limits.requests_reset.max(limits.tokens_reset));
        let resets_in = resets.max();
        let requests_left = limits.iter().filter_map(|limits| limits.requests).min();
        let tokens_left = limits.iter().filter_map(|limits| limits.tokens).min();
        let is_used_up = requests_left == Some(0) || tokens_left == Some(0);
        let state = match (rest, is_used_up, requests_left.or(tokens_left)) {
            (Duration::ZERO, false, None) => HealthState::Unknown,
            (Duration::ZERO, false, Some(_)) => HealthState::Healthy,
            (Duration::ZERO, true, _) => HealthState::RateLimited,
            (_, _, _) => HealthState::Resting,
        };
        CredentialHealth {
            credential_id: key,
            name,
            state,
            resting_until: (!rest.is_zero()).then(|| self.after(rest)),
            requests_left,
            tokens_left,
            limit_resets_at: resets_in.map(|reset| self.after(reset)),
        }
    }

    fn after(&self, rest: Duration) -> Time {
        self.now.plus(rest).into()
    }
}
