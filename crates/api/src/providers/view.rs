//! Providers as answers show them.

use std::time::Duration;

use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::{Credential, CredentialSource, Pooled, Provider as Configured};
use megarouter_domain::snapshot::Snapshot;
use megarouter_providers::catalog;
use megarouter_providers::probe::{self, Problem};
use megarouter_secrets::Kind as StoreKind;
use megarouter_store::ledger::activity::ProviderActivity as Activity;
use megarouter_store::settings::{Everything, Noun};

use super::{
    CredentialSourceKind, CredentialState, CredentialStatus, Diagnosis, DiagnosisCode, PooledCredential, Provider,
    ProviderActivity,
};
use crate::context::Context;
use crate::error::ApiError;
use crate::requests::Dialect;
use crate::shape::micros;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Every provider of a configuration.
///
/// # Errors
/// When the ledger does not answer.
pub(super) async fn all(context: &Context, everything: &Everything) -> Result<Vec<Provider>, ApiError> {
    let since = context.now().minus(DAY);
    let activity = context.questions().provider_activity(since).await?;
    let snapshot = context.gateway.snapshot();
    let view = |provider: &Configured| Provider {
        id: provider.id,
        name: provider.name.clone(),
        kind: provider.kind.clone(),
        kind_name: catalog::kind(&provider.kind).map_or_else(|| provider.kind.clone(), |kind| kind.name.to_owned()),
        base_url: provider.base_url.clone(),
        credential: first_credential(context, provider, &snapshot),
        dialects: provider.dialects.iter().copied().map(Dialect::from).collect(),
        is_enabled: provider.is_enabled,
        is_local: is_local(provider),
        region: provider.region.clone(),
        keeps_prompts: provider.keeps_prompts,
        pool: provider.pool.iter().map(|pooled| further_credential(context, provider.id, pooled, &snapshot)).collect(),
        models: models_of(everything, provider.id),
        last_24h: activity.get(&provider.id).copied().unwrap_or_default().into(),
    };
    Ok(everything.providers.iter().map(view).collect())
}

/// One provider of a configuration.
///
/// # Errors
/// When it is not there, or the ledger does not answer.
pub(super) async fn one(context: &Context, everything: &Everything, id: ProviderId) -> Result<Provider, ApiError> {
    let found = all(context, everything).await?.into_iter().find(|provider| provider.id == id);
    found.ok_or_else(|| ApiError::not_found(Noun::Provider, id))
}

/// True when the provider's kind runs on one's own machine and charges nothing.
pub(crate) fn is_local(provider: &Configured) -> bool {
    catalog::kind(&provider.kind).is_some_and(|kind| kind.is_local)
}

fn models_of(everything: &Everything, id: ProviderId) -> u64 {
    let is_served = |model: &&megarouter_domain::model::Model| {
        model.deployments.iter().any(|deployment| deployment.provider_id == id)
    };
    everything.models.iter().filter(is_served).count() as u64
}

fn first_credential(context: &Context, provider: &Configured, snapshot: &Snapshot) -> CredentialStatus {
    status(context, &provider.credential, snapshot.target(provider.id).map(|target| &target.credential))
}

fn further_credential(context: &Context, of: ProviderId, pooled: &Pooled, snapshot: &Snapshot) -> PooledCredential {
    let target = snapshot.target(of);
    let known = target.and_then(|target| target.pool.iter().find(|(id, _)| *id == pooled.id));
    PooledCredential {
        id: pooled.id,
        name: pooled.name.clone(),
        is_enabled: pooled.is_enabled,
        credential: status(context, &pooled.source, known.map(|(_, credential)| credential)),
    }
}

fn status(context: &Context, source: &CredentialSource, known: Option<&Credential>) -> CredentialStatus {
    let (source, variable) = match source {
        CredentialSource::None => (CredentialSourceKind::None, None),
        CredentialSource::Stored => (CredentialSourceKind::Stored, None),
        CredentialSource::Environment { variable } => (CredentialSourceKind::Environment, Some(variable.clone())),
    };
    let (state, detail) = match known {
        Some(Credential::None) => (CredentialState::None, None),
        Some(Credential::Ready(_)) => (CredentialState::Ready, None),
        Some(Credential::Unavailable(why)) => (CredentialState::Unavailable, Some(why.to_string())),
        None => (CredentialState::Unavailable, Some("It is not in use, so it was not read.".to_owned())),
    };
    let stored_in = (source == CredentialSourceKind::Stored).then(|| store_in_words(context));
    CredentialStatus { source, variable, state, detail, stored_in }
}

fn store_in_words(context: &Context) -> String {
    let words = match context.secrets.state().kind {
        StoreKind::Keychain => "the operating system's keychain",
        StoreKind::EncryptedFile => "an encrypted file in the data folder",
        StoreKind::Environment => "nowhere: only environment variables are used",
    };
    words.to_owned()
}

impl From<Activity> for ProviderActivity {
    fn from(activity: Activity) -> Self {
        Self {
            requests: activity.calls,
            errors: activity.errors,
            p95_us: activity.p95.map(micros),
            cost: activity.costs.cost().into(),
        }
    }
}

impl From<probe::Diagnosis> for Diagnosis {
    fn from(found: probe::Diagnosis) -> Self {
        Self {
            is_ok: found.is_ok(),
            code: found.problem.map(DiagnosisCode::from),
            message: found.message,
            next_step: found.next_step,
            latency_us: found.latency.map(micros),
            status: found.status,
            models: found.models.into_iter().map(|model| model.id).collect(),
        }
    }
}

impl From<Problem> for DiagnosisCode {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::AddressRefused => Self::AddressRefused,
            Problem::Dns => Self::DnsFailed,
            Problem::ConnectRefused => Self::ConnectRefused,
            Problem::ConnectTimeout => Self::ConnectTimeout,
            Problem::Tls => Self::TlsFailed,
            Problem::CredentialRejected => Self::CredentialRejected,
            Problem::CredentialUnavailable => Self::CredentialUnavailable,
            Problem::QuotaExhausted => Self::QuotaExhausted,
            Problem::ModelNotFound => Self::ModelNotFound,
            Problem::PathNotFound => Self::PathNotFound,
            Problem::AnswerMalformed => Self::AnswerMalformed,
            Problem::UpstreamError => Self::UpstreamError,
        }
    }
}
