//! Providers as the organisation configured them.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;
use crate::id::{CredentialId, ProviderId};
use crate::secret::Secret;

/// Where a provider's credential is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum CredentialSource {
    /// The provider needs none.
    None,
    /// The secret store in use: the operating system's keychain, or the encrypted file.
    Stored,
    /// An environment variable, read at start and when the configuration changes.
    Environment {
        /// Its name.
        variable: String,
    },
}

/// A configured provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The provider's id.
    pub id: ProviderId,
    /// The name it is pinned by, as in `NAME/model`; unique, lower case, no slash.
    pub name: String,
    /// Which record of the provider catalogue describes it, e.g. `openai`.
    pub kind: String,
    /// Where its API is, up to and including the version, e.g. `https://api.openai.com/v1`.
    pub base_url: String,
    /// Where its credential is kept.
    pub credential: CredentialSource,
    /// The wire formats it is called in, most wanted first; empty for those of its kind.
    #[serde(default)]
    pub dialects: Vec<Dialect>,
    /// Whether requests may be sent to it.
    pub is_enabled: bool,
    /// Where it computes, e.g. `eu`; `None` when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether it keeps prompts or answers; `None` when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps_prompts: Option<bool>,
    /// Further credentials, used in turn with the first one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pool: Vec<Pooled>,
}

/// A further credential of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pooled {
    /// Its id, under which the secret store keeps it.
    pub id: CredentialId,
    /// What people call it.
    pub name: String,
    /// Where it is kept.
    pub source: CredentialSource,
    /// Whether it is to be used.
    pub is_enabled: bool,
}

/// A provider's credential, as far as it could be read.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The provider needs none.
    None,
    /// At hand.
    Ready(Arc<Secret>),
    /// It should be there and cannot be read; the text says why and what to do.
    Unavailable(Arc<str>),
}

/// A provider with what the dialer needs to call it.
#[derive(Clone, Debug)]
pub struct Target {
    /// The configured provider.
    pub provider: Provider,
    /// Its credential.
    pub credential: Credential,
    /// Its further credentials, those in use only.
    pub pool: Vec<(CredentialId, Credential)>,
}

/// What a provider says is left of a credential's limits; `None` where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests left.
    pub requests: Option<u64>,
    /// When there are more, from then on.
    pub requests_reset: Option<Duration>,
    /// Tokens left.
    pub tokens: Option<u64>,
    /// When there are more, from then on.
    pub tokens_reset: Option<Duration>,
}

impl Target {
    /// The credentials that it can be called with: `None` stands for the first one, which has no id. None at
    /// all for a provider that is switched off.
    pub fn usable(&self) -> impl Iterator<Item = Option<CredentialId>> {
        let first = (None, &self.credential);
        let pool = self.pool.iter().map(|(id, credential)| (Some(*id), credential));
        let can_be_used = |credential: &Credential| !matches!(credential, Credential::Unavailable(_));
        let is_enabled = self.provider.is_enabled;
        let all = std::iter::once(first).chain(pool);
        all.filter(move |(_, credential)| is_enabled && can_be_used(credential)).map(|(id, _)| id)
    }

    /// The same provider with a credential of its pool as its own; `None` when the pool has none of that id.
    pub fn with(&self, id: CredentialId) -> Option<Self> {
        let (_, credential) = self.pool.iter().find(|(pooled, _)| *pooled == id)?;
        Some(Self { provider: self.provider.clone(), credential: credential.clone(), pool: Vec::new() })
    }
}
