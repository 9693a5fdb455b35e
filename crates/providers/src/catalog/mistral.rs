//! Mistral.

use megarouter_domain::dialect::Dialect;

use super::{Endpoint, Kind, Serves};

pub const KIND: Kind = Kind {
    id: "mistral",
    name: "Mistral",
    base_url: "https://api.mistral.ai/v1",
    credential_variables: &["MISTRAL_API_KEY"],
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::RESPONSES,
        Endpoint::of(Serves::CountTokens(Dialect::OpenAiResponses), "/responses/input_tokens"),
        Endpoint::EMBEDDINGS,
        Endpoint::TRANSCRIPTIONS,
        Endpoint::MODERATIONS,
    ],
    // Its API refuses fields it does not know and sends the usage without being asked
    // (github.com/openai/openai-agents-python/issues/442, read 2026-11-22).
    supports_stream_usage: false,
    docs_url: "https://docs.mistral.ai/api/",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
