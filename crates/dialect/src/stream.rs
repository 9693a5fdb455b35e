//! Streams of answers, whatever their dialect: what is known of one, how it ends, and the
//! translation of one into another dialect.

use bytes::{Bytes, BytesMut};
use megarouter_domain::usage::Usage;
use thiserror::Error;

use crate::canonical::{Delta, Event};
use crate::errors::{ErrorNote, UpstreamErrorBody};
use crate::estimate;

/// A stream on its way to the client: the provider's own bytes watched as they pass, or a
/// [`Translation`].
pub trait Scan: Send {
    /// Takes the next bytes from the provider. After a failure or the end nothing more is forwarded.
    fn push(&mut self, piece: Bytes) -> Scanned;

    /// Ends the scan when the provider's stream has ended, however it did. To be called once.
    fn finish(&mut self) -> Finished;

    /// What is known so far.
    fn facts(&self) -> &StreamFacts;

    /// The last event of a stream that failed after output was sent: the error in the client's
    /// dialect. Nothing that looks like a proper end may follow it.
    fn fail(&mut self, note: &ErrorNote<'_>) -> Bytes;
}

/// Reads a provider's stream, in any cutting, into events.
pub trait Decode: Send {
    /// Takes the next bytes and appends the events that are now known. An error that the provider
    /// reports is `Event::Failed`, not a failure here.
    ///
    /// # Errors
    /// When what came is no stream of this dialect.
    fn push(&mut self, piece: Bytes, events: &mut Vec<Event>) -> Result<(), ScanError>;

    /// The provider's stream has ended: appends what was waiting, and `Event::Done` only if the
    /// stream was complete.
    fn finish(&mut self, events: &mut Vec<Event>);
}

/// Writes events as a stream of a client's dialect.
pub trait Encode: Send {
    /// Writes an event. `Event::Done` writes the dialect's proper end; `Event::Failed` is never given.
    fn write(&mut self, event: Event, out: &mut BytesMut);

    /// Writes an error as the last event of the stream.
    fn fail(&mut self, note: &ErrorNote<'_>, out: &mut BytesMut);
}

/// What is known of a stream so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamFacts {
    /// The provider's latest figures; they are cumulative. `None` until some came.
    pub usage: Option<Usage>,
    /// Whether something useful came: text, reasoning, a refusal, a tool call or sound; not the role.
    pub has_output: bool,
    /// Bytes of generated text so far, as written on the wire.
    pub output_bytes: u64,
    /// Chunks with generated content so far.
    pub output_chunks: u64,
    /// How many choices have ended.
    pub finished_choices: u64,
    /// Whether the dialect's end mark came.
    pub is_done: bool,
    /// The provider's name of the model.
    pub model: Option<String>,
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// `created` of the answer, in seconds since 1970.
    pub created: Option<i64>,
}

impl StreamFacts {
    /// Output tokens so far, estimated: a chunk is at least one, and text counts by its bytes.
    pub fn counted_output(&self) -> u64 {
        self.output_chunks.max(estimate::tokens(self.output_bytes))
    }
}

/// What one piece of the stream gave.
#[derive(Debug, Default)]
#[must_use]
pub struct Scanned {
    /// Whole events for the client; may be empty.
    pub forward: Bytes,
    /// Why the stream cannot go on; `forward` holds what came before. Stop reading.
    pub failure: Option<ScanError>,
}

/// Why a stream cannot go on.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ScanError {
    /// The provider reported an error in its stream.
    #[error("the provider reported an error in its stream")]
    Upstream(UpstreamErrorBody),
    /// An event larger than the limit.
    #[error("the provider sent an event larger than 16 MiB")]
    TooLarge,
    /// Something that is no part of an answer.
    #[error("the provider sent something that is no part of an answer")]
    Malformed,
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The provider said it was done.
    Done,
    /// It stopped before that; the client must be told by an error event, never by a proper end.
    Truncated,
    /// It failed as [`Scanned::failure`] said.
    Failed(ScanError),
}

/// The end of a stream.
#[derive(Debug)]
#[must_use]
pub struct Finished {
    /// The last bytes for the client; may be empty.
    pub forward: Bytes,
    /// How it ended.
    pub end: StreamEnd,
}

/// A stream read in one dialect and written in another.
pub struct Translation {
    decoder: Box<dyn Decode>,
    encoder: Box<dyn Encode>,
    facts: StreamFacts,
    /// Events of the piece at hand; kept for its memory.
    events: Vec<Event>,
    failure: Option<ScanError>,
}

impl Translation {
    /// A translation of a stream that has not begun.
    pub fn new(decoder: Box<dyn Decode>, encoder: Box<dyn Encode>) -> Self {
        Self { decoder, encoder, facts: StreamFacts::default(), events: vec![], failure: None }
    }

    /// Writes the waiting events, up to an error among them.
    fn write(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            if let Event::Failed(said) = event {
                self.failure = Some(ScanError::Upstream(said));
                break;
            }
            self.note(&event);
            self.encoder.write(event, &mut out);
            if self.facts.is_done {
                break;
            }
        }
        events.clear();
        self.events = events;
        out.freeze()
    }

    fn note(&mut self, event: &Event) {
        let facts = &mut self.facts;
        match event {
            Event::Start { id, model, created } => {
                facts.id.clone_from(id);
                facts.model.clone_from(model);
                facts.created = *created;
            }
            Event::Open { opening, .. } => {
                // A call without arguments is output too.
                let is_call = matches!(opening, crate::canonical::Opening::ToolCall { .. });
                facts.has_output |= is_call;
                facts.output_chunks += u64::from(is_call);
            }
            Event::Delta { delta, .. } => {
                let bytes = match delta {
                    Delta::Text(text) | Delta::Arguments(text) => text.len() as u64,
                    Delta::Signature(_) | Delta::Media(_) => 0,
                    Delta::Citation(_) | Delta::Logprobs(_) => return,
                };
                facts.has_output = true;
                facts.output_chunks += 1;
                facts.output_bytes = facts.output_bytes.saturating_add(bytes);
            }
            Event::Finish { .. } => facts.finished_choices += 1,
            Event::Usage(usage) => facts.usage = Some(*usage),
            Event::Done => facts.is_done = true,
            Event::Close { .. } | Event::ServiceTier(_) | Event::Failed(_) => {}
        }
    }
}

impl Scan for Translation {
    fn push(&mut self, piece: Bytes) -> Scanned {
        if self.facts.is_done || self.failure.is_some() {
            return Scanned::default();
        }
        let read = self.decoder.push(piece, &mut self.events);
        let forward = self.write();
        if let Err(failure) = read
            && self.failure.is_none()
            && !self.facts.is_done
        {
            self.failure = Some(failure);
        }
        Scanned { forward, failure: self.failure.clone() }
    }

    fn finish(&mut self) -> Finished {
        let mut forward = Bytes::new();
        if self.failure.is_none() && !self.facts.is_done {
            self.decoder.finish(&mut self.events);
            forward = self.write();
        }
        let end = match &self.failure {
            Some(failure) => StreamEnd::Failed(failure.clone()),
            None if self.facts.is_done => StreamEnd::Done,
            None => StreamEnd::Truncated,
        };
        Finished { forward, end }
    }

    fn facts(&self) -> &StreamFacts {
        &self.facts
    }

    fn fail(&mut self, note: &ErrorNote<'_>) -> Bytes {
        let mut out = BytesMut::new();
        self.encoder.fail(note, &mut out);
        out.freeze()
    }
}
