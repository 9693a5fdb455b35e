//! Sealing: Argon2id turns a passphrase into a key, XChaCha20-Poly1305 seals one text with it.
//!
//! Each sealed text is bound to a label, so that two of them cannot be swapped.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use megarouter_domain::secret::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The largest memory that a file may ask for, so that a planted file cannot exhaust the machine.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
/// The most passes that a file may ask for.
const MAX_PASSES: u32 = 16;

/// A key of 256 bits.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; 32]>);

/// How a key is derived from a passphrase; kept beside what it seals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    salt: Bytes,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// A sealed text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    nonce: Bytes,
    sealed: Bytes,
}

/// Bytes, written in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Bytes(Vec<u8>);

impl TryFrom<String> for Bytes {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        BASE64.decode(text).map(Self)
    }
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        BASE64.encode(bytes.0)
    }
}

impl SealKey {
    /// Draws a key.
    pub fn random() -> Self {
        Self(Zeroizing::new(rand::random()))
    }

    /// The key as text for a key file.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64.encode(self.0.as_slice()))
    }

    /// Reads the text of a key file; `None` when it holds no key.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64.decode(text.trim()).ok()?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    /// Seals a text under a label.
    pub fn seal(&self, label: &str, text: &str) -> Sealed {
        let nonce: [u8; 24] = rand::random();
        let sealed = self.seal_bytes(nonce, label.as_bytes(), text.as_bytes());
        Sealed { nonce: Bytes(nonce.to_vec()), sealed: Bytes(sealed) }
    }

    /// Opens a sealed text; `None` when the key, the label or a byte is not the one it was sealed with.
    pub fn open(&self, label: &str, sealed: &Sealed) -> Option<Secret> {
        let nonce: [u8; 24] = sealed.nonce.0.as_slice().try_into().ok()?;
        let text = self.open_bytes(nonce, label.as_bytes(), &sealed.sealed.0)?;
        String::from_utf8(text).ok().map(Secret::new)
    }

    /// Seals bytes together with others that stay readable. No nonce may be used twice with one key.
    pub fn seal_bytes(&self, nonce: [u8; 24], bound: &[u8], bytes: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: bytes, aad: bound };
        self.cipher().encrypt(&XNonce::from(nonce), payload).expect("only a text of more than 256 GiB cannot be sealed")
    }

    /// Opens sealed bytes; `None` when anything is not as it was sealed.
    pub fn open_bytes(&self, nonce: [u8; 24], bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.cipher().decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: bound }).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

impl Derivation {
    /// A derivation with a new salt and the costs that OWASP recommends (19 MiB, 2 passes; read 2026-11).
    pub fn new() -> Self {
        let salt: [u8; 16] = rand::random();
        Self {
            salt: Bytes(salt.to_vec()),
            memory_kib: Params::DEFAULT_M_COST,
            passes: Params::DEFAULT_T_COST,
            lanes: Params::DEFAULT_P_COST,
        }
    }

    /// Derives the key; `None` when the recorded costs are out of bounds.
    pub fn key(&self, passphrase: &Secret) -> Option<SealKey> {
        if self.memory_kib > MAX_MEMORY_KIB || self.passes > MAX_PASSES {
            return None;
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &self.salt.0, key.as_mut_slice())
            .ok()?;
        Some(SealKey(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_same_key_and_label() {
        let key = SealKey::random();
        let sealed = key.seal("a", "sk-secret");
        assert_eq!(key.open("a", &sealed).unwrap().expose(), "sk-secret");
        assert!(key.open("b", &sealed).is_none());
        assert!(SealKey::random().open("a", &sealed).is_none());
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let key = SealKey::random();
        let sealed = key.seal("a", "sk-secret");
        for index in 0..sealed.sealed.0.len() {
            let mut forged = sealed.clone();
            forged.sealed.0[index] ^= 1;
            assert!(key.open("a", &forged).is_none(), "byte {index}");
        }
    }

    #[test]
    fn refuses_costs_that_would_exhaust_the_machine() {
        let derivation = Derivation { memory_kib: u32::MAX, ..Derivation::new() };
        assert!(derivation.key(&Secret::new("correct horse".to_owned())).is_none());
    }

    #[test]
    fn a_key_survives_its_file() {
        let key = SealKey::random();
        let sealed = key.seal("a", "text");
        let read = SealKey::from_text(&format!("{}\n", *key.to_text())).unwrap();
        assert_eq!(read.open("a", &sealed).unwrap().expose(), "text");
        assert!(SealKey::from_text("c2hvcnQ=").is_none());
    }
}
