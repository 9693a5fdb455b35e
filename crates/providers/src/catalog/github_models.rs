//! GitHub Models, which is no more.

use super::{EmbeddingsShape, Endpoint, Kind, ListShape, ModelList, Serves};
use megarouter_domain::dialect::Dialect;

pub const KIND: Kind = Kind {
    id: "github_models",
    name: "GitHub Models",
    base_url: "https://models.github.ai",
    credential_variables: &["GITHUB_TOKEN"],
    headers: &[("x-github-api-version", "2022-11-28")],
    endpoints: &[
        Endpoint::of(Serves::Conversation(Dialect::OpenAiChat), "/inference/chat/completions"),
        Endpoint::of(Serves::Embeddings(EmbeddingsShape::OpenAi), "/inference/embeddings"),
    ],
    model_list: Some(ModelList::OPENAI.at("/catalog/models").shaped(ListShape::OpenAi)),
    // github.com/orgs/community/discussions/203602, read 2026-11-22.
    retired_on: Some("2026-07-30"),
    docs_url: "https://docs.github.com/en/rest/models/inference",
    note: Some("GitHub ended this service on 2026-07-30. The kind is kept for those who had set it up."),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
