//! Novita AI.

use super::{Cancel, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "novita",
    name: "Novita",
    base_url: "https://api.novita.ai/openai/v1",
    credential_variables: &["NOVITA_API_KEY"],
    key_prefixes: &["sk_"],
    endpoints: &[
        Endpoint::CHAT,
        // Only some of its models; which is in its list.
        Endpoint::MESSAGES.rooted("/anthropic/v1/messages").optional(),
        Endpoint::COMPLETIONS,
        Endpoint::EMBEDDINGS,
    ],
    // Charges what it generates whenever the connection is closed, and goes on generating
    // (novita.ai/docs/guides/llm-billing, read 2026-11-22).
    cancel: Cancel::BillsFull,
    docs_url: "https://novita.ai/docs/guides/llm-anthropic-compatibility",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
