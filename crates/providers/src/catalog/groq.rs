//! Groq.

use super::{Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "groq",
    name: "Groq",
    base_url: "https://api.groq.com/openai/v1",
    credential_variables: &["GROQ_API_KEY"],
    key_prefixes: &["gsk_"],
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::RESPONSES,
        Endpoint::EMBEDDINGS,
        Endpoint::SPEECH,
        Endpoint::TRANSCRIPTIONS,
        Endpoint::TRANSLATIONS,
    ],
    output_bound_field: "max_completion_tokens",
    usage_note: Some("`x_groq.usage` repeats a stream's usage in its last chunk."),
    error_note: Some("498 when its flex tier has no capacity; a request above the tokens of a minute is a 413."),
    docs_url: "https://console.groq.com/docs/openai",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
