//! Azure OpenAI by its v1 API, which needs no `api-version`.

use super::openai::{has_chat, has_responses};
use super::{Auth, Cancel, Endpoint, Kind, Variable};

pub const KIND: Kind = Kind {
    id: "azure_openai",
    name: "Azure OpenAI",
    base_url: "https://{resource}.openai.azure.com/openai/v1",
    variables: &[RESOURCE],
    // National clouds and private endpoints have hosts of their own.
    base_url_is_fixed: false,
    auth: Auth::Header("api-key"),
    credential_variables: &["AZURE_OPENAI_API_KEY"],
    endpoints: &[
        Endpoint::RESPONSES.only(has_responses),
        Endpoint::CHAT.only(has_chat),
        Endpoint::EMBEDDINGS,
        Endpoint::IMAGES,
        Endpoint::IMAGE_EDITS,
    ],
    output_bound_field: "max_completion_tokens",
    has_developer_role: true,
    cancel: Cancel::StopsBilling,
    docs_url: "https://learn.microsoft.com/en-us/azure/foundry-classic/openai/api-version-lifecycle",
    note: Some(
        "Models are called by the names of their deployments; the list shows what could be deployed. Deployments should be named after their models, so that those with one dialect only are recognised.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};

pub const RESOURCE: Variable = Variable {
    name: "resource",
    label: "Resource",
    hint: "The name of the Azure resource, the first part of its endpoint.",
    default: None,
    choices: &[],
};
