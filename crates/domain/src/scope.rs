//! What a hold is charged against.

use serde::{Deserialize, Serialize};

use crate::id::{KeyId, ModelId, OrganizationId, ProviderId, UnitId};
use crate::tag::Tag;

/// One thing that a budget can be set on. A hold names every scope that applies to its request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Scope {
    /// The whole organisation.
    Organization(OrganizationId),
    /// A department, team, project, member or app, with everything below it.
    Unit(UnitId),
    /// A virtual key.
    Key(KeyId),
    /// A provider.
    Provider(ProviderId),
    /// A public model.
    Model(ModelId),
    /// Requests with this tag.
    Tag(Tag),
}
