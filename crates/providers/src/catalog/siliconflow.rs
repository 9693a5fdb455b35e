//! SiliconFlow.

use super::{Choice, Endpoint, Kind, Variable};

pub const KIND: Kind = Kind {
    id: "siliconflow",
    name: "SiliconFlow",
    base_url: "https://{host}/v1",
    variables: &[Variable {
        name: "host",
        label: "Region",
        hint: "A key works in the region it was made in.",
        default: Some("api.siliconflow.com"),
        choices: &[
            Choice { value: "api.siliconflow.com", label: "International" },
            Choice { value: "api.siliconflow.cn", label: "China" },
        ],
    }],
    credential_variables: &["SILICONFLOW_API_KEY"],
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::MESSAGES,
        Endpoint::EMBEDDINGS,
        Endpoint::IMAGES,
        Endpoint::SPEECH,
        Endpoint::TRANSCRIPTIONS,
        Endpoint::RERANK,
    ],
    docs_url: "https://docs.siliconflow.cn/cn/docs/api/messages-post",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
