//! `llama-server` of llama.cpp.

use super::{Detection, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "llamacpp",
    name: "llama.cpp",
    base_url: "http://127.0.0.1:8080/v1",
    detection: Some(Detection { port: 8080, path: "/v1/models", mark: "llamacpp" }),
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::RESPONSES.optional(),
        Endpoint::MESSAGES.optional(),
        Endpoint::COMPLETIONS,
        Endpoint::EMBEDDINGS,
        Endpoint::RERANK,
    ],
    docs_url: "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
    note: Some("Tools need --jinja, embeddings --embeddings and reranking --reranking when it is started."),
    docs_date: "2026-11-22",
    ..Kind::LOCAL
};
