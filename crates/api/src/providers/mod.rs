//! Configured providers.

pub mod change;
pub mod create;
pub mod delete;
pub mod detect;
pub mod discover;
pub mod health;
pub mod list;
pub mod pool;
pub mod show;
pub mod test;
pub mod test_draft;

mod check;
mod view;

use megarouter_domain::id::{CredentialId, DeploymentId, ProviderId};
use megarouter_secrets::Holder;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use view::is_local;

use crate::context::Context;
use crate::extract::SecretText;
use crate::requests::Dialect;
use crate::shape::{Cost, Time};

/// A configured provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Provider {
    /// The provider's id.
    #[schema(value_type = String, format = "uuid")]
    pub id: ProviderId,
    /// The name it is pinned by, as in `NAME/model`.
    pub name: String,
    /// The id of its kind.
    pub kind: String,
    /// The name of its kind.
    pub kind_name: String,
    /// Where its API is.
    pub base_url: String,
    /// Its credential, never the secret itself.
    pub credential: CredentialStatus,
    /// The wire formats chosen for it, most wanted first; empty for those of its kind.
    pub dialects: Vec<Dialect>,
    /// Whether requests may be sent to it.
    pub is_enabled: bool,
    /// Whether it runs on this machine and charges nothing.
    pub is_local: bool,
    /// Where it computes, e.g. `eu`; `null` when nobody said.
    pub region: Option<String>,
    /// Whether it keeps prompts or answers; `null` when nobody said.
    pub keeps_prompts: Option<bool>,
    /// Further credentials, used in turn with the first one.
    pub pool: Vec<PooledCredential>,
    /// How many models it serves.
    pub models: u64,
    /// Its last 24 hours.
    pub last_24h: ProviderActivity,
}

/// A further credential of a provider, never the secret itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PooledCredential {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: CredentialId,
    /// What people call it.
    pub name: String,
    /// Whether it is to be used.
    pub is_enabled: bool,
    /// Where it is and whether it can be read.
    pub credential: CredentialStatus,
}

/// How a provider is doing, as requests see it on this node.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderHealth {
    /// The provider's id.
    #[schema(value_type = String, format = "uuid")]
    pub provider_id: ProviderId,
    /// Its name.
    pub provider: String,
    /// The worst state of what is in use.
    pub state: HealthState,
    /// Its deployments.
    pub deployments: Vec<DeploymentHealth>,
    /// Its credentials, the first one first.
    pub credentials: Vec<CredentialHealth>,
}

/// How a deployment is doing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeploymentHealth {
    /// The deployment's id.
    #[schema(value_type = String, format = "uuid")]
    pub deployment_id: DeploymentId,
    /// The public model.
    pub model: String,
    /// How it is.
    pub state: HealthState,
    /// Until when it rests; `null` when it does not.
    pub resting_until: Option<Time>,
    /// Calls under way.
    pub in_flight: u32,
    /// The time to the first output, in milliseconds; `null` without measurements.
    pub first_output_ms: Option<u32>,
    /// Output tokens in a second; `null` without measurements.
    pub tokens_per_second: Option<u32>,
    /// The share of its recent calls that were served, in thousandths; `null` without measurements.
    pub availability_permille: Option<u16>,
}

/// How a credential is doing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CredentialHealth {
    /// The credential's id; `null` for the provider's first one.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub credential_id: Option<CredentialId>,
    /// What people call it; empty for the first one.
    pub name: String,
    /// How it is.
    pub state: HealthState,
    /// Until when it rests; `null` when it does not.
    pub resting_until: Option<Time>,
    /// Requests that the provider's own limit still allows; `null` when it did not say.
    pub requests_left: Option<u64>,
    /// Tokens that the provider's own limit still allows; `null` when it did not say.
    pub tokens_left: Option<u64>,
    /// When that limit begins again.
    pub limit_resets_at: Option<Time>,
}

/// How something that is called is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// It was not called yet.
    Unknown,
    /// It answers.
    Healthy,
    /// It rests after failures, and one call tries it.
    Probing,
    /// It rests: the provider's own limit is reached.
    RateLimited,
    /// It rests after failures.
    Resting,
}

/// A provider's credential, never the secret itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CredentialStatus {
    /// Where it is kept.
    pub source: CredentialSourceKind,
    /// The environment variable that holds it.
    pub variable: Option<String>,
    /// Whether it can be read.
    pub state: CredentialState,
    /// Why it cannot, and what to do.
    pub detail: Option<String>,
    /// The store that keeps it, in words.
    pub stored_in: Option<String>,
}

/// Where a credential is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialSourceKind {
    /// The provider needs none.
    None,
    /// The secret store in use.
    Stored,
    /// An environment variable.
    Environment,
}

/// Whether a credential can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialState {
    /// It can.
    Ready,
    /// There is none.
    None,
    /// It should be there and cannot be read.
    Unavailable,
}

/// A provider's last 24 hours.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ProviderActivity {
    /// Requests it served or failed.
    pub requests: u64,
    /// Those that failed.
    pub errors: u64,
    /// 95 of 100 were faster than this, in microseconds.
    pub p95_us: Option<u64>,
    /// What they cost.
    pub cost: Cost,
}

/// A credential to use.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialChoice {
    /// None is needed.
    None {},
    /// Keep this secret in the secret store.
    Stored {
        /// The secret; it is never sent back.
        secret: SecretText,
    },
    /// Read an environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
}

/// What a test call found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Diagnosis {
    /// True when requests will work.
    pub is_ok: bool,
    /// What is wrong.
    pub code: Option<DiagnosisCode>,
    /// One sentence for a person.
    pub message: String,
    /// What to do about it.
    pub next_step: Option<String>,
    /// How long the provider took, in microseconds.
    pub latency_us: Option<u64>,
    /// The provider's HTTP status.
    pub status: Option<u16>,
    /// The models it offers.
    pub models: Vec<String>,
}

/// What is wrong with a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub enum DiagnosisCode {
    /// Its address may not be called.
    #[serde(rename = "address.refused")]
    AddressRefused,
    /// Its host name cannot be resolved.
    #[serde(rename = "dns.failed")]
    DnsFailed,
    /// Nothing listens there.
    #[serde(rename = "connect.refused")]
    ConnectRefused,
    /// Nobody answered in time.
    #[serde(rename = "connect.timeout")]
    ConnectTimeout,
    /// The secure connection could not be made.
    #[serde(rename = "tls.failed")]
    TlsFailed,
    /// It refused the credential.
    #[serde(rename = "credential.rejected")]
    CredentialRejected,
    /// The credential cannot be read here.
    #[serde(rename = "credential.unavailable")]
    CredentialUnavailable,
    /// Its quota is used up.
    #[serde(rename = "quota.exhausted")]
    QuotaExhausted,
    /// It has no such model, or does not let the credential use it.
    #[serde(rename = "model.not_found")]
    ModelNotFound,
    /// The path of the base URL does not exist there.
    #[serde(rename = "path.not_found")]
    PathNotFound,
    /// Its answer is not what such an API sends.
    #[serde(rename = "answer.malformed")]
    AnswerMalformed,
    /// It answered with an error of its own.
    #[serde(rename = "upstream.error")]
    UpstreamError,
}

/// Removes the secret of a provider that is not there, or does not use one, any more. That the store
/// fails is no reason to fail the call: nothing refers to the secret.
async fn forget_secret(context: &Context, of: impl Into<Holder>) {
    let of = of.into();
    if let Err(error) = context.secrets.delete(of).await {
        tracing::warn!(%error, provider = %of, "the secret of a provider could not be removed");
    }
}
