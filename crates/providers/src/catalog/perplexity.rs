//! Perplexity.

use megarouter_domain::dialect::Dialect;

use super::{EmbeddingsShape, Endpoint, Kind, ModelList, Serves};

pub const KIND: Kind = Kind {
    id: "perplexity",
    name: "Perplexity",
    base_url: "https://api.perplexity.ai",
    credential_variables: &["PERPLEXITY_API_KEY", "PPLX_API_KEY"],
    key_prefixes: &["pplx-"],
    endpoints: &[
        Endpoint::of(Serves::Conversation(Dialect::OpenAiResponses), "/v1/responses"),
        // Its page still shows Sonar's chat completions, others say that they ended on 2026-09-27
        // (docs.stigg.io/documentation/ai-agents/providers/perplexity, read 2026-11-22).
        Endpoint::CHAT.optional(),
        Endpoint::of(Serves::Embeddings(EmbeddingsShape::OpenAi), "/v1/embeddings"),
    ],
    model_list: Some(ModelList::OPENAI.at("/v1/models")),
    usage_note: Some("An answer also pays for its searches; `usage.cost` has what was charged, in US dollars."),
    docs_url: "https://docs.perplexity.ai/docs/sonar/openai-compatibility",
    docs_date: "2026-11-22",
    note: Some("Models have their maker in front, as in perplexity/sonar or openai/gpt-5.2."),
    ..Kind::HOSTED
};
