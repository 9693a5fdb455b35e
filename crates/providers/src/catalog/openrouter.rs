//! OpenRouter: many providers behind one key.

use super::{Endpoint, Kind, Serves};

pub const KIND: Kind = Kind {
    id: "openrouter",
    name: "OpenRouter",
    base_url: "https://openrouter.ai/api/v1",
    credential_variables: &["OPENROUTER_API_KEY"],
    key_prefixes: &["sk-or-"],
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::MESSAGES.only(|model| model.starts_with("anthropic/")),
        Endpoint::RESPONSES.only(|model| model.starts_with("openai/")),
        Endpoint::EMBEDDINGS,
        Endpoint::of(Serves::Images, "/images"),
        Endpoint::SPEECH,
        Endpoint::TRANSCRIPTIONS,
        Endpoint::RERANK,
    ],
    // The model list is public.
    credential_path: Some("/key"),
    usage_note: Some("`usage.cost` is what OpenRouter charges, in US dollars."),
    error_note: Some("A fault of the provider behind it may come within a stream, as a chunk with `error`."),
    docs_url: "https://openrouter.ai/docs/api-reference/streaming",
    note: Some("Closing a stream stops the bill with some of its providers only."),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
