//! Whose model it is, which its id says (`us.anthropic.claude-...`, `amazon.nova-pro-v1:0`).
//!
//! `Converse` gives what it has no field for on to the model as it is, in
//! `additionalModelRequestFields`, and each maker has names of its own (Amazon Bedrock user guide,
//! "Inference request parameters and response fields", read 2026-11-22). For a maker that is not
//! listed here, and for an inference profile whose name does not tell, such a field is a loss.

use serde_json::{Value, json};

/// The maker of a model, where that makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Anthropic.
    Claude,
    /// Amazon.
    Nova,
    /// Another.
    Other,
}

impl Family {
    /// The maker of the model of this id.
    pub fn of(model: &str) -> Self {
        if model.contains("anthropic.") {
            Self::Claude
        } else if model.contains("amazon.nova") {
            Self::Nova
        } else {
            Self::Other
        }
    }

    /// Whether its prompts can be cached up to a point.
    pub const fn has_cache_points(self) -> bool {
        matches!(self, Self::Claude | Self::Nova)
    }

    /// Whether a tool's result can say that it failed.
    pub const fn has_result_status(self) -> bool {
        matches!(self, Self::Claude | Self::Nova)
    }

    /// The additional field for the number of tokens to sample from.
    pub fn top_k(self, top_k: u64) -> Option<(&'static str, Value)> {
        match self {
            Self::Claude => Some(("top_k", top_k.into())),
            Self::Nova => Some(("inferenceConfig", json!({"topK": top_k}))),
            Self::Other => None,
        }
    }
}
