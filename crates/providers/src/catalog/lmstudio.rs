//! LM Studio's server.

use super::{Detection, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "lmstudio",
    name: "LM Studio",
    base_url: "http://127.0.0.1:1234/v1",
    // Only LM Studio has this path, and its list may be empty.
    detection: Some(Detection { port: 1234, path: "/api/v0/models", mark: "\"data\"" }),
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::RESPONSES.optional(),
        Endpoint::MESSAGES.optional(),
        Endpoint::COMPLETIONS,
        Endpoint::EMBEDDINGS,
    ],
    docs_url: "https://lmstudio.ai/docs/developer/openai-compat/models",
    note: Some("Its server is started in LM Studio under Developer."),
    docs_date: "2026-11-22",
    ..Kind::LOCAL
};
