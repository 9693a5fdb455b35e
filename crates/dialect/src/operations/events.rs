//! Watching the streams of operations: events that each name their `type`.
//!
//! Bytes pass untouched but for an error, which is taken out. The end is an event of one of the
//! types that say so, or `[DONE]`.

use bytes::{Bytes, BytesMut};
use megarouter_domain::usage::Usage;
use serde_json::Value;

use crate::errors::ErrorNote;
use crate::openai_chat::error;
use crate::sse;
use crate::stream::{Finished, Scan, ScanError, Scanned, StreamEnd, StreamFacts};

/// A watcher of one stream.
#[derive(Debug)]
pub struct EventWatch {
    splitter: sse::Splitter,
    facts: StreamFacts,
    /// The types of the events that end the stream.
    ends: &'static [&'static str],
    /// Reads the figures of an event.
    usage: fn(&Value) -> Option<Usage>,
    failure: Option<ScanError>,
}

impl EventWatch {
    /// A watcher of a stream that has not begun.
    pub fn new(ends: &'static [&'static str], usage: fn(&Value) -> Option<Usage>) -> Self {
        Self { splitter: sse::Splitter::default(), facts: StreamFacts::default(), ends, usage, failure: None }
    }

    fn look(&mut self, whole: &Bytes) -> Scanned {
        let mut forwarded = 0;
        for event in sse::events(whole) {
            if let Err(failure) = self.event(event) {
                self.failure = Some(failure.clone());
                return Scanned { forward: whole.slice(..forwarded), failure: Some(failure) };
            }
            forwarded += event.len();
        }
        Scanned { forward: whole.clone(), failure: None }
    }

    fn event(&mut self, event: &[u8]) -> Result<(), ScanError> {
        let Some(data) = sse::data(event) else { return Ok(()) };
        let text = data.trim_ascii();
        if text == b"[DONE]" {
            self.facts.is_done = true;
        }
        if text.is_empty() || text == b"[DONE]" {
            return Ok(());
        }
        let value: Value = serde_json::from_slice(text).map_err(|_| ScanError::Malformed)?;
        let error = value.get("error").filter(|error| !error.is_null());
        if let Some(said) = error.and_then(error::from_value) {
            return Err(ScanError::Upstream(said));
        }
        if value["type"] == "error" {
            return Err(error::from_value(&value).map_or(ScanError::Malformed, ScanError::Upstream));
        }
        self.note(&value);
        Ok(())
    }

    fn note(&mut self, event: &Value) {
        let text = ["delta", "text"].iter().find_map(|name| event[name].as_str()).map_or(0, str::len);
        let facts = &mut self.facts;
        facts.has_output = true;
        facts.output_chunks += 1;
        facts.output_bytes = facts.output_bytes.saturating_add(text as u64);
        facts.usage = (self.usage)(event).or(facts.usage);
        facts.is_done |= event["type"].as_str().is_some_and(|kind| self.ends.contains(&kind));
    }
}

impl Scan for EventWatch {
    fn push(&mut self, piece: Bytes) -> Scanned {
        if self.failure.is_some() {
            return Scanned::default();
        }
        let Ok(whole) = self.splitter.push(piece) else {
            self.failure = Some(ScanError::TooLarge);
            return Scanned { forward: Bytes::new(), failure: self.failure.clone() };
        };
        self.look(&whole)
    }

    fn finish(&mut self) -> Finished {
        let mut forward = BytesMut::new();
        let rest = self.splitter.finish();
        if self.failure.is_none() && !rest.is_empty() {
            let whole = Bytes::from([rest.trim_ascii_end(), b"\n\n"].concat());
            forward.extend_from_slice(&self.look(&whole).forward);
            if self.failure == Some(ScanError::Malformed) {
                // Half an event is no nonsense: the stream broke off.
                self.failure = None;
            }
        }
        let end = match self.failure.take() {
            Some(failure) => StreamEnd::Failed(failure),
            None if self.facts.is_done => StreamEnd::Done,
            None => StreamEnd::Truncated,
        };
        Finished { forward: forward.freeze(), end }
    }

    fn facts(&self) -> &StreamFacts {
        &self.facts
    }

    fn fail(&mut self, note: &ErrorNote<'_>) -> Bytes {
        error::render_event(note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &str = concat!(
        "event: transcript.text.delta\ndata: {\"type\":\"transcript.text.delta\",\"delta\":\"H\u{e9}\"}\n\n: ping\n\n",
        "data: {\"type\":\"transcript.text.done\",\"text\":\"H\u{e9}\",\"usage\":{\"n\":7}}\n\n",
    );

    fn usage(event: &Value) -> Option<Usage> {
        event["usage"]["n"].as_u64().map(|output| Usage { output: Some(output), ..Usage::UNREPORTED })
    }

    fn watch(pieces: &[&[u8]]) -> (Vec<u8>, StreamEnd, StreamFacts) {
        let mut watch = EventWatch::new(&["transcript.text.done"], usage);
        let mut forwarded = vec![];
        for piece in pieces {
            forwarded.extend_from_slice(&watch.push(Bytes::copy_from_slice(piece)).forward);
        }
        let finished = watch.finish();
        forwarded.extend_from_slice(&finished.forward);
        (forwarded, finished.end, watch.facts().clone())
    }

    #[test]
    fn the_figures_and_the_end_are_found_and_nothing_changes() {
        let (forwarded, end, facts) = watch(&[STREAM.as_bytes()]);
        assert_eq!((forwarded, end), (STREAM.as_bytes().to_vec(), StreamEnd::Done));
        assert_eq!((facts.usage.unwrap().output, facts.has_output), (Some(7), true));
    }

    #[test]
    fn an_error_is_taken_out() {
        for error in ["{\"error\":{\"message\":\"busy\"}}", "{\"type\":\"error\",\"message\":\"busy\"}"] {
            let mut watch = EventWatch::new(&[], usage);
            let scanned = watch.push(Bytes::from(format!("data: {error}\n\n")));
            assert!(scanned.forward.is_empty());
            assert!(matches!(scanned.failure, Some(ScanError::Upstream(said)) if said.message == "busy"));
            assert!(matches!(watch.finish().end, StreamEnd::Failed(_)));
        }
    }

    proptest! {
        #[test]
        fn any_cutting_is_the_same_and_a_stream_cut_short_is_not_done(
            cuts in proptest::collection::vec(0_usize..STREAM.len(), 0..12), end in 0_usize..STREAM.len() - 3,
        ) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let starts = std::iter::once(0).chain(cuts.iter().copied());
            let ends = cuts.iter().copied().chain([STREAM.len()]);
            let pieces: Vec<&[u8]> = starts.zip(ends).map(|(start, end)| &STREAM.as_bytes()[start..end]).collect();
            prop_assert_eq!(watch(&pieces), watch(&[STREAM.as_bytes()]));
            prop_assert_eq!(watch(&[&STREAM.as_bytes()[..end]]).1, StreamEnd::Truncated);
        }
    }
}
