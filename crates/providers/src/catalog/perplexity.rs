//! Perplexity.

use super::{EmbeddingsShape, Endpoint, Kind, ModelList, Serves};
use megarouter_domain::dialect::Dialect;

pub const KIND: Kind = Kind {
    id: "perplexity",
    name: "Perplexity",
    base_url: "https://api.perplexity.ai",
    credential_variables: &["PERPLEXITY_API_KEY", "PPLX_API_KEY"],
    key_prefixes: &["pplx-"],
    endpoints: &[
        Endpoint::CHAT.only(is_sonar),
        Endpoint::of(Serves::Conversation(Dialect::OpenAiResponses), "/v1/responses").only(|model| !is_sonar(model)),
        Endpoint::of(Serves::Embeddings(EmbeddingsShape::OpenAi), "/v1/embeddings"),
    ],
    model_list: Some(ModelList::OPENAI.at("/v1/models")),
    usage_note: Some("Each answer also pays for its searches; `usage.cost` has what was charged, in US dollars."),
    docs_url: "https://docs.perplexity.ai/api-reference/chat-completions-post",
    note: Some(
        "Sonar models search the web for every answer. Models of other makers, such as openai/gpt-5.2, answer as responses only.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};

/// Sonar has no maker in front.
fn is_sonar(model: &str) -> bool {
    !model.contains('/')
}
