//! A call passed on as it came: what can be told of it without knowing what it is.
//!
//! Figures are looked for where the four dialects put them. Where there are none, nothing is counted.

use bytes::Bytes;
use megarouter_domain::usage::Usage;
use serde_json::Value;

use crate::errors::ErrorNote;
use crate::fields::{Fields, RequestError};
use crate::stream::{Finished, Scan, ScanError, Scanned, StreamEnd, StreamFacts};
use crate::{anthropic, estimate, gemini, openai_chat, openai_responses, sse};

/// What a JSON body says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassedRequest {
    /// The model it names.
    pub model: Option<String>,
    /// Whether it asks for a stream.
    pub is_streaming: bool,
    /// Input tokens, estimated from all of its text.
    pub counted_input: u64,
}

/// Reads what a JSON body says of itself.
///
/// # Errors
/// When it is no JSON object, or names a host.
pub fn read(body: &[u8]) -> Result<PassedRequest, RequestError> {
    let fields = Fields::read(body)?;
    let model = fields.present("model").and_then(|member| serde_json::from_str(member.value).ok());
    let is_streaming = fields.present("stream").is_some_and(|member| member.value == "true");
    let counted_input = estimate::content(std::str::from_utf8(body).unwrap_or_default()).tokens();
    Ok(PassedRequest { model, is_streaming, counted_input })
}

/// The figures of an answer, or of one event of a stream; `None` where there are none.
pub fn usage(body: &[u8]) -> Option<Usage> {
    // Most events have none, and parsing each of them would cost more than passing it on.
    memchr::memmem::find(body, b"sage")?;
    let value: Value = serde_json::from_slice(body).ok()?;
    if let Some(figures) = value.get("usageMetadata") {
        return gemini::usage::from_wire(figures);
    }
    let places = [&value["usage"], &value["response"]["usage"], &value["message"]["usage"]];
    let figures = places.into_iter().find(|figures| figures.is_object())?;
    match () {
        () if !figures["prompt_tokens"].is_null() => openai_chat::usage::from_wire(figures),
        () if !figures["input_tokens_details"].is_null() => openai_responses::usage::from_wire(figures),
        () => anthropic::usage::from_wire(figures),
    }
}

/// Watches a stream of any kind.
#[derive(Debug, Default)]
pub struct Watch {
    splitter: sse::Splitter,
    facts: StreamFacts,
    /// Set when the stream is no sequence of events: nothing is looked for any more.
    is_opaque: bool,
}

impl Scan for Watch {
    fn push(&mut self, piece: Bytes) -> Scanned {
        self.facts.has_output |= !piece.is_empty();
        self.facts.output_chunks += 1;
        if !self.is_opaque {
            match self.splitter.push(piece.clone()) {
                Ok(whole) => self.look(&whole),
                Err(sse::TooLarge) => self.is_opaque = true,
            }
        }
        Scanned { forward: piece, failure: None::<ScanError> }
    }

    fn finish(&mut self) -> Finished {
        Finished { forward: Bytes::new(), end: StreamEnd::Done }
    }

    fn facts(&self) -> &StreamFacts {
        &self.facts
    }

    /// The dialect is not known: the connection's improper end has to say it.
    fn fail(&mut self, _note: &ErrorNote<'_>) -> Bytes {
        Bytes::new()
    }
}

impl Watch {
    fn look(&mut self, whole: &[u8]) {
        for event in sse::events(whole) {
            if let Some(found) = sse::data(event).as_deref().and_then(usage) {
                self.facts.usage = Some(later(self.facts.usage, found));
            }
        }
    }
}

/// Anthropic tells the input at the beginning and the output at the end.
fn later(before: Option<Usage>, now: Usage) -> Usage {
    let Some(before) = before else { return now };
    Usage {
        input: now.input.or(before.input),
        cached_read: now.cached_read.or(before.cached_read),
        cache_write: now.cache_write.or(before.cache_write),
        cache_write_1h: now.cache_write_1h.or(before.cache_write_1h),
        ..now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_where_each_dialect_puts_them() {
        let found = |text: &str| usage(text.as_bytes()).map(|usage| (usage.total_input(), usage.total_output()));
        let expected = Some((Some(3), Some(4)));
        assert_eq!(found(r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#), expected);
        assert_eq!(found(r#"{"usage":{"input_tokens":3,"output_tokens":4}}"#), expected);
        let details = r#""input_tokens_details":{"cached_tokens":0},"output_tokens_details":{"reasoning_tokens":0}"#;
        assert_eq!(
            found(&format!(r#"{{"response":{{"usage":{{"input_tokens":3,"output_tokens":4,{details}}}}}}}"#)),
            expected
        );
        assert_eq!(found(r#"{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}}"#), expected);
        assert_eq!(found(r#"{"id":"file-1"}"#), None);
    }

    #[test]
    fn a_stream_passes_untouched_and_its_figures_are_noted() {
        let mut watch = Watch::default();
        let pieces = [
            "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,\"output_",
            "tokens\":1}}}\n\nda",
            "ta: {\"usage\":{\"output_tokens\":9}}\n\n",
        ];
        let forwarded: Vec<u8> =
            pieces.iter().flat_map(|piece| watch.push(Bytes::from_static(piece.as_bytes())).forward).collect();
        assert_eq!(forwarded, pieces.concat().as_bytes());
        let usage = watch.facts().usage.unwrap();
        assert_eq!((usage.input, usage.output), (Some(3), Some(9)));
    }
}
