//! What can go wrong, named after what the caller can do about it.

use std::io;

use megarouter_domain::code::Code;
use thiserror::Error;

/// Why a secret could not be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store is there and must be unlocked by a person first.
    #[error("{0}")]
    Locked(String),
    /// The store cannot be used at all.
    #[error("{0}")]
    Unavailable(String),
    /// This instance keeps no secrets.
    #[error("this instance keeps no secrets (key source `environment`); name an environment variable instead")]
    KeepsNone,
}

impl StoreError {
    /// The stable code that an API answer carries.
    pub const fn code(&self) -> Code {
        match self {
            Self::Locked(_) | Self::Unavailable(_) => Code::CredentialUnavailable,
            Self::KeepsNone => Code::RequestInvalid,
        }
    }
}

/// Why no store could be chosen. All of them are for the operator to mend before the next start.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The passphrase protects nothing.
    #[error(
        "the passphrase for the secrets file is empty, a placeholder or shorter than 8 characters; choose a real one"
    )]
    WeakPassphrase,
    /// The record of the chosen store cannot be read.
    #[error("cannot read which secret store is in use from {file}; choose one with --key-source")]
    Record {
        /// The file's name inside the data folder.
        file: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The choice cannot be recorded.
    #[error("cannot write {file} in the data folder")]
    Write {
        /// The file's name inside the data folder.
        file: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
