//! Corrections of what calls cost.

pub mod adjust;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::shape::{Amount, Cost, Time};

/// A correction of what a finished call cost.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjust {
    /// What is added to its cost; negative when it cost less.
    pub amount: Amount,
    /// Why, in a few words.
    pub reason: String,
}

/// A correction that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Adjusted {
    /// What was added.
    pub amount: Amount,
    /// What the whole request costs since.
    pub cost: Cost,
    /// When it was made.
    pub at: Time,
    /// The entry that says so.
    pub entry: u64,
}
