//! OpenRouter: many providers behind one key.

use super::{Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "openrouter",
    name: "OpenRouter",
    base_url: "https://openrouter.ai/api/v1",
    credential_variables: &["OPENROUTER_API_KEY"],
    key_prefixes: &["sk-or-"],
    // The model list is public.
    credential_path: Some("/key"),
    endpoints: &[Endpoint::CHAT, Endpoint::EMBEDDINGS],
    docs_url: "https://openrouter.ai/docs/api-reference/streaming",
    docs_date: "2026-11-22",
    note: Some("Closing a stream stops the bill with some of its providers only."),
    ..Kind::HOSTED
};
