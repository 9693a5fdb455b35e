//! xAI.

use super::Kind;

pub const KIND: Kind = Kind {
    id: "xai",
    name: "xAI",
    base_url: "https://api.x.ai/v1",
    credential_variables: &["XAI_API_KEY"],
    key_prefixes: &["xai-"],
    docs_url: "https://docs.x.ai/api",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
