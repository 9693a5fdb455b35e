//! Groq.

use super::Kind;

pub const KIND: Kind = Kind {
    id: "groq",
    name: "Groq",
    base_url: "https://api.groq.com/openai/v1",
    credential_variables: &["GROQ_API_KEY"],
    key_prefixes: &["gsk_"],
    output_bound_field: "max_completion_tokens",
    docs_url: "https://console.groq.com/docs/openai",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
