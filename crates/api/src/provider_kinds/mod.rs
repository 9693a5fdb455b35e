//! The providers MegaRouter knows how to talk to.

pub mod list;

use serde::Serialize;
use utoipa::ToSchema;

/// A provider MegaRouter knows how to talk to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderKind {
    /// The stable id, e.g. `openai`.
    pub id: String,
    /// The name people know, e.g. `OpenAI`.
    pub name: String,
    /// Where its API usually is.
    pub base_url: String,
    /// Whether another address makes no sense.
    pub base_url_is_fixed: bool,
    /// Whether it refuses calls without a credential.
    pub needs_credential: bool,
    /// Whether it runs on this machine and charges nothing.
    pub is_local: bool,
    /// Environment variables that usually hold its credential.
    pub credential_variables: Vec<String>,
    /// How its credentials begin.
    pub key_prefixes: Vec<String>,
    /// The provider's own description of its API.
    pub docs_url: String,
    /// When that was read.
    pub docs_date: String,
    /// What a person should know before using it.
    pub note: Option<String>,
}
