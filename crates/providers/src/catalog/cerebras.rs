//! Cerebras.

use super::{Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "cerebras",
    name: "Cerebras",
    base_url: "https://api.cerebras.ai/v1",
    credential_variables: &["CEREBRAS_API_KEY"],
    key_prefixes: &["csk-"],
    endpoints: &[Endpoint::CHAT, Endpoint::COMPLETIONS],
    output_bound_field: "max_completion_tokens",
    usage_note: Some("`time_info` stands beside the usage and says how long each part took."),
    docs_url: "https://inference-docs.cerebras.ai/resources/openai",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
