//! OpenAI.

use super::Kind;

pub const KIND: Kind = Kind {
    id: "openai",
    name: "OpenAI",
    base_url: "https://api.openai.com/v1",
    credential_variables: &["OPENAI_API_KEY"],
    key_prefixes: &["sk-proj-", "sk-svcacct-", "sk-admin-"],
    // Reasoning models refuse the older `max_tokens`.
    output_bound_field: "max_completion_tokens",
    docs_url: "https://developers.openai.com/api/reference",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
