//! Answers that came whole, whatever their dialect.

use megarouter_domain::usage::Usage;
use thiserror::Error;

use crate::errors::UpstreamErrorBody;
use crate::estimate;

/// What an answer says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerFacts {
    /// The provider's figures; `None` when it gave none.
    pub usage: Option<Usage>,
    /// The provider's name of the model.
    pub model: Option<String>,
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// Bytes of generated text, for an estimate; counted only when there are no figures.
    pub output_bytes: u64,
}

impl AnswerFacts {
    /// Output tokens, estimated from the text.
    pub fn counted_output(&self) -> u64 {
        estimate::tokens(self.output_bytes)
    }
}

/// Why a body with a good status is no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AnswerError {
    /// Not the JSON object it should be.
    #[error("the provider answered with something that is no answer of this kind")]
    Malformed,
    /// An error under a good status.
    #[error("the provider answered with an error")]
    Upstream(UpstreamErrorBody),
}
