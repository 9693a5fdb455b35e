//! Virtual keys.

pub mod change;
pub mod create;
pub mod list;
pub mod revoke;

mod check;

use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::KeyId;
use megarouter_domain::key::{ModelAccess, VirtualKey};
use megarouter_domain::unit::Units;
use megarouter_store::ledger::activity::KeyActivity as Activity;
use megarouter_store::settings::{Everything, Noun};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;
use crate::shape::{Cost, Time};
use crate::units::UnitRef;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const LONG_UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A virtual key, without its text.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Key {
    /// The key's id.
    #[schema(value_type = String, format = "uuid")]
    pub id: KeyId,
    /// A name people recognise.
    pub name: String,
    /// Whom it belongs to and everything that is in, nearest first; empty for the organisation.
    pub owner: Vec<UnitRef>,
    /// The project it works for.
    pub project: Option<UnitRef>,
    /// Enough of the text to recognise it by, e.g. `mr-...a91f`.
    pub hint: String,
    /// The models it may use; `null` for all.
    pub models: Option<Vec<String>>,
    /// Whether a request is refused when its translation would lose something.
    pub is_strict: bool,
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

/// Every key of a configuration.
async fn all(context: &Context, everything: &Everything) -> Result<Vec<Key>, ApiError> {
    let now = context.now();
    let activity = context.questions().key_activity(now.minus(DAY)).await?;
    let snapshot = context.gateway.snapshot();
    let view = |key: &VirtualKey| {
        let is_builtin = key.id == everything.playground_key;
        Key::of(key, is_builtin, activity.get(&key.id).copied().unwrap_or_default(), snapshot.units(), now)
    };
    Ok(everything.keys.iter().map(view).collect())
}

/// One key of a configuration.
async fn one(context: &Context, everything: &Everything, id: KeyId) -> Result<Key, ApiError> {
    let found = all(context, everything).await?.into_iter().find(|key| key.id == id);
    found.ok_or_else(|| ApiError::not_found(Noun::Key, id))
}

impl Key {
    fn of(key: &VirtualKey, is_builtin: bool, activity: Activity, units: &Units, now: Timestamp) -> Self {
        let state = KeyState::of(key, now);
        let is_watched = state == KeyState::Active && !is_builtin;
        Self {
            id: key.id,
            name: key.name.clone(),
            owner: UnitRef::chain(units, key.owner),
            project: key.project.and_then(|project| UnitRef::of(units, project)),
            hint: key.hint.clone(),
            models: match &key.models {
                ModelAccess::All => None,
                ModelAccess::Only(names) => Some(names.clone()),
            },
            is_strict: key.is_strict,
            created_at: key.created_at.into(),
            expires_at: key.expires_at.map(Time),
            revoked_at: key.revoked_at.map(Time),
            state,
            is_builtin,
            last_used_at: activity.last_used_at.map(Time),
            last_24h: KeyActivity { requests: activity.sums.requests, cost: activity.sums.cost().into() },
            flags: if is_watched { flags(key, &activity, now) } else { Vec::new() },
        }
    }
}

impl KeyState {
    /// The state of a key at a time.
    pub(crate) fn of(key: &VirtualKey, now: Timestamp) -> Self {
        if key.revoked_at.is_some() {
            return Self::Revoked;
        }
        if key.is_active(now) { Self::Active } else { Self::Expired }
    }
}

fn flags(key: &VirtualKey, activity: &Activity, now: Timestamp) -> Vec<KeyFlag> {
    let last = activity.last_used_at.unwrap_or(key.created_at);
    let flags = [
        (now.since(last) >= LONG_UNUSED, KeyFlag::Unused30Days),
        (key.expires_at.is_none(), KeyFlag::NoExpiry),
        (key.models == ModelAccess::All, KeyFlag::AllModels),
    ];
    flags.into_iter().filter_map(|(is_raised, flag)| is_raised.then_some(flag)).collect()
}
