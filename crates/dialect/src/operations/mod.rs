//! Operations that are no conversations: one file each, all with the same face.

mod body;
pub mod completions;
pub mod embeddings;
pub mod embeddings_call;
mod events;
mod form;
pub mod images;
pub mod moderations;
pub mod pass_through;
pub mod rerank;
pub mod speech;
pub mod transcriptions;

use std::fmt;

use bytes::Bytes;
use megarouter_domain::record::Operation;
use megarouter_domain::usage::Usage;

use crate::answer::{AnswerError, AnswerFacts};
use crate::canonical::Conversation;
use crate::request::{Echo, RequestError};
use crate::stream::Scan;

/// A request of an operation, read in place: it is spliced for the provider, never rebuilt.
pub trait OperationRequest: fmt::Debug + Send + Sync {
    /// The model as the client wrote it.
    fn model(&self) -> &str;

    /// The most that the call can consume, as far as the request tells: what its hold covers.
    fn most(&self) -> Usage;

    /// Whether the client wants the answer piece by piece.
    fn is_streaming(&self) -> bool {
        false
    }

    /// The body for the provider: the client's, but for the provider's model name.
    fn splice(&self, upstream_model: &str) -> Bytes;

    /// What the body is.
    #[expect(clippy::unnecessary_literal_bound, reason = "a form has a boundary of its own in it")]
    fn content_type(&self) -> &str {
        "application/json"
    }

    /// What watches the answer where the client wants it piece by piece; `None` where it never comes so.
    fn scanner(&self, _sends_done: bool) -> Option<Box<dyn Scan>> {
        None
    }

    /// The request as a conversation, for a provider that serves nothing else; `None` where that makes no
    /// sense.
    fn as_conversation(&self) -> Option<AsConversation> {
        None
    }

    /// Reads what an answer says of itself; the answer goes to the client as it is.
    ///
    /// # Errors
    /// When it is an error in disguise, or no answer of this kind.
    fn inspect(&self, body: &[u8]) -> Result<AnswerFacts, AnswerError>;
}

/// An operation as a conversation, and what its answer repeats of the request.
pub type AsConversation = Result<(Conversation, Echo), RequestError>;

/// Checks the request of an operation that is not embeddings, which have two shapes:
/// [`embeddings_call`]. `content_type` is the header's value, for forms.
///
/// # Errors
/// When it is not what the operation takes.
pub fn parse(operation: Operation, content_type: &str, body: Bytes) -> Result<Box<dyn OperationRequest>, RequestError> {
    Ok(match operation {
        Operation::Completions => Box::new(completions::CompletionsRequest::parse(body)?),
        Operation::Images => Box::new(images::ImagesRequest::parse(&body)?),
        Operation::Speech => Box::new(speech::SpeechRequest::parse(&body)?),
        Operation::Transcriptions => Box::new(transcriptions::TranscriptionsRequest::parse(content_type, body)?),
        Operation::Moderations => Box::new(moderations::ModerationsRequest::parse(&body)?),
        Operation::Rerank => Box::new(rerank::RerankRequest::parse(&body)?),
        other => unreachable!("`{}` is no operation of this kind", other.as_str()),
    })
}
