//! vLLM.

use super::{Detection, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "vllm",
    name: "vLLM",
    base_url: "http://127.0.0.1:8000/v1",
    detection: Some(Detection { port: 8000, path: "/v1/models", mark: "\"vllm\"" }),
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::RESPONSES.optional(),
        Endpoint::MESSAGES.optional(),
        Endpoint::COMPLETIONS,
        Endpoint::EMBEDDINGS,
        Endpoint::TRANSCRIPTIONS,
        Endpoint::TRANSLATIONS,
        Endpoint::RERANK,
    ],
    docs_url: "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    note: Some("Needs a key only if it was started with --api-key."),
    docs_date: "2026-11-22",
    ..Kind::LOCAL
};
