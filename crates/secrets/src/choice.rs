//! Which store is authoritative: chosen once, recorded, and never changed silently.

use std::fs;
use std::io;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::error::OpenError;
use crate::private_file;
use crate::state::Kind;

/// The file in the data folder that records the choice.
const RECORD: &str = "secret-store.json";

/// Where the operator wants credentials to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// The store recorded in the data folder; on the first start the keychain if it works, else
    /// the encrypted file.
    #[default]
    Auto,
    /// The operating system's keychain.
    Keychain,
    /// The encrypted file.
    File,
    /// Environment variables only.
    Environment,
}

/// A text that names no key source.
#[derive(Debug, Error)]
#[error("`{0}` is no key source; use auto, keychain, file or environment")]
pub struct UnknownKeySource(String);

impl KeySource {
    /// The store that is asked for; `None` when it is left to us.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Self::Auto => None,
            Self::Keychain => Some(Kind::Keychain),
            Self::File => Some(Kind::EncryptedFile),
            Self::Environment => Some(Kind::Environment),
        }
    }
}

impl FromStr for KeySource {
    type Err = UnknownKeySource;

    fn from_str(text: &str) -> Result<Self, UnknownKeySource> {
        match text {
            "auto" => Ok(Self::Auto),
            "keychain" => Ok(Self::Keychain),
            "file" => Ok(Self::File),
            "environment" => Ok(Self::Environment),
            other => Err(UnknownKeySource(other.to_owned())),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    kind: Kind,
}

/// The recorded choice; `None` before the first start.
pub fn recorded(data_dir: &Path) -> Result<Option<Kind>, OpenError> {
    let parse = |text: String| serde_json::from_str::<Record>(&text).map_err(io::Error::from);
    match fs::read_to_string(data_dir.join(RECORD)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => match read.and_then(parse) {
            Ok(record) => Ok(Some(record.kind)),
            Err(source) => Err(OpenError::Record { file: RECORD, source }),
        },
    }
}

/// Records the choice.
pub fn record(data_dir: &Path, kind: Kind) -> Result<(), OpenError> {
    let text = serde_json::to_string(&Record { kind }).map_err(io::Error::from);
    text.and_then(|text| private_file::write(&data_dir.join(RECORD), text.as_bytes()))
        .map_err(|source| OpenError::Write { file: RECORD, source })
}
