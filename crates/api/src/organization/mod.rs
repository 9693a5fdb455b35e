//! The organisation itself.

pub mod change;

use serde::Deserialize;
use utoipa::ToSchema;

/// What to change of the organisation.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationChange {
    /// Its name.
    pub name: String,
}
