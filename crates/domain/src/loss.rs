//! What a translation between dialects could not carry.

use serde::{Deserialize, Serialize};

/// One thing that the target did not get as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Loss {
    /// The client's field or content, by its own name: `top_k`, `logprobs`, `messages.image.file_id`.
    /// ASCII letters, digits, `_`, `.`, `-` only.
    pub what: String,
    /// Why.
    pub why: Why,
}

/// Why something was not carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The target has nothing like it.
    Unsupported,
    /// The target has something near it, and got that.
    Approximated,
    /// It is bound to the dialect it came from (signatures, file ids).
    Foreign,
    /// Nobody here knows what it means.
    Unread,
}

impl Why {
    /// The stable name, as stored and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported",
            Self::Approximated => "approximated",
            Self::Foreign => "foreign",
            Self::Unread => "unread",
        }
    }
}
