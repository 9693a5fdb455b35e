//! Cohere.

use super::{Cancel, Endpoint, Kind, ListShape, ModelList};

pub const KIND: Kind = Kind {
    id: "cohere",
    name: "Cohere",
    base_url: "https://api.cohere.ai/compatibility/v1",
    credential_variables: &["COHERE_API_KEY", "CO_API_KEY"],
    endpoints: &[Endpoint::CHAT, Endpoint::EMBEDDINGS, Endpoint::RERANK.rooted("/v2/rerank")],
    model_list: Some(ModelList::OPENAI.rooted("/v1/models?page_size=1000").shaped(ListShape::Cohere)),
    cancel: Cancel::StopsBilling,
    docs_url: "https://docs.cohere.com/docs/compatibility-api",
    note: Some("Documents and citations of its native API are not reached this way."),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
