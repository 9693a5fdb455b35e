//! Corrections of what calls cost.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::shape::{Amount, Cost, Time};

/// What a finished call really cost.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjust {
    /// What it cost, as the provider's bill says.
    pub cost: Amount,
    /// Why, in a few words.
    pub reason: String,
}

/// A correction that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Adjusted {
    /// What the call cost before.
    pub before: Cost,
    /// What it costs since.
    pub after: Cost,
    /// When it was made.
    pub at: Time,
    /// The entry that says so.
    pub entry: u64,
}
