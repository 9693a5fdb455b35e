//! NVIDIA's hosted NIM.

use super::{Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "nvidia",
    name: "NVIDIA NIM",
    base_url: "https://integrate.api.nvidia.com/v1",
    credential_variables: &["NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"],
    key_prefixes: &["nvapi-"],
    endpoints: &[Endpoint::CHAT, Endpoint::EMBEDDINGS],
    docs_url: "https://docs.api.nvidia.com/nim/reference/",
    note: Some(
        "Some embedding models want `input_type` in the request. A NIM of your own is of the kind openai_compatible.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
