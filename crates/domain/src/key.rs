//! Virtual keys: what we issue to apps. Only a hash is kept.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::clock::Timestamp;
use crate::id::{KeyId, UnitId};
use crate::secret::Secret;

/// SHA-256 of a virtual key's text. A key holds 256 random bits, so no salt or stretching is needed,
/// and looking it up by its hash tells an attacker nothing by its timing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hashes the text a client presented.
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }

    /// Wraps a hash read from a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyHash")
    }
}

/// Which models a key may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelAccess {
    /// Every model.
    All,
    /// Only models with these public names.
    Only(Vec<String>),
}

/// A key as the gateway sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualKey {
    /// The key's id.
    pub id: KeyId,
    /// A name people recognise; unique among keys that are not revoked.
    pub name: String,
    /// Who it belongs to: a member, an app, a team or a department; `None` for the organisation.
    pub owner: Option<UnitId>,
    /// The project it works for.
    pub project: Option<UnitId>,
    /// Enough of the text to recognise it by: `mr-...a91f`.
    pub hint: String,
    /// The hash of the text; `None` for the built-in key of the playground, which has no text.
    pub hash: Option<KeyHash>,
    /// Which models it may use.
    pub models: ModelAccess,
    /// Whether a request is refused when its translation would lose something.
    pub is_strict: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused for good.
    pub revoked_at: Option<Timestamp>,
}

impl VirtualKey {
    /// True when the key may be used at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Why a text cannot be a virtual key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WeakKeyError {
    /// Too short to be unguessable.
    #[error("a key needs at least 20 characters; leave it out to have one made")]
    TooShort,
    /// Something that cannot travel in a header.
    #[error("a key may hold only visible ASCII characters, without spaces")]
    Unprintable,
    /// A placeholder.
    #[error("this key looks like a placeholder, not like a secret")]
    Placeholder,
}

/// Makes the text of a new key from 256 random bits.
pub fn mint(entropy: &[u8; 32]) -> Secret {
    Secret::new(format!("mr-{}", URL_SAFE_NO_PAD.encode(entropy)))
}

/// Checks a key text that somebody chose.
///
/// # Errors
/// When the text is too easy to guess, or cannot be sent in a header.
pub fn check_strength(text: &str) -> Result<(), WeakKeyError> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(WeakKeyError::Unprintable);
    }
    if text.len() < 20 {
        return Err(WeakKeyError::TooShort);
    }
    let distinct = text.bytes().collect::<std::collections::HashSet<_>>().len();
    if distinct < 5 || text.to_ascii_lowercase().contains("changeme") {
        return Err(WeakKeyError::Placeholder);
    }
    Ok(())
}

/// Enough of a key's text to recognise it by, e.g. `mr-...a91f`.
pub fn hint(text: &str) -> String {
    let prefix = text.split_once('-').map_or("", |(prefix, _)| prefix);
    let prefix = if prefix.len() <= 4 { prefix } else { "" };
    let tail: String = text.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    if prefix.is_empty() { format!("...{tail}") } else { format!("{prefix}-...{tail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_key_is_strong_and_its_hint_short() {
        let key = mint(&std::array::from_fn(|index| u8::try_from(index).unwrap_or(0)));
        assert_eq!(check_strength(key.expose()), Ok(()));
        assert_eq!(hint(key.expose()), "mr-...dHh8");
    }

    #[test]
    fn placeholders_are_refused() {
        assert_eq!(check_strength("changeme-changeme-changeme"), Err(WeakKeyError::Placeholder));
        assert_eq!(check_strength("aaaaaaaaaaaaaaaaaaaaaaaa"), Err(WeakKeyError::Placeholder));
        assert_eq!(check_strength("short"), Err(WeakKeyError::TooShort));
        assert_eq!(check_strength("with a space in the middle"), Err(WeakKeyError::Unprintable));
    }
}
