//! Azure OpenAI by the older API, with a path for each deployment.

use megarouter_domain::dialect::Dialect;

use super::azure_openai::RESOURCE;
use super::{Auth, Cancel, EmbeddingsShape, Endpoint, Kind, ModelList, Serves};

pub const KIND: Kind = Kind {
    id: "azure_deployments",
    name: "Azure OpenAI (deployments)",
    base_url: "https://{resource}.openai.azure.com/openai",
    variables: &[RESOURCE],
    base_url_is_fixed: false,
    auth: Auth::Header("api-key"),
    credential_variables: &["AZURE_OPENAI_API_KEY"],
    // The last version that is generally available; the v1 API took its place.
    endpoints: &[
        Endpoint::of(
            Serves::Conversation(Dialect::OpenAiChat),
            "/deployments/{model}/chat/completions?api-version=2024-10-21",
        ),
        Endpoint::of(Serves::Completions, "/deployments/{model}/completions?api-version=2024-10-21"),
        Endpoint::of(
            Serves::Embeddings(EmbeddingsShape::OpenAi),
            "/deployments/{model}/embeddings?api-version=2024-10-21",
        ),
        Endpoint::of(Serves::Images, "/deployments/{model}/images/generations?api-version=2024-10-21"),
        Endpoint::of(Serves::Transcriptions, "/deployments/{model}/audio/transcriptions?api-version=2024-10-21"),
        Endpoint::of(Serves::Translations, "/deployments/{model}/audio/translations?api-version=2024-10-21"),
    ],
    model_list: Some(ModelList::OPENAI.at("/models?api-version=2024-10-21")),
    cancel: Cancel::StopsBilling,
    docs_url: "https://learn.microsoft.com/en-us/azure/foundry-classic/openai/api-version-lifecycle",
    note: Some(
        "Speaks version 2024-10-21 of the API. Models are called by the names of their deployments. Prefer the kind azure_openai for anything new.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
