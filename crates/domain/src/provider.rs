//! Providers as the organisation configured them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;
use crate::id::ProviderId;
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
}
