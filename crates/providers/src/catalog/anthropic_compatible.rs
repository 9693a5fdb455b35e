//! Any server that speaks Anthropic's dialect.

use super::{Auth, Endpoint, Kind, ModelList};

pub const KIND: Kind = Kind {
    id: "anthropic_compatible",
    name: "Anthropic-compatible",
    base_url_is_fixed: false,
    auth: Auth::Header("x-api-key"),
    needs_credential: false,
    headers: &[("anthropic-version", "2023-06-01")],
    endpoints: &[Endpoint::MESSAGES, Endpoint::COUNT_TOKENS],
    model_list: Some(ModelList::OPENAI.at("/models?limit=1000")),
    docs_url: "https://platform.claude.com/docs/en/api/messages",
    docs_date: "2026-11-22",
    note: Some("Give the address up to and including the version, such as https://api.example.com/anthropic/v1."),
    ..Kind::HOSTED
};
