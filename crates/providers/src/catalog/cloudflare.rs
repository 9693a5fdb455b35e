//! Cloudflare Workers AI.

use super::{Cancel, Endpoint, Kind, ListShape, ModelList, Variable};

pub const KIND: Kind = Kind {
    id: "cloudflare",
    name: "Cloudflare Workers AI",
    base_url: "https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1",
    variables: &[Variable {
        name: "account",
        label: "Account",
        hint: "The account id from Cloudflare's dashboard: 32 letters and digits.",
        default: None,
        choices: &[],
    }],
    credential_variables: &["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"],
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::RESPONSES.only(|model| model.starts_with("@cf/openai/")),
        Endpoint::EMBEDDINGS,
    ],
    model_list: Some(ModelList {
        path: "/models/search?per_page=1000",
        at_root: false,
        base_url: Some("https://api.cloudflare.com/client/v4/accounts/{account}/ai"),
        shape: ListShape::Cloudflare,
    }),
    error_note: Some("Faults outside of a model come as {\"success\":false,\"errors\":[…]}."),
    cancel: Cancel::StopsBilling,
    docs_url: "https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility",
    note: Some("The token needs the permission Workers AI. Models are named as in @cf/meta/llama-3.1-8b-instruct."),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
