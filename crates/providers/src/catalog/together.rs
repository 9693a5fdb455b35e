//! Together AI.

use super::{Cancel, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "together",
    name: "Together AI",
    base_url: "https://api.together.ai/v1",
    credential_variables: &["TOGETHER_API_KEY"],
    key_prefixes: &["tgp_v1_"],
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::COMPLETIONS,
        Endpoint::EMBEDDINGS,
        Endpoint::IMAGES,
        Endpoint::SPEECH,
        Endpoint::TRANSCRIPTIONS,
        Endpoint::TRANSLATIONS,
        Endpoint::RERANK,
    ],
    cancel: Cancel::StopsBilling,
    docs_url: "https://docs.together.ai/docs/inference/openai-compatibility",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
