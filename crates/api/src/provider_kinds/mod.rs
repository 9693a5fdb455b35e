//! The providers MegaRouter knows how to talk to.

pub mod list;

use megarouter_providers::catalog::Kind;
use serde::Serialize;
use utoipa::ToSchema;

/// A provider MegaRouter knows how to talk to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderKind {
    /// The stable id, e.g. `openai`.
    pub id: String,
    /// The name people know, e.g. `OpenAI`.
    pub name: String,
    /// Where its API usually is; empty when only the person knows.
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

impl From<&Kind> for ProviderKind {
    fn from(kind: &Kind) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            id: kind.id.to_owned(),
            name: kind.name.to_owned(),
            base_url: kind.base_url.to_owned(),
            base_url_is_fixed: kind.base_url_is_fixed,
            needs_credential: kind.needs_credential,
            is_local: kind.is_local,
            credential_variables: owned(kind.credential_variables),
            key_prefixes: owned(kind.key_prefixes),
            docs_url: kind.docs_url.to_owned(),
            docs_date: kind.docs_date.to_owned(),
            note: kind.note.map(str::to_owned),
        }
    }
}
