//! Answers that came whole, whatever their dialect.

use megarouter_domain::usage::Usage;
use thiserror::Error;

use crate::canonical::{Media, MediaKind, MediaSource};
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

/// A provider's id of an answer without the prefix of its own dialect, for clients of others to be
/// given one with theirs: at most 44 letters, digits, `_` and `-`; may be empty.
pub(crate) fn id_base(id: &str) -> String {
    let base = ["resp_", "chatcmpl-", "msg_"].iter().find_map(|prefix| id.strip_prefix(prefix)).unwrap_or(id);
    let is_legal = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    base.chars().filter(is_legal).take(44).collect()
}

/// What a client is told of a medium that its dialect has no place for in an answer.
pub(crate) fn told(media: &Media) -> String {
    let what = match media.kind {
        MediaKind::Image => "picture",
        MediaKind::Audio => "sound",
        MediaKind::Video => "film",
        MediaKind::Document => "document",
    };
    match (&media.source, &media.mime) {
        (MediaSource::Text(text), _) => text.clone(),
        (MediaSource::Url(address), _) => format!("[{what}: {address}]"),
        (MediaSource::Base64(_) | MediaSource::FileId(_), Some(mime)) => {
            format!("[The model made a {what} ({mime}), which this API cannot carry.]")
        }
        (MediaSource::Base64(_) | MediaSource::FileId(_), None) => {
            format!("[The model made a {what}, which this API cannot carry.]")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_called_after_the_providers_id() {
        for (id, base) in [("resp_a1", "a1"), ("chatcmpl-b2", "b2"), ("msg_c3", "c3"), ("d/4 é", "d4"), ("", "")] {
            assert_eq!(id_base(id), base);
        }
        assert_eq!(id_base(&"x".repeat(99)).len(), 44);
    }
}
