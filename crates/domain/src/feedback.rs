//! What is known of how good an answer was.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::RequestId;
use crate::permille::Permille;

/// One statement on an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The request.
    pub request_id: RequestId,
    /// When it was given.
    pub at: Timestamp,
    /// Who or what says so.
    pub signal: Signal,
    /// How good the answer was.
    pub score: Permille,
    /// What the person adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Arc<str>>,
}

/// Where a statement on an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A person or a program rated it.
    Rated,
    /// A person preferred it to another one, or another one to it.
    Voted,
    /// A model judged it.
    Judged,
    /// The same was asked again right after.
    Regenerated,
    /// A check failed, and a stronger model was asked.
    Escalated,
    /// It did not keep to the schema that was asked for.
    BrokeSchema,
    /// It called a tool with what is no JSON, or one that there is not.
    BrokeTool,
}

impl Signal {
    /// Every signal.
    pub const ALL: &[Self] = &[
        Self::Rated,
        Self::Voted,
        Self::Judged,
        Self::Regenerated,
        Self::Escalated,
        Self::BrokeSchema,
        Self::BrokeTool,
    ];

    /// The stable name, as stored and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rated => "rated",
            Self::Voted => "voted",
            Self::Judged => "judged",
            Self::Regenerated => "regenerated",
            Self::Escalated => "escalated",
            Self::BrokeSchema => "broke_schema",
            Self::BrokeTool => "broke_tool",
        }
    }

    /// How much it counts against a person's word, in thousandths: what is only inferred counts less.
    pub const fn weight(self) -> Permille {
        Permille::clamped(match self {
            Self::Rated | Self::Voted => 1_000,
            Self::Judged => 500,
            Self::BrokeSchema | Self::BrokeTool | Self::Escalated => 400,
            Self::Regenerated => 150,
        })
    }
}
