//! Amazon Bedrock by the endpoint that speaks Anthropic's and OpenAI's dialects.

use super::bedrock::REGION;
use super::{Auth, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "bedrock_mantle",
    name: "Amazon Bedrock (Mantle)",
    base_url: "https://bedrock-mantle.{region}.api.aws/v1",
    variables: &[REGION],
    base_url_is_fixed: false,
    auth: Auth::SigV4 { service: "bedrock-mantle" },
    credential_variables: &["AWS_BEARER_TOKEN_BEDROCK"],
    endpoints: &[
        Endpoint::MESSAGES.rooted("/anthropic/v1/messages").only(is_claude),
        Endpoint::RESPONSES.only(|model| !is_claude(model)),
        Endpoint::CHAT.only(|model| !is_claude(model)),
    ],
    docs_url: "https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html",
    note: Some(
        "Claude in its own dialect, so that nothing is translated. Ids have no region and no version, as in anthropic.claude-haiku-4-5. A few models are served below /openai/v1 instead of /v1: add a second provider with that address for them.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};

fn is_claude(model: &str) -> bool {
    model.starts_with("anthropic.")
}
