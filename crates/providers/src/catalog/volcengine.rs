//! Volcengine Ark: Doubao.

use super::{Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "volcengine",
    name: "Volcengine (Doubao)",
    base_url: "https://ark.cn-beijing.volces.com/api/v3",
    // The international edition has a host of its own.
    base_url_is_fixed: false,
    credential_variables: &["ARK_API_KEY"],
    endpoints: &[Endpoint::CHAT, Endpoint::RESPONSES, Endpoint::EMBEDDINGS, Endpoint::IMAGES],
    model_list: None,
    docs_url: "https://www.volcengine.com/docs/82379/1330310",
    note: Some(
        "Models are called by name or by the id of an inference endpoint, as in ep-20250101000000-abcde. It documents no list of models for API keys.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
