//! DeepInfra.

use super::{Cancel, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "deepinfra",
    name: "DeepInfra",
    base_url: "https://api.deepinfra.com/v1/openai",
    credential_variables: &["DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"],
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::COMPLETIONS,
        Endpoint::EMBEDDINGS,
        Endpoint::IMAGES,
        Endpoint::IMAGE_EDITS,
        Endpoint::SPEECH,
        Endpoint::TRANSCRIPTIONS,
    ],
    usage_note: Some("`usage.estimated_cost` is what it charges, in US dollars."),
    cancel: Cancel::StopsBilling,
    docs_url: "https://deepinfra.com/docs/openai_api",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
