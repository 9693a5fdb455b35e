//! Moonshot AI: Kimi.

use super::{Choice, Endpoint, Kind, Variable};

pub const KIND: Kind = Kind {
    id: "moonshot",
    name: "Moonshot (Kimi)",
    base_url: "https://{host}/v1",
    variables: &[Variable {
        name: "host",
        label: "Region",
        hint: "A key works in the region it was made in.",
        default: Some("api.moonshot.ai"),
        choices: &[
            Choice { value: "api.moonshot.ai", label: "International" },
            Choice { value: "api.moonshot.cn", label: "China" },
        ],
    }],
    credential_variables: &["MOONSHOT_API_KEY", "KIMI_API_KEY"],
    endpoints: &[Endpoint::CHAT, Endpoint::RESPONSES, Endpoint::MESSAGES.rooted("/anthropic/v1/messages")],
    // "thinking is enabled but reasoning_content is missing in assistant tool call message" is how it
    // refuses (platform.kimi.ai/docs/guide/use-kimi-k2-thinking-model, read 2026-11-22).
    wants_reasoning: true,
    usage_note: Some("Cached input is in `usage.cached_tokens`."),
    docs_url: "https://platform.kimi.ai/docs/api/overview",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
