//! Microsoft Foundry: OpenAI's models, Claude and others behind one resource.

use super::azure_openai::RESOURCE;
use super::openai::{has_chat, has_responses};
use super::{Auth, Cancel, Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "azure_foundry",
    name: "Microsoft Foundry",
    base_url: "https://{resource}.services.ai.azure.com/openai/v1",
    variables: &[RESOURCE],
    base_url_is_fixed: false,
    auth: Auth::Header("api-key"),
    credential_variables: &["AZURE_AI_API_KEY", "ANTHROPIC_FOUNDRY_API_KEY"],
    endpoints: &[
        // As Anthropic's own SDK calls it (anthropic 2.x, lib/foundry.py, read 2026-11-22).
        Endpoint::MESSAGES.rooted("/anthropic/v1/messages").with_auth(Auth::Header("x-api-key")).only(is_claude),
        Endpoint::RESPONSES.only(|model| !is_claude(model) && has_responses(model)),
        Endpoint::CHAT.only(|model| !is_claude(model) && has_chat(model)),
        Endpoint::EMBEDDINGS,
    ],
    output_bound_field: "max_completion_tokens",
    has_developer_role: true,
    cancel: Cancel::StopsBilling,
    docs_url: "https://learn.microsoft.com/en-us/azure/foundry-classic/openai/api-version-lifecycle",
    note: Some(
        "Models are called by the names of their deployments. A deployment whose name begins with claude is called in Anthropic's dialect.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};

fn is_claude(model: &str) -> bool {
    model.starts_with("claude")
}
