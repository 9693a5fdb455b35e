//! DeepSeek.

use super::Kind;

pub const KIND: Kind = Kind {
    id: "deepseek",
    name: "DeepSeek",
    base_url: "https://api.deepseek.com/v1",
    credential_variables: &["DEEPSEEK_API_KEY"],
    docs_url: "https://api-docs.deepseek.com/api/create-chat-completion",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
