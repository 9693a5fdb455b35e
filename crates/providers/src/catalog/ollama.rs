//! Ollama, on this machine or another of one's own.

use super::{Detection, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "ollama",
    name: "Ollama",
    base_url: "http://127.0.0.1:11434/v1",
    detection: Some(Detection { port: 11434, path: "/", mark: "Ollama is running" }),
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::RESPONSES.optional(),
        Endpoint::MESSAGES.optional(),
        Endpoint::COMPLETIONS,
        Endpoint::EMBEDDINGS,
    ],
    docs_url: "https://docs.ollama.com/api/openai-compatibility",
    note: Some("Lists the models that were pulled; `ollama pull NAME` adds one."),
    docs_date: "2026-11-22",
    ..Kind::LOCAL
};
