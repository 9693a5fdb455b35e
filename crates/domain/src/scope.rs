//! What a hold is charged against.

use serde::{Deserialize, Serialize};

use crate::id::{KeyId, ModelId, OrganizationId, ProviderId};

/// One thing that a budget can be set on. A hold names every scope that applies to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Scope {
    /// The whole organisation.
    Organization(OrganizationId),
    /// A virtual key.
    Key(KeyId),
    /// A provider.
    Provider(ProviderId),
    /// A public model.
    Model(ModelId),
}
