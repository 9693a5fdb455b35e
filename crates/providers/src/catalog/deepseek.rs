//! DeepSeek.

use super::{Auth, Cancel, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "deepseek",
    name: "DeepSeek",
    base_url: "https://api.deepseek.com",
    credential_variables: &["DEEPSEEK_API_KEY"],
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::MESSAGES.rooted("/anthropic/v1/messages").with_auth(Auth::Header("x-api-key")),
    ],
    // `response_format` knows text and json_object only.
    has_json_schema: false,
    // Thinking is on unless switched off, and a history with calls but without their thoughts is
    // refused (api-docs.deepseek.com/guides/thinking_mode, read 2026-11-22).
    wants_reasoning: true,
    usage_note: Some("Cached input is in `prompt_cache_hit_tokens` too."),
    cancel: Cancel::StopsBilling,
    docs_url: "https://api-docs.deepseek.com/api/create-chat-completion",
    note: Some(
        "Prices change with the time of day. In Anthropic's dialect a claude name is answered by a model of DeepSeek's.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
