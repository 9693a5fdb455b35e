//! Anthropic.

use super::{Auth, Cancel, Endpoint, Kind, ModelList};

pub const KIND: Kind = Kind {
    id: "anthropic",
    name: "Anthropic",
    base_url: "https://api.anthropic.com/v1",
    auth: Auth::Header("x-api-key"),
    credential_variables: &["ANTHROPIC_API_KEY"],
    key_prefixes: &["sk-ant-"],
    headers: &[("anthropic-version", "2023-06-01")],
    endpoints: &[Endpoint::MESSAGES, Endpoint::COUNT_TOKENS],
    model_list: Some(ModelList::OPENAI.at("/models?limit=1000")),
    usage_note: Some("`message_start` has the input, `message_delta` the whole; input_tokens leaves cached ones out."),
    error_note: Some("529 `overloaded_error` when overloaded; an empty account is a 400."),
    cancel: Cancel::StopsBilling,
    docs_url: "https://platform.claude.com/docs/en/api/messages",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
