//! Fireworks AI.

use super::{Cancel, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "fireworks",
    name: "Fireworks AI",
    base_url: "https://api.fireworks.ai/inference/v1",
    credential_variables: &["FIREWORKS_API_KEY"],
    key_prefixes: &["fw_"],
    endpoints: &[Endpoint::CHAT, Endpoint::MESSAGES, Endpoint::RESPONSES, Endpoint::COMPLETIONS, Endpoint::EMBEDDINGS],
    cancel: Cancel::StopsBilling,
    docs_url: "https://docs.fireworks.ai/tools-sdks/openai-compatibility",
    note: Some("Models are named as in accounts/fireworks/models/gpt-oss-120b."),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
