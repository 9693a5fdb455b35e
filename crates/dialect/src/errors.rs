//! Errors on their way to a client, and what providers say about theirs. How either is written is
//! each dialect's own.

use megarouter_domain::code::Code;

/// What a provider said was wrong, as far as its body could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamErrorBody {
    /// The text for a person.
    pub message: String,
    /// The class in the provider's word, e.g. `invalid_request_error`, `RESOURCE_EXHAUSTED`.
    pub kind: Option<String>,
    /// The provider's code, e.g. `context_length_exceeded`; a number is given as text.
    pub code: Option<String>,
    /// The field at fault.
    pub param: Option<String>,
}

/// An error to tell a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorNote<'a> {
    /// The HTTP status of the answer; for an error within a stream, the one it would have had.
    pub status: u16,
    /// Our stable code.
    pub code: Code,
    /// What happened and what to do.
    pub message: &'a str,
    /// The field at fault.
    pub param: Option<&'a str>,
}

impl UpstreamErrorBody {
    /// True when the provider's account has no money or quota left: waiting does not help.
    pub fn is_quota_exhausted(&self) -> bool {
        let names = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| {
                matches!(
                    text,
                    "insufficient_quota"
                        | "billing_hard_limit_reached"
                        | "billing_not_active"
                        | "billing_error"
                        | "402"
                )
            })
        };
        names(&self.code) || names(&self.kind) || self.message.contains("credit balance is too low")
    }

    /// True when the provider does not know the model.
    pub fn is_model_unknown(&self) -> bool {
        self.code.as_deref() == Some("model_not_found")
    }

    /// True when the conversation is longer than the model's context. Each provider words it in its
    /// own way, and clients shorten the conversation when they recognise the wording.
    pub fn is_context_length(&self) -> bool {
        const WORDS: [&str; 9] = [
            "prompt is too long",
            "maximum context length",
            "context_length",
            "context length",
            "context window",
            "exceeds the maximum number of tokens",
            "input is too long",
            "too many tokens",
            "reduce the length of the messages",
        ];
        if self.code.as_deref() == Some("context_length_exceeded") {
            return true;
        }
        let message = self.message.to_ascii_lowercase();
        WORDS.iter().any(|words| message.contains(words))
    }

    /// True when the provider is overloaded rather than broken.
    pub fn is_overloaded(&self) -> bool {
        matches!(self.kind.as_deref(), Some("overloaded_error" | "UNAVAILABLE"))
    }
}
