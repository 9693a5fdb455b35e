//! Requests to count tokens, whatever their dialect: the one face of what each dialect reads.

use bytes::Bytes;

use crate::request::{ClientRequest, CountRequest, Splice};
use crate::{anthropic, gemini, openai_responses};

impl CountRequest for anthropic::request::AnthropicRequest {
    fn model(&self) -> &str {
        &self.facts().model
    }

    fn counted_input(&self) -> u64 {
        self.facts().counted_input
    }

    fn splice(&self, splice: &Splice<'_>) -> Bytes {
        ClientRequest::splice(self, splice)
    }
}

impl CountRequest for gemini::count::CountRequest {
    fn model(&self) -> &str {
        self.model()
    }

    fn counted_input(&self) -> u64 {
        self.counted_input()
    }

    fn splice(&self, splice: &Splice<'_>) -> Bytes {
        self.splice(splice.upstream_model)
    }
}

impl CountRequest for openai_responses::count::CountRequest {
    fn model(&self) -> &str {
        self.model().unwrap_or_default()
    }

    fn counted_input(&self) -> u64 {
        self.counted_input()
    }

    fn splice(&self, splice: &Splice<'_>) -> Bytes {
        self.splice(splice.upstream_model)
    }
}
