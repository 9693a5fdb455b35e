//! Virtual keys.

pub mod create;
pub mod list;
pub mod revoke;

use megarouter_domain::id::KeyId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::shape::{Cost, Time};

/// A virtual key, without its text.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Key {
    /// The key's id.
    #[schema(value_type = String, format = "uuid")]
    pub id: KeyId,
    /// A name people recognise.
    pub name: String,
    /// Enough of the text to recognise it by, e.g. `mr-...a91f`.
    pub hint: String,
    /// The models it may use; `null` for all.
    pub models: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Time,
    /// From when on it is refused.
    pub expires_at: Option<Time>,
    /// Since when it is refused for good.
    pub revoked_at: Option<Time>,
    /// Whether it works.
    pub state: KeyState,
    /// Whether it belongs to MegaRouter itself, like the playground's.
    pub is_builtin: bool,
    /// When a request last came with it.
    pub last_used_at: Option<Time>,
    /// Its last 24 hours.
    pub last_24h: KeyActivity,
    /// What somebody should look at.
    pub flags: Vec<KeyFlag>,
}

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It does.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

/// A key's last 24 hours.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct KeyActivity {
    /// Requests that came with it.
    pub requests: u64,
    /// What they cost.
    pub cost: Cost,
}

/// What somebody should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub enum KeyFlag {
    /// No request for 30 days.
    #[serde(rename = "unused_30_days")]
    Unused30Days,
    /// It never expires.
    #[serde(rename = "no_expiry")]
    NoExpiry,
    /// It may use every model.
    #[serde(rename = "all_models")]
    AllModels,
}
