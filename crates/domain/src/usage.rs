//! What a call consumed, as disjoint classes of tokens.

use serde::{Deserialize, Serialize};

/// Tokens by class. The classes do not overlap: their sum is the total.
///
/// Units are tokens. `None` means the provider did not report the class; `Some(0)` means it
/// reported none. Each dialect's adapter owns the arithmetic from the wire's overlapping figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Input that was neither read from nor written to a prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Input read from the provider's prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_read: Option<u64>,
    /// Input written to the provider's prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Text output that was not reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Output spent on reasoning, whether shown or hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
    /// Audio input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<u64>,
    /// Audio output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<u64>,
}

impl Usage {
    /// Nothing reported.
    pub const UNREPORTED: Self = Self {
        input: None,
        cached_read: None,
        cache_write: None,
        output: None,
        reasoning: None,
        audio_input: None,
        audio_output: None,
    };

    /// All input tokens, cached or not; `None` when no input class was reported.
    pub fn total_input(&self) -> Option<u64> {
        sum([self.input, self.cached_read, self.cache_write, self.audio_input])
    }

    /// All output tokens, reasoning included; `None` when no output class was reported.
    pub fn total_output(&self) -> Option<u64> {
        sum([self.output, self.reasoning, self.audio_output])
    }

    /// True when no class was reported.
    pub fn is_unreported(&self) -> bool {
        *self == Self::UNREPORTED
    }
}

fn sum<const N: usize>(classes: [Option<u64>; N]) -> Option<u64> {
    classes.into_iter().flatten().reduce(u64::saturating_add)
}

/// Where a usage figure came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The provider's own figure.
    Reported,
    /// Counted here from what was sent and delivered, because the provider's figure did not come.
    Estimated,
    /// Neither: generation may have run, and nothing tells how much.
    Unknown,
}

impl UsageSource {
    /// The stable name, as stored and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }
}
