//! MiniMax.

use super::{Choice, Endpoint, Kind, Variable};

pub const KIND: Kind = Kind {
    id: "minimax",
    name: "MiniMax",
    base_url: "https://{host}/v1",
    variables: &[Variable {
        name: "host",
        label: "Region",
        hint: "A key works in the region it was made in.",
        default: Some("api.minimax.io"),
        choices: &[
            Choice { value: "api.minimax.io", label: "International" },
            Choice { value: "api.minimaxi.com", label: "China" },
        ],
    }],
    credential_variables: &["MINIMAX_API_KEY"],
    // Only Anthropic's dialect keeps the thoughts of every model apart from the text.
    endpoints: &[Endpoint::MESSAGES.rooted("/anthropic/v1/messages"), Endpoint::CHAT, Endpoint::RESPONSES],
    error_note: Some("A fault may come as a 200 with `base_resp.status_code` that is not 0."),
    docs_url: "https://platform.minimax.io/docs/api-reference/text-anthropic-api",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
