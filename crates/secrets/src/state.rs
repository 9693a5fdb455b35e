//! What a person is told about the secret store.

use serde::{Deserialize, Serialize};

/// Which store is authoritative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The operating system's keychain.
    Keychain,
    /// `secrets.enc` in the data folder.
    EncryptedFile,
    /// None: environment variables only.
    Environment,
}

impl Kind {
    /// The stable name, as recorded and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::EncryptedFile => "encrypted_file",
            Self::Environment => "environment",
        }
    }
}

/// Whether secrets can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// They can.
    Ready,
    /// A person has to unlock the store first.
    Locked,
    /// The store is missing or broken.
    Unavailable,
}

impl Readiness {
    /// The stable name, as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Locked => "locked",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The store in use and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Which store.
    pub kind: Kind,
    /// Whether it can be used.
    #[serde(rename = "state")]
    pub readiness: Readiness,
    /// One or two sentences for a person: what protects the secrets, or what to do.
    pub detail: String,
}
