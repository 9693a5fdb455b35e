//! Alibaba Cloud Model Studio: Qwen.

use super::{Choice, Endpoint, Kind, Variable};

pub const KIND: Kind = Kind {
    id: "alibaba",
    name: "Alibaba (Qwen)",
    base_url: "https://{host}/compatible-mode/v1",
    variables: &[Variable {
        name: "host",
        label: "Region",
        hint: "A key works in the region it was made in.",
        default: Some("dashscope-intl.aliyuncs.com"),
        choices: &[
            Choice { value: "dashscope-intl.aliyuncs.com", label: "Singapore" },
            Choice { value: "dashscope-us.aliyuncs.com", label: "US (Virginia)" },
            Choice { value: "dashscope.aliyuncs.com", label: "China (Beijing)" },
            Choice { value: "cn-hongkong.dashscope.aliyuncs.com", label: "Hong Kong" },
        ],
    }],
    // Newer workspaces have hosts of their own, as in WORKSPACE.ap-southeast-1.maas.aliyuncs.com.
    base_url_is_fixed: false,
    credential_variables: &["DASHSCOPE_API_KEY"],
    endpoints: &[Endpoint::CHAT, Endpoint::MESSAGES.rooted("/apps/anthropic/v1/messages"), Endpoint::EMBEDDINGS],
    docs_url: "https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope",
    note: Some(
        "A workspace with a host of its own has the address https://WORKSPACE.REGION.maas.aliyuncs.com/compatible-mode/v1.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
