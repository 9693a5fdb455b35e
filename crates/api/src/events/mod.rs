//! What happens, as it happens.

pub mod stream;

use serde::Serialize;
use utoipa::ToSchema;

/// What a client should read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Changed {
    /// The kinds of things that changed.
    pub tags: Vec<Tag>,
}

/// A kind of thing that a client keeps a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// Configured providers.
    Providers,
    /// Public models.
    Models,
    /// Virtual keys.
    Keys,
    /// Settings.
    Settings,
    /// Requests and every sum over them.
    Requests,
}
