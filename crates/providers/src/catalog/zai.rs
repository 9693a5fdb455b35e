//! Z.ai, in China Zhipu.

use super::{Choice, Endpoint, Kind, Variable};

pub const KIND: Kind = Kind {
    id: "zai",
    name: "Z.ai (Zhipu GLM)",
    base_url: "https://{host}/paas/v4",
    variables: &[Variable {
        name: "host",
        label: "Region",
        hint: "A key works in the region it was made in.",
        default: Some("api.z.ai/api"),
        choices: &[
            Choice { value: "api.z.ai/api", label: "International" },
            Choice { value: "api.z.ai/api/coding", label: "International, coding plan" },
            Choice { value: "open.bigmodel.cn/api", label: "China" },
            Choice { value: "open.bigmodel.cn/api/coding", label: "China, coding plan" },
        ],
    }],
    credential_variables: &["ZAI_API_KEY", "ZHIPUAI_API_KEY"],
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::MESSAGES.rooted("/api/anthropic/v1/messages"),
        Endpoint::EMBEDDINGS,
        Endpoint::IMAGES,
        Endpoint::SPEECH,
        Endpoint::TRANSCRIPTIONS,
    ],
    model_list: None,
    // `response_format` knows text and json_object only.
    has_json_schema: false,
    error_note: Some("Codes are numbers as text; 1113 is an empty account and comes as a 429."),
    docs_url: "https://docs.z.ai/guides/develop/openai/python",
    note: Some(
        "It documents no list of models; a test asks for one that is not there and sees whether the key is known.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
