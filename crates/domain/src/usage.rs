//! What a call consumed, as disjoint classes of tokens and counts of other units.

use serde::{Deserialize, Serialize};

/// Tokens by class, and units that are not tokens. The token classes do not overlap: their sum is
/// the total.
///
/// `None` means the provider did not report the class; `Some(0)` means it reported none. Each
/// dialect's adapter owns the arithmetic from the wire's overlapping figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Text input, in tokens, that was neither read from nor written to a prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Input tokens read from the provider's prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_read: Option<u64>,
    /// Input tokens written to the provider's prompt cache for its usual time (five minutes).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Input tokens written to the provider's prompt cache for one hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<u64>,
    /// Text output tokens that were not reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Output tokens spent on reasoning, whether shown or hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
    /// Audio input tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<u64>,
    /// Audio output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<u64>,
    /// Image input tokens, where the provider counts them apart from text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_input: Option<u64>,
    /// Image output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_output: Option<u64>,
    /// Images made, where the provider charges by the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<u64>,
    /// Audio heard or spoken, in milliseconds, where the provider charges by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_ms: Option<u64>,
    /// Characters read aloud, where the provider charges by the character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub characters: Option<u64>,
    /// Searches: of the web on the model's behalf, or of documents by a reranker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub searches: Option<u64>,
    /// The class of service the provider says it gave; `None` for its standard one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<ServiceTier>,
}

/// A class of service with a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceTier {
    /// Answered within a day.
    Batch,
    /// Answered when there is room.
    Flex,
    /// Answered before others.
    Priority,
}

impl ServiceTier {
    /// Reads the name providers use; `None` for their standard tiers and for names not known.
    pub fn from_wire(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "batch" => Some(Self::Batch),
            "flex" => Some(Self::Flex),
            "priority" => Some(Self::Priority),
            _ => None,
        }
    }

    /// The stable name, as stored and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }
}

impl Usage {
    /// Nothing reported.
    pub const UNREPORTED: Self = Self {
        input: None,
        cached_read: None,
        cache_write: None,
        cache_write_1h: None,
        output: None,
        reasoning: None,
        audio_input: None,
        audio_output: None,
        image_input: None,
        image_output: None,
        images: None,
        audio_ms: None,
        characters: None,
        searches: None,
        service_tier: None,
    };

    /// All input tokens, cached or not; `None` when no input class was reported.
    pub fn total_input(&self) -> Option<u64> {
        let cache = [self.cached_read, self.cache_write, self.cache_write_1h];
        sum([self.input, sum(cache), self.audio_input, self.image_input])
    }

    /// All output tokens, reasoning included; `None` when no output class was reported.
    pub fn total_output(&self) -> Option<u64> {
        sum([self.output, self.reasoning, self.audio_output, self.image_output])
    }

    /// True when no class and no unit was reported.
    pub fn is_unreported(&self) -> bool {
        Self { service_tier: None, ..*self } == Self::UNREPORTED
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
