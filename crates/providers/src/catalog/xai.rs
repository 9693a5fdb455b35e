//! xAI.

use super::{Cancel, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "xai",
    name: "xAI",
    base_url: "https://api.x.ai/v1",
    credential_variables: &["XAI_API_KEY"],
    key_prefixes: &["xai-"],
    // Its edits of images take JSON, and its messages in Anthropic's dialect are given up.
    endpoints: &[Endpoint::RESPONSES, Endpoint::CHAT, Endpoint::IMAGES],
    error_note: Some("A wrong key is a 400, an empty account a 403."),
    cancel: Cancel::StopsBilling,
    docs_url: "https://docs.x.ai/api-reference",
    note: Some("Its chat completions are the older way and give no reasoning back."),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
