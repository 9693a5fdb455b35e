//! The chain of hashes that makes an edited entry visible.
//!
//! An entry's hash covers the hash of its predecessor and the exact bytes that are stored, so the
//! chain can be checked without knowing how entries were encoded when they were written.

use sha2::{Digest, Sha256};

use crate::entry::Entry;

/// A link of the chain: SHA-256.
pub type Link = [u8; 32];

/// What comes before the first entry.
pub const GENESIS: Link = [0; 32];

/// The bytes of an entry that are stored and hashed: JSON with the fields in the order of the type.
///
/// # Errors
/// Only when a value cannot be JSON, which no entry holds.
pub fn encode(entry: &Entry) -> Result<String, serde_json::Error> {
    serde_json::to_string(entry)
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// When the text is not an entry.
pub fn decode(encoded: &str) -> Result<Entry, serde_json::Error> {
    serde_json::from_str(encoded)
}

/// The link that follows `previous` for an entry's stored bytes.
pub fn hash(previous: &Link, encoded: &[u8]) -> Link {
    Sha256::new().chain_update(previous).chain_update(encoded).finalize().into()
}

#[cfg(test)]
mod tests {
    use megarouter_domain::clock::Timestamp;

    use super::*;
    use crate::entry::{Epoch, Fact, Lsn};

    #[test]
    fn an_entry_has_one_encoding_for_good() {
        let fact = Fact::Started { version: "0.1.0".into() };
        let entry = Entry { lsn: Lsn(1), epoch: Epoch(1), at: Timestamp::from_micros(0), fact };
        let encoded = encode(&entry).unwrap();
        let expected =
            r#"{"lsn":1,"epoch":1,"at":"1970-01-01T00:00:00.000000Z","fact":{"kind":"started","version":"0.1.0"}}"#;
        assert_eq!(encoded, expected);
        assert_eq!(decode(&encoded).unwrap(), entry);
    }

    #[test]
    fn a_link_depends_on_the_bytes_and_on_everything_before() {
        let first = hash(&GENESIS, b"one");
        assert_ne!(first, hash(&GENESIS, b"two"));
        assert_ne!(hash(&first, b"two"), hash(&GENESIS, b"two"));
    }
}
